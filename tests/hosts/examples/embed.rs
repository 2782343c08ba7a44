//! The component in a host of your own, without an asynchronous runtime:
//! `embed HOST:PORT KEYFILE` connects standard input and output to what is
//! behind a `spiped -d`, until that closes.

use std::io::{Read, Write, stdin, stdout};
use std::net::{Shutdown, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::{env, fs, thread};

use sha2::{Digest, Sha256};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Result, Store, bail};

use bindings::exports::spiped::pipe::session::Status;
use bindings::exports::spiped::pipe::types::{ClientConfig, ForwardSecrecy};
mod bindings {
    wasmtime::component::bindgen!({ path: "../../wit", world: "portable" });
}

const COMPONENT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/components/spiped-portable.wasm");

fn main() -> Result<()> {
    let args: Vec<String> = env::args().collect();
    let [_, address, key_file] = &args[..] else { bail!("usage: embed HOST:PORT KEYFILE") };

    let engine = Engine::default();
    let component = Component::from_file(&engine, COMPONENT)?;
    let mut store = Store::new(&engine, ());
    let pipe = bindings::Portable::instantiate(&mut store, &component, &Linker::new(&engine))?;
    // Both threads use them until the program ends.
    let (store, pipe) = &*Box::leak(Box::new((Mutex::new(store), pipe)));
    let api = || pipe.spiped_pipe_session().session();
    let store = || store.lock().unwrap_or_else(PoisonError::into_inner);

    let psk = Sha256::digest(fs::read(key_file)?).to_vec();
    let mut entropy = [0; 64];
    getrandom::fill(&mut entropy)?;
    let config = ClientConfig::Modp2048(ForwardSecrecy::Offer);
    let session = api().call_connect(&mut *store(), config, &psk, &entropy)??;

    let mut crypt = TcpStream::connect(address)?;
    let mut sealed = crypt.try_clone()?;
    let mut seal_all = Some(move || -> Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = stdin().read(&mut buffer)?;
            if count == 0 {
                let output = api().call_plain_eof(&mut *store(), session)?;
                sealed.write_all(&output.to_crypt)?;
                return Ok(sealed.shutdown(Shutdown::Write)?);
            }
            let output = api().call_handle_plain(&mut *store(), session, &buffer[..count])?;
            sealed.write_all(&output.to_crypt)?;
        }
    });

    let (mut buffer, mut ended) = (vec![0; 64 * 1060], false);
    let mut output = api().call_start(&mut *store(), session)?;
    loop {
        crypt.write_all(&output.to_crypt)?;
        stdout().write_all(&output.to_plain)?;
        stdout().flush()?;
        match output.status {
            Status::Failed(failure) => bail!("{failure:?}"),
            Status::Established if ended => return Ok(()),
            Status::Established => drop(seal_all.take().map(thread::spawn)),
            Status::Handshaking => {}
            Status::WantsCompute => {
                output = api().call_compute(&mut *store(), session)?;
                continue;
            }
        }
        let count = crypt.read(&mut buffer)?;
        ended = count == 0;
        output = match count {
            0 => api().call_crypt_eof(&mut *store(), session)?,
            _ => api().call_handle_crypt(&mut *store(), session, &buffer[..count])?,
        };
    }
}
