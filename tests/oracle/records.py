"""records: what a set of dumps means, as the delivery's document says, by brute force in memory.

read_dumps(paths) -> Delivery with .docs, a list of Doc: every message by itself (the k-th "ok" of a content
is a Doc of its own) and every other record that can be found. Dumps may be plain or in zstd, also cut."""
import base64, calendar, collections, datetime, hashlib, json, re, subprocess, zoneinfo

from words import split_seen

YEAR_10000 = 253402300800000
KINDS = {"message", "event", "contact", "note", "location", "call", "keepalive", "end", "dump"}
STRINGS = ("from", "group", "group_name", "id", "text", "reply_to", "account", "warrant", "liid", "cin", "direction", "point",
           "service", "what", "by", "of", "value", "owner", "handle", "nickname", "source", "stage", "epoch", "authority",
           "serial", "zone", "selection", "format")


class Doc:
    __slots__ = ("key", "kind", "edit", "sender", "to", "group", "conversation", "service", "sent", "text", "sealed",
                 "attachments", "reply", "service_id", "of", "copies", "flags", "place", "tokens", "seen", "repeat", "who", "contact")

    def __repr__(self):
        return f"{self.kind} {self.sender!r} {self.sent} {self.text!r}"


# A copy: where it stands and the side it was captured on.
Copy = collections.namedtuple("Copy", "source stage epoch seq dump sha256 side service account")


def place_of(c):
    """Source order: the source, stored before live, the epoch, the number."""
    return raw_bytes(c.source), c.stage != "stored", raw_bytes(c.epoch or ""), c.seq


def raw_bytes(s):
    """The bytes a string came from: those that were no UTF-8 stand as U+DC80..DCFF."""
    if s.isascii():
        return s.encode()
    return b"".join(bytes([ord(c) - 0xDC00]) if "\udc80" <= c <= "\udcff" else c.encode("utf-8", "surrogatepass") for c in s)


def depth(v):
    """Nesting, without recursion that a hostile line could exhaust."""
    most, todo = 0, [(v, 1)]
    while todo:
        x, d = todo.pop()
        if isinstance(x, (dict, list)):
            most = max(most, d)
            todo += [(y, d + 1) for y in (x.values() if isinstance(x, dict) else x)]
    return most


def pairs(items):
    return Pairs(items)


class Pairs(dict):
    def __init__(self, items):
        super().__init__(items)
        self.twice = len(self) != len(items)


def read_line(raw):
    """A record, or None for what belongs in quarantine."""
    if len(raw) > 1 << 20 or raw.count(b"[") + raw.count(b"{") > 1000 and b"[" * 33 in raw:
        return None
    try:
        r = json.loads(raw.decode("utf-8", "surrogateescape"), object_pairs_hook=pairs, parse_float=lambda s: Number(s), parse_constant=bad)
    except (ValueError, RecursionError):
        return None
    if not isinstance(r, Pairs) or r.twice or r.get("kind") not in KINDS or depth(r) > 32:
        return None
    text = lambda v: isinstance(v, str)
    if any(k in r and not text(r[k]) for k in STRINGS) or "text" in r and "sealed" in r:
        return None
    if any(k in r and not (isinstance(r[k], list) and all(map(text, r[k]))) for k in ("to", "who")):
        return None
    if "seq" in r and (not isinstance(r["seq"], int) or isinstance(r["seq"], bool) or not 0 <= r["seq"] < 1 << 63):
        return None
    return r


class Number(float):
    """Keeps its spelling."""
    def __new__(cls, s):
        x = super().__new__(cls, s)
        x.spelled = s
        return x


def record_key(body):
    """What a record that is no message is known by: its members, damage made one sign a stretch."""
    return re.sub(r"(\\ud[89a-f]..|\\ufffd)+", "?", json.dumps(body, sort_keys=True, default=lambda x: x.spelled))


def bad(s):
    raise ValueError(s)


RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)?")


def instant(t, zone):
    """Milliseconds, or None for an untimed record."""
    if isinstance(t, bool) or not isinstance(t, (int, str)):
        return None
    if isinstance(t, str):
        m = RFC3339.fullmatch(t)
        if not m:
            return None
        try:
            leap = m[6] == "60"
            d = datetime.datetime(*map(int, m.groups()[:5]), 59 if leap else int(m[6]))
            if m[8] in ("Z", "z"):
                off = 0
            elif m[8] or re.fullmatch(r"[+-]\d\d:\d\d", zone or ""):
                z = m[8] or zone
                off = (int(z[1:3]) * 60 + int(z[4:])) * (-60 if z[0] == "-" else 60)
            elif zone:
                off = d.replace(tzinfo=zoneinfo.ZoneInfo(zone)).utcoffset().total_seconds()
            else:
                return None
            t = (calendar.timegm(d.timetuple()) - int(off)) * 1000 + (999 if leap else int(((m[7] or "") + "000")[:3]))
        except (ValueError, zoneinfo.ZoneInfoNotFoundError):
            return None
    return t if 0 < t < YEAR_10000 else None


def part(b):
    return len(b).to_bytes(8, "little") + b


def field(b):
    return b"\xff" * 8 if b is None else part(b)


