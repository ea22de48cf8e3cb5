"""case_model: what a case must hold after some dumps, by the rules of the delivery and of docs/FORMAT.md
("Message ids", "Content digest"). Keeps everything in dicts; knows nothing of files. Records are made by
the test itself, so the model may trust them."""
import base64, collections, datetime, hashlib, json, re, struct

SHA = lambda data: hashlib.sha256(data).digest()
PLACED = "kind seq from id text sealed reply_to service account warrant liid cin point direction".split()
OTHER_SENDER = {"event": "by", "contact": "owner", "note": "owner", "location": "account", "call": "from"}
OTHER_TEXT = {"event": "value", "contact": "nickname", "note": "text"}
KINDS = "message event contact note location call keepalive".split()


class Number(str):
    """A number as it was written."""


def raw(s):
    """Bytes of a decoded string: bytes that were no UTF-8 stay, a lone surrogate is its three bytes."""
    if s is None:
        return None
    return s.encode("utf-8", "surrogateescape" if re.search("[\udc80-\udcff]", s) else "surrogatepass")


def parse(line):
    return json.loads(line.decode("utf-8", "surrogateescape"), parse_int=Number, parse_float=Number)


def canonical(v):
    """Canonical JSON, as FORMAT.md says."""
    if isinstance(v, Number):
        return v.encode()
    if isinstance(v, dict):
        pairs = sorted((raw(k), canonical(k) + b":" + canonical(x)) for k, x in v.items())
        return b"{" + b",".join(p for _, p in pairs) + b"}"
    if isinstance(v, list):
        return b"[" + b",".join(map(canonical, v)) + b"]"
    if isinstance(v, str):
        return raw(re.sub("[\ud800-\udc7f\udd00-\udfff]", lambda m: f"\\u{ord(m[0]):04x}",
                          json.dumps(v, ensure_ascii=False)))
    return json.dumps(v).encode()


part = lambda b: struct.pack("<Q", len(b)) + b
field = lambda b: b"\xff" * 8 if b is None else part(b)
u64 = lambda n: struct.pack("<Q", n & 2**64 - 1)


def blob(b):
    n, out = len(b), b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n]) + b


def instant(t):
    """ms of a time in a record; None if there is none or it is unreadable."""
    if isinstance(t, Number):
        return int(t) if re.fullmatch(r"-?\d+", t) else None
    try:
        d = datetime.datetime.fromisoformat(t)
        epoch = datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
        return (d - epoch) // datetime.timedelta(milliseconds=1)
    except (TypeError, ValueError):
        return None


