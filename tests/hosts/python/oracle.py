"""A second implementation of the protocol, from its description alone.

It shares no code with the component, neither its language nor its libraries,
and takes the plainest way everywhere: one packet at a time, nothing in
advance, nothing in constant time. It is a judge in tests and must not carry
anybody's data.

Run as a program it checks itself against the description's vectors.
"""

import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from forms import MAC_LEN, MODP2048, NONCE_LEN, PRIME, X25519, Form, hmac
from spiped_pipe.errors import CallFailed
from spiped_pipe.types import (
    Authenticated,
    ClientConfig,
    Exhausted,
    Failure,
    ForwardSecrecy,
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

PLAIN_MAX = 1024
BODY_LEN = PLAIN_MAX + 4
PACKET_LEN = BODY_LEN + MAC_LEN
# As many packets may be sent in one direction, with numbers from 0.
PACKETS_MAX = 2**64 - 1
# As many bytes may come while a value is to be computed.
EARLY_MAX = 64 * PACKET_LEN


@dataclass
class Direction:
    """One direction's keys and the number of its next packet."""

    cipher_key: bytes
    mac_key: bytes
    # Whether a packet without a message is the end mark, and not a fault.
    has_end_mark: bool
    number: int = 0

    def seal(self, message: bytes, *, length: int | None = None, pad: bytes = b"\0") -> bytes:
        """The next packet: without a message, the end mark.

        With another length or padding, one that is wrong.
        """
        length = len(message) if length is None else length
        body = message + pad * (PLAIN_MAX - len(message)) + struct.pack(">I", length)
        sealed = self._crypt(body)
        packet = sealed + self._mac(sealed)
        self.number += 1
        return packet

    def open(self, packet: bytes) -> bytes | PeerFailure:
        """The message in the next packet."""
        sealed, mac = packet[:BODY_LEN], packet[BODY_LEN:]
        if mac != self._mac(sealed):
            return PeerFailure(PeerFault.FORGED_PACKET, self.number)
        body = self._crypt(sealed)
        (length,) = struct.unpack(">I", body[PLAIN_MAX:])
        if length > PLAIN_MAX or length == 0 and not self.has_end_mark:
            return PeerFailure(PeerFault.BAD_LENGTH, self.number, length)
        self.number += 1
        return body[:length]

    def _crypt(self, body: bytes) -> bytes:
        counter = struct.pack(">QQ", self.number, 0)
        return Cipher(AES(self.cipher_key), CTR(counter)).encryptor().update(body)

    def _mac(self, sealed: bytes) -> bytes:
        return hmac(self.mac_key, sealed + struct.pack(">Q", self.number))


class Oracle:
    """Makes acceptors and sessions, as the component does."""

    def acceptor(self, config: ServerConfig, psks: list[bytes]) -> "Acceptor":
        """An acceptor."""
        return Acceptor(config, psks)

    def connect(self, config: ClientConfig, psk: bytes, entropy: bytes) -> "Session":
        """A client's session."""
        return Session.connect(config, psk, entropy)

    def accept(
        self, config: ServerConfig, our_nonce: bytes, hello: bytes, psk: bytes, entropy: bytes
    ) -> "Session":
        """A server's session."""
        return Session.accept(config, our_nonce, hello, psk, entropy)

    def resume(self, state: bytes) -> "Session":
        """A session that goes on where a suspended one stopped."""
        return Session.resume(state)


def _peer(fault: PeerFault) -> CallFailed:
    return CallFailed(PeerFailure(fault))


def _misuse(misuse: Misuse) -> CallFailed:
    return CallFailed(Misused(misuse))


def _require(is_so: bool, misuse: Misuse) -> None:
    if not is_so:
        raise _misuse(misuse)


def accepted(config: ServerConfig) -> list[Form]:
    """The forms that a hello may have, the shorter first."""
    match config:
        case X25519Config():
            return [X25519]
        case Modp2048Config():
            return [MODP2048]
    return [X25519, MODP2048]


@dataclass(frozen=True)
class Hello:
    """What a client sends before it has an answer, if it is one."""

    form: Form
    our_nonce: bytes
    data: bytes

    @property
    def nonces(self) -> bytes:
        """Both nonces."""
        return self.data[:NONCE_LEN] + self.our_nonce

    @property
    def public(self) -> bytes:
        """The client's public value."""
        return self.data[NONCE_LEN:-MAC_LEN]

    def is_of(self, psk: bytes) -> bool:
        """Whether its sender has this key."""
        key = self.form.share_keys(psk, self.nonces)[Side.CLIENT]
        mac = self.form.share_mac(Side.CLIENT, key, {Side.CLIENT: self.public})
        return self.data[-MAC_LEN:] == mac


class Acceptor:
    """Tells who a stranger is."""

    def __init__(self, config: ServerConfig, psks: list[bytes]) -> None:
        _require(all(len(psk) == 32 for psk in psks), Misuse.PSK_LENGTH)
        _require(len(set(psks)) == len(psks), Misuse.DUPLICATE_PSK)
        self.config = config
        self.psks = psks

    def identify(self, our_nonce: bytes, received: bytes) -> Verdict:
        """Who sent all this?"""
        _require(len(our_nonce) == NONCE_LEN, Misuse.NONCE_LENGTH)
        if received[:NONCE_LEN] == our_nonce:
            return Refused(PeerFailure(PeerFault.REFLECTED))
        for form in accepted(self.config):
            if len(received) < form.hello_len:
                return More(form.hello_len - len(received))
            index = self._find(form, our_nonce, received)
            if index is not None:
                return Authenticated(index, form.key_exchange, form.hello_len)
        return Refused(PeerFailure(PeerFault.WRONG_KEY))

    def fault_at_eof(self, our_nonce: bytes, received: bytes) -> PeerFailure:
        """What was wrong with a stranger that stopped here?"""
        _require(len(our_nonce) == NONCE_LEN, Misuse.NONCE_LENGTH)
        if len(received) == X25519.hello_len:
            if X25519 in accepted(self.config):
                return PeerFailure(PeerFault.WRONG_KEY)
            if self._find(X25519, our_nonce, received) is not None:
                return PeerFailure(PeerFault.KEY_EXCHANGE_NOT_ACCEPTED)
        return PeerFailure(PeerFault.TRUNCATED_IN_HANDSHAKE)

    def _find(self, form: Form, our_nonce: bytes, received: bytes) -> int | None:
        """Which of the keys the sender of a hello of this form has."""
        hello = Hello(form, our_nonce, received[: form.hello_len])
        fitting = [index for index, psk in enumerate(self.psks) if hello.is_of(psk)]
        return fitting[0] if fitting else None


class Session:
    """One end of one connection."""

    form: Form
    # Of a session that was not resumed.
    side: Side
    forward_secrecy: ForwardSecrecy  # With `modp2048`.
    psk: bytes
    exponent: bytes

    def __init__(self, identity: bytes) -> None:
        self.identity = identity
        self.failure: Failure | None = None
        self.started = False
        self.task: str | None = None  # The value that is to be computed.
        self.inbox = b""
        self.crypt_ended = self.plain_ended = False
        self.mark_came = False
        self.nonce: bytes | None = None  # A client's, to be sent first.
        self.nonces: bytes | None = None
        self.publics: dict[Side, bytes] = {}
        self.share_sent = False
        self.sealing: Direction | None = None
        self.opening: Direction | None = None
        self.to_crypt = self.to_plain = b""

    @classmethod
    def connect(cls, config: ClientConfig, psk: bytes, entropy: bytes) -> Self:
        """A client's."""
        _require(len(entropy) == 64, Misuse.ENTROPY_LENGTH)
        _require(len(psk) == 32, Misuse.PSK_LENGTH)
        nonce, exponent = entropy[:NONCE_LEN], entropy[NONCE_LEN:]
        _require(nonce != exponent, Misuse.BROKEN_RANDOMNESS)
        form = MODP2048 if isinstance(config, Modp2048Config) else X25519
        session = cls._fresh(Side.CLIENT, config, form, psk, exponent)
        session.nonce = nonce
        return session

    @classmethod
    def accept(
        cls, config: ServerConfig, our_nonce: bytes, hello: bytes, psk: bytes, entropy: bytes
    ) -> Self:
        """A server's, with a client that has been identified."""
        _require(len(entropy) == 32, Misuse.ENTROPY_LENGTH)
        _require(len(our_nonce) == NONCE_LEN, Misuse.NONCE_LENGTH)
        _require(len(psk) == 32, Misuse.PSK_LENGTH)
        _require(our_nonce != entropy, Misuse.BROKEN_RANDOMNESS)
        forms = [form for form in accepted(config) if form.hello_len == len(hello)]
        _require(forms != [], Misuse.HELLO_LENGTH)
        if hello[:NONCE_LEN] == our_nonce:
            raise _peer(PeerFault.REFLECTED)
        client = Hello(forms[0], our_nonce, hello)
        if not client.is_of(psk):
            raise _peer(PeerFault.WRONG_KEY)
        session = cls._fresh(Side.SERVER, config, forms[0], psk, entropy)
        session.nonces = client.nonces
        session._take_public(client.public)
        return session

    @classmethod
    def _fresh(
        cls, side: Side, config: ServerConfig, form: Form, psk: bytes, exponent: bytes
    ) -> Self:
        session = cls(hmac(psk, b"spiped-psk-id-v1")[:16])
        session.side, session.form, session.psk, session.exponent = side, form, psk, exponent
        if isinstance(config, X25519Config):
            session.forward_secrecy = ForwardSecrecy.OFFER
        else:
            session.forward_secrecy = config.forward_secrecy
        return session

    @property
    def peer(self) -> Side:
        """The other end."""
        return Side.SERVER if self.side is Side.CLIENT else Side.CLIENT

    # The calls.

    def start(self) -> Output:
        """Begin: our first bytes go to the peer."""
        return self._call(self._start)

    def compute(self) -> Output:
        """Compute the public or the shared value that is due."""
        return self._call(self._compute)

    def handle_crypt(self, data: bytes) -> Output:
        """Take bytes that came from the crypt side."""
        return self._call(lambda: self._handle_crypt(data))

    def handle_plain(self, data: bytes) -> Output:
        """Take bytes that came from the plain side."""
        return self._call(lambda: self._handle_plain(data))

    def crypt_eof(self) -> Output:
        """The crypt side has ended."""
        return self._call(self._crypt_eof)

    def plain_eof(self) -> Output:
        """The plain side has ended."""
        return self._call(self._plain_eof)

    def psk_id(self) -> bytes | None:
        """Which key this session was made with; of a failed session, none."""
        return None if self.failure else self.identity

    def suspend(self) -> bytes:
        """The whole state."""
        self._call(self._check_established)
        if self.failure:
            raise CallFailed(self.failure)
        self.failure = Misused(Misuse.SUSPENDED)
        assert self.sealing and self.opening
        flags = _PLAIN_ENDED * self.plain_ended + _CRYPT_ENDED * self.crypt_ended
        flags += _IS_X25519 * (self.form is X25519) + _MARK_CAME * self.mark_came
        keys = [
            (direction.cipher_key, direction.mac_key, direction.number)
            for direction in (self.sealing, self.opening)
        ]
        version = (b"spst", 1, 1)
        state = _STATE.pack(*version, flags, 0, self.identity, *keys[0], *keys[1], len(self.inbox))
        state += self.inbox
        return state + state_checksum(state)

    @classmethod
    def resume(cls, state: bytes) -> Self:
        """One that goes on where a suspended one stopped."""
        content, checksum = state[:-16], state[-16:]
        _require(checksum == state_checksum(content), Misuse.BAD_STATE)
        _require(len(content) >= _STATE.size, Misuse.BAD_STATE)
        magic, version, oldest, flags, reserved, identity, *directions, length = _STATE.unpack(
            content[: _STATE.size]
        )
        partial = content[_STATE.size : _STATE.size + length]
        later = content[_STATE.size + length :]
        _require(magic == b"spst" and version >= 1 and oldest <= 1, Misuse.BAD_STATE)
        _require(flags in _FLAGS, Misuse.BAD_STATE)
        _require(len(partial) == length < PACKET_LEN, Misuse.BAD_STATE)
        _require(not partial or not flags & (_CRYPT_ENDED | _MARK_CAME), Misuse.BAD_STATE)
        # Later versions may use what is 0 here, and append something.
        _require(version > 1 or not (reserved or later), Misuse.BAD_STATE)
        session = cls(identity)
        session.started = session.share_sent = True
        session.plain_ended = bool(flags & _PLAIN_ENDED)
        session.crypt_ended = bool(flags & _CRYPT_ENDED)
        session.form = X25519 if flags & _IS_X25519 else MODP2048
        session.mark_came = bool(flags & _MARK_CAME)
        session.sealing = session._direction(*directions[:3])
        session.opening = session._direction(*directions[3:])
        session.inbox = partial
        return session

    # One call: what goes wrong first is the session's last word.

    def _call(self, step: Callable[[], None]) -> Output:
        if self.failure is None:
            try:
                step()
            except CallFailed as failed:
                self.failure = failed.failure
        output = Output(self.to_crypt, self.to_plain, self.status())
        self.to_crypt = self.to_plain = b""
        return output

    def status(self) -> Status:
        """Where the session stands."""
        if self.failure is not None:
            return self.failure
        if self.task is not None:
            return Stage.WANTS_COMPUTE
        return Stage.ESTABLISHED if self.opening else Stage.HANDSHAKING

    def _start(self) -> None:
        if self.started:
            raise _misuse(Misuse.START_ORDER)
        self.started = True
        if self.nonce is not None:
            self.to_crypt += self.nonce
        self._choose_public()
        self._advance()

    def _compute(self) -> None:
        self._check_started()
        if self.task is None:
            raise _misuse(Misuse.NOTHING_TO_COMPUTE)
        task, self.task = self.task, None
        if task == "public":
            self.publics[self.side] = self.form.public(self.exponent)
            self._check_reflection()
        else:
            shared = self.form.shared(self.exponent, self.publics[self.peer])
            if shared is None:
                raise _peer(PeerFault.LOW_ORDER_PUBLIC_VALUE)
            self._establish(shared)
        self._advance()

    def _handle_crypt(self, data: bytes) -> None:
        self._check_crypt_open()
        self.inbox += data
        self._advance()
        if self.task is not None and len(self.inbox) > EARLY_MAX:
            raise _misuse(Misuse.COMPUTE_FIRST)

    def _handle_plain(self, data: bytes) -> None:
        self._check_plain_open()
        for at in range(0, len(data), PLAIN_MAX):
            self._seal(data[at : at + PLAIN_MAX])

    def _crypt_eof(self) -> None:
        self._check_crypt_open()
        self.crypt_ended = True
        self._advance()

    def _plain_eof(self) -> None:
        self._check_plain_open()
        self.plain_ended = True
        if self.form is X25519:
            self._seal(b"")

    # What a call needs.

    def _check_started(self) -> None:
        if not self.started:
            raise _misuse(Misuse.START_ORDER)

    def _check_established(self) -> None:
        self._check_started()
        if self.opening is None:
            raise _misuse(Misuse.NOT_ESTABLISHED)

    def _check_plain_open(self) -> None:
        self._check_established()
        if self.plain_ended:
            raise _misuse(Misuse.AFTER_EOF)

    def _check_crypt_open(self) -> None:
        self._check_started()
        if self.crypt_ended:
            raise _misuse(Misuse.AFTER_EOF)

    # The handshake.

    def _advance(self) -> None:
        """Do all that can be done with what has come."""
        while self.task is None:
            if self.opening is not None:
                self._open_packets()
                break
            if self.nonces is None:
                theirs = self._take(NONCE_LEN)
                if theirs is None:
                    break
                # A server has both from the beginning.
                assert self.nonce is not None
                if theirs == self.nonce:
                    raise _peer(PeerFault.REFLECTED)
                self.nonces = self.nonce + theirs
            elif not self.share_sent:
                self._send_share()
            elif self.peer not in self.publics:
                share = self._take(self.form.share_len)
                if share is None:
                    break
                self._take_share(share)
            elif self._omits():
                self._establish(MODP2048.number(1))
            else:
                self.task = "shared"
        if self.crypt_ended and self.task is None:
            self._check_end()

    def _check_end(self) -> None:
        """Whether the crypt side has ended where it may."""
        if self.opening is None:
            raise _peer(PeerFault.TRUNCATED_IN_HANDSHAKE)
        if self.inbox:
            raise _peer(PeerFault.TRUNCATED_IN_PACKET)
        if self.form is X25519 and not self.mark_came:
            raise _peer(PeerFault.TRUNCATED_BEFORE_END_MARK)

    def _take(self, length: int) -> bytes | None:
        if len(self.inbox) < length:
            return None
        taken, self.inbox = self.inbox[:length], self.inbox[length:]
        return taken

    def _omits(self) -> bool:
        return self.form is MODP2048 and self.forward_secrecy is ForwardSecrecy.OMIT

    def _choose_public(self) -> None:
        if self._omits():
            self.publics[self.side] = MODP2048.number(1)
        else:
            self.task = "public"

    def _send_share(self) -> None:
        assert self.nonces is not None
        key = self.form.share_keys(self.psk, self.nonces)[self.side]
        self.to_crypt += self.publics[self.side] + self.form.share_mac(self.side, key, self.publics)
        self.share_sent = True

    def _take_share(self, share: bytes) -> None:
        """Take a server's key share."""
        assert self.nonces is not None
        value, mac = share[:-MAC_LEN], share[-MAC_LEN:]
        key = self.form.share_keys(self.psk, self.nonces)[self.peer]
        if mac != self.form.share_mac(self.peer, key, {**self.publics, self.peer: value}):
            raise _peer(PeerFault.WRONG_KEY)
        self._take_public(value)
        self._check_reflection()

    def _take_public(self, value: bytes) -> None:
        """Take the peer's public value, if it is one."""
        self.publics[self.peer] = value
        if self.form is not MODP2048:
            return
        number = int.from_bytes(value, "big")
        if number >= PRIME:
            raise _peer(PeerFault.PUBLIC_VALUE_OUT_OF_RANGE)
        if self.forward_secrecy is ForwardSecrecy.REQUIRE and number in (0, 1, PRIME - 1):
            raise _peer(PeerFault.NO_FORWARD_SECRECY)

    def _check_reflection(self) -> None:
        """Whether the peer has our own public value: two that omit have the same."""
        ours, theirs = self.publics[self.side], self.publics.get(self.peer)
        if ours == theirs and not self._omits():
            raise _peer(PeerFault.REFLECTED)

    def _establish(self, shared: bytes) -> None:
        assert self.nonces is not None
        e_c, h_c, e_s, h_s = self.form.session_keys(self.psk, self.nonces, self.publics, shared)
        client, server = self._direction(e_c, h_c), self._direction(e_s, h_s)
        ours = self.side is Side.CLIENT
        self.sealing, self.opening = (client, server) if ours else (server, client)

    # The packets.

    def _direction(self, cipher_key: bytes, mac_key: bytes, number: int = 0) -> Direction:
        return Direction(cipher_key, mac_key, self.form is X25519, number)

    def _seal(self, message: bytes) -> None:
        assert self.sealing
        if self.sealing.number == PACKETS_MAX:
            raise CallFailed(Exhausted())
        self.to_crypt += self.sealing.seal(message)

    def _open_packets(self) -> None:
        assert self.opening
        while self.inbox:
            if self.mark_came:
                raise _peer(PeerFault.DATA_AFTER_END_MARK)
            packet = self._take(PACKET_LEN)
            if packet is None:
                break
            if self.opening.number == PACKETS_MAX:
                raise CallFailed(Exhausted())
            message = self.opening.open(packet)
            if isinstance(message, PeerFailure):
                raise CallFailed(message)
            self.to_plain += message
            self.mark_came = not message


def state_checksum(content: bytes) -> bytes:
    """What follows a suspended session's content."""
    return sha256(content).digest()[:16]


# A suspended session: a name, versions, flags, a byte that is 0, the key's
# id, both directions, and the length of the partial packet that follows.
_STATE = struct.Struct(">4s BB BB 16s 32s32sQ 32s32sQ H")
_PLAIN_ENDED, _CRYPT_ENDED, _IS_X25519, _MARK_CAME = 1, 2, 4, 8
# Which of them go together: with X25519, there is no end without its mark.
_FLAGS = (0, 1, 2, 3, 4, 5, 12, 13, 14, 15)


if __name__ == "__main__":
    from vectors import check

    check()
    print("the oracle agrees with the vectors", file=sys.stderr)
