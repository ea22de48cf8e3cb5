#!/usr/bin/env python3
"""The measuring commands of lictor-bench on a small delivery: that they run, that their figures agree
with each other, with truth.json and with what lictor-query says, and that errors are errors. No time
is ever asserted."""
import os, signal, subprocess, time
from lictor_cli import *

D = TMP / "delivery"


def figures(*args, code=0):
    r = run(BENCH, *args, "--format", "json")
    if not check(r.returncode == code, f"{args[0]} ends with {code}", (r.returncode, r.stderr)):
        raise RuntimeError(args[0])
    return json.loads(r.stdout)


def truth():
    return json.loads((D / "truth.json").read_text())


def test_generate():
    r = run(BENCH, "generate", D, "-n", 3000, "--scripts", "ascii", "--progress=none")
    check(r.returncode == 0, "generate", r.stderr)


def raw_bytes():
    n = 0
    for p in sorted((D / "dumps").iterdir()):
        n += len(tool("zstd", "-dcq", data=tool("age", "-d", "-i", D / "case.agekey", p)))
    return n


def test_floor():
    f = figures("floor", D)
    check(f["raw_bytes"] == raw_bytes(), "the floor inflates what the stock tools inflate", f)
    check(f["dumps"] == 5 and f["floor_s"] > 0, "the floor has dumps and a time", f)
    g = figures("floor", "-i", D / "case.agekey", "-j", 1, D / "dumps")
    check(g["raw_bytes"] == f["raw_bytes"] and g["threads"] == 1, "one thread, dumps named, same bytes", g)
    t = run(BENCH, "floor", D)
    check(t.returncode == 0 and f"{f['raw_bytes']:,}" in t.stdout.decode(), "text has the same bytes", t.stdout)


def test_ingest():
    scratch = TMP / "scratch"
    scratch.mkdir()
    f, want = figures("ingest", D, "--scratch", scratch), truth()
    check((f["records"], f["messages"], f["copies"]) == (want["records"], want["messages"], want["copies"]), "the books of the truth", f)
    check(f["ratio"] > 0 and abs(f["ratio"] - f["add_s"] / f["floor_s"]) < 0.01 * f["ratio"], "ratio = add : floor", f)
    check(abs(f["case_over_text"] - f["case_bytes"] / f["text_bytes"]) < 0.001, "case : text", f)
    check(f["peak_bytes"] > 1 << 20, "peak memory", f)
    names = {"read", "match", "order", "classify", "terms", "relate", "write", "commit"}
    check({k[:-7] for k in f["stages"] if k.endswith("_wall_s")} >= names, "a time of each stage", f["stages"])
    check(not list(scratch.iterdir()), "scratch space is empty again", list(scratch.iterdir()))


def test_ingest_keeps_case():
    c = TMP / "kept"
    f = figures("ingest", D, "--case", c, "--no-compact", "-j", 1)
    r = run(QUERY, "search", c, "--key", TMP / "kept.key", "--format", "jsonl", "--no-log", "--", "*")
    rows = [json.loads(x) for x in r.stdout.splitlines()]
    text = sum(len(base64.b64decode(m["text_base64"])) if "text_base64" in m else len(m.get("text", "").encode())
               for m in rows if m["type"] == "message")
    check(f["text_bytes"] == text, "bytes of text are those of the messages", (f["text_bytes"], text))
    check(f["case_bytes"] == sum(p.stat().st_size for p in c.rglob("*") if p.is_file()), "bytes of the case", f)
    check("compact_s" not in f, "--no-compact compacts nothing", f)
    status = json.loads(run(INGEST, "status", c, "--key", TMP / "kept.key", "--sections", "--format", "json").stdout)
    sections = status["sections"]
    check(sum(sections.values()) == sum(p.stat().st_size for p in (c / "segments").iterdir()),
          "sections and seals are the whole of the segments", sections)
    check(all(abs(f["parts_per_message"][k] - v / f["messages"]) < 0.001 for k, v in sections.items() if k != "seals"),
          "bytes a message of each part", f["parts_per_message"])
    check(abs(f["without_copies_over_text"] - (f["case_bytes"] - sections["copies"]) / text) < 0.001,
          "case without copies : text", f)
    again = run(BENCH, "ingest", D, "--case", c)
    check(again.returncode == 3 and b"kept" in again.stderr, "a case that exists is not overwritten", again.stderr)


