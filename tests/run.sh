#!/bin/sh
# Runs every test this machine can run: tests/run.sh [peers|packages]
#
# With "peers", only gets ready what the benchmark compares and needs. With
# "packages", only tries what was made for other programs.
# Installs the peers the tests talk to where it may. What is missing then is
# left out and reported by name; with CI=true it is a failure.
set -eu

spiped='/usr/bin/spiped /usr/bin/spipe'
redis='/usr/bin/redis-server /usr/bin/redis-cli /usr/bin/redis-benchmark'
network=/sbin/ip
manager=/usr/bin/systemd-analyze
machine='/usr/lib/systemd/systemd /usr/bin/systemd-nspawn /usr/sbin/nft'
compilers='/usr/bin/c++ /usr/bin/valgrind'
shells='/usr/bin/bash /usr/bin/fish /usr/bin/zsh'
mandoc=/usr/bin/mandoc
registry='/usr/bin/docker-registry /usr/bin/skopeo'
tls='/usr/bin/stunnel4 /usr/sbin/haproxy /usr/bin/openssl'
build='--locked --workspace'
# Groups of tests that are left out, one a line.
left_out=target/left-out

main() {
    [ "$1" != peers ] || peers
    [ "$1" != packages ] || packages
    # shellcheck disable=SC2086 # words
    if [ -n "$(missing $spiped $redis $network $compilers $registry $machine)" ]; then
        host/packaging/install-debian.sh spiped redis-server redis-tools iproute2 g++ valgrind \
            docker-registry skopeo systemd-container nftables || true
    fi
    # These wait for servers, or compile what keeps one processor busy.
    get_ready &
    ready=$!
    make --no-print-directory check-reproducible &
    reproducible=$!
    tests/constant-time/run.sh quick &
    constant_time=$!
    trap wait EXIT
    fuzz
    wait "$reproducible" || fail 'check-reproducible failed'
    wait "$constant_time" || fail 'tests/constant-time/run.sh failed'
    # shellcheck disable=SC2086 # words
    cargo test $build --profile checked --doc
    wait "$ready" || exit
    if cargo nextest --version >/dev/null 2>&1; then
        with_nextest
    else
        with_libtest
    fi
}

# Sets up what the tests talk to, and decides which of them have what they need.
get_ready() {
    mkdir -p target
    : >$left_out
    # shellcheck disable=SC2086 # words
    if [ -n "$(missing $shells $mandoc)" ]; then
        host/packaging/install-debian.sh fish zsh mandoc || true
    fi
    # shellcheck disable=SC2046,SC2086 # words
    {
        without interop::debian $(missing $spiped)
        without suite:: $(missing $spiped)
        without redis:: $(missing $redis)
        without upgrade::redis:: $(missing $redis)
        without replication:: $(missing $redis $network)
        without packages:: $(missing $spiped $redis)
        without wasi:: $(missing $spiped)
        without packages::oci $(missing $registry)
        without help::completions:: $(missing $shells)
        without help::pages:: $(missing $mandoc)
        without packaging:: $(missing $manager)
        without packaging::image:: $(missing $registry $redis)
        without upgrade::confined:: $(missing $manager)
        without first_hour:: $(missing $spiped $redis $network $machine)
        without systemd:: $(missing $spiped $redis $network $machine)
    }
    if ! tests/upstream/setup.sh; then
        [ "${CI:-}" != true ] || fail 'tests/upstream/setup.sh failed'
        for group in interop::upstream interop::command_line; do
            leave_out "$group" 'what tests/upstream/setup.sh gets'
        done
    fi
    if ! tests/prometheus/setup.sh; then
        [ "${CI:-}" != true ] || fail 'tests/prometheus/setup.sh failed'
        leave_out seeing::dashboards::prometheus 'what tests/prometheus/setup.sh gets'
    fi
    if ! make --no-print-directory packed; then
        [ "${CI:-}" != true ] || fail 'make packed failed'
        leave_out packages:: 'what make packages makes'
    fi
    if ! make --no-print-directory deb dist image; then
        [ "${CI:-}" != true ] || fail 'make deb dist image failed'
        leave_out packaging::packages:: 'what make deb dist image makes'
        leave_out packaging::image:: 'what make deb dist image makes'
        leave_out first_hour:: 'what make deb dist image makes'
        leave_out systemd:: 'what make deb dist image makes'
    fi
    prepare node suite::node:: suite::bun:: suite::deno:: suite::states:: packages::node:: \
        composed::in_node wasi::page
    prepare python suite::python:: suite::oracle:: suite::states:: oracle:: metrics:: \
        packages::python:: packages::wasm composed::in_python \
        packaging::kubernetes::manifests wasi::page
    prepare c suite::c:: packages::c::
    prepare browser browser:: packages::node::in_a_browser
    if [ "$(id -u)" != 0 ]; then
        [ "${CI:-}" != true ] || fail 'not root'
        leave_out root:: 'a root user'
        leave_out packaging::image:: 'a root user'
        leave_out packaging::packages::archive_that_a_user 'a root user'
        leave_out security::memory:: 'a root user'
        leave_out hosts:: 'a root user'
        leave_out security::sandbox:: 'a root user'
        leave_out replication:: 'a root user'
        leave_out first_hour:: 'a root user'
        leave_out systemd:: 'a root user'
    fi
    if ! kernel_has_all; then
        [ "${CI:-}" != true ] || fail 'not Linux 6.12'
        leave_out security::sandbox:: 'Linux 6.12'
        leave_out process::sandbox:: 'Linux 6.12'
    fi
}

