#!/usr/bin/env python3
"""search, scan and batch answer alike: every query of queries.py, byte for byte but for the word that says how the answer
came. Ends in `N passed, N failed`."""
import csv, io, json, re, signal, subprocess, time

from lictor_cli import *
from queries import QUERIES, delivery

METHOD = re.compile(rb'"method":"scan","read":\d+,|^scan: [\d,]+ stored records? w\w+ read, and nothing of the index\n', re.M)
FORMS = [("--format", f, "--sort", s) for f in ("jsonl", "text") for s in ("newest", "oldest")] + [("--count",), ("--limit", "3", "--format", "json"), ("--format", "csv")]


def ask(c, command, *args, **kw):
    return run(QUERY, command, c.dir, *c.key, *args, **kw)


def ids(c):
    """Queries by ids and conversations that the case has."""
    rows = [json.loads(x) for x in ask(c, "search", "--format", "jsonl", "--limit", "400", "*").stdout.splitlines()][:-1]
    some = rows[::37]
    repeated = [r for r in rows if "repeated" in r.get("flags", [])][:3]
    return [f"id:{r['id']}" for r in some + repeated] + [f"id:{r['id'][:8]} OR id:{r['id'][:9]}" for r in some[:3]] + \
        [f"conv:{r['conversation']}" for r in some] + [f"NOT conv:{r['conversation'][:9]}" for r in some[:2]] + \
        [f"id:{r['service_id']}" for r in some if r.get("service_id", "").isalnum()] + [f"from:{r['from']}" for r in some[:2] if r.get("from", "").isalnum()]


def generated():
    d = TMP / "generated"
    check(run(BENCH, "generate", d, "-n", "6000").returncode == 0, "a delivery is generated")
    c = Case("generated")
    dumps = sorted((d / "dumps").rglob("*")) if (d / "dumps").is_dir() else []
    files = [p for p in dumps if p.is_file()]
    for part in (files[::2], files[1::2]):  # two segments, and overlays of the first
        r = c.ingest("add", "-i", d / "case.agekey", "--body-keys", d / "body.keys", *part)
        check(r.returncode in (0, 1), "it goes in", r)
    return c


def words_of(c):
    """Queries made of the words that the case has."""
    texts = [m.get("text", "") for m in c.search("*", "--limit", "900")][::90]
    words = [w for t in texts for w in re.findall(r"\w+", t)][:60]
    return words[::5] + [w[:2] + "*" for w in words[::9]] + [f'"{a} {b}"' for a, b in zip(words[::6], words[1::6])] + [f"={w.upper()}" for w in words[:4]] + \
        [f"{a} OR {b}" for a, b in zip(words[::7], words[3::7])] + [f"{a} -{b}" for a, b in zip(words[::8], words[2::8])]


def test_scan_is_search():
    answered = 0
    for c, queries in CASES:
        for n, q in enumerate(queries):
            for form in FORMS if n % 5 == 0 else FORMS[:1]:
                a, b = ask(c, "search", *form, "--", q), ask(c, "scan", *form, "--", q)
                same = (a.returncode, a.stdout, a.stderr) == (b.returncode, METHOD.sub(b"", b.stdout), b.stderr)
                check(same, f"scan is search: {q} {form}", (a.returncode, b.returncode, a.stdout[-300:], b.stdout[-300:], b.stderr[-200:]))
                answered += a.returncode == 0
    check(answered > 150, "most queries find something", answered)


