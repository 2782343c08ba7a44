//! What the guests' work costs, through the API the program uses: the steps of
//! a handshake, a whole one, a server's search among its keys, and packets.
//!
//! `cargo bench --package spiped --bench handshake`, after `make`.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use spiped::guest::{
    AcceptorGuest, Authenticated, ClientConfig, Engine, ForwardSecrecy, Greeting, GuestError,
    NONCE_LEN, Output, ServerConfig, SessionGuest, Status, Verdict, self_test,
};
use spiped::keys::file::Psk;

/// Guests at a time: a few ends, and those that are yet to be dropped.
const GUESTS: u32 = 16;
/// Plaintext of one packet.
const PLAIN_MAX: usize = 1024;
/// Packets in one call.
const RUNS: [usize; 4] = [1, 4, 16, 64];
/// Keys that a server accepts.
const KEYS: [usize; 3] = [1, 64, 1024];
/// What it accepts, as the program does unless told otherwise.
const ACCEPTS: ServerConfig = ServerConfig::Any(ForwardSecrecy::Offer);
const MODP2048: ClientConfig = ClientConfig::Modp2048(ForwardSecrecy::Offer);
const OUR_NONCE: [u8; NONCE_LEN] = [9; NONCE_LEN];

fn main() {
    let engine = Engine::new(GUESTS).expect("an engine");
    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("self-test", |b| b.iter(|| self_test(&engine)));
    handshake(&mut criterion, &engine, "handshake", MODP2048);
    handshake(&mut criterion, &engine, "handshake-x25519", ClientConfig::X25519);
    key_search(&mut criterion, &engine);
    packets(&mut criterion, &engine);
    criterion.final_summary();
}

/// The steps in their order, each on a guest that has done those before it.
/// Dropping that guest is not measured.
fn handshake(criterion: &mut Criterion, engine: &Engine, name: &str, config: ClientConfig) {
    let once = BatchSize::PerIteration;
    let mut group = criterion.benchmark_group(name);
    group.bench_function("instance", |b| {
        b.iter_batched(|| (), |()| client(engine, config), once);
    });
    let hello = Hello::of(engine, config);
    group.bench_function("accept", |b| {
        b.iter_batched(|| (), |()| hello.accept(engine), once);
    });
    let mut step =
        |name, before: fn(&Engine, ClientConfig) -> Step, run: fn(&mut Step) -> Status| {
            group.bench_function(name, |b| {
                let measured = |mut step: Step| {
                    let output = run(&mut step);
                    (step, output)
                };
                b.iter_batched(|| before(engine, config), measured, once);
            });
        };
    step("start", Step::created, |step| step.guest.start(&mut step.out));
    step("public-value", Step::before_public_value, |step| step.guest.compute(&mut step.out));
    step("mac/client", Step::before_client_mac, Step::receive);
    step("shared-value", Step::before_shared_value, |step| step.guest.compute(&mut step.out));
    group.bench_function("whole", |b| {
        b.iter_batched(|| (), |()| established(engine, config), once);
    });
    group.finish();
}

fn acceptor(engine: &Engine, psks: &[Psk]) -> Result<AcceptorGuest, GuestError> {
    AcceptorGuest::new(engine, ACCEPTS, psks, &AcceptorGuest::search_of(psks))
}

/// From a hello to the client's key, which is the last; and to the verdict that
/// there is none, of a client of either kind.
fn key_search(criterion: &mut Criterion, engine: &Engine) {
    let mut group = criterion.benchmark_group("key-search");
    for count in KEYS {
        let other = |number: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_le_bytes());
            Psk::copy_of(&bytes)
        };
        let psks: Vec<_> = (1..count).map(other).chain([psk()]).collect();
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("prepare", count), |b| {
            let prepare = |()| acceptor(engine, &psks);
            b.iter_batched(|| (), prepare, BatchSize::PerIteration);
        });
        let mut acceptor = acceptor(engine, &psks).expect("an acceptor");
        for (name, config) in [("modp2048", MODP2048), ("x25519", ClientConfig::X25519)] {
            let Hello(hello) = Hello::of(engine, config);
            let mut forged = hello.clone();
            *forged.last_mut().expect("a hello") ^= 1;
            let found = matches!(
                acceptor.identify(&OUR_NONCE, &hello),
                Ok(Verdict::Authenticated(Authenticated { psk_index, .. }))
                    if psk_index as usize == count - 1
            );
            assert!(found, "the last key");
            for (kind, hello) in [("found", &hello), ("stranger", &forged)] {
                group.bench_function(BenchmarkId::new(format!("{name}/{kind}"), count), |b| {
                    b.iter(|| acceptor.identify(&OUR_NONCE, black_box(hello)));
                });
            }
        }
    }
    group.finish();
}

