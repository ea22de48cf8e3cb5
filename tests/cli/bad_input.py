#!/usr/bin/env python3
"""Bad input and what it gets: each kind by name, with its state and reason, or its place in quarantine,
or its flag; the exit code; books that balance; a case that is whole afterwards."""
import base64, fcntl, json, os, re, socket, struct, threading, time

from lictor_cli import *

CHUNK = 64 << 10  # of an age payload
TAG = 16
count = 0


def case(plain=False):
    global count
    count += 1
    return Case(f"bad{count}", plain)


def noise(n):
    """Texts that do not compress, so that a dump has several chunks or blocks."""
    return [msg(i + 1, f"line{i} " + os.urandom(60).hex(), sent=T + i) for i in range(n)]


BIG = dump(noise(3000))  # about 0.7 MB


def expect(what, data, state, code, *args, messages=0, exit=1, quarantined=0, records=None, ident=None, c=None):
    """One file goes into an empty case."""
    c = c or case()
    a = c.add(*args, data if isinstance(data, os.PathLike) else write(f"{what.replace(' ', '_')}.bin", data), ident=ident)
    check(a.states() == [(state, code)] and a.code == exit, f"{what}: {state} {code}, exit {exit}", a)
    check(a.balanced(), f"{what}: the books balance", a)
    d = a.only
    if isinstance(messages, range):
        check(d.get("messages") in messages, f"{what}: what was good before the damage is in", a)
    else:
        check(d.get("messages") == messages, f"{what}: {messages} messages", a)
    check(d.get("quarantined") == quarantined, f"{what}: {quarantined} in quarantine", a)
    if records is not None:
        check(d.get("records") == records, f"{what}: {records} records", a)
    s = c.status()
    check(s["messages"] == d.get("messages") and s["quarantined"] == quarantined, f"{what}: status agrees", s)
    check(s["dumps"] == {k: int(k == state) for k in ("complete", "partial", "refused")}, f"{what}: the dump is counted", s)
    c.sound(what)
    return c, a


# ---- encryption ------------------------------------------------------------------------------------


def wrong_key():
    c, a = expect("wrong key", age(dump([msg(1)])), "refused", "no-key", ident=identity("other"))
    a = c.add(TMP / "wrong_key.bin")
    check(a.code == 0 and a.totals["messages"] == 1, "wrong key: with the right one the same file goes in", a)
    check(c.status()["dumps"] == {"complete": 1, "partial": 0, "refused": 0}, "wrong key: then it is complete")


def no_key():
    expect("no key", age(dump([msg(1)])), "refused", "no-key", ident=False)
    pw = scrypt(dump([msg(1)]), "pässword of the test")
    expect("no passphrase", pw, "refused", "no-key")
    bad = write("bad.pass", b"not it\n")
    bad.chmod(0o600)
    c, _ = expect("wrong passphrase", pw, "refused", "bad-passphrase", "--dump-passphrase-file", bad)
    good = write("good.pass", "pässword of the test\n".encode())
    good.chmod(0o600)
    a = c.add("--dump-passphrase-file", good, TMP / "wrong_passphrase.bin")
    check(a.code == 0 and a.totals["messages"] == 1, "wrong passphrase: with the right one the same file goes in", a)
    factor = re.search(rb"-> scrypt \S+ (\d+)", pw)[1]
    strong = pw.replace(b" " + factor + b"\n", b" 29\n", 1)
    expect("scrypt work factor 29", strong, "refused", "bad-header", "--dump-passphrase-file", good)


def damaged_header():
    sealed = age(dump([msg(1)]))
    at = sealed.index(b"\n---")
    for what, data in (("stanza", sealed[:60] + b"!" + sealed[61:]), ("MAC", sealed[:at + 8] + b"A" * 4 + sealed[at + 12:]),
                       ("version", sealed.replace(b"org/v1", b"org/v9", 1)), ("cut", sealed[:at - 3]),
                       ("without end", sealed[:22] + b"-> X25519 " + b"A" * 2000000)):
        expect("damaged header: " + what, data, "refused", "bad-header")


def payload(sealed):
    """Where chunk 0 begins: behind the header and the nonce."""
    return sealed.index(b"\n", sealed.index(b"\n---") + 1) + 1 + 16


def lines_within(n):
    """Message lines that are whole in the first n plain bytes."""
    return max(BIG[:n].count(b"\n") - 1, 0)


