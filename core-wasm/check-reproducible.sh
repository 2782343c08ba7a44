#!/bin/sh
# Builds the portable component again, from a copy of the sources in another
# directory, and compares. Nothing that goes into it was built before; what runs
# at build time was, out of the registry. See docs/reproducible.md.
set -eu
cd "$(dirname "$0")/.."

built=target/components/spiped-portable.wasm
elsewhere=target/elsewhere

rm -rf "$elsewhere"
mkdir -p "$elsewhere"
tar -c --exclude=./target --exclude=./.git . | tar -x -C "$elsewhere"
mkdir -p "$elsewhere/target/wasm"
ln -s ../../../wasm/host "$elsewhere/target/wasm/host"
module=$(cd "$elsewhere" && core-wasm/build.sh portable)
target/tool/componentize encode "$elsewhere/$module" "$elsewhere/spiped-portable.wasm"
sha256sum "$built" "$elsewhere/spiped-portable.wasm"
cmp "$built" "$elsewhere/spiped-portable.wasm"
rm -rf "$elsewhere"
