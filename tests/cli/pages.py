#!/usr/bin/env python3
"""--format html: pages, links, and hostile content that becomes no element and no attribute.
Ends in `N passed, N failed`."""
from html.parser import HTMLParser

from lictor_cli import *

EVIL = ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "' onmouseover='x", "</div></body></html>", "<!--", "]]>", "&lt;b&gt;", "&#60;b&#62;",
        "\u202e gnihtyna", "\u2066open", "\x1b[31m", "\x00nul", "a\nb\r\nc", "שלום עולם", "<a href='javascript:x'>", "{{x}}", "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace")]
TAGS = {"mark", "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "nav", "a", "div", "b", "bdi", "code"}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "dir", "href"}


class Reader(HTMLParser):
    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.links, self.text, self.open, self.odd = set(), set(), [], "", [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {k for k, _ in attrs}
        self.links += [v for k, v in attrs if k == "href"]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.odd.append(tag)

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        self.odd.append(data)


def pages(c, name, *args):
    r = run(QUERY, args[0], c.dir, *c.key, "--format", "html", "--output", TMP / name, *args[1:])
    check(r.returncode == 0 and b"index.html" in r.stdout, "made " + name, (r.stdout, r.stderr))
    return {p.name: Reader(p.read_bytes().decode()) for p in (TMP / name).iterdir()}


def sound(all, what):
    for name, p in all.items():
        check(p.tags <= TAGS and p.attributes <= ATTRIBUTES and not p.odd and not p.open, f"{what}, {name}: nothing but ours", (p.tags - TAGS, p.attributes - ATTRIBUTES, p.odd, p.open))
        check(all.keys() >= set(p.links), f"{what}, {name}: links lead somewhere", p.links)
        check(not UNSAFE.search(p.text.replace("\u2068", "").replace("\u2069", "")), f"{what}, {name}: inert", p.text[-200:])


def test_hostile():
    a = [msg(i + 1, e, e or "x", ["bert"], T + i * 1000, id=e, reply_to=e, attachments=[{"name": e, "caption": e, "size": 5}]) for i, e in enumerate(EVIL)]
    a += [{"kind": "message", "seq": 100 + i, "from": e, "group": "crew", "sent": T + i, "text": e, "id": e} for i, e in enumerate(EVIL)]
    a += [{"kind": "event", "seq": 200 + i, "what": "edit", "group": "crew", "time": T + 9999 + i, "of": e, "value": e, "by": e} for i, e in enumerate(EVIL)]
    a += [{"kind": "contact", "seq": 300 + i, "owner": e, "handle": EVIL[0], "nickname": e} for i, e in enumerate(EVIL)]
    c = Case("hostile")
    check(c.add(write("h", dump(a, "imei:" + EVIL[1], account=EVIL[2]))).code == 0, "goes in")
    group = pages(c, "group", "thread", "--group", "crew")
    sound(group, "group")
    check(EVIL[0] in group["index.html"].text and "שלום עולם" in group["index.html"].text, "the text is text", group["index.html"].text[:300])
    sound(pages(c, "hits", "search", "--", "*"), "hits")
    raw = (TMP / "group" / "index.html").read_text()
    check('<div class="t" dir="auto">שלום עולם</div>' in raw, "right-to-left text has its own direction")


def test_directions():
    """Names that run from right to left are isolated by elements, and no sign of ours is shown as an escape."""
    c = Case("directions")
    c.add(write("dir", dump([msg(1, "one", id="s1", attachments=[{"name": "a.jpg", "size": 5}, {"name": "b.jpg", "size": 6}]),
                             {"kind": "event", "seq": 2, "what": "edit", "by": "anna", "to": ["bert"], "time": T + 9, "of": "s1", "value": "שלום"},
                             {"kind": "contact", "seq": 3, "owner": "anna", "handle": "bert", "nickname": "אבא"},
                             {"kind": "contact", "seq": 4, "owner": "anna", "handle": "bert", "nickname": "\u2068\u2069\u2069</bdi>x"}], "imei:A", account="anna")))
    sound(pages(c, "directions", "thread", "--with", "anna,bert"), "directions")
    raw = (TMP / "directions" / "index.html").read_text()
    check("<bdi>אבא</bdi>" in raw and "<bdi>שלום</bdi>" in raw, "isolated by elements", raw)
    check("\\u{2068}\\u{2069}\\u{2069}&lt;/bdi&gt;x" in raw and raw.count("u{2068}") == 1, "escapes are the evidence's alone", raw)
    check("a.jpg" in raw and "\\n" not in raw.split("</style>")[1], "attachments are lines, not escapes", raw)
    check("<title>anna, bert" in raw and "page 1</title>" in raw, "the tab has a name", raw[:600])


def test_pages():
    c = Case("pages")
    c.add(write("p", dump([msg(i + 1, f"message {i}", sent=T + i * 1000) for i in range(4500)], "imei:A", account="anna")))
    for what, args in (("thread", ("--with", "anna,bert")), ("search", ("--", "message"))):
        all = pages(c, "pages-" + what, what, *args)
        check(sorted(all) == ["index.html", "page-2.html", "page-3.html"], what + ": three pages", sorted(all))
        sound(all, what)
        counts = [all[n].text.count("message ") - 0 for n in ("index.html", "page-2.html")]
        bodies = [(TMP / ("pages-" + what) / n).read_text().count('<div class="t"') for n in ("index.html", "page-2.html", "page-3.html")]
        check(bodies == [2000, 2000, 500], what + ": 2,000 each", (bodies, counts))
        check("page-2.html" in all["index.html"].links and set(all["page-2.html"].links) == {"index.html", "page-3.html"}, "linked", all["page-2.html"].links)
    r = run(QUERY, "search", c.dir, *c.key, "--format", "html", "--output", TMP / "pages-search", "message")
    check(r.returncode == 2 and b"not empty" in r.stderr, "a directory that holds something is refused", r.stderr)
    r = run(QUERY, "search", c.dir, *c.key, "--format", "html", "message")
    check(r.returncode == 2 and b"--output DIR" in r.stderr, "without a directory", r.stderr)
    r = run(QUERY, "search", c.dir, *c.key, "--output", TMP / "x", "message")
    check(r.returncode == 2 and not (TMP / "x").exists(), "a directory without html", r.stderr)
    r = run(QUERY, "search", c.dir, *c.key, "--format", "html", "--output", TMP / "x", "--count", "message")
    check(r.returncode == 2 and b"--count" in r.stderr and not (TMP / "x").exists(), "a number is no page", r.stderr)
    r = run(QUERY, "thread", c.dir, *c.key, "--with", "anna,bert", "--format", "html", "--output", TMP / "x", "--disentangle")
    check(r.returncode == 2 and b"html" in r.stderr and not (TMP / "x").exists(), "pages show no proposals", r.stderr)
    some = pages(c, "some", "search", "--limit", "10", "message")["index.html"].text
    check("4500 messages; not all of them are here, the next ones: --continue " in some, "part of an answer says so", some[-400:])
    check("--continue" not in all["page-3.html"].text and "not in the delivered data" not in all["page-3.html"].text, "the whole of it does not", all["page-3.html"].text[-400:])


def test_only_there():
    c = Case("only")
    c.add(write("o", dump([msg(1, "one")], "imei:A", account="anna")))
    before = sorted((p, p.stat().st_mtime_ns) for p in pathlib.Path(c.dir).rglob("*"))
    pages(c, "only-out", "search", "--no-log", "one")
    check(before == sorted((p, p.stat().st_mtime_ns) for p in pathlib.Path(c.dir).rglob("*")), "the case is as it was")
    for name, why in (("only-out/index.html", b"Not a directory"), ("only-out", b"not empty"), ("nowhere/deep", b"No such file")):
        r = run(QUERY, "search", c.dir, *c.key, "--format", "html", "--output", TMP / name, "one")
        check(r.returncode in (2, 3) and why in r.stderr, "no place for pages: " + name, (r.returncode, r.stderr))
    check([p.name for p in (TMP / "only-out").iterdir()] == ["index.html"], "nothing was added")


if __name__ == "__main__":
    each([v for k, v in list(globals().items()) if k.startswith("test_")])
    finish()
