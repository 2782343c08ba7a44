//! The component in a host of your own, without an asynchronous runtime:
//! `embed -t HOST:PORT -k KEYFILE [-o SECONDS]` connects standard input and
//! output to what is behind a `spiped -d`, until both have ended.

use std::io::{Read, Write, stdin, stdout};
use std::net::{Shutdown, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
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
    let options: Vec<String> = env::args().skip(1).collect();
    let (mut target, mut key_file, mut time_limit) = (None, None, 5.0);
    for option in options.chunks(2) {
        match option {
            [name, value] if name == "-t" => target = Some(value.replace(['[', ']'], "")),
            [name, value] if name == "-k" => key_file = Some(value),
            [name, value] if name == "-o" => time_limit = value.parse()?,
            _ => bail!("what is {option:?}?"),
        }
    }
    let (Some(target), Some(key_file)) = (target, key_file) else {
        bail!("usage: embed -t HOST:PORT -k KEYFILE [-o SECONDS]")
    };

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

    let mut crypt = TcpStream::connect(target)?;
    crypt.set_read_timeout(Some(Duration::try_from_secs_f64(time_limit)?))?;
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

    let (mut buffer, mut ended, mut sealing) = (vec![0; 64 * 1060], false, None);
    let mut output = api().call_start(&mut *store(), session)?;
    loop {
        crypt.write_all(&output.to_crypt)?;
        stdout().write_all(&output.to_plain)?;
        stdout().flush()?;
        match output.status {
            Status::Failed(failure) => bail!("{failure:?}"),
            Status::Established => {
                crypt.set_read_timeout(None)?;
                sealing = sealing.or_else(|| seal_all.take().map(thread::spawn));
                if ended {
                    let sealing = sealing.expect("established before the end");
                    return sealing.join().expect("a thread that does not panic");
                }
            }
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
