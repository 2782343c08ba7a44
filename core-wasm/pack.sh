#!/bin/sh
# Makes the crate that is published, in target/packages: pack.sh
#
# A test builds what is in it; this does not. It says which commit it is from.
set -eu
cd "$(dirname "$0")/.."

# Of whatever is here, committed or not: the crate says so, too.
cargo package --quiet --locked --offline --no-verify --allow-dirty --package spiped-core \
    --target-dir target/crate
mkdir -p target/packages
mv target/crate/package/spiped-core-*.crate target/packages
