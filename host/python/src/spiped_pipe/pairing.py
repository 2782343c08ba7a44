"""Making a key that two hosts share, over an untrusted network.

Two ends exchange three short messages and can then derive the same 32 random bytes,
the content of a new key file. An eavesdropper learns nothing about them. A man in
the middle could make one exchange with each end. One of two things prevents that:

- **Comparing**: both ends show a string of twelve digits, and a person who sees or
  hears both says whether they are equal.
- **A code** that was given to both ends beforehand, by voice or by hand. It is for
  one run.

What a host has to do is in `wit/pairing.wit`: above all, one peer per run, and no new
run without a person.
"""

from dataclasses import dataclass
from enum import Enum
from struct import Struct
from typing import TypeVar

from spiped_pipe import _code
from spiped_pipe._guest import (
    Argument,
    BytesLike,
    Guest,
    Lift,
    Nonsense,
    Resource,
    take,
    take_secret,
)
from spiped_pipe.types import Side

T = TypeVar("T")


class PeerFault(Enum):
    """What the peer, or an active attacker, did wrong. No key was made here."""

    NOT_PAIRING = "not-pairing"
    """What came is not this protocol. On a server, a stranger: drop it and wait for
    another, while the status was `WAITING`. On a client, the address is wrong."""

    SAME_SIDE = "same-side"
    """The other end plays the same side: both connect, through a relay, or our own
    bytes are reflected."""

    OTHER_MODE = "other-mode"
    """One end was given a code and the other was not."""

    BAD_COMMITMENT = "bad-commitment"
    """The client's public value is not the one it had committed itself to. This does
    not happen by accident: there is an active attacker."""

    BAD_PUBLIC_VALUE = "bad-public-value"
    """The peer's public value makes the shared value known to everyone, is no value
    at all, or is our own. This does not happen by accident: there is an active
    attacker, or both ends have the same randomness."""

    WRONG_CONFIRMATION = "wrong-confirmation"
    """The peer's confirmation did not verify: the codes differ, or an active attacker
    tried to guess. Use a new code for the next run."""

    SURPLUS = "surplus"
    """The peer sent more than the protocol has. Not an accident either."""

    TRUNCATED = "truncated"
    """The stream ended too early. The user of the other host said no or interrupted, a
    code was wrong there, or the connection broke. An active attacker who has failed
    looks like that, too."""


class Misuse(Enum):
    """What our own host did wrong: a bug there."""

    CODE_LENGTH = "code-length"
    """The code has less than 6 characters or more than 1024, not counting spaces and
    hyphens."""

    CODE_CHARACTERS = "code-characters"
    """The code has characters that are not printable ASCII."""

    ENTROPY_LENGTH = "entropy-length"
    """The entropy is not 32 bytes long."""

    BROKEN_RANDOMNESS = "broken-randomness"
    """All bytes of the entropy are equal: the host's generator is broken."""

    START_ORDER = "start-order"
    """`start` was called twice, or another call came before it."""

    NOTHING_TO_CONFIRM = "nothing-to-confirm"
    """`confirm` or `reject` was called although the status was not `Comparing`."""

    NO_KEY = "no-key"
    """`take_key` was called before `AGREED`, or twice."""

    AFTER_EOF = "after-eof"
    """Bytes, or a second end, came after the stream's end."""


class Rejected(Enum):
    """The user said that the strings differ: there is an active attacker, or the wrong
    strings were compared."""

    REJECTED = "rejected"


Failure = PeerFault | Misuse | Rejected
"""Why an exchange failed. The first failure is final: every later call raises it
again."""


