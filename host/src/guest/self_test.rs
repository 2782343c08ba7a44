//! Tests that the component computes correctly on this machine.
//!
//! The component's arithmetic uses WebAssembly instructions that wasmtime supports but
//! tests less than others. A wrong result would usually appear as a failed handshake;
//! this test finds it before the daemon serves anyone. It takes about two milliseconds
//! of computing, including its instances.

use sha2::{Digest, Sha256};

use super::session::{ACCEPT_ENTROPY_LEN, CONNECT_ENTROPY_LEN};
use super::{
    AcceptorGuest, Authenticated, ClientConfig, Engine, ForwardSecrecy, Greeting, NONCE_LEN,
    Output, ServerConfig, SessionGuest, Status, Verdict,
};
use crate::keys::file::Psk;

/// Guests at a time: both ends, and an acceptor.
pub(super) const GUESTS: u32 = 3;

/// The inputs of both ends of a connection. The project's independent implementations
/// give the same output for them.
const PSK: [u8; 32] = [
    0x3c, 0xf1, 0x03, 0xf3, 0x82, 0x15, 0x96, 0x02, 0xa1, 0xb6, 0x5b, 0x31, 0xc2, 0xa1, 0xf5, 0xce,
    0xcb, 0x1d, 0x2d, 0xc5, 0x38, 0x97, 0xf6, 0x24, 0x1d, 0x2c, 0x41, 0x30, 0xf0, 0x62, 0x61, 0x73,
];
/// Keys that the client does not have.
const OTHER_PSKS: [[u8; 32]; 2] = [[0x33; 32], [0x44; 32]];
const CLIENT_EXPONENT: [u8; 32] = [0x11; 32];
const SERVER_EXPONENT: [u8; ACCEPT_ENTROPY_LEN] = [0x22; ACCEPT_ENTROPY_LEN];
const QUESTION: &[u8] = b"question";
const ANSWER: &[u8] = b"answer";

/// For each exchange: the SHA-256 of everything the client sends, then of everything
/// the server sends.
const KNOWN_ANSWERS: [(&str, ClientConfig, [u8; 32]); 2] = [
    (
        "modp2048",
        ClientConfig::Modp2048(ForwardSecrecy::Offer),
        [
            0x4b, 0x5e, 0x2e, 0xb5, 0x99, 0x84, 0x3b, 0x02, 0x1c, 0x62, 0x03, 0xfd, 0x7d, 0x64,
            0x21, 0xdb, 0x81, 0x93, 0x99, 0xff, 0x78, 0x53, 0xda, 0x8b, 0x96, 0xcb, 0x7f, 0x97,
            0xb7, 0x21, 0x02, 0x32,
        ],
    ),
    (
        "x25519",
        ClientConfig::X25519,
        [
            0x47, 0xc1, 0x33, 0x1f, 0x9b, 0x5e, 0xa1, 0x13, 0xda, 0xed, 0x25, 0xd5, 0xbe, 0xbf,
            0xf8, 0x9b, 0xfe, 0xfd, 0xe3, 0xd8, 0xa0, 0x7b, 0x88, 0x9c, 0x6e, 0x9a, 0x26, 0xed,
            0x64, 0xe2, 0x80, 0xe7,
        ],
    ),
];

/// The component, or wasmtime, does not work on this machine.
#[derive(Debug, thiserror::Error)]
#[error(
    "the sandboxed protocol component computes wrong results on this machine, so nothing was \
     started ({exchange}: {reason}). Please report it, with the processor's model"
)]
pub struct SelfTestError {
    exchange: &'static str,
    reason: String,
}

/// Runs a connection with each key exchange, from the search for the client's key to a
/// packet in each direction, and compares everything sent with known answers.
///
/// # Errors
/// When anything differs.
pub fn self_test(engine: &Engine) -> Result<(), SelfTestError> {
    for (exchange, config, known) in KNOWN_ANSWERS {
        let wrong = |reason| SelfTestError { exchange, reason };
        if digest_of_connection(engine, config).map_err(wrong)? != known {
            return Err(wrong("the bytes sent are not the known ones".into()));
        }
    }
    Ok(())
}

