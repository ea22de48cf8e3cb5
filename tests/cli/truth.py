#!/usr/bin/env python3
"""A generated delivery through the whole way: however it is added, in whatever order, with however
many threads and however little memory, the case holds what truth.json says, and the same case.
--messages N (default 20000), --seed S, --server, --ascii: another delivery."""
import argparse, collections, concurrent.futures, hashlib, json, random, re, subprocess

from lictor_cli import *

TIMEOUT = 7200
# Which books of truth.json become which of `status`: `end` lines are of no document.
FLAGS = ("repeated", "one-sided", "conflict", "sealed", "untimed", "incomplete", "damaged-text")


def options():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--messages", type=int, default=20000)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--server", action="store_true")
    p.add_argument("--ascii", action="store_true")
    return p.parse_args()


O = options()


def delivery_of(name, *how):
    shape = ["--shape", "server"] * O.server + ["--scripts", "ascii"] * O.ascii
    return generate(name, "-n", O.messages, "-s", O.seed, *how, *shape, timeout=TIMEOUT)


# ---- what a case holds ----------------------------------------------------------------------------


class Lines:
    """Every line of `search '*'` as a short hash, and what they add up to."""

    def __init__(self, c):
        self.flags, self.types, self.hashes, self.ids = collections.Counter(), collections.Counter(), [], set()
        p = subprocess.Popen([QUERY, "search", c.dir, *map(str, c.key), "--format", "jsonl", "--", "*"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        summary = None
        for line in p.stdout:
            row = json.loads(line)
            if row["type"] == "summary":
                summary = row
                continue
            self.hashes.append(hashlib.blake2b(line, digest_size=8).digest())
            self.types[row["type"]] += 1
            self.ids.add(row["id"])
            for f in row.get("flags", []):
                self.flags[f] += 1
        check(p.wait() == 0 and summary is not None, c.name + ": search * ends in a summary", p.stderr.read())
        self.total = (summary or {}).get("total")
        self.digest = (summary or {}).get("digest")

    def same(self, other, what):
        check(self.ids == other.ids and len(self.ids) == len(self.hashes), what + ": the same ids, each once",
              (len(self.ids), len(other.ids), len(self.hashes)))
        at = next((i for i, (a, b) in enumerate(zip(self.hashes, other.hashes)) if a != b), None)
        check(at is None and len(self.hashes) == len(other.hashes), what + ": the same lines in the same order", at)
        check(self.digest == other.digest, what + ": the same digest in the summary")


def count_of(c, query):
    r = run(QUERY, "search", c.dir, *c.key, "--count", "--", query, timeout=TIMEOUT)
    if r.returncode != (1 if r.stdout.strip() == b"0" else 0):
        check(False, f"{c.name}: exit code of --count {query}", (r.returncode, r.stdout, r.stderr))
    return int(r.stdout or -1)


def counts(c, queries, what):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda q: count_of(c, q["query"]), queries))
    for q, n in zip(queries, found):
        check(n == q["count"], f"{what}: search --count {q['query']}", f"truth {q['count']}, found {n}")


def status_is(c, truth, what, sealed):
    s = c.status()
    complete = len(truth["dumps"])
    said = {"messages": truth["messages"], "copies": truth["copies"], "quarantined": truth["quarantined"],
            "other": truth["other"] - complete, "conflict": truth["flags"]["conflict"], "sealed": sealed,
            "notes": next(q["count"] for q in truth["counts"] if q["query"] == "kind:note"),
            "dumps": {"complete": complete, "partial": 0, "refused": 0}}
    found = {k: s[k] for k in said}
    check(found == said, what + ": status = truth", f"truth {said}, found {found}")
    return s["digest"]


def totals_are(added, truth, what):
    sums = {k: sum(a.totals.get(k, 0) for a in added) for k in BOOKS}
    check(sums == {k: truth[k] for k in BOOKS}, what + ": totals = truth", sums)
    check(all(a.balanced() for a in added), what + ": the books balance")
    check(all(a.code == (1 if a.totals.get("quarantined") else 0) for a in added), what + ": exit codes",
          [(a.code, a.err) for a in added])
    by_hash = {d["sha256"]: d for a in added for d in a.dumps}
    for d in truth["dumps"]:
        got = by_hash.get(d["sha256"], {})
        check(all(got.get(k) == d[k] for k in ("bytes", "state", "records", "quarantined")),
              f"{what}: books of {d['file']}", (d, got))


# ---- the small conversation ------------------------------------------------------------------------


def streams_of(plain):
    """(source, stage) -> its numbers, in order; service id -> where its copies are."""
    numbers, where = collections.defaultdict(set), collections.defaultdict(list)
    for part in sorted((plain / "dumps").iterdir()):
        with open(part, "rb") as f:
            d = json.loads(next(f))
            stream = (d["source"], d["stage"])
            for line in f:
                m = re.match(rb'\{"kind":"(\w+)","seq":(\d+)', line)
                if m:
                    numbers[stream].add(int(m[2]))
                    i = re.search(rb',"id":"(m[0-9a-f]+-[0-9a-f]+)"', line) if m[1] == b"message" else None
                    if i:
                        where[i[1].decode()].append((stream, int(m[2])))
    return {s: sorted(n) for s, n in numbers.items()}, where


def gaps_between(numbers, first, last):
    return {(a, b, b - a - 1) for a, b in zip(numbers, numbers[1:]) if b - a > 1 and first <= a and b <= last}


