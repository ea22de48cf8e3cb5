#!/usr/bin/env python3
"""An investigator's afternoon: runs every command of docs/AFTERNOON.md on a generated delivery and holds
the document, its picture and its page against what they print. `--write` writes them anew, which is
how they were made. Ends in `N passed, N failed`."""
from lictor_cli import *

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
MADE = {"coverage.svg": "coverage.svg", "conversation.html": "pages/index.html"}  # in docs/afternoon: where the commands put it

# What is said, and the commands run below it, with exit codes that are not 0.
STORY = [
    ("""# An investigator's afternoon

Real output, made and checked by `tests/cli/afternoon.py`: where Lictor says something else, the test fails
(`afternoon.py --write` writes this document anew). All names and words are invented; the delivery is made by
`lictor-bench`, so everything here can be repeated.

## The case""",
     ["lictor-bench generate d --messages 4000 --plain --progress=none > /dev/null",
      "lictor-ingest init case --key case.key 2> /dev/null",
      "export LICTOR_KEY_FILE=case.key",
      "lictor-ingest add case --body-keys d/body.keys d/dumps | head -11"]),
    ("""The books balance: every line of every dump is a message, a copy, a re-delivery, another record, or set aside
in quarantine, byte for byte.

## A hit

Somebody mentioned a gate at a harbour.""",
     ["lictor-query search case harbour gate"]),
    ("""Two of the three hits contradict each other: gate 14 at 02:30, or gate 41 at 03:20? And 26 bodies are still under
a seal whose key did not come: whether they speak of the harbour is not known, and Lictor says so.

## Its conversation""",
     ["lictor-query thread case --around 7ace73e3 --context 3"]),
    ("""Both stand under one service id. The sender's phone says 14, the recipient's says 41.

## The other side's phone

Who says 41? `message` names every copy, and where it came from, down to the line.""",
     ["lictor-query message case 7934c5c1",
      "sed -n '372p' d/dumps/part-0005.ndjson | cut -c 1-170",
      "lictor-query sources case imei:350000000000030"]),
    ("""The original line, shown by a stock tool, says what Lictor said. Which of the two phones was tampered with is not
for Lictor to decide: both stand, both are marked.

## A nickname

Who is d0t7c1? Names come from address books, so they belong to whose book it is.""",
     ["lictor-query handles case d0t7c1",
      "lictor-query search case 'nick:\"Da mu\" cousin'"]),
    ("""## A gap

The night after, a place for unloading is to be sent in three parts. The day as it was:""",
     ["lictor-query thread case --with b0b0b0,d0t7c1 --day 2020-04-12"]),
    ("""Neither phone has three of these messages: numbers are missing in both streams. Five others are on one phone only,
though the other was being collected from. What was deleted by hand, what was never collected and what was not handed
over look alike; Lictor says "not in the delivered data" and no more. Where the numbers are missing, exactly:""",
     ["lictor-query gaps case d0t7c1 --all | grep -A 1 'numbers, .* are missing'"]),
    ("""## A picture of coverage

Every device, every day: shades are records, hatching is missing numbers, cross-hatching silence.""",
     ["lictor-query gaps case --format svg > coverage.svg"]),
    ("""![records by device and day](afternoon/coverage.svg)

## The talks

How the conversation falls into talks: what to read first.""",
     ["lictor-query thread case --with b0b0b0,d0t7c1 --talks"]),
    ("""## For the file

Pages to print or to hand over, without scripts, complete in themselves; and a table.""",
     ["lictor-query thread case --with b0b0b0,d0t7c1 --format html --output pages",
      "lictor-query thread case --with b0b0b0,d0t7c1 --format csv | head -3 | cut -c 1-170"]),
    ("""The page is [afternoon/conversation.html](afternoon/conversation.html). Its last line holds the digest of the content:
whoever ingests the same dumps gets the same digest, and the same ids.
""", []),
]


def session():
    """The document, as the commands make it now."""
    env = {"PATH": f"{BIN}:{os.environ['PATH']}", "LICTOR_KEY_FILE": "case.key", "LC_ALL": "C.UTF-8", "HOME": str(TMP)}
    env.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
    parts = []
    for words, commands in STORY:
        parts.append(words.strip() + "\n")
        out = []
        for command in commands:
            r = run("sh", "-c", command + (" 2>&1" if ">" not in command and "|" not in command else ""), cwd=TMP, env=env)
            check(r.returncode == 0 and not SICK.search(r.stdout + r.stderr), command, (r.returncode, r.stdout[-200:], r.stderr))
            shown = r.stdout.decode().rstrip("\n")
            out += ["    $ " + command, *("    " + l if l else "" for l in shown.split("\n") if shown), ""]
        if out:
            parts.append("\n".join(out))
    return "\n".join(parts).rstrip("\n") + "\n"


def main():
    made = {"AFTERNOON.md": session()}
    made.update({"afternoon/" + name: (TMP / path).read_text() for name, path in MADE.items()})
    for name, text in made.items():
        path = DOCS / name
        if sys.argv[1:] == ["--write"]:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        there = path.read_text() if path.exists() else ""
        at = next((i for i, (a, b) in enumerate(zip(text.split("\n"), there.split("\n")), 1) if a != b), "its end")
        check(there == text, f"docs/{name} is what the commands print; if that is right, run this with --write", f"line {at}")
    for word in ("contradicted", "not in the delivered data", "is called", "no copy from the device of", "gate 41"):
        check(word in made["AFTERNOON.md"], "the afternoon shows: " + word)
    check("<svg" in made["afternoon/coverage.svg"] and "gate 41" in made["afternoon/conversation.html"], "picture and page")


if __name__ == "__main__":
    each([main])
    finish()
