#!/usr/bin/env python3
"""A fault of the program that one record triggers: what was committed stays, the opener says where it was,
and the next `add` narrows it down to the record, sets that aside and goes on. The fault is made by a build
with LICTOR_TEST_HOOKS (the dev preset)."""
import signal

from lictor_cli import *

NEEDLE = "thelinethatkills"
HOOKS = b"LICTOR_TEST_KILL" in pathlib.Path(INGEST).read_bytes()


def deadly(where):
    return {"env": {**os.environ, "LICTOR_TEST_KILL": NEEDLE, "LICTOR_TEST_KILL_AT": where}}


def run_dying(c, *args, where="worker"):
    """One add that may die: not through run(), which takes a signal for a failure."""
    return subprocess.run([INGEST, "add", c.dir, *map(str, c.key), "--format", "json", *map(str, args)], capture_output=True, timeout=300, stdin=subprocess.DEVNULL, **deadly(where))


def delivery(name, killers, n=400, dumps=3):
    """killers: lines by dump."""
    paths = []
    for d in range(dumps):
        records = [msg(i, f"text {i} of dump {d}" + (" " + NEEDLE if i + 1 in killers.get(d, ()) else ""), sender=f"s{i % 5}", id=f"{d}-{i}") for i in range(1, n + 1)]
        paths.append(write(f"{name}{d}.ndjson", dump(records, source=f"imei:{d}")))
    return paths


def dies_and_goes_on(name, killers, where, plain=False):
    paths = delivery(name, killers)
    c = Case(name, plain)
    r = run_dying(c, *paths, where=where)
    check(r.returncode == -signal.SIGABRT, f"{name}: it dies", r)
    time.sleep(0.2)  # the opener speaks after its death
    check((c.dir / "in-work").exists(), f"{name}: what was in work is noted")
    c.sound(f"{name}: what was committed")
    r = run_dying(c, *paths, where=where)
    check(r.returncode == 1 and b"earlier `add` died" in r.stderr, f"{name}: the next add goes on", r)
    want = sorted((line, "kills") for lines in killers.values() for line in lines)
    got = sorted((line, why) for line, why, _ in c.quarantine())
    check(got == want, f"{name}: exactly the lines that kill are set aside", (got, want))
    check(all(NEEDLE.encode() in b for _, _, b in c.quarantine()), f"{name}: byte for byte")
    check(not (c.dir / "in-work").exists(), f"{name}: nothing is in work any more")
    books = sorted((d["file"][-8:], d["state"], d["quarantined"], d["records"] - sum(d[k] for k in BOOKS[1:])) for d in c.rows("ledger") if "file" in d)
    want = [(f"{d}.ndjson", "complete", len(killers.get(d, ())), 0) for d in range(3)]
    check([(f[-8:], *rest) for f, *rest in books] == want, f"{name}: the books balance and say what was set aside", (books, want))
    check(c.status()["messages"] == 1200 - len(got), f"{name}: all else is in", c.status())
    c.sound(name)
    # The same without a fault, from the records that are left: the same answers.
    again = Case(name + "-whole", plain)
    again.add(*[write(f"left-{p.name}", b"".join(x for x in p.read_bytes().splitlines(True) if NEEDLE.encode() not in x)) for p in paths])
    check(c.texts() == again.texts(), f"{name}: the answers are those of the records that are left")
    r = run_dying(c, *paths, where=where)
    check(r.returncode == 0, f"{name}: they are in already", r)


def one():
    dies_and_goes_on("one", {1: [123]}, "worker")


def some():
    dies_and_goes_on("some", {0: [2], 1: [77, 78, 300], 2: [401]}, "worker", plain=True)


def in_the_flush():
    dies_and_goes_on("flush", {1: [250]}, "flush")


def says_where():
    """One dump alone: the opener names it and the lines."""
    paths = delivery("where", {0: [40]}, dumps=1)
    c = Case("where")
    p = subprocess.Popen([INGEST, "add", c.dir, *map(str, c.key), *map(str, paths)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **deadly("worker"))
    err = p.stderr.read()  # until the opener has ended, too
    p.wait()
    check(b"where0.ndjson, lines 1 to" in err and b"same command again" in err, "the opener says where it was and what to do", err)


def killed_from_outside():
    """kill -9 is no fault: the next add goes about it as ever."""
    paths = delivery("outside", {})
    c = Case("outside")
    fifo = TMP / "outside.fifo"
    os.mkfifo(fifo)
    p = subprocess.Popen([INGEST, "add", c.dir, *map(str, c.key), str(fifo)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(fifo, "wb") as f:
        f.write(b"x")
        f.flush()
        until = time.monotonic() + 20
        while not (c.dir / "in-work").exists() and time.monotonic() < until:
            time.sleep(0.01)
        p.kill()
        p.wait()
    a = c.add(*paths)
    check(a.code == 0 and b"earlier" not in a.err, "kill -9: nothing is suspected", a)
    check(not (c.dir / "in-work").exists(), "kill -9: and nothing is left")


def nonsense():
    """Whatever stands in the file, an add works."""
    paths = delivery("nonsense", {})
    for i, data in enumerate((b"", b"x" * 10, b"LICTORIW" + b"\xff" * 80, b"LICTORIW" + (1).to_bytes(8, "little") * 5 + b"\0" * 40, os.urandom(200))):
        c = Case(f"nonsense{i}")
        (c.dir / "in-work").write_bytes(data)
        a = c.add(*paths)
        check(a.code == 0 and c.status()["messages"] == 1200, f"nonsense {i} in the file: the add works", a)


def failing(n, error):
    return {"env": {**os.environ, "LICTOR_TEST_FAULT": f"{n} {error}"}}


def every_call_fails():
    """The n-th open, read, write, fsync, rename or unlink of an add fails, in the core and in the opener."""
    import errno
    paths = delivery("calls", {}, n=30)
    whole = Case("calls-whole")
    whole.add(*paths)
    want, texts = whole.status()["digest"], whole.texts()
    clean = 0
    for n in range(1, 200, 2 if "LICTOR_ALL_FAULTS" not in os.environ else 1):
        c = Case("calls")
        r = c.ingest("add", *paths, **failing(n, (errno.ENOSPC, errno.EIO, errno.EMFILE)[n % 3]))
        check(r.returncode in (0, 1, 3) and (r.returncode == 0 or r.stderr or r.stdout), f"call {n} fails: a clean end that says something", r)
        v = c.ingest("verify")
        check(v.returncode == 0, f"call {n} fails: the case is whole", (r, v))
        a = c.add(*paths)
        check(c.status()["digest"] == want, f"call {n} fails: the same command completes it", (r, a))
        clean = clean + 1 if r.returncode == 0 else 0
        shutil.rmtree(c.dir)
        c.keyfile.unlink()
        if clean == 8:
            break
    for n in range(1, 60, 3):
        r = run(QUERY, "search", whole.dir, *whole.key, "--format", "jsonl", "--", "text", **failing(n, errno.EIO))
        good = r.returncode == 0 and len(r.stdout.splitlines()) == len(texts) + 1
        check(good or (r.returncode == 3 and r.stderr), f"call {n} of a query fails: the whole answer or none", r)


tests = [killed_from_outside, nonsense]
if HOOKS:
    tests += [one, some, in_the_flush, says_where, every_call_fails]
else:
    print("skipped: faults of the core (a build without LICTOR_TEST_HOOKS)")
each(tests)
finish()
