#!/usr/bin/env bash
# The main job on synthetic data: a delivery in several encrypted dumps, the books, a search, a
# conversation with what is missing in it. Called by ./dev demo.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
bin=$PWD/build/release
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
show() { printf '\n$ %s\n' "${*/#$bin\//}"; "$@"; }

show "$bin/lictor-bench" generate delivery --messages 200000
show "$bin/lictor-ingest" init case --key case.key
code=0
show "$bin/lictor-ingest" add case --key case.key -i delivery/case.agekey delivery/dumps || code=$?
[ $code -le 1 ] # 1: done, and some lines are in quarantine, as planted
export LICTOR_KEY_FILE=case.key
needle=$(jq -r '.needles[0].query' delivery/truth.json)
show "$bin/lictor-query" search case "$needle" --limit 3
with=$(jq -r '.thread.small.with' delivery/truth.json)
show "$bin/lictor-query" thread case --with "$with" --tz Europe/Paris
show "$bin/lictor-ingest" verify case
