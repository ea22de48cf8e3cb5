#!/usr/bin/env python3
"""docs/message_id.py, which shares nothing with the C code, recomputes the id of messages of every
shape, and lictor-query shows the same ones."""
import collections, hashlib, pathlib, struct

from lictor_cli import *

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs"))
import message_id

SHA = hashlib.sha256(b"a picture").hexdigest()
HEADS = {  # name -> dump line; None: the dump has none
    "plain": head("imei:1", service="veilnet"),
    "offset": head("imei:2", service="veilnet", zone="+02:00"),
    "zone": head("imei:3", service="veilnet", zone="Europe/Amsterdam", stage="stored", epoch="7"),
    "server": head("server:1"),
    "headless": None,
}


def m(text, to=("bert",), **kw):
    """A message without seq; what is None is left out."""
    record = msg(None, text, to=to or (), **kw)
    return {k: v for k, v in record.items() if k != "to" or to is not None}


def texts():
    yield from ("plain", "", " ", "ñandú", "n\u0303andu\u0301", "船 с Ωμ עברית عربي ไทย", "👍🏽 👨‍👩‍👧 🏴‍☠️", "a\0b", "tab\t\"quoted\" \\ /",
                "line\nbreak\r\n", "\u2028\ufeff\u202e", "x" * 70000, "lone \ud83d high", "lone \ude00 low", "\udfff\ud800")
    for raw in (b"bytes \xff\xfe", b"cut \xe2\x82", b"long \xf0\x82\x82\xac", b"surrogate \xed\xa0\x80", b"\xc0\x80 nul"):
        yield b'"' + raw + b'"'
    yield from (b'"\\u0041\\u00e9\\ud83d\\ude00\\u0000"', b'"\\/\\b\\f"', b'"\\ud83d\\u0041"', b'"\\ud83d\xf0\x9f\x98\x80"',
                b'"\\\\u0041"', b'"\\\\\\u00e9"')


def times():
    yield from (b"1586000000000", b"1", b"0", b"-1", b"253402300799999", b"253402300800000", b"9223372036854775807",
                b"1586000000000.5", b"1.586e12", b"1e400", b"-0", b'"yesterday"', b'""', b'"1586000000000"')
    yield from (b'"%s"' % t for t in (
        b"2020-04-04T12:13:14Z", b"2020-04-04t12:13:14z", b"2020-04-04 12:13:14Z", b"2020-04-04T12:13:14.5Z",
        b"2020-04-04T12:13:14.123456789+05:30", b"2020-04-04T12:13:14-23:59", b"2016-12-31T23:59:60Z",
        b"2020-02-30T00:00:00Z", b"2020-04-04T24:00:00Z", b"2020-04-04T12:13:14", b"2020-10-25T02:30:00",
        b"2020-12-31T23:59:59.999", b"1969-12-31T23:59:59Z", b"9999-12-31T23:59:59.999Z", b"2020-04-04"))


def sealed(n, **kw):
    b64 = lambda s: base64.b64encode(s).decode()
    nonce, box = hashlib.sha256(b"n%d" % n).digest()[:24], hashlib.sha256(b"b%d" % n).digest() * 2
    return m(None, sealed={"key": f"bk-{n}", "nonce": b64(nonce), "box": b64(box)}, **kw)


