"""The vectors of docs/protocol.md, checked against the oracle.

    vectors.py [--markdown]

With `--markdown`, prints them as they stand there. Those of `modp2048` were
made with a model that completed handshakes and exchanged data with the
original, release 1.6.4. Those of `x25519` were made apart from the oracle,
with RFC 7748's formulas in whole numbers.
"""

import sys
from hashlib import sha256

from forms import MODP2048, PRIME
from oracle import BODY_LEN, Oracle, Session
from spiped_pipe.types import (
    AnyConfig,
    Authenticated,
    ClientConfig,
    ForwardSecrecy,
    Modp2048Config,
    Side,
    Stage,
    X25519Config,
)

PSK = sha256(b"spiped test key\n").digest()
ENTROPY_C = bytes(range(32)) + b"\x11" * 32
NONCE_S = bytes(range(32, 64))
ENTROPY_S = b"\x22" * 32

Values = dict[str, str]


def check() -> None:
    """Raise AssertionError at the first difference."""
    for title, expected in _TABLES.items():
        observed = _observe(title)
        assert list(observed) == list(expected), f"{title}: other values"
        for name, value in expected.items():
            assert observed[name] == value, f"{title}: {name} is {observed[name]}, not {value}"


def markdown() -> str:
    """The vectors as they stand in docs/protocol.md."""
    return "\n\n".join(_table(title, values) for title, values in _TABLES.items())


def _table(title: str, values: Values) -> str:
    lines = [f"| {title} | |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | `{value}` |" for name, value in values.items())])


def _observe(title: str) -> Values:
    """What the oracle makes of what a table is about."""
    if title == _COMMON:
        return {"K": PSK.hex(), "SHA-256 of p": sha256(MODP2048.number(PRIME)).hexdigest()}
    forward_secrecy = ForwardSecrecy.OMIT if title == _WEAK else ForwardSecrecy.OFFER
    config = X25519Config() if title == _X25519 else Modp2048Config(forward_secrecy)
    client, server, *shares = _shake_hands(config, AnyConfig(forward_secrecy))
    handshake = _handshake_values(client, server, *shares)
    return handshake if title == _WEAK else {**handshake, **_packet_values(client, server)}


def _shake_hands(
    client_config: ClientConfig, server_config: AnyConfig
) -> tuple[Session, Session, bytes, bytes]:
    """Both ends, and the key shares they sent."""
    client = Session.connect(client_config, PSK, ENTROPY_C)
    nonce = client.start().to_crypt
    client_share = _compute_all(client) + client.handle_crypt(NONCE_S).to_crypt
    hello = nonce + client_share
    who = Oracle().acceptor(server_config, [PSK]).identify(NONCE_S, hello)
    assert isinstance(who, Authenticated) and who.hello_len == len(hello)
    server = Session.accept(server_config, NONCE_S, hello, PSK, ENTROPY_S)
    server_share = server.start().to_crypt + _compute_all(server)
    client.handle_crypt(server_share)
    _compute_all(client)
    assert client.status() is server.status() is Stage.ESTABLISHED
    return client, server, client_share, server_share


def _compute_all(session: Session) -> bytes:
    """Compute whatever is due; what there is to send then."""
    sent = b""
    while session.status() is Stage.WANTS_COMPUTE:
        sent += session.compute().to_crypt
    return sent


def _handshake_values(client: Session, server: Session, share_c: bytes, share_s: bytes) -> Values:
    form = client.form
    assert form and client.nonces is not None and client.sealing and client.opening
    keys = form.share_keys(PSK, client.nonces)
    values = {"dhmac_C": keys[Side.CLIENT].hex(), "dhmac_S": keys[Side.SERVER].hex()}
    for end, share in (("C", share_c), ("S", share_s)):
        values |= _long(f"y_{end}", share[: form.public_len])
        values[f"MAC of y_{end}"] = share[form.public_len :].hex()
    if client.forward_secrecy is not ForwardSecrecy.OMIT:
        shared = [form.shared(end.exponent, end.publics[end.peer]) for end in (client, server)]
        assert shared[0] is not None and shared[0] == shared[1], "the ends disagree"
        values |= _long("z", shared[0])
    assert (client.sealing, client.opening) == (server.opening, server.sealing)
    for end, direction in (("C", client.sealing), ("S", client.opening)):
        values[f"E_{end}"] = direction.cipher_key.hex()
        values[f"H_{end}"] = direction.mac_key.hex()
    return values


