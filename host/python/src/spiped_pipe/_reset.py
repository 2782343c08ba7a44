"""How connections end: with a reset, unless a clean end has been earned.

A program that dies, or forgets a connection, leaves its end to the kernel, whose
FIN looks as if all had been sent. Set to linger for nothing, a socket sends a reset.
"""

import asyncio
import os
import socket
import struct

_FORMAT = "hh" if os.name == "nt" else "ii"
_RESET = struct.pack(_FORMAT, 1, 0)
_CLEAN = struct.pack(_FORMAT, 0, 0)

Connection = socket.socket | asyncio.BaseTransport


def end_with_reset(connection: Connection) -> None:
    """However it ends, the peer learns that it broke. On a Unix socket, nothing."""
    _set(connection, _RESET)


def end_cleanly(connection: Connection) -> None:
    """All has been sent: what the kernel still has arrives, and then the end."""
    _set(connection, _CLEAN)


def _set(connection: Connection, linger: bytes) -> None:
    # Not every loop's transports are asyncio's.
    if isinstance(connection, socket.socket):
        inner: socket.socket | None = connection
    else:
        inner = connection.get_extra_info("socket")
    if inner is not None and inner.fileno() >= 0:
        inner.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
