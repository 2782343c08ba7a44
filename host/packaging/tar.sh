#!/bin/sh
# Writes an archive of files that are in DIRECTORY to standard output: tar.sh DIRECTORY FILE...
#
# The same names, content, modes and times produce the same bytes.
set -eu
directory=$1
shift
exec env LC_ALL=C tar --create --directory "$directory" --format=ustar --sort=name \
    --owner=0 --group=0 --numeric-owner "$@"
