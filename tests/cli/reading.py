#!/usr/bin/env python3
"""A conversation read against the generator's truth: talks and clocks, with recall and precision
printed. Ends in `N passed, N failed`."""
from lictor_cli import *

OUT = TMP / "gen"
MIN = 60000


def rows(*args):
    r = run(QUERY, "thread", C.dir, "--format", "jsonl", "--with", TRUTH["thread"]["conversation"]["with"], *args)
    return [json.loads(x) for x in r.stdout.splitlines()]


def test_talks():
    messages = [m for m in rows() if m["type"] == "message"]
    by_id = {m["id"]: m for m in messages}
    talks = [t for t in rows("--talks") if t["type"] == "talk"]
    check(sum(t["messages"] for t in talks) == len(messages), "every message is in one talk", len(talks))
    check([t["n"] for t in talks] == list(range(1, len(talks) + 1)), "numbered")
    at = [m["id"] for m in messages]
    check(all(at.index(t["last"]) - at.index(t["first"]) + 1 == t["messages"] for t in talks), "first and last")
    got = {by_id[t["first"]]["service_id"] for t in talks}
    want = set(TRUTH["talks"])
    recall, precision = len(got & want) / len(want), len(got & want) / len(got)
    print(f"talks: {len(want)} planned, {len(got)} found, recall {recall:.3f}, precision {precision:.3f}")
    check(recall > 0.9 and precision > 0.9, "talks", (recall, precision))
    text = run(QUERY, "thread", C.dir, "--talks", "--with", TRUTH["thread"]["conversation"]["with"]).stdout.decode()
    check(f"{len(talks)} talks of {len(messages):,} messages" in text, "for people", text[-300:])
    table = run(QUERY, "thread", C.dir, "--talks", "--format", "csv", "--with", TRUTH["thread"]["conversation"]["with"]).stdout
    check(table.count(b"\r\n") == len(talks) + 1, "csv", table[:200])


if __name__ == "__main__":
    generate(OUT.name, "-n", 20000, "--zstd")
    TRUTH = json.loads((OUT / "truth.json").read_text())
    C = Case("reading", plain=True)
    C.add("--body-keys", OUT / "body.keys", OUT / "dumps", ident=False)
    each([v for k, v in list(globals().items()) if k.startswith("test_")])
    finish()
