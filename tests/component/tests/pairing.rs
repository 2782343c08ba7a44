//! Pairing, in all builds at once: equal to the byte.

use std::sync::LazyLock;

use spiped::guest::pairing as host;
use spiped::guest::{Engine, Side};
use spiped_component_tests::{built, words};
use spiped_core::pairing as core;
use wasmtime::Store;
use wasmtime::component::{Component, Linker, ResourceAny};

#[allow(missing_docs, reason = "generated")]
mod bindings {
    wasmtime::component::bindgen!({ path: "../../wit", world: "portable" });
}
use bindings::exports::spiped::pipe::pairing as wit;

static COMPILED: LazyLock<bindings::PortablePre<()>> = LazyLock::new(|| {
    let engine = wasmtime::Engine::default();
    let component = Component::from_file(&engine, built("spiped-portable.wasm")).unwrap();
    let linked = Linker::new(&engine).instantiate_pre(&component).unwrap();
    bindings::PortablePre::new(linked).unwrap()
});

/// A call on an exchange.
#[derive(Clone, Copy, Debug)]
enum Call<'a> {
    Start,
    Receive(&'a [u8]),
    Confirm,
    Reject,
    TakeKey,
    Eof,
}

/// Bytes for the peer, and the rest in words; of a key, its bytes.
type Answer = (Vec<u8>, String);

/// The same exchange in every build.
struct Trio {
    native_crate: core::Exchange,
    native_world: host::Exchange,
    portable: Portable,
}

struct Portable {
    store: Store<()>,
    instance: bindings::Portable,
    exchange: ResourceAny,
}

fn entropy(seed: u8) -> [u8; 32] {
    let mut entropy = [seed; 32];
    entropy[0] = !seed;
    entropy
}

impl Trio {
    fn new(engine: &Engine, side: Side, code: Option<&str>, seed: u8) -> Self {
        let entropy = entropy(seed);
        let core_side = match side {
            Side::Client => spiped_core::Side::Client,
            Side::Server => spiped_core::Side::Server,
        };
        let core_entropy = core::Entropy::copy_of(&entropy);
        Self {
            native_crate: core::Exchange::new(core_side, code, &core_entropy).unwrap(),
            native_world: host::Exchange::with_entropy(engine, side, code, &entropy).unwrap(),
            portable: Portable::new(side, code, &entropy),
        }
    }

    /// Calls all three, and panics unless they answer alike.
    fn call(&mut self, call: Call<'_>) -> Answer {
        let expected = self.native_crate(call);
        assert_eq!(self.native_world(call), expected, "native world, {call:?}");
        assert_eq!(self.portable.call(call), expected, "portable world, {call:?}");
        expected
    }

    fn native_crate(&mut self, call: Call<'_>) -> Answer {
        let exchange = &mut self.native_crate;
        let mut out = Vec::new();
        let result = match call {
            Call::Start => exchange.start(&mut out),
            Call::Receive(bytes) => exchange.receive(bytes, &mut out),
            Call::Confirm => exchange.confirm(&mut out),
            Call::Reject => return done(exchange.reject()),
            Call::Eof => return done(exchange.eof()),
            Call::TakeKey => return key(exchange.take_key().map(|key| key.expose().to_vec())),
        };
        match result.and_then(|()| exchange.status()) {
            Ok(status) => (out, words(&status)),
            Err(error) => failed(&error),
        }
    }

    fn native_world(&mut self, call: Call<'_>) -> Answer {
        fn protocol(failure: host::Failure) -> host::ProtocolFailure {
            match failure {
                host::Failure::Protocol(failure) => failure,
                host::Failure::Guest(reason) => panic!("{reason}"),
            }
        }
        let exchange = &mut self.native_world;
        let output = match call {
            Call::Start => exchange.start(),
            Call::Receive(bytes) => exchange.receive(bytes),
            Call::Confirm => exchange.confirm(),
            Call::Reject => return done(exchange.reject().map_err(protocol)),
            Call::Eof => return done(exchange.eof().map_err(protocol)),
            Call::TakeKey => {
                return key(exchange.take_key().map(|key| key.to_vec()).map_err(protocol));
            }
        };
        match output.map_err(protocol) {
            Ok(output) => (output.to_peer, words(&output.status)),
            Err(failure) => failed(&failure),
        }
    }
}

impl Portable {
    fn new(side: Side, code: Option<&str>, entropy: &[u8]) -> Self {
        let mut store = Store::new(COMPILED.engine(), ());
        let instance = COMPILED.instantiate(&mut store).unwrap();
        let side = match side {
            Side::Client => wit::Side::Client,
            Side::Server => wit::Side::Server,
        };
        let api = instance.spiped_pipe_pairing().exchange();
        let exchange = api.call_constructor(&mut store, side, code, entropy).unwrap().unwrap();
        Self { store, instance, exchange }
    }

    fn call(&mut self, call: Call<'_>) -> Answer {
        let api = self.instance.spiped_pipe_pairing().exchange();
        let (store, exchange) = (&mut self.store, self.exchange);
        let output = match call {
            Call::Start => api.call_start(store, exchange),
            Call::Receive(bytes) => api.call_receive(store, exchange, bytes),
            Call::Confirm => api.call_confirm(store, exchange),
            Call::Reject => return done(api.call_reject(store, exchange).unwrap()),
            Call::Eof => return done(api.call_eof(store, exchange).unwrap()),
            Call::TakeKey => return key(api.call_take_key(store, exchange).unwrap()),
        };
        match output.unwrap() {
            Ok(output) => (output.to_peer, words(&output.status)),
            Err(failure) => failed(&failure),
        }
    }
}

