//! The conversation of a client with a server, both imported.

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use bindings::spiped::pipe::protocol::{
    Config, ForwardSecrecy, KeyExchange, Output, Session, Side, Status,
};

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
    fn self_test(secret: Vec<u8>, message: Vec<u8>) -> Result<Vec<u8>, String> {
        let (mut client, mut to_server) = End::start(Side::Client, &secret)?;
        let (mut server, mut to_client) = End::start(Side::Server, &secret)?;
        while !(client.established && server.established) {
            let output = client.session.handle_crypt(&mem::take(&mut to_client));
            to_server.append(&mut client.settle(output)?.to_crypt);
            let output = server.session.handle_crypt(&mem::take(&mut to_server));
            to_client.append(&mut server.settle(output)?.to_crypt);
        }
        let output = client.session.handle_plain(&message);
        let packets = client.settle(output)?.to_crypt;
        let output = server.session.handle_crypt(&packets);
        Ok(server.settle(output)?.to_plain)
    }
}

struct End {
    session: Session,
    established: bool,
}

impl End {
    /// A started session and the first it has to say.
    fn start(side: Side, secret: &[u8]) -> Result<(Self, Vec<u8>), String> {
        let config = Config {
            side,
            key_exchange: Some(KeyExchange::Modp2048),
            forward_secrecy: ForwardSecrecy::Require,
        };
        // Never in earnest: see `consumer.wit`.
        let entropy = match side {
            Side::Client => [1; 64],
            Side::Server => [2; 64],
        };
        let session = Session::new(config, &[secret.into()], &entropy);
        let output = session.start();
        let mut end = Self { session, established: false };
        let nonce = end.settle(output)?.to_crypt;
        Ok((end, nonce))
    }

    /// Computes whatever is due after a call.
    fn settle(&mut self, mut output: Output) -> Result<Output, String> {
        loop {
            match output.status {
                Status::Handshaking => return Ok(output),
                Status::Established => {
                    self.established = true;
                    return Ok(output);
                }
                Status::Failed(failure) => return Err(format!("{failure:?}")),
                Status::Computing => {
                    let mut next = self.session.compute();
                    output.to_crypt.append(&mut next.to_crypt);
                    output.to_plain.append(&mut next.to_plain);
                    output.status = next.status;
                }
            }
        }
    }
}
