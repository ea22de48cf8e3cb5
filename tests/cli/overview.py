#!/usr/bin/env python3
"""The commands that give an overview, from outside: timeline, contacts, sources, gaps. Held against what search
counts, against the lines of the dumps and truth.json of a generated delivery, over several commits and after
compact. $LICTOR_BIN has the programs. Ends in `N passed, N failed`."""
import collections, csv, datetime, io, json, xml.etree.ElementTree as ET, zoneinfo

from lictor_cli import *

HOUR = 3600000
NASTY = "<a&b>\"'\u202e\u0007=1+1]]>\n" + "y" * 20


def query(c, *args, **kw):
    return run(QUERY, args[0], c.dir, *c.key, *args[1:], **kw)


def rows(c, *args, codes=(0, 1)):
    r = query(c, *args, "--format", "jsonl")
    check(r.returncode in codes, f"exit of {args}", (r.returncode, r.stderr))
    out = [json.loads(x) for x in r.stdout.splitlines()]
    check(out and out[-1]["type"] == "summary", f"{args} ends in a summary", r.stderr)
    return out[:-1], out[-1] if out else {}


def count(c, text, *options):
    return int(query(c, "search", "--count", *options, "--", text).stdout or 0)


def ms(text):
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def local(y, m, d, h=0, zone="Europe/Paris"):
    return round(datetime.datetime(y, m, d, h, tzinfo=zoneinfo.ZoneInfo(zone)).timestamp() * 1000)


def picture(r, what):
    """Well-formed, one file, nothing that runs or loads; gives its text."""
    check(r.returncode == 0 and safe(r), what + ": exit and harmless", (r.returncode, r.stderr))
    root = ET.fromstring(r.stdout)
    names = {e.tag.rpartition("}")[2] for e in root.iter()}
    check(root.tag == "{http://www.w3.org/2000/svg}svg" and not names & {"script", "image", "a", "use", "foreignObject"},
          what + ": elements", names)
    check(not any(k.lower().startswith("on") or "href" in k for e in root.iter() for k in e.attrib), what + ": attributes")
    check("title" in names and "desc" in names, what + ": has a title and a description")
    return " ".join(root.itertext())


def safe_csv(r, table):
    """No field is a formula; lines end as RFC 4180 says, and nothing else acts."""
    text = r.stdout.decode().replace("\r\n", "\n")
    return not UNSAFE.search(text) and not any(f[:1] in "=+-@" for row in table for f in row if f)


# ---- timeline ---------------------------------------------------------------------------------------


def timeline_case():
    """Hours around both changes of the clock in Paris, repeats that an overlay brings, no time, a note, a seal."""
    c = Case("timeline")
    spring, autumn = local(2020, 3, 29), local(2020, 10, 25)
    first = [msg(i + 1, f"s{i} blue", sent=spring + (i - 1) * HOUR + 1) for i in range(26)]
    first += [msg(50 + i, f"a{i}", sent=autumn + (i - 1) * HOUR) for i in range(28)]
    first += [msg(90, "ok", sent=autumn), msg(91, "lost", sent=None), msg(92, "zero", sent=0),
              {"kind": "note", "seq": 93, "owner": "anna", "time": autumn, "text": "blue note"},
              {"kind": "call", "seq": 94, "from": "anna", "to": ["bert"], "started": autumn}]
    c.add(write("tl1.ndjson", dump(first)), ident=False)
    second = [msg(95, "ok", sent=autumn), msg(96, "ok", sent=autumn), msg(97, "later", sent=autumn + 40 * DAY)]
    c.add(write("tl2.ndjson", dump(second)), ident=False)
    return c


