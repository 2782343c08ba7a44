#!/bin/sh
# Installs jco and turns the portable component into a JavaScript module, all
# under target/hosts/node: setup.sh
# Does only what has changed since the last time.
set -eu
cd "$(dirname "$0")/../../.."

here=tests/hosts/node
there=target/hosts/node
component=target/components/spiped-portable.wasm

main() {
    [ -e "$component" ] || fail "missing: $component, run make"
    for program in node npm; do
        command -v "$program" >/dev/null || fail "missing: $program"
    done
    node -e 'process.exit(parseInt(process.version.slice(1)) >= 20 ? 0 : 1)' ||
        fail "Node $(node --version) is too old: 20 or later is needed"
    mkdir -p "$there"
    if ! cmp -s "$here/package-lock.json" "$there/node_modules/installed"; then
        install_jco
    fi
    if ! cmp -s "$component" "$there/gen/component.wasm"; then
        transpile
    fi
}

install_jco() {
    echo 'Installing jco' >&2
    rm -rf "$there/gen" "$there/node_modules"
    cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$there"
    # Not `npm ci`: it wants a lock of the packages for all other platforms, too.
    (cd "$there" && npm install --loglevel error >/dev/null) || fail 'npm could not install jco'
    cp "$here/package-lock.json" "$there/node_modules/installed"
}

transpile() {
    rm -rf "$there/gen" "$there/gen.new"
    "$there/node_modules/.bin/jco" transpile "$component" --quiet \
        --name spiped --instantiation async --out-dir "$there/gen.new"
    cp "$component" "$there/gen.new/component.wasm"
    mv "$there/gen.new" "$there/gen"
}

fail() {
    echo "setup.sh: $1" >&2
    exit 1
}

main
