#!/bin/sh
# Puts the content of all packages together in target/stage: stage.sh VERSION PROGRAM...
#
# root/ is a root directory with everything installed under /usr; COPYRIGHT contains all
# licenses. The programs' bill of materials goes to target/packages.
set -eu
cd "$(dirname "$0")/../.."
umask 022

version=$1
shift
stage=target/stage
tool=target/tool/componentize

{ read -r revision && read -r seconds && read -r source; } <target/revision
rm -rf $stage
DESTDIR=$stage/root PREFIX=/usr host/packaging/install.sh "$@"
# The system that installs the package makes it: only there the group is known.
rm -r $stage/root/etc
# Stack traces have no names then. Nothing else changes.
strip --strip-unneeded --remove-section=.comment $stage/root/usr/bin/*

mkdir -p target/packages
"$tool" licenses text $stage/COPYRIGHT
"$tool" sbom-programs "target/packages/spiped-wasm-$version.cdx.json" \
    "${seconds:+$(date --utc --date "@$seconds" +%FT%TZ)}" "$revision" "$source" \
    $stage/root/usr/bin/*
# No other time and no umask becomes part of a package.
chmod -R u=rwX,go=rX $stage
find $stage -exec touch --no-dereference --date "@${seconds:-0}" {} +
