#!/usr/bin/env python3
"""Input made to exhaust: what costs its author little may not cost us much. Each kind is put in at two
sizes, and processor time and memory may grow no faster than the input does; and all of it is counted.
(What inflates, nests or has endless lines: bad_input.py.)"""
from lictor_cli import *

WORDS = 149_000  # distinct, in one message; with their blanks just below the limit of a line
HUGE = 1 << 30


def measured(*cmd, **kw):
    """A run with its processor seconds and the most memory it had."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    r = run(*cmd, **kw)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return r, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def peak():
    """Of all children so far: it can only grow."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10


def linear(what, make, small, factor, books):
    """`make(n)` gives a dump; books(n) what its totals must be. The larger one may take `factor` times as
    long, and half as much again for the weather."""
    took = []
    for n in (small, small * factor):
        c = Case(f"{what.split()[0]}{n}")
        path = write(f"{what.split()[0]}{n}.ndjson", make(n))
        r, seconds = measured(INGEST, "add", c.dir, "--key", c.keyfile, "--format", "json", path)
        a = Added(r)
        took.append(max(seconds, 0.05))
        check(a.code == 0 and a.balanced(), f"{what}, {n}: added, the books balance", a)
        check({k: a.totals[k] for k in books(n)} == books(n), f"{what}, {n}: all counted", a)
        c.sound(f"{what}, {n}")
    check(took[1] <= took[0] * factor * 1.5 + 1, f"{what}: time is linear", took)
    return c


def copies():
    """A billion copies of one message, scaled down: from as many places of one stream, and by as many devices."""
    def repeated(n):
        return dump([msg(i + 1, "again and again") for i in range(n)])
    c = linear("repeated message", repeated, 10_000, 8, lambda n: {"messages": n, "copies": 0})
    r, seconds = measured(QUERY, "search", c.dir, "--key", c.keyfile, "again", "--format", "jsonl", "--limit", "3", "--no-log")
    check(r.returncode == 0 and json.loads(r.stdout.splitlines()[-1])["total"] == 80_000, "a message 80,000 times: the total is exact", r)
    check(seconds < 30, "a message 80,000 times: found in bounded time", seconds)

    def delivered(n):
        return dump([msg(1, "again and again")] * n)
    linear("one record delivered over and over", delivered, 10_000, 8, lambda n: {"messages": 1, "redelivered": n - 1})

    def held(n):
        return dump([msg(i + 1, "held", id="m1", account=f"a{i}", sent=T) for i in range(n)])
    linear("the same service id over and over", held, 5_000, 8, lambda n: {"quarantined": 0})


def word(i):
    return "".join(chr(97 + i // 26**k % 26) for k in range(5, -1, -1))


def words():
    """One message of as many words as a line may hold, all different; one of one word only."""
    text = " ".join(word(i) for i in range(WORDS - 1)) + " needle"
    assert len(text) < (1 << 20) - 200, len(text)
    same = " ".join(["a"] * 500_000)
    c = Case("words")
    r, seconds = measured(INGEST, "add", c.dir, "--key", c.keyfile, "--format", "json", write("words.ndjson", dump([msg(1, text), msg(2, same, sent=T + 1)])))
    a = Added(r)
    check(a.code == 0 and a.totals["messages"] == 2 and a.balanced(), "a message of 149,000 words: it is in", a)
    check(seconds < 60, "a message of 149,000 words: in bounded time", seconds)
    c.sound("a message of 149,000 words")
    last = f'"{word(WORDS - 2)} needle"'
    for query, total in (("needle", 1), (last, 1), (f"{word(7)} NEAR/3 {word(9)}", 1), (f"{word(7)} NEAR/3 needle", 0),
                         ('"a a a a a"', 1), ("*e*d*l*", None), ("needel~1", 1), ("/n(e+)+dle/", 1)):
        for command in ("search", "scan"):
            r, seconds = measured(QUERY, command, c.dir, "--key", c.keyfile, query, "--format", "jsonl", "--no-log")
            end = json.loads(r.stdout.splitlines()[-1]) if r.stdout else {}
            check(r.returncode in (0, 1) and total in (None, end.get("total")), f"of 149,000 words, {command} {query}", (r.returncode, end, r.stderr))
            check(seconds < 60, f"of 149,000 words, {command} {query}: in bounded time", seconds)


def queries():
    """Expressions chosen to explode against a word chosen for them: an answer or an error that names them, soon."""
    c = Case("regex")
    c.add(write("regex.ndjson", dump([msg(1, "a" * 400 + "b"), msg(2, "x " * 20_000, sent=T + 1), msg(3, "y " * 20_000, sent=T + 2)])))
    for query in ("/(a+)+$/", "/(a|aa)+c/", "/(a*)*(a*)*(a*)*c/", "/((a{0,50}){0,50}){0,50}c/", "/(.*.*.*.*.*)*=/", "/(?R)*a/"):
        r, seconds = measured(QUERY, "search", c.dir, "--key", c.keyfile, query, "--no-log")
        check(r.returncode in (0, 1) or (r.returncode in (2, 3) and r.stderr), f"{query}: an answer, or an error that says why", r)
        check(seconds < 20, f"{query}: in bounded time", seconds)
    for query in ("x NEAR/1000 x", '"x x x x x x x x"~900', "x PRE/1000 x PRE/1000 x PRE/1000 x", "(" * 5000 + "x" + ")" * 5000,
                  "NOT " * 20_000 + "x", " OR ".join(word(i) for i in range(10_000)), "*" * 900, "?*" * 400, "x~2 " * 300):
        r, seconds = measured(QUERY, "search", c.dir, "--key", c.keyfile, query, "--no-log")
        check(r.returncode in (0, 1) or (r.returncode in (2, 3) and r.stderr), f"{query[:40]}…: an answer, or an error that says why", r)
        check(seconds < 60, f"{query[:40]}…: in bounded time", seconds)


def names():
    """A group whose name is a line long, a message to ten thousand people, and as many attachments."""
    many = [f"h{i}" for i in range(10_000)]
    records = [msg(1, "to all", to=many), msg(2, "in a group", group="g" * 500_000), msg(3, "n" * 10, sender="s" * 500_000, sent=T + 1),
               msg(4, "files", attachments=[{"name": f"f{i}", "size": i} for i in range(10_000)], sent=T + 2)]
    c = Case("names")
    r, seconds = measured(INGEST, "add", c.dir, "--key", c.keyfile, "--format", "json", write("names.ndjson", dump(records)))
    a = Added(r)
    check(a.code == 0 and a.balanced() and a.totals["messages"] == 4, "long names and lists: they are in", a)
    check(seconds < 30, "long names and lists: in bounded time", seconds)
    c.sound("long names and lists")
    r, seconds = measured(QUERY, "search", c.dir, "--key", c.keyfile, "*", "--no-log")
    check(r.returncode == 0 and seconds < 30 and safe(r), "long names and lists: shown in bounded time", (r.returncode, seconds, r.stderr))


each([copies, words, queries, names])
check(peak() < 2 * HUGE, "none of it took more than 2 GiB", peak())
finish()
