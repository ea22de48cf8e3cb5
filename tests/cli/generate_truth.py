#!/usr/bin/env python3
"""A second reader of synthetic deliveries: reads the plain lines that lictor-bench wrote, applies the
rules of the delivery format with docs/message_id.py, and holds the result against truth.json."""
import collections, datetime, json, os, pathlib, re, subprocess, sys, tempfile, unicodedata

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs"))
import message_id

KINDS = {"dump", "message", "event", "contact", "note", "location", "call", "keepalive", "end"}


def depth(v):
    if isinstance(v, dict): v = list(v.values())
    return 1 + max(map(depth, v), default=0) if isinstance(v, list) else 0


def record_of(line):
    """The record, or None for quarantine."""
    if len(line) > 1 << 20: return None
    try:
        names = [k for k, _ in json.loads(line.decode("latin-1"), object_pairs_hook=lambda p: p)]
        r = message_id.load(line)
    except (ValueError, TypeError):
        return None
    if not isinstance(r, dict) or r.get("kind") not in KINDS or len(set(names)) < len(names): return None
    if depth(r) > 32 or ("text" in r and "sealed" in r): return None
    if any(k in r and not isinstance(r[k], str) for k in ("from", "text", "group", "id")): return None
    if not isinstance(r.get("to", []), list) or not (isinstance(r.get("seq", 0), int) and r.get("seq", 0) >= 0): return None
    return r


def fold(text):
    s = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(c for c in s if not unicodedata.combining(c))


def tokens(text):
    return re.findall(r"[^\W_]+", fold(text))


class Reader:
    def __init__(self):
        self.n = collections.Counter()
        self.seen = {}  # (stream, seq) -> set of hashes
        self.contents = {}  # hash -> {"record", "copies": {stream: set(seq)}, "sides"}
        self.docs = []  # (record, times counted)
        self.streams = collections.defaultdict(set)
        self.last = collections.Counter()
        self.kinds = collections.Counter()
        self.edits = 0

    def message(self, r, dump, stream):
        h = message_id.content_hash(r, dump)
        key = (stream, r["seq"])
        if h in self.seen.setdefault(key, set()):
            self.n["redelivered"] += 1
            return
        self.seen[key].add(h)
        c = self.contents.setdefault(h, {"r": r, "copies": {}, "sides": set(), "keys": set()})
        c["copies"].setdefault(stream, set()).add(r["seq"])
        c["keys"].add(key)
        account, sender = dump.get("account"), r.get("from")
        whole = "group" in r or r.get("to")
        c["whole"] = bool(sender and whole)
        if account and account == sender: c["sides"].add("from")
        elif account and ("group" in r or account in r.get("to", [])): c["sides"].add("to")
        else: c["sides"].add("server" if dump["source"].startswith("server:") else "unknown")
        self.n["message records"] += 1

    def other(self, r, line, stream):
        h = line
        if h in self.seen.setdefault((stream, r["seq"]), set()):
            self.n["redelivered"] += 1
            return
        self.seen[(stream, r["seq"])].add(h)
        self.n["other"] += 1
        self.kinds[r["kind"]] += 1
        edit = r["kind"] == "event" and r["what"] == "edit"
        self.edits += edit
        if edit or r["kind"] == "note":
            who = [r.get("owner", r.get("by"))] + r.get("to", [])
            self.docs.append((r.get("text", r.get("value")), who, r.get("group"), r["time"], 1, r))

    def dump(self, lines):
        dump = record_of(lines[0])
        stream = (dump["source"], dump["stage"])
        for line in lines[1:]:
            self.n["records"] += 1
            r = record_of(line)
            if r is None: self.n["quarantined"] += 1
            elif r["kind"] == "end":
                self.n["other"] += 1
                assert r["records"] == len(lines) - 2
                self.last[stream] = max(self.last[stream], r.get("last_seq", 0))
            else:
                self.streams[stream].add(r["seq"])
                if r["kind"] == "message": self.message(r, dump, stream)
                else: self.other(r, line, stream)

    def finish(self):
        by_id, by_seq = collections.defaultdict(set), collections.defaultdict(set)
        for h, c in self.contents.items():
            r = c["r"]
            c["messages"] = 1 if r.get("id") else max(map(len, c["copies"].values()))
            if r.get("id") and c["whole"]:
                by_id[(r["id"], r["from"], r.get("group"), tuple(sorted(r.get("to", []))))].add(h)
            for k in c["keys"]: by_seq[k].add(h)
        clash = {h for hs in list(by_id.values()) + list(by_seq.values()) if len(hs) > 1 for h in hs}
        self.flags, self.has = collections.Counter(), collections.Counter()
        for h, c in self.contents.items():
            r, n = c["r"], c["messages"]
            self.n["messages"] += n
            self.flags["repeated"] += n if n > 1 else 0
            self.flags["one-sided"] += n if c["sides"] in ({"from"}, {"to"}) else 0
            self.flags["conflict"] += n if h in clash else 0
            self.flags["sealed"] += n if "sealed" in r else 0
            timed = "sent" in r and r["sent"] != 0 and r["sent"] != "yesterday"
            self.flags["untimed"] += 0 if timed else n
            self.flags["incomplete"] += 0 if c["whole"] else n
            damaged = "text" in r and b"\xff" in message_id.b(r["text"])
            self.flags["damaged-text"] += n if damaged else 0
            self.has["copies"] += n if sum(map(len, c["copies"].values())) > n else 0
            self.has["attachment"] += n if r.get("attachments") else 0
            self.has["reply"] += n if "reply_to" in r else 0
            sent = int(message_id.instant(r["sent"], "+02:00")) if timed else None
            self.docs.append((r.get("text"), [r["from"]] + r.get("to", []), r.get("group"), sent, n, r))
        self.n["copies"] = self.n["message records"] - self.n["messages"]