class Content:
    """What one record says, apart from who held it."""

    def __init__(self, r, dump, stream, seq):
        self.kind = r["kind"]
        text = lambda k: raw(r.get(k))
        message = self.kind == "message"
        sender = text("from") if message else text(OTHER_SENDER.get(self.kind))
        self.lent = None  # an account of the dump line (no zone here)
        if self.kind == "location" and sender is None:
            sender = self.lent = raw(dump.line.get("account"))
        to, group = [raw(h) for h in r.get("to", [])], text("group")
        self.service = raw(r.get("service", dump.line.get("service")))
        self.to = None
        if group and (sender is not None or not message):
            self.conv, self.to = (b"g", group), to or None
        elif sender is not None and to:
            self.conv = (b"s", tuple(sorted({sender, *to})))
        else:
            self.conv, self.to = (b"i", stream.source), to or None
        if message:
            self.to = None  # of the copy
        self.sender, self.id, self.reply_to = sender, text("id") if message else None, text("reply_to")
        when = r.get("sent" if message else "started" if self.kind == "call" else "time")
        self.sent = instant(when)
        self.sent_given = canonical(when) if when is not None and self.sent is None else None
        self.text = text("text") if message else text(OTHER_TEXT.get(self.kind))
        self.sealed = self.record = self.opened = None
        self.broken = 0
        if "sealed" in r:
            s = r["sealed"]
            self.sealed = (raw(s["key"]), base64.b64decode(s["nonce"]), base64.b64decode(s["box"]))
            self.opened, self.broken = dump.boxes.get(self.sealed[2], (None, 0))
        self.attachments = [raw(a["sha256"]).lower() if re.fullmatch("[0-9a-fA-F]{64}", a.get("sha256") or "") else
                            raw(a.get("name", "")) + b"\0" + a.get("size", "").encode()
                            for a in r.get("attachments", [])] or None
        if not message:
            self.attachments = self.reply_to = None
            self.record = canonical({k: v for k, v in r.items() if k != "seq"})
        self.hash = self.message_hash() if message else self.record_hash(stream, seq)

    def conversation(self):
        kind, name = self.conv
        return kind + (b"".join(map(part, name)) if kind == b"s" else name)

    def conversation_key(self):
        kind, name = self.conv
        names = b"".join(map(part, name)) if kind == b"s" else part(name)
        return SHA(b"lictor-conversation/1\0" + field(self.service) + kind + names)[:16]

    def message_hash(self):
        sent = self.sent_given if self.sent is None else b"%d" % self.sent
        kind, body = (b"text", self.text) if self.text is not None else \
            (b"sealed", b"".join(map(part, self.sealed))) if self.sealed else (None, None)
        media = b"".join(map(part, self.attachments)) if self.attachments else None
        return SHA(b"lictor-message/1\0" + b"".join(map(field, (
            self.service, self.sender, self.conversation(), self.id, sent, kind, body, self.reply_to, media))))

    def record_hash(self, stream, seq):
        numbered, epoch = stream.dump is None, stream.epoch
        return SHA(b"lictor-record/1\0" + field(self.kind.encode()) + field(self.service)
                   + blob(stream.source) + bytes([stream.stage | numbered << 1 | (epoch is not None) << 2 | (self.lent is not None) << 4])
                   + blob(epoch or b"") + (stream.dump or b"") + u64(seq)
                   + (blob(self.lent) if self.lent is not None else b"") + self.record)


def held_hashes(kind, hash_, service, record, sent, versions):
    """What one document adds to the digest. versions: (stream, seq, origin, times, extra)."""
    head = hash_ if kind == "message" else SHA(b"lictor-what/2\0" + field(service) + field(record) + u64(-2**63 if sent is None else sent))
    for stream, seq, origin, times, extra in versions:
        yield SHA(b"held/2\0" + bytes([KINDS.index(kind)]) + head + origin_hash(stream, origin)
                  + u64(0 if stream.dump else seq + 1) + b"".join(u64(-2**63 if t is None else t) for t in times)
                  + field(extra))


def origin_hash(stream, origin):
    unnamed = len(stream.source) == 21 and stream.source.startswith(b"dump:")
    return SHA(b"lictor-origin/1\0" + field(b"dump:" if unnamed else stream.source) + u64(stream.stage)
               + field(stream.epoch) + b"".join(field(f) for f in origin[2:]) + u64(origin[1]))



