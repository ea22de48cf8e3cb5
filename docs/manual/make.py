#!/usr/bin/env python3
"""Makes the man page and the completions for bash, zsh and fish of one program, out of what the
program itself says of its commands: `--help` and `COMMAND --help`. The build calls it on the
program just built, so that neither can go stale.

    make.py PROGRAM OUTDIR    writes OUTDIR/{man1,bash,zsh,fish}/..."""
import pathlib, re, subprocess, sys

PROGRAMS = ("lictor-ingest", "lictor-query", "lictor-bench")
KEY_FILE = ("LICTOR_KEY_FILE", "The key file of the case, where --key is not given.")
ENVIRONMENT = {
    "lictor-ingest": (
        KEY_FILE,
        ("TMPDIR", "Where temporary files go; /tmp if it is not set."),
    ),
    "lictor-query": (
        KEY_FILE,
        ("LICTOR_PAGER", "What shows text that goes to a terminal, a command of the shell; then PAGER, then "
         "less. Empty or cat: none."),
        ("NO_COLOR", "Not empty: text has no colours (--color always has them nevertheless); matches are between signs (--mark)."),
    ),
    "lictor-bench": (
        KEY_FILE,
        ("TMPDIR", "Where what is measured is written without --scratch; /tmp if it is not set."),
    ),
}

# ---- reading the help -----------------------------------------------------------------------------

# `-j, --threads N`, `--format text|json`, `--format html --output DIR`, `[--format json]`,
# `--with A,B[,C]`, `--all`. One blank divides an option from its value, two or more from what is said
# of it.
OPTION = re.compile(
    r"(?<![\w-])(?:-(?P<brief>\w), )?--(?P<name>[a-z][a-z-]*[a-z])"
    r"(?: (?P<value>[a-z0-9]+(?:(?:\|[a-z0-9]+)+|(?= --|\]|  |$))|[A-Z]+(?:,[A-Z]+)*(?:\[,[A-Z]+\])?(?![\w-])))?"
)
BRIEF = re.compile(r"(?<![\w-])-(?P<brief>[a-zA-Z])(?: (?P<value>[A-Z]+))?(?![\w-])")
QUOTED = re.compile(r"`[^`]*`")  # a command in prose: its options are not those described here
COMMAND = re.compile(r"^  (?P<name>[a-z]+)(?= |$)", re.M)


class Option:
    def __init__(self, name, brief):
        self.name, self.brief = name, brief
        self.placeholder = ""  # of its value; "": it takes none
        self.values = []  # where they are fixed
        self.alone = False  # only single ones were named, `[--format json]`: there may be more
        self.listed = False  # several of them, with commas
        self.says = ""

    def add_value(self, value):
        """`--format html` on one line and `--format text|json` on another are html, text and json."""
        if not value:
            return
        if not value.islower() or not self.placeholder.islower():
            self.placeholder, self.alone = self.placeholder or value, value.islower() and "|" not in value
            return
        self.alone = self.alone and "|" not in value
        values = self.placeholder.split("|")
        self.placeholder = "|".join(values + [v for v in value.split("|") if v not in values])

    def spellings(self):
        return ([f"-{self.brief}"] if self.brief else []) + ([f"--{self.name}"] if self.name else [])

    def takes(self):
        return bool(self.placeholder)

    def repeats(self):
        return bool(re.search(r"several times|again for more|repeatable", self.says))


class Command:
    def __init__(self, name, text):
        self.name, self.text = name, text
        self.usage, _, self.body = text.partition("\n")
        self.usage = self.usage.removeprefix("usage: ")
        self.says = self.body.strip().partition("\n\n")[0].replace("\n", " ")
        self.says = re.split(r"(?<!\.)[.:] ", self.says)[0].rstrip(".:")
        self.options = read_options(self.usage, self.body)
        self.places = read_places(self.usage)


def said_of(lines, at, match):
    """What is said of an option that a line begins with, also on the lines below it."""
    line = lines[at]
    rest = line[match.end():]
    if line[:match.start()].strip() or OPTION.search(QUOTED.sub("", rest)) or not rest.startswith(" "):
        return ""
    column = len(line) - len(rest.lstrip())
    said = [rest.strip()]
    for below in lines[at + 1:]:
        if len(below) - len(below.lstrip()) < min(column, 12) or below.lstrip().startswith("-"):
            break
        said.append(below.strip())
    return " ".join(filter(None, said))


