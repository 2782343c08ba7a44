//! Vectors made by an independent model that completed handshakes with
//! upstream: key file `spiped test key` and a line feed, nonces 00..1f and
//! 20..3f, exponents 2^258 + 32 bytes 0x11 and 0x22.

use hex_literal::hex;
use sha2::{Digest, Sha256};
use spiped_core::{Entropy, ForwardSecrecy, KEY_SHARE_LEN, NONCE_LEN, PACKET_LEN, Psk, Side};

use crate::pair::{End, shake_hands};

fn psk() -> Psk {
    Psk::new(Sha256::digest(b"spiped test key\n").into())
}

fn end(side: Side, forward_secrecy: ForwardSecrecy) -> End {
    let (first, x) = match side {
        Side::Client => (0x00, 0x11),
        Side::Server => (0x20, 0x22),
    };
    let mut entropy = [x; 64];
    for (byte, value) in entropy[..NONCE_LEN].iter_mut().zip(first..) {
        *byte = value;
    }
    End::with(side, forward_secrecy, vec![psk()], &Entropy::new(entropy))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[test]
fn key_file_hashes_to_the_psk() {
    let expected = hex!("3cf103f382159602a1b65b31c2a1f5cecb1d2dc53897f6241d2c4130f0626173");
    assert_eq!(psk().expose(), &expected);
}

#[test]
fn handshake_is_upstreams_byte_for_byte() {
    let mut client = end(Side::Client, ForwardSecrecy::Offer);
    let mut server = end(Side::Server, ForwardSecrecy::Offer);
    let (nonce_c, nonce_s) = (client.take_crypt(), server.take_crypt());
    assert_eq!(nonce_c, (0x00..0x20).collect::<Vec<u8>>());
    assert_eq!(nonce_s, (0x20..0x40).collect::<Vec<u8>>());

    client.compute().unwrap();
    assert_eq!(client.out.to_crypt, b"");
    client.receive(&nonce_s).unwrap();
    let share = client.take_crypt();
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

    server.receive(&nonce_c).unwrap();
    assert_eq!(server.out.to_crypt, b"");
    server.receive(&share).unwrap();
    let share = server.take_crypt();
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

#[test]
fn packets_are_upstreams_byte_for_byte() {
    let mut client = end(Side::Client, ForwardSecrecy::Offer);
    let mut server = end(Side::Server, ForwardSecrecy::Offer);
    shake_hands(&mut client, &mut server).unwrap();

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

#[test]
fn weak_handshake_sends_one_with_upstreams_mac() {
    let mut client = end(Side::Client, ForwardSecrecy::Omit);
    let mut server = end(Side::Server, ForwardSecrecy::Omit);
    client.receive(&server.take_crypt()).unwrap();
    let flight = client.take_crypt();
    let share = &flight[NONCE_LEN..];
    assert_eq!(share[..255], [0; 255]);
    assert_eq!(share[255], 1);
    assert_eq!(
        share[256..],
        hex!("949a3f7a685add9175cd6a532fdee6bdbbdc09a49ca18666c14afc7e18d5c810")
    );
    server.receive(&flight).unwrap();
    client.receive(&server.take_crypt()).unwrap();
    let packet = server.seal(b"over");
    client.receive(&packet).unwrap();
    assert_eq!(client.take_plain(), b"over");
}
