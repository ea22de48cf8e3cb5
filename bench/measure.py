#!/usr/bin/env python3
"""Measures the whole way and records it: a Markdown table of ratios and figures, and a plot of throughput
over size and over threads. What each figure means and how to read it: bench/README.md.

Quick (the default): one delivery of about a million records, in ASCII and in mixed scripts, and what people
would use instead. --full: 1, 10 and 115 million messages; hours, and about 70 GB of disk."""
import argparse, datetime, json, math, os, pathlib, platform, re, shlex, shutil, signal, subprocess, sys, tempfile

BIN = pathlib.Path(os.environ["LICTOR_BIN"]).resolve()
ROOT = pathlib.Path(__file__).resolve().parents[1]
BENCH = BIN / "lictor-bench"
ROOM = 600  # bytes of disk a message: dumps, case, and the case compact makes of it
PEERS_MAX = 12000000  # messages; SQLite takes minutes for more, and all are held in memory once


def fail(text, code=3):
    print(f"bench: {text}", file=sys.stderr)
    sys.exit(code)


def count_of(text):
    m = re.fullmatch(r"([0-9]+)([kM]?)", text)
    if not m or not 0 < int(m[1]) * {"": 1, "k": 1000, "M": 1000000}[m[2]] <= 2000000000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of messages such as 400k or 10M")
    return int(m[1]) * {"": 1, "k": 1000, "M": 1000000}[m[2]]


def options():
    p = argparse.ArgumentParser(prog="./dev bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--full", action="store_true", help="1M, 10M and 115M messages")
    p.add_argument("--messages", metavar="N", type=count_of, action="append", help="a size instead; again for more (400k, 10M)")
    p.add_argument("--text", metavar="FILE", action="append", default=[], help="also messages that are the lines of FILE, with changed\nhandles and times; again for more")
    p.add_argument("--memory", metavar="SIZE", help="passed to add and compact")
    p.add_argument("--queries", type=int, help="of each class (default 50; full: 200)")
    p.add_argument("--no-peers", action="store_true", help="leave out SQLite and grep")
    p.add_argument("--dir", help="where to work (default: the directory for temporary files)")
    p.add_argument("--output", metavar="DIR", default=str(ROOT / "bench" / "results"), help="where the record goes (default bench/results)")
    p.add_argument("--no-record", action="store_true", help="print the table, write nothing")
    p.add_argument("--note", default="", help="a sentence about the machine, for the record")
    o = p.parse_args()
    o.sizes = sorted(set(o.messages or ([1000000, 10000000, 115000000] if o.full else [400000])))
    o.queries = o.queries or (200 if o.full else 50)
    if o.queries < 1:
        fail("--queries takes a number from 1 on", 2)
    for f in o.text:
        if not os.access(f, os.R_OK):
            fail(f"--text {f}: cannot be read", 2)
    return o


# ---- running ----


def run(*command):
    """Its standard output; ends the whole run if it fails."""
    r = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    if r.returncode == 130 or r.returncode < 0:
        fail("interrupted", 130)
    if r.returncode:
        fail(f"lictor-bench {command[1]} ended with code {r.returncode}")
    return r.stdout


def figures(*args):
    return json.loads(run(BENCH, *args, "--format", "json"))


def thread_counts():
    n, all = 1, len(os.sched_getaffinity(0))
    counts = set()
    while n < all:
        counts.add(n)
        n *= 2
    return sorted(counts | {all})


