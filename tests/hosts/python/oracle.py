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
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from spiped_types import (
    Config,
    Exhausted,
    Failure,
    ForwardSecrecy,
    Misuse,
    Misused,
    Output,
    PeerFailure,
    PeerFault,
    Side,
    Stage,
    Status,
)

NONCE_LEN = 32
MAC_LEN = 32
PUBLIC_LEN = 256
KEY_SHARE_LEN = PUBLIC_LEN + MAC_LEN
PLAIN_MAX = 1024
BODY_LEN = PLAIN_MAX + 4
PACKET_LEN = BODY_LEN + MAC_LEN
# As many packets may be sent in one direction, with numbers from 0.
PACKETS_MAX = 2**64 - 1

# RFC 3526, group 14; the generator is 2.
PRIME = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"
    "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05"
    "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB"
    "9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718"
    "3995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF",
    16,
)


def hmac(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256."""
    mac = HMAC(key, SHA256())
    mac.update(data)
    return mac.finalize()


def derive(secret: bytes, salt: bytes, count: int) -> list[bytes]:
    """PBKDF2-HMAC-SHA-256 with one iteration, cut into keys of 32 bytes."""
    long = PBKDF2HMAC(SHA256(), length=32 * count, salt=salt, iterations=1).derive(secret)
    return [long[at : at + 32] for at in range(0, len(long), 32)]


def exponent(entropy: bytes) -> int:
    """The exponent a session makes of its entropy."""
    return 2**258 + int.from_bytes(entropy[NONCE_LEN:], "big")


def public_bytes(value: int) -> bytes:
    """A number of the group as it is sent."""
    return value.to_bytes(PUBLIC_LEN, "big")


@dataclass
class Direction:
    """One direction's keys and the number of its next packet."""

    cipher_key: bytes
    mac_key: bytes
    number: int = 0

    def seal(self, message: bytes, *, length: int | None = None, pad: bytes = b"\0") -> bytes:
        """The next packet; with another length or padding, one that is wrong."""
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
        if not 1 <= length <= PLAIN_MAX:
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
        self.side = config.side
        self.forward_secrecy = config.forward_secrecy
        self.secrets = secrets
        self.nonce = entropy[:NONCE_LEN]
        self.exponent = exponent(entropy)
        if any(len(secret) != 32 for secret in secrets):
            self.failure = Misused(Misuse.SECRET_LENGTH)
        elif not secrets or config.side is Side.CLIENT and len(secrets) != 1:
            self.failure = Misused(Misuse.SECRET_COUNT)
        elif len(entropy) != 64:
            self.failure = Misused(Misuse.ENTROPY_LENGTH)

    failure: Failure | None

    def _forget(self) -> None:
        self.failure = None
        self.started = False
        self.task: str | None = None  # The exponentiation that is due.
        self.inbox = b""
        self.crypt_ended = self.plain_ended = False
        self.nonces: bytes | None = None
        self.public: int | None = None  # Ours.
        self.peer_public: int | None = None
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
        """Do the exponentiation that is due."""
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

    def suspend(self) -> bytes | Failure:
        """The whole state."""
        self._call(self._check_established)
        if self.failure:
            return self.failure
        self.failure = Misused(Misuse.SUSPENDED)
        assert self.sealing and self.opening and self.secret_index is not None
        ends = 1 * self.plain_ended + 2 * self.crypt_ended
        state = struct.pack(">BBI", 1, ends, self.secret_index)
        for direction in (self.sealing, self.opening):
            state += direction.cipher_key + direction.mac_key + struct.pack(">Q", direction.number)
        return state + self.inbox

    def _resume(self, state: bytes) -> None:
        self._forget()
        cut = state[_STATE.size :]
        if len(state) < _STATE.size or len(cut) >= PACKET_LEN:
            self.failure = Misused(Misuse.BAD_STATE)
            return
        version, ends, index, *directions = _STATE.unpack(state[: _STATE.size])
        if version != 1 or ends > 3:
            self.failure = Misused(Misuse.BAD_STATE)
        self.started = self.share_sent = True
        self.plain_ended, self.crypt_ended = ends & 1 == 1, ends & 2 == 2
        self.secret_index = index
        self.sealing, self.opening = Direction(*directions[:3]), Direction(*directions[3:])
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
        if task == "public":
            self.public = pow(2, self.exponent, PRIME)
        else:
            self._establish(self.shared_value())
        self._advance()

    def _handle_crypt(self, data: bytes) -> None:
        self._check_crypt_open()
        self.inbox += data
        self._advance()

    def _handle_plain(self, data: bytes) -> None:
        self._check_plain_open()
        assert self.sealing
        for at in range(0, len(data), PLAIN_MAX):
            if self.sealing.number == PACKETS_MAX:
                raise _Failed(Exhausted())
            self.to_crypt += self.sealing.seal(data[at : at + PLAIN_MAX])

    def _crypt_eof(self) -> None:
        self._check_crypt_open()
        self.crypt_ended = True
        self._advance()

    def _plain_eof(self) -> None:
        self._check_plain_open()
        self.plain_ended = True

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
                client = self.side is Side.CLIENT
                self.nonces = self.nonce + theirs if client else theirs + self.nonce
            elif self.public is not None and not self.share_sent:
                self._send_share(self.public)
            elif self.peer_public is None:
                share = self._take(KEY_SHARE_LEN)
                if share is None:
                    break
                self.peer_public = self._check_share(share)
                if self.side is Side.SERVER:
                    self._choose_public()
            elif self.forward_secrecy is ForwardSecrecy.OMIT:
                self._establish(1)
            else:
                self.task = "shared"
        if self.crypt_ended and self.task is None:
            if self.opening is None:
                raise _peer(PeerFault.CUT_OFF_IN_HANDSHAKE)
            if self.inbox:
                raise _peer(PeerFault.CUT_OFF_IN_PACKET)

    def _take(self, length: int) -> bytes | None:
        if len(self.inbox) < length:
            return None
        taken, self.inbox = self.inbox[:length], self.inbox[length:]
        return taken

    def _choose_public(self) -> None:
        if self.forward_secrecy is ForwardSecrecy.OMIT:
            self.public = 1
        else:
            self.task = "public"

    def share_keys(self, secret: bytes) -> dict[Side, bytes]:
        """The MAC keys of the two key shares."""
        assert self.nonces is not None
        client, server = derive(secret, self.nonces, 2)
        return {Side.CLIENT: client, Side.SERVER: server}

    def _send_share(self, public: int) -> None:
        # A client has one secret; a server knows by now which it is.
        secret = self.secrets[self.secret_index or 0]
        value = public_bytes(public)
        self.to_crypt += value + hmac(self.share_keys(secret)[self.side], value)
        self.share_sent = True

    def _check_share(self, share: bytes) -> int:
        value, mac = share[:PUBLIC_LEN], share[PUBLIC_LEN:]
        theirs = Side.SERVER if self.side is Side.CLIENT else Side.CLIENT
        for index, secret in enumerate(self.secrets):
            if mac == hmac(self.share_keys(secret)[theirs], value):
                self.secret_index = index
                break
        else:
            raise _peer(PeerFault.WRONG_KEY)
        public = int.from_bytes(value, "big")
        if public >= PRIME:
            raise _peer(PeerFault.PUBLIC_VALUE_OUT_OF_RANGE)
        if self.forward_secrecy is ForwardSecrecy.REQUIRE and public in (0, 1, PRIME - 1):
            raise _peer(PeerFault.NO_FORWARD_SECRECY)
        return public

    def shared_value(self) -> int:
        """What the two public values come to."""
        assert self.peer_public is not None
        return pow(self.peer_public, self.exponent, PRIME)

    def _establish(self, shared: int) -> None:
        assert self.nonces is not None and self.secret_index is not None
        salt = self.nonces + public_bytes(shared)
        e_c, h_c, e_s, h_s = derive(self.secrets[self.secret_index], salt, 4)
        client, server = Direction(e_c, h_c), Direction(e_s, h_s)
        ours = self.side is Side.CLIENT
        self.sealing, self.opening = (client, server) if ours else (server, client)

    def _open_packets(self) -> None:
        assert self.opening
        while (packet := self._take(PACKET_LEN)) is not None:
            if self.opening.number == PACKETS_MAX:
                raise _Failed(Exhausted())
            message = self.opening.open(packet)
            if isinstance(message, PeerFailure):
                raise _Failed(message)
            self.to_plain += message


# A suspended session, but for the beginning of a packet at its end.
_STATE = struct.Struct(">BBI 32s32sQ 32s32sQ")


if __name__ == "__main__":
    from vectors import check

    check()
    print("the oracle agrees with the vectors", file=sys.stderr)
