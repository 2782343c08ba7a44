"""Both ends of a connection without anything between them."""

import os
from collections.abc import Callable

from spiped_pipe import Modp2048Config, Output, Session

Timed = Callable[[str, Callable[[], Output]], Output]


def _untimed(_name: str, call: Callable[[], Output]) -> Output:
    return call()


def establish(timed: Timed = _untimed) -> tuple[Session, Session]:
    """The client and the server, established. What computes is passed through `timed`."""
    psk, server_nonce = os.urandom(32), os.urandom(32)
    client = Session.connect(Modp2048Config(), psk, os.urandom(64))
    client_nonce = client.start().to_crypt
    timed("public value", client.compute)
    hello = client_nonce + client.handle_crypt(server_nonce).to_crypt
    server = Session.accept(Modp2048Config(), server_nonce, hello, psk, os.urandom(32))
    server.start()
    share = server.compute().to_crypt
    timed("shared value", server.compute)
    client.handle_crypt(share)
    client.compute()
    return client, server
