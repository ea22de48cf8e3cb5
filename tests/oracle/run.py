#!/usr/bin/env python3
"""Random queries: the answers of `search` against the oracle of this folder.
usage: run.py [--queries N] [--seed S] [--messages M] [--query Q [--tz ZONE]] [--irc N] [--keep]
$LICTOR_BIN has the programs. Ends in `N passed, N failed`."""
import argparse, collections, json, os, pathlib, subprocess, sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "cli")]

import lictor_cli as cli
from data import write_delivery
from lang import Corpus, QueryError, shown_key
from queries import FORMS, Generator, render, smaller
from records import Number, read_dumps, record_key

SORTS = ("newest", "oldest")


def args():
    a = argparse.ArgumentParser(description=__doc__)
    a.add_argument("--queries", type=int, default=int(os.environ.get("LICTOR_ORACLE_QUERIES", 2000)))
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--messages", type=int, default=500)
    a.add_argument("--forms", default=",".join(sorted(FORMS)))
    a.add_argument("--query")
    a.add_argument("--tz", default="UTC")
    a.add_argument("--irc", type=int, default=1, metavar="N", help="logs of ../shared to take in, where it exists")
    a.add_argument("--most", type=int, default=20, help="stop after so many disagreements")
    return a.parse_args()


class Bed:
    """A case and what the oracle thinks of the same dumps."""

    def __init__(self, name, paths, adds=2):
        self.name, self.case = name, cli.Case(name)
        share = [paths[i::adds] for i in range(adds)]
        for p in filter(None, share):
            a = self.case.add(*p, ident=False)
            cli.check(a.code in (0, 1) and a.balanced(), f"{name}: the delivery goes in", a)
        self.delivery = read_dumps(paths)
        self.docs = self.delivery.docs()
        self.corpus = Corpus(self.docs, self.delivery.nicks)
        self.convs = {}

    def ask(self, verb, query, tz, sort=None):
        r = cli.run(cli.QUERY, verb, self.case.dir, *self.case.key, "--format", "jsonl", "--tz", tz, *(["--sort", sort] if sort else []), "-", data=query.encode())
        if r.returncode not in (0, 1):
            return None, r.stderr.decode("utf-8", "replace")
        rows = [json.loads(x, parse_float=Number) for x in r.stdout.decode("utf-8", "surrogateescape").splitlines()]
        return rows, ""

    def differs(self, query, tz):
        """None, or what is different, in words."""
        try:
            want = self.corpus.answer(query, tz)
        except QueryError as e:
            want = e
        for verb, sort in (("search", SORTS[len(query) % 2]), ("scan", "newest")):
            rows, err = self.ask(verb, query, tz, sort)
            if isinstance(want, QueryError) or rows is None:
                if isinstance(want, QueryError) != (rows is None):
                    return f"{verb}: the oracle says {want if isinstance(want, QueryError) else want.total}; the program: {err[-300:] or rows[-1]}"
                continue
            d = compare(want, rows, self, sort == "newest")
            if d:
                return f"{verb}: {d}"
        return None


def key_of(row):
    if row["type"] == "message":
        return row["id"]
    return record_key(row["record"])


def compare(want, rows, bed, newest):
    hits, summary = rows[:-1], rows[-1]
    if summary["type"] != "summary":
        return "no summary"
    got = collections.Counter(map(key_of, hits))
    out = []
    for title, diff in (("missing", want.hits - got), ("too many", got - want.hits)):
        for k in list(diff)[:2]:
            d = [x for x in bed.docs if x.key == k]
            out.append(f"{title}: {k[:60]} {d[0] if d else 'unknown to the oracle'} flags {d and sorted(d[0].flags)} of {sum(diff.values())}")
    for name in ("total", "conversations", "sealed", "untimed"):
        if summary[name] != getattr(want, name):
            out.append(f"{name}: {summary[name]}, not {getattr(want, name)}")
    if not out:
        in_order = [bed.docs[i].key for i in sorted(want.docs, key=lambda i: shown_key(bed.docs[i], newest))]
        at = next((i for i, (a, b) in enumerate(zip(map(key_of, hits), in_order)) if a != b), None)
        if at is not None:
            out.append(f"order: hit {at} is {hits[at]}, not {in_order[at]}")
    return "; ".join(out)


def shrink(bed, tree, tz, limit=200):
    """The smallest query found on which both still differ."""
    progress = True
    while progress and limit:
        progress = False
        for s in smaller(tree):
            limit -= 1
            if not limit:
                break
            d = bed.differs(render(s), tz)
            if d:
                tree, progress = s, True
                break
    return tree


def compare_many(bed, queries, seed, forms, most):
    g = Generator(bed.corpus, seed, forms)
    g.nicks = bed.delivery.nicks
    hits = bad = 0
    for n in range(queries):
        tree, tz = g.query()
        q = render(tree)
        d = bed.differs(q, tz)
        ok = cli.check(d is None, f"{bed.name}: query {n} of seed {seed}: {q}   --tz {tz}", d)
        if not ok:
            bad += 1
            small = shrink(bed, tree, tz)
            if small != tree:
                print(f"   smaller: {render(small)}\n   {bed.differs(render(small), tz)}", flush=True)
            if bad >= most:
                print(f"stopped after {bad} disagreements")
                return
        hits += bool(bed.corpus_hits(q, tz)) if n % 20 == 0 else 0
    asked = (queries + 19) // 20
    cli.check(hits * 3 > asked, f"{bed.name}: most queries find something", f"{hits} of {asked}")


def corpus_hits(self, q, tz):
    try:
        return self.corpus.answer(q, tz).total
    except QueryError:
        return 0


Bed.corpus_hits = corpus_hits


def generated(o):
    d = cli.TMP / "generated"
    cli.tool(cli.BENCH, "generate", d, "-n", str(o.messages), "-s", str(o.seed), "--plain", "-j", "1", "--progress", "none")
    return sorted((d / "dumps").iterdir())


def irc(o):
    """Real talk of real people, where it is at hand: dumps of one channel's logs."""
    tool = HERE.parents[2] / "shared" / "tools" / "irc_to_ndjson.py"
    if not o.irc:
        return []
    if not tool.exists():
        print("irc: skipped, ../shared is not here")
        return []
    d = cli.TMP / "irc"
    cli.tool(sys.executable, tool, "--files", o.irc, d)
    return [Bed("irc", sorted(d.glob("*.ndjson")))]


def main():
    o = args()
    forms = set(filter(None, o.forms.split(",")))
    beds = [Bed("stories", generated(o)), Bed("hostile", write_delivery(cli.TMP / "hostile", o.seed, o.messages), 3), *irc(o)]
    if o.query:
        for b in beds:
            print(b.name, b.differs(o.query, o.tz) or f"agree: {b.corpus_hits(o.query, o.tz)}")
        return
    for i, b in enumerate(beds):
        compare_many(b, o.queries // len(beds), o.seed + i, forms, o.most)


main()
cli.finish()
