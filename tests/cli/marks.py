#!/usr/bin/env python3
"""What search marks in the text of hits, for people and in pages, and what it shows of long texts.
Ends in `N passed, N failed`."""
import re, unicodedata

from lictor_cli import *

FAMILY, SHRUG, THUMB = "👨‍👩‍👧", "🤷🏻‍♀️", "👍🏽"
TEXTS = ["the blue van waits, the van is blue", "شاحنة زرقاء عند الميناء شاحنة", "東京都に行く東京", f"{SHRUG} and {THUMB}{FAMILY} and 🤷", "ｖａｎ VAN ván =van",
         "⟦van⟧ is no mark of ours", "van\u202eevil\u202c van\nvan", "บ้านสวัสดีครับ", "old van~ keys red van old", "tape\U0001F3FD"]
ZALGO = "z" + "\u0301\u0323" * 40
LONG = ["filler text " * 200 + "the NEEDLE here " + f"{FAMILY}{THUMB}{ZALGO} " * 300 + "the needle again " + FAMILY * 700,
        "needle " * 400, "漢字" * 1500 + "needle" + "漢字" * 1500, f"{FAMILY}" * 900 + " needle " + "e\u0301" * 1300, "needle y" + FAMILY * 1300]


def delivery():
    c = Case("marks")
    a = [msg(i + 1, t, sent=T + i * 1000) for i, t in enumerate(TEXTS + LONG)]
    check(c.add(write("m", dump(a, "imei:A", account="anna"))).code == 0, "goes in")
    return c


def query(*args, **kw):
    return run(QUERY, args[0], C.dir, *C.key, *args[1:], **kw)


def shown(*args):
    return query("search", "--all", *args).stdout.decode()


def evidence(out):
    """The lines of texts, joined again."""
    return "\n".join(x.split("│ ", 1)[1].strip("\u2068\u2069") for x in out.splitlines() if x.startswith("  │ "))


def marked(*args):
    return re.findall("⟦(.*?)⟧", evidence(shown("--mark", "signs", *args)).replace("\n", " "))


def test_every_match():
    for q, want in (('"blue van"', ["blue van"]), ("شاحنة", ["شاحنة", "شاحنة"]), ("東京", ["東京", "東京"]),
                    ("🤷", [SHRUG, "🤷"]), (THUMB + " -needle", [THUMB]), ("سيارة OR زرقاء", ["زرقاء"]), ("สวัสดี", ["สวัสดี"]),
                    ("old NEAR/2 keys", ["keys", "old"]), ("tape", ["tape\U0001F3FD"]), ("red -blue", ["red"]), ("v?n waits -keys", ["van", "waits", "van"])):
        got = marked(q)
        check(sorted(got) == sorted(want), f"marked for {q}", got)
    out = shown("--mark", "signs", "van from:anna -needle")
    check("⟦ｖａｎ⟧ ⟦VAN⟧ ⟦ván⟧ =⟦van⟧" in out, "as written, however it is folded", out)
    check("\\u{27e6}⟦van⟧\\u{27e7} is no mark of ours" in out, "signs of a sender are no marks", out)
    check("\u202e" not in out and "\\u{202e}" in out, "still inert", out)


