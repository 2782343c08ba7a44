"""spiped's encrypted and authenticated pipes.

- `open_connection` and `start_server`: asyncio's streams.
- `create_connection` and `create_server`: for protocols of asyncio's.
- `connect`: a blocking socket.
- `spiped_pipe.redis`: connections for redis-py.
- `Session` and `Acceptor`: the protocol as a function of bytes.
"""

from spiped_pipe.client import create_connection
from spiped_pipe.errors import CallFailed, PipeError, Trap
from spiped_pipe.server import create_server
from spiped_pipe.session import Acceptor, Session
from spiped_pipe.streams import open_connection, start_server
from spiped_pipe.types import (
    AnyConfig,
    Authenticated,
    ClientConfig,
    Exhausted,
    Failure,
    ForwardSecrecy,
    KeyExchange,
    Misuse,
    Misused,
    Modp2048Config,
    More,
    Output,
    PeerFailure,
    PeerFault,
    Refused,
    ServerConfig,
    Side,
    Stage,
    Status,
    Verdict,
    X25519Config,
)

__all__ = [
    "Acceptor",
    "AnyConfig",
    "Authenticated",
    "CallFailed",
    "ClientConfig",
    "Exhausted",
    "Failure",
    "ForwardSecrecy",
    "KeyExchange",
    "Misuse",
    "Misused",
    "Modp2048Config",
    "More",
    "Output",
    "PeerFailure",
    "PeerFault",
    "PipeError",
    "Refused",
    "ServerConfig",
    "Session",
    "Side",
    "Stage",
    "Status",
    "Trap",
    "Verdict",
    "X25519Config",
    "create_connection",
    "create_server",
    "open_connection",
    "start_server",
]
