"""Pipes as blocking sockets.

>>> with connect(("192.0.2.1", 8025), key="key") as pipe:
...     pipe.sendall(b"hello")
...     pipe.recv(100)
b'...'
"""

import os
import socket
import threading
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Any, Self

from spiped_pipe._guest import BytesLike
from spiped_pipe._reset import end_cleanly, end_with_reset
from spiped_pipe._settings import KeyFile, client_config, the_psk
from spiped_pipe.client import CONNECT_TIMEOUT
from spiped_pipe.errors import CallFailed, PipeError, Trap, pipe_error
from spiped_pipe.session import CRYPT_BATCH, PLAIN_BATCH, Session
from spiped_pipe.types import ForwardSecrecy, KeyExchange, Output, Stage


def connect(
    address: tuple[str, int],
    timeout: float | None = CONNECT_TIMEOUT,
    *,
    key: KeyFile | None = None,
    psk: BytesLike | None = None,
    key_exchange: KeyExchange | str = KeyExchange.MODP2048,
    forward_secrecy: ForwardSecrecy | str = ForwardSecrecy.OFFER,
) -> "PipeSocket":
    """Connects to a `spiped -d` and shakes hands.

    As `socket.create_connection`: the socket keeps the `timeout`, for every
    operation. The other options are those of `create_connection` for asyncio.
    Raises `PipeError`, `OSError`, or `TimeoutError`.
    """
    client_config(key_exchange, forward_secrecy)
    psk = the_psk(key, psk)
    connection = socket.create_connection(address, timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return PipeSocket(
        connection, psk=psk, key_exchange=key_exchange, forward_secrecy=forward_secrecy
    )


class PipeSocket:
    """An established pipe, with the methods of a socket.

    One thread may receive while another sends. If a pipe breaks, what was
    authenticated before is received first, and then `recv` raises `PipeError`.
    Never does a truncated stream look like one that has ended.
    """

    def __init__(
        self,
        connection: socket.socket,
        *,
        key: KeyFile | None = None,
        psk: BytesLike | None = None,
        key_exchange: KeyExchange | str = KeyExchange.MODP2048,
        forward_secrecy: ForwardSecrecy | str = ForwardSecrecy.OFFER,
    ) -> None:
        """Shakes hands on a connection, within its timeout, and owns it from now on."""
        self._socket = connection
        self._calling = threading.Lock()
        # Packets are sent in the order in which they were sealed.
        self._sending = threading.Lock()
        self._plain = bytearray()
        self._sealed = bytearray()
        self._failure: PipeError | None = None
        self._received_end = False
        self._sent_end = False
        self._status: object = None
        self._session: Session | None = None
        try:
            end_with_reset(connection)
            config = client_config(key_exchange, forward_secrecy)
            self._session = Session.connect(config, the_psk(key, psk), os.urandom(64))
            self._shake_hands()
        except BaseException as error:
            self.reset()
            if isinstance(error, (CallFailed, Trap)):
                raise pipe_error(error) from error
            raise

    def recv(self, size: int, flags: int = 0) -> bytes:
        """At least one byte, or none at the end. The only flag is `MSG_PEEK`."""
        if flags & ~socket.MSG_PEEK:
            raise ValueError("a pipe has no other flag than MSG_PEEK")
        if size > 0 and not self._wait_for_plain():
            return b""
        data = bytes(self._plain[:size])
        if not flags & socket.MSG_PEEK:
            del self._plain[:size]
        return data

    def recv_into(self, buffer: bytearray | memoryview, nbytes: int = 0, flags: int = 0) -> int:
        """As `recv`, into a buffer."""
        view = memoryview(buffer).cast("B")
        data = self.recv(nbytes or len(view), flags)
        view[: len(data)] = data
        return len(data)

    def pending(self) -> int:
        """How many bytes can be received without the connection."""
        return len(self._plain)

    def send(self, data: BytesLike) -> int:
        """Sends some of the bytes, and says how many."""
        view = memoryview(data).cast("B")[:PLAIN_BATCH]
        with self._sending:
            self._flush()
            self._seal(view)
            try:
                self._flush()
            except (TimeoutError, BlockingIOError):
                # They are sealed, and go first with what comes next.
                pass
        return len(view)

    def sendall(self, data: BytesLike) -> None:
        """Sends all of the bytes. After an error, some may have been sent."""
        view = memoryview(data).cast("B")
        with self._sending:
            self._flush()
            for start in range(0, len(view), PLAIN_BATCH):
                self._seal(view[start : start + PLAIN_BATCH])
                self._flush()

    def shutdown(self, how: int) -> None:
        """Ends our direction, with `x25519` by its end mark; or reading; or both.

        Does not wait for another thread that is sending, and to end both not for the
        peer: raises `BlockingIOError`. After that, `close` makes a reset.
        """
        if how != socket.SHUT_RD:
            if not self._sending.acquire(blocking=False):
                raise BlockingIOError("another thread is sending")
            timeout = self._socket.gettimeout()
            try:
                if how == socket.SHUT_RDWR:
                    self._socket.setblocking(False)
                self._send_end()
            finally:
                self._socket.settimeout(timeout)
                self._sending.release()
        self._socket.shutdown(how)

    def close(self) -> None:
        """Ends our direction, and the connection. If not all can be sent: a reset."""
        # If another thread is sending, not all is sent.
        if self._sending.acquire(blocking=False):
            try:
                if self._failure is None and self._socket.fileno() >= 0:
                    self._socket.setblocking(False)
                    self._send_end()
                    end_cleanly(self._socket)
            except OSError:
                pass
            finally:
                self._sending.release()
        self.reset()

    def reset(self) -> None:
        """Ends the connection as it is: with a reset, unless the end was sent."""
        self._socket.close()
        if self._session is not None:
            self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes it; resets it if there was an exception."""
        if error is None:
            self.close()
        else:
            self.reset()

    def fileno(self) -> int:
        """The connection's descriptor. If it is readable, `recv` may still wait."""
        if self._failure is not None:
            raise self._failure
        return self._socket.fileno()

    def settimeout(self, timeout: float | None) -> None:
        """How long an operation waits for the connection."""
        self._socket.settimeout(timeout)

    def gettimeout(self) -> float | None:
        """How long an operation waits for the connection."""
        return self._socket.gettimeout()

    def setblocking(self, flag: bool) -> None:
        """Whether operations wait."""
        self._socket.setblocking(flag)

    def getpeername(self) -> Any:
        """The address of the connection's other end."""
        return self._socket.getpeername()

    def getsockname(self) -> Any:
        """The address of the connection's own end."""
        return self._socket.getsockname()

    def setsockopt(self, level: int, name: int, value: int | bytes) -> None:
        """Sets an option of the connection."""
        self._socket.setsockopt(level, name, value)

    def _shake_hands(self) -> None:
        timeout = self._socket.gettimeout()
        deadline = None if timeout is None else monotonic() + timeout
        self._call(Session.start)
        while self._status is not Stage.ESTABLISHED:
            self._flush()
            if self._status is Stage.WANTS_COMPUTE:
                self._call(Session.compute)
                continue
            if deadline is not None:
                # Never 0, which means not to wait.
                self._socket.settimeout(max(deadline - monotonic(), 0.001))
            self._receive()
        self._flush()
        self._socket.settimeout(timeout)

    def _wait_for_plain(self) -> bool:
        """False at the end."""
        while not self._plain:
            if self._failure is not None:
                raise self._failure
            if self._received_end:
                return False
            self._receive()
        return True

    def _receive(self) -> None:
        try:
            data = self._socket.recv(CRYPT_BATCH)
        except ConnectionResetError:
            if self._status is Stage.ESTABLISHED:
                raise
            data = b""
        if data:
            self._call(lambda session: session.handle_crypt(data))
        else:
            self._call(Session.crypt_eof)
            self._received_end = self._failure is None
        if self._failure is not None and self._status is not Stage.ESTABLISHED and not self._plain:
            raise self._failure

    def _seal(self, data: memoryview) -> None:
        self._call(lambda session: session.handle_plain(data))

    def _send_end(self) -> None:
        self._flush()
        if not self._sent_end:
            self._sent_end = True
            self._call(Session.plain_eof)
            self._flush()

    def _flush(self) -> None:
        if self._failure is not None:
            raise self._failure
        while self._sealed:
            sent = self._socket.send(self._sealed)
            del self._sealed[:sent]

    def _call(self, call: Callable[[Session], Output]) -> None:
        assert self._session is not None
        with self._calling:
            try:
                output = call(self._session)
            except Trap as trap:
                self._fail(PipeError(trap))
                return
        self._sealed += output.to_crypt
        self._plain += output.to_plain
        self._status = output.status
        if not isinstance(output.status, Stage):
            self._fail(PipeError(output.status))

    def _fail(self, failure: PipeError) -> None:
        self._failure = self._failure or failure
        self._socket.close()
