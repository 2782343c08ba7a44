//! Vectors made by an independent model that completed handshakes with
//! upstream: key file `spiped test key` and a line feed, nonces 00..1f and
//! 20..3f, exponents 2^258 + 32 bytes 0x11 and 0x22.

use hex_literal::hex;
use sha2::{Digest, Sha256};
use spiped_core::{
    ClientConfig, Entropy, ExponentEntropy, ForwardSecrecy, KEY_SHARE_LEN, NONCE_LEN, PACKET_LEN,
    Psk, ServerConfig, Session, SoftPacketCrypto,
};

use crate::pair::{Party, Server, shake_hands};

fn psk() -> Psk {
    Psk::copy_of(&Sha256::digest(b"spiped test key\n").into())
}

fn client(forward_secrecy: ForwardSecrecy) -> Party {
    let entropy: Vec<u8> = (0x00..0x20).chain([0x11; 32]).collect();
    let entropy = Entropy::from_slice(&entropy).unwrap();
    Party::connect_with(ClientConfig::Modp2048(forward_secrecy), &psk(), &entropy)
}

fn server(forward_secrecy: ForwardSecrecy) -> Server {
    let nonce: Vec<u8> = (0x20..0x40).collect();
    Server::new(ServerConfig::Any(forward_secrecy), vec![psk()])
        .with_randomness(nonce.try_into().unwrap(), ExponentEntropy::copy_of(&[0x22; 32]))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[test]
fn key_file_hashes_to_the_psk() {
    let expected = hex!("3cf103f382159602a1b65b31c2a1f5cecb1d2dc53897f6241d2c4130f0626173");
    assert_eq!(psk().expose(), &expected);
}

/// From HMAC-SHA-256 of another implementation.
/// protocol.md S-1.
#[test]
fn psk_id_is_as_documented() {
    let id = Some(hex!("43a2e0a582c58e91c59714210992d562"));
    let mut client = client(ForwardSecrecy::Omit);
    assert_eq!(client.session.psk_id(), id);
    let mut server = shake_hands(&mut client, &server(ForwardSecrecy::Omit)).unwrap();
    assert_eq!(server.session.psk_id(), id);
    let state = server.session.suspend().unwrap();
    assert_eq!(server.session.psk_id(), None);
    assert_eq!(Session::<SoftPacketCrypto>::resume(&state).unwrap().psk_id(), id);
    assert!(client.receive(&[0; PACKET_LEN]).is_err());
    assert_eq!(client.session.psk_id(), None);
}

/// protocol.md H-1, H-2.
#[test]
fn handshake_is_upstreams_byte_for_byte() {
    let (mut client, server) = (client(ForwardSecrecy::Offer), server(ForwardSecrecy::Offer));
    let nonce = client.take_crypt();
    assert_eq!(nonce, (0x00..0x20).collect::<Vec<u8>>());

    let share = client.hello(&server);
    assert_eq!(share.len(), KEY_SHARE_LEN);
    assert_eq!(share[..16], hex!("780e314d8331e917b3fd2112a9dccd64"));
    assert_eq!(share[240..256], hex!("1a2781a03e239d895fa8ce3a27902a82"));
    assert_eq!(
        sha256(&share[..256]),
        hex!("4acbf0e6572d7ed655fabf87a91f43a04a7630addb0f2e2fa40958dbab49247d")
    );
    assert_eq!(
        share[256..],
        hex!("1aff172761462c630db49e55b7a32bfe9bb62dcdec50172286e5a12e19ce2ef9")
    );

    let share = server.answer(&[nonce, share].concat()).unwrap().take_crypt();
    assert_eq!(share.len(), KEY_SHARE_LEN);
    assert_eq!(share[..16], hex!("e1cb4489739f82ea68c77ab5c70b66f2"));
    assert_eq!(share[240..256], hex!("2ed51be86c00837ed4bea42dc1314164"));
    assert_eq!(
        sha256(&share[..256]),
        hex!("9432e4bdb72341dc5274f2a6baffa994a52ed96165f8c9dd072f987f0adbee50")
    );
    assert_eq!(
        share[256..],
        hex!("adbaf3a5b3d08b518445b483d24ffa11492f0e3d27dec4e201ae363306b8ea4f")
    );
}

/// protocol.md P-1, P-5.
#[test]
fn packets_are_upstreams_byte_for_byte() {
    let mut client = client(ForwardSecrecy::Offer);
    let mut server = shake_hands(&mut client, &server(ForwardSecrecy::Offer)).unwrap();

    let hello = client.seal(b"hello");
    assert_eq!(hello.len(), PACKET_LEN);
    assert_eq!(hello[..16], hex!("36a0814693779ee3349fbc6f17c60bc0"));
    assert_eq!(hello[1020..1028], hex!("4f8460a31d0312d1"));
    assert_eq!(
        hello[1028..],
        hex!("97f91f9414984408bbcc5e2c346ecb1b409736e3bd30f58b0d8ff8fbad3f8070")
    );
    assert_eq!(
        sha256(&hello),
        hex!("e3b2396c721d122db53e5143f6a4345ef212e6ea7410e69ff9fb17cbf5784b6d")
    );

    let full = client.seal(&[b'A'; 1024]);
    assert_eq!(full.len(), PACKET_LEN);
    assert_eq!(full[..16], hex!("048dd39315430fb6e8cfe2a54c75647b"));
    assert_eq!(full[1020..1028], hex!("2f2206106f60679f"));
    assert_eq!(
        full[1028..],
        hex!("7bbddce3b2860353f2e9d25e67755a6e7e867aac73a1faef9feb7c523a94efb3")
    );
    assert_eq!(
        sha256(&full),
        hex!("0e89c60ec10648e5cc980cd83bd855a6afc64edc9f1dae83d68ac46145e6cf0f")
    );

    server.receive(&hello).unwrap();
    assert_eq!(server.take_plain(), b"hello");
    server.receive(&full).unwrap();
    assert_eq!(server.take_plain(), [b'A'; 1024]);
}

/// protocol.md H-6.
#[test]
fn weak_handshake_sends_one_with_upstreams_mac() {
    let (mut client, server) = (client(ForwardSecrecy::Omit), server(ForwardSecrecy::Omit));
    let hello = client.hello(&server);
    let share = &hello[NONCE_LEN..];
    assert_eq!(share[..255], [0; 255]);
    assert_eq!(share[255], 1);
    assert_eq!(
        share[256..],
        hex!("949a3f7a685add9175cd6a532fdee6bdbbdc09a49ca18666c14afc7e18d5c810")
    );
    let mut server = server.answer(&hello).unwrap();
    client.receive(&server.take_crypt()).unwrap();
    let packet = server.seal(b"over");
    client.receive(&packet).unwrap();
    assert_eq!(client.take_plain(), b"over");
}

/// protocol.md H-1, H-2, P-1, E-1.
#[test]
fn x25519_is_as_documented_byte_for_byte() {
    let entropy: Vec<u8> = (0x00..0x20).chain([0x11; 32]).collect();
    let entropy = Entropy::from_slice(&entropy).unwrap();
    let mut client = Party::connect_with(ClientConfig::X25519, &psk(), &entropy);
    let server = server(ForwardSecrecy::Offer);

    let hello = client.hello(&server);
    assert_eq!(
        hello[NONCE_LEN..],
        hex!(
            "7b4e909bbe7ffe44c465a220037d608ee35897d31ef972f07f74892cb0f73f13"
            "10f9e16ccd01f863320ca7b61b3921d7372796343f3ae589cddf7d97b7dc515c"
        )
    );
    let mut server = server.answer(&hello).unwrap();
    let share = server.take_crypt();
    assert_eq!(
        share,
        hex!(
            "0faa684ed28867b97f4a6a2dee5df8ce974e76b7018e3f22a1c4cf2678570f20"
            "b20efd2d45cc5db81e500e418333b9c88d283cdd94465d0f829a0a1939602fbf"
        )
    );
    client.receive(&share).unwrap();

    for (packet, hash) in [
        (
            client.seal(b"hello"),
            hex!("c3245c15edc4a8cf333a5098843c5fea47e66880a32f85f23cb848f2f5715d45"),
        ),
        (
            client.seal(&[b'A'; 1024]),
            hex!("29fb9fd8f89f5f751f8fdb9e495753e40da736067e2b45447f5f4092cad1d8be"),
        ),
        (
            client.plain_eof(),
            hex!("85d9e222605a95f1a70f4ce6c831b3fc5d76edc6430b16b67feeed4e9f889013"),
        ),
        (
            server.plain_eof(),
            hex!("df6f4b6a5155dd05f7da2332fc188e54e911d3c757df9a0cd4cc74dcc2eaf6ab"),
        ),
    ] {
        assert_eq!(sha256(&packet), hash);
    }
}
