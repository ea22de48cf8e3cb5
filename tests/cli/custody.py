#!/usr/bin/env python3
"""What shows that a case was changed behind its back."""
import itertools, json, shutil

from lictor_cli import *

NUMBER = itertools.count()


def case(plain=False):
    return Case(f"custody{next(NUMBER)}", plain)


def part(c, n):
    return c.add(write(f"part{n}.ndjson", dump([msg(n, f"words of part {n}")], source=f"imei:{n}")))


def verify(c, head):
    return c.ingest("verify", "--head", head)


def heads():
    for plain in (False, True):
        c = case(plain)
        part(c, 1)
        head = TMP / f"{c.dir.name}.head"
        r = c.ingest("ledger", "--head", head)
        check(r.returncode == 0 and head.read_text().startswith("lictor-ledger-head/1\n"), "ledger --head writes a file", r)
        s = c.status()
        check(f"head {s['ledger_head']}\n" in head.read_text() and f"digest {s['digest']}\n" in head.read_text() and
              f"entries {s['ledger_entries']}\n" in head.read_text(), "it says what status says", head.read_text())
        check(c.ingest("ledger", "--head", "-").stdout.split()[:5] == head.read_bytes().split()[:5], "`-` prints it")
        check(c.ingest("ledger", "--head", head).returncode == 3, "an existing file is not written over")
        check(verify(c, head).returncode == 0, "verify --head: nothing happened since")
        early = shutil.copytree(c.dir, TMP / f"{c.dir.name}.early")
        part(c, 2)
        c.ingest("compact")
        check(verify(c, head).returncode == 0, "verify --head: the ledger goes on from there")
        late = TMP / f"{c.dir.name}.late"
        c.ingest("ledger", "--head", late)
        shutil.rmtree(c.dir)
        shutil.copytree(early, c.dir)
        check(c.ingest("verify", "--deep").returncode == 0, "a whole case taken back looks whole by itself")
        r = verify(c, late)
        check(r.returncode == 1 and b"taken back" in r.stdout, "verify --head: it was taken back", r)
        part(c, 3)
        c.ingest("compact")
        part(c, 4)
        r = verify(c, late)
        check(r.returncode == 1 and b"another history" in r.stdout, "verify --head: another history since", r)
        other = case()
        r = verify(other, head)
        check(r.returncode == 1 and b"another case" in r.stdout, "verify --head: the head of another case", r)
        for bad in (b"", b"lictor-ledger-head/1\n", b"head 12\n", head.read_bytes().replace(b"entries ", b"entries x")):
            r = verify(c, write("bad.head", bad))
            check(r.returncode == 2 and b"bad.head" in r.stderr, "verify --head: not a head", r)


def the_ledger_says_how():
    c = case()
    part(c, 1)
    r = run(INGEST, "--version", "--verbose")
    check(r.returncode == 0 and b"confinement: " in r.stdout, "--version --verbose says how it is confined", r)


# ---- the query log ---------------------------------------------------------------------------------


def query(c, verb, *args, **kw):
    return run(QUERY, verb, c.dir, *c.key, *args, **kw)


def log(c, *args):
    r = query(c, "log", "--format", "jsonl", *args)
    check(r.returncode in (0, 1), "log", r)
    rows = [json.loads(x) for x in r.stdout.splitlines()]
    return rows[:-1], rows[-1]


