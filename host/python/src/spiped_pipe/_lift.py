"""Results of the component as Python's types: see `docs/core-module.md`."""

from struct import Struct

from spiped_pipe._guest import Nonsense, take, take_secret, view_of
from spiped_pipe.types import (
    AnyConfig,
    Authenticated,
    ClientConfig,
    Exhausted,
    Failure,
    ForwardSecrecy,
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

_U32 = Struct("<I")
_U64 = Struct("<Q")

# Cases are counted as the WIT lists them, and so do the classes.
_FORWARD_SECRECIES = tuple(ForwardSecrecy)
_KEY_EXCHANGES = tuple(KeyExchange)
_STAGES = tuple(Stage)
_PEER_FAULTS = tuple(PeerFault)
_MISUSES = tuple(Misuse)


def client_config(config: ClientConfig) -> tuple[int, int]:
    """The two words that stand for it."""
    match config:
        case Modp2048Config(forward_secrecy):
            return 0, _FORWARD_SECRECIES.index(forward_secrecy)
        case X25519Config():
            return 1, 0
    raise TypeError(f"not a client's config: {config!r}")


def server_config(config: ServerConfig) -> tuple[int, int]:
    """The two words that stand for it."""
    match config:
        case AnyConfig(forward_secrecy):
            return 2, _FORWARD_SECRECIES.index(forward_secrecy)
        case _:
            return client_config(config)


def output(view: memoryview, at: int) -> Output:
    """The record `output`."""
    to_crypt, plain = take(view, at), view_of(view, at + 8)
    to_plain = bytes(plain)
    plain[:] = bytes(len(plain))
    return Output(to_crypt, to_plain, _status(view, at + 16))


def _status(view: memoryview, at: int) -> Status:
    case = view[at]
    if case < len(_STAGES):
        return _STAGES[case]
    if case == len(_STAGES):
        return failure(view, at + 8)
    raise Nonsense(f"no status {case}")


def failure(view: memoryview, at: int) -> Failure:
    """The variant `failure`."""
    match view[at]:
        case 0:
            return peer_failure(view, at + 8)
        case 1:
            return misused(view, at + 8)
        case 2:
            return Exhausted()
        case case:
            raise Nonsense(f"no failure {case}")


def peer_failure(view: memoryview, at: int) -> PeerFailure:
    """The variant `peer-fault`."""
    fault = _PEER_FAULTS[view[at]]
    if fault is PeerFault.FORGED_PACKET:
        return PeerFailure(fault, *_U64.unpack_from(view, at + 8))
    if fault is PeerFault.BAD_LENGTH:
        return PeerFailure(fault, *_U64.unpack_from(view, at + 8), *_U32.unpack_from(view, at + 16))
    return PeerFailure(fault)


def misused(view: memoryview, at: int) -> Misused:
    """The enum `misuse`."""
    return Misused(_MISUSES[view[at]])


def verdict(view: memoryview, at: int) -> Verdict | Misused:
    """What `identify` answers."""
    if _is_error(view, at):
        return misused(view, at + 8)
    match view[at + 8]:
        case 0:
            return More(*_U32.unpack_from(view, at + 16))
        case 1:
            (index,), (length,) = _U32.unpack_from(view, at + 16), _U32.unpack_from(view, at + 24)
            return Authenticated(index, _KEY_EXCHANGES[view[at + 20]], length)
        case 2:
            return Refused(peer_failure(view, at + 16))
        case case:
            raise Nonsense(f"no verdict {case}")


def fault(view: memoryview, at: int) -> PeerFailure | Misused:
    """What `fault-at-eof` answers."""
    return misused(view, at + 8) if _is_error(view, at) else peer_failure(view, at + 8)


def handle_or_misuse(view: memoryview, at: int) -> int | Misused:
    """What the constructors answer but `accept`."""
    return misused(view, at + 4) if _is_error(view, at) else _handle(view, at + 4)


def handle_or_failure(view: memoryview, at: int) -> int | Failure:
    """What `accept` answers."""
    return failure(view, at + 8) if _is_error(view, at) else _handle(view, at + 8)


def state(view: memoryview, at: int) -> bytearray | Failure:
    """What `suspend` answers."""
    return failure(view, at + 8) if _is_error(view, at) else take_secret(view, at + 8)


def psk_id(view: memoryview, at: int) -> bytes | None:
    """What `psk-id` answers."""
    return take(view, at + 4) if _is_error(view, at) else None


def _is_error(view: memoryview, at: int) -> bool:
    """Of the two cases of a `result` or an `option`, whether it is the second."""
    if view[at] > 1:
        raise Nonsense(f"no result {view[at]}")
    return view[at] == 1


def _handle(view: memoryview, at: int) -> int:
    (handle,) = _U32.unpack_from(view, at)
    return int(handle)
