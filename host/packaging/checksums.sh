#!/bin/sh
# Writes SHA256SUMS of all files in target/packages: checksums.sh
set -eu
cd "$(dirname "$0")/../../target/packages"

find . -maxdepth 1 -type f ! -name 'SHA256SUMS*' -printf '%f\n' | LC_ALL=C sort |
    xargs sha256sum >SHA256SUMS.new
mv SHA256SUMS.new SHA256SUMS
