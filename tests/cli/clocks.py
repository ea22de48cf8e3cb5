#!/usr/bin/env python3
"""Clocks of devices: against the generator's truth, with errors printed, and what --correct-clocks does
to the order of conversations made by hand. Ends in `N passed, N failed`."""
import csv
import datetime
import io
import statistics

from lictor_cli import *

T = 1_600_000_000_000
MIN = 60_000
SEEDS = (1, 2, 3)


def rows(c, *args):
    r = run(QUERY, *args[:1], c.dir, *c.key, *args[1:], "--format", "jsonl")
    check(r.returncode in (0, 1), "exit", (args, r.returncode, r.stderr))
    return [json.loads(x) for x in r.stdout.splitlines()]


def ms(text):
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


# ---- the generator's truth ----

made = {}


def generated(seed, whose):
    if (seed, whose) not in made:
        made[(seed, whose)] = generate_once(seed, whose)
    return made[(seed, whose)]


def generate_once(seed, whose):
    out = generate(f"gen-{seed}-{whose}", "-n", 12000, "-s", seed, "-d", 12, "--zstd", "--clocks", whose)
    c = Case(f"gen-{seed}-{whose}", plain=True)
    c.add("--body-keys", out / "body.keys", out / "dumps", ident=False)
    return c, json.loads((out / "truth.json").read_text())


def compare(c, truth):
    """What is estimated less what is true, for each piece of each clock; jumps found and invented."""
    plan = {d["source"]: d for d in truth["clocks"]}
    errors, found, wrong, missed = [], 0, 0, 0
    for d in rows(c, "sources", "--correct-clocks"):
        if d["type"] != "source":
            continue
        want, pieces = plan[d["source"]], [p for p in d["clock"]["pieces"] if p["messages"] >= 20]
        values = [want["ahead_ms"]] + ([want["then_ahead_ms"]] if "jumps_at" in want else [])
        if len(pieces) == len(values):
            errors += [p["ahead_ms"] - v for p, v in zip(pieces, values)]
            found += len(values) - 1
        else:
            missed += max(0, len(values) - len(pieces))
            wrong += max(0, len(pieces) - len(values))
    return errors, found, wrong, missed


def test_truth():
    for whose in ("service", "sender"):
        for seed in SEEDS:
            c, truth = generated(seed, whose)
            summary = rows(c, "sources", "--correct-clocks")[-1]
            check(summary["stamps"] == whose == truth["stamps"], "whose clock stamps", (seed, whose, summary["stamps"]))
            errors, found, wrong, missed = compare(c, truth)
            whole = {d["source"]: d["clock"]["pieces"] for d in rows(c, "sources", "--correct-clocks") if d["type"] == "source"}
            furthest = max(truth["clocks"], key=lambda d: abs(d["ahead_ms"]))["source"]
            alone = [d["clock"]["pieces"] for d in rows(c, "sources", furthest, "--correct-clocks") if d["type"] == "source"][0]
            apart = abs(alone[0]["ahead_ms"] - whole[furthest][0]["ahead_ms"])
            check(apart <= 3000, "asked for alone it is off by as much", (seed, whose, alone, whole[furthest]))
            # Against true time only a service's clock can be told; else the middle one is the measure.
            base = statistics.median(errors) if whose == "sender" else 0
            worst = max(abs(e - base) for e in errors)
            print(f"clocks: seed {seed}, stamped by {whose}: {len(errors)} pieces, error at most {worst:.0f} ms, "
                  f"median {statistics.median(abs(e - base) for e in errors):.0f} ms; jumps: {found} found, {missed} missed, {wrong} invented")
            check(len(errors) >= 6 and worst <= 1000, "within 1 s where 20 messages tell", (seed, whose, errors))
            check(wrong == 0 and missed == 0, "jumps", (seed, whose, found, missed, wrong))


def turned(c, truth, *args):
    """Of each two messages that follow each other, how many stand the wrong way round."""
    got = [m for m in rows(c, "thread", "--with", truth["thread"]["conversation"]["with"], *args) if m["type"] == "message" and "untimed" not in m.get("flags", [])]
    at = [int(m["service_id"].split("-")[1], 16) for m in got]
    return sum(a > b for a, b in zip(at, at[1:])), len(at), [m["id"] for m in got]


