#!/usr/bin/env python3
"""Members of a group at a time: the last list of members and what follows it, lists and changes of two
sources that contradict each other, none at all, thousands of handles, no times. Ends in `N passed, N
failed`."""
import datetime
import random

from lictor_cli import *

T = 1_600_000_000_000
MIN = 60_000


def event(seq, what, at=None, by="anna", who=None, **more):
    e = {"kind": "event", "seq": seq, "what": what, "by": by, "group": "g"} | more
    if at is not None:
        e["time"] = T + at * MIN
    if who is not None:
        e["who"] = who
    return e


def say(seq, text, at, sender):
    return {"kind": "message", "seq": seq, "from": sender, "group": "g", "text": text, "sent": T + at * MIN}


def members(c, at="end", *args, form="jsonl", ok=(0, 1)):
    r = run(QUERY, "thread", c.dir, *c.key, "--group", "g", "--members", at, "--format", form, *args)
    check(r.returncode in ok, "exit", (r.returncode, r.stderr))
    return [json.loads(x) for x in r.stdout.splitlines()] if form == "jsonl" else r.stdout.decode()


def when(minutes):
    return datetime.datetime.fromtimestamp(T / 1000 + minutes * 60, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def inside(c, at="end"):
    return sorted(m["handle"] for m in members(c, at) if m["type"] == "member")


def test_a_list_and_what_follows():
    c = Case("follows")
    c.add(write("follows", dump([
        say(1, "hello", 1, "zoe"), event(2, "join", 2, by="early"), event(3, "members", 10, who=["anna", "bert", "carl"]),
        event(4, "leave", 20, by="bert"), event(5, "add", 30, who=["dora", "emil"]), event(6, "remove", 40, who=["emil"]),
        event(7, "join", 50, by="bert"), event(8, "rename", 51, value="anna out"), event(9, "members", 60, who=["anna", "fred"]), event(10, "leave", 70, by="fred")],
        "imei:A", account="anna")))
    for at, want in ((5, ["early"]), (9, ["early"]), (10, ["anna", "bert", "carl"]), (19, ["anna", "bert", "carl"]), (20, ["anna", "carl"]),
                     (35, ["anna", "carl", "dora", "emil"]), (45, ["anna", "carl", "dora"]), (55, ["anna", "bert", "carl", "dora"]), (60, ["anna", "fred"])):
        check(inside(c, when(at)) == want, f"at minute {at}", (inside(c, when(at)), want))
    check(inside(c) == ["anna"], "at the end")
    rows = {m.get("handle"): m for m in members(c)}
    check(rows["early"]["type"] == "left" and rows["early"]["how"] == "list" and rows["early"]["since"] == when(10)[:-1] + ".000Z", "who no longer stands in a list is out since it", rows["early"])
    check(rows["anna"]["since"] == when(10)[:-1] + ".000Z" and rows["anna"]["how"] == "list", "in since the first list", rows["anna"])
    check(rows["fred"]["how"] == "leave" and rows["fred"]["type"] == "left", "left", rows["fred"])
    check(rows["zoe"]["type"] == "speaker" and rows["zoe"]["speaks"], "only seen speaking", rows["zoe"])
    summary = rows[None]
    check(summary["total"] == 1 and summary["member_lists"] == 2 and "disputed" not in rows["anna"], "summary", summary)
    e = run(QUERY, "message", c.dir, *c.key, rows["fred"]["id"], "--format", "jsonl").stdout
    check(b'"leave"' in e, "the record it rests on can be looked at", e)
    text = members(c, when(35), form="text")
    check("4 members at 2020-" in text and "anna, carl, dora, emil (from the list of" in text and "2 changes since" in text and "no longer: bert" in text, "for people", text)
    table = members(c, form="csv").splitlines()
    check(table[0].startswith("type,conversation,handle,how") and len(table) == 1 + len(rows) - 1, "csv", table)
    head = run(QUERY, "thread", c.dir, *c.key, "--group", "g").stdout.decode()
    check("1 member at the end of the delivered data: anna" in head, "the heading of the conversation", head[:600])
    head = run(QUERY, "thread", c.dir, *c.key, "--group", "g", "--before", when(35)).stdout.decode()
    check("4 members at 2020-09-13 13:01:39: anna, carl, dora, emil" in head, "at the end of what is shown", head[:600])


def test_no_list():
    c = Case("nolist")
    c.add(write("nolist", dump([say(1, "one", 1, "anna"), say(2, "two", 2, "bert"), event(3, "members", None, who=["ghost"])], "imei:A", account="anna")))
    rows = members(c)
    check([m["type"] for m in rows] == ["speaker", "speaker", "summary"] and rows[-1]["member_lists"] == 0 and rows[-1]["total"] == 0, "none known", rows)
    check(rows[-1]["untimed_changes"] == 1, "a list without a time is counted, not followed", rows)
    text = " ".join(run(QUERY, "thread", c.dir, *c.key, "--group", "g").stdout.decode().split())
    check("members at the end of the delivered data: not in the delivered data" in text and "2 speak: anna, bert" in text and "1 record of members without a time is not followed" in text, "said so, and who speaks", text[:700])
    check([m["handle"] for m in members(c, when(1)) if m["type"] == "speaker"] == ["anna"], "who spoke until then")


def test_contradictions():
    c = Case("against")
    a = [event(1, "members", 10, who=["anna", "bert", "carl", "bert"]), event(2, "join", 20, by="dora"), event(3, "leave", 30, by="eva")]
    b = [event(1, "members", 10, who=["anna", "bert", "emil"]), event(2, "join", 20, by="dora"), event(3, "leave", 20, by="dora"), event(4, "remove", 31, who=["eva"])]
    c.add(write("aa", dump(a, "imei:A", account="anna")))
    c.add(write("ab", dump(b, "imei:B", account="bert")))
    rows = {m.get("handle"): m for m in members(c, when(15))}
    got = {h: m.get("disputed", False) for h, m in rows.items() if h and m["type"] == "member"}
    check(got == {"anna": False, "bert": False, "carl": True, "emil": True}, "two lists of one instant: who is in one alone is disputed", got)
    rows = {m.get("handle"): m for m in members(c)}
    check(rows["dora"]["type"] == "left" and rows["dora"].get("disputed"), "in and out at one instant", rows["dora"])
    check(rows["eva"]["type"] == "left" and rows["eva"]["how"] == "leave", "who left is not removed again", rows["eva"])
    text = members(c, form="text")
    check("disputed" in text, "for people", text)
    one = members(c)
    d = Case("turned")
    d.add(write("ab2", dump(b, "imei:B", account="bert")))
    d.add(write("aa2", dump(a, "imei:A", account="anna")))
    strip = lambda rows: [{k: v for k, v in r.items() if k not in ("generation",)} for r in rows]
    check(strip(one) == strip(members(d)), "whatever the order of arrival")


def test_against_a_model():
    """Random records, each instant but one source's, against sets in Python."""
    dice = random.Random(5)
    names = [f"n{i}" for i in range(12)]
    events = []
    for at in dice.sample(range(1000), 250):
        what = dice.choice(("join", "leave", "add", "remove", "members", "join", "leave", "add"))
        who = dice.sample(names, dice.randint(0 if what == "members" else 1, 5))
        events.append((at, what, who[0] if what in ("join", "leave") else "n0", None if what in ("join", "leave") else who))
    halves = ([], [])
    for e in events:
        half = dice.choice(halves)
        half.append(event(len(half) + 1, e[1], e[0], by=e[2], who=e[3]))
    c = Case("model")
    for i, half in enumerate(halves):
        c.add(write(f"model{i}", dump(half, f"imei:{i}", account=f"n{i}")))
    for until in [dice.randrange(1000) for _ in range(40)] + [1000]:
        inside_, since = set(), {}
        for at, what, by, who in sorted(events, key=lambda e: e[0]):
            if at > until:
                break
            before = set(inside_)
            who = [by] if who is None else who
            inside_ = set(who) if what == "members" else inside_ | set(who) if what in ("join", "add") else inside_ - set(who)
            since |= {w: at for w in inside_ ^ before}
        got = {m["handle"]: m["since"] for m in members(c, when(until)) if m["type"] == "member"}
        check(got == {w: when(since[w])[:-1] + ".000Z" for w in inside_}, f"until minute {until}", (got, inside_))


def test_hostile():
    c = Case("hostile")
    many = [f"h{i:05}" for i in range(20000)]
    lines = [event(1, "members", 10, who=many), event(2, "members", 11, who=["\u202eevil\x1b[31m", "", "a\nb"]), event(3, "join", 12, by="x", who="nolist"),
             event(4, "add", 13), event(5, "members", 14), event(6, "join", -(10 ** 8), by="old"), event(7, "members", 15, who=many[:3] + ["\u202eevil\x1b[31m"])]
    lines += [event(8 + i, "join" if i % 2 else "leave", 20 + i % 7, by=f"h{i % 50:05}") for i in range(3000)]
    c.add(write("hostile", dump(lines, "imei:A", account="anna")))
    check(len(inside(c, when(10))) == 20000, "a list of thousands")
    text = " ".join(run(QUERY, "thread", c.dir, *c.key, "--group", "g", "--before", when(10.5)).stdout.decode().split())
    check("20,000 members at" in text and "and 19970 more" in text, "the heading counts the rest", text[:300])
    raw = members(c, when(15), form="text")
    check("\x1b[31m" not in raw and "\u202eevil" not in raw.replace("\u2068", ""), "nothing reaches the terminal raw", raw[:300])
    check(inside(c, when(14)) == [], "an empty list")
    check("" in [m.get("handle") for m in members(c, when(11))], "an empty handle is a handle")
    check(len(members(c)) > 20000, "all that were ever named")


def test_usage():
    c = Case("usage")
    c.add(write("usage", dump([say(1, "one", 1, "anna"), {"kind": "message", "seq": 2, "from": "anna", "to": ["bert"], "text": "x", "sent": T}], "imei:A", account="anna")))
    for args, why in ((("--group", "g", "--members", "soon"), "soon"), (("--with", "anna,bert", "--members", "end"), "only a group"),
                      (("--group", "g", "--members", "end", "--talks"), "at one time"), (("--group", "g", "--members", "end", "--after", "2020"), "at one time")):
        r = run(QUERY, "thread", c.dir, *c.key, *args)
        check(r.returncode == 2 and why in r.stderr.decode(), f"{args}", r.stderr)
    r = run(QUERY, "thread", c.dir, *c.key, "--group", "nobody", "--members", "end")
    check(r.returncode == 1, "no such group", r.stderr)


if __name__ == "__main__":
    each([v for k, v in list(globals().items()) if k.startswith("test_")])
    finish()
