#!/usr/bin/env python3
"""Power that fails: every write, sync, rename, unlink of add, unseal, compact, rekey and of a search is recorded
(by a build with LICTOR_TEST_HOOKS), and the case is built as a disk may hold it after each of them.

A file system may keep what was not synced, or not, in any order: the content of a file until that file is
synced, its name until its directory is. At each place of the record: all that is pending, none of it, each
single operation missing, each alone, each first few, names without content, content without names, and the last
write torn or of zeros. Each of these cases has to open as the last commit that held for sure or a later one that
was begun, with the answers of that commit; verify finds nothing; and the same command completes to the digest and
the answers of a run that nothing disturbed.

replay.py [--short] [--replays N] [--full] [--seed S]: all of them, or N a command; ends in a table."""
import argparse, hashlib, json, os, pathlib, random, shutil, sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from lictor_cli import *

RECORDER = pathlib.Path(os.environ.get("LICTOR_HOOKS_BIN", BIN)).resolve()
SHORT = 6
LOG_GAP = re.compile(rb"damaged  (queries: entries \d+ to \d+ of the query log are gone: cut off, or lost in a power failure"
                     rb"|queries: entries \d+ to \d+ of the query log are zeros from byte \d+ on: lost in a power failure, or overwritten"
                     rb"|queries: what stood behind entry \d+ of the query log is gone, how many entries is not known: lost in a power failure, or overwritten with zeros)")


# ---- the record ------------------------------------------------------------------------------------


def read_trace(data):
    """(verb, arguments, bytes written) of each line."""
    ops, at = [], 0
    while at < len(data):
        end = data.index(b"\n", at)
        verb, *args = data[at:end].decode().split(" ")
        at, blob = end + 1, b""
        if verb == "write":
            blob = data[at:at + int(args[2])]
            at += len(blob)
        ops.append((verb, args, blob))
    return ops


class File:
    """Of a regular file or a directory: who it is; what it holds stands in an image."""

    def __init__(self, is_dir=False):
        self.is_dir = is_dir


class Op:
    """A change that may or may not reach the disk. Only the sync of `file` makes it last."""

    def __init__(self, kind, file, **kw):
        self.kind, self.file = kind, file
        self.__dict__.update(kw)

    def apply(self, image):
        if self.kind in ("write", "truncate"):
            content = image.setdefault(self.file, b"")
            if self.kind == "truncate":
                image[self.file] = content[:self.to].ljust(self.to, b"\0")
            else:
                content = content.ljust(self.at, b"\0")
                image[self.file] = content[:self.at] + self.data + content[self.at + len(self.data):]
            return
        for name in self.gone:
            image.pop((self.file, name), None)
        if self.name is not None:
            image[self.file, self.name] = self.of


class Disk:
    """What lasts (an image: content by file, files by directory and name) and what is pending."""

    def __init__(self, case_dir):
        self.root, self.lasting, self.pending, self.syncs = File(True), {}, [], {}
        self.numbers, self.names = {}, {}  # as the running program sees them
        self.take(case_dir, self.root)

    def take(self, path, file):
        self.numbers[path.stat().st_ino] = file
        for p in path.iterdir():
            f = File(p.is_dir())
            self.lasting[file, p.name] = self.names[file, p.name] = f
            if f.is_dir:
                self.take(p, f)
            else:
                self.numbers[p.stat().st_ino] = f
                self.lasting[f] = p.read_bytes()

    def rename(self, directory, gone, name=None, of=None):
        for n in gone:
            self.names.pop((directory, n), None)
        if name is not None:
            self.names[directory, name] = of
        self.pending.append(Op("name", directory, gone=gone, name=name, of=of))

    def step(self, verb, args, data):
        """False: nothing of the case."""
        if verb == "synced":
            covered = self.syncs.pop(args[0], None)
            if covered is None:
                return False
            for op in covered:
                op.apply(self.lasting)
            self.pending = [op for op in self.pending if op not in covered]
            return True
        file = self.numbers.get(int(args[0]))
        if file is None:
            return False
        if verb == "sync":
            self.syncs[args[1]] = [op for op in self.pending if op.file is file]
            return False
        if verb in ("create", "mkdir"):
            if self.names.get((file, args[2])) is not None and self.numbers.get(int(args[1])) is self.names[file, args[2]]:
                return False  # it was there
            new = self.numbers[int(args[1])] = File(verb == "mkdir")
            self.rename(file, [], args[2], new)
        elif verb == "rename":
            self.rename(file, [args[1]], args[2], self.names[file, args[1]])
        elif verb == "unlink":
            self.rename(file, [args[1]])
        elif verb == "write":
            self.pending.append(Op("write", file, at=int(args[1]), data=data))
        elif verb == "truncate":
            self.pending.append(Op("truncate", file, to=int(args[1])))
        else:
            raise RuntimeError(f"{verb}: no such line of a record")
        return True

    def image(self, ops):
        image = dict(self.lasting)
        for op in ops:
            op.apply(image)
        return image

    def choices(self):
        """(how, operations that reached the disk)."""
        p = self.pending
        yield "all", p
        yield "none", []
        for i in range(len(p)):
            yield f"without {i}", p[:i] + p[i + 1:]
            yield f"only {i}", [p[i]]
            yield f"first {i}", p[:i]
        yield "names", [op for op in p if op.kind == "name"]
        yield "contents", [op for op in p if op.kind != "name"]
        writes = [i for i, op in enumerate(p) if op.kind == "write"]
        if writes:
            i = writes[-1]
            half = len(p[i].data) // 2
            for how, data in (("torn", p[i].data[:half]), ("zeros", bytes(len(p[i].data))), ("half zeros", p[i].data[:half] + bytes(len(p[i].data) - half))):
                yield how, p[:i] + [Op("write", p[i].file, at=p[i].at, data=data)] + p[i + 1:]

    def files(self, image):
        """{path: bytes, or None of a directory} of an image: what a name leads to."""
        found = {}

        def walk(directory, prefix):
            for (d, name), f in [(k, v) for k, v in image.items() if isinstance(k, tuple)]:
                if d is directory:
                    found[prefix + name] = None if f.is_dir else image.get(f, b"")
                    if f.is_dir:
                        walk(f, prefix + name + "/")
        walk(self.root, "")
        return found


