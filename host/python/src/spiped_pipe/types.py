"""Arguments and results of acceptors and sessions: the types of `wit/pipe.wit`.

`str` of a value is how transcripts write it.
"""

from dataclasses import dataclass
from enum import Enum


class Side(Enum):
    """An end of the wire protocol.

    Data flows in both directions on either side. The two ends of a connection
    must have different sides.
    """

    CLIENT = "client"
    """The end that opens the encrypted connection: `spiped -e`, `spipe`."""

    SERVER = "server"
    """The end that accepts the encrypted connection: `spiped -d`."""


class KeyExchange(Enum):
    """The Diffie-Hellman exchange of the handshake.

    The client chooses, and its first message tells the server. Nothing is
    negotiated, so there is nothing to downgrade.
    """

    MODP2048 = "modp2048"
    """RFC 3526 group 14, as in Tarsnap's spiped: every spiped supports it."""

    X25519 = "x25519"
    """RFC 7748 X25519. It takes a quarter of the computing time, always
    provides forward secrecy, and adds an authenticated end mark for each
    direction, so that a truncated stream is detected. Both ends must be this
    implementation."""


class ForwardSecrecy(Enum):
    """Forward secrecy with `modp2048`.

    That is: whether traffic recorded today stays secret if the pre-shared key
    leaks later.
    """

    OFFER = "offer"
    """Do the Diffie-Hellman exchange; accept a peer that omits it."""

    REQUIRE = "require"
    """Do the exchange; refuse a peer whose public value fixes the shared value
    (0, 1 or p-1). Tarsnap's `-g`."""

    OMIT = "omit"
    """Send the public value 1 and compute nothing: the connection has no
    forward secrecy. Tarsnap's `-f`."""


@dataclass(frozen=True)
class Modp2048Config:
    """Only the key exchange `modp2048`."""

    forward_secrecy: ForwardSecrecy = ForwardSecrecy.OFFER

    def __str__(self) -> str:
        return f"modp2048 {self.forward_secrecy.value}"


@dataclass(frozen=True)
class X25519Config:
    """Only the key exchange `x25519`. It always provides forward secrecy."""

    def __str__(self) -> str:
        return "x25519"


@dataclass(frozen=True)
class AnyConfig:
    """For a server: either key exchange, as the client chooses."""

    forward_secrecy: ForwardSecrecy = ForwardSecrecy.OFFER

    def __str__(self) -> str:
        return f"any {self.forward_secrecy.value}"


ClientConfig = Modp2048Config | X25519Config
ServerConfig = Modp2048Config | X25519Config | AnyConfig


class Stage(Enum):
    """The state of a session that has not failed."""

    HANDSHAKING = "handshaking"
    """Waiting for bytes from the crypt side."""

    WANTS_COMPUTE = "wants-compute"
    """A public value or a shared value has to be computed: call `compute`, and
    do not read from the crypt side before that."""

    ESTABLISHED = "established"
    """The handshake is complete: both directions carry data."""

    def __str__(self) -> str:
        return self.value


class PeerFault(Enum):
    """What the peer or an active attacker did wrong.

    The host closes the connection in every case; the cases say what else it
    should do.
    """

    WRONG_KEY = "wrong-key"
    """The MAC of the key share did not verify: the peer has none of our keys,
    does not speak this protocol, or the handshake was corrupted in transit. A
    server sees this from every stranger: limit how much of it is logged. A
    client should tell its user; retrying is pointless."""

    KEY_EXCHANGE_NOT_ACCEPTED = "key-exchange-not-accepted"
    """A client that has one of our keys uses `x25519`, and this server accepts
    only `modp2048`: change the setting at one of the ends."""

    REFLECTED = "reflected"
    """The peer sent our own nonce or our own public value: our bytes are being
    reflected, or both ends have the same randomness, as clones of one virtual
    machine may have. Raise an alert."""

    PUBLIC_VALUE_OUT_OF_RANGE = "public-value-out-of-range"
    """The peer's public value is not below the group's prime. Only a broken or
    malicious holder of the key can cause this: raise an alert. Retrying is
    pointless."""

    LOW_ORDER_PUBLIC_VALUE = "low-order-public-value"
    """The peer's X25519 public value has low order: the shared value would be
    0, whatever our public value is. Only a broken or malicious holder of the
    key can cause this: raise an alert. Retrying is pointless."""

    NO_FORWARD_SECRECY = "no-forward-secrecy"
    """The peer omits forward secrecy, and this end requires it: change the
    setting at one of the ends. Retrying is pointless."""

    FORGED_PACKET = "forged-packet"
    """The MAC of a packet did not verify: the stream was
    modified, reordered, replayed or truncated in transit. Reset the
    application's connection and raise an alert: TCP does not cause this by
    accident. A new connection may work."""

    BAD_LENGTH = "bad-length"
    """An authenticated packet declares an impossible length. Only a broken or
    malicious holder of the key can cause this: reset the application's
    connection and raise an alert."""

    DATA_AFTER_END_MARK = "data-after-end-mark"
    """Bytes followed the end mark (`x25519` only): reset the application's
    connection and raise an alert. The bytes before the end mark are
    authenticated and complete."""

    TRUNCATED_IN_HANDSHAKE = "truncated-in-handshake"
    """The crypt side ended before the handshake was complete. On a client, the
    usual reason is that the server refused it: a server sends nothing to a peer
    that it refuses. On a server, the usual reasons are a port scan and the
    client's time limit."""

    TRUNCATED_IN_PACKET = "truncated-in-packet"
    """The crypt side ended inside a packet. Reset the application's connection,
    so that it does not take this for a clean end. A new connection may work.
    With `modp2048`, an end between two packets is indistinguishable from a
    clean end: that protocol has no end mark."""

    TRUNCATED_BEFORE_END_MARK = "truncated-before-end-mark"
    """The crypt side ended between two packets, without the end mark (`x25519`
    only): the peer crashed, or an active attacker truncated the stream. Reset
    the application's connection. A new connection may work."""


