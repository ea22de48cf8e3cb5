#!/usr/bin/env bash
# Measures the whole way on synthetic deliveries and prints a Markdown table: bench/run.sh --help.
# Called by ./dev bench, which has built the preset; by itself it builds it too.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
if [ -z "${LICTOR_BIN:-}" ]; then
    LICTOR_BIN=$PWD/build/bench
    if [ ! -x "$LICTOR_BIN/lictor-query" ]; then
        cmake --preset bench >&2
        cmake --build --preset bench >&2
    fi
fi
export LICTOR_BIN
exec python3 bench/measure.py "$@"
