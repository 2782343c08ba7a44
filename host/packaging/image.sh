#!/bin/sh
# Makes a container image of what stage.sh has put together, as an archive of an OCI image
# layout: image.sh VERSION
#
# Needs neither a container engine nor root. The image contains the programs, this system's
# copies of the libraries that they are linked to, and the files that the C library reads to
# look up names.
set -eu
cd "$(dirname "$0")/../.."
umask 022

version=$1
tree=target/image
root=$tree/root

main() {
    command -v dpkg-query >/dev/null || fail 'not Debian: no licenses of the C library'
    { read -r revision && read -r seconds && read -r source; } <target/revision
    architecture=$(dpkg --print-architecture)

    rm -rf $tree
    mkdir -p $root/etc/spiped $root/run/spiped $root/usr/bin $root/usr/share/doc/spiped-wasm
    cp -a target/stage/root/usr/bin $root/usr
    cp target/stage/COPYRIGHT $root/usr/share/doc/spiped-wasm
    for directory in lib lib64; do
        mkdir $root/usr/$directory
        ln -s usr/$directory $root/$directory
    done
    for library in $(ldd $root/usr/bin/* | grep -o '/[^ ]*' | grep '\.so' | sort -u); do
        library "$library"
    done
    echo 'root:x:0:0:root:/:/sbin/nologin' >$root/etc/passwd
    echo 'spiped:x:65532:65532::/:/sbin/nologin' >>$root/etc/passwd
    printf 'root:x:0:\nspiped:x:65532:\n' >$root/etc/group
    echo 'hosts: files dns' >$root/etc/nsswitch.conf
    chmod -R u=rwX,go=rX $root
    # For the control socket and for sources that are Unix sockets.
    chmod 1777 $root/run/spiped
    find $root -exec touch --no-dereference --date "@${seconds:-0}" {} +

    host/packaging/tar.sh $root . >$tree/layer.tar
    gzip -nk $tree/layer.tar
    target/tool/componentize image $tree/layout "$architecture" \
        "$(date --utc --date "@${seconds:-0}" +%FT%TZ)" "$revision" "$source" \
        $tree/layer.tar $tree/layer.tar.gz
    find $tree/layout -exec touch --date "@${seconds:-0}" {} +
    host/packaging/tar.sh $tree/layout oci-layout index.json blobs \
        >"target/packages/spiped-wasm_${version}_$architecture.oci.tar"
    rm -r $tree
}

# Copies a library to where it is here, and the notices of its package.
library() {
    install -D -m 755 "$(realpath "$1")" "$root/usr/${1#/}"
    # A system whose /lib is in /usr lists either path.
    found=$(dpkg-query --search "$1" "/usr$1" "$(realpath "$1")" 2>/dev/null || true)
    package=${found%%:*}
    [ -n "$package" ] || fail "no package has $1"
    install -D -m 644 -t "$root/usr/share/doc/$package" "/usr/share/doc/$package/copyright"
}

fail() {
    echo "image.sh: $1" >&2
    exit 1
}

main