def _packet_values(client: Session, server: Session) -> Values:
    """Two packets of the client's, and both end marks if there are any."""
    values: Values = {}
    for name, message in {"C0": b"hello", "C1": b"A" * 1024}.items():
        packet = client.handle_plain(message).to_crypt
        values |= _packet(name, packet)
        assert server.handle_crypt(packet).to_plain == message
    for name, sender, receiver in (("C2", client, server), ("S0", server, client)):
        if mark := sender.plain_eof().to_crypt:
            values |= _packet(name, mark)
        assert receiver.handle_crypt(mark).to_plain == b""
        assert receiver.crypt_eof().status is Stage.ESTABLISHED
    return values


def _packet(name: str, packet: bytes) -> Values:
    return {
        f"MAC of packet {name}": packet[BODY_LEN:].hex(),
        f"SHA-256 of packet {name}": sha256(packet).hexdigest(),
    }


def _long(name: str, value: bytes) -> Values:
    """A value, or the hash of one that does not fit into a line."""
    if len(value) <= 32:
        return {name: value.hex()}
    return {f"SHA-256 of {name}": sha256(value).hexdigest()}


_COMMON = "both forms"
_STRONG = "`modp2048`"
_WEAK = "`modp2048`, both ends omit forward secrecy"
_X25519 = "`x25519`"

