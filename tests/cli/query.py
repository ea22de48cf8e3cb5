#!/usr/bin/env python3
"""lictor-query from outside: outputs, exit codes, hostile text, zones; every command and format.
Needs zstd and age; $LICTOR_BIN has the programs. Ends in `N passed, N failed`."""
import csv, io, json, os, re, signal, subprocess, time

from lictor_cli import *
from queries import EVIL, H, delivery

def query(c, *args, **kw):
    return run(QUERY, args[0], c.dir, *c.key, *args[1:], **kw)


def lines(c, *args):
    return [json.loads(x) for x in query(c, args[0], "--format", "jsonl", *args[1:]).stdout.splitlines()]


def inert(r, what):
    """Nothing acts on a terminal; isolates of ours come in pairs within a line."""
    out = (r.stdout + r.stderr).decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    out = re.sub("\u2068([^\u2066-\u2069\n]*)\u2069", r"\1", out)
    check(not UNSAFE.search(out) and not re.search("[\udc80-\udcff]", out), "inert: " + what, out[-200:])


def test_search():
    r = query(C, "search", "blue", "van")
    check(r.returncode == 0 and r.stderr == b"query: blue AND van\n", "the parsed form is printed", r.stderr)
    check("bert → anna" in r.stdout.decode() and "bring the blue van" in r.stdout.decode() and "2 copies" in r.stdout.decode(), "a hit for people", r.stdout)
    check("1 of 1 message in 1 conversation\n" in r.stdout.decode() and "1 message under seal could not be tested" in r.stdout.decode(), "the last lines", r.stdout)
    rows = lines(C, "search", "harbour")
    check([x["type"] for x in rows] == ["note", "message", "message", "summary"] or sorted(x["type"] for x in rows[:-1]) == ["message", "message", "note"], "notes are searched", rows)
    s = rows[-1]
    check(list(s) == ["type", "query", "total", "conversations", "sealed", "untimed", "digest", "generation", "version"], "keys of the summary", s)
    check((s["query"], s["total"], s["sealed"]) == ("harbour", 3, 1), "the summary", s)
    m = [x for x in rows if x.get("text") == "the harbour at nine"][0]
    check([k for k in m] == ["type", "id", "service_id", "conversation", "from", "to", "sent", "text", "copies", "flags", "related", "nicknames"], "keys of a message", list(m))
    check(m["sent"] == "2020-04-04T11:33:20.000Z" and m["flags"] == ["one-sided", "conflict"] and m["related"][0]["why"] == "same-id", "a message", m)
    check(m["nicknames"] == [{"handle": "bert", "nickname": "Big B", "owner": "anna"}], "nicknames", m)
    times = [x["sent"] for x in lines(C, "search", "--", "*") if "sent" in x]
    check(times == sorted(times, reverse=True), "newest first", times)
    times = [x["sent"] for x in lines(C, "search", "--sort", "oldest", "--", "*") if "sent" in x]
    check(times == sorted(times) and len(times) > 5, "oldest first", times)
    check(lines(C, "search", "*")[-2].get("text") == "no time at all", "untimed last")
    check(len(lines(C, "search", "--limit", "2", "*")) == 3, "--limit")
    check(b"2 of " in query(C, "search", "--limit", "2", "*").stdout and b"; --all" in query(C, "search", "--limit", "2", "*").stdout, "a cut is said")
    check(query(C, "search", "--count", "harbour").stdout == b"3\n", "--count prints nothing else")
    check(query(C, "search", "-", data=b"blue van\n").stderr == b"query: blue AND van\n", "- reads standard input")
    last = json.loads(query(C, "search", "--sort", "oldest", "--format", "jsonl", "*").stdout.splitlines()[-2])["id"]
    first = json.loads(query(C, "search", "--sort", "oldest", "--format", "jsonl", "*").stdout.splitlines()[0])["id"]
    for at, want in ((last, b"; none follows"), (first, b"; the last ones")):
        r = query(C, "search", "--sort", "oldest", "--limit", "1000", "--continue", at, "*")
        check(want in r.stdout and b"--all" not in r.stdout, "what follows nothing is not promised", r.stdout[-200:])
    r = query(C, "search", "--sort", "oldest", "--limit", "1", "*")
    check(b"; --all" in r.stdout and b"--continue" in r.stdout, "what is left is said", r.stdout[-200:])
    for small, name in (("and", "AND"), ("Or", "OR"), ("not", "NOT"), ("near/5", "NEAR/n"), ("then/10m", "THEN/n")):
        r = query(C, "search", "--count", f"blue {small} van")
        check(f"note: `{small}` is searched as a word; operators are in capitals: {name}\n".encode() in r.stderr, f"a small {small} is said to be a word", r.stderr)
    for quiet in ("and", "blue AND van", 'blue "and" van', "andrea blue", "near blue", "blue \\or van"):
        check(b"note:" not in query(C, "search", "--count", quiet).stderr, f"no note: {quiet}")
    j = json.loads(query(C, "search", "--format", "json", "harbour").stdout)
    check(list(j)[-1] == "hits" and j["total"] == 3 and len(j["hits"]) == 3, "json wraps the same", list(j))
    rows = list(csv.DictReader(io.StringIO(query(C, "search", "--format", "csv", "harbour").stdout.decode(), newline="")))
    check(len(rows) == 3 and {r["text"] for r in rows} >= {"the harbour at noon", "the harbour at nine"} and rows[0]["conversation"], "csv", rows)


