//! Pairing, in all builds at once: equal to the byte.

use std::sync::LazyLock;

use spiped::guest::pairing as host;
use spiped::guest::{Engine, Side};
use spiped_component_tests::built;
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
    Eof,
}

/// Bytes for the peer, and the status in words.
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

impl Trio {
    fn new(engine: &Engine, side: Side, code: Option<&str>, entropy: u8) -> Self {
        let entropy = [entropy; 32];
        let core_side = match side {
            Side::Client => spiped_core::Side::Client,
            Side::Server => spiped_core::Side::Server,
        };
        let core_entropy = core::Entropy::new(entropy);
        Self {
            native_crate: core::Exchange::new(core_side, code, &core_entropy).unwrap(),
            native_world: host::Exchange::with_entropy(engine, side, code, &entropy).unwrap(),
            portable: Portable::new(side, code, &entropy),
        }
    }

    /// Calls all three, and panics unless they answer alike.
    fn call(&mut self, call: Call<'_>) -> Answer {
        let exchange = &mut self.native_crate;
        let mut out = Vec::new();
        let result = match call {
            Call::Start => exchange.start(&mut out),
            Call::Receive(bytes) => exchange.receive(bytes, &mut out),
            Call::Confirm => exchange.confirm(&mut out),
            Call::Eof => exchange.eof(),
        };
        let expected = (out, in_words(result.and_then(|()| exchange.status())));

        let exchange = &mut self.native_world;
        let output = match call {
            Call::Start => exchange.start(),
            Call::Receive(bytes) => exchange.receive(bytes),
            Call::Confirm => exchange.confirm(),
            Call::Eof => exchange.eof(),
        };
        let status = if let host::Status::Agreed(key) = output.status {
            format!("Agreed({:?})", *key)
        } else {
            format!("{:?}", output.status)
        };
        assert_eq!((output.to_peer, status), expected, "native world, {call:?}");

        assert_eq!(self.portable.call(call), expected, "portable world, {call:?}");
        expected
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
        let exchange = api.call_constructor(&mut store, side, code, entropy).unwrap();
        Self { store, instance, exchange }
    }

    fn call(&mut self, call: Call<'_>) -> Answer {
        let api = self.instance.spiped_pipe_pairing().exchange();
        let (store, exchange) = (&mut self.store, self.exchange);
        let output = match call {
            Call::Start => api.call_start(store, exchange),
            Call::Receive(bytes) => api.call_receive(store, exchange, bytes),
            Call::Confirm => api.call_confirm(store, exchange),
            Call::Eof => api.call_eof(store, exchange),
        };
        let output = output.unwrap();
        let status = match output.status {
            wit::Status::Waiting => "Waiting".into(),
            wit::Status::Exchanging => "Exchanging".into(),
            wit::Status::Comparing(string) => format!("Comparing({string})"),
            wit::Status::Confirmed => "Confirmed".into(),
            wit::Status::Agreed(key) => format!("Agreed({key:?})"),
            wit::Status::Failed(wit::Failure::Peer(fault)) => {
                format!("Failed(Peer({}))", short(&fault))
            }
            wit::Status::Failed(wit::Failure::Misuse(misuse)) => {
                format!("Failed(Misuse({}))", short(&misuse))
            }
        };
        (output.to_peer, status)
    }
}

fn in_words(status: Result<core::Status, core::Error>) -> String {
    match status {
        Ok(core::Status::Waiting) => "Waiting".into(),
        Ok(core::Status::Exchanging) => "Exchanging".into(),
        Ok(core::Status::Comparing(string)) => format!("Comparing({string})"),
        Ok(core::Status::Confirmed) => "Confirmed".into(),
        Ok(core::Status::Agreed(key)) => format!("Agreed({:?})", key.expose()),
        Err(error) => format!("Failed({error:?})"),
    }
}

/// The case's name, without its type's.
fn short(case: &impl std::fmt::Debug) -> String {
    format!("{case:?}").rsplit("::").next().unwrap().to_owned()
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
    assert_eq!(status, "Exchanging");
    let (value, here) = client.call(Call::Receive(&hello));
    let (_, there) = server.call(Call::Receive(&value));
    assert!(here.starts_with("Comparing("), "{here}");
    assert_eq!(here, there);

    let (tag, status) = client.call(Call::Confirm);
    assert_eq!(status, "Confirmed");
    server.call(Call::Receive(&tag));
    let (tag, here) = server.call(Call::Confirm);
    let (_, there) = client.call(Call::Receive(&tag));
    assert!(here.starts_with("Agreed("), "{here}");
    assert_eq!(here, there);
    client.call(Call::Eof);
}

#[test]
fn code_is_the_same_in_every_build() {
    let engine = Engine::new(2).unwrap();
    let (mut client, mut server, hello) = start(&engine, [Some(CODE), Some("  correct horse\n")]);
    let (first, rest) = hello.split_at(20);
    assert_eq!(server.call(Call::Receive(first)).1, "Waiting");
    let (hello, _) = server.call(Call::Receive(rest));
    let (answer, status) = client.call(Call::Receive(&hello));
    assert_eq!(status, "Confirmed");
    let (tag, here) = server.call(Call::Receive(&answer));
    let (_, there) = client.call(Call::Receive(&tag));
    assert!(here.starts_with("Agreed("), "{here}");
    assert_eq!(here, there);
}

/// What is done with client, server and the client's first message; the last
/// status.
type Calls = fn(&mut Trio, &mut Trio, Vec<u8>) -> String;

#[test]
fn failures_are_the_same_in_every_build() {
    let engine = Engine::new(4).unwrap();
    let (_, mut server, hello) = start(&engine, [None, Some(CODE)]);
    let (_, status) = server.call(Call::Receive(&hello));
    assert_eq!(status, "Failed(Peer(OtherMode))");
    assert_eq!(server.call(Call::Eof).1, status);

    let failures: [(&str, Calls); 8] = [
        ("Peer(NotPairing)", |_, server, _| server.call(Call::Receive(b"SSH-2.0")).1),
        ("Peer(SameSide)", |client, _, hello| client.call(Call::Receive(&hello)).1),
        ("Peer(CutOff)", |_, server, _| server.call(Call::Eof).1),
        ("Peer(BadCommitment)", |_, server, hello| {
            server.call(Call::Receive(&hello));
            server.call(Call::Receive(&[9; 32])).1
        }),
        ("Peer(BadPublicValue)", |client, server, hello| {
            let (mut hello, _) = server.call(Call::Receive(&hello));
            hello[16..].fill(0);
            client.call(Call::Receive(&hello)).1
        }),
        ("Peer(WrongConfirmation)", |client, server, hello| {
            let (hello, _) = server.call(Call::Receive(&hello));
            client.call(Call::Receive(&hello));
            client.call(Call::Receive(&[0; 32])).1
        }),
        ("Misuse(StartOrder)", |client, _, _| client.call(Call::Start).1),
        ("Misuse(NothingToConfirm)", |client, server, hello| {
            let (hello, _) = server.call(Call::Receive(&hello));
            client.call(Call::Receive(&hello));
            client.call(Call::Confirm);
            client.call(Call::Confirm).1
        }),
    ];
    for (failure, calls) in failures {
        let (mut client, mut server, hello) = start(&engine, [None; 2]);
        let status = calls(&mut client, &mut server, hello);
        assert_eq!(status, format!("Failed({failure})"));
    }
}
