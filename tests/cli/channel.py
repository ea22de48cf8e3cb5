#!/usr/bin/env python3
"""thread over logs of a real channel as three handsets captured them: every line once, in the order of
the log within a minute, and the planted holes. Skipped where ../shared is not there. Ends in
`N passed, N failed`."""
import collections, datetime

from lictor_cli import *

TOOL = pathlib.Path(__file__).resolve().parents[3] / "shared" / "tools" / "irc_to_ndjson.py"


def dumps_of(folder):
    """{log: {handset: records}}, in the order of the log."""
    logs = collections.defaultdict(dict)
    for path in sorted(folder.glob("*.ndjson")):
        log, who = path.stem.rsplit("-", 1)
        lines = [json.loads(x) for x in path.read_text(encoding="utf-8").split("\n") if x]
        logs[log][who] = [r for r in lines if r["kind"] == "message"]
    return logs


def key(r):
    return r["from"], r["sent"], r["text"]


def instant(m):
    days, clock = m["sent"].split("T")
    y, mo, d = map(int, days.split("-"))
    h, mi, s = clock[:-1].split(":")
    return int((datetime.datetime(y, mo, d, int(h), int(mi), tzinfo=datetime.timezone.utc).timestamp() + float(s)) * 1000)


def test_channel():
    folder = TMP / "irc"
    tool(sys.executable, TOOL, "--split", "dev", folder)
    logs, expected = dumps_of(folder), json.loads((folder / "expected.json").read_text())
    c = Case("channel", plain=True)
    check(c.add(*sorted(folder.glob("*.ndjson")), ident=False).code == 0, "goes in")
    r = run(QUERY, "thread", c.dir, "--group", "#ubuntu", "--format", "jsonl")
    rows = [json.loads(x) for x in r.stdout.splitlines()][:-1]
    messages = [m for m in rows if m["type"] == "message"]
    print(f"{len(logs)} logs, {len(messages)} lines, {sum(m['type'] == 'gap' for m in rows)} holes")
    check(len(messages) == expected["messages"] and len({m["id"] for m in messages}) == len(messages), "as many lines as there are", (len(messages), expected))

    # Every line once: a content as often as the handset that has it most often.
    want = collections.Counter()
    for views in logs.values():
        per = collections.defaultdict(collections.Counter)
        for who, records in views.items():
            for r in {r["seq"]: r for r in records}.values():
                per[key(r)][who] += 1
        for k, counts in per.items():
            want[k] = max(want[k], max(counts.values()))
    got = collections.Counter((m["from"], instant(m), m["text"]) for m in messages)
    check(got == want, "every line once", (list((want - got).items())[:3], list((got - want).items())[:3]))

    # The order: by minute, and within one that of the log where a single log has it.
    check(all(a["sent"] <= b["sent"] for a, b in zip(messages, messages[1:])), "by time")
    place = collections.defaultdict(list)
    for i, m in enumerate(messages):
        place[m["from"], instant(m), m["text"]].append(i)
    moved = compared = 0
    of_minute = collections.defaultdict(set)
    for log, views in logs.items():
        for r in views["A"]:
            of_minute[r["sent"]].add(log)
    for log, views in logs.items():
        minutes = collections.defaultdict(list)
        for r in views["A"]:
            minutes[r["sent"]].append(key(r))
        for sent, keys in minutes.items():
            seen = collections.Counter()
            at = []
            for k in keys:
                at.append(place[k][seen[k]])
                seen[k] += 1
            compared += len(at) - 1
            moved += sum(x >= y for x, y in zip(at, at[1:])) if len(of_minute[sent]) == 1 else 0
    check(moved == 0 and compared > 1000, "in the log's own order within a minute", (moved, compared))

    # Ten numbers lost in the middle of every C.
    gaps = {(g["source"], g["after_seq"], g["before_seq"]): g for g in rows if g["type"] == "gap" and "before_seq" in g}
    want = set()
    for log, views in logs.items():
        seqs = sorted({r["seq"] for r in views["C"]})
        want |= {(f"imei:C:{log}", a, b) for a, b in zip(seqs, seqs[1:]) if b > a + 1}
    check(set(gaps) == want and len(want) == len(logs), "the planted holes, each once", (len(gaps), len(want)))
    check({g["missing"] for g in gaps.values()} == {10}, "ten numbers each")
    for i, m in enumerate(rows):
        if m["type"] != "gap":
            continue
        before = next((x for x in rows[i:] if x["type"] == "message"), None)
        held = json.loads(run(QUERY, "message", c.dir, "--format", "jsonl", before["id"]).stdout.splitlines()[0])
        check(any(x["source"] == m["source"] and x.get("seq", -1) >= m["before_seq"] for x in held["all_copies"]), "a hole stands before the record behind it", m)


if __name__ == "__main__":
    if not TOOL.exists():
        print("skipped: there is no ../shared here")
    else:
        each([test_channel])
    finish()
