"""What is raised."""

from spiped_pipe.types import Exhausted, Failure, Misused, PeerFailure, PeerFault


class CallFailed(Exception):
    """A call that has no answer but a failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class Trap(Exception):
    """The component broke off, ran into a limit, or answered nonsense.

    Its instance is gone, and with it the session.
    """


class PipeError(ConnectionError):
    """A pipe failed. Its connection has been reset.

    What was authenticated before is read first; then reading raises this.
    """

    def __init__(self, failure: Failure | Trap) -> None:
        super().__init__(_reason(failure))
        self.failure = failure

    @property
    def code(self) -> str:
        """The failure's name in `wit/pipe.wit`, such as `forged-packet`; or `trap`."""
        match self.failure:
            case PeerFailure(fault):
                return fault.value
            case Misused(misuse):
                return misuse.value
            case Exhausted():
                return "exhausted"
            case Trap():
                return "trap"


def pipe_error(error: BaseException) -> PipeError:
    """What is raised for something that a call has raised."""
    if isinstance(error, CallFailed):
        return PipeError(error.failure)
    return PipeError(error if isinstance(error, Trap) else Trap(repr(error)))


def _reason(failure: Failure | Trap) -> str:
    match failure:
        case PeerFailure(fault):
            return _REASONS[fault]
        case Misused(misuse):
            return f"misuse of the session: {misuse.value}"
        case Exhausted():
            return "all packet numbers of a direction are used up"
        case Trap():
            return f"the component broke down: {failure}"


_REASONS = {
    PeerFault.WRONG_KEY: "the peer does not have our key",
    PeerFault.KEY_EXCHANGE_NOT_ACCEPTED: "the client uses x25519, which is not accepted here",
    PeerFault.REFLECTED: "the peer sent our own nonce or public value",
    PeerFault.PUBLIC_VALUE_OUT_OF_RANGE: "the peer's public value is out of range",
    PeerFault.LOW_ORDER_PUBLIC_VALUE: "the peer's public value is of low order",
    PeerFault.NO_FORWARD_SECRECY: "the peer omits forward secrecy",
    PeerFault.FORGED_PACKET: "a packet was forged",
    PeerFault.BAD_LENGTH: "a packet has an impossible length",
    PeerFault.DATA_AFTER_END_MARK: "bytes came after the end mark",
    PeerFault.TRUNCATED_IN_HANDSHAKE: "the peer hung up in the handshake; does it have our key?",
    PeerFault.TRUNCATED_IN_PACKET: "the connection was truncated",
    PeerFault.TRUNCATED_BEFORE_END_MARK: "the connection was truncated before its end mark",
}
