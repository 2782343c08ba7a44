#!/bin/sh
# Installs Debian packages if it may: install-debian.sh PACKAGE...
# Says nothing but why it could not, and fails then.
set -eu

as_root=
if [ ! -e /etc/debian_version ]; then
    echo "not Debian: install these by hand: $*" >&2
    exit 1
elif [ "$(id -u)" != 0 ]; then
    as_root='sudo -n'
    if ! sudo -n true 2>/dev/null; then
        echo "not root: run: sudo apt-get update && sudo apt-get install $*" >&2
        exit 1
    fi
fi

apt_get() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >&2 </dev/null
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "Installing $*" >&2
if ! { apt_get update && apt_get install -y --no-install-recommends "$@"; } 2>"$log"; then
    cat "$log" >&2
    exit 1
fi
