"""What people say about a pipe, as what sessions and acceptors take."""

import hashlib
import os
from collections.abc import Sequence

from spiped_pipe._guest import BytesLike
from spiped_pipe.types import (
    AnyConfig,
    ClientConfig,
    ForwardSecrecy,
    KeyExchange,
    Modp2048Config,
    ServerConfig,
    X25519Config,
)

KeyFile = str | os.PathLike[str]

PSK_LEN = 32


def read_key(file: KeyFile) -> bytes:
    """The pre-shared key of a key file: the SHA-256 of all its bytes."""
    with open(file, "rb") as opened:
        return hashlib.sha256(opened.read()).digest()


def the_psk(key: KeyFile | None, psk: BytesLike | None) -> bytes:
    """The one key, from a file or as it is. TypeError unless there is one of both."""
    if (key is None) == (psk is None):
        raise TypeError("either key, a key file, or psk, 32 bytes, is needed")
    return read_key(key) if key is not None else _checked(psk)


def the_psks(
    keys: KeyFile | Sequence[KeyFile] | None, psks: Sequence[BytesLike] | None
) -> list[bytes]:
    """All keys, first those from files. TypeError without any."""
    files = [keys] if isinstance(keys, (str, os.PathLike)) else keys or []
    found = [read_key(file) for file in files] + [_checked(psk) for psk in psks or []]
    if not found:
        raise TypeError("either key, key files, or psks, 32 bytes each, are needed")
    return found


def _checked(psk: BytesLike | None) -> bytes:
    if not isinstance(psk, (bytes, bytearray, memoryview)):
        raise TypeError(f"a psk is bytes, not {type(psk).__name__}")
    if len(psk) != PSK_LEN:
        raise ValueError(f"a psk is {PSK_LEN} bytes, not {len(psk)}; key takes a file")
    return bytes(psk)


def client_config(
    key_exchange: KeyExchange | str, forward_secrecy: ForwardSecrecy | str
) -> ClientConfig:
    """ValueError if they do not go together."""
    return _one(KeyExchange(key_exchange), ForwardSecrecy(forward_secrecy))


def server_config(
    key_exchange: KeyExchange | str | None, forward_secrecy: ForwardSecrecy | str
) -> ServerConfig:
    """ValueError if they do not go together. None is whichever the client chooses."""
    if key_exchange is None:
        return AnyConfig(ForwardSecrecy(forward_secrecy))
    return _one(KeyExchange(key_exchange), ForwardSecrecy(forward_secrecy))


def _one(
    key_exchange: KeyExchange, forward_secrecy: ForwardSecrecy
) -> Modp2048Config | X25519Config:
    if key_exchange is KeyExchange.MODP2048:
        return Modp2048Config(forward_secrecy)
    if forward_secrecy is ForwardSecrecy.OMIT:
        raise ValueError("x25519 always has forward secrecy")
    return X25519Config()
