#!/usr/bin/env bash
# Shows an encrypted pipe at work on this machine, with the commands a user would type.
#
#   host/demo/demo.sh [redis|echo|upgrade]
#
# redis (the default) puts a pipe in front of a real Redis server; it is installed if it
# is missing and we may. echo needs nothing but this project's programs. upgrade replaces
# the programs of such a pipe while a client of Redis is connected through it.
# BIN is the directory of the programs, DEMO another way to choose.
# Everything listens on 127.0.0.1 and ends with the script.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
service=${1:-${DEMO:-redis}}
case $service in
redis | echo | upgrade) ;;
*)
    echo "usage: demo.sh [redis|echo|upgrade]" >&2
    exit 1
    ;;
esac
if ! bin=$(cd "${BIN:-$root/target/release}" 2>/dev/null && pwd) ||
    [[ ! -x $bin/spiped || ! -x $bin/spipe ]]; then
    echo "demo.sh: no spiped and spipe in ${BIN:-$root/target/release}; run make first" >&2
    exit 1
fi

service_options=
[[ $service != upgrade ]] || service_options=' --control NAME.control'
pids=()
dir=$(mktemp -d "${TMPDIR:-/tmp}/spiped-demo.XXXXXX")
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$dir"
mkdir bin
ln -s "$bin/examples" examples
export PATH=$bin:$dir/bin:$PATH

main() {
    if [[ $service != echo ]] && ! have_redis && ! install_redis; then
        [[ $service = redis ]] || fail "it needs Redis: apt-get install redis-tools"
        say "No Redis here, and no way to install it: using an echo server in its place."
        service='echo'
    fi

    say "A key: 32 random bytes in a file that only its owner can read. The words are its fingerprint."
    run 'spiped keygen key'

    if [[ $service = upgrade ]]; then
        show_upgrade
        return
    fi
    "start_$service"
    say "The server's end: takes encrypted connections, and passes them on to the service."
    start_spiped server -d "$service_port"
    crypt_port=$port

    "use_$service"

    say "What a client without the key gets from the encrypted port: noise, new each time."
    run "head -c 32 < /dev/tcp/127.0.0.1/$crypt_port | od -An -tx1"
    [[ $(wc -w <out) = 32 ]] || fail "no 32 bytes of noise"

    say "A client with another key gets nothing."
    run 'spiped keygen another-key'
    run_failing "echo hello | spipe -t '[127.0.0.1]:$crypt_port' -k another-key"
    [[ -s out ]] || fail "no reason for the refusal"

    say "The server's log says who was refused, and why."
    wait_for "the line about the wrong key" grep -q 'wrong key' server.log
    run 'cat server.log'

    show_pairing

    say "Done. All processes of this demo end now. Where to go next:"
    printf '%s\n' \
        'README.md                  two hosts in five minutes, with the package of make deb' \
        'docs/redis.md              firewall, several clients, replication both ways' \
        'make demo DEMO=upgrade     the programs are replaced while a client is connected'
}

# Both ends on this host: on two, the second command runs on the other one.
show_pairing() {
    local pairing_port command pid
    say "Two hosts make the same key over the network: one shows a code for this run, the other is given it."
    pairing_port=$(free_port)
    command="spiped pair --listen '[127.0.0.1]:$pairing_port' --new-code db1.key"
    show "$command &"
    eval "$command" >db1.out 2>db1.log &
    pid=$!
    pids+=("$pid")
    wait_for "a code" grep -q 'Listening on' db1.log
    cat db1.log
    run "grep -m 1 -oE '[0-9]{4}(-[0-9]{4}){3}' db1.log | spiped pair --connect '[127.0.0.1]:$pairing_port' --code - app1.key"
    wait "$pid" || fail "pairing failed" db1.log
    run 'spiped fingerprint db1.key app1.key'
    cmp db1.key app1.key || fail "two keys"
}

# --- Redis

have_redis() {
    command -v redis-cli >/dev/null && redis-server --version 2>/dev/null | grep -q '^Redis server'
}

# Debian's redis-tools holds the server's program too, under another name, and unlike
# redis-server it starts no system service.
install_redis() {
    say "Redis is missing: installing Debian's redis-tools."
    timeout 120 "$root/host/packaging/install-debian.sh" redis-tools || return 1
    have_redis || ln -s /usr/bin/redis-check-rdb bin/redis-server
    have_redis
}

start_redis() {
    local attempt command
    say "The service: Redis, on a loopback port. It knows nothing of encryption."
    for attempt in {1..10}; do
        service_port=$(free_port)
        command="redis-server --bind 127.0.0.1 --port $service_port --save '' > redis.log &"
        eval "$command"
        pids+=($!)
        if wait_while_alive $! is_our_redis $!; then
            show "$command"
            return
        fi
    done
    fail "redis-server does not start ($attempt attempts)" redis.log
}

is_our_redis() {
    timeout 1 redis-cli -h 127.0.0.1 -p "$service_port" info server 2>/dev/null | grep -q "^process_id:$1[^0-9]"
}

use_redis() {
    local attempt
    say "The client's end: takes plain connections, and passes them on encrypted."
    start_spiped client -e "$crypt_port" 8000

    say "Redis through the pipe, with an ordinary client."
    run "redis-cli -p $port ping"
    expect '^PONG$'
    run "redis-cli -p $port set greeting 'hello through the pipe'"
    expect '^OK$'
    run "redis-cli -p $port get greeting"
    expect '^hello through the pipe$'

    say "The encrypted port itself does not speak Redis."
    local command="timeout 2 redis-cli -p $crypt_port ping"
    # One noise byte in twenty looks like the start of an answer to redis-cli, which then
    # waits for the rest. Ask again in that case.
    for attempt in {1..8}; do
        eval "$command" >out 2>&1 && fail "an unencrypted client was served ($attempt)" out
        if grep -q 'Protocol error' out; then
            show "$command"
            cat out
            return
        fi
    done
    fail "no protocol error from the encrypted port" out
}

