#!/usr/bin/env python3
"""Patterns, distances and `terms` from outside: search, scan and terms say the same, words too long for
the index are found by their ends, and what would explode ends with a message.
Needs zstd and age; $LICTOR_BIN has the programs. Ends in `N passed, N failed`."""
import csv, io, json, time

from lictor_cli import *

LONG = "q" + "x" * 300
TEXTS = ["the harbour at noon", "Harbor at nine, blue van", "herbour harbours HARBOUR", "van not blue but red", LONG + "end here", LONG + "other here",
         "東京都 https://example.org/harbour", "👍🏽 مرحبا harbour", "a" * 60 + "cba"]


def count(c, verb, q):
    r = run(QUERY, verb, c.dir, *c.key, "--count", "-", data=q.encode())
    return int(r.stdout) if r.returncode in (0, 1) else r.stderr.decode()


def test_the_same_answers():
    want = {"harb*": 5, "h?rbour": 4, "*bour": 4, "*rbour*": 4, "harbour~1": 5, "harbor~2": 5, "/h[ae]rbou?r/": 5, "=Harb*": 1, "=/H.*/": 2, "=harbour~1": 4,
            '"the h*"': 1, '"h* at n*"': 2, '"blue * blue"': 0, '"not * but"': 1, '"van blue"~1': 1, '"van blue"~2': 2, "van NEAR/2 blue": 2, "van PRE/2 blue": 1,
            "(van OR h*) NEAR/3 (blue OR noon)": 3, "harb* NEAR/9 at PRE/2 n*": 2, "q*end": 1, "q*": 2, "/q.+other/": 1, "*xend": 1, '"q*end here"': 1, "東?": 1, "東京 PRE/1 都": 1, "東京 NEAR/9 京": 0,
            "*example*": 1, "-h*": 2}
    for q, n in want.items():
        got = count(C, "search", q), count(C, "scan", q)
        check(got == (n, n), f"{q} finds {n}", got)


def test_phone_numbers():
    """A number in one piece finds every spelling, as QUERY.md says."""
    c = Case("phones")
    spelled = ["bel 0612345678", "06-12345678", "(06) 1234 5678", "06.12.34.56.78", "０６１２３４５６７８", "+31 6 12345678", "0031 6 1234 5678", "٠٦١٢٣٤٥٦٧٨", "12:30 op 2020-04-02"]
    c.add(write("phones.ndjson", dump([msg(i + 1, t, sent=T + i) for i, t in enumerate(spelled)])), ident=False)
    want = {"has:phone": 7, "0612345678": 5, "06-12345678": 5, "06/12345678": 5, "+31612345678": 2, "*612345678": 7, "06 12345678": 1, "٠٦١٢٣٤٥٦٧٨": 1}
    for q, n in want.items():
        got = tuple(int(run(QUERY, verb, c.dir, *c.key, "--count", "-", data=q.encode()).stdout) for verb in ("search", "scan"))
        check(got == (n, n), f"{q} finds {n}", got)


def test_terms():
    def rows(p, *more):
        return [json.loads(x) for x in run(QUERY, "terms", C.dir, *C.key, "--format", "jsonl", *more, p).stdout.splitlines()]

    r = rows("h?rb*r")
    check([(x["word"], x["messages"]) for x in r[:-1]] == [("harbour", 4), ("harbor", 1), ("herbour", 1)], "by count, then word", r)
    check(r[-1]["type"] == "summary" and r[-1]["total"] == 3 and r[-1]["query"] == "h?rb*r", "the summary counts words", r[-1])
    check(len(rows("h?rb*r", "--limit", "1")) == 2 and rows("h?rb*r", "--limit", "1")[-1]["total"] == 3, "--limit leaves the total alone")
    check([x["word"] for x in rows("q*end")[:-1]] == [LONG + "end"], "a long word is shown whole", rows("q*end"))
    for x in rows("**")[:-1]:
        n = run(QUERY, "search", C.dir, *C.key, "--count", "-", data=('"' + x["word"] + '"').encode()).stdout
        check(int(n) == x["messages"] or "://" in x["word"] or "." in x["word"], "as many as search counts: " + x["word"][:20], (n, x))
    out = list(csv.DictReader(io.StringIO(run(QUERY, "terms", C.dir, *C.key, "--format", "csv", "harbour~1").stdout.decode(), newline="")))
    check({x["word"] for x in out} == {"harbour", "harbor", "herbour", "harbours"}, "csv", out)
    text = run(QUERY, "terms", C.dir, *C.key, "harb*").stdout.decode()
    check("            4  harbour\n" in text and text.endswith("\n3 words\n"), "text", text)
    check(run(QUERY, "terms", C.dir, *C.key, "nowhere*").returncode == 1, "nothing found")
    for p, at in (("a b", 3), ("foo.conf", 8), ("=Harb*", 6), ("from:x", 6), ("*", 1), ("h~9", 2)):
        r = run(QUERY, "terms", C.dir, *C.key, p)
        check(r.returncode == 2 and r.stderr.count(b"^") == at, f"{p} is refused with its place", r.stderr)