def test_when():
    plain = shown("waits")
    check("│ the blue van waits, the van is blue\n" in plain, "a pipe has the text as it is", plain)
    check(shown("--mark", "none", "waits") == plain and "⟦waits⟧" in shown("--mark", "signs", "waits"), "asked for")
    check("\x1b[1;30;43mwaits\x1b[0m" in shown("--color", "always", "waits"), "by colour")
    both = shown("--color", "always", "--mark", "signs", "waits")
    check("⟦waits⟧" in both and "43mwaits" not in both, "signs in spite of colour", both)
    check("43m" not in shown("--color", "always", "--mark", "none", "waits"), "not at all")
    check("\x1b[1;30;43m" + SHRUG + "\x1b[0m" in shown("--color", "always", "🤷"), "no colour begins inside an emoji")
    r = query("search", "--mark", "loud", "waits")
    check(r.returncode == 2 and b"auto, signs or none" in r.stderr, "no such way", r.stderr)
    r = query("search", "--format", "jsonl", "--mark", "signs", "waits").stdout
    check("⟦".encode() not in r, "machines get the text", r)
    env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    for extra, sign in (({"NO_COLOR": "1"}, "⟦waits⟧"), ({"TERM": "dumb"}, "⟦waits⟧"), ({"TERM": "xterm"}, "\x1b[1;30;43mwaits")):
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(QUERY, [QUERY, "search", str(C.dir), *map(str, C.key), "--no-pager", "waits"], {**env, **extra})
        out = b""
        try:
            while part := os.read(fd, 65536):
                out += part
        except OSError:
            pass
        os.close(fd)
        os.waitpid(pid, 0)
        check(sign in out.decode(), f"on a terminal with {extra}", out)
    a, b = (query(cmd, "--mark", "signs", "--all", "van").stdout for cmd in ("search", "scan"))
    check(b.startswith(a[:a.rindex(b" of ") - 3]) and "⟦van⟧".encode() in b, "scan marks the same", b[:300])
    around = shown("--mark", "signs", "--context", "2", "needle -NEEDLE OR waits")
    check("⟦waits⟧" in around and "\\u{27e6}" not in around.split("⟦waits⟧")[0][:40], "only hits are marked in context", around[:400])


def whole_characters(text, part):
    """Neither begins nor ends inside a character."""
    joins = lambda c: unicodedata.combining(c) or c in "\u200d\ufe0f\ufe0e" or 0x1F3FB <= ord(c) <= 0x1F3FF
    at = text.find(part)
    end = at + len(part)
    return at >= 0 and not joins(text[at]) and (at == 0 or text[at - 1] != "\u200d") and part[-1] != "\u200d" and (end == len(text) or not joins(text[end]))


def test_long():
    out = shown("--color", "always", "needle")
    lines = re.sub("\x1b\\[[0-9;]*m", "", out)
    check(lines.count("│ ") < 120 and "characters not shown" in lines, "only passages", len(lines))
    check(out.count("\x1b[1;30;43m") == sum(len(re.findall("needle", t, re.I)) for t in LONG), "every match is marked", out.count("\x1b[1;30;43m"))
    for m in re.findall(r"^  │ (.*)$", lines, re.M):
        m = m.strip("\u2068\u2069")
        check(any(whole_characters(t, m) for t in LONG), "a line ends at whole characters", ascii(m))
    # What is shown and what is said to be left out is the whole.
    rows = [json.loads(x) for x in query("search", "--format", "jsonl", "needle").stdout.splitlines()]
    check({x.get("text") for x in rows[:-1]} == set(LONG), "machines get all of it")
    han = "id:" + next(x["id"] for x in rows if x.get("text") == LONG[2])
    one = shown("--mark", "none", han, "needle").split("\n")
    left = [int(re.search(r"… ([\d,]+) char", x)[1].replace(",", "")) for x in one if "not shown" in x]
    text = LONG[2]
    check(len(left) == 2 and sum(left) + len(evidence("\n".join(one)).replace("\n", "")) == len(text), "the books balance", (left, len(text)))
    check(one[[i for i, x in enumerate(one) if "not shown" in x][-1]].endswith("; --whole"), "how to see it", one)
    whole = shown("--whole", "needle")
    check("not shown" not in whole and all(t.replace(" ", "") in whole.replace("  │ ", "").replace("\n", "").replace(" ", "") for t in LONG), "--whole", len(whole))
    first = shown(han)
    check(evidence(first).replace("\n", "") == LONG[2][:400] and "… 5,606 characters not shown; --whole\n" in first, "a text without a match", first[-300:])


