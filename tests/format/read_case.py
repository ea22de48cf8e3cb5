#!/usr/bin/python3
"""Proves docs/FORMAT.md: makes small deliveries, lets lictor-ingest build an unencrypted case of them, reads
the case with case_reader (written from the document alone) and compares every field with case_model, before
and after `compact`. Last line: "N passed, N failed"; exit 1 on failure."""
import base64, collections, hashlib, json, os, pathlib, random, re, shutil, subprocess, sys, tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import case_model
import case_reader
from case_bytes import Damage
from case_model import Dump, Model, raw

QUERY = str(pathlib.Path(os.environ.get("LICTOR_BIN", ".")).resolve() / "lictor-query")
INGEST = str(pathlib.Path(os.environ.get("LICTOR_BIN", ".")).resolve() / "lictor-ingest")
T = 1586000000000
TOO_LATE = 253402300799999  # the last millisecond of year 9999
passed = failed = 0


def check(ok, what, detail=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print("FAILED", what, "--", str(detail)[:600], flush=True)


def equal(found, expected, what):
    if isinstance(found, (dict, set)) and type(found) is type(expected) and found != expected:
        keys = [k for k in sorted({*found, *expected}, key=repr)
                if isinstance(found, set) and (k in found) != (k in expected)
                or isinstance(found, dict) and found.get(k) != expected.get(k)]
        pick = lambda x: [x.get(k) if isinstance(x, dict) else k in x for k in keys[:3]]
        check(False, what, f"{len(keys)} differ: {keys[:3]}: found {pick(found)}, expected {pick(expected)}")
    else:
        check(found == expected, what, f"found {found!r}, expected {expected!r}")


def ingest(*args, codes=(0,)):
    r = subprocess.run([INGEST, *map(str, args)], capture_output=True, timeout=60)
    check(r.returncode in codes, f"lictor-ingest {args[0]}", f"{r.returncode} {r.stdout + r.stderr}")
    return r.stdout


# ---- deliveries -----------------------------------------------------------------------------------


def message(seq, sender, to, text=None, sent=T, /, **more):
    r = {"kind": "message", "seq": seq, "from": sender}
    r |= {"group": to} if isinstance(to, str) else {"to": to}
    r |= {"text": text} if text is not None else {}
    return {k: v for k, v in (r | {"sent": sent} | more).items() if v is not None}


def sealed(tag):
    b = lambda data: base64.b64encode(data).decode()
    return {"key": "key-1", "nonce": b(bytes(range(24))), "box": b(hashlib.sha256(tag).digest())}


ANN = {"source": "imei:350000000000017", "stage": "stored", "account": "ann", "service": "skyecc",
       "authority": "FR-1", "serial": 7, "collected_from": 1585000000000, "collected_to": 1587000000000, "warrant": "w-1", "liid": "l-1"}
LONG = "handle-" + "x" * 300


def of_ann():
    shared = [message(1, "ann", ["bob"], "the harbour at nine the van is blue", T + 1000),
              message(2, "bob", ["ann"], "Nine is late", T + 2000, id="s-1", delivered=T + 2100, read=T + 2900),
              message(3, "ann", ["bob"], "ok", T + 3000), message(4, "ann", ["bob"], "ok", T + 3000)]
    return Dump("ann.ndjson", ANN, shared + [
        message(5, "ann", "g-1", "all of you", T + 4000, group_name="crew", burn=60),
        message(6, "carl", "g-1", "港のバン at the 港 \U0001f44d\U0001f3fd", T + 4500, to=["ann", "bob"]),
        message(7, "ann", ["bob", "carl"], None, T + 5123,
                attachments=[{"name": "a.jpg", "size": 77, "mime": "image/jpeg"},
                             {"sha256": "AB" * 32, "type": "photo", "caption": "the quay"}], reply_to="s-1"),
        message(8, "ann", [LONG], "very long handle", T + 6000, location={"lat": 1.5, "lon": 2}),
        message(9, "ann", ["bob"], "no time at all", None),
        message(40, "ann", ["bob"], "to NL91 ABNA 0417 1643 00 by 52.3702, 4.8952", T + 8000),
        message(10, "ann", ["bob"], "yesterday it was", "yesterday"),
        message(11, "ann", ["bob"], "before the epoch", -5),
        message(12, "ann", ["bob"], "with an offset", "2020-04-04T13:33:20.250+02:00",
                delivered="2020-04-04T11:33:21Z"),
        {"kind": "message", "seq": 13, "to": ["ann"], "text": "nobody sent this", "sent": T + 7000},
        message(14, "ann", [], "nobody gets this", T + 7500),
        b'{ "seq":15, "kind":"message","from":"ann","to":["bob","bob"],"sent":1586000008000,'
        b'"text":"bro\\u006ben \xff\xfe text","zz":{"b":7,"b":1.50,'
        b'"a":[1e3,-0,true,null," \\u0001\\/\\t\\"\\u007f\\b\\f\\n\\r\\u001F\\\\"]}}',
        b'{"seq":16,"kind":"message","from":"ann","to":["bob"],"sent":1586000008001,"text":"lone \\ud800 half"}',
        message(17, "ann", ["bob"], None, T + 9000, sealed=sealed(b"17")),
        message(18, "ann", ["bob"], None, T + 9500, deleted=True, id="s-5"),
        message(19, "ann", ["ann"], "", T + 9600, deleted=False, id=""),
        message(20, "ann", ["bob"], "elsewhere", T + 9700, account="eve", service="other", direction="unknown",
                cin="c-1", point="p-1", warrant="w-2"),
        {"kind": "note", "seq": 21, "owner": "ann", "time": T, "text": "a note of the harbour"},
        {"kind": "contact", "seq": 22, "owner": "ann", "handle": "bob", "nickname": "Bobby Blue"},
        {"kind": "event", "seq": 23, "what": "edit", "by": "bob", "to": ["ann"], "of": "s-1", "time": T + 2500,
         "value": "Nine is fine"},
        {"kind": "event", "seq": 24, "what": "add", "by": "ann", "group": "g-1", "who": ["dora", "bob"]},
        {"kind": "event", "seq": 33, "what": "wipe", "group": "g-1"}, {"kind": "event", "seq": 34, "what": "other"},
        {"kind": "location", "seq": 25, "time": T, "lat": 51.95, "lon": 4.14, "accuracy_m": 12},
        {"kind": "call", "seq": 26, "from": "ann", "to": ["bob"], "started": T + 11000, "ended": T + 12000},
        {"kind": "keepalive", "seq": 27, "time": T + 13000, "interval_s": 60},
        {"kind": "note", "owner": "ann", "text": "without a number", "time": "never"},
        message(None, "ann", ["bob"], "without a number too", T + 14000),
        message(29, "ann", "", "an empty group", T + 14500, to=["bob"]),
        message(30, "ann", ["bob"], "at the epoch", 0), message(31, "ann", ["bob"], "year 10000", TOO_LATE + 1),
        message(32, "ann", ["bob"], "year 9999", TOO_LATE),
    ], end=40)


def of_bob():
    return Dump("dir/bob.zst", {**ANN, "source": "imei:2", "account": "bob", "serial": "b/e", "epoch": "e2"}, [
        message(100, "ann", ["bob"], "the harbour at nine the van is blue", T + 1000, read=T + 1700),
        message(101, "bob", ["ann"], "Nine is late", T + 2000, id="s-1"),
        message(104, "ann", ["bob"], "ok", T + 3000), message(105, "ann", ["bob"], "ok", T + 3000),
        message(106, "ann", ["bob"], "ok", T + 3000),
        message(107, "bob", ["ann"], "Nine is late, says another", T + 2000, id="s-1"),
        message(108, "ann", ["bob"], "what was deleted", T + 9500, id="s-5"),
        message(109, "ann", ["bob"], "opened elsewhere", T + 9000, id="s-6"),
        message(110, "ann", ["bob"], None, T + 9000, id="s-6", sealed=sealed(b"110")),
        message(107, "bob", ["ann"], "Nine is late, says another", T + 2000, id="s-1", extra={"n": 1}),
        message(2, "ann", "g-1", "all of you", T + 4000, group_name="other name")])


def of_nobody():
    return Dump("no dump line.ndjson", None, [
        {k: v for k, v in message(0, "ann", ["bob"], "the harbour at nine the van is blue", T + 1000,
                                  service="skyecc").items() if k != "seq"},
        message(3, "zoe", ["ann"], "see http://example.org/a_b and me@example.org", T + 20000),
        message(0, "zoe", ["ann"], "seq zero", T + 20001)], end=False)


def of_server(stage, many, seed, source="server:1"):
    """Many messages: long postings, many blocks of seqs, minutes and documents."""
    r, items, names = random.Random(seed), [], [f"h{i:03}" for i in range(40)]
    words = [f"w{r.randrange(36 ** 4):x}" for _ in range(800)]
    seq = 10
    for i in range(many):
        seq += 1 if r.random() < .9 else r.randrange(1, 2000)
        a, b = r.sample(names, 2)
        text = " ".join(["every"] * r.choice((1, 1, 1, 2)) + r.choices(words, k=r.randrange(1, 9))
                        + ["rare"] * (i % 5 == 0) + ["half"] * (i % 2))
        items.append(message(seq, a, [b] if r.random() < .8 else f"g{r.randrange(3)}", text,
                             T + 1000 * r.randrange(40000000) if r.random() < .97 else None,
                             collected=T + r.randrange(10 ** 9)))
    return Dump(f"server-{stage}-{seed}.ndjson", {"source": source, "stage": stage, "epoch": "1",
                                                 "selection": "order 7"}, items)


def of_phone():
    """A device's stream: it counts, and walks more conversations at once than a block remembers."""
    r, items, friend = random.Random(5), [], 0
    for i in range(1, 1300):
        friend = r.randrange(20) if r.random() < .2 else friend
        items.append(message(i, "phone", [f"friend {friend}"], f"number {i}", T + 60000 * i if i % 97 else None))
    return Dump("phone.ndjson", {"source": "imei:5", "stage": "stored", "account": "phone"}, items)


def of_ann_again():
    """Delivered again, with news: other copies of messages known, a clash, further versions."""
    return Dump("ann2.ndjson", {**ANN, "serial": 8}, [
        message(1, "ann", ["bob"], "the harbour at nine the van is blue", T + 1000),
        message(2, "bob", ["ann"], "Nine is late", T + 2000, id="s-1", delivered=T + 2100, read=T + 3333),
        message(3, "ann", ["bob"], "clashes with ok", T + 3000),
        message(41, "ann", ["bob"], "ok", T + 3000), message(42, "ann", ["bob"], "ok", T + 3000),
        message(5, "ann", "g-1", "all of you", T + 4000, group_name="crew", burn=60, deleted=T + 9),
        {"kind": "note", "seq": 21, "owner": "ann", "time": T, "text": "a note of the harbour"},
        {"kind": "note", "seq": 22, "owner": "ann", "time": T, "text": "a note at a place taken"}])


BODY_KEY = bytes(range(32))


def of_sealed():
    """Boxes whose key is there: one opens, one is broken; of the plain twins one says something else."""
    b = lambda data: base64.b64encode(data).decode()
    nonce, text = bytes(range(50, 74)), "The harbour gate is open".encode()
    box = case_model.seal(BODY_KEY, nonce, text, b"ann\0%d" % (T + 77))
    bad = box[:-1] + bytes([box[-1] ^ 1])
    body = lambda box: {"key": "key-2", "nonce": b(nonce), "box": b(box)}
    return Dump("sealed.ndjson", {"source": "imei:8", "stage": "live"}, [
        message(1, "ann", ["bob"], None, T + 77, id="x-1", sealed=body(box)),
        message(2, "ann", ["bob"], None, T + 77, sealed=body(bad)),
        message(3, "ann", ["bob"], text.decode(), T + 77, id="x-1"),
        message(3, "ann", ["carl"], None, T + 78, sealed=sealed(b"3"))], boxes={box: (text, 0), bad: (None, 1)})


def of_faults():
    two = b'{"kind":"message","seq":9,"from":"a","to":["b"],"text":"x","sealed":' + \
        json.dumps(sealed(b"x")).encode() + b"}"
    return Dump("faults.ndjson", {"source": "imei:3", "stage": "live"}, [
        ("not-json", b"\x00\xff no json"), ("empty-line", b""), ("unknown-kind", b'{"kind":"parcel"}'),
        message(1, "x", ["y"], "good among the bad", T), ("no-kind", b"{}"), ("two-bodies", two),
        ("name-twice", b'{"kind":"note","kind":"note"}'),
        ("wrong-type", b'{"kind":"message","seq":"1","from":"a"}'),
        ("too-long", b'{"kind":"note","text":"' + b"y" * 1060000 + b'"}'),
        ("nesting", b'{"kind":"note","z":' + b"[" * 40 + b"]" * 40 + b"}")])


def confinement():
    """What the programs say they reach here: b"seccomp landlock/7"."""
    said = subprocess.run([INGEST, "--version", "--verbose"], capture_output=True, timeout=60).stdout
    return re.search(rb"confinement: (.*)", said)[1]


class Deliveries:
    """Writes dumps, adds them to the case and to the model, keeps what the ledger must say."""

    def __init__(self, folder):
        self.folder, self.case, self.model, self.entries = folder, folder / "case", Model(), []
        ingest("init", self.case, "--no-encryption")

    def write(self, dump, cut=0):
        path = self.folder / dump.name
        path.parent.mkdir(exist_ok=True)
        data = dump.data[:len(dump.data) - cut]
        if dump.name.endswith(".zst"):
            data = subprocess.run(["zstd", "-q"], input=data, capture_output=True, check=True).stdout
        path.write_bytes(data)
        return path, hashlib.sha256(data).digest(), len(data)

    def add(self, *dumps, partial=False, options=()):
        """Dumps are partial if they have no last line."""
        names, entry = [], {}
        for dump in dumps:
            path, sha, size = self.write(dump)
            dump.name = str(path)
            names.append(path)
            books = self.model.add(dump, sha, partial)
            entry[str(path).encode()] = (sha, size, int(partial), books, dump)
        self.entries.append(entry)
        ingest("add", self.case, "-j", 2, *options, *names, codes=(0, 1))

    def refuse(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        self.entries.append({str(path).encode(): (hashlib.sha256(data).digest(), len(data), 2,
                                                  collections.Counter(), None)})
        ingest("add", self.case, path, codes=(1,))


# ---- comparing ------------------------------------------------------------------------------------


def hash_of(document):
    """The record hash of a document read; of messages by "Message ids"."""
    c, b = document.conversation, document.body
    if b.kind != "message":
        return b.hash
    kind, part, field = c.kind, case_model.part, case_model.field
    conversation = kind + (b"".join(map(part, c.handles)) if kind == b"s" else c.name)
    name, body = (b"text", b.text) if b.text is not None else \
        (b"sealed", b"".join(map(part, b.sealed))) if b.sealed else (None, None)
    sent = b.sent_given if b.sent is None else b"%d" % b.sent
    media = b"".join(map(part, b.attachments)) if b.attachments else None
    return case_model.SHA(b"lictor-message/1\0" + b"".join(map(field, (
        c.service, b.sender, conversation, b.id, sent, name, body, b.reply_to, media))))


def stream_of(s):
    return case_model.Stream(*s)


def versions_of(document):
    return {(stream_of(c.stream), c.seq): {
        ((stream_of(v.origin.stream), *v.origin[1:]), (v.delivered, v.read, v.collected), v.extra): v.sightings
        for v in c.versions} for c in document.copies}


def flags_of(state):
    return {name for bit, name in enumerate(case_reader.FLAGS) if state.flags >> bit & 1}


class Comparison:
    def __init__(self, deliveries, when):
        self.when, self.model, self.entries = when, deliveries.model, deliveries.entries
        self.model.settle()
        self.case = case_reader.Case(deliveries.case)
        self.read = {hash_of(d): d for d in self.case.documents()}
        self.expected = self.model.documents

    def equal(self, found, expected, what):
        equal(found, expected, f"{self.when}: {what}")

    def run(self):
        for test in (self.documents, self.bodies, self.copies, self.states, self.terms, self.columns,
                     self.streams, self.order, self.totals, self.minutes, self.custody, self.digest):
            try:
                test()
            except (KeyError, ValueError, AssertionError, TypeError, IndexError) as e:
                check(False, f"{self.when}: {test.__name__}", repr(e))

    def documents(self):
        self.equal(sum(s.base.documents for s in self.case.sets), len(self.read), "a document once")
        self.equal(set(self.read), set(self.expected), "documents")
        for h, d in self.read.items():
            c = self.expected[h].content
            self.equal((d.conversation.key, d.conversation.service, d.conversation.kind),
                       (c.conversation_key(), c.service, c.conv[0]), "conversation")
            self.equal(tuple(d.conversation.handles or ()) or d.conversation.name, c.conv[1], "conversation's name")

    def bodies(self):
        for h, d in self.read.items():
            b, c, other = d.body, self.expected[h].content, d.body.kind != "message"
            self.equal((b.kind, b.sender, b.sent, b.text, b.id, b.reply_to, b.attachments, b.to, b.sealed,
                        b.sent_given, b.record, b.opened, b.broken),
                       (c.kind, c.sender, c.sent, c.text, c.id, c.reply_to, c.attachments, c.to, c.sealed,
                        c.sent_given, c.record, c.opened, c.broken), "body")
            self.equal(b.damaged, int("damaged-text" in self.expected[h].flags), "damaged text")
            self.equal(b.searched, int(other and c.kind in ("event", "note") and c.text is not None), "body is text")
            self.equal(d.sent, c.sent if c.sent is not None and 0 < c.sent <= TOO_LATE else None, "sent column")

    def copies(self):
        for h, d in self.read.items():
            found, expected = versions_of(d), self.expected[h].copies
            as_sets = lambda copies: {w: {v: set(s) for v, s in vs.items()} for w, vs in copies.items()}
            sightings = {w: {v: [(*dump, line) for dump, line in s] for v, s in vs.items()}
                         for w, vs in found.items()}
            self.equal(as_sets(sightings), as_sets(expected), "copies")
            self.equal([len(s) for vs in sightings.values() for s in vs.values()],
                       [len(set(s)) for vs in sightings.values() for s in vs.values()], "a sighting once")

    def states(self):
        for h, d in self.read.items():
            e = self.expected[h]
            self.equal((d.state.messages, d.state.copies), (e.messages(), len(e.copies)), "messages, copies")
            self.equal(flags_of(d.state), e.flags, f"flags of {e.content.text or e.content.record}")

    def terms(self):
        """Each document's terms, turned back from the lexicon, against those made of its record."""
        found = collections.defaultdict(dict)
        for base, _ in self.case.sets:
            by_number = [hash_of(d) for d in self.case.documents() if d.base is base]
            for term, posting in base.lexicon.items():
                for i, document in enumerate(posting.documents):
                    found[by_number[document]][term] = posting.positions and posting.positions[i]
        for h, e in self.expected.items():
            mine, words = found[h], words_of(e.content)
            seen = {t for t in mine if t[:1] != b"w" and t not in (b"hlink", b"hemail", b"hemoji", b"hphone", b"hiban", b"hcrypto")}
            if e.content.text and b"52.3702" in e.content.text:
                seen -= {b"hcoordinates"}
            self.equal(seen, fields_of(e), f"terms of {e.content.text or e.content.record}")
            self.equal([mine[t] for t in seen if mine[t] is not None], [], "fields have no positions")
            place = {t: p for t, p in mine.items() if t[:1] == b"w"}
            if words is not None:
                self.equal(place, words, "words and positions")
            else:
                plain = {b"w" + w.lower() for w in re.findall(rb"(?<!\S)[A-Za-z]+(?!\S)", e.content.text)}
                self.equal(plain - set(place), set(), "plain words of other texts")
        picked = lambda text: found[next(h for h, e in self.expected.items() if e.content.text == text.encode())]
        self.equal({t for t in picked("see http://example.org/a_b and me@example.org") if t[:1] == b"h"},
                   {b"hlink", b"hemail"}, "what a text has")
        values = picked("to NL91 ABNA 0417 1643 00 by 52.3702, 4.8952")
        self.equal({t for t in values if t[:1] == b"h"}, {b"hiban", b"hcoordinates"}, "an account and a place")
        self.equal(values[b"wnl91abna0417164300"], [1], "an account in groups stands where it begins")
        emoji = picked("港のバン at the 港 \U0001f44d\U0001f3fd")
        thumb = emoji["w\U0001f44d\U0001f3fd".encode()]
        self.equal((b"hemoji" in emoji, emoji["w\U0001f44d".encode()], len(thumb)), (True, thumb, 1), "emoji")

    def columns(self):
        for base, _ in self.case.sets:
            documents = [d for d in self.case.documents() if d.base is base]
            keys = sorted((int.from_bytes(hash_of(d)[:8], "big"), d.number) for d in documents)
            self.equal(base.keys, keys, "keys")
            self.equal([d.number for d in documents], list(range(len(documents))), "numbers")

    def streams(self):
        found, infos = collections.defaultdict(set), collections.defaultdict(list)
        for base, overlays in self.case.sets:
            names = [hash_of(d) for d in self.case.documents() if d.base is base]
            for part in (base, *overlays):
                for stream, info, pairs in zip(part.streams, part.infos, part.seqs):
                    infos[stream_of(stream)].append(info)
                    self.equal(found[stream_of(stream)] & {(s, names[d]) for s, d in pairs}, set(), "a pair once")
                    found[stream_of(stream)] |= {(s, names[d]) for s, d in pairs}
        expected = collections.defaultdict(set)
        for h, e in self.expected.items():
            for stream, seq in e.copies:
                if stream.dump is None:
                    expected[stream].add((seq, h))
        self.equal({k: v for k, v in found.items() if v}, dict(expected), "seqs")
        for stream, all_of in infos.items():
            flags = 0
            for info in all_of:
                flags |= info.flags
            self.equal((max(i.end_last for i in all_of), flags),
                       (self.model.ends.get(stream, 0), (stream in self.model.selected)
                        | (stream in self.model.partial) << 1), f"stream info of {stream}")

    def order(self):
        for base, overlays in self.case.sets:
            keys = []
            for d in self.case.documents():
                if d.base is base and d.own_copies:
                    keys.append((d.conversation.key, d.sent is None, d.sent or 0,
                                 min(map(source_order, d.own_copies))))
            self.equal(keys, sorted(keys), "documents stand in the one order")

    def totals(self):
        """Meta of each base, and of each set up to its newest overlay, recomputed."""
        for base, overlays in self.case.sets:
            documents = [d for d in self.case.documents() if d.base is base]
            newest = ([o for o in overlays if o.totals] or [base])[-1]
            states = [d.state for d in documents]
            self.check_totals(newest.totals, documents, states, "totals with overlays")
            self.check_totals(base.totals, documents, base.state, "totals of a base")
            self.equal(base.repeats, {d: s.messages for d, s in enumerate(base.state) if s.messages > 1}, "repeats")
            for o in overlays:
                self.equal(o.repeats, {d: s.messages for d, s in o.patches.items() if s.messages > 1},
                           "repeats of an overlay")

    def check_totals(self, found, documents, states, what):
        rows = [(d, s, flags_of(s)) for d, s in zip(documents, states)]
        kind = [r for r in rows if r[0].body.kind == "message"]
        with_flag = lambda f: sum(s.messages for _, s, flags in kind if f in flags)
        times = [d.sent for d, _, _ in kind if d.sent is not None and 0 < d.sent <= TOO_LATE]
        none = case_reader.NONE_MS
        self.equal(found, {
            "documents": len(rows), "hidden": sum("hidden" in r[2] for r in rows),
            "conversations": len({d.conversation.key for d, _, _ in rows}),
            "copy-to": sum("copy-to" in r[2] for r in rows),
            "repeated": sum(s.messages > 1 for _, s, _ in rows), "messages": sum(s.messages for _, s, _ in kind),
            "copies": sum(max(0, s.copies - s.messages) for _, s, _ in kind), "other": len(rows) - len(kind),
            "notes": sum(d.body.kind == "note" for d, _, _ in rows), "sealed": with_flag("sealed"),
            "conflict": with_flag("conflict"), "untimed": with_flag("untimed"),
            "first": min(times, default=none), "last": max(times, default=none)}, what)

    def minutes(self):
        for base, _ in self.case.sets:
            expected = collections.Counter()
            for d in self.case.documents():
                s = base.state[d.number] if d.base is base else None
                if s and d.sent is not None and 0 < d.sent <= TOO_LATE and "hidden" not in flags_of(s):
                    expected[d.sent // 60000] += s.messages
            self.equal(base.minutes, dict(expected), "minutes")

    def custody(self):
        """Ledger and quarantine."""
        entries = [e for e in self.case.ledger if e.kind == 2]
        found = [{d.name: d for d in e.dumps} for e in entries]
        expected = [e for e in self.entries if e]
        self.equal([set(f) for f in found], [set(e) for e in expected], "dumps of the ledger")
        for f, e in zip(found, expected):
            for name, (sha, size, state, books, dump) in e.items():
                d = f[name]
                self.equal((d.sha256, d.bytes, d.state, d.books.records, d.books.redelivered, d.books.other,
                            d.books.quarantined),
                           (sha, size, state, *(books[k] for k in "records redelivered other quarantined".split())),
                           f"books of {name}")
                line = dump.line if dump else {}
                unit = [raw(str(line.get(k, ""))) for k in "authority serial source stage epoch".split()]
                self.equal(list(d[8:13]), unit, "unit")
                said = [raw(str(line.get(k, ""))) for k in ("account", "service")]
                times = [line.get(k, -1 << 63) for k in ("collected_from", "collected_to")]
                self.equal(list(d[14:18]), said + times, "account, service, collected")
            for k in ("messages", "copies"):
                self.equal(sum(getattr(d.books, k) for d in f.values()), sum(b[3][k] for b in e.values()), k)
        forms = {(name, form): 1 for s in self.case.sets for part in (s.base, *s.overlays) for (sha, name), form in zip(part.dumps, part.forms)}
        self.equal(sorted(forms), sorted((name, 4 * name.endswith(b".zst")) for name in {n for n, _ in forms}), "forms of dumps")
        self.equal([e.time for e in self.case.ledger], sorted(e.time for e in self.case.ledger), "ledger times")
        # Programs that confine themselves add how far; those built for sanitizers cannot, and `init` does not.
        programs = {e.program for e in self.case.ledger}
        self.equal({p.split(b" ")[0] for p in programs}, {b"0.1.0"}, "program")
        self.equal({p.partition(b" ")[2] for p in programs} - {b"", confinement()}, set(), "how it was confined")
        dumps = [d for e in self.case.ledger for d in e.dumps]
        self.equal(self.case.manifest.dumps, tuple(sum(d.state == i for d in dumps) for i in range(3)), "dump states")
        self.equal(self.case.manifest.unfinished, [], "unfinished dumps")
        self.equal(sorted(map(tuple, self.case.lines)), sorted(self.model.quarantine), "quarantine")

    def digest(self):
        total = case_model.digest_sum(self.model.hashes())
        self.equal(self.case.manifest.sum, total, "digest sum of the records that went in")
        hashes = []
        for d in self.read.values():
            versions = [(*w, *v) for w, vs in versions_of(d).items() for v in vs]
            hashes += case_model.held_hashes(d.body.kind, hash_of(d), d.conversation.service, d.body.record, d.body.sent, versions)
        hashes += [case_model.line_hash(line.bytes) for line in self.case.lines]
        self.equal(self.case.manifest.sum, case_model.digest_sum(hashes), "digest sum of what was read")


def source_order(where):
    """Streams by source, stage, epoch (absent first), numbered before not, dump; then seq."""
    s, seq = where
    return (s.source, s.stage, s.epoch is not None, s.epoch or b"", s.dump is not None, s.dump or b"", seq)


def fields_of(e):
    c, out = e.content, set()
    put = lambda letter, value: out.add(term(letter, value))
    r = json.loads(c.record) if c.record else {}
    if c.sender is not None:
        put(b"f", c.sender)
    members = c.conv[1] if c.conv[0] == b"s" else ()
    for h in members if len(members) == 1 else [m for m in members if m != c.sender]:
        put(b"t", h)
    for h in [*(c.to or ()), *(h.encode() for h in r.get("who", ()))]:
        put(b"t", h)
    if c.conv[0] == b"g":
        put(b"g", c.conv[1])
    if c.service is not None:
        put(b"v", c.service)
    if c.id:
        put(b"i", c.id)
    if c.kind != "message":
        put(b"k", c.kind.encode())
    if "hidden" in e.flags:
        put(b"k", b"hidden")
    if c.kind == "contact":
        put(b"c", r["handle"].encode())
    if "of" in r:
        put(b"o", r["of"].encode())
    for name, there in (("attachment", c.attachments), ("reply", c.reply_to), ("sealed", c.sealed)):
        if there:
            put(b"h", name.encode())
    for identity in c.attachments or ():
        if re.fullmatch(rb"[0-9a-f]{64}", identity):
            put(b"a", bytes.fromhex(identity.decode()))
    if c.kind == "location" and r.get("lat") is not None and r.get("lon") is not None:
        put(b"h", b"coordinates")
    return out


def term(letter, value):
    if len(value) >= 239:
        value = value[:206] + b"\xff" + hashlib.sha256(value).hexdigest()[:32].encode()
    return letter + value


def words_of(c):
    """Words and positions where the text is nothing but ASCII words and spaces; else None."""
    text = c.opened or c.text or b""
    if not re.fullmatch(rb"[A-Za-z0-9 ]*", text):
        return None
    out = collections.defaultdict(list)
    for i, w in enumerate(text.lower().split()):
        out[b"w" + w].append(i)
    return dict(out)


def long_line(folder):
    """A line longer than any batch stands whole in the quarantine, and once in the digest, however it came."""
    line, cases = b"".join(b"%d " % i for i in range(250000)), []
    for name in ("long.ndjson", "long.zst"):
        (folder / name).mkdir()
        d = Deliveries(folder / name)
        d.add(Dump(name, {"source": "imei:6", "stage": "stored"}, [("too-long", line)]))
        cases.append(case_reader.Case(d.case))
        equal([tuple(x) for x in cases[-1].lines], d.model.quarantine, "a very long line")
        equal(cases[-1].manifest.sum, case_model.digest_sum(d.model.hashes()), "digest of a very long line")


def damage(case):
    """The reader itself: a flipped bit anywhere is found."""
    r = random.Random(1)
    for path in sorted(p for p in case.rglob("*") if p.is_file() and p.stat().st_size):
        good = path.read_bytes()
        for _ in range(2):
            at = r.randrange(len(good))
            bad = bytearray(good)
            bad[at] ^= 1 << r.randrange(8)
            path.write_bytes(bad)
            try:
                case_reader.Case(case)
                check(False, f"a flipped bit of {path.name} at {at}")
            except (Damage, OSError):
                check(True, "")
        path.write_bytes(good)


def queries(case):
    """Every question and its answer stand in the query log, as the document says."""
    equal(case_reader.Case(case).queries, [], "nothing was asked yet")
    asked = ["harbour", "no-such-word", "van (", "*"]
    for q in asked:
        subprocess.run([QUERY, "search", str(case), "--format", "jsonl", q], capture_output=True, timeout=60)
    c = case_reader.Case(case)
    equal([e[2] for e in c.queries], [1, 2] * len(asked), "asked and answered take turns")
    equal([e[3][4].decode() for e in c.queries[::2]], asked, "what was asked")
    equal([e[3][3] for e in c.queries[::2]], [b"search"] * len(asked), "by which command")
    equal([e[3][1] for e in c.queries[::2]], [os.getuid()] * len(asked), "by whom")
    equal({e[3][5].hex() for e in c.queries[::2]}, {c.digest()}, "of which content")
    equal([e[3][0] for e in c.queries[1::2]], [e[0] for e in c.queries[::2]], "which one is answered")
    equal([e[3][1] for e in c.queries[1::2]], [0, 1, 2, 0], "how")
    check(c.queries[1][3][2] > 0 and c.queries[7][3][2] > c.queries[1][3][2], "with how many", c.queries)


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lictor-format-"))
    try:
        d = Deliveries(folder)
        Comparison(d, "empty").custody()
        d.add(of_ann(), of_nobody(), of_server("live", 900, 1), of_phone())
        Comparison(d, "one add").run()
        d.add(of_bob())
        d.add(of_ann_again())
        again = of_server("live", 900, 1, "server:2")
        again.name = "server-2.zst"
        d.add(again, of_server("stored", 300, 2), of_faults())
        (folder / "body.keys").write_bytes(b"key-2 " + base64.b64encode(BODY_KEY) + b"\n")
        (folder / "body.keys").chmod(0o600)
        d.add(of_sealed(), options=("--body-keys", folder / "body.keys"))
        d.refuse("no dump.bin", b"not a dump")
        d.add(Dump("cut.ndjson", {"source": "imei:4", "stage": "live"},
                   [message(1, "x", ["y"], "cut off", T), message(None, "x", ["y"], "here", T)],
                   end=False), partial=True)
        last = Comparison(d, "eight adds")
        last.run()
        kinds = [len(last.case.sets), sum(len(o) for _, o in last.case.sets)]
        check(kinds[0] > 1 and kinds[1] > 2, "there are segments and overlays", kinds)
        ingest("compact", d.case)
        compacted = Comparison(d, "compacted")
        compacted.run()
        check(not any(o for _, o in compacted.case.sets), "compact folds overlays in")
        equal(compacted.case.digest(), last.case.digest(), "compact keeps the digest")
        queries(d.case)
        long_line(folder)
        damage(d.case)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
