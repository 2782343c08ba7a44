#!/bin/sh
# Builds the client and the player in C, in target/hosts/c: setup.sh
# Does only what has changed since the last time.
set -eu
cd "$(dirname "$0")/../../.."

there=target/hosts/c
binding='host/c/spiped_pipe.c host/c/instance.c host/c/code.c host/c/sha256.c'

main() {
    # With the pip of the tests in Python.
    PYTHON=$PWD/target/hosts/python/bin/python host/c/setup.sh
    # shellcheck disable=SC2086 # words
    {
        build client -O2 host/c/client.c host/c/options.c $binding
        build figures -O2 tests/hosts/c/figures.c $binding
        # With what notices reads and writes that are none of ours, and memory that is
        # lost.
        build play '-O1 -g -fsanitize=address,undefined -fno-sanitize-recover' \
            tests/hosts/c/play.c $binding
    }
}

# build PROGRAM OPTIONS FILE...
build() {
    program=$there/$1
    options=$2
    shift 2
    if [ -e "$program" ] && [ -z "$(find host/c "$@" -newer "$program" -print)" ]; then
        return
    fi
    # shellcheck disable=SC2086 # words
    "${CC:-cc}" -std=c11 $options -Wall -Wextra -Werror -Ihost/c -isystem "$there/include" \
        -o "$program" "$@" -L"$there/lib" -lwasmtime -lpthread -Wl,-rpath,"\$ORIGIN/lib"
}

main