# Tries what `make packages` has made.
packages() {
    # shellcheck disable=SC2086 # words
    if [ -n "$(missing $spiped $redis $registry $compilers)" ]; then
        host/packaging/install-debian.sh spiped redis-server redis-tools docker-registry skopeo \
            g++ valgrind
    fi
    for host in node python c browser; do
        "tests/hosts/$host/setup.sh"
    done
    # Named to the test runner, it would be built as a test.
    # shellcheck disable=SC2086 # words
    cargo build $build --profile checked --example pipe
    # With what takes long, but without the other tests: they need not be built.
    # shellcheck disable=SC2086 # words
    exec cargo nextest run $build --test hosts --cargo-profile checked \
        --no-fail-fast --run-ignored all --filterset 'test(/^packages::/)'
}

# Gets the peers of the benchmark, which names those it misses.
peers() {
    # shellcheck disable=SC2086 # words
    if [ -n "$(missing $spiped $redis $tls)" ]; then
        host/packaging/install-debian.sh spiped redis-server redis-tools stunnel4 haproxy \
            openssl || true
    fi
    tests/upstream/setup.sh || true
    exit 0
}

# The files that do not exist.
missing() {
    for file; do
        [ -e "$file" ] || echo "$file"
    done
}

# without GROUP [FILE...]: leaves out tests whose peers are missing.
without() {
    group=$1
    shift
    [ $# != 0 ] || return 0
    [ "${CI:-}" != true ] || fail "missing: $*"
    leave_out "$group" "$*"
}

# prepare HOST GROUP...: makes a host of the component ready, or leaves out the
# tests in it.
prepare() {
    host=$1
    shift
    if ! "tests/hosts/$host/setup.sh"; then
        [ "${CI:-}" != true ] || fail "tests/hosts/$host/setup.sh failed"
        for group; do
            leave_out "$group" "what tests/hosts/$host/setup.sh sets up"
        done
    fi
}

leave_out() {
    echo "Tests of $1 are skipped, they need $2" >&2
    echo "$1" >>$left_out
}

# Whether there is all that the programs shut themselves in with.
kernel_has_all() {
    release=$(uname -r)
    minor=${release#*.}
    [ "${release%%.*}" -gt 6 ] || { [ "${release%%.*}" -eq 6 ] && [ "${minor%%[!0-9]*}" -ge 12 ]; }
}

fuzz() {
    if command -v c++ >/dev/null || host/packaging/install-debian.sh g++; then
        make --no-print-directory fuzz-smoke
    else
        [ "${CI:-}" != true ] || fail 'no C++ compiler'
        echo 'Fuzzing is skipped, it needs a C++ compiler' >&2
    fi
}

with_nextest() {
    filter='all()'
    # shellcheck disable=SC2013 # words
    for group in $(cat $left_out); do
        filter="$filter and not test(/^$group/)"
    done
    # Most of the time most of them wait.
    # shellcheck disable=SC2086
    exec cargo nextest run $build --cargo-profile checked --no-fail-fast \
        --test-threads $((2 * $(nproc))) \
        --status-level skip --final-status-level slow --filterset "$filter"
}

with_libtest() {
    arguments=
    # shellcheck disable=SC2013 # words
    for group in $(cat $left_out); do
        arguments="$arguments --skip $group"
        # shellcheck disable=SC2086
        cargo test $build --profile checked --quiet --tests -- --list --format terse |
            sed -n "s/^\($group.*\): test$/SKIP \1/p"
    done
    # shellcheck disable=SC2086
    exec cargo test $build --profile checked --no-fail-fast --tests -- $arguments
}

fail() {
    echo "run.sh: $1" >&2
    exit 1
}

main "${1:-all}"
