"""case_reader: reads an unencrypted case, written from docs/FORMAT.md alone.

It shares nothing with the C code: where the two agree, the document gives every byte. It trusts nothing:
checksums are tested before a byte is believed, and every piece must end where the document says it does.
Raises Damage. The names are those of the document."""
import collections, datetime, hashlib, os, zstandard
from case_bytes import (MASK, NONE_MS, Cursor, SectionFile, checksum, need, packed_block, run, sizes,
                        sums, unit, unit_header)

FLAGS = ("repeated one-sided conflict related sealed seal-broken untimed incomplete damaged-text hidden "
         "deleted copy-to located").split()  # of a state, from bit 0 on
KINDS = "message event contact note location call keepalive".split()


def minute_of(ms):
    """Latest minute of one document, as postings bound it."""
    return 0 if ms is None or ms <= 0 else 2**32 - 1 if ms > 253402300799999 else ms // 60000 + 1


State = collections.namedtuple("State", "messages copies flags")


def state_block(c, n):
    def column():
        bits, base = c.u8(), c.varint()
        return [base + v for v in run(c, n, bits)]
    return [State(*s) for s in zip(column(), column(), column())]


# ---- rows -----------------------------------------------------------------------------------------

Body = collections.namedtuple("Body", "kind hash sender sent text id reply_to attachments to sealed opened "
                              "damaged broken sent_given record searched", defaults=(None,) * 15)


def body_row(data):
    c = Cursor(data)
    kind, flags = c.u8(), c.varint()
    need(kind < len(KINDS) and flags < 1 << 14, "body: kind or flags")
    has = lambda bit: flags >> bit & 1

    def field(bit, read):
        return read() if has(bit) else None

    def blobs():
        n = c.varint()
        need(n, "body: an empty list")
        return [c.blob() for _ in range(n)]

    need(not (has(2) and has(7)) and has(7) >= has(8) and has(7) >= has(10), "body: flags")
    body = Body(KINDS[kind], c.take(32) if kind else None, field(0, c.blob), field(1, c.zigzag),
                field(2, c.blob), field(3, c.blob), field(4, c.blob), field(5, blobs), field(6, blobs),
                field(7, lambda: (c.blob(), c.blob(), c.blob())), field(8, c.blob), has(9), has(10),
                field(11, c.blob), field(12, c.blob), has(13))
    need(body.sent != NONE_MS and (kind or not has(12) and not has(13)), "body: flags")
    need(not kind or has(12), "body: other kinds have their record")
    return c.end(body)


Version = collections.namedtuple("Version", "origin delivered read collected extra sightings")


def whole_row(heads, texts, sent):
    """A body row, with its time and its text in their place again."""
    number = heads.varint()
    form, text = number & 3, heads.varint() if number & 1 else 0
    c = Cursor(heads.take(number >> 2))
    if not form:
        return c.data
    kind, flags = c.u8(), c.varint()
    if kind:
        c.take(32)
    if flags & 1:
        c.blob()
    need(not form & 2 or flags & 2 and sent is not None, "body: a time that is not there")
    need(not form & 1 or flags & 4, "body: a text that is not there")
    time = varint(sent << 1 ^ sent >> 63) if form & 2 else b""
    return c.data[:c.pos] + time + (varint(text) + texts.take(text) if form & 1 else b"") + c.data[c.pos:]


def varint(n):
    n, out = n & MASK, b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def copy_row(data):
    """{(stream, seq): [versions]}, a sighting as (dump, line)."""
    c, copies, times = Cursor(data), {}, [0]
    for _ in range(c.varint()):
        stream, seq = c.varint(), c.varint()
        need(not copies or max(copies) < (stream >> 1, seq), "copies: order")
        n = 1
        if stream & 1:
            n = c.varint()
            need(n >= 2, "copies: versions")
        copies[stream >> 1, seq] = versions = [version(c, seq, times) for _ in range(n)]
        need(len({v[:5] for v in versions}) == n, "copies: equal versions")
    return c.end(copies)