def damaged_chunks():
    sealed = age(BIG)
    start, size = payload(sealed), CHUNK + TAG
    for k in (0, 1, 5):
        data = bytearray(sealed)
        data[start + k * size + 1000] ^= 1
        good = lines_within(k * CHUNK)
        c, a = expect(f"flipped byte in chunk {k}", bytes(data), "partial", "chunk", messages=good, records=good)
        check(a.only["reason"]["at"] == start + k * size, f"flipped byte in chunk {k}: the offset of the chunk is told", a)
        data = sealed[:start + k * size + 700]
        c, a = expect(f"file cut in chunk {k}", data, "partial", "cut", messages=good, records=good)
        check(a.only["reason"]["at"] in range(start + k * size, len(data) + 1), f"file cut in chunk {k}: the offset is told", a)
    a = c.add(write("whole.age", sealed))
    check(a.code == 0 and a.totals["messages"] == 3000 - good and a.totals["redelivered"] == good,
          "file cut: the whole dump completes it, nothing twice", a)
    c.sound("file cut, then whole")
    data = sealed[:start + 2 * size]
    good = lines_within(2 * CHUNK)
    expect("file cut between chunks", data, "partial", "cut", messages=range(lines_within(CHUNK), good + 1))
    last = (len(sealed) - start) // size
    data = sealed[:start] + sealed[start + size:]
    expect("a chunk left out", data, "partial", "chunk")
    a, b = sealed[start:start + size], sealed[start + size:start + 2 * size]
    expect("chunks exchanged", sealed[:start] + b + a + sealed[start + 2 * size:], "partial", "chunk")
    c, _ = expect("cut in the last chunk", sealed[:-1], "partial", "cut", messages=lines_within(last * CHUNK))
    check(b"cut short, or its last chunk was changed" in c.ingest("ledger").stdout, "a cut in the last chunk: may be a change as well", c.ingest("ledger"))


def trailing_bytes():
    full = BIG + b" " * (-len(BIG) % CHUNK)  # the last chunk is a whole one
    for what, sealed in (("short", age(BIG)), ("full", age(full))):
        for behind, more in (("bytes", b"x" * 5), ("much", bytes(200000)), ("a second age file", age(dump([msg(1)], source="imei:2")))):
            expect(f"{behind} after the last chunk, which is {what}", sealed + more, "partial", "trailing-bytes", messages=3000, records=3001)
    expect("bytes after armor", age(BIG, armor=True) + b"x", "partial", "trailing-bytes", messages=3000)


# ---- compression -----------------------------------------------------------------------------------