def bins_agree(c, by, zone, text, what):
    """Every bin is what search counts in it; together they are all that search counts."""
    found, summary = rows(c, "timeline", "--by", by, "--tz", zone, *([text] if text else []))
    check(summary["total"] == count(c, text or "*"), what + ": total", summary)
    check(sum(b["count"] for b in found) + summary["without_time"] == summary["total"], what + ": sum")
    check(all(a["to"] == b["from"] for a, b in zip(found, found[1:])), what + ": no hole between bins")
    for b in found:
        both = f"after:{b['from']} before:{b['to']}"
        if b["type"] == "empty" or b["count"]:
            check(count(c, f"({text or '*'}) {both}") == b["count"], f"{what}: {b['from']}", b)
    return found


def timeline():
    c = timeline_case()
    for when in ("over an overlay", "after compact"):
        for by in ("hour", "day", "week", "month"):
            for text in ("", "*", "blue OR a1*"):
                bins_agree(c, by, "Europe/Paris", text, f"{when}, by {by}, {text!r}")
        days = {b["bin"]: b for b in rows(c, "timeline", "--tz", "Europe/Paris")[0] if b["type"] == "bin"}
        for day, hours in (("2020-03-29", 23), ("2020-10-25", 25), ("2020-10-26", 24)):
            b = days[day]
            check(ms(b["to"]) - ms(b["from"]) == hours * HOUR, f"{day} has {hours} hours", b)
            check(b["count"] == count(c, f"on:{day}", "--tz", "Europe/Paris"), f"{day} as on: has it", b)
            found, _ = rows(c, "timeline", f"on:{day}", "--by", "hour", "--tz", "Europe/Paris")
            check(len(found) <= hours and (hours == 24 or len(found) == hours), f"hours of {day}", len(found))
        twice = [b["bin"] for b in rows(c, "timeline", "on:2020-10-25", "--by", "hour", "--tz", "Europe/Paris")[0]]
        check(twice[2:4] == ["2020-10-25 02:00 +02:00", "2020-10-25 02:00 +01:00"], "an hour that stands twice", twice)
        check(c.ingest("compact").returncode == 0, "compact")
    weeks = rows(c, "timeline", "--by", "week")[0]
    for b in weeks:
        y, w, d = datetime.datetime.fromtimestamp(ms(b["from"]) / 1000, datetime.timezone.utc).isocalendar()
        check((b["bin"], d) == (f"{y}-W{w:02}", 1), "ISO week", b)
    check(rows(c, "timeline")[1]["without_time"] == 2, "what has no time is counted apart")
    check(rows(c, "timeline", "nosuchword")[1]["total"] == 0, "no hit")
    check(query(c, "timeline", "nosuchword").returncode == 1, "no hit: exit 1")
    for bad in (["("], ["--by", "year"], ["--tz", "Mars/Base"], ["--format", "graphml"]):
        r = query(c, "timeline", *bad)
        check(r.returncode == 2 and safe(r) and not r.stdout, f"timeline {bad}: exit 2", (r.returncode, r.stderr))
    r = query(c, "timeline", "blue", "--format", "csv")
    table = list(csv.reader(io.StringIO(r.stdout.decode(), newline="")))
    check(table[0] == ["type", "bin", "from", "to", "count"] and sum(int(x[4]) for x in table[1:]) == count(c, "blue"), "csv", table[:3])
    whole = json.loads(query(c, "timeline", "blue", "--format", "json").stdout)
    check(sum(b["count"] for b in whole["hits"]) == whole["total"] - whole["without_time"], "json", whole.keys())
    text = picture(query(c, "timeline", "-x<b> OR blue", "--format", "svg"), "timeline svg")
    check("2020-03-29" in text, "svg names its days", text[:200])
    text = query(c, "timeline", "--by", "month").stdout.decode()
    check("█" in text and "2020-03" in text, "bars", text)


