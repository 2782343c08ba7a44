#!/bin/sh
# Builds something, and says what and how long that takes: step.sh WHAT SECONDS COMMAND...
#
# SECONDS are those of two processors, where nothing of it is there yet. On a terminal
# cargo itself shows how far it is. Elsewhere, in place of a line for each crate, there
# is one every 20 seconds.
# All on standard error: what the command prints can be captured.
set -eu

what=$1
expected=$2
shift 2

main() {
    echo "Building: $what (about $expected s on two processors, if for the first time)" >&2
    if [ -t 2 ]; then
        exec "$@"
    fi
    export CARGO_TERM_QUIET=true
    tick >/dev/null &
    ticker=$!
    trap 'kill "$ticker" 2>/dev/null || true' EXIT
    "$@"
}

# Not in one long sleep, which would keep standard error open after the end.
tick() {
    seconds=0
    while sleep 1 && kill -0 $$ 2>/dev/null; do
        seconds=$((seconds + 1))
        [ $((seconds % 20)) != 0 ] || echo "    $what: $seconds s" >&2
    done
}

main "$@"
