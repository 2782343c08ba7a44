"""An encrypted pipe for asyncio.

>>> pipe = await Pipe.connect(component, "[192.0.2.1]:8025", psk)
>>> await pipe.write(b"hello")
>>> await pipe.read()
b'...'
"""

import asyncio
import os
import socket
import struct
from contextlib import suppress

from spiped_component import Acceptor, Component, Session
from spiped_types import (
    Authenticated,
    CallFailed,
    ClientConfig,
    Failure,
    Modp2048Config,
    More,
    Output,
    PeerFailure,
    PeerFault,
    Stage,
)

# 64 packets, the batch that calls are made for, and what they carry.
CRYPT_BATCH = 64 * 1060
PLAIN_BATCH = 64 * 1024


class PipeError(Exception):
    """The pipe failed. Its connection has been reset."""

    def __init__(self, failure: Failure) -> None:
        reason = _REASONS[failure.fault] if isinstance(failure, PeerFailure) else str(failure)
        super().__init__(reason)
        self.failure = failure


class Pipe:
    """One end of an established pipe: a reader and a writer in one.

    The two directions may be used by two tasks. The connection is read when
    `read` is called (the stream below has a small buffer), and `write` returns
    when the connection takes more: that is all the back-pressure there is.
    """

    def __init__(
        self, session: Session, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._session = session
        self._reader = reader
        self._writer = writer
        # What came with the end of the handshake, or before a failure.
        self._early = b""
        self._failure: Failure | None = None
        self._ended = False

    @classmethod
    async def connect(
        cls,
        component: Component,
        address: str,
        psk: bytes,
        config: ClientConfig = Modp2048Config(),
    ) -> "Pipe":
        """Connects to a server that has the key, and shakes hands."""
        reader, writer = await connect(address)
        try:
            session = component.connect(config, psk, os.urandom(64))
            return await cls._shake_hands(session, b"", reader, writer)
        except BaseException:
            reset(writer)
            raise

    @classmethod
    async def accept(
        cls, acceptor: Acceptor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> "Pipe":
        """Shakes hands with a stranger that has connected.

        One acceptor serves all of them. A stranger has no session before it has
        authenticated.
        """
        try:
            our_nonce = os.urandom(32)
            writer.write(our_nonce)
            await writer.drain()
            who, received = await _identify(acceptor, our_nonce, reader)
            hello, rest = received[: who.hello_len], received[who.hello_len :]
            psk = acceptor.psks[who.psk_index]
            try:
                session = acceptor.component.accept(
                    acceptor.config, our_nonce, hello, psk, os.urandom(32)
                )
            except CallFailed as failed:
                raise PipeError(failed.failure) from failed
            return await cls._shake_hands(session, rest, reader, writer)
        except BaseException:
            reset(writer)
            raise

    @classmethod
    async def _shake_hands(
        cls,
        session: Session,
        received: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> "Pipe":
        pipe = cls(session, reader, writer)
        status = await pipe._carry_out(session.start())
        while received or status is not Stage.ESTABLISHED:
            if status is Stage.WANTS_COMPUTE:
                output = session.compute()
            elif received:
                output, received = session.handle_crypt(received), b""
            else:
                output = pipe._handle(await reader.read(CRYPT_BATCH))
            pipe._early += output.to_plain
            status = await pipe._carry_out(output)
        return pipe

    async def read(self) -> bytes:
        """The next bytes of the application's; none at the end."""
        while not self._early and not self._ended:
            if self._failure is not None:
                raise PipeError(self._failure)
            data = await self._reader.read(CRYPT_BATCH)
            output = self._handle(data)
            self._early = output.to_plain
            # First what was authenticated; a failure comes up when that is read.
            with suppress(PipeError):
                await self._carry_out(output)
                self._ended = not data
        early, self._early = self._early, b""
        return early

    async def write(self, data: bytes) -> None:
        """Sends all of the bytes."""
        for at in range(0, len(data), PLAIN_BATCH):
            await self._carry_out(self._session.handle_plain(data[at : at + PLAIN_BATCH]))

    async def write_eof(self) -> None:
        """Ends our direction, with its mark if it has one; the other stays open."""
        await self._carry_out(self._session.plain_eof())
        self._writer.write_eof()

    async def close(self) -> None:
        """Closes the connection."""
        self._writer.close()
        await self._writer.wait_closed()

    def reset(self) -> None:
        """Ends the connection with a reset."""
        reset(self._writer)

    def _handle(self, data: bytes) -> Output:
        return self._session.handle_crypt(data) if data else self._session.crypt_eof()

    async def _carry_out(self, output: Output) -> Stage:
        if output.to_crypt:
            self._writer.write(output.to_crypt)
        if not isinstance(output.status, Stage):
            self._failure = output.status
            self.reset()
            raise PipeError(output.status)
        if output.to_crypt:
            await self._writer.drain()
        return output.status


async def _identify(
    acceptor: Acceptor, our_nonce: bytes, reader: asyncio.StreamReader
) -> tuple[Authenticated, bytes]:
    """Who has connected, and all that it has sent."""
    received = b""
    try:
        while True:
            verdict = acceptor.identify(our_nonce, received)
            if isinstance(verdict, Authenticated):
                return verdict, received
            if not isinstance(verdict, More):
                raise PipeError(verdict.failure)
            wanted = len(received) + verdict.count
            while len(received) < wanted:
                data = await reader.read(CRYPT_BATCH)
                if not data:
                    raise PipeError(acceptor.fault_at_eof(our_nonce, received))
                received += data
    except (asyncio.CancelledError, OSError) as end:
        # A time limit or a reset, too: the acceptor knows best what that means.
        raise PipeError(acceptor.fault_at_eof(our_nonce, received)) from end


async def connect(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connects to `[IP]:PORT`, `NAME:PORT` or `/PATH`."""
    if address.startswith("/"):
        return await asyncio.open_unix_connection(address)
    host, port = split_address(address)
    return await asyncio.open_connection(host, port)


def split_address(address: str) -> tuple[str, int]:
    """Host and port of a TCP address. ValueError if it is none."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdigit():
        raise ValueError(f"this is no address: {address}")
    return host.removeprefix("[").removesuffix("]"), int(port)


def reset(writer: asyncio.StreamWriter) -> None:
    """Ends a connection with a reset instead of a close."""
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        linger_for_nothing = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_for_nothing)
    writer.transport.abort()


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