class Misuse(Enum):
    """What our own host did wrong: a bug in the host.

    The call had no effect on either stream.
    """

    PSK_LENGTH = "psk-length"
    """A pre-shared key is not 32 bytes long."""

    DUPLICATE_PSK = "duplicate-psk"
    """The same pre-shared key was given twice: the acceptor could not say which
    of the two a peer has."""

    NONCE_LENGTH = "nonce-length"
    """Our nonce is not 32 bytes long."""

    ENTROPY_LENGTH = "entropy-length"
    """The entropy does not have the length that the call requires."""

    BROKEN_RANDOMNESS = "broken-randomness"
    """The nonce and the exponent are equal (64 equal bytes are such a case):
    the host's random generator is broken. Do not retry with random bytes from
    elsewhere."""

    HELLO_LENGTH = "hello-length"
    """The hello does not have the length that the acceptor returned."""

    START_ORDER = "start-order"
    """`start` was called twice, or another call came before it."""

    NOTHING_TO_COMPUTE = "nothing-to-compute"
    """`compute` was called while the status was not `WANTS_COMPUTE`."""

    COMPUTE_FIRST = "compute-first"
    """More than 67840 bytes (64 packets) from the crypt side were passed in
    before `compute` was called. Stop reading while the status is
    `WANTS_COMPUTE`."""

    NOT_ESTABLISHED = "not-established"
    """`handle_plain`, `plain_eof` or `suspend` was called before
    `ESTABLISHED`."""

    AFTER_EOF = "after-eof"
    """More bytes, or a second end, were passed in from a side that has
    ended."""

    SUSPENDED = "suspended"
    """The session was suspended, so this object cannot be used any more."""

    BAD_STATE = "bad-state"
    """The state given to `resume` was not returned by `suspend`, was damaged,
    or has a version that this component does not read."""


@dataclass(frozen=True)
class PeerFailure:
    """The peer or an active attacker is at fault."""

    fault: PeerFault
    packet_number: int | None = None
    """The packet's number, counted from 0, with `FORGED_PACKET` and `BAD_LENGTH`."""
    length: int | None = None
    """The declared length in bytes, with `BAD_LENGTH`."""

    @property
    def case(self) -> str:
        """The fault's name and its values."""
        numbers = [str(n) for n in (self.packet_number, self.length) if n is not None]
        return " ".join([self.fault.value, *numbers])

    def __str__(self) -> str:
        return f"failed peer {self.case}"


@dataclass(frozen=True)
class Misused:
    """Our own host is at fault."""

    misuse: Misuse

    def __str__(self) -> str:
        return f"failed misuse {self.misuse.value}"


@dataclass(frozen=True)
class Exhausted:
    """2^64 - 1 packets were sent in one direction, and there is no number for the
    next one. The packets before it are in the output."""

    def __str__(self) -> str:
        return "failed exhausted"


Failure = PeerFailure | Misused | Exhausted
"""Why a session failed. The first failure is final: every later call returns it
again, with no bytes."""

Status = Stage | Failure
"""The state of a session."""


@dataclass(frozen=True)
class More:
    """At least this many more bytes are needed.

    The number depends on how many bytes have arrived, not on the keys or on what
    the bytes are. Only a reflected nonce is refused earlier.
    """

    count: int

    def __str__(self) -> str:
        return f"more {self.count}"


@dataclass(frozen=True)
class Authenticated:
    """A stranger that has one of our keys."""

    psk_index: int
    """The index of its key in the list that the acceptor was constructed with."""
    key_exchange: KeyExchange
    """The key exchange that the client chose."""
    hello_len: int
    """How many of the received bytes are the client's hello: its nonce and its key
    share. The bytes after it belong to the session."""

    def __str__(self) -> str:
        return f"authenticated {self.psk_index} {self.key_exchange.value} {self.hello_len}"


@dataclass(frozen=True)
class Refused:
    """The stranger has none of our keys, or reflects our nonce."""

    failure: PeerFailure

    def __str__(self) -> str:
        return f"refused {self.failure.case}"


Verdict = More | Authenticated | Refused
"""The result for the bytes received so far. It does not depend on how they were
split over reads."""


@dataclass(frozen=True)
class Output:
    """The result of a call. Write both byte strings, in order, whatever the status
    is."""

    to_crypt: bytes
    """Bytes to send to the peer. May be non-empty even if the status is a failure:
    these bytes were produced before it."""
    to_plain: bytes
    """Authenticated bytes for the application. May be non-empty even if the status
    is a failure: these bytes were authenticated before it."""
    status: Status
    """The state of the session after the call."""
