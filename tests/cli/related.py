#!/usr/bin/env python3
"""Messages that may be one: same-time, same-text, same-opened; never merged, both ways, and the same
however the delivery was cut into segments. Ends in `N passed, N failed`."""
import base64, itertools, random, subprocess

from lictor_cli import *

MIN, H = 60000, 3600000
SIDES = {"imei:A": "anna", "imei:B": "bert"}


def case(name, a, b, split=False, **kw):
    """Two handsets, anna's and bert's; `split`: each in dumps of two records, added one by one."""
    c, n = Case(name), 0
    for source, records in (("imei:A", a), ("imei:B", b)):
        parts = [records[i:i + 2] for i in range(0, len(records), 2)] if split else [records]
        for part in parts:
            n += 1
            c.add(write(f"{name}-{n}.ndjson", dump(part, source, account=SIDES[source])), **kw)
    return c


def thread(c, *args):
    r = run(QUERY, "thread", c.dir, *c.key, "--format", "jsonl", "--with", "anna,bert", *args)
    return [json.loads(x) for x in r.stdout.splitlines()]


def pairs(rows):
    """{(text, sent) of one, of the other, why} of rows that name each other."""
    by_id = {m["id"]: m for m in rows if "id" in m}
    name = lambda m: (m.get("text"), m.get("sent", "")[11:19], m["from"], m.get("service_id"))
    return sorted(((name(m), name(by_id[x["id"]]), x["why"]) for m in by_id.values() for x in m.get("related", [])), key=repr)


def both_ways(found):
    return sorted(((b, a, w) for a, b, w in found), key=repr) == found


def test_three():
    a = [msg(1, "at the gate", sent=T), msg(2, "the blue van", sent=T + H), msg(3, "ok", sent=T + 2 * H),
         msg(4, "ok", sent=T + 2 * H + 10 * MIN), msg(5, "alone", sent=T + 3 * H)]
    b = [msg(1, "at the goat", sent=T), msg(2, "the blue van", sent=T + H + 2000), msg(3, "ok", sent=T + 2 * H + 9 * MIN),
         msg(4, "ok", sent=T + 2 * H + 30 * H), msg(5, "the blue van", sent=T + 26 * H)]
    c = case("three", a, b)
    rows = thread(c)
    found = pairs(rows)
    check(both_ways(found), "every pair is named from either side", found)
    whys = [(x[0], y[0], w) for x, y, w in found if x < y]
    check(sorted(w for *_, w in whys) == ["same-text", "same-text", "same-time"], "three pairs", whys)
    check(("at the gate", "at the goat", "same-time") in whys, "same-time", whys)
    ok = [(x[1], y[1]) for x, y, w in found if x[0] == "ok" and x < y]
    check(ok == [("13:42:20", "13:43:20")], "nearest first, one to one, up to a day", ok)
    check(rows[-1]["total"] == 10 and rows[-1]["pairs"] == 6, "never merged, and counted", rows[-1])
    check(not any("conflict" in m.get("flags", []) for m in rows), "doubt is no contradiction")
    text = run(QUERY, "thread", c.dir, *c.key, "--with", "anna,bert").stdout.decode()
    check("6 may be the same as one another" in text and "perhaps the same as" in text, "said to people", text)
    s = run(QUERY, "search", c.dir, *c.key, "goat").stdout.decode()
    check("perhaps the same as" in s and "1 of the messages shown may be the same as another" in s, "search says it", s)
    one = [m for m in rows if m.get("text") == "at the goat"][0]
    r = json.loads(run(QUERY, "message", c.dir, *c.key, "--format", "jsonl", one["id"]).stdout.splitlines()[0])
    check(r["related"] == one["related"], "message says the same", (r.get("related"), one["related"]))
    j = json.loads(run(QUERY, "search", c.dir, *c.key, "--format", "json", "van").stdout)
    check(j["pairs"] == 2 and len(j["hits"]) == 3, "json counts them", {k: v for k, v in j.items() if k != "hits"})
    st = c.status()
    check(st.get("pairs") == 6, "status counts them", st)
    asked = json.loads(run(INGEST, "status", c.dir, *c.key, "--pairs", "--format", "json").stdout)
    check(asked["pairs"] == 6, "and when asked to", asked)
    check(b"may be the same" in c.ingest("status").stdout, "and says so", c.ingest("status").stdout)


