"""The other end of a conversation, and what is done to its messages."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from forms import MODP2048, NONCE_LEN, PRIME, X25519, Form
from oracle import PACKET_LEN, PLAIN_MAX, Acceptor, Session
from spiped_pipe.errors import CallFailed
from spiped_pipe.types import (
    AnyConfig,
    Authenticated,
    ForwardSecrecy,
    More,
    Output,
    ServerConfig,
    Side,
    Stage,
    X25519Config,
)

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


@dataclass(frozen=True)
class End:
    """Who one end of a conversation is. A client's configuration is a server's, too."""

    side: Side
    config: ServerConfig
    # A client has one, a server any number.
    psks: list[bytes]
    nonce: bytes
    exponent: bytes

    @property
    def forward_secrecy(self) -> ForwardSecrecy:
        """What it does about forward secrecy with `modp2048`."""
        if isinstance(self.config, X25519Config):
            return ForwardSecrecy.OFFER
        return self.config.forward_secrecy


class Peer:
    """An honest end, played by the oracle. What it sends are messages."""

    def __init__(self, end: End) -> None:
        self.end = end
        self.session: Session | None = None
        self.refuses = False
        self.received = b""
        self.sent = b""
        self.messages: list[bytes] = []
        self._partial = b""
        # What has come from a stranger.
        self._early = b""
        if end.side is Side.CLIENT:
            assert not isinstance(end.config, AnyConfig), "a client chooses"
            session = self._session_type().connect(
                end.config, end.psks[0], end.nonce + end.exponent
            )
            self._begin(session)
        else:
            self._partial += end.nonce
        self._split_messages()

    def take(self, data: bytes) -> None:
        """Take what the other end sent, and answer."""
        if self.session is None:
            data = self._identify(data)
        if self.session is not None:
            self._settle(self.session.handle_crypt(data))
        self._split_messages()

    def _identify(self, data: bytes) -> bytes:
        """Ask who it is. What comes after its hello."""
        self._early += data
        end = self.end
        who = Acceptor(end.config, end.psks).identify(end.nonce, self._early)
        if not isinstance(who, Authenticated):
            self.refuses = not isinstance(who, More)
            return b""
        hello, rest = self._early[: who.hello_len], self._early[who.hello_len :]
        psk = end.psks[who.psk_index]
        try:
            session = self._session_type().accept(end.config, end.nonce, hello, psk, end.exponent)
        except CallFailed:
            self.refuses = True
            return b""
        self._begin(session)
        return rest

    def _session_type(self) -> type[Session]:
        return Session

    def _begin(self, session: Session) -> None:
        self.session = session
        self._settle(session.start())

    def _settle(self, output: Output) -> None:
        self._partial += output.to_crypt
        self.received += output.to_plain
        if output.status is Stage.WANTS_COMPUTE:
            assert self.session is not None
            self._settle(self.session.compute())

    def send(self, data: bytes) -> None:
        """Send application data."""
        assert self.session is not None
        self.sent += data
        self._partial += self.session.handle_plain(data).to_crypt
        self._split_messages()

    def end_stream(self) -> None:
        """Send what there is to send at the end."""
        if self.established:
            assert self.session is not None
            self._partial += self.session.plain_eof().to_crypt
            self._split_messages()

    @property
    def established(self) -> bool:
        """Whether it can send."""
        return self.session is not None and self.session.status() is Stage.ESTABLISHED

    @property
    def failed(self) -> bool:
        """Whether it would have closed the connection."""
        return self.refuses or self.session is not None and self.session.failure is not None

    def _split_messages(self) -> None:
        while self._partial:
            # Without a session, nothing but a nonce is sent.
            share_len = self.session.form.share_len if self.session else 0
            length = (NONCE_LEN, share_len, PACKET_LEN)[min(len(self.messages), 2)]
            self.messages.append(self._partial[:length])
            self._partial = self._partial[length:]


class EvilSession(Session):
    """That of an end that has the key and does not keep to the rules."""

    rng: Random
    victim: End
    has_evil_public: bool

    def _choose_public(self) -> None:
        if not self.has_evil_public:
            super()._choose_public()
        elif self.rng.random() < 0.1:
            # The victim's own.
            self.publics[self.side] = self.form.public(self.victim.exponent)
        else:
            self.publics[self.side] = self.rng.choice(EVIL_PUBLIC_VALUES[self.form])

    def _advance(self) -> None:
        super()._advance()
        if self.task == "shared" and self.has_evil_public:
            # Nobody could know it of a value like these but who made both ends.
            shared = self._victims_shared_value()
            if shared is not None:
                self.task = None
                self._establish(shared)
                super()._advance()

    def _victims_shared_value(self) -> bytes | None:
        omits = self.victim.forward_secrecy is ForwardSecrecy.OMIT
        if omits and self.form is MODP2048:
            return MODP2048.number(1)
        return self.form.shared(self.victim.exponent, self.publics[self.side])

    def send_evil_packet(self) -> bytes:
        """An authenticated packet that says something impossible, or has odd padding."""
        assert self.sealing
        message = self.rng.randbytes(self.rng.randint(0, PLAIN_MAX))
        if message and self.rng.random() < 0.3:
            return self.sealing.seal(message, pad=b"\xaa")
        return self.sealing.seal(message, length=self.rng.choice(EVIL_LENGTHS))


class EvilPeer(Peer):
    """The end played by an `EvilSession`."""

    def __init__(self, end: End, rng: Random, victim: End) -> None:
        self._rng = rng
        self._victim = victim
        super().__init__(end)

    def _session_type(self) -> type[Session]:
        return EvilSession

    def _begin(self, session: Session) -> None:
        assert isinstance(session, EvilSession)
        session.rng, session.victim = self._rng, self._victim
        session.has_evil_public = self._rng.random() < 0.7
        super()._begin(session)

    def send(self, data: bytes) -> None:
        """Send application data, or something impossible."""
        if self._rng.random() < 0.4:
            self._send_evil_packet()
        else:
            super().send(data)

    def end_stream(self) -> None:
        """Send the end mark, or not, or more after it."""
        if self._rng.random() < 0.7:
            super().end_stream()
        if self.established and self._rng.random() < 0.3:
            self._send_evil_packet()

    def _send_evil_packet(self) -> None:
        assert isinstance(self.session, EvilSession)
        self._partial += self.session.send_evil_packet()
        self._split_messages()


class Meddler:
    """An active attacker, who changes one message and lets the others pass."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._target = rng.choice((0, 1, 1, 2, 2, 3, 4, 5, 6))
        self._deed = rng.choice(tuple(_DEEDS))
        self._count = 0
        self._seen: list[bytes] = []
        self._held: bytes | None = None
        self.has_truncated = False

    def pass_on(self, message: bytes, from_victim: list[bytes]) -> bytes:
        """What comes of the message; those from the victim are for reflecting."""
        if self.has_truncated:
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

    def _truncate(self, message: bytes, _: list[bytes]) -> bytes:
        self.has_truncated = True
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
    "truncate": Meddler._truncate,
    "insert": Meddler._insert,
    "shorten": Meddler._shorten,
}


def other(side: Side) -> Side:
    """The end a session of this side talks to."""
    return Side.SERVER if side is Side.CLIENT else Side.CLIENT
