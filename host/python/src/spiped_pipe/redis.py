"""Connections for redis-py, to a Redis server behind a `spiped -d`.

>>> pool = redis.ConnectionPool(
...     connection_class=SpipedConnection, host="192.0.2.1", port=8025, key="key"
... )
>>> redis.Redis(connection_pool=pool).ping()
True

Needs the package `redis`: `pip install 'spiped_pipe[redis]'`.
"""

import socket
from typing import Any

import redis.asyncio.connection
import redis.connection

from spiped_pipe._guest import BytesLike
from spiped_pipe._settings import KeyFile, client_config, the_psk
from spiped_pipe.client import CONNECT_TIMEOUT
from spiped_pipe.sockets import PipeSocket
from spiped_pipe.streams import open_connection
from spiped_pipe.types import ForwardSecrecy, KeyExchange


class _Pipe:
    """The settings of the pipe that a connection uses."""

    def __init__(
        self,
        *args: Any,
        key: KeyFile | None = None,
        psk: BytesLike | None = None,
        key_exchange: KeyExchange | str = KeyExchange.MODP2048,
        forward_secrecy: ForwardSecrecy | str = ForwardSecrecy.OFFER,
        **kwargs: Any,
    ) -> None:
        # So that what is wrong is said here, and not taken for a server's fault.
        client_config(key_exchange, forward_secrecy)
        self._pipe: dict[str, Any] = {
            "psk": the_psk(key, psk),
            "key_exchange": key_exchange,
            "forward_secrecy": forward_secrecy,
        }
        super().__init__(*args, **kwargs)


class SpipedConnection(_Pipe, redis.connection.Connection):
    """A connection through a pipe, for `redis.ConnectionPool`.

    Takes `key` or `psk`, `key_exchange` and `forward_secrecy` as
    `spiped_pipe.create_connection` does, besides all that redis-py's own
    `Connection` takes.
    """

    def _connect(self) -> Any:
        connection = super()._connect()  # type: ignore[no-untyped-call]
        connection.settimeout(self.socket_connect_timeout or CONNECT_TIMEOUT)
        pipe = PipeSocket(connection, **self._pipe)
        pipe.settimeout(self.socket_timeout)
        return pipe


class AsyncSpipedConnection(_Pipe, redis.asyncio.connection.Connection):
    """A connection through a pipe, for `redis.asyncio.ConnectionPool`.

    Takes what `SpipedConnection` takes.
    """

    async def _connect(self) -> None:
        self._reader, self._writer = await open_connection(
            **self._connection_arguments(),
            **self._pipe,
            timeout=self.socket_connect_timeout or CONNECT_TIMEOUT,
        )
        connection = self._writer.get_extra_info("socket")
        if self.socket_keepalive:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            options: Any = self.socket_keepalive_options
            for name, value in options.items():
                connection.setsockopt(socket.IPPROTO_TCP, name, value)