def test_ids_tell():
    a = [msg(1, "left", sent=T, id="m1"), msg(2, "right", sent=T + H, id="m2"), msg(3, "", sent=T + 2 * H), msg(4, "mixed", sent=T + 3 * H, id="m9")]
    b = [msg(1, "lift", sent=T, id="m7"), msg(2, "right", sent=T + H + 5, id="m8"), msg(3, "", sent=T + 2 * H + 7), msg(4, "mixed", sent=T + 3 * H + 9)]
    found = pairs(thread(case("ids", a, b)))
    check([x[0][0] for x in found] == ["mixed", "mixed"], "two ids of the service tell; an empty body is no text", found)


def test_opened():
    key, nonce = bytes(range(32)), bytes(24)
    src = ("import sys,ctypes,ctypes.util\nl=ctypes.CDLL(ctypes.util.find_library('sodium'))\nl.sodium_init()\n"
           "k,n,m,ad=[bytes.fromhex(x) for x in sys.argv[1:]]\nc=ctypes.create_string_buffer(len(m)+16)\n"
           "l.crypto_aead_xchacha20poly1305_ietf_encrypt(c,None,m,ctypes.c_ulonglong(len(m)),ad,ctypes.c_ulonglong(len(ad)),None,n,k)\nprint(c.raw.hex())")
    ad = b"anna\0" + str(T).encode()
    box = bytes.fromhex(tool("/usr/bin/python3", "-c", src, key.hex(), nonce.hex(), b"the sixth".hex(), ad.hex()).decode())
    b64 = lambda x: base64.b64encode(x).decode()
    keys = write("keys.txt", f"K1 {b64(key)}\n".encode())
    keys.chmod(0o600)
    sealed = {"key": "K1", "nonce": b64(nonce), "box": b64(box)}
    c = Case("opened")
    c.add(write("o1", dump([msg(1, "the sixth", sent=T)], "imei:A", account="anna")))
    c.add(write("o2", dump([msg(1, None, sent=T, sealed=sealed)], "imei:B", account="bert")))
    check(pairs(thread(c)) == [], "under seal it says nothing", thread(c))
    c = Case("opened2")
    c.add(write("o1", dump([msg(1, "the sixth", sent=T)], "imei:A", account="anna")))
    c.add("--body-keys", keys, write("o2", dump([msg(1, None, sent=T, sealed=sealed)], "imei:B", account="bert")))
    found = pairs(thread(c))
    check([w for *_, w in found] == ["same-opened"] * 2, "opened and plain", (found, thread(c)))


def rng_words(i):
    rng = random.Random(i)
    return " ".join(f"{rng.getrandbits(40):x}" for _ in range(12))


def test_crowd():
    """Ten thousand of one sender in one millisecond: all are compared, and soon."""
    a = [msg(i + 1, f"left {i}", sent=T, id=f"a{i}") for i in range(5000)]
    b = [msg(i + 1, f"right {i}", sent=T, id=f"b{i}") for i in range(4999)] + [msg(5000, "no id", sent=T)]
    c = Case("crowd")
    for n, (source, records) in enumerate((("imei:A", a), ("imei:B", b))):
        c.add(write(f"crowd-{n}", dump(records, source, account=SIDES[source])))
    start = time.monotonic()
    rows = thread(c)
    check(rows[-1]["pairs"] == 5001, "one without an id may be any of 5,000", rows[-1])
    found = [x["why"] for m in rows for x in m.get("related", []) if m.get("text", "").startswith("left")]
    check(found == ["same-time"] * 5000, "each of them says so", len(found))
    lone = next(m for m in rows if m.get("text") == "no id")
    check(len(lone["related"]) == 16 and lone["related_more"], "of it 16 are listed, and that there are more", len(lone["related"]))
    check(time.monotonic() - start < 60, "soon", time.monotonic() - start)
    sixteen = case("sixteen", [msg(i + 1, f"left {i}", sent=T) for i in range(16)], [msg(1, "right", sent=T)])
    right = next(m for m in thread(sixteen) if m.get("text") == "right")
    check(len(right["related"]) == 16 and "related_more" not in right, "sixteen are all", right)


def test_hit_in_a_crowd():
    """One hit among many of one sender in one millisecond: each block of rows is inflated once, not once a message."""
    c = Case("hit-crowd")
    used = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    many = write("hit-a", dump([msg(i + 1, f"left{i} {rng_words(i)}", sent=T) for i in range(30000)], "imei:A", account="anna"))
    one = write("hit-b", dump([msg(1, "right", sent=T)], "imei:B", account="bert"))
    start = used()
    c.add(many, one)
    added = used() - start
    start = used()
    hit, = c.search("left17000")
    check(hit["related"][0]["why"] == "same-time", "its pair", hit)
    check(used() - start < 3 * added, "seconds of a processor, to find it and to add all", (used() - start, added))


