"""lang: the query language, parsed and evaluated by brute force over Docs. Written from the documents.

Corpus(docs, nicks).answer(query, tz) -> Answer: hits (keys, with how often each), total, conversations, sealed,
untimed. Every leaf says of every Doc in range: true, false, or unknown with the reasons why (a sealed body, no
time); AND, OR and NOT follow Kleene, so that what cannot be tested does not match, negated or not."""
import bisect, collections, datetime, functools, itertools, math, re, unicodedata, zoneinfo

from records import raw_bytes
from words import BASE, PAIR, WHOLE, fold, split

RANGE = ("message", "note")  # and edits; other kinds only with kind:
HAS_SEEN = ("link", "email", "emoji", "phone", "iban", "crypto", "coordinates")


class QueryError(Exception):
    pass


# ---- parsing ---------------------------------------------------------------------------------------
# A tree of tuples: ("and", a, b) ("or", a, b) ("not", a) ("near", a, b, n) ("pre", a, b, n)
# ("then", a, b, amount, unit, by) ("all",) ("field", name, pattern) ("text", parts, within or None, as written)
# A part is (offset, kind, payload): what stands at one position.

PAREN, LEAF = "paren", "leaf"


def lex(q):
    out, i, n = [], 0, len(q)
    while i < n:
        if q[i].isspace():
            i += 1
        elif q[i] in "()":
            out.append((PAREN, q[i]))
            i += 1
        elif q[i] == "-" and i + 1 < n and not q[i + 1].isspace():
            out.append((PAREN, "-"))
            i += 1
        else:
            k = leaf_end(q, i)
            out.append((LEAF, q[i:k]))
            i = k
    return out


def leaf_end(q, i):
    n, k = len(q), i
    if q[k] == "=":
        k += 1
    if k < n and q[k] == "/":
        k = closing(q, k, "/")
        return k
    while k < n and not q[k].isspace() and q[k] not in "()":
        if q[k] == "\\":
            k += 2
        elif q[k] == '"':
            k = closing(q, k, '"')
        else:
            k += 1
    return min(k, n)


def closing(q, k, sign):
    k += 1
    while k < len(q) and q[k] != sign:
        k += 2 if q[k] == "\\" else 1
    if k >= len(q):
        raise QueryError("not closed")
    return k + 1


DISTANCE = re.compile(r"(NEAR|PRE)/(\d+)$")
THEN = re.compile(r"THEN/(\d+)(s|m|h|d|msg)$")


class Parser:
    def __init__(self, q):
        self.t, self.i, self.has_kind = lex(q), 0, False

    def peek(self):
        return self.t[self.i] if self.i < len(self.t) else (None, None)

    def take(self):
        x = self.peek()
        self.i += 1
        return x

    def parse(self):
        tree = self.either()
        if self.i != len(self.t):
            raise QueryError(f"unexpected {self.peek()}")
        return tree

    def either(self):
        a = self.both()
        while self.peek() == (LEAF, "OR"):
            self.take()
            a = ("or", a, self.both())
        return a

    def both(self):
        a = self.negated()
        while self.peek()[0] and self.peek() not in ((LEAF, "OR"), (PAREN, ")")):
            if self.peek() == (LEAF, "AND"):
                self.take()
            a = ("and", a, self.negated())
        return a

    def negated(self):
        if self.peek() in ((LEAF, "NOT"), (PAREN, "-")):
            self.take()
            return ("not", self.negated())
        return self.then()

    def then(self):
        a = self.near()
        while self.peek()[0] == LEAF and (m := THEN.match(self.peek()[1])):
            self.take()
            by = None
            if self.peek()[0] == LEAF and self.peek()[1].startswith("by:"):
                by = handle_pattern(self.take()[1][3:])
            a = ("then", a, self.near(), int(m[1]), m[2], by)
        return a

    def near(self):
        a = self.primary()
        while self.peek()[0] == LEAF and (m := DISTANCE.match(self.peek()[1])):
            self.take()
            a = (m[1].lower(), a, self.primary(), int(m[2]))
        return a

    def primary(self):
        kind, x = self.take()
        if (kind, x) == (PAREN, "("):
            a = self.either()
            if self.take() != (PAREN, ")"):
                raise QueryError("( not closed")
            return a
        if kind != LEAF:
            raise QueryError(f"unexpected {x}")
        return self.leaf(x)

    def leaf(self, x):
        tree = self.plain_leaf(x)
        return (*tree, x) if tree[0] == "text" else tree

    def plain_leaf(self, x):
        if x == "*":
            return ("all",)
        m = re.match(r"([a-z0-9]+):", x)
        if m and m[1] in FIELDS:
            if m[1] == "kind":
                self.has_kind = True
            return ("field", m[1], x[m.end():])
        exact = x.startswith("=") and len(x) > 1
        if exact:
            x = x[1:]
        if x[0] == '"':
            end = closing(x, 0, '"')
            rest = x[end:]
            within = int(rest[1:]) if rest.startswith("~") else None
            return ("text", phrase_parts(x[1:end - 1], exact), within)
        return ("text", word_parts(x, exact), None)


