#!/usr/bin/env python3
"""Every allocation, thread or process start, and call on files or the socket between opener and core fails once, at
every position, in each command that writes a case (add, unseal, compact, rekey) and in those that read it.

The calls are made to fail in front of the C library (fail_nth.c), in the programs as they are, so that those of ICU,
OpenSSL, zstd and PCRE2 count, too; one failure a run, whichever of its processes meets it. Demanded: a clean end (exit
code 0, 1 or 3, and with 3 a message), a case that verify finds whole, and the same command again ends in the digest
and the answers of an undisturbed run. A query gives its whole answer or says that it failed.

faults.py [--short] [--each N] [--only VERB] [--seed S]: all positions, or N a command and kind; ends in a table."""
import argparse, errno, filecmp, hashlib, json, os, pathlib, random, shutil, struct, sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from lictor_cli import *

SHIM = pathlib.Path(os.environ.get("LICTOR_HOOKS_BIN", BIN)).resolve() / "libfail_nth.so"
PLAN = TMP / "fail-nth.plan"
KINDS = ("memory", "memory of libraries", "threads", "files")
# Positions a command and kind in the short form. Most allocations of libraries are those of OpenSSL's start.
SHORT = {"memory": 6, "memory of libraries": 1, "threads": 1, "files": 4}
HUNG = 1000  # no exit code of a program
died = {}  # runs that a signal ended, by kind
ERRORS = (errno.ENOSPC, errno.EIO, errno.EMFILE)


def sanitized(kind):
    """Preloaded in front of the sanitizers, whose allocator it calls. What a library leaks as it fails is its own."""
    leaks = ":detect_leaks=0" if kind == "memory of libraries" else ""
    return {"ASAN_OPTIONS": "verify_asan_link_order=0:handle_segv=0:" + os.environ.get("ASAN_OPTIONS", "") + leaks}


def failing(argv, kind=None, at=0, error=0):
    """The run with that call failing, and how many calls of each kind were made."""
    fail_at = [at if k == kind else 0 for k in KINDS]
    PLAN.write_bytes(struct.pack("9Q", *fail_at, 0, 0, 0, 0, error))
    env = {**os.environ, **sanitized(kind), "LD_PRELOAD": str(SHIM), "LICTOR_FAIL_NTH": str(PLAN)}
    # Not by run(), which takes every death for a failure of the test.
    argv = [str(a) for a in argv]
    try:
        r = subprocess.run(argv, capture_output=True, timeout=120, stdin=subprocess.DEVNULL, env=env)
    except subprocess.TimeoutExpired:
        r = subprocess.CompletedProcess(argv, HUNG, b"", b"it never ends")
    died[kind] = died.get(kind, 0) + (r.returncode < 0)
    return r, dict(zip(KINDS, struct.unpack("9Q", PLAN.read_bytes())[4:8]))


def clean(r, kind):
    if r.returncode < 0 and kind == "memory of libraries":
        return True  # a library fell over its own failure: to the case that is a kill
    return r.returncode in (0, 1, 3) and (r.returncode != 3 or bool(r.stderr.strip())) and not SICK.search(r.stderr)


def same_tree(a, b):
    c = filecmp.dircmp(a, b, ignore=[])
    return (not c.left_only and not c.right_only and not c.funny_files
            and not filecmp.cmpfiles(a, b, c.common_files, shallow=False)[1]
            and all(same_tree(a / d, b / d) for d in c.common_dirs))


def look(d, keys):
    """(digest, answers, key) as which a case opens, or None."""
    for key in keys:
        r = run(INGEST, "status", d, "--key", key, "--format", "json")
        if r.returncode:
            continue
        q = run(QUERY, "search", d, "--key", key, "--no-log", "--format", "jsonl", "--", "*")
        lines = q.stdout.splitlines()
        summary = json.loads(lines[-1])
        summary.pop("generation")
        return json.loads(r.stdout)["digest"], hashlib.sha256(b"\n".join(lines[:-1]) + json.dumps(summary).encode()).digest(), key
    return None


class Writer:
    """A command that changes the case: what it is run on, and what it ends in."""

    def __init__(self, verb, case_dir, keys, args, again=None):
        self.verb, self.keys, self.args, self.again = verb, keys, args, again or args
        self.before, self.dir = TMP / f"faults-{verb}.before", TMP / f"faults-{verb}.case"
        shutil.copytree(case_dir, self.before)
        r, self.calls = failing(self.argv(case_dir, keys[0], args))
        check(r.returncode in (0, 1), f"{verb}: runs", r)
        self.after = look(case_dir, keys)

    def argv(self, d, key, args):
        return [INGEST, self.verb, d, "--key", key, *args]

    def trial(self, kind, at, error):
        """(survived, lost, wrong, what)."""
        shutil.rmtree(self.dir, ignore_errors=True)
        shutil.copytree(self.before, self.dir)
        for key in self.keys[1:]:
            key.unlink(missing_ok=True)
        r, _ = failing(self.argv(self.dir, self.keys[0], self.args), kind, at, error)
        what = f"{self.verb}, {kind} {at}: {r.returncode} {r.stderr[-300:]}"
        if not clean(r, kind):
            return False, False, False, what
        if r.returncode not in (0, 1) and same_tree(self.before, self.dir):
            return True, False, False, what  # nothing was done: known to work
        now = look(self.dir, self.keys)
        if now is None:
            return False, True, False, what + ": it does not open"
        key = now[2]
        v = run(INGEST, "verify", self.dir, "--key", key, "--no-reopen")
        if v.returncode:
            return False, False, False, f"{what}: verify {v}"
        a = run(*self.argv(self.dir, key, self.again))
        end = look(self.dir, [key, *self.keys, LATER])
        LATER.unlink(missing_ok=True)
        if not end or end[0] != self.after[0]:
            return False, True, False, f"{what}: again {a}"
        if end[1] != self.after[1] or list(self.dir.rglob("*.tmp")):
            return False, False, True, f"{what}: again {a}"
        return True, False, False, what


