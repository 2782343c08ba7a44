"""The vectors of the protocol's description, checked against the oracle.

They were made with a model that completed handshakes and exchanged data with
the original, release 1.6.4.
"""

from hashlib import sha256

from oracle import KEY_SHARE_LEN, NONCE_LEN, PRIME, PUBLIC_LEN, Direction, Session, public_bytes
from spiped_types import Config, ForwardSecrecy, Side, Stage

SECRET = sha256(b"spiped test key\n").digest()
NONCE_C = bytes(range(32))
NONCE_S = bytes(range(32, 64))


def check() -> None:
    """Raise AssertionError at the first difference."""
    prime_hash = "d66436f79bbd6b2e38c0ffbd079be904d2641415e2e67140e09448be9a60890e"
    _hash("p", public_bytes(PRIME), prime_hash)
    _same("K", SECRET, "3cf103f382159602a1b65b31c2a1f5cecb1d2dc53897f6241d2c4130f0626173")
    client, server = _strong_handshake()
    _packets(client, server)
    _weak_handshake()


def _strong_handshake() -> tuple[Session, Session]:
    client, server, share_c, share_s = _handshake(ForwardSecrecy.OFFER)
    keys = client.share_keys(SECRET)
    dhmac_c = "faafb5f76b5da961f355f8270251f6e096c2bc077a0540a10aadbc5614026300"
    dhmac_s = "4a8e97b86227dac477870ed25460b0b35f2ca3d316370bcb44216e647fc73220"
    _same("dhmac_C", keys[Side.CLIENT], dhmac_c)
    _same("dhmac_S", keys[Side.SERVER], dhmac_s)

    y_c, h_c = share_c[:PUBLIC_LEN], share_c[PUBLIC_LEN:]
    _same("y_C", y_c[:16] + y_c[-16:], "780e314d8331e917b3fd2112a9dccd64" + _Y_C_END)
    _hash("y_C", y_c, "4acbf0e6572d7ed655fabf87a91f43a04a7630addb0f2e2fa40958dbab49247d")
    _same("h_C", h_c, "1aff172761462c630db49e55b7a32bfe9bb62dcdec50172286e5a12e19ce2ef9")
    y_s, h_s = share_s[:PUBLIC_LEN], share_s[PUBLIC_LEN:]
    _same("y_S", y_s[:16] + y_s[-16:], "e1cb4489739f82ea68c77ab5c70b66f2" + _Y_S_END)
    _hash("y_S", y_s, "9432e4bdb72341dc5274f2a6baffa994a52ed96165f8c9dd072f987f0adbee50")
    _same("h_S", h_s, "adbaf3a5b3d08b518445b483d24ffa11492f0e3d27dec4e201ae363306b8ea4f")

    shared = public_bytes(client.shared_value())
    _hash("y_SC", shared, "8c7cacd843dd59af675521b91d5f038c51c403c4c3204045d3706741a3967610")
    assert client.shared_value() == server.shared_value()
    _session_keys(
        client,
        server,
        "5be2f3c60626a647ec73a855ddc6ce795ed8af8efdca7623deee889d5e356fdd",
        "bc12e08704fb17c1fa1e02b4e7c68312b909fcc48447667a33ebcc9c8e091f9f",
        "cb26df815c983b20b3c93f0ef415c42e0632b089ed264d448dd0cde61e0a6114",
        "652d9104a1c9e22162ac1691d039f2eff6f01ff52c83bdf4833c80d3f9735ff4",
    )
    return client, server


def _weak_handshake() -> None:
    client, server, share_c, _ = _handshake(ForwardSecrecy.OMIT)
    _same("y = 1", share_c[:PUBLIC_LEN], "00" * 255 + "01")
    weak_h = "949a3f7a685add9175cd6a532fdee6bdbbdc09a49ca18666c14afc7e18d5c810"
    _same("h_C of y = 1", share_c[PUBLIC_LEN:], weak_h)
    _session_keys(
        client,
        server,
        "9ad2a49276ef318dda4ed0822fff14cdec544492857a4b632bc550d96751a7d6",
        "6068c6d71baae2d12d1f22d6be9de3adf60555c629522792e06f1cd19f6a3f3a",
        "d1f57c2ae75ef37a2719b0083ee30336fd7926459cb324611a270c5db677969a",
        "e18d304d0d02d6e59be9a247c581f62fa679789f36d8011989b9f099cfdfe819",
    )


def _packets(client: Session, server: Session) -> None:
    first = client.handle_plain(b"hello").to_crypt
    _same("packet 0", first[:16], "36a0814693779ee3349fbc6f17c60bc0")
    _same("packet 0, length", first[1020:1028], "4f8460a31d0312d1")
    mac = "97f91f9414984408bbcc5e2c346ecb1b409736e3bd30f58b0d8ff8fbad3f8070"
    _same("packet 0, MAC", first[1028:], mac)
    _hash("packet 0", first, "e3b2396c721d122db53e5143f6a4345ef212e6ea7410e69ff9fb17cbf5784b6d")
    second = client.handle_plain(b"A" * 1024).to_crypt
    _same("packet 1", second[:16], "048dd39315430fb6e8cfe2a54c75647b")
    _same("packet 1, length", second[1020:1028], "2f2206106f60679f")
    mac = "7bbddce3b2860353f2e9d25e67755a6e7e867aac73a1faef9feb7c523a94efb3"
    _same("packet 1, MAC", second[1028:], mac)
    _hash("packet 1", second, "0e89c60ec10648e5cc980cd83bd855a6afc64edc9f1dae83d68ac46145e6cf0f")
    assert server.handle_crypt(first + second).to_plain == b"hello" + b"A" * 1024


def _handshake(forward_secrecy: ForwardSecrecy) -> tuple[Session, Session, bytes, bytes]:
    """Both ends, and the key shares they sent."""
    client = Session(Config(Side.CLIENT, forward_secrecy), [SECRET], NONCE_C + b"\x11" * 32)
    server = Session(Config(Side.SERVER, forward_secrecy), [SECRET], NONCE_S + b"\x22" * 32)
    to_client, to_server = server.start().to_crypt, client.start().to_crypt
    shares: dict[Session, bytes] = {client: b"", server: b""}
    while to_client or to_server:
        moved = {client: to_client, server: to_server}
        for session, data in moved.items():
            sent = session.handle_crypt(data).to_crypt
            while session.status() is Stage.COMPUTING:
                sent += session.compute().to_crypt
            shares[session] += sent
            moved[session] = sent
        to_client, to_server = moved[server], moved[client]
    assert len(shares[client]) == len(shares[server]) == KEY_SHARE_LEN
    assert len(client.nonce) == NONCE_LEN
    return client, server, shares[client], shares[server]


def _session_keys(client: Session, server: Session, *keys: str) -> None:
    directions = [client.sealing, client.opening]
    assert [server.opening, server.sealing] == directions, "the ends disagree"
    e_c, h_c, e_s, h_s = (bytes.fromhex(key) for key in keys)
    assert directions == [Direction(e_c, h_c), Direction(e_s, h_s)], "session keys"


def _same(name: str, value: bytes, expected: str) -> None:
    assert value.hex() == expected, f"{name} is {value.hex()}, not {expected}"


def _hash(name: str, value: bytes, expected: str) -> None:
    _same(f"the hash of {name}", sha256(value).digest(), expected)


_Y_C_END = "1a2781a03e239d895fa8ce3a27902a82"
_Y_S_END = "2ed51be86c00837ed4bea42dc1314164"
