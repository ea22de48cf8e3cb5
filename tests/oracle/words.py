"""words: text to words as the language reference says, by the plainest means: one code point after the
other. Written from the documents, with unicodedata; knows nothing of the C code.

split(text) -> [Token]; a Token has .pos, .text (folded), .written (as in the source), .kind and .glued
(a Han, Hiragana or Katakana character that follows another one directly).
Thai, Lao, Khmer and Burmese are split by ICU (the contract names it), called through ctypes; where the
library is missing SEA is None and such a text raises NoIcu."""
import ctypes, ctypes.util, functools, glob, re, unicodedata

import values

WORD, CJK, EMOJI, BASE, PAIR, WHOLE = "word", "cjk", "emoji", "base", "pair", "whole"
LINK, EMAIL, PHONE, SMILE = "link", "email", "phone", "emoji"


class NoIcu(Exception):
    pass


class Token:
    __slots__ = ("pos", "kind", "text", "written", "glued", "span")

    def __init__(self, kind, text, written, span, glued=False):
        self.pos, self.kind, self.text, self.written, self.span, self.glued = None, kind, text, written, span, glued

    def __repr__(self):
        return f"{self.pos}:{self.kind}:{self.text!r}"


# ---- what a code point is --------------------------------------------------------------------------


def ranges(text):
    out = set()
    for r in text.split():
        a, _, b = r.partition("-")
        out.update(range(int(a, 16), int(b or a, 16) + 1))
    return out


IGNORABLE = ranges("AD 34F 61C 115F-1160 17B4-17B5 180B-180F 200B-200F 202A-202E 2060-206F 3164 FE00-FE0F FEFF FFA0"
                   " FFF0-FFF8 1BCA0-1BCA3 1D173-1D17A E0000-E0FFF")
PICTURES = ranges(
    "A9 AE 203C 2049 2194-2199 21A9-21AA 231A-231B 2328 23CF 23E9-23F3 23F8-23FA 25AA-25AB 25B6 25C0 25FB-25FE"
    " 2600-2604 260E 2611 2614-2615 2618 261D 2620 2622-2623 2626 262A 262E-262F 2638-263A 2640 2642 2648-2653"
    " 265F-2660 2663 2665-2666 2668 267B 267E-267F 2692-2697 2699 269B-269C 26A0-26A1 26A7 26AA-26AB 26B0-26B1"
    " 26BD-26BE 26C4-26C5 26C8 26CE-26CF 26D1 26D3-26D4 26E9-26EA 26F0-26F5 26F7-26FA 26FD 2702 2705 2708-270D"
    " 270F 2712 2714 2716 271D 2721 2728 2733-2734 2744 2747 274C 274E 2753-2755 2757 2763-2764 2795-2797 27A1"
    " 27B0 27BF 2934-2935 2B05-2B07 2B1B-2B1C 2B50 2B55 3030 303D 1F004 1F0CF 1F300-1F321 1F324-1F393"
    " 1F396-1F397 1F399-1F39B 1F39E-1F3F0 1F3F3-1F3F5 1F3F7-1F4FD 1F4FF-1F53D 1F549-1F54E 1F550-1F567"
    " 1F56F-1F570 1F573-1F57A 1F587 1F58A-1F58D 1F590 1F595-1F596 1F5A4-1F5A5 1F5A8 1F5B1-1F5B2 1F5BC"
    " 1F5C2-1F5C4 1F5D1-1F5D3 1F5DC-1F5DE 1F5E1 1F5E3 1F5E8 1F5EF 1F5F3 1F5FA-1F64F 1F680-1F6C5 1F6CB-1F6D2"
    " 1F6D5-1F6D7 1F6DC-1F6E5 1F6E9 1F6EB-1F6EC 1F6F0 1F6F3-1F6FC 1F7E0-1F7EB 1F7F0 1F90C-1F93A 1F93C-1F945"
    " 1F947-1F9FF 1FA70-1FAFF")
# Letters in a frame: text, unless a selector asks for the picture.
FRAMED = ranges("2122 2139 24C2 3297 3299 1F170-1F171 1F17E-1F17F 1F18E 1F191-1F19A 1F201-1F202 1F21A 1F22F"
                " 1F232-1F23A 1F250-1F251")
VS15, VS16, ZWJ, KEYCAP = "\ufe0e", "\ufe0f", "\u200d", "\u20e3"
SEA_RANGES = ranges("E00-E7F E80-EFF 1000-109F 1780-17FF 19E0-19FF A9E0-A9FF AA60-AA7F")
STRIPS = ("LATIN ", "GREEK ", "CYRILLIC ", "ARABIC ", "HEBREW ")