def every_command_is_logged():
    for plain in (False, True):
        c = case(plain)
        part(c, 1)
        digest = c.status()["digest"]
        mid = c.search("*")[0]["id"]
        asked = [("search", ["words"], "words", 1), ("search", ["--count", "nothing-such"], "nothing-such", 0),
                 ("scan", ["words", "AND", "part"], "words AND part", 1), ("thread", ["--with", "anna,bert"], "with:anna,bert", 1),
                 ("message", [mid], mid, 1), ("handles", [], "", 2), ("contacts", ["anna"], "anna", 1),
                 ("terms", ["part*"], "part*", 1), ("timeline", [], "*", 1), ("sources", ["imei*"], "imei*", 1), ("gaps", [], "", None),
                 ("search", ["a (", "b"], "a ( b", 0), ("search", ["--format", "csv", "--limit", "1", "part"], "part", 1)]
        for verb, args, _, _ in asked:
            query(c, verb, *args)
        query(c, "batch", write("q.txt", b"words\nbad (\n# no query\nnothing-such\n"))
        asked += [("batch", [], "words", 1), ("batch", [], "bad (", 0), ("batch", [], "nothing-such", 0)]
        rows, s = log(c)
        rows = rows[1:]  # the search for the id
        check([(r["command"], r["query"]) for r in rows] == [(a[0], a[2]) for a in asked], "each query stands in the log", rows)
        for r, a in zip(rows, asked):
            check(a[3] is None or r["total"] == a[3], "with its total", (r, a))
            check(r["digest"] == digest and r["generation"] == 2 and r["uid"] == os.getuid() and r["user"] and r["host"] and
                  r["time"].startswith("20"), "digest, generation, user, host, time", r)
        outcomes = [r["outcome"] for r in rows if r["command"] == "search"]
        check(outcomes == ["found", "nothing", "refused", "found"], "and how it ended", outcomes)
        check(s["total"] == len(asked) + 1 and s["unfinished"] == 0 and s["breaks"] == 0 and s["entries"] == 2 * s["total"],
              "the summary counts them", s)
        check(c.status()["digest"] == digest and c.ingest("verify", "--deep").returncode == 0, "the case is what it was")
        r = query(c, "log")
        check(r.returncode == 0 and b"words AND part" in r.stdout and b"clock of the machine" in r.stdout, "log as text", r)
        r = query(c, "log", "--format", "csv", "--limit", "2")
        check(r.stdout.count(b"\r\n") == 3 and b'"nothing-such"' in r.stdout, "log as csv, the last two", r.stdout)
        check(plain or not c.readable([b"nothing-such", b"words AND part"]), "nothing of it is readable at rest")
        check(case(plain) and log(case(plain))[1]["total"] == 0, "a new case has an empty one")


def hostile_queries_do_nothing_to_a_terminal():
    c = case()
    part(c, 1)
    query(c, "search", "\x1b[31mred\u202e")
    query(c, "search", "=cmd|x")
    check(safe(query(c, "log")), "log as text is harmless")
    r = query(c, "log", "--format", "csv")
    r.stdout = r.stdout.replace(b"\r\n", b"\n")
    check(safe(r) and b"'=cmd" in r.stdout, "as csv, too", r)


def parties_have_their_own():
    c = case()
    part(c, 1)
    own = TMP / "party.log"
    r = query(c, "search", "words", "--log", own, "--format", "jsonl")
    check(json.loads(r.stdout.splitlines()[-1])["log"] == "file", "the summary says which log", r)
    r = query(c, "search", "words", "--no-log")
    check(b"not logged" in r.stdout, "and for people", r)
    r = query(c, "search", "words", "--no-log", "--count")
    check(r.stdout == b"1\n" and b"not logged" in r.stderr, "a count is nothing but the count", r)
    check(log(c)[1]["total"] == 0 and log(c, "--log", own)[1]["total"] == 1, "each log has its own")
    check(own.stat().st_mode & 0o777 == 0o600 and b"words" not in own.read_bytes(), "nobody else can read it")
    other = case()
    r = query(other, "search", "x", "--log", own)
    check(r.returncode == 3 and b"another case" in r.stderr and not r.stdout, "the log of another case is refused", r)
    text = write("mine.txt", b"my notes")
    r = query(c, "search", "x", "--log", text)
    check(r.returncode == 3 and text.read_text() == "my notes", "a file that is no log is not touched", r)
    check(query(c, "search", "x", "--log", own, "--no-log").returncode == 2, "--log and --no-log")
    check(query(c, "log", "--log", TMP / "no-such.log").returncode == 3, "no such log")


