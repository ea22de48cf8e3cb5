#!/usr/bin/env python3
"""Events under the message they name, answers to what is not there, what burnt or was deleted. Ends in `N passed, N failed`."""
from lictor_cli import *

H = 3600000


def event(seq, what, time, **kw):
    return {"kind": "event", "seq": seq, "what": what, "time": time, **kw}


def thread(c, *args):
    r = run(QUERY, "thread", c.dir, *c.key, "--format", "jsonl", *args)
    return [json.loads(x) for x in r.stdout.splitlines()]


def text(c, *args):
    r = run(QUERY, "thread", c.dir, *c.key, *args)
    check(safe(r), "inert", r.stdout[-200:])
    return " ".join(r.stdout.decode().split())  # wherever lines were wrapped


def test_events():
    to = {"to": ["bert"], "by": "anna"}
    a = [msg(1, "at four", sent=T, id="m1"), event(2, "edit", T + 1000, of="m1", value="at five", **to), event(3, "react", T + 2000, of="m1", value="👍", to=["anna"], by="bert"),
         event(4, "edit", T + 3000, of="m1", value="at six", **to), event(5, "delete", T + 4000, of="m1", **to), event(6, "edit", T + 5000, of="gone", value="x", **to),
         msg(7, "other", sent=T + H, id="m2", reply_to="m1"), msg(8, "lost", sent=T + 2 * H, id="m3", reply_to="m0")]
    c = Case("events")
    c.add(write("a1", dump(a[:4], "imei:A", account="anna")), write("a2", dump(a[4:], "imei:A", account="anna")))
    rows = thread(c, "--with", "anna,bert")
    m1 = rows[0]
    check([(e["what"], e.get("by"), e.get("value")) for e in m1["events"]] == [("edit", "anna", "at five"), ("react", "bert", "👍"), ("edit", "anna", "at six"), ("delete", "anna", None)], "under the message, in order", m1)
    check(m1["text"] == "at four", "the message is what it was")
    kinds = [(r["type"], r.get("old_text"), r.get("of_missing")) for r in rows[1:6]]
    check(kinds == [("event", "at four", None), ("event", None, None), ("event", "at five", None), ("event", None, None), ("event", None, True)], "in their place, with what stood there before", kinds)
    check(rows[6].get("reply_missing") is None and rows[7].get("reply_missing") is True, "an answer to what is not here", rows[6:8])
    ids = [e["id"] for e in m1["events"]]
    check(ids == [r["id"] for r in rows[1:5]], "the same records", ids)
    t = text(c, "--with", "anna,bert")
    check("anna: edit “at five”" in t and "before it said:" in t and "answers “m0” (service id), which is not in the delivered data" in t, "for people", t)
    check("of message “gone” (service id), which is not in the delivered data" in t, "an event about what is not here", t)


def test_very_many():
    """Thousands of edits and reactions of messages that name each other, some under the same service id as what they
    name: each edit says what stood there before it, and nothing takes long."""
    to = {"to": ["bert"], "by": "anna"}
    a = [msg(1, "a0", id="a", reply_to="b"), msg(2, "b0", sent=T + 1, id="b", reply_to="a"), msg(3, "s", sent=T + 2, id="s", reply_to="s")]
    for i in range(1, 601):
        a += [event(3 * i + 1, "edit", T + 10 * i, of="a", value=f"a{i}", id="a", **to), event(3 * i + 2, "edit", T + 10 * i, of="b", value=f"b{i}", id=f"e{i}", **to),
              event(3 * i + 3, "react", T + 10 * i + 1, of="b", value="+", id="b", **to)]
    a += [event(2001, "edit", T, of="c2", value="c1", id="c1", **to), event(2002, "edit", T, of="c1", value="c2", id="c2", **to)]
    for halves in ((a,), (a[::2], a[1::2])):
        c = Case(f"many-{len(halves)}")
        for i, part in enumerate(halves):
            c.add(write(f"many-{len(halves)}-{i}", dump(part, f"imei:{i}", account="anna")))
        rows = thread(c, "--with", "anna,bert")
        old = {r["record"]["value"]: r.get("old_text") for r in rows if r["type"] == "event" and r["record"]["what"] == "edit"}
        check(all(old[f"{m}{i}"] == f"{m}{i - 1}" for m in "ab" for i in range(1, 601)), f"what stood there before, in {len(halves)} dumps", [(k, v) for k, v in old.items() if v and int(v[1:]) + 1 != int(k[1:])][:5])
        check(old["c1"] is None and old["c2"] is None and sum(r.get("of_missing", False) for r in rows) == 2, "edits that name each other name no message")
        m = {r["text"]: r for r in rows if r["type"] == "message"}
        check(len(m["a0"]["events"]) == 200 and m["a0"]["events_more"] and not any(r.get("reply_missing") for r in m.values()), "200 events are shown, and that there are more", m["a0"].get("events_more"))


def test_ends():
    a = [msg(1, "burnt", sent=T, burn=60, read=T + 1000, collected=T + H), msg(2, "burning", sent=T, burn=86400, collected=T + H),
         msg(3, "gone", sent=T + 1, deleted="2020-04-05T00:00:00Z"), msg(4, "gone too", sent=T + 2, deleted=True), msg(5, "kept", sent=T + 3, deleted=False)]
    c = Case("ends")
    c.add(write("e", dump(a, "imei:A", account="anna")))
    rows = {m["text"]: m.get("ends") for m in thread(c, "--with", "anna,bert") if "text" in m}
    check(rows["burnt"] == [{"source": "imei:A", "why": "burn-run-out", "at": "2020-04-04T11:34:21.000Z"}], "from when it was read", rows)
    check(rows["burning"] is None and rows["kept"] is None, "what had not ended", rows)
    check(rows["gone"] == [{"source": "imei:A", "why": "deleted", "at": "2020-04-05T00:00:00.000Z"}] and rows["gone too"] == [{"source": "imei:A", "why": "deleted"}], "deleted", rows)
    t = text(c, "--with", "anna,bert")
    check("its time to burn had run out before it was read out of imei:A, since 2020-04-04 11:34:21 UTC" in t and "deleted, as says imei:A" in t, "for people", t)


if __name__ == "__main__":
    each([v for k, v in list(globals().items()) if k.startswith("test_")])
    finish()