def test_csv_says_where_related_ends():
    c = Case("crowd")
    c.add(write("crowd.ndjson", dump([msg(1, f"reading {i}") for i in range(100)])), ident=False)
    j = [x for x in lines(c, "search", "reading") if x["type"] == "message"][0]
    rows = list(csv.DictReader(io.StringIO(query(c, "search", "--format", "csv", "reading").stdout.decode(), newline="")))
    check(j.get("related_more") is True and all(r["related"].endswith("and more") for r in rows), "csv says that related goes on", (j, rows[0]))


def test_recipients_of_copies():
    """`to` beside a group, or without a sender, is the copy's: whichever copy comes first, all are found and shown."""
    def group(source, to, seq=1):
        return write(f"to-{source}.ndjson", dump([msg(seq, "hello van", to=to, group="g1"), msg(seq + 1, "no sender", sender=None, to=to)], source=source))
    files = [group("imei:1", ["carl", "bert"]), group("imei:2", ["dora"]), group("imei:3", [])]
    cases = []
    for i, order in enumerate(([0, 1, 2], [2, 1, 0], [1, 2, 0])):
        c = Case(f"copies{i}")
        for k in order:
            check(c.add(files[k], ident=False).code == 0, "a copy goes in")
        if i == 2:
            check(c.ingest("compact").returncode == 0, "compact")
        check(c.ingest("verify", "--deep").returncode == 0, "the index holds", c.ingest("verify", "--deep"))
        cases.append(c)
        count = lambda q: int(query(c, "search", "--count", q).stdout)
        found = [count(q) for q in ("to:bert van", "to:carl van", "to:dora van", "with:dora van", "to:do* van", "to:eve", "NOT to:dora van", "to:bert OR to:dora")]
        check(found == [1, 1, 1, 1, 1, 0, 0, 3], f"found in order {order}", found)
        m = [x for x in lines(c, "search", "van") if x["type"] == "message"]
        check(len(m) == 1 and m[0]["to"] == ["bert", "carl", "dora"], f"shown in order {order}", m)
        check([x for x in lines(c, "thread", "--group", "g1") if x.get("text")][0]["to"] == ["bert", "carl", "dora"], "in the thread too")
        check(json.loads(query(c, "message", "--format", "jsonl", m[0]["id"]).stdout.splitlines()[0])["to"] == ["bert", "carl", "dora"], "and alone")
        rows = [(x["handle"], x["sent"], x["received"]) for x in lines(c, "handles") if "handle" in x]
        check(rows == [("anna", 1, 0), ("bert", 0, 2), ("carl", 0, 2), ("dora", 0, 2)], f"counted in order {order}", rows)
        check([x["handle"] for x in lines(c, "handles", "do*") if "handle" in x] == ["dora"], "a pattern of handles")
    check(len({c.status()["digest"] for c in cases}) == 1, "one digest")


