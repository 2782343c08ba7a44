#!/bin/sh
# Writes to target/revision what packages say of where they come from: revision.sh
#
# Three lines: the commit, the time in seconds, and where the sources are. The first
# is that of the checkout, with +dirty if files differ from it, or REVISION; the
# second SOURCE_DATE_EPOCH, or the commit's; the third SOURCE, an address.
# What is not known is an empty line. The file is touched only if something changed.
set -eu
cd "$(dirname "$0")/.."

# Of a repository of these sources, not of one that they were unpacked in.
ask_git() {
    [ ! -e .git ] || git "$@" 2>/dev/null || true
}

revision=${REVISION-$(ask_git describe --always --abbrev=40 --exclude '*' --dirty=+dirty)}
seconds=${SOURCE_DATE_EPOCH-$(ask_git log -1 --format=%ct)}
mkdir -p target
printf '%s\n' "$revision" "$seconds" "${SOURCE-}" >target/revision.new
if cmp -s target/revision.new target/revision; then
    rm target/revision.new
else
    mv target/revision.new target/revision
fi
