#!/usr/bin/env python3
"""The stock tools and Lictor read each other: age and zstd open what lictor-bench wrote, byte for
byte what it writes plain; Lictor opens what age wrote, for every kind of recipient it knows."""
import json, struct

from lictor_cli import *

CHUNK = 64 << 10  # of an age payload


# ---- written by lictor-bench, opened by the stock tools ---------------------------------------------


def delivery(how, *more):
    out = TMP / ("bench" + how + "".join(more).replace("-", ""))
    if out.exists():
        return out
    r = run(BENCH, "generate", out, "-n", 3000, "-d", 4, "-s", 11, how, "--progress=none", *more)
    if r.returncode:
        raise RuntimeError(f"generate {how}: {r.stderr!r}")
    return out


def opened(path, key):
    if ".age" in path.name:
        data = tool("age", "-d", "-i", key, path)
    else:
        data = path.read_bytes()
    return tool("zstd", "-dc", data=data) if ".zst" in path.name else data


def stock_tools_open_what_we_wrote():
    plain = delivery("--plain")
    lines = {p.name.split(".")[0]: p.read_bytes() for p in (plain / "dumps").iterdir()}
    check(len(lines) == 4 and all(b.count(b"\n") > 500 for b in lines.values()), "plain dumps have lines")
    for how, more, suffix in (("--age", [], ".ndjson.zst.age"), ("--zstd", [], ".ndjson.zst"),
                              ("--age", ["--level", "9"], ".ndjson.zst.age"), ("--plain", ["-j", "1"], ".ndjson")):
        out = delivery(how, *more)
        files = sorted((out / "dumps").iterdir())
        check([f.name for f in files] == [f"part-{i:04}{suffix}" for i in range(1, 5)], f"{how}: names", files)
        for f in files:
            check(opened(f, out / "case.agekey") == lines[f.name.split(".")[0]], f"{how} {more}: {f.name} is the plain dump")
    sealed = delivery("--age")
    part = sealed / "dumps" / "part-0001.ndjson.zst.age"
    r = run("age", "-d", "-i", identity("stranger"), part)
    check(r.returncode != 0 and not r.stdout, "age refuses another identity", r.returncode)
    said = re.search(r"public key: (age1\S+)", (sealed / "case.agekey").read_text())[1]
    check(tool("age-keygen", "-y", sealed / "case.agekey").decode().strip() == said, "age-keygen knows the identity's recipient")
    damaged = bytearray(part.read_bytes())
    damaged[-1] ^= 1
    r = run("age", "-d", "-i", sealed / "case.agekey", write("damaged.age", bytes(damaged)))
    check(r.returncode != 0, "age sees a flipped last bit", r.returncode)


def delivery_is_the_same_however_wrapped():
    """The same records: the same digest, under age, zstd or nothing."""
    digests, books = set(), set()
    for how in ("--age", "--zstd", "--plain"):
        out, c = delivery(how), Case("wrapped" + how)
        a = c.add(out / "dumps", ident=out / "case.agekey" if how == "--age" else False)
        check(a.balanced() and {d["state"] for d in a.dumps} == {"complete"}, f"{how}: complete", a)
        digests.add(c.status()["digest"])
        books.add(tuple(a.totals.get(k) for k in BOOKS))
    check(len(digests) == 1 and len(books) == 1, "one digest and one account of all three", (digests, books))


# ---- written by age, opened by Lictor ---------------------------------------------------------------

number = 0


def opens(what, data, *args, ident=None, n=3):
    """Every message of `data`, which was wrapped from messages(n), goes in."""
    global number
    number += 1
    c = Case(f"age{number}")
    a = c.add(*args, write(f"age{number}.bin", data), ident=ident)
    check(a.code == 0 and a.states() == [("complete", None)] and a.totals.get("messages") == n, f"{what}: opens", a)
    return c


def refuses(what, data, code, *args, ident=None):
    global number
    number += 1
    c = Case(f"age{number}")
    a = c.add(*args, write(f"age{number}.bin", data), ident=ident)
    check(a.code == 1 and a.states() == [("refused", code)], f"{what}: refused, {code}", a)


def messages(n=3):
    return dump([msg(i + 1, f"line {i} ñ 船", sent=T + i) for i in range(n)])


