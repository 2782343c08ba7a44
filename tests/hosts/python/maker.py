"""What makes acceptors and sessions: the package, or the oracle."""

from typing import Protocol

from spiped_pipe import Acceptor, Session
from spiped_pipe.types import ClientConfig, Output, PeerFailure, ServerConfig, Verdict


class AnyAcceptor(Protocol):
    """The calls of an acceptor, whoever implements it. They raise `CallFailed`."""

    def identify(self, our_nonce: bytes, received: bytes) -> Verdict: ...
    def fault_at_eof(self, our_nonce: bytes, received: bytes) -> PeerFailure: ...


class AnySession(Protocol):
    """The calls of a session, whoever implements it. `suspend` raises `CallFailed`."""

    def start(self) -> Output: ...
    def compute(self) -> Output: ...
    def handle_crypt(self, data: bytes) -> Output: ...
    def handle_plain(self, data: bytes) -> Output: ...
    def crypt_eof(self) -> Output: ...
    def plain_eof(self) -> Output: ...
    def suspend(self) -> bytes | bytearray: ...
    def psk_id(self) -> bytes | None: ...


class Maker(Protocol):
    """What makes them. All raise `CallFailed`."""

    def acceptor(self, config: ServerConfig, psks: list[bytes]) -> AnyAcceptor: ...
    def connect(self, config: ClientConfig, psk: bytes, entropy: bytes) -> AnySession: ...
    def accept(
        self, config: ServerConfig, our_nonce: bytes, hello: bytes, psk: bytes, entropy: bytes
    ) -> AnySession: ...
    def resume(self, state: bytes) -> AnySession: ...


class Package:
    """Those of the package."""

    def acceptor(self, config: ServerConfig, psks: list[bytes]) -> AnyAcceptor:
        return Acceptor(config, psks)

    def connect(self, config: ClientConfig, psk: bytes, entropy: bytes) -> AnySession:
        return Session.connect(config, psk, entropy)

    def accept(
        self, config: ServerConfig, our_nonce: bytes, hello: bytes, psk: bytes, entropy: bytes
    ) -> AnySession:
        return Session.accept(config, our_nonce, hello, psk, entropy)

    def resume(self, state: bytes) -> AnySession:
        return Session.resume(state)
