//! A component that breaks in every way it can takes nothing with it but its
//! own connection.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use log::Level;
use spiped::connection::handshake::HandshakeError;
use spiped::connection::live::Live;
use spiped::connection::outcome::Outcome;
use spiped::connection::place::Place;
use spiped::connection::relay::Broken;
use spiped::connection::slots::Slots;
use spiped::connection::{Ended, Side, Snapshot};
use spiped::guest::{Config, Engine, Failure, ForwardSecrecy, ServerConfig, self_test};
use spiped::keys::file::KeyFile;
use spiped::keys::{KeyPolicy, KeyRules, KeySource, Keyring};
use spiped::net::address::Address;
use spiped::net::resolve::Endpoint;
use spiped::net::socket::Socket;
use spiped::net::targets::{Balance, Targets};
use spiped::observe::Observe;
use spiped::process::compute::{Compute, processors};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::engine_config::{InitialData, engine_config};

/// Sessions at a time: the pool has room for them, for the acceptors, and for
/// no more.
const ROOM: u32 = 2;
/// What a stranger says who is to get past the acceptor.
const HELLO: &[u8] = b"Open";

fn component() -> Vec<u8> {
    let mut module = wat::parse_str(include_str!("misbehaving.wat")).unwrap();
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let (package, _) = resolve.push_path(wit).unwrap();
    let world = resolve.select_world(&[package], Some("native")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

pub(crate) fn engine() -> Engine {
    // And for one acceptor: one thread asks.
    let guests = ROOM + 1;
    let compiler = wasmtime::Engine::new(&engine_config(InitialData::Mapped)).unwrap();
    let code = compiler.precompile_component(&component()).unwrap();
    // SAFETY: just precompiled, by the same wasmtime under the same settings.
    #[allow(unsafe_code, reason = "the only way to load precompiled code")]
    unsafe {
        Engine::precompiled(guests, &code).unwrap()
    }
}

/// A pipe that runs the misbehaving component, and a target that waits.
struct Lab {
    pipe: Arc<Snapshot>,
    source: TcpListener,
    target: TcpListener,
}

/// A connection that ends at the lab.
struct Stranger {
    crypt: TcpStream,
    outcome: JoinHandle<Ended>,
}

/// One connection through the lab.
struct Connection {
    crypt: TcpStream,
    plain: TcpStream,
    outcome: JoinHandle<Ended>,
}

impl Lab {
    async fn new() -> Self {
        let source = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = target.local_addr().unwrap();
        let targets = vec![(Address::Literal(address), vec![Endpoint::Tcp(address)])];
        let key = KeySource::One(KeyFile::Path("/dev/null".into()));
        let config = Config::Server(ServerConfig::Any(ForwardSecrecy::Offer));
        let (engine, compute) = (engine(), Compute::start(processors(), || {}).unwrap());
        let keys = Keyring::load(&key, KeyRules::default()).unwrap();
        let pipe = Snapshot {
            side: Side::new(config, &engine, &compute, &keys).unwrap(),
            engine,
            keys: Arc::new(keys),
            key_policy: KeyPolicy::default(),
            counters: Arc::default(),
            observe: Observe::default(),
            targets: Targets::new(targets, Balance::InOrder, Observe::default()),
            bind: None,
            time_limit: Duration::from_secs(20),
            idle_limit: None,
            half_closed_limit: None,
            keepalive: None,
            user_timeout: None,
            proxy_to: None,
            slots: Slots::new(NonZeroUsize::new(100).unwrap()),
            compute,
        };
        Self { pipe: Arc::new(pipe), source, target }
    }

    /// A connection that has been accepted and greeted.
    async fn stranger(&self) -> Stranger {
        let mut crypt = TcpStream::connect(self.source.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = self.source.accept().await.unwrap();
        let live = Arc::new(Live::new(0, None));
        let (socket, place) =
            (Socket::adopt(accepted.into_std().unwrap().into()).unwrap(), Place::unlimited(0));
        let served = self.pipe.clone().serve(socket, None, place, live);
        let outcome = tokio::spawn(served);
        crypt.read_exact(&mut [0; 32]).await.unwrap();
        Stranger { crypt, outcome }
    }

    async fn connect(&self) -> Connection {
        let Stranger { mut crypt, outcome } = self.stranger().await;
        crypt.write_all(HELLO).await.unwrap();
        let (plain, _) = self.target.accept().await.unwrap();
        Connection { crypt, plain, outcome }
    }

    /// What becomes of a connection on which the peer says `what`.
    async fn failure(&self, what: &[u8]) -> String {
        let mut connection = self.connect().await;
        connection.crypt.write_all(what).await.unwrap();
        connection.failure().await
    }
}

impl Stranger {
    /// Says this. It is hung up on without an answer, and the outcome blames
    /// the component.
    async fn failure(mut self, hello: &[u8]) -> String {
        self.crypt.write_all(hello).await.unwrap();
        assert_eq!(self.crypt.read(&mut [0; 1]).await.unwrap(), 0);
        let Ended { outcome, key } = self.outcome.await.unwrap();
        assert!(key.is_none());
        let Outcome::Refused(HandshakeError::Session(Failure::Guest(reason)), _) = outcome else {
            panic!("not the component's fault: {outcome:?}");
        };
        reason
    }
}

impl Connection {
    /// Both ends see a reset, and the outcome blames the component.
    async fn failure(mut self) -> String {
        for stream in [&mut self.crypt, &mut self.plain] {
            let error = stream.read(&mut [0; 1]).await.unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        }
        let Ended { outcome, .. } = self.outcome.await.unwrap();
        let config = Config::Server(ServerConfig::Any(ForwardSecrecy::Offer));
        assert_eq!(outcome.event(config, true).level, Level::Warn);
        let Outcome::Broken(Broken::Session(Failure::Guest(reason)), _) = outcome else {
            panic!("not the component's fault: {outcome:?}");
        };
        reason
    }

    /// It still works, and ends as it should.
    async fn close(mut self) {
        self.crypt.shutdown().await.unwrap();
        assert_eq!(self.plain.read(&mut [0; 1]).await.unwrap(), 0);
        self.plain.shutdown().await.unwrap();
        assert_eq!(self.crypt.read(&mut [0; 1]).await.unwrap(), 0);
        assert!(matches!(self.outcome.await.unwrap().outcome, Outcome::Closed(_)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_break_ends_one_connection_with_one_reason() {
    let lab = Lab::new().await;
    let bystander = lab.connect().await;
    for (what, reason) in [
        (b"Trap", "wasm trap: wasm `unreachable` instruction executed"),
        (b"Nap.", "wasm trap: wasm `unreachable` instruction executed"),
        (b"Memo", "wasm trap: wasm `unreachable` instruction executed"),
        (b"Loop", "wasm trap: interrupt"),
        (b"Plai", "invalid answer"),
        (b"Cryp", "invalid answer"),
    ] {
        assert_eq!(lab.failure(what).await, reason);
    }
    assert_eq!(lab.failure(b"Huge").await, "invalid answer");
    for what in [b"Big.", b"Stat"] {
        assert_ne!(lab.failure(what).await, "");
    }
    bystander.close().await;
}

#[tokio::test]
async fn endless_loop_stops_an_event_loop_for_a_moment_only() {
    let lab = Lab::new().await;
    let mut connection = lab.connect().await;
    let began = Instant::now();
    connection.crypt.write_all(b"Loop").await.unwrap();
    assert_eq!(connection.failure().await, "wasm trap: interrupt");
    // A twentieth of that, unless others need the processor.
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn component_cannot_send_plaintext_as_it_is() {
    let lab = Lab::new().await;
    let mut connection = lab.connect().await;
    connection.plain.write_all(b"secret").await.unwrap();
    assert_eq!(connection.failure().await, "invalid answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn room_is_given_back_whatever_happened() {
    let lab = Lab::new().await;
    for _ in 0..10 * ROOM {
        lab.failure(b"Trap").await;
    }
    let full = [lab.connect().await, lab.connect().await];
    for connection in full {
        connection.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acceptor_that_breaks_is_replaced_and_its_stranger_refused() {
    let lab = Lab::new().await;
    let bystander = lab.connect().await;
    // More often than there are acceptors.
    for round in 0..processors() {
        for (what, reason) in [
            (b"Trap", "wasm trap: wasm `unreachable` instruction executed"),
            (b"More", "invalid answer"),
            (b"None", "invalid answer"),
            (b"Key.", "invalid answer"),
            (b"Hell", "invalid answer"),
        ] {
            assert_eq!(lab.stranger().await.failure(what).await, reason, "in round {round}");
        }
    }
    let reason = lab.stranger().await.failure(b"Loop").await;
    assert_eq!(reason, "wasm trap: interrupt");
    lab.connect().await.close().await;
    bystander.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stranger_has_no_sandbox() {
    let lab = Lab::new().await;
    let mut strangers = Vec::new();
    for said in [b"".as_slice(), b"Ope"] {
        for _ in 0..10 * ROOM {
            let mut stranger = lab.stranger().await;
            stranger.crypt.write_all(said).await.unwrap();
            strangers.push(stranger);
        }
    }
    let full = [lab.connect().await, lab.connect().await];
    // There is no sandbox for the next, and nobody else minds.
    let mut refused = lab.stranger().await;
    refused.crypt.write_all(HELLO).await.unwrap();
    let Ended { outcome, .. } = refused.outcome.await.unwrap();
    assert!(matches!(outcome, Outcome::NoGuest(_)), "{outcome:?}");
    for connection in full {
        connection.close().await;
    }
    for stranger in strangers {
        assert!(!stranger.outcome.is_finished());
    }
}

#[test]
fn component_that_does_not_compute_is_found_before_anything_starts() {
    let error = self_test(&engine()).unwrap_err().to_string();
    assert!(error.contains("computes wrong results on this machine"), "{error}");
}
