"""The component as Python classes.

>>> component = Component()
>>> session = component.connect(Modp2048Config(), psk, os.urandom(64))
>>> session.start().to_crypt
b'...'

Needs nothing but the `wasmtime` package.
"""

from functools import cache
from pathlib import Path
from typing import Any

from wasmtime import Config as EngineConfig
from wasmtime import Engine, Store, WasmtimeError
from wasmtime.component import Component as Compiled
from wasmtime.component import ExportIndex, Linker, Record, ResourceAny, Variant

from spiped_types import (
    Authenticated,
    CallFailed,
    ClientConfig,
    Exhausted,
    Failure,
    KeyExchange,
    Misuse,
    Misused,
    Modp2048Config,
    More,
    Output,
    PeerFailure,
    PeerFault,
    Refused,
    ServerConfig,
    Stage,
    Status,
    Verdict,
    X25519Config,
)

PACKAGE = "spiped:pipe/{}@0.1.0"
DEFAULT_PATH = Path(__file__).parents[3] / "target/components/spiped-portable.wasm"

# An exponentiation, the longest of all calls but searches, takes less than a
# tenth of it.
FUEL_PER_CALL = 1_000_000_000
# Twice what a session needs with batches of 64 packets.
MEMORY_MAX = 2 << 20


class Trap(Exception):
    """The component broke off, or ran into a limit. The instance is over."""


class Component:
    """The compiled component: make one, and from it a session a connection."""

    def __init__(self, path: Path | str = DEFAULT_PATH) -> None:
        limits = EngineConfig()
        limits.consume_fuel = True
        self.engine = Engine(limits)
        self.compiled = Compiled.from_file(self.engine, path)
        self.linker = Linker(self.engine)
        self.export = cache(self._export)

    def acceptor(
        self, config: ServerConfig, psks: list[bytes], *, fuel: int = FUEL_PER_CALL
    ) -> "Acceptor":
        """An acceptor in an instance of its own, for any number of strangers."""
        return Acceptor(self, config, psks, fuel)

    def connect(
        self, config: ClientConfig, psk: bytes, entropy: bytes, *, fuel: int = FUEL_PER_CALL
    ) -> "Session":
        """A client's session in an instance of its own."""
        return self._session(fuel, "connect", _client_config(config), psk, entropy)

    def accept(
        self,
        config: ServerConfig,
        our_nonce: bytes,
        hello: bytes,
        psk: bytes,
        entropy: bytes,
        *,
        fuel: int = FUEL_PER_CALL,
    ) -> "Session":
        """A server's session with an authenticated client, in an instance of its own."""
        variant = _server_config(config)
        return self._session(fuel, "accept", variant, our_nonce, hello, psk, entropy)

    def resume(self, state: bytes, *, fuel: int = FUEL_PER_CALL) -> "Session":
        """A session that goes on where a suspended one stopped."""
        return self._session(fuel, "resume", state)

    def _session(self, fuel: int, maker: str, *arguments: Any) -> "Session":
        return Session(_Resource(self, "session", f"[static]session.{maker}", fuel, *arguments))

    def _export(self, interface: str, function: str) -> ExportIndex:
        instance = self.compiled.get_export_index(PACKAGE.format(interface), None)
        index = self.compiled.get_export_index(function, instance)
        if instance is None or index is None:
            raise ValueError(f"the component has no {function} in {interface}")
        return index


class _Resource:
    """A resource, the only one in its instance. Not for use by two threads at once."""

    def __init__(
        self, component: Component, interface: str, maker: str, fuel: int, *arguments: Any
    ) -> None:
        self._component = component
        self._interface = interface
        self._fuel = fuel
        self._broken = False
        self._store = Store(component.engine)
        self._store.set_limits(memory_size=MEMORY_MAX)
        self._store.set_fuel(FUEL_PER_CALL)
        self._instance = component.linker.instantiate(self._store, component.compiled)
        made = self._invoke(maker, *arguments)
        if not isinstance(made, ResourceAny):
            raise CallFailed(_failure(made))
        self._handle = made

    def call(self, method: str, *arguments: Any) -> Any:
        """What a method of the resource answers."""
        name = f"[method]{self._interface}.{method}"
        return self._invoke(name, self._handle, *arguments)

    def _invoke(self, name: str, *arguments: Any) -> Any:
        if self._broken:
            raise Trap("the instance is over")
        index = self._component.export(self._interface, name)
        function = self._instance.get_func(self._store, index)
        assert function is not None, f"{name} is a function"
        self._store.set_fuel(self._fuel)
        try:
            return function(self._store, *arguments)
        except WasmtimeError as error:
            self._broken = True
            raise Trap(str(error)) from error