def identity(a):
    h = a.get("sha256") or ""
    if re.fullmatch("[0-9a-fA-F]{64}", h):
        return h.lower().encode()
    size = a.get("size", "")
    return raw_bytes(a.get("name", "")) + b"\0" + str(getattr(size, "spelled", size)).encode()


def conversation_of(sender, to, group, source):
    """The name of a conversation: kind byte and its parts."""
    if sender is None or not (to or group):
        return ("i", source)
    return ("g", group) if group else ("s", *sorted({sender, *to}, key=raw_bytes))


def conversation_key(service, conv):
    name = conv[0].encode() + b"".join(part(raw_bytes(h)) for h in conv[1:])
    return hashlib.sha256(b"lictor-conversation/1\0" + field(raw_bytes(service) if service is not None else None) + name).hexdigest()[:32]


def content_hash(r, service, conv, sent):
    name = conv[0].encode() + (b"".join(part(raw_bytes(h)) for h in conv[1:]) if conv[0] == "s" else raw_bytes(conv[1]))
    given = r.get("sent")
    when = str(sent).encode() if sent is not None else None
    if sent is None and given is not None:
        when = str(given).encode() if isinstance(given, int) and not isinstance(given, bool) else \
            given.spelled.encode() if isinstance(given, Number) else b'"' + raw_bytes(given) + b'"' if isinstance(given, str) else json.dumps(given).encode()
    kind = body = None
    if "text" in r:
        kind, body = b"text", raw_bytes(r["text"])
    elif "sealed" in r:
        b64 = lambda k: base64.b64decode(r["sealed"][k])
        kind, body = b"sealed", part(raw_bytes(r["sealed"]["key"])) + part(b64("nonce")) + part(b64("box"))
    media = [part(identity(a)) for a in r.get("attachments", [])]
    opt = lambda s: None if s is None else raw_bytes(s)
    fields = [opt(service), opt(r.get("from")), name, opt(r.get("id")), when, kind, body, opt(r.get("reply_to")), b"".join(media) if media else None]
    return hashlib.sha256(b"lictor-message/1\0" + b"".join(map(field, fields))).digest()


def lines_of(path):
    raw = path.read_bytes()
    if raw[:4] == b"\x28\xb5\x2f\xfd":
        raw = subprocess.run(["zstd", "-dcq"], input=raw, capture_output=True).stdout
    whole = raw.split(b"\n")
    last = whole.pop()
    return whole + ([last] if last and whole and read_line(whole[0]) and read_line(last) else [])