@functools.lru_cache(None)
def is_cjk(c):
    name = unicodedata.name(c, "")
    return (unicodedata.category(c)[0] in "LN" and name.startswith(("CJK ", "HIRAGANA ", "KATAKANA ", "IDEOGRAPHIC ",
                                                                      "KATAKANA-HIRAGANA ", "VERTICAL IDEOGRAPHIC")))


@functools.lru_cache(None)
def class_of(c):
    """letter, digit, mark, cjk, sea, space or none"""
    cat = unicodedata.category(c)
    if cat[0] == "M":
        return "sea" if ord(c) in SEA_RANGES else "mark"
    if cat[0] in "LN":
        return "sea" if ord(c) in SEA_RANGES and cat[0] == "L" else "cjk" if is_cjk(c) else "letter" if cat[0] == "L" else "digit"
    return "space" if c.isspace() or cat in ("Zs", "Zl", "Zp") else "none"


# ---- folding ---------------------------------------------------------------------------------------


def case_fold(s):
    """NFKC_Casefold, before the last composition."""
    before = None
    while s != before:
        before = s
        s = "".join(c for c in unicodedata.normalize("NFKD", s).casefold() if ord(c) not in IGNORABLE)
    return unicodedata.normalize("NFD", s)


def strip_marks(s):
    out, base = [], ""
    for c in s:
        strips = unicodedata.name(base or " ", "").startswith(STRIPS)
        if unicodedata.combining(c) or (strips and unicodedata.category(c)[0] == "M"):
            short_i = base == "\u0438" and c == "\u0306"
            if not short_i and strips:
                continue
        else:
            base = c
        out.append(c)
    return "".join(out)


@functools.lru_cache(100000)
def fold(s):
    s = s.replace("\u0130", "i").replace("\u0131", "i").replace("\u2019", "'")
    if s.isascii():
        return s.lower()
    return unicodedata.normalize("NFC", strip_marks(case_fold(s)))


def joins_before(c):
    """May combine with what stands before it: such belong to one unit of folding."""
    o = ord(c)
    return (o >= 0x300 and (unicodedata.combining(c) != 0 or 0x1161 <= o <= 0x11FF or o in (0xFF9E, 0xFF9F)
                            or o in IGNORABLE or unicodedata.category(c) in ("Mc", "Mn", "Me")))


# ---- emoji -----------------------------------------------------------------------------------------


def is_picture(c):
    return ord(c) in PICTURES


def is_flag_letter(c):
    return 0x1F1E6 <= ord(c) <= 0x1F1FF


def emoji_at(s, i):
    """(end, canonical, base or None) of the emoji that begins at i, or None."""
    c, n = s[i], len(s)
    at = lambda k: s[k] if k < n else ""
    if c in "0123456789#*":
        k = i + 1 + (at(i + 1) == VS16)
        return (k + 1, c + KEYCAP, c) if at(k) == KEYCAP else None
    if is_flag_letter(c):
        if at(i + 1) and is_flag_letter(at(i + 1)):
            return i + 2, s[i:i + 2], None
        return i + 1, c, None
    if not is_picture(c) and ord(c) not in FRAMED:
        return None
    k, elements, asked = i, 0, False
    while k < n and (is_picture(s[k]) or ord(s[k]) in FRAMED) and elements < 10:
        k += 1
        elements += 1
        if at(k) in (VS15, VS16) and at(k):
            asked |= at(k) == VS16
            k += 1
        if at(k) and 0x1F3FB <= ord(at(k)) <= 0x1F3FF:
            k, asked = k + 1, True
            k += at(k) == VS16
        m = k
        while at(m) and 0xE0020 <= ord(at(m)) <= 0xE007E:
            m += 1
        if m > k and at(m) == "\U000E007F":
            k, asked = m + 1, True
        if not (at(k) == ZWJ and at(k + 1) and (is_picture(at(k + 1)) or ord(at(k + 1)) in FRAMED)):
            break
        if elements < 10:
            k += 1
    if s[k - 1] == ZWJ:
        k -= 1
    if ord(c) in FRAMED and not asked and elements == 1:
        return None
    whole = "".join(x for x in s[i:k] if x not in (VS15, VS16))
    return k, whole, (c if whole != c else None)


# ---- ICU for the scripts that need a dictionary ----------------------------------------------------