class Acceptor:
    """Tells who a stranger is. Not for use by two threads at once.

    What it was made of is needed for the sessions of those it authenticates.
    """

    def __init__(
        self, component: Component, config: ServerConfig, psks: list[bytes], fuel: int
    ) -> None:
        self.component = component
        self.config = config
        self.psks = psks
        self._fuel = fuel
        self._resource = self._make()

    def identify(self, our_nonce: bytes, received: bytes) -> Verdict:
        """Who sent all this?"""
        answer = self._call("identify", our_nonce, received)
        if isinstance(answer, int):
            return More(answer)
        if isinstance(answer, Variant):
            return Refused(_peer_failure(answer))
        if isinstance(answer, str):
            raise CallFailed(_failure(answer))
        index, length = getattr(answer, "psk-index"), getattr(answer, "hello-len")
        return Authenticated(index, KeyExchange(getattr(answer, "key-exchange")), length)

    def fault_at_eof(self, our_nonce: bytes, received: bytes) -> PeerFailure:
        """What was wrong with a stranger that stopped here?"""
        answer = self._call("fault-at-eof", our_nonce, received)
        if isinstance(answer, str):
            raise CallFailed(_failure(answer))
        return _peer_failure(answer)

    def _call(self, method: str, *arguments: bytes) -> Any:
        try:
            return self._resource.call(method, *arguments)
        except Trap:
            # Over for this stranger alone: nothing was kept for others.
            self._resource = self._make()
            raise

    def _make(self) -> _Resource:
        config = _server_config(self.config)
        maker = "[constructor]acceptor"
        return _Resource(self.component, "acceptor", maker, self._fuel, config, self.psks)


class Session:
    """One end of one connection. Not for use by two threads at once."""

    def __init__(self, resource: _Resource) -> None:
        self._resource = resource

    def start(self) -> Output:
        """Begin: our first bytes go to the peer."""
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

    def suspend(self) -> bytes:
        """The whole state, secret and good for one `Component.resume`."""
        answer = self._resource.call("suspend")
        if not isinstance(answer, bytes):
            raise CallFailed(_failure(answer))
        return answer

    def psk_id(self) -> bytes | None:
        """Which key the session was made with."""
        identity: bytes | None = self._resource.call("psk-id")
        return identity

    def _call(self, method: str, *arguments: bytes) -> Output:
        record = self._resource.call(method, *arguments)
        to_crypt, to_plain = getattr(record, "to-crypt"), getattr(record, "to-plain")
        return Output(to_crypt, to_plain, _status(record.status))


# A variant whose cases differ in their Python types goes and comes without its
# tag, as do all results.


def _client_config(config: ClientConfig) -> str | None:
    return config.forward_secrecy.value if isinstance(config, Modp2048Config) else None


def _server_config(config: ServerConfig) -> Variant:
    if isinstance(config, X25519Config):
        return Variant("x25519")
    tag = "modp2048" if isinstance(config, Modp2048Config) else "any"
    return Variant(tag, config.forward_secrecy.value)


def _status(status: Variant) -> Status:
    return _failure(status.payload) if status.tag == "failed" else Stage(status.tag)


def _failure(failure: Variant | str | None) -> Failure:
    if failure is None:
        return Exhausted()
    if isinstance(failure, str):
        return Misused(Misuse(failure))
    return _peer_failure(failure)


def _peer_failure(variant: Variant) -> PeerFailure:
    fault, payload = PeerFault(variant.tag), variant.payload
    if isinstance(payload, Record):
        return PeerFailure(fault, getattr(payload, "packet-number"), getattr(payload, "length"))
    return PeerFailure(fault, payload)