def hostile_times():
    """1970 to 9999 by the hour: bounded output, exact counts."""
    c = Case("hostile-times")
    c.add(write("ht.ndjson", dump([msg(1, "old", sent=1), msg(2, "new", sent=253402300799999), msg(3, "mid")])), ident=False)
    for by in ("hour", "day", "week", "month"):
        found, summary = rows(c, "timeline", "--by", by, "--tz", "Europe/Paris")
        check(len(found) <= 2005 and sum(b["count"] for b in found) == 3, f"1970 to 9999 by {by}", len(found))
        check(all(a["to"] == b["from"] for a, b in zip(found, found[1:])), f"1970 to 9999 by {by}: whole")
    picture(query(c, "timeline", "--by", "hour", "--format", "svg"), "1970 to 9999 svg")
    r = query(c, "gaps", "--format", "svg")
    check(r.returncode == 2 and b"too wide" in r.stderr, "a picture of eight thousand years is refused", r.stderr)


# ---- contacts ---------------------------------------------------------------------------------------


def contacts_case():
    c = Case("contacts")
    first = [msg(1, "m1"), msg(2, "m2", "bert", ["anna"], T + 1), msg(3, "m3", to=["bert", "carl"], sent=T + 2),
             msg(4, "ok", sent=T + 3), msg(5, "ok", sent=T + 3), msg(6, "hi", to=[NASTY], sent=T + 4),
             msg(7, "self", to=["anna"], sent=T + 5), msg(8, "untimed", sent=None), msg(9, "long", to=["z" * 400], sent=T + 6),
             {"kind": "message", "seq": 10, "from": "anna", "group": "g" + NASTY, "sent": T + 7, "text": "to all"},
             {"kind": "message", "seq": 11, "from": "bert", "group": "g" + NASTY, "to": ["anna"], "sent": T + 8, "text": "by name"},
             {"kind": "message", "seq": 12, "from": "dora", "group": "other", "sent": T + 9, "text": "not hers"},
             {"kind": "call", "seq": 13, "from": "anna", "to": ["erik"], "started": T},
             {"kind": "contact", "seq": 14, "owner": "anna", "handle": "bert", "nickname": "=Bertie"},
             {"kind": "event", "seq": 15, "what": "edit", "by": "anna", "to": ["bert"], "time": T, "value": "edited"}]
    c.add(write("co1.ndjson", dump(first, "imei:1", account="anna")), ident=False)
    second = [msg(1, "ok", sent=T + 3), msg(2, "new", sent=T + DAY), msg(3, "back", "carl", ["anna"], T + DAY + 1),
              {"kind": "message", "seq": 4, "from": "anna", "group": "g" + NASTY, "to": ["frida"], "sent": T + 7, "text": "to all"}]
    c.add(write("co2.ndjson", dump(second, "imei:2", account="bert")), ident=False)
    return c


def names_from_right_to_left():
    """What text output shows can be given back as it was copied: names with isolates around them."""
    c, name, group = Case("rtl"), "كريم", "قناة"
    c.add(write("rtl.ndjson", dump([msg(1, "m1", name, ["anna"]), msg(2, "m2", "anna", [name], T + 1),
                                    {"kind": "message", "seq": 3, "from": name, "group": group, "sent": T + 2, "text": "all"}],
                                   "imei:1", account=name)), ident=False)
    around = lambda s: "\u2068" + s + "\u2069"
    check(around(name) in query(c, "handles").stdout.decode(), "text isolates the name")
    check(count(c, f"from:{around(name)}") == count(c, f"from:{name}") == 2, "search")
    for *args, last in (["contacts", name], ["handles", name], ["gaps", name], ["sources", name], ["thread", "--with", name], ["thread", "--group", group]):
        first = "anna," if "--with" in args else ""
        plain, copied = [*args, first + last], [*args, first + around(last)]
        a, b = (query(c, *x) for x in (plain, copied))
        check(a.returncode == b.returncode and (a.returncode == 0 or plain[0] == "gaps") and a.stdout == b.stdout, f"{plain}", (a.stdout, b.stdout))


def quoted(name):
    return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'


