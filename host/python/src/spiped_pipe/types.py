"""What acceptors and sessions take and answer: the types of `wit/pipe.wit`.

`str` of a value is how transcripts write it.
"""

from dataclasses import dataclass
from enum import Enum


class Side(Enum):
    """The end of the wire protocol.

    Data flows both ways on either side; the two ends of one connection must
    differ.
    """

    CLIENT = "client"
    """The end that opens the encrypted connection: `spiped -e`, `spipe`."""

    SERVER = "server"
    """The end that accepts it: `spiped -d`."""


class KeyExchange(Enum):
    """The Diffie-Hellman exchange of the handshake.

    The client chooses; what it sends first tells the server. Nothing is
    negotiated, so that there is nothing to downgrade.
    """

    MODP2048 = "modp2048"
    """RFC 3526 group 14, as in upstream: every spiped understands it."""

    X25519 = "x25519"
    """RFC 7748 X25519: a quarter of the computing, always with forward secrecy,
    and an authenticated end mark for each direction, so that a truncated stream
    is detected. Between two ends of this implementation only."""


class ForwardSecrecy(Enum):
    """What this end does about forward secrecy with `modp2048`.

    That is: whether traffic recorded today stays secret if the pre-shared key
    leaks tomorrow.
    """

    OFFER = "offer"
    """Do the Diffie-Hellman exchange; accept a peer that omits it."""

    REQUIRE = "require"
    """Do the exchange; refuse a peer whose public value fixes the shared value
    (0, 1 or p-1). Upstream's `-g`."""

    OMIT = "omit"
    """Send the public value 1 and compute nothing. Upstream's `-f`."""


@dataclass(frozen=True)
class Modp2048Config:
    """The key exchange `modp2048` alone."""

    forward_secrecy: ForwardSecrecy = ForwardSecrecy.OFFER

    def __str__(self) -> str:
        return f"modp2048 {self.forward_secrecy.value}"


@dataclass(frozen=True)
class X25519Config:
    """The key exchange `x25519` alone. It always has forward secrecy."""

    def __str__(self) -> str:
        return "x25519"


@dataclass(frozen=True)
class AnyConfig:
    """A server's: whichever key exchange the client chooses."""

    forward_secrecy: ForwardSecrecy = ForwardSecrecy.OFFER

    def __str__(self) -> str:
        return f"any {self.forward_secrecy.value}"


ClientConfig = Modp2048Config | X25519Config
ServerConfig = Modp2048Config | X25519Config | AnyConfig


class Stage(Enum):
    """Where a session stands that has not failed."""

    HANDSHAKING = "handshaking"
    """Waiting for bytes from the crypt side."""

    WANTS_COMPUTE = "wants-compute"
    """A public or a shared value is to be computed: call `compute`, and stop
    reading from the crypt side until that is done."""

    ESTABLISHED = "established"
    """Both directions are open."""

    def __str__(self) -> str:
        return self.value


class PeerFault(Enum):
    """What the peer, or an active attacker, did wrong.

    The host closes the connection whatever it is; the cases tell it what to do
    besides.
    """

    WRONG_KEY = "wrong-key"
    """The key share's MAC did not verify: the peer has none of our keys, is no
    spiped at all, or the handshake was corrupted on the way. A server sees this
    from every stranger: log it, within limits. A client should tell its user;
    trying again is pointless."""

    KEY_EXCHANGE_NOT_ACCEPTED = "key-exchange-not-accepted"
    """A client with one of our keys uses `x25519`, and this server accepts
    `modp2048` alone: a setting to change on one of the ends."""

    REFLECTED = "reflected"
    """The peer sent our own nonce, or our own public value. Our bytes are being
    reflected, or both ends have the same randomness, as clones of one virtual
    machine may: alert."""

    PUBLIC_VALUE_OUT_OF_RANGE = "public-value-out-of-range"
    """The peer's public value is not below the group's prime. Only a broken or
    malicious holder of the key can cause this: alert. Trying again is
    pointless."""

    LOW_ORDER_PUBLIC_VALUE = "low-order-public-value"
    """The peer's X25519 public value is of low order: the shared value would be
    0 whatever ours is. As bad as the case before."""

    NO_FORWARD_SECRECY = "no-forward-secrecy"
    """The peer omits forward secrecy and we require it: a setting to change on
    one of the ends. Trying again is pointless."""

    FORGED_PACKET = "forged-packet"
    """The MAC of a packet did not verify: the stream was changed, reordered,
    repeated or truncated on the way. Reset the application's connection, and
    alert: TCP does not do this by accident. A new connection may work."""

    BAD_LENGTH = "bad-length"
    """An authenticated packet declares an impossible length. Only a broken or
    malicious holder of the key can cause this: reset, and alert."""

    DATA_AFTER_END_MARK = "data-after-end-mark"
    """Bytes came after the end mark (`x25519`): reset, and alert. What came
    before the mark is authenticated and complete."""

    TRUNCATED_IN_HANDSHAKE = "truncated-in-handshake"
    """The crypt side ended before the handshake was complete. From a server,
    this mostly means that it refused us: a server says nothing to a peer it
    refuses. From a client, it is a port scan or a time limit."""

    TRUNCATED_IN_PACKET = "truncated-in-packet"
    """The crypt side ended inside a packet: reset the application's connection,
    so that it does not take this for a clean end. A new connection may work.
    With `modp2048`, an end between two packets is indistinguishable from a
    clean end: that protocol has no end mark."""

    TRUNCATED_BEFORE_END_MARK = "truncated-before-end-mark"
    """The crypt side ended between two packets, but without the end mark
    (`x25519`): the peer died, or an active attacker truncated the stream. As
    bad as the case before."""


