#!/bin/sh
# Draws docs/handshake.png: screenshot.sh [OUTPUT [CHROMIUM-OPTION...]]
# The numbers are fixed, so that it is the same picture each time.
set -eu
cd "$(dirname "$0")/../../.."

output=${1:-docs/handshake.png}
[ $# = 0 ] || shift
psk=3cf103f382159602a1b65b31c2a1f5cecb1d2dc53897f6241d2c4130f0626173

tests/hosts/browser/setup.sh
# What the page asks for first, and what makes the file small.
if ! command -v pngquant >/dev/null || ! fc-list | grep -q 'JetBrains Mono'; then
    host/packaging/install-debian.sh fontconfig fonts-inter fonts-jetbrains-mono pngquant
fi
scratch=$(mktemp -d)
node tests/hosts/browser/serve.mjs 2>"$scratch/url" &
server=$!
trap 'kill $server; rm -rf "$scratch"' EXIT
until [ -s "$scratch/url" ]; do
    kill -0 $server
    sleep 0.1
done

# Entropy that looks like it: 64 bytes that come from a name.
entropy() {
    printf %s "$1" | sha512sum | cut -d ' ' -f 1
}
query="psk=$psk&client=$(entropy client)&server=$(entropy server)"
chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic \
    --no-first-run --disable-background-networking --disable-component-update --disable-sync \
    --user-data-dir="$scratch/profile" --hide-scrollbars --disable-lcd-text --force-color-profile=srgb \
    --window-size=1200,1580 --virtual-time-budget=10000 --screenshot="$scratch/page.png" \
    "$@" "$(cat "$scratch/url")?$query" 2>"$scratch/log" || {
    cat "$scratch/log" >&2
    exit 1
}
pngquant --strip --speed 1 --output "$output" --force "$scratch/page.png"
