#!/usr/bin/env python3
"""What reading must find in a generated delivery, held against truth.json and against the plain lines:
holes, coverage, contradictions, one-sided messages, missing copies, and messages that may be one.
Recall and precision of each are printed. Ends in `N passed, N failed`."""
import collections, datetime

from lictor_cli import *


def rows(verb, *args):
    r = run(QUERY, verb, C.dir, "--format", "jsonl", *args)
    return [json.loads(x) for x in r.stdout.splitlines()][:-1]


def score(what, want, got, least=1.0):
    want, got = set(want), set(got)
    hit = len(want & got)
    recall, precision = hit / len(want) if want else 1.0, hit / len(got) if got else 1.0
    print(f"{what}: {len(want)} planted, {len(got)} found, recall {recall:.3f}, precision {precision:.3f}")
    check(bool(want) and recall >= least and precision >= least, what, (sorted(want - got, key=repr)[:5], sorted(got - want, key=repr)[:5]))


def test_holes():
    want = {(g["source"], g["stage"], *h) for g in TRUTH["gaps"] for h in g["holes"]}
    found = [r for r in rows("gaps") if r["type"] == "gap"]
    got = {(r["source"], r["stage"], r["after_seq"], r["before_seq"]) for r in found if "before_seq" in r}
    score("holes in numbers", want, got)
    missing = collections.Counter()
    for r in found:
        missing[r["source"], r["stage"]] += r["missing"]
    check(missing == {(g["source"], g["stage"]): g["missing"] for g in TRUTH["gaps"]}, "how much is missing", missing)
    check({r["why"] for r in found} == {"not-delivered"}, "why", {r["why"] for r in found})
    # In the conversation: each hole that lies between two of its records, once.
    shown = [(r["source"], r["stage"], r["after_seq"], r["before_seq"]) for r in PAIR if r["type"] == "gap" and "before_seq" in r]
    check(len(shown) == len(set(shown)) and set(shown) <= want and len(shown) > 20, "holes of a conversation, each once", (len(shown), len(set(shown) - want)))


def plain_lines():
    """(source, stage, record), each number and content of a stream once."""
    seen = set()
    for part in sorted((OUT / "dumps").iterdir()):
        lines = part.read_bytes().split(b"\n")[:-1]
        head = json.loads(lines[0])
        for l in lines[1:]:
            try:
                r = json.loads(l.decode("utf-8", "surrogateescape"))
            except ValueError:
                continue
            if not isinstance(r, dict) or not isinstance(r.get("seq"), int) or r["seq"] < 0 or r.get("kind") not in ("message", "event", "contact", "note", "location", "call", "keepalive"):
                continue
            copy = {k: r[k] for k in r if k not in ("read",)}
            key = (head["source"], head["stage"], json.dumps(copy, sort_keys=True))
            if key not in seen:
                seen.add(key)
                yield head, r


def instant(head, v):
    if isinstance(v, int):
        return v if v > 0 else None
    try:
        t = datetime.datetime.fromisoformat(v.replace("Z", "+00:00"))
    except (ValueError, AttributeError):
        return None
    if t.tzinfo is None:
        t = t.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    return round(t.timestamp() * 1000)


def test_coverage():
    want = collections.Counter()
    for head, r in plain_lines():
        ms = instant(head, r.get("sent", r.get("time", r.get("started"))))
        if ms:
            want[head["source"], datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc).strftime("%Y-%m-%d")] += 1
    days = [r for r in rows("gaps") if r["type"] == "day"]
    score("days and their records", [(*k, n) for k, n in want.items()], [(r["source"], r["day"], r["records"]) for r in days])
    check({r["collected"] for r in days} == {"yes"}, "collected, as the dumps say", collections.Counter(r["collected"] for r in days))


def test_conversation():
    said = TRUTH["reading"]
    apart = set(said["apart"])
    number = lambda m: int(m["service_id"].split("-")[1], 16)
    looked = [m for m in PAIR if m["type"] == "message" and number(m) < said["first"]]
    score("contradicted", said["conflicts"], [m["service_id"] for m in looked if "conflict" in m.get("flags", [])])
    everywhere = set()
    for m in rows("search", "has:conflict"):
        everywhere.add(m["id"])
        check(any(x["why"] in ("same-id", "same-seq") for x in m["related"]), "no contradiction without another content", m)
    check(len(everywhere) == TRUTH["flags"]["conflict"], "no false one in the whole case", (len(everywhere), TRUTH["flags"]["conflict"]))
    one = [m for m in looked if m["service_id"] not in apart]
    score("from one side only", said["one_sided"], [m["service_id"] for m in one if "one-sided" in m.get("flags", [])])
    score("missing copies", map(tuple, said["missing_copies"]), [(m["service_id"], x["account"]) for m in one for x in m.get("missing_copies", [])])


def test_doubts():
    said = TRUTH["doubts"]
    lines = rows("thread", "--with", said["with"])
    messages = [m for m in lines if m["type"] == "message"]
    by_id = {m["id"]: m for m in messages}
    name = lambda m: (m["from"], m["sent"])
    for why in ("same-time", "same-text", "same-opened"):
        planted = [x for x in said["found"] if x["why"] == why]
        want = {(x["from"], *sorted((x["sent"], x["other_sent"]))) for x in planted}
        got = {(m["from"], *sorted((m["sent"], by_id[x["id"]]["sent"]))) for m in messages for x in m.get("related", []) if x["why"] == why}
        score(why, want, got)
    score("missing copies without a number lost", {(x["from"], x["sent"], x["account"]) for x in said["found"] if x["why"] == "missing-copy"},
          {(*name(m), x["account"]) for m in messages for x in m.get("missing_copies", [])})
    pairs = sum(x["why"] != "missing-copy" for x in said["found"])
    check(len(messages) == said["planned"] + pairs, "nothing is merged, nothing is lost", (len(messages), said["planned"], pairs))
    check(not any("conflict" in m.get("flags", []) for m in lines), "doubt is no contradiction")
    check(C.status()["pairs"] >= 2 * pairs, "status counts them, and those that chance makes elsewhere", C.status()["pairs"])


if __name__ == "__main__":
    OUT = generate("ground", "-n", 20000, "--doubts", "--plain")
    TRUTH = json.loads((OUT / "truth.json").read_text())
    C = Case("ground", plain=True)
    C.add("--body-keys", OUT / "body.keys", OUT / "dumps", ident=False)
    PAIR = rows("thread", "--with", TRUTH["thread"]["conversation"]["with"])
    each([v for k, v in list(globals().items()) if k.startswith("test_")])
    finish()
