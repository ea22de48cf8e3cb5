#!/usr/bin/env python3
"""Keys that come late: `add` and then `unseal` gives the case that `add --body-keys` gives."""
import hashlib, itertools, json, pathlib, signal, time

from lictor_cli import *

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "format"))
from case_model import seal

KEYS = {"bk-1": hashlib.sha256(b"one").digest(), "bk-2": hashlib.sha256(b"two").digest()}


NUMBER = itertools.count()


def case():
    return Case(f"late{next(NUMBER)}")


def key_file(name, keys):
    p = TMP / name
    p.write_text("".join(f"{k} {base64.b64encode(v).decode()}\n" for k, v in keys.items()))
    p.chmod(0o600)
    return p


def sealed(seq, text, key="bk-1", sender="anna", sent=T, **kw):
    nonce = hashlib.sha256(f"{seq} {text} {key}".encode()).digest()[:24]
    box = seal(KEYS[key], nonce, text.encode(), f"{sender}\0{sent}".encode())
    b64 = lambda b: base64.b64encode(b).decode()
    m = msg(seq, sender=sender, sent=sent, sealed={"key": key, "nonce": b64(nonce), "box": b64(box)}, **kw)
    m.pop("text")
    return m


def lines(c, query="*"):
    """Everything that `search` says, but for the generation of the case."""
    r = run(QUERY, "search", c.dir, *c.key, "--format", "jsonl", "--", query)
    rows = [json.loads(l) for l in r.stdout.splitlines()]
    rows[-1].pop("generation", None)
    return rows


def flags(c, text):
    return [m.get("flags", []) for m in lines(c) if m.get("text") == text]


def generated():
    g = generate("late", "-n", "6000", "-d", "4")
    keys, ident = g / "body.keys", g / "case.agekey"
    parts = sorted((g / "dumps").iterdir())
    want, late, pieces = case(), case(), case()
    want.add("--body-keys", keys, g / "dumps", ident=ident)
    late.add(g / "dumps", ident=ident)
    for p in parts:
        pieces.add(p, ident=ident)
    sealed_before = late.status()["sealed"]
    reference = lines(want)
    for c, what in ((late, "one add"), (pieces, "an add for each dump")):
        digest = c.status()["digest"]
        r = c.ingest("unseal", "--body-keys", keys, "--format", "json")
        out = json.loads(r.stdout)
        check(r.returncode == 1 and out["seal_broken"] > 0, f"{what}: some seals are broken, exit 1", r)
        check(sum(out[k] for k in ("opened", "seal_broken", "sealed")) == sealed_before and out["opened"] > 0,
              f"{what}: every sealed message is counted once", (out, sealed_before))
        check(lines(c) == reference, f"{what}, then unseal: the same answers as add --body-keys")
        check(c.status()["digest"] == digest == want.status()["digest"], f"{what}: the digest stays")
        c.sound(f"{what}, then unseal")
        r = c.ingest("unseal", "--body-keys", keys, "--format", "json")
        check(json.loads(r.stdout)["opened"] == 0, f"{what}: a second time opens nothing", r)
        again = c.add(g / "dumps", ident=ident)
        check([d["state"] for d in again.dumps] == ["already"] * len(parts), f"{what}: the dumps stay known", again)


def contradictions():
    """Sealed and plain claim to be one message: opened, the texts decide."""
    one = dump([sealed(1, "the same text", id="m1"), sealed(2, "sealed says this", id="m2"), sealed(3, "alone", key="bk-2")])
    two = dump([msg(1, "the same text", id="m1"), msg(2, "plain says that", id="m2")], source="imei:2")
    clash = dump([msg(3, "in the place of alone")])
    keys = key_file("both.keys", KEYS)
    for order in ([one, two, clash], [clash, two, one]):
        want, late = case(), case()
        for i, d in enumerate(order):
            p = write(f"c{i}.ndjson", d)
            want.add("--body-keys", keys, p)
            late.add(p)
        before = lines(late)
        check(all("conflict" not in m.get("flags", []) for m in before), "what is sealed contradicts nothing", before)
        r = late.ingest("unseal", "--body-keys", keys)
        check(r.returncode == 0 and b"3 messages opened" in r.stdout, "unseal says what it opened", r)
        check(lines(late) == lines(want), "contradictions are found as by add --body-keys", (lines(late), lines(want)))
        check(flags(late, "the same text") and all("conflict" not in f for f in flags(late, "the same text")),
              "the same text is no contradiction", flags(late, "the same text"))
        for text in ("sealed says this", "plain says that", "alone", "in the place of alone"):
            check([("conflict" in f) for f in flags(late, text)] == [True], f"a contradiction: {text}", flags(late, text))
        late.sound("contradictions")


def keys_in_turn():
    c = case()
    c.add(write("turn.ndjson", dump([sealed(1, "first words"), sealed(2, "second words", key="bk-2")])))
    wrong = key_file("wrong.keys", {"bk-1": KEYS["bk-2"]})
    r = c.ingest("unseal", "--body-keys", wrong)
    check(r.returncode == 1 and b"seal is broken" in r.stdout, "a key that does not fit: exit 1, and it says so", r)
    check(all("seal-broken" in m["flags"] or "sealed" in m["flags"] for m in lines(c)[:-1]), "both stay sealed")
    c.ingest("unseal", "--body-keys", key_file("first.keys", {"bk-1": KEYS["bk-1"]}))
    check(c.texts("words") == ["first words"], "the right key opens what a wrong one could not", c.texts())
    check(not any("seal-broken" in m.get("flags", []) for m in lines(c)[:-1]), "and takes the mark of a broken seal away")
    c.ingest("unseal", "--body-keys", key_file("second.keys", {"bk-2": KEYS["bk-2"]}))
    check(sorted(c.texts("words")) == ["first words", "second words"], "the other key opens the rest", c.texts())
    check(c.status()["sealed"] == 0, "none is left sealed", c.status())
    c.sound("keys in turn")


def killed():
    g = generate("killed", "-n", "8000", "-d", "3")
    want = case()
    want.add("--body-keys", g / "body.keys", g / "dumps", ident=g / "case.agekey")
    reference = lines(want)
    c = case()
    c.add(g / "dumps", ident=g / "case.agekey")
    for i in range(12):
        p = subprocess.Popen([INGEST, "unseal", c.dir, *map(str, c.key), "--body-keys", g / "body.keys"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.01 + 0.02 * i)
        p.send_signal(signal.SIGKILL)
        p.wait()
        if i % 4 == 3:
            v = c.ingest("verify", "--deep")
            check(v.returncode == 0, f"killed for the {i + 1}th time: the case is whole", v)
    c.ingest("unseal", "--body-keys", g / "body.keys")
    check(lines(c) == reference, "killed at any instant, it is completed by the same call")


def usage():
    c = case()
    check(c.ingest("unseal").returncode == 2, "unseal without keys is a usage error")
    r = c.ingest("unseal", "--body-keys", TMP / "nowhere")
    check(r.returncode == 3 and b"nowhere" in r.stderr, "a key file that is not there is named", r)
    c.add(write("plain.ndjson", dump([msg(1, "open")])))
    r = c.ingest("unseal", "--body-keys", key_file("both.keys", KEYS))
    check(r.returncode == 0 and b"0 messages opened" in r.stdout, "a case without sealed bodies", r)


each([generated, contradictions, keys_in_turn, killed, usage])
finish()
