"""case_bytes: what everything in an unencrypted case is made of: integers, checksums, section files, packed
numbers. Written from docs/FORMAT.md alone, as case_reader is; raises Damage."""
import functools, hashlib, os, struct, xxhash

MASK = 2**64 - 1
NONE_MS = -2**63


class Damage(Exception):
    pass


def need(ok, what):
    if not ok:
        raise Damage(what)


class Cursor:
    """Reads one run of bytes from its begin; `end` says that nothing may follow."""

    def __init__(self, data, pos=0):
        self.data, self.pos = data, pos

    def take(self, n):
        need(0 <= n <= len(self.data) - self.pos, f"{n} bytes wanted at {self.pos} of {len(self.data)}")
        self.pos += n
        return bytes(self.data[self.pos - n:self.pos])

    def uint(self, n):
        return int.from_bytes(self.take(n), "little")

    def u8(self):
        return self.uint(1)

    def u32(self):
        return self.uint(4)

    def u64(self):
        return self.uint(8)

    def i64(self):
        return struct.unpack("<q", self.take(8))[0]

    def varint(self):
        value = 0
        for i in range(10):
            byte = self.u8()
            value |= (byte & 127) << 7 * i
            if byte < 128:
                need((byte or not i) and value <= MASK, "varint is not in its shortest form")
                return value
        raise Damage("varint is too long")

    def zigzag(self):
        n = self.varint()
        return n >> 1 ^ -(n & 1)

    def blob(self):
        return self.take(self.varint())

    def optional(self):
        n = self.varint()
        return self.take(n - 1) if n else None

    def flag(self):
        n = self.u8()
        need(n < 2, "a flag is 0 or 1")
        return n

    def end(self, value=None):
        need(self.pos == len(self.data), f"{len(self.data) - self.pos} bytes too many")
        return value


def checksum(additional, data):
    return xxhash.xxh3_128_digest(additional + data)


def unit(c, additional, n):
    """A unit of n bytes, nonce and tag included; its payload."""
    need(n >= 40 and c.take(24) == bytes(24), "unit: a plain nonce is zero")
    payload, tag = c.take(n - 40), c.take(16)
    need(tag == checksum(additional, payload), "unit: wrong checksum")
    return payload


def unit_header(magic, case_id, version=1):
    return magic + struct.pack("<HB5x", version, 1) + case_id


# ---- section files --------------------------------------------------------------------------------


class SectionFile:
    HEADER = 104

    def __init__(self, path, kind, seal=None):
        with open(path, "rb") as f:
            data = self.data = f.read()
        need(len(data) >= self.HEADER + 40, f"{path}: too short")
        magic, version, k, flags, zero = struct.unpack_from("<8sHBB4s", data)
        self.id = data[16:32]
        need((magic, version, k, flags, zero) == (b"LICTORSF", 1, kind, 1, bytes(4)), f"{path}: header")
        need(os.path.basename(path) == self.id.hex(), f"{path}: the name is not the id")
        need(data[32:88] == bytes(56) and data[88:104] == checksum(b"", data[:88]), f"{path}: header")
        magic, offset, n, tag = struct.unpack("<8sQQ16s", data[-40:])
        need(magic == b"LICTORSE" and offset + n + 40 == len(data), f"{path}: trailer")
        toc = data[offset:offset + n]
        need(tag == checksum(self.additional(2**32 - 1, 0, True), toc), f"{path}: table of contents")
        need(seal in (None, (self.id, len(data), hashlib.sha256(toc + tag).digest())), f"{path}: seal")
        self.contents(Cursor(toc), offset)

    def additional(self, section, block, last):
        return self.id + struct.pack("<IQB", section, block, last)

    def contents(self, c, toc_at):
        self.sections, extents, before = {}, [], -1
        for _ in range(c.varint()):
            number, size, length = c.varint(), c.varint(), c.varint()
            need(before < number < 64 and 64 <= size <= 1 << 20, "section number or block size")
            before, end, blocks = number, self.HEADER, []
            for at in range(0, length, size):
                n = min(size, length - at)
                start = end + c.varint()
                end = start + n
                blocks.append((start, n, c.take(16)))
                extents.append((start, end))
            self.sections[number] = (size, blocks)
        c.end()
        at = self.HEADER
        for start, end in sorted(extents):
            need(start == at, "blocks leave a hole or overlap")
            at = end
        need(at == toc_at, "blocks do not reach the table of contents")

    @functools.lru_cache(maxsize=None)
    def section(self, number):
        out, blocks = [], self.sections[number][1]
        for i, (start, n, tag) in enumerate(blocks):
            data = self.data[start:start + n]
            last = i == len(blocks) - 1
            need(tag == checksum(self.additional(number, i, last), data), f"section {number} block {i}")
            out.append(data)
        return b"".join(out)

    def entries(self, number, form):
        """The entries of a directory, and where the next section's pieces begin."""
        data = self.section(number)
        need(len(data) % struct.calcsize(form) == 0, f"section {number}: entries do not fill it")
        return list(struct.iter_unpack(form, data))

    def pieces(self, number, offsets):
        """Cursors of the pieces of a section: each ends where the next begins, the first is at 0."""
        data, ends = self.section(number), [*offsets, len(self.section(number))]
        need(ends[0] == 0 and all(a <= b for a, b in zip(ends, ends[1:])), f"pieces of section {number}")
        return [Cursor(data[a:b]) for a, b in zip(ends, ends[1:])]


# ---- packed integers ------------------------------------------------------------------------------


def run(c, n, bits):
    need(bits <= 64, "run: more than 64 bits")
    whole = c.uint((n * bits + 7) // 8)
    need(whole >> n * bits == 0, "run: bits behind the last value")
    return [whole >> i * bits & (1 << bits) - 1 for i in range(n)]


def packed_block(c, bits):
    need(bits <= 32, "block: more than 32 bits")
    words = struct.unpack(f"<{4 * bits}I", c.take(16 * bits))
    lanes = [sum(word << 32 * row for row, word in enumerate(words[lane::4])) for lane in range(4)]
    return [lanes[i % 4] >> i // 4 * bits & (1 << bits) - 1 for i in range(128)]


def sums(first, differences):
    out = [first]
    for d in differences:
        out.append(out[-1] + d)
    return out


def sizes(n, block):
    return [min(block, n - at) for at in range(0, n, block)]