def test_highlights():
    for q, parts in (("h* NEAR/2 noon", ["harbour", "noon"]), ('"van red"~9', ["van", "red"]), ("مرح*", ["مرحبا"]), ("東?", ["東京"]), ("👍", ["👍🏽"])):
        out = run(QUERY, "search", C.dir, *C.key, "--color", "always", "-", data=q.encode()).stdout.decode()
        for p in parts:
            check("\x1b[1;30;43m" + p in out, f"{q} marks {p}", out)


def test_bounds():
    began = time.monotonic()
    r = run(QUERY, "search", C.dir, *C.key, "--count", "/(a+)+cbb?/")
    check(r.returncode == 2 and b"too many steps for the word 'aaaa" in r.stderr, "an expression that explodes is named", r.stderr)
    check(count(C, "search", " OR ".join(f"w{i}*" for i in range(10000)) + " OR harb*") == 5, "10,000 patterns")
    check(count(C, "search", "(" + " OR ".join(f"w{i}" for i in range(10000)) + " OR h*) NEAR/3 noon") == 1, "10,000 words beside NEAR")
    check(count(C, "search", "(" * 1000 + "h* NEAR/3 noon" + ")" * 1000) == 1, "nesting 1,000")
    check("nested deeper" in str(count(C, "search", "(" * 1001 + "a" + ")" * 1001)), "and no deeper")
    for n in (3000, 30000):
        check(count(C, "search", " ".join(["**"] * n)) == len(TEXTS), f"{n} patterns of every word")
        check(count(C, "search", " OR ".join(["harbour~2", "*"] * n)) == len(TEXTS), f"{n} alike, and * beside them")
    check(count(C, "search", " ".join(f"(h*r* OR x{i})" for i in range(3000))) == count(C, "scan", "h*r*"), "the same pattern in 3,000 places")
    check(count(C, "search", '"' + " ".join(["*a*"] * 3) + '" OR "' + " ".join(["*a* *o*"] * 400) + '"') == count(C, "scan", '"*a* *a* *a*"'), "and in a phrase")
    check(time.monotonic() - began < 120, "in bounded time", time.monotonic() - began)


def test_equal_patterns():
    """A pattern that stands several times in a query is looked up once and walked several times: the answers are those
    of scan, in every mixture."""
    c = Case("equal", plain=True)
    texts = [f"w{i} v{i % 7} {'aa ' * (i % 3)}end{i % 11}" for i in range(400)]
    c.add(write("equal.ndjson", dump([msg(i + 1, t, sent=T + 60000 * i) for i, t in enumerate(texts)])), ident=False)
    for q in ("w1* w1*", "w1* OR w1*", "w1* -w1*", "(w1* OR v3) (w1* OR v4)", "(w1* OR v3) -(w1* v3)", "w1* NEAR/2 v* NEAR/3 end* -(v* NEAR/1 end*)", '"w1* v*" OR "v* end*"', '"v* aa" (v* OR aa)',
              "(*1* OR *2*) (*1* OR *3*) -(*1* *2*)", "w1* THEN/3msg w1*", "(w1* v3) OR (w1* v4) OR (w2* v3) OR w2*", "w11~1 (w11~1 OR w12~1)", "=w1* w1*",
              "/w.*1/ -/w.1/ (/w.*1/ OR end1)", "*1* *1 1* *1* -*11*", "(w1* OR w2* OR w3*) (w3* OR w2* OR w1*) w2*"):
        got = count(c, "search", q), count(c, "scan", q)
        check(got[0] == got[1] and isinstance(got[0], int), q, got)


