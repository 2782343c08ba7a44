#!/bin/sh
# Makes the Python that hosts the component, in target/hosts/python: setup.sh
#
# Does nothing if it is there already and made from the same requirements.
# PYTHON chooses the interpreter, 3.11 or later.
set -eu
cd "$(dirname "$0")/../../.."

python=${PYTHON:-python3}
requirements=tests/hosts/python/requirements.txt
venv=target/hosts/python

main() {
    if [ -e "$venv/made-from.txt" ] && cmp -s "$requirements" "$venv/made-from.txt" &&
        "$venv/bin/python" -c ''; then
        return
    fi
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