def shapes():
    """Records without seq, as objects or as bytes of a line with %SEQ% in it."""
    for t in texts():
        if isinstance(t, str):
            yield m(t)
        else:
            yield b'{"kind":"message","seq":%SEQ%,"from":"anna","to":["bert"],"sent":1586000000000,"text":' + t + b"}"
    for i, t in enumerate(times()):
        yield b'{"kind":"message","seq":%SEQ%,"from":"anna","to":["bert"],"sent":' + t + b',"text":"time %d"}' % i
    yield m("no time", sent=None)
    yield m(None)
    yield m("with id", id="m-1")
    yield m("empty id", id="")
    yield m("a reply", id="m-2", reply_to="m-1")
    yield m("another service", service="other")
    yield m("of no weight", burn=60, delivered=T + 5, read=T + 9, unknown={"a": [1]}, deleted=True)
    yield sealed(1)
    yield sealed(2, sent=None)
    yield sealed(3, id="m-3", to=None, group="g")
    yield m("to a group", to=None, group="g", group_name="the group")
    yield m("to a group and some", group="g")
    yield m("to the empty group", to=None, group="")
    yield m("set", to=["b", "a", "b", "anna"])
    yield m("to herself", to=["anna"])
    yield m("large set", to=[f"h{i}" for i in range(200)])
    yield m("odd handles", sender="Änna \u202e", to=["b\0t", "\ud800", ""])
    yield m("nobody sent it", sender=None)
    yield m("to nobody", to=None)
    yield m("to an empty list", to=[])
    yield m("by nobody to nobody", sender=None, to=None, id="m-9")
    yield m("by nobody to a group", sender=None, to=None, group="g")
    for name, media in (("hash", [{"sha256": SHA, "name": "x", "size": 3}]), ("upper", [{"sha256": SHA.upper()[:-1] + "A"}]),
                        ("name and size", [{"name": "ñ.jpg", "size": 70000}]), ("name", [{"name": "a"}]), ("size", [{"size": 0}]),
                        ("no hash", [{"sha256": "ñ.jpg\x0070000"}]), ("short", [{"sha256": SHA[1:], "name": "y"}]), ("nothing", [{}]), ("none", []), ("order", [{"name": "a"}, {"name": "b", "caption": "c"}]),
                        ("other order", [{"name": "b"}, {"name": "a"}])):
        yield m("media " + name, attachments=media)
    yield m(None, attachments=[{"sha256": SHA, "type": "photo"}])
    for n in (2, 3, 5):
        yield from [m(f"said {n} times")] * n
        yield from [m(f"said {n} times under one id", id="r-1")] * n
    yield b'{"text":"spelled","to":["b\\u0065rt"],"s\\u0065nt":1586000000000,"seq":%SEQ%,"kind":"m\\u0065ssage","from":"anna"}'
    yield b' {"kind" : "message", "seq":%SEQ% ,"from":"anna","to":["bert","bert"],"sent":1586000000000,"text":"spelled"}'


def make(name, dump_line):
    """The dump's bytes and its message lines."""
    lines = []
    for seq, r in enumerate(shapes(), 1):
        if isinstance(r, bytes):
            r = r.replace(b"%SEQ%", b"%d" % seq)
        else:
            r = json.dumps({**r, "seq": seq}, ensure_ascii=seq % 2 == 0).encode("utf-8", "surrogatepass")
        lines.append(r)
    first = [] if dump_line is None else [json.dumps(dump_line).encode()]
    end = [] if dump_line is None else [b'{"kind":"end","records":%d}' % len(lines)]
    return b"".join(x + b"\n" for x in first + lines + end), lines


def ids_of(lines, dump_line, data):
    """id -> a line that has it; the k-th of one content in the stream."""
    d = message_id.load(json.dumps(dump_line).encode()) if dump_line else {"source": "dump:" + hashlib.sha256(data).hexdigest()[:16]}
    seen, ids = collections.Counter(), {}
    for x in lines:
        r = message_id.load(x)
        c = message_id.content_hash(r, d)
        seen[c] += 1
        k = 1 if r.get("id") else seen[c]
        ids[(c if k == 1 else hashlib.sha256(c + struct.pack("<I", k)).digest())[:16].hex()] = x
    return ids


