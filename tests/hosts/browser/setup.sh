#!/bin/sh
# Puts the page together, and gets the browser that runs it and Playwright, which
# drives that, under target/hosts/browser: setup.sh
# Installs the browser if it is missing and may be installed. Chromium without its
# windows: a smaller package, and two thirds of the computing.
# Does only what has changed since the last time.
set -eu
cd "$(dirname "$0")/../../.."

here=tests/hosts/browser
there=target/hosts/browser

main() {
    for program in node npm; do
        command -v "$program" >/dev/null || fail "missing: $program"
    done
    host/page/build.sh
    if ! cmp -s "$here/package-lock.json" "$there/node_modules/installed"; then
        echo 'Installing Playwright' >&2
        mkdir -p "$there"
        cp "$here/package.json" "$here/package-lock.json" "$there"
        (cd "$there" && npm ci --ignore-scripts --no-audit --no-fund --loglevel error >/dev/null) ||
            fail 'npm could not install Playwright'
        cp "$here/package-lock.json" "$there/node_modules/installed"
    fi
    if ! command -v chromium-headless-shell >/dev/null; then
        host/packaging/install-debian.sh chromium-headless-shell
    fi
}

fail() {
    echo "setup.sh: $1" >&2
    exit 1
}

main
