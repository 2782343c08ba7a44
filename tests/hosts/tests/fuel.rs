//! What a packet and a handshake cost the portable component, counted in
//! instructions: the same on every machine for the same component.

use std::fmt::Write as _;

use spiped_host_tests::built;
use wasmtime::component::{Component, Linker, ResourceAny};
use wasmtime::{Config, Engine, Store};

use bindings::Portable;
use bindings::exports::spiped::pipe::acceptor::Verdict;
use bindings::exports::spiped::pipe::session::Status;
use bindings::exports::spiped::pipe::types::{
    ClientConfig, ForwardSecrecy, KeyExchange, ServerConfig,
};

#[allow(missing_docs, reason = "generated")]
mod bindings {
    wasmtime::component::bindgen!({ path: "../../wit", world: "portable" });
}

/// The figures of the day they were last looked at.
const COMMITTED: &str = include_str!("../fuel.toml");

/// In percent. What a compiler's next version changes is less.
const TOLERANCE: u64 = 5;

#[test]
fn work_is_what_it_was() {
    let mut report = String::new();
    let mut as_it_was = true;
    for (name, now) in measure() {
        let before = committed(name);
        let verdict = match before {
            Some(before) if now * 100 > before * (100 + TOLERANCE) => "more than",
            Some(before) if now * 100 < before * (100 - TOLERANCE) => "less than",
            Some(_) => "close to",
            None => "without",
        };
        as_it_was &= verdict == "close to";
        writeln!(report, "{name} = {now} # {verdict} {}", before.unwrap_or_default()).unwrap();
    }
    assert!(
        as_it_was,
        "the component's work has changed by more than {TOLERANCE} %; \
         if that is meant, put this into tests/hosts/fuel.toml:\n{report}"
    );
}

fn committed(name: &str) -> Option<u64> {
    let mut lines = COMMITTED.lines().filter_map(|line| line.split_once('='));
    let (_, figure) = lines.find(|(key, _)| key.trim() == name)?;
    Some(figure.trim().parse().unwrap())
}

fn measure() -> Vec<(&'static str, u64)> {
    let modp2048 = handshake(KeyExchange::Modp2048);
    let x25519 = handshake(KeyExchange::X25519);
    let mut figures = search();
    figures.extend([
        ("public-value", modp2048.public_value),
        ("shared-value", modp2048.shared_value),
        ("x25519-public-value", x25519.public_value),
        ("x25519-shared-value", x25519.shared_value),
    ]);

    let Established { mut client, mut server, .. } = modp2048;
    let mut send = |packets: usize| {
        let (sealed, seal) = client.call(Call::Plain(&vec![b'x'; packets * 1024]));
        assert_eq!(sealed.len(), packets * 1060);
        let (_, open) = server.call(Call::Crypt(&sealed));
        (seal, open)
    };
    // Once, both memories grow.
    send(64);
    for (seal, open, packets) in
        [("seal-1", "open-1", 1), ("seal-16", "open-16", 16), ("seal-64", "open-64", 64)]
    {
        let (sealing, opening) = send(packets);
        figures.extend([(seal, sealing), (open, opening)]);
    }
    figures
}

/// What an acceptor takes to refuse a stranger, by the number of its keys.
fn search() -> Vec<(&'static str, u64)> {
    let search = |keys: u8| {
        let Guest { mut store, instance } = Guest::new();
        let psks: Vec<_> = (0..keys).map(|key| vec![key; 32]).collect();
        let api = instance.spiped_pipe_acceptor().acceptor();
        let config = ServerConfig::Any(ForwardSecrecy::Offer);
        let acceptor = api.call_constructor(&mut store, config, &psks).unwrap().unwrap();
        let before = store.get_fuel().unwrap();
        let verdict = api.call_identify(&mut store, acceptor, &SERVER_NONCE, &[9; 320]);
        assert!(matches!(verdict, Ok(Ok(Verdict::Refused(_)))), "{verdict:?}");
        before - store.get_fuel().unwrap()
    };
    vec![("search-1", search(1)), ("search-100", search(100))]
}

/// Both ends, and what the client's computing took.
struct Established {
    client: End,
    server: End,
    public_value: u64,
    shared_value: u64,
}

fn handshake(exchange: KeyExchange) -> Established {
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
const SERVER_NONCE: [u8; 32] = [2; 32];

#[derive(Clone, Copy)]
enum Call<'a> {
    Start,
    Compute,
    Crypt(&'a [u8]),
    Plain(&'a [u8]),
}

/// An instance that counts.
struct Guest {
    store: Store<()>,
    instance: Portable,
}

impl Guest {
    fn new() -> Self {
        let mut config = Config::new();
        config.consume_fuel(true);
        let engine = Engine::new(&config).unwrap();
        let component = Component::from_file(&engine, built("spiped-portable.wasm")).unwrap();
        let mut store = Store::new(&engine, ());
        store.set_fuel(u64::MAX).unwrap();
        let linker = Linker::new(&engine);
        let instance = Portable::instantiate(&mut store, &component, &linker).unwrap();
        Self { store, instance }
    }

    fn connect(mut self, exchange: KeyExchange) -> End {
        let config = match exchange {
            KeyExchange::Modp2048 => ClientConfig::Modp2048(ForwardSecrecy::Offer),
            KeyExchange::X25519 => ClientConfig::X25519,
        };
        let entropy = [[1; 32], [3; 32]].concat();
        let api = self.instance.spiped_pipe_session().session();
        let session = api.call_connect(&mut self.store, config, &PSK.to_vec(), &entropy);
        End { session: session.unwrap().unwrap(), guest: self }
    }

    fn accept(mut self, hello: &[u8]) -> End {
        let config = ServerConfig::Any(ForwardSecrecy::Offer);
        let (psk, entropy) = (PSK.to_vec(), [4; 32]);
        let api = self.instance.spiped_pipe_session().session();
        let session =
            api.call_accept(&mut self.store, config, &SERVER_NONCE, hello, &psk, &entropy);
        End { session: session.unwrap().unwrap(), guest: self }
    }
}

/// A session in an instance of its own.
struct End {
    guest: Guest,
    session: ResourceAny,
}

impl End {
    /// Returns what goes to the peer, and the fuel it took.
    fn call(&mut self, call: Call<'_>) -> (Vec<u8>, u64) {
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
        (output.to_crypt, before - store.get_fuel().unwrap())
    }
}