def version(c, seq, written):
    """`written`: the times of the row so far; each is stored as the difference from the one before."""
    flags, origin, times = c.u8(), c.varint(), []
    need(flags < 32, "version: flags")
    for bit in (1, 2, 4):
        times.append(None)
        if flags & bit:
            times[-1] = (written[-1] + c.zigzag() + 2**63 & MASK) - 2**63
            need(times[-1] != NONE_MS, "version: a time is -2^63")
            written.append(times[-1])
    extra, n = c.blob() if flags & 8 else None, c.varint() if flags & 16 else 1
    need(extra != b"" and (n >= 2) == (flags > 15), "version: extra or sightings")
    where = [(c.varint(), seq + c.zigzag() & MASK) for _ in range(n)]
    return Version(origin, *times, extra, where)


def zstd(data, size):
    need(zstandard.frame_content_size(data) == size, "zstd: content size")
    return zstandard.ZstdDecompressor().decompress(data, max_output_size=size)


def copies_block(c, sent):
    """The copies of len(sent) rows."""
    lanes = [(c.varint(), c.varint(), c.varint()) for _ in range(c.u8())]
    patterns = [c.take(c.u8()) for _ in range(c.u8())]
    need(len(patterns) <= 128 and len(set(patterns)) == len(patterns), "copies: patterns")
    chosen = run(c, len(sent), len(patterns).bit_length())
    cells = [[] for _ in lanes]
    rows = [None if p == len(patterns) else [cells[lane].append([]) or cells[lane][-1] for lane in patterns[p]]
            for p in chosen]
    which = [None if p == len(patterns) else [lanes[lane] for lane in patterns[p]] for p in chosen]
    for lane in cells:
        fill_lane(c, lane)
    n_extras, size = c.varint(), c.varint()
    rest = c.take(len(c.data) - c.pos)
    rest = Cursor(rest if len(rest) == size else zstd(rest, size))
    extras = [None] + [extra(rest) for _ in range(n_extras)]
    out = [open_row(row, lane, t, extras) if row is not None else copy_row(rest.blob())
           for row, lane, t in zip(rows, which, sent)]
    return rest.end(out)


def column(c, n):
    least, head = c.zigzag(), c.u8()
    return [least + v * (1000 if head & 128 else 1) & MASK for v in run(c, n, head & 127)]


def fill_lane(c, lane):
    """Appends to each cell of a lane: seq, line, delivered, read, collected, extra."""
    n = len(lane)
    need(n, "copies: a lane of no copy")
    seq, bits = c.varint(), c.u8()
    steps = [0] + run(c, n - 1, bits)
    for cell, step in zip(lane, steps):
        seq = seq + (step >> 1 ^ -(step & 1)) & MASK
        cell.append(seq)
    for cell, line in zip(lane, column(c, n)):
        cell.append(line + cell[0] & MASK)
    for k in range(3):
        mode = c.u8()
        need(mode < 3, "copies: mode of a time")
        there = run(c, n, 1) if mode == 2 else [mode] * n
        need(mode != 2 or 0 < sum(there) < n, "copies: mode of a time")
        values = iter(column(c, sum(there)) if mode else [])
        for cell, is_there in zip(lane, there):
            before = cell[2] if k and cell[2] is not None else 0
            cell.append(next(values) + before & MASK if is_there else None)
    for cell, number in zip(lane, run(c, n, c.u8())):
        cell.append(number)


def extra(c):
    form = c.u8()
    need(form in (0, 1, 3, 5, 7), "copies: form of an extra")
    return (form, c.zigzag(), c.blob(), c.blob()) if form else (0, 0, c.blob(), b"")


def open_row(row, lanes, sent, extras):
    copies = {}
    for (seq, line, *times, number), (stream, origin, dump) in zip(row, lanes):
        need(not copies or max(copies) < (stream, seq), "copies: order")
        base = 0 if sent is None else sent
        times = [None if t is None else (t + base + 2**63 & MASK) - 2**63 for t in times]
        need(NONE_MS not in times, "copies: a time is -2^63")
        text = None
        if number:
            form, offset, before, after = extras[number]
            text = before + (instant(sent, form, offset) if form else b"") + after
            need(text, "copies: an empty extra")
        copies[stream, seq] = [Version(origin, *times, text, [(dump, line)])]
    return copies


