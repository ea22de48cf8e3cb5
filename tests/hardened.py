#!/usr/bin/env python3
"""What the release build is shipped with, read off the built programs: tests/hardened.py BUILD_DIR

readelf shows what the linker made; compile_commands.json shows that each file was compiled so, since
the level of fortification leaves no trace. Ends in "N passed, N failed"."""
import json
import pathlib
import platform
import re
import subprocess
import sys

PROGRAMS = ("lictor-ingest", "lictor-query", "lictor-bench")
FLAGS = ["-D_FORTIFY_SOURCE=3", "-fstack-protector-strong", "-fstack-clash-protection"]
X86 = platform.machine() in ("x86_64", "AMD64")
MARKED = re.compile(r"x86 feature:.*\bIBT\b.*\bSHSTK\b")
passed = failed = 0


def check(name, ok):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print(f"not ok: {name}")


def readelf(path, *options):
    return subprocess.run(["readelf", "--wide", *options, str(path)], check=True,
                          capture_output=True, text=True).stdout


def start_file():
    return subprocess.run(["cc", "-print-file-name=Scrt1.o"], check=True, capture_output=True,
                          text=True).stdout.strip()


def program(path):
    name = path.name
    header, segments = readelf(path, "--file-header"), readelf(path, "--segments")
    dynamic, symbols = readelf(path, "--dynamic"), readelf(path, "--dyn-syms")
    check(f"{name}: position-independent", re.search(r"Type:\s+DYN", header)
          and re.search(r"\(FLAGS_1\).*\bPIE\b", dynamic))
    check(f"{name}: relocations are read-only", "GNU_RELRO" in segments)
    check(f"{name}: all symbols are bound at the start", re.search(r"BIND_NOW|\bNOW\b", dynamic))
    check(f"{name}: lazy binding has no table that can be written", "PLTGOT" not in segments)
    check(f"{name}: the stack is not executable", re.search(r"GNU_STACK.* RW ", segments))
    check(f"{name}: nothing is writable and executable", not re.search(r"LOAD.* RWE ", segments))
    check(f"{name}: the stack is protected", "__stack_chk_fail" in symbols)
    check(f"{name}: calls of libc are fortified", re.search(r"__(memcpy|snprintf|fprintf|printf)_chk",
                                                            symbols))
    check(f"{name}: libraries come from the system only", not re.search(r"RPATH|RUNPATH", dynamic))
    check(f"{name}: relocates no text", "TEXTREL" not in dynamic)
    if X86:
        main_code = subprocess.run(["objdump", "-d", "--disassemble=main", str(path)], check=True,
                                   capture_output=True, text=True).stdout
        check(f"{name}: functions begin where a checked branch may go",
              re.search(r"<main>:\n[^\n]*\bendbr64\b", main_code))
        # One object without it takes it from the whole: the system's own may have none.
        if MARKED.search(readelf(start_file(), "--notes")):
            check(f"{name}: is marked for IBT and shadow stack",
                  MARKED.search(readelf(path, "--notes")))


def compiled(build):
    wanted = FLAGS + (["-fcf-protection=full"] if X86 else [])
    commands = json.loads((build / "compile_commands.json").read_text())
    check("there are commands of the compiler", len(commands) > 100)
    for c in commands:
        words = (c.get("command") or " ".join(c["arguments"])).split()
        for flag in wanted:
            check(f"{c['file']}: {flag}", flag in words)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = pathlib.Path(sys.argv[1])
    for name in PROGRAMS:
        program(build / name)
    compiled(build)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