def fingerprint(files):
    h = hashlib.sha256()
    for name in sorted(files):
        data = b"a directory" if files[name] is None else files[name]
        h.update(b"%d %s %d " % (len(name), name.encode(), len(data)) + data)
    return h.digest()


def build(files, d):
    shutil.rmtree(d, ignore_errors=True)
    d.mkdir(mode=0o700)
    for name in sorted(files):
        if files[name] is None:
            (d / name).mkdir(mode=0o700)
        else:
            (d / name).write_bytes(files[name])
            (d / name).chmod(0o600)


# ---- a case that is opened again -------------------------------------------------------------------


def look(d, keys):
    """(generation, digest, answers, key) as which a case opens, or None."""
    for key in keys:
        r = run(INGEST, "status", d, "--key", key, "--format", "json")
        if r.returncode == 0:
            s = json.loads(r.stdout)
            q = run(QUERY, "search", d, "--key", key, "--format", "jsonl", "--", "*")
            lines = q.stdout.splitlines()
            if q.returncode not in (0, 1):
                return None
            summary = json.loads(lines[-1])
            if summary.pop("generation") != s["generation"]:
                return None
            answers = hashlib.sha256(b"\n".join(lines[:-1]) + json.dumps(summary).encode()).hexdigest()
            return s["generation"], s["digest"], answers, key.name
    return None


class Command:
    """One command, run once with a record, and what is done again on each state."""

    def __init__(self, verb, case_dir, keys, argv, again=None):
        self.verb, self.keys, self.argv, self.again = verb, keys, argv, again or argv
        before = TMP / f"replay-{verb}.before"
        shutil.copytree(case_dir, before)
        # The record goes by the numbers of the files of case_dir; their contents are those of `before`.
        trace = TMP / f"replay-{verb}.trace"
        listing = Disk(case_dir)
        r = run(*self.argv(case_dir, keys[0], RECORDER), env={**os.environ, "LICTOR_TEST_TRACE": str(trace)})
        check(r.returncode in (0, 1), f"{verb}: runs with a record", r)
        self.trace = read_trace(trace.read_bytes())
        self.states = []
        disk = listing
        for op in [None, *self.trace]:
            if op is None or disk.step(*op):
                self.states.append((disk.files(disk.lasting), disk.files(disk.image(disk.pending)),
                                    [(how, disk.files(disk.image(ops))) for how, ops in disk.choices()]))
        real = {str(p.relative_to(case_dir)): None if p.is_dir() else p.read_bytes() for p in case_dir.rglob("*") if p.name != "in-work"}
        check(self.states[-1][1] == real, f"{verb}: the record says all that happened to the case",
              sorted(n for n in {*real, *self.states[-1][1]} if real.get(n, 0) != self.states[-1][1].get(n, 0)))
        self.before, self.after = look(before, keys), look(case_dir, keys)
        self.dir = TMP / f"replay-{verb}.case"

    def opened(self, files, seen={}):
        mark = self.verb, fingerprint(files)
        if mark not in seen:
            build(files, self.dir)
            seen[mark] = look(self.dir, self.keys)
        return seen[mark]

    def trials(self):
        """(name, files, what it may open as): each state once, with the strictest demand."""
        found, least = {}, self.before
        for at, (sure, whole, choices) in enumerate(self.states):
            low, high = self.opened(sure), self.opened(whole)
            check(low and high and least[0] <= low[0] <= high[0] <= self.after[0],
                  f"{self.verb} at {at}: commits come in order", (least, low, high))
            # What does not open has to: its states are tried, and count as lost.
            low = low if low and low[0] >= least[0] else least
            high = high or self.after
            least = low
            for how, files in choices:
                mark = fingerprint(files)
                if mark not in found or found[mark][2] < low[0]:
                    old = found.get(mark)
                    found[mark] = (f"{self.verb} at {at}, {how}", files, low[0], old[3] if old else high[0])
        check(least == self.after, f"{self.verb}: what it said was done lasts", (least, self.after))
        return list(found.values())

    def commits(self):
        """The answers of each generation, as the undisturbed states open."""
        return {x[0]: x for x in (self.opened(whole) for _, whole, _ in self.states) if x}

    def only_the_log(self, v):
        """The query log is not synced: what a lost power took from it is said, for good; nothing else may be."""
        found = [x for x in v.stdout.splitlines() if x.startswith(b"damaged")]
        return self.verb == "search" and v.returncode == 1 and found and all(LOG_GAP.fullmatch(x) for x in found)

    def one(self, name, files, low, high, commits):
        """(survived, lost, wrong, what)."""
        build(files, self.dir)
        got = look(self.dir, self.keys)
        if got is None or got[0] < low:
            return False, True, False, f"{name}: opens as {got}, not as {low} to {high}"
        if got[0] > high or got != commits[got[0]]:
            return False, False, True, f"{name}: opens as {got}, not as {commits.get(got[0])}"
        key = next(k for k in self.keys if k.name == got[3])
        v = run(INGEST, "verify", self.dir, "--key", key, "--no-reopen")
        if v.returncode and not self.only_the_log(v):
            return False, False, False, f"{name}: verify {v}"
        r = run(*self.again(self.dir, key, BIN))
        if r.returncode not in (0, 1):
            return False, False, False, f"{name}: again {r}"
        end = look(self.dir, self.keys if self.verb != "rekey" else [*self.keys, LATER])
        v = run(INGEST, "verify", self.dir, "--key", TMP / end[3], "--no-reopen") if end else None
        if not end or (v.returncode and not self.only_the_log(v)) or list(self.dir.rglob("*.tmp")):
            return False, False, False, f"{name}: after it again {end} {v} {list(self.dir.rglob('*.tmp'))}"
        lost, wrong = end[1] != self.after[1], end[2] != self.after[2]
        return not lost and not wrong, lost, wrong, f"{name}: ends as {end}, not as {self.after}"