_TABLES: dict[str, Values] = {
    _COMMON: {
        "K": "3cf103f382159602a1b65b31c2a1f5cecb1d2dc53897f6241d2c4130f0626173",
        "SHA-256 of p": "d66436f79bbd6b2e38c0ffbd079be904d2641415e2e67140e09448be9a60890e",
    },
    _STRONG: {
        "dhmac_C": "faafb5f76b5da961f355f8270251f6e096c2bc077a0540a10aadbc5614026300",
        "dhmac_S": "4a8e97b86227dac477870ed25460b0b35f2ca3d316370bcb44216e647fc73220",
        "SHA-256 of y_C": "4acbf0e6572d7ed655fabf87a91f43a04a7630addb0f2e2fa40958dbab49247d",
        "MAC of y_C": "1aff172761462c630db49e55b7a32bfe9bb62dcdec50172286e5a12e19ce2ef9",
        "SHA-256 of y_S": "9432e4bdb72341dc5274f2a6baffa994a52ed96165f8c9dd072f987f0adbee50",
        "MAC of y_S": "adbaf3a5b3d08b518445b483d24ffa11492f0e3d27dec4e201ae363306b8ea4f",
        "SHA-256 of z": "8c7cacd843dd59af675521b91d5f038c51c403c4c3204045d3706741a3967610",
        "E_C": "5be2f3c60626a647ec73a855ddc6ce795ed8af8efdca7623deee889d5e356fdd",
        "H_C": "bc12e08704fb17c1fa1e02b4e7c68312b909fcc48447667a33ebcc9c8e091f9f",
        "E_S": "cb26df815c983b20b3c93f0ef415c42e0632b089ed264d448dd0cde61e0a6114",
        "H_S": "652d9104a1c9e22162ac1691d039f2eff6f01ff52c83bdf4833c80d3f9735ff4",
        "MAC of packet C0": "97f91f9414984408bbcc5e2c346ecb1b409736e3bd30f58b0d8ff8fbad3f8070",
        "SHA-256 of packet C0": "e3b2396c721d122db53e5143f6a4345ef212e6ea7410e69ff9fb17cbf5784b6d",
        "MAC of packet C1": "7bbddce3b2860353f2e9d25e67755a6e7e867aac73a1faef9feb7c523a94efb3",
        "SHA-256 of packet C1": "0e89c60ec10648e5cc980cd83bd855a6afc64edc9f1dae83d68ac46145e6cf0f",
    },
    _WEAK: {
        "dhmac_C": "faafb5f76b5da961f355f8270251f6e096c2bc077a0540a10aadbc5614026300",
        "dhmac_S": "4a8e97b86227dac477870ed25460b0b35f2ca3d316370bcb44216e647fc73220",
        "SHA-256 of y_C": "408a9e14b19f44ef1a763548b07eae4fd4dd3525b1595c9d103bca15310baa29",
        "MAC of y_C": "949a3f7a685add9175cd6a532fdee6bdbbdc09a49ca18666c14afc7e18d5c810",
        "SHA-256 of y_S": "408a9e14b19f44ef1a763548b07eae4fd4dd3525b1595c9d103bca15310baa29",
        "MAC of y_S": "e9e54f6486e01529c09d76c7872a528d0f6369578f58f87111984fcd7e8d2e43",
        "E_C": "9ad2a49276ef318dda4ed0822fff14cdec544492857a4b632bc550d96751a7d6",
        "H_C": "6068c6d71baae2d12d1f22d6be9de3adf60555c629522792e06f1cd19f6a3f3a",
        "E_S": "d1f57c2ae75ef37a2719b0083ee30336fd7926459cb324611a270c5db677969a",
        "H_S": "e18d304d0d02d6e59be9a247c581f62fa679789f36d8011989b9f099cfdfe819",
    },
    _X25519: {
        "dhmac_C": "cc823767526fc2611885a41214f76d8c35f393969061f392dcf892e8e08256ba",
        "dhmac_S": "90e4636b1955ad4b562bedcf2cb97c63c3dc7c82507c53ea997e67164f5dd451",
        "y_C": "7b4e909bbe7ffe44c465a220037d608ee35897d31ef972f07f74892cb0f73f13",
        "MAC of y_C": "10f9e16ccd01f863320ca7b61b3921d7372796343f3ae589cddf7d97b7dc515c",
        "y_S": "0faa684ed28867b97f4a6a2dee5df8ce974e76b7018e3f22a1c4cf2678570f20",
        "MAC of y_S": "b20efd2d45cc5db81e500e418333b9c88d283cdd94465d0f829a0a1939602fbf",
        "z": "9e004098efc091d4ec2663b4e9f5cfd4d7064571690b4bea97ab146ab9f35056",
        "E_C": "8ea83bce65f63c017877a4104456fed934aaabb039b3ccac3c399adf35eaffe0",
        "H_C": "3786b001a0236289223c1847eb519f18d12e00dc8bbef613a16b5527c802b947",
        "E_S": "d0311c942d597b07193e4b3a762f521772a08fc2d3fb5c16cbe7eb85828ebcfa",
        "H_S": "ee5cb932d4084647c1902565bffbd7349f0735656d9fe923895a0f3096767174",
        "MAC of packet C0": "faf0cce1eb1004e561c61fed38bdc30c433bed9e846a65f6cb107e4e6794e3e9",
        "SHA-256 of packet C0": "c3245c15edc4a8cf333a5098843c5fea47e66880a32f85f23cb848f2f5715d45",
        "MAC of packet C1": "b35bf53ed10acf1e8b665a8db2558dfe55ffdac5425a8ba320341d44a07a542f",
        "SHA-256 of packet C1": "29fb9fd8f89f5f751f8fdb9e495753e40da736067e2b45447f5f4092cad1d8be",
        "MAC of packet C2": "4bb3b0141ec35b995443124196c460e44dc37ba8703a398a2df94d19d3b5afca",
        "SHA-256 of packet C2": "85d9e222605a95f1a70f4ce6c831b3fc5d76edc6430b16b67feeed4e9f889013",
        "MAC of packet S0": "64cf72b7326d6e688eadb1675b59bf60ffd014362c2b854a9d69b7ad1bec20d2",
        "SHA-256 of packet S0": "df6f4b6a5155dd05f7da2332fc188e54e911d3c757df9a0cd4cc74dcc2eaf6ab",
    },
}


if __name__ == "__main__":
    check()
    if "--markdown" in sys.argv:
        print(markdown())
