#!/bin/sh
# Gets wasmtime for C, its library and its headers: setup.sh [DIRECTORY]
#
# The directory, target/hosts/c by default, then has lib/libwasmtime.so and include/.
# The library is the one that the package `wasmtime` on PyPI has in it; the headers
# are those of the crate `wasmtime-c-api-impl`. Does nothing if they are there.
# PYTHON chooses an interpreter with pip.
set -eu

version=50.0.1
crate_sha256=3c24d3970786b4baecb5b6aff31759b4f361879e8d99dbd5dc36a9524a0db6e6
wheels='
13fe813b922712a9e10fe0f48b2c56da06432eea4b24269bb7cd3a6b2720560b
612ebd1874eeab5f3eb3f18e529ab8af4bff885b7450c58593e3c3889868406b
62e4d9b9371b4766a3deb044618c17adad3983ab3333d1598df0e981ec88206f
675484e525c028dc02762b777f1db4477ea70caa3fec6775426daff4d64edfb1
83ddab2358ebde392a065581f2c66995a711ccc25ad0aee7b1d20f8c688075d2
a8999581230471f4ff62073b1111eff3a01d45ccec0a908da3f2ae3a499d459c
cc14c3a17654e0394e0225b11813532ef0cd7bd1e222a0c5494cdedaabeddac4
d174cad86f66dd819b0c3a77f27e375ca1f106d3858be221ce924d57d3856050
d9a1eb530e5c4a55853784ae6bff0053db3cad89299097ad00e352e3d48c3cc1
e3e2051b02b8a47e2418f569e380843e87c1d74c40cd843bfa14c223245d420b
f9c6973ae735946b3387b7a8e812ecd350eac3152c4b73998a57899dd9c4345c
ff4fc58ed3cbdb919d056accd4d280be13962a542754aaefd8a9b4654efa9bd9
'
root=$(cd "$(dirname "$0")/../.." && pwd)
there=${1:-$root/target/hosts/c}
python=${PYTHON:-python3}

main() {
    if [ "$(cat "$there/version" 2>/dev/null)" = "$version" ]; then
        return
    fi
    "$python" -m pip --version >/dev/null 2>&1 || fail "$python has no pip: set PYTHON"
    command -v cargo >/dev/null || fail 'missing: cargo'
    new=$(mktemp -d)
    trap 'rm -rf "$new"' EXIT
    get_library
    get_headers
    mkdir -p "$there"
    rm -rf "${there:?}/lib" "$there/include"
    mv "$new/lib" "$new/include" "$there"
    echo "$version" >"$there/version"
}

get_library() {
    {
        printf 'wasmtime==%s' "$version"
        for wheel in $wheels; do
            printf ' --hash=sha256:%s' "$wheel"
        done
    } >"$new/requirements.txt"
    "$python" -m pip download --quiet --disable-pip-version-check --no-deps \
        --only-binary :all: --require-hashes --requirement "$new/requirements.txt" --dest "$new"
    "$python" -m zipfile -e "$new"/wasmtime-*.whl "$new/wheel"
    mkdir "$new/lib"
    mv "$new"/wheel/wasmtime/*/_libwasmtime.so "$new/lib/libwasmtime.so"
}

# `cargo info` leaves what it has looked into in cargo's cache.
get_headers() {
    cargo info --quiet "wasmtime-c-api-impl@$version" --registry crates-io >/dev/null
    crate=$(find "${CARGO_HOME:-$HOME/.cargo}/registry/cache" \
        -name "wasmtime-c-api-impl-$version.crate" | head -n 1)
    echo "$crate_sha256  $crate" | sha256sum --check --quiet || fail 'the crate is another one'
    tar -xzf "$crate" -C "$new" --strip-components 1 "wasmtime-c-api-impl-$version/include"
    # The library of the package has all features.
    sed 's/^#cmakedefine /#define /' "$new/include/wasmtime/conf.h.in" \
        >"$new/include/wasmtime/conf.h"
}

fail() {
    echo "setup.sh: $1" >&2
    exit 1
}

main
