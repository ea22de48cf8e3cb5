"""Man pages and completions: all that the programs' help names stands in them, each option in them is
one that the program takes, they render without warnings, and the shells complete with them."""
import os, re, shutil, sys

from lictor_cli import BENCH, BIN, INGEST, QUERY, TMP, check, each, finish, pathlib, run, subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAKE = ROOT / "docs" / "manual" / "make.py"
OUT = TMP / "manual"
PROGRAMS = {pathlib.Path(p).name: p for p in (INGEST, QUERY, BENCH)}
LONG = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")
VARIABLE = re.compile(r"^\.B ([A-Z][A-Z_]+)$", re.M)


def skip(what):
    print("skipped:", what, flush=True)


def help_of(program, *command):
    return run(PROGRAMS[program], *command, "--help").stdout.decode()


def commands_of(program):
    return re.findall(r"^  ([a-z]+) ", help_of(program).split("\nExit:")[0], re.M)


def takes(program, command, option):
    """Whether the program itself knows the option."""
    r = run(PROGRAMS[program], command, option)
    return b"no such option" not in r.stderr and b"unrecognized option" not in r.stderr


def plain(page):
    """The text of a page for whoever searches it: our escapes undone."""
    for escape, sign in ((r"\-", "-"), (r"\(aq", "'"), (r"\(ga", "`"), (r"\(ha", "^"), (r"\(ti", "~"),
                         (r"\(dq", '"'), (r"\&", ""), (r"\(rs", "\\")):
        page = page.replace(escape, sign)
    return re.sub(r"\\\[u([0-9A-F]+)\]", lambda m: chr(int(m[1], 16)), page)


def made(program):
    return {
        "man": OUT / "man1" / (program + ".1"),
        "bash": OUT / "bash" / program,
        "zsh": OUT / "zsh" / ("_" + program),
        "fish": OUT / "fish" / (program + ".fish"),
    }


def complete(program, *words):
    """What bash proposes for the last word; "compopt: …" stands for readline's own file names."""
    script = """source "$1"; shift; compopt() { printf '%s\\n' "compopt: $*"; }
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        "_${1//-/_}" && printf '%s\\n' "${COMPREPLY[@]}" """
    r = run("bash", "-c", script, "bash", made(program)["bash"], program, *words)
    check(r.returncode == 0 and not r.stderr, f"bash completes {words}", r.stderr)
    return [line for line in r.stdout.decode().split("\n") if line]


def language():
    """Who reads only `search --help` learns that each form is there."""
    text = help_of("lictor-query", "search")
    page = (ROOT / "docs" / "QUERY.md").read_text()
    fields = re.findall(r"`([a-z0-9]+):", page.split("## Fields")[1].split("**Values.**")[0])
    check(len(fields) > 15, "fields of QUERY.md", fields)
    for form in (*(f + ":" for f in sorted(set(fields))), "NEAR/", "PRE/", "THEN/10m", "THEN/3msg", "by:same", "by:other", "NOT", "OR", "~1", '"~'):
        check(form in text, f"search --help has {form}")


# ---- tests ----------------------------------------------------------------------------------------


def everything_of_the_help_is_there():
    for program in PROGRAMS:
        files = made(program)
        page = plain(files["man"].read_text())
        zsh, fish = files["zsh"].read_text(), files["fish"].read_text()
        commands = commands_of(program)
        check(len(commands) > 4 and complete(program, "") == [*commands, "--help", "--version"],
              f"{program}: bash has the commands")
        for c in commands:
            name, text = f"{program} {c}", help_of(program, c).removeprefix("usage: ")
            check(f"\n.SS {c}\n" in page and text.rstrip("\n") in page, f"{name}: help in the man page")
            check(f"'{c}:" in zsh and f" -a {c} " in fish, f"{name}: the command in zsh, fish")
            options = {o for o in LONG.findall(text) if takes(program, c, o)} | {"--help", "--version"}
            proposed = {o for o in complete(program, c, "-") if o.startswith("--")}
            check(options == proposed, f"{name}: options in bash", options ^ proposed)
            part = re.search(rf"^    {c}\)$(.*?)^        ;;$", zsh, re.M | re.S)[1]
            proposed = set(re.findall(r"--[a-z-]*[a-z](?=[=\['])", re.sub(r"\([^)]*\)--", "--", part)))
            check(options <= proposed, f"{name}: options in zsh", options - proposed)
            proposed = set(re.findall(rf"_is {c}' (?:-s \w )?-l (\S+)", fish))
            check(options == {"--" + o for o in proposed}, f"{name}: options in fish", proposed)


