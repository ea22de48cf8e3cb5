#!/usr/bin/env python3
"""thread by days, its table, the end of its pages, and its memory. Ends in `N passed, N failed`."""
import csv, datetime, io, itertools, random

from lictor_cli import *

HOUR = 3600000


def thread(c, *args, form="jsonl"):
    r = run(QUERY, "thread", c.dir, *c.key, "--format", form, *args)
    if form != "jsonl":
        return r
    return [json.loads(x) for x in r.stdout.splitlines()]


def test_days():
    # Paris: UTC+2. Days 2020-04-04 (two), -05 (one), -08 (one).
    times = {"a": 1586000000000, "b": 1586037540000, "c": 1586037660000, "d": 1586300000000}  # 04-04 13:33, 23:59; 04-05 00:01; 04-08
    records = [msg(i + 1, t, sent=ms, id="s" + t) for i, (t, ms) in enumerate(times.items())] + [msg(9, "timeless", sent=None)]
    c = Case("days")
    c.add(write("days", dump(records, "imei:A", account="anna")))
    texts = lambda rows: [m["text"] for m in rows[:-1]]
    who = ("--with", "anna,bert")
    for tz, day, want, before, behind in (("Europe/Paris", "2020-04-04", "ab", None, "2020-04-05"), ("Europe/Paris", "2020-04-05", "c", "2020-04-04", "2020-04-08"),
                                          ("UTC", "2020-04-04", "abc", None, "2020-04-07"), ("Europe/Paris", "2020-04-06", "", "2020-04-05", "2020-04-08"),
                                          ("Europe/Paris", "last", "d", "2020-04-05", None), ("Europe/Paris", "first", "ab", None, "2020-04-05"), ("UTC", "2019-01-01", "", None, "2020-04-04")):
        rows = thread(c, *who, "--day", day, "--tz", tz)
        s = rows[-1]
        check(texts(rows) == list(want) and s["total"] == len(want), f"{day} in {tz}", rows)
        check((s.get("day_before"), s.get("day_after")) == (before, behind) and s["untimed"] == 1, f"{day} in {tz}: its neighbours", s)
        check(s["day"] == (day if day[0] == "2" else want and {"d": "2020-04-08", "ab": "2020-04-04"}[want]), "which day it is", s)
    hit = next(m["id"] for m in thread(c, *who) if m.get("text") == "b")
    rows = thread(c, "--around", hit, "--day", "hit", "--tz", "Europe/Paris")
    check(texts(rows) == ["a", "b"] and rows[-1]["day"] == "2020-04-04", "the day of a hit", rows)
    said = thread(c, *who, "--day", "2020-04-05", "--tz", "Europe/Paris", form="text").stdout.decode()
    check("Earlier: --day 2020-04-04; later: --day 2020-04-08." in said, "for people", said[-300:])
    r = thread(c, *who, "--day", "2020-04-06", "--tz", "Europe/Paris", form="text")
    check(r.returncode == 1 and b"on that day. Earlier: --day 2020-04-05; later: --day 2020-04-08." in r.stdout, "a day without", (r.returncode, r.stdout))
    timeless = next(m["id"] for m in thread(c, *who) if m.get("text") == "timeless")
    r = thread(c, "--around", timeless, "--day", "hit", form="text")
    check(r.returncode == 1 and b"has no time" in r.stdout, "no day for what has no time", (r.returncode, r.stdout))
    rows = thread(c, "--group", "nobody", "--day", "first")
    check(len(rows) == 1 and "day" not in rows[0] and "day_before" not in rows[0], "a conversation that is not there has no days", rows)
    for bad in (("--day", "2020-04"), ("--day", "hit"), ("--day", "2020-02-30"), ("--day", "first", "--after", "2020"), ("--day", "first", "--context", "3", "--around", hit)):
        r = run(QUERY, "thread", c.dir, *c.key, *(bad if "--around" in bad else who + bad))
        check(r.returncode == 2 and b"--day" in r.stderr, f"{bad} is refused", (r.returncode, r.stderr))


def test_days_of_all():
    """The days one after the other, forwards by day_after, are the conversation, each record once."""
    c = Case("walk")
    c.add(write("walk", dump([msg(i + 1, f"n {i}", sent=T + i * i * HOUR, id=f"s{i}") for i in range(60)], "imei:A", account="anna")))
    whole = [m["id"] for m in thread(c, "--with", "anna,bert") if m["type"] == "message"]
    got, day, n = [], "first", 0
    while day and n < 100:
        rows = thread(c, "--with", "anna,bert", "--day", day, "--tz", "Asia/Kathmandu")
        got += [m["id"] for m in rows if m["type"] == "message"]
        day, n = rows[-1].get("day_after"), n + 1
    check(got == whole and n > 20, "the days make up the whole", (len(got), len(whole), n))


