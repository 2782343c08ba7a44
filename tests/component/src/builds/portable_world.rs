//! The `portable` world in plain wasmtime, with nothing to import.

use wasmtime::component::{Component, Linker, ResourceAny};
use wasmtime::{Engine, Store};

use super::generated::{Failure, Misuse, client_config, server_config};
use crate::resource::{Made, words};
use crate::{Acceptor, Answer, Build, Call, Ingredients, Resource, Session, built};

#[allow(missing_docs, reason = "generated")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "portable",
        with: { "spiped:pipe/types": crate::builds::generated },
    });
}
use bindings::exports::spiped::pipe::session::Output;

/// The compiled component.
pub(super) struct PortableWorld(bindings::PortablePre<()>);

impl PortableWorld {
    pub(super) fn load() -> Self {
        let engine = Engine::default();
        let component = Component::from_file(&engine, built("spiped-portable.wasm")).unwrap();
        let linked = Linker::new(&engine).instantiate_pre(&component).unwrap();
        Self(bindings::PortablePre::new(linked).unwrap())
    }
}

/// An instance with one resource in it.
struct Instance {
    store: Store<()>,
    exports: bindings::Portable,
    resource: ResourceAny,
}

impl Build for PortableWorld {
    fn make(&self, ingredients: &Ingredients) -> Option<Made> {
        Some(self.make_resource(ingredients))
    }
}

impl PortableWorld {
    fn make_resource(&self, ingredients: &Ingredients) -> Made {
        let mut store = Store::new(self.0.engine(), ());
        let exports = self.0.instantiate(&mut store).unwrap();
        let acceptor = exports.spiped_pipe_acceptor().acceptor();
        let session = exports.spiped_pipe_session().session();
        let made = match ingredients {
            Ingredients::Acceptor { config, psks, our_nonce } => {
                let config = server_config(*config);
                let made = acceptor.call_constructor(&mut store, config, psks).unwrap();
                let resource = made.map_err(misused)?;
                return Ok(Resource::Acceptor {
                    acceptor: Box::new(Instance { store, exports, resource }),
                    our_nonce: our_nonce.clone(),
                    received: Vec::new(),
                });
            }
            Ingredients::Connect { config, psk, entropy } => {
                let config = client_config(*config);
                let made = session.call_connect(&mut store, config, psk, entropy).unwrap();
                made.map_err(misused)
            }
            Ingredients::Accept { config, our_nonce, hello, psk, entropy } => {
                let config = server_config(*config);
                let made = session.call_accept(&mut store, config, our_nonce, hello, psk, entropy);
                made.unwrap().map_err(|failure| Answer::failed(&failure))
            }
            Ingredients::Resume { state } => {
                session.call_resume(&mut store, state).unwrap().map_err(misused)
            }
        };
        let resource = made?;
        Ok(Resource::Session(Box::new(Instance { store, exports, resource })))
    }
}

fn misused(misuse: Misuse) -> Answer {
    Answer::failed(&Failure::Misuse(misuse))
}

impl Acceptor for Instance {
    fn identify(&mut self, our_nonce: &[u8], received: &[u8]) -> Answer {
        let Self { store, exports, resource } = self;
        let api = exports.spiped_pipe_acceptor().acceptor();
        match api.call_identify(store, *resource, our_nonce, received).unwrap() {
            Ok(verdict) => Answer::of(&verdict),
            Err(misuse) => misused(misuse),
        }
    }

    fn fault_at_eof(&mut self, our_nonce: &[u8], received: &[u8]) -> Answer {
        let Self { store, exports, resource } = self;
        let api = exports.spiped_pipe_acceptor().acceptor();
        match api.call_fault_at_eof(store, *resource, our_nonce, received).unwrap() {
            Ok(fault) => Answer::fault(&fault),
            Err(misuse) => misused(misuse),
        }
    }
}

impl Session for Instance {
    fn call(&mut self, call: &Call) -> Answer {
        let Self { store, exports, resource } = self;
        let api = exports.spiped_pipe_session().session();
        let output = match call {
            Call::Start => api.call_start(store, *resource),
            Call::Compute => api.call_compute(store, *resource),
            Call::Crypt(bytes) => api.call_handle_crypt(store, *resource, bytes),
            Call::Plain(bytes) => api.call_handle_plain(store, *resource, bytes),
            Call::CryptEof => api.call_crypt_eof(store, *resource),
            Call::PlainEof => api.call_plain_eof(store, *resource),
            Call::PskId => return Answer::psk_id(api.call_psk_id(store, *resource).unwrap()),
            Call::Suspend => return Answer::state(api.call_suspend(store, *resource).unwrap()),
            Call::Identify(_) | Call::FaultAtEof => unreachable!("a call of an acceptor"),
        };
        let Output { to_crypt, to_plain, status } = output.unwrap();
        Answer { to_crypt, to_plain, words: words(&status), bytes: None }
    }
}
