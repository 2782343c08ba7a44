#!/bin/sh
# Finds out what the build needs and this system lacks: deps.sh check|install
#
# "check" changes nothing. It prints a line with what is missing and the remedy, or nothing.
set -eu
cd "$(dirname "$0")/../.."
. core-wasm/compilers.sh

# Debian's compiler for all platforms, with the library's source.
debian_packages='rustc-web cargo-web rust-web-src'

main() {
    look
    case $1 in
        check)
            [ -z "$missing" ] || echo "missing: $missing; run: make deps"
            ;;
        install)
            # The build does not need it; make deb does.
            [ ! -e /etc/debian_version ] || command -v dpkg-shlibdeps >/dev/null ||
                packages="$packages dpkg-dev"
            if [ -n "$missing$packages" ]; then
                # shellcheck disable=SC2086 # words
                host/packaging/install-debian.sh $packages || explain
                look
                [ -z "$missing" ] || explain
            fi
            ;;
    esac
}

# Sets $missing to a text, and $packages to what Debian calls these.
look() {
    missing=
    packages=
    if ! is_new_enough rustc || ! command -v cargo >/dev/null; then
        need "rustc and cargo, $(least_version) or newer" "$debian_packages lld-22"
    elif ! has_target && ! has_debian_source; then
        need 'a Rust library for wasm32' "$debian_packages"
    elif ! has_target && ! linker >/dev/null; then
        need 'a linker for wasm32' lld-22
    fi
    command -v cc >/dev/null || need 'a C compiler' 'gcc libc6-dev'
}

# need WHAT PACKAGES
need() {
    missing="$missing${missing:+, }$1"
    packages="$packages${packages:+ }$2"
}

explain() {
    fail "missing: $missing. Without Debian's packages, run: rustup update && rustup target add $target"
}

fail() {
    echo "make: $1" >&2
    exit 1
}

main "$1"
