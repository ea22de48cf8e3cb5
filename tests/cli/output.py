#!/usr/bin/env python3
"""How lictor-query shows what search finds: pages, the pager, colours, context, scores, completion.
Needs zstd and age; $LICTOR_BIN has the programs. Ends in `N passed, N failed`."""
import json, os, pty, re, select, signal, subprocess

from lictor_cli import *


def delivery():
    """Two conversations, many messages at the same time, some without one."""
    a = [msg(i, f"line {i} " + "harbour " * (i % 3) + "end", to=["bert" if i % 2 else "carl"],
             sent=None if i % 17 == 0 else T + i // 6 * 1000) for i in range(1, 120)]
    c = Case("output")
    r = c.add(write("a.zst", zstd(dump(a, "imei:A", account="anna"))))
    check(r.code == 0, "the delivery goes in", r)
    return c


def query(*args, **kw):
    return run(QUERY, args[0], C.dir, *C.key, *args[1:], **kw)


def rows(*args):
    return [json.loads(x) for x in query(args[0], "--format", "jsonl", *args[1:]).stdout.splitlines()]


def on_terminal(*args, **env):
    """Output and exit code of lictor-query on a terminal of its own."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.pop("NO_COLOR", None)
        os.environ.update({"TERM": "xterm", **env})
        os.execv(QUERY, [QUERY, args[0], str(C.dir), *map(str, C.key), *args[1:]])
    out = b""
    while True:
        if not select.select([fd], [], [], 60)[0]:
            os.kill(pid, signal.SIGKILL)  # it waits for something that will not come
            out += b"[hung]"
            break
        try:
            part = os.read(fd, 65536)
        except OSError:
            break
        if not part:
            break
        out += part
    os.close(fd)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return out.decode().replace("\r\n", "\n"), code


SORTS = ("newest", "oldest", "relevance")


def test_pages():
    for q in ("*", "harbour", "line NOT harbour", "h* OR end"):
        for sort in SORTS:
            whole = rows("search", "--sort", sort, q)
            check("next" not in whole[-1], "a whole answer goes on nowhere", whole[-1])
            for limit in (1, 7, 50):
                got, after = [], ()
                while True:
                    page = rows("search", "--sort", sort, "--limit", str(limit), *after, q)
                    got += page[:-1]
                    check(page[-1]["total"] == whole[-1]["total"], "totals are of the whole query", page[-1])
                    if "next" not in page[-1]:
                        break
                    check(page[-1]["next"] == page[-2]["id"] and len(page) == limit + 1, "next is the last hit", page[-1])
                    after = ("--continue", page[-1]["next"])
                check(got == whole[:-1], f"pages of {limit} together equal the whole: {sort} {q}", (len(got), len(whole)))
    r = query("search", "--limit", "3", "harbour").stdout.decode()
    after = re.search(r"--continue ([0-9a-f]{32})\n", r)
    check(after and "3 of " in r, "the footer says how to go on", r)
    r = query("search", "--limit", "1000", "--continue", after[1][:12], "harbour").stdout.decode()
    check("--continue" not in r and "line" in r, "the rest, by a shortened id", r)
    other = [x for x in rows("search", "*") if "harbour" not in x.get("text", "harbour")][0]["id"]
    r = query("search", "--continue", other, "harbour")
    check(r.returncode == 2 and b"no hit of this query" in r.stderr and not r.stdout, "only behind a hit", r)
    r = query("search", "--continue", "0" * 32, "harbour")
    check(r.returncode in (2, 3) and r.stderr, "an id that is not there", r)


def test_pager():
    out, code = on_terminal("search", "harbour", "--limit", "1", LICTOR_PAGER="sed 's/^/P /'", PAGER="false")
    check(code == 0 and all(x.startswith("P ") for x in out.splitlines()) and "P query: harbour" in out and "\x1b[" in out, "a pager, in colour", out)
    out, code = on_terminal("search", "harbour", "--limit", "1", PAGER="sed 's/^/P /'", NO_COLOR="1")
    check(code == 0 and out.startswith("P ") and "\x1b" not in out, "$PAGER, NO_COLOR", out)
    out, code = on_terminal("search", "harbour", "--limit", "1", "--no-pager", LICTOR_PAGER="sed 's/^/P /'")
    check(code == 0 and "P " not in out and "\x1b[" in out, "--no-pager", out)
    for args in (("--format", "jsonl"), ("--count",)):
        out, code = on_terminal("search", "harbour", *args, LICTOR_PAGER="sed 's/^/P /'")
        check(code == 0 and "P " not in out, f"none for {args}", out)
    out, code = on_terminal("search", "nowhere", LICTOR_PAGER="sed 's/^/P /'")
    check(code == 1 and "none in the delivered data" in out, "the exit code stays", (code, out))
    out, code = on_terminal("search", "*", "--all", LICTOR_PAGER="head -1")
    check(code == 0 and out.count("\n") == 1, "a pager that ends early is no failure", (code, out))
    out, code = on_terminal("search", "*", LICTOR_PAGER="/nowhere/pager")
    check(code == 3 and "$LICTOR_PAGER" in out, "a pager that is not there", (code, out))
    r = query("search", "harbour", env={**os.environ, "LICTOR_PAGER": "sed 's/^/P /'"})
    check(b"P " not in r.stdout, "none where there is no terminal", r.stdout)


def bm25(texts, terms):
    """Scores by the formula of docs/QUERY.md; a term is the list of its successive words."""
    import math
    words = [re.findall(r"\w+", t.lower()) for t in texts]
    def times(term, w):
        return sum(w[i:i + len(term)] == term for i in range(len(w)))
    out = [0.0] * len(texts)
    for term in terms:
        df = sum(times(term, w) > 0 for w in words)
        weight = math.log(1 + (len(texts) - df + 0.5) / (df + 0.5))
        for i, w in enumerate(words):
            tf = times(term, w)
            out[i] += weight * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * len(w) / 12))
    return out


def test_relevance():
    texts = [x["text"] for x in rows("search", "*")[:-1]]
    for q, terms in (("harbour OR end", [["harbour"], ["end"]]), ("harbour", [["harbour"]]),
                     ('"harbour harbour" OR 7', [["harbour", "harbour"], ["7"]]), ("line -harbour", [["line"]]),
                     ("harbour harbour OR harbour", [["harbour"]])):
        want = dict(zip(texts, bm25(texts, terms)))
        got = rows("search", "--sort", "relevance", q)
        check(len(got) > 5 and all(abs(x["score"] - want[x["text"]]) < 2e-6 for x in got[:-1]), f"scores of {q}",
              [(x["text"], x["score"], want[x["text"]]) for x in got[:3]])
        keys = [(-x["score"], "sent" not in x, x.get("sent", "")) for x in got[:-1]]
        newest = [k[:2] for k in keys]
        check(newest == sorted(newest), f"best first: {q}", newest[:5])
        check(all(a[2] >= b[2] for a, b in zip(keys, keys[1:]) if a[:2] == b[:2]), f"equal scores, newest first: {q}", keys[:5])
    terms = rows("search", "--sort", "relevance", 'harbour "harbour end" NOT 7')[-1]["terms"]
    check([t["term"] for t in terms] == ["harbour", '"harbour end"'] and all(t["messages"] == rows("search", t["term"])[-1]["total"] for t in terms), "terms", terms)
    check("terms" not in rows("search", "harbour")[-1] and rows("search", "--terms", "harbour")[-1]["terms"] == terms[:1], "--terms", terms)
    out = query("search", "--terms", "harbour OR nowhere").stdout.decode()
    check(f"harbour: in {terms[0]['messages']} messages of the case\n" in out and "nowhere: in 0 messages" in out, "terms for people", out)
    r = query("scan", "--sort", "relevance", "harbour")
    check(r.returncode == 2 and b"search alone" in r.stderr, "scan has no scores", r)


def test_relevance_however_it_came():
    global C
    one, a, b = C, dump([msg(i, "harbour " * (i % 4) + f"van {i}", sent=T + i) for i in range(1, 60)], "imei:A"), \
        dump([msg(i, "harbour and van and a third", "zed", sent=T + i % 3) for i in range(1, 60)], "imei:B")
    got = []
    for name, adds in (("r1", [["ra", "rb"]]), ("r2", [["rb"], ["ra"]])):
        C = Case(name)
        for part in adds:
            check(C.add(*[write(p, zstd(a if p == "ra" else b)) for p in part]).code == 0, "goes in")
        got.append(rows("search", "--sort", "relevance", "harbour OR van OR third")[:-1])
    check(C.ingest("compact").returncode == 0, "compact")
    got.append(rows("search", "--sort", "relevance", "harbour OR van OR third")[:-1])
    check(len(got[0]) == 118 and got[0] == got[1] == got[2], "one order of adds, another, and compacted", [g[:1] for g in got])
    C = one


def test_context():
    threads = {}
    for who in ("bert", "carl"):
        for x in rows("thread", "--with", f"anna,{who}")[:-1]:
            threads.setdefault(x["conversation"], []).append(x["id"])
    for q in ("17", "harbour", "*"):
        alone = [x["id"] for x in rows("search", q)[:-1]]
        for n in (0, 1, 3):
            got = rows("search", "--context", n, q)
            want = []
            for i in alone:
                ids = next(t for t in threads.values() if i in t)
                at = ids.index(i)
                want += [(x, None if x == i else i) for x in ids[max(0, at - n):at + n + 1]]
            check([(x["id"], x.get("context_of")) for x in got[:-1]] == want, f"{n} around {q}", got[:4])
            check(got[-1]["total"] == len(alone), "the total counts hits alone", got[-1])
            check(json.loads(query("search", "--format", "json", "--context", n, q).stdout)["hits"] == got[:-1], "json has the same lines")
            for sort in ("newest", "oldest"):
                text = query("search", "--all", "--sort", sort, "--context", n, q).stdout.decode().split("\n")
                hits = [x[2:].split()[0] for x in text if x.startswith("> ")]
                around = [x.split()[0] for x in text if re.match(r"    [0-9a-f]{8,}  ", x)]
                want_hits = [x["id"] for x in rows("search", "--sort", sort, q)[:-1]]
                check(len(hits) == len(want_hits) and all(a.startswith(b) for a, b in zip(want_hits, hits)), "hits in their order, marked", text[:9])
                check(bool(around) == (n > 0), "some stand around them", around)
                check(len(set(hits)) == len(hits), "no hit twice", hits)
    text = query("search", "--context", "3", "from:anna to:bert").stdout.decode().split("\n")
    ids = [x.strip("> ").split()[0] for x in text if re.match(r"(> |    )[0-9a-f]{8,}  ", x)]
    whole = {x["id"] for x in rows("search", "--limit", 20, "--context", "3", "from:anna to:bert")[:-1]}
    check(len(ids) == len(set(ids)), "neighbours in one conversation: nothing twice", text)
    check(len(ids) == len(whole) and all(any(x.startswith(i) for x in whole) for i in ids), "and nothing left out", ids)
    holes = Case("holes")
    part = [msg(i, f"word{i}", sent=T + i * 1000) for i in (1, 2, 3, 7, 8)]
    check(holes.add(write("h.zst", zstd(dump(part, "imei:H")))).code == 0, "goes in")
    got = [json.loads(x) for x in run(QUERY, "search", holes.dir, *holes.key, "--format", "jsonl", "--context", "1", "word7").stdout.splitlines()]
    check([(x["type"], x.get("text"), x.get("missing")) for x in got[:-1]] ==
          [("message", "word3", None), ("gap", None, 3), ("message", "word7", None), ("message", "word8", None)], "a hole", got)
    check(got[1]["context_of"] == got[2]["id"] and "context_of" not in got[2], "the hole is context", got)
    text = run(QUERY, "search", holes.dir, *holes.key, "--context", "1", "word7").stdout.decode()
    check("\u22ee 3 " in text, "a hole for people", text)


C = delivery()
each([test_context, test_relevance, test_relevance_however_it_came, test_pages, test_pager])
finish()
