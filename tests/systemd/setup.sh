#!/bin/sh
# Makes a Debian 12 that systemd-nspawn can boot, with Redis and Debian's spiped, in
# target/systemd/debian.
#
# Does nothing if it is there already and made by this script as it is now.
set -eu
cd "$(dirname "$0")/../.."

suite=bookworm
packages=systemd,systemd-sysv,dbus,iproute2,redis-server,redis-tools,spiped
debian=target/systemd/debian

main() {
    mkdir -p target/systemd
    # Tests that run at the same time all want it.
    exec 9>target/systemd/lock
    flock 9
    if cmp -s tests/systemd/setup.sh "$debian/made-by"; then
        return
    fi
    if ! command -v systemd-nspawn >/dev/null || ! command -v debootstrap >/dev/null; then
        host/packaging/install-debian.sh systemd-container debootstrap
    fi
    rm -rf "$debian"
    echo "Getting Debian's $suite with systemd" >&2
    debootstrap --variant=minbase --include="$packages" "$suite" "$debian" "$(mirror)" \
        >target/systemd/debootstrap.log 2>&1 || {
        tail -n 20 target/systemd/debootstrap.log >&2
        exit 1
    }
    cp tests/systemd/setup.sh "$debian/made-by"
}

# Where this machine gets Debian from.
mirror() {
    # shellcheck disable=SC2016 # for apt-get to expand
    found=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' | head -n 1)
    echo "${found:-http://deb.debian.org/debian}"
}

main
