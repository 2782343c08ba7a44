#!/bin/sh
# Stands before rustc (RUSTC_WORKSPACE_WRAPPER): counts the edges taken in our own
# crates, for libFuzzer. All others are those of the tests.
case ${CARGO_PKG_NAME-}:$* in
    *'--crate-name build_script_build '*) ;;
    spiped:* | spiped-core:* | spiped-fuzz:*)
        set -- "$@" -Ccodegen-units=1 \
            -Cpasses=sancov-module \
            -Cllvm-args=-sanitizer-coverage-level=4 \
            -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
            -Cllvm-args=-sanitizer-coverage-pc-table \
            -Cllvm-args=-sanitizer-coverage-trace-compares
        ;;
esac
exec "$@"
