#!/bin/sh
# Makes the Python that has the package, in target/hosts/python: setup.sh
#
# Does only what has changed since the last time.
# PYTHON chooses the interpreter, 3.11 or later.
set -eu
cd "$(dirname "$0")/../../.."

venv=target/hosts/python

main() {
    host/python/environment.sh "$venv" tests/hosts/python/requirements.txt
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

main
