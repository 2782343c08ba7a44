#!/bin/sh
# Makes the npm package target/packages/spiped-pipe-VERSION.tgz: pack.sh
# Needs target/components/spiped-portable.core.wasm; downloads nothing.
set -eu
cd "$(dirname "$0")/../.."

here=host/node
stage=target/hosts/node-package
module=target/components/spiped-portable.core.wasm

main() {
    [ -e "$module" ] || fail "missing: $module, run make $module"
    command -v npm >/dev/null || fail 'missing: npm'
    rm -rf "$stage"
    mkdir -p "$stage" target/packages
    cp -R "$here/lib" "$here/README.md" LICENSE "$stage"
    cp "$module" "$stage/lib"
    # The version is the workspace's.
    node --input-type=module - "$here/package.json" "$stage/package.json" <<'END'
import { readFileSync, writeFileSync } from 'node:fs';
const [from, to] = process.argv.slice(2);
const [, version] = readFileSync('Cargo.toml', 'utf8').match(/^version = "(.*)"$/m);
const { name, ...rest } = JSON.parse(readFileSync(from, 'utf8'));
writeFileSync(to, `${JSON.stringify({ name, version, ...rest }, null, 2)}\n`);
END
    # The package has the modes that files have here, whatever the umask.
    chmod -R u=rwX,go=rX "$stage"
    npm pack "./$stage" --pack-destination target/packages --silent --ignore-scripts >/dev/null
}

fail() {
    echo "pack.sh: $1" >&2
    exit 1
}

main