def one_recipient():
    for wrap in ("age", "zst.age"):
        c = opens(wrap, WRAPS[wrap](messages()))
        check(c.texts() == [f"line {i} ñ 船" for i in range(3)], f"{wrap}: the texts are those", c.texts())
    refuses("another's", age(messages(), identity("stranger")), "no-key")


def several_recipients():
    keys = [identity(f"of{i}") for i in range(8)]
    data = age(messages(), *keys)
    check(data.count(b"\n-> X25519 ") >= 8, "eight stanzas")
    for i in (0, 3, 7):
        opens(f"recipient {i + 1} of 8", data, ident=keys[i])
    refuses("none of 8", data, "no-key", ident=identity("stranger"))
    bundle = write("bundle.agekey", b"# several\n" + b"\n".join(k.read_bytes() for k in (identity("stranger"), keys[5])))
    bundle.chmod(0o600)
    opens("two identities in a file", data, ident=bundle)
    opens("two identity files", data, "-i", keys[2], ident=identity("stranger"))


def other_stanzas():
    """A recipient of another kind beside ours: its stanza is skipped."""
    point = bytes([0x58]) + bytes([0x66]) * 31  # the base point: a valid ed25519 key
    blob = struct.pack(">I", 11) + b"ssh-ed25519" + struct.pack(">I", 32) + point
    ssh = "ssh-ed25519 " + base64.b64encode(blob).decode()
    ours = recipient(identity("case"))
    for order in ([ssh, ours], [ours, ssh]):
        data = tool("age", *(a for r in order for a in ("-r", r)), data=messages())
        check(b"\n-> ssh-ed25519 " in data, "an ssh stanza is there")
        opens("beside an ssh key", data)
    refuses("only for an ssh key", tool("age", "-r", ssh, data=messages()), "no-key")


def armored():
    data = age(messages(), armor=True)
    check(data.startswith(b"-----BEGIN AGE ENCRYPTED FILE-----\n"), "age writes armor")
    opens("armor", data)
    opens("armor of zstd", age(zstd(messages(400)), armor=True), n=400)
    opens("armor with CRLF", data.replace(b"\n", b"\r\n"))
    opens("armor in white space", b"\n \t\n" + data + b"\n\n")
    opens("armor for several", age(messages(), identity("stranger"), identity("case"), armor=True))


def passphrase():
    secret = "correct horse pässword 7"
    file = write("passphrase", secret.encode() + b"\n")
    file.chmod(0o600)
    data = scrypt(zstd(messages()), secret)
    check(b"\n-> scrypt " in data, "age writes an scrypt stanza")
    opens("passphrase", data, "--dump-passphrase-file", file, ident=False)
    opens("passphrase beside an identity", data, "--dump-passphrase-file", file)
    other = write("other passphrase", b"wrong\n")
    other.chmod(0o600)
    refuses("another passphrase", data, "bad-passphrase", "--dump-passphrase-file", other, ident=False)
    refuses("no passphrase", data, "no-key")
    c = Case("advice")
    path = write("advice.age", data)
    for args, says in (((), "To do: give its passphrase with --dump-passphrase-file"),
                       (("--dump-passphrase-file", file, "--scrypt-max", "10"), "To do: add it again with a higher --scrypt-max, if you trust it"),
                       (("--dump-passphrase-file", other), "To do: give the right passphrase")):
        r = c.ingest("add", *args, path)
        check(r.returncode == 1 and says in r.stdout.decode(), f"advice: {says}", r)
    check("ask for it again" not in c.ingest("ledger").stdout.decode(), "advice: the ledger says the same", c.ingest("ledger"))
    path = write("stranger.age", age(messages(), identity("stranger")))
    check(b"give the identity it was made for with -i" in c.ingest("add", "-i", identity("case"), path).stdout, "advice: an identity")


def every_length_around_a_chunk():
    """Plain bytes of exactly so many chunks, one byte more and one less."""
    raw = messages(1)
    for size in (CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1, 3 * CHUNK):
        padded = dump([msg(1, "x" * (size - len(raw) + len("line 0 ñ 船".encode())))])
        check(len(padded) == size, f"{size} bytes are {size} bytes", len(padded))
        opens(f"{size} bytes", age(padded), n=1)


each([stock_tools_open_what_we_wrote, delivery_is_the_same_however_wrapped, one_recipient, several_recipients,
      other_stanzas, armored, passphrase, every_length_around_a_chunk])
finish()
