#!/bin/sh
# Builds a core module: build.sh portable|native|next|shell|consumer
#
# The protocol in either world; the native one as a later version might be, for tests;
# or what is composed with the portable one: the program for WASI, or a consumer for
# tests.
# Finds out how this machine compiles for wasm32. Prints the module's path on standard
# output; everything else goes to standard error.
set -eu
. core-wasm/compilers.sh

module=$1
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

    if has_target; then
        build cargo
    else
        missing=$(host/packaging/deps.sh check)
        [ -z "$missing" ] || fail "$missing"
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

fail() {
    echo "build.sh: $1" >&2
    exit 1
}

main
