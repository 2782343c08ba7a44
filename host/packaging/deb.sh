#!/bin/sh
# Makes the Debian package of what stage.sh has put together: deb.sh VERSION
#
# Needs no root. MAINTAINER is the name and address in the package: "NAME <ADDRESS>".
set -eu
cd "$(dirname "$0")/../.."
umask 022

version=$1
# The version of Tarsnap's spiped whose protocol and command line these are.
upstream=1.6.4
tree=target/deb
share=$tree/usr/share
doc=$share/doc/spiped-wasm

main() {
    for command in dpkg-deb dpkg-shlibdeps; do
        command -v $command >/dev/null || fail "missing: $command, run make deps"
    done
    { read -r _ && read -r seconds; } <target/revision
    # For dpkg-deb and date.
    export SOURCE_DATE_EPOCH="${seconds:-0}"
    architecture=$(dpkg --print-architecture)

    rm -rf $tree
    cp -a target/stage/root $tree
    # The README links to it.
    ln -sf copyright $doc/LICENSE
    target/tool/componentize licenses pointer $doc/copyright
    # shellcheck disable=SC2153 # the environment has it
    host/packaging/debian/changelog.awk -v version="$version" -v maintainer="$MAINTAINER" \
        -v date="$(date --utc --rfc-email --date "@$SOURCE_DATE_EPOCH")" CHANGELOG.md >$doc/changelog
    find $share/man -type f | LC_ALL=C sort | xargs gzip -9n $doc/changelog
    # Where Debian's shells look.
    [ ! -d $share/zsh ] || mv $share/zsh/site-functions $share/zsh/vendor-completions
    install -D -m 644 host/packaging/debian/lintian-overrides $share/lintian/overrides/spiped-wasm

    control
    chmod -R u=rwX,go=rX $tree
    find $tree -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +
    # Ubuntu's would take another.
    export DPKG_DEB_COMPRESSOR_TYPE="${DPKG_DEB_COMPRESSOR_TYPE:-xz}"
    # With more threads the same input gives other bytes.
    dpkg-deb --root-owner-group --threads-max=1 --build $tree \
        "target/packages/spiped-wasm_${version}_$architecture.deb"
    rm -r $tree
}

# The files for dpkg, which are not installed.
control() {
    mkdir $tree/DEBIAN
    (cd $tree && find usr -type f | LC_ALL=C sort | xargs md5sum) >$tree/DEBIAN/md5sums
    install -m 755 host/packaging/debian/p* $tree/DEBIAN
    size=$(find $tree/usr -type f -printf '%s\n' |
        awk '{ sum += int(($1 + 1023) / 1024) } END { print sum }')
    maintainer=$(printf '%s' "$MAINTAINER" | sed 's,[&/\\],\\&,g')
    sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" -e "s/@SIZE@/$size/" \
        -e "s/@UPSTREAM@/$upstream/" -e "s/@MAINTAINER@/$maintainer/" \
        -e "s/@LIBRARIES@/$(libraries)/" host/packaging/debian/control >$tree/DEBIAN/control
}

# The packages that have the libraries the programs are linked to.
libraries() {
    mkdir $tree/debian
    printf 'Source: spiped-wasm\n\nPackage: spiped-wasm\nArchitecture: any\n' >$tree/debian/control
    (cd $tree && dpkg-shlibdeps -O "$PWD"/usr/bin/*) | sed 's/^shlibs:Depends=//'
    rm -r $tree/debian
}

fail() {
    echo "deb.sh: $1" >&2
    exit 1
}

main
