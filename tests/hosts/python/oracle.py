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

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from forms import FORMS, MAC_LEN, MODP2048, NONCE_LEN, PRIME, X25519, Form, hmac
from spiped_types import (
    Config,
    Exhausted,
    Failure,
    ForwardSecrecy,
    KeyExchange,
    Misuse,
    Misused,
    Output,
    PeerFailure,
    PeerFault,
    Side,
    Stage,
    Status,
)

PLAIN_MAX = 1024
BODY_LEN = PLAIN_MAX + 4
PACKET_LEN = BODY_LEN + MAC_LEN
# As many packets may be sent in one direction, with numbers from 0.
PACKETS_MAX = 2**64 - 1


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
    """Makes sessions, as the component does."""

    def session(self, config: Config, secrets: list[bytes], entropy: bytes) -> "Session":
        """A new session."""
        return Session(config, secrets, entropy)

    def resume(self, state: bytes) -> "Session":
        """A session that goes on where a suspended one stopped."""
        session = Session.__new__(Session)
        session._resume(state)
        return session


class _Failed(Exception):
    """Carries a failure out of the steps of a call."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


def _peer(fault: PeerFault) -> _Failed:
    return _Failed(PeerFailure(fault))


def _misuse(misuse: Misuse) -> _Failed:
    return _Failed(Misused(misuse))


class Session:
    """One end of one connection."""

    def __init__(self, config: Config, secrets: list[bytes], entropy: bytes) -> None:
        self._forget()
        self.config = config
        self.side = config.side
        self.secrets = secrets
        self.nonce, self.exponent = entropy[:NONCE_LEN], entropy[NONCE_LEN:]
        if config.side is Side.CLIENT and config.key_exchange is not None:
            self.form = FORMS[config.key_exchange]
        if any(len(secret) != 32 for secret in secrets):
            self.failure = Misused(Misuse.SECRET_LENGTH)
        elif len(entropy) != 64:
            self.failure = Misused(Misuse.ENTROPY_LENGTH)
        elif self._contradicts_itself():
            self.failure = Misused(Misuse.CONTRADICTORY_CONFIG)
        elif not secrets or config.side is Side.CLIENT and len(secrets) != 1:
            self.failure = Misused(Misuse.SECRET_COUNT)

    failure: Failure | None
    form: Form | None  # A server's, from when the peer has proved itself.

    @property
    def peer(self) -> Side:
        """The other end."""
        return Side.SERVER if self.side is Side.CLIENT else Side.CLIENT

    def _forget(self) -> None:
        self.failure = None
        self.started = False
        self.task: str | None = None  # The value that is due.
        self.inbox = b""
        self.crypt_ended = self.plain_ended = False
        self.mark_came = False
        self.form = None
        self.nonces: bytes | None = None
        self.publics: dict[Side, bytes] = {}
        self.share_sent = False
        self.secret_index: int | None = None
        self.sealing: Direction | None = None
        self.opening: Direction | None = None
        self.to_crypt = self.to_plain = b""

    # The calls.

    def start(self) -> Output:
        """Begin: our nonce goes to the peer."""
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

    def peer_secret(self) -> int | None:
        """Which of our secrets the peer proved to hold; of a failed session, none."""
        return None if self.failure else self.secret_index

    def key_exchange(self) -> KeyExchange | None:
        """The key exchange in use; of a failed session, none."""
        return self.form.key_exchange if self.form and not self.failure else None

    def suspend(self) -> bytes | Failure:
        """The whole state."""
        self._call(self._check_established)
        if self.failure:
            return self.failure
        self.failure = Misused(Misuse.SUSPENDED)
        assert self.sealing and self.opening and self.secret_index is not None
        flags = _PLAIN_ENDED * self.plain_ended + _CRYPT_ENDED * self.crypt_ended
        flags += _IS_X25519 * (self.form is X25519) + _MARK_CAME * self.mark_came
        state = struct.pack(">BBI", 1, flags, self.secret_index)
        for direction in (self.sealing, self.opening):
            state += direction.cipher_key + direction.mac_key + struct.pack(">Q", direction.number)
        return state + self.inbox

    def _resume(self, state: bytes) -> None:
        self._forget()
        cut = state[_STATE.size :]
        if len(state) < _STATE.size or len(cut) >= PACKET_LEN:
            self.failure = Misused(Misuse.BAD_STATE)
            return
        version, flags, index, *directions = _STATE.unpack(state[: _STATE.size])
        if version != 1 or flags not in _FLAGS or cut and flags & (_CRYPT_ENDED | _MARK_CAME):
            self.failure = Misused(Misuse.BAD_STATE)
        self.started = self.share_sent = True
        self.plain_ended, self.crypt_ended = bool(flags & _PLAIN_ENDED), bool(flags & _CRYPT_ENDED)
        self.form = X25519 if flags & _IS_X25519 else MODP2048
        self.mark_came = bool(flags & _MARK_CAME)
        self.secret_index = index
        self.sealing = self._direction(*directions[:3])
        self.opening = self._direction(*directions[3:])
        self.inbox = cut

    # One call: what goes wrong first is the session's last word.

    def _call(self, step: Callable[[], None]) -> Output:
        if self.failure is None:
            try:
                step()
            except _Failed as failed:
                self.failure = failed.failure
        output = Output(self.to_crypt, self.to_plain, self.status())
        self.to_crypt = self.to_plain = b""
        return output

    def status(self) -> Status:
        """Where the session stands."""
        if self.failure is not None:
            return self.failure
        if self.task is not None:
            return Stage.COMPUTING
        return Stage.ESTABLISHED if self.opening else Stage.HANDSHAKING

    def _start(self) -> None:
        if self.started:
            raise _misuse(Misuse.START_ORDER)
        self.started = True
        self.to_crypt += self.nonce
        # A server makes its public value only for a peer that holds the secret.
        if self.side is Side.CLIENT:
            self._choose_public()

    def _compute(self) -> None:
        self._check_started()
        if self.task is None:
            raise _misuse(Misuse.NOTHING_TO_COMPUTE)
        task, self.task = self.task, None
        assert self.form
        if task == "public":
            self.publics[self.side] = self.form.public(self.exponent)
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

    def _contradicts_itself(self) -> bool:
        if self.config.key_exchange is KeyExchange.X25519:
            return self.config.forward_secrecy is ForwardSecrecy.OMIT
        return self.config.side is Side.CLIENT and self.config.key_exchange is None

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
                client = self.side is Side.CLIENT
                self.nonces = self.nonce + theirs if client else theirs + self.nonce
            elif self.side in self.publics and not self.share_sent:
                self._send_share()
            elif self.peer not in self.publics:
                if not self._take_share():
                    break
                if self.side is Side.SERVER:
                    self._choose_public()
            elif self._omits():
                self._establish(MODP2048.number(1))
            else:
                self.task = "shared"
        if self.crypt_ended and self.task is None:
            self._check_end()

    def _check_end(self) -> None:
        """Whether the end of the crypt side has cut something off."""
        if self.opening is None:
            raise _peer(PeerFault.CUT_OFF_IN_HANDSHAKE)
        if self.inbox:
            raise _peer(PeerFault.CUT_OFF_IN_PACKET)
        if self.form is X25519 and not self.mark_came:
            raise _peer(PeerFault.CUT_OFF_BEFORE_END)

    def _take(self, length: int) -> bytes | None:
        if len(self.inbox) < length:
            return None
        taken, self.inbox = self.inbox[:length], self.inbox[length:]
        return taken

    def _omits(self) -> bool:
        return self.form is MODP2048 and self.config.forward_secrecy is ForwardSecrecy.OMIT

    def _choose_public(self) -> None:
        if self._omits():
            self.publics[self.side] = MODP2048.number(1)
        else:
            self.task = "public"

    def _send_share(self) -> None:
        assert self.form and self.nonces is not None
        # A client has one secret; a server knows by now which it is.
        secret = self.secrets[self.secret_index or 0]
        key = self.form.share_keys(secret, self.nonces)[self.side]
        self.to_crypt += self.publics[self.side] + self.form.share_mac(self.side, key, self.publics)
        self.share_sent = True

    def _take_share(self) -> bool:
        """Take the peer's key share, if it has come: its MAC shows its form."""
        for form in self._forms():
            if len(self.inbox) < form.share_len:
                return False
            self.secret_index = self._verify(form, self.inbox[: form.share_len])
            if self.secret_index is not None:
                self.form = form
                share = self._take(form.share_len)
                assert share is not None
                self._check_public(share[: form.public_len])
                return True
        raise _peer(PeerFault.WRONG_KEY)

    def _forms(self) -> list[Form]:
        """Those the peer's key share may have, the shorter first."""
        chosen = self.config.key_exchange
        return [X25519, MODP2048] if chosen is None else [FORMS[chosen]]

    def _verify(self, form: Form, share: bytes) -> int | None:
        """Which of our secrets was used for this key share."""
        assert self.nonces is not None
        publics = {**self.publics, self.peer: share[: form.public_len]}
        for index, secret in enumerate(self.secrets):
            key = form.share_keys(secret, self.nonces)[self.peer]
            if share[form.public_len :] == form.share_mac(self.peer, key, publics):
                return index
        return None

    def _check_public(self, value: bytes) -> None:
        self.publics[self.peer] = value
        if self.form is not MODP2048:
            return
        number = int.from_bytes(value, "big")
        if number >= PRIME:
            raise _peer(PeerFault.PUBLIC_VALUE_OUT_OF_RANGE)
        if self.config.forward_secrecy is ForwardSecrecy.REQUIRE and number in (0, 1, PRIME - 1):
            raise _peer(PeerFault.NO_FORWARD_SECRECY)

    def _establish(self, shared: bytes) -> None:
        assert self.form and self.nonces is not None and self.secret_index is not None
        secret = self.secrets[self.secret_index]
        e_c, h_c, e_s, h_s = self.form.session_keys(secret, self.nonces, self.publics, shared)
        client, server = self._direction(e_c, h_c), self._direction(e_s, h_s)
        ours = self.side is Side.CLIENT
        self.sealing, self.opening = (client, server) if ours else (server, client)

    # The packets.

    def _direction(self, cipher_key: bytes, mac_key: bytes, number: int = 0) -> Direction:
        return Direction(cipher_key, mac_key, self.form is X25519, number)

    def _seal(self, message: bytes) -> None:
        assert self.sealing
        if self.sealing.number == PACKETS_MAX:
            raise _Failed(Exhausted())
        self.to_crypt += self.sealing.seal(message)

    def _open_packets(self) -> None:
        assert self.opening
        while self.inbox:
            if self.mark_came:
                raise _peer(PeerFault.DATA_AFTER_END)
            packet = self._take(PACKET_LEN)
            if packet is None:
                break
            if self.opening.number == PACKETS_MAX:
                raise _Failed(Exhausted())
            message = self.opening.open(packet)
            if isinstance(message, PeerFailure):
                raise _Failed(message)
            self.to_plain += message
            self.mark_came = not message


# A suspended session, but for the beginning of a packet at its end.
_STATE = struct.Struct(">BBI 32s32sQ 32s32sQ")
_PLAIN_ENDED, _CRYPT_ENDED, _IS_X25519, _MARK_CAME = 1, 2, 4, 8
# Which of them go together: with X25519, there is no end without its mark.
_FLAGS = (0, 1, 2, 3, 4, 5, 12, 13, 14, 15)


if __name__ == "__main__":
    from vectors import check

    check()
    print("the oracle agrees with the vectors", file=sys.stderr)
