"""The two forms of the handshake: how their values are made, and their keys.

What is sent and when, and what is checked, is the session's business.
"""

from abc import ABC, abstractmethod

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from spiped_pipe.types import KeyExchange, Side

NONCE_LEN = 32
MAC_LEN = 32

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


class Form(ABC):
    """One form of the handshake. Public and shared values are as in salts."""

    key_exchange: KeyExchange
    public_len: int
    # What keeps this form's derivations apart from the other's.
    label: bytes
    # Whether the server's MAC and the session keys cover the public values.
    binds: bool

    @property
    def hello_len(self) -> int:
        """The length of all that a client sends before it has an answer."""
        return NONCE_LEN + self.share_len

    @property
    def share_len(self) -> int:
        """The length of a public value and its MAC."""
        return self.public_len + MAC_LEN

    @abstractmethod
    def public(self, exponent: bytes) -> bytes:
        """The public value of 32 bytes of entropy."""

    @abstractmethod
    def shared(self, exponent: bytes, theirs: bytes) -> bytes | None:
        """What it comes to with the peer's public value; none if that is refused."""

    def share_keys(self, psk: bytes, nonces: bytes) -> dict[Side, bytes]:
        """The MAC keys of the two key shares."""
        client, server = derive(psk, nonces + self.label, 2)
        return {Side.CLIENT: client, Side.SERVER: server}

    def share_mac(self, side: Side, key: bytes, publics: dict[Side, bytes]) -> bytes:
        """The MAC of this side's key share."""
        bound = self.binds and side is Side.SERVER
        return hmac(key, (publics[Side.CLIENT] if bound else b"") + publics[side])

    def session_keys(
        self, psk: bytes, nonces: bytes, publics: dict[Side, bytes], shared: bytes
    ) -> list[bytes]:
        """E_C, H_C, E_S and H_S."""
        bound = publics[Side.CLIENT] + publics[Side.SERVER] if self.binds else b""
        return derive(psk, nonces + self.label + bound + shared, 4)


class Modp2048Form(Form):
    """The form that upstream speaks."""

    key_exchange = KeyExchange.MODP2048
    public_len = 256
    label = b""
    binds = False

    def public(self, exponent: bytes) -> bytes:
        return self.number(pow(2, self.exponent_number(exponent), PRIME))

    def shared(self, exponent: bytes, theirs: bytes) -> bytes:
        base = int.from_bytes(theirs, "big")
        return self.number(pow(base, self.exponent_number(exponent), PRIME))

    def exponent_number(self, exponent: bytes) -> int:
        """The exponent a session makes of its entropy."""
        return 2**258 + int.from_bytes(exponent, "big")

    def number(self, value: int) -> bytes:
        """A number of the group as it is sent."""
        return value.to_bytes(self.public_len, "big")


class X25519Form(Form):
    """The form of RFC 7748's function."""

    key_exchange = KeyExchange.X25519
    public_len = 32
    label = b"spiped-x25519-v1"
    binds = True

    def public(self, exponent: bytes) -> bytes:
        return X25519PrivateKey.from_private_bytes(exponent).public_key().public_bytes_raw()

    def shared(self, exponent: bytes, theirs: bytes) -> bytes | None:
        peer = X25519PublicKey.from_public_bytes(theirs)
        try:
            return X25519PrivateKey.from_private_bytes(exponent).exchange(peer)
        except ValueError:
            return None  # All bytes are zero.


MODP2048 = Modp2048Form()
X25519 = X25519Form()
FORMS: dict[KeyExchange, Form] = {form.key_exchange: form for form in (MODP2048, X25519)}


def hmac(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256."""
    mac = HMAC(key, SHA256())
    mac.update(data)
    return mac.finalize()


def derive(psk: bytes, salt: bytes, count: int) -> list[bytes]:
    """PBKDF2-HMAC-SHA-256 with one iteration, divided into keys of 32 bytes."""
    long = PBKDF2HMAC(SHA256(), length=32 * count, salt=salt, iterations=1).derive(psk)
    return [long[at : at + 32] for at in range(0, len(long), 32)]
