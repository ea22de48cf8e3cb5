#!/usr/bin/env python3
"""Measures the whole way on synthetic deliveries and prints a Markdown table.

Single figures vary with the machine and what else it does; ratios within one run say more. The floor
is what no indexer can go below: `age -d` and `zstd -d` of the same dumps by the stock tools, in the
same run, on as many processors as the `add` it is compared with.
"""
import argparse, concurrent.futures, datetime, json, os, pathlib, platform, re, shutil, statistics, subprocess, sys
import tempfile, time

BIN = pathlib.Path(os.environ["LICTOR_BIN"]).resolve()
ROOT = pathlib.Path(__file__).resolve().parents[1]
INGEST, QUERY, BENCH = (BIN / f"lictor-{p}" for p in ("ingest", "query", "bench"))
REPEATS = 21  # of each query, the first of which is not counted


def options():
    p = argparse.ArgumentParser(prog="./dev bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--messages", type=int, default=400000, help="messages of each delivery (default 400000)")
    p.add_argument("--full", action="store_true", help="5,000,000 messages, as in the comparison with other indexers")
    p.add_argument("--memory", help="passed to add and compact")
    p.add_argument("--record", action="store_true", help="also write bench/results/DATE-COMMIT.md")
    p.add_argument("--note", default="", help="a sentence about the machine, for the record")
    p.add_argument("--dir", help="where to work (default: the directory for temporary files)")
    o = p.parse_args()
    if o.full:
        o.messages = 5000000
    return o


class Took:
    """Wall seconds, peak memory and output of a command, which must not fail."""

    def __init__(self, *command, cpus=None, fine=(0,)):
        pin = (lambda: os.sched_setaffinity(0, cpus)) if cpus else None
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            start = time.monotonic()
            p = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=out, stderr=err, preexec_fn=pin)
            _, status, usage = os.wait4(p.pid, 0)
            self.seconds = time.monotonic() - start
            p.returncode = os.waitstatus_to_exitcode(status)
            self.peak = usage.ru_maxrss * 1024
            out.seek(0), err.seek(0)
            self.out = out.read()
            if p.returncode not in fine:
                sys.exit(f"bench: {' '.join(map(str, command))}: exit {p.returncode}\n{err.read().decode(errors='replace')}")


def floor(dumps, key, cpus):
    """Seconds to open and inflate all dumps, and the bytes that came out."""
    def one(path):
        age = subprocess.Popen(["age", "-d", "-i", key, path], stdout=subprocess.PIPE, preexec_fn=pin)
        zstd = subprocess.Popen(["zstd", "-dcq"], stdin=age.stdout, stdout=subprocess.PIPE, preexec_fn=pin)
        age.stdout.close()
        wc = subprocess.run(["wc", "-c"], stdin=zstd.stdout, stdout=subprocess.PIPE, check=True, preexec_fn=pin)
        zstd.stdout.close()
        if age.wait() or zstd.wait():
            sys.exit(f"bench: {path} does not open")
        return int(wc.stdout)
    pin = lambda: os.sched_setaffinity(0, cpus)
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(len(cpus)) as pool:
        n = sum(pool.map(one, dumps))
    return time.monotonic() - start, n


def tree_bytes(path):
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())


def count(n):
    return f"{n:,.0f}"


def rate(n, seconds):
    return f"{seconds:.2f} s, {n / seconds / 1e6:.2f} M records/s"


def queries(truth, messages):
    """Name -> arguments of lictor-query behind the case and its key."""
    words = sorted((q for q in truth["counts"] if re.fullmatch(r"[a-z]{2,}", q["query"])), key=lambda q: -q["count"])
    a, b = words[0]["query"], words[1]["query"]
    phrase = max((q for q in truth["counts"] if q["query"].startswith('"')), key=lambda q: q["count"])["query"]
    handle = max((q for q in truth["counts"] if q["query"].startswith("from:")), key=lambda q: q["count"])["query"]
    day = max((q for q in truth["counts"] if q["query"].startswith("on:")), key=lambda q: q["count"])["query"]
    rare = truth["needles"][0]["query"]
    c = ["search", "--count", "--"]
    return {"nothing but the program: --version": None,
            "count: rare word": c + [rare], "count: most frequent word": c + [a], "count: two frequent words": c + [f"{a} {b}"],
            "count: phrase": c + [phrase], "count: prefix of three letters": c + [words[-1]["query"][:3] + "*"],
            "count: word and sender": c + [f"{a} {handle}"], "count: a day": c + [day], "count: NOT of a frequent word": c + [f"NOT {a}"],
            "newest 20: most frequent word": ["search", "--format", "jsonl", "--limit", "20", "--", a],
            "newest 20: everything": ["search", "--format", "jsonl", "--limit", "20", "--", "*"],
            "thread of 60 messages": ["thread", "--format", "jsonl", "--with", truth["thread"]["small"]["with"]]}