def read_only_media():
    c = case()
    part(c, 1)
    who = as_nobody()
    os.chmod(TMP, 0o755)
    if who:  # the key belongs to whoever asks
        os.chown(c.keyfile, 65534, 65534)
    for p in [c.dir, *c.dir.rglob("*")]:
        os.chmod(p, 0o555 if p.is_dir() else 0o444)
    r = query(c, "search", "words", **who)
    check(r.returncode == 3 and not r.stdout and b"--no-log" in r.stderr and b"--log FILE" in r.stderr, "nothing is asked without a log", r)
    r = query(c, "search", "words", "--no-log", "--format", "jsonl", **who)
    check(r.returncode == 0 and json.loads(r.stdout.splitlines()[-1])["log"] == "none", "--no-log asks, and says so", r)
    own = TMP / "nobody"
    own.mkdir(mode=0o777)
    os.chmod(own, 0o777)
    r = query(c, "search", "words", "--log", own / "log", **who)
    check(r.returncode == 0 and b"words" in r.stdout, "--log FILE asks", r)
    check(query(c, "log", **who).returncode == 1, "the log of the case can be read")
    check(c.ingest("verify", **who).returncode == 0, "and verified")


def a_killed_query_leaves_a_log_that_goes_on():
    c = case()
    d = c.add(write("many.ndjson", dump([msg(i, f"word number {i} " * 20) for i in range(4000)])))
    check(d.code == 0, "many messages")
    p = subprocess.Popen([QUERY, "search", str(c.dir), "--key", str(c.keyfile), "--format", "jsonl", "word"],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    p.stdout.read(1)
    p.kill()
    p.wait()
    p.stdout.close()
    p = subprocess.Popen([QUERY, "search", str(c.dir), "--key", str(c.keyfile), "--format", "jsonl", "word"],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    p.stdout.read(1)
    p.stdout.close()
    p.wait()
    query(c, "search", "word")
    rows, s = log(c)
    check([r["outcome"] for r in rows] == ["unfinished", "not-read-to-the-end", "found"] and s["unfinished"] == 1, "all three are there", rows)
    check(c.ingest("verify").returncode == 0, "the log is whole")


def edits_and_cuts_of_the_log_are_found():
    c = case()
    part(c, 1)
    for i in range(4):
        query(c, "search", f"w{i}")
    f = c.dir / "queries"
    whole = f.read_bytes()
    for at in range(0, len(whole), 97):
        f.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1:])
        r = c.ingest("verify")
        check(r.returncode == 1 and b"queries" in r.stdout, f"verify: byte {at} was changed", r)
        f.write_bytes(whole[:at])
        r = c.ingest("verify")
        check(r.returncode == 1 and b"queries" in r.stdout, f"verify: cut to {at}", r)
    f.write_bytes(whole[:-1])
    query(c, "search", "w5")
    rows, s = log(c)
    check(s["breaks"] == 1 and rows[-2]["type"] == "break" and rows[-1]["query"] == "w5" and rows[-2]["missing"] == 1, "a break stands there", rows)
    check(b"are gone" in query(c, "log").stdout and c.ingest("verify").returncode == 1, "for good")
    f.write_bytes(whole)
    check(c.ingest("verify").returncode == 0, "whole again")
    f.unlink()
    check(c.ingest("verify").returncode == 1, "verify: the log is gone")


def a_log_that_is_taken_back_whole_shows_in_a_head():
    for plain in (False, True):
        c = case(plain)
        part(c, 1)
        query(c, "search", "one")
        early = (c.dir / "queries").read_bytes()
        query(c, "search", "two")
        head = TMP / f"{c.dir.name}.queries"
        check(c.ingest("ledger", "--head", head).returncode == 0 and b"\nqueries 4\nqueries-head " in head.read_bytes(), "noted")
        query(c, "search", "three")
        check(verify(c, head).returncode == 0, "verify --head: the log goes on from there")
        (c.dir / "queries").write_bytes(early)
        check(c.ingest("verify").returncode == 0, "a whole log taken back looks whole by itself")
        r = verify(c, head)
        check(r.returncode == 1 and b"queries" in r.stdout and b"taken back" in r.stdout, "verify --head: it was taken back", r)
        query(c, "search", "other")
        query(c, "search", "history")
        r = verify(c, head)
        check(r.returncode == 1 and b"another history" in r.stdout, "verify --head: another history", r)
        bad = write("bad-queries.head", head.read_bytes().replace(b"queries-head ", b"queries-head x"))
        check(verify(c, bad).returncode == 2, "verify --head: not a head")