FIELDS = ("from", "to", "with", "group", "conv", "source", "dump", "service", "id", "nick", "kind", "has", "sha256", "copies", "on", "after", "before")


def unescape(s):
    """[(char, literal?)]"""
    out, i = [], 0
    while i < len(s):
        if s[i] == "\\" and i + 1 < len(s):
            out.append((s[i + 1], True))
            i += 2
        else:
            out.append((s[i], False))
            i += 1
    return out


def wild(signs, folder):
    """A compiled pattern of [(char, literal?)]; runs of literals are folded together."""
    out, run = [], []
    for c, literal in signs + [("*", None)]:
        if c in "*?" and not literal:
            out.append(re.escape(folder("".join(run))))
            run = []
            if literal is False:
                out.append(".*" if c == "*" else ".")
        else:
            run.append(c)
    return re.compile("".join(out), re.S)


def as_is(s):
    return s


def word_parts(x, exact):
    m = re.fullmatch(r"(.+)~([12])", x, re.S)
    if x[0] == "/" and len(x) > 1:
        return [(0, "regex", (regex(x, exact), exact))]
    if m:
        s = "".join(c for c, _ in unescape(m[1]))
        return [(0, "fuzzy", (s if exact else fold(s), int(m[2]), exact))]
    signs = unescape(x)
    if any(c in "*?" and not lit for c, lit in signs):
        return [(0, "wild", (wild(signs, as_is if exact else fold), exact))]
    return plain_parts("".join(c for c, _ in signs), exact, 0, True)[0]


def regex(x, exact):
    body = x[1:-1].replace("\\/", "/")
    return re.compile(f"(?:{body})" if exact else f"(?:{fold_letters(body)})", 0 if exact else re.I)


def fold_letters(body):
    return "".join(c if c.isascii() else fold(c) for c in body)


def plain_parts(s, exact, offset, alone):
    """Parts of plain text from `offset` on, and the offset behind them."""
    tokens = split(s)
    if not tokens:
        if alone:
            raise QueryError("nothing to search for")
        return [], offset
    wholes = [t for t in tokens if t.kind == WHOLE and t.pos == 0 and (t.text[0] in "@#" or t.text[0] == "+" or t.text.isdigit())]
    if alone and wholes:
        best = max(wholes, key=lambda t: len(t.written))
        if len(best.written) == len(s.strip()):
            return [(0, "word", (best.written if exact else best.text, exact, False))], 1
    n = tokens[-1].pos + 1
    out = []
    for t in tokens:
        if t.kind not in (WHOLE, BASE, PAIR):
            out.append((offset + t.pos, "word", (t.written if exact else t.text, exact, t.glued)))
    return out, offset + n


