#!/usr/bin/env python3
"""What shows that a case was changed behind its back."""
import itertools, json, shutil

from lictor_cli import *

NUMBER = itertools.count()


def case(plain=False):
    return Case(f"custody{next(NUMBER)}", plain)


def part(c, n):
    return c.add(write(f"part{n}.ndjson", dump([msg(n, f"words of part {n}")], source=f"imei:{n}")))


def verify(c, head):
    return c.ingest("verify", "--head", head)


def heads():
    for plain in (False, True):
        c = case(plain)
        part(c, 1)
        head = TMP / f"{c.dir.name}.head"
        r = c.ingest("ledger", "--head", head)
        check(r.returncode == 0 and head.read_text().startswith("lictor-ledger-head/1\n"), "ledger --head writes a file", r)
        s = c.status()
        check(f"head {s['ledger_head']}\n" in head.read_text() and f"digest {s['digest']}\n" in head.read_text() and
              f"entries {s['ledger_entries']}\n" in head.read_text(), "it says what status says", head.read_text())
        check(c.ingest("ledger", "--head", "-").stdout.split()[:5] == head.read_bytes().split()[:5], "`-` prints it")
        check(c.ingest("ledger", "--head", head).returncode == 3, "an existing file is not written over")
        check(verify(c, head).returncode == 0, "verify --head: nothing happened since")
        early = shutil.copytree(c.dir, TMP / f"{c.dir.name}.early")
        part(c, 2)
        c.ingest("compact")
        check(verify(c, head).returncode == 0, "verify --head: the ledger goes on from there")
        late = TMP / f"{c.dir.name}.late"
        c.ingest("ledger", "--head", late)
        shutil.rmtree(c.dir)
        shutil.copytree(early, c.dir)
        check(c.ingest("verify", "--deep").returncode == 0, "a whole case taken back looks whole by itself")
        r = verify(c, late)
        check(r.returncode == 1 and b"taken back" in r.stdout, "verify --head: it was taken back", r)
        part(c, 3)
        c.ingest("compact")
        part(c, 4)
        r = verify(c, late)
        check(r.returncode == 1 and b"another history" in r.stdout, "verify --head: another history since", r)
        other = case()
        r = verify(other, head)
        check(r.returncode == 1 and b"another case" in r.stdout, "verify --head: the head of another case", r)
        for bad in (b"", b"lictor-ledger-head/1\n", b"head 12\n", head.read_bytes().replace(b"entries ", b"entries x")):
            r = verify(c, write("bad.head", bad))
            check(r.returncode == 2 and b"bad.head" in r.stderr, "verify --head: not a head", r)


def the_ledger_says_how():
    c = case()
    part(c, 1)
    r = run(INGEST, "--version", "--verbose")
    check(r.returncode == 0 and b"confinement: " in r.stdout, "--version --verbose says how it is confined", r)


each([heads, the_ledger_says_how])
finish()
