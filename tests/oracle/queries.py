"""queries: random queries of every form that the program has, made of what stands in the data.

A query is a tree of ("leaf", text), ("not", a), ("and"|"or", a, b), ("op", operator, a, b); render() makes its
text; smaller() gives the queries that are a step simpler, for shrinking."""
import datetime, random, re, zoneinfo

from lang import RANGE
from words import CJK, EMOJI, PAIR, WHOLE, WORD, class_of

SPECIAL = re.compile(r'[\s"()*?\\~/=:]')
FORMS = {"kind", "wild", "fuzzy", "regex", "within", "mixed", "near", "handles", "source", "dump", "service", "nick", "sha256", "copies", "has-text", "has-values", "then", "hours"}
ZONES = ["UTC", "UTC", "Europe/Paris", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"]
WORDS = re.compile(r"(AND|OR|NOT|NEAR|PRE|THEN)$")


def render(q, up=0):
    kind = q[0]
    if kind == "leaf":
        return q[1]
    if kind == "not":
        s, mine = q[2] + render(q[1], 3), 3
    elif kind == "op":
        s, mine = f"{render(q[2], 4)} {q[1]} {render(q[3], 5)}", 4
    else:
        mine = 2 if kind == "and" else 1
        s = f"{render(q[1], mine)}{' ' if kind == 'and' and q[3] else f' {kind.upper()} '}{render(q[2], mine)}"
    return f"({s})" if mine < up else s


def smaller(q):
    kids = {"leaf": (), "not": (1,), "op": (2, 3), "and": (1, 2), "or": (1, 2)}[q[0]]
    for k in kids:
        yield q[k]
    for k in kids:
        for s in smaller(q[k]):
            yield (*q[:k], s, *q[k + 1:])
    if q[0] == "leaf":
        m = re.fullmatch(r'(=?)"(.*)"(~\d+)?', q[1], re.S)
        if m:
            pieces = m[2].split()
            for k in range(len(pieces)) if len(pieces) > 1 else ():
                yield ("leaf", f'{m[1]}"{" ".join(pieces[:k] + pieces[k + 1:])}"{m[3] or ""}')


class Generator:
    def __init__(self, corpus, seed, forms):
        self.r, self.c, self.forms = random.Random(seed), corpus, forms
        self.words = [i for i, d in enumerate(corpus.docs) if any(t.kind in (WORD, CJK, EMOJI) for t in d.tokens)]
        self.lexicon = list(corpus.index)
        self.sent = [i for i, d in enumerate(corpus.docs) if d.sent is not None]

    def query(self):
        """(tree, zone)"""
        zone = self.r.choice(ZONES)
        self.zone = zoneinfo.ZoneInfo(zone)
        x = self.r.random()
        depth = 0 if x < 0.35 else 1 if x < 0.7 else 2 if x < 0.92 else 3
        return self.tree(depth), zone

    def tree(self, depth):
        r = self.r
        if depth == 0:
            return self.primary()
        x = r.random()
        if x < 0.17:
            return ("not", self.tree(depth - 1), r.choice(["-", "NOT "]))
        if x < 0.27 and "then" in self.forms:
            return self.then(depth)
        return (r.choice(["and", "and", "or"]), self.tree(depth - 1), self.tree(r.randrange(depth)), r.random() < 0.7)

    def primary(self):
        x = self.r.random()
        if x < 0.58:
            return ("leaf", self.text())
        if x < 0.70 and "near" in self.forms:
            return self.near(self.r.choice([1, 1, 2]))
        if x < 0.97:
            return ("leaf", self.field())
        return ("leaf", "*")

    # ---- text --------------------------------------------------------------------------------------

    def doc(self):
        return self.c.docs[self.r.choice(self.words)]

    def token(self, d=None):
        d = d or self.doc()
        return self.r.choice([t for t in d.tokens if t.kind in (WORD, CJK, EMOJI)])

    def text(self, d=None):
        r, d = self.r, d or self.doc()
        forms = ["word"] * 6 + ["exact"] * 2 + ["phrase"] * 3 + ["prefix"] * 2 + ["whole"] + [f for f in ("wild", "fuzzy", "regex", "within", "mixed") if f in self.forms] * 2
        for _ in range(20):
            s = getattr(self, "text_" + r.choice(forms))(d)
            if s:
                return s
        return "van"

    def cased(self, s):
        return self.r.choice([s, s, s, s.upper() if len(s.upper()) == len(s) else s])

    def usable(self, s):
        return s and len(s.encode("utf-8", "replace")) <= 150 and not SPECIAL.search(s) and not WORDS.match(s) and s[0] not in "-=@#" and s.isprintable()

    def text_word(self, d):
        r = self.r
        t = self.token(d)
        s = t.written if r.random() < 0.6 else self.cased(t.text)
        if t.kind == CJK and r.random() < 0.6:
            run = [x for x in d.tokens if x.kind == CJK]
            k = run.index(t)
            s = t.text
            while k + 1 < len(run) and run[k + 1].glued and run[k + 1].pos == run[k].pos + 1 and r.random() < 0.7:
                k += 1
                s += run[k].text
        return s if self.usable(s) else None

    def text_whole(self, d):
        wholes = [t for t in d.tokens if t.kind == WHOLE]
        if not wholes:
            return None
        s = self.r.choice(wholes).written
        fits = not re.search(r'[\s"()*?\\~=]', s) and s[0] not in "/-" and not re.match(r"[A-Za-z]+:(?!//)", s)
        return s if fits else None

    def text_exact(self, d):
        t = self.token(d)
        s = t.written if self.r.random() < 0.7 else t.text.capitalize()
        return "=" + s if self.usable(s) and not s[-1] == "\u00ad" else None

    def run_of_tokens(self, d, n, exact=False):
        tokens = [t for t in d.tokens if t.kind in (WORD, CJK, EMOJI)]
        k = self.r.randrange(len(tokens))
        out = [t.written if exact else self.r.choice([t.written, t.text]) for t in tokens[k:k + n]]
        return out if all(map(self.usable, out)) else None

    def text_phrase(self, d):
        exact = self.r.random() < 0.2
        p = self.run_of_tokens(d, self.r.choice([2, 2, 3, 4]), exact)
        if not p:
            return None
        if self.r.random() < 0.1:
            self.r.shuffle(p)
        return ("=" if exact else "") + '"' + self.r.choice([" ", " ", ", ", "  "]).join(p) + self.r.choice(["", "", "", "?" if "mixed" in self.forms else ".", "!"]) + '"'

    def text_prefix(self, d):
        t = self.token(d)
        s = t.text[:self.r.randrange(1, len(t.text) + 1)]
        if "wild" not in self.forms and any(class_of(c) == "sea" for c in s):
            return None
        return s + "*" if self.usable(s) and t.kind == WORD and not s.endswith("'") else None

    def wild_of(self, s):
        r, out = self.r, []
        for c in s:
            x = r.random()
            out.append("?" if x < 0.15 else "*" if x < 0.25 else "" if x < 0.30 and out and out[-1] == "*" else c)
        if r.random() < 0.4:
            out.insert(r.choice([0, len(out)]), "*")
        return "".join(out)

    def some_word(self, d):
        t = self.r.choice(d.tokens)
        return t.text if t.kind in (WORD, WHOLE) and not re.search(r'[\s"()*?\\~/=]', t.text) and t.text[0] not in "-" and t.text.isprintable() else None

    def text_wild(self, d):
        s = self.some_word(d)
        if not s or self.r.random() < 0.1 and not (s := self.token(d).written) or not self.usable(s.replace(":", "").lstrip("@#")):
            return None
        w = self.wild_of(s)
        if not re.search("[*?]", w) or not w.strip("*") or len(s) > 60 or re.match(r"[A-Za-z]+:", w):
            return None
        return self.r.choice(["", "", "", "="]) + w

    def text_fuzzy(self, d):
        r = self.r
        t = self.token(d)
        s = list(t.text)
        if t.kind != WORD or not self.usable(t.text):
            return None
        for _ in range(r.choice([0, 1, 1, 2])):
            k = r.randrange(len(s))
            s[k:k + 1] = r.choice([[], [s[k], s[k]], ["x"], s[k:k + 2][::-1] if False else ["e"]])
            if not s:
                return None
        s = "".join(s)
        return f"{r.choice(['', '', '='])}{s}~{r.choice([1, 2])}" if self.usable(s) and "'" not in s and len(self.c_split(s)) == 1 else None

    @staticmethod
    def c_split(s):
        from words import split
        return [t for t in split(s) if t.kind not in (WHOLE, PAIR)]

    def text_regex(self, d):
        r, t = self.r, self.token(d)
        s = t.text
        if t.kind != WORD or not re.fullmatch(r"[^\W_]{1,20}", s):
            return None
        out = ""
        for k, c in enumerate(s):
            x = r.random()
            out += (f"[{c}x]" if x < 0.1 else "." if x < 0.2 else f"{c}?" if x < 0.25 else f"{c}+" if x < 0.3 else f"({c}|zz)" if x < 0.35 else
                    "\\w" if x < 0.4 else ".*" if x < 0.45 else c)
        if r.random() < 0.2:
            k = r.randrange(1, len(s) + 1)
            out = f"{s[:k]}.+"
        out = re.sub(r"(\.\*)+", ".*", out)  # one behind the other they only cost
        return f"{r.choice(['', '', '='])}/{out}/"

    def text_within(self, d):
        p = self.run_of_tokens(d, self.r.choice([2, 3, 4, 5]))
        if not p:
            return None
        p = self.r.sample(p, min(len(p), self.r.choice([2, 2, 3])))
        if self.r.random() < 0.2:
            p = [self.r.choice(p)] + p
        return f'"{" ".join(p)}"~{self.r.choice([1, 2, 3, 5, 10])}' if all(len(self.c_split(x)) == 1 for x in p) else None

    def text_mixed(self, d):
        """A phrase whose pieces are patterns."""
        tokens = [t for t in d.tokens if t.kind in (WORD, EMOJI)]
        if len(tokens) < 2:
            return None
        k = self.r.randrange(len(tokens) - 1)
        run = tokens[k:k + self.r.choice([2, 3])]
        if any(b.pos != a.pos + 1 for a, b in zip(run, run[1:])) or not all(self.usable(t.text) and len(t.text) > 1 for t in run):
            return None
        pieces = []
        for t in run:
            x = self.r.random()
            s = t.text
            if x < 0.25:
                s = s[:max(1, len(s) // 2)] + "*"
            elif x < 0.35:
                s = s[0] + "?" * (len(s) - 2) + s[-1]
            elif x < 0.5 and t.kind == WORD and "fuzzy" in self.forms and len(self.c_split(s[:-1])) == 1 and "'" not in s:
                s = s[:-1] + "~1" if len(s) > 2 else s
            elif x < 0.6 and re.fullmatch(r"[^\W_]+", s) and "regex" in self.forms:
                s = f"/{s[0]}.*/"
            pieces.append(s)
        return '"' + " ".join(pieces) + '"'

    def near(self, depth, d=None):
        r, d = self.r, d or self.doc()
        op = f"{r.choice(['NEAR', 'NEAR', 'PRE'])}/{r.choice([1, 1, 2, 3, 5, 8, 1000])}"

        def operand(n):
            if n > 1 and r.random() < 0.5:
                return self.near(n - 1, d)
            if r.random() < 0.2:
                return ("or", ("leaf", self.text(d)), ("leaf", self.text(d)), True)
            return ("leaf", self.text(d))
        return ("op", op, operand(depth), operand(1))

    # ---- fields ------------------------------------------------------------------------------------

    def quoted(self, v, wild=True):
        r = self.r
        esc = re.sub(r'(["\\])', r"\\\1", v)
        plain = not SPECIAL.search(v) and v
        if plain and r.random() < 0.7:
            if wild and r.random() < 0.25:
                k = r.randrange(len(v) + 1)
                if "handles" in self.forms and r.random() < 0.6:
                    w = self.wild_of(v)
                    return w if not w.startswith(('"',)) else f'"{esc}"'
                return v[:k] + "*"
            return v
        return f'"{esc}"'

    def field(self):
        r, c = self.r, self.c
        d = c.docs[r.randrange(len(c.docs))]
        names = ["from", "to", "with", "with", "group", "conv", "id", "has", "has", "on", "on", "after", "before"] + ["kind"] * ("kind" in self.forms)
        names += [f for f in ("source", "dump", "service", "nick", "sha256", "copies") if f in self.forms]
        for _ in range(50):
            n = r.choice(names)
            v = getattr(self, "value_" + n)(d)
            if v:
                return f"{n}:{v}"
            d = c.docs[r.randrange(len(c.docs))]
        return "has:link"

    def one_handle(self, handles):
        handles = sorted(h for h in handles if h and h.isprintable())
        return self.quoted(self.r.choice(handles)) if handles else None

    def value_from(self, d):
        return self.one_handle([d.sender])

    def value_to(self, d):
        return self.one_handle(d.to)

    def value_with(self, d):
        return self.one_handle([d.sender, *d.to])

    def value_group(self, d):
        return self.one_handle([d.group])

    def value_source(self, d):
        return self.one_handle([c.source for c in d.copies])

    def value_service(self, d):
        return self.one_handle([c.service for c in d.copies])

    def value_dump(self, d):
        name, sha = self.r.choice(sorted(x for c in d.copies for x in c.dump))
        return self.r.choice([self.quoted(name), sha[:self.r.randrange(8, 65)]])

    def value_nick(self, d):
        nicks = sorted(n for _, _, n in self.nicks if n.isprintable())
        return self.quoted(self.r.choice(nicks)) if nicks else None

    def value_sha256(self, d):
        all_ = sorted(a["sha256"] for a in d.attachments if a.get("sha256"))
        return self.r.choice(all_)[:self.r.randrange(8, 65)] if all_ else None

    def value_copies(self, d):
        n = len(d.copies)
        return self.r.choice([f"{n}", f">{n - 1}", f">={n}", f"<{n + 1}", f"<={n}", f"{max(n - 1, 1)}..{n}"])

    def value_conv(self, d):
        return d.conversation[:self.r.randrange(8, 33)]

    def value_id(self, d):
        if d.kind == "message" and (self.r.random() < 0.5 or not d.service_id):
            return d.key[:self.r.randrange(8, 33)]
        return d.service_id

    def value_kind(self, d):
        return self.r.choice(["message", "note", "event", "contact", "call", "location", "keepalive"])

    def value_has(self, d):
        return self.r.choice(["attachment", "sealed", "conflict", "repeated", "reply", "copies"] +
                             ["link", "email", "emoji", "phone"] * ("has-text" in self.forms) +
                             ["iban", "crypto", "coordinates"] * ("has-values" in self.forms))

    def stamp(self, t):
        r = self.r
        d = datetime.datetime.fromtimestamp(t // 1000, datetime.timezone.utc)
        zone = r.choice(["", "", "Z", "+02:00", "-04:30"])
        if zone and zone != "Z":
            m = (int(zone[1:3]) * 60 + int(zone[4:])) * (-1 if zone[0] == "-" else 1)
            d += datetime.timedelta(minutes=m)
        elif not zone and r.random() < 0.8:  # as clocks there show it: twice, where they are put back
            d = d.astimezone(self.zone)
        full = d.strftime("%Y-%m-%dT%H:%M:%S")
        n = r.choice([4, 7, 10, 10, 10, 13, 16, 19] if "hours" in self.forms else [4, 7, 10, 10, 10, 16, 19])
        if n < 13:  # days are those of --tz
            zone = ""
        s = full[:n] + (f".{t % 1000:03}" if n == 19 and r.random() < 0.5 else "")
        return s + zone

    def value_on(self, d):
        if d.sent is None:
            return None
        a = self.stamp(d.sent)
        if self.r.random() < 0.3:
            later = self.c.docs[self.r.choice(self.sent)].sent
            if later >= d.sent + 40 * 86400000 or later > d.sent and len(a) >= 10 and later > d.sent + 2 * 86400000:
                return f"{a}..{self.stamp(later)}"
        return a

    def value_after(self, d):
        return self.stamp(d.sent) if d.sent is not None else None

    value_before = value_after

    # ---- THEN --------------------------------------------------------------------------------------

    def then(self, depth):
        r = self.r
        lines = [x for x in self.c.shown.values() if len(x) > 1]
        line = r.choice(lines)
        j = r.randrange(1, len(line))
        i = max(0, j - r.choice([1, 1, 2, 3, 5]))
        a, b = self.c.docs[line[i]], self.c.docs[line[j]]
        unit = r.choice(["s", "m", "h", "d", "msg", "msg"])
        op = f"THEN/{r.choice([1, 2, 5, 10, 60, 100])}{unit}"
        if r.random() < 0.3:
            by = r.choice(["same", "other", self.quoted(b.sender) if b.sender and b.sender.isprintable() else "other"])
            op += f" by:{by}"

        def operand(d):
            x = r.random()
            words = [t for t in d.tokens if t.kind in (WORD, EMOJI) and self.usable(t.text)]
            if words and x < 0.6:
                return ("leaf", r.choice(words).text)
            if d.sender and d.sender.isprintable() and x < 0.8:
                return ("leaf", "from:" + self.quoted(d.sender))
            if x < 0.9:
                return ("leaf", "*")
            return self.tree(max(0, depth - 1))
        return ("op", op, operand(a), operand(b))