def phrase_parts(s, exact):
    parts, offset = [], 0
    plain = []
    pieces = re.findall(r"(?:\\.|\S)+", s, re.S)

    def flush():
        nonlocal offset, plain
        if plain:
            more, offset = plain_parts(" ".join(plain), exact, offset, False)
            parts.extend(more)
            plain = []
    for p in pieces:
        signs = unescape(p)
        while signs and signs[-1] == ("?", False) and not all(c in "?*" and not l for c, l in signs):
            signs.pop()
        special = (any(c in "*?" and not lit for c, lit in signs) or re.fullmatch(r".+~[12]", p, re.S) or
                   len(p) > 2 and p[0] == "/" and p[-1] == "/")
        if not special:
            plain.append("".join(c for c, _ in signs))
            continue
        flush()
        if any(c in "*?" and not lit for c, lit in signs) and not p.startswith("/"):
            parts.append((offset, "wild", (wild(signs, as_is if exact else fold), exact)))
        else:
            (_, kind, payload), = word_parts(p, exact)
            parts.append((offset, kind, payload))
        offset += 1
    flush()
    if not parts:
        raise QueryError("nothing to search for")
    return parts


def handle_pattern(v):
    """A value with wildcards; quotes take signs as written."""
    signs, i, quoted = [], 0, False
    while i < len(v):
        if v[i] == "\\" and i + 1 < len(v):
            signs.append((v[i + 1], True))
            i += 1
        elif v[i] == '"':
            quoted = not quoted
        else:
            signs.append((v[i], quoted))
        i += 1
    return signs


def plain_value(v):
    return "".join(c for c, _ in handle_pattern(v))


# ---- distances -------------------------------------------------------------------------------------


def osa(a, b, most):
    """Optimal string alignment: insert, delete, substitute, transpose neighbours; most + 1 when more."""
    if abs(len(a) - len(b)) > most:
        return most + 1
    before, row = None, list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        new = [i]
        for j, y in enumerate(b, 1):
            d = min(row[j] + 1, new[j - 1] + 1, row[j - 1] + (x != y))
            if before and i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                d = min(d, before[j - 2] + 1)
            new.append(d)
        before, row = row, new
        if min(row) > most and min(before) > most:
            return most + 1
    return row[-1]


# ---- times -----------------------------------------------------------------------------------------

STAMP = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[Tt ](\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?)?)?)?)?([Zz]|[+-]\d\d:\d\d)?")
EPOCH = datetime.datetime(1970, 1, 1)


def utc_ms(local, zone):
    """The first instant at which the zone's clocks show `local` or later."""
    if isinstance(zone, int):
        return int((local - EPOCH) / datetime.timedelta(milliseconds=1)) - zone * 60000
    t = int((local - EPOCH).total_seconds())

    def shows(u):
        d = datetime.datetime.fromtimestamp(u, datetime.timezone.utc).astimezone(zone).replace(tzinfo=None)
        return int((d - EPOCH).total_seconds())
    lo = t - 30 * 3600
    # Clocks go back at most once in such a stretch: step by quarters of an hour to the first that is late enough.
    while shows(lo + 900) < t:
        lo += 900
    a, b = lo, lo + 900
    while b - a > 1:
        m = (a + b) // 2
        a, b = (a, m) if shows(m) >= t else (m, b)
    return b * 1000 + local.microsecond // 1000


def reading(ms, zone):
    """What the zone's clocks show."""
    at = EPOCH.replace(tzinfo=datetime.timezone.utc) + datetime.timedelta(milliseconds=ms)
    return at.astimezone(zone).replace(tzinfo=None)


def last_ms(start, end, zone):
    """The end of [start, end), less than a day, when clocks show it for the last time."""
    first, width = utc_ms(start, zone), int((end - start) / datetime.timedelta(milliseconds=1))
    again = (first + shift * 900000 for shift in range(1, 13))
    return max([first, *(t for t in again if reading(t, zone) == reading(first, zone))]) + width