def every_shape_has_the_id_of_the_document():
    everything, c = {}, Case("all")
    for name, dump_line in HEADS.items():
        data, lines = make(name, dump_line)
        ids = ids_of(lines, dump_line, data)
        check(len(lines) > 90, f"{name}: there are many shapes", len(lines))
        one, path = Case(name), write(name + ".ndjson", data)
        for case in (one, c):
            a = case.add(path, ident=False)
            check(a.code == 0 and a.totals.get("quarantined") == 0, f"{name}: nothing is set aside", (a, case.quarantine()))
        found = [m["id"] for m in one.search("*")]
        check(len(found) == len(set(found)), f"{name}: no id twice")
        check(not set(ids) - set(found), f"{name}: ids of the document that are not shown",
              [x[:300] for i, x in ids.items() if i not in found])
        shown = [m for m in one.search("*") if m["id"] not in ids]
        check(not shown, f"{name}: ids shown that are not the document's", shown[:3])
        everything.update(ids)
    found = {m["id"] for m in c.search("*")}
    check(found == set(everything), "all dumps in one case: the same ids", (len(found), len(everything)))
    check(c.ingest("compact").returncode == 0 and {m["id"] for m in c.search("*")} == found, "and after compact")
    for i in sorted(found)[::40]:
        check([m["id"] for m in c.search("id:" + i)] == [i], f"id:{i} finds it")


def the_script_has_help():
    r = run(sys.executable, ROOT / "docs" / "message_id.py", "--help")
    check(r.returncode == 0 and b"usage: message_id.py" in r.stdout and not r.stderr, "--help", r)


def the_script_prints_what_its_functions_say():
    script = ROOT / "docs" / "message_id.py"
    data, lines = make("plain", HEADS["plain"])
    ids = ids_of(lines, HEADS["plain"], data)
    for x in lines[:4] + lines[40:44]:
        r = run(sys.executable, script, json.dumps(HEADS["plain"]), data=x + b"\n")
        check(r.returncode == 0 and r.stdout.decode().strip() in ids, "message_id.py DUMP < line", (x[:200], r.stdout, r.stderr))
    twice = json.dumps(msg(1, "said 3 times")).encode()
    got = [run(sys.executable, script, json.dumps(HEADS["plain"]), k, data=twice).stdout.decode().strip() for k in (1, 2, 3)]
    check(len(set(got)) == 3 and set(got) <= set(ids), "message_id.py DUMP K < line", got)


def generated_messages_have_it_too():
    """The generator's shapes: needles, clashes, sealed bodies and repeats, from several handsets."""
    out, c = TMP / "generated", Case("generated")
    r = run(BENCH, "generate", out, "-n", 2000, "-s", 21, "--plain", "--progress=none")
    check(r.returncode == 0, "generate", r.stderr)
    a = c.add(out / "dumps", ident=False)
    most = collections.defaultdict(collections.Counter)  # content -> stream -> seqs
    own_id, seen = set(), set()
    for part in sorted((out / "dumps").iterdir()):
        first, *lines = part.read_bytes().split(b"\n")[:-1]
        d = message_id.load(first)
        for x in lines:
            if not x.startswith(b'{"kind":"message","seq":'):
                continue
            try:
                r = message_id.load(x)
            except ValueError:
                continue
            if not isinstance(r.get("from"), str) or not isinstance(r["seq"], int) or r["seq"] < 0 or not isinstance(r.get("to", []), list):
                continue
            h = message_id.content_hash(r, d)
            if (d["source"], d["stage"], r["seq"], h) not in seen:
                seen.add((d["source"], d["stage"], r["seq"], h))
                most[h][d["source"], d["stage"]] += 1
            if r.get("id"):
                own_id.add(h)
    ids = set()
    for h, streams in most.items():
        for k in range(1, (1 if h in own_id else max(streams.values())) + 1):
            ids.add((h if k == 1 else hashlib.sha256(h + struct.pack("<I", k)).digest())[:16].hex())
    found = {m["id"] for m in c.search("kind:message")}
    check(found == ids and len(found) == a.totals["messages"], "generated: the same ids",
          (len(found), len(ids), len(found & ids), a.totals))


each([every_shape_has_the_id_of_the_document, the_script_has_help, the_script_prints_what_its_functions_say, generated_messages_have_it_too])
finish()