def test_order_of_generated():
    for seed in SEEDS:
        for whose in ("sender", "service"):
            c, truth = generated(seed, whose)
            before, n, ids = turned(c, truth)
            after, n2, ids2 = turned(c, truth, "--correct-clocks")
            print(f"order: seed {seed}, stamped by {whose}: {before} of {n} stand behind one that followed, corrected {after}")
            check(n == n2 and sorted(ids) == sorted(ids2), "the same messages", (n, n2))
            if whose == "service":
                check(ids == ids2, "stamps of a service stay")
            elif before > 50:
                check(after < before / 4, "corrected clocks turn them round", (before, after))


# ---- by hand ----

def two(name, ahead, grain=1, n=60, extra_a=(), extra_b=()):
    """anna and bert in turn, every 10 s; anna's clock is ahead. The text is the true place."""
    a, b = [], []
    for i in range(n):
        t, delay = T + i * 10_000, 300 + i * 37 % 400
        sender, other = ("anna", "bert") if i % 2 == 0 else ("bert", "anna")
        stamp = (t + (ahead if sender == "anna" else 0)) // grain * grain
        m = {"kind": "message", "from": sender, "to": [other], "text": str(i), "sent": stamp}
        got = t + delay + (ahead if other == "anna" else 0)
        for rows_, holder in ((a, "anna"), (b, "bert")):
            rows_.append(m | {"seq": len(rows_) + 1} | ({"delivered": got} if holder == other else {}))
    c = Case(name)
    c.add(write(name + "-a", dump(a + list(extra_a), "imei:A", account="anna")))
    c.add(write(name + "-b", dump(b + list(extra_b), "imei:B", account="bert")))
    return c


def places(c, *args):
    return [int(m["text"]) for m in rows(c, "thread", *args) if m["type"] == "message"]


def test_turned_round():
    c = two("ahead", 120_000)
    w = ("--with", "anna,bert")
    check(places(c, *w) != list(range(60)), "as stamped, answers stand before questions")
    check(places(c, *w, "--correct-clocks") == list(range(60)), "corrected, they do not", places(c, *w, "--correct-clocks"))
    all_ = rows(c, "thread", *w, "--correct-clocks")
    clocks = [m for m in all_ if m["type"] == "clock"]
    check([m["source"] for m in clocks] == ["imei:A", "imei:B"] and all_[:2] == clocks, "clocks are told first", all_[:2])
    ahead = {m["source"]: m["clock"]["pieces"][0]["ahead_ms"] for m in clocks}
    check(abs(ahead["imei:A"] - ahead["imei:B"] - 120_000) < 300, "how far they are apart", ahead)
    ms_ = [m for m in all_ if m["type"] == "message"]
    for m in ms_:
        if m["order"] == "corrected":
            check(ms(m["sent"]) - m["clock_ahead_ms"] == ms(m["corrected"]), "the stamp stays, and the sum is right", m)
    check(sum(m["order"] == "corrected" for m in ms_) in (30, 60) and {m["order"] for m in ms_} <= {"corrected", "sent"}, "every message says on what its place rests")
    check(all_[-1]["stamps"] == "sender" and "correct-clocks" in all_[-1]["query"], "the summary", all_[-1])
    check("clock" not in {m["type"] for m in rows(c, "thread", *w)} and "stamps" not in rows(c, "thread", *w)[-1], "only when asked for")
    text = run(QUERY, "thread", c.dir, *c.key, *w, "--correct-clocks").stdout.decode()
    check("clock of imei:A (anna)" in text and "by a clock" in text and "placed by a corrected clock" in text and "against the middle one" in text, "for people", text[:1500])
    for at in (0, 1, 30, 58, 59):
        some = [m["text"] for m in rows(c, "thread", "--around", ms_[at]["id"], "--context", 7, "--correct-clocks") if m["type"] == "message"]
        check(some == [str(i) for i in range(max(0, at - 7), min(60, at + 8))], "around a message: a piece of the whole", (at, some))
    table = list(csv.DictReader(io.StringIO(run(QUERY, "thread", c.dir, *c.key, *w, "--correct-clocks", "--format", "csv").stdout.decode(), newline="")))
    check([(r["id"], r["order"], r["corrected"], r["clock_ahead_ms"], r["tie"]) for r in table] ==
          [(m["id"], m["order"], m.get("corrected", ""), str(m.get("clock_ahead_ms", "")), "true" if m.get("tie") else "") for m in ms_], "a table too", table[:2])
    page = TMP / "pages"
    r = run(QUERY, "thread", c.dir, *c.key, *w, "--correct-clocks", "--format", "html", "--output", page)
    check(r.returncode == 0 and "by a clock" in (page / "index.html").read_text() and "clock of imei:A" in (page / "index.html").read_text(), "pages too", r.stderr)
    # after the compaction the same
    before = rows(c, "thread", *w, "--correct-clocks")[:-1]
    check(run(INGEST, "compact", c.dir, *c.key).returncode == 0, "compact")
    check(rows(c, "thread", *w, "--correct-clocks")[:-1] == before, "whatever the segments")