def period(x, tz):
    """(first instant, instant behind the last, [start, end) as the zone's clocks show it or None)"""
    m = STAMP.fullmatch(x)
    if not m:
        raise QueryError(f"no time: {x}")
    zone = tz
    if m[8]:
        zone = 0 if m[8] in "Zz" else (int(m[8][1:3]) * 60 + int(m[8][4:])) * (-1 if m[8][0] == "-" else 1)
    y, mo, d, h, mi, s = (int(g) if g else None for g in m.groups()[:6])
    try:
        start = datetime.datetime(y, mo or 1, d or 1, h or 0, mi or 0, s or 0)
    except ValueError as e:
        raise QueryError(str(e))
    if mo is None:
        end = start.replace(year=y + 1)
    elif d is None:
        end = start.replace(year=y + (mo == 12), month=mo % 12 + 1)
    elif h is None:
        end = start + datetime.timedelta(days=1)
    else:
        width = 3600000 if mi is None else 60000 if s is None else 1000 if not m[7] else 10 ** (3 - len(m[7]))
        start += datetime.timedelta(milliseconds=int(((m[7] or "") + "000")[:3]))
        end = start + datetime.timedelta(milliseconds=width)
    first, behind = utc_ms(start, zone), utc_ms(end, zone)
    if m[8]:
        return first, behind, None
    if h is not None and mi is not None and behind > first:
        behind = last_ms(start, end, zone)
    return first, behind, (start, end)


# ---- evaluation ------------------------------------------------------------------------------------

Verdict = collections.namedtuple("Verdict", "true sealed untimed")  # sets of documents; the last two are unknown
Answer = collections.namedtuple("Answer", "hits docs total conversations sealed untimed")