CLASSES = {"frequent", "rare", "sender", "and", "phrase", "prefix", "day", "conversation", "exact", "leading", "regex", "fuzzy",
           "near", "then", "not"}


def kept():
    c = TMP / "kept"
    if not c.exists():
        figures("ingest", D, "--case", c, "--no-compact", "-j", 1)
    return c, ["--key", TMP / "kept.key"]


def test_query():
    (c, key), listed = kept(), TMP / "queries.jsonl"
    f = figures("query", c, *key, "--queries", 4, "--list", listed)
    rows = [json.loads(x) for x in listed.read_text().splitlines()]
    check(set(f["classes"]) == CLASSES and f["messages"] == truth()["messages"], "every class is measured or left out by name", f)
    for name, got in f["classes"].items():
        mine = [r for r in rows if r["class"] == name]
        if "left_out" in got:
            check(not mine and got["left_out"] == "not in this build", f"{name}: left out", got)
            r = run(QUERY, "search", c, *key, "--count", "--", {"near": "a NEAR/5 b", "then": "a THEN/10m b", "fuzzy": "abcde~1", "regex": "/ab.*c/", "leading": "*abc"}.get(name, "abc"))
            check(r.returncode == 2, f"{name}: lictor-query has it neither", r.stderr)
            continue
        check(got["queries"] == len(mine) > 0 and got["total"] == sum(r["total"] for r in mine), f"{name}: total of its queries", got)
        check(0 < got["p50_ms"] <= got["p99_ms"] <= got["max_ms"], f"{name}: percentiles in order", got)
        for row in mine:
            r = run(QUERY, "search", c, *key, "--count", "--", row["query"])
            want = min(int(r.stdout), 500) if name == "conversation" else int(r.stdout)
            check(row["total"] == want > 0, f"{row['query']}: as lictor-query counts", (row, r.stdout, r.stderr))
    check(f["start_p50_ms"] > 0 and f["cold_start_p50_ms"] > 0, "the program from its start", f)
    other = TMP / "other.jsonl"
    figures("query", c, *key, "--queries", 4, "--list", other)
    check(other.read_text() == listed.read_text(), "the same seed draws the same queries")
    f = figures("query", c, *key, "--queries", 4, "--class", "day", "--class", "conversation", "--list", TMP / "two.jsonl")
    two = [r for r in rows if r["class"] in ("day", "conversation")]
    check(set(f["classes"]) == {"day", "conversation"} and "start_p50_ms" not in f, "only the classes asked for", f)
    check([json.loads(x) for x in (TMP / "two.jsonl").read_text().splitlines()] == two, "a class draws the same beside others and alone")
    f = figures("query", c, *key, "--queries", 4, "--class", "start")
    check(f["classes"] == {} and f["start_p50_ms"] > 0, "the start alone", f)
    t = run(BENCH, "query", c, "--queries", 2, env={**os.environ, "LICTOR_KEY_FILE": str(TMP / "kept.key")})
    check(t.returncode == 0 and b"frequent word" in t.stdout, "the key from the environment, as text", t)


def test_query_errors():
    c, key = kept()
    fails(2, ["which CASE?"], "query")
    fails(2, ["unexpected"], "query", c, "more", *key)
    fails(3, ["nowhere"], "query", TMP / "nowhere")
    fails(3, ["key"], "query", c)
    fails(3, ["exists"], "query", c, *key, "--list", write("there.jsonl", b""), "--queries", 1)
    fails(2, ["--queries"], "query", c, *key, "--queries", "0")
    fails(2, ["--class"], "query", c, *key, "--class", "days")
    empty = Case("empty-case")
    fails(3, ["empty"], "query", empty.dir, *empty.key)


