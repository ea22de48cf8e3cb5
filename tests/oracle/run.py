#!/usr/bin/env python3
"""Random queries: the answers of `search` against the oracle of this folder.
usage: run.py [--queries N] [--seed S] [--messages M] [--query Q [--tz ZONE]] [--irc N] [--keep]
$LICTOR_BIN has the programs. Ends in `N passed, N failed`."""
import argparse, collections, json, os, pathlib, random, sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "cli")]

import lictor_cli as cli
import values
from data import write_delivery
from lang import Corpus, QueryError, shown_key
from queries import FORMS, Generator, render, smaller
from records import Number, read_dumps, record_key

LIMIT = "takes too many steps for the word"
SORTS = ("newest", "oldest")


def args():
    a = argparse.ArgumentParser(description=__doc__)
    a.add_argument("--queries", type=int, default=int(os.environ.get("LICTOR_ORACLE_QUERIES", 2000)))
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--messages", type=int, default=200)
    a.add_argument("--forms", default=",".join(sorted(FORMS)))
    a.add_argument("--query")
    a.add_argument("--tz", default="UTC")
    a.add_argument("--irc", type=int, default=1, metavar="N", help="logs of ../shared to take in, where it exists")
    a.add_argument("--values", type=int, default=3000, help="texts with accounts, addresses and places")
    a.add_argument("--scan-every", type=int, default=20, help="every which query is asked of scan, too")
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
        self.limited = 0

    def ask(self, verb, query, tz, sort=None, *more):
        r = cli.run(cli.QUERY, verb, self.case.dir, *self.case.key, "--format", "jsonl", "--tz", tz, *(["--sort", sort] if sort else []), *more, "-", data=query.encode())
        if r.returncode not in (0, 1):
            return None, r.stderr.decode("utf-8", "replace")
        rows = [json.loads(x, parse_float=Number) for x in r.stdout.decode("utf-8", "surrogateescape").splitlines()]
        return rows, ""

    def wanted(self, query, tz):
        """The oracle's Answer, or its QueryError."""
        try:
            return self.corpus.answer(query, tz)
        except QueryError as e:
            return e

    def verdict(self, want, rows, err, sort):
        if rows is None and LIMIT in err:  # said, not cut: the program may, the oracle has no bounds
            self.limited += 1
            return ""
        if isinstance(want, QueryError) or rows is None:
            if isinstance(want, QueryError) == (rows is None):
                return ""
            return f"the oracle says {want if isinstance(want, QueryError) else want.total}; the program: {err[-300:] or rows[-1]}"
        return compare(want, rows, self, sort == "newest")

    def differs(self, query, tz, verb="search"):
        """Empty, or what is different, in words."""
        sort = SORTS[len(query) % 2]
        d = self.verdict(self.wanted(query, tz), *self.ask(verb, query, tz, sort), sort)
        return d and f"{verb}: {d}"

    def relevance_differs(self, want, query, tz):
        """The scores, the order by them, and the counts of the terms."""
        rows, err = self.ask("search", query, tz, "relevance")
        if rows is None or isinstance(want, QueryError):
            return self.verdict(want, rows, err, None)
        terms, scores = self.corpus.scores(query, want.docs)
        got = [(x["term"], x["messages"]) for x in rows[-1].get("terms", [])]
        if got != terms:
            return f"terms: {got}, not {terms}"
        by_key = collections.defaultdict(list)
        for i in want.docs:
            by_key[self.docs[i].key].append(i)
        order = []
        for x in rows[:-1]:
            same_key = by_key[key_of(x)]
            if not same_key:
                return f"too many: {x}"
            i = same_key.pop()
            millionths = round(x["score"] * 1e6)
            if abs(millionths - scores[i]) > 1:
                return f"score of {x}: not {scores[i] / 1e6}"
            order.append((-millionths, shown_key(self.docs[i], True)))
        if any(by_key.values()):
            return f"missing: {[k for k, v in by_key.items() if v][:3]}"
        return "" if order == sorted(order) else f"order by score: {[a for a, b in zip(order, sorted(order)) if a != b][:2]}"

    def pages_differ(self, query, tz, sort, limit):
        """Pages joined are the whole."""
        whole, err = self.ask("search", query, tz, sort)
        if whole is None:
            return ""
        got, after = [], ()
        while True:
            page, err = self.ask("search", query, tz, sort, "--limit", str(limit), *after)
            if page is None:
                return f"page behind {len(got)} hits: {err}"
            got += page[:-1]
            if {k: v for k, v in page[-1].items() if k not in ("next", "pairs")} != {k: v for k, v in whole[-1].items() if k != "pairs"}:
                return f"summary of a page: {page[-1]}, not {whole[-1]}"
            if "next" not in page[-1]:
                break
            if page[-1]["next"] != page[-2]["id"] or len(page) != limit + 1 or len(got) > len(whole):
                return f"a page behind {len(got)} hits has {len(page) - 1}, next {page[-1]['next']}"
            after = ("--continue", page[-1]["next"])
        return "" if got == whole[:-1] else f"pages of {limit} make {len(got)} hits of {len(whole) - 1}, or others"

    def batch(self, queries, tz, sort):
        """[(rows as of search, error, parsed form)] of each."""
        text = "".join(f" {q}\n" for q in queries).encode()
        r = cli.run(cli.QUERY, "batch", self.case.dir, *self.case.key, "--hits", "--format", "jsonl", "--tz", tz, "--sort", sort, "-", data=text)
        out = []
        for x in r.stdout.decode("utf-8", "surrogateescape").splitlines():
            row = json.loads(x, parse_float=Number)
            if row["type"] == "result":
                out.append(([], row.get("error", ""), row))
            elif "query" in row:
                out[-1][0].append(row)
        ended = r.stdout.rstrip().rsplit(b"\n", 1)[-1].startswith(b'{"type":"summary"')
        cli.check(ended and len(out) == len(queries), f"{self.name}: batch answers every query", (len(out), len(queries), r.stderr[-300:]))
        return [(None if err else [*hits, {**row, "type": "summary"}], err, row.get("parsed")) for hits, err, row in out]


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