def instant(ms, form, offset):
    """The time of the message as text."""
    t = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms + offset * 60000)
    text = t.isoformat(timespec="milliseconds" if form & 2 else "seconds")
    zone = "Z" if form & 4 else "%s%02d:%02d" % ("-" if offset < 0 else "+", *divmod(abs(offset), 60))
    need(form & 2 or ms % 1000 == 0, "copies: ms that are not written")
    return (text + zone).encode()


# ---- segments and overlays ------------------------------------------------------------------------

Stream = collections.namedtuple("Stream", "source stage epoch dump")
Origin = collections.namedtuple("Origin", "stream direction account authority warrant liid cin point serial "
                                "selection")
Conversation = collections.namedtuple("Conversation", "key kind service name handles first documents")
StreamInfo = collections.namedtuple("StreamInfo", "records first_block first_seq last_seq end_last flags")
TOTALS = ("documents hidden conversations repeated copy-to messages copies other notes sealed conflict untimed first "
          "last").split()


class Part(SectionFile):
    """What segments and overlays have in common."""

    def __init__(self, path, kind, seal=None):
        super().__init__(path, kind, seal)
        need(list(self.sections) == list(range(31)), "segment: not every section is there")
        for number, (size, _) in self.sections.items():
            need(size == (65536 if number in (9, 11) else 16384), f"section {number}: block size")
        c = Cursor(self.section(0))
        need(c.u32() == 5 and c.flag() == kind - 1, "meta: version or kind")
        has_totals, self.base_id = c.flag(), c.take(16)
        need(kind == 2 or has_totals and self.base_id == bytes(16), "meta: of a base")
        self.rows, dumps, streams, origins, repeats = (c.u32() for _ in range(5))
        self.terms, self.forms = c.u64(), []
        values = [c.u32() for _ in range(5)] + [c.u64() for _ in range(7)] + [c.i64(), c.i64()]
        self.totals = c.end(dict(zip(TOTALS, values))) if has_totals else c.end()
        self.dumps = [self.dump(p) for p in self.table(1, dumps)]
        self.streams = [self.stream(p) for p in self.table(3, streams)]
        self.origins = [self.origin(p) for p in self.table(5, origins)]
        self.sent = self.sent_column() if kind == 1 else [None] * self.rows
        self.copies = self.copy_blocks()
        self.repeats = dict(self.entries(28, "<II"))
        need(len(self.repeats) == repeats and list(self.repeats) == sorted(self.repeats), "repeats")
        self.seqs = self.stream_seqs()

    def dump(self, p):
        sha, form = p.take(32), p.u8()
        need(form < 16, "a dump's form")
        self.forms.append(form)
        return sha, p.take(len(p.data) - p.pos)

    def table(self, number, n):
        offsets = [o for o, in self.entries(number + 1, "<Q")]
        need(len(offsets) == n, f"section {number + 1}: not as many as meta says")
        return self.pieces(number, offsets) if n else []

    def stream(self, c):
        source, stage, epoch = c.optional(), c.flag(), c.optional()
        return c.end(Stream(source, stage, epoch, None if c.flag() else c.take(32)))

    def origin(self, c):
        stream, direction = c.varint(), c.u8()
        need(stream < len(self.streams) and direction < 4, "origin")
        return c.end(Origin(stream, direction, *(c.optional() for _ in range(8))))

    def copy_blocks(self):
        """The copies of each row, by (stream, seq)."""
        out, directory = [], self.entries(12, "<IQ")
        cursors = self.pieces(11, [e[1] for e in directory]) if directory else []
        firsts = [e[0] for e in directory[1:]] + [self.rows]
        for (first, _), end, c in zip(directory, firsts, cursors):
            need(first == len(out) and 0 < end - first <= 128, "copies: first row")
            out += copies_block(c, self.sent[first:end])
        need(len(out) == self.rows, "copies: not as many rows as meta says")
        return out

    def stream_seqs(self):
        """For each stream its (seq, document) pairs."""
        infos = [StreamInfo(*e) for e in self.entries(27, "<QQQQQB")]
        directory = self.entries(26, "<QQ")
        need(len(infos) == len(self.streams), "stream info: not one for each stream")
        cursors, self.infos, out, at = self.pieces(25, [e[1] for e in directory]) if directory else [], \
            infos, [], 0
        for info in infos:
            pairs = []
            for n in sizes(info.records, 512):
                need(pairs or info.first_block == at, "seqs: first block")
                pairs += self.seq_block(cursors[at], directory[at][0], n)
                at += 1
            need(pairs == sorted(pairs), "seqs: order")
            need((info.first_seq, info.last_seq) == ((pairs[0][0], pairs[-1][0]) if pairs else (0, 0)),
                 "stream info: first or last seq")
            out.append(pairs)
        need(at == len(directory), "seqs: blocks of no stream")
        return out

    @staticmethod
    def seq_block(c, seq, n):
        mode, seqs, docs, recent = c.u8(), [], [], []
        while len(seqs) < n:
            seq += c.varint()
            length = c.varint()
            need(0 < length <= n - len(seqs), "seqs: run")
            seqs += range(seq, seq + length)
            seq += length - 1
        if mode == 0:
            least, bits = c.u32(), c.u8()
            docs = [least + v for v in run(c, n, bits)]
        else:
            need(mode == 1, "seqs: mode")
            for _ in range(n):
                byte = c.u8()
                if byte == 255:
                    docs.append(c.u32())
                    del recent[14:]
                else:
                    need(byte // 16 < len(recent), "seqs: recent")
                    docs.append(recent.pop(byte // 16) + byte % 16)
                recent.insert(0, docs[-1])
        return c.end(list(zip(seqs, docs)))


Posting = collections.namedtuple("Posting", "documents positions")  # positions: a list a document, or None


class Segment(Part):
    def __init__(self, path, seal=None, documents=None):
        super().__init__(path, 1, seal)
        n = self.documents = self.rows
        need(documents in (None, n) and self.totals["documents"] == n, "segment: documents")
        self.bodies = [body_row(row) for row in self.body_rows()]
        self.conversations, self.state = self.read_conversations(), self.state_column()
        self.keys, self.minutes, self.lexicon = self.read_keys(), self.read_minutes(), self.read_lexicon()
        self.empty(17, 18)

    def body_rows(self):
        rows, directory = [], self.entries(10, "<IIIIQ")
        cursors = self.pieces(9, [e[4] for e in directory]) if directory else []
        firsts = [e[0] for e in directory[1:]] + [self.documents]
        for (first, heads, packed, texts, _), end, c in zip(directory, firsts, cursors):
            need(first == len(rows) and first < end, "bodies: first row")
            heads = Cursor(zstd(c.take(packed), heads))
            texts = Cursor(zstd(c.take(len(c.data) - c.pos), texts))
            rows += [whole_row(heads, texts, self.sent[i]) for i in range(first, end)]
            heads.end()
            texts.end()
        need(len(rows) == self.documents, "bodies: not as many as meta says")
        return rows

    def empty(self, *numbers):
        need(not any(self.section(n) for n in numbers), "a section that does not belong here is not empty")

    def read_conversations(self):
        directory, out, at = self.entries(7, "<16sIIQ"), [], 0
        cursors = self.pieces(8, [e[3] for e in directory]) if directory else []
        for (key, first, documents, _), c in zip(directory, cursors):
            need(first == at and documents and (not out or out[-1].key < key), "conversations")
            at += documents
            kind, service, name, handles = c.take(1), c.optional(), None, None
            need(kind in (b"s", b"g", b"i"), "conversation: kind")
            if kind == b"s":
                handles = [c.blob() for _ in range(c.varint())]
                need(handles == sorted(set(handles)), "conversation: handles")
            else:
                name = c.optional()
            out.append(c.end(Conversation(key, kind, service, name, handles, first, documents)))
        need(at == self.documents, "conversations: not every document has one")
        return out

    def sent_column(self):
        directory, out = self.entries(14, "<qqQ"), []
        cursors = self.pieces(13, [e[2] // 2 for e in directory]) if directory else []
        blocks = sizes(self.rows, 128)
        need(len(blocks) == len(directory), "sent: blocks")
        for (least, greatest, flagged), c, n in zip(directory, cursors, blocks):
            bits, unit = c.u8(), 1000 if c.flag() else 1
            none = (1 << bits) - 1 if flagged & 1 else None
            times = [None if v == none else least + v * unit for v in c.end(run(c, n, bits))]
            there = [t for t in times if t is not None] or [2**63 - 1, NONE_MS]
            if any(t is not None for t in times):
                there.sort()
            need((least, greatest) == (there[0], there[-1]), "sent: bounds")
            need((None in times) == flagged & 1, "sent: none")
            out += times
        return out

    def state_column(self):
        directory, blocks, out = self.entries(16, "<Q"), sizes(self.documents, 128), []
        need(len(blocks) == len(directory), "state: blocks")
        for c, n in zip(self.pieces(15, [o for o, in directory]) if directory else [], blocks):
            out += state_block(c, n)
            c.end()
        return out

    def read_keys(self):
        directory, blocks, out = self.entries(20, "<QQ"), sizes(self.documents, 128), []
        need(len(blocks) == len(directory), "keys: blocks")
        for (first, _), c, n in zip(directory, self.pieces(19, [e[1] for e in directory])
                                    if directory else [], blocks):
            g, d = c.u8(), c.u8()
            fingerprints = sums(first, run(c, n - 1, g))
            out += zip(fingerprints, c.end(run(c, n, d)))
        need(out == sorted(out), "keys: order")
        return out

    def read_minutes(self):
        directory, out, total = self.entries(30, "<IQQ"), {}, 0
        cursors = self.pieces(29, [e[2] for e in directory]) if directory else []
        for number, ((first, before, _), c) in enumerate(zip(directory, cursors)):
            need(before == total, "minutes: messages before")
            minute, n = first, 0
            while c.pos < len(c.data):
                difference, messages = c.varint(), c.varint()
                minute, n = minute + difference, n + 1
                need(minute not in out and (difference == 0) == (n == 1) and messages, "minutes: order")
                out[minute] = messages
                total += messages
            need(n == 128 or number == len(directory) - 1 and 0 < n < 128, "minutes: block")
        need(list(out) == sorted(out), "minutes: order")
        return out

    def read_lexicon(self):
        """{term: Posting}. The pieces of sections 23 and 24 must be the postings, every byte once."""
        out, self.used, self.used_positions, before = {}, [], [], b""
        directory = [o for o, in self.entries(22, "<Q")]
        cursors = self.pieces(21, directory) if directory else []
        need(len(cursors) == len(sizes(self.terms, 32)), "lexicon: blocks")
        for c, n in zip(cursors, sizes(self.terms, 32)):
            term, at = b"", 0
            for _ in range(n):
                shared, rest = c.u8(), c.u8()
                need(shared <= len(term) and rest, "lexicon: term")
                term = term[:shared] + c.take(rest)
                need(before < term and len(term) <= 240, "lexicon: order or length")
                before, head = term, c.varint()
                if head & 1:
                    out[term] = self.inline(c, head)
                else:
                    at += c.varint()
                    need(not head & 4, "lexicon: once")
                    out[term] = self.postings(at, head)
                self.check_documents(out[term].documents)
            c.end()
        for number, used in ((23, self.used), (24, self.used_positions)):
            end = 0
            for a, b in sorted(used):
                need(a == end, f"section {number}: a hole or an overlap at {end}")
                end = b
            need(end == len(self.section(number)), f"section {number}: bytes of no term")
        return out

    def check_documents(self, documents):
        need(documents and documents == sorted(set(documents)) and documents[-1] < self.documents,
             "postings: documents")

    @staticmethod
    def inline(c, head):
        n = head >> 3
        need(n <= 3, "inline: documents")
        first = c.varint()
        documents = sums(first, [c.varint() + 1 for _ in range(n - 1)])
        if not head & 2:
            need(not head & 4, "inline: once")
            return Posting(documents, None)
        counts = [1 if head & 4 else c.varint() + 1 for _ in range(n)]
        need(sum(counts) <= 8, "inline: positions")
        return Posting(documents, [positions(c, k) for k in counts])

    def postings(self, at, head):
        c = Cursor(self.section(23), at)
        n, flags = c.varint(), c.u8()
        need(n == head >> 3 and flags & 1 == head >> 1 & 1 and flags in (0, 1, 3), "postings: not what the lexicon says")
        need(flags < 2 or n <= 128, "postings: positions beside many")
        places = c.varint() if flags == 1 else None
        documents, where = [], [] if flags else None
        if n <= 128:
            latest, length = c.varint(), c.varint()
            size = c.varint() if flags else 0
            blocks, skips = Cursor(c.take(length)), [(None, latest, length)]
            if flags == 3:
                need(size <= 1024, "postings: positions beside")
                places = Cursor(c.take(size))
            elif flags:
                places = self.elsewhere(places, size)
            self.used.append((at, c.pos))
        else:
            length, count = c.varint(), (n + 127) // 128
            columns = [[c.uint(w) for _ in range(count)] for w in (4, 4, 8)]
            skips = list(zip(*columns))
            need(length <= at, "postings: blocks")
            blocks = Cursor(self.section(23)[at - length:at])
            self.used.append((at - length, c.pos))
        for size, (last, latest, end) in zip(sizes(n, 128), skips):
            block = self.postings_block(blocks, size, documents[-1] if documents else None, places, where)
            need(blocks.pos == end, "postings: end of a block")
            documents += block
            need(last in (None, block[-1]), "postings: last document")
            need(latest == max(minute_of(self.sent[d]) for d in block), "postings: latest minute")
        blocks.end()
        return Posting(documents, where)

    def postings_block(self, c, n, before, places, where):
        gaps = patched(c, n)
        if before is not None:
            gaps[0] += before + 1
        documents = sums(gaps[0], [g + 1 for g in gaps[1:]])
        if places is not None:
            often = [k + 1 for k in patched(c, n)]
            if isinstance(places, int):
                places = self.elsewhere(places + c.varint(), c.varint())
            steps, at = patched_list(places, sum(often)), 0
            for k in often:
                where.append(sums(steps[at], steps[at + 1:at + k]))
                at += k
            places.end()
        return documents

    def elsewhere(self, at, length):
        self.used_positions.append((at, at + length))
        return Cursor(self.section(24)[at:at + length])


def patched(c, n):
    head = c.u8()
    bits = head & 63
    need(head < 128 and bits <= 32, "patched: head")
    low = packed_block(c, bits) if n == 128 else run(c, n, bits)
    before = -1
    for _ in range(c.u8() if head & 64 else 0):
        i, high = c.u8(), c.varint()
        need(before < i < n and high and high << bits < 2**32, "patched: exception")
        low[i] |= high << bits
        before = i
    return low


def patched_list(c, n):
    head = c.u8()
    bits, high, at = head & 63, {}, 0
    need(head < 128 and bits <= 32, "patched: head")
    for _ in range(c.varint() if head & 64 else 0):
        at += c.varint()
        high[at] = c.varint()
        need(at < n and high[at] and high[at] << bits < 2**32, "patched: exception")
        at += 1
    return [v | high.get(i, 0) << bits for i, v in enumerate(run(c, n, bits))]


def positions(c, n):
    return sums(c.varint(), [c.varint() for _ in range(n - 1)])


class Overlay(Part):
    def __init__(self, path, seal, base):
        super().__init__(path, 2, seal)
        need(self.base_id == base.id, "overlay: of another base")
        need(not any(self.section(n) for n in (7, 8, 9, 10, *range(13, 17), *range(19, 25), 29, 30)),
             "a section that does not belong here is not empty")
        directory, self.patches = self.entries(18, "<IQ"), {}
        need(len(directory) == len(sizes(self.rows, 128)), "patches: blocks")
        for (first, _), c, n in zip(directory, self.pieces(17, [e[1] for e in directory])
                                    if directory else [], sizes(self.rows, 128)):
            documents = sums(first, [g + 1 for g in run(c, n - 1, c.u8())])
            need(max(self.patches, default=-1) < first and documents[-1] < base.documents, "patches")
            self.patches.update(zip(documents, state_block(c, n)))
            c.end()
        self.rows_of = dict(zip(self.patches, self.copies))


# ---- the case -------------------------------------------------------------------------------------

Books = collections.namedtuple("Books", "records messages copies redelivered other quarantined sealed conflict")
Dump = collections.namedtuple("Dump", "name sha256 bytes state code text where books authority serial source "
                              "stage epoch signer account service collected_from collected_to")
Entry = collections.namedtuple("Entry", "number case_id time kind generation program dumps body hash end")
Manifest = collections.namedtuple("Manifest", "generation segments quarantine quarantined unfinished sum dumps")
Set = collections.namedtuple("Set", "base overlays")
Line = collections.namedtuple("Line", "sha256 dump line fault bytes")
Copy = collections.namedtuple("Copy", "stream seq versions")
Document = collections.namedtuple("Document", "base number conversation body sent state copies own_copies")


def books(c):
    return Books(*(c.varint() for _ in range(8)))


def file_seal(c):
    return c.take(16), c.varint(), c.take(32)


class Case:
    def __init__(self, path):
        self.path = path
        self.read_case(self.file("CASE"))
        self.ledger = self.read_ledger(self.file("ledger"))
        self.queries = self.read_queries(self.file("queries"))
        self.read_manifest(self.file("MANIFEST"))
        self.sets, self.lines = [], []
        for base, documents, overlays in self.manifest.segments:
            segment = Segment(self.name("segments", base), base, documents)
            self.sets.append(Set(segment, [Overlay(self.name("segments", o), o, segment) for o in overlays]))
        for seal in self.manifest.quarantine:
            self.read_quarantine(SectionFile(self.name("quarantine", seal), 3, seal))
        need(len(self.lines) == self.manifest.quarantined, "quarantine: lines")

    def file(self, name):
        with open(os.path.join(self.path, name), "rb") as f:
            return f.read()

    def name(self, folder, seal):
        return os.path.join(self.path, folder, seal[0].hex())

    def read_case(self, data):
        need(len(data) >= 160 and data[-16:] == checksum(b"", data[:-16]), "CASE: checksum")
        self.id = data[16:32]
        need(data[:32] == unit_header(b"LICTORCA", self.id, 2) and data[32:64] == bytes(32), "CASE: header")
        need(data[64:104] == bytes(32) + (1).to_bytes(8, "little"), "CASE: plain, and never locked anew")
        c = Cursor(unit(Cursor(data[104:-16]), data[:104], len(data) - 120))
        self.word_rules = c.blob()
        need(len(self.word_rules) <= 256, "CASE: word rules")
        c.end()

    def read_ledger(self, data):
        c, entries, before = Cursor(data), [], bytes(32)
        while c.pos < len(data):
            begin, n = c.pos, c.u32()
            payload = unit(c, unit_header(b"LICTORLE", self.id), n)
            e = self.entry(Cursor(payload), before, data[begin:c.pos], c.pos)
            need(e.number == len(entries) and e.case_id == self.id, "ledger: number or case")
            entries.append(e)
            before = e.hash
        need(entries and (entries[0].kind, entries[0].generation) == (1, 1), "ledger: entry 0 is init")
        return entries

    def read_queries(self, data):
        """The query log: its entries, each (number, time, kind, what stands in it)."""
        ad, heads, entries = data[:48], [], []
        need(ad == unit_header(b"LICTORQL", self.id) + bytes(16), "queries: header")
        for i in range(2):
            h = Cursor(unit(Cursor(data[48 + 88 * i:136 + 88 * i]), ad + bytes([i]), 88))
            heads.append((h.u64(), h.u64(), h.take(32)))
            h.end()
        c, before = Cursor(data[224:]), bytes(32)
        while c.pos < len(data) - 224:
            begin, n = c.pos, c.u32()
            e = Cursor(unit(c, ad, n))
            number = e.varint()
            need(number == len(entries) and e.take(32) == before, "queries: the chain is broken")
            time, kind = e.zigzag(), e.u8()
            if kind == 1:
                what = [e.blob(), e.varint(), e.blob(), e.blob(), e.blob(), e.take(32), e.varint(), e.blob()]
            else:
                need(kind == 2, "queries: kind")
                what = [e.varint(), e.u8(), e.varint(), e.varint()]
            entries.append((number, time, kind, what))
            e.end()
            before = hashlib.sha256(data[224 + begin:224 + c.pos]).digest()
        newest = max(heads)
        need(newest == heads[len(entries) & 1] or not entries, "queries: the place of the newer head")
        need(newest == (len(entries), len(data), before), "queries: head")
        need(len(entries) - min(heads)[0] == (1 if entries else 0), "queries: the older head")
        return entries

    @staticmethod
    def entry(c, before, stored, end):
        number = c.varint()
        need(c.take(32) == before, "ledger: the chain is broken")
        case_id, time, kind, generation, program = c.take(16), c.zigzag(), c.u8(), c.varint(), c.blob()
        need(1 <= kind <= 5, "ledger: kind")
        dumps = []
        for _ in range(c.varint()):
            d = (c.blob(), c.take(32), c.varint(), c.u8(), c.blob(), c.blob(), c.varint(), books(c),
                 *(c.blob() for _ in range(6)))
            dumps.append(d)
            need(d[3] < 3 and (d[3] or d[4:7] == (b"", b"", 0)), "ledger: state or reason")
        body = c.blob()
        more = c.pos < len(c.data)
        dumps = [Dump(*d, *((c.blob(), c.blob(), c.zigzag(), c.zigzag()) if more else (b"", b"", None, None)))
                 for d in dumps]
        c.end()
        return Entry(number, case_id, time, kind, generation, program, dumps, body,
                     hashlib.sha256(stored).digest(), end)

    def read_manifest(self, data):
        header = unit_header(b"LICTORMA", self.id)
        need(data[:32] == header, "MANIFEST: header")
        c = Cursor(unit(Cursor(data[32:]), header, len(data) - 32))
        self.manifest = self.body(c)
        body = c.data[:c.pos]
        entries, length, last = c.varint(), c.varint(), c.take(32)
        c.end()
        need(entries == len(self.ledger) and self.ledger[-1].end == length, "MANIFEST: ledger position")
        need(self.ledger[-1].hash == last and self.ledger[-1].body == body, "MANIFEST: ledger entry")
        need(self.ledger[-1].generation == self.manifest.generation, "MANIFEST: generation")

    @staticmethod
    def body(c):
        generation, segments = c.varint(), []
        for _ in range(c.varint()):
            base, documents = file_seal(c), c.varint()
            segments.append((base, documents, [file_seal(c) for _ in range(c.varint())]))
        quarantine = [file_seal(c) for _ in range(c.varint())]
        lines = c.varint()
        unfinished = [(c.take(32), c.varint(), books(c), c.blob()) for _ in range(c.varint())]
        m = Manifest(generation, segments, quarantine, lines, unfinished, c.take(256),
                     tuple(c.varint() for _ in range(3)))
        names = [s[0] for base, _, overlays in segments for s in (base, *overlays)]
        need(len(set(names)) == len(names), "MANIFEST: a file is named twice")
        return m

    def read_quarantine(self, f):
        need(list(f.sections) == [0] and f.sections[0][0] == 65536, "quarantine: section")
        c = Cursor(f.section(0))
        while c.pos < len(c.data):
            e = Cursor(c.take(c.u64()))
            self.lines.append(e.end(Line(e.take(32), e.blob(), e.varint(), e.blob(), e.blob())))

    def digest(self):
        return hashlib.sha256(b"lictor-digest/1\0" + self.manifest.sum).hexdigest()

    def documents(self):
        """Every document with its newest state and all its copies, versions as values."""
        for base, overlays in self.sets:
            for conversation in base.conversations:
                for d in range(conversation.first, conversation.first + conversation.documents):
                    state = base.state[d]
                    parts = [(base, base.copies[d])]
                    for o in overlays:
                        if d in o.patches:
                            state = o.patches[d]
                            parts.append((o, o.rows_of[d]))
                    yield Document(base, d, conversation, base.bodies[d], base.sent[d], state, merge(parts),
                                   [(base.streams[s], seq) for s, seq in base.copies[d]])


def merge(parts):
    copies = {}
    for part, row in parts:
        for (stream, seq), versions in row.items():
            need(stream < len(part.streams), "copies: stream")
            of = copies.setdefault((part.streams[stream], seq), {})
            for v in versions:
                o = part.origins[v.origin]
                v = v._replace(origin=o._replace(stream=part.streams[o.stream]),
                               sightings=[(part.dumps[d], line) for d, line in v.sightings])
                of.setdefault(v[:5], []).extend(v.sightings)
    return [Copy(*where, [Version(*v, s) for v, s in of.items()]) for where, of in copies.items()]