fn digest_of_connection(engine: &Engine, config: ClientConfig) -> Result<[u8; 32], String> {
    let psk = Psk::copy_of(&PSK);
    let (client_nonce, server_nonce) = (nonce_from(0), nonce_from(NONCE_LEN));
    let mut entropy = [0; CONNECT_ENTROPY_LEN];
    entropy[..NONCE_LEN].copy_from_slice(&client_nonce);
    entropy[NONCE_LEN..].copy_from_slice(&CLIENT_EXPONENT);
    let mut client = SessionGuest::connect_with(engine, config, &psk, &entropy)
        .map_err(|error| error.to_string())?;
    let mut hello = begin(&mut client)?;
    hello.extend(take(&mut client, &server_nonce)?.1.to_crypt);

    let accepts = ServerConfig::Any(ForwardSecrecy::Offer);
    let psks = [Psk::copy_of(&OTHER_PSKS[0]), psk.clone(), Psk::copy_of(&OTHER_PSKS[1])];
    let search = AcceptorGuest::search_of(&psks);
    let mut acceptor =
        AcceptorGuest::new(engine, accepts, &psks, &search).map_err(|error| error.to_string())?;
    let verdict = acceptor.identify(&server_nonce, &hello).map_err(|error| error.to_string())?;
    let Verdict::Authenticated(Authenticated { psk_index: 1, hello_len, .. }) = verdict else {
        return Err("the client's key was not found".into());
    };
    if usize::try_from(hello_len) != Ok(hello.len()) {
        return Err("a hello was taken for another".into());
    }
    let mut forged = hello.clone();
    if let Some(last) = forged.last_mut() {
        *last ^= 1;
    }
    let verdict = acceptor.identify(&server_nonce, &forged).map_err(|error| error.to_string())?;
    if let Verdict::Authenticated(_) = verdict {
        return Err("a stranger was taken for a client".into());
    }

    let greeting = Greeting { our_nonce: &server_nonce, hello: &hello };
    let mut server = SessionGuest::accept_with(engine, accepts, greeting, &psk, &SERVER_EXPONENT)
        .map_err(|error| error.to_string())?;
    let share = begin(&mut server)?;
    take(&mut client, &share)?;

    let question = send(&mut client, &mut server, QUESTION)?;
    let answer = send(&mut server, &mut client, ANSWER)?;
    let sent = [&hello, &question, &server_nonce[..], &share, &answer];
    Ok(sent.into_iter().fold(Sha256::new(), Sha256::chain_update).finalize().into())
}

/// Bytes that count upwards.
fn nonce_from(first: usize) -> [u8; NONCE_LEN] {
    std::array::from_fn(|index| u8::try_from(first + index).unwrap_or_default())
}

/// The bytes that an end sends before it needs an answer.
pub(super) fn begin(guest: &mut SessionGuest) -> Result<Vec<u8>, String> {
    let mut out = Output::default();
    let status = guest.start(&mut out);
    finish(guest, status, &mut out)?;
    Ok(out.to_crypt)
}

/// The output of an end for the other end's bytes.
pub(super) fn take(guest: &mut SessionGuest, bytes: &[u8]) -> Result<(Status, Output), String> {
    let mut out = Output::default();
    let status = guest.handle_crypt(bytes, &mut out);
    Ok((finish(guest, status, &mut out)?, out))
}

/// Computes what is due.
fn finish(
    guest: &mut SessionGuest,
    mut status: Status,
    out: &mut Output,
) -> Result<Status, String> {
    while status == Status::WantsCompute {
        status = guest.compute(out);
    }
    match status {
        Status::Failed(failure) => Err(failure.to_string()),
        Status::Handshaking | Status::Established | Status::WantsCompute => Ok(status),
    }
}

/// Sends a message from one end to the other. Returns the packet.
fn send(from: &mut SessionGuest, to: &mut SessionGuest, message: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Output::default();
    from.handle_plain(message, &mut out);
    if take(to, &out.to_crypt)?.1.to_plain == message {
        Ok(out.to_crypt)
    } else {
        Err("a packet was opened wrongly".into())
    }
}