def marked(name):
    """A conversation in which every column of the table has something."""
    a = [msg(1, "one", id="s1", sent=T), msg(2, "burns", id="s2", sent=T + 1000, burn=60, collected=T + DAY),
         msg(4, "answer", id="s4", sent=T + 4000, reply_to="s999"), msg(5, "twice", sent=T + 5000), msg(6, "bad", sent="yesterday"),
         {"kind": "event", "seq": 7, "what": "edit", "by": "anna", "to": ["bert"], "time": T + 6000, "of": "s1", "value": "uno"},
         {"kind": "event", "seq": 8, "what": "react", "by": "anna", "to": ["bert"], "time": T + 6500, "of": "s998", "value": "+"},
         {"kind": "contact", "seq": 9, "owner": "anna", "handle": "bert", "nickname": "=Big"}]
    b = [msg(1, "one", id="s1", sent=T), msg(2, "twice", sent=T + 5900), msg(3, "ende", id="s9", sent=T + 9000)]
    c = Case(name)
    c.add(write("ma", dump(a, "imei:A", account="anna", collected_from=T - DAY, collected_to=T + DAY)))
    c.add(write("mb", dump(b, "imei:B", account="bert", collected_from=T - DAY, collected_to=T + DAY)))
    return c


def test_table():
    c = marked("table")
    rows = list(csv.DictReader(io.StringIO(thread(c, "--with", "anna,bert", form="csv").stdout.decode(), newline="")))
    machine = thread(c, "--with", "anna,bert")[:-1]
    check(len(rows) == len(machine) and not any(None in r or None in r.values() for r in rows), "a row a line, as many fields in each", rows)
    check([r["type"] for r in rows] == [m["type"] for m in machine], "in the same order")
    for r, m in zip(rows, machine):
        if m["type"] == "gap":
            check("1 record of imei:A" in r["text"], "a hole says what is missing", r)
            continue
        want = {"related": "; ".join(x["id"] for x in m.get("related", [])), "related_why": "; ".join(x["why"] for x in m.get("related", [])),
                "missing_copies": "; ".join(f"{x['account']} ({x['source']})" for x in m.get("missing_copies", [])), "burn": str(m.get("burn", "")),
                "reply_missing": "true" if m.get("reply_missing") else "", "of_missing": "true" if m.get("of_missing") else "",
                "sent_given": json.dumps(m["sent_given"]) if "sent_given" in m else "", "old_text": m.get("old_text", ""),
                "ends": "; ".join(f"{x['why']} in {x['source']}" + (f" at {x['at']}" if "at" in x else "") for x in m.get("ends", [])),
                "events": "; ".join(" ".join(filter(None, (x.get("time"), x["what"], "by " + x["by"]))) + ": " + x["value"] for x in m.get("events", [])),
                "nicknames": "; ".join(f"{x['handle']} = {x['nickname']} ({x['owner']})" for x in m.get("nicknames", []))}
        for k, v in want.items():
            check(r[k] == v, f"column {k}", (r[k], v))
    for k in ("related_why", "missing_copies", "burn", "reply_missing", "of_missing", "sent_given", "old_text", "ends", "events", "nicknames"):
        check(any(r[k] for r in rows), "something stands under " + k)


def test_counts():
    c = marked("counts")
    said = thread(c, "--with", "anna,bert", form="text").stdout.decode().strip().splitlines()[-1]
    s = thread(c, "--with", "anna,bert")[-1]
    rows = thread(c, "--with", "anna,bert")[:-1]
    flag = lambda f: sum(f in m.get("flags", []) for m in rows)
    want = {"others": sum(m["type"] not in ("message", "gap") for m in rows), "gaps": 1, "missing": 1, "one_sided": flag("one-sided"), "missing_copies": flag("missing-copy"), "conflicts": flag("conflict")}
    check({k: s.get(k) for k in want} == want and want["missing_copies"] > 0, "the summary counts what was shown", (s, want))
    r = run(QUERY, "thread", c.dir, *c.key, "--with", "anna,bert", "--format", "html", "--output", TMP / "end")
    end = (TMP / "end" / "index.html").read_text().split('<p class="end">')[1]
    check(said in end and "Asked: <bdi>with:anna,bert</bdi>" in end, "pages end with what text ends with", (said, end))
    r = run(QUERY, "thread", c.dir, *c.key, "--with", "anna,bert", "--day", "first", "--format", "html", "--output", TMP / "day")
    end = (TMP / "day" / "index.html").read_text().split('<p class="end">')[1]
    check("There is no other day" in end, "a page of a day", end)


# ---- long ones ------------------------------------------------------------------------------------

WORDS = ["harbour", "van", "blue", "key", "noon", "gate", "quay", "north", "seven", "late"]


