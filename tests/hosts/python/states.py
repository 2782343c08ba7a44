"""Sessions resumed from states of all kinds, near the end of the numbers too."""

from random import Random

from maker import Package
from oracle import PACKET_LEN, PACKETS_MAX, Direction, state_checksum
from transcript import QUESTION, Resume
from twin import Twin


class Resumption:
    """A twin resumed from a made-up state, and a peer that has its keys."""

    def __init__(self, package: Package, rng: Random) -> None:
        self.rng = rng
        near_end = (PACKETS_MAX - 2, PACKETS_MAX - 1, PACKETS_MAX)
        number = rng.choice((0, 1, 2**32 - 1, 2**63, *near_end))
        # The plain side has ended, the crypt side has, X25519, its mark has come.
        self.flags = rng.choice((0, 0, 0, 1, 2, 3, 4, 4, 4, 5, 12, 13, 14, 15))
        self.peer = Direction(rng.randbytes(32), rng.randbytes(32), self.flags & 4 == 4, number)
        self.partial = b""
        self.twin = Twin(package, Resume(self._state()))

    def run(self) -> str:
        """Have a short conversation. Returns how it ended."""
        verdict = self.twin.made
        if self.twin.failed:
            return verdict
        for _ in range(self.rng.randint(1, 5)):
            name = self.rng.choice(("crypt", "crypt", "plain", "plain", "suspend", QUESTION))
            if self.rng.random() < 0.1:
                name = self.rng.choice(("start", "compute", "crypt-eof", "plain-eof"))
            if name == "crypt":
                answer = self.twin.call(name, self._packets())
            elif name == "plain":
                length = self.rng.choice((0, 1, 1024, 1025, 2049))
                answer = self.twin.call(name, self.rng.randbytes(length))
            else:
                answer = self.twin.call(name)
            verdict = verdict if name == QUESTION else answer.verdict
        return verdict

    def _packets(self) -> bytes:
        """The rest of what has come in part, or a few packets."""
        count = self.rng.choice((1, 1, 2, 3))
        packets = b""
        for _ in range(count):
            if self.partial:
                packet, self.partial = self.partial, b""
            else:
                packet = self._packet()
            if self.rng.random() < 0.1:
                packet = packet[:-1] + bytes([packet[-1] ^ 1])
            packets += packet
        return packets

    def _packet(self) -> bytes:
        if self.peer.number > PACKETS_MAX:
            return self.rng.randbytes(PACKET_LEN)
        # Without a message, with X25519, it is the end mark.
        return self.peer.seal(self.rng.randbytes(self.rng.choice((0, 1, 50, 100))))

    def _state(self) -> bytes:
        rng, peer = self.rng, self.peer
        sealing = rng.choice((0, 5, 2**64 - 3, 2**64 - 2, 2**64 - 1))
        flags, number = self.flags, peer.number
        # The format's version, the oldest that reads it, and a byte without meaning.
        version, oldest, unused = rng.choice(((1, 1, 0), (1, 1, 0), (1, 1, 255), (2, 1, 0)))
        later = rng.randbytes(7) if version == 2 else b""
        # After the end of the crypt side, or its mark, nothing is partial.
        partial = b""
        may_be_partial = not flags & 10 or rng.random() < 0.1
        if may_be_partial and rng.random() < 0.5:
            at = rng.randrange(1, PACKET_LEN)
            packet = self._packet()
            partial, self.partial = packet[:at], packet[at:]
        length = len(partial)
        match rng.randrange(30):
            case 0:
                version, oldest = rng.choice(((0, 0), (0, 1), (2, 2), (255, 2)))
            case 1:
                flags = rng.choice((6, 7, 8, 9, 10, 11, 16, 32, 128, 255))
            case 2:
                length = rng.choice((0, 1, 1059, 1060, 65535))
            case 3:
                later = rng.randbytes(rng.choice((1, 1060)))
            case 4:
                partial = bytes(rng.choice((1059, 1060, 2120)))
                length = len(partial)
        state = b"spst" + bytes([version, oldest, flags, unused])
        state += rng.randbytes(16 + 64) + sealing.to_bytes(8, "big")
        state += peer.cipher_key + peer.mac_key + number.to_bytes(8, "big")
        state += length.to_bytes(2, "big") + partial + later
        state += state_checksum(state)
        match rng.randrange(30):
            case 0:
                state = state[: rng.choice((0, 1, 15, 16, 100, 169, 185, len(state) - 1))]
            case 1:
                at = rng.randrange(len(state))
                state = state[:at] + bytes([state[at] ^ 1]) + state[at + 1 :]
            case 2:
                state = b"spsx" + state[4:-16]
                state += state_checksum(state)
            case 3:
                state += b"\0"
        return state