def contacts():
    c = contacts_case()
    before = None
    for when in ("over an overlay", "after compact"):
        found, summary = rows(c, "contacts", "anna")
        people = {r["handle"]: r for r in found if r["type"] == "contact"}
        check(set(people) == {"bert", "carl", NASTY, "anna", "z" * 400, "frida"}, "whom anna knows, " + when, sorted(people))
        for h, r in people.items():
            there, back = count(c, f"from:anna to:{quoted(h)}"), count(c, f"from:{quoted(h)} to:anna")
            check((r["sent"] + r["group_sent"], r["received"] + r["group_received"]) == (there, back),
                  f"from and to {h[:9]!r} as search counts, {when}", (r, there, back))
        b = people["bert"]
        check(b["group_received"] == 1 and b["in_groups"] == 1 and people["frida"]["group_sent"] == 1, "groups apart, " + when, b)
        check(b["first"] == "2020-04-04T11:33:20.000Z" and ms(b["last"]) == T + DAY, "first and last", b)
        check(b["nicknames"] == [{"nickname": "=Bertie", "owner": "anna"}], "nicknames", b)
        groups = [r for r in found if r["type"] == "group"]
        check([(g["group"], g["sent"], g["others"]) for g in groups] == [("g" + NASTY, 1, 1)], "groups, " + when, groups)
        check(before in (None, found), "the same after compact", found)
        before = found
        c.ingest("compact")
    r = query(c, "contacts", "anna", "--format", "csv")
    table = list(csv.reader(io.StringIO(r.stdout.decode(), newline="")))
    check(safe_csv(r, table), "csv: no formula", table)
    check(len({len(row) for row in table}) == 1, "csv: as many fields in every row", [len(x) for x in table])
    check(safe(query(c, "contacts", "anna")), "text is harmless")
    for args in (["anna"], []):
        r = query(c, "contacts", *args, "--format", "graphml")
        check(r.returncode == 0 and safe(r), f"graphml {args}", r.stderr)
        root, ns = ET.fromstring(r.stdout), "{http://graphml.graphdrawing.org/xmlns}"
        keys = {k.get("id") for k in root.iter(ns + "key")}
        nodes = {n.get("id"): {d.get("key"): d.text or "" for d in n} for n in root.iter(ns + "node")}
        edges = [(e.get("source"), e.get("target"), {d.get("key"): d.text for d in e}) for e in root.iter(ns + "edge")]
        check(root.tag == ns + "graphml" and all(a in nodes and b in nodes for a, b, _ in edges), f"graphml {args}: ends are nodes")
        check(all(set(d) <= keys for d in (*nodes.values(), *(e[2] for e in edges))), f"graphml {args}: keys are declared")
        name = {i: base64.b64decode(d["name_base64"]).decode() for i, d in nodes.items()}
        got = {(name[a], name[b]): int(d["messages"]) for a, b, d in edges if nodes[b]["kind"] == "handle"}
        check(got[("anna", "bert")] == count(c, "from:anna to:bert") and ("anna", NASTY) in got, f"graphml {args}: counts", got)
        check((("dora" in name.values()) and True) == (not args), f"graphml {args}: whose", sorted(name.values()))
    r = query(c, "contacts", "nobody")
    check(r.returncode == 1 and b"account of that name" in r.stdout and b"thread --group" in r.stdout, "nobody: exit 1", r.stdout)
    r = query(c, "contacts")
    check(r.returncode == 2 and b"HANDLE" in r.stderr, "no HANDLE: exit 2", r.stderr)


# ---- gaps and sources -------------------------------------------------------------------------------


def alive(seq, time, interval=60):
    return {"kind": "keepalive", "seq": seq, "time": time, **({"interval_s": interval} if interval else {})}


def one_loss():
    """Silences around one hole are one loss, and which of them it was is not known."""
    c = Case("one-loss")
    minute = 60000
    c.add(write("ol.ndjson", dump([alive(1, T), msg(2, "a", sent=T + 10 * minute), msg(8, "b", sent=T + 20 * minute), alive(9, T + 30 * minute)],
                                  "imei:L")), ident=False)
    text = query(c, "gaps").stdout.decode()
    check(text.count("no sign of life") == 3, "three silences", text)
    check(text.count("; loss: 5 numbers missing between 1 and 9") == 1 and text.count("; the same loss: 5 numbers missing between 1 and 9") == 2,
          "one loss is said once", text)