fn done(result: Result<(), impl std::fmt::Debug>) -> Answer {
    result.map_or_else(|failure| failed(&failure), |()| (Vec::new(), String::new()))
}

fn key(result: Result<Vec<u8>, impl std::fmt::Debug>) -> Answer {
    result.map_or_else(|failure| failed(&failure), |key| (key, String::new()))
}

/// A failure, which has no bytes.
fn failed(failure: &impl std::fmt::Debug) -> Answer {
    (Vec::new(), words(failure))
}

const CODE: &str = "correct horse";

/// Both ends, started, and the client's first message.
fn start(engine: &Engine, codes: [Option<&str>; 2]) -> (Trio, Trio, Vec<u8>) {
    let mut client = Trio::new(engine, Side::Client, codes[0], 1);
    let mut server = Trio::new(engine, Side::Server, codes[1], 2);
    assert_eq!(server.call(Call::Start).0, b"");
    let (hello, _) = client.call(Call::Start);
    (client, server, hello)
}

#[test]
fn comparing_is_the_same_in_every_build() {
    let engine = Engine::new(2).unwrap();
    let (mut client, mut server, hello) = start(&engine, [None; 2]);
    let (hello, status) = server.call(Call::Receive(&hello));
    assert_eq!(status, "exchanging");
    let (value, here) = client.call(Call::Receive(&hello));
    let (_, there) = server.call(Call::Receive(&value));
    assert!(here.starts_with("comparing"), "{here}");
    assert_eq!(here, there);

    let (tag, status) = client.call(Call::Confirm);
    assert_eq!(status, "confirmed");
    server.call(Call::Receive(&tag));
    let (tag, status) = server.call(Call::Confirm);
    assert_eq!(status, "agreed");
    client.call(Call::Receive(&tag));
    client.call(Call::Eof);
    same_key(&mut client, &mut server);
}

#[test]
fn code_is_the_same_in_every_build() {
    let engine = Engine::new(2).unwrap();
    let (mut client, mut server, hello) = start(&engine, [Some(CODE), Some("  correct horse\n")]);
    let (first, rest) = hello.split_at(20);
    assert_eq!(server.call(Call::Receive(first)).1, "waiting");
    let (hello, _) = server.call(Call::Receive(rest));
    let (answer, status) = client.call(Call::Receive(&hello));
    assert_eq!(status, "confirmed");
    let (tag, status) = server.call(Call::Receive(&answer));
    assert_eq!(status, "agreed");
    client.call(Call::Receive(&tag));
    same_key(&mut client, &mut server);
}

/// Both have the same, and once.
fn same_key(client: &mut Trio, server: &mut Trio) {
    let (key, _) = client.call(Call::TakeKey);
    assert_eq!(key.len(), 32);
    assert_eq!(server.call(Call::TakeKey).0, key);
    assert_eq!(client.call(Call::TakeKey).1, "misuse no-key");
}

/// What is done with client, server and the client's first message; the last
/// status.
type Calls = fn(&mut Trio, &mut Trio, Vec<u8>) -> String;

#[test]
fn failures_are_the_same_in_every_build() {
    let engine = Engine::new(4).unwrap();
    let (_, mut server, hello) = start(&engine, [None, Some(CODE)]);
    let (_, status) = server.call(Call::Receive(&hello));
    assert_eq!(status, "peer other-mode");
    assert_eq!(server.call(Call::Eof).1, status);

    let failures: [(&str, Calls); 8] = [
        ("peer not-pairing", |_, server, _| server.call(Call::Receive(b"SSH-2.0")).1),
        ("peer same-side", |client, _, hello| client.call(Call::Receive(&hello)).1),
        ("peer truncated", |_, server, _| server.call(Call::Eof).1),
        ("peer bad-commitment", |_, server, hello| {
            server.call(Call::Receive(&hello));
            server.call(Call::Receive(&[9; 32])).1
        }),
        ("peer bad-public-value", |client, server, hello| {
            let (mut hello, _) = server.call(Call::Receive(&hello));
            hello[16..].fill(0);
            client.call(Call::Receive(&hello)).1
        }),
        ("peer wrong-confirmation", |client, server, hello| {
            let (hello, _) = server.call(Call::Receive(&hello));
            client.call(Call::Receive(&hello));
            client.call(Call::Receive(&[0; 32])).1
        }),
        ("misuse start-order", |client, _, _| client.call(Call::Start).1),
        ("misuse nothing-to-confirm", |client, server, hello| {
            let (hello, _) = server.call(Call::Receive(&hello));
            client.call(Call::Receive(&hello));
            client.call(Call::Confirm);
            client.call(Call::Confirm).1
        }),
    ];
    for (failure, calls) in failures {
        let (mut client, mut server, hello) = start(&engine, [None; 2]);
        let status = calls(&mut client, &mut server, hello);
        assert_eq!(status, failure);
    }
}

#[test]
fn rejected_is_final_in_every_build() {
    let engine = Engine::new(2).unwrap();
    let (mut client, mut server, hello) = start(&engine, [None; 2]);
    let (hello, _) = server.call(Call::Receive(&hello));
    client.call(Call::Receive(&hello));
    assert_eq!(client.call(Call::Reject), (vec![], String::new()));
    for call in [Call::Reject, Call::Confirm, Call::Receive(&[0; 32]), Call::TakeKey, Call::Eof] {
        assert_eq!(client.call(call), (vec![], "rejected".into()), "{call:?}");
    }
}