def measure(o, work, size, text, scripts):
    """Everything measured of one delivery."""
    d, case = work / "delivery", work / "case"
    kind = [x for f in text for x in ("--text", f)] or ["--scripts", scripts]
    print(f"{size:,} messages, {'given text' if text else scripts}", file=sys.stderr)
    run(BENCH, "generate", d, "-n", size, *kind, "--progress=none")
    truth = json.loads((d / "truth.json").read_text())
    memory = ["--memory", o.memory] if o.memory else []
    got = {"size": size, "name": "given text" if text else {"ascii": "ASCII", "mixed": "mixed scripts"}[scripts], "adds": {}}
    counts = thread_counts() if size <= PEERS_MAX else thread_counts()[-1:]
    for n in counts:
        keep = ["--case", case, "--key", work / "case.key"] if n == counts[-1] else ["--no-compact"]
        got["adds"][n] = a = figures("ingest", d, "-j", n, "--scratch", work, *memory, *keep)
        if a["messages"] != truth["messages"] or a["records"] != truth["records"]:
            fail(f"add counted {a['records']} records and {a['messages']} messages, truth.json says otherwise")
    got["query"] = figures("query", case, "--key", work / "case.key", "--queries", o.queries, "--seconds", 30 if o.full else 1)
    shutil.rmtree(case), (work / "case.key").unlink()
    if not o.no_peers and size <= PEERS_MAX and scripts == "ascii":
        got["peers"] = figures("peers", d, "--scratch", work, "--queries", o.queries, "--seconds", 30 if o.full else 1, *memory)
    shutil.rmtree(d)
    return got


# ---- the table ----


def short(n):
    return f"{n / 1e6:g} M" if n >= 1e6 else f"{n / 1e3:g} k"


def latency(classes, key):
    c = classes.get(key, {"left_out": "-"})
    return c["left_out"] if "left_out" in c else f"{c['p50_ms']:.2f} / {c['p99_ms']:.2f}"


def table(head, rows):
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)] + ["| " + " | ".join(r) + " |" for r in rows] + [""]


def ingest_rows(all):
    def row(name, of):
        return [name] + [of(m, m["adds"][max(m["adds"])]) for m in all]
    yield row("records, new messages", lambda m, a: f"{a['records']:,}, {a['messages']:,}")
    yield row("dumps; as NDJSON", lambda m, a: f"{a['dump_bytes'] / 1e6:.0f} MB; {a['raw_bytes'] / 1e6:.0f} MB")
    for n in sorted({n for m in all for n in m["adds"]}):
        def at(of, n=n):
            return [of(m["adds"][n]) if n in m["adds"] else "" for m in all]
        yield [f"**add : floor, {n} thread{'s' * (n > 1)}**"] + at(lambda a: f"**{a['ratio']:.2f}**")
        yield ["floor; add"] + at(lambda a: f"{a['floor_s']:.2f} s; {a['add_s']:.2f} s")
        yield ["throughput"] + at(lambda a: f"{a['records_per_s'] / 1e6:.2f} M records/s, {a['raw_mb_per_s']:.0f} MB/s")
        yield ["peak memory"] + at(lambda a: f"{a['peak_bytes'] / 1e6:.0f} MB")
    last = max(n for m in all for n in m["adds"])
    if last > 1:
        yield [f"{last} threads : 1"] + [f"{m['adds'][1]['add_s'] / m['adds'][last]['add_s']:.2f}" if 1 in m["adds"] else "" for m in all]
    yield row("case : text after add", lambda m, a: f"{a['case_over_text']:.2f} ({a['case_per_message']:.0f} bytes a message)")
    yield row("case : text after compact", lambda m, a: f"{a['compacted_over_text']:.2f} ({a['compacted_per_message']:.0f} bytes a message)")
    yield row("segments; compact", lambda m, a: f"{a['segments']}; {a['compact_s']:.2f} s")
    for stage in [k[:-7] for k in all[0]["adds"][last]["stages"] if k.endswith("_wall_s")]:
        yield row(f"stage {stage}: wall, processor", lambda m, a: f"{a['stages'][stage + '_wall_s']:.2f} s, {a['stages'][stage + '_cpu_s']:.2f} s")


