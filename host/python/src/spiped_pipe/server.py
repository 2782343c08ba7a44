"""A server of pipes, for protocols of asyncio's."""

import asyncio
import ipaddress
import logging
import os
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

from spiped_pipe._code import code
from spiped_pipe._guest import BytesLike
from spiped_pipe._pipe import Established, Pipe
from spiped_pipe._reset import end_cleanly, end_with_reset
from spiped_pipe._settings import KeyFile, server_config, the_psks
from spiped_pipe.errors import CallFailed, PipeError, Trap
from spiped_pipe.session import Acceptor, Session
from spiped_pipe.types import (
    Authenticated,
    ForwardSecrecy,
    KeyExchange,
    More,
    Refused,
    ServerConfig,
)

HANDSHAKE_TIMEOUT = 5.0
"""How many seconds a stranger has to authenticate: spiped's."""
STRANGERS_MAX = 1000
"""How many strangers there may be at once, and half of that from one network."""

# One that has sent nothing it was asked for, for so many seconds, gives way to others.
_QUIET = 1.0
# For so many seconds, what a refused one still sends is dropped, up to so many bytes. A
# socket that is closed before answers with a reset.
_DRAIN = 1.0
_DRAIN_MAX = 64 << 10

# Far more than any hello takes: what the acceptor may ask for.
_RECEIVED_MAX = 4096

NONCE_LEN = 32
EXPONENT_LEN = 32

logger = logging.getLogger("spiped_pipe")


async def create_server(
    protocol_factory: Callable[[], asyncio.Protocol],
    host: str | Sequence[str] | None = None,
    port: int | None = None,
    *,
    key: KeyFile | Sequence[KeyFile] | None = None,
    psks: Sequence[BytesLike] | None = None,
    key_exchange: KeyExchange | str | None = None,
    forward_secrecy: ForwardSecrecy | str = ForwardSecrecy.OFFER,
    handshake_timeout: float = HANDSHAKE_TIMEOUT,
    strangers_max: int = STRANGERS_MAX,
    path: str | os.PathLike[str] | None = None,
    **options: Any,
) -> asyncio.Server:
    """Accepts pipes, as `spiped -d` does.

    As asyncio's `loop.create_server`, whose other `options` it takes; with `path`
    on a Unix socket. A protocol is made for a peer that has authenticated, when
    its pipe is established.

    - `key` is a key file or several, `psks` are the SHA-256 of some: a client may
      have any of them, and `get_extra_info("psk_index")` says which, files first.
    - `key_exchange`: None accepts whichever the client chooses.
    - `forward_secrecy`: `require` is upstream's `-g`, `omit` its `-f`.
    - `handshake_timeout`: how many seconds a stranger has.
    - `strangers_max`: how many strangers there may be at once, and half of that from
      one network. One more takes the place of one that has sent nothing for a second,
      of the network that has the most; if there is none, it is not let in.

    Strangers that are refused are logged by `spiped_pipe` as INFO, failures of
    peers that have a key as WARNING.
    """
    config = server_config(key_exchange, forward_secrecy)
    door = await asyncio.to_thread(_prepare, config, key, psks)
    strangers = _Strangers(door, protocol_factory, handshake_timeout, strangers_max)
    loop = asyncio.get_running_loop()
    make = partial(_Stranger, strangers)
    if path is not None:
        return await loop.create_unix_server(make, path, **options)
    return await loop.create_server(make, host, port, **options)


def _prepare(
    config: ServerConfig,
    key: KeyFile | Sequence[KeyFile] | None,
    psks: Sequence[BytesLike] | None,
) -> "_Door":
    code()
    return _Door(config, the_psks(key, psks))


class _Door:
    """Who may come in."""

    def __init__(self, config: ServerConfig, psks: Sequence[bytes]) -> None:
        self.acceptor = Acceptor(config, psks)
        self._config = config
        self._psks = psks

    def admit(self, who: Authenticated, our_nonce: bytes, received: bytes) -> Session:
        """A session with this peer. CallFailed, Trap."""
        hello = received[: who.hello_len]
        psk = self._psks[who.psk_index]
        return Session.accept(self._config, our_nonce, hello, psk, os.urandom(EXPONENT_LEN))


