#!/bin/sh
# Makes what is published of the components: pack-wasm.sh
#
# Into target/packages, each component with its revision and, beside it, a bill of
# materials; the module for hosts that do not know components; and in oci/ the same
# components and their interface for registries. See docs/plugin.md.
set -eu
cd "$(dirname "$0")/.."

built=target/components
packages=target/packages
tool=target/tool/componentize

main() {
    core-wasm/revision.sh
    { read -r revision && read -r seconds && read -r source; } <target/revision
    time=${seconds:+$(date --utc --date "@$seconds" +%FT%TZ)}

    mkdir -p "$packages"
    component spiped-portable spiped-core
    component spiped spiped-wasi spiped-core
    # The module that was tested is the one that is published.
    "$tool" core "$packages/spiped-portable.wasm" "$packages/spiped-portable.core.wasm"
    cmp "$built/spiped-portable.core.wasm" "$packages/spiped-portable.core.wasm"

    rm -rf "$packages/oci" "$packages/oci.new"
    "$tool" oci "$packages/oci.new" "$time" wit "$packages/spiped-portable.wasm" \
        "$packages/spiped.wasm"
    mv "$packages/oci.new" "$packages/oci"
}

# component NAME CRATE...: of which it was made.
component() {
    name=$1
    shift
    "$tool" stamp "$built/$name.wasm" "$packages/$name.wasm" "$revision" "$source"
    "$tool" sbom "$packages/$name.wasm" "$packages/$name.cdx.json" "$time" "$@"
}

main
