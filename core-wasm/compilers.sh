# What this machine can compile for wasm32 with. To be sourced.
# shellcheck shell=sh

target=wasm32-unknown-unknown

# Whether the compiler in the path comes with a library for wasm32.
has_target() {
    libdir=$(rustc --print target-libdir --target $target 2>/dev/null) &&
        ls "$libdir"/libcore-*.rlib >/dev/null 2>&1
}

# Whether Debian's compiler is here, new enough, and with its library's source.
has_debian_source() {
    is_new_enough /usr/bin/rustc && [ -x /usr/bin/cargo ] &&
        [ -d "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/core" ]
}

# Whether a compiler is at least as new as Cargo.toml says.
is_new_enough() {
    "$1" --version 2>/dev/null | awk -v least="$(least_version)" '{
        split($2, has, "."); split(least, wants, ".")
        new = has[1] > wants[1] || has[1] == wants[1] && has[2] >= wants[2]
    } END { exit !new }'
}

least_version() {
    sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml
}

# The linker for wasm32, for a compiler that has none of its own.
linker() {
    host=$(rustc -vV | sed -n 's/^host: //p')
    for linker in "$(rustc --print sysroot)/lib/rustlib/$host/bin/rust-lld" wasm-ld wasm-ld-22; do
        if command -v "$linker"; then
            return
        fi
    done
    return 1
}
