#!/bin/sh
# Puts together what packages have in them, in target/stage: stage.sh VERSION PROGRAM...
#
# root/ is the system's root directory with everything installed under /usr; COPYRIGHT has
# everybody's licences. Beside the packages comes the programs' bill of materials.
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
# It is made where the package is installed, with owners that are known there only.
rm -r $stage/root/etc
# A stack trace has no names then. Nothing else changes.
strip --strip-unneeded --remove-section=.comment $stage/root/usr/bin/*

mkdir -p target/packages
"$tool" licenses text $stage/COPYRIGHT
"$tool" sbom-programs "target/packages/spiped-wasm-$version.cdx.json" \
    "${seconds:+$(date --utc --date "@$seconds" +%FT%TZ)}" "$revision" "$source" \
    $stage/root/usr/bin/*
# No other time and no umask gets into a package.
chmod -R u=rwX,go=rX $stage
find $stage -exec touch --no-dereference --date "@${seconds:-0}" {} +