def gaps():
    c = Case("gaps")
    minute = 60000
    live = [msg(5, "one"), msg(6, "two", sent=T + minute), msg(10, "three", sent=T + 2 * minute), msg(10, "clash", sent=T + 2 * minute)]
    c.add(write("ga.ndjson", b"".join(map(line, [head("imei:A", account="anna", collected_from=T - DAY, collected_to=T + 2 * DAY), *live,
                                                  {"kind": "end", "records": 4, "last_seq": 14}]))), ident=False)
    c.add(write("gb.ndjson", dump([msg(1, "b1"), msg(4, "b4", sent=T + 9)], "imei:B", selection="order 7")), ident=False)
    c.add(write("gp.ndjson", dump([msg(1, "p1"), msg(3, "p3")], "imei:P", end=False)), ident=False)
    c.add(write("ge.ndjson", b"".join(map(line, [head("imei:E", epoch="2"), {"kind": "end", "records": 0, "last_seq": 3}]))), ident=False)
    # silences: quiet but alive; silent; lost; a stamp from the future and one from the past hide nothing
    s = [alive(1, T), alive(2, T + minute), alive(3, T + 3 * minute), msg(4, "future", sent=T + 99 * DAY), msg(5, "past", sent=T - 9 * DAY),
         alive(6, T + 10 * minute), msg(7, "sign", sent=T + 12 * minute), alive(8, T + 14 * minute), alive(10, T + 20 * minute),
         alive(11, T + 20 * minute, None), alive(12, T + 90 * minute, None)]
    c.add(write("gs.ndjson", dump(s, "imei:S")), ident=False)
    c.add(write(NASTY.replace("/", "").replace("\n", "") + ".ndjson", dump([msg(1, "x"), msg(3, "y")], NASTY, account=NASTY)), ident=False)
    # the same number again, another text, later: a clash over two segments
    c.add(write("ga2.ndjson", dump([msg(6, "clash", sent=T + 90000)], "imei:A", account="anna")), ident=False)
    c.add(write("refused.age", age(b"x")), ident=identity("other"))
    # numbers that come later close holes
    c.add(write("gb2.ndjson", dump([msg(2, "b2")], "imei:B", selection="order 7")), ident=False)
    before = None
    for when in ("over segments", "after compact"):
        found, summary = rows(c, "gaps")
        holes = {(g["source"], g.get("after_seq"), g.get("before_seq"), g["missing"], g["why"]) for g in found if g["type"] == "gap"}
        check(holes == {("imei:A", 6, 10, 3, "not-delivered"), ("imei:A", 10, None, 4, "not-delivered"), ("imei:B", 2, 4, 1, "selection"),
                        ("imei:P", 1, 3, 1, "partial-dump"), ("imei:E", None, None, 3, "not-delivered"),
                        ("imei:S", 8, 10, 1, "not-delivered"), (NASTY, 1, 3, 1, "not-delivered")}, "holes, " + when, holes)
        check((summary["total"], summary["missing"]) == (7, 14), "totals of holes", summary)
        hole = next(g for g in found if g["type"] == "gap" and g.get("before_seq") == 10)
        check((ms(hole["from"]), ms(hole["to"])) == (T + 90000, T + 2 * minute), "times on both sides", hole)
        quiet = [(ms(g["from"]) - T, ms(g["to"]) - T, g["missing"], g["why"]) for g in found if g["type"] == "silence"]
        check(quiet == [(3 * minute, 10 * minute, 0, "silence"), (14 * minute, 20 * minute, 1, "loss")], "silences, " + when, quiet)
        check(before in (None, found), "the same after compact")
        before = found
        c.ingest("compact")
    mine, summary = rows(c, "gaps", "anna")
    check({g["source"] for g in mine} == {"imei:A"} and summary["missing"] == 7, "gaps of a handle", summary)
    days = [(g["type"], g["records"], g["collected"]) for g in mine if g["type"] in ("day", "no-records")]
    check(days == [("no-records", 0, "partly"), ("day", 5, "yes"), ("no-records", 0, "partly")], "days of a device", days)
    check(query(c, "gaps", "nobody").returncode == 1, "no such device: exit 1")
    check(query(c, "gaps", "imei:?").returncode == 0, "a pattern")
    for args in (["gaps"], ["sources"], ["gaps", "--format", "csv"], ["sources", "--format", "csv"], ["gaps", "--all"], ["sources", "--format", "json"]):
        r = query(c, *args)
        table = list(csv.reader(io.StringIO(r.stdout.decode(), newline=""))) if "csv" in args else []
        check(r.returncode == 0 and (safe_csv(r, table) if table else safe(r)), f"{args} is harmless", (r.returncode, r.stderr))
        check(len({len(row) for row in table}) < 2, f"{args}: as many fields in every row")
    check(b"not in the delivered data" in query(c, "gaps").stdout, "the wording")
    text = picture(query(c, "gaps", "--format", "svg"), "gaps svg")
    check("numbers are missing" in text and "imei:A (anna)" in text, "gaps svg says what is missing", text[-300:])
    sources, summary = rows(c, "sources")
    by = {s["source"]: s for s in sources}
    check(list(by) == sorted(by, key=lambda s: s.encode()) and len(by) == 6 and summary["dumps_without_source"] == 1, "sources", summary)
    a = by["imei:A"]
    check((a["accounts"], a["records"], a["messages"], a["days"], a["holes"], a["missing"]) == (["anna"], 5, 5, 1, 2, 7), "a source", a)
    check((ms(a["collected_from"]), ms(a["collected_to"])) == (T - DAY, T + 2 * DAY), "what it covers", a)
    check(by["imei:P"]["dumps"][0]["state"] == "partial" and by["imei:P"]["dumps"][0]["reason"] == "no-end", "a partial dump", by["imei:P"])
    check(by["imei:S"]["records"] == 11 and by["imei:S"]["messages"] == 3, "records that are no messages", by["imei:S"])
    check(by["imei:E"]["streams"][0] == {"stage": "live", "epoch": "2", "numbered": True, "records": 0, "end_last_seq": 3, "holes": 1, "missing": 3, "silences": 0},
          "a stream without records", by["imei:E"])
    check(len(by["imei:B"]["dumps"]) == 2 and by["imei:B"]["streams"][0]["selection"], "two dumps of a device", by["imei:B"])