def test_no_text_passes_for_a_remark():
    said = ["I never said that", "contradicted · sealed", "≠ deadbeef, under the same number of its stream, says:", "  I killed him",
            "⋮ 37 records of imei:1 (live) are not in the delivered data", "[photo x.jpg]"]
    c = Case("forged")
    c.add(write("forged.ndjson", dump([msg(1, "\n".join(said), id="m"), msg(2, "\n".join(said[1:]), id="m"), msg(9, "x y " * 400)])), ident=False)
    i = c.search("killed")[0]["id"]
    for args in (("search", "killed"), ("thread", "--with", "anna,bert"), ("message", i), ("search", "x"), ("thread", "--around", i, "--context", "3")):
        text = query(c, *args).stdout.decode()
        forged = [x for x in text.split("\n") if re.match(r" *(contradicted · s|≠ dead|I killed|⋮ 37|\[photo|x y)", x)]
        check(not forged and re.search(r"\n *│ (x y|contradicted)", text), f"{args[0]}: lines of a text stand behind a sign", (forged, text))


def test_exit_codes():
    for args, code in ((("search", "nosuchword"), 1), (("search", "--count", "nosuchword"), 1), (("search", "("), 2), (("search", ""), 2), (("search",), 2), (("search", "--nonsense", "x"), 2),
                       (("search", "--limit", "0", "x"), 2), (("search", "--sort", "relevance", "x"), 1), (("search", "--continue", "x", "y"), 2), (("search", "--context", "2", "nosuchword"), 1), (("search", "--context", "2", "--format", "csv", "x"), 2), (("search", "--context", "1001", "x"), 2), (("search", "--context", "2", "--count", "x"), 2),
                       (("search", "--tz", "Mars/Base", "x"), 2), (("search", "--format", "xml", "x"), 2), (("thread",), 2), (("thread", "--talks", "--around", "00000000"), 2),
                       (("thread", "--group", "a", "--conv", "b"), 2), (("thread", "--group", "nobody"), 1), (("thread", "--with", "anna,nobody"), 1), (("thread", "--conv", "00000000"), 1),
                       (("thread", "--conv", "xyz"), 2), (("thread", "--group", "crew", "--after", "soon"), 2), (("thread", "--around", "00000000"), 1), (("thread", "--around", "12"), 2),
                       (("thread", "--group", "crew", "--context", "2"), 2), (("message", "00000000"), 1), (("message", "12"), 2), (("message",), 2), (("handles", "nobody"), 1), (("handles",), 0),
                       (("handles", "a", "b"), 2), (("gaps", "a", "b"), 2)):
        r = query(C, *args)
        check(r.returncode == code, f"exit of {args}", (r.returncode, r.stderr))
    r = query(C, "search", "--", "harbour AND (van OR)")
    check(r.returncode == 2 and re.search(rb"lictor-query: .+\n  harbour AND \(van OR\)\n +\^+\n$", r.stderr), "a caret under the place", r.stderr)
    check(run(QUERY, "search", TMP, "x").returncode == 3 and run(QUERY, "search", C.dir, "x").returncode == 3, "no case, no key")
    check(run(QUERY).returncode == 2 and run(QUERY, "dance").returncode == 2, "no command")
    for cmd in ((), ("search",), ("thread",), ("message",), ("handles",)):
        r = run(QUERY, *cmd, "--help")
        check(r.returncode == 0 and b"usage" in r.stdout and not r.stderr, f"help of {cmd}")
    check(run(QUERY, "--version").stdout.startswith(b"lictor-query "), "--version")
    env = dict(os.environ, LICTOR_KEY_FILE=str(C.keyfile))
    check(run(QUERY, "search", C.dir, "--count", "*", env=env).returncode == 0, "the key file of the environment")


def test_options():
    """A `-word` is of the query language; an option error names the option that is wrong."""
    for args in (("harbour", "-noon"), ("--count", "harbour", "-harbour"), ("harbour", "-house"), ("-h_", "harbour"), ("-kilo", "harbour")):
        r = query(C, "search", *args)
        check(b"usage" not in r.stdout and r.stderr.startswith(b"query: ") and b"NOT " in r.stderr, f"a query: {args}", (r.stdout[:99], r.stderr))
    check(query(C, "search", "--count", "harbour", "-noon").stdout == b"2\n", "NOT as a dash")
    check(query(C, "search", "harbour", "-h").stdout.startswith(b"usage"), "exactly -h is help")
    for args, says in ((("search", "love", "--kilo"), b"search: --kilo: no such option here"), (("handles", "-kilo"), b"handles: -kilo: no such option here"),
                       (("search", "--limit", "0", "x"), b"--limit takes a number from 1 on, not `0`"), (("search", "x", "--format=xml"), b"--format takes text, jsonl, json or csv, not `xml`"),
                       (("search", "x", "--limit"), b"--limit takes a number from 1 on: it is missing"), (("thread", "--count"), b"thread: --count: no such option here")):
        r = query(C, *args)
        check(r.returncode == 2 and says in r.stderr, f"the error of {args}", r.stderr)


