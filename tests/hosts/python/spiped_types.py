"""What an acceptor and a session take and answer, in Python's types.

The names are those of `wit/pipe.wit`. Whatever is answered prints as it is
written in transcripts.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Side(Enum):
    """The end of the wire protocol."""

    CLIENT = "client"
    SERVER = "server"


class KeyExchange(Enum):
    """The Diffie-Hellman exchange of the handshake."""

    MODP2048 = "modp2048"
    X25519 = "x25519"


class ForwardSecrecy(Enum):
    """What an end does about forward secrecy with `modp2048`."""

    OFFER = "offer"
    REQUIRE = "require"
    OMIT = "omit"


@dataclass(frozen=True)
class Modp2048Config:
    """The key exchange `modp2048` alone."""

    forward_secrecy: ForwardSecrecy = ForwardSecrecy.OFFER

    def __str__(self) -> str:
        return f"modp2048 {self.forward_secrecy.value}"


@dataclass(frozen=True)
class X25519Config:
    """The key exchange `x25519` alone."""

    def __str__(self) -> str:
        return "x25519"


@dataclass(frozen=True)
class AnyConfig:
    """Whichever key exchange the client chooses."""

    forward_secrecy: ForwardSecrecy = ForwardSecrecy.OFFER

    def __str__(self) -> str:
        return f"any {self.forward_secrecy.value}"


ClientConfig = Modp2048Config | X25519Config
ServerConfig = Modp2048Config | X25519Config | AnyConfig


class Stage(Enum):
    """Where a session stands that has not failed."""

    HANDSHAKING = "handshaking"
    WANTS_COMPUTE = "wants-compute"
    ESTABLISHED = "established"

    def __str__(self) -> str:
        return self.value


class PeerFault(Enum):
    """What the peer, or an active attacker, did wrong."""

    WRONG_KEY = "wrong-key"
    KEY_EXCHANGE_NOT_ACCEPTED = "key-exchange-not-accepted"
    REFLECTED = "reflected"
    PUBLIC_VALUE_OUT_OF_RANGE = "public-value-out-of-range"
    LOW_ORDER_PUBLIC_VALUE = "low-order-public-value"
    NO_FORWARD_SECRECY = "no-forward-secrecy"
    FORGED_PACKET = "forged-packet"
    BAD_LENGTH = "bad-length"
    DATA_AFTER_END_MARK = "data-after-end-mark"
    TRUNCATED_IN_HANDSHAKE = "truncated-in-handshake"
    TRUNCATED_IN_PACKET = "truncated-in-packet"
    TRUNCATED_BEFORE_END_MARK = "truncated-before-end-mark"


class Misuse(Enum):
    """What our own host did wrong."""

    PSK_LENGTH = "psk-length"
    DUPLICATE_PSK = "duplicate-psk"
    NONCE_LENGTH = "nonce-length"
    ENTROPY_LENGTH = "entropy-length"
    BROKEN_RANDOMNESS = "broken-randomness"
    HELLO_LENGTH = "hello-length"
    START_ORDER = "start-order"
    NOTHING_TO_COMPUTE = "nothing-to-compute"
    COMPUTE_FIRST = "compute-first"
    NOT_ESTABLISHED = "not-established"
    AFTER_EOF = "after-eof"
    SUSPENDED = "suspended"
    BAD_STATE = "bad-state"


@dataclass(frozen=True)
class PeerFailure:
    """The peer's fault."""

    fault: PeerFault
    packet_number: int | None = None
    length: int | None = None

    @property
    def case(self) -> str:
        """The fault's name and its values."""
        numbers = [str(n) for n in (self.packet_number, self.length) if n is not None]
        return " ".join([self.fault.value, *numbers])

    def __str__(self) -> str:
        return f"failed peer {self.case}"


@dataclass(frozen=True)
class Misused:
    """The host's fault."""

    misuse: Misuse

    def __str__(self) -> str:
        return f"failed misuse {self.misuse.value}"


@dataclass(frozen=True)
class Exhausted:
    """One direction's packet numbers are used up."""

    def __str__(self) -> str:
        return "failed exhausted"


Failure = PeerFailure | Misused | Exhausted
Status = Stage | Failure


class CallFailed(Exception):
    """A call that has no answer but a failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


@dataclass(frozen=True)
class More:
    """At least as many more bytes are needed."""

    count: int

    def __str__(self) -> str:
        return f"more {self.count}"


@dataclass(frozen=True)
class Authenticated:
    """The stranger has one of the keys."""

    psk_index: int
    key_exchange: KeyExchange
    hello_len: int

    def __str__(self) -> str:
        return f"authenticated {self.psk_index} {self.key_exchange.value} {self.hello_len}"


@dataclass(frozen=True)
class Refused:
    """The stranger has none of the keys."""

    failure: PeerFailure

    def __str__(self) -> str:
        return f"refused {self.failure.case}"


Verdict = More | Authenticated | Refused


@dataclass(frozen=True)
class Output:
    """What a call produced: all of it is to be written, in order."""

    to_crypt: bytes
    to_plain: bytes
    status: Status


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
    def suspend(self) -> bytes: ...
    def psk_id(self) -> bytes | None: ...


class Maker(Protocol):
    """What makes acceptors and sessions: an implementation. All raise `CallFailed`."""

    def acceptor(self, config: ServerConfig, psks: list[bytes]) -> AnyAcceptor: ...
    def connect(self, config: ClientConfig, psk: bytes, entropy: bytes) -> AnySession: ...
    def accept(
        self, config: ServerConfig, our_nonce: bytes, hello: bytes, psk: bytes, entropy: bytes
    ) -> AnySession: ...
    def resume(self, state: bytes) -> AnySession: ...
