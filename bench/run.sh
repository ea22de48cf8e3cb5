#!/usr/bin/env bash
# Measures the whole way on a synthetic delivery and prints a Markdown table; --record also writes it
# to bench/results/. Called by ./dev bench. Ratios are within one run: machines are shared and noisy.
#   bench/run.sh [--messages N] [--record]
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
messages=400000 record=
while [ $# -gt 0 ]; do
    case $1 in
    --messages) messages=${2:?--messages N}; shift 2 ;;
    --record) record=1; shift ;;
    *) echo "bench: $1: no such option (--messages N, --record)" >&2; exit 2 ;;
    esac
done
bin=$PWD/build/bench
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

seconds() { # command…: wall seconds
    local start end
    start=$(date +%s%N)
    "$@" >/dev/null 2>&1 || [ $? -eq 1 ]
    end=$(date +%s%N)
    awk -v n=$((end - start)) 'BEGIN { printf "%.2f", n / 1e9 }'
}
floor() { for f in "$work"/d/dumps/*; do age -d -i "$work/d/case.agekey" "$f" | zstd -dcq; done; }
ingest() { # threads
    rm -rf "$work/case" "$work/key"
    "$bin/lictor-ingest" init "$work/case" --key "$work/key"
    "$bin/lictor-ingest" add "$work/case" --key "$work/key" -i "$work/d/case.agekey" -j "$1" \
        "$work/d/dumps"
}
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

generate=$(seconds "$bin/lictor-bench" generate "$work/d" --messages "$messages")
records=$(jq .records "$work/d/truth.json")
found=$(jq .messages "$work/d/truth.json")
floor=$(seconds floor)
one=$(seconds ingest 1)
two=$(seconds ingest 2)
size=$(du -sb "$work/case" | cut -f1)
{
    echo "# $(date -u +%Y-%m-%d), commit $(git rev-parse --short HEAD)"
    echo
    echo "Command: \`./dev bench --messages $messages\`. Machine: $(nproc) x $(sed -n \
        's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(awk '/MemTotal/ { printf "%.0f GB",
        $2 / 1048576 }' /proc/meminfo), load $(cut -d' ' -f1 /proc/loadavg) at the end."
    echo
    echo "| what | value |"
    echo "|---|---|"
    echo "| records, messages | $records, $found |"
    echo "| generate | $generate s, $(ratio "$records" "$generate") records/s |"
    echo "| age -d, zstd -d of the dumps, one process each | $floor s |"
    echo "| add, 1 thread | $one s, $(ratio "$one" "$floor") x the line above |"
    echo "| add, 2 threads | $two s, $(ratio "$records" "$two") records/s, $(ratio "$two" "$floor") x |"
    echo "| case, sealed | $(ratio "$size" "$found") bytes a message |"
} | tee "$work/table.md"
if [ -n "$record" ]; then
    mkdir -p bench/results
    cp "$work/table.md" "bench/results/$(date -u +%Y-%m-%d)-$(git rev-parse --short HEAD).md"
fi
