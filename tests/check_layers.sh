#!/usr/bin/env bash
# Proves the direction of the folders: by #include lines and by the DEPENDS of CMakeLists.txt
# (a static library can only be linked with what stands there).
# Ends in "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 2

# folder -> folders whose headers it may include
declare -A may=(
    [base]="base"
    [text]="text base"
    [delivery]="delivery base"
    [store]="store base"
    [indexer]="indexer base text delivery store"
    [query]="query base text store"
    [bench]="bench base text delivery store indexer query"
)
# public header -> folder that implements it ("any": inline, over a library)
declare -A owner=()
own() { local folder=$1 h; shift; for h; do owner[$h]=$folder; done; }
own base confine err bytes arena pages chan utf8 timestamp json_out os thread cli
own text grapheme words zone
own delivery age inflate record spool body_keys minisign dump_write minisign
own store query_log casefile blocks content copies pairs section segment term
own any sha256 hash
# library header (as a pattern) -> folders that may include it
declare -A library=(
    ['unicode/']="text"
    ['seccomp.h']="base"
    ['sodium']="delivery store"
    ['openssl/']="delivery store"
    ['zstd']="delivery store"
    ['xxhash']="store"
    ['streamvbyte']="store"
    ['pcre2']="query"
    ['sqlite3']=""
    ['roaring/']="store query"
)

passed=0 failed=0
pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "layers: $*"; }
has() { [[ " $1 " == *" $2 "* ]]; }

check_include() { # file folder included-name
    local file=$1 folder=$2 name=$3 to
    if [[ $name == lictor/* ]]; then
        to=${name#lictor/}
        to=${owner[${to%.h}]:-}
        [ -n "$to" ] || { fail "$file: $name belongs to no folder (name it in $0)"; return; }
        if [ "$to" = any ]; then
            [ "$folder" != base ] || { fail "$file includes $name"; return; }
        else
            has "${may[$folder]}" "$to" || { fail "$file includes $name, which is $to's"; return; }
        fi
    elif [[ $name == */* && -n ${may[${name%%/*}]:-} ]]; then
        # A folder's own headers are private to it; only bench measures from the inside.
        to=${name%%/*}
        [ "$to" = "$folder" ] || [ "$folder" = bench ] ||
            { fail "$file includes $name, private to $to"; return; }
    else
        local pattern
        for pattern in "${!library[@]}"; do
            [[ $name == "$pattern"* ]] || continue
            has "${library[$pattern]} bench" "$folder" ||
                { fail "$file includes $name: not a library of $folder"; return; }
        done
    fi
    pass
}

for folder in "${!may[@]}"; do
    for file in "$folder"/*.[ch]; do
        [ -e "$file" ] || continue
        while read -r name; do
            check_include "$file" "$folder" "$name"
        done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]([^>"]+)[>"].*/\1/p' "$file")
    done
done
for file in include/lictor/*.h; do
    header=$(basename "$file" .h)
    folder=${owner[$header]:-}
    [ -n "$folder" ] || { fail "$file belongs to no folder (name it in $0)"; continue; }
    [ "$folder" = any ] && continue
    while read -r name; do
        check_include "$file" "$folder" "$name"
    done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]([^>"]+)[>"].*/\1/p' "$file")
done

# The link: lictor_library(folder … DEPENDS a b …).
while read -r folder depends; do
    [ -n "${may[$folder]:-}" ] || { fail "CMakeLists.txt: unknown folder $folder"; continue; }
    for to in $depends; do
        if has "${may[$folder]}" "$to"; then pass; else fail "CMakeLists.txt: $folder DEPENDS $to"; fi
    done
done < <(tr '\n' ' ' <CMakeLists.txt | grep -oE 'lictor_library\([^)]*\)' |
    sed -E 's/lictor_library\(([a-z]+).*DEPENDS([a-z ]*).*/\1 \2/; s/lictor_library\(([a-z]+).*/\1/')

# What lictor-query must not be able to do, seen in the program itself where it is built.
program=build/release/lictor-query
if [ -x "$program" ] && command -v nm >/dev/null; then
    if nm "$program" | grep -qE ' [Tt] (age_reader|age_identit|inflate_open|record_parse)'; then
        fail "$program holds code that opens deliveries"
    else
        pass
    fi
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
