//! What the guest's work costs, through the API the program uses: the steps of
//! a handshake, a whole one, a server's search among its keys, and packets.
//!
//! `cargo bench --package spiped --bench handshake`, after `make`.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use spiped::guest::{Config, Engine, ForwardSecrecy, Guest, KeyExchange, Output, Side, Status};
use spiped::keyfile::Psk;

/// Guests at a time: a few ends, and those that are yet to be dropped.
const GUESTS: u32 = 16;
/// Plaintext of one packet.
const PLAIN_MAX: usize = 1024;
/// Packets in one call.
const RUNS: [usize; 4] = [1, 4, 16, 64];
/// Keys that a server accepts.
const KEYS: [usize; 3] = [1, 50, 1024];

fn main() {
    let engine = Engine::new(GUESTS).expect("an engine");
    let mut criterion = Criterion::default().configure_from_args();
    handshake(&mut criterion, &engine, "handshake", KeyExchange::Modp2048);
    handshake(&mut criterion, &engine, "handshake-x25519", KeyExchange::X25519);
    key_search(&mut criterion, &engine);
    packets(&mut criterion, &engine);
    criterion.final_summary();
}

/// The steps in their order, each on a guest that has done those before it.
/// Dropping that guest is not measured.
fn handshake(criterion: &mut Criterion, engine: &Engine, name: &str, exchange: KeyExchange) {
    let once = BatchSize::PerIteration;
    let mut group = criterion.benchmark_group(name);
    group.bench_function("instance", |b| {
        b.iter_batched(|| (), |()| guest(engine, Side::Client, exchange), once);
    });
    let mut step =
        |name, before: fn(&Engine, KeyExchange) -> Step, run: fn(&mut Step) -> Output| {
            group.bench_function(name, |b| {
                let measured = |mut step: Step| {
                    let output = run(&mut step);
                    (step, output)
                };
                b.iter_batched(|| before(engine, exchange), measured, once);
            });
        };
    step("start", Step::created, |step| step.guest.start());
    step("public-value", Step::before_public_value, |step| step.guest.compute());
    step("mac/server", Step::before_server_mac, Step::receive);
    step("mac/client", Step::before_client_mac, Step::receive);
    step("shared-value", Step::before_shared_value, |step| step.guest.compute());
    group.bench_function("whole", |b| {
        b.iter_batched(|| (), |()| established(engine, exchange), once);
    });
    group.finish();
}

/// From the client's first byte to the key it holds: the last of them.
fn key_search(criterion: &mut Criterion, engine: &Engine) {
    let mut group = criterion.benchmark_group("key-search");
    for count in KEYS {
        let psk = |number: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_le_bytes());
            Psk::new(bytes)
        };
        let psks: Vec<_> = (0..count).map(psk).collect();
        let before = || {
            let (_, guest, [nonce, share]) = Step::greeting(engine, KeyExchange::Modp2048, &psks);
            Step { guest, from_peer: [nonce, share].concat() }
        };
        let search = |mut step: Step| {
            assert_eq!(step.receive().status, Status::Computing);
            step
        };
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter_batched(before, search, BatchSize::PerIteration);
        });
    }
    group.finish();
}

/// One established connection, on and on.
fn packets(criterion: &mut Criterion, engine: &Engine) {
    let (mut client, mut server) = established(engine, KeyExchange::Modp2048);
    // What this one seals, nobody opens.
    let (mut sealer, _) = established(engine, KeyExchange::Modp2048);
    let mut group = criterion.benchmark_group("component");
    for packets in RUNS {
        let plain = vec![b'x'; packets * PLAIN_MAX];
        group.throughput(Throughput::Bytes(plain.len() as u64));
        group.bench_function(BenchmarkId::new("seal", packets), |b| {
            b.iter(|| sealer.handle_plain(black_box(&plain)));
        });
        group.bench_function(BenchmarkId::new("open", packets), |b| {
            b.iter_batched(
                || client.handle_plain(&plain).to_crypt,
                |sealed| server.handle_crypt(&sealed),
                BatchSize::PerIteration,
            );
        });
        // A session that had failed would have been fast.
        assert_eq!(sealer.handle_plain(&plain).status, Status::Established);
        assert_eq!(server.handle_crypt(&client.handle_plain(&plain).to_crypt).to_plain, plain);
    }
    group.finish();
}

/// A guest before a step, and what comes from its peer then.
struct Step {
    guest: Guest,
    from_peer: Vec<u8>,
}

impl Step {
    fn created(engine: &Engine, exchange: KeyExchange) -> Self {
        Self { guest: guest(engine, Side::Client, exchange), from_peer: Vec::new() }
    }

    fn before_public_value(engine: &Engine, exchange: KeyExchange) -> Self {
        let mut step = Self::created(engine, exchange);
        assert_eq!(step.guest.start().status, Status::Computing);
        step
    }

    fn before_server_mac(engine: &Engine, exchange: KeyExchange) -> Self {
        Self::proving(engine, exchange).1
    }

    fn before_client_mac(engine: &Engine, exchange: KeyExchange) -> Self {
        let (client, mut server) = Self::proving(engine, exchange);
        server.receive();
        Self { guest: client, from_peer: server.guest.compute().to_crypt }
    }

    fn before_shared_value(engine: &Engine, exchange: KeyExchange) -> Self {
        let mut step = Self::before_client_mac(engine, exchange);
        assert_eq!(step.receive().status, Status::Computing);
        step
    }

    /// A client that has sent its key share, and the server that gets it.
    fn proving(engine: &Engine, exchange: KeyExchange) -> (Guest, Self) {
        let (client, mut guest, [nonce, from_peer]) = Self::greeting(engine, exchange, &[psk()]);
        guest.handle_crypt(&nonce);
        (client, Self { guest, from_peer })
    }

    /// A client with the last of a server's keys, the server, and what the
    /// client has for it: its nonce and its key share.
    fn greeting(
        engine: &Engine,
        exchange: KeyExchange,
        psks: &[Psk],
    ) -> (Guest, Guest, [Vec<u8>; 2]) {
        let last = &psks[psks.len() - 1..];
        let mut client = guest_with(engine, Side::Client, exchange, last);
        let mut server = guest_with(engine, Side::Server, exchange, psks);
        let nonce = client.start().to_crypt;
        client.compute();
        let share = client.handle_crypt(&server.start().to_crypt).to_crypt;
        (client, server, [nonce, share])
    }

    fn receive(&mut self) -> Output {
        self.guest.handle_crypt(&self.from_peer)
    }
}

fn guest(engine: &Engine, side: Side, exchange: KeyExchange) -> Guest {
    guest_with(engine, side, exchange, &[psk()])
}

fn guest_with(engine: &Engine, side: Side, exchange: KeyExchange, psks: &[Psk]) -> Guest {
    let config =
        Config { side, key_exchange: Some(exchange), forward_secrecy: ForwardSecrecy::Offer };
    Guest::new(engine, config, psks).expect("a guest")
}

fn psk() -> Psk {
    Psk::new([7; 32])
}

/// Both ends of a connection, from nothing.
fn established(engine: &Engine, exchange: KeyExchange) -> (Guest, Guest) {
    let (mut client, mut server) = Step::proving(engine, exchange);
    server.receive();
    let share = server.guest.compute().to_crypt;
    client.handle_crypt(&share);
    for end in [&mut client, &mut server.guest] {
        assert_eq!(end.compute().status, Status::Established);
    }
    (client, server.guest)
}
