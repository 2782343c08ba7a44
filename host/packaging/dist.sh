#!/bin/sh
# Makes archives of the sources, as they were committed, and of what stage.sh has put
# together: dist.sh VERSION
set -eu
cd "$(dirname "$0")/../.."
umask 022

name=spiped-wasm-$1
binary=$name-$(uname -m)-linux
packages=target/packages
tree=target/dist

main() {
    { read -r revision && read -r seconds; } <target/revision
    if [ ! -e .git ] || ! git rev-parse HEAD >/dev/null; then
        echo 'dist.sh: no archive of the sources, which are in no git repository' >&2
    else
        case $revision in
            *+dirty) echo "dist.sh: $name.tar.gz is without what is not committed" >&2 ;;
        esac
        git archive --format=tar --prefix="$name/" HEAD | gzip -n >"$packages/$name.tar.gz"
    fi

    rm -rf $tree
    mkdir $tree
    cp -a target/stage/root/usr "$tree/$binary"
    cp host/packaging/INSTALL target/stage/COPYRIGHT "$tree/$binary"
    touch --date "@${seconds:-0}" "$tree/$binary" "$tree/$binary/INSTALL" "$tree/$binary/COPYRIGHT"
    host/packaging/tar.sh $tree "$binary" | gzip -n >"$packages/$binary.tar.gz"
    rm -r $tree
}

main
