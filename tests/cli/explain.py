#!/usr/bin/env python3
"""`search --explain` from outside: what it says of words, patterns, nicknames, times and plans is what
`terms`, `search` and the clock say; it stands on stderr and leaves the answer alone; hostile words are
harmless. Needs zstd and age; $LICTOR_BIN has the programs. Ends in `N passed, N failed`."""
import json

from lictor_cli import *

TEXTS = ["the harbour at noon", "Harbor at nine, blue van", "herbour harbours HARBOUR", "van not blue but red"]


def explain(q, *more, code=None):
    r = run(QUERY, "search", C.dir, *C.key, "--explain", *more, "-", data=q.encode())
    check(r.returncode in ((0, 1) if code is None else (code,)), "runs: " + q, (r.returncode, r.stderr))
    check(safe(r), "harmless: " + q, r.stderr)
    return r.stderr.decode()


def has(q, *parts, more=()):
    said = explain(q, *more)
    for p in parts:
        check(p in said, f"{q} explained has {p!r}", said)
    return said


def test_words():
    has("Caf\u00e9", "  word     Caf\u00e9: in the index cafe\n")
    check("  word " not in explain("harbour"), "a word that folding leaves alone has no line")
    has("=Harbour", "  word     =Harbour: as written; in the index harbour\n")
    has("foo.conf", "2 words one behind the other, in the index foo \u00b7 conf\n")
    has('"Blue VAN"~5', "2 words, in any order, at most 5 apart, in the index blue \u00b7 van\n")
    has('"' + " ".join(f"w{i}" for i in range(30)) + '"', "30 words", "w7, and 22 more\n")


def test_patterns():
    for p in ("h?rb*r", "harbour~1", "/h[ao]rb.+/", "*bour", "**", "nowhere*"):
        terms = [json.loads(x) for x in run(QUERY, "terms", C.dir, *C.key, "--format", "jsonl", p).stdout.splitlines()]
        n = terms[-1]["total"]
        words = ", ".join(f"{x['word']} ({x['messages']})" for x in terms[:-1][:8])
        has(p, f"  pattern  {p}: {n} word{'' if n == 1 else 's'} of the index" + (": " + words if words else "\n"))
    check("and 5 more" in explain("**") or ", and " in explain("**"), "how many are not named is said", explain("**"))
    has("=Harb*", "pattern  Harb*: 3 words of the index, folded, may be it; texts are compared as written: harbour (2), harbor (1), harbours (1)\n")
    has('"the ** /h.+r/"', "pattern  **: any word\n", "pattern  /h.+r/: 3 words")
    has('h* NEAR/2 (noon OR n?ne)', "pattern  h*: 4 words", "pattern  n?ne: 1 word of the index: nine (1)\n")


def test_times():
    has("on:2020-04-04", "on:2020-04-04: from 2020-04-04T00:00:00.000Z until before 2020-04-05T00:00:00.000Z\n")
    has("on:2020-03-29", "from 2020-03-28T23:00:00.000Z until before 2020-03-29T22:00:00.000Z\n", more=("--tz", "Europe/Paris"))
    has("on:2020-10-25T02:30", "from 2020-10-25T00:30:00.000Z until before 2020-10-25T00:31:00.000Z, and again from 2020-10-25T01:30:00.000Z", more=("--tz", "Europe/Paris"))
    has("after:2020", "after:2020: from 2020-01-01T00:00:00.000Z\n")
    has("-before:2020-02", "before:2020-02: until before 2020-02-01T00:00:00.000Z\n")


def test_nicknames():
    has("nick:boss", "nick:boss: 1 handle of no service: evil\\u{202e}\\u{1b}[31m; 1 handle of service sky: bert\n")
    has("nick:nobody", "nick:nobody: no address book of the case has it\n")


