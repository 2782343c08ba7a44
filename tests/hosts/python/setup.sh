#!/bin/sh
# Makes the Python that has the package, in target/hosts/python: setup.sh
#
# Does only what has changed since the last time.
# PYTHON chooses the interpreter, 3.11 or later.
set -eu
cd "$(dirname "$0")/../../.."

python=${PYTHON:-python3}
requirements=tests/hosts/python/requirements.txt
venv=target/hosts/python

main() {
    if ! cmp -s "$requirements" "$venv/made-from.txt" || ! "$venv/bin/python" -c ''; then
        make_environment
    fi
    wheel=$(host/python/pack.sh)
    if ! cmp -s "$wheel" "$venv/installed.whl"; then
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
            --no-deps --no-index --force-reinstall "$wheel"
        # Once, and also where the environment asks for no compiled modules: every test
        # loads them.
        PYTHONDONTWRITEBYTECODE='' "$venv/bin/python" -c 'import argparse, spiped_pipe'
        cp "$wheel" "$venv/installed.whl"
    fi
}

make_environment() {
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        host/packaging/install-debian.sh python3 python3-venv
    fi
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$python is older than 3.11: set PYTHON"

    rm -rf "$venv"
    "$python" -m venv "$venv"
    # Keeps compiled modules out of the source tree.
    for packages in "$venv"/lib/python3*/site-packages; do
        echo 'import sys; sys.pycache_prefix = sys.prefix + "/pycache"' >"$packages/pycache.pth"
    done
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
        --require-hashes --only-binary :all: --requirement "$requirements"
    cp "$requirements" "$venv/made-from.txt"
}

fail() {
    echo "setup.sh: $1" >&2
    exit 1
}

main
