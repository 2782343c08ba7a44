#!/bin/sh
# Makes the wheel in target/packages: pack.sh
#
# The version is that of Cargo.toml, the component that which `make` built. The
# same sources give the same bytes: SOURCE_DATE_EPOCH is the time in it, or that
# of the last commit. PYTHON chooses the interpreter, 3.11 or later.
set -eu
cd "$(dirname "$0")/../.."

here=host/python
component=target/components/spiped-portable.core.wasm
tools=target/hosts/python-tools
packages=target/packages

main() {
    [ -e "$component" ] || fail "missing: $component, run make $component"
    version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
    [ -n "$version" ] || fail 'Cargo.toml has no version'
    host/python/environment.sh "$tools" "$here/requirements.txt"

    tree=$(mktemp -d)
    trap 'rm -rf "$tree"' EXIT
    sed "s/^version = .*/version = \"$version\"/" "$here/pyproject.toml" >"$tree/pyproject.toml"
    cp -R "$here/src" "$here/README.md" LICENSE "$tree"
    cp "$component" "$tree/src/spiped_pipe"
    mkdir "$tree/dist"
    find "$tree" -name __pycache__ -prune -exec rm -rf {} +
    # The wheel has the modes that files have here, whatever the umask.
    chmod -R u=rwX,go=rX "$tree"
    mkdir -p "$packages"
    rm -f "$packages"/spiped_pipe-*.whl
    : "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || echo 315532800)}"
    export SOURCE_DATE_EPOCH
    wheel=$(cd "$tree" && "$OLDPWD/$tools/bin/python" -c '
from flit_core.buildapi import build_wheel
print(build_wheel("dist"))')
    mv "$tree/dist/$wheel" "$packages"
    echo "$packages/$wheel"
}

fail() {
    echo "pack.sh: $1" >&2
    exit 1
}

main
