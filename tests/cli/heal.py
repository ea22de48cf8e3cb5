#!/usr/bin/env python3
"""Damage costs the messages of the damaged file until their dumps are read again: `verify` names these
dumps and reopens them, `add` of the same dumps heals the case."""
import hashlib, random

from lictor_cli import *

RNG = random.Random(7)


def answers(c):
    """What searches say, but for the generation and what hangs on it."""
    out = []
    for query in ("*", "word3", "from:anna", "has:conflict", "has:sealed", "kind:event"):
        r = run(QUERY, "search", c.dir, *c.key, "--format", "jsonl", "--", query)
        lines = r.stdout.splitlines()
        if r.returncode not in (0, 1):
            return None
        summary = json.loads(lines[-1])
        del summary["generation"]
        out.append((query, lines[:-1], summary))
    return hashlib.sha256(repr(out).encode()).hexdigest()


def delivery(name):
    """Four dumps: copies of each other's messages, a clash, quarantined lines, one cut short."""
    paths = []
    for n in range(4):
        records = [msg(i, f"word{i % 7} of part {n} and {i}", sender=f"s{n % 2}", sent=T + 1000 * i, id=f"m{n}-{i}") for i in range(1, 60)]
        records += [msg(100, "told to all", sender="anna", id="same"), msg(101 + n, f"a clash {n % 2}", sender="anna", id="clash")]
        records += [b"this is no record", b"nor this %d" % n, {"kind": "event", "seq": 200, "type": "login", "sent": T + n}]
        paths.append(write(f"{name}{n}.ndjson", dump(records, source=f"imei:{n // 2}", epoch=str(n), end=n != 3)))
    return paths


def files(c, folder="segments"):
    return sorted(p for p in (c.dir / folder).iterdir() if not p.name.endswith(".damaged"))


def flip(path, at=None):
    data = bytearray(path.read_bytes())
    data[RNG.randrange(len(data)) if at is None else at] ^= 1 << RNG.randrange(8)
    path.write_bytes(data)


def add_each(c, paths):
    for p in paths:
        c.add(p)


def copy(c, name):
    d = Case.__new__(Case)
    d.dir, d.key = TMP / (name + ".case"), c.key
    shutil.rmtree(d.dir, ignore_errors=True)
    shutil.copytree(c.dir, d.dir)
    return d


def reopened(r):
    return sorted(re.findall(rb"^reopened .*?([^/\s]+)  sha256 [0-9a-f]{64}$", r.stdout, re.M))


def heals(c, what, paths, want, concerned=None, damaged=b"segments/"):
    """A damaged case, brought back by its dumps. `want`: digest and answers of before."""
    v = c.ingest("verify")
    check(v.returncode == 1 and damaged in v.stdout, what + ": verify reports it", v)
    names = [x.decode() for x in reopened(v)]
    check(names and (concerned is None or names == concerned), what + ": verify names the dumps concerned", (names, v))
    v = c.ingest("verify", "--deep")
    check(v.returncode == 0 and b"whole" in v.stdout, what + ": what is left is whole", v)
    to_do = [d for d in c.rows("ledger", "--state", "partial") if d.get("reason", {}).get("code") == "damaged" and not d.get("superseded")]
    check(sorted(pathlib.Path(d["file"]).name for d in to_do) == names, what + ": they stand in the ledger as damaged", to_do)
    r = run(QUERY, "search", c.dir, *c.key, "--count", "*")
    check(b"not wholly in" in r.stderr, what + ": a query says that it lacks something", r)
    a = c.add(*paths)
    check(a.code in (0, 1) and a.balanced(), what + ": the dumps come again", a)
    check(c.status()["digest"] == want[0], what + ": the digest is that of before", c.status())
    check(answers(c) == want[1], what + ": answers are those of before")
    c.sound(what)
    left = [d for d in c.rows("ledger", "--state", "partial,refused") if d.get("reason", {}).get("code") == "damaged" and d["file"].endswith("0.ndjson")]
    check(all(d.get("superseded") for d in left), what + ": what was asked for has come", left)
    r = run(QUERY, "search", c.dir, *c.key, "--count", "*")
    check(r.stderr == b"" or b"not wholly in" not in r.stderr, what + ": nothing is missing any more", r.stderr)


def every_file(plain=False):
    paths = delivery("each")
    c = Case("each-plain" if plain else "each", plain)
    add_each(c, paths)
    want = (c.status()["digest"], answers(c))
    some = files(c)[::4] if plain else files(c)
    for i, f in enumerate(some):
        d, how = copy(c, "each-damaged"), ("flip", "cut", "remove")[i % 3]
        f2 = d.dir / "segments" / f.name
        if how == "flip":
            flip(f2)
        elif how == "cut":
            f2.write_bytes(f2.read_bytes()[:-40])
        else:
            f2.unlink()
        heals(d, f"{how} of a segment file", paths, want)
    for f in files(c, "quarantine")[:1 if plain else 2]:
        d = copy(c, "each-damaged")
        flip(d.dir / "quarantine" / f.name)
        heals(d, "flip of a quarantine file", paths, want, damaged=b"quarantine/")


def all_at_once():
    paths = delivery("all")
    c = Case("all")
    add_each(c, paths)
    want = (c.status()["digest"], answers(c))
    for f in files(c) + files(c, "quarantine"):
        f.unlink()
    heals(c, "every file is gone", paths, want, sorted(p.name for p in paths))


