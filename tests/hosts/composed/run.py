"""The composed component in Python: run.py COMPONENT."""

import sys

from wasmtime import Engine, Store
from wasmtime.component import Component, Linker

engine = Engine()
component = Component.from_file(engine, sys.argv[1])


def self_test(psk: bytes, message: bytes) -> bytes | str:
    """What the server delivers, or how either end failed."""
    store = Store(engine)
    instance = Linker(engine).instantiate(store, component)
    function = instance.get_func(store, "self-test")
    assert function is not None
    return function(store, psk, message)


PSK = bytes([7] * 32)
for size in [0, 1, 1024, 100_000]:
    message = bytes(i % 251 for i in range(size))
    assert self_test(PSK, message) == message, size
failure = self_test(PSK[1:], PSK)
assert "psk-length" in failure, failure
