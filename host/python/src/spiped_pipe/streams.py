"""Pipes as asyncio's streams.

>>> reader, writer = await open_connection("192.0.2.1", 8025, key="key")
>>> writer.write(b"hello")
>>> await reader.read(100)
b'...'

They are asyncio's own `StreamReader` and `StreamWriter`, with one difference: if
a pipe breaks, what was authenticated before is read first, and then reading
raises. Never does a truncated stream look like one that has ended.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from spiped_pipe._settings import KeyFile
from spiped_pipe.client import create_connection
from spiped_pipe.server import create_server, logger

LIMIT = 64 << 10
"""How much a reader holds before the connection is no longer read: asyncio's."""

ClientConnected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None] | None]


async def open_connection(
    host: str | None = None, port: int | None = None, *, limit: int = LIMIT, **options: Any
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connects to a `spiped -d` and shakes hands.

    As `asyncio.open_connection`; the other `options` are those of
    `create_connection`: `key`, `psk`, `key_exchange`, `forward_secrecy`,
    `timeout`, `path`.
    """
    loop = asyncio.get_running_loop()
    reader = PipeReader(limit, loop)

    def protocol() -> asyncio.StreamReaderProtocol:
        return _StreamProtocol(reader)

    transport, made = await create_connection(protocol, host, port, **options)
    return reader, asyncio.StreamWriter(transport, made, reader, loop)


async def start_server(
    client_connected_cb: ClientConnected,
    host: str | Sequence[str] | None = None,
    port: int | None = None,
    *,
    limit: int = LIMIT,
    **options: Any,
) -> asyncio.Server:
    """Accepts pipes, as `spiped -d` does.

    As `asyncio.start_server`; the other `options` are those of `create_server`:
    `key`, `psks`, `key_exchange`, `forward_secrecy`, `handshake_timeout`,
    `strangers_max`, `path`.

    If `client_connected_cb` raises, its connection is reset: the peer does not
    take what it has got for all. A `ConnectionError` is logged as WARNING, anything
    else goes to the loop's exception handler.
    """
    loop = asyncio.get_running_loop()
    # The loop itself forgets tasks.
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            result = client_connected_cb(reader, writer)
            if inspect.isawaitable(result):
                await result
        except BaseException as error:
            if loop.is_closed():
                # It is collected: whatever its handler tried then, nothing can be done.
                return
            writer.transport.abort()
            if isinstance(error, ConnectionError):
                # Anyone may break off: that is no bug here.
                logger.warning("%s: %s", writer.get_extra_info("peername"), error)
            elif isinstance(error, Exception):
                context = {"message": "a client's handler failed", "exception": error}
                loop.call_exception_handler(context | {"transport": writer.transport})
            else:
                raise

    def start(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = loop.create_task(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def protocol() -> asyncio.StreamReaderProtocol:
        return _StreamProtocol(PipeReader(limit, loop), start)

    return await create_server(protocol, host, port, **options)


class PipeReader(asyncio.StreamReader):
    """A `StreamReader` that raises the failure of the pipe after all data is read."""

    def __init__(self, limit: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit, loop)
        self._broken: BaseException | None = None

    def set_exception(self, exc: BaseException) -> None:
        self._broken = exc
        self.feed_eof()

    def exception(self) -> BaseException | None:  # type: ignore[override]
        return self._broken

    def at_eof(self) -> bool:
        return self._broken is None and super().at_eof()

    async def read(self, n: int = -1) -> bytes:
        data = await super().read(n)
        # All that there is can be had no more; some of it, as long as it lasts.
        if self._broken is not None and n != 0 and (n < 0 or not data):
            raise self._broken
        return data

    async def readexactly(self, n: int) -> bytes:
        try:
            return await super().readexactly(n)
        except asyncio.IncompleteReadError as incomplete:
            raise self._broken or incomplete from incomplete

    async def readuntil(self, separator: Any = b"\n") -> bytes:
        try:
            return await super().readuntil(separator)
        except asyncio.IncompleteReadError as incomplete:
            raise self._broken or incomplete from incomplete


class _StreamProtocol(asyncio.StreamReaderProtocol):
    """Between a pipe's transport and its reader and writer."""

    def __init__(
        self, reader: PipeReader, client_connected_cb: ClientConnected | None = None
    ) -> None:
        super().__init__(reader, client_connected_cb)
        self._pipe_reader = reader
        self._ended = False

    def eof_received(self) -> bool | None:
        self._ended = True
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        # If we have closed it before the peer's end, its stream has none.
        if exc is None and not self._ended:
            self._pipe_reader.set_exception(ConnectionAbortedError("closed before the peer's end"))
        super().connection_lost(exc)
