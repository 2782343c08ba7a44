#!/bin/sh
# Gets Debian's promtool, which reads rules as Prometheus does: target/prometheus/promtool.
# Its package is unpacked and not installed: that would start a service.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p target/prometheus
cd target/prometheus

works() {
    [ -x promtool ] && ./promtool --version >/dev/null 2>&1
}

if ! works; then
    echo "Getting promtool of Debian's prometheus" >&2
    rm -rf download new
    mkdir download
    # What apt knows may be older than what there is.
    (cd download && { apt-get -qq download prometheus || { apt-get -qq update && apt-get -qq download prometheus; }; }) 2>get.log || {
        cat get.log >&2
        exit 1
    }
    dpkg-deb --extract download/prometheus_*.deb new
    mv new/usr/bin/promtool promtool
    rm -rf download new
    works
fi