def latency(case, key, command):
    times = []
    for _ in range(REPEATS):
        args = [QUERY, "--version"] if command is None else [QUERY, command[0], case, "--key", key, *command[1:]]
        times.append(Took(*args, fine=(0, 1)).seconds * 1000)
    times = sorted(times[1:])
    return f"{statistics.median(times):.1f} / {times[-1]:.1f} ms"


def measure(o, work, scripts):
    """What was measured of one delivery: [(what, value)]."""
    rows, cpus = [], sorted(os.sched_getaffinity(0))
    d, case, key = work / scripts, work / "case", work / "case.key"
    made = Took(BENCH, "generate", d, "-n", o.messages, "--scripts", scripts, "--progress=none")
    truth = json.loads((d / "truth.json").read_text())
    dumps, records = sorted((d / "dumps").iterdir()), truth["records"]
    memory = ["--memory", o.memory] if o.memory else []
    rows += [("records, messages, dumps", f"{count(records)}, {count(truth['messages'])}, {len(dumps)}"),
             ("generate, all processors", rate(records, made.seconds))]
    adds = []
    for n in sorted({1, min(2, len(cpus))}):
        opened, raw = floor(dumps, d / "case.agekey", cpus[:n])
        shutil.rmtree(case, ignore_errors=True)
        key.unlink(missing_ok=True)
        Took(INGEST, "init", case, "--key", key)
        add = Took(INGEST, "add", case, "--key", key, "-i", d / "case.agekey", "-j", n, "--format", "json", *memory, d / "dumps",
                   cpus=cpus[:n], fine=(0, 1))
        totals = json.loads(add.out)["totals"]
        if totals["messages"] != truth["messages"] or totals["records"] != records:
            sys.exit(f"bench: add counted {totals}, truth.json says otherwise")
        adds.append(add.seconds)
        on = f"{n} processor" + "s" * (n > 1)
        if n == 1:
            rows.append(("dumps; as NDJSON", f"{tree_bytes(d / 'dumps') / 1e6:.0f} MB; {raw / 1e6:.0f} MB"))
        rows += [(f"floor on {on}", f"{opened:.2f} s, {raw / opened / 1e6:.0f} MB/s"),
                 (f"add -j {n} on {on}", f"{rate(records, add.seconds)}, {raw / add.seconds / 1e6:.0f} MB/s"),
                 (f"add : floor on {on}", f"**{add.seconds / opened:.2f}**"), (f"peak memory of add -j {n}", f"{add.peak / 1e6:.0f} MB")]
    if len(adds) == 2:
        rows.append(("two processors : one", f"{adds[0] / adds[1]:.2f}"))
    size = tree_bytes(case)
    compact = Took(INGEST, "compact", case, "--key", key, *memory)
    rows += [("case after add", f"{size / truth['messages']:.0f} bytes a message, {size / raw:.2f} of the NDJSON"),
             ("compact", f"{compact.seconds:.2f} s"), ("case after compact", f"{tree_bytes(case) / truth['messages']:.0f} bytes a message")]
    rows += [(name, latency(case, key, command)) for name, command in queries(truth, truth["messages"]).items()]
    shutil.rmtree(d)
    return rows


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", text)
    memory = int(re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())[1])
    return (f"{len(os.sched_getaffinity(0))} processors, {model[1] if model else platform.machine()}, {memory / 2**20:.0f} GB, "
            f"{platform.system()} {platform.release()}")


def commit():
    git = lambda *a: subprocess.run(["git", "-C", str(ROOT), *a], capture_output=True, text=True).stdout.strip()
    return git("rev-parse", "--short", "HEAD") or "unknown", bool(git("status", "--porcelain", "--untracked-files=no"))


def main():
    o = options()
    load = os.getloadavg()[0]
    today, (at, changed) = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"), commit()
    with tempfile.TemporaryDirectory(prefix="lictor-bench-", dir=o.dir) as work:
        mixed, ascii = (measure(o, pathlib.Path(work), s) for s in ("mixed", "ascii"))
    given = f"./dev bench --messages {o.messages}" + (f" --memory {o.memory}" if o.memory else "")
    lines = [f"# {today}, commit {at}" + (" with changes" if changed else ""), "",
             f"Command: `{given}`. Machine: {machine()}; load {load:.1f} before, {os.getloadavg()[0]:.1f} after.",
             *([o.note] if o.note else []), "",
             "Floor: `age -d | zstd -d` of the same dumps in the same run. Queries: a cold program each time, its start and the",
             f"key file included, on the compacted case in the page cache; median / worst of {REPEATS - 1}.", "",
             "| what | mixed scripts | ASCII |", "|---|---|---|"]
    lines += [f"| {a[0]} | {a[1]} | {b[1]} |" for a, b in zip(mixed, ascii)]
    text = "\n".join(lines) + "\n"
    sys.stdout.write(text)
    if o.record:
        path = ROOT / "bench" / "results" / f"{today}-{at}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        print(f"recorded in {path.relative_to(ROOT)}", file=sys.stderr)


main()
