"""What the core module exports, as this package calls it.

Calls go straight to the machine code, with nothing in between that would look
at types: so they are compared here, once. `docs/core-module.md` derives them.
"""

from wasmtime import FuncType, MemoryType, Module

# How many 32-bit integers a function takes; all but destructors and
# `cabi_post_` return one, and nothing else is in use.
_ACCEPTOR = {
    "[constructor]acceptor": 4,
    "[dtor]acceptor": 1,
    "[method]acceptor.identify": 5,
    "[method]acceptor.fault-at-eof": 5,
}
_SESSION = {
    "[static]session.connect": 6,
    "[static]session.accept": 10,
    "[static]session.resume": 2,
    "[dtor]session": 1,
    "[method]session.start": 1,
    "[method]session.compute": 1,
    "[method]session.handle-crypt": 3,
    "[method]session.handle-plain": 3,
    "[method]session.crypt-eof": 1,
    "[method]session.plain-eof": 1,
    "[method]session.suspend": 1,
    "[method]session.psk-id": 1,
}
_PAIRING = {
    "[constructor]exchange": 6,
    "[dtor]exchange": 1,
    "[method]exchange.start": 1,
    "[method]exchange.receive": 3,
    "[method]exchange.confirm": 1,
    "[method]exchange.reject": 1,
    "[method]exchange.eof": 1,
    "[method]exchange.take-key": 1,
}

PARAMETERS = {
    f"spiped:pipe/{interface}@0.1.0#{function}": count
    for interface, functions in [
        ("acceptor", _ACCEPTOR),
        ("session", _SESSION),
        ("pairing", _PAIRING),
    ]
    for function, count in functions.items()
}
PARAMETERS["cabi_realloc"] = 4


def check(module: Module) -> None:
    """ValueError if the module is not the one that this package was made for."""
    exports = {export.name: export.type for export in module.exports}
    expected = {"memory": None} | PARAMETERS
    for name in expected:
        if name not in exports:
            raise ValueError(f"the component has no {name}")
    for name, kind in exports.items():
        if name == "memory":
            fits = isinstance(kind, MemoryType) and not kind.is_64
        elif name.startswith("cabi_post_"):
            fits = isinstance(kind, FuncType) and _shape(kind) == (["i32"], [])
        elif name in PARAMETERS:
            results = [] if "[dtor]" in name else ["i32"]
            fits = isinstance(kind, FuncType) and _shape(kind) == (
                ["i32"] * PARAMETERS[name],
                results,
            )
        else:
            continue
        if not fits:
            raise ValueError(f"{name} of the component has another type")


def _shape(kind: FuncType) -> tuple[list[str], list[str]]:
    return [str(param) for param in kind.params], [str(result) for result in kind.results]
