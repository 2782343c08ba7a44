#!/bin/sh
# Makes a Python environment with what is required: environment.sh FOLDER REQUIREMENTS
#
# Does nothing if it is there and made from the same requirements. PYTHON chooses the
# interpreter, 3.11 or later.
set -eu

folder=$1
requirements=$2
python=${PYTHON:-python3}

main() {
    if cmp -s "$requirements" "$folder/made-from.txt" && "$folder/bin/python" -c ''; then
        return
    fi
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        "$(dirname "$0")/../packaging/install-debian.sh" python3 python3-venv
    fi
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$python is older than 3.11: set PYTHON"

    rm -rf "$folder"
    "$python" -m venv "$folder"
    # Keeps compiled modules out of the source tree.
    for packages in "$folder"/lib/python3*/site-packages; do
        echo 'import sys; sys.pycache_prefix = sys.prefix + "/pycache"' >"$packages/pycache.pth"
    done
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check \
        --require-hashes --only-binary :all: --requirement "$requirements"
    cp "$requirements" "$folder/made-from.txt"
}

fail() {
    echo "environment.sh: $1" >&2
    exit 1
}

main
