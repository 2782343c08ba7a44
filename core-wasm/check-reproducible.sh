#!/bin/sh
# Builds the portable component again, from a copy of the sources in another
# directory and with nothing built before, and compares. See
# docs/reproducible.md.
set -eu
cd "$(dirname "$0")/.."

built=target/components/spiped-portable.wasm
elsewhere=target/elsewhere

rm -rf "$elsewhere"
mkdir -p "$elsewhere"
tar -c --exclude=./target --exclude=./.git . | tar -x -C "$elsewhere"
module=$(cd "$elsewhere" && core-wasm/build.sh portable)
target/checked/componentize encode "$elsewhere/$module" "$elsewhere/portable.wasm"
sha256sum "$built" "$elsewhere/portable.wasm"
cmp "$built" "$elsewhere/portable.wasm"
rm -rf "$elsewhere"
