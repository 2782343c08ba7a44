#!/bin/sh
# Fuzzes: run.sh [TARGET...], every target unless told otherwise.
#
# Replays each target's corpus, then goes on until FUZZ_SECONDS (5) are over,
# on as many targets at once as there are processors. Fails if there is a find,
# and says how to see it again. Needs the project's toolchain and a C++
# compiler: libFuzzer comes as source.
set -eu
cd "$(dirname "$0")"

target=$(cd ../.. && pwd)/target
out=$target/fuzz
seconds=${FUZZ_SECONDS:-5}

main() {
    if [ "${1-}" = --built ]; then
        fuzz "$2"
        return
    fi
    [ $# != 0 ] || set -- acceptor receive_client receive_server two_party packets resume pairing address options settings handover
    command -v c++ >/dev/null || (cd ../.. && host/packaging/install-debian.sh g++)
    # With the features that the workspace asks for: the dependencies are those of the tests.
    # shellcheck disable=SC2046 # words
    RUSTC_WORKSPACE_WRAPPER=$PWD/rustc.sh cargo build --locked --profile checked --workspace \
        --features spiped-fuzz/libfuzzer $(printf ' --bin %s' "$@")
    echo "Fuzzing for $seconds s each: $*" >&2
    printf '%s\n' "$@" | xargs -n 1 -P "$(nproc)" ./run.sh --built
}

# New inputs are kept out of the repository; README.md says how they get in.
fuzz() {
    name=$1
    new=$out/corpus/$name
    finds=$out/finds/$name
    mkdir -p "$new" "$finds"
    if ! "$target/checked/$name" -max_total_time="$seconds" -timeout=10 \
        -artifact_prefix="$finds/" "$new" "corpus/$name" >"$finds/log" 2>&1; then
        tail -n 50 "$finds/log" >&2
        echo "To see it again: target/checked/$name target/fuzz/finds/$name/FILE" >&2
        exit 1
    fi
    sed -n "s/^#\([0-9]*\).*DONE *cov: \([0-9]*\).*/$name: \1 runs, \2 edges/p" "$finds/log" >&2
}

main "$@"