class Misuse(Enum):
    """What our own host did wrong: a bug there.

    Nothing was sent or lost that was not sent or lost before.
    """

    PSK_LENGTH = "psk-length"
    """A pre-shared key is not 32 bytes long."""

    DUPLICATE_PSK = "duplicate-psk"
    """The same pre-shared key was given twice: which of them a peer has could
    not be decided."""

    NONCE_LENGTH = "nonce-length"
    """Our nonce is not 32 bytes long."""

    ENTROPY_LENGTH = "entropy-length"
    """The entropy does not have the length that the call asks for."""

    BROKEN_RANDOMNESS = "broken-randomness"
    """The random bytes are not random: nonce and exponent are equal, or all
    their bytes are. The host's generator is broken; do not try again with
    anything else."""

    HELLO_LENGTH = "hello-length"
    """The hello is not as long as the acceptor said."""

    START_ORDER = "start-order"
    """`start` was called twice, or another call came before it."""

    NOTHING_TO_COMPUTE = "nothing-to-compute"
    """`compute` was called although the status was not `WANTS_COMPUTE`."""

    COMPUTE_FIRST = "compute-first"
    """More than 67840 bytes, a batch of packets, came from the crypt side
    before the value was computed: stop reading while the status is
    `WANTS_COMPUTE`."""

    NOT_ESTABLISHED = "not-established"
    """`handle_plain`, `plain_eof` or `suspend` was called before
    `ESTABLISHED`."""

    AFTER_EOF = "after-eof"
    """More bytes, or a second end, came from a side that has ended."""

    SUSPENDED = "suspended"
    """The session was suspended: it goes on elsewhere."""

    BAD_STATE = "bad-state"
    """The state given to `resume` is not one that `suspend` returned, was
    damaged, or is of a version that this component does not read."""


@dataclass(frozen=True)
class PeerFailure:
    """The peer's fault, or that of an active attacker."""

    fault: PeerFault
    packet_number: int | None = None
    """Of which packet, from 0: with `FORGED_PACKET` and `BAD_LENGTH`."""
    length: int | None = None
    """The length it declares, with `BAD_LENGTH`."""

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
    """2^64 - 1 packets were sent in one direction: there is no number for the
    next. Those before it are in the output."""

    def __str__(self) -> str:
        return "failed exhausted"


Failure = PeerFailure | Misused | Exhausted
"""Why a session failed. The first failure is final: every later call returns it
again, with no bytes."""

Status = Stage | Failure
"""Where a session stands."""


@dataclass(frozen=True)
class More:
    """At least this many more bytes are needed.

    That depends on how many have come, not on the keys. Only a reflected nonce
    is refused earlier.
    """

    count: int

    def __str__(self) -> str:
        return f"more {self.count}"


@dataclass(frozen=True)
class Authenticated:
    """A stranger that has one of our keys."""

    psk_index: int
    """Which, as an index into the keys that the acceptor was given."""
    key_exchange: KeyExchange
    """The key exchange the client has chosen."""
    hello_len: int
    """How many of the bytes make up its hello, nonce and key share. Those that
    follow belong to the session."""

    def __str__(self) -> str:
        return f"authenticated {self.psk_index} {self.key_exchange.value} {self.hello_len}"


@dataclass(frozen=True)
class Refused:
    """The stranger has none of our keys, or reflects our nonce."""

    failure: PeerFailure

    def __str__(self) -> str:
        return f"refused {self.failure.case}"


Verdict = More | Authenticated | Refused
"""What the bytes so far come to. How they were split over reads changes
nothing."""


@dataclass(frozen=True)
class Output:
    """What a call produced. All of it is the host's: write it, in order,
    whatever the status is."""

    to_crypt: bytes
    """Bytes for the peer. If the status is a failure, they were made before
    it."""
    to_plain: bytes
    """Authenticated bytes for the application. If the status is a failure, they
    were authenticated before it."""
    status: Status
    """Where the session stands after the call."""
