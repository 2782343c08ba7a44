#!/bin/sh
# Makes the npm package and installs it, with what its tests need, under
# target/hosts/node: setup.sh
# Does only what has changed since the last time.
set -eu
cd "$(dirname "$0")/../../.."

here=tests/hosts/node
there=target/hosts/node

main() {
    for program in node npm; do
        command -v "$program" >/dev/null || fail "missing: $program"
    done
    node -e 'process.exit(parseInt(process.version.slice(1)) >= 20 ? 0 : 1)' ||
        fail "Node $(node --version) is too old: 20 or later is needed"
    mkdir -p "$there"
    if ! cmp -s "$here/package-lock.json" "$there/installed"; then
        install_tools
    fi
    host/node/pack.sh
    package=$(echo target/packages/spiped-pipe-*.tgz)
    if ! cmp -s "$package" "$there/package.tgz"; then
        install_package
    fi
}

install_tools() {
    echo 'Installing what the tests in Node need' >&2
    rm -rf "$there/node_modules" "$there/package.tgz"
    cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$there"
    # Not `npm ci`: it wants a lock of the packages for all other platforms, too.
    (cd "$there" && npm install --loglevel error >/dev/null) || fail 'npm could not install them'
    # What their scripts would have done, which are not run.
    (cd "$there" && for program in node_modules/@oven/*/bin/bun node_modules/@deno/*/deno; do
        ln -sfn "$program" .
    done)
    cp "$here/package-lock.json" "$there/installed"
}

install_package() {
    (cd "$there" && npm install --loglevel error --no-save "../../../$package" >/dev/null) ||
        fail "npm could not install $package"
    cp "$package" "$there/package.tgz"
}

fail() {
    echo "setup.sh: $1" >&2
    exit 1
}

main
