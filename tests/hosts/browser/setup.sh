#!/bin/sh
# Prepares the page: setup.sh
# Installs Chromium if it is missing and may be installed; see also
# tests/hosts/node/setup.sh.
set -eu
cd "$(dirname "$0")/../../.."

tests/hosts/node/setup.sh
if ! command -v chromium >/dev/null; then
    host/packaging/install-debian.sh chromium
fi
