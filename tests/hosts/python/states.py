"""Sessions resumed from states of all kinds, near the end of the numbers too."""

from random import Random

from oracle import PACKET_LEN, PACKETS_MAX, Direction
from spiped_component import Component
from transcript import QUESTIONS, Suspended
from twin import Twin


class Resumption:
    """A twin resumed from a made-up state, and a peer that holds its keys."""

    def __init__(self, component: Component, rng: Random) -> None:
        self.rng = rng
        near_end = (PACKETS_MAX - 2, PACKETS_MAX - 1, PACKETS_MAX)
        number = rng.choice((0, 1, 2**32 - 1, 2**63, *near_end))
        # The plain side has ended, the crypt side has, X25519, its mark has come.
        self.flags = rng.choice((0, 0, 0, 1, 2, 3, 4, 4, 4, 5, 12, 13, 14, 15))
        self.peer = Direction(rng.randbytes(32), rng.randbytes(32), self.flags & 4 == 4, number)
        self.cut = b""
        self.twin = Twin(component, Suspended(self._state()))

    def run(self) -> str:
        """Have a short conversation. Returns how it ended."""
        verdict = "none"
        for _ in range(self.rng.randint(1, 5)):
            name = self.rng.choice(("crypt", "crypt", "plain", "plain", "suspend", *QUESTIONS))
            if self.rng.random() < 0.1:
                name = self.rng.choice(("start", "compute", "crypt-eof", "plain-eof"))
            if name == "crypt":
                answer = self.twin.call(name, self._packets())
            elif name == "plain":
                length = self.rng.choice((0, 1, 1024, 1025, 2049))
                answer = self.twin.call(name, self.rng.randbytes(length))
            else:
                answer = self.twin.call(name)
            verdict = verdict if name in QUESTIONS else answer.verdict
        return verdict

    def _packets(self) -> bytes:
        """The rest of what is cut, or a few packets."""
        count = self.rng.choice((1, 1, 2, 3))
        packets = b""
        for _ in range(count):
            if self.cut:
                packet, self.cut = self.cut, b""
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
        state = bytes([1, self.flags]) + rng.randbytes(4)
        state += rng.randbytes(64) + sealing.to_bytes(8, "big")
        state += peer.cipher_key + peer.mac_key + peer.number.to_bytes(8, "big")
        # After the end of the crypt side, or its mark, nothing is cut.
        may_be_cut = not self.flags & 10 or rng.random() < 0.1
        if may_be_cut and rng.random() < 0.5:
            at = rng.randrange(1, PACKET_LEN)
            packet = self._packet()
            state, self.cut = state + packet[:at], packet[at:]
        match rng.randrange(10):
            case 0:
                state = bytes([rng.choice((0, 2, 255))]) + state[1:]
            case 1:
                flags = rng.choice((6, 7, 8, 9, 10, 11, 16, 32, 128, 255))
                state = state[:1] + bytes([flags]) + state[2:]
            case 2:
                state = state[: rng.choice((0, 1, 100, 149))]
            case 3:
                state = state + bytes(rng.choice((1060, 2120)))
        return state
