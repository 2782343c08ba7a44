"""The component as a Python class.

>>> component = Component()
>>> config = Config(Side.CLIENT, KeyExchange.MODP2048)
>>> session = component.session(config, [secret], os.urandom(64))
>>> session.start().to_crypt
b'...'

Needs nothing but the `wasmtime` package.
"""

from pathlib import Path
from typing import Any

from wasmtime import Config as EngineConfig
from wasmtime import Engine, Store, WasmtimeError
from wasmtime.component import Component as Compiled
from wasmtime.component import ExportIndex, Func, Linker, Record, Variant

from spiped_types import (
    Config,
    Exhausted,
    Failure,
    KeyExchange,
    Misuse,
    Misused,
    Output,
    PeerFailure,
    PeerFault,
    Stage,
    Status,
)

INTERFACE = "spiped:pipe/protocol@1.0.0"
DEFAULT_PATH = Path(__file__).parents[3] / "target/components/spiped-portable.wasm"

# An exponentiation, the longest of all calls, takes less than a tenth of it.
FUEL_PER_CALL = 1_000_000_000
# Twice what a session needs with batches of 64 packets.
MEMORY_MAX = 2 << 20


class Trap(Exception):
    """The component broke off, or ran into a limit. The session is over."""


class Component:
    """The compiled component: make one, and from it a session a connection."""

    def __init__(self, path: Path | str = DEFAULT_PATH) -> None:
        limits = EngineConfig()
        limits.consume_fuel = True
        self._engine = Engine(limits)
        self._compiled = Compiled.from_file(self._engine, path)
        self._linker = Linker(self._engine)
        self._interface = self._export(INTERFACE, None)
        self._exports: dict[str, ExportIndex] = {}

    def session(
        self, config: Config, secrets: list[bytes], entropy: bytes, *, fuel: int = FUEL_PER_CALL
    ) -> "Session":
        """A new session in an instance of its own."""
        record = Record()
        setattr(record, "side", config.side.value)
        chosen = config.key_exchange
        setattr(record, "key-exchange", None if chosen is None else chosen.value)
        setattr(record, "forward-secrecy", config.forward_secrecy.value)
        return Session(self, fuel, "[constructor]session", record, secrets, entropy)

    def resume(self, state: bytes, *, fuel: int = FUEL_PER_CALL) -> "Session":
        """A session that goes on where a suspended one stopped."""
        return Session(self, fuel, "[static]session.resume", state)

    def _instantiate(self) -> tuple[Store, dict[str, Func]]:
        store = Store(self._engine)
        store.set_limits(memory_size=MEMORY_MAX)
        store.set_fuel(FUEL_PER_CALL)
        instance = self._linker.instantiate(store, self._compiled)
        if not self._exports:
            self._exports = {name: self._export(name, self._interface) for name in _FUNCTIONS}
        functions = {}
        for name, index in self._exports.items():
            function = instance.get_func(store, index)
            assert function is not None, f"{name} is a function"
            functions[name] = function
        return store, functions

    def _export(self, name: str, inside: ExportIndex | None) -> ExportIndex:
        index = self._compiled.get_export_index(name, inside)
        if index is None:
            raise ValueError(f"the component does not export {name}")
        return index


class Session:
    """One end of one connection. Not for use by two threads at once."""

    def __init__(self, component: Component, fuel: int, maker: str, *arguments: Any) -> None:
        self._fuel = fuel
        self._broken = False
        self._store, self._functions = component._instantiate()
        self._handle = self._invoke(maker, *arguments)

    def start(self) -> Output:
        """Begin: our nonce goes to the peer."""
        return self._call("start")

    def compute(self) -> Output:
        """Compute the public or the shared value that is due."""
        return self._call("compute")

    def handle_crypt(self, data: bytes) -> Output:
        """Take bytes that came from the crypt side."""
        return self._call("handle-crypt", data)

    def handle_plain(self, data: bytes) -> Output:
        """Take bytes that came from the plain side."""
        return self._call("handle-plain", data)

    def crypt_eof(self) -> Output:
        """The crypt side has ended."""
        return self._call("crypt-eof")

    def plain_eof(self) -> Output:
        """The plain side has ended."""
        return self._call("plain-eof")

    def suspend(self) -> bytes | Failure:
        """The whole state, secret and good for one `Component.resume`."""
        answer = self._method("suspend")
        return answer if isinstance(answer, bytes) else _failure(answer)

    def peer_secret(self) -> int | None:
        """Which of our secrets the peer proved to hold."""
        index: int | None = self._method("peer-secret")
        return index

    def key_exchange(self) -> KeyExchange | None:
        """The key exchange in use, once it is known."""
        name: str | None = self._method("key-exchange")
        return None if name is None else KeyExchange(name)

    def _call(self, method: str, *arguments: bytes) -> Output:
        record = self._method(method, *arguments)
        to_crypt, to_plain = getattr(record, "to-crypt"), getattr(record, "to-plain")
        return Output(to_crypt, to_plain, _status(record.status))

    def _method(self, method: str, *arguments: bytes) -> Any:
        return self._invoke(f"[method]session.{method}", self._handle, *arguments)

    def _invoke(self, name: str, *arguments: Any) -> Any:
        if self._broken:
            raise Trap("the session is over")
        self._store.set_fuel(self._fuel)
        try:
            return self._functions[name](self._store, *arguments)
        except WasmtimeError as error:
            self._broken = True
            raise Trap(str(error)) from error


def _status(status: Variant) -> Status:
    return _failure(status.payload) if status.tag == "failed" else Stage(status.tag)


def _failure(failure: Variant | str | None) -> Failure:
    # A variant whose cases differ in their Python types comes without its tag.
    if failure is None:
        return Exhausted()
    if isinstance(failure, str):
        return Misused(Misuse(failure))
    fault, payload = PeerFault(failure.tag), failure.payload
    if isinstance(payload, Record):
        return PeerFailure(fault, getattr(payload, "packet-number"), getattr(payload, "length"))
    return PeerFailure(fault, payload)


_METHODS = (
    "start",
    "compute",
    "handle-crypt",
    "handle-plain",
    "crypt-eof",
    "plain-eof",
    "suspend",
    "peer-secret",
    "key-exchange",
)
_FUNCTIONS = (
    "[constructor]session",
    "[static]session.resume",
    *(f"[method]session.{method}" for method in _METHODS),
)
