#!/bin/sh
# Installs what is built into $DESTDIR$PREFIX: install.sh PROGRAM...
#
# The directories of settings and keys are made if they are missing. What is there
# keeps its owner, its mode and its content.
set -eu
cd "$(dirname "$0")/../.."

to=${DESTDIR-}${PREFIX:-/usr/local}
share=$to/share
doc=$share/doc/spiped-wasm

main() {
    put 755 "$to/bin" "$@"
    put 644 "$to/lib/systemd/system" host/packaging/systemd/*.service host/packaging/systemd/*.socket
    install -D -m 644 host/packaging/systemd/sysusers.conf "$to/lib/sysusers.d/spiped.conf"
    put 644 "$share/spiped-wasm/components" target/components/spiped-portable.wasm \
        target/components/spiped-native.wasm target/components/spiped.wasm
    for page in host/man/*.[1-8]; do
        put 644 "$share/man/man${page##*.}" "$page"
    done
    completions
    put 644 "$doc" README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md LICENSE
    put 644 "$doc/docs" docs/*.md docs/*.png docs/*.svg
    (cd host/packaging && find examples grafana prometheus systemd/*.env ./*.toml -type f) |
        while read -r file; do
            put 644 "$doc/$(dirname "$file")" "host/packaging/$file"
        done
    directory 750 "${DESTDIR-}/etc/spiped"
    directory 750 "${DESTDIR-}/etc/spiped/pipes.d"
    directory 700 "${DESTDIR-}/etc/spiped/keys"
}

# put MODE DIRECTORY FILE...
put() {
    mode=$1 into=$2
    shift 2
    install -D -m "$mode" -t "$into" "$@"
}

completions() {
    for file in host/completions/*; do
        case $file in
            *.bash) install -D -m 644 "$file" \
                "$share/bash-completion/completions/$(basename "$file" .bash)" ;;
            *.fish) put 644 "$share/fish/vendor_completions.d" "$file" ;;
            */_*) put 644 "$share/zsh/site-functions" "$file" ;;
        esac
    done
}

# directory MODE PATH
directory() {
    [ -d "$2" ] || install -d -m "$1" "$2"
}

main "$@"