class PairingFailed(Exception):
    """An exchange failed. Close the connection, and keep nothing."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


class Stage(Enum):
    """Where an exchange stands, if there is nothing to compare."""

    WAITING = "waiting"
    """No complete first message of the peer has come yet."""

    EXCHANGING = "exchanging"
    """The peer speaks this protocol; more of its bytes are needed."""

    CONFIRMED = "confirmed"
    """We have confirmed; the peer has not yet."""

    AGREED = "agreed"
    """Both have confirmed: the key can be taken."""


@dataclass(frozen=True)
class Comparing:
    """Call `confirm` if both ends show the same string, else `reject`."""

    string: str
    """Twelve decimal digits and two spaces, as in `0123 4567 8901`."""


Status = Stage | Comparing


@dataclass(frozen=True)
class Output:
    """What a call produced."""

    to_peer: bytes
    """Bytes for the peer."""
    status: Status
    """Where the exchange stands after the call."""


class Exchange(Resource):
    """One end of one pairing, in an instance of its own. Not for two threads at once."""

    def __init__(self, side: Side, code: str | None, entropy: BytesLike) -> None:
        """The client is the end that opens the connection.

        With a code, both ends need the same one: 6 to 1024 printable ASCII characters.
        White space at its ends, spaces and hyphens do not count, and capital letters
        are the same as small ones. A host should refuse codes that are easy to guess.
        Without a code, the user compares.

        `entropy` is 32 bytes from a cryptographic generator. Never use the same bytes
        twice.
        """
        words: tuple[Argument, ...] = (0, 0, 0) if code is None else (1, code.encode())
        self._guest = Guest(_code.code(), "pairing")
        self._handle = 0
        try:
            arguments = (_SIDES.index(side), *words, entropy)
            self._handle = self._call("[constructor]exchange", _handle, *arguments)
        except BaseException:
            self.close()
            raise

    def start(self) -> Output:
        """Begin. A client's first message is in `to_peer`; a server sends nothing
        before it was spoken to. Call once, first."""
        return self._method("start", _output)

    def receive(self, data: BytesLike) -> Output:
        """Take bytes that came from the peer. Those that come after `AGREED` are not
        looked at."""
        return self._method("receive", _output, data)

    def confirm(self) -> Output:
        """The user says that both ends show the same string."""
        return self._method("confirm", _output)

    def reject(self) -> None:
        """The user says that they do not. The exchange is over."""
        self._method("reject", _nothing)

    def eof(self) -> None:
        """The peer's stream has ended. Fails unless the status is `AGREED`."""
        self._method("eof", _nothing)

    def take_key(self) -> bytearray:
        """The key file's content, 32 bytes: secret, to be wiped. Once, after `AGREED`."""
        return self._method("take-key", _key)

    def _method(self, name: str, lift: "Lift[T | _Failed]", *arguments: Argument) -> T:
        return self._call(f"[method]exchange.{name}", lift, self._handle, *arguments)

    def _call(self, name: str, lift: "Lift[T | _Failed]", *arguments: Argument) -> T:
        answer = self._guest.call(name, lift, *arguments)
        if isinstance(answer, _Failed):
            raise PairingFailed(answer.failure)
        return answer


@dataclass(frozen=True)
class _Failed:
    failure: Failure


_U32 = Struct("<I")
_SIDES = tuple(Side)
_PEER_FAULTS = tuple(PeerFault)
_MISUSES = tuple(Misuse)
# `comparing` comes between them.
_STAGES = {0: Stage.WAITING, 1: Stage.EXCHANGING, 3: Stage.CONFIRMED, 4: Stage.AGREED}
_COMPARING = 2


def _handle(view: memoryview, at: int) -> int | _Failed:
    if view[at]:
        return _Failed(_MISUSES[view[at + 4]])
    (handle,) = _U32.unpack_from(view, at + 4)
    return int(handle)


def _output(view: memoryview, at: int) -> Output | _Failed:
    if view[at]:
        return _failed(view, at + 4)
    case = view[at + 12]
    status: Status
    if case == _COMPARING:
        status = Comparing(take(view, at + 16).decode("ascii"))
    elif case in _STAGES:
        status = _STAGES[case]
    else:
        raise Nonsense(f"no status {case}")
    return Output(take(view, at + 4), status)


def _nothing(view: memoryview, at: int) -> None | _Failed:
    return _failed(view, at + 1) if view[at] else None


def _key(view: memoryview, at: int) -> bytearray | _Failed:
    return _failed(view, at + 4) if view[at] else take_secret(view, at + 4)


def _failed(view: memoryview, at: int) -> _Failed:
    match view[at]:
        case 0:
            return _Failed(_PEER_FAULTS[view[at + 1]])
        case 1:
            return _Failed(_MISUSES[view[at + 1]])
        case 2:
            return _Failed(Rejected.REJECTED)
        case case:
            raise Nonsense(f"no failure {case}")