# --- An upgrade

show_upgrade() {
    local side
    start_redis
    say "Both ends of a pipe to it. Each has a socket through which it can be asked for things."
    start_spiped server -d "$service_port"
    crypt_port=$port
    start_spiped client -e "$crypt_port" 8000
    entrance=$port

    say "A client watches Redis through the pipe, over one connection that stays."
    show "redis-cli -p $entrance monitor > monitor.log &"
    redis-cli -p "$entrance" monitor >monitor.log &
    pids+=($!)
    monitor=$!
    wait_for "MONITOR" grep -q OK monitor.log
    run "redis-cli -p $entrance set greeting 'before the upgrade'"

    say "Both ends are replaced by new processes, as after an installation of a new version."
    for side in server client; do
        run "cat $side.pid; echo"
        run "spiped upgrade --control $side.control"
        pids+=("$(cat "$side.pid")")
        run "cat $side.pid; echo"
    done

    say "The same connection goes on, through two processes that did not know it before."
    run "redis-cli -p $entrance set greeting 'after the upgrade'"
    wait_for "MONITOR to show it" grep -q 'after the upgrade' monitor.log
    alive "$monitor" || fail "MONITOR has ended" monitor.log
    run 'cat monitor.log'
    run "redis-cli -p $service_port info stats | grep total_connections_received"

    say "Done. Not a byte was lost or repeated. All processes of this demo end now."
}

# --- Echo

start_echo() {
    [[ -x examples/echo ]] || fail "no $bin/examples/echo; run make first"
    say "The service: a program that sends back what it receives."
    show 'examples/echo 127.0.0.1:0 > echo.address &'
    examples/echo 127.0.0.1:0 >echo.address &
    pids+=($!)
    wait_for "the echo server's address" grep -q : echo.address
    run 'cat echo.address'
    service_port=$(sed 's/.*://' echo.address)
}

use_echo() {
    say "The client's end: sends its input through the pipe, and prints the answer."
    run "echo 'hello through the pipe' | spipe -t '[127.0.0.1]:$crypt_port' -k key"
    expect '^hello through the pipe$'
}

# --- The pipe

# start_spiped NAME MODE TARGET-PORT [PREFERRED-PORT]; sets port.
start_spiped() {
    local name=$1 mode=$2 target=$3 command attempt
    shift 3
    for attempt in {1..10}; do
        port=$(free_port "$@")
        shift $#
        command="spiped $mode -s '[127.0.0.1]:$port' -t '[127.0.0.1]:$target' -k key -p $name.pid${service_options//NAME/$name} 2> $name.log"
        if eval "$command"; then
            pids+=("$(cat "$name.pid")")
            show "$command"
            return
        fi
        # Another process was faster: try another port.
        grep -q 'in use' "$name.log" || break
    done
    show "$command"
    fail "spiped $mode does not start ($attempt attempts)" "$name.log"
}

# --- Tools

say() { printf '\n%s# %s%s\n' "$grey" "$1" "$plain"; }
show() { printf '%s$ %s%s\n' "$bold" "$1" "$plain"; }

# Prints a command, runs it and prints what it says. That stays in the file "out".
run() {
    show "$1"
    eval "$1" >out 2>&1 || { cat out; fail "the command failed"; }
    cat out
}

run_failing() {
    show "$1"
    if eval "$1" >out 2>&1; then
        cat out
        fail "the command should have failed"
    fi
    cat out
}

expect() {
    tr -d '\r' <out | grep -q "$1" || fail "expected $1"
}

# fail REASON [FILE]
fail() {
    printf '\ndemo.sh: failed: %s\n' "$1" >&2
    [[ ! -s ${2:-} ]] || sed 's/^/    /' "$2" >&2
    exit 1
}

wait_for() {
    local what=$1
    shift
    wait_while_alive $$ "$@" || fail "waited in vain for $what"
}

# Waits until a command succeeds, for 3 seconds at most, and while the process lives.
wait_while_alive() {
    local pid=$1 left=60
    shift
    until "$@"; do
        alive "$pid" && ((left-- > 0)) || return 1
        sleep 0.05
    done
}

# A zombie, left by a process 1 that does not collect them, is not alive.
alive() {
    kill -0 "$1" 2>/dev/null && ! grep -qs '^State:.Z' /proc/"$1"/status
}

# A port of 127.0.0.1 nobody listens on: the preferred one if given, otherwise any. They lie
# below the ports that systems give to outgoing connections.
free_port() {
    local port=${1:-$((RANDOM % 12000 + 20000))}
    while (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null; do
        port=$((RANDOM % 12000 + 20000))
    done
    echo "$port"
}

clean_up() {
    local status=$? pid left=40
    trap - EXIT
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    for pid in "${pids[@]}"; do
        while alive "$pid" && ((left-- > 0)); do
            sleep 0.05
        done
        kill -9 "$pid" 2>/dev/null || true
    done
    cd /
    rm -rf "$dir"
    exit "$status"
}

if [[ -t 1 ]]; then
    bold=$'\e[1m' grey=$'\e[2m' plain=$'\e[0m'
else
    bold='' grey='' plain=''
fi

main
