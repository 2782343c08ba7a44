#!/bin/sh
# Builds a core module: build.sh portable|native|next|shell|consumer
#
# The protocol in either world; the native one as a later version might be, for tests;
# or what is composed with the portable one: the program for WASI, or a consumer for
# tests.
# Finds out how this machine compiles for wasm32, installs what is missing
# where it may, and otherwise says which command to run. Prints the module's
# path on standard output; everything else goes to standard error.
set -eu

module=$1
target=wasm32-unknown-unknown
packages='rustc-web cargo-web rust-web-src'
# For its packets. Every runtime has them, unlike the relaxed ones.
vectors='-Ctarget-feature=+simd128 -Cno-vectorize-slp'

main() {
    world=$module
    package=spiped-core
    features=
    rustflags=
    case $module in
        portable) rustflags=$vectors ;;
        # 64x64-bit multiplication: a third of the handshake's time.
        native | next)
            world=native
            features="--features $module"
            rustflags='-Ctarget-feature=+wide-arithmetic --cfg=curve25519_dalek_bits="64"'
            ;;
        # Built as `portable` is, and beside it.
        shell) world=portable package=spiped-wasi rustflags=$vectors ;;
        consumer) world=portable package=spiped-consumer rustflags=$vectors ;;
        *) fail "unknown module: $module" ;;
    esac
    # The default stack of 1 MiB would be touched, and counted, per connection.
    rustflags="$rustflags -Clink-arg=-zstack-size=131072"
    # To grow its memory costs every instance two system calls. What it does
    # not touch of it takes none.
    rustflags="$rustflags -Clink-arg=--initial-memory=1048576"
    # No path of this machine goes into the component.
    rustflags="$rustflags --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"
    rustflags="$rustflags --remap-path-prefix=$PWD=spiped"

    if has_target rustc; then
        build cargo
    else
        has_debian_source || install_debian
        rustflags="$rustflags -Clinker-flavor=wasm-ld -Clinker=$(linker)"
        rustflags="$rustflags --remap-path-prefix=$(/usr/bin/rustc --print sysroot)=rust"
        RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc build /usr/bin/cargo -Zbuild-std=core,alloc
    fi
    echo "target/wasm/$world/$target/component/$(echo $package | tr - _).wasm"
}

# build CARGO [OPTION...]
build() {
    cargo=$1
    shift
    share_host
    # shellcheck disable=SC2086 # $features is words
    RUSTFLAGS=$rustflags "$cargo" rustc "$@" --locked --package $package --crate-type cdylib \
        --target $target --profile component $features --target-dir "target/wasm/$world" >&2
}

# What runs while the module is built, build scripts and procedural macros, has flags
# of its own, and is built once for all worlds.
share_host() {
    mkdir -p target/wasm/host "target/wasm/$world"
    [ -L "target/wasm/$world/component" ] || {
        rm -rf "target/wasm/$world/component"
        ln -s ../host "target/wasm/$world/component"
    }
}

# Whether this compiler comes with a library for wasm32.
has_target() {
    libdir=$("$1" --print target-libdir --target $target 2>/dev/null) &&
        ls "$libdir"/libcore-*.rlib >/dev/null 2>&1
}

# Whether Debian's compiler is here, new enough, and with its library's source.
has_debian_source() {
    [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] &&
        [ -d "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/core" ] &&
        /usr/bin/rustc --version | awk '{ split($2, v, "."); exit !(v[1] > 1 || v[2] >= 95) }'
}

install_debian() {
    # shellcheck disable=SC2086 # words
    host/packaging/install-debian.sh $packages || explain
    has_debian_source || fail "rustc-web is older than 1.95 here; is the security archive enabled?"
}

linker() {
    host=$(rustc -vV | sed -n 's/^host: //p')
    for linker in "$(rustc --print sysroot)/lib/rustlib/$host/bin/rust-lld" wasm-ld wasm-ld-22; do
        if command -v "$linker"; then
            return
        fi
    done
    fail "no linker for wasm32; run: apt-get install lld-22"
}

explain() {
    fail "no compiler for wasm32 here. Run one of these, then make again:
    rustup target add $target
    sudo apt-get update && sudo apt-get install $packages"
}

fail() {
    echo "build.sh: $1" >&2
    exit 1
}

main