def count(reader, words):
    """Counts of every query form that truth.json uses, by a walk over the documents."""
    c = collections.Counter()
    singles = {w: tokens(w) for w in words if not w.startswith('"')}
    phrases = {w: tokens(w[1:-1]) for w in words if w.startswith('"')}
    raw = [w for w in words if w in "🚚🌵🧊🪐" or not w.isascii() and not w.startswith('"') and any(ord(x) > 0x3000 for x in w)]
    for text, who, group, sent, n, _ in reader.docs:
        c["*"] += n
        c["from:" + who[0]] += n
        for h in set(who): c["with:" + h] += n
        if group is not None: c["group:" + group] += n
        if sent is not None:
            c["on:" + datetime.datetime.fromtimestamp(sent // 1000, datetime.timezone.utc).strftime("%Y-%m-%d")] += n
        if text is None: continue
        text = message_id.b(text).decode("utf-8", "replace")
        toks = tokens(text)
        have = set(toks)
        if "https://" in text: c["has:link"] += n
        if any(unicodedata.category(x) == "So" and x != "\ufffd" for x in text): c["has:emoji"] += n
        for w, t in singles.items():
            if w in raw: c[w] += n if w in text else 0
            elif all(x in have for x in t): c[w] += n
        for w, (a, b) in phrases.items():
            if a in have and b in have and any(toks[i] == a and toks[i + 1] == b for i in range(len(toks) - 1)):
                c[w] += n
    return c


def small(reader, said, equal):
    """The conversation to show: two handsets, a lost stretch, two texts under one id."""
    if said is None:
        equal("small conversation, of sources", 1, len({s for s, _ in reader.streams}))
        return
    who = set(said["with"].split(","))
    inside = [r for _, w, g, _, n, r in reader.docs if g is None and r["kind"] == "message" and set(w) == who]
    equal("small conversation", said["messages"], len(inside))
    equal("its conflict", 2, sum(r["id"] == said["conflict_id"] for r in inside))
    conv = said["conflict_id"].split("-")[0]
    numbers = {int(r["id"].split("-")[1], 16) for r in inside}
    equal("its ids", {conv}, {r["id"].split("-")[0] for r in inside})
    equal("its lost stretch", said["lost"], max(numbers) + 1 - len(numbers))
    equal("a stretch is lost", True, said["lost"] > 0)
    # Whose numbers show the loss: every stream that has the message before and the one after.
    gone = min(set(range(max(numbers))) - numbers)
    for c in reader.contents.values():
        if c["r"].get("id") == f"{conv}-{gone - 1:x}":
            for stream, seqs in c["copies"].items():
                equal("gap after it", True, max(seqs) + 1 not in reader.streams[stream])


def check(options):
    with tempfile.TemporaryDirectory() as d:
        out = pathlib.Path(d) / "out"
        subprocess.run([os.environ["LICTOR_BIN"] + "/lictor-bench", "generate", str(out), "--plain",
                        "--progress=none"] + options, check=True, stdout=subprocess.DEVNULL)
        truth = json.loads((out / "truth.json").read_text())
        reader = Reader()
        for part in sorted(out.glob("dumps/part-*")):
            lines = part.read_bytes().split(b"\n")
            assert lines.pop() == b""
            reader.dump(lines)
        assert sorted(x["file"] for x in truth["dumps"]) == sorted(p.name for p in out.glob("dumps/*"))
        assert sorted(p.name for p in out.iterdir()) == ["body.keys", "dumps", "truth.json"]
    reader.finish()
    failed = 0

    def equal(what, said, found):
        nonlocal failed
        if said != found:
            failed += 1
            print(f"{' '.join(options)}: {what}: truth says {said}, found {found}")

    for k in ("records", "messages", "copies", "redelivered", "other", "quarantined"):
        equal(k, truth[k], reader.n[k])
    for k, v in truth["flags"].items(): equal(k, v, reader.flags[k])
    counts = {x["query"]: x["count"] for x in truth["counts"]}
    found = count(reader, [q for q in counts if ":" not in q and q != "*"])
    found.update({"has:conflict": reader.flags["conflict"], "has:sealed": reader.flags["sealed"],
                  "has:repeated": reader.flags["repeated"], "kind:message": reader.n["messages"]})
    found.update({"has:" + k: v for k, v in reader.has.items()})
    found.update({"kind:" + k: v for k, v in reader.kinds.items()})
    for q, v in counts.items(): equal(q, v, found[q])
    gaps = {(g["source"], g["stage"]): g["missing"] for g in truth["gaps"]}
    for s in reader.streams:
        missing = reader.last[s] - min(reader.streams[s]) + 1 - len(reader.streams[s])
        equal(s, gaps.get(s, 0), missing)
    a, b = truth["thread"]["conversation"]["with"].split(",")
    inside = sum(n for _, who, g, _, n, r in reader.docs
                 if g is None and r["kind"] == "message" and set(who) == {a, b})
    equal("conversation", truth["thread"]["conversation"]["messages"], inside)
    group = truth["thread"]["group"]["group"]
    inside = sum(n for _, _, g, _, n, r in reader.docs if g == group and r["kind"] == "message")
    equal("group", truth["thread"]["group"]["messages"], inside)
    small(reader, truth["thread"].get("small"), equal)
    return failed


if __name__ == "__main__":
    runs = [["-n", "6000", "-d", "7"], ["-n", "1000", "-d", "2"], ["-n", "1500"],
            ["-n", "3000", "-d", "1", "-s", "9"], ["-n", "3000", "-d", "6", "-s", "4", "--doubts"], ["-n", "1200", "-d", "2", "--doubts"],
            ["-n", "4000", "-d", "2", "--shape", "server", "--scripts", "ascii"],
            ["-n", "2000", "-d", "40", "-s", "5", "--scripts", "ascii"], ["-n", "4000", "-d", "9", "-s", "6", "--clocks", "sender"]]
    sys.exit(1 if sum(map(check, runs)) else 0)
