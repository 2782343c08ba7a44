"""What an application's protocol writes to."""

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spiped_pipe._pipe import Pipe

# Of asyncio's own transports.
HIGH = 64 << 10


class PipeTransport(asyncio.Transport):
    """The transport of an established pipe.

    What `asyncio.Transport` promises, and in `get_extra_info` besides what the
    connection has: `key_exchange`, a `KeyExchange`, and on a server `psk_index`,
    which of the keys the peer has.
    """

    def __init__(self, pipe: "Pipe") -> None:
        super().__init__()
        self._pipe = pipe

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name in self._pipe.extra:
            return self._pipe.extra[name]
        return self._pipe.raw.get_extra_info(name, default)

    def get_protocol(self) -> asyncio.BaseProtocol:
        protocol = self._pipe.app
        if protocol is None:
            raise RuntimeError("the pipe has ended")
        return protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        if not isinstance(protocol, asyncio.Protocol):
            raise TypeError("a pipe takes an asyncio.Protocol")
        self._pipe.app = protocol

    def is_reading(self) -> bool:
        return self._pipe.is_reading

    def pause_reading(self) -> None:
        self._pipe.read(False)

    def resume_reading(self) -> None:
        self._pipe.read(True)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Bytes-like only: TypeError for anything else."""
        if not self._pipe.is_closing:
            self._pipe.write(data)
        else:
            memoryview(data)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """Ends our direction, with `x25519` by its end mark."""
        if not self._pipe.is_closing:
            self._pipe.write_eof()

    def get_write_buffer_size(self) -> int:
        return self._pipe.buffered()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        high, low = self._pipe.limits
        return low, high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        if high is None:
            high = HIGH if low is None else 4 * low
        if low is None:
            low = high // 4
        if not high >= low >= 0:
            raise ValueError(f"high ({high}) must be >= low ({low}) must be >= 0")
        self._pipe.set_limits(high, low)

    def is_closing(self) -> bool:
        return self._pipe.is_closing

    def close(self) -> None:
        """Sends what was written and the end of our direction, and closes.

        A peer that takes nothing for 30 seconds is reset.
        """
        self._pipe.close()

    def abort(self) -> None:
        """Ends the connection with a reset."""
        self._pipe.abort()
