"""What the tests of the programs share: deliveries made with the stock tools, cases, and checks.
The programs come from $LICTOR_BIN; everything is written into one temporary directory."""
import base64, json, os, pathlib, pty, re, resource, shutil, subprocess, sys, tempfile, time

BIN = pathlib.Path(os.environ["LICTOR_BIN"]).resolve()
INGEST, QUERY, BENCH = (str(BIN / p) for p in ("lictor-ingest", "lictor-query", "lictor-bench"))
TMP = pathlib.Path(tempfile.mkdtemp(prefix="lictor-cli-"))
T = 1586000000000
DAY = 86400000
BOOKS = ("records", "messages", "copies", "redelivered", "other", "quarantined")
# What a sanitizer says of a bug; such a run is never a pass, whatever its exit code.
SICK = re.compile(rb"Sanitizer|runtime error:|cannot happen, but did|fault of Lictor")
# What may never reach a terminal: controls, and what turns the direction of text.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
passed = failed = 0


def check(ok, what, detail=""):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print("FAILED", what, "--", str(detail)[:500], flush=True)
    return bool(ok)


def finish():
    shutil.rmtree(TMP, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


def each(tests):
    """Runs all; one that breaks must not hide the others."""
    slow = os.environ.get("LICTOR_CLI_TIMES")
    for t in tests:
        start = time.monotonic()
        try:
            t()
        except Exception as e:
            check(False, t.__name__, repr(e))
        if slow:
            print(f"{time.monotonic() - start:6.1f} s {t.__name__}", flush=True)


# ---- running --------------------------------------------------------------------------------------


def run(*cmd, data=None, timeout=300, **kw):
    cmd = [c if isinstance(c, bytes) else str(c) for c in cmd]
    if data is None and "stdin" not in kw:
        kw["stdin"] = subprocess.DEVNULL
    r = subprocess.run(cmd, input=data, capture_output=True, timeout=timeout, **kw)
    if cmd[0] in (INGEST, QUERY, BENCH):
        watch(cmd, r)
    return r


def watch(cmd, r):
    """What holds of every run of our programs."""
    name = " ".join(c if isinstance(c, str) else repr(c) for c in cmd)[-200:]
    if SICK.search(r.stderr) or r.returncode not in (0, 1, 2, 3, 130):
        check(False, "no crash: " + name, (r.returncode, r.stderr[-400:]))
    if r.returncode in (2, 3) and not r.stderr.strip():
        check(False, "an error says something: " + name, r.returncode)


def tool(*cmd, data=None, **kw):
    """A stock tool, which must work."""
    r = run(*cmd, data=data, **kw)
    if r.returncode:
        raise RuntimeError(f"{cmd[0]}: {r.stderr!r}")
    return r.stdout


def generate(name, *options, **kw):
    """A synthetic delivery: dumps, and beside them their keys and the truth."""
    d = TMP / name
    tool(BENCH, "generate", d, "--progress=none", *options, **kw)
    return d


def safe(r):
    """Nothing of a run's output would act on a terminal."""
    text = (r.stdout + r.stderr).decode("utf-8", "surrogateescape")
    return not UNSAFE.search(text) and not re.search("[\udc80-\udcff]", text)


# ---- deliveries -----------------------------------------------------------------------------------


def identity(name):
    path = TMP / (name + ".agekey")
    if not path.exists():
        tool("age-keygen", "-o", path)
    return path


def recipient(path):
    return re.search(r"age1\S+", path.read_text())[0]


def line(record):
    if isinstance(record, bytes):
        return record + b"\n"
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def head(source, **kw):
    return {"kind": "dump", "format": "lictor-delivery/1", "source": source, "stage": "live", **kw}


def msg(seq, text="hello", sender="anna", to=("bert",), sent=T, **kw):
    m = {"kind": "message", "seq": seq, "from": sender, "to": list(to), "sent": sent, "text": text, **kw}
    return {k: v for k, v in m.items() if v is not None}


def dump(records, source="imei:1", end=True, **kw):
    """Plain NDJSON of a whole dump."""
    lines = [head(source, **kw), *records]
    if end:
        lines.append({"kind": "end", "records": len(records)})
    return b"".join(map(line, lines))


def zstd(raw, *options):
    return tool("zstd", "-q", "-c", *(options or ("-1",)), data=raw)


def age(raw, *keys, armor=False):
    args = [a for k in keys or (identity("case"),) for a in ("-r", recipient(k))]
    return tool("age", *(("-a",) if armor else ()), *args, data=raw)


def scrypt(raw, passphrase):
    """age takes a passphrase from a terminal only."""
    plain, sealed = TMP / "scrypt.plain", TMP / "scrypt.age"
    plain.write_bytes(raw)
    sealed.unlink(missing_ok=True)
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp("age", ["age", "-p", "-o", str(sealed), str(plain)])
    told = b""
    for _ in range(2):
        while b"passphrase" not in told:
            told += os.read(fd, 1024)
        told = b""
        time.sleep(0.2)
        os.write(fd, passphrase.encode() + b"\n")
    try:
        while os.read(fd, 1024):
            pass
    except OSError:
        pass
    if os.waitpid(pid, 0)[1]:
        raise RuntimeError("age -p failed")
    os.close(fd)
    return sealed.read_bytes()


WRAPS = {"plain": lambda b: b, "zst": zstd, "age": age, "zst.age": lambda b: age(zstd(b))}


# ---- cases ----------------------------------------------------------------------------------------


class Added:
    """What an `add --format json` said."""

    def __init__(self, r):
        self.run, self.code, self.err = r, r.returncode, r.stderr
        try:
            out = json.loads(r.stdout) if r.stdout else {}
        except ValueError:
            check(False, "add --format json prints JSON", r.stdout[:300])
            out = {}
        self.dumps, self.totals, self.digest = out.get("dumps", []), out.get("totals", {}), out.get("digest")

    def __repr__(self):
        return f"exit {self.code}, {self.dumps}, {self.err[-300:]!r}"

    @property
    def only(self):
        return self.dumps[0] if len(self.dumps) == 1 else {}

    def states(self):
        return [(d["state"], d.get("reason", {}).get("code")) for d in self.dumps]

    def balanced(self):
        for b in [*self.dumps, self.totals]:
            if b.get("records", -1) != sum(b[k] for k in BOOKS[1:]):
                return False
        sums = {k: sum(d[k] for d in self.dumps) for k in BOOKS}
        return self.totals["balanced"] is True and all(self.totals[k] == v for k, v in sums.items())


class Case:
    def __init__(self, name, plain=False):
        self.dir, self.keyfile = TMP / (name + ".case"), TMP / (name + ".key")
        self.key = [] if plain else ["--key", self.keyfile]
        self.made = run(INGEST, "init", self.dir, *(["--no-encryption"] if plain else self.key))
        if self.made.returncode:
            raise RuntimeError(f"init: {self.made.stderr!r}")

    def ingest(self, verb, *args, **kw):
        return run(INGEST, verb, self.dir, *self.key, *args, **kw)

    def add(self, *args, ident=None, **kw):
        i = ["-i", ident or identity("case")] if ident is not False else []
        return Added(self.ingest("add", *i, "--format", "json", *args, **kw))

    def rows(self, verb, *args):
        r = self.ingest(verb, "--format", "json", *args)
        if r.returncode:
            raise RuntimeError(f"{verb}: {r.stderr!r}")
        return [json.loads(x) for x in r.stdout.splitlines()]

    def status(self):
        return self.rows("status")[0]

    def quarantine(self):
        """(line, reason, bytes) of each."""
        return [(q["line"], q["reason"], base64.b64decode(q["bytes_base64"])) for q in self.rows("quarantine")]

    def sound(self, what):
        """Nothing is half-written: seals and index are whole, and nothing temporary is left."""
        v = self.ingest("verify", "--deep")
        check(v.returncode == 0 and b"whole" in v.stdout, what + ": verify --deep", (v.stdout, v.stderr))
        left = [p.name for p in self.dir.rglob("*") if p.name.endswith(".tmp")]
        check(not left, what + ": nothing temporary is left", left)

    def search(self, query, *args):
        """Messages and notes of a search, without the summary."""
        r = run(QUERY, "search", self.dir, *self.key, "--format", "jsonl", *args, "--", query)
        if r.returncode not in (0, 1):
            raise RuntimeError(f"search: {r.stderr!r}")
        rows = [json.loads(x) for x in r.stdout.splitlines()]
        if not rows or rows[-1]["type"] != "summary":
            raise RuntimeError(f"search without summary: {r.stdout!r}")
        return rows[:-1]

    def texts(self, query="*"):
        return sorted(m.get("text", "") for m in self.search(query))

    def readable(self, needles):
        """Which of the needles stand in a file of the case, or in a name."""
        blob = b"\0".join(os.fsencode(str(p.relative_to(self.dir))) + (b"" if p.is_dir() else p.read_bytes())
                          for p in sorted(self.dir.rglob("*")))
        return [n for n in needles if n in blob]


def write(name, data):
    path = TMP / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def as_nobody():
    """Keywords for run(): the child is not root, so that modes count."""
    return {"user": 65534, "group": 65534, "extra_groups": []} if os.getuid() == 0 else {}


def limit_files(size):
    """For preexec_fn: a file may not grow beyond `size`, as on a full disk."""
    import signal

    def set_limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return set_limit
