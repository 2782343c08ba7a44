"""The other end of a conversation, and what is done to its messages."""

from collections.abc import Callable
from random import Random

from forms import MODP2048, NONCE_LEN, PRIME, X25519, Form
from oracle import PACKET_LEN, PLAIN_MAX, Session
from spiped_types import Config, ForwardSecrecy, Side, Stage
from transcript import Fresh

# X25519's: the field's prime, and the two numbers whose points have order 8.
FIELD = 2**255 - 19
OF_ORDER_8 = (
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)
LOW_ORDER = (0, 1, *OF_ORDER_8, FIELD - 1, FIELD, FIELD + 1)
EVIL_PUBLIC_VALUES: dict[Form, list[bytes]] = {
    MODP2048: [
        MODP2048.number(value) for value in (0, 1, PRIME - 1, PRIME, PRIME + 1, 2**2048 - 1)
    ],
    # Not canonical and of high order, too; and all with the bit that is ignored.
    X25519: [
        (value + ignored).to_bytes(32, "little")
        for value in (*LOW_ORDER, 9, FIELD + 9, 2**255 - 1)
        for ignored in (0, 2**255)
    ],
}
EVIL_LENGTHS = (0, PLAIN_MAX + 1, 2**16, 2**31, 2**32 - 1)


class Peer:
    """An honest end, played by the oracle. What it sends are messages."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.received = b""
        self.sent = b""
        self.messages: list[bytes] = []
        self._partial = self.session.start().to_crypt
        self._cut_messages()

    def take(self, data: bytes) -> None:
        """Take what the other end sent, and answer."""
        output = self.session.handle_crypt(data)
        self._partial += output.to_crypt
        self.received += output.to_plain
        while self.session.status() is Stage.COMPUTING:
            output = self.session.compute()
            self._partial += output.to_crypt
            self.received += output.to_plain
        self._cut_messages()

    def send(self, data: bytes) -> None:
        """Send application data."""
        self.sent += data
        self._partial += self.session.handle_plain(data).to_crypt
        self._cut_messages()

    def end(self) -> None:
        """Send what there is to send at the end."""
        if self.established:
            self._partial += self.session.plain_eof().to_crypt
            self._cut_messages()

    @property
    def established(self) -> bool:
        """Whether it can send."""
        return self.session.status() is Stage.ESTABLISHED

    @property
    def failed(self) -> bool:
        """Whether it would have closed the connection."""
        return self.session.failure is not None

    def _cut_messages(self) -> None:
        while self._partial:
            form = self.session.form
            share_len = form.share_len if form else 0  # Without a form, none is sent.
            length = (NONCE_LEN, share_len, PACKET_LEN)[min(len(self.messages), 2)]
            self.messages.append(self._partial[:length])
            self._partial = self._partial[length:]


class EvilSession(Session):
    """A holder of the secret that does not keep to the rules."""

    def __init__(self, rng: Random, config: Config, secrets: list[bytes], victim: Fresh) -> None:
        super().__init__(config, secrets, rng.randbytes(64))
        self._rng = rng
        self._victim = victim
        self._has_evil_public = rng.random() < 0.7

    def _choose_public(self) -> None:
        if self._has_evil_public:
            assert self.form
            self.publics[self.side] = self._rng.choice(EVIL_PUBLIC_VALUES[self.form])
        else:
            super()._choose_public()

    def _advance(self) -> None:
        super()._advance()
        if self.task == "shared" and self._has_evil_public:
            # Nobody could know it of a value like these but who made both ends.
            shared = self._victims_shared_value()
            if shared is not None:
                self.task = None
                self._establish(shared)
                super()._advance()

    def _victims_shared_value(self) -> bytes | None:
        assert self.form
        omits = self._victim.config.forward_secrecy is ForwardSecrecy.OMIT
        if omits and self.form is MODP2048:
            return MODP2048.number(1)
        return self.form.shared(self._victim.entropy[NONCE_LEN:], self.publics[self.side])

    def send_evil_packet(self) -> bytes:
        """An authentic packet that says something impossible, or has odd padding."""
        assert self.sealing
        message = self._rng.randbytes(self._rng.randint(0, PLAIN_MAX))
        if message and self._rng.random() < 0.3:
            return self.sealing.seal(message, pad=b"\xaa")
        return self.sealing.seal(message, length=self._rng.choice(EVIL_LENGTHS))


class EvilPeer(Peer):
    """The end played by an `EvilSession`."""

    def __init__(self, session: EvilSession) -> None:
        self._evil = session
        super().__init__(session)

    def send(self, data: bytes) -> None:
        """Send application data, or something impossible."""
        if self._evil._rng.random() < 0.4:
            self._partial += self._evil.send_evil_packet()
            self._cut_messages()
        else:
            super().send(data)

    def end(self) -> None:
        """Send the end mark, or not, or more after it."""
        if self._evil._rng.random() < 0.7:
            super().end()
        if self.established and self._evil._rng.random() < 0.3:
            self._partial += self._evil.send_evil_packet()
            self._cut_messages()


class Meddler:
    """Somebody between, who changes one message and lets the others pass."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._target = rng.choice((0, 1, 1, 2, 2, 3, 4, 5, 6))
        self._deed = rng.choice(tuple(_DEEDS))
        self._count = 0
        self._seen: list[bytes] = []
        self._held: bytes | None = None
        self.has_cut = False

    def pass_on(self, message: bytes, from_victim: list[bytes]) -> bytes:
        """What comes of the message; those from the victim are for reflecting."""
        if self.has_cut:
            return b""
        index, self._count = self._count, self._count + 1
        self._seen.append(message)
        if self._held is not None:
            message, self._held = message + self._held, None
        if index == self._target:
            return _DEEDS[self._deed](self, message, from_victim)
        return message

    def _flip(self, message: bytes, _: list[bytes]) -> bytes:
        at = self._rng.randrange(len(message))
        bit = 1 << self._rng.randrange(8)
        return message[:at] + bytes([message[at] ^ bit]) + message[at + 1 :]

    def _repeat(self, message: bytes, _: list[bytes]) -> bytes:
        return message + self._rng.choice(self._seen)

    def _drop(self, _message: bytes, _: list[bytes]) -> bytes:
        return b""

    def _swap(self, message: bytes, _: list[bytes]) -> bytes:
        self._held = message
        return b""

    def _reflect(self, message: bytes, from_victim: list[bytes]) -> bytes:
        alike = [other for other in from_victim if len(other) == len(message)]
        return self._rng.choice(alike) if alike else message

    def _cut(self, message: bytes, _: list[bytes]) -> bytes:
        self.has_cut = True
        return message[: self._rng.randint(0, len(message))]

    def _insert(self, message: bytes, _: list[bytes]) -> bytes:
        return self._rng.randbytes(self._rng.choice((1, 32, 64, 288, 1060))) + message

    def _shorten(self, message: bytes, _: list[bytes]) -> bytes:
        at = self._rng.randrange(len(message))
        return message[:at] + message[at + 1 :]


_DEEDS: dict[str, Callable[[Meddler, bytes, list[bytes]], bytes]] = {
    "flip": Meddler._flip,
    "repeat": Meddler._repeat,
    "drop": Meddler._drop,
    "swap": Meddler._swap,
    "reflect": Meddler._reflect,
    "cut": Meddler._cut,
    "insert": Meddler._insert,
    "shorten": Meddler._shorten,
}


def other(side: Side) -> Side:
    """The end a session of this side talks to."""
    return Side.SERVER if side is Side.CLIENT else Side.CLIENT