/// One established connection, on and on.
fn packets(criterion: &mut Criterion, engine: &Engine) {
    let (mut client, mut server) = established(engine, MODP2048);
    // What this one seals, nobody opens.
    let (mut sealer, _) = established(engine, MODP2048);
    // The caller's, and used again: as an event loop does.
    let mut out = Output::default();
    let mut group = criterion.benchmark_group("component");
    for packets in RUNS {
        let plain = vec![b'x'; packets * PLAIN_MAX];
        group.throughput(Throughput::Bytes(plain.len() as u64));
        group.bench_function(BenchmarkId::new("seal", packets), |b| {
            b.iter(|| {
                out.to_crypt.clear();
                sealer.handle_plain(black_box(&plain), &mut out)
            });
        });
        group.bench_function(BenchmarkId::new("open", packets), |b| {
            b.iter_batched(
                || made(|out| client.handle_plain(&plain, out)).to_crypt,
                |sealed| {
                    out.to_plain.clear();
                    server.handle_crypt(&sealed, &mut out)
                },
                BatchSize::PerIteration,
            );
        });
        // A session that had failed would have been fast.
        assert_eq!(sealer.handle_plain(&plain, &mut out), Status::Established);
        let sealed = made(|out| client.handle_plain(&plain, out)).to_crypt;
        assert_eq!(made(|out| server.handle_crypt(&sealed, out)).to_plain, plain);
    }
    group.finish();
}

/// A guest before a step, and what comes from its peer then.
struct Step {
    guest: SessionGuest,
    from_peer: Vec<u8>,
    out: Output,
}

impl Step {
    fn created(engine: &Engine, config: ClientConfig) -> Self {
        Self { guest: client(engine, config), from_peer: Vec::new(), out: Output::default() }
    }

    fn before_public_value(engine: &Engine, config: ClientConfig) -> Self {
        let mut step = Self::created(engine, config);
        assert_eq!(step.guest.start(&mut step.out), Status::WantsCompute);
        step
    }

    fn before_client_mac(engine: &Engine, config: ClientConfig) -> Self {
        let (guest, hello) = greet(engine, config);
        let mut server = hello.accept(engine);
        Self { guest, from_peer: share(&mut server), out: Output::default() }
    }

    fn before_shared_value(engine: &Engine, config: ClientConfig) -> Self {
        let mut step = Self::before_client_mac(engine, config);
        assert_eq!(step.receive(), Status::WantsCompute);
        step
    }

    fn receive(&mut self) -> Status {
        self.guest.handle_crypt(&self.from_peer, &mut self.out)
    }
}

/// A client's nonce and key share.
struct Hello(Vec<u8>);

impl Hello {
    fn of(engine: &Engine, config: ClientConfig) -> Self {
        greet(engine, config).1
    }

    fn accept(&self, engine: &Engine) -> SessionGuest {
        let greeting = Greeting { our_nonce: &OUR_NONCE, hello: &self.0 };
        SessionGuest::accept(engine, ACCEPTS, greeting, &psk()).expect("a guest")
    }
}

/// A client that has sent its key share.
fn greet(engine: &Engine, config: ClientConfig) -> (SessionGuest, Hello) {
    let mut client = client(engine, config);
    let mut hello = share(&mut client);
    hello.extend(made(|out| client.handle_crypt(&OUR_NONCE, out)).to_crypt);
    (client, Hello(hello))
}

fn client(engine: &Engine, config: ClientConfig) -> SessionGuest {
    SessionGuest::connect(engine, config, &psk()).expect("a guest")
}

fn psk() -> Psk {
    Psk::copy_of(&[7; 32])
}

/// Both ends of a connection, from nothing.
fn established(engine: &Engine, config: ClientConfig) -> (SessionGuest, SessionGuest) {
    let (mut client, hello) = greet(engine, config);
    let mut server = hello.accept(engine);
    client.handle_crypt(&share(&mut server), &mut Output::default());
    for end in [&mut client, &mut server] {
        assert_eq!(end.compute(&mut Output::default()), Status::Established);
    }
    (client, server)
}

/// What a guest sends before it needs an answer.
fn share(guest: &mut SessionGuest) -> Vec<u8> {
    let started = |out: &mut Output| {
        guest.start(out);
        guest.compute(out)
    };
    made(started).to_crypt
}

/// What a call makes.
fn made(call: impl FnOnce(&mut Output) -> Status) -> Output {
    let mut out = Output::default();
    call(&mut out);
    out
}