LATER = TMP / "replay-later.key"


def rekeyed_again(d, key, where):
    LATER.unlink(missing_ok=True)
    return [where / "lictor-ingest", "rekey", d, "--key", key, "--new-key", LATER]


def commands():
    """Each on the case that the one before left."""
    g = generate("replay", "-n", "160", "-d", "4")
    c = Case("replay")
    dumps = sorted((g / "dumps").iterdir())
    c.add(dumps[0], ident=g / "case.agekey")
    key, other = c.keyfile, TMP / "replay-other.key"

    def ingest(verb, *args):
        return lambda d, k, where: [where / "lictor-ingest", verb, d, "--key", k, *args]
    yield Command("add", c.dir, [key], ingest("add", "-i", g / "case.agekey", "--memory", "64M", *dumps[1:]))
    yield Command("unseal", c.dir, [key], ingest("unseal", "--body-keys", g / "body.keys"))
    yield Command("compact", c.dir, [key], ingest("compact"))
    yield Command("search", c.dir, [key], lambda d, k, where: [where / "lictor-query", "search", d, "--key", k, "--", "*"])
    yield Command("rekey", c.dir, [key, other], ingest("rekey", "--new-key", other), rekeyed_again)


def replays(limit, rng, tally, only=None):
    """`limit` states of each command, or all for None."""
    if b"LICTOR_TEST_TRACE" not in (RECORDER / "lictor-ingest").read_bytes():
        print("skipped: power failures are recorded by a build with LICTOR_TEST_HOOKS ($LICTOR_HOOKS_BIN)")
        return
    for c in commands():
        if only and c.verb not in only:
            continue
        todo = c.trials()
        commits = c.commits()
        if limit is not None and len(todo) > limit:
            todo = rng.sample(todo, limit)
        results = [c.one(*t, commits) for t in todo]
        bad = [r[3] for r in results if not r[0]]
        tally(f"power lost in {c.verb}", len(results), *(sum(r[i] for r in results) for i in range(3)), bad)
        c.states = []


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--short", action="store_true", help=f"the form of the normal tests: {SHORT} states a command")
    p.add_argument("--full", action="store_true", help="all states (the default)")
    p.add_argument("--replays", type=int, help="states a command")
    p.add_argument("--only", action="append", help="this command (add, unseal, compact, search, rekey)")
    p.add_argument("--seed", type=int, default=1)
    o = p.parse_args()
    rows = []

    def tally(*row):
        rows.append(row[:5])
        check(row[1] == row[2] and row[1] > 0, f"{row[0]}: {row[1]} tried, {row[3]} lost, {row[4]} wrong", row[5][:3])
    limit = o.replays if o.replays is not None else SHORT if o.short and not o.full else None
    each([lambda: replays(limit, random.Random(o.seed), tally, o.only)])
    print(f"{'trial':28} {'count':>7} {'survived':>9} {'lost':>6} {'wrong':>6}")
    for row in rows:
        print("{:28} {:7} {:9} {:6} {:6}".format(*row))
    finish()


if __name__ == "__main__":
    main()
