"""Agreement on a new key between two hosts over an untrusted network.

Two ends exchange three short messages and then derive the same 32 random bytes: the
content of a new key file. An eavesdropper learns nothing about these bytes. A man in
the middle could run one exchange with each end. One of two methods prevents that:

- **Comparing**: both ends show a string of twelve digits, and a person who sees or
  hears both checks that they are equal.
- **A code** that both ends were given beforehand, by voice or by hand. Use a code for
  one run only.

`wit/pairing.wit` lists what a host has to do: above all, accept one peer per run, and
let a person start each run.
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
    """What the peer or an active attacker did wrong. This end has made no key."""

    NOT_PAIRING = "not-pairing"
    """The bytes received are not this protocol. On a server whose status was
    `WAITING`: drop this connection and wait for another. On a client: the
    address is wrong."""

    SAME_SIDE = "same-side"
    """The peer has the same side as this end: both ends connect to each other
    through a relay, or our own bytes are reflected."""

    OTHER_MODE = "other-mode"
    """One end was given a code and the other was not."""

    BAD_COMMITMENT = "bad-commitment"
    """The client's public value does not match its commitment. This does not
    happen by accident: there is an active attacker."""

    BAD_PUBLIC_VALUE = "bad-public-value"
    """The peer's public value is our own, has low order (anyone could compute
    the shared value), or does not encode a group element. This does not happen
    by accident: there is an active attacker, or both ends used the same
    randomness."""

    WRONG_CONFIRMATION = "wrong-confirmation"
    """The peer's confirmation did not verify: the codes differ, or an active
    attacker tried to guess the code. Use a new code for the next run."""

    SURPLUS = "surplus"
    """The peer sent more bytes than the protocol has. This does not happen by
    accident either."""

    TRUNCATED = "truncated"
    """The stream ended too early. The user of the other host rejected the
    string or interrupted, the code was wrong there, or the connection broke. A
    failed active attack is indistinguishable from these."""


class Misuse(Enum):
    """What our own host did wrong: a bug in the host."""

    CODE_LENGTH = "code-length"
    """The code has fewer than 6 or more than 1024 characters, not counting
    spaces and hyphens."""

    CODE_CHARACTERS = "code-characters"
    """The code contains characters other than printable ASCII."""

    ENTROPY_LENGTH = "entropy-length"
    """The entropy is not 32 bytes long."""

    BROKEN_RANDOMNESS = "broken-randomness"
    """All bytes of the entropy are equal: the host's random generator is
    broken."""

    START_ORDER = "start-order"
    """`start` was called twice, or another call came before it."""

    NOTHING_TO_CONFIRM = "nothing-to-confirm"
    """`confirm` or `reject` was called while the status was not `Comparing`."""

    NO_KEY = "no-key"
    """`take_key` was called before `AGREED`, or twice."""

    AFTER_EOF = "after-eof"
    """`receive` or `eof` was called after `eof`."""


class Rejected(Enum):
    """The user reported that the strings differ: there is an active attacker, or the
    user compared the wrong strings."""

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
    """The progress of an exchange, if there is nothing to compare."""

    WAITING = "waiting"
    """The peer's first message is not complete yet."""

    EXCHANGING = "exchanging"
    """The peer speaks this protocol; more of its bytes are needed."""

    CONFIRMED = "confirmed"
    """This end has confirmed; the peer has not confirmed yet."""

    AGREED = "agreed"
    """Both ends have confirmed: the key can be taken."""


@dataclass(frozen=True)
class Comparing:
    """Call `confirm` if both ends show the same string, otherwise `reject`."""

    string: str
    """Twelve decimal digits and two spaces, as in `0123 4567 8901`."""


Status = Stage | Comparing


@dataclass(frozen=True)
class Output:
    """The result of a call that succeeded."""

    to_peer: bytes
    """Bytes to send to the peer. May be empty."""
    status: Status
    """The progress of the exchange after the call."""


class Exchange(Resource):
    """One end of one pairing, in an instance of its own. Not thread-safe."""

    def __init__(self, side: Side, code: str | None, entropy: BytesLike) -> None:
        """An exchange that has not begun. The client opens the connection.

        `code` must be the same at both ends: 6 to 1024 printable ASCII characters.
        Spaces, hyphens and surrounding white space are ignored; upper and lower case are
        equivalent. A host should refuse codes that are easy to guess. Without a code, the
        user compares strings.

        `entropy` is 32 bytes from a cryptographic random generator. Never use the same
        bytes twice.
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
        """Begins the exchange: call it once, before any other method. `to_peer` is a
        client's first message; it is empty on a server, which speaks second."""
        return self._method("start", _output)

    def receive(self, data: BytesLike) -> Output:
        """Consumes bytes from the peer. Bytes that arrive after `AGREED` are ignored."""
        return self._method("receive", _output, data)

    def confirm(self) -> Output:
        """The user has confirmed that both ends show the same string."""
        return self._method("confirm", _output)

    def reject(self) -> None:
        """The user has reported that the strings differ. The exchange is over."""
        self._method("reject", _nothing)

    def eof(self) -> None:
        """The peer's stream has ended. Fails unless the status is `AGREED`."""
        self._method("eof", _nothing)

    def take_key(self) -> bytearray:
        """The content of the key file: 32 bytes, secret; wipe it after use. Can be called
        once, after `AGREED`."""
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