def zstd_damage():
    packed = zstd(BIG)
    data = bytearray(packed)
    del data[len(data) // 2 + 11]  # a changed byte may be a literal, which only the checksum at the end shows
    expect("broken zstd", bytes(data), "partial", "zstd", messages=range(500, 3001))
    expect("broken zstd in age", age(bytes(data)), "partial", "zstd", messages=range(500, 3001))
    c, _ = expect("truncated zstd", packed[:len(packed) // 2], "partial", "zstd", messages=range(500, 3001))
    a = c.add(write("whole.zst", packed))
    check(a.code == 0 and c.status()["messages"] == 3000, "truncated zstd: the whole dump completes it", a)
    expect("truncated zstd checksum", packed[:-2], "partial", "zstd", messages=3000)
    expect("rubbish behind a frame", packed + b"rubbish", "partial", "zstd", messages=3000)
    expect("zstd of nothing", zstd(b""), "refused", "empty")


def zstd_window():
    sealed = tool("zstd", "-q", "-c", "--ultra", "-20", "--long=27", data=BIG)
    # Fed from a pipe zstd cannot know the size, so the frame asks for the whole window.
    c, _ = expect("zstd window too large", sealed, "partial", "window")
    a = c.add("--window", "128M", "--again", TMP / "zstd_window_too_large.bin")
    check(a.code == 0 and a.totals["messages"] == 3000, "zstd window: --window lets it in", a)
    c.sound("zstd window let in")


def repeat_block(first, n):
    """A zstd frame that begins with `first` and goes on with n times 128 KiB of spaces: 4 bytes each."""
    out = struct.pack("<IBB", 0xFD2FB528, 0x00, 10 << 3) + struct.pack("<I", len(first) << 3)[:3] + first
    block = struct.pack("<I", (128 << 10) << 3 | 1 << 1)[:3] + b" "
    return out + block * (n - 1) + struct.pack("<I", (128 << 10) << 3 | 1 << 1 | 1)[:3] + b" "


def bomb():
    lines = dump([msg(1, "before the bomb")], end=False)
    data = repeat_block(lines, 8192)
    check(len(data) < 50000, "a 1 GB bomb in 50 KB: it is that small", len(data))
    expect("a 1 GB bomb in 50 KB", data, "partial", "bomb", messages=1, records=1)
    expect("a 1 GB bomb in 50 KB in age", age(data), "partial", "bomb", messages=1, records=1)
    many = line(msg(1, "again and again")) * 2000
    packed = zstd(many * 500)
    c = case()
    a = c.add(write("many-lines.zst", packed))
    check(a.states() == [("partial", "bomb")] and a.balanced() and a.totals["messages"] == 1, "a bomb of good lines: what came before the limit is in", a)
    c.sound("a bomb of good lines")
    zeros = zstd(bytes(1 << 28))
    expect("a bomb of zeros", zeros, "refused", "unknown-format")


# ---- what is no dump -------------------------------------------------------------------------------


def tar_of(name, data):
    """A ustar archive of one file."""
    h = bytearray(512)
    h[0:len(name)] = name
    h[100:108], h[108:116], h[116:124] = b"0000644\0", b"0000000\0", b"0000000\0"
    h[124:136], h[136:148], h[156:157] = b"%011o\0" % len(data), b"00000000000\0", b"0"
    h[257:265], h[148:156] = b"ustar\00000", b" " * 8
    h[148:156] = b"%06o\0 " % sum(h)
    return bytes(h) + data + bytes(-len(data) % 512) + bytes(1024)


def no_dumps():
    c = case()
    d = TMP / "with-readme"
    write("with-readme/part-1.age", age(dump([msg(1, "beside a readme")])))
    write("with-readme/README", b"Read me first.\n")
    a = c.add(d)
    check(sorted(a.states()) == [("complete", None), ("refused", "unknown-format")] and a.code == 1,
          "a README in the directory is refused by name", a)
    check(a.balanced() and a.totals["messages"] == 1, "a README: the dump beside it is in", a)
    c.sound("a README in the directory")
    tar = tar_of(b"photo.jpg", b"\xff\xd8" * 5000)
    expect("a tar", tar, "refused", "media")
    expect("a tar in zstd", zstd(tar), "refused", "media")
    expect("a tar in age", age(tar), "refused", "media")
    expect("a tar in zstd in age", age(zstd(tar)), "refused", "media")
    expect("empty file", b"", "refused", "empty")
    expect("an age file of nothing", age(b""), "refused", "empty")
    expect("white space only", b" \n" * 10, "refused", "unknown-format")
    expect("a JSON array", b'[{"kind":"message"}]\n', "refused", "unknown-format")
    expect("zstd in zstd", zstd(zstd(BIG)), "refused", "unknown-format")
    expect("age in age", age(age(BIG)), "refused", "unknown-format")
    expect("random bytes", b"\x93" + os.urandom(100000), "refused", "unknown-format")


def odd_files():
    c = case()
    d = TMP / "odd"
    write("odd/a.ndjson", dump([msg(1, "behind odd things")]))
    os.symlink(".", d / "loop")
    os.symlink("b", d / "c"), os.symlink("c", d / "b")
    os.symlink("/etc/hostname", d / "outside")
    os.mkfifo(d / "fifo")
    s = socket.socket(socket.AF_UNIX)
    s.bind(str(d / "socket"))
    a = c.add(d)
    by = {os.path.basename(x["file"]): (x["state"], x.get("reason", {}).get("code")) for x in a.dumps}
    check(by == {"a.ndjson": ("complete", None), "fifo": ("refused", "unreadable"), "socket": ("refused", "unreadable")},
          "symbolic link loops are not followed, a socket and a FIFO in a directory are unreadable", a)
    check(a.code == 1 and a.balanced() and a.totals["messages"] == 1, "odd files: the dump beside them is in", a)
    a = c.add(d / "b")
    check(a.states() == [("refused", "unreadable")] and a.code == 1, "a symbolic link loop as an argument is unreadable", a)
    a = c.add(d / "socket")
    check(a.states() == [("refused", "unreadable")] and a.code == 1, "a socket as an argument is unreadable", a)
    a = c.add("/dev/null")
    check(a.states() == [("refused", "unreadable")] and a.code == 1, "a device is unreadable", a)
    c.sound("odd files")
    s.close()


def unreadable_file():
    """As another user, for whom modes count."""
    home = TMP / "nobody"
    home.mkdir()
    prog = home / "lictor-ingest"
    shutil.copy(INGEST, prog)
    for f, data in (("a.ndjson", dump([msg(1, "one")])), ("b.ndjson", dump([msg(1, "two")], source="imei:2")), ("sub/c.ndjson", dump([]))):
        write("nobody/" + f, data)
    TMP.chmod(0o755)
    kw = as_nobody()
    if kw:
        for p in [home, *home.rglob("*")]:
            os.chown(p, 65534, 65534)
    me = [prog, "init", home / "case", "--key", home / "key"]
    check(run(*me, **kw).returncode == 0, "unreadable file: init")
    (home / "b.ndjson").chmod(0)
    (home / "sub").chmod(0)
    go = lambda *a: run(prog, *a, "--key", home / "key", "--format", "json", **kw)
    a = Added(go("add", home / "case", home / "a.ndjson", home / "b.ndjson", home / "sub"))
    check(a.states() == [("complete", None), ("refused", "unreadable"), ("refused", "unreadable")] and a.code == 1,
          "an unreadable file and directory are refused, the others go in", a)
    check(a.balanced() and a.totals["messages"] == 1, "unreadable file: the books balance", a)
    (home / "b.ndjson").chmod(0o600)
    a = Added(go("add", home / "case", home / "a.ndjson", home / "b.ndjson"))
    check(a.states() == [("already", None), ("complete", None)] and a.code == 0, "unreadable file: made readable it goes in", a)
    v = run(prog, "verify", home / "case", "--deep", "--key", home / "key", **kw)
    check(v.returncode == 0, "unreadable file: verify --deep", v)


def changing_file():
    c = case()
    path = TMP / "changing.ndjson"
    body = dump([msg(i, f"changing {i} " + "x" * 400, sent=T + i) for i in range(120000)])  # 60 MB
    path.write_bytes(body)
    done = threading.Event()

    def meddle():
        n = 0
        while not done.is_set():
            with open(path, "r+b") as f:
                f.seek(len(body) - 100)
                f.write(b"%d" % (n % 10))
            n += 1
            time.sleep(0.002)
    t = threading.Thread(target=meddle)
    t.start()
    a = c.add(path)
    done.set()
    t.join()
    check(a.states() == [("partial", "changed")] and a.code == 1, "a file that changes while read is partial: changed", a)
    check(a.balanced() and a.only["messages"] < 120000, "a file that changes: the books balance", a)
    c.sound("a file that changes")
    path.write_bytes(body)
    a = c.add(path)
    check(a.code == 0 and c.status()["messages"] == 120000, "a file that changes: at rest it goes in whole, nothing twice", a)


# ---- the end of a dump -----------------------------------------------------------------------------


def ends():
    two = [msg(1, "one"), msg(2, "two")]
    expect("end missing", dump(two, end=False), "partial", "no-end", messages=2, records=2)
    for what, n in (("too many", 3), ("too few", 1)):
        expect(f"end disagreeing: {what}", dump(two + [{"kind": "end", "records": n}], end=False), "partial", "end-mismatch",
               messages=2, records=3)
    expect("end disagreeing: last_seq", dump(two + [{"kind": "end", "records": 2, "last_seq": 1}], end=False), "partial",
           "end-mismatch", messages=2)
    expect("no dump line, so no end is wanted", line(two[0]), "complete", None, messages=1, exit=0)
    expect("only a dump line", line(head("imei:1")), "partial", "no-end", records=0)
    c, _ = expect("lines after end", dump(two) + line(msg(3, "late")) + b"rubbish\n" + line({"kind": "end", "records": 2}),
                  "complete", None, messages=2, quarantined=3, records=6)
    check([(n, r) for n, r, _ in c.quarantine()] == [(5, "after-end"), (6, "after-end"), (7, "after-end")],
          "lines after end are in quarantine, with line and reason", c.quarantine())
    c, _ = expect("a second dump line", dump(two, end=False) + dump(two, source="imei:2"), "partial", "no-end",
                  messages=2, quarantined=4)
    check({r for _, r, _ in c.quarantine()} == {"second-dump"}, "a second dump line and all after it are in quarantine")
    expect("a last line without LF counts", dump(two)[:-1], "complete", None, messages=2, exit=0)
    expect("a last line cut", dump(two, end=False)[:-5], "partial", "no-end", messages=1, quarantined=1, records=2)


# ---- lines that go into quarantine -----------------------------------------------------------------


def m(**kw):
    return msg(2, **kw)


def exactly(n):
    """A message of n bytes."""
    short = line(msg(5, "exactly "))[:-1]
    return short.replace(b"exactly ", b"exactly " + b"y" * (n - len(short)))


LINES = [
    ("malformed JSON: a word", b"not json", "not-json"),
    ("malformed JSON: cut", b'{"kind":"message","seq":2', "not-json"),
    ("malformed JSON: more behind", b'{"kind":"message"} x', "not-json"),
    ("malformed JSON: comma", b'{"kind":"message",}', "not-json"),
    ("malformed JSON: single quotes", b"{'kind':'message'}", "not-json"),
    ("malformed JSON: number", b'{"kind":"message","seq":02}', "not-json"),
    ("malformed JSON: escape", b'{"kind":"message","text":"\\x41"}', "not-json"),
    ("an array", b'["kind","message"]', "not-json"),
    ("a NUL byte in a string", b'{"kind":"message","from":"a","to":["b"],"text":"a\0b"}', "not-json"),
    ("a NUL byte between", b'{"kind":"message",\0"text":"ab"}', "not-json"),
    ("a control character in a string", b'{"kind":"message","from":"a","to":["b"],"text":"a\x1bb"}', "not-json"),
    ("a BOM in the middle", b'\xef\xbb\xbf{"kind":"message"}', "not-json"),
    ("invalid UTF-8 between", b'{"kind":"message",\xff"text":"x"}', "not-json"),
    ("nesting of 33", b'{"kind":"message","from":"a","to":["b"],"x":' + b"[" * 32 + b"]" * 32 + b"}", "nesting"),
    ("nesting of 100,000", b'{"kind":"message","x":' + b"[" * 100000 + b"]" * 100000 + b"}", "nesting"),
    ("nesting of 500,000 objects, open", b'{"x":' * 100000, "nesting"),
    ("empty line", b"", "empty-line"),
    ("a line of spaces", b"   \t ", "empty-line"),
    ("no kind", b'{"seq":2}', "no-kind"),
    ("unknown kind", b'{"kind":"martian","seq":2}', "unknown-kind"),
    ("kind in capitals", b'{"kind":"Message","seq":2}', "unknown-kind"),
    ("kind no string", b'{"kind":7}', "wrong-type"),
    ("a name twice", b'{"kind":"message","from":"a","from":"b","to":["c"]}', "name-twice"),
    ("a name twice, escaped", b'{"kind":"message","from":"a","\\u0066rom":"a"}', "name-twice"),
    ("an unknown name twice", b'{"kind":"message","from":"a","to":["c"],"x1":1,"x1":1}', "name-twice"),
    ("text and sealed", b'{"kind":"message","from":"a","to":["b"],"text":"x","sealed":{"key":"k","nonce":"'
     + base64.b64encode(b"n" * 24) + b'","box":"' + base64.b64encode(b"b" * 40) + b'"}}', "two-bodies"),
    ("wrong type: from", m(sender=7), "wrong-type"),
    ("wrong type: from null", b'{"kind":"message","seq":2,"from":null,"to":["b"],"text":"x"}', "wrong-type"),
    ("wrong type: to", b'{"kind":"message","seq":2,"from":"a","to":"b","text":"x"}', "wrong-type"),
    ("wrong type: to of numbers", b'{"kind":"message","seq":2,"from":"a","to":[1],"text":"x"}', "wrong-type"),
    ("wrong type: text", m(text=["x"]), "wrong-type"),
    ("wrong type: group", m(group={}), "wrong-type"),
    ("wrong type: seq", b'{"kind":"message","seq":"2","from":"a","to":["b"],"text":"x"}', "wrong-type"),
    ("wrong type: seq negative", msg(-1), "wrong-type"),
    ("wrong type: seq a fraction", b'{"kind":"message","seq":2.5,"from":"a","to":["b"],"text":"x"}', "wrong-type"),
    ("wrong type: attachments", m(attachments={"name": "x"}), "wrong-type"),
    ("wrong type: sealed", b'{"kind":"message","seq":2,"from":"a","to":["b"],"sealed":"x"}', "wrong-type"),
    ("wrong type: sent", m(sent=[]), "wrong-type"),
    ("wrong type: end", b'{"kind":"end","records":"1"}', "wrong-type"),
    ("seq of 2^63", b'{"kind":"message","seq":9223372036854775808,"from":"a","to":["b"],"text":"x"}', "wrong-type"),
    ("seq of 2^64", b'{"kind":"message","seq":18446744073709551616,"from":"a","to":["b"],"text":"x"}', "wrong-type"),
    ("seq of a hundred digits", b'{"kind":"message","seq":1' + b"0" * 99 + b',"from":"a","to":["b"],"text":"x"}', "wrong-type"),
    ("a line of 1 MiB and a byte", exactly((1 << 20) + 1), "too-long"),
    ("a line of the size of a batch", exactly((1 << 20) + (64 << 10)), "too-long"),
    ("a line of a batch and a byte", exactly((1 << 20) + (64 << 10) + 1), "too-long"),
    ("a line of 3 MiB", line(m(text="y" * (3 << 20)))[:-1], "too-long"),
]


def quarantine():
    """Each alone in a dump of its own, between good lines."""
    c = case()
    want = []
    for i, (what, bad, reason) in enumerate(LINES):
        good = [msg(1, f"before {i}"), msg(9, f"after {i}", sent=T + 1)]
        path = write(f"line-{i:02d}.ndjson", dump([good[0], bad, good[1]], source=f"imei:{i}"))
        a = c.add(path)
        check(a.states() == [("complete", None)] and a.code == 1, f"{what}: exit 1, the dump is complete", a)
        books = [a.only.get(k) for k in BOOKS]
        check(books == [4, 2, 0, 0, 1, 1] and a.balanced(), f"{what}: the lines around it are in, it is in quarantine", a)
        want.append((str(path), 3, reason, line(bad)[:-1]))
    got = [(q["dump"], q["line"], q["reason"], base64.b64decode(q["bytes_base64"])) for q in c.rows("quarantine")]
    for (what, _, _), w, g in zip(LINES, want, got):
        check(w == g, f"{what}: kept byte for byte with dump, line 3 and reason {w[2]}", (*g[:3], len(g[3]), g[3][:80]))
    s = c.status()
    check(len(got) == len(want) == s["quarantined"] and s["messages"] == 2 * len(LINES), "bad lines: status agrees", s)
    c.sound("bad lines")


def quarantine_all():
    """All together, in every wrapping: the same books, and raw gives the bytes back."""
    raw = dump([x for _, bad, _ in LINES for x in (msg(len(LINES), "good"), bad)])
    digests = set()
    for wrap, pack in WRAPS.items():
        c = case()
        a = c.add(write("all-bad." + wrap, pack(raw)))
        check(a.code == 1 and a.balanced() and a.totals["quarantined"] == len(LINES), f"all bad lines, {wrap}: the books", a.totals)
        check([(r, b) for _, r, b in sorted(c.quarantine())] == [(r, line(b)[:-1]) for _, b, r in LINES],
              f"all bad lines, {wrap}: each with its reason, byte for byte")
        digests.add(a.digest)
        out = TMP / ("raw." + wrap)
        r = c.ingest("quarantine", "--raw", "-o", out)
        check(r.returncode == 0 and sorted(out.read_bytes().split(b"\n")) == sorted([*(line(b)[:-1] for _, b, _ in LINES), b""]),
              f"all bad lines, {wrap}: --raw gives the bytes back", r)
        check(safe(c.ingest("quarantine")), f"all bad lines, {wrap}: the listing is harmless")
        c.sound("all bad lines, " + wrap)
    check(len(digests) == 1, "all bad lines: the same digest in every wrapping", digests)


def long_lines_cut():
    """A line that is too long and then cut is no record, whatever cut it."""
    good = [msg(i, f"before {i}") for i in range(5)]
    raw = dump(good, end=False) + b'{"kind":"message","text":"' + b"z" * (3 << 20)
    packed = zstd(raw)
    expect("a line of 3 MiB, cut without damage", raw, "partial", "no-end", messages=5, quarantined=1, records=6)
    expect("a line of 3 MiB, cut in age", age(raw)[:-40], "partial", "cut", messages=5, records=5)
    expect("a line of 3 MiB, cut in zstd", packed[:-2], "partial", "zstd", messages=5, records=5)
    expect("a line of 65 MiB", dump(good + [b"z" * (65 << 20)]), "partial", "bomb", messages=5, records=5)
    line_of = b'{"x":"' + b"w" * (2 << 20) + b'"}\n'
    expect("the first line of 2 MiB", line_of + line(msg(1)), "complete", None, messages=1, quarantined=1, records=2)
    expect("only a line of 2 MiB without LF", line_of[:-1], "complete", None, quarantined=1, records=1)


# ---- kept and flagged ------------------------------------------------------------------------------


def flags(c):
    return {h.get("text", ""): set(h.get("flags", ())) - {"one-sided"} for h in c.search("*")}


def kept(what, records, n, want, **kw):
    """Every record is a message (exit 0), and its flags by text are `want`."""
    c, a = expect(what, dump(records, **kw), "complete", None, messages=n, exit=0, records=len(records) + 1)
    got = flags(c)
    check(got == want, f"{what}: flags", {k[:60]: v for k, v in got.items()})
    return c


def incomplete():
    kept("missing from or to", [msg(1, "no from", sender=None), {"kind": "message", "seq": 2, "from": "anna", "sent": T, "text": "no to"},
                                msg(3, "empty to", to=()), {"kind": "message", "seq": 4, "sent": T, "text": "neither"},
                                {"kind": "message", "seq": 5, "sent": T, "group": "g", "text": "group, no from"},
                                {"kind": "message", "seq": 6, "from": "anna", "sent": T, "group": "g", "text": "group, no to"},
                                {"kind": "message", "seq": 7, "from": "anna", "to": ["bert"], "sent": T}], 7,
         {"no from": {"incomplete"}, "no to": {"incomplete"}, "empty to": {"incomplete"}, "neither": {"incomplete"},
          "group, no from": {"incomplete"}, "group, no to": set(), "": set()})


def damaged_text():
    raw = b'{"kind":"message","seq":%d,"from":"anna","to":["bert"],"sent":%d,"text":"%s"}'
    bad = [raw % (i, T + i, t) for i, t in enumerate((b"alpha \xff beta", b"gamma \xc3", b"\xed\xa0\x80 delta", b"\xf8\x88\x80\x80\x80 epsilon",
                                                      b"overlong \xc0\xaf", b"zeta \\ud800 eta", b"theta \\udc00\\ud800", b"whole \\ud83d\\ude00"))]
    c, a = expect("invalid UTF-8 and lone surrogates", dump(bad), "complete", None, messages=8, exit=0)
    hits = c.search("*")
    check(sum("damaged-text" in h.get("flags", ()) for h in hits) == 7, "invalid UTF-8 and lone surrogates: damaged-text",
          [(h.get("text"), h.get("flags")) for h in hits])
    for q in ("alpha", "beta", "gamma", "delta", "epsilon", "overlong", "zeta", "eta", "theta", "whole"):
        check(len(c.search(q)) == 1, f"damaged text: {q} is found around the damage")
    got = {base64.b64decode(h["text_base64"]) for h in hits if "text_base64" in h}
    check({b"alpha \xff beta", b"gamma \xc3", b"zeta \xed\xa0\x80 eta"} <= got, "damaged text: the bytes come out again", got)


def controls():
    nasty = "a\x00b\x1b[31mred\x07\x08\r\n\x9b2J \u202egnol\u2066 end\x7f"
    c = kept("NUL and control characters, escaped", [msg(1, nasty, sender="an\x00na\x1b]0;x\x07", to=("be\u202ert\n",), id="\x1bid")], 1, {nasty: set()})
    r = run(QUERY, "search", c.dir, *c.key, "--", "*")
    check(r.returncode == 0 and safe(r), "NUL and control characters: text output is harmless", r)
    r = run(QUERY, "search", c.dir, *c.key, "--format", "jsonl", "--", "*")
    check(safe(r), "NUL and control characters: jsonl escapes them", r)
    check(len(c.search("gnol 31mred")) == 1, "NUL and control characters: the words between are found")


def numbers():
    c = kept("numbers beyond 2^63 where any number may stand", [
        b'{"kind":"message","seq":9223372036854775807,"from":"anna","to":["bert"],"sent":%d,"text":"largest seq","x":1e999,"y":123456789012345678901234567890}' % T,
        b'{"kind":"message","seq":2,"from":"anna","to":["bert"],"sent":9223372036854775808,"text":"sent 2^63"}',
        b'{"kind":"message","seq":3,"from":"anna","to":["bert"],"sent":-9223372036854775809,"text":"sent below"}',
        b'{"kind":"message","seq":4,"from":"anna","to":["bert"],"sent":1e15,"text":"sent with exponent"}',
        b'{"kind":"message","seq":5,"from":"anna","to":["bert"],"sent":1586000000000.5,"text":"sent a fraction"}',
        b'{"kind":"message","seq":6,"from":"anna","to":["bert"],"sent":9223372036854775807,"text":"sent largest"}',
    ], 6, {"largest seq": set(), **{t: {"untimed"} for t in ("sent 2^63", "sent below", "sent with exponent", "sent a fraction", "sent largest")}})
    given = {h["text"]: h.get("sent_given") for h in c.search("sent")}
    check(given.get("sent 2^63") is not None, "numbers beyond 2^63: the given time is kept as sent_given", given)
    c, a = expect("end with last_seq beyond 2^63", dump([msg(1), b'{"kind":"end","records":1,"last_seq":9223372036854775808}'], end=False),
                  "partial", "no-end", messages=1, quarantined=1)


TIMES = [("zero", 0, None), ("negative", -5, None), ("far", 253402300800000, None), ("last", 253402300799999, "9999-12-31T23:59:59.999Z"),
         ("one", 1, "1970-01-01T00:00:00.001Z"), ("word", "yesterday", None), ("empty", "", None), ("month 13", "2020-13-01T00:00:00Z", None),
         ("29 February", "2019-02-29T00:00:00Z", None), ("hour 25", "2020-01-01T25:00:00Z", None), ("year 0", "0000-01-01T00:00:00Z", None),
         ("offset", "2020-04-04T12:00:00+02:00", "2020-04-04T10:00:00.000Z"), ("before 1970", "1969-12-31T23:59:59Z", None)]


def times():
    records = [msg(i, f"time {name}", sent=sent) for i, (name, sent, _) in enumerate(TIMES)]
    records.append(msg(50, "time none", sent=None))
    for what, zone in (("without zone", {}), ("with zone", {"zone": "Europe/Berlin"}), ("with a zone that is none", {"zone": "Mars/Olympus"})):
        local = msg(51, "time zoneless", sent="2020-04-04T12:00:00")
        c, a = expect(f"zero, negative, absurd and zoneless times, {what}", dump(records + [local], **zone), "complete", None, messages=len(records) + 1, exit=0)
        hits = {h["text"]: h for h in c.search("time")}
        for name, sent, want in [*TIMES, ("none", None, None), ("zoneless", "", "2020-04-04T10:00:00.000Z" if what == "with zone" else None)]:
            h = hits.get(f"time {name}", {})
            ok = h.get("sent") == want and ("untimed" in h.get("flags", ())) == (want is None)
            check(ok, f"time {name}, {what}: " + (want or "untimed"), h)


def large():
    handle, many = "h" * 100000, [f"recipient{i:06d}" for i in range(60000)]
    # 100,000 recipients and the line stays below 1 MiB.
    crowd = [f"r{i}" for i in range(100000)]
    c, _ = expect("a handle of 100,000 bytes and 100,000 recipients",
                  dump([msg(1, "long handle", sender=handle), msg(2, "to a long handle", to=(handle, "carl")), msg(3, "to a crowd", to=crowd),
                        msg(4, "to the same crowd", to=crowd[::-1], sent=T + 1), exactly(1 << 20)]),
                  "complete", None, messages=5, exit=0)
    check(c.texts("with:r99999") == ["to a crowd", "to the same crowd"], "100,000 recipients: each is found")
    hits = c.search("crowd")
    check(len({h["conversation"] for h in hits}) == 1 and all(len(h["to"]) == 100000 for h in hits), "100,000 recipients: one conversation, all come out")
    check(c.texts("from:h*") == ["long handle"], "a handle of 100,000 bytes is found")
    by = {h["text"]: h for h in c.search("long handle")}
    check(by["long handle"]["from"] == handle and sorted(by["to a long handle"]["to"]) == ["carl", handle], "a handle of 100,000 bytes comes out whole")
    c, a = expect("100,000 recipients over 1 MiB", dump([msg(1, to=many)]), "complete", None, quarantined=1)
    check([r for _, r, _ in c.quarantine()] == ["too-long"], "100,000 long recipients are a line that is too long")
    names = b'{"kind":"message","seq":1,"from":"a","to":["b"],"text":"many names"' + b"".join(b',"x%d":0' % i for i in range(90000)) + b"}"
    expect("90,000 names in an object", dump([names]), "complete", None, messages=1, exit=0)


# ---- the case --------------------------------------------------------------------------------------


def fails(what, r, code=3, says=b""):
    check(r.returncode == code, f"{what}: exit {code}", (r.returncode, r.stderr))
    check(says in r.stderr and not r.stdout, f"{what}: the message says it", (r.stdout, r.stderr))


def no_case():
    d = TMP / "no-case"
    d.mkdir()
    c = case()
    c.add(write("ok.ndjson", dump([msg(1, "in the case")])))
    before = c.status()
    f = TMP / "ok.ndjson"
    for what, path in (("an empty directory", d), ("a file", f), ("nothing", TMP / "nothing")):
        for verb in ("add", "status", "ledger", "quarantine", "verify", "compact"):
            fails(f"a case that is {what}, {verb}", run(INGEST, verb, path, *c.key, *([f] if verb == "add" else [])), says=path.name.encode())
        fails(f"a case that is {what}, search", run(QUERY, "search", path, *c.key, "x"), says=path.name.encode())
    check(not list(d.iterdir()) and not (TMP / "nothing").exists(), "a case that is not a case: nothing is written there")
    for name in ("CASE", "MANIFEST"):
        shutil.copytree(c.dir, TMP / "broken")
        p = TMP / "broken" / name
        p.write_bytes(p.read_bytes()[:-9])
        fails(f"a case whose {name} is cut", run(INGEST, "add", TMP / "broken", *c.key, f), says=b"broken")
        p.unlink()
        fails(f"a case whose {name} is gone", run(INGEST, "status", TMP / "broken", *c.key), says=b"broken")
        shutil.rmtree(TMP / "broken")
    check(c.status() == before, "a case that is not a case: the good one is as before")


def keys():
    c = case()
    f = write("ok.ndjson", dump([msg(1, "in the case")]))
    c.add(f)
    before, other = c.status(), case()
    for verb in ("add", "status", "verify", "compact"):
        more = [f] if verb == "add" else []
        fails(f"wrong case key, {verb}", run(INGEST, verb, c.dir, *other.key, *more), says=b"key")
        fails(f"no case key, {verb}", run(INGEST, verb, c.dir, *more), says=b"key")
        fails(f"an age identity as case key, {verb}", run(INGEST, verb, c.dir, "--key", identity("case"), *more), says=b"key")
        fails(f"a key file that is not there, {verb}", run(INGEST, verb, c.dir, "--key", TMP / "none.key", *more), says=b"none.key")
        c.keyfile.chmod(0o640)
        fails(f"key file open to others, {verb}", c.ingest(verb, *more), says=b"chmod 600")
        c.keyfile.chmod(0o600)
    fails("wrong case key, search", run(QUERY, "search", c.dir, *other.key, "x"), says=b"key")
    c.keyfile.chmod(0o604)
    fails("key file open to others, search", run(QUERY, "search", c.dir, *c.key, "x"), says=b"chmod 600")
    c.keyfile.chmod(0o600)
    plain = case(plain=True)
    fails("a key for a case without encryption", run(INGEST, "status", plain.dir, *c.key), says=b"not encrypted")
    r = c.ingest("status", env={**os.environ, "LICTOR_KEY_FILE": str(other.keyfile)})
    check(r.returncode == 0, "--key wins over $LICTOR_KEY_FILE", r)
    r = run(INGEST, "status", c.dir, env={**os.environ, "LICTOR_KEY_FILE": str(c.keyfile)})
    check(r.returncode == 0, "the case key from $LICTOR_KEY_FILE", r)
    check(c.status() == before, "wrong keys change nothing", c.status())
    c.sound("after wrong keys")


def locked():
    c = case()
    f = write("ok.ndjson", dump([msg(1, "while locked")]))
    with open(c.dir / "lock", "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fails("case locked by another writer, add", c.ingest("add", f), says=b"another process")
        fails("case locked by another writer, compact", c.ingest("compact"), says=b"another process")
        check(c.status()["messages"] == 0, "case locked by another writer: it can be read")
    a = c.add(f)
    check(a.code == 0 and a.totals["messages"] == 1, "case locked: released, the same add goes in", a)
    c.sound("case locked")


def disk_full():
    """Files may not grow beyond a size, at every stage of an add: then the same add completes it."""
    f = write("fill.ndjson", BIG)
    whole = case()
    whole.add(f)
    biggest = max(p.stat().st_size for p in whole.dir.rglob("*") if p.is_file())
    digest = whole.status()["digest"]
    for size in (0, 100, 1000, 20000, biggest // 2, biggest * 99 // 100):
        what = f"disk full at {size} bytes"
        c = case()
        c.add(write("first.ndjson", dump([msg(1, "first in", sent=T - 1)], source="imei:9")))
        before = c.status()
        a = c.add(f, preexec_fn=limit_files(size))
        check(a.code == 3, what + ": exit 3", a)
        check(b"oom" in a.err or b"same command" in a.err, what + ": the message says what to do", a.err)
        check(not a.dumps, what + ": nothing is reported that is not in", a.dumps)
        now = c.status()
        check(now == before, what + ": the case opens as before", now)
        c.sound(what)
        a = c.add(f)
        check(a.code == 0 and a.totals["messages"] == 3000 and a.balanced(), what + ": the same add completes it", a)
        c.sound(what + ", completed")
    check(digest == whole.status()["digest"], "disk full: the case of comparison")
    r = run(INGEST, "init", TMP / "full.case", "--key", TMP / "full.key", preexec_fn=limit_files(10))
    check(r.returncode == 3 and not (TMP / "full.case").exists() and not (TMP / "full.key").exists(), "disk full: init leaves nothing", r)


def disk_really_full():
    """A file system of 3 MB, where it can be mounted."""
    d = TMP / "small"
    d.mkdir()
    if run("mount", "-t", "tmpfs", "-o", "size=3m", "none", d).returncode:
        return
    try:
        c = Case("small/x")
        c.add(write("first.ndjson", dump([msg(1, "first in", sent=T - 1)], source="imei:9")))
        before = c.status()
        (d / "filler").write_bytes(b"x" * 2500000)
        a = c.add(write("fill.ndjson", BIG))
        check(a.code == 3 and b"No space left" in a.err, "disk full: exit 3 and why", a)
        check(c.status() == before, "disk full: the case opens as before")
        c.sound("disk full")
        (d / "filler").unlink()
        a = c.add(TMP / "fill.ndjson")
        check(a.code == 0 and c.status()["messages"] == 3001, "disk full: with room again the same add completes it", a)
        c.sound("disk full, completed")
    finally:
        run("umount", d)


each([wrong_key, no_key, damaged_header, damaged_chunks, trailing_bytes, zstd_damage, zstd_window, bomb, no_dumps, odd_files, unreadable_file,
      changing_file, ends, quarantine, quarantine_all, long_lines_cut, incomplete, damaged_text, controls, numbers, times, large, no_case, keys,
      locked, disk_full, disk_really_full])
finish()