def test_peers():
    scratch, listed = TMP / "peers", TMP / "peers.jsonl"
    scratch.mkdir()
    f = figures("peers", D, "--queries", 5, "--scratch", scratch, "--list", listed)
    rows = [json.loads(x) for x in listed.read_text().splitlines()]
    c, key = kept()
    everything = int(run(QUERY, "search", c, *key, "--count", "--", "*").stdout)
    check(f["messages"] == everything, "the peers get all that words range over", (f["messages"], everything))
    for name in ("frequent", "rare", "sender", "and", "phrase", "prefix", "day"):
        mine, theirs = f["lictor"][name], f["sqlite"][name]
        check(theirs["total"] == mine["total"] == sum(r["total"] for r in rows if r["class"] == name) > 0,
              f"{name}: SQLite finds the same", (mine, theirs))
        check(theirs["queries"] == mine["queries"], f"{name}: the same queries", (mine, theirs))
    for name in ("frequent", "rare"):
        check(f["scan"][name]["total"] == f["lictor"][name]["total"], f"{name}: so does grep", f["scan"])
    check("fuzzy" not in f["sqlite"] and "not" not in f["scan"], "what a peer cannot do is left out", f["sqlite"])
    check(f["sqlite_peak_bytes"] > 1 << 20 and f["sqlite_per_message"] > f["scan_per_message"] > 0, "sizes and peak", f)
    check(abs(f["lictor_over_sqlite"] - f["lictor_per_s"] / f["sqlite_per_s"]) < 0.01 * f["lictor_over_sqlite"], "ratio", f)
    check(not list(scratch.iterdir()), "scratch space is empty again", list(scratch.iterdir()))


def test_given_text():
    lines = ["the van is blue", "", "no, it was \"red\"\\", "wo ist der schlüssel?", "\x01 odd \u202e"]
    f, out = write("lines.txt", "\r\n".join(lines).encode() + b"\n\xff broken"), TMP / "given"
    made = run(BENCH, "generate", out, "--text", f, "-n", 333, "-d", 3, "--progress=none")
    check(made.returncode == 0 and safe(made), "generate --text", made.stderr)
    g, c = figures("ingest", out, "--case", TMP / "given.case", "--no-compact"), TMP / "given.case"
    want = json.loads((out / "truth.json").read_text())
    check((g["records"], g["messages"], g["copies"]) == (want["records"], 333, 333), "every line is a message with two copies", g)
    check(want["lines"] == 5, "empty lines are none", want)

    def count(q):
        return int(run(QUERY, "search", c, "--key", TMP / "given.case.key", "--count", "--", q).stdout)
    check([count(q) for q in ('"van is blue"', "schlüssel", "red", "broken")] == [67, 67, 67, 66], "each as often as its turn comes")
    again = TMP / "given.again"
    run(BENCH, "generate", again, "--text", f, "-n", 333, "-d", 3, "-j", 1, "--progress=none")
    check(all((again / "dumps" / p.name).read_bytes() == p.read_bytes() for p in (out / "dumps").iterdir()), "the same bytes from one thread")
    fails(2, ["--mess: no such option"], "generate", "--mess", "5", TMP / "given.mess")
    fails(2, ["--seed takes a number", "x"], "generate", "--seed=x", TMP / "given.seed")
    fails(2, ["--doubts takes no value"], "generate", TMP / "given.doubts", "--doubts=1")
    fails(2, ["no line"], "generate", TMP / "given.none", "--text", write("empty.txt", b"\n\n"))
    fails(3, ["nowhere"], "generate", TMP / "given.nowhere", "--text", TMP / "nowhere")
    fails(2, ["two handsets"], "generate", TMP / "given.one", "--text", f, "-d", 1)


def driver(*args):
    script = pathlib.Path(__file__).resolve().parents[2] / "bench" / "measure.py"
    return run(sys.executable, script, *args, env={**os.environ, "LICTOR_BIN": str(BIN)}, timeout=600)


def test_driver():
    import xml.dom.minidom
    work, out = TMP / "work", TMP / "record"
    work.mkdir()
    r = driver("--messages", "2k", "--messages", "4k", "--queries", "2", "--text", write("lines2.txt", b"the van is blue\nwhere is it\n" * 9), "--dir", work, "--output", out)
    if not check(r.returncode == 0, "./dev bench on two sizes and text", r.stderr):
        return
    names = sorted(p.name for p in out.iterdir())
    check(len(names) == 2 and names[0].endswith(".md") and names[1].endswith(".svg"), "a table and a plot", names)
    text = (out / names[0]).read_text()
    check(text == r.stdout.decode() and f"]({names[1]})" in text, "what is printed is what is recorded", text[:300])
    check("add : floor" in text and "Lictor : SQLite" in text and "given text" in text and "mixed scripts" in text, "ratios and all deliveries", text)
    check(str(TMP) not in text and os.uname().nodename not in text.split("Machine:")[1].split("\n")[0], "no path and no host name", text[:600])
    svg = xml.dom.minidom.parse(str(out / names[1]))
    check(len(svg.getElementsByTagName("polyline")) >= 3, "the plot has lines", svg.toxml()[:300])
    check(not list(work.iterdir()), "scratch space is empty again", list(work.iterdir()))
    for code, says, args in ((2, "--messages", ["--messages", "many"]), (2, "nowhere", ["--text", TMP / "nowhere"]),
                             (3, "nowhere", ["--dir", TMP / "nowhere"]), (3, "are free", ["--messages", "2000M", "--dir", work])):
        e = driver(*args, "--no-record")
        check(e.returncode == code and says in e.stderr.decode() and b"Traceback" not in e.stderr and not e.stdout, f"driver {args}", (e.returncode, e.stderr))