class Delivery:
    def __init__(self):
        self.contents = collections.defaultdict(lambda: collections.defaultdict(dict))  # C -> stream -> seq -> (record, Copy)
        self.facts, self.others, self.seqs = {}, {}, collections.defaultdict(set)
        self.seen = set()
        self.nicks = set()  # (service, handle, nickname)

    def add(self, path):
        sha = hashlib.sha256(path.read_bytes()).hexdigest()
        if sha in self.seen:
            return
        self.seen.add(sha)
        head, lines = {}, lines_of(path)
        for n, raw in enumerate(lines, 1):
            r = read_line(raw)
            if r is None:
                continue
            if r["kind"] == "dump":
                if n > 1:
                    return
                head = r
                continue
            if r["kind"] == "end":
                return
            self.record(r, head, n, path.name, sha)

    def record(self, r, head, line, name, sha):
        source, stage = head.get("source") or "dump:" + sha[:16], head.get("stage", "live")
        stream = (source, stage, head.get("epoch")) if "seq" in r else (source, stage, head.get("epoch"), sha)
        seq = r.get("seq", line)
        service = r.get("service", head.get("service"))
        account = r.get("account", head.get("account"))
        if r["kind"] != "message":
            return self.other(r, head, stream, seq, service, name, sha)
        sender, to, group = r.get("from"), r.get("to") or [], r.get("group") or None
        conv = conversation_of(sender, to, group, source)
        sent = instant(r.get("sent"), head.get("zone"))
        c = content_hash(r, service, conv, sent)
        side = "server" if source.startswith("server:") else "unknown"
        if account is not None and side == "unknown":
            side = "from" if account == sender else "to" if account in to or conv[0] == "g" else side
        self.facts.setdefault(c, (conv, sent, service))
        copy = Copy(source, stage, head.get("epoch"), seq, name, sha, side, service, account)
        self.contents[c][stream].setdefault(seq, []).append((r, copy))
        self.seqs[stream, seq].add(c)

    def other(self, r, head, stream, seq, service, name, sha):
        body = {k: v for k, v in r.items() if k != "seq"}
        key = record_key(body)
        self.others.setdefault((stream, seq, service, key), (body, head, []))[2].append((name, sha))
        self.seqs[stream, seq].add((stream, seq, service, key))
        if r["kind"] == "contact" and "nickname" in r:
            self.nicks.add((service, r.get("handle"), r["nickname"]))

    # ---- the documents -----------------------------------------------------------------------------

    def docs(self):
        out = []
        for c, streams in self.contents.items():
            first = next(iter(next(iter(streams.values())).values()))[0][0]
            if first.get("id"):
                rows = [[x for s in streams.values() for x in s.values()]]
            else:
                ranked = [[v[q] for q in sorted(v)] for v in streams.values()]
                rows = [[v[k] for v in ranked if k < len(v)] for k in range(max(map(len, ranked)))]
            for k, copies in enumerate(rows):
                out.append(self.message(c, k, copies, len(rows)))
        out += [self.record_doc(key, *v) for key, v in self.others.items()]
        self.conflicts(out)
        return out

    def message(self, c, k, copies, n):
        versions = [v for places in copies for v in places]
        r = versions[0][0]
        conv, sent, service = self.facts[c]
        d = Doc()
        d.key = (c if k == 0 else hashlib.sha256(c + (k + 1).to_bytes(4, "little")).digest())[:16].hex()
        d.kind, d.edit, d.of, d.who, d.contact = "message", False, None, (), None
        d.sender, d.group = r.get("from"), conv[1] if conv[0] == "g" else None
        d.to = {h for v, _ in versions for h in v.get("to") or []}
        if conv[0] == "s":
            # The set is the conversation; a sender among its own recipients is no recipient beside others.
            d.to = set(conv[1:]) - {d.sender} or {d.sender}
        d.conversation, d.service, d.sent = conversation_key(service, conv), service, sent
        d.text, d.sealed = r.get("text"), r.get("sealed")
        d.attachments, d.reply, d.service_id = r.get("attachments") or [], r.get("reply_to"), r.get("id") or None
        d.copies = [x for places in copies for x in [sorted(places, key=lambda v: v[1].dump)[0][1]]]
        d.copies = [c_._replace(dump=frozenset((v[1].dump, v[1].sha256) for v in places)) for c_, places in zip(d.copies, copies)]
        sides = {s for places in copies for s in [best_side(v[1].side for v in places)]}
        d.flags = set()
        if sides in ({"from"}, {"to"}):
            d.flags.add("one-sided")
        if n > 1:
            d.flags.add("repeated")
        if conv[0] == "i":
            d.flags.add("incomplete")
        if d.sealed is not None:
            d.flags.add("sealed")
        if sent is None:
            d.flags.add("untimed")
        if any(v.get("deleted") for v, _ in versions):
            d.flags.add("deleted")
        d.place = (c, min(map(place_of, d.copies)), k)
        self.read_words(d)
        if any(v.get("location") is not None for v, _ in versions):
            d.seen = d.seen | {"coordinates"}
        d.repeat = k
        return d

    def read_words(self, d):
        d.tokens, d.seen = split_seen(d.text) if d.text is not None else ([], set())

    def record_doc(self, where, body, head, dumps):
        stream, seq, service, key = where
        d = Doc()
        d.key, d.kind = key, body["kind"]
        d.edit = d.kind == "event" and body.get("what") == "edit"
        d.sender = {"note": body.get("owner"), "contact": body.get("owner"), "event": body.get("by"), "call": body.get("from"),
                    "location": body.get("account", head.get("account"))}.get(d.kind)
        d.to, d.group = set(body.get("to") or []), body.get("group") or None
        d.who = tuple(body.get("who") or ()) if d.kind == "event" else ()
        d.contact = body.get("handle") if d.kind == "contact" else None
        when = body.get("started" if d.kind == "call" else "time")
        d.sent = instant(when, head.get("zone"))
        conv = ("g", d.group) if d.group else conversation_of(d.sender, d.to, None, stream[0])
        d.conversation, d.service = conversation_key(service, conv), service
        d.text = body.get({"note": "text", "event": "value", "contact": "nickname"}.get(d.kind, ""))
        d.sealed, d.attachments, d.reply, d.service_id, d.of = None, [], None, None, body.get("of")
        d.copies = [Copy(stream[0], stream[1], stream[2], seq, frozenset(dumps), "", "", service, head.get("account"))]
        d.flags = {"untimed"} if d.sent is None else set()
        d.place = (where, place_of(d.copies[0]), 0)
        self.read_words(d)
        d.repeat = 0
        return d

    def conflicts(self, docs):
        """same-id and same-seq, both flagged but for a sealed and a plain body and for a deleted one without body."""
        by_id, by_content = collections.defaultdict(set), collections.defaultdict(list)
        for d in docs:
            by_content[d.place[0]].append(d)
            if d.service_id:
                by_id[d.conversation, d.sender, d.service_id].add(d.place[0])
        excused = lambda a, b: ((a.sealed is None) != (b.sealed is None) and (a.text is None) != (b.text is None) or
                                any(x.kind == "message" and "deleted" in x.flags and x.text is None and x.sealed is None for x in (a, b)))
        for group in [*by_id.values(), *self.seqs.values()]:
            for a in group:
                for b in group:
                    if a != b:
                        x, y = by_content[a], by_content[b]
                        if not excused(x[0], y[0]):
                            for d in x + y:
                                d.flags.add("conflict")


def best_side(sides):
    sides = set(sides)
    return next(s for s in ("from", "to", "server", "unknown") if s in sides)


def read_dumps(paths):
    d = Delivery()
    for p in paths:
        d.add(p)
    return d