def test_coarse():
    c = two("coarse", 45_000, grain=MIN)
    w = ("--with", "anna,bert")
    stamped, corrected = rows(c, "thread", *w)[:-1], rows(c, "thread", *w, "--correct-clocks")[:-1]
    at = lambda all_, who: [int(m["text"]) for m in all_ if m.get("from") == who]
    for who in ("anna", "bert"):
        check(at(corrected, who) == sorted(at(corrected, who)), "a source keeps its own order", (who, at(corrected, who)))
    minutes = [m["sent"] for m in stamped]
    check(all(m.get("tie", False) == (minutes.count(m["sent"]) > 1) for m in stamped) and len(set(minutes)) < 20, "who shares a minute says so", stamped[0])
    check(all(m["clock_ahead_ms"] % MIN == 0 for m in corrected if "clock_ahead_ms" in m), "whole minutes are moved by whole minutes")
    text = run(QUERY, "thread", c.dir, *c.key, *w).stdout.decode()
    check(f"{sum(m.get('tie', False) for m in stamped)} in the source's order, the time being shared" in text, "for people", text[-300:])


def test_untimed():
    late = {"kind": "message", "seq": 900, "from": "bert", "to": ["anna"], "text": "900", "delivered": T + 295_000 + 120_000}
    c = two("untimed", 120_000, extra_a=[late])
    got = places(c, "--with", "anna,bert", "--correct-clocks")
    check(got == list(range(30)) + [900] + list(range(30, 60)), "what was delivered by a wrong clock stands where it belongs", got)
    m = [m for m in rows(c, "thread", "--with", "anna,bert", "--correct-clocks") if m.get("text") == "900"][0]
    check(m["order"] == "delivered" and "corrected" in m, "and says so", m)


def test_nothing_to_tell():
    c = Case("alone")
    c.add(write("alone", dump([{"kind": "message", "seq": i, "from": "anna", "to": ["bert"], "text": str(i), "sent": T + i * MIN} for i in range(1, 30)], "imei:A", account="anna")))
    got = rows(c, "thread", "--with", "anna,bert", "--correct-clocks")
    check([m.get("order") for m in got[1:-1]] == ["sent"] * 29, "one side alone corrects nothing", got[1])
    check("ahead_ms" not in got[0]["clock"]["pieces"][0] and got[0]["clock"]["messages"] == 0, "and is not known", got[0])
    text = run(QUERY, "sources", c.dir, *c.key, "--correct-clocks").stdout.decode()
    check("clock not known (no message of it that both sides delivered)" in text, "for people", text)
    for args in (("--talks",), ("--disentangle",)):
        r = run(QUERY, "thread", c.dir, *c.key, "--with", "anna,bert", "--correct-clocks", *args)
        check(r.returncode == 2 and b"--correct-clocks" in r.stderr, "not with " + args[0], r.stderr)
    table = run(QUERY, "sources", c.dir, *c.key, "--correct-clocks", "--format", "csv").stdout.decode().splitlines()
    check(table[0].endswith(",clock_ahead_ms,clock_messages") and table[1].endswith(',"?","0"'), "csv", table)


def test_absurd_times():
    """Forged stamps and deliveries, up to the year 9999: an order, and no crash."""
    a, b = [], []
    for i in range(1, 400):
        m = {"kind": "message", "seq": i, "from": ("anna", "bert")[i % 2], "to": [("bert", "anna")[i % 2]], "text": str(i), "sent": (i * 7919 * 10**11) % 253402300799999 + 1}
        a.append(m | {"delivered": (i * 104729 * 10**10) % 253402300799999 + 1})
        b.append(m | {"delivered": (i * 1299709 * 10**9) % 253402300799999 + 1})
    c = Case("absurd")
    c.add(write("absurd-a", dump(a, "imei:A", account="anna")))
    c.add(write("absurd-b", dump(b, "imei:B", account="bert")))
    got = places(c, "--with", "anna,bert", "--correct-clocks")
    check(sorted(got) == list(range(1, 400)), "every message once", len(got))


if __name__ == "__main__":
    each([v for k, v in list(globals().items()) if k.startswith("test_")])
    finish()
