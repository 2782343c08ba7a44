#!/bin/sh
# Gets wasmtime for C, in target/hosts/c, with the pip of the tests in Python: setup.sh
set -eu
cd "$(dirname "$0")/../../.."

PYTHON=$PWD/target/hosts/python/bin/python exec host/c/setup.sh
