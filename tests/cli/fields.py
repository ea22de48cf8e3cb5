#!/usr/bin/env python3
"""The fields of a query from outside: handles with wildcards, nicknames, where copies came from, how many
there are, hashes, times in zones; over several segments, overlays and after compact.
$LICTOR_BIN has the programs. Ends in `N passed, N failed`."""
import hashlib, json

from lictor_cli import *

SHA = "ab" * 31
LONG = "handle " + "x" * 400


def query(c, *args, **kw):
    return run(QUERY, args[0], c.dir, *c.key, *args[1:], **kw)


def texts(c, *words, options=()):
    """The first words of the texts of all hits, sorted."""
    rows = [json.loads(x) for x in query(c, "search", "--format", "jsonl", *options, "--", *words).stdout.splitlines()]
    return " ".join(sorted(r["text"].split()[0] if "text" in r else "-" for r in rows[:-1]))


def group(seq, text, sender, name, **kw):
    return {"kind": "message", "seq": seq, "from": sender, "group": name, "text": text, "sent": T + seq, **kw}


def case():
    """Two commits: the second brings new documents, further copies, a re-delivery, and a dump without seq."""
    c = Case("fields")
    first = [msg(1, "a1 one", "anna@x", ["bert"], T, attachments=[{"name": "p.jpg", "sha256": SHA + "01"}]),
             msg(2, "a2 two", "anna*", ["carl?"], T + 1, attachments=[{"name": "q.jpg", "sha256": (SHA + "02").upper()}, {"name": "n", "size": 7}]),
             msg(3, "a3 three", LONG + "a", ["bert"], T + 2), msg(4, "a4 four", LONG + "b", ["bert"], T + 3, service="sky"),
             group(5, "a5 five", "bert", "red team"), group(6, "a6 six", "bert", "red*"),
             msg(7, "a7 ok", "anna@x", ["bert"], T + 9), msg(8, "a7 ok", "anna@x", ["bert"], T + 9),
             {"kind": "contact", "seq": 9, "owner": "anna@x", "handle": "bert", "nickname": "Big \u00c9mile"},
             {"kind": "contact", "seq": 10, "owner": "bert", "handle": "anna*", "nickname": "BIG sister", "service": "sky"},
             {"kind": "contact", "seq": 11, "owner": "bert", "handle": "carl?", "nickname": "\uff22oss*"}]
    c.add(write("one dump.ndjson", dump(first, "imei:A", account="anna@x")), ident=False)
    other = [msg(1, "a1 one", "anna@x", ["bert"], T, attachments=[{"name": "p.jpg", "sha256": SHA + "01"}]), msg(2, "b2 later", "dora", ["anna*"], T + 20, service="sky"),
             msg(3, "a7 ok", "anna@x", ["bert"], T + 9)]
    c.add(write("two.ndjson", dump(other, "imei:B", account="bert")), ident=False)
    c.add(write("again.ndjson", dump(first[:2], "imei:A", account="anna@x")), ident=False)
    no_seq = [{"kind": "message", "from": "anna*", "to": ["carl?"], "text": "a2 two", "sent": T + 1, "attachments": first[1]["attachments"]},
              {"kind": "message", "from": "erik", "to": ["carl?"], "text": "c2 only", "sent": T + 30}]
    c.add(write("three.ndjson", dump(no_seq, "pc:C")), ident=False)
    return c


