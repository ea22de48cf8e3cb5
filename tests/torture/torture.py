#!/usr/bin/env python3
"""Kills, damages and starves the programs many times and counts what was lost or came out wrong.

  kill     kill -9 at random instants of add, compact and unseal: the case opens as a commit, and the
           same command again ends in the same digest and the same answers
  damage   one flipped bit, a cut, zeros, a swap, an old MANIFEST, a file of another case …: verify
           reports it, and no query gives a wrong answer
  heal     the same damage, then verify as it is and add of the same dumps: of segments and quarantine the
           case comes back to the same digest and answers, and in between says that it lacks something
  power    every write, sync, rename and unlink is recorded, and the case built as a disk may hold it after
           each (replay.py, which is a test of its own in the short form)
  faults   each allocation, thread start and call on a file fails once (faults.py, a test of its own, too)
  full     the disk is full at every size: nothing is half-written, and it completes with more room

torture.py [--short] [--kills N] [--damages N] [--heals N] [--sizes N] [--replays N] [--faults N]
           [--seed S]; ends in a table and in
"N passed, N failed"."""
import argparse, hashlib, json, pathlib, random, shutil, signal, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from lictor_cli import *
import faults
import replay


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--short", action="store_true", help="the form of the normal tests")
    p.add_argument("--kills", type=int)
    p.add_argument("--damages", type=int)
    p.add_argument("--heals", type=int)
    p.add_argument("--sizes", type=int)
    p.add_argument("--replays", type=int, help="states a command after a power failure (all)")
    p.add_argument("--faults", type=int, help="positions a command and kind of call that fails (all)")
    p.add_argument("--seed", type=int, default=1)
    o = p.parse_args()
    for name, full, short in (("kills", 500, 9), ("damages", 10000, 80), ("heals", 2000, 24), ("sizes", 200, 4)):
        if getattr(o, name) is None:
            setattr(o, name, short if o.short else full)
    return o


O = options()
RNG = random.Random(O.seed)
TABLE = []


def tally(trial, count, survived, lost, wrong, what=()):
    TABLE.append((trial, count, survived, lost, wrong))
    check(lost == 0 and wrong == 0 and survived == count, f"{trial}: {count} tried, {lost} lost, {wrong} wrong", list(what)[:5])


def answer(c, query="*"):
    """What a search says but for the generation, or None if it fails."""
    r = run(QUERY, "search", c.dir, *c.key, "--format", "jsonl", "--", query)
    if r.returncode not in (0, 1):
        return None
    lines = r.stdout.splitlines()
    summary = json.loads(lines[-1])
    summary.pop("generation")
    return hashlib.sha256(b"\n".join(lines[:-1]) + json.dumps(summary).encode()).hexdigest()


# ---- kill -9 ---------------------------------------------------------------------------------------


