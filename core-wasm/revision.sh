#!/bin/sh
# Writes to target/revision what packages say of where they come from: revision.sh
#
# Three lines: the commit, the time in seconds, and where the sources are. The first
# is that of the checkout, with +dirty if files differ from it, or REVISION; the
# second SOURCE_DATE_EPOCH, or the commit's; the third SOURCE, an address.
# What is not known is an empty line. The file is touched only if something changed.
set -eu
cd "$(dirname "$0")/.."

# Not of a repository that the sources were unpacked in. An archive that git made has its
# commit in a file.
commit=''
time=''
if [ -e .git ]; then
    commit=$(git describe --always --abbrev=40 --exclude '*' --dirty=+dirty 2>/dev/null || true)
    time=$(git log -1 --format=%ct 2>/dev/null || true)
elif [ -e .git_archival.txt ] && ! grep -q 'Format:' .git_archival.txt; then
    read -r commit time <.git_archival.txt
fi
revision=${REVISION-$commit}
seconds=${SOURCE_DATE_EPOCH-$time}
mkdir -p target
printf '%s\n' "$revision" "$seconds" "${SOURCE-}" >target/revision.new
if cmp -s target/revision.new target/revision; then
    rm target/revision.new
else
    mv target/revision.new target/revision
fi