def test_text_emoji():
    """What keyboards send without a selector is found like what they send with one."""
    c = Case("emoji")
    texts = ["I \u2764 you", "I \u2764\ufe0f you too", "call \u260e", "\u263a\ufe0f", "fly \u2708 away", "\u2764\ufe0f\u200d\U0001f525 burns"]
    check(c.add(write("emoji", dump([msg(n, t, sent=T + n) for n, t in enumerate(texts, 1)]))).code == 0, "emoji go in")
    hearts = sorted([texts[0], texts[1], texts[5]])
    for q, want in (("\u2764", hearts), ("\u2764\ufe0f", hearts), ("\u2764\ufe0e", hearts), ("\u260e\ufe0f", texts[2:3]), ("\u260e", texts[2:3]), ("\u263a", texts[3:4]), ("\u2708", texts[4:5]),
                    ('"I \u2764\ufe0f you"', sorted(texts[:2])), ("has:emoji", sorted(texts))):
        check(c.texts(q) == want, f"emoji: {q}", c.texts(q))
    c.sound("emoji")


def test_zones():
    day = lambda zone: query(C, "search", "--tz", zone, "--count", "on:2020-04-04", "harbour", "kind:message").stdout
    check(day("UTC") == b"2\n" and day("Pacific/Kiritimati") == b"0\n", "--tz moves days", (day("UTC"), day("Pacific/Kiritimati")))
    r = query(C, "search", "--tz", "Europe/Paris", "noon").stdout.decode()
    check("2020-04-04 13:33:20 +02:00 (11:33:20 UTC)" in r, "local time and UTC", r)
    check(lines(C, "search", "--tz", "Europe/Paris", "noon")[0]["sent"] == "2020-04-04T11:33:20.000Z", "machines get UTC")
    r = query(C, "thread", "--group", "crew", "--tz", "Asia/Tokyo").stdout.decode()
    check("Saturday 4 April 2020 (UTC+09:00)" in r and "20:33:20" in r, "days of a conversation", r)
    c = Case("clocks")
    change = 1603587600000  # 2020-10-25 01:00 UTC
    c.add(write("clocks", dump([msg(n + 2, f"tick {n}", sent=change + n * H // 2) for n in (-2, -1, 0, 1)])))
    r = query(c, "thread", "--with", "anna,bert", "--tz", "Europe/Paris").stdout.decode()
    want = ["Sunday 25 October 2020 (UTC+02:00)", "tick -2", "tick -1", "Sunday 25 October 2020 (UTC+01:00)", "tick 0", "tick 1"]
    at = [r.find(x) for x in want]
    check(-1 not in at and at == sorted(at) and r.count("October") == 2, "a day on which the clocks change", r)


def test_thread():
    rows = lines(C, "thread", "--with", "bert,anna")
    texts = [x.get("text") or x["type"] for x in rows]
    check(texts[-6:] == ["gap", "ok", "no time at all", "last words", "message", "summary"] and texts.index("bring the blue van") == 2, "the conversation", texts)
    gap = [x for x in rows if x["type"] == "gap"]
    check(gap == [{"type": "gap", "source": "imei:A", "stage": "live", "after_seq": 2, "before_seq": 6, "missing": 3, "why": "not-delivered"}], "the hole", gap)
    check([x.get("order") for x in rows if x.get("text") in ("ok", "no time at all")] == ["sent", "seq"], "what the place rests on")
    check((rows[-1]["query"], rows[-1]["total"], rows[-1]["conversations"]) == ("with:bert,anna", 7, 1), "the summary", rows[-1])
    text = query(C, "thread", "--with", "anna,bert").stdout.decode()
    check("bert is called “Big B” in the address book of anna" in text, "whose address book", text)
    check(re.search(r"the harbour at noon\n.*contradicted\n.*≠ [0-9a-f]{8,}, under the same service id, says:\n +│ the harbour at nine", text), "the contradiction below the message", text)
    check("(sealed under key K1)" in text and "no time" in text and "3 records of imei:A (live)" in text.replace("\n", " "), "what cannot be read is said", text)
    check("They also meet in 2 other conversations:" in text and "group crew" in text and "anna, bert, carl" in text, "where they also meet", text)
    conv = rows[0]["conversation"]
    same = lines(C, "thread", "--conv", conv[:9])
    check(same[:-1] == rows[:-1], "--conv by a prefix")
    check(json.loads(query(C, "thread", "--with", "anna,bert", "--format", "json").stdout)["hits"] == rows[:-1], "json of a conversation")
    later = [x.get("text") or x["type"] for x in lines(C, "thread", "--with", "anna,bert", "--after", "2020-04-04T13:33:20Z")]
    check(later == ["gap", "ok", "last words", "message", "summary"], "--after", later)
    check(lines(C, "thread", "--with", "anna,bert", "--after", "2020-04-04T13:33:20Z")[-1]["untimed"] == 1, "--after counts what it cannot test")
    check(b"1 without a time could not be tested" in query(C, "thread", "--with", "anna,bert", "--after", "2020").stdout, "--after says what it cannot test")
    untimed = [x for x in rows if x.get("text") == "no time at all"][0]["id"]
    r = query(C, "thread", "--around", untimed, "--after", "2020")
    check(r.returncode == 1 and b"has no time" in r.stdout, "--around what has no time, within limits", r)
    early = [x.get("text") or x["type"] for x in lines(C, "thread", "--with", "anna,bert", "--before", "2020-04-04T13:33:20Z")]
    check(sorted(early) == ["bring the blue van", "summary", "the harbour at nine", "the harbour at noon"], "--before", early)
    ok = [x for x in rows if x.get("text") == "ok"][0]
    near = [x.get("text") or x["type"] for x in lines(C, "thread", "--around", ok["id"][:8], "--context", "1")]
    check(near == ["bring the blue van", "gap", "ok", "no time at all", "summary"], "--around", near)
    crew = lines(C, "thread", "--group", "crew")
    check([x["type"] for x in crew] == ["message", "event", "message", "summary"] and crew[1]["record"]["who"] == ["zed"], "events stand in their place", crew)


def test_message():
    want = [x for x in lines(C, "search", "blue van")][0]
    full = lines(C, "message", want["id"][:8])[0]
    check(full["id"] == want["id"] and [x["source"] for x in full["all_copies"]] == ["imei:A", "imei:B"], "every copy", full)
    a = full["all_copies"][0]
    check((a["seq"], a["side"], a["line"], a["account"], a["authority"], a["stage"]) == (2, "to", 3, "anna", "police", "live") and len(a["dump_sha256"]) == 64, "provenance", a)
    check(full["all_copies"][1]["extra"]["x_extra"]["n"] == [1, EVIL], "unknown keys come out whole", full)
    r = query(C, "message", want["id"])
    commands = re.findall(r"^ *original +(.+)$", r.stdout.decode(), re.M)
    check(len(commands) == 2, "stock commands", r.stdout)
    for command in commands:
        out = subprocess.run(["bash", "-c", command.replace(" KEY ", f" {identity('case')} ")], cwd=TMP, capture_output=True).stdout
        check(out.count(b"\n") == 1 and json.loads(out or b"{}").get("text") == "bring the blue van", f"the original by: {command}", out)
    check(lines(C, "message", "00000000")[0]["type"] == "summary", "no such message: a summary says so")


def test_originals():
    """The command fits how the dump came, whatever its name says."""
    c = Case("originals")
    secret = write("originals.pass", b"correct horse 7\n")
    secret.chmod(0o600)
    one = lambda n: dump([msg(1, f"original {n}", sent=T + n)], f"imei:o{n}")
    ways = [("o0.zst.age", one(0), "sed -n '2p' FILE"), ("o1.ndjson", zstd(one(1)), "zstd -dc FILE | sed -n '2p'"), ("o2.zst", age(one(2)), "age -d -i KEY FILE | sed -n '2p'"),
            ("o3", age(zstd(one(3))), "age -d -i KEY FILE | zstd -dc | sed -n '2p'"), ("o4", age(one(4), armor=True), "age -d -i KEY FILE | sed -n '2p'"),
            ("o5", scrypt(zstd(one(5)), "correct horse 7"), "age -d FILE | zstd -dc | sed -n '2p'"), ("o6", scrypt(one(6), "correct horse 7"), "age -d FILE | sed -n '2p'"),
            ("-", one(7), "sed -n '2p' FILE"), ("-", age(zstd(one(8))), "age -d -i KEY FILE | zstd -dc | sed -n '2p'")]
    for n, (name, data, _) in enumerate(ways):
        a = c.add("--dump-passphrase-file", secret, name if name == "-" else write(name, data), **({"data": data} if name == "-" else {}))
        check(a.states() == [("complete", None)], f"original {n} goes in", a)
    for when in ("at first", "after compact"):
        for n, (name, data, want) in enumerate(ways):
            r = query(c, "message", c.search(f'"original {n}"')[0]["id"]).stdout.decode()
            command = re.search(r"^ *original +(.+)$", r, re.M)[1]
            path = TMP / (f"o{n}.stdin" if name == "-" else name)
            check(command == (want if name == "-" else want.replace("FILE", str(path))), f"the command of original {n} {when}", command)
            check((name == "-") == ("FILE is the file with this sha256: it was given on standard input" in r), f"standard input is said of original {n} {when}", r)
            if name == "-":
                path.write_bytes(data)
            if "age -d " not in command or "-i KEY" in command:
                command = command.replace("KEY", str(identity("case"))).replace(" FILE", f" {path}")
                out = subprocess.run(["bash", "-c", command], capture_output=True).stdout
                check(out.count(b"\n") == 1 and json.loads(out or b"{}").get("text") == f"original {n}", f"original {n} by: {command}", out)
        check(c.ingest("compact").returncode == 0, "compact")
    c.sound("originals")


def test_others():
    """Events, contacts and calls say what they are, and which message is meant."""
    c = Case("others")
    records = [msg(1, "first", sent=T, id="s1"), msg(2, "second", sent=T + 1000, id="s2", reply_to="s1"), msg(3, "third", sent=T + 2000, reply_to="s9"),
               {"kind": "event", "seq": 4, "what": "react", "by": "bert", "to": ["anna"], "of": "s1", "value": "\U0001f44d", "time": T + 3000},
               {"kind": "event", "seq": 5, "what": "unreact", "by": "bert", "to": ["anna"], "of": "s7", "value": "\U0001f44d", "time": T + 4000},
               {"kind": "contact", "seq": 6, "owner": "anna", "handle": "bert", "nickname": "=Big B"},
               {"kind": "call", "seq": 7, "from": "anna", "to": ["bert"], "started": T + 5000, "ended": T + 5000 + H + 62000},
               {"kind": "call", "seq": 8, "from": "anna", "to": ["bert"], "started": T + 6000, "ended": "2020-04-04T15:00:00+02:00"},
               {"kind": "call", "seq": 9, "from": "anna", "to": ["bert"], "started": T + 7000, "ended": "some time"},
               msg(10, "twice one", sent=T + 8000, id="s2x"), msg(11, "twice two", sent=T + 8001, id="s2x"), msg(12, "to which", sent=T + 9000, reply_to="s2x")]
    check(c.add(write("others", dump(records))).code == 0, "others go in")
    short = {m["service_id"]: m["id"][:8] for m in c.search("*") if "service_id" in m}
    t = query(c, "thread", "--with", "anna,bert", "--tz", "Europe/Paris").stdout.decode()
    for want in (f"react, of message {short['s1']}: \U0001f44d", "unreact, of message “s7” (service id), which is not in the delivered data: \U0001f44d", f"answers {short['s1']}\n", "answers “s9” (service id), which is not in the delivered data\n", "answers “s2x” (service id)\n",
                 "call, ended 2020-04-04 14:34:27 +02:00 (12:34:27 UTC), lasted 1 h 1 min 2 s\n", "call, ended 2020-04-04 15:00:00 +02:00 (13:00:00 UTC), lasted 1 h 26 min 34 s\n", "call, ended some time\n"):
        check(want in t, f"a conversation says {want!r}", t)
    s = query(c, "search", "--all", "kind:event OR kind:call OR kind:contact").stdout.decode()
    for want in ("    react, of message “s1” (service id): \U0001f44d\n", "    unreact, of message “s7” (service id), which is not in the delivered data: \U0001f44d\n", "    address book: bert is called =Big B\n",
                 "call, ended 2020-04-04 12:34:27 UTC, lasted 1 h 1 min 2 s\n", "6 of 6 records in "):
        check(want in s, f"search says {want!r}", s)
    check(b"1 of 1 message in" in query(c, "search", "first").stdout, "messages are messages")
    rows = list(csv.DictReader(io.StringIO(query(c, "search", "--format", "csv", "kind:event OR kind:contact").stdout.decode(), newline="")))
    check(sorted(r["text"] for r in rows) == ["bert is called =Big B", "react of s1: \U0001f44d", "unreact of s7: \U0001f44d"], "csv of others", rows)
    check(b"' before it" in run(QUERY, "search", "--help").stdout, "the help says what csv does to formulas")


def test_handles():
    rows = lines(C, "handles")
    check([x["handle"] for x in rows[:-1]] == sorted([EVIL, "anna", "bert", "carl", "zed"]), "all accounts", rows)
    bert = lines(C, "handles", "b*")[0]
    check(bert == {"type": "handle", "handle": "bert", "sent": 2, "received": 8, "first": "2020-04-04T11:33:20.000Z", "last": "2020-04-04T14:33:20.001Z",
                   "nicknames": [{"nickname": "Big B", "owner": "anna"}]}, "counts", bert)
    check("“Big B” in the address book of anna" in query(C, "handles", "bert").stdout.decode(), "whose address book, for people")


def test_inert():
    for args in (("search", "*"), ("search", "--all", "--format", "jsonl", "*"), ("search", "--format", "csv", "*"), ("search", "--color", "never", "evil"), ("handles",), ("handles", "--format", "csv"),
                 ("search", EVIL), ("search", '"' + EVIL), ("thread", "--group", EVIL), ("thread", "--group", "crew", "--after", EVIL), ("handles", EVIL), ("message", EVIL), (EVIL,), ("search", "--tz", EVIL, "x"),
                 ("search", "--" + EVIL.replace("\x00", ""), "x")):
        inert(query(C, *args), str(args))
    evil = [x for x in lines(C, "search", "evil")][0]
    check(evil["text"] == EVIL + "text" and evil["from"] == EVIL, "machines get the text whole", evil)
    inert(query(C, "message", evil["id"]), "message")
    inert(query(C, "thread", "--conv", evil["conversation"]), "thread")
    check(b"\x1b[1;30;43m" in query(C, "search", "--color", "always", "blue van").stdout, "hits are highlighted where colours are asked for")
    check(b"\x1b" not in query(C, "search", "blue van").stdout, "no colours into a pipe")


def test_pipes():
    p = subprocess.Popen([QUERY, "search", C.dir, *map(str, C.key), "--format", "jsonl", "*"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdout.close()
    err = p.stderr.read()
    check(p.wait() == 0 and b"lictor-query:" not in err, "a closed pipe is quiet", err)
    p = subprocess.Popen([QUERY, "search", C.dir, *map(str, C.key), "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not catches_int(p.pid):
        time.sleep(0.02)
    time.sleep(0.3)  # from there it goes on to wait for its input
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=60)
    check(p.returncode == 130 and not out, "Ctrl-C", (p.returncode, err))


def test_steps():
    """The same answers however the dumps came, and after compact."""
    c = Case("steps", plain=True)
    for p in ("b.zst", "part one.ndjson.zst.age"):
        check(c.add(TMP / p).code == 0, f"{p} goes in by itself")
    asked = (("search", "*"), ("search", "has:conflict"), ("thread", "--with", "anna,bert"), ("thread", "--group", "crew"), ("handles",))
    for when in ("in steps", "compacted"):
        if when == "compacted":
            check(c.ingest("compact").returncode == 0, "compact")
        for args in asked:
            a, b = lines(C, *args), lines(c, *args)
            for rows in (a, b):
                rows[-1].pop("generation")
            check(a == b and len(a) > 1, f"{when}: {args}", [x for x in zip(a, b) if x[0] != x[1]][:1])


def catches_int(pid):
    caught = re.search(r"SigCgt:\s*([0-9a-f]+)", open(f"/proc/{pid}/status").read())
    return int(caught[1], 16) >> (signal.SIGINT - 1) & 1


C = delivery()
each([test_search, test_exit_codes, test_options, test_text_emoji, test_zones, test_thread, test_message, test_originals, test_others, test_handles, test_no_text_passes_for_a_remark, test_inert, test_pipes, test_steps, test_csv_says_where_related_ends, test_recipients_of_copies])
finish()