class Icu:
    def __init__(self):
        names = [ctypes.util.find_library("icuuc")] + sorted(glob.glob("/usr/lib/*/libicuuc.so*") + glob.glob("/usr/lib/libicuuc.so*"), reverse=True)
        for name in filter(None, names):
            try:
                self.lib = ctypes.CDLL(name)
            except OSError:
                continue
            for v in [""] + [f"_{n}" for n in range(90, 50, -1)]:
                if hasattr(self.lib, "ubrk_open" + v):
                    self.v = v
                    return
        raise OSError("no ICU")

    def call(self, name, *args):
        return getattr(self.lib, name + self.v)(*args)

    def split(self, run):
        """Lengths of the words of a run, in code points."""
        raw = run.encode("utf-16-le")
        status, open_ = ctypes.c_int(0), getattr(self.lib, "ubrk_open" + self.v)
        open_.restype = ctypes.c_void_p
        units = ctypes.create_string_buffer(raw)
        b = ctypes.c_void_p(open_(1, b"", units, len(raw) // 2, ctypes.byref(status)))
        if status.value > 0:
            raise OSError(f"ubrk_open: {status.value}")
        ends, at = [], 0
        self.call("ubrk_first", b)
        while (to := self.call("ubrk_next", b)) >= 0:
            ends.append(len(raw[at * 2:to * 2].decode("utf-16-le")))
            at = to
        self.call("ubrk_close", b)
        return ends


try:
    SEA = Icu()
except OSError:
    SEA = None


# ---- splitting -------------------------------------------------------------------------------------


class Scan:
    """The folded text, and from where in the source each of its code points came."""

    def __init__(self, s):
        self.src, self.text, self.origin, self.emoji = s, [], [], {}
        i, n = 0, len(s)
        while i < n:
            e = emoji_at(s, i)
            if e:
                self.emoji[len(self.text)] = e[1:]
                self.text.append("\ufdd0")
                self.origin.append((i, e[0]))
                i = e[0]
                continue
            k = i + 1
            while k < n and joins_before(s[k]):
                k += 1
            self.text.extend(f := "\ufdd1" if 0xD800 <= ord(s[i]) <= 0xDFFF else fold(s[i:k]))
            self.origin.extend([(i, k)] * len(f))
            i = k
        self.text = "".join(self.text)

    def span(self, a, b):
        return self.origin[a][0], self.origin[b - 1][1]

    def written(self, a, b):
        x, y = self.span(a, b)
        return self.src[x:y]


def cut_parts(scan):
    """(kind, from, to, glued) of every part, by its place in the scan."""
    t, parts, i, n = scan.text, [], 0, len(scan.text)
    cls = ["emoji" if k in scan.emoji else class_of(c) for k, c in enumerate(t)]
    while i < n:
        c = cls[i]
        if c == "emoji":
            parts.append((EMOJI, i, i + 1, False))
            i += 1
        elif c == "cjk":
            k = i + 1
            while k < n and cls[k] == "mark":
                k += 1
            parts.append((CJK, i, k, bool(parts) and parts[-1][0] == CJK and parts[-1][2] == i))
            i = k
        elif c == "sea":
            k = i
            while k < n and cls[k] in ("sea", "mark"):
                k += 1
            if SEA is None:
                raise NoIcu
            at = i
            for length in SEA.split(t[i:k]):
                if unicodedata.category(t[at])[0] in "LN":
                    parts.append((WORD, at, at + length, False))
                at += length
            i = k
        elif c in ("letter", "digit"):
            k = i + 1
            while k < n:
                if cls[k] in ("letter", "digit", "mark"):
                    k += 1
                elif t[k] == "'" and k + 1 < n and cls[k + 1] in ("letter", "digit"):
                    k += 2
                else:
                    break
            parts.append((WORD, i, k, False))
            i = k
        else:
            i += 1
    return parts


JOINERS = "._-:"


def chains(scan, parts):
    """Joined names: parts with exactly one joiner, or nothing, between them."""
    out, k = [], 0
    while k < len(parts):
        if parts[k][0] == EMOJI:
            k += 1
            continue
        m, joined = k, False
        while m + 1 < len(parts) and parts[m + 1][0] != EMOJI:
            gap = scan.text[parts[m][2]:parts[m + 1][1]]
            if gap and not (gap in JOINERS and len(gap) == 1 and scan.written(parts[m][2], parts[m + 1][1]).rstrip() == gap):
                break
            joined |= bool(gap)
            m += 1
        if joined:
            out.append((parts[k][1], parts[m][2]))
        k = m + 1
    return out


URL = re.compile(r"(?:[a-z][a-z0-9]*(?:[+.\-][a-z0-9]+)*://|www\.(?=\w))[^\s<>\"'\ufdd0\ufdd1\x00-\x20\x7f]+")
EMAIL_AT = re.compile(r"[^\W_][\w.%+\-']*@(?:[^\W_][\w\-]*\.)+[^\W\d_][\w\-]*[^\W_]")
NAME_AT = re.compile(r"[@#][\w]+")


def trim_url(u):
    while u:
        c = u[-1]
        if c in ".,;:!?" or c in ")]}" and u.count(c) > u.count("([{"[")]}".index(c)]) or \
                ord(c) >= 0x80 and class_of(c) == "none":
            u = u[:-1]
        else:
            break
    return u


def urls(scan):
    """(from, to, is_host)"""
    out, at, t = [], 0, scan.text
    while (m := URL.search(t, at)):
        i = m.start()
        if i and (class_of(t[i - 1]) in ("letter", "digit", "mark")) or i and t[i - 1] in JOINERS and i > 1 and class_of(t[i - 2]) in ("letter", "digit", "cjk"):
            at = i + 1
            continue
        head = t.index("://", i) + 3 if not m[0].startswith("www.") else i
        u = trim_url(t[head:m.end()])
        at = m.end()
        if not u:
            continue
        out.append((i, head + len(u), False))
        host = re.split(r"[/?#\\]", u)[0]
        start = head + host.rfind("@") + 1
        name = host[host.rfind("@") + 1:]
        name = name[1:].split("]")[0] if name.startswith("[") else name.split(":")[0]
        start += u.startswith("[")
        name = name.rstrip(".")
        if name and class_of(name[0]) in ("letter", "digit", "cjk", "sea"):
            out.append((start, start + len(name), True))
    return out


def emails(scan):
    return [m.span() for m in EMAIL_AT.finditer(scan.text)]


def names(scan):
    out, t = [], scan.text
    for m in NAME_AT.finditer(t):
        i = m.start()
        if i and class_of(t[i - 1]) in ("letter", "digit", "mark"):
            continue
        if not any(class_of(c) in ("letter", "digit", "cjk", "sea") for c in m[0]):
            continue
        out.append(m.span())
        more = re.compile(r"[.\-:][^\W_]\w*").match
        to = m.end()
        while (x := more(t, to)):
            to = x.end()
        if to > m.end():
            out.append((i, to))
    return out


PHONE_AT = re.compile(r"(?<![\w+.,:/\-])(\+|00)?(\(?\d+\)?(?:(?: - | / |[ \-./(]{1,2}|\) )\(?\d+\)?)*)(?!\w)")


def phones(scan):
    """(from, to, canonical). Plain cases only; data and queries of the oracle keep to them."""
    out = []
    for m in PHONE_AT.finditer(scan.text):
        body = m[2].replace("(0)", "") if m[1] else m[2]
        digits = re.sub(r"\D", "", body)
        total = len(digits)
        if 7 <= total <= 15 and (m[1] or re.fullmatch(r"[\d ]+", m[2])):
            out.append((m.start() + 0, m.end(), ("+" if m[1] else "") + digits))
    return out


def split(s):
    tokens, seen = split_seen(s)
    return tokens


def split_seen(s):
    """(tokens by position, what was seen)"""
    scan = Scan(s)
    parts = cut_parts(scan)
    seen = set()
    found = [(a, b, scan.text[a:b]) for a, b in chains(scan, parts)]
    u = urls(scan)
    if u:
        seen.add(LINK)
    found += [(a, b, scan.text[a:b]) for a, b, _ in u]
    inside = lambda a, b: any(x < b and a < y for x, y, host in u if not host)
    mail = emails(scan)
    if mail:
        seen.add(EMAIL)
    found += [(a, b, scan.text[a:b]) for a, b in mail + names(scan)]
    accounts = list(values.ibans(scan.text))
    found += [(a, b, compact) for a, b, compact, grouped in accounts if grouped]
    for a, b, number in phones(scan):
        if not inside(a, b) and not any(x < b and a < y for x, y, _, _ in accounts):
            seen.add(PHONE)
            found.append((a, b, number))
    if scan.emoji:
        seen.add(SMILE)
    seen |= values.recognise(s, scan.text, [scan.text[a:b] for a, b, host in u if not host])
    tokens = []
    for pos, (kind, a, b, glued) in enumerate(parts):
        text = scan.emoji[a][0] if kind == EMOJI else scan.text[a:b]
        here = [Token(kind, text, scan.written(a, b), (a, b), glued)]
        if kind == EMOJI and scan.emoji[a][1]:
            here.append(Token(BASE, scan.emoji[a][1], scan.written(a, b), (a, b)))
        if kind == CJK and pos + 1 < len(parts) and parts[pos + 1][3]:
            y = parts[pos + 1][2]
            here.append(Token(PAIR, scan.text[a:b] + scan.text[parts[pos + 1][1]:y], scan.written(a, y), (a, y)))
        before = parts[pos - 1][1] if pos else -1
        for x, y, whole in found:
            if before < x <= a and whole != text and whole not in [w.text for w in here]:
                here.append(Token(WHOLE, whole, scan.written(x, y), (x, y)))
        for w in here:
            w.pos = pos
        tokens += here
    return tokens, seen