class _Strangers:
    """Those who have connected and not authenticated yet."""

    def __init__(
        self, door: _Door, factory: Callable[[], asyncio.Protocol], time_limit: float, most: int
    ) -> None:
        self.door = door
        self.factory = factory
        self.time_limit = time_limit
        self._most = most
        # The quietest first.
        self._all: dict[_Stranger, None] = {}
        self._counts: Counter[str] = Counter()

    def add(self, stranger: "_Stranger") -> bool:
        """Takes one more, in the place of another if need be, or does not."""
        if not self._make_room(stranger.network):
            return False
        self._all[stranger] = None
        self._counts[stranger.network] += 1
        return True

    def got_on(self, stranger: "_Stranger") -> None:
        """It has sent what it was asked for."""
        if stranger in self._all:
            del self._all[stranger]
            self._all[stranger] = None

    def remove(self, stranger: "_Stranger") -> None:
        """It is one no longer."""
        if stranger in self._all:
            del self._all[stranger]
            self._counts[stranger.network] -= 1
            if not self._counts[stranger.network]:
                del self._counts[stranger.network]

    def _make_room(self, network: str) -> bool:
        if self._counts[network] >= -(-self._most // 2):
            least = self._counts[network]
        elif len(self._all) >= self._most:
            least = max(self._counts.values())
        else:
            return True
        quietest = next(other for other in self._all if self._counts[other.network] >= least)
        if not quietest.is_quiet:
            return False
        quietest.give_way()
        return True


class _Stranger(asyncio.BufferedProtocol):
    """Collects what a stranger sends until the acceptor knows who it is.

    Of the connection, not a byte more is read than the acceptor asks for.
    """

    def __init__(self, strangers: _Strangers) -> None:
        self._strangers = strangers
        self._loop = asyncio.get_running_loop()
        self._our_nonce = os.urandom(NONCE_LEN)
        self._received = b""
        self._buffer = bytearray()
        self._filled = 0
        self._raw = cast(asyncio.Transport, None)
        self._time_limit: asyncio.TimerHandle | None = None
        self._drain_limit: asyncio.TimerHandle | None = None
        self._settled = False
        self._heard = self._loop.time()
        self._drained = 0
        self.network = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._raw = cast(asyncio.Transport, transport)
        end_with_reset(self._raw)
        peer = self._raw.get_extra_info("peername")
        self.network = network_of(peer[0]) if isinstance(peer, tuple) else ""
        if not self._strangers.add(self):
            self.give_way()
            return
        limit = self._strangers.time_limit
        self._time_limit = self._loop.call_later(limit, self._stop, "it took too long")
        self._raw.write(self._our_nonce)
        self._identify()

    def get_buffer(self, sizehint: int) -> memoryview:
        return memoryview(self._buffer)[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        if self._settled:
            self._drained += nbytes
            if self._drained > _DRAIN_MAX:
                self._close()
            return
        self._filled += nbytes
        if self._filled == len(self._buffer):
            self._received += self._buffer
            self._buffer, self._filled = bytearray(), 0
            self._heard = self._loop.time()
            self._strangers.got_on(self)
            self._identify()

    def eof_received(self) -> bool:
        self._stop("it hung up")
        self._close()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._strangers.remove(self)
        self._stop("it hung up")
        if self._drain_limit is not None:
            self._drain_limit.cancel()

    @property
    def is_quiet(self) -> bool:
        """Whether others may have its place."""
        return self._loop.time() - self._heard >= _QUIET

    def give_way(self) -> None:
        """Others need the place."""
        self._strangers.remove(self)
        self._stop("there are too many strangers")
        self._close()

    def _identify(self) -> None:
        try:
            verdict = self._strangers.door.acceptor.identify(self._our_nonce, self._received)
            match verdict:
                case More(count) if len(self._received) + count > _RECEIVED_MAX:
                    self._refuse("the acceptor asks for too much", logging.ERROR)
                case More(count):
                    self._buffer = bytearray(count)
                case Refused(failure):
                    self._refuse(str(PipeError(failure)), logging.INFO)
                case Authenticated():
                    self._become_a_peer(verdict)
        except Trap as trap:
            self._refuse(str(PipeError(trap)), logging.ERROR)
        except CallFailed as failed:
            self._refuse(str(PipeError(failed.failure)), logging.WARNING)

    def _become_a_peer(self, who: Authenticated) -> None:
        session = self._strangers.door.admit(who, self._our_nonce, self._received)
        self._settle()
        self._strangers.remove(self)
        established: asyncio.Future[Established] = self._loop.create_future()
        established.add_done_callback(self._report)
        extra = {"psk_index": who.psk_index, "key_exchange": who.key_exchange}
        pipe = Pipe(session, self._strangers.factory, extra, established)
        self._raw.set_protocol(pipe)
        pipe.connection_made(self._raw)
        if len(self._received) > who.hello_len:
            pipe.data_received(self._received[who.hello_len :])

    def _report(self, established: "asyncio.Future[Established]") -> None:
        if not established.cancelled() and (error := established.exception()):
            logger.warning("%s: %s", self._name(), error)

    def _stop(self, why: str) -> None:
        """It has sent all that it will have sent."""
        if self._settled:
            return
        received = self._received + self._buffer[: self._filled]
        try:
            fault = self._strangers.door.acceptor.fault_at_eof(self._our_nonce, received)
            self._refuse(f"{why}: {PipeError(fault)}", logging.INFO)
        except (Trap, CallFailed) as error:
            self._refuse(f"{why}: {error}", logging.ERROR)

    def _refuse(self, why: str, level: int) -> None:
        if not self._settled:
            self._settle()
            logger.log(level, "%s: %s", self._name(), why)
            self._hang_up()

    def _hang_up(self) -> None:
        # Nothing was sent but the nonce, so the peer knows what an end means. A reset
        # might overtake that.
        if self._raw.is_closing():
            return
        self._buffer, self._filled = bytearray(4096), 0
        self._drain_limit = self._loop.call_later(_DRAIN, self._close)
        try:
            self._raw.write_eof()
        except OSError:
            self._close()

    def _close(self) -> None:
        end_cleanly(self._raw)
        self._raw.close()

    def _settle(self) -> None:
        self._settled = True
        if self._time_limit is not None:
            self._time_limit.cancel()

    def _name(self) -> str:
        peer = self._raw.get_extra_info("peername")
        return f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else "a local peer"


def network_of(address: str) -> str:
    """What one owner has addresses of: of IPv6 the first half."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address) or ip.ipv4_mapped is not None:
        return address
    return str(ipaddress.ip_network((int(ip), 64), strict=False))
