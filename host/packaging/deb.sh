#!/bin/sh
# Makes the Debian package of what is built, without being root: deb.sh VERSION PROGRAM...
#
# MAINTAINER is who answers for the package, as "NAME <ADDRESS>".
set -eu
cd "$(dirname "$0")/../.."
umask 022

version=$1
shift
upstream=1.6.4
stage=target/deb
doc=$stage/usr/share/doc/spiped-wasm

main() {
    { read -r _ && read -r seconds; } <target/revision
    # For dpkg-deb, gzip and date: no other time goes into the package.
    export SOURCE_DATE_EPOCH="${seconds:-0}"
    architecture=$(dpkg --print-architecture)

    rm -rf $stage
    mkdir -p target/packages
    DESTDIR=$stage PREFIX=/usr host/packaging/install.sh "$@"
    # The maintainer script makes these, if they are not there.
    rm -r $stage/etc
    # As the policy has it. What is left out is found by no stack trace, and changes nothing else.
    strip --strip-unneeded --remove-section=.comment $stage/usr/bin/*
    # Its text is part of the copyright file.
    rm $doc/LICENSE
    install -m 644 LICENSE $doc/copyright
    install -D -m 644 host/packaging/debian/lintian-overrides \
        $stage/usr/share/lintian/overrides/spiped-wasm
    host/packaging/debian/changelog.awk -v version="$version" -v maintainer="$MAINTAINER" \
        -v date="$(date --utc --rfc-email --date "@$SOURCE_DATE_EPOCH")" CHANGELOG.md >$doc/changelog
    find $stage/usr/share/man -type f | sort | xargs gzip -9n $doc/changelog
    chmod -R u=rwX,go=rX $stage

    control
    find $stage -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +
    # With more threads the same input gives other bytes.
    dpkg-deb --root-owner-group -Zxz --threads-max=1 --build $stage \
        "target/packages/spiped-wasm_${version}_$architecture.deb"
    rm -r $stage
}

# What is about the package and not part of it.
control() {
    mkdir $stage/DEBIAN
    (cd $stage && find usr -type f | LC_ALL=C sort | xargs md5sum) >$stage/DEBIAN/md5sums
    install -m 755 host/packaging/debian/postinst host/packaging/debian/prerm \
        host/packaging/debian/postrm $stage/DEBIAN
    size=$(find $stage/usr -type f -printf '%s\n' | awk '{ sum += int(($1 + 1023) / 1024) }
        END { print sum }')
    sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" -e "s/@SIZE@/$size/" \
        -e "s/@UPSTREAM@/$upstream/" -e "s/@MAINTAINER@/$MAINTAINER/" \
        -e "s/@LIBRARIES@/$(libraries)/" host/packaging/debian/control >$stage/DEBIAN/control
}

# The packages that have the libraries the programs are linked to.
libraries() {
    mkdir $stage/debian
    printf 'Source: spiped-wasm\n\nPackage: spiped-wasm\nArchitecture: any\n' >$stage/debian/control
    (cd $stage && dpkg-shlibdeps -O "$PWD"/usr/bin/*) | sed 's/^shlibs:Depends=//'
    rm -r $stage/debian
}

main "$@"