def rounds(start):
    mask, x = 0xffffffff, list(start)
    for _ in range(10):
        for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                           (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            for p, q, s, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                x[p] = x[p] + x[q] & mask
                v = x[s] ^ x[p]
                x[s] = (v << bits | v >> 32 - bits) & mask
    return x


def state_of(key, tail):
    return [*struct.unpack("<4I", b"expand 32-byte k"), *struct.unpack("<8I", key), *struct.unpack("<4I", tail)]


def chacha20(key, length, nonce=bytes(8)):
    """Key stream from counter 0."""
    out = b""
    for counter in range((length + 63) // 64):
        start = state_of(key, u64(counter) + nonce)
        out += struct.pack("<16I", *(p + q & 0xffffffff for p, q in zip(rounds(start), start)))
    return out[:length]


def seal(key, nonce, text, additional):
    """XChaCha20-Poly1305-IETF."""
    x = rounds(state_of(key, nonce[:16]))
    stream = chacha20(struct.pack("<8I", *x[:4], *x[12:]), 64 + len(text), nonce[16:])
    box = bytes(p ^ q for p, q in zip(text, stream[64:]))
    pad = lambda b: b + bytes(-len(b) % 16)
    data, total = pad(additional) + pad(box) + u64(len(additional)) + u64(len(box)), 0
    r = int.from_bytes(stream[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
    for i in range(0, len(data), 16):
        total = (total + int.from_bytes(data[i:i + 16] + b"\1", "little")) * r % (2**130 - 5)
    tag = total + int.from_bytes(stream[16:32], "little") & 2**128 - 1
    return box + tag.to_bytes(16, "little")


def digest_sum(hashes):
    total = sum(int.from_bytes(chacha20(h, 256), "little") for h in hashes)
    return (total % 2**2048).to_bytes(256, "little")


def line_hash(line):
    return SHA(b"lictor-quarantine/1\0" + line)


Stream = collections.namedtuple("Stream", "source stage epoch dump")


class Document:
    def __init__(self, content):
        self.content, self.deleted, self.copy_to, self.order = content, False, False, None
        self.located = False
        self.copies = {}  # (stream, seq): {(origin, times, extra): [(dump sha, name, line)]}
        self.flags = set()

    def messages(self):
        if self.content.kind != "message" or self.content.id:
            return 1
        return max(collections.Counter(stream for stream, _ in self.copies).values())


class Dump:
    """Made of items: dict (a record), bytes (a record, as written), (fault, bytes) for quarantine."""

    def __init__(self, name, line, items, end=True, boxes=None):
        self.boxes = boxes or {}  # what comes of sealed boxes whose key is there: (text or None, broken)
        self.name, self.line, self.lines, self.faults = name, line or {}, [], {}
        if line is not None:
            line = {"kind": "dump", "format": "lictor-delivery/1", **line}
            self.lines.append(json.dumps(line).encode())
        begin = len(self.lines)
        for i in items:
            if isinstance(i, tuple):
                self.faults[len(self.lines) + 1] = i[0]
                i = i[1]
            self.lines.append(i if isinstance(i, bytes) else json.dumps(i, ensure_ascii=False).encode())
        if end:
            last = {"last_seq": end} if end is not True else {}
            self.lines.append(json.dumps({"kind": "end", "records": len(self.lines) - begin, **last}).encode())
        self.begin, self.data = begin, b"\n".join(self.lines) + b"\n"


class Model:
    def __init__(self):
        self.documents, self.quarantine, self.by_seq = {}, [], collections.defaultdict(dict)
        self.ends, self.partial, self.selected = {}, set(), set()

    def add(self, dump, sha, partial=False):
        """Takes a dump in; returns its books: records, messages, copies, redelivered, other, quarantined."""
        books = collections.Counter()
        source = raw(dump.line["source"]) if dump.line else b"dump:" + sha.hex()[:16].encode()
        stage = int(dump.line.get("stage", "live") == "live")
        epoch, d = raw(dump.line.get("epoch")), dump.line
        numbered, own = Stream(source, stage, epoch, None), Stream(source, stage, epoch, sha)
        if partial:
            self.partial.add(numbered)
        if "selection" in d:
            self.selected.add(numbered)
        for n, line in enumerate(dump.lines[dump.begin:], dump.begin + 1):
            books["records"] += 1
            if n in dump.faults:
                books["quarantined"] += 1
                self.quarantine.append((sha, dump.name.encode(), n, dump.faults[n].encode(), line))
                continue
            r = parse(line)
            if r["kind"] == "end":
                books["other"] += 1
                self.ends[numbered] = max(self.ends.get(numbered, 0), int(r.get("last_seq", 0)))
                continue
            stream, seq = (numbered, int(r["seq"])) if "seq" in r else (own, n)
            books[self.record(r, dump, stream, seq, (sha, dump.name.encode(), n))] += 1
        return books

    def record(self, r, dump, stream, seq, sighting):
        c = Content(r, dump, stream, seq)
        doc = self.documents.setdefault(c.hash, None) or Document(c)
        before = doc.messages() if doc.copies else 0
        known = (stream, seq) in doc.copies
        self.documents[c.hash] = doc
        both = lambda k: raw(r.get(k, dump.line.get(k)))
        own = lambda k: raw(str(dump.line[k])) if k in dump.line else None
        direction = ["from", "to", "unknown"].index(r["direction"]) + 1 if "direction" in r else 0
        origin = (stream, direction, both("account"), own("authority"), both("warrant"), both("liid"),
                  raw(r.get("cin")), raw(r.get("point")), own("serial"), own("selection"))
        times, extra = (None,) * 3, None
        if c.kind == "message":
            times = tuple(instant(r.get(k)) for k in ("delivered", "read", "collected"))
            rest = {k: v for k, v in r.items() if k not in PLACED and not self.placed(k, v, c)}
            extra = canonical(rest) if rest else None
            doc.deleted |= r.get("deleted", False) is not False
            doc.copy_to |= bool(r.get("to")) and c.conv[0] != b"s"
            doc.located |= r.get("location") is not None
        versions = doc.copies.setdefault((stream, seq), {})
        versions.setdefault((origin, times, extra), []).append(sighting)
        if stream.dump is None:
            self.by_seq[stream, seq][c.hash] = doc
        if known:
            return "redelivered"
        if c.kind != "message":
            return "other"
        return "messages" if doc.messages() > before else "copies"

    @staticmethod
    def placed(key, value, c):
        """Does the value stand elsewhere than in the copy's extra fields?"""
        if key in ("delivered", "read", "collected"):
            return isinstance(value, Number) and instant(value) is not None
        if key == "sent":
            return isinstance(value, Number) or instant(value) is None
        if key == "group":
            return value != ""
        if key == "to":
            return c.conv[0] == b"s"
        return False

    def settle(self):
        """Sets the flags of all documents."""
        for doc in self.documents.values():
            c, f = doc.content, set()
            text = c.text or b""
            f |= {"repeated"} if doc.messages() > 1 else set()
            f |= {"one-sided"} if c.kind == "message" and self.one_sided(doc) else set()
            f |= {"sealed"} if c.sealed and c.opened is None else set()
            f |= {"seal-broken"} if c.broken else set()
            f |= {"untimed"} if c.sent is None or not 0 < c.sent <= 253402300799999 else set()
            f |= {"incomplete"} if c.kind == "message" and c.conv[0] == b"i" else set()
            f |= {"deleted"} if doc.deleted else set()
            f |= {"copy-to"} if doc.copy_to else set()
            f |= {"located"} if doc.located else set()
            edit = c.kind == "event" and b'"what":"edit"' in c.record
            f |= {"hidden"} if c.kind not in ("message", "note") and not edit else set()
            try:
                text.decode()
            except UnicodeDecodeError:
                f |= {"damaged-text"}
            doc.flags = f
        claims = list(self.by_seq.values())
        same = collections.defaultdict(dict)
        for h, doc in self.documents.items():
            if doc.content.id:
                same[doc.content.conversation_key(), doc.content.sender, doc.content.id][h] = doc
        for group in claims + list(same.values()):
            docs = list(group.values())
            for a in docs:
                a.flags |= {"related"} if len(docs) > 1 else set()
                a.flags |= {"conflict"} if any(b is not a and contradict(a, b) for b in docs) else set()

    @staticmethod
    def one_sided(doc):
        seen, at = collections.defaultdict(set), collections.Counter()
        for (stream, seq), versions in sorted(doc.copies.items(), key=lambda i: i[0][1]):
            k = 0 if doc.content.id else at[stream]
            at[stream] += 1
            sides = {side(doc.content, stream, v[0][2]) for v in versions}
            seen[k].add(min(sides, key=("from", "to", "server", "unknown").index))
        return any(s in ({"from"}, {"to"}) for s in seen.values())

    def hashes(self):
        for doc in self.documents.values():
            c = doc.content
            yield from held_hashes(c.kind, c.hash, c.service, c.record, c.sent,
                                   [(*where, *v) for where, vs in doc.copies.items() for v in vs])
        for line in self.quarantine:
            yield line_hash(line[-1])


def side(c, stream, account):
    if account is not None:
        if account == c.sender:
            return "from"
        if c.conv[0] == b"g" or account in (c.to or ()) or c.conv[0] == b"s" and account in c.conv[1]:
            return "to"
    return "server" if stream.source.startswith(b"server:") else "unknown"


def contradict(a, b):
    a, b = sorted((a, b), key=lambda d: d.content.sealed is None)  # a sealed one first
    differ = a.content.conv != b.content.conv or a.content.sent != b.content.sent
    for x in (a, b):
        if x.deleted and x.content.text is None and not x.content.sealed:
            return differ
    if a.content.sealed and not b.content.sealed and b.content.text is not None:
        return differ or a.content.opened not in (None, b.content.text)
    return True
