#!/bin/sh
# Makes a component that is not constant time, for the checks to find that out.
#
# From a copy of the sources in target/weakened, so that no such code is in ours.
# All that is built is where it is in our tree.
set -eu
cd "$(dirname "$0")/../.."

copy=target/weakened

main() {
    mkdir -p "$copy"
    # The copy's own target directory stays, to build from.
    tar -c --exclude=./target --exclude=./.git . | tar -x -C "$copy"
    # The entry of a table, without reading all others.
    weaken core-wasm/src/dh/modp/field/select.rs \
        's/^\( *\)const { assert!(E.is_power_of_two()) }$/&\
\1if true {\
\1    *selected = elements[usize::from(index)];\
\1    return;\
\1}/'
    # A MAC comparison that stops at the first byte that differs. The operator
    # would not do: of 32 bytes the compiler makes a comparison without branches.
    weaken core-wasm/src/handshake/share.rs \
        's/mac(key, answered, self.value).ct_eq(self.mac)/'\
'subtle::Choice::from(u8::from(mac(key, answered, self.value).iter().zip(self.mac)'\
'.all(|(byte, other)| byte == other)))/'
    module=$(cd "$copy" && core-wasm/build.sh native)
    component=$copy/target/components/spiped-native
    mkdir -p "$copy/target/components"
    target/tool/componentize encode "$copy/$module" $component.wasm
    target/tool/componentize precompile $component.wasm $component.cwasm
}

# weaken FILE SED_SCRIPT
weaken() {
    sed "$2" "$1" >"$copy/$1.new"
    if cmp -s "$1" "$copy/$1.new"; then
        echo "weaken.sh: $1 is not as expected" >&2
        exit 1
    fi
    mv "$copy/$1.new" "$copy/$1"
}

main