def fails(code, says, *args, **kw):
    r = run(BENCH, *args, **kw)
    check(r.returncode == code and all(s in r.stderr.decode() for s in says), f"{args}: {code}, {says}", (r.returncode, r.stderr))
    check(not r.stdout, f"{args}: nothing on stdout", r.stdout[:200])


def test_usage():
    fails(2, ["which command"])
    fails(2, ["nonsense", "no such command"], "nonsense")
    fails(2, ["which DELIVERY?", "usage: lictor-bench floor"], "floor")
    fails(2, ["--nonsense"], "floor", D, "--nonsense")
    fails(2, ["--memory"], "floor", D, "--memory", "1G")
    fails(2, ["--threads", "0"], "ingest", D, "-j", "0")
    fails(2, ["--memory", "much"], "ingest", D, "--memory", "much")
    fails(2, ["there is no such dump"], "floor", TMP / "nowhere")
    fails(2, ["standard input"], "floor", "-")
    fails(2, ["--programs", "lictor-ingest"], "ingest", D, "--programs", TMP)
    for verb in ("floor", "ingest", "query", "peers"):
        h = run(BENCH, verb, "--help")
        check(h.returncode == 0 and f"usage: lictor-bench {verb}".encode() in h.stdout, f"{verb} --help", h)


def test_bad_deliveries():
    (TMP / "empty").mkdir()
    fails(2, ["no dump"], "floor", TMP / "empty")
    fails(3, ["part-0", "identit"], "floor", D / "dumps")
    cut = write("cut/part.ndjson.zst", zstd(dump([msg(1), msg(2)]))[:-9])
    fails(3, ["part.ndjson.zst"], "floor", cut)
    fails(3, ["part.ndjson.zst"], "ingest", cut)


def test_no_room():
    fails(3, ["nowhere"], "ingest", D, "--scratch", TMP / "nowhere")
    scratch = TMP / "small"
    scratch.mkdir()
    fails(3, ["lictor-ingest add"], "ingest", D, "--scratch", scratch, preexec_fn=limit_files(100000))
    fails(3, ["lictor-ingest add"], "peers", D, "--scratch", scratch, preexec_fn=limit_files(100000))
    words = [f"w{i * 7919 % 3001} x{i * 104729 % 2999} y{i * 31 % 2003}" for i in range(4000)]
    plain = write("plain/part.ndjson", dump([msg(i + 1, f"{words[i]} {words[i - 1]} {words[i - 2]}", sent=T + 1000 * i) for i in range(4000)]))
    fails(3, ["SQLite"], "peers", plain, "--scratch", scratch, "--queries", 1, preexec_fn=limit_files(700000))
    check(not list(scratch.iterdir()), "after a full disk the scratch space is empty", list(scratch.iterdir()))


def test_interrupted():
    scratch = TMP / "stopped"
    scratch.mkdir()
    big = TMP / "big"
    run(BENCH, "generate", big, "-n", 60000, "--progress=none")
    p = subprocess.Popen([BENCH, "ingest", str(big), "--scratch", str(scratch)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    for _ in range(600):
        if list(scratch.glob("*/case")):
            break
        time.sleep(0.05)
    os.killpg(p.pid, signal.SIGINT)
    out, err = p.communicate(timeout=120)
    check(p.returncode == 130 and b"interrupted" in err and not out, "Ctrl-C ends with 130", (p.returncode, err, out))
    check(not list(scratch.iterdir()), "after Ctrl-C the scratch space is empty", list(scratch.iterdir()))


each([test_generate, test_floor, test_ingest, test_ingest_keeps_case, test_query, test_query_errors, test_peers, test_given_text, test_driver, test_usage, test_bad_deliveries, test_no_room, test_interrupted])
finish()