class Corpus:
    def __init__(self, docs, nicks=()):
        self.docs = docs
        self.index = collections.defaultdict(lambda: collections.defaultdict(set))    # folded -> doc -> positions
        self.written = collections.defaultdict(lambda: collections.defaultdict(set))
        self.glued = set()
        for i, d in enumerate(docs):
            for t in d.tokens:
                self.index[t.text][i].add(t.pos)
                self.written[t.written][i].add(t.pos)
                if t.glued:
                    self.glued.add((i, t.pos))
        self.sealed = {i for i, d in enumerate(docs) if d.sealed is not None}
        self.timeless = {i for i, d in enumerate(docs) if d.sent is None}
        self.nicks = collections.defaultdict(set)
        for service, handle, nick in nicks:
            self.nicks[service, handle].add(nickname_fold(nick))
        self.shown = collections.defaultdict(list)
        for i, d in sorted(enumerate(docs), key=lambda x: shown_key(x[1])):
            if d.kind in RANGE or d.edit:
                self.shown[d.conversation].append(i)
        self.cache = {}

    def answer(self, query, tz="UTC"):
        p = Parser(query)
        tree = p.parse()
        self.zone = zoneinfo.ZoneInfo(tz)
        self.everything = set(range(len(self.docs))) if p.has_kind else {i for i, d in enumerate(self.docs) if d.kind in RANGE or d.edit}
        self.any_kind = p.has_kind
        v = self.eval(tree)
        keys = [self.docs[i].key for i in v.true]
        return Answer(collections.Counter(keys), v.true, len(keys), len({self.docs[i].conversation for i in v.true}), len(v.sealed), len(v.untimed))

    def eval(self, tree):
        return getattr(self, "eval_" + tree[0])(*tree[1:])

    def known(self, true, sealed=(), untimed=()):
        true = true & self.everything
        return Verdict(true, (set(sealed) & self.everything) - true, (set(untimed) & self.everything) - true)

    def eval_all(self):
        return self.known(self.everything)

    def eval_not(self, a):
        v = self.eval(a)
        return Verdict(self.everything - v.true - v.sealed - v.untimed, v.sealed, v.untimed)

    def eval_and(self, a, b):
        x, y = self.eval(a), self.eval(b)
        maybe = lambda v: v.true | v.sealed | v.untimed
        possible = maybe(x) & maybe(y)
        return Verdict(x.true & y.true, (x.sealed | y.sealed) & possible, (x.untimed | y.untimed) & possible)

    def eval_or(self, a, b):
        x, y = self.eval(a), self.eval(b)
        true = x.true | y.true
        return Verdict(true, (x.sealed | y.sealed) - true, (x.untimed | y.untimed) - true)

    # ---- text --------------------------------------------------------------------------------------

    def eval_text(self, parts, within, written):
        return self.positional(("text", parts, within, written))

    def eval_near(self, a, b, n):
        return self.positional(("near", a, b, n))

    def eval_pre(self, a, b, n):
        return self.positional(("pre", a, b, n))

    def positional(self, tree):
        return self.known(set(self.spans(tree)), self.sealed)

    def spans(self, tree):
        """doc -> {(first, last)}"""
        if tree[0] == "text":
            return self.spans_within(tree[1], tree[2]) if tree[2] is not None else self.spans_phrase(tree[1])
        if tree[0] == "or":
            out = collections.defaultdict(set)
            for side in tree[1:]:
                for d, s in self.spans(side).items():
                    out[d] |= s
            return out
        if tree[0] not in ("near", "pre"):
            raise QueryError(f"{tree[0]} has no place in a text")
        x, y, n = self.spans(tree[1]), self.spans(tree[2]), tree[3]
        out = {}
        for d in x.keys() & y.keys():
            s = set(before(x[d], y[d], n))
            if tree[0] == "near":
                s |= set(before(y[d], x[d], n))
            if s:
                out[d] = s
        return out

    def spans_phrase(self, parts):
        at = [(off, self.places(kind, payload), kind == "word" and payload[2]) for off, kind, payload in parts]
        out, rarest = collections.defaultdict(set), min(at, key=lambda x: len(x[1]))
        for d in rarest[1]:
            if all(d in places for _, places, _ in at):
                for p in at[0][1][d]:
                    if all(p + off in places[d] and (not glued or (d, p + off) in self.glued) for off, places, glued in at):
                        out[d].add((p, p + at[-1][0]))
        return out

    def spans_within(self, parts, n):
        at = [self.places(kind, payload) for _, kind, payload in parts]
        out = {}
        for d in functools.reduce(lambda a, b: a & b.keys(), at[1:], set(at[0])):
            s = set()
            choose([sorted(x[d]) for x in at], n, (), s)
            if s:
                out[d] = s
        return out

    def places(self, kind, payload):
        """doc -> positions at which one word or pattern stands"""
        key = (kind, payload if kind != "word" else payload[:2])
        if key in self.cache:
            return self.cache[key]
        exact = payload[-1] if kind != "word" else payload[1]
        lexicon = self.written if exact else self.index
        if kind == "word":
            found = [payload[0]] if payload[0] in lexicon else []
        elif kind == "fuzzy":
            found = [w for w in lexicon if osa(payload[0], w, payload[1]) <= payload[1]]
        else:
            found = [w for w in lexicon if payload[0].fullmatch(w)]
        out = collections.defaultdict(set)
        for w in found:
            for d, pos in lexicon[w].items():
                out[d] |= pos
        if len(self.cache) > 500:
            self.cache.clear()
        self.cache[key] = out
        return out

    # ---- relevance ---------------------------------------------------------------------------------

    def scores(self, query, docs):
        """([(term, messages that have it)], {doc: score in millionths, before rounding}); BM25 as docs/QUERY.md has it."""
        terms = {}
        gather(Parser(query).parse(), False, terms)
        self.any_kind = False
        self.everything = {i for i, d in enumerate(self.docs) if d.kind in RANGE or d.edit}
        n_all, counts, out = len(self.everything), [], dict.fromkeys(docs, 0.0)
        for written, tree in terms.items():
            places = self.spans(tree)
            n = len(self.everything & places.keys())
            counts.append((written, n))
            weight = math.log(1 + (n_all - n + 0.5) / (n + 0.5))
            for i in docs:
                f, words = len(places.get(i, ())), max((t.pos + 1 for t in self.docs[i].tokens), default=0)
                if f:
                    out[i] += weight * f * 2.2 / (f + 1.2 * (0.25 + 0.75 * words / 12))
        return counts, {i: s * 1e6 for i, s in out.items()}

    # ---- fields ------------------------------------------------------------------------------------

    def eval_field(self, name, value):
        return getattr(self, "field_" + name)(value)

    def where(self, test):
        return self.known({i for i in self.everything if test(self.docs[i])})

    def handles(self, value, of):
        match = wild(handle_pattern(value), as_is).fullmatch
        return self.where(lambda d: any(h is not None and match(h) for h in of(d)))

    def field_from(self, v):
        return self.handles(v, lambda d: [d.sender])

    def field_to(self, v):
        return self.handles(v, recipients)

    def field_with(self, v):
        return self.handles(v, lambda d: [d.sender, *recipients(d)])

    def field_group(self, v):
        return self.handles(v, lambda d: [d.group])

    def field_service(self, v):
        return self.handles(v, lambda d: [c.service for c in d.copies])

    def field_source(self, v):
        return self.handles(v, lambda d: [c.source for c in d.copies])

    def field_dump(self, v):
        plain = plain_value(v)
        if re.fullmatch("[0-9a-fA-F]{8,64}", plain):
            by_hash = {i for i in self.everything if any(s.startswith(plain.lower()) for c in self.docs[i].copies for _, s in c.dump)}
        else:
            by_hash = set()
        v = self.handles(v, lambda d: [n for c in d.copies for n, _ in c.dump])
        return v._replace(true=v.true | by_hash)

    def field_conv(self, v):
        return self.where(lambda d: d.conversation.startswith(v.lower()))

    def field_id(self, v):
        v = plain_value(v)
        ours = re.fullmatch("[0-9a-fA-F]{8,32}", v)
        return self.where(lambda d: d.service_id == v or (d.kind == "message" and ours and d.key.startswith(v.lower())))

    def field_nick(self, v):
        match = wild(handle_pattern(v), nickname_fold).fullmatch
        return self.where(lambda d: any(match(n) for h in {d.sender, *recipients(d)} for n in self.nicks.get((d.service, h), ())))

    def field_kind(self, v):
        return self.where(lambda d: d.kind == v)

    def field_sha256(self, v):
        return self.where(lambda d: any((a.get("sha256") or "").lower().startswith(v.lower()) for a in d.attachments))

    def field_copies(self, v):
        m = re.fullmatch(r"(\d+)\.\.(\d+)", v)
        if m:
            return self.where(lambda d: int(m[1]) <= len(d.copies) <= int(m[2]))
        m = re.fullmatch(r"(>=|<=|>|<|)(\d+)", v)
        n = int(m[2])
        test = {"": n.__eq__, ">": n.__lt__, ">=": n.__le__, "<": n.__gt__, "<=": n.__ge__}[m[1]]
        return self.where(lambda d: test(len(d.copies)))

    def field_has(self, v):
        if v in HAS_SEEN:
            return self.known({i for i, d in enumerate(self.docs) if v in d.seen}, self.sealed)
        tests = {"attachment": lambda d: bool(d.attachments), "reply": lambda d: d.reply is not None, "sealed": lambda d: d.sealed is not None,
                 "conflict": lambda d: "conflict" in d.flags, "repeated": lambda d: "repeated" in d.flags, "copies": lambda d: len(d.copies) > 1}
        if v not in tests:
            raise QueryError(f"has:{v}")
        return self.where(tests[v])

    def times(self, lo, hi):
        return self.known({i for i, d in enumerate(self.docs) if d.sent is not None and lo <= d.sent < hi}, (), self.timeless)

    def field_on(self, v):
        a, _, b = plain_value(v).partition("..")
        lo, hi, shown = period(a, self.zone)
        if b:
            last = period(b, self.zone)[1]
            if last <= lo:
                raise QueryError("ends before it begins")
            return self.times(lo, last)
        if hi <= lo:
            raise QueryError("skipped")
        if not shown:
            return self.times(lo, hi)
        return self.known({i for i, d in enumerate(self.docs) if d.sent is not None and shown[0] <= reading(d.sent, self.zone) < shown[1]}, (), self.timeless)

    def field_after(self, v):
        return self.times(period(plain_value(v), self.zone)[0], float("inf"))

    def field_before(self, v):
        return self.times(float("-inf"), period(plain_value(v), self.zone)[0])

    # ---- THEN --------------------------------------------------------------------------------------

    def eval_then(self, a, b, amount, unit, by):
        x, y = self.eval(a), self.eval(b)
        true, sealed, untimed = set(), set(), set()
        grade = lambda v, i: 2 if i in v.true else 1 if i in v.sealed or i in v.untimed else 0
        for line in self.conversations_shown():
            for j, second in enumerate(line):
                g2 = grade(y, second)
                if not g2:
                    continue
                first_of = line[max(0, j - amount):j] if unit == "msg" else line[:j]
                for first in first_of:
                    g = min(g2, grade(x, first))
                    reasons = ({"sealed"} if first in x.sealed or second in y.sealed else set()) | ({"untimed"} if first in x.untimed or second in y.untimed else set())
                    if unit != "msg" and g:
                        t1, t2 = self.docs[first].sent, self.docs[second].sent
                        if t1 is None or t2 is None:
                            g, reasons = 1, reasons | {"untimed"}
                        elif not 0 <= t2 - t1 <= amount * {"s": 1000, "m": 60000, "h": 3600000, "d": 86400000}[unit]:
                            g = 0
                    if by and g and not self.sender_fits(by, self.docs[first], self.docs[second]):
                        g = 0
                    if g == 2:
                        true.add(second)
                    elif g == 1:
                        if "sealed" in reasons:
                            sealed.add(second)
                        if "untimed" in reasons:
                            untimed.add(second)
        return Verdict(true, sealed - true, untimed - true)

    def conversations_shown(self):
        if not self.any_kind:
            return self.shown.values()
        out = collections.defaultdict(list)
        for i, d in sorted(enumerate(self.docs), key=lambda x: shown_key(x[1])):
            out[d.conversation].append(i)
        return out.values()

    @staticmethod
    def sender_fits(by, a, b):
        word = "".join(c for c, _ in by)
        if word == "same" and not by[0][1]:
            return a.sender == b.sender
        if word == "other" and not by[0][1]:
            return a.sender != b.sender
        return b.sender is not None and bool(wild(by, as_is).fullmatch(b.sender))