class Reader:
    """A question: its answer, whole."""

    def __init__(self, verb, case_dir, key, program, args):
        self.verb, self.dir, self.key = verb, case_dir, key
        self.argv = [program, verb, case_dir, "--key", key, *args]
        r, self.calls = failing(self.argv)
        check(r.returncode in (0, 1), f"{verb}: runs", r)
        self.answer = r.returncode, r.stdout

    def trial(self, kind, at, error):
        r, _ = failing(self.argv, kind, at, error)
        what = f"{self.verb}, {kind} {at}: {r.returncode} {r.stderr[-300:]}"
        if not clean(r, kind):
            return False, False, False, what
        # A file that cannot be read is damaged as far as verify can tell.
        told = self.verb == "verify" and r.returncode == 1 and b"damaged  " in r.stdout
        if r.returncode in (0, 1) and not told and (r.returncode, r.stdout) != self.answer:
            return False, False, True, f"{what}: {r.stdout[-300:]}"
        if kind == "files":
            v = run(INGEST, "verify", self.dir, "--key", self.key, "--no-reopen")
            if v.returncode:
                return False, False, False, f"{what}: verify {v}"
        return True, False, False, what


LATER = TMP / "faults-later.key"


def commands():
    """Each on the case that the one before left."""
    g = generate("faults", "-n", "120", "-d", "3")
    c = Case("faults")
    dumps = sorted((g / "dumps").iterdir())
    c.add(dumps[0], ident=g / "case.agekey")
    key, other = c.keyfile, TMP / "faults-other.key"
    yield Writer("add", c.dir, [key], ["-i", g / "case.agekey", "--memory", "64M", *dumps[1:]])
    yield Writer("unseal", c.dir, [key], ["--body-keys", g / "body.keys"])
    yield Writer("compact", c.dir, [key], [])
    for verb, program, args in (("verify", INGEST, ["--deep", "--no-reopen"]), ("status", INGEST, ["--format", "json"]),
                                ("search", QUERY, ["--format", "jsonl", "--all", "--", "*"]),
                                ("scan", QUERY, ["--format", "jsonl", "--all", "--", "b*"]),
                                ("timeline", QUERY, ["--by", "month"]), ("contacts", QUERY, ["*"])):
        yield Reader(verb, c.dir, key, program, args)
    yield Writer("rekey", c.dir, [key, other], ["--new-key", other], ["--new-key", LATER])


def positions(n, limit, rng):
    return range(1, n + 1) if limit is None or n <= limit else sorted(rng.sample(range(1, n + 1), limit))


def faults(limits, rng, tally, only=None):
    """`limits`: how many positions of each kind a command, None for all."""
    if not SHIM.exists():
        print(f"skipped: calls that fail ({SHIM.name} is built with the tests)")
        return
    for c in commands():
        if only and c.verb not in only:
            continue
        for kind in KINDS:
            todo = positions(c.calls[kind], limits.get(kind), rng)
            if not todo:
                continue
            results = [c.trial(kind, at, rng.choice(ERRORS)) for at in todo]
            tally(f"{kind}, {c.verb}", len(results), *(sum(r[i] for r in results) for i in range(3)), [r[3] for r in results if not r[0]])


def said_deaths():
    n = died.get("memory of libraries")
    if n:
        print(f"{n} runs died inside a library that got no memory (OpenSSL's start): a kill to the case")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--short", action="store_true", help="the form of the normal tests")
    p.add_argument("--each", type=int, help="positions a command and kind (all)")
    p.add_argument("--only", action="append", help="this command")
    p.add_argument("--seed", type=int, default=1)
    o = p.parse_args()
    rows = []

    def tally(*row):
        rows.append(row[:5])
        check(row[1] == row[2], f"{row[0]}: {row[1]} tried, {row[3]} lost, {row[4]} wrong", row[5][:3])
        if os.environ.get("LICTOR_FAULTS_SHOW"):
            print("{:36} {:7} {:9} {:6} {:6}".format(*row[:5]), *row[5], sep="\n    ", flush=True)
    limits = SHORT if o.short else dict.fromkeys(KINDS, o.each)
    each([lambda: faults(limits, random.Random(o.seed), tally, o.only)])
    print(f"{'trial':36} {'count':>7} {'survived':>9} {'lost':>6} {'wrong':>6}")
    for row in rows:
        print("{:36} {:7} {:9} {:6} {:6}".format(*row))
    said_deaths()
    finish()


if __name__ == "__main__":
    main()
