"""Servers of pipes, and a man in the middle, for the tests of the package."""

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

from spiped_pipe import KeyExchange, start_server
from spiped_pipe.session import CRYPT_BATCH

PSK = bytes(range(32))
HOST = "127.0.0.1"
PACKET_LEN = CRYPT_BATCH // 64


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """All back, and the end."""
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


@asynccontextmanager
async def serving(serve: Callable[..., Any] = echo, **options: Any) -> Any:
    """The port of a server of pipes."""
    server = await start_server(serve, HOST, 0, psks=[PSK], **options)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


class Attacker:
    """A man in the middle who passes on all that the client sends, and of what the
    server sends the handshake and so many bytes more, the last one flipped if it is
    to be. Then the stream ends.
    """

    def __init__(self, port: int, handshake: int, more: int, flip: bool) -> None:
        self._port = port
        self._handshake = handshake
        self._more = more
        self._flip = flip

    async def __aenter__(self) -> int:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(HOST, self._port)
        forward = asyncio.ensure_future(self._forward(reader, server_writer))
        try:
            nonce = await server_reader.readexactly(32)
            writer.write(nonce)
            writer.write(await server_reader.readexactly(self._handshake - 32))
            data = bytearray(await server_reader.readexactly(self._more))
            if self._flip:
                data[-1] ^= 1
            writer.write(data)
            writer.write_eof()
            await asyncio.wait([forward])
        except asyncio.CancelledError:
            # The test is over. asyncio would report it as a fault.
            pass
        finally:
            forward.cancel()
            server_writer.close()
            writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)


# What a server sends in the handshake.
HANDSHAKE = {KeyExchange.MODP2048: 32 + 288, KeyExchange.X25519: 32 + 64}