# ---- passphrases, other keys, secrets --------------------------------------------------------------


def secret(name, text, mode=0o600):
    p = write(name, text)
    p.chmod(mode)
    return p


class Locked(Case):
    """A case that opens by what is given."""

    def __init__(self, *key):
        self.dir, self.key = TMP / f"locked{next(NUMBER)}.case", list(key)
        self.made = run(INGEST, "init", self.dir, *key)
        check(self.made.returncode == 0, "init", self.made)


def at_terminal(*cmd, typed):
    """Runs it with a terminal of its own: what it showed, and its exit code."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(cmd[0], [str(x) for x in cmd])
    shown = b""
    try:
        for line in typed:
            seen = len(shown)
            while not shown[seen:].rstrip(b" ").endswith(b":"):
                shown += os.read(fd, 1000)
            os.write(fd, line + b"\n")
        while True:
            shown += os.read(fd, 1000)
    except OSError:
        pass
    os.close(fd)
    return shown, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def passphrases():
    phrase = secret("phrase", b"correct horse\n")
    c = Locked("--passphrase-file", phrase)
    part(c, 1)
    check(c.search("words") and c.ingest("verify", "--deep").returncode == 0, "a passphrase from a file opens the case")
    env = {k: v for k, v in os.environ.items() if k != "LICTOR_KEY_FILE"}
    for bad, why in ((["--passphrase-file", secret("bad", b"correct horsf\n")], b"not that of this case"),
                     (["--passphrase-file", secret("open", b"correct horse\n", 0o644)], b"open"),
                     (["--passphrase-file", secret("empty", b"\n")], b"empty"),
                     (["--passphrase-file", secret("two", b"correct horse\nx\n")], b"more than one line"),
                     (["--passphrase-file", TMP / "no-such"], b"does not exist"),
                     (["--key", case().keyfile], b"passphrase"), ([], b"no terminal")):
        r = run(QUERY, "search", c.dir, *bad, "words", env=env, start_new_session=True)
        check(r.returncode == 3 and why in r.stderr and not r.stdout, f"refused: {why}", r)
    r = run(QUERY, "search", case().dir, "--passphrase-file", phrase, "x")
    check(r.returncode == 3 and b"key file" in r.stderr, "a passphrase for a case with a key file", r)
    shown, code = at_terminal(QUERY, "search", c.dir, "--count", "words", typed=[b"correct horse"])
    check(code == 0 and b"\r\n1\r\n" in shown and b"horse" not in shown, "asked for at the terminal, unseen", (code, shown))
    shown, code = at_terminal(QUERY, "search", c.dir, "--count", "words", typed=[b"wrong"])
    check(code == 3 and b"wrong" not in shown, "a wrong one", (code, shown))
    new = TMP / "typed.case"
    shown, code = at_terminal(INGEST, "init", new, "--passphrase", typed=[b"battery", b"batter"])
    check(code == 3 and not new.exists() and b"not the same" in shown, "typed differently", shown)
    shown, code = at_terminal(INGEST, "init", new, "--passphrase", typed=[b"battery", b"battery"])
    check(code == 0, "typed twice", shown)
    r = run(INGEST, "status", new, "--passphrase-file", secret("battery", b"battery"))
    check(r.returncode == 0, "the same from a file", r)


def other_keys():
    c = case()
    part(c, 1)
    before, digest = {p: p.read_bytes() for p in (c.dir / "segments").iterdir()}, c.status()["digest"]
    copy = shutil.copytree(c.dir, TMP / f"copy{next(NUMBER)}")
    old, new = list(c.key), TMP / "other.key"
    check(c.ingest("rekey").returncode == 2, "rekey: which one?")
    check(c.ingest("rekey", "--new-key", c.keyfile).returncode == 2, "rekey: a file that is there is kept")
    check(query(c, "search", "words").returncode == 0, "and nothing happened")
    r = c.ingest("rekey", "--new-key", new)
    check(r.returncode == 0 and new.stat().st_mode & 0o777 == 0o600, "rekey", r)
    check(query(c, "search", "words").returncode == 3 and part(c, 2).code == 3, "the old key is refused")
    c.key = ["--key", new]
    check(query(c, "search", "words").returncode == 0 and c.status()["digest"] == digest, "the new one opens the same")
    check({p: p.read_bytes() for p in (c.dir / "segments").iterdir()} == before, "no segment was written")
    phrase = secret("rekeyed", b"a passphrase")
    r = c.ingest("rekey", "--new-passphrase-file", phrase)
    check(r.returncode == 0, "from a key file to a passphrase", r)
    c.key = ["--passphrase-file", phrase]
    check(part(c, 2).code == 0 and c.sound("after two rekeys") is None, "and on")
    check(not c.readable([b"a passphrase"]), "it is nowhere in the case")
    check(c.ingest("compact").returncode == 0, "compact")
    rows = c.rows("ledger")
    check([r["type"] for r in rows] == ["dump", "rekey", "rekey", "dump", "compact"], "the ledger shows what was done, in its order", rows)
    acts = [r for r in rows if r["type"] != "dump"]
    check([r["entry"] for r in rows] == [1, 2, 3, 4, 5] and all(set(r) == {"type", "entry", "time", "program"} and r["program"].startswith("0.") for r in acts), "ledger: entries", rows)
    check([r["type"] for r in c.rows("ledger", "--state", "complete")] == ["dump", "dump"], "--state: dumps alone")
    lines = c.ingest("ledger").stdout.decode().splitlines()
    check(len(lines) == 5 and "another key" in lines[1] and "merged" in lines[4], "ledger: text", lines)
    for verb in ("status", "ledger", "quarantine", "compact", "verify"):
        check(b"--key FILE" in run(INGEST, verb, "--help").stdout, verb + " --help names --key")
    (c.dir / "CASE").write_bytes((copy / "CASE").read_bytes())
    r = run(INGEST, "verify", c.dir, *old)
    check(r.returncode == 1 and b"put back" in r.stdout, "an older CASE that is put back shows", r)
    check(case(True).ingest("rekey", "--new-key", TMP / "x.key").returncode == 2, "a case without a key has none to change")


def killed_rekeys():
    """Whenever it is killed, one of the two keys opens the case, and what the ledger says is true."""
    c = case()
    part(c, 1)
    keys, state = [c.keyfile, TMP / "first.key"], {"old": 0, "new": 0}
    start = time.monotonic()
    check(c.ingest("rekey", "--new-key", keys[-1]).returncode == 0, "rekey")
    whole = time.monotonic() - start
    for i in range(25):
        new = TMP / f"killed{i}.key"
        p = subprocess.Popen([INGEST, "rekey", str(c.dir), "--key", str(keys[-1]), "--new-key", str(new)],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(whole * i / 20)
        p.kill()
        p.wait()
        opens = [k for k in (keys[-1], new) if k.exists() and
                 run(QUERY, "search", c.dir, "--key", k, "words").returncode == 0]
        check(len(opens) == 1, f"killed after {i}/20 of its time: one key opens it", opens)
        state["new" if opens == [new] else "old"] += 1
        keys += [new] if opens == [new] else []
        r = run(INGEST, "verify", c.dir, "--key", keys[-1])
        check(r.returncode == 0, "and it is whole", r)
    print("killed rekeys:", state)


def regions(pid):
    """The readable memory of a process: bytes, and whether it is kept out of core dumps and swap."""
    found, at = [], None
    for line in open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace"):
        m = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line)
        if m:
            at = (int(m[1], 16), int(m[2], 16), m[3])
        elif line.startswith("VmFlags:") and at[2].startswith("r") and at[1] - at[0] < 1 << 28:
            found.append((*at, set(line.split()[1:])))
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for begin, end, _, flags in found:
            try:
                mem.seek(begin)
                yield mem.read(end - begin), flags
            except (OSError, ValueError):
                pass


def keys_in_memory():
    """A query that waits for its reader: neither the key file nor a passphrase is anywhere in its memory."""
    if os.getuid() != 0:
        print("skipped: memory of a process that is not dumpable is for root")
        return
    phrase = b"correct horse battery staple"
    locked = [(case(), None), (Locked("--passphrase-file", secret("staple", phrase)), phrase)]
    for c, needle in locked:
        d = c.add(write("long.ndjson", dump([msg(i, f"word number {i} " * 40) for i in range(3000)])))
        check(d.code == 0, "a long answer")
        needles = [needle] if needle else [c.keyfile.read_bytes().split()[-1],
                                           base64.b64decode(c.keyfile.read_bytes().split()[-1])]
        p = subprocess.Popen([QUERY, "search", str(c.dir), *map(str, c.key), "--format", "jsonl", "word"],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        p.stdout.read(1)  # the pipe is full, the case is open
        time.sleep(0.3)
        words = found = size = 0
        for data, flags in regions(p.pid):
            size += len(data)
            words += b"word number 7 " in data
            found += sum(n in data for n in needles)
        check(p.poll() is None and words, "the memory was read while it ran", size)
        check(found == 0, "the secret that opened the case is wiped", found)
        with open(f"/proc/{p.pid}/limits", encoding="ascii") as f:
            check(re.search(r"Max core file size +0 +0", f.read()), "no core dump")
        check(os.stat(f"/proc/{p.pid}/mem").st_uid == 0, "only root may look")
        p.kill()
        p.wait()
        p.stdout.close()


def nothing_readable_after_kill():
    """add, killed: no text, handle or file name stands readable in the case, nor beside it."""
    c = case()
    records = [msg(i, f"needle-text-{i} ", sender="needle-handle") for i in range(20000)]
    raw = b"".join([*map(line, [head("imei:needle-source"), *records]), b"needle-quarantine\n"])
    d = write("needle.ndjson.zst.age", age(zstd(raw)))
    needles = [b"needle-text", b"needle-handle", b"needle-source", b"needle-quarantine", c.keyfile.read_bytes().split()[-1],
               base64.b64decode(c.keyfile.read_bytes().split()[-1])]
    temporary = TMP / "temporary"
    temporary.mkdir()
    for ms in (30, 80, 150, 250):
        p = subprocess.Popen([INGEST, "add", str(c.dir), *map(str, c.key), "-i", str(identity("case")), "--memory", "64M", str(d)],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "TMPDIR": str(temporary)})
        time.sleep(ms / 1000)
        p.kill()
        p.wait()
        check(not c.readable(needles), f"killed after {ms} ms: nothing is readable", c.readable(needles))
        blob = b"".join(x.read_bytes() for x in temporary.rglob("*") if x.is_file())
        check(not any(n in blob for n in needles), "nor in temporary files")
    check(c.add(d).code in (0, 1) and len(c.quarantine()) == 1, "and added again")
    query(c, "search", "needle-text-7")
    check(not c.readable(needles), "nor after a query")


each([heads, the_ledger_says_how, every_command_is_logged, hostile_queries_do_nothing_to_a_terminal, parties_have_their_own,
      read_only_media, a_killed_query_leaves_a_log_that_goes_on, edits_and_cuts_of_the_log_are_found, a_log_that_is_taken_back_whole_shows_in_a_head, passphrases, other_keys,
      killed_rekeys, keys_in_memory, nothing_readable_after_kill])
finish()
