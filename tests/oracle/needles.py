#!/usr/bin/env python3
"""Needles: strings planted in every script and every spelling, searched in every form of the language, after the
manner of NIST's tests of string search in forensic tools. Prints recall and precision by script and form.
$LICTOR_BIN has the programs. Ends in `N passed, N failed`."""
import collections, json, pathlib, re, sys, unicodedata

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "cli")]

import lictor_cli as cli
from lictor_cli import T, Case, check, dump, run, tool, write
from lang import osa
from queries import FORMS
from words import fold, split

# ---- spellings: how a needle may stand in a text, and yet is to be found -----------------------------

WIDE = {i: i + 0xFEE0 for i in range(0x21, 0x7F)}
BOLD = {**{ord("a") + i: 0x1D41A + i for i in range(26)}, **{ord("A") + i: 0x1D400 + i for i in range(26)}}
CIRCLED = {ord("a") + i: 0x24D0 + i for i in range(26)}
HALF_KANA = {"ガ": "ｶﾞ", "ソ": "ｿ", "リ": "ﾘ", "ン": "ﾝ", "ポ": "ﾎﾟ", "ー": "ｰ", "ト": "ﾄ", "ヌ": "ﾇ", "ゼ": "ｾﾞ"}
HARAKAT, NIQQUD = "\u064e\u0650\u064f\u0652", "\u05b8\u05b5\u05b6"


def marked(mark):
    return lambda s: "".join(c + mark if unicodedata.category(c)[0] == "L" else c for c in s)


def cycled(marks):
    return lambda s: "".join(c + marks[i % len(marks)] for i, c in enumerate(s))


