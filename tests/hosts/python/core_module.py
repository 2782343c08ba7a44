"""The canonical ABI of the component's functions, derived from its types.

    core_module.py [--markdown]

Checks that the core module's functions have the signatures that follow, and that
the package counts cases as the component does. With `--markdown`, prints the tables
of `docs/core-module.md`. The types are read by wasmtime, out of the component: they
are not known here.
"""

import argparse
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from wasmtime import Engine, FuncType, Module
from wasmtime import component as wit

from spiped_pipe import pairing, types
from spiped_pipe._signatures import PARAMETERS

COMPONENTS = Path(__file__).parents[3] / "target/components"
INTERFACES = ("acceptor", "session", "pairing")

# Long lists of cases stand apart, by what their first case is: their types have no names.
LISTS = {
    "wrong-key": "peer fault",
    "psk-length": "misuse",
    "not-pairing": "peer fault in pairing",
    "code-length": "misuse in pairing",
}

# The enums of the package, and where results have their cases.
COUNTED: tuple[tuple[str, str, type[Enum]], ...] = (
    ("[method]acceptor.identify", "ok.authenticated.key-exchange", types.KeyExchange),
    ("[method]session.start", "status", types.Stage),
    ("[method]session.start", "status.failed.peer", types.PeerFault),
    ("[method]session.start", "status.failed.misuse", types.Misuse),
    ("[method]exchange.start", "err.peer", pairing.PeerFault),
    ("[method]exchange.start", "err.misuse", pairing.Misuse),
)


def main() -> int:
    """Run as a program; the exit code."""
    parser = argparse.ArgumentParser(description="Derives the core module's ABI.")
    parser.add_argument("--markdown", action="store_true", help="print it for the document")
    options = parser.parse_args()
    engine = Engine()
    component = wit.Component.from_file(engine, COMPONENTS / "spiped-portable.wasm")
    module = Module.from_file(engine, COMPONENTS / "spiped-portable.core.wasm")
    functions = list(exported(engine, component))
    check_signatures(module, functions)
    check_package(functions)
    if options.markdown:
        print(markdown(module, functions), end="")
    return 0


class Function:
    """An exported function, and how it is called."""

    def __init__(self, interface: str, name: str, kind: wit.FuncType) -> None:
        self.name = name
        self.core_name = f"spiped:pipe/{interface}@0.1.0#{name}"
        self.words = [word for name, param in kind.params for word in flat(param, name)]
        self.result = kind.result
        self.returns_area = self.result is not None and len(list(flat(self.result, ""))) > 1


def exported(engine: Engine, component: wit.Component) -> Iterator[Function]:
    """All functions of the component, as the core module names them."""
    exports = component.type.exports(engine)
    for interface in INTERFACES:
        instance = exports[f"spiped:pipe/{interface}@0.1.0"].ty
        assert isinstance(instance, wit.ComponentInstanceType)
        for name, item in instance.exports(engine).items():
            kind = item.ty
            if isinstance(kind, wit.FuncType):
                yield Function(interface, name, kind)


def flat(kind: wit.ValType, path: str) -> Iterator[str]:
    """What a value is as core parameters: their names. All are of the type i32."""
    if isinstance(kind, (wit.ListType, wit.String)):
        yield from (f"{path} address", f"{path} length")
    elif isinstance(kind, wit.RecordType):
        for name, field in kind.fields:
            yield from flat(field, f"{path}.{name}")
    elif isinstance(kind, wit.U64):
        yield f"{path} (64 bits)"
    elif cases := cases_of(kind):
        yield f"{path} case"
        # The payloads share their words.
        words = [list(flat(payload, path)) for _, payload in cases if payload is not None]
        yield from max(words, key=len, default=[])
    else:
        yield path


def cases_of(kind: wit.ValType) -> list[tuple[str, wit.ValType | None]]:
    """The cases of whatever is laid out as a variant but enums; none of other types."""
    if isinstance(kind, wit.VariantType):
        return kind.cases
    if isinstance(kind, wit.ResultType):
        return [("ok", kind.ok), ("err", kind.err)]
    if isinstance(kind, wit.OptionType):
        return [("none", None), ("some", kind.payload)]
    return []


def layout(kind: wit.ValType) -> tuple[int, int]:
    """Size and alignment in memory."""
    if isinstance(kind, wit.EnumType):
        return 1, 1
    if isinstance(kind, (wit.U32, wit.OwnType, wit.BorrowType)):
        return 4, 4
    if isinstance(kind, wit.U64):
        return 8, 8
    if isinstance(kind, (wit.ListType, wit.String)):
        return 8, 4
    if isinstance(kind, wit.RecordType):
        fields = [layout(field) for _, field in kind.fields]
        alignment = max(alignment for _, alignment in fields)
        end = 0
        for size, own in fields:
            end = aligned(end, own) + size
        return aligned(end, alignment), alignment
    if cases := cases_of(kind):
        payloads = [layout(payload) for _, payload in cases if payload is not None]
        alignment = max((alignment for _, alignment in payloads), default=1)
        size = max((size for size, _ in payloads), default=0)
        return aligned(aligned(1, alignment) + size, alignment), alignment
    raise NotImplementedError(f"the WIT has a new kind of type: {kind}")


