"""What stands between two transports: packets there, an application here."""

import asyncio
from collections.abc import Callable, Mapping
from enum import Enum, auto
from functools import partial
from typing import Any, cast

from spiped_pipe._reset import end_cleanly, end_with_reset
from spiped_pipe._sleeper import Sleeper
from spiped_pipe._transport import HIGH, PipeTransport
from spiped_pipe.errors import CallFailed, PipeError, Trap, pipe_error
from spiped_pipe.session import CRYPT_BATCH, PLAIN_BATCH, Session
from spiped_pipe.types import Output, PeerFailure, PeerFault, Stage

Factory = Callable[[], asyncio.Protocol]
Established = tuple[PipeTransport, asyncio.Protocol]

# As many batches are sealed before others have their turn: some 5 ms.
_BATCHES_PER_TURN = 4
# After so many seconds without a byte, a session gives up its instance.
_IDLE = 10.0
# A close that makes no progress for so many seconds becomes a reset.
_CLOSE_LIMIT = 30.0
# For so many seconds a peer may go on sending after all was sent to it. A socket that is
# closed before answers with a reset, which takes what has not been read there.
_LINGER = 1.0


class _End(Enum):
    """How far the end of our direction is."""

    OPEN = auto()
    ASKED_FOR = auto()
    SENT = auto()