def small_conversation(c, truth, numbers, where, what):
    said = truth["thread"]["small"]
    r = run(QUERY, "thread", c.dir, *c.key, "--with", said["with"], "--format", "jsonl")
    rows = [json.loads(x) for x in r.stdout.splitlines()]
    messages = [m for m in rows if m["type"] == "message"]
    check(r.returncode == 0 and len(messages) == said["messages"], what + ": messages of the small conversation",
          (r.returncode, len(messages), r.stderr))
    check([m["sent"] for m in messages] == sorted(m["sent"] for m in messages), what + ": in time")
    two = [m for m in messages if m.get("service_id") == said["conflict_id"]]
    check(len(two) == 2 and all("conflict" in m.get("flags", []) for m in two), what + ": two texts under one id", two)
    if len(two) == 2:
        for m, o in (two, two[::-1]):
            check({"id": o["id"], "why": "same-id"} in m.get("related", []), what + ": related both ways", m)
    conv = said["conflict_id"].split("-")[0]
    own = collections.defaultdict(list)
    for i, copies in where.items():
        for stream, seq in copies if i.startswith(conv + "-") else []:
            own[stream].append(seq)
    expected = {(s, *g) for s, o in own.items() for g in gaps_between(numbers[s], min(o), max(o))}
    found = {((g["source"], g["stage"]), g["after_seq"], g["before_seq"], g["missing"])
             for g in rows if g["type"] == "gap"}
    check(found == expected and expected, what + ": gaps of the small conversation",
          f"only truth {sorted(expected - found)}, only found {sorted(found - expected)}")
    return rows


# ---- the ways in -----------------------------------------------------------------------------------


def dumps_in(delivery, order):
    paths = sorted((delivery / "dumps").iterdir())
    if order == "reverse":
        paths.reverse()
    if order == "shuffled":
        random.Random(O.seed).shuffle(paths)
    return paths


def ingest(name, delivery, how, order, many):
    c = Case(name)
    c.name = name
    paths = [delivery / "dumps"] if order == "directory" else dumps_in(delivery, order)
    sets = [[p] for p in paths] if many else [paths]
    return c, [c.add(*how, *s, ident=delivery / "case.agekey", timeout=TIMEOUT) for s in sets]


WAYS = (("1 thread", ["-j", "1"], "directory", False),
        ("2 threads, reverse", ["-j", "2"], "reverse", False),
        ("8 threads, shuffled", ["-j", "8"], "shuffled", False),
        ("64M, one thread", ["-j", "1", "--memory", "64M"], "forward", False),
        ("one add a dump, reverse", ["-j", "2"], "reverse", True),
        ("one add a dump, shuffled, 64M", ["-j", "8", "--memory", "64M"], "shuffled", True))


def main():
    delivery = delivery_of("delivery")
    truth = json.loads((delivery / "truth.json").read_text())
    numbers, where = streams_of(delivery_of("plain", "--plain"))
    missing = {(g["source"], g["stage"]): g["missing"] for g in truth["gaps"]}
    first = digest = thread = None

    def holds(c, what):
        nonlocal first, digest, thread
        d = status_is(c, truth, what, truth["sealed"])
        digest = digest or d
        check(d == digest, what + ": the same digest", (d, digest))
        lines = Lines(c)
        check(lines.types["message"] == truth["messages"], what + ": messages of search *", lines.types)
        check({f: lines.flags[f] for f in FLAGS} == truth["flags"], what + ": flags = truth",
              f"truth {truth['flags']}, found {dict(lines.flags)}")
        check(lines.digest == digest, what + ": the summary has the digest of status", lines.digest)
        if first is None:
            first = lines
        lines.same(first, what)
        if "small" in truth["thread"]:
            rows = small_conversation(c, truth, numbers, where, what)
            thread = thread or rows
            check([r for r in rows if r["type"] != "summary"] == [r for r in thread if r["type"] != "summary"],
                  what + ": the same thread")
        counts(c, truth["needles"], what)

    for s, n in numbers.items():
        lost = n[-1] - n[0] + 1 - len(n)
        check(lost <= missing.get(s, 0), f"gaps of {s}: what the dumps lack is in truth.json", lost)
    for name, how, order, many in WAYS:
        c, added = ingest(re.sub(r"\W+", "-", name), delivery, how, order, many)
        totals_are(added, truth, name)
        holds(c, name)
        if name == WAYS[0][0]:
            counts(c, truth["counts"], name)
        before = c.status()["segments"]
        r = c.ingest("compact", timeout=TIMEOUT)
        check(r.returncode == 0 and c.status()["segments"] == min(before, 1), name + ": compact", (r.stdout, r.stderr))
        holds(c, name + ", compacted")
        if name == WAYS[-1][0]:
            counts(c, truth["counts"], name + ", compacted")
            c.sound(name)
        again = c.add(delivery / "dumps", ident=delivery / "case.agekey", timeout=TIMEOUT)
        check({d["state"] for d in again.dumps} == {"already"} and again.totals["records"] == 0,
              name + ": the same dumps again", again)
        shutil.rmtree(c.dir)

    c, added = ingest("opened", delivery, ["--body-keys", delivery / "body.keys"], "directory", False)
    totals_are(added, truth, "with body keys")
    sealed = truth["sealed_without_key"] + truth["seal_broken"]
    status_is(c, truth, "with body keys", sealed)
    lines = Lines(c)
    check(lines.ids == first.ids, "with body keys: the ids stay")
    check(lines.flags["sealed"] == sealed and lines.flags["seal-broken"] == truth["seal_broken"],
          "with body keys: what stays sealed", dict(lines.flags))


each([main])
finish()