def test_plans():
    said = has("van (blue OR red) -noon", "plan of segment 1 of 2 (", "plan of segment 2 of 2 (", "van: posting list, 1 document", "OR: union", "NOT: all documents")
    check(said.count("<- drives the AND") == 2, "one part drives in each segment", said)
    has("the on:2020 harbour at noon", "on:2020: time blocks")
    has("nowhere van blue", "nowhere: nothing, 0 documents  <- drives the AND\n", "false by that: 2 more not looked up\n", "-> 0 candidates, 0 tests, 0 records match\n")
    has("blue THEN/10m van", "the earlier side of blue THEN/10m van\n      blue: posting list", "pairs found before")
    has("=Harbour", "places read off the text")
    has('"blue van"', "places from the posting lists", "1 candidate, 1 test, 1 record matches\n")
    has("nick:boss", "service:sky: ")
    for q in ("van", "*", "h*", "-van", '"van blue"', "has:copies", "kind:contact", "van THEN/1h *", "nick:boss", "on:2020 van", " OR ".join(f"w{i}" for i in range(200)) + " OR van"):
        total = int(run(QUERY, "search", C.dir, *C.key, "--count", "-", data=q.encode()).stdout)
        counts = [(int(c), int(t), int(m)) for c, t, m in re.findall(r"-> (\d+) candidates?, (\d+) tests?, (\d+) records? match", explain(q))]
        check(len(counts) == 2 and sum(m for _, _, m in counts) == total, f"{q}: its counts are those of search", (counts, total))
        check(all(c <= t for c, t, m in counts), f"{q}: every candidate is tested", counts)


def test_the_answer_is_left_alone():
    for f in ("text", "jsonl", "json", "csv"):
        plain, more = (run(QUERY, "search", C.dir, *C.key, "--format", f, *x, "h* van OR noon") for x in ((), ("--explain",)))
        check(plain.stdout == more.stdout and plain.returncode == more.returncode, f + ": the same with --explain", more.stdout)
        check(b"plan of segment" in more.stderr and b"plan of" not in plain.stderr, f + ": it is on stderr")
    check(run(QUERY, "search", C.dir, *C.key, "--explain", "--count", "van").stdout == b"2\n", "--count is one number")
    explain("(a", code=2)
    check("explain:" not in explain("(a", code=2), "a bad query is not explained")
    explain("(" * 1000 + "h* NEAR/3 noon" + ")" * 1000)
    explain("NOT (a OR NOT (b " * 240 + "c" + "))" * 240)
    r = run(QUERY, "scan", C.dir, *C.key, "--explain", "van")
    check(r.returncode == 2 and b"search --explain" in r.stderr, "scan refuses it by name", r.stderr)
    check(b"--explain" in run(QUERY, "search", "--help").stdout, "help names it")


def test_an_empty_case():
    empty = Case("empty")
    r = run(QUERY, "search", empty.dir, *empty.key, "--explain", "h*")
    check(r.returncode == 1 and b"h*: 0 words" in r.stderr and b"no plan: the case has no segment yet" in r.stderr, "an empty case", r)


C = Case("explain")
BOOK = [{"kind": "contact", "seq": 50, "owner": "anna", "handle": "bert", "nickname": "BOSS", "service": "sky"},
        {"kind": "contact", "seq": 51, "owner": "anna", "handle": "evil\u202e\x1b[31m", "nickname": "boss"}]
C.add(write("a.ndjson", dump([msg(i + 1, t, sent=T + 60000 * i, service="sky") for i, t in enumerate(TEXTS[:3])] + BOOK, "imei:A", account="anna")), ident=False)
C.add(write("b.ndjson", dump([msg(6, TEXTS[3], sent=T + 90000, service="sky"), msg(7, "ok", sent=T + 95000), msg(8, "ok", sent=T + 95000)], "imei:B", account="anna")), ident=False)
each([test_words, test_patterns, test_times, test_nicknames, test_plans, test_the_answer_is_left_alone, test_an_empty_case])
finish()
