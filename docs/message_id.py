#!/usr/bin/env python3
"""Recomputes a message id: docs/FORMAT.md, "Message ids". Independent of the C code.
usage: message_id.py [DUMP_LINE [K]] < one record line"""
import datetime, hashlib, json, re, struct, sys, zoneinfo

def load(line):  # strings come out as latin-1 images of their decoded bytes
    def raw(m):  # \u escapes from U+0080 on become bytes; a lone surrogate becomes its three
        if not m[1] or int(m[1], 16) < 0x80: return m[0]
        if m[2]: return (m[1] + m[2]).decode() and chr(0x10000 + (int(m[1], 16) - 0xD800) * 1024
                                                       + int(m[2], 16) - 0xDC00).encode()
        return chr(int(m[1], 16)).encode("utf-8", "surrogatepass")
    line = re.sub(rb"\\(?:u([dD][89abAB]..)\\u([dD][c-fC-F]..)|u(....)|.)",
                  lambda m: raw((m[0], m[1] or m[3], m[2])), line)
    number = lambda s: int(s) if re.fullmatch(r"-?\d+", s) and abs(int(s)) < 2**63 else Raw(s)
    return json.loads(line.decode("latin-1"), parse_int=number, parse_float=number)

class Raw(str): pass
b = lambda s: None if s is None else s.encode("latin-1")
part = lambda s: struct.pack("<Q", len(s)) + s
field = lambda s: b"\xff" * 8 if s is None else part(s)

def instant(t, zone):  # ms as decimal, or the raw JSON of an unreadable time
    if t is None or isinstance(t, (int, Raw)): return None if t is None else str(t).encode()
    m = re.fullmatch(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)?", t)
    try:
        leap = m[3] == "60"
        d = datetime.datetime.fromisoformat(f"{m[1]}T{m[2]}:{'59' if leap else m[3]}")
        z = m[5] or zone
        tz = zoneinfo.ZoneInfo(z) if z and not re.match(r"[Zz+-]", z) else None
        d = d.replace(tzinfo=tz or datetime.datetime.fromisoformat("2000-01-01T00:00:00" + z.upper()
                                                                   .replace("Z", "+00:00")).tzinfo)
        ms = 999 if leap else int(((m[4] or "") + "000")[:3])
        return b"%d" % ((d - datetime.datetime.fromtimestamp(0, datetime.timezone.utc))
                        // datetime.timedelta(seconds=1) * 1000 + ms)
    except (TypeError, ValueError, AttributeError, zoneinfo.ZoneInfoNotFoundError):
        return b('"' + t + '"')

def content_hash(r, dump):
    sender, to, group = b(r.get("from")), sorted({b(h) for h in r.get("to", [])}), b(r.get("group"))
    if sender is None or not (to or group): conv = b"i" + b(dump["source"])
    elif group: conv = b"g" + group
    else: conv = b"s" + b"".join(map(part, sorted({sender, *to})))
    kind = body = None
    if "text" in r: kind, body = b"text", b(r["text"])
    if "sealed" in r:
        unpack = lambda s: __import__("base64").b64decode(r["sealed"][s])
        kind, body = b"sealed", part(b(r["sealed"]["key"])) + part(unpack("nonce")) + part(unpack("box"))
    name = lambda a: (b(a["sha256"]).lower() if re.fullmatch("[0-9a-fA-F]{64}", a.get("sha256") or "")
                      else b(a.get("name", "")) + b"\0" + str(a.get("size", "")).encode())
    media = [name(a) for a in r.get("attachments", [])]
    fields = [b(r.get("service", dump.get("service"))), sender, conv, b(r.get("id")),
              instant(r.get("sent"), dump.get("zone")), kind, body, b(r.get("reply_to")),
              b"".join(map(part, media)) if media else None]
    return hashlib.sha256(b"lictor-message/1\0" + b"".join(map(field, fields))).digest()

if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv[1:]): sys.exit(print(__doc__))
    dump = load(sys.argv[1].encode("utf-8", "surrogateescape")) if len(sys.argv) > 1 else {}
    k = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    c = content_hash(load(sys.stdin.buffer.read()), dump)
    print((c if k == 1 else hashlib.sha256(c + struct.pack("<I", k)).digest())[:16].hex())