def query_rows(all):
    for key, c in all[0]["query"]["classes"].items():
        yield [c["name"]] + [latency(m["query"]["classes"], key) for m in all]
    yield ["program to first result, p50"] + [f"{m['query']['start_p50_ms']:.1f}" for m in all]
    yield ["the same, files not in memory"] + [f"{m['query']['cold_start_p50_ms']:.1f}" for m in all]


def peer_tables(m):
    p = m["peers"]
    yield f"## Beside others: {p['messages']:,} messages, {m['name']}"
    yield ""
    yield from table(["", "Lictor", "SQLite FTS5", "zstd -1, grep"], [
        ["messages/s, one thread", f"{p['lictor_per_s']:,.0f}", f"{p['sqlite_per_s']:,.0f} (then {p['sqlite_finish_s']:.1f} s of indexes, optimize)", ""],
        ["**Lictor : SQLite**", f"**{p['lictor_over_sqlite']:.2f}**", "", ""],
        ["peak memory", f"{p['lictor_peak_bytes'] / 1e6:.0f} MB", f"{p['sqlite_peak_bytes'] / 1e6:.0f} MB", ""],
        ["bytes a message", f"{p['lictor_per_message']:.0f}", f"{p['sqlite_per_message']:.0f}", f"{p['scan_per_message']:.0f}"],
        *[[c["name"] + ", ms", latency(p["lictor"], k), latency(p["sqlite"], k), latency(p["scan"], k)] for k, c in p["lictor"].items()]])


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", text)
    memory = int(re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())[1])
    return f"{len(os.sched_getaffinity(0))} processors, {model[1] if model else platform.machine()}, {memory / 2**20:.0f} GB, {platform.system()} {platform.release()}"


def commit():
    def git(*a):
        return subprocess.run(["git", "-C", str(ROOT), *a], capture_output=True, text=True).stdout.strip()
    return git("rev-parse", "--short", "HEAD") or "unknown", bool(git("status", "--porcelain", "--untracked-files=no"))


def given():
    """The command without paths."""
    args, hide = [], {"--text": "FILE", "--dir": "DIR", "--output": "DIR"}
    for a in sys.argv[1:]:
        name, eq, _ = a.partition("=")
        if args and args[-1] in hide and hide[args[-1]] != a:
            a = hide[args[-1]]
        elif eq and name in hide:
            a = f"{name}={hide[name]}"
        args.append(a)
    return " ".join(["./dev bench", *map(shlex.quote, args)])


def document(o, all, at, changed, when, load, plot):
    names = [f"{m['name']}, {short(m['size'])}" for m in all]
    lines = [f"# {when}, commit {at}" + (" with changes" if changed else ""), "",
             f"Command: `{given()}`. Machine: {machine()}; load {load:.1f} before, {os.getloadavg()[0]:.1f} after.", *([o.note] if o.note else []), "",
             "What each figure means: bench/README.md. Compare ratios; single figures vary with the machine.", ""]
    if plot:
        lines += [f"![throughput over size and threads]({plot})", ""]
    lines += ["## Ingest", "", *table(["", *names], ingest_rows(all)), "## Queries: p50 / p99 ms, warm, exact total and newest ten", "",
              *table(["", *names], query_rows(all))]
    for m in all:
        if "peers" in m:
            lines += peer_tables(m)
    return "\n".join(lines).rstrip() + "\n"


# ---- the plot ----

COLOURS = ["#1b6ca8", "#c2571a", "#3a7d44", "#7b4b94", "#8a6d1b"]