def aligned(offset: int, alignment: int) -> int:
    """The next multiple of the alignment."""
    return -(-offset // alignment) * alignment


Place = tuple[int, str, str]
"""Offset, path, and what is there."""


def places(kind: wit.ValType, at: int = 0, path: str = "") -> Iterator[Place]:
    """Everything in a value of this type that is laid out at an offset."""
    if isinstance(kind, wit.EnumType):
        yield at, path, "case, 1 byte: " + numbered(kind.names)
    elif isinstance(kind, (wit.ListType, wit.String)):
        yield at, path, "address, 4 bytes; length, 4 bytes"
    elif isinstance(kind, wit.RecordType):
        for name, field in kind.fields:
            at = aligned(at, layout(field)[1])
            yield from places(field, at, f"{path}.{name}".removeprefix("."))
            at += layout(field)[0]
    elif cases := cases_of(kind):
        yield at, path, "case, 1 byte: " + numbered([name for name, _ in cases])
        payload_at = aligned(at + 1, layout(kind)[1])
        for name, payload in cases:
            if payload is not None:
                yield from places(payload, payload_at, f"{path}.{name}".removeprefix("."))
    else:
        handle = isinstance(kind, wit.OwnType)
        yield at, path, "handle, 4 bytes" if handle else f"{layout(kind)[0]} bytes"


def numbered(names: list[str]) -> str:
    """Cases with their numbers."""
    return ", ".join(f"{number} `{name}`" for number, name in enumerate(names))


def check_signatures(module: Module, functions: list[Function]) -> None:
    """What follows from the types is what the module has, and what the package calls."""
    exports = {export.name: export.type for export in module.exports}
    for function in functions:
        kind = exports[function.core_name]
        assert isinstance(kind, FuncType), function.core_name
        shape = [str(param) for param in kind.params], [str(result) for result in kind.results]
        results = [] if function.result is None else ["i32"]
        assert shape == (["i32"] * len(function.words), results), function.core_name
        assert len(function.words) == PARAMETERS[function.core_name], function.core_name
        assert function.returns_area or function.result is None, function.core_name


def check_package(functions: list[Function]) -> None:
    """The package's enums have the component's cases, in their order."""
    results = {function.name: function.result for function in functions}
    for name, path, enum in COUNTED:
        result = results[name]
        assert result is not None, name
        found = {path: text for _, path, text in places(result)}
        expected = "case, 1 byte: " + numbered([member.value for member in enum])
        # What a session that has failed has is no stage.
        assert found[path].removesuffix(", 3 `failed`") == expected, (path, expected)


def cases_in_short(text: str, lists: dict[str, str]) -> str:
    """Names a list of cases that stands apart, and notes that it is needed."""
    start, _, numbers = text.partition(": ")
    for first, title in LISTS.items():
        if numbers.startswith(f"0 `{first}`"):
            lists[title] = numbers
            return f"{start}: *{title}*"
    return text


def markdown(module: Module, functions: list[Function]) -> str:
    """The tables of the document."""
    lists: dict[str, str] = {}
    exports = {export.name for export in module.exports}
    lines = ["| function | parameters | `cabi_post_` |", "|---|---|---|"]
    for function in functions:
        words = ", ".join(function.words)
        post = "yes" if f"cabi_post_{function.core_name}" in exports else "no"
        lines.append(f"| `{function.name}` | {words} | {post} |")
    for title, kind in results(functions).items():
        lines += ["", title, "", "| at | what | |", "|--:|---|---|"]
        for at, path, text in places(kind):
            text = cases_in_short(text, lists)
            lines.append(f"| {at} | {f'`{path}`' if path else 'the result'} | {text} |")
    lines += ["", "The lists of cases:", ""]
    lines += [f"- *{title}*: {numbers}" for title, numbers in lists.items()]
    return "\n".join(lines) + "\n"


def results(functions: list[Function]) -> dict[str, wit.ValType]:
    """The types of results, each under the functions that have it."""
    alike: dict[tuple[Place, ...], tuple[list[str], wit.ValType]] = {}
    for function in functions:
        if function.result is not None:
            names, _ = alike.setdefault(tuple(places(function.result)), ([], function.result))
            names.append(f"`{function.name}`")
    return {f"Of {', '.join(names)}:": kind for names, kind in alike.values()}


if __name__ == "__main__":
    sys.exit(main())