class Pipe(asyncio.Protocol):
    """The protocol of a connection that carries packets.

    It drives the session through the handshake, makes the application's protocol,
    and is then what stands behind that one's transport.
    """

    def __init__(
        self,
        session: Session,
        factory: Factory,
        extra: Mapping[str, Any],
        waiter: "asyncio.Future[Established]",
    ) -> None:
        """`waiter` is told when the pipe is established, or why it is not."""
        self.extra = extra
        self._loop = asyncio.get_running_loop()
        self._sleeper = Sleeper(session)
        self._factory = factory
        self._waiter = waiter
        self._raw = cast(asyncio.Transport, None)
        self._app: asyncio.Protocol | None = None
        self._transport: PipeTransport | None = None
        self._error: Exception | None = None
        self._over = False
        self._computing = False
        # What came from the peer with the end of the handshake.
        self._early = bytearray()
        self._early_eof = False
        # What the application wrote and is not sealed yet.
        self._plain = bytearray()
        self._flush_soon: asyncio.Handle | None = None
        self._end = _End.OPEN
        self._raw_ended = False
        self._closing = False
        self._reading = True
        self._raw_is_full = False
        self._app_waits = False
        self.limits = (HIGH, HIGH // 4)
        self._last = 0.0
        self._idle: asyncio.TimerHandle | None = None
        self._close_limit: asyncio.TimerHandle | None = None
        self._linger: asyncio.TimerHandle | None = None

    # The connection's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._raw = cast(asyncio.Transport, transport)
        end_with_reset(self._raw)
        self._call(Session.start)

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        if self._app is None:
            self._early += data
            self._take_early()
        else:
            self._call(lambda session: session.handle_crypt(data))

    def eof_received(self) -> bool:
        self._raw_ended = True
        # Not every loop pauses at once.
        self._early_eof = self._computing
        if self._closing:
            self._flush_when_idle()
        elif not self._computing:
            self._take_eof()
        # The other direction stays open.
        return True

    def _take_eof(self) -> None:
        self._early_eof = False
        self._call(Session.crypt_eof)
        if self._error is None and self._app is not None:
            self._tell(self._eof_to_app)

    def _eof_to_app(self) -> None:
        if self._app is not None and not self._app.eof_received():
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._over = True
        for timer in (self._flush_soon, self._idle, self._close_limit, self._linger):
            if timer is not None:
                timer.cancel()
        if not self._computing:
            self._sleeper.close()
        self._plain.clear()
        if self._app is None:
            fault = PeerFailure(PeerFault.TRUNCATED_IN_HANDSHAKE)
            if not self._waiter.done():
                self._waiter.set_exception(self._error or PipeError(fault))
        else:
            app, self._app = self._app, None
            app.connection_lost(self._error or exc)

    def pause_writing(self) -> None:
        self._raw_is_full = True
        self._hold_app()

    def resume_writing(self) -> None:
        self._raw_is_full = False
        self._flush_when_idle()
        self._hold_app()

    # The session.

    def _call(self, call: Callable[[Session], Output]) -> None:
        """Makes a call and carries out what it returned."""
        try:
            output = call(self._sleeper.awake())
        except (Trap, CallFailed) as error:
            self.fail(pipe_error(error))
            return
        self._carry_out(output)

    def _carry_out(self, output: Output) -> None:
        if self._over or self._error is not None:
            return
        if output.to_crypt:
            self._raw.write(output.to_crypt)
        if output.status is Stage.ESTABLISHED and self._app is None:
            self._tell(self._open)
        if output.to_plain and self._app is not None:
            self._tell(partial(self._app.data_received, output.to_plain))
        if output.status is Stage.WANTS_COMPUTE:
            self._compute()
        elif not isinstance(output.status, Stage):
            self.fail(PipeError(output.status))
        self._stay_awake()

    def _compute(self) -> None:
        # A millisecond that others need not wait for: the interpreter runs on.
        self._computing = True
        self._read_or_not()
        session = self._sleeper.awake()
        self._loop.run_in_executor(None, session.compute).add_done_callback(self._computed)

    def _computed(self, future: "asyncio.Future[Output]") -> None:
        self._computing = False
        if self._over or future.cancelled():
            self._sleeper.close()
            return
        error = future.exception()
        if error is None:
            self._carry_out(future.result())
            self._take_early()
            if self._early_eof and not self._computing:
                self._take_eof()
            self._read_or_not()
        else:
            self.fail(pipe_error(error))

    def _take_early(self) -> None:
        # Not more than a session takes before it has computed.
        while self._early and not self._computing and not self._over and self._error is None:
            batch = bytes(self._early[:CRYPT_BATCH])
            del self._early[:CRYPT_BATCH]
            self._call(lambda session: session.handle_crypt(batch))

    def _open(self) -> None:
        self._transport = PipeTransport(self)
        self._app = self._factory()
        self._app.connection_made(self._transport)
        if not self._waiter.done():
            self._waiter.set_result((self._transport, self._app))

    def _tell(self, call: Callable[[], None]) -> None:
        """Calls the application. What it raises ends this connection alone."""
        try:
            call()
        except Exception as error:
            context = {"message": "the protocol of a pipe failed", "exception": error}
            self._loop.call_exception_handler(context | {"transport": self._transport})
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """Resets the connection. What came before is with the application."""
        if self._error is None and not self._over:
            self._error = error
            self._raw.abort()

    # Sleep.

    def _stay_awake(self) -> None:
        self._last = self._loop.time()
        if self._idle is None and self._app is not None:
            self._idle = self._loop.call_later(_IDLE, self._sleep)

    def _sleep(self) -> None:
        self._idle = None
        if self._over or self._error is not None:
            return
        left = self._last + _IDLE - self._loop.time()
        if left > 0:
            self._idle = self._loop.call_later(left, self._sleep)
            return
        try:
            self._sleeper.sleep()
        except (Trap, CallFailed) as error:
            self.fail(pipe_error(error))

    # The application's side.

    @property
    def raw(self) -> asyncio.Transport:
        """The transport of the connection."""
        return self._raw

    @property
    def app(self) -> asyncio.Protocol | None:
        """The application's protocol."""
        return self._app

    @app.setter
    def app(self, app: asyncio.Protocol) -> None:
        self._app = app

    @property
    def is_closing(self) -> bool:
        """Whether nothing more is written."""
        return self._closing or self._over or self._error is not None

    @property
    def is_reading(self) -> bool:
        """Whether the application has not asked for a pause."""
        return self._reading and not self.is_closing

    def read(self, reading: bool) -> None:
        """Goes on reading, or pauses."""
        self._reading = reading
        self._read_or_not()

    def _read_or_not(self) -> None:
        if self._raw.is_closing():
            return
        if self._closing or (self._reading and not self._computing):
            self._raw.resume_reading()
        else:
            self._raw.pause_reading()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Seals the bytes when it is their turn."""
        if self._end is not _End.OPEN:
            raise RuntimeError("write after the end")
        # Many small writes become few packets: they wait for the loop's next turn.
        self._plain += memoryview(data).cast("B")
        self._flush_when_idle()
        self._hold_app()

    def write_eof(self) -> None:
        """Ends our direction when all is written; the other stays open."""
        if self._end is _End.OPEN:
            self._end = _End.ASKED_FOR
            self._flush_when_idle()

    def close(self) -> None:
        """Ends our direction, and then the connection."""
        if self.is_closing:
            return
        self._closing = True
        self._read_or_not()
        if self._end is _End.OPEN:
            self._end = _End.ASKED_FOR
        # At once: the loop may have no other turn.
        self._flush()
        self._watch(None)

    def abort(self) -> None:
        """Resets the connection."""
        self._closing = True
        self._raw.abort()

    def buffered(self) -> int:
        """How many bytes are not with the kernel yet."""
        return len(self._plain) + self._raw.get_write_buffer_size()

    def set_limits(self, high: int, low: int) -> None:
        """When the application is to wait, and when it may go on."""
        self.limits = (high, low)
        self._hold_app()

    def _flush_when_idle(self) -> None:
        if self._flush_soon is None and not self._raw_is_full and not self._over:
            self._flush_soon = self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        if self._flush_soon is not None:
            self._flush_soon.cancel()
            self._flush_soon = None
        for _ in range(_BATCHES_PER_TURN):
            if not self._plain or self._raw_is_full or self._over or self._error is not None:
                break
            batch = bytes(self._plain[:PLAIN_BATCH])
            del self._plain[:PLAIN_BATCH]
            self._call(lambda session: session.handle_plain(batch))
        if self._over or self._error is not None:
            return
        if self._plain:
            self._flush_when_idle()
        else:
            self._flushed()
        self._hold_app()

    def _flushed(self) -> None:
        if self._end is _End.ASKED_FOR:
            self._end = _End.SENT
            self._call(Session.plain_eof)
            if self._error is None:
                self._send_eof()
        if self._closing and self._error is None and not self._raw.is_closing():
            # Not before the kernel has all.
            self._raw.set_write_buffer_limits(0)
            if self._raw.get_write_buffer_size() == 0:
                if self._raw_ended:
                    self._close_raw()
                elif self._linger is None:
                    self._linger = self._loop.call_later(_LINGER, self._close_raw)

    def _close_raw(self) -> None:
        if not self._raw.is_closing():
            end_cleanly(self._raw)
            self._raw.close()

    def _send_eof(self) -> None:
        try:
            self._raw.write_eof()
        except OSError as error:
            if self._closing and self._raw_ended:
                # Nobody is interested in our end any more.
                self._raw.abort()
            else:
                self.fail(error)

    def _watch(self, before: int | None) -> None:
        """Gives up a close that makes no progress."""
        if self._over:
            return
        buffered = self.buffered()
        if buffered == before:
            self.fail(TimeoutError("the peer does not take what is left"))
        else:
            self._close_limit = self._loop.call_later(_CLOSE_LIMIT, self._watch, buffered)

    def _hold_app(self) -> None:
        """Has the application wait, or go on."""
        if self._app is None:
            return
        high, low = self.limits
        if not self._app_waits and (self._raw_is_full or len(self._plain) > high):
            self._app_waits = True
            self._tell(self._app.pause_writing)
        elif self._app_waits and not self._raw_is_full and len(self._plain) <= low:
            self._app_waits = False
            self._tell(self._app.resume_writing)
