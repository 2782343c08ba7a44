"""What the package's pairing does, between two ends of its own: pairing.py"""

import os
import unittest

from spiped_pipe.pairing import (
    Comparing,
    Exchange,
    Misuse,
    Output,
    PairingFailed,
    PeerFault,
    Rejected,
    Stage,
)
from spiped_pipe.types import Side


def pair(client_code: str | None, server_code: str | None) -> tuple[Exchange, Exchange]:
    """Two ends."""
    client = Exchange(Side.CLIENT, client_code, os.urandom(32))
    server = Exchange(Side.SERVER, server_code, os.urandom(32))
    return client, server


def talk(client: Exchange, server: Exchange) -> tuple[Output, Output]:
    """The last output of each, when nothing is left to be passed on."""
    ours, theirs = client.start(), server.start()
    while ours.to_peer or theirs.to_peer:
        if ours.to_peer:
            to_server, ours = ours.to_peer, Output(b"", ours.status)
            theirs = server.receive(to_server)
        if theirs.to_peer:
            to_client, theirs = theirs.to_peer, Output(b"", theirs.status)
            ours = client.receive(to_client)
    return ours, theirs


class Pairing(unittest.TestCase):
    """Two ends make a key, or see why not."""

    def test_comparing(self) -> None:
        client, server = pair(None, None)
        ours, theirs = talk(client, server)
        assert isinstance(ours.status, Comparing)
        self.assertEqual(ours.status, theirs.status)
        self.assertRegex(ours.status.string, r"^\d{4} \d{4} \d{4}$")
        confirmed = client.confirm()
        self.assertIs(confirmed.status, Stage.CONFIRMED)
        # The other end's user may be slower than the message.
        server.receive(confirmed.to_peer)
        agreed = server.confirm()
        self.assertIs(agreed.status, Stage.AGREED)
        self.assertIs(client.receive(agreed.to_peer).status, Stage.AGREED)
        client.eof()
        key = client.take_key()
        self.assertEqual(len(key), 32)
        self.assertEqual(server.take_key(), key)
        with self.assertRaises(PairingFailed) as failed:
            client.take_key()
        self.assertIs(failed.exception.failure, Misuse.NO_KEY)

    def test_code(self) -> None:
        client, server = pair("six horses", "SIX-HORSES")
        ours, theirs = talk(client, server)
        self.assertEqual((ours.status, theirs.status), (Stage.AGREED, Stage.AGREED))
        self.assertEqual(client.take_key(), server.take_key())

    def test_wrong_code(self) -> None:
        with self.assertRaises(PairingFailed) as failed:
            talk(*pair("six horses", "six houses"))
        self.assertIs(failed.exception.failure, PeerFault.WRONG_CONFIRMATION)

    def test_rejected(self) -> None:
        client, server = pair(None, None)
        talk(client, server)
        client.reject()
        with self.assertRaises(PairingFailed) as failed:
            client.confirm()
        self.assertIs(failed.exception.failure, Rejected.REJECTED)
        with self.assertRaises(PairingFailed) as failed:
            server.eof()
        self.assertIs(failed.exception.failure, PeerFault.TRUNCATED)

    def test_misuse(self) -> None:
        for code, entropy, misuse in [
            ("short", os.urandom(32), Misuse.CODE_LENGTH),
            ("naïveté", os.urandom(32), Misuse.CODE_CHARACTERS),
            (None, os.urandom(31), Misuse.ENTROPY_LENGTH),
            (None, bytes(32), Misuse.BROKEN_RANDOMNESS),
        ]:
            with self.assertRaises(PairingFailed) as failed:
                Exchange(Side.CLIENT, code, entropy)
            self.assertIs(failed.exception.failure, misuse)


if __name__ == "__main__":
    unittest.main()
