//! The component in wasmtime, called by hand.

use std::sync::LazyLock;

use spiped_host_tests::built;
use wasmtime::component::{Component, Linker, ResourceAny};
use wasmtime::{Config, Engine, Store};

use bindings::Portable;
pub(crate) use bindings::exports::spiped::pipe::acceptor::Verdict;
use bindings::exports::spiped::pipe::session::{Output, Status};
pub(crate) use bindings::exports::spiped::pipe::types::{
    ClientConfig, ForwardSecrecy, KeyExchange, ServerConfig,
};

#[allow(missing_docs, reason = "generated")]
mod bindings {
    wasmtime::component::bindgen!({ path: "../../wit", world: "portable" });
}

/// Both ends, and what the client's computing took.
pub(crate) struct Established {
    pub(crate) client: Party,
    pub(crate) server: Party,
    pub(crate) public_value: u64,
    pub(crate) shared_value: u64,
}

/// Both ends after the handshake.
pub(crate) fn handshake(exchange: KeyExchange) -> Established {
    let mut client = Guest::new().connect(exchange);
    let (nonce, _) = client.call(Call::Start);
    let (_, public_value) = client.call(Call::Compute);
    let (share, _) = client.call(Call::Crypt(&SERVER_NONCE));
    let mut server = Guest::new().accept(&[nonce, share].concat());
    server.call(Call::Start);
    let (server_share, _) = server.call(Call::Compute);
    server.call(Call::Compute);
    client.call(Call::Crypt(&server_share));
    let (_, shared_value) = client.call(Call::Compute);
    Established { client, server, public_value, shared_value }
}

const PSK: [u8; 32] = [7; 32];
pub(crate) const SERVER_NONCE: [u8; 32] = [2; 32];

/// A call of a session.
#[derive(Clone, Copy)]
pub(crate) enum Call<'a> {
    Start,
    Compute,
    Crypt(&'a [u8]),
    Plain(&'a [u8]),
}

/// Compiled once; its instances count instructions.
static COMPONENT: LazyLock<(Engine, Component)> = LazyLock::new(|| {
    let mut config = Config::new();
    config.consume_fuel(true);
    let engine = Engine::new(&config).unwrap();
    let component = Component::from_file(&engine, built("spiped-portable.wasm")).unwrap();
    (engine, component)
});

/// An instance.
pub(crate) struct Guest {
    pub(crate) store: Store<()>,
    pub(crate) instance: Portable,
}

impl Guest {
    pub(crate) fn new() -> Self {
        let (engine, component) = &*COMPONENT;
        let mut store = Store::new(engine, ());
        store.set_fuel(u64::MAX).unwrap();
        let linker = Linker::new(engine);
        let instance = Portable::instantiate(&mut store, component, &linker).unwrap();
        Self { store, instance }
    }

    fn connect(mut self, exchange: KeyExchange) -> Party {
        let config = match exchange {
            KeyExchange::Modp2048 => ClientConfig::Modp2048(ForwardSecrecy::Offer),
            KeyExchange::X25519 => ClientConfig::X25519,
        };
        let entropy = [[1; 32], [3; 32]].concat();
        let api = self.instance.spiped_pipe_session().session();
        let session = api.call_connect(&mut self.store, config, &PSK.to_vec(), &entropy);
        Party { session: session.unwrap().unwrap(), guest: self }
    }

    fn accept(mut self, hello: &[u8]) -> Party {
        let config = ServerConfig::Any(ForwardSecrecy::Offer);
        let (psk, entropy) = (PSK.to_vec(), [4; 32]);
        let api = self.instance.spiped_pipe_session().session();
        let session =
            api.call_accept(&mut self.store, config, &SERVER_NONCE, hello, &psk, &entropy);
        Party { session: session.unwrap().unwrap(), guest: self }
    }

    /// Goes on from a state.
    pub(crate) fn resume(mut self, state: &[u8]) -> Party {
        let api = self.instance.spiped_pipe_session().session();
        let session = api.call_resume(&mut self.store, state);
        Party { session: session.unwrap().unwrap(), guest: self }
    }
}

/// A session in an instance of its own.
pub(crate) struct Party {
    guest: Guest,
    session: ResourceAny,
}

impl Party {
    /// Returns what goes to the peer, and the fuel it took.
    pub(crate) fn call(&mut self, call: Call<'_>) -> (Vec<u8>, u64) {
        let (output, fuel) = self.output(call);
        (output.to_crypt, fuel)
    }

    /// Returns what goes to the application.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.output(Call::Crypt(bytes)).0.to_plain
    }

    /// Returns the state, and ends the session.
    pub(crate) fn suspend(mut self) -> Vec<u8> {
        let api = self.guest.instance.spiped_pipe_session().session();
        api.call_suspend(&mut self.guest.store, self.session).unwrap().unwrap()
    }

    fn output(&mut self, call: Call<'_>) -> (Output, u64) {
        let Self { guest: Guest { store, instance }, session } = self;
        let api = instance.spiped_pipe_session().session();
        let before = store.get_fuel().unwrap();
        let output = match call {
            Call::Start => api.call_start(&mut *store, *session),
            Call::Compute => api.call_compute(&mut *store, *session),
            Call::Crypt(bytes) => api.call_handle_crypt(&mut *store, *session, bytes),
            Call::Plain(bytes) => api.call_handle_plain(&mut *store, *session, bytes),
        };
        let output = output.unwrap();
        assert!(!matches!(output.status, Status::Failed(_)), "{:?}", output.status);
        let fuel = before - store.get_fuel().unwrap();
        (output, fuel)
    }
}