def values_in(option):
    """The values that are fixed: `text|json`; in words, `auto, plain or none`; `LIST … these: a, b`."""
    if option.placeholder.islower():
        return option.placeholder.split("|")
    words = re.sub(r" \([^)]*\)", "", option.says)
    if re.fullmatch(r"\w+(?:, \w+)* or \w+", words):
        return re.split(r", | or ", words)
    listed = re.search(r": (\w+(?:, \w+)+)$", words)
    if option.placeholder == "LIST" and listed:
        option.listed = True
        return listed[1].split(", ")
    return []


def read_options(usage, body):
    found = {}
    lines = [usage, *body.split("\n")]
    for at, line in enumerate(lines):
        blank = QUOTED.sub(lambda m: " " * len(m[0]), line)
        for m in OPTION.finditer(blank):
            o = found.setdefault(m["name"], Option(m["name"], None))
            o.brief = o.brief or m["brief"]
            o.add_value(m["value"])
            o.says = o.says or said_of(lines, at, m)
    briefs = {o.brief for o in found.values()}
    for m in BRIEF.finditer(usage):
        if m["brief"] not in briefs:
            o = found["-" + m["brief"]] = Option("", m["brief"])
            o.placeholder = m["value"] or ""
    for name, says in (("help", "says what this is and ends"), ("version", "prints the version and ends")):
        found.setdefault(name, Option(name, None)).says = says
    found["help"].brief = "h"
    for o in found.values():
        o.values = values_in(o)
    return list(found.values())


def read_places(usage):
    """What stands behind the command in its first form: [("CASE", repeated), …]."""
    text = re.sub(r"\([^()]*\)", "", usage)
    text = text.split(" | ")[0].split(" ", 2)[2]
    text = re.sub(r"\[?(?:-\w+ )*--?[a-z][\w-]*(?: [A-Z]+| [a-z,|]+)?\]?|\[options\]", "", text)
    return [(w.strip("[].").removesuffix("|-"), "..." in w) for w in text.split()]


def kind_of(placeholder):
    """What a word is that stands for this: a "dir", a "file", or neither (None)."""
    words = re.split(r"[|,]", placeholder)
    if placeholder in ("CASE", "DIR", "OUTDIR"):
        return "dir"
    return "file" if any(w in ("FILE", "DUMP", "DELIVERY", "DIR") or "." in w for w in words) else None