def truth():
    """Recall and precision of gaps and coverage: a generated delivery, its lines, its truth."""
    out = generate("generated", "-n", 4000, "--plain")
    said = json.loads((out / "truth.json").read_text())
    numbers = collections.defaultdict(set)
    for part in sorted((out / "dumps").iterdir()):
        first, *lines = part.read_bytes().split(b"\n")
        d = json.loads(first)
        for x in lines:
            m = re.match(rb'\{"kind":"\w+","seq":(\d+)', x)
            if m:
                numbers[(d["source"], d["stage"])].add(int(m[1]))
    c, again = Case("truth-one"), Case("truth-many")
    c.add(out / "dumps", ident=False)
    for part in sorted((out / "dumps").iterdir(), reverse=True):
        again.add(part, ident=False)
    found, summary = rows(c, "gaps")
    holes = {(g["source"], g["stage"], g["after_seq"], g["before_seq"]) for g in found if g["type"] == "gap" and "before_seq" in g}
    expected = {(*s, a, b) for s, n in numbers.items() for a, b in zip(sorted(n), sorted(n)[1:]) if b - a > 1}
    check(holes == expected and expected, "holes = holes of the lines", f"only lines {expected - holes}, only found {holes - expected}")
    missing = collections.Counter()
    for g in found:
        if g["type"] == "gap":
            missing[(g["source"], g["stage"])] += g["missing"]
    check(missing == {(g["source"], g["stage"]): g["missing"] for g in said["gaps"]}, "missing = truth", (missing, said["gaps"]))
    sources, _ = rows(c, "sources")
    check(sum(s["messages"] for s in sources) == said["messages"] + said["copies"], "messages of the sources = messages and copies",
          [s["messages"] for s in sources])
    for s in sources:
        check(sum(g["records"] for g in found if g["type"] == "day" and g["source"] == s["source"]) + s["untimed"] == s["records"], "days of " + s["source"])
    sums = {(q["query"][3:]): q["count"] for q in said["counts"] if q["query"].startswith("on:")}
    days = {b["bin"]: b["count"] for b in rows(c, "timeline")[0]}
    check(all(days.get(d, 0) == n for d, n in sums.items()), "days of the timeline = truth")
    again.ingest("compact")
    for args in (["gaps"], ["timeline"], ["timeline", "--by", "hour", "has:link"], ["contacts", sources[0]["accounts"][0]]):
        check(rows(c, *args)[0] == rows(again, *args)[0], f"{args}: the same, however it was added")
    strip = lambda all: [{k: v for k, v in s.items() if k != "dumps"} for s in all]
    check(strip(sources) == strip(rows(again, "sources")[0]), "sources: the same, however it was added")