def panel(left, title, xlabel, series, log):
    """One chart of 380 x 300 at `left`: series of (name, [(x, y)]), y from 0."""
    points = [p for _, ps in series for p in ps]
    xs = sorted({x for x, _ in points})
    top = max(y for _, y in points) * 1.15
    scale = math.log10 if log else float
    lo, hi = scale(xs[0]), scale(xs[-1])

    def px(x): return left + 60 + (300 * (scale(x) - lo) / (hi - lo) if hi > lo else 150)
    def py(y): return 260 - 210 * y / top
    out = [f'<text x="{left + 210}" y="24" text-anchor="middle" font-weight="bold">{title}</text>',
           f'<path d="M{left + 60} 50V260H{left + 370}" fill="none" stroke="#888"/>',
           f'<text x="{left + 210}" y="298" text-anchor="middle">{xlabel}</text>']
    for i in range(5):
        y = top * i / 4
        out.append(f'<path d="M{left + 56} {py(y):.1f}H{left + 370}" stroke="#8884" /><text x="{left + 52}" y="{py(y) + 4:.1f}" text-anchor="end">{y:.2f}</text>')
    out += [f'<text x="{px(x):.1f}" y="278" text-anchor="middle">{short(x) if log else x}</text>' for x in xs]
    for i, (name, ps) in enumerate(series):
        c = COLOURS[i % len(COLOURS)]
        line = " ".join(f"{px(x):.1f},{py(y):.1f}" for x, y in sorted(ps))
        out.append(f'<polyline points="{line}" fill="none" stroke="{c}" stroke-width="2"/>')
        out += [f'<circle cx="{px(x):.1f}" cy="{py(y):.1f}" r="3.5" fill="{c}"/>' for x, y in ps]
        out.append(f'<text x="{left + 68}" y="{58 + 15 * i}" fill="{c}">{name}</text>')
    return out


def plot(all):
    """SVG: M records/s of add over the size of the delivery, and over threads."""
    sizes, threads = {}, []
    for m in all:
        best = m["adds"][max(m["adds"])]
        sizes.setdefault(m["name"], []).append((m["size"], best["records_per_s"] / 1e6))
        if len(m["adds"]) > 1:
            threads.append((f"{m['name']}, {short(m['size'])}", [(n, a["records_per_s"] / 1e6) for n, a in m["adds"].items()]))
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 820 310" font-family="sans-serif" font-size="12" fill="#555">',
           '<title>add: million records a second</title>', *panel(0, "M records/s over messages", "messages", list(sizes.items()), True)]
    if threads:
        out += panel(410, "M records/s over threads", "threads, each on a processor", threads, False)
    return "\n".join(out + ["</svg>"]) + "\n"


def record(o, text, svg, stem):
    path = pathlib.Path(o.output)
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / f"{stem}.md").write_text(text)
        (path / f"{stem}.svg").write_text(svg)
    except OSError as e:
        fail(f"the record could not be written: {e}")
    print(f"recorded in {path / stem}.md and .svg", file=sys.stderr)


def deliveries(o):
    for size in o.sizes:
        yield size, [], "ascii"
    for size in o.sizes:
        if size <= PEERS_MAX:
            yield size, [], "mixed"
    if o.text:
        yield o.sizes[0], o.text, "ascii"


def main():
    o = options()
    signal.signal(signal.SIGTERM, lambda *_: fail("interrupted", 130))
    load, (at, changed) = os.getloadavg()[0], commit()
    when = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
    stem = f"{when}-{at}" + ("-changed" if changed else "")
    try:
        with tempfile.TemporaryDirectory(prefix="lictor-bench-", dir=o.dir) as work:
            free, need = shutil.disk_usage(work).free, ROOM * o.sizes[-1] + (64 << 20)
            if free < need:
                fail(f"{free / 1e9:.0f} GB are free where it works, {short(o.sizes[-1])} messages need about {need / 1e9:.0f} GB: make room or say --dir DIR")
            all = [measure(o, pathlib.Path(work), *d) for d in deliveries(o)]
    except KeyboardInterrupt:
        fail("interrupted", 130)
    except OSError as e:
        fail(str(e))
    text = document(o, all, at, changed, when, load, None if o.no_record else f"{stem}.svg")
    sys.stdout.write(text)
    if not o.no_record:
        record(o, text, plot(all), stem)


main()
