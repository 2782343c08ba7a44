#!/bin/sh
# Checks that no branch and no address depends on a secret: run.sh quick|full
#
# Installs valgrind where it may. Without it nothing is checked, and with
# CI=true that is a failure.
set -eu
cd "$(dirname "$0")/../.."

if ! command -v valgrind >/dev/null && ! host/packaging/install-debian.sh valgrind; then
    [ "${CI:-}" != true ] || exit 1
    echo 'Constant time is not checked, that needs valgrind' >&2
    exit 0
fi
[ "$1" != full ] || tests/constant-time/weaken.sh
cargo build --quiet --locked --release --package spiped-subject --bin poisoned
# With the features that the workspace asks for, as all tests.
cargo build --quiet --locked --profile checked --workspace --bin spiped-constant-time
exec target/checked/spiped-constant-time "$1"