def test_scan_goes_on():
    """--continue, page by page."""
    c = CASES[1][0]
    for sort in ("newest", "oldest"):
        all_ids = [x["id"] for x in c.search("has:conflict OR has:repeated", "--sort", sort)]
        for at in (0, 1, len(all_ids) // 2, len(all_ids) - 1):
            args = ("--format", "jsonl", "--sort", sort, "--limit", "5", "--continue", all_ids[at], "--", "has:conflict OR has:repeated")
            a, b = ask(c, "search", *args), ask(c, "scan", *args)
            check((a.returncode, a.stdout) == (b.returncode, METHOD.sub(b"", b.stdout)), f"scan goes on as search does, from {at}", (a.stdout[-200:], b.stdout[-200:]))
            check([json.loads(x)["id"] for x in b.stdout.splitlines()[:-1]] == all_ids[at + 1:at + 6], f"behind hit {at}")
    check(ask(c, "scan", "--continue", all_ids[0], "NOT has:conflict NOT has:repeated").returncode == 2, "behind what is no hit")


def test_scan_says_what_it_was():
    c = CASES[0][0]
    rows = [json.loads(x) for x in ask(c, "scan", "--format", "jsonl", "harbour").stdout.splitlines()]
    everything = c.status()
    check(rows[-1]["method"] == "scan" and rows[-1]["read"] == everything["messages"] + everything["other"] or rows[-1]["read"] >= 13, "the summary says how", rows[-1])
    check(b"scan: " in ask(c, "scan", "harbour").stdout, "and the text")
    check("method" not in json.loads(ask(c, "search", "--format", "jsonl", "harbour").stdout.splitlines()[-1]), "search does not")
    for args, code in ((("nosuchword",), 1), (("(",), 2), ((), 2), (("--sort", "best", "x"), 2), (("--threads", "0", "x"), 2), (("--threads", "1", "harbour"), 0), (("--threads", "7", "harbour"), 0)):
        check(ask(c, "scan", *args).returncode == code, f"exit of scan {args}")
    for command in ("scan", "batch"):
        check(run(QUERY, command, "--help").stdout.startswith(b"usage"), f"{command} --help")


def test_scan_stops_and_shows():
    """On a terminal there is progress; Ctrl-C ends a scan at once with 130."""
    c = CASES[1][0]
    r = ask(c, "scan", "--progress", "plain", "--count", "harbour")
    check(r.returncode in (0, 1), "plain progress", r)
    p = subprocess.Popen([str(x) for x in (QUERY, "scan", c.dir, *c.key, "--count", "--threads", "1", "--", "* " * 3000)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(0.3)
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=60)
    check(p.returncode in (130, 0) and (p.returncode == 0 or b"interrupted" in err and not out), "Ctrl-C", (p.returncode, err[-200:]))


def test_batch_is_search():
    for c, queries in CASES:
        path = write("queries.txt", ("\n".join(["# all", "", "  ", *queries]) + "\n").encode())
        r = ask(c, "batch", "--hits", "--format", "jsonl", path)
        check(r.returncode == (2 if r.stderr else 0), "a batch goes through", (r.returncode, r.stderr[-300:]))
        rows = [json.loads(x) for x in r.stdout.splitlines()]
        results = [x for x in rows if x["type"] == "result"]
        check([x["query"] for x in results] == queries and [x["line"] for x in results] == [n + 4 for n in range(len(queries))], "each line has its result")
        for x in results:
            one = ask(c, "search", "--format", "jsonl", "--", x["query"])
            alone = [json.loads(y) for y in one.stdout.splitlines()]
            if "error" in x:
                check(one.returncode == 2 and x["error"].encode() in one.stderr, f"errors of a batch are those of search: {x['query']}", (x, one.stderr))
                continue
            s, hits = alone[-1], [y for y in rows if y.get("query") == x["line"]]
            check((x["parsed"], x["total"], x["conversations"], x["sealed"], x["untimed"]) == (s["query"], s["total"], s["conversations"], s["sealed"], s["untimed"]), f"batch is search: {x['query']}", (x, s))
            check([{k: v for k, v in h.items() if k != "query"} for h in hits] == alone[:-1], f"hits of a batch: {x['query']}")
        j = json.loads(ask(c, "batch", "--format", "json", "--hits", "--limit", "2", path).stdout)
        check([x.get("total") for x in j["results"]] == [x.get("total") for x in results] and all(len(x["hits"]) == min(2, x["total"]) for x in j["results"] if "total" in x), "json")
        check(j["queries"] == len(queries) and j["found"] + j["nothing"] + j["bad"] == j["queries"] and j["bad"] == r.stderr.count(b"\n"), "its summary", {k: v for k, v in j.items() if k != "results"})
        rows = list(csv.DictReader(io.StringIO(ask(c, "batch", "--format", "csv", path).stdout.decode(), newline="")))
        check([x["total"] for x in rows] == [str(x.get("total", "")) for x in results], "csv")
        rows = list(csv.DictReader(io.StringIO(ask(c, "batch", "--format", "csv", "--hits", "--limit", "1", path).stdout.decode(), newline="")))
        check([int(x["query"]) for x in rows] == [x["line"] for x in results if x.get("total")], "csv of hits")


def test_batch_bears_bad_queries():
    c = CASES[0][0]
    bad = b"harbour\nvan AND (\n#no query (\nfrom:\n\xff\x1b[2J (\r\nnosuchword\n" + b"x" * (2 << 20) + b"\nblue van"
    for f in ("text", "jsonl", "json", "csv"):
        r = ask(c, "batch", "--format", f, "-", data=bad)
        r.stdout = r.stdout.replace(b"\r\n", b"\n")
        check(r.returncode == 2 and safe(r), f"a bad query does not stop the others: {f}", (r.returncode, r.stdout[:300]))
        check(r.stderr.count(b"standard input:") == 4 and b"standard input:2: this parenthesis is not closed" in r.stderr, f"errors on stderr: {f}", r.stderr[:500])
    rows = [json.loads(x) for x in ask(c, "batch", "--format", "jsonl", "-", data=bad).stdout.splitlines()]
    check([(x["line"], "error" in x) for x in rows[:-1]] == [(1, False), (2, True), (4, True), (5, True), (6, False), (7, True), (8, False)], "each in its place", [(x.get("line"), "error" in x) for x in rows])
    check((rows[1]["error_from"], rows[1]["error_to"]) == (8, 9) and (rows[-1]["queries"], rows[-1]["found"], rows[-1]["nothing"], rows[-1]["bad"]) == (7, 2, 1, 4), "places and sums", rows[-1])
    text = ask(c, "batch", "-", data=bad).stdout.decode()
    check(re.search(r"^ +2  this parenthesis is not closed\n  van AND \(\n +\^\n", text, re.M), "a caret in the table", text[:800])
    check(ask(c, "batch", "-", data=b"nosuchword\n").returncode == 1 and ask(c, "batch", "-", data=b"").returncode == 1, "nothing found")
    check(ask(c, "batch", TMP / "no such file").returncode == 2 and ask(c, "batch").returncode == 2 and ask(c, "batch", "--hits", "-", data=b"x").returncode == 2, "usage")
    check(ask(c, "batch", TMP).returncode in (2, 3), "a folder")
    want = [json.loads(x) for x in ask(c, "batch", "--format", "jsonl", "-", data=b"# q\nfrom:anna *\n").stdout.splitlines()]
    for bom in (b"\xef\xbb\xbf# q\nfrom:anna *\n", b"# q\n\xef\xbb\xbffrom:anna *\n"):
        got = [json.loads(x) for x in ask(c, "batch", "--format", "jsonl", "-", data=bom).stdout.splitlines()]
        check(len(got) == 2 and got[0]["total"] == want[0]["total"] > 0, "a byte order mark is no part of a query", (got, want))
    for wide in ("utf-16", "utf-16-be"):
        data = ("\ufeff" if wide == "utf-16-be" else "").encode(wide) + "blue\nvan\n".encode(wide)
        for command in ("batch", "search"):
            r = ask(c, command, "-", data=data)
            check(r.returncode == 2 and b"standard input is in UTF-16: save it as UTF-8" in r.stderr and not r.stdout.count(b"blue"), f"UTF-16 is said so: {command}", (r.returncode, r.stdout, r.stderr))


HERE, MORE = delivery(), generated()
CASES = [(HERE, QUERIES + ids(HERE)), (MORE, QUERIES[::3] + ids(MORE) + words_of(MORE))]
each([test_scan_is_search, test_scan_goes_on, test_scan_says_what_it_was, test_scan_stops_and_shows, test_batch_is_search, test_batch_bears_bad_queries])
finish()