def test_thread_of_a_crowd():
    """Many that each name sixteen of another many: those sixteen are not read again for each."""
    used = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    spent = []
    for apart in (1000, 0):
        c = Case(f"thread-crowd-{apart}")
        c.add(*(write(f"crowd-{apart}-{n}", dump([msg(i + 1, f"{n}{i} {rng_words(i)}", sent=T + (2 * i + n) * apart) for i in range(3000)],
                                                 s, account=SIDES[s])) for n, s in enumerate(SIDES)))
        start = used()
        rows = thread(c)
        spent.append(used() - start)
        check(all(len(m.get("related", [])) == (0 if apart else 16) for m in rows if m["type"] == "message"), "all in pairs, or none", rows[-1])
    check(spent[1] < 45 * spent[0], "seconds of a processor, apart and at once", spent)


def test_crowd_brute():
    """Of one sender and time, few texts, some with service ids: the pairs by the contract's words."""
    rng = random.Random(9)
    side = lambda who: [msg(i + 1, rng.choice(("one", "two", "three")), sent=T, reply_to=f"{who}{i}", id=f"{who}{i}" if rng.random() < 0.4 else None) for i in range(14)]
    for n in range(3):
        a, b = side("a"), side("b")
        rows = thread(case(f"crowd{n}", a, b, split=n == 2))
        by_id = {m["id"]: m["reply_to"] for m in rows if "id" in m}
        got = {(by_id[m["id"]], by_id[x["id"]]) for m in rows if "id" in m for x in m.get("related", []) if x["why"] == "same-time"}
        want = {(x["reply_to"], y["reply_to"]) for x in a for y in b if x["text"] != y["text"] and not (x.get("id") and y.get("id"))}
        want |= {(y, x) for x, y in want}
        check(got == want and len(want) > 50, f"{len(want)} halves of pairs, as by brute force", (len(got), len(want), len(got & want)))


def brute(a, b):
    """Same-text pairs from the words of the contract alone: nearest first, one to one."""
    key = lambda m: (m["from"], tuple(m["to"]), m["text"], m["sent"])
    ka, kb = {key(m) for m in a}, {key(m) for m in b}
    only = {"A": sorted(ka - kb), "B": sorted(kb - ka)}
    edges = sorted((abs(x[3] - y[3]), min(x[3], y[3]), x, y) for x in only["A"] for y in only["B"] if x[:3] == y[:3] and abs(x[3] - y[3]) <= DAY)
    out, used = set(), set()
    for _, _, x, y in edges:
        if x not in used and y not in used:
            used |= {x, y}
            out.add(frozenset((x[3], y[3])))
    return out


def test_brute_and_segments():
    rng = random.Random(5)
    times = rng.sample(range(4 * 86400), 120)
    a = [msg(i + 1, rng.choice(("ok", "yes", "no")), sender="anna", to=["bert"], sent=T + t * 1000) for i, t in enumerate(times[:60])]
    b = [msg(i + 1, rng.choice(("ok", "yes", "no")), sender="anna", to=["bert"], sent=T + t * 1000) for i, t in enumerate(times[60:])]
    want = brute(a, b)
    whole, cut = case("whole", a, b), case("cut", a, b, split=True)
    rows = thread(whole)
    ms = lambda m: int(subprocess.list2cmdline([m["sent"][8:10]])) * DAY + sum(int(m["sent"][i:i + 2]) * f for i, f in ((11, H), (14, MIN), (17, 1000)))
    base = ms(next(m for m in rows if m.get("sent")))
    first = min(x["sent"] for x in a + b)
    by_id = {m["id"]: m for m in rows if "id" in m}
    got = {frozenset(ms(by_id[i]) - base + first for i in (m["id"], x["id"])) for m in by_id.values() for x in m.get("related", []) if x["why"] == "same-text"}
    check(got == want and len(want) > 20, f"{len(want)} same-text pairs, as by brute force", (len(got), len(want), len(got & want)))
    other = {m["id"]: m.get("related") for m in thread(cut) if "id" in m}
    check(other == {i: m.get("related") for i, m in by_id.items()}, "segments change nothing")
    for m in rng.sample(sorted(by_id), 25):
        r = json.loads(run(QUERY, "message", cut.dir, *cut.key, "--format", "jsonl", m).stdout.splitlines()[0])
        check(r.get("related") == by_id[m].get("related"), "one alone says what the whole says", (r.get("related"), by_id[m].get("related")))
    check(cut.status().get("pairs") == whole.status().get("pairs") == 2 * len(want), "status", cut.status())


if __name__ == "__main__":
    each([v for k, v in list(globals().items()) if k.startswith("test_")])
    finish()
