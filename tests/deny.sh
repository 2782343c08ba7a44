#!/bin/sh
# Checks every dependency against .deny.toml: tests/deny.sh [advisories]
#
# Without a word, versions, licences and sources, which needs no network once
# the dependencies are there. With "advisories", what the RustSec database says
# of them: that needs the database as it is today.
set -eu
cd "$(dirname "$0")/.."

version=0.20.2
root="$PWD/target/tools/cargo-deny-$version"

main() {
    install
    case "${1:-}" in
        advisories)
            deny fetch db >target/tools/fetch.log 2>&1 ||
                fail "No advisory was looked at: the database of RustSec cannot be had, see $PWD/target/tools/fetch.log"
            deny check --disable-fetch advisories
            ;;
        *)
            deny check bans licenses sources
            no_compiler
            ;;
    esac
}

# Not optimized: a check takes two seconds so, and the build one minute in place
# of several.
install() {
    [ -x "$root/bin/cargo-deny" ] || CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --locked \
        --debug --root "$root" --version "$version" cargo-deny
}

deny() {
    "$root/bin/cargo-deny" --locked --log-level warn --config "$PWD/.deny.toml" "$@"
}

# The daemon runs code that was compiled when it was built. The workspace has
# the compiler for that, so .deny.toml cannot forbid it.
no_compiler() {
    tree=$(cargo tree --locked --package spiped --edges normal --prefix none)
    ! echo "$tree" | grep '^cranelift-codegen ' || fail 'The daemon has a compiler among its dependencies.'
}

fail() {
    echo "$1" >&2
    exit 1
}

main "$@"
