#!/usr/bin/env python3
"""lictor-ingest from outside: usage, what its commands print, the forms a delivery may have, and that
being killed, stopped, told twice or in another order leaves the same case."""
import hashlib, os, random, re, signal, stat, struct, subprocess, threading, time

from lictor_cli import *

RANDOM = random.Random(20)
count = 0


def case(plain=False):
    global count
    count += 1
    return Case(f"case{count}", plain)


def some(source, n=3, first=1, word="message", **kw):
    return dump([msg(i, f"{word} {i} of {source}", sent=T + i) for i in range(first, first + n)], source=source, **kw)


def totals(a):
    return [a.totals.get(k) for k in BOOKS]


# ---- usage -----------------------------------------------------------------------------------------


VERBS = ("init", "add", "status", "ledger", "quarantine", "compact", "verify")


def usage():
    r = run(INGEST, "--help")
    check(r.returncode == 0 and all(v.encode() in r.stdout for v in VERBS) and not r.stderr, "--help lists the commands", r)
    r = run(INGEST, "--version")
    check(r.returncode == 0 and re.fullmatch(rb"lictor-ingest \d+\.\d+\.\d+\n", r.stdout), "--version", r)
    for v in VERBS:
        r = run(INGEST, v, "--help")
        check(r.returncode == 0 and v.encode() in r.stdout and not r.stderr, f"{v} --help", r)
    c = case()
    f = write("usage.ndjson", some("imei:u"))
    wrong = [([], "no command"), (["frobnicate"], "unknown command"), (["add"], "no CASE"), (["add", c.dir, *c.key], "no DUMP"),
             (["status", c.dir, *c.key, "--frobnicate"], "unknown option"), (["status", c.dir, "x", *c.key], "an argument too many"),
             (["status", c.dir, *c.key, "-j", "2"], "an option of another command"), (["status", c.dir, "--key"], "an option without its value"),
             (["status", c.dir, *c.key, "--format", "xml"], "a format that is none"), (["init", TMP / "nokey.case"], "init without key file"),
             (["ledger", c.dir, *c.key, "--state", "half"], "a state that is none"), (["add", c.dir, *c.key, f, TMP / "nosuch"], "a DUMP that does not exist"),
             *((["add", c.dir, *c.key, "-j", n, f], f"-j {n}") for n in ("0", "-1", "x", "1x", "", "1000")),
             *((["add", c.dir, *c.key, "--memory", n, f], f"--memory {n}") for n in ("0", "1K", "lots", "1G1", "99999999T"))]
    for args, what in wrong:
        r = run(INGEST, *args)
        check(r.returncode == 2 and r.stderr and not r.stdout, f"usage: {what}: exit 2", r)
    r = c.ingest("compact", "--format", "json")
    check(r.returncode == 2 and b"compact: --format: no such option here" in r.stderr, "usage: the wrong option is named", r)
    r = c.ingest("add", "-j", "0", f)
    check(b"--threads takes a number from 1 to 60, not `0`" in r.stderr, "usage: what the option takes is said", r)
    open_key = write("open.agekey", identity("case").read_bytes())
    open_key.chmod(0o644)
    for keys in (TMP / "nosuch.agekey", open_key):
        for form in ("text", "json"):
            r = c.ingest("add", "-i", keys, "--format", form, f)
            check(r.returncode in (2, 3) and r.stderr and not r.stdout, f"usage: {keys.name}: no books of nothing ({form})", r)
    check(c.ingest("compact").stdout.startswith(b"0 segments became 0;"), "compact of nothing", c.ingest("compact"))
    check(b"without `end` lines" in c.ingest("status").stdout, "status says that it does not count `end` lines")
    check(c.status()["dumps"]["complete"] == 0 and not (TMP / "nokey.case").exists(), "usage: nothing was read or made")
    write("-odd-name", some("imei:odd"))
    r = c.ingest("add", "--format", "json", "--", "-odd-name", cwd=TMP)
    check(Added(r).states() == [("complete", None)], "-- ends options", r)
    with open("/dev/full", "w") as full:
        r = subprocess.run([INGEST, "status", c.dir, *c.key], stdout=full, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    check(r.returncode == 3 and r.stderr, "output that cannot be written is exit 3", r)


def init():
    c = case()
    before = {p.name: p.read_bytes() for p in c.dir.iterdir() if p.is_file()}
    check(stat.S_IMODE(c.keyfile.stat().st_mode) == 0o600 and stat.S_IMODE(c.dir.stat().st_mode) == 0o700, "init: only the owner may look")
    r = run(INGEST, "init", c.dir, "--key", TMP / "second.key")
    check(r.returncode == 2 and b"exists" in r.stderr, "init twice: exit 2", r)
    check(not (TMP / "second.key").exists() and {p.name: p.read_bytes() for p in c.dir.iterdir() if p.is_file()} == before, "init twice: changes nothing")
    key = c.keyfile.read_bytes()
    r = run(INGEST, "init", TMP / "other.case", "--key", c.keyfile)
    check(r.returncode == 2 and c.keyfile.read_bytes() == key and not (TMP / "other.case").exists(), "init: an existing key file is refused and stays", r)
    write("full/thing", b"x")
    r = run(INGEST, "init", TMP / "full", "--key", TMP / "full.key")
    check(r.returncode == 2 and os.listdir(TMP / "full") == ["thing"] and not (TMP / "full.key").exists(), "init: a directory with things in it is refused", r)
    (TMP / "void").mkdir()
    r = run(INGEST, "init", TMP / "void", env={**os.environ, "LICTOR_KEY_FILE": str(TMP / "void.key")})
    check(r.returncode == 0 and (TMP / "void.key").exists(), "init: an empty directory and $LICTOR_KEY_FILE", r)
    r = run(INGEST, "init", TMP / "no" / "where", "--key", TMP / "where.key")
    check(r.returncode == 3 and not (TMP / "where.key").exists(), "init: no parent directory", r)
    check(b"KEY" not in c.made.stdout and key.split()[-1] not in c.made.stdout, "init does not print the key")


def no_encryption():
    plain, sealed = case(plain=True), case()
    f = write("plain.ndjson", some("imei:plain", word="unmistakable"))
    a, b = plain.add(f), sealed.add(f)
    check(a.code == b.code == 0 and a.digest == b.digest, "--no-encryption: the same digest", (a, b))
    check(b"ot encrypted" in plain.ingest("status").stdout and plain.status()["encrypted"] is False, "--no-encryption: status says it")
    check(sealed.status()["encrypted"] is True and b"ot encrypted" not in sealed.ingest("status").stdout, "encrypted: status says it")
    plain.sound("--no-encryption")
    needles = [b"unmistakable", b"plain.ndjson", b"imei:plain"]
    r = run(QUERY, "search", plain.dir, "x", env={**os.environ, "LICTOR_KEY_FILE": str(sealed.key[1])})
    check(r.returncode == 3 and b"$LICTOR_KEY_FILE) out" in r.stderr, "a key that came from outside is named", r.stderr)
    check(plain.readable(needles) and not sealed.readable(needles), "--no-encryption: readable, and only then")


# ---- what the commands print ------------------------------------------------------------------------


def outputs():
    c = case()
    bad = dump([msg(1, "good"), b"rubbish here", msg(2, "also good", sent=T + DAY), {"kind": "note", "seq": 3, "owner": "anna", "text": "a note", "time": T}],
               source="imei:o", authority="Police", serial=7)
    a = c.add(write("o-1.age", age(bad)), write("o-2.txt", b"Hello\n"), write("o-3.ndjson", some("imei:p", end=False)))
    check(a.states() == [("complete", None), ("refused", "unknown-format"), ("partial", "no-end")] and a.code == 1, "outputs: states", a)
    check(totals(a) == [8, 5, 0, 0, 2, 1] and a.balanced(), "outputs: totals", a)
    for d in a.dumps:
        p = pathlib.Path(d["file"])
        check(d["sha256"] == hashlib.sha256(p.read_bytes()).hexdigest() and d["bytes"] == p.stat().st_size, f"outputs: hash and size of {p.name}", d)
    s = c.status()
    check([s[k] for k in ("messages", "copies", "other", "notes", "sealed", "conflict", "quarantined")] == [5, 0, 1, 1, 0, 0, 1], "status: counts", s)
    check(s["dumps"] == {"complete": 1, "partial": 1, "refused": 1} and s["digest"] == a.digest, "status: dumps and digest", s)
    check(s["first"] == "2020-04-04T11:33:20.000Z" and s["last"] == "2020-04-05T11:33:20.000Z", "status: time span", s)
    check(s["segments"] == 1 and 0 < s["bytes"] < 1 << 20, "status: segments and bytes", s)
    t = c.ingest("status").stdout.decode()
    check(all(re.search(rf"{k} +{v}\b", t) for k, v in (("messages", 5), ("quarantined", 1), ("dumps partial", 1), ("content digest", s["digest"]))), "status: text", t)
    rows = c.rows("ledger")
    check([(r["state"], r.get("reason", {}).get("code"), r["records"]) for r in rows] == [("complete", None, 5), ("refused", "unknown-format", 0), ("partial", "no-end", 3)],
          "ledger: json", rows)
    check(rows[0]["authority"] == "Police" and rows[0]["source"] == "imei:o" and rows[0]["stage"] == "live" and rows[0]["sha256"] == a.dumps[0]["sha256"],
          "ledger: the unit of a dump", rows[0])
    t = c.ingest("ledger").stdout.decode()
    check(all(x in t for x in ("o-1.age", "o-2.txt", "o-3.ndjson", "To do: ", "1 lines in quarantine")), "ledger: text", t)
    t = c.ingest("ledger", "--state", "partial,refused").stdout.decode()
    check("o-1.age" not in t and "o-2.txt" in t and "o-3.ndjson" in t, "ledger --state", t)
    check([r["state"] for r in c.rows("ledger", "--state", "complete")] == ["complete"], "ledger --state, json")
    q = c.rows("quarantine")
    check(len(q) == 1 and q[0]["dump"].endswith("o-1.age") and q[0]["dump_sha256"] == a.dumps[0]["sha256"] and q[0]["line"] == 3 and q[0]["reason"] == "not-json"
          and base64.b64decode(q[0]["bytes_base64"]) == b"rubbish here", "quarantine: json", q)
    t = c.ingest("quarantine").stdout.decode()
    check("o-1.age:3: not-json: rubbish here" in t, "quarantine: text", t)
    out = TMP / "quarantine.raw"
    r = c.ingest("quarantine", "--raw", "-o", out)
    check(r.returncode == 0 and out.read_bytes() == b"rubbish here\n" and stat.S_IMODE(out.stat().st_mode) == 0o600, "quarantine --raw -o", r)
    r = c.ingest("quarantine", "--raw", "-o", out)
    check(r.returncode == 3 and out.read_bytes() == b"rubbish here\n", "quarantine --raw -o: an existing file stays", r)
    check(c.ingest("quarantine", "--raw").stdout == b"rubbish here\n", "quarantine --raw into a pipe")
    r = case().ingest("quarantine")
    check(r.returncode == 0 and b"nothing" in r.stdout, "quarantine: nothing", r)
    r = c.ingest("add", write("o-4.ndjson", some("imei:q", end=False)))
    t = r.stdout.decode()
    check(r.returncode == 1 and t.startswith("partial") and "no-end" in t and "To do: " in t and "balanced" in t and "NOT" not in t, "add: text, failures first", t)
    v = c.ingest("verify")
    check(v.returncode == 0 and b"whole" in v.stdout, "verify", v)
    r = c.ingest("add", "--progress=plain", write("o-5.ndjson", some("imei:r")))
    check(r.returncode == 0 and not re.search(rb"[\r\x1b]", r.stderr), "progress as plain lines", r.stderr)
    c.sound("outputs")


def verify_finds():
    """A flipped byte in any file of the case is found, named, and exit 1 (or 3 where the case no longer opens)."""
    c = case()
    c.add(write("v.ndjson", dump([msg(1, "some text"), b"rubbish"], source="imei:v")))
    for p in sorted(x for x in c.dir.rglob("*") if x.is_file() and x.name != "lock"):
        good = p.read_bytes()
        name = p.relative_to(c.dir)
        for at in (0, len(good) // 2, len(good) - 1):
            p.write_bytes(good[:at] + bytes([good[at] ^ 4]) + good[at + 1:])
            r = c.ingest("verify", "--no-reopen")
            check(r.returncode in (1, 3) and r.stdout + r.stderr and b"whole" not in r.stdout, f"verify finds a flipped byte {at} of {len(good)} in {name.parts[0]}", r)
        p.write_bytes(good[:-1])
        check(c.ingest("verify", "--no-reopen").returncode in (1, 3), f"verify finds {name.parts[0]} cut")
        p.unlink()
        check(c.ingest("verify", "--no-reopen").returncode in (1, 3), f"verify finds {name.parts[0]} missing")
        p.write_bytes(good)
    c.sound("verify, all mended")


# ---- again and again --------------------------------------------------------------------------------


def again():
    c = case()
    f = write("again.age", age(dump([msg(1, "one"), msg(2, "two", sent=T + 1), b"rubbish", {"kind": "contact", "seq": 3, "owner": "a", "handle": "b", "nickname": "n"}])))
    a = c.add(f)
    before = c.status()
    b = c.add(f)
    check(b.states() == [("already", None)] and b.only["was"] == "complete" and totals(b) == [0] * 6 and b.code == 0, "a dump that is in is passed over", b)
    check(c.status() == before, "already: nothing changes, not even the generation")
    b = c.add("--again", f)
    check(b.states() == [("complete", None)] and b.code == 1 and b.balanced() and b.only["redelivered"] == 0, "--again: no re-delivery of itself", b)
    now = c.status()
    for k in ("messages", "copies", "other", "quarantined", "digest"):
        check(now[k] == before[k], f"--again: {k} stays", (before[k], now[k]))
    check(now["dumps"] == before["dumps"], "--again: still one dump", now)
    b = c.add(f, write("again-copy.age", f.read_bytes()))
    check([s for s, _ in b.states()] == ["already", "already"], "already goes by content, not by name", b)
    d = case()
    b = d.add(f, TMP / "again-copy.age")
    check([x["state"] for x in b.dumps] == ["complete", "already"] and totals(b) == totals(a), "the same file twice in one add", b)
    c.sound("again")
    # Repeats, a message credited to another dump, and more lines than before: the books stay.
    c = case()
    one = write("again-1", dump([msg(1, "ok"), msg(2, "ok"), msg(3, "both")], source="imei:one"))
    two = write("again-2", dump([msg(1, "both"), msg(2, "ok"), msg(3, "mine", sent=T + 9)], source="imei:two"))
    books = [totals(c.add(f)) for f in (one, two)]
    digest = c.status()["digest"]
    for f, was in ((two, books[1]), (one, books[0]), (two, books[1])):
        check(totals(c.add("--again", f)) == was, f"--again {f.name}: the books stay")
    check(c.status()["digest"] == digest, "--again: the digest stays")
    c.sound("again, repeats")


def redelivery():
    c = case()
    one = dump([msg(1, "one"), msg(2, "two", sent=T + 1), {"kind": "event", "seq": 3, "what": "join", "group": "g", "time": T}], source="imei:r")
    a = c.add(write("r1", one))
    b = c.add(write("r2", age(one)))
    check(totals(b) == [4, 0, 0, 3, 1, 0] and b.code == 0, "a re-delivery in another wrapping", b)
    check(c.status()["messages"] == 2 and b.digest == a.digest, "a re-delivery changes no content")
    b = c.add(write("r3", dump([msg(1, "one", read=T + 5)], source="imei:r")))
    check(totals(b) == [2, 0, 0, 1, 1, 0] and b.digest != a.digest, "a re-delivery with another copy field is a further version", b)
    b = c.add(write("r4", dump([msg(7, "one")], source="imei:s")))
    check(totals(b) == [2, 0, 1, 0, 1, 0], "the same content in another stream is a copy", b)
    b = c.add(write("r5", dump([msg(1, "clash")], source="imei:r")))
    check(totals(b) == [2, 1, 0, 0, 1, 0] and c.status()["conflict"] == 2, "another content under the same seq is a clash", (b, c.status()))
    c.sound("redelivery")


def partial_then_whole():
    c = case()
    whole = some("imei:w", 500, authority="Police", serial="S-1")
    other = some("imei:w", 500, first=600, authority="Police", serial="S-2")
    a = c.add(write("w-cut", whole[:20000]))
    check(a.states() == [("partial", "no-end")], "partial first", a)
    part = a.totals["messages"]
    b = c.add(write("w-other", other))
    check([r["superseded"] for r in c.rows("ledger")] == [False, False], "ledger: another unit supersedes nothing")
    b = c.add(write("w-whole", whole))
    check(b.states() == [("complete", None)] and b.totals["messages"] + part == 500 and b.totals["redelivered"] == part, "then whole: nothing twice", b)
    check([(r["state"], r["superseded"]) for r in c.rows("ledger")] == [("partial", True), ("complete", False), ("complete", False)],
          "ledger: the partial dump is superseded", c.rows("ledger"))
    check("Made good" in c.ingest("ledger").stdout.decode(), "ledger: text says so")
    d = case()
    d.add(TMP / "w-whole", TMP / "w-other")
    check(d.status()["messages"] == c.status()["messages"] == 1000, "partial then whole: as if it had come whole")
    c.sound("partial then whole")


def same_bytes_then_whole():
    """What could not be opened, and is opened later, is not asked for again."""
    c = case()
    locked = write("bytes-locked.age", age(some("imei:x"), identity("other")))
    wide = write("bytes-wide.zst", zstd(some("imei:y", 60000), "-1", "--long=24", "--no-check"))
    a = c.add(locked, wide)
    check(a.states() == [("refused", "no-key"), ("partial", "window")], "refused and partial first", a)
    check([r["superseded"] for r in c.rows("ledger")] == [False, False], "ledger: both are to do")
    check(c.add(locked, ident=identity("other")).states() == [("complete", None)], "the right key")
    check([r["superseded"] for r in c.rows("ledger", "--state", "partial,refused")] == [True, False], "ledger: opened with the right key", c.rows("ledger"))
    check(c.add("--again", "--window", "128M", wide).states() == [("complete", None)], "the wider window")
    check([r["superseded"] for r in c.rows("ledger", "--state", "partial,refused")] == [True, True], "ledger: read with a wider window", c.rows("ledger"))
    out = c.ingest("ledger", "--state", "partial,refused").stdout.decode()
    check(c.ingest("compact").returncode == 0 and c.ingest("compact").stdout.startswith(b"1 segment became 1;"), "one segment is no segments")
    check(out.count("Made good") == 2 and "To do" not in out, "ledger: nothing is to do", out)


# ---- forms of a delivery ----------------------------------------------------------------------------


def inputs():
    raw = some("imei:in", 50)
    want = case().add(write("in.ndjson", raw))
    check(want.code == 0 and want.totals["messages"] == 50, "plain NDJSON", want)
    half = raw.index(b"\n", len(raw) // 2) - 7  # within a line
    skip = b"\x5a\x2a\x4d\x18" + struct.pack("<I", 1000) + bytes(1000)
    frames = zstd(raw[:half]) + zstd(b"") + zstd(raw[half:])
    armored = age(zstd(raw), armor=True)
    forms = {"zstd": zstd(raw), "age": age(raw), "zstd in age": age(zstd(raw)), "several zstd frames": frames, "a skippable frame first": skip + frames,
             "a skippable frame between and behind": zstd(raw[:half]) + skip + zstd(raw[half:]) + skip, "zstd level 19 with checksum": zstd(raw, "-19", "--check"),
             "zstd without checksum": zstd(raw, "--no-check"), "armored age": armored, "armored age, CRLF": armored.replace(b"\n", b"\r\n"),
             "armored age, white space around": b" \n\t\n" + armored + b"\n \n", "a BOM": b"\xef\xbb\xbf" + raw, "a BOM in zstd in age": age(zstd(b"\xef\xbb\xbf" + raw)),
             "CRLF lines": raw.replace(b"\n", b"\r\n"), "white space first": b"  \t" + raw, "no LF at the end": raw[:-1],
             "frames in age": age(skip + frames), "two recipients": age(raw, identity("other"), identity("case"))}
    for what, data in forms.items():
        c = case()
        a = c.add(write("form", data))
        check(a.states() == [("complete", None)] and totals(a) == totals(want) and a.code == 0, f"{what}: goes in", a)
        check(a.digest == want.digest, f"{what}: the same digest")
    c = case()
    piped = age(zstd(raw))
    a = c.add("-", data=piped)
    check(totals(a) == totals(want) and a.digest == want.digest and a.code == 0, "standard input", a)
    check(a.only["sha256"] == hashlib.sha256(piped).hexdigest() and a.only["bytes"] == len(piped), "standard input is hashed as received", a)
    with open(TMP / "in.ndjson", "rb") as f:
        a = case().add("-", stdin=f)
    check(totals(a) == totals(want) and a.only["sha256"] == want.only["sha256"], "standard input from a file", a)
    a = case().add("-", data=b"")
    check(a.states() == [("refused", "empty")] and a.code == 1, "standard input, empty", a)
    fifo = TMP / "fifo"
    os.mkfifo(fifo)
    data = age(zstd(raw))
    t = threading.Thread(target=lambda: fifo.write_bytes(data))
    t.start()
    a = case().add(fifo)
    t.join()
    check(totals(a) == totals(want) and a.digest == want.digest and a.only["bytes"] == len(data), "a FIFO as a dump", a)
    a = case().add(f"/dev/fd/0", data=raw)
    check(totals(a) == totals(want), "/dev/fd/0, as the shell's <(...) gives", a)


def directory_order():
    d = TMP / "tree"
    names = ["A", "a.1", "a/x", "a/y/z", "a0", "b", "\u00e4", "z\udcff"]
    for i, n in enumerate(RANDOM.sample(names, len(names))):
        write(os.path.join("tree", n), some(f"imei:{n!a}"))
    write("tree/b.minisig", b"untrusted comment: not a dump\n")
    (d / "void").mkdir()
    c = case()
    a = c.add(d)
    want = sorted((os.fsencode(n) for n in names))
    got = [os.path.relpath(x["file"], d) for x in a.dumps]
    check(got == [n.decode("utf-8", "replace") for n in want], "a directory is taken in byte order of the relative path, without *.minisig", got)
    check(a.code == 0 and a.totals["messages"] == 3 * len(names), "a directory: all go in", a)
    a = case().add(str(d) + "/", d / "b", cwd=TMP)
    check([x["state"] for x in a.dumps].count("already") == 1, "a directory and a file in it", a)
    (TMP / "nothing-in-it").mkdir()
    a = case().add(TMP / "nothing-in-it")
    check(a.code == 0 and not a.dumps and a.balanced(), "an empty directory", a)


def identities():
    raw = some("imei:id")
    f = write("id.age", age(raw))
    case_id, other = identity("case"), identity("other")
    c = case()
    for mode in (0o644, 0o640, 0o602):
        case_id.chmod(mode)
        r = c.ingest("add", "-i", case_id, f)
        check(r.returncode == 3 and b"chmod 600" in r.stderr and not r.stdout.count(b"complete"), f"identity file open to others ({mode:o}): exit 3", r)
    case_id.chmod(0o600)
    r = c.ingest("add", "-i", TMP / "nosuch.agekey", f)
    check(r.returncode == 3 and b"nosuch" in r.stderr, "identity file missing: exit 3", r)
    check(c.status()["dumps"] == {"complete": 0, "partial": 0, "refused": 0}, "identities: nothing was done")
    bad = {"plugin": b"AGE-PLUGIN-YUBIKEY-1QGSZQVZ0MFRTC\n", "post-quantum": b"AGE-SECRET-KEY-PQ-1QQQQ\n", "mixed case": case_id.read_bytes().replace(b"KEY-1", b"KEY-1").swapcase(),
           "a wrong letter": re.sub(rb"(KEY-1\w{20})(.)", lambda m: m[1] + (b"Q" if m[2] != b"Q" else b"P"), case_id.read_bytes()), "no identity": b"hello\n", "nothing": b"", "NULs": bytes(100)}
    for what, data in bad.items():
        p = write("bad.agekey", data)
        p.chmod(0o600)
        r = c.ingest("add", "-i", p, f)
        secret = re.search(rb"(?i)KEY-1(\w{30})", data)
        check(r.returncode == 3 and b"bad.agekey" in r.stderr and not (secret and secret[1] in r.stderr), f"an identity file with {what}: exit 3, named, not shown", r)
    both = write("both.agekey", b"# two of them\n\n" + other.read_bytes() + b"\r\n" + case_id.read_bytes())
    both.chmod(0o600)
    a = case().add(f, write("id2.age", age(some("imei:id2"), other)), ident=both)
    check(a.code == 0 and a.states() == [("complete", None)] * 2, "several identities in one file", a)
    a = Added(c.ingest("add", "--format", "json", "-i", other, "--identity", case_id, f, TMP / "id2.age"))
    check(a.code == 0 and a.states() == [("complete", None)] * 2, "several identity files", a)


def signatures():
    def keys(name):
        pub, sec = TMP / (name + ".pub"), TMP / (name + ".sec")
        tool("minisign", "-G", "-W", "-p", pub, "-s", sec)
        return pub, sec
    good, sign = keys("signer")
    stranger, forge = keys("stranger")
    d = TMP / "signed"
    files = {n: write("signed/" + n, age(some("imei:" + n))) for n in ("good", "none", "forged", "changed", "damaged")}
    for n, key in (("good", sign), ("forged", forge), ("changed", sign), ("damaged", sign)):
        tool("minisign", "-S", "-s", key, "-m", files[n], "-t", "made for a test")
    files["changed"].write_bytes(age(some("imei:changed2")))
    sig = pathlib.Path(str(files["damaged"]) + ".minisig")
    sig.write_bytes(sig.read_bytes().replace(b"made for", b"made f0r"))
    c = case()
    a = c.add("--trust", good, d)
    by = {os.path.basename(x["file"]): (x["state"], x.get("reason", {}).get("code")) for x in a.dumps}
    check(by == {"good": ("complete", None), **{n: ("refused", "bad-signature") for n in ("none", "forged", "changed", "damaged")}} and a.code == 1,
          "--trust: only what is signed by these keys goes in", by)
    check(a.balanced() and a.totals["messages"] == 3, "--trust: the books", a)
    signer = [r.get("signer") for r in c.rows("ledger")]
    check(sum(bool(s) for s in signer) == 1, "--trust: the ledger names the signer", signer)
    two = write("two.pub", good.read_bytes() + stranger.read_bytes())
    a = c.add("--trust", two, files["forged"], files["good"])
    check(a.states() == [("complete", None), ("already", None)], "--trust: several keys, and a refused dump is tried again", a)
    r = c.ingest("add", "--trust", write("no.pub", b"hello\n"), d)
    check(r.returncode == 3 and b"no.pub" in r.stderr, "--trust: a file without keys is exit 3", r)
    a = case().add(d)
    check(all(s == ("complete", None) for s in a.states()) and len(a.dumps) == 5, "without --trust signatures are not looked at", a)
    c.sound("signatures")


# ---- generated deliveries ---------------------------------------------------------------------------


def counts(s):
    return {k: s[k] for k in ("messages", "copies", "other", "notes", "sealed", "conflict", "quarantined", "first", "last")}


def orders():
    g = generate("orders", "-n", "6000", "-d", "5", "-s", "4")
    parts, seen = sorted((g / "dumps").iterdir()), set()
    truth = json.loads((g / "truth.json").read_text())
    for i, j in enumerate((1, 2, 8, 2)):
        order = parts if i == 0 else RANDOM.sample(parts, len(parts))
        c = case()
        # All at once, or dump by dump, each a commit of its own.
        runs = [order] if i < 3 else [[p] for p in order]
        adds = [c.add("-j", j, *r, ident=g / "case.agekey") for r in runs]
        sums = [sum(a.totals[k] for a in adds) for k in BOOKS]
        check(all(a.balanced() for a in adds) and sums == [truth[k] for k in BOOKS], f"-j {j}, order {i}: the totals are the truth's", sums)
        seen.add((adds[-1].digest, *counts(c.status()).items()))
        if i:
            r = c.ingest("compact")
            s = c.status()
            check(r.returncode == 0 and s["segments"] == 1 and s["digest"] == adds[-1].digest, f"-j {j}, order {i}: compact keeps the digest", r)
            seen.add((s["digest"], *counts(s).items()))
            c.sound(f"-j {j}, order {i}, compacted")
            if i == 3:
                check(sorted(r["state"] for r in c.rows("ledger", "--state", "complete")) == ["complete"] * 5, "compact keeps the ledger")
                a = c.add(*parts, ident=g / "case.agekey")
                check([x["state"] for x in a.dumps] == ["already"] * 5, "compact keeps what is already in", a)
    check(len(seen) == 1, "any number of threads, any order, compact: the same digest and status", seen)


def body_keys():
    g = generate("sealed", "-n", "3000", "-d", "2")
    truth = json.loads((g / "truth.json").read_text())
    c, d = case(), case()
    a = c.add(g / "dumps", ident=g / "case.agekey")
    b = d.add("--body-keys", g / "body.keys", g / "dumps", ident=g / "case.agekey")
    check(totals(a) == totals(b) and a.totals["sealed"] == truth["sealed"], "without --body-keys all sealed bodies stay sealed", (a.totals, truth["sealed"]))
    left = truth["sealed_without_key"] + truth["seal_broken"]
    check(b.totals["sealed"] == left == d.status()["sealed"], "--body-keys opens those it has the key of", (b.totals, left))
    ids = [sorted(m["id"] for m in x.search("kind:message")) for x in (c, d)]
    check(ids[0] == ids[1] and len(ids[0]) == truth["messages"], "--body-keys: the same ids")
    (g / "body.keys").chmod(0o644)
    r = c.ingest("add", "--body-keys", g / "body.keys", g / "dumps")
    check(r.returncode == 3 and b"chmod 600" in r.stderr, "--body-keys: a file open to others is exit 3", r)
    c.sound("sealed bodies")
    d.sound("opened bodies")


def interruptions():
    """Killed or stopped at any instant, the same add in the end gives the undisturbed case."""
    g = generate("kill", "-n", "160000", "-d", "5")
    args = ["-i", g / "case.agekey", "--memory", "64M", "--aside", "0", "--progress=none", g / "dumps"]
    still = case()
    start = time.monotonic()
    r = still.ingest("add", *args)
    took = time.monotonic() - start
    want = still.status()
    check(r.returncode == 1 and want["messages"] > 159000 and want["generation"] > 4, "undisturbed: several commits", (r.returncode, want))

    def begin(c):
        return subprocess.Popen([INGEST, "add", c.dir, *c.key, "--format", "json", *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, start_new_session=True)

    def whole(c, what):
        v = c.ingest("verify")
        check(v.returncode == 0 and b"whole" in v.stdout, what + ": every seal holds", v)

    def completes(c, what):
        a = Added(c.ingest("add", "--format", "json", *args))
        s = c.status()
        check(a.code in (0, 1) and a.balanced(), what + ": the same add completes it", a.run)
        check(s["digest"] == want["digest"], what + ": the same digest as undisturbed", s)
        check(counts(s) == counts(want), what + ": the same counts", (counts(s), counts(want)))
        states = [r["state"] for r in c.rows("ledger")]
        check(states == ["complete"] * 5, what + ": every dump is in the ledger once", states)
        books = {k: sum(r[k] for r in c.rows("ledger")) for k in BOOKS}
        check(books == {k: sum(r[k] for r in still.rows("ledger")) for k in BOOKS}, what + ": the ledger has the same books", books)

    c = case()
    for i in range(6):
        p = begin(c)
        time.sleep(RANDOM.uniform(0.02, 0.45) * took)
        p.kill()
        p.communicate()
        whole(c, f"kill {i}")
        check(gone(p.pid), f"kill {i}: the process that opens dumps ends too")
    completes(c, "killed six times")
    c.sound("killed six times")
    for i, (sig, group) in enumerate(((signal.SIGINT, False), (signal.SIGINT, True), (signal.SIGTERM, False))):
        c = case()
        size = (c.dir / "ledger").stat().st_size
        p = begin(c)
        if i == 0:
            time.sleep(0.1 * took)
        while i and (c.dir / "ledger").stat().st_size == size and p.poll() is None:
            time.sleep(0.005)  # until its first commit
        (os.killpg if group else os.kill)(p.pid, sig)
        out, err = p.communicate(timeout=60)
        check(p.returncode == 130 and err, f"stopped {i} by {sig.name}: exit 130", (p.returncode, out[-300:], err))
        a = json.loads(out)
        check(a["totals"]["balanced"] is True, f"stopped {i}: what was committed is reported", a)
        whole(c, f"stopped {i}")
        left = [x for x in c.dir.rglob("*.tmp")]
        check(not left and gone(p.pid), f"stopped {i}: nothing temporary is left")
        completes(c, f"stopped {i}")
    r = c.ingest("compact")
    check(r.returncode == 0 and c.status()["digest"] == want["digest"], "stopped, then compacted: the same digest", r)
    c.sound("stopped, then compacted")


def aside():
    """What does not fit into memory is put aside and committed at once; killed on the way, it was never there."""
    g = generate("aside", "-n", "120000", "-d", "5")
    args = ["-i", g / "case.agekey", "--progress=none", g / "dumps"]
    roomy, tight, often = case(), case(), case()
    roomy.ingest("add", "--memory", "4G", *args)
    start = time.monotonic()
    r = tight.ingest("add", "--memory", "64M", *args)
    took = time.monotonic() - start
    want = roomy.status()
    check(r.returncode == 1 and tight.status()["generation"] == want["generation"] == 2, "little memory, one commit", (r, tight.status()))
    check(tight.status()["segments"] > 1 and tight.status()["digest"] == want["digest"], "several segments, the same digest", tight.status())
    tight.sound("put aside")
    often.ingest("add", "--memory", "64M", "--aside", "1M", *args)
    check(often.status()["generation"] > 3 and often.status()["digest"] == want["digest"], "--aside 1M: several commits, the same digest", often.status())
    c = case()
    for i in range(4):
        p = subprocess.Popen([INGEST, "add", c.dir, *c.key, "--memory", "64M", *args], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             start_new_session=True)
        time.sleep(RANDOM.uniform(0.3, 0.9) * took)
        os.killpg(p.pid, signal.SIGKILL)
        p.wait()
        check(i or c.status()["generation"] == 1 or c.status()["digest"] == want["digest"], "aside, killed: all or nothing", c.status())
        check(c.ingest("verify").returncode == 0, f"aside, kill {i}: every seal holds", c.status())
    p = subprocess.Popen([INGEST, "add", c.dir, *c.key, "--memory", "64M", *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(0.2 * took)
    p.send_signal(signal.SIGINT)
    p.communicate(timeout=60)
    check(p.returncode in (0, 1, 130) and c.ingest("verify").returncode == 0, "aside, Ctrl-C: what was read is in", p.returncode)
    c.ingest("add", "--memory", "64M", *args)
    check(c.status()["digest"] == want["digest"], "aside, completed: the same digest", c.status())
    c.sound("aside, completed")
    for bad in ("lots", "-1", "", "1Q"):
        r = c.ingest("add", "--aside", bad, *args)
        check(r.returncode == 2 and b"--aside" in r.stderr, f"--aside {bad!r} is a usage error", r)


def numbers_aside():
    """A device gave one number to two messages, in two conversations: joined apart, they contradict each other all the same."""
    n = 2000
    files = [write(f"numbers{k}", dump([msg(i, "".join(RANDOM.choices("abcdefgh ", k=9000)), to=(f"{peer}{i}",), sent=T + i) for i in range(1, n + 1 + 7 * k)]))
             for k, peer in enumerate("bc")]
    said = []
    for memory in ("2G", "64M"):
        c = case(plain=True)
        c.add("--memory", memory, *files, ident=False)
        said.append((c.status()["segments"], sorted(x["id"] for x in c.search("has:conflict", "--all")), c.status()["digest"]))
        c.sound(f"one number, {memory}")
    check(said[0][0] == 1 < said[1][0], "they did not fit", said)
    check(len(said[0][1]) == 2 * n and said[0][1:] == said[1][1:], "one number in two conversations: the same conflicts", [len(x[1]) for x in said])


def one_conversation_aside():
    """A conversation that is larger than the memory comes back in pieces: a copy finds its message in a segment that is not committed yet."""
    n = 4000
    texts = ["".join(RANDOM.choices("abcdefgh ", k=9000)) for _ in range(n)]
    files = [write(f"large{k}", dump([msg(i + 1, t, sent=T + i) for i, t in enumerate(texts)], source=f"imei:{k}")) for k in range(3)]
    said = []
    for memory in ("2G", "64M"):
        c = case(plain=True)
        c.add("--memory", memory, *files, ident=False)
        found = c.search("copies:3", "--all")
        said.append((c.status()["segments"], len(found), c.status()["digest"], c.status()["messages"], c.status()["copies"]))
        c.sound(f"one conversation, {memory}")
    check(said[0][0] == 1 < said[1][0] and said[0][1:] == said[1][1:] and said[0][1] == said[0][3] == n, "one large conversation: the same case", said)


def gone(group):
    """No process of the session is left, within a while; one that init has not reaped yet is none."""
    for _ in range(200):
        alive = False
        for p in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _, pgrp = p.read_text().rsplit(")", 1)[1].split()[:3]
            except (OSError, ValueError):
                continue
            alive |= int(pgrp) == group and state not in "ZX"
        if not alive:
            return True
        time.sleep(0.05)
    return False


# ---- what may not be seen ---------------------------------------------------------------------------


def at_rest():
    words = ["quartermaster", "Grenzübergang", "港口明天见面吧", "photographs"]
    records = [msg(1, " ".join(words), sender="sender-of-it", to=["receiver-of-it"], id="service-id-1", reply_to="service-id-0", x_unknown="unknown-value",
                   attachments=[{"name": "holiday-picture.jpg", "mime": "image/jpeg", "sha256": "ab" * 32}]),
               {"kind": "message", "seq": 2, "from": "sender-of-it", "group": "group-of-it", "group_name": "smugglers-club", "sent": T, "text": "anything"},
               {"kind": "contact", "seq": 3, "owner": "sender-of-it", "handle": "receiver-of-it", "nickname": "the-nickname"},
               {"kind": "note", "seq": 4, "owner": "sender-of-it", "text": "remember the bicycles"}, b'quarantined-rubbish {"',
               msg(5, "clashing content", sender="sender-of-it"), msg(5, "differing content", sender="sender-of-it")]
    kw = {"source": "imei:490154203237518", "account": "account-of-it", "authority": "Authority-of-it", "warrant": "warrant-of-it", "liid": "liid-of-it",
          "serial": "serial-of-it", "selection": "selection-of-it", "service": "service-of-it"}
    c = case()
    c.add(write("delivered-file-1.age", age(dump(records, **kw))), write("refused-file.txt", b"refused-content\n"), write("delivered-file-2.age", age(dump(records[:3], **kw))[:-9]))
    c.ingest("compact")
    c.add(write("delivered-file-3.zst", zstd(dump([msg(1, " ".join(words), sender="sender-of-it", to=["receiver-of-it"], id="service-id-1")], source="imei:356938035643809"))))
    text = b" ".join(map(line, records)) + json.dumps(kw, ensure_ascii=False).encode()
    needles = {w for w in re.findall(rb"[\w@.:-]{7,}", text) if len(w) >= 7} | {w.encode() for w in words} | {"港口".encode(), "übergang".encode(), b"grenzubergang"}
    needles |= {b"delivered-file", b"refused-file", b"refused-content", b"lictor-cli-", b"imei:", b"no-end", b"unknown-format", b"not-json", *(v.encode() for v in kw.values())}
    check(len(needles) > 50, "at rest: there is something to look for", len(needles))
    check(not c.readable(needles), "nothing is readable at rest: words, handles, names, reasons", c.readable(needles))
    key = c.keyfile.read_bytes().split()[-1]
    secrets = [key, base64.b64decode(key), re.search(rb"AGE-SECRET-KEY-1\w+", identity("case").read_bytes())[0]]
    check(not c.readable(secrets), "no key stands in the case")
    modes = {oct(stat.S_IMODE(p.stat().st_mode)) for p in c.dir.rglob("*")}
    check(modes <= {"0o600", "0o700", "0o400"}, "at rest: only the owner may look", modes)


def hostile_names():
    evil = "e\x1b]0;title\x07\x1b[2J\u202efdp.exe\u2066\x9b\n\r\x7f"
    names = [evil, b"bad\xff\xfe\x80utf8\x1b[31m", "\u202e" * 20, "a\tb"]
    c = case()
    paths = []
    for n in names:
        p = os.path.join(os.fsencode(TMP), b"evil-", b"")[:-1] + os.fsencode(n)
        with open(p, "wb") as f:
            f.write(dump([msg(1, evil, sender=evil, to=[evil]), evil.encode().replace(b"\n", b"")], source=evil + str(len(paths)), account=evil, authority=evil, serial=evil,
                         epoch=evil, end=False))
        paths.append(p)
    runs = [("add, text", c.ingest("add", *paths)), ("add again, json", c.ingest("add", "--format", "json", "--again", *paths))]
    check(json.loads(runs[1][1].stdout)["totals"]["records"] == 8, "hostile names: the dumps are read", runs[1][1])
    for verb in ("status", "ledger", "quarantine", "verify"):
        runs += [(verb, c.ingest(verb)), (verb + ", json", c.ingest(verb, "--format", "json"))]
    runs += [("no such dump", c.ingest("add", paths[0] + b"x")), ("unknown option", run(INGEST, "add", "--" + evil)), ("unknown command", run(INGEST, evil)),
             ("no such case", run(INGEST, "status", evil, *c.key)), ("no such key", run(INGEST, "status", c.dir, "--key", evil)), ("state", c.ingest("ledger", "--state", evil)),
             ("identity", c.ingest("add", "-i", paths[0], paths[0])), ("progress", c.ingest("add", "--again", "--progress=plain", *paths)),
             ("init", run(INGEST, "init", TMP / ("evil-case" + evil), "--key", TMP / ("evil-key" + evil)))]
    for what, r in runs:
        check(r.stdout + r.stderr and safe(r), f"hostile names and text, {what}: nothing reaches the terminal raw", (r.stdout + r.stderr)[:400])
    files = [json.loads(x)["file"] for x in c.ingest("ledger", "--format", "json").stdout.splitlines()]
    check(any(f.endswith("evil-" + evil) for f in files), "hostile names: json gives the name back", files[:1])


def what_is_no_hash_is_no_name():
    """A `sha256` that spells the name and size of another file."""
    c = case()
    said = lambda source, a: write(source + ".ndjson", dump([msg(1, "one", attachments=[a])], source=source))
    a = c.add(said("imei:1", {"name": "p.jpg", "size": 5}), said("imei:2", {"sha256": "p.jpg\0" + "5", "name": "evil.exe"}), ident=False)
    check(a.totals["messages"] == 2 and a.totals["copies"] == 0, "two files, two messages", a.totals)


def sides_do_not_depend_on_order():
    """A copy is read twice, once with its account and once without: its side is that of both."""
    file = lambda name, **kw: write(name + ".ndjson", dump([msg(1, "one")], source="imei:s", **kw))
    names = {"anna": dict(account="anna"), "bert": dict(account="bert"), "nobody": {}, "carl": dict(account="carl")}
    files = {n: file("side-" + n, **kw) for n, kw in names.items()}
    for pair, want in ((("anna", "nobody"), ["one-sided"]), (("bert", "nobody"), ["one-sided"]), (("bert", "anna"), ["one-sided"]), (("carl", "nobody"), []), (("carl", "bert"), ["one-sided"])):
        for order in (pair, pair[::-1]):
            one, both = case(plain=True), case(plain=True)
            for n in order:
                one.add(files[n], ident=False)
            both.add(*(files[n] for n in order), ident=False)
            got = [c.search("one")[0].get("flags", []) for c in (one, both)]
            check(got == [want, want], f"side of {order}", got)
            side = json.loads(run(QUERY, "message", one.dir, *one.key, "--format", "jsonl", one.search("one")[0]["id"]).stdout.splitlines()[0])["all_copies"][0]["side"]
            check(side == ("from" if "anna" in pair else "to" if "bert" in pair else "unknown"), f"shown side of {order}", side)


def zone_and_account_of_the_dump_line():
    """One line under two zones, or two accounts: two records, in any order; under the same ones a re-delivery."""
    other = [dict(kind="note", seq=1, owner="anna", time="2020-04-02T01:00:00", text="hello van"), dict(kind="location", seq=2, time=T, lat=1, lon=2),
             dict(kind="note", seq=3, owner="anna", time=T, text="own time van"), dict(kind="location", seq=4, account="eve", time=T, lat=1, lon=2)]
    file = lambda name, **kw: write(name + ".ndjson", dump(other, source="imei:z", **kw))
    a, b, again = file("berlin", zone="Europe/Berlin", account="anna"), file("tokyo", zone="Asia/Tokyo", account="carl"), file("berlin2", zone="Europe/Berlin", account="anna", serial="2")
    seen = []
    for order in ((a, b), (b, a)):
        c = case(plain=True)
        for f in order:
            c.add(f, ident=False)
        check(c.add(again, ident=False).totals["redelivered"] == 5 - 1 and c.ingest("verify", "--deep").returncode == 0, "the same zone and account: delivered before", c.rows("ledger"))
        rows = c.search("van OR kind:location")
        seen.append((sorted((r["id"], r["type"], r["from"], r["sent"]) for r in rows), c.status()["digest"]))
    check(seen[0] == seen[1], "the order of arrival changes nothing", seen)
    check(len(seen[0][0]) == 6, "two times, two persons, and what has its own once", seen[0])


def nothing_but_links():
    d, c = TMP / "links", case(plain=True)
    d.mkdir()
    target = write("linked.ndjson", some("imei:linked"))
    for n in ("a", "b"):
        os.symlink(target, d / n)
    r = c.ingest("add", d)
    check(r.returncode == 1 and b"2 symbolic links" in r.stdout and b"nothing was read" in r.stdout, "a directory of symbolic links: said, and exit 1", r)
    a = c.add(d, ident=False)
    check(a.code == 1 and json.loads(a.run.stdout)["links_passed_over"] == 2, "and for scripts", a.run)
    write("links/real.ndjson", some("imei:real"))
    r = c.ingest("add", d)
    check(r.returncode == 0 and b"2 symbolic links" in r.stdout and b"1 complete" in r.stdout, "beside a dump: said, and exit 0", r)


def refused_when_half_is_in():
    """An add is killed after a commit, and then the dump is refused: what is in stays in the books."""
    n = 200000
    f = write("half.ndjson", dump([msg(i, f"ok {i} secretword", sent=T + i) for i in range(n)], source="imei:half"))
    whole = case()
    whole.add(f, ident=False)
    tool("minisign", "-G", "-W", "-p", TMP / "half.pub", "-s", TMP / "half.sec")
    c = case()
    p = subprocess.Popen([INGEST, "add", c.dir, *c.key, "-j", "2", "--memory", "64M", "--aside", "0", f], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while p.poll() is None and c.status()["messages"] == 0:
        time.sleep(0.02)
    p.kill()
    p.wait()
    s, rows = c.status(), c.rows("ledger")
    check(0 < s["messages"] < n and s["unfinished"] == 1, "killed half way: status says so", s)
    check(b"dumps unfinished " in c.ingest("status").stdout, "in words too", c.ingest("status").stdout)
    check([(r["type"], r["sha256"], r["records"]) for r in rows] == [("unfinished", hashlib.sha256(f.read_bytes()).hexdigest(), s["messages"])], "and the ledger", rows)
    check(b"unfinished" in c.ingest("ledger").stdout and b"To do: add the file" in c.ingest("ledger").stdout, "with what to do", c.ingest("ledger").stdout)
    a = c.add("--trust", TMP / "half.pub", f, ident=False)
    d = a.dumps[0]
    check((a.code, d["state"], d["reason"]["code"], d["records"], d["messages"]) == (1, "partial", "bad-signature", s["messages"], s["messages"]) and a.balanced(), "refused then: partial, with its books", a)
    check(c.status()["dumps"] == {"complete": 0, "partial": 1, "refused": 0} and c.status()["unfinished"] == 1, "and still unfinished", c.status())
    a = c.add(f, ident=False)
    check((a.code, a.only["state"], a.only["messages"]) == (0, "complete", n), "the next add goes on and completes it", a)
    check(c.status()["digest"] == whole.status()["digest"] and c.status()["unfinished"] == 0, "to the same case", c.status())
    a = c.add("--trust", TMP / "half.pub", f, ident=False)
    check((a.only["state"], a.only["records"]) == ("partial", n + 1), "refused when all of it is in: not `refused`", a)


def many_versions_of_one_copy():
    c, n = case(plain=True), 40000
    reads = [write(f"versions{i}.ndjson", dump([msg(1, "ok", read=T + i * n + k) for k in range(n)], source="imei:v")) for i in range(2)]
    began = time.monotonic()
    a = [c.add(f, ident=False) for f in reads] + [c.add("--again", reads[1], ident=False)]
    check(time.monotonic() - began < 60, "many versions of one copy take no square of the time", time.monotonic() - began)
    check([totals(x)[1:4] for x in a] == [[1, 0, n - 1], [0, 0, n], [0, 0, n]], "many versions of one copy", [x.totals for x in a])
    one = c.search("ok")
    check(len(one) == 1 and one[0].get("copies", 1) == 1, "they are one message", one)
    seen = json.loads(c.ingest("status", "--format", "json").stdout)["digest"]
    d = case(plain=True)
    d.add(*reads, ident=False)
    check(json.loads(d.ingest("status", "--format", "json").stdout)["digest"] == seen, "and in one add the same")


each([usage, init, no_encryption, outputs, verify_finds, again, redelivery, partial_then_whole, same_bytes_then_whole, inputs, directory_order, identities, signatures, orders, body_keys,
      interruptions, aside, numbers_aside, one_conversation_aside, at_rest, hostile_names, what_is_no_hash_is_no_name, many_versions_of_one_copy, refused_when_half_is_in, sides_do_not_depend_on_order, zone_and_account_of_the_dump_line, nothing_but_links])
finish()
