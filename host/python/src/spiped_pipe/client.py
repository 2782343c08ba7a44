"""Pipes to a server, for protocols of asyncio's."""

import asyncio
import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

from spiped_pipe._code import code
from spiped_pipe._guest import BytesLike
from spiped_pipe._pipe import Established, Pipe
from spiped_pipe._settings import KeyFile, client_config, the_psk
from spiped_pipe._transport import PipeTransport
from spiped_pipe.session import Session
from spiped_pipe.types import ForwardSecrecy, KeyExchange, Modp2048Config

P = TypeVar("P", bound=asyncio.Protocol)

CONNECT_TIMEOUT = 5.0
"""How many seconds connecting and the handshake may take together: spiped's."""


async def create_connection(
    protocol_factory: Callable[[], P],
    host: str | None = None,
    port: int | None = None,
    *,
    key: KeyFile | None = None,
    psk: BytesLike | None = None,
    key_exchange: KeyExchange | str = KeyExchange.MODP2048,
    forward_secrecy: ForwardSecrecy | str = ForwardSecrecy.OFFER,
    timeout: float | None = CONNECT_TIMEOUT,
    path: str | os.PathLike[str] | None = None,
    **options: Any,
) -> tuple[PipeTransport, P]:
    """Connects to a `spiped -d` and shakes hands.

    As asyncio's `loop.create_connection`, whose other `options` it takes; with
    `path` to a Unix socket. The protocol is made when the pipe is established.

    - `key` is a key file, or `psk` the SHA-256 of one.
    - `key_exchange`: `x25519` between two ends of this implementation only.
    - `forward_secrecy`: `require` is upstream's `-g`, `omit` its `-f`.
    - `timeout` limits all of it, in seconds.

    Raises `PipeError`, `OSError`, or `TimeoutError`.
    """
    config = client_config(key_exchange, forward_secrecy)
    # Half a second of compiling, the first time; and files may be slow.
    psk = await asyncio.to_thread(_prepare, key, psk)
    exchange = KeyExchange.MODP2048 if isinstance(config, Modp2048Config) else KeyExchange.X25519
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[Established] = loop.create_future()

    def pipe() -> Pipe:
        session = Session.connect(config, psk, os.urandom(64))
        return Pipe(session, protocol_factory, {"key_exchange": exchange}, waiter)

    if path is not None:
        connecting = loop.create_unix_connection(pipe, os.fspath(path), **options)
    else:
        connecting = loop.create_connection(pipe, cast(str, host), cast(int, port), **options)
    async with asyncio.timeout(timeout):
        raw, _ = await connecting
        try:
            transport, protocol = await waiter
        except BaseException:
            raw.abort()
            raise
    return transport, cast(P, protocol)


def _prepare(key: KeyFile | None, psk: BytesLike | None) -> bytes:
    code()
    return the_psk(key, psk)