def ask(c, when):
    def finds(want, *words):
        got = texts(c, *words)
        check(got == want, f"{' '.join(words)} {when}", f"{got!r} instead of {want!r}")
        n = query(c, "search", "--count", "--", *words).stdout.decode().strip()
        check(n == str(len(want.split())), f"{' '.join(words)} counted {when}", n)
        n = query(c, "scan", "--count", "--", *words).stdout.decode().strip()
        check(n == str(len(want.split())), f"{' '.join(words)} scanned {when}", n)

    # handles
    finds("a1 a2 a7 a7", "from:a*")
    finds("a1 a7 a7", "from:*@x")
    finds("a1 a7 a7", "from:a??a@x")
    finds("", "from:a?a@x")
    finds("a2", r"from:anna\*")
    finds("a2", 'from:"anna*"')
    finds("a1 a2 a7 a7", 'from:"anna"*')
    finds("a2 b2", r"with:*\*")
    finds("a2 c2", r"to:carl\?")
    finds("a2 c2", "to:?arl?")
    finds("", "to:carl")
    finds("a4", "from:handle*b")
    finds("a3 a4", '"a3" OR a4', "from:?andle*")
    finds("a3", f'from:"{LONG}a"')
    finds("a5 a6", "group:r*d*")
    finds("a6", r"group:red\*")
    finds("a5", "group:*team")
    finds("a4 b2", "service:s?y")
    finds("a4 b2", "service:*")
    finds("a1 a2 a3 a5 a6 a7 a7 c2", "NOT", "service:*")
    # nicknames: whole, case folded, marks kept, of the service of the address book
    finds("a1 a3 a5 a6 a7 a7", "nick:\"big \u00e9mile\"")
    finds("", 'nick:"big emile"')
    finds("a1 a3 a5 a6 a7 a7", "nick:big?*mile")
    finds("b2", "nick:big*er")
    finds("a2 c2", r"nick:boss\*")
    finds("a2 c2", 'nick:"boss*"')
    finds("a1 a2 a3 a5 a6 a7 a7 b2 c2", "nick:*")
    finds("a2 c2", "nick:*", "NOT", "nick:big*")
    finds("", "nick:boss")
    # where copies came from
    finds("a1 a2 a3 a4 a5 a6 a7 a7", "source:imei:A")
    finds("a1 a7 b2", "source:imei:B")
    finds("a1 a2 a3 a4 a5 a6 a7 a7 b2", "source:imei:*")
    finds("a2 c2", "source:pc*")
    finds("a1 a2 a3 a4 a5 a6 a7 a7 b2 c2", "source:*")
    finds("", "source:imei")
    finds("a2 a3 a4 a5 a6 a7", "source:imei:A", "-source:imei:B")
    finds("a1 a7", "source:imei:A", "source:imei:B")
    finds("a1 a2 a3 a4 a5 a6 a7 a7", 'dump:"one dump.ndjson"')
    finds("a1 a7 b2", "dump:two*")
    finds("a1 a2", "dump:again.ndjson")
    finds("a2 c2", "dump:three.ndjson")
    finds("a1 a2 a3 a4 a5 a6 a7 a7 b2 c2", "dump:*.ndjson")
    finds("", "dump:nowhere.ndjson")
    finds("a1 a7 b2", "dump:" + sha256_of("two.ndjson"))
    finds("a1 a7 b2", "dump:" + sha256_of("two.ndjson")[:9].upper())
    # how many
    finds("a1 a2 a7", "copies:2")
    finds("a1 a2 a7", "copies:>1")
    finds("a1 a2 a7", "has:copies")
    finds("a3 a4 a5 a6 a7 b2 c2", "copies:1")
    finds("a3 a4 a5 a6 a7 b2 c2", "copies:<2")
    finds("a1 a2 a3 a4 a5 a6 a7 a7 b2 c2", "copies:1..2")
    finds("", "copies:>=3")
    # attachments
    finds("a1 a2", "sha256:" + SHA[:9])
    finds("a1", "sha256:" + SHA + "01")
    finds("a2", "sha256:" + (SHA + "02").upper())
    finds("", "sha256:" + SHA + "03")
    finds("a1", "sha256:" + SHA + "0", "from:*@x")


def sha256_of(name):
    return hashlib.sha256(open(TMP / name, "rb").read()).hexdigest()


def values():
    """What is found in texts; and a place that only a later copy tells, and only one of two repeated messages."""
    c = Case("values")
    here = {"lat": 52.1, "lon": 4.2}
    c.add(write("v1.ndjson", dump([msg(1, "v1 pay DE89 3704 0044 0532 0130 00"), msg(2, "v2 pay NL91ABNA0417164300"), msg(3, "v3 DE88 3704 0044 0532 0130 00"),
                                   msg(4, "v4 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"), msg(5, "v5 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD"), msg(6, "v6 at 52.3702, 4.8952"),
                                   msg(7, "v7 meet", location=here), msg(8, "v8 meet"), msg(9, "v9 meet", location=None), msg(10, "va ok"), msg(11, "va ok"),
                                   {"kind": "location", "seq": 12, "time": T, **here}, {"kind": "location", "seq": 13, "time": T, "cell": {"mcc": 204}}], "imei:A", account="anna")), ident=False)
    c.add(write("v2.ndjson", dump([msg(1, "v8 meet", location=here), msg(2, "va ok", delivered=5), msg(3, "va ok", location=here)], "imei:B", account="bert")), ident=False)
    return c


def ask_values(c, when):
    def finds(want, *words):
        got = texts(c, *words)
        check(got == want, f"{' '.join(words)} {when}", f"{got!r} instead of {want!r}")
        n = query(c, "scan", "--count", "--", *words).stdout.decode().strip()
        check(n == str(len(want.split())), f"{' '.join(words)} scanned {when}", n)

    finds("v1 v2", "has:iban")
    finds("v1", "DE89370400440532013000")
    finds("v1", "de89-3704-0044-0532-0130-00")
    finds("v1 v3", '"0044 0532"')
    finds("v3", '"DE88 3704"')
    finds("v4", "has:crypto")
    finds("v6 v7 v8 va", "has:coordinates")
    finds("v1 v2 v3 v4 v5 v9 va", "NOT", "has:coordinates")
    finds("-", "has:coordinates", "kind:location")
    finds("v7 v8 va", "has:coordinates", "-v6")
    c.sound("values " + when)


def main():
    c = values()
    ask_values(c, "over overlays")
    check(c.ingest("compact").returncode == 0, "compact")
    ask_values(c, "after compact")
    c = case()
    ask(c, "over overlays")
    r = c.ingest("compact")
    check(r.returncode == 0, "compact", r)
    ask(c, "after compact")


main()
finish()
