"""What a session takes and answers, in Python's types.

The names are those of `wit/pipe.wit`; a failure prints as it is written in
transcripts.
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
    """What this end does about forward secrecy."""

    OFFER = "offer"
    REQUIRE = "require"
    OMIT = "omit"


class Stage(Enum):
    """Where a session stands that has not failed."""

    HANDSHAKING = "handshaking"
    COMPUTING = "computing"
    ESTABLISHED = "established"

    def __str__(self) -> str:
        return self.value


class PeerFault(Enum):
    """What the peer, or somebody between, did wrong."""

    WRONG_KEY = "wrong-key"
    PUBLIC_VALUE_OUT_OF_RANGE = "public-value-out-of-range"
    LOW_ORDER_PUBLIC_VALUE = "low-order-public-value"
    NO_FORWARD_SECRECY = "no-forward-secrecy"
    FORGED_PACKET = "forged-packet"
    BAD_LENGTH = "bad-length"
    DATA_AFTER_END = "data-after-end"
    CUT_OFF_IN_HANDSHAKE = "cut-off-in-handshake"
    CUT_OFF_IN_PACKET = "cut-off-in-packet"
    CUT_OFF_BEFORE_END = "cut-off-before-end"


class Misuse(Enum):
    """What our own host did wrong."""

    SECRET_LENGTH = "secret-length"
    SECRET_COUNT = "secret-count"
    ENTROPY_LENGTH = "entropy-length"
    CONTRADICTORY_CONFIG = "contradictory-config"
    START_ORDER = "start-order"
    NOTHING_TO_COMPUTE = "nothing-to-compute"
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

    def __str__(self) -> str:
        numbers = [str(n) for n in (self.packet_number, self.length) if n is not None]
        return " ".join(["failed peer", self.fault.value, *numbers])


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


@dataclass(frozen=True)
class Config:
    """How a session is to behave.

    No key exchange means whichever the client chooses, and is for servers.
    """

    side: Side
    key_exchange: KeyExchange | None
    forward_secrecy: ForwardSecrecy = ForwardSecrecy.OFFER


@dataclass(frozen=True)
class Output:
    """What a call produced: all of it is to be written, in order."""

    to_crypt: bytes
    to_plain: bytes
    status: Status


class AnySession(Protocol):
    """The calls of a session, whoever implements it."""

    def start(self) -> Output: ...
    def compute(self) -> Output: ...
    def handle_crypt(self, data: bytes) -> Output: ...
    def handle_plain(self, data: bytes) -> Output: ...
    def crypt_eof(self) -> Output: ...
    def plain_eof(self) -> Output: ...
    def suspend(self) -> bytes | Failure: ...
    def peer_secret(self) -> int | None: ...
    def key_exchange(self) -> KeyExchange | None: ...


class Maker(Protocol):
    """What makes sessions: an implementation."""

    def session(self, config: Config, secrets: list[bytes], entropy: bytes) -> AnySession: ...
    def resume(self, state: bytes) -> AnySession: ...
