//! What the guest's work costs, through the API the program uses: the steps of
//! a handshake, a whole one, and packets.
//!
//! `cargo bench --package spiped --bench handshake`, after `make`.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use spiped::guest::{Engine, ForwardSecrecy, Guest, Output, Side, Status};
use spiped::keyfile::Psk;

/// Guests at a time: a few ends, and those that are yet to be dropped.
const GUESTS: u32 = 16;
/// Plaintext of one packet.
const PLAIN_MAX: usize = 1024;
/// Packets in one call.
const RUNS: [usize; 4] = [1, 4, 16, 64];

fn main() {
    let engine = Engine::new(GUESTS).expect("an engine");
    let mut criterion = Criterion::default().configure_from_args();
    handshake(&mut criterion, &engine);
    packets(&mut criterion, &engine);
    criterion.final_summary();
}

/// The steps in their order, each on a guest that has done those before it.
/// Dropping that guest is not measured.
fn handshake(criterion: &mut Criterion, engine: &Engine) {
    let once = BatchSize::PerIteration;
    let mut group = criterion.benchmark_group("handshake");
    group.bench_function("instance", |b| {
        b.iter_batched(|| (), |()| guest(engine, Side::Client), once);
    });
    let mut step = |name, before: fn(&Engine) -> Step, run: fn(&mut Step) -> Output| {
        group.bench_function(name, |b| {
            let measured = |mut step: Step| {
                let output = run(&mut step);
                (step, output)
            };
            b.iter_batched(|| before(engine), measured, once);
        });
    };
    step("start", Step::created, |step| step.guest.start());
    step("public-value", Step::before_public_value, |step| step.guest.compute());
    step("mac/server", Step::before_server_mac, Step::receive);
    step("mac/client", Step::before_client_mac, Step::receive);
    step("shared-value", Step::before_shared_value, |step| step.guest.compute());
    group.bench_function("whole", |b| b.iter_batched(|| (), |()| established(engine), once));
    group.finish();
}

/// One established connection, on and on.
fn packets(criterion: &mut Criterion, engine: &Engine) {
    let (mut client, mut server) = established(engine);
    // What this one seals, nobody opens.
    let (mut sealer, _) = established(engine);
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
    fn created(engine: &Engine) -> Self {
        Self { guest: guest(engine, Side::Client), from_peer: Vec::new() }
    }

    fn before_public_value(engine: &Engine) -> Self {
        let mut step = Self::created(engine);
        assert_eq!(step.guest.start().status, Status::Computing);
        step
    }

    fn before_server_mac(engine: &Engine) -> Self {
        Self::proving(engine).1
    }

    fn before_client_mac(engine: &Engine) -> Self {
        let (client, mut server) = Self::proving(engine);
        server.receive();
        Self { guest: client, from_peer: server.guest.compute().to_crypt }
    }

    fn before_shared_value(engine: &Engine) -> Self {
        let mut step = Self::before_client_mac(engine);
        assert_eq!(step.receive().status, Status::Computing);
        step
    }

    /// A client that has sent its key share, and the server that gets it.
    fn proving(engine: &Engine) -> (Guest, Self) {
        let (mut client, mut server) = (guest(engine, Side::Client), guest(engine, Side::Server));
        let (client_nonce, server_nonce) = (client.start().to_crypt, server.start().to_crypt);
        server.handle_crypt(&client_nonce);
        client.compute();
        let from_peer = client.handle_crypt(&server_nonce).to_crypt;
        (client, Self { guest: server, from_peer })
    }

    fn receive(&mut self) -> Output {
        self.guest.handle_crypt(&self.from_peer)
    }
}

fn guest(engine: &Engine, side: Side) -> Guest {
    Guest::new(engine, side, ForwardSecrecy::Offer, &Psk::new([7; 32])).expect("a guest")
}

/// Both ends of a connection, from nothing.
fn established(engine: &Engine) -> (Guest, Guest) {
    let (mut client, mut server) = Step::proving(engine);
    server.receive();
    let share = server.guest.compute().to_crypt;
    client.handle_crypt(&share);
    for end in [&mut client, &mut server.guest] {
        assert_eq!(end.compute().status, Status::Established);
    }
    (client, server.guest)
}
