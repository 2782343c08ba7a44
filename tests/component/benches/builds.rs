//! What the same calls cost in each build: the crate for this machine, the
//! component of the `native` world in the production host, and that of the
//! `portable` world in plain wasmtime.
//!
//! `cargo bench --package spiped-component-tests --bench builds`, after `make`.

#![allow(clippy::unwrap_used, reason = "a benchmark reports by panicking")]

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use spiped_component_tests::{Answer, Build, Builds, Call, Ingredients};
use spiped_core::{Config, ForwardSecrecy, KeyExchange, PLAIN_MAX, Side, Status};

/// Sessions at a time, in any build.
const SESSIONS: u32 = 16;
/// Packets in one call.
const RUNS: [usize; 2] = [1, 64];

fn main() {
    let builds = Builds::load(SESSIONS);
    let mut criterion = Criterion::default().configure_from_args();
    for (index, (name, _)) in builds.make(&ingredients(Side::Client)).iter().enumerate() {
        let pair = || Pair::start(&builds, index);
        let mut group = criterion.benchmark_group(*name);
        group.sample_size(20);
        group.bench_function("public-value", |b| {
            b.iter_batched(pair, |pair| pair.computed(Side::Client), BatchSize::PerIteration);
        });
        group.bench_function("shared-value", |b| {
            let proven = || pair().proven();
            b.iter_batched(proven, |pair| pair.computed(Side::Server), BatchSize::PerIteration);
        });
        for packets in RUNS {
            let plain = vec![b'x'; packets * PLAIN_MAX];
            group.throughput(Throughput::Bytes(plain.len() as u64));
            let say = Call::Plain(plain.clone());
            // What this one seals, nobody opens.
            let mut sealer = pair().established().client;
            group.bench_function(BenchmarkId::new("seal", packets), |b| {
                b.iter(|| step(&mut sealer, &say));
            });
            let Pair { mut client, mut server, .. } = pair().established();
            group.bench_function(BenchmarkId::new("open", packets), |b| {
                let sealed = || Call::Crypt(step(&mut client, &say).to_crypt);
                let open = |sealed: &mut Call| step(&mut server, sealed);
                b.iter_batched_ref(sealed, open, BatchSize::PerIteration);
            });
            let sealed = Call::Crypt(step(&mut client, &say).to_crypt);
            assert_eq!(step(&mut server, &sealed).to_plain, plain);
        }
        group.finish();
    }
    criterion.final_summary();
}

fn ingredients(side: Side) -> Ingredients {
    let config = Config {
        side,
        key_exchange: Some(KeyExchange::Modp2048),
        forward_secrecy: ForwardSecrecy::Offer,
    };
    let entropy = vec![if side == Side::Client { 1 } else { 2 }; 64];
    Ingredients::New { config, secrets: vec![vec![3; 32]], entropy }
}

/// Both ends, in one build.
struct Pair {
    client: Box<dyn Build>,
    server: Box<dyn Build>,
    server_nonce: Vec<u8>,
}

impl Pair {
    /// Both are to compute their public values.
    fn start(builds: &Builds, index: usize) -> Self {
        let make = |side| builds.make(&ingredients(side)).swap_remove(index).1;
        let (mut client, mut server) = (make(Side::Client), make(Side::Server));
        let client_nonce = step(&mut client, &Call::Start).to_crypt;
        let server_nonce = step(&mut server, &Call::Start).to_crypt;
        step(&mut server, &Call::Crypt(client_nonce));
        Self { client, server, server_nonce }
    }

    /// Both are to compute the shared value.
    fn proven(self) -> Self {
        let Self { mut client, mut server, server_nonce } = self;
        step(&mut client, &Call::Compute);
        let share = step(&mut client, &Call::Crypt(server_nonce.clone())).to_crypt;
        step(&mut server, &Call::Crypt(share));
        let share = step(&mut server, &Call::Compute).to_crypt;
        step(&mut client, &Call::Crypt(share));
        Self { client, server, server_nonce }
    }

    fn established(self) -> Self {
        let mut pair = self.proven();
        for end in [&mut pair.client, &mut pair.server] {
            assert_eq!(step(end, &Call::Compute).status, Status::Established);
        }
        pair
    }

    /// Returned, so that dropping it is not measured.
    fn computed(mut self, side: Side) -> Self {
        let end = match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        };
        step(end, &Call::Compute);
        self
    }
}

struct Step {
    to_crypt: Vec<u8>,
    to_plain: Vec<u8>,
    status: Status,
}

/// An answer that is no failure: a session that had failed would have been fast.
fn step(end: &mut Box<dyn Build>, call: &Call) -> Step {
    match end.call(call) {
        Answer::Output { to_crypt, to_plain, status } => {
            Step { to_crypt, to_plain, status: status.unwrap() }
        }
        answer @ (Answer::PeerSecret(_) | Answer::KeyExchange(_) | Answer::State(_)) => {
            panic!("{call:?}: {answer:?}")
        }
    }
}