def shrink(bed, tree, tz, verb, limit=200):
    """The smallest query found on which both still differ."""
    progress = True
    while progress and limit:
        progress = False
        for s in smaller(tree):
            limit -= 1
            if not limit:
                break
            if bed.differs(render(s), tz, verb):
                tree, progress = s, True
                break
    return tree


def same(a, b):
    return isinstance(a, QueryError) == isinstance(b, QueryError) and (isinstance(a, QueryError) or a == b)


class Comparison:
    def __init__(self, bed, seed, o):
        self.bed, self.seed, self.o, self.bad, self.n, self.found = bed, seed, o, 0, 0, 0
        self.generator = Generator(bed.corpus, seed, set(filter(None, o.forms.split(","))))
        self.pages = random.Random(seed)
        self.generator.nicks = bed.delivery.nicks

    def report(self, n, tree, tz, verb, d):
        q = render(tree)
        if cli.check(not d, f"{self.bed.name}: query {n} of seed {self.seed}: {q}   --tz {tz}", d):
            return
        self.bad += 1
        small = shrink(self.bed, tree, tz, verb)
        if small != tree:
            print(f"   smaller: {render(small)}\n   {self.bed.differs(render(small), tz, verb)}", flush=True)

    def chunk(self, size):
        groups = collections.defaultdict(list)
        for _ in range(size):
            tree, tz = self.generator.query()
            groups[tz, SORTS[self.n % 2]].append((self.n, tree))
            self.n += 1
        for (tz, sort), group in groups.items():
            for (n, tree), (rows, err, parsed) in zip(group, self.bed.batch([render(t) for _, t in group], tz, sort)):
                self.one(n, tree, tz, sort, rows, err, parsed)

    def one(self, n, tree, tz, sort, rows, err, parsed):
        q = render(tree)
        want = self.bed.wanted(q, tz)
        d = self.bed.verdict(want, rows, err, sort)
        self.report(n, tree, tz, "search", d and f"batch: {d}")
        if not isinstance(want, QueryError):
            self.found += want.total > 0
        if parsed is not None and not d:
            cli.check(same(self.bed.wanted(parsed, tz), want), f"{self.bed.name}: the printed form means the same: {q}", parsed)
        if n % 10 == 3:
            d = self.bed.relevance_differs(want, q, tz)
            cli.check(not d, f"{self.bed.name}: --sort relevance, query {n} of seed {self.seed}: {q}   --tz {tz}", d)
            self.bad += bool(d)
        if n % 25 == 7 and rows and len(rows) > 2:
            by, limit = self.pages.choice([*SORTS, "relevance"]), self.pages.randrange(max(1, len(rows) // 12), len(rows))
            d = self.bed.pages_differ(q, tz, by, limit)
            cli.check(not d, f"{self.bed.name}: pages of {limit} by {by}, query {n} of seed {self.seed}: {q}   --tz {tz}", d)
            self.bad += bool(d)
        for verb, every in (("scan", self.o.scan_every), ("search", 50)):
            if n % every == 0:
                self.report(n, tree, tz, verb, self.bed.differs(q, tz, verb))

    def run(self, queries):
        while self.n < queries and self.bad < self.o.most:
            self.chunk(min(100, queries - self.n))
        if self.bad >= self.o.most:
            print(f"stopped after {self.bad} disagreements")
        if self.bed.limited:
            print(f"{self.bed.name}: {self.bed.limited} answers ended with an error that names the word: too many steps")
        cli.check(self.bed.limited * 100 <= self.n, f"{self.bed.name}: few queries meet a limit", f"{self.bed.limited} of {self.n}")
        cli.check(self.found * 2 > self.n, f"{self.bed.name}: most queries find something", f"{self.found} of {self.n}")


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


def compare_values(o):
    """has:iban, crypto, coordinates over texts that have them, almost have them, and damaged ones."""
    r = random.Random(o.seed)
    texts = sorted({values.make_text(r) for _ in range(o.values)})
    folder = cli.TMP / "values"
    folder.mkdir()
    (folder / "v.ndjson").write_bytes(cli.dump([cli.msg(i + 1, t, sent=cli.T + i) for i, t in enumerate(texts)]))
    bed = Bed("values", [folder / "v.ndjson"], 1)
    for name in ("iban", "crypto", "coordinates"):
        want = {d.text for d in bed.docs if name in d.seen}
        cli.check(len(want) * 12 > len(texts), f"values: enough of {name}", len(want))
        for verb in ("search", "scan"):
            rows, err = bed.ask(verb, "has:" + name, "UTC")
            got = {x["text"] for x in rows[:-1]} if rows else err
            cli.check(got == want, f"values: {verb} has:{name}, seed {o.seed}", rows and [(k, sorted(v)[:5]) for k, v in (("too many", got - want), ("missing", want - got))])


def main():
    o = args()
    if not o.query:
        compare_values(o)
    beds = [Bed("stories", generated(o)), Bed("hostile", write_delivery(cli.TMP / "hostile", o.seed, o.messages), 3), *irc(o)]
    if o.query:
        for b in beds:
            d = b.differs(o.query, o.tz) or b.differs(o.query, o.tz, "scan")
            cli.check(not d, f"{b.name}: {o.query}", d)
            want = b.wanted(o.query, o.tz)
            print(f"{b.name}: {want if isinstance(want, QueryError) else want.total}")
        return
    for i, b in enumerate(beds):
        share = 0.1 if b.name == "irc" else 0.45 if len(beds) > 2 else 0.5  # its answers are long
        Comparison(b, o.seed + i, o).run(round(o.queries * share))


main()
cli.finish()
