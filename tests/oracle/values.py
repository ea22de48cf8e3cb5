"""values: accounts, addresses and places in a text, recognised and made. Written from docs/QUERY.md and the public
specifications (ISO 13616, BIP 13, 173 and 350, EIP-55, CryptoNote, RFC 5870), with numbers of any size instead of bytes.

recognise(text, folded, urls) -> {"iban", "crypto", "coordinates"} that stand in it; make(random) -> one of them, or
almost one: what makes it one was changed by a sign."""
import hashlib, re

# ---- IBAN ------------------------------------------------------------------------------------------

REGISTRY = {}
for row in ("15:NO 16:BE 18:DK,FK,FI,FO,GL,NL,SD 19:MK,SI 20:AT,BA,EE,KZ,LT,LU,MN,XK 21:HR,LV,LI,CH 22:BH,BG,CR,GE,DE,IE,ME,RS,GB,VA "
            "23:GI,IL,IQ,OM,SO,TL,AE 24:AD,CZ,MD,PK,RO,SA,SK,ES,SE,TN,VG 25:LY,PT,ST 26:IS,TR 27:BI,DJ,FR,GR,IT,MR,MC,SM "
            "28:AL,AZ,BY,CY,DO,SV,GT,HU,LB,NI,PL,HN 29:BR,EG,PS,QA,UA 30:JO,KW,MU,YE 31:MT,SC 32:LC 33:RU").split():
    length, countries = row.split(":")
    REGISTRY.update({c: int(length) for c in countries.split(",")})


def remainder(iban):
    return int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97


def is_iban(s):
    s = s.upper()
    return REGISTRY.get(s[:2]) == len(s) and s[2:4].isdigit() and 2 <= int(s[2:4]) <= 98 and remainder(s) == 1