def kills():
    g = generate("kill", "-n", "6000", "-d", "6")
    ident, keys = g / "case.agekey", g / "body.keys"
    whole = Case("kill-whole")
    start = time.monotonic()
    whole.add("--memory", "64M", g / "dumps", ident=ident)
    lasts = {"add": time.monotonic() - start}
    digest, sealed = whole.status()["digest"], answer(whole)
    for verb, args in (("unseal", ["--body-keys", keys]), ("compact", [])):
        start = time.monotonic()
        whole.ingest(verb, *args)
        lasts[verb] = time.monotonic() - start
    opened = answer(whole)
    commands = {"add": ["-i", ident, "--progress", "none", "--memory", "64M", g / "dumps"], "unseal": ["--body-keys", keys], "compact": []}
    counts = {v: [0, 0, 0, 0] for v in commands}
    bad, c, n = [], None, 0
    while sum(x[0] for x in counts.values()) < O.kills:
        if c is None:
            n += 1
            c, todo = Case(f"kill{n}"), ["add", "unseal", "compact"]
        verb = todo[0]
        x = counts[verb]
        p = subprocess.Popen([INGEST, verb, c.dir, *map(str, c.key), *map(str, commands[verb])], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(RNG.random() * lasts[verb] * 1.2)
        ended = p.poll() is not None
        p.send_signal(signal.SIGKILL)
        p.wait()
        if not ended:
            x[0] += 1
            good = c.ingest("verify").returncode == 0
            x[1] += good
            if not good:
                bad.append(f"{verb}: verify finds damage")
            if RNG.random() < 0.8:
                continue  # once more on what is there
        c.ingest(verb, *commands[verb])
        if c.status()["digest"] != digest:
            x[2] += 1
            bad.append(f"{verb}: another digest")
        if answer(c) != (sealed if verb == "add" else opened):
            x[3] += 1
            bad.append(f"{verb}: another answer")
        todo.pop(0)
        if not todo:
            shutil.rmtree(c.dir)
            c = None
    for verb, x in counts.items():
        tally(f"kill -9 of {verb}", *x, bad)


# ---- damage ----------------------------------------------------------------------------------------


def damaged_case(plain, name):
    """Several segments, overlays, quarantine, an unfinished history; and what it was before."""
    name += "-plain" if plain else ""
    c = Case(name, plain)
    early = []
    for n in range(4):
        records = [msg(i, f"word{i % 7} of part {n} and {i}", sender=f"s{n % 2}", sent=T + 1000 * i) for i in range(1, 40)]
        records += [msg(3, "told before", sender="anna"), b"this is no record"] if n else []
        c.add(write(f"damage{n}.ndjson", dump(records, source=f"imei:{n // 2}", end=n != 3)))
        early.append(shutil.copytree(c.dir, TMP / f"{name}.early{n}"))
    other = Case(name + "-other", plain)
    other.add(write("another.ndjson", dump([msg(1, "of another case")])))
    return c, early[:-1], other


def files_of(case_dir):
    return sorted(p.relative_to(case_dir) for p in case_dir.rglob("*") if p.is_file() and p.name != "lock")


def damage_once(d, early, other):
    """Damages the copy d of a case; says how, or None if nothing changed."""
    f = RNG.choice(files_of(d))
    data = bytearray((d / f).read_bytes())
    how = RNG.choice(["flip", "flip", "flip", "cut", "zero", "swap", "grow", "remove", "old", "other"])
    at = RNG.randrange(len(data))
    if how == "flip":
        data[at] ^= 1 << RNG.randrange(8)
    elif how == "cut":
        del data[at:]
    elif how == "zero":
        n = RNG.choice([1, 16, 512])
        if not any(data[at:at + n]):
            return None
        data[at:at + n] = bytes(len(data[at:at + n]))
    elif how == "swap":
        to, n = RNG.randrange(len(data)), RNG.choice([1, 16, 64])
        a, b = min(at, to), max(at, to)
        n = min(n, b - a, len(data) - b)
        if n <= 0 or data[a:a + n] == data[b:b + n]:
            return None
        data[a:a + n], data[b:b + n] = data[b:b + n], data[a:a + n]
    elif how == "grow":
        data += RNG.randbytes(RNG.choice([1, 100]))
    elif how == "remove":
        (d / f).unlink()
        return f"{f}: removed"
    elif how == "old":
        names = [n for n in ("MANIFEST", "ledger", "CASE") if n != "CASE"]
        f = pathlib.Path(RNG.choice(names))
        data = bytearray((RNG.choice(early) / f).read_bytes())
        if (d / f).exists() and data == (d / f).read_bytes():
            return None
    else:
        f = pathlib.Path(RNG.choice(["MANIFEST", "ledger", "CASE"]))
        data = bytearray((other.dir / f).read_bytes())
    (d / f).write_bytes(data)
    return f"{f}: {how} at {at}"


def damages(plain):
    c, early, other = damaged_case(plain, "damage")
    d = Case.__new__(Case)
    d.dir, d.key = TMP / ("damaged-plain" if plain else "damaged"), c.key
    whole, tried, found, wrong, bad = answer(c), 0, 0, 0, []
    while tried < O.damages // 2:
        shutil.rmtree(d.dir, ignore_errors=True)
        shutil.copytree(c.dir, d.dir)
        how = damage_once(d.dir, early, other)
        if how is None:
            continue
        tried += 1
        v = d.ingest("verify", "--no-reopen")
        # One entry of the ledger behind MANIFEST is a commit that was cut short: it is rolled forward.
        rolled = how.startswith("MANIFEST: old") and v.returncode == 0 and answer(d) == whole
        noted = how.startswith("ledger: grow") and b"no whole entry" in v.stderr
        seen = v.returncode in (1, 3) or rolled or noted
        found += seen
        if not seen:
            bad.append(f"not reported: {how}: {v}")
        if v.returncode not in (0, 1, 3):
            bad.append(f"exit {v.returncode}: {how}")
        got = answer(d)
        if got not in (None, whole):
            wrong += 1
            bad.append(f"a wrong answer: {how}")
    tally("damage, not encrypted" if plain else "damage, sealed", tried, found, tried - found, wrong, bad)


def heals(plain):
    c, early, other = damaged_case(plain, "heals")
    dumps = [TMP / f"damage{n}.ndjson" for n in range(4)]
    d = Case.__new__(Case)
    d.dir, d.key = TMP / ("heal-plain" if plain else "heal"), c.key
    whole, digest = answer(c), c.status()["digest"]
    tried, healed, lost, wrong, bad = 0, 0, 0, 0, []
    while tried < O.heals // 2:
        shutil.rmtree(d.dir, ignore_errors=True)
        shutil.copytree(c.dir, d.dir)
        hows = [damage_once(d.dir, early, other) for _ in range(RNG.choice([1, 1, 1, 2, 3]))]
        if None in hows or not all(h.startswith(("segments/", "quarantine/")) for h in hows):
            continue
        tried += 1
        v = d.ingest("verify")
        r = run(QUERY, "search", d.dir, *d.key, "--format", "jsonl", "--", "*")
        says = r.returncode in (0, 1) and json.loads(r.stdout.splitlines()[-1]).get("unfinished", 0) > 0
        a = d.add(*dumps)
        good = v.returncode == 1 and a.code in (0, 1) and d.ingest("verify").returncode == 0
        healed += good
        if not good or not says:
            bad.append(f"{hows}: verify {v.returncode}, the query says it: {says}, {a}")
        lost += d.status()["digest"] != digest
        wrong += not says or answer(d) != whole
    tally("heal, not encrypted" if plain else "heal, sealed", tried, healed, lost, wrong, bad)


# ---- a full disk -----------------------------------------------------------------------------------


def full_disks():
    g = generate("full", "-n", "3000", "-d", "3")
    ident = g / "case.agekey"
    whole = Case("full-whole")
    whole.add(g / "dumps", ident=ident)
    digest, want = whole.status()["digest"], answer(whole)
    top = max(p.stat().st_size for p in whole.dir.rglob("*") if p.is_file())
    good, lost, wrong, bad = 0, 0, 0, []
    for i in range(O.sizes):
        c = Case(f"full{i}")
        size = RNG.randrange(1, top + 1000)
        r = c.ingest("add", "-i", ident, g / "dumps", preexec_fn=limit_files(size))
        v = c.ingest("verify")
        ok = r.returncode in (0, 1, 3) and v.returncode == 0
        if not ok:
            bad.append(f"at {size}: add {r.returncode}, verify {v.returncode}")
        good += ok
        c.add(g / "dumps", ident=ident)
        lost += c.status()["digest"] != digest
        wrong += answer(c) != want
        shutil.rmtree(c.dir)
    tally("disk full", O.sizes, good, lost, wrong, bad)


def powers():
    if not O.short:
        replay.replays(O.replays, RNG, tally)


def calls():
    if not O.short:
        faults.faults(dict.fromkeys(faults.KINDS, O.faults), RNG, tally)


each([kills, lambda: damages(False), lambda: damages(True), lambda: heals(False), lambda: heals(True), full_disks, powers, calls])
print(f"{'trial':36} {'count':>7} {'survived':>9} {'lost':>6} {'wrong':>6}")
for row in TABLE:
    print("{:36} {:7} {:9} {:6} {:6}".format(*row))
faults.said_deaths()
finish()