class Program:
    def __init__(self, path):
        self.name = pathlib.Path(path).name
        self.path = str(path)
        self.text = self.ask("--help")
        self.version = self.ask("--version").split()[1]
        overview, _, self.exit = self.text.partition("\nExit: ")
        self.exit = " ".join(self.exit.split())
        self.usage, self.says = overview.split("\n")[:2]
        self.usage = self.usage.removeprefix("usage: ")
        self.commands = [Command(n, self.ask(n, "--help")) for n in COMMAND.findall(overview)]
        # "--format: as for search", "[--format json]": a program has one table of options, and what
        # takes a value in one command does so in each
        known = {}
        for o in (o for c in self.commands for o in c.options if o.name and o.takes() and not o.alone):
            known.setdefault(o.name, o)
        for c in self.commands:
            for o in c.options:
                if (not o.takes() or o.alone) and o.name in known:
                    o.placeholder, o.values = known[o.name].placeholder, known[o.name].values

    def ask(self, *words):
        r = subprocess.run([self.path, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        if r.returncode or r.stderr:
            sys.exit(f"{self.name} {' '.join(words)}: {r.returncode}: {r.stderr.decode(errors='replace')}")
        return r.stdout.decode("utf-8")


# ---- man page -------------------------------------------------------------------------------------

ROFF = {"\\": r"\(rs", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", '"': r"\(dq"}


def roff(text):
    """Text that no roff takes for a request, an escape or a sign of typography."""
    def sign(c):
        return ROFF.get(c) or (c if ord(c) < 128 else f"\\[u{ord(c):04X}]")
    return "\n".join((r"\&" if line[:1] in (".", "'") else "") + "".join(map(sign, line))
                     for line in text.split("\n"))


def man_exit(p):
    out = []
    for part in p.exit.rstrip(".").split("; "):
        code, says = part.split(" ", 1)
        out += [".TP", f".B {roff(code)}", roff(says[0].upper() + says[1:] + ".")]
    return out


def man_page(p):
    says = p.says.rstrip(".")
    out = [
        r".\" made from the program's own help by docs/manual/make.py",
        f'.TH {roff(p.name.upper())} 1 "" "Lictor {roff(p.version)}" "Lictor"',
        ".SH NAME", f"{roff(p.name)} \\- {roff(says[0].lower() + says[1:])}",
        ".SH SYNOPSIS", ".nf", f".B {roff(p.usage)}", f".B {roff(p.name)} COMMAND \\-\\-help",
        f".B {roff(p.name)} \\-\\-version", ".fi",
        ".SH DESCRIPTION", roff(p.says), ".PP", "The commands, each with a section below:", ".PP",
        ".EX",
        *(roff(line) for line in p.text.split("\n") if COMMAND.match(line)),
        ".EE", ".SH COMMANDS",
    ]
    for c in p.commands:
        out += [f".SS {roff(c.name)}", ".EX", roff(c.text.rstrip("\n").removeprefix("usage: ")), ".EE"]
    out += [".SH EXIT STATUS", *man_exit(p), ".SH ENVIRONMENT"]
    for name, what in ENVIRONMENT[p.name]:
        out += [".TP", f".B {roff(name)}", roff(what)]
    others = [o for o in PROGRAMS if o != p.name]
    out += [".SH SEE ALSO", f".BR {roff(others[0])} (1),", f".BR {roff(others[1])} (1)", ".PP",
            "Installed with the documentation: QUERY.md, the language of queries; COMMANDS.md, the keys of",
            "machine output; FORMAT.md, every byte of a case."]
    return "\n".join(out) + "\n"


# ---- bash -----------------------------------------------------------------------------------------


def bash(p):
    function = "_" + p.name.replace("-", "_")
    cases, values = [], []
    for c in p.commands:
        options = " ".join(s for o in c.options for s in o.spellings())
        takes = " ".join(s for o in c.options if o.takes() for s in o.spellings())
        places = " ".join((kind_of(w) or "none") for w, _ in c.places)
        more = (kind_of(c.places[-1][0]) or "none") if c.places and c.places[-1][1] else "none"
        cases.append(f"    {c.name}) options='{options}' takes=' {takes} ' places=({places}) more={more} ;;")
        for o in c.options:
            what = " ".join(o.values) or kind_of(o.placeholder) or "none"
            if o.takes():
                pattern = " | ".join(f"{c.name}:{s}" for s in o.spellings())
                values.append(f"    {pattern}) what='{what}' listed={'yes' if o.listed else ''} ;;")
    return f"""# bash completion for {p.name}, made from its own help by docs/manual/make.py
{function}() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} last=${{COMP_WORDS[COMP_CWORD - 1]}} command=${{COMP_WORDS[1]}}
    local options takes more what='' listed='' before='' i n=0 ended=''
    local -a places
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W '{" ".join(c.name for c in p.commands)} --help --version' -- "$word")
        return
    fi
    case $command in
{chr(10).join(cases)}
    *) return ;;
    esac
    # bash divides --format=text into three words
    if [[ $word == '=' ]]; then
        word=''
    elif [[ $last == '=' ]]; then
        last=${{COMP_WORDS[COMP_CWORD - 2]}}
    fi
    for ((i = 2; i < COMP_CWORD; i++)); do
        if [[ $ended ]]; then
            n=$((n + 1))
        elif [[ ${{COMP_WORDS[i]}} == -- ]]; then
            ended=yes
        elif [[ ${{COMP_WORDS[i]}} == -?* ]]; then
            if [[ $takes == *" ${{COMP_WORDS[i]}} "* ]]; then
                i=$((i + 1))
                [[ ${{COMP_WORDS[i]}} != '=' ]] || i=$((i + 1))
            fi
        else
            n=$((n + 1))
        fi
    done
    if [[ ! $ended && $takes == *" $last "* ]]; then
        case $command:$last in
{chr(10).join("    " + v for v in values)}
        esac
    elif [[ ! $ended && $word == -* ]]; then
        what=$options
    else
        what=${{places[n]:-$more}}
    fi
    if [[ $listed && $word == *,* ]]; then
        before=${{word%,*}},
        word=${{word##*,}}
    fi
    case $what in
    none) ;;
    dir) compopt -o dirnames ;; # readline knows about ~ and quotes
    file) compopt -o default ;;
    *) mapfile -t COMPREPLY < <(compgen -P "$before" -W "$what" -- "$word") ;;
    esac
}}
complete -F {function} {p.name}
"""


# ---- zsh ------------------------------------------------------------------------------------------


def zsh_quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def zsh_escaped(text):
    return re.sub(r"([\\:\[\]])", r"\\\1", text)


def zsh_action(placeholder, values, listed):
    if listed:
        return "_sequence compadd - " + " ".join(values)
    if values:
        return f"({' '.join(values)})"
    return {"dir": "_files -/", "file": "_files", None: " "}[kind_of(placeholder)]


def zsh_option(o):
    value = f":{zsh_escaped(o.placeholder)}:{zsh_action(o.placeholder, o.values, o.listed)}" if o.takes() else ""
    says = f"[{zsh_escaped(o.says)}]" if o.says else ""
    many = "*" if o.repeats() else f"({' '.join(o.spellings())})" if len(o.spellings()) > 1 else ""
    for s in o.spellings():
        joined = ("=" if s.startswith("--") else "+") if o.takes() else ""
        yield zsh_quoted(many + s + joined + says + value)


def zsh(p):
    function = "_" + p.name
    cases = []
    for c in p.commands:
        specs = [s for o in c.options for s in zsh_option(o)]
        for at, (word, repeated) in enumerate(c.places, 1):
            specs.append(zsh_quoted(f"{'*' if repeated else at}:{zsh_escaped(word)}:{zsh_action(word, [], False)}"))
        lines = " \\\n".join(f"            {s}" for s in specs)
        cases.append(f"    {c.name})\n        _arguments -S \\\n{lines}\n        ;;")
    commands = "\n".join(f"            {zsh_quoted(c.name + ':' + zsh_escaped(c.says))}" for c in p.commands)
    return f"""#compdef {p.name}
# zsh completion for {p.name}, made from its own help by docs/manual/make.py
{function}() {{
    if (( CURRENT == 2 )); then
        local -a commands=(
{commands}
        )
        _describe -t commands command commands
        compadd - --help --version
        return
    fi
    local command=$words[2]
    shift words
    (( CURRENT-- ))
    case $command in
{chr(10).join(cases)}
    esac
}}
if [ "$funcstack[1]" = "{function}" ]; then
    {function} "$@"
else
    compdef {function} {p.name}
fi
"""


# ---- fish -----------------------------------------------------------------------------------------


def fish_quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def fish_option(o):
    spelled = (f" -s {o.brief}" if o.brief else "") + (f" -l {o.name}" if o.name else "")
    if o.listed:
        value = f" -x -a {fish_quoted('(__fish_append , ' + ' '.join(o.values) + ')')}"
    elif o.values:
        value = f" -x -a {fish_quoted(' '.join(o.values))}"
    elif o.takes():
        value = {"dir": " -x -a '(__fish_complete_directories)'", "file": " -r -F", None: " -x"}[
            kind_of(o.placeholder)]
    else:
        value = ""
    return spelled + value + (f" -d {fish_quoted(o.says)}" if o.says else "")


def fish(p):
    test = "__" + p.name.replace("-", "_") + "_is"
    begin = f"complete -c {p.name}"
    out = [
        f"# fish completion for {p.name}, made from its own help by docs/manual/make.py",
        f"# {test} [COMMAND]: this is the command of the line; without COMMAND: it has none yet",
        f"function {test}", "    set -l words (commandline -opc)",
        '    if test (count $argv) -eq 0', "        test (count $words) -eq 1", "    else",
        '        test (count $words) -gt 1; and test "$words[2]" = "$argv[1]"', "    end", "end",
        f"{begin} -f",
        f"{begin} -n {test} -l help -d 'says what this is and ends'",
        f"{begin} -n {test} -l version -d 'prints the version and ends'",
    ]
    for c in p.commands:
        out.append(f"{begin} -n {test} -a {c.name} -d {fish_quoted(c.says)}")
        when = f"{begin} -n '{test} {c.name}'"
        out += [when + fish_option(o) for o in c.options]
        kinds = {kind_of(w) for w, _ in c.places}
        if "file" in kinds:
            out.append(when + " -F")
        elif "dir" in kinds:
            out.append(when + " -a '(__fish_complete_directories)'")
    return "\n".join(out) + "\n"


# ---------------------------------------------------------------------------------------------------


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    p, out = Program(sys.argv[1]), pathlib.Path(sys.argv[2])
    files = {
        f"man1/{p.name}.1": man_page(p),
        f"bash/{p.name}": bash(p),
        f"zsh/_{p.name}": zsh(p),
        f"fish/{p.name}.fish": fish(p),
    }
    for path, text in files.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