def gather(tree, negated, out):
    """The terms of a query: what stands behind no NOT, of a THEN the last side."""
    if tree[0] == "text":
        if not negated:
            out.setdefault(tree[3], tree)
    elif tree[0] == "then":
        gather(tree[2], negated, out)
    elif tree[0] in ("and", "or", "near", "pre", "not"):
        for kid in tree[1:3] if tree[0] != "not" else tree[1:2]:
            gather(kid, negated != (tree[0] == "not"), out)


def shown_key(d, newest=False):
    """The order of answers: time, untimed last; equal times by conversation and source order, also newest first."""
    t = d.sent or 0
    return (d.sent is None, -t if newest else t, d.conversation, d.place[1], d.repeat, d.key)


def recipients(d):
    return [*d.to, *d.who]


def nickname_fold(s):
    before = None
    while s != before:
        before, s = s, unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", s).casefold())
    return s


def before(xs, ys, n):
    """Spans of an x with a y behind it, at most n after its end."""
    ys = sorted(ys)
    for a, b in xs:
        i = bisect.bisect_right(ys, (b, float("inf")))
        for c, d in itertools.islice(ys, i, None):
            if c - b > n:
                break
            yield a, d


def choose(lists, n, taken, out):
    if not lists:
        out.add((min(taken), max(taken)))
        return
    for p in lists[0]:
        if p not in taken and (not taken or max(*taken, p) - min(*taken, p) <= n):
            choose(lists[1:], n, (*taken, p), out)