def test_very_many():
    """Different ones, thousands of them, where each needs little."""
    began = time.monotonic()
    check(count(C, "search", " OR ".join(f"z{i}*" for i in range(9000)) + " OR harb*") == 5, "9,000 beginnings")
    check(count(C, "search", " OR ".join(f"*z{i}" for i in range(3000)) + " OR *bour") == 4, "3,000 endings of few words")
    check(count(C, "search", " OR ".join(f"id:{i:08x}" for i in range(20000))) == 0, "20,000 ids")
    check(time.monotonic() - began < 120, "in bounded time", time.monotonic() - began)


def test_refusals_have_a_place():
    """Whatever a query asks too much of, the caret is under the part that asks it, in every command; the others of a
    batch are answered."""
    c = Case("refusals", plain=True)
    texts = ["x " * 3000 + "v", "y " * 5000, "z " + "a" * 60 + "cba", "noon"] + ["z"] * 3
    c.add(write("refusals.ndjson", dump([msg(i + 1, t, sent=T + 60000 * i) for i, t in enumerate(texts)])), ident=False)
    ways, steps = "y NEAR/1000 y", "(x NEAR/1000 (x OR v)) NEAR/1000 (x NEAR/1000 (x OR v))"
    regex = "/(a+)+cbb?/"
    every = (["search"], ["search", "--count"], ["search", "--sort", "relevance"], ["search", "--explain"], ["scan"], ["scan", "--threads", "2"], ["timeline"])
    refused = [(f"{ways} PRE/1 y", ways, "4194304 ways to find", every[3:5]), (f"noon OR {steps} NEAR/2 v", steps, "268435456 ways to look at in all messages", every[1:2]),
               (f"noon OR {regex}", regex, "too many steps", every), (f'z ="z {regex}" -noon', f'="z {regex}"', "too many steps", every[:2] + every[4:6]), (f"z THEN/1h ({regex} OR noon)", regex, "too many steps", every)]
    for q, part, says, ways_to_ask in refused:
        at = q.index(part)
        for how in ways_to_ask:
            r = run(QUERY, how[0], c.dir, *how[1:], "-", data=q.encode())
            said, carets = r.stderr.decode(), "\n  " + " " * at + "^" * len(part) + "\n"
            check(r.returncode == 2 and says in said and said.endswith(carets), f"{how}: {q}: the place", (r.returncode, said))
    r = run(QUERY, "terms", c.dir, regex)
    check(r.returncode == 2 and r.stderr.endswith(b"  /(a+)+cbb?/\n  ^^^^^^^^^^^\n"), "terms", r.stderr)
    r = run(QUERY, "batch", c.dir, "--format", "jsonl", "-", data="\n".join(["noon"] + [q for q, *_ in refused] + ["z"]).encode())
    got = [(x.get("total"), x.get("error_from"), x.get("error_to")) for x in map(json.loads, r.stdout.splitlines())][:-1]
    check(got == [(1, None, None)] + [(None, q.index(part), q.index(part) + len(part)) for q, part, *_ in refused] + [(4, None, None)], "batch has the places", (got, r.stderr))


C = Case("patterns")
C.add(write("texts.ndjson", dump([msg(i + 1, t, sent=T + 60000 * i) for i, t in enumerate(TEXTS[:5])], "imei:A", account="anna")), ident=False)
C.add(write("more.ndjson", dump([msg(i + 6, t, sent=T + 60000 * i) for i, t in enumerate(TEXTS[5:])], "imei:B", account="anna")), ident=False)
each([test_the_same_answers, test_phone_numbers, test_terms, test_highlights, test_bounds, test_equal_patterns, test_very_many, test_refusals_have_a_place])
finish()