def ibans(folded):
    """(from, to, compact, in groups?)"""
    for m in re.finditer(r"(?<![^\W_])[a-z]{2}\d\d(?=([ -]?)[a-z0-9])", folded, re.A):
        n, at, sep = REGISTRY.get(m[0][:2].upper()), m.start(), m[1]
        if not n or at and folded[at - 1].isalnum():
            continue
        size = n + (n - 1) // 4 * len(sep)
        s = folded[at:at + size]
        compact = s
        if sep:
            pieces = s.split(sep)
            if [len(p) for p in pieces] != [4] * (n // 4) + [n % 4] * (n % 4 > 0):
                continue
            compact = "".join(pieces)
        if len(s) == size and re.fullmatch("[a-z0-9]+", compact) and not folded[at + size:at + size + 1].isalnum() and is_iban(compact):
            yield at, at + size, compact, bool(sep)


# ---- cryptocurrencies ------------------------------------------------------------------------------

B58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
B32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def keccak256(data):
    """The sponge as CryptoNote and Ethereum have it: padding 01, not that of SHA-3."""
    M = (1 << 64) - 1
    rot = lambda x, n: (x << n | x >> (64 - n)) & M if n else x
    constants, r = [], 1
    for _ in range(24):
        rc = 0
        for j in range(7):
            rc |= (r & 1) << ((1 << j) - 1)
            r = (r << 1) ^ (0x171 if r & 0x80 else 0)
        constants.append(rc)
    rate = 136
    data = bytearray(data) + b"\x01" + b"\0" * (-(len(data) + 1) % rate)
    data[-1] |= 0x80
    a = [[0] * 5 for _ in range(5)]
    for block in range(0, len(data), rate):
        for i in range(rate // 8):
            a[i % 5][i // 5] ^= int.from_bytes(data[block + 8 * i:block + 8 * i + 8], "little")
        for rc in constants:
            c = [a[x][0] ^ a[x][1] ^ a[x][2] ^ a[x][3] ^ a[x][4] for x in range(5)]
            d = [c[x - 1] ^ rot(c[(x + 1) % 5], 1) for x in range(5)]
            a = [[a[x][y] ^ d[x] for y in range(5)] for x in range(5)]
            b = [[0] * 5 for _ in range(5)]
            x, y, turn = 1, 0, 0
            b[0][0] = a[0][0]
            for t in range(24):
                turn += t + 1
                b[y][(2 * x + 3 * y) % 5] = rot(a[x][y], turn % 64)
                x, y = y, (2 * x + 3 * y) % 5
            a = [[b[x][y] ^ (~b[(x + 1) % 5][y] & M & b[(x + 2) % 5][y]) for y in range(5)] for x in range(5)]
            a[0][0] ^= rc
    return b"".join(a[i % 5][i // 5].to_bytes(8, "little") for i in range(4))


def double_sha(b):
    return hashlib.sha256(hashlib.sha256(b).digest()).digest()[:4]


def encode58(b):
    n, out = int.from_bytes(b, "big"), ""
    while n:
        n, d = divmod(n, 58)
        out = B58[d] + out
    return "1" * (len(b) - len(b.lstrip(b"\0"))) + out


def is_base58check(w):
    if not all(c in B58 for c in w):
        return False
    n = 0
    for c in w:
        n = n * 58 + B58.index(c)
    if n >> 200:
        return False
    raw = n.to_bytes(25, "big")
    return encode58(raw) == w and raw[0] in (0, 5, 0x41) and double_sha(raw[:21]) == raw[21:]


BLOCK = {1: 2, 2: 3, 3: 5, 4: 6, 5: 7, 6: 9, 7: 10, 8: 11}  # bytes -> digits


def is_monero(w):
    if len(w) not in (95, 106) or not all(c in B58 for c in w):
        return False
    raw = b""
    for i in range(0, len(w), 11):
        digits, n = w[i:i + 11], 0
        size = {d: b for b, d in BLOCK.items()}.get(len(digits))
        for c in digits:
            n = n * 58 + B58.index(c)
        if size is None or n >> 8 * size:
            return False
        raw += n.to_bytes(size, "big")
    return raw[0] in ((18, 42) if len(raw) == 69 else (19,)) and keccak256(raw[:-4])[:4] == raw[-4:]


def encode_monero(raw):
    out = ""
    for i in range(0, len(raw), 8):
        block = raw[i:i + 8]
        n, s = int.from_bytes(block, "big"), ""
        for _ in range(BLOCK[len(block)]):
            n, d = divmod(n, 58)
            s = B58[d] + s
        out += s
    return out


def bech32_sum(values):
    c = 1
    for v in [3, 3, 0, 2, 3, *values]:
        top, c = c >> 25, (c & 0x1ffffff) << 5 ^ v
        for i, g in enumerate((0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3)):
            c ^= g * (top >> i & 1)
    return c


def is_segwit(w):
    if w not in (w.lower(), w.upper()) or not w.lower().startswith("bc1") or not 14 <= len(w) <= 74:
        return False
    digits = w.lower()[3:]
    if not all(c in B32 for c in digits):
        return False
    values = [B32.index(c) for c in digits]
    version, program = values[0], values[1:-6]
    bits = "".join(f"{v:05b}" for v in program)
    rest = len(bits) % 8
    size = len(bits) // 8
    if version > 16 or not 2 <= size <= 40 or rest > 4 or "1" in bits[len(bits) - rest:] or version == 0 and size not in (20, 32):
        return False
    return bech32_sum(values) == (1 if version == 0 else 0x2bc830a3)


def encode_segwit(version, program):
    bits = "".join(f"{b:08b}" for b in program)
    bits += "0" * (-len(bits) % 5)
    values = [version, *(int(bits[i:i + 5], 2) for i in range(0, len(bits), 5))]
    c = bech32_sum([*values, 0, 0, 0, 0, 0, 0]) ^ (1 if version == 0 else 0x2bc830a3)
    return "bc1" + "".join(B32[v] for v in [*values, *(c >> 5 * (5 - i) & 31 for i in range(6))])


def is_ethereum(w):
    if not re.fullmatch("0[xX][0-9a-fA-F]{40}", w):
        return False
    h = w[2:]
    if h == h.lower() or h == h.upper():
        return True
    return h == mixed(h.lower())


def mixed(h):
    return "".join(c.upper() if n >= "8" else c for c, n in zip(h, keccak256(h.encode()).hex()))


def has_crypto(text):
    words = re.findall(r"(?<![0-9A-Za-z])[0-9A-Za-z]{14,110}(?![0-9A-Za-z])", text)
    return any(f(w) for w in words for f in (is_base58check, is_monero, is_segwit, is_ethereum))


# ---- places ----------------------------------------------------------------------------------------

NUMBER = r"(\d{1,3})(?:\.(\d{1,20}))?(?![\d]|\.\d)(?: ?°)?"
BEFORE = r"(?<![\w$%])(?<!\w[-+'])(?<!\d\.)"
PAIR = re.compile(BEFORE + rf"[-+\u2212]?{NUMBER}(?:\s{{0,2}}[,;/]\s{{0,2}}|\s{{1,4}})[-+\u2212]?{NUMBER}(?! ?°)(?!\w|\.\d)")
AXIS = (r"(?:(?P<b{0}>[nsew])(?: [-+\u2212]?)?|[-+\u2212]?)(?P<d{0}>\d{{1,3}})(?:\.(?P<f{0}>\d{{1,20}}))?(?!\.?\d)"
        r"(?: ?(?P<s{0}>°)(?: ?(?P<m{0}>\d{{1,2}})(?:\.(?P<mf{0}>\d+))? ?['\u2032\u2019](?: ?(?P<t{0}>\d{{1,2}})(?:\.(?P<tf{0}>\d+))? ?(?:[\"\u201d]|['\u2032\u2019]{{2}}))?)?)?"
        r"(?(b{0})|(?: ?(?P<a{0}>[nsew])(?!\w))?)")
MARKED = re.compile(BEFORE + AXIS.format(1) + r"(?! ?°)(?!\w|\.\d)\s{0,2}[,;/]?\s{0,2}" + AXIS.format(2) + r"(?! ?°)(?!\w|\.\d)")
GEO = re.compile(r"(?<!\w)geo:[-+]?(\d{1,3})(?:\.(\d+))?(?: ?°)?,[-+]?(\d{1,3})(?:\.(\d+))?(?: ?°)?(?! ?°)(?!\w|\.\d)")
MAPS = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?(?:[^/?#:]*@)?(?:[^/?#:.]*\.)*(?:google\.[^/?#:]{2,6}/maps|maps\.google\.[^/?#:]{2,6}/|maps\.app\.goo\.gl/|goo\.gl/maps|openstreetmap\.org/|osm\.org/|"
                  r"maps\.apple\.com/|waze\.com/|bing\.com/maps|yandex\.[^/?#:]{2,6}/maps|maps\.yandex\.[^/?#:]{2,6}/|what3words\.com/|w3w\.co/).")


def inside(whole, rest, most):
    return int(whole) < most or int(whole) == most and not (rest or "").strip("0")


def is_pair(m):
    a, b = len(m[2] or ""), len(m[4] or "")
    return min(a, b) >= 3 and max(a, b) >= 4 and inside(m[1], m[2], 90) and inside(m[3], m[4], 180)


def is_marked(m):
    sides = [m["b1"] or m["a1"], m["b2"] or m["a2"]]
    if None in sides or m["b1"] and m["a1"] or m["b2"] and m["a2"] or (sides[0] in "ns") == (sides[1] in "ns"):
        return False
    for i, side in (("1", sides[0]), ("2", sides[1])):
        if not (m["s" + i] or len(m["f" + i] or "") >= 3) or any(int(m[k + i] or 0) >= 60 for k in "mt"):
            return False
        rest = "".join(m[k + i] or "" for k in ("f", "m", "mf", "t", "tf"))
        if not inside(m["d" + i], rest, 90 if side in "ns" else 180):
            return False
    return True


def has_place(folded, urls):
    return (any(is_pair(m) for m in overlapping(PAIR, folded)) or any(is_marked(m) for m in overlapping(MARKED, folded)) or
            any(inside(m[1], m[2], 90) and inside(m[3], m[4], 180) for m in GEO.finditer(folded)) or any(map(MAPS.match, urls)))


def overlapping(pattern, s):
    at = 0
    while (m := pattern.search(s, at)):
        yield m
        at = m.start() + 1


def recognise(text, folded, urls=()):
    tests = {"iban": any(ibans(folded)), "crypto": has_crypto(text), "coordinates": has_place(folded, urls)}
    return {k for k, v in tests.items() if v}


# ---- making them -----------------------------------------------------------------------------------


def make_iban(r):
    country, n = r.choice(sorted(REGISTRY.items()))
    rest = "".join(r.choice("0123456789" if r.random() < 0.8 else "ABCDEFGHJK") for _ in range(n - 4))
    s = f"{country}{98 - remainder(country + '00' + rest):02}{rest}"
    sep = r.choice(["", " ", " ", "-"])
    s = sep.join(s[i:i + 4] for i in range(0, n, 4))
    return s if r.random() < 0.7 else s.lower()


def make_crypto(r):
    x = r.randrange(5)
    if x == 0:
        raw = bytes([r.choice([0, 0, 5, 0x41, 0x6f])]) + r.randbytes(20)
        return encode58(raw + double_sha(raw))
    if x == 1:
        raw = bytes([r.choice([18, 42])]) + r.randbytes(64) if r.random() < 0.7 else bytes([19]) + r.randbytes(72)
        return encode_monero(raw + keccak256(raw)[:4])
    if x == 2:
        s = encode_segwit(*((0, r.randbytes(r.choice([20, 32]))) if r.random() < 0.6 else (r.randrange(1, 17), r.randbytes(r.choice([2, 20, 32, 40])))))
        return s if r.random() < 0.7 else s.upper()
    h = r.randbytes(20).hex()
    return "0x" + r.choice([h, h.upper(), mixed(h), mixed(h)])


def make_place(r):
    lat, lon = r.uniform(-95, 95), r.uniform(-190, 190)
    a, b = f"{lat:.{r.choice([2, 3, 4, 6])}f}", f"{lon:.{r.choice([3, 4, 6])}f}"
    x = r.randrange(5)
    if x < 2:
        return a + r.choice([", ", ",", " ", "; ", " / "]) + b
    if x == 2:
        return f"geo:{a},{b}"
    if x == 3:
        return r.choice(["https://www.google.com/maps?q=", "https://maps.apple.com/?ll=", "https://www.openstreetmap.org/#map=", "https://maps.example.test/?q=", "https://osm.org/"]) + f"{a},{b}"
    dms = lambda v, p, n: f"{int(abs(v))}°{r.randrange(0, 61):02}'" + r.choice(["", f"{r.randrange(0, 60):02}\""]) + (p if v > 0 else n)
    return r.choice([dms(lat, "N", "S") + " " + dms(lon, "E", "W"), f"{abs(lat):.3f}N {abs(lon):.3f}E", f"N {abs(lat):.4f} E {abs(lon):.4f}", f"{abs(lat):.2f}°N, {abs(lon):.1f}°W"])


def make_simple(r):
    """One in which nothing can be taken for a phone number, which the oracle knows in plain spellings alone."""
    while re.search(r"\d[ ,;/(-]+-?\d|(?<!\d)0\d*\.", s := make(r)):
        pass
    return s


def make_text(r):
    """One or two in other words, some of them damaged."""
    s = make(r)
    while r.random() < 0.3:
        k = r.randrange(len(s))
        s = s[:k] + r.choice(["", r.choice("0123456789 .,-NESW°'a"), s[k]]) + s[k + 1:] or "x"
    frame = r.choice(["pay {} there", "{}", "({})", "at {}.", "x, {}, 12", "{} ok", "e {} e poi", "{} {}"])
    return frame.format(s, make(r))


def make(r):
    s = r.choice([make_iban, make_crypto, make_place])(r)
    if r.random() < 0.35:  # almost
        k = r.randrange(len(s))
        while not s[k].isalnum():
            k = r.randrange(len(s))
        s = s[:k] + r.choice([c for c in ("0123456789" if s[k].isdigit() else "abcdefgxABCDEFGX") if c != s[k]]) + s[k + 1:]
    return s