def test_pages():
    run(QUERY, "search", C.dir, *C.key, "--format", "html", "--output", TMP / "h", "van OR needle OR 🤷 OR 東京")
    page = (TMP / "h" / "index.html").read_text()
    for want in ("<mark>van</mark>", f"<mark>{SHRUG}</mark>", "<mark>東京</mark>都に行く<mark>東京</mark>", "<mark>NEEDLE</mark>"):
        check(want in page, "pages mark " + want, page[:200])
    check(page.count("<mark>needle</mark>") + page.count("<mark>NEEDLE</mark>") == sum(len(re.findall("needle", t, re.I)) for t in LONG), "every match in pages")
    run(QUERY, "thread", C.dir, *C.key, "--with", "anna,bert", "--format", "html", "--output", TMP / "t")
    check("<mark>" not in (TMP / "t" / "index.html").read_text(), "a thread asks for nothing")


def test_what_has_asks_for():
    """What has:phone … was seen in is marked where it stands, in whatever script its digits are written."""
    c = Case("has")
    seen = [("has:phone", "bel 06 12345678 nu, of (020) 123-4567!", ["06 12345678", "(020) 123-4567"]), ("has:phone", "ｂｅｌ ０６１２３４５６７８ 👍🏽!", ["０６１２３４５６７８"]), ("has:phone", "٠٦١٢٣٤٥٦٧٨ is none", None),
            ("has:iban", "rek NL91 ABNA 0417 1643 00 graag NL91ABNA0417164300", ["NL91 ABNA 0417 1643 00", "NL91ABNA0417164300"]), ("has:link", "zie https://maps.google.com/maps?q=1 en www.example.org.", ["https://maps.google.com/maps?q=1", "www.example.org"]),
            ("has:coordinates", "zie https://maps.google.com/maps?q=1 en www.example.org.", ["https://maps.google.com/maps?q=1"]), ("has:email", "mail Jan.Jansen@Example.ORG nu", ["Jan.Jansen@Example.ORG"]), ("has:emoji", f"ja {THUMB}{FAMILY}!", [THUMB + FAMILY]),
            ("has:coordinates", "at 52.3702, 4.8951 e poi", ["52.3702, 4.8951"]), ("has:coordinates", "N 52.3702 E 4.8951 x", ["N 52.3702 E 4.8951"]), ("has:coordinates", "52°22'13\"N 4°53'42\"E geo:52.37,4.9 ok", ["52°22'13\"N 4°53'42\"E", "geo:52.37,4.9"]),
            ("has:crypto", "to 0x52908400098527886E0F7030069857D2E4169EE7 now", ["0x52908400098527886E0F7030069857D2E4169EE7"]), ("nu has:email", "mail Jan.Jansen@Example.ORG nu", ["Jan.Jansen@Example.ORG", "nu"]), ("nu -has:link", "mail Jan.Jansen@Example.ORG nu", ["nu"]),
            ("has:phone OR zzz", "x " * 2000 + "bel 0612345678", ["0612345678"])]
    c.add(write("has.ndjson", dump([msg(i + 1, t, sent=T + i * 1000) for i, t in enumerate(dict.fromkeys(t for _, t, _ in seen))], "imei:A", account="anna")))
    for q, text, want in seen:
        out = run(QUERY, "search", c.dir, *c.key, "--all", "--mark", "signs", q).stdout.decode()
        lines = [x for x in evidence(out).splitlines() if x.replace("⟦", "").replace("⟧", "") == text] if len(text) < 90 else [evidence(out)]
        got = re.findall("⟦(.*?)⟧", "\n".join(lines))
        check(got == want if want and len(text) < 90 else not want or want[0] in got, f"{q}: marked in {text[:40]}", (got, out[-300:]))
        check(want or not lines, f"{q} is no hit: {text[:40]}", out[:200])


C = delivery()
each([test_every_match, test_when, test_long, test_pages, test_what_has_asks_for])
finish()
