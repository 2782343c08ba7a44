//! The conversation of a client with a server, both imported.

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Debug;

use bindings::spiped::pipe::acceptor::{Acceptor, Verdict};
use bindings::spiped::pipe::session::{Output, Session, Status};
use bindings::spiped::pipe::types::{ClientConfig, ForwardSecrecy, ServerConfig};

#[allow(
    clippy::all,
    clippy::pedantic,
    missing_docs,
    unreachable_pub,
    unsafe_code,
    unused_qualifications,
    reason = "generated"
)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../../wit", "consumer.wit"],
        world: "spiped:consumer/consumer",
        generate_all,
    });
}

#[allow(unsafe_code, reason = "the exported symbols are generated")]
mod exports {
    use super::{Component, bindings};
    bindings::export!(Component with_types_in bindings);
}

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

struct Component;

impl bindings::Guest for Component {
    fn self_test(psk: Vec<u8>, message: Vec<u8>) -> Result<Vec<u8>, String> {
        let session = Session::connect(CLIENT, &psk, &CLIENT_ENTROPY).map_err(text)?;
        let client = Party { session };
        let mut hello = client.settle(client.session.start())?;
        hello.append(&mut client.settle(client.session.handle_crypt(&SERVER_NONCE))?);

        let (server, answer) = answer(&psk, &hello)?;
        client.settle(client.session.handle_crypt(&answer))?;
        let packets = client.settle(client.session.handle_plain(&message))?;
        let output = server.session.handle_crypt(&packets);
        match output.status {
            Status::Established => Ok(output.to_plain),
            status => Err(text(status)),
        }
    }
}

/// What a server makes of a client's hello: its session, and the answer.
fn answer(psk: &[u8], hello: &[u8]) -> Result<(Party, Vec<u8>), String> {
    let acceptor = Acceptor::new(SERVER, &[psk.into()]).map_err(text)?;
    match acceptor.identify(&SERVER_NONCE, hello).map_err(text)? {
        Verdict::Authenticated(client) if client.hello_len as usize == hello.len() => {}
        verdict => return Err(text(verdict)),
    }
    let session = Session::accept(SERVER, &SERVER_NONCE, hello, psk, &SERVER_ENTROPY);
    let server = Party { session: session.map_err(text)? };
    let answer = server.settle(server.session.start())?;
    Ok((server, answer))
}

struct Party {
    session: Session,
}

impl Party {
    /// Computes whatever is due after a call. Returns what there is to send.
    fn settle(&self, output: Output) -> Result<Vec<u8>, String> {
        let Output { mut to_crypt, mut status, .. } = output;
        loop {
            match status {
                Status::Handshaking | Status::Established => return Ok(to_crypt),
                Status::Failed(failure) => return Err(text(failure)),
                Status::WantsCompute => {
                    let mut next = self.session.compute();
                    to_crypt.append(&mut next.to_crypt);
                    status = next.status;
                }
            }
        }
    }
}

fn text(problem: impl Debug) -> String {
    format!("{problem:?}")
}

const CLIENT: ClientConfig = ClientConfig::Modp2048(ForwardSecrecy::Require);
const SERVER: ServerConfig = ServerConfig::Modp2048(ForwardSecrecy::Require);

// The same every time, as never in earnest: see `consumer.wit`.
const CLIENT_ENTROPY: [u8; 64] = concatenated([1; 32], [2; 32]);
const SERVER_NONCE: [u8; 32] = [3; 32];
const SERVER_ENTROPY: [u8; 32] = [4; 32];

const fn concatenated(one: [u8; 32], other: [u8; 32]) -> [u8; 64] {
    let mut both = [0; 64];
    both.split_at_mut(32).0.copy_from_slice(&one);
    both.split_at_mut(32).1.copy_from_slice(&other);
    both
}
