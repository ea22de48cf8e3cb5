#!/usr/bin/env python3
"""thread --disentangle on a channel where two talks are held at once; and the scores on real ones."""
import json, pathlib, re

from lictor_cli import *

LOG = [("anna", "hello, how do I mount a second disk?"), ("carl", "my sound is gone since the last update, any idea?"),
       ("bert", "anna: use the mount command"), ("dora", "carl: is it muted in alsamixer?"), ("anna", "bert: thanks"),
       ("carl", "dora: no, it is not muted"), ("carl", "<script>\x1b[31m"), ("dora", "carl: then try another kernel")]


def case():
    c = Case("channel")
    records = [{"kind": "message", "seq": i + 1, "from": who, "group": "help", "sent": T + 20000 * i, "text": text, "id": f"m{i}"}
               for i, (who, text) in enumerate(LOG)]
    c.add(write("channel.ndjson", dump(records)))
    return c


def thread(c, *args):
    return run(QUERY, "thread", c.dir, *c.key, "--group", "help", *args)


def proposals():
    c = case()
    rows = [json.loads(l) for l in thread(c, "--disentangle", "--format", "jsonl").stdout.splitlines()]
    messages = [r for r in rows if r["type"] == "message"]
    ids = {m["id"]: m["service_id"] for m in messages}
    check(len(messages) == len(LOG) and all(m["talk"] >= 1 for m in messages), "every message stands in a talk", rows)
    check("answers" not in messages[0] and messages[0]["talk"] == 1, "the first message begins the first talk", messages[0])
    for m in messages:
        if a := m.get("answers"):
            check(ids.get(a["id"]) == a["service_id"] and 0 < a["confidence"] <= 1, "an answer names a message of the thread", m)
    answers = {m["service_id"]: m.get("answers", {}).get("service_id") for m in messages}
    check(answers["m2"] == "m0" and answers["m3"] == "m1" and answers["m5"] == "m3", "names lead to whom is answered", answers)
    plain = [json.loads(l) for l in thread(c, "--format", "jsonl").stdout.splitlines()]
    check(not any("talk" in r or "answers" in r for r in plain[:-1]), "nothing is proposed unasked")
    without = [{k: v for k, v in r.items() if k not in ("answers", "talk")} for r in rows[:-1]]
    check(without == plain[:-1], "all else is as without it")
    r = thread(c, "--disentangle")
    check(b"proposal: begins talk 1" in r.stdout and b"proposal: answers" in r.stdout and b"not evidence" in r.stdout, "text calls them proposals", r)
    check(b"\x1b[31m" not in r.stdout, "hostile text stays inert")
    for args in (("--talks",), ("--format", "csv")):
        r = thread(c, "--disentangle", *args)
        check(r.returncode == 2 and b"--disentangle" in r.stderr, f"not with {args}", r)
    r = run(QUERY, "thread", c.dir, *c.key, "--around", messages[0]["id"], "--disentangle")
    check(r.returncode == 2 and b"--disentangle" in r.stderr, "not with --around", r)


def scores():
    archive = pathlib.Path(__file__).resolve().parents[3] / "shared" / "data" / "irc" / "ubuntu-irc.tar.zst"
    if not archive.is_file():
        print("skipped: scores on real channels (no ../shared/data here)")
        return
    data = TMP / "irc"
    data.mkdir()
    raw = tool("zstd", "-dc", archive)
    tool("tar", "-x", "-C", data, data=raw)
    r = run(BENCH, "disentangle-score", data)
    m = re.match(rb"dev: links (\d\.\d+) \(messages alone \d\.\d+\), talks (\d\.\d+) F1", r.stdout)
    check(r.returncode == 0 and m and float(m[1]) > 0.70 and float(m[2]) > 0.33, "F1 of links above 0.70, of talks above 0.33", r)
    print(r.stdout.decode().strip())


def hostile_data():
    for name, files in (("none", {}), ("odd", {"gold.dev.graphs.txt": b"x:1 2 -\nbad\n:::\nx:99999999999 1 -\nlog:1 0 -", "dev/log.x.raw.txt": b"[\n[99:99]\n[00:00]\n\n[00:01] <a\n[00:02] <> x\n[10:00] <b> hi\n[10:00] * c waves\n[1"})):
        d = TMP / f"irc-{name}"
        d.mkdir()
        for f, data in files.items():
            (d / f).parent.mkdir(exist_ok=True)
            (d / f).write_bytes(data)
        r = run(BENCH, "disentangle-score", d)
        check(r.returncode in (0, 3) and (r.returncode == 0 or r.stderr), f"odd data: {name}", r)


each([proposals, scores, hostile_data])
finish()