def every_option_is_one_of_the_program():
    for program in PROGRAMS:
        for c in commands_of(program):
            for o in complete(program, c, "-"):
                check(takes(program, c, o), f"{program} {c} takes {o}")


def every_value_is_one_of_the_option():
    for name, program in PROGRAMS.items():
        # lictor-query asks for the case before it weighs options; it writes nothing into one
        words = [TMP / "no-case", "x"] if program == QUERY else []
        for c in commands_of(name):
            for o in complete(name, c, "-"):
                for v in complete(name, c, o, ""):
                    if v.startswith("compopt:"):
                        continue
                    said = run(program, c, *words, o, v).stderr.decode().split("\n")[0]
                    refused = re.search(rf"{o} takes|not a value|{o} {v}: (?!goes with)", said)
                    check(not refused, f"{name} {c} {o} {v}", said)


def sections_and_environment():
    for program, path in PROGRAMS.items():
        page = made(program)["man"].read_text()
        check(re.findall(r"^\.SH (.*)", page, re.M) == [
            "NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "EXIT STATUS", "ENVIRONMENT", "SEE ALSO"],
            f"{program}: sections")
        status = re.findall(r"^\.B (\d+)$", page, re.M)
        check({"0", "2", "3", "130"} <= set(status), f"{program}: exit status", status)
        binary = pathlib.Path(path).read_bytes()
        variables = VARIABLE.findall(page)
        check("LICTOR_KEY_FILE" in variables, f"{program}: the key file", variables)
        for v in variables:
            check(b"\0" + v.encode() + b"\0" in binary, f"{program} reads {v}")
    check({"LICTOR_PAGER", "NO_COLOR"} <= set(VARIABLE.findall(made("lictor-query")["man"].read_text())),
          "lictor-query: pager and colours")


def pages_render():
    if not shutil.which("groff"):
        return skip("man pages with groff, which is not here")
    for program in PROGRAMS:
        r = run("groff", "-ww", "-man", "-Tutf8", "-P-cbou", "-rLL=78n", made(program)["man"])
        check(r.returncode == 0 and not r.stderr, f"{program}: groff without a warning", r.stderr)
        shown = [line.strip() for line in r.stdout.decode().split("\n")]
        for c in commands_of(program):
            for line in help_of(program, c).removeprefix("usage: ").split("\n"):
                if not check(line.strip() in shown, f"{program} {c}: shown as it is", line):
                    break


def hostile_help():
    """A help that would be requests and escapes of roff, or commands of a shell, is text."""
    fake = TMP / "lictor-query"
    fake.write_text("""#!/bin/sh
case "$*" in
--help) printf '%s\\n' 'usage: lictor-query COMMAND' "Finds \\\\n(.s 'it'." '' '  find CASE' '' 'Exit: 0 found; 2 usage.' ;;
--version) echo lictor-query 1 ;;
*) printf '%s\\n' 'usage: lictor-query find CASE' '' ".so /etc/passwd" "'br" 'é \\\\*[x] ...' '' \
  "  --form a|b           it's [a]: \\$(touch $0.run) \\`touch $0.run\\`" ;;
esac
""")
    fake.chmod(0o755)
    out = TMP / "hostile"
    r = run(sys.executable, MAKE, fake, out)
    check(r.returncode == 0, "a hostile help is read", r.stderr)
    page = (out / "man1" / "lictor-query.1").read_text()
    check("\n\\&.so /etc" in page and "\n\\&\\(aqbr" in page and "\\(rs*[x]" in page and page.isascii(),
          "roff is escaped", page)
    shells = [("bash", "bash/lictor-query", "source {}"), ("fish", "fish/lictor-query.fish", "source {}"),
              ("zsh", "zsh/_lictor-query", "compdef() {{ :; }}; source {}")]
    for shell, path, how in shells:
        if shutil.which(shell):
            r = run(shell, "-c", how.format(out / path))
            check(r.returncode == 0 and not r.stderr, f"{shell} reads it", r.stderr)
    check(not pathlib.Path(str(fake) + ".run").exists(), "nothing of a help is run")


def bash_completes():
    q, i, b = "lictor-query", "lictor-ingest", "lictor-bench"
    for want, program, *words in (
        (["thread", "terms", "timeline"], q, "t"),
        (["--sort"], q, "search", "case", "word", "--so"),
        (["jsonl", "json"], q, "search", "case", "--format", "j"),
        (["text", "jsonl", "json", "csv", "svg"], q, "gaps", "case", "--format", ""),
        (["graphml"], q, "contacts", "case", "--format", "=", "g"),
        (["html"], q, "search", "case", "--format", "h"),
        (["jsonl", "json"], q, "scan", "--format", "=", "j"),
        (["text", "json"], b, "floor", "--format", "="),
        (["hour", "day", "week", "month"], q, "timeline", "case", "--by", ""),
        (["compopt: -o default"], q, "search", "case", "--key", ""),
        (["compopt: -o dirnames"], q, "search", ""),
        (["compopt: -o dirnames"], q, "search", "--limit", "5", ""),
        ([], q, "search", "case", "wor"),
        ([], q, "search", "--limit", ""),
        ([], q, "search", "case", "--", "--so"),
        ([], q, "nonsense", "--"),
        (["compopt: -o default"], q, "batch", "case", ""),
        (["compopt: -o default"], i, "add", "--key", "k", "case", "-i", "id", "dump", ""),
        (["compopt: -o default"], i, "add", "case", "-i", ""),
        (["text", "json"], i, "status", "case", "--format", ""),
        (["complete,refused"], i, "ledger", "case", "--state", "complete,r"),
        (["-j"], i, "compact", "case", "-j"),
        (["handsets", "server"], b, "generate", "--shape", ""),
        (["ascii"], b, "generate", "out", "--scripts", "a"),
    ):
        got = complete(program, *words)
        check(got == want, f"bash: {program} {' '.join(words)}", got)


def shells_read_them():
    for shell in ("bash", "zsh", "fish"):
        if not shutil.which(shell):
            skip(f"{shell} completions with {shell}, which is not here")
            continue
        for program in PROGRAMS:
            r = run(shell, "-n", made(program)[shell])
            check(r.returncode == 0 and not r.stderr, f"{shell} -n: {program}", r.stderr)
    if shutil.which("fish"):
        ask = f"source {made('lictor-query')['fish']}; complete -C 'lictor-query gaps c --format '"
        r = run("fish", "-c", ask, env={**os.environ, "HOME": str(TMP)})
        check({"text", "svg"} <= set(r.stdout.decode().split()), "fish completes formats", r)


def installed():
    """What the build made is what the programs say now, and an installation holds all of it."""
    if not (BIN / "manual").is_dir() or not (BIN / "cmake_install.cmake").exists():
        return skip("the installation: the manual was not built beside the programs")
    prefix = TMP / "prefix"
    r = run("cmake", "--install", BIN, "--prefix", prefix)
    if not check(r.returncode == 0, "cmake --install", r.stderr):
        return
    places = {"man": "share/man/man1", "bash": "share/bash-completion/completions",
              "zsh": "share/zsh/site-functions", "fish": "share/fish/vendor_completions.d"}
    for program in PROGRAMS:
        for kind, path in made(program).items():
            put = prefix / places[kind] / path.name
            check(put.exists() and put.read_bytes() == path.read_bytes(), f"{put} is in place and true")
        r = run(prefix / "bin" / program, "--version")
        check(r.returncode == 0 and program.encode() in r.stdout, f"{program} runs where installed", r.stderr)


for path in PROGRAMS.values():
    subprocess.run([sys.executable, str(MAKE), path, str(OUT)], check=True)
each([language, everything_of_the_help_is_there, every_option_is_one_of_the_program,
      every_value_is_one_of_the_option, sections_and_environment,
      pages_render, hostile_help, bash_completes, shells_read_them, installed])
finish()