def inside(sign):
    return lambda s: s[:len(s) // 2] + sign + s[len(s) // 2:]


def presentation(s):
    """Arabic letters in the isolated forms of old code pages."""
    forms = {unicodedata.normalize("NFKC", chr(c)): chr(c) for c in range(0xFE80, 0xFEF5) if "ISOLATED" in unicodedata.name(chr(c), "")}
    return "".join(forms.get(c, c) for c in s)


CASES = {"upper": str.upper, "title": str.capitalize}
HIDDEN = {"soft hyphen": inside("\u00ad"), "zero width": inside("\u200b"), "word joiner": inside("\u2060")}
BIDI = {"override": lambda s: "\u202e" + s + "\u202c", "isolate": lambda s: "\u2067" + s + "\u2069", "mark": lambda s: "\u200f" + s + "\u200e"}
FRAMES = {"quoted": lambda s: f"“{s}”", "bracket": lambda s: f"[{s}]", "comma": lambda s: f"{s},{s}", "tag": lambda s: "#" + s, "handle": lambda s: "@" + s,
          "joined": lambda s: f"x1_{s}.txt", "address": lambda s: f"https://example.test/{s}?q=1", "mail": lambda s: f"{s}@example.test"}

# script: (needle, neighbour, {spelling: how}, [decoys: near, and not to be found as a word], [decoys one edit away])
SCRIPTS = {
    "latin": ("zwyrnfeld", "qorblat", {**CASES, **HIDDEN, **BIDI, **FRAMES, "marked": marked("\u0301"), "two marks": marked("\u0323\u0302"), "enclosed": marked("\u20dd"), "mark of another script": marked("\u0902"),
              "wide": lambda s: s.translate(WIDE), "bold": lambda s: s.translate(BOLD), "circled": lambda s: s.translate(CIRCLED)}, ["zwyrnfelder", "zwyrn feld"], ["zwyrnfald", "zwrynfeld"]),
    "ligature": ("affinitzk", "qorblat", {**CASES, "ligature": lambda s: s.replace("ffi", "ﬃ"), "two": lambda s: s.replace("fi", "ﬁ")}, ["affinitzky"], ["afinitzk"]),
    "accented": ("bjørkhöfñ", "qorblat", {**CASES, **HIDDEN, "nfd": lambda s: unicodedata.normalize("NFD", s), "bare": lambda s: s.replace("ö", "o").replace("ñ", "n")},
                 ["bjørkhofner"], ["bjorkhofn"]),
    "sharp s": ("grüßwelt", "qorblat", {"upper": str.upper, "capital": lambda s: s.replace("ß", "ẞ"), "ss": lambda s: s.replace("ß", "ss")}, ["grüßwelten"], ["grusbwelt"]),
    "turkish": ("dızgınlik", "qorblat", {"dotted": lambda s: s.replace("ı", "i"), "upper": lambda s: s.replace("ı", "I").replace("i", "İ").upper()}, ["dizginlikler"], ["dazginlik"]),
    "cyrillic": ("щыцхэюб", "въгзод", {**CASES, **HIDDEN, **BIDI, **FRAMES, "marked": marked("\u0301")}, ["щыцхэюбы"], ["щыцхэюа"]),
    "short i": ("жйфщок", "въгзод", {**CASES, "nfd": lambda s: unicodedata.normalize("NFD", s)}, ["жйфщока"], ["жифщок"]),
    "greek": ("ξψυρξως", "βγδζαθ", {"upper": str.upper, "medial": lambda s: s[:-1] + "σ", "tonos": lambda s: s.replace("ω", "ώ"), "polytonic": lambda s: s.replace("υ", "ὗ"), **HIDDEN},
              ["ξψυρξωσα"], ["ξψυρξας"]),
    "arabic": ("ظغطخذض", "ثقفغعه", {**BIDI, **HIDDEN, **FRAMES, "harakat": cycled(HARAKAT), "presentation": presentation}, ["ظغطخذضك"], ["ظغطخذص"]),
    "hebrew": ("אהכאהכ", "דגכעיח", {**BIDI, **HIDDEN, **FRAMES, "niqqud": cycled(NIQQUD), "wide letter": lambda s: s.replace("ה", "ﬣ", 1)}, ["אהכאהכש"], ["אהכאהת"]),
    "hangul": ("쀍쒧뚫", "꿻뷁", {"nfd": lambda s: unicodedata.normalize("NFD", s), **HIDDEN}, ["쀍쒧뚫은"], ["쀍쒧뚤"]),
    "devanagari": ("झ्ढ़ञिङ", "ठोढू", {**HIDDEN, "nfd": lambda s: unicodedata.normalize("NFD", s)}, ["झ्ढ़ञिङा"], ["झ्ढ़ञिछ"]),
    "emoji": ("🪐", "🧿", {"glued": lambda s: f"x{s}y", "row": lambda s: "🧊" + s + "🧊", "text style": lambda s: s + "\ufe0e", "colour style": lambda s: s + "\ufe0f"}, ["🌍"], []),
    "emoji with skin": ("🤏🏽", "🧿", {"glued": lambda s: f"x{s}y", "selector": lambda s: s + "\ufe0f"}, ["🤏🏿", "🤏"], []),
}
# Scripts without blanks: any substring is found; (needle, {spelling}, decoys)
RUNNING = {
    "han": ("龘靐齉", {"glued": lambda s: f"蓝{s}港", "soft hyphen": inside("\u00ad"), "mixed": lambda s: f"abc{s}def", "compatibility": lambda s: s}, ["龘靐", "靐龘齉", "龘 靐 齉", "龘、靐齉"]),
    "hiragana": ("ゑゐぢゑ", {"glued": lambda s: f"はい{s}です", "nfd": lambda s: unicodedata.normalize("NFD", s)}, ["ゑゐちゑ", "ゑゐ ぢゑ"]),
    "katakana": ("ガヌゼポ", {"glued": lambda s: f"アイ{s}ウ", "half width": lambda s: "".join(HALF_KANA[c] for c in s)}, ["カヌゼポ", "ガヌゼ"]),
    "mixed": ("龘ゑガ", {"glued": lambda s: f"蓝{s}は"}, ["龘ゑカ", "ゑガ龘"]),
    "plane 2": ("\U00020000\U0002A6D6", {"glued": lambda s: "中" + s + "文"}, ["\U00020000\U0002A6D5"]),
}


class Field:
    """All that is planted, by the text's label."""

    def __init__(self):
        self.records, self.labels = [], {}

    def put(self, label, text, how=0):
        n = len(self.records) + 1
        t = T + n * 1000
        if how % 3 == 0:
            r = {"kind": "message", "from": "anna", "to": ["bert"], "sent": t, "text": text}
        elif how % 3 == 1:
            r = {"kind": "note", "owner": "anna", "time": t, "text": text}
        else:
            r = {"kind": "event", "what": "edit", "by": "anna", "to": ["bert"], "value": text, "time": t}
        self.records.append({"seq": n, **r})
        self.labels[n] = label


def plant():
    f = Field()
    for script, (needle, friend, spellings, longer, edited) in SCRIPTS.items():
        for how, (name, spell) in enumerate([("as written", lambda s: s), *spellings.items()]):
            f.put((script, "needle", name), f"ba {spell(needle)} go", how)
            f.put((script, "pair", name), f"ba {spell(needle)} {friend} go", how + 1)
            f.put((script, "apart", name), f"ba {friend} go, bi do {spell(needle)}", how + 2)
        for how, d in enumerate(longer):
            f.put((script, "longer", d), f"ba {d} {friend}", how)
        for how, d in enumerate(edited):
            f.put((script, "edited", d), f"ba {d} go", how)
    for script, (needle, spellings, decoys) in RUNNING.items():
        for how, (name, spell) in enumerate([("as written", lambda s: s), *spellings.items()]):
            f.put((script, "needle", name), f"ba {spell(needle)} go", how)
        for how, d in enumerate(decoys):
            f.put((script, "decoy", d), f"ba {d} go", how)
    return f


class Search:
    def __init__(self, case, field):
        self.case, self.field = case, field
        self.table = collections.defaultdict(lambda: [0, 0, 0])  # (script, form) -> wanted, found, right

    def labels(self, query):
        r = run(cli.QUERY, "search", self.case.dir, *self.case.key, "--format", "jsonl", "-", data=query.encode())
        if r.returncode not in (0, 1):
            raise RuntimeError(f"{query}: {r.stderr.decode()}")
        rows = [json.loads(x) for x in r.stdout.splitlines()][:-1]
        when = lambda x: int(__import__("datetime").datetime.fromisoformat(x["sent"].replace("Z", "+00:00")).timestamp())
        return {self.field.labels[when(x) - T // 1000] for x in rows}

    def look(self, script, form, query, want):
        got = self.labels(query)
        cell = self.table[script, form]
        cell[0] += len(want)
        cell[1] += len(got)
        cell[2] += len(got & want)
        check(got == want, f"{script}, {form}: {query}", f"missing {sorted(want - got)[:3]}, too many {sorted(got - want)[:3]}")

    def show(self):
        forms = list(dict.fromkeys(f for _, f in self.table))
        print(f"{'recall/precision, %':18}" + "".join(f"{f[:9]:>10}" for f in forms))
        for script in dict.fromkeys(s for s, _ in self.table):
            row = f"{script:18}"
            for f in forms:
                want, got, right = self.table.get((script, f), (0, 0, 0))
                pct = lambda a, b: 100 if a == b else min(99, 100 * a // b) if b else 0
                row += f"{'-' if not want else f'{pct(right, want)}/{pct(right, got)}':>10}"
            print(row)


def kinds(field, script, *which):
    return {x for x in field.labels.values() if x[0] == script and x[1] in which}


def search_scripts(s):
    f = s.field
    for script, (needle, friend, spellings, longer, edited) in SCRIPTS.items():
        every = kinds(f, script, "needle", "pair", "apart")
        s.look(script, "written", needle, every)
        for name, spell in spellings.items():
            q = spell(needle)
            if name in FRAMES and name not in ("quoted", "bracket"):
                continue
            form = "case" if name in CASES else "frame" if name in FRAMES else "hidden" if name in HIDDEN else "direction" if name in BIDI else "spelling"
            if name == "glued" or name == "row":
                continue
            s.look(script, form, f'"{q}"' if name in FRAMES else q, every)
        if not script.startswith("emoji"):
            s.look(script, "exact", "=" + needle, {x for x in every if exact_in(text_of(f, x), needle)})
        s.look(script, "phrase", f'"{needle} {friend}"', {x for x in kinds(f, script, "pair") if x[2] not in ("joined", "address", "mail", "glued", "row")})
        s.look(script, "and", f"{needle} {friend}", kinds(f, script, "pair", "apart"))
        s.look(script, "and not", f"{needle} -{friend}", kinds(f, script, "needle"))
        if script.startswith("emoji"):
            continue
        head = fold(needle)
        decoys = kinds(f, script, "longer", "edited")
        among = lambda test: {x for x in decoys if any(test(fold(w)) for w in x[2].split())}
        like = lambda pattern: among(re.compile(pattern, re.S).fullmatch)
        s.look(script, "prefix", needle + "*", every | like(re.escape(head) + ".*"))
        if "wild" in FORMS:
            s.look(script, "wildcard", f"{head[:2]}*{head[-1]}", every | like(f"{head[:2]}.*{head[-1]}"))
            s.look(script, "wildcard", head[:1] + "?" * (len(head) - 2) + head[-1:], every | like(f"{head[:1]}.{{{len(head) - 2}}}{head[-1:]}"))
            s.look(script, "suffix", "*" + head[2:], every | like(".*" + head[2:]))
            s.look(script, "infix", f"*{head[1:-1]}*", every | like(f".*{head[1:-1]}.*"))
        for n in (1, 2) if "fuzzy" in FORMS else ():
            s.look(script, f"fuzzy {n}", f"{head}~{n}", every | among(lambda w: osa(w, head, n) <= n))
        if "regex" in FORMS:
            s.look(script, "regex", f"/{head[:2]}.*{head[-1]}/", every | like(f"{head[:2]}.*{head[-1]}"))
        if "within" in FORMS:
            s.look(script, "within", f'"{friend} {needle}"~9', kinds(f, script, "pair", "apart"))
        if "near" in FORMS:
            s.look(script, "near", f"{needle} NEAR/9 {friend}", kinds(f, script, "pair", "apart"))
            s.look(script, "before", f"{friend} PRE/9 {needle}", kinds(f, script, "apart"))
    for script, (needle, spellings, decoys) in RUNNING.items():
        every = kinds(f, script, "needle")
        s.look(script, "written", needle, every)
        for name, spell in spellings.items():
            if name not in ("glued", "mixed"):
                s.look(script, "spelling", spell(needle), every)
        s.look(script, "phrase", f'"{needle}"', every)
        for i in range(len(needle)):
            for k in range(i + 1, len(needle) + 1):
                part = needle[i:k]
                s.look(script, "substring", part, {x for x in f.labels.values() if x[0] in RUNNING and part in unicodedata.normalize("NFKC", text_of(f, x).replace("\u00ad", ""))})


def exact_in(text, needle):
    return any(t.written == needle for t in split(text))


def text_of(f, label):
    n = next(n for n, x in f.labels.items() if x == label)
    r = f.records[n - 1]
    return r.get("text", r.get("value"))


def search_planted_by_the_generator():
    """What lictor-bench plants, against its own truth."""
    d = cli.TMP / "bench"
    tool(cli.BENCH, "generate", d, "-n", "3000", "--zstd", "--progress", "none")
    c = Case("bench")
    c.add(d / "dumps", ident=False)
    truth = json.loads((d / "truth.json").read_text())
    for n in truth["needles"]:
        q, want = n["query"], n["count"]
        forms = {q, q.upper(), q.capitalize(), unicodedata.normalize("NFD", q), q.translate(WIDE)}
        if n["script"] not in ("emoji", "han", "hiragana"):
            forms |= {q + "*", q[:-1] + "*"}
            forms |= {"*" + q[2:], q[:2] + "?" * (len(q) - 3) + q[-1:]} if "wild" in FORMS else set()
            forms |= {q + "~1", q[:-1] + "~1", q[:2] + "x" + q[2:] + "~1", q[1] + q[0] + q[2:] + "~1"} if "fuzzy" in FORMS else set()
        for form in sorted(forms):
            r = run(cli.QUERY, "search", c.dir, *c.key, "--count", "-", data=form.encode())
            check(r.stdout.strip() == str(want).encode(), f"generator's needle {form}", (r.stdout, r.stderr[-200:], want))


def main():
    f = plant()
    c = Case("needles")
    a = c.add(write("needles.ndjson", dump(f.records)), ident=False)
    check(a.code == 0 and a.balanced(), "the needles go in", a)
    s = Search(c, f)
    search_scripts(s)
    s.show()
    search_planted_by_the_generator()


main()
cli.finish()
