#!/usr/bin/env python3
"""missing-copy: a participant's device is in the case, was being collected from, and has no copy.
Ends in `N passed, N failed`."""
from lictor_cli import *

H = 3600000


def rows(c, *args):
    r = run(QUERY, "thread", c.dir, *c.key, "--format", "jsonl", *args)
    return {m["text"]: m for m in map(json.loads, r.stdout.splitlines()) if m["type"] == "message"}


def missing(rows):
    return {t: [x["account"] for x in m["missing_copies"]] for t, m in rows.items() if m.get("missing_copies")}


def test_set():
    a = [msg(1, "before", sent=T - DAY), msg(2, "both", sent=T), msg(3, "hers", sent=T + H), msg(4, "after", sent=T + 2 * DAY),
         msg(5, "new phone", sent=T + H + 1), msg(6, "two texts", sent=T + H + 2, id="x1"), msg(7, "three", to=["bert", "carl"], sent=T + H + 3)]
    b = [msg(1, "both", sent=T), msg(2, "his", "bert", ["anna"], T + 2 * H), msg(3, "zwei texte", sent=T + H + 2, id="x1")]
    c = Case("missing")
    c.add(write("a", dump(a, "imei:A", account="anna")),
          write("b", dump(b, "imei:B", account="bert", collected_from=T - H, collected_to=T + DAY)),
          write("b2", dump([msg(1, "new phone", sent=T + H + 1)], "imei:B2", account="bert")))
    r = rows(c, "--with", "anna,bert")
    check(missing(r) == {"hers": ["bert"], "his": ["anna"]}, "within what the dumps say, and where they say nothing, within the records", missing(r))
    check("missing-copy" in r["hers"]["flags"] and "missing-copy" not in r["before"].get("flags", []), "the flag", r["hers"])
    check(missing(rows(c, "--with", "anna,bert,carl")) == {"three": ["bert"]}, "only whose device is there", rows(c, "--with", "anna,bert,carl"))
    t = run(QUERY, "thread", c.dir, *c.key, "--with", "anna,bert").stdout.decode()
    check("no copy from the device of bert" in t and "2 without a copy that ought to be there" in t, "said to people", t)
    one = run(QUERY, "message", c.dir, *c.key, r["hers"]["id"]).stdout.decode()
    check("no copy from the device of bert" in one, "message says it", one)
    found = [m for m in c.search("hers")]
    check("missing-copy" in found[0]["flags"], "search says it", found)


def test_group():
    g = lambda seq, text, sender, sent: {"kind": "message", "seq": seq, "from": sender, "group": "crew", "sent": sent, "text": text}
    c = Case("missing-group")
    c.add(write("a", dump([g(1, "one", "anna", T), g(2, "two", "bert", T + 1), g(3, "three", "anna", T + 2)], "imei:A", account="anna")),
          write("b", dump([g(1, "one", "anna", T), g(2, "two", "bert", T + 1), msg(3, "x", "bert", ["zed"], T + H)], "imei:B", account="bert")),
          write("c", dump([msg(1, "y", "carl", ["zed"], T - H), msg(2, "z", "carl", ["zed"], T + H)], "imei:C", account="carl")))
    check(missing(rows(c, "--group", "crew")) == {"three": ["bert"]}, "carl never spoke in the group", missing(rows(c, "--group", "crew")))


def test_says_where_it_was_sent():
    """What a copy says of the place is no missing copy."""
    at = {"lat": 52.3702, "lon": 4.8952}
    c = Case("missing-located")
    for n, source in enumerate(("imei:A", "imei:B")):
        c.add(write(f"l{n}", dump([msg(1, "at the harbour", sent=T, location=at)], source, account=["anna", "bert"][n])))
    r = rows(c, "--with", "anna,bert")
    check(c.search("has:coordinates"), "the place is found", c.search("*"))
    check("missing-copy" not in r["at the harbour"].get("flags", []) and missing(r) == {}, "both have it", r)
    t = run(QUERY, "thread", c.dir, *c.key, "--with", "anna,bert").stdout.decode()
    check("ought to be there" not in t and "no copy from" not in t, "nothing is said to people", t)


def test_not_promised():
    c = Case("missing-not")
    c.add(write("a", dump([msg(1, "mine", sent=T)], "imei:A", account="anna")),
          write("b", dump([msg(1, "x", "bert", ["zed"], T - H), msg(2, "y", "bert", ["zed"], T + H)], "imei:B", account="bert", selection="order 7")),
          write("b1", dump([msg(1, "v", "bert", ["zed"], T - H), msg(2, "w", "bert", ["zed"], T + H)], "imei:B1", end=False, account="bert")),
          write("b2", dump([msg(1, "v", "bert", ["zed"], T - H), msg(2, "w", "bert", ["zed"], T + H)], "imei:B2", account="bert", service="other")))
    check(missing(rows(c, "--with", "anna,bert")) == {}, "a selection, a cut dump and another service promise nothing", missing(rows(c, "--with", "anna,bert")))


if __name__ == "__main__":
    each([v for k, v in list(globals().items()) if k.startswith("test_")])
    finish()