def write_long(name, n):
    """A conversation of n messages without service ids, of which bert's phone has one in a hundred and
    these one or two seconds off; with holes in anna's numbers. Gives the records of either phone."""
    rng = random.Random(n)
    a, b, at, seq = [], [], T, 0
    for i in range(n):
        at += rng.choice((2000, 7000, 31000, 61000, 3600000))
        seq += 1 + (i % 1000 == 999)
        words = [f"w{i % 977}x{i // 977}", *rng.sample(WORDS, rng.randrange(6))] if i % 10 else [rng.choice(WORDS)]
        m = msg(seq, " ".join(words), sent=at, **({"sender": "bert", "to": ["anna"]} if rng.random() < 0.5 else {}))
        a.append(m)
        if i % 100 == 50:
            b.append(dict(m, seq=len(b) + 1, sent=at + rng.choice((1000, 2000))))
    for source, account, records in (("imei:A", "anna", a), ("imei:B", "bert", b)):
        write(f"{name}-{account}", dump(records, source, account=account))
    return a, b


def peak(c, form, *args):
    """Peak memory of a run in MB, and its output. A sanitizer must not keep what was freed."""
    env = dict(os.environ, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1:thread_local_quarantine_size_kb=64")
    out = TMP / "peak"
    # The peak of a child begins with that of its parent: a small one stands between.
    small = "import os,sys\npid=os.posix_spawn(sys.argv[1],sys.argv[1:],os.environ)\n_,code,used=os.wait4(pid,0)\nprint(code,used.ru_maxrss,file=sys.stderr)"
    with open(out, "wb") as f:
        r = subprocess.run([sys.executable, "-I", "-S", "-c", small, QUERY, "thread", str(c.dir), *map(str, c.key), "--with", "anna,bert", "--format", form, *map(str, args)],
                           stdout=f, stderr=subprocess.PIPE, env=env)
    code, used = map(int, r.stderr.split()[-2:])
    check(code == 0 and not SICK.search(r.stderr), f"thread --format {form}", r.stderr)
    return used / 1024, out.read_bytes()


def nearest(a, b):
    """The pairs of same-text by the contract's words: nearest first, one to one, within a day."""
    key = lambda m: (m["from"], m["text"])
    a, b = sorted(a, key=key), sorted(b, key=key)
    of = {k: list(g) for k, g in itertools.groupby(b, key)}
    out = set()
    for k, group in itertools.groupby(a, key):
        group = list(group)
        edges = sorted((abs(x["sent"] - y["sent"]), min(x["sent"], y["sent"]), x["sent"], y["sent"]) for x in group for y in of.get(k, []) if abs(x["sent"] - y["sent"]) <= DAY)
        used = set()
        for _, _, x, y in edges:
            if ("a", x) not in used and ("b", y) not in used:
                used |= {("a", x), ("b", y)}
                out.add((k[0], x, y))
    return out


def test_long():
    cases = {}
    for n in (15000, 60000):
        a, b = write_long(f"long{n}", n)
        c = cases[n] = Case(f"long{n}", plain=True)
        check(c.add(TMP / f"long{n}-anna", TMP / f"long{n}-bert", ident=False).code == 0, f"{n} messages go in")
    for form, args in (("text", ()), ("jsonl", ()), ("csv", ()), ("html", ()), ("text", ("--talks",)), ("jsonl", ("--day", "last"))):
        used = []
        for n, c in cases.items():
            more = ("--output", TMP / f"pages{n}") if form == "html" else ()
            mb, out = peak(c, form, *args, *more)
            used.append(mb)
            if form == "jsonl" and not args and n == 60000:
                rows = [json.loads(x) for x in out.splitlines()]
        print(f"{form} {' '.join(args)}: peak {used[0]:.1f} MB for 15,000, {used[1]:.1f} MB for 60,000")
        check(used[1] < used[0] + 5, f"{form} {args}: memory does not follow the length", used)
    by_id = {m["id"]: m for m in rows if "id" in m}
    check(len(by_id) == 60600 and rows[-1]["gaps"] == 60, "every message and every hole", (len(by_id), rows[-1]))
    ms = lambda m: T + int((datetime.datetime.fromisoformat(m["sent"][:-1]) - datetime.datetime(2020, 4, 4, 11, 33, 20)).total_seconds() * 1000)
    got = {(m["from"], *sorted((ms(m), ms(by_id[x["id"]])))) for m in by_id.values() for x in m.get("related", []) if x["why"] == "same-text"}
    want = {(f, *sorted((x, y))) for f, x, y in nearest(a, b)}
    check(got == want and len(want) > 500, f"{len(want)} pairs, as by brute force", (len(got), len(want), len(got & want)))


if __name__ == "__main__":
    each([v for k, v in list(globals().items()) if k.startswith("test_")])
    finish()