def one_way_to_count():
    """handles, contacts and search count the same: messages, notes and edits, repeated ones as often as they are."""
    c = Case("one-way")
    a = [msg(1, "one", id="m1"), msg(2, "ok", sent=T + 5), msg(3, "ok", sent=T + 5), msg(4, "back", "bert", ["anna"], T + 9),
         {"kind": "event", "seq": 5, "what": "edit", "by": "anna", "to": ["bert"], "of": "m1", "value": "two", "time": T + 10}, {"kind": "event", "seq": 6, "what": "delete", "by": "anna", "to": ["bert"], "of": "m1", "time": T + 11},
         {"kind": "event", "seq": 7, "what": "react", "by": "bert", "to": ["anna"], "of": "m1", "value": "+", "time": T + 12}, {"kind": "note", "seq": 8, "owner": "anna", "time": T, "text": "mine"},
         {"kind": "call", "seq": 9, "from": "anna", "to": ["bert"], "started": T}, {"kind": "message", "seq": 10, "from": "anna", "group": "g", "to": ["carl"], "sent": T, "text": "all"},
         {"kind": "contact", "seq": 11, "owner": "anna", "handle": "dora", "nickname": "D"}]
    b = [msg(1, "ok", sent=T + 5), msg(2, "ok", sent=T + 5), msg(3, "ok", sent=T + 5)]
    for part in (dump(a, "imei:A", account="anna"), dump(b, "imei:B", account="bert")):
        check(c.add(write(f"one-way-{len(part)}.ndjson", part)).code == 0, "goes in")
    for when in ("in steps", "compacted"):
        found, _ = rows(c, "handles")
        check({x["handle"] for x in found} >= {"anna", "bert", "carl", "dora"}, "all of them", found)
        for x in found:
            want = count(c, f'from:"{x["handle"]}"'), count(c, f'to:"{x["handle"]}"')
            check((x["sent"], x["received"]) == want, f"{when}: {x['handle']} as search counts", (x, want))
        with_bert = next(x for x in rows(c, "contacts", "anna")[0] if x.get("handle") == "bert")
        check((with_bert["sent"], with_bert["received"]) == (count(c, "from:anna to:bert"), count(c, "from:bert to:anna")) == (5, 1), f"{when}: and contacts, edits among them", with_bert)
        run(INGEST, "compact", c.dir, *c.key)


each([timeline, hostile_times, names_from_right_to_left, one_way_to_count, contacts, gaps, one_loss, truth])
finish()