def concerned_only():
    """Dumps without a message in common: the damage of one concerns no other."""
    c = Case("apart")
    paths = [write(f"apart{n}.ndjson", dump([msg(i, f"apart {n} {i}", sender=f"s{n}", to=[f"r{n}"]) for i in range(50)], source=f"imei:{n}")) for n in range(3)]
    add_each(c, paths)
    want = (c.status()["digest"], answers(c))
    by_dump = {}
    for f in files(c):
        d = copy(c, "apart-look")
        flip(d.dir / "segments" / f.name)
        v = d.ingest("verify")
        by_dump[f.name] = [x.decode() for x in reopened(v)]
    check(sorted(by_dump.values()) == [[p.name] for p in paths], "each segment concerns its dump alone", by_dump)
    f = files(c)[0]
    lost = by_dump[f.name]
    flip(f)
    v = c.ingest("verify")
    check(c.status()["messages"] == 100, "the rest of the case answers", v)
    check((c.dir / "segments" / (f.name + ".damaged")).exists(), "the damaged file is kept")
    a = c.add(*[p for p in paths if p.name not in lost])
    check([d["state"] for d in a.dumps] == ["already"] * 2, "the other dumps are in already", a)
    check(c.status()["messages"] == 100, "and nothing came of them")
    check(c.status()["unfinished"] == 1, "status: one is to come again", c.status())
    a = c.add(*paths)
    check(c.status()["digest"] == want[0] and answers(c) == want[1], "it heals", a)


def after_compact_and_unseal():
    g = generate("heal", "-n", "3000", "-d", "3")
    ident, keys = g / "case.agekey", g / "body.keys"
    c = Case("merged")
    for p in sorted((g / "dumps").rglob("*")):
        if p.is_file():
            c.add("--memory", "64M", p, ident=ident)
    c.ingest("unseal", "--body-keys", keys)
    c.ingest("compact")
    want = (c.status()["digest"], answers(c))
    flip(files(c)[0])
    v = c.ingest("verify")
    check(v.returncode == 1 and len(reopened(v)) >= 1, "merged: verify names the dumps", v)
    a = c.add("--body-keys", keys, g / "dumps", ident=ident)
    check(c.status()["digest"] == want[0] and answers(c) == want[1], "merged: with the body keys it heals wholly", a)
    c.sound("merged")


def in_parts():
    """The add that heals is stopped half way and goes on; damage comes again in between."""
    paths = delivery("parts")
    c = Case("parts")
    add_each(c, paths)
    want = (c.status()["digest"], answers(c))
    flip(files(c)[0])
    c.ingest("verify")
    for p in paths:
        c.add(p)
        flip(files(c)[-1])
        check(c.ingest("verify").returncode == 1, "parts: damage again")
    heals_left = c.add(*paths)
    check(c.status()["digest"] == want[0] and answers(c) == want[1], "parts: healed", heals_left)
    c.sound("parts")


def unfinished():
    """Dumps of which a killed add had a part."""
    many = write("long.ndjson", dump([msg(i, f"long text number {i} " + "x" * 2700, sender=f"s{i % 9}", id=f"L{i}") for i in range(10000)]))
    whole = Case("long-whole")
    whole.add(many)
    want = whole.status()["digest"]
    c = Case("long")
    p = subprocess.Popen([INGEST, "add", c.dir, *map(str, c.key), "--memory", "64M", "--aside", "0", "--progress", "none", many], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until, ledger = time.monotonic() + 60, (c.dir / "ledger").stat().st_size
    while p.poll() is None and (c.dir / "ledger").stat().st_size == ledger and time.monotonic() < until:
        time.sleep(0.005)
    p.kill()
    p.wait()
    c.ingest("compact")
    if not check(files(c) and c.status()["unfinished"] == 1, "unfinished: a part is in", c.status()):
        return
    flip(files(c)[0])
    v = c.ingest("verify")
    check(v.returncode == 1 and b"never came whole" in v.stdout, "unfinished: verify names it by its hash", v)
    a = c.add("--memory", "64M", many)
    check(a.code == 0 and a.balanced() and a.only.get("records") == 10001, "unfinished: the books are of the whole dump", a)
    check(c.status()["digest"] == want, "unfinished: healed", c.status())


def only_looking():
    paths = delivery("look")
    c = Case("look")
    add_each(c, paths)
    flip(files(c)[0], 20)  # in the header: the case does not open
    before = {p: p.read_bytes() for p in c.dir.rglob("*") if p.is_file()}
    v = c.ingest("verify", "--no-reopen")
    check(v.returncode == 1 and b"names the dumps" in v.stdout, "--no-reopen: says what verify would do", v)
    check({p: p.read_bytes() for p in c.dir.rglob("*") if p.is_file()} == before, "--no-reopen: changes nothing")
    import fcntl
    with open(c.dir / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        v = c.ingest("verify")
        check(v.returncode == 1 and b"could not be reopened" in v.stdout, "another one writes: verify says so", v)
    a = c.add(paths[0])
    check(a.code == 3 and b"verify" in a.err, "add to a damaged case says what to do", a)
    r = run(QUERY, "search", c.dir, *c.key, "*")
    check(r.returncode == 3 and b"lictor-ingest verify" in r.stderr and not r.stdout, "a query of it fails and says what to do", r)
    (c.dir / "MANIFEST").write_bytes(b"x" + (c.dir / "MANIFEST").read_bytes()[1:])
    v = c.ingest("verify")
    check(v.returncode in (1, 3) and b"reopened" not in v.stdout, "damage of MANIFEST is nothing that dumps make good", v)


if __name__ == "__main__":
    each([every_file, lambda: every_file(True), all_at_once, concerned_only, after_compact_and_unseal, in_parts, unfinished, only_looking])
    finish()
