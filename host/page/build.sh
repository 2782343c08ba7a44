#!/bin/sh
# Puts the page together in target/page: build.sh
# What is there then is all it needs, on any server of files.
set -eu
cd "$(dirname "$0")/../.."

component=target/components/spiped-portable.wasm
[ -e "$component" ] || {
    echo "build.sh: missing: $component, run make" >&2
    exit 1
}
rm -rf target/page.new
mkdir -p target/page.new/spiped-pipe
cp host/page/*.html host/page/*.css host/page/*.js LICENSE "$component" wit/pipe.wit wit/pairing.wit \
    target/page.new
# The npm package's bindings, and what they are made of.
cp host/node/lib/component.js host/node/lib/abi.js host/node/lib/interface.js \
    target/page.new/spiped-pipe
rm -rf target/page
mv target/page.new target/page
