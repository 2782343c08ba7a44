//! What the same calls cost in each build: the crate for this machine, the
//! component of the `native` world in the production host, and that of the
//! `portable` world in plain wasmtime.
//!
//! `cargo bench --package spiped-component-tests --bench builds`, after `make`.

#![allow(clippy::unwrap_used, reason = "a benchmark reports by panicking")]

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use spiped_component_tests::{Answer, Build, Builds, Call, ESTABLISHED, Ingredients, Resource};
use spiped_core::{ClientConfig, ForwardSecrecy, PLAIN_MAX, ServerConfig};

/// Instances at a time, in any build.
const INSTANCES: u32 = 16;
/// Packets in one call.
const RUNS: [usize; 2] = [1, 64];
/// Keys that an acceptor searches.
const KEYS: [u16; 2] = [1, 1024];

fn main() {
    let builds = Builds::load(INSTANCES);
    let mut criterion = Criterion::default().configure_from_args();
    for (name, build) in builds.all() {
        let pair = || Pair::start(build);
        let mut group = criterion.benchmark_group(name);
        group.sample_size(20);
        for keys in KEYS {
            // As long as the longer form, so both are searched; and nobody's.
            let stranger = Call::Identify(vec![9; 320]);
            let acceptor = || make(build, &acceptor(keys));
            let refused = |acceptor: &mut Resource| {
                assert_eq!(acceptor.call(&stranger).words, "refused wrong-key");
            };
            // Made anew: one acceptor takes all it is called with for one
            // stranger's. What making it costs is not measured.
            group.bench_function(BenchmarkId::new("search-both-forms", keys), |b| {
                b.iter_batched_ref(acceptor, refused, BatchSize::PerIteration);
            });
        }
        group.bench_function("public-value", |b| {
            b.iter_batched(pair, Pair::computed, BatchSize::PerIteration);
        });
        group.bench_function("shared-value", |b| {
            let agreeing = || pair().agreeing();
            b.iter_batched(agreeing, Pair::computed, BatchSize::PerIteration);
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
            let mut pair = pair().established();
            let (client, server) = (&mut pair.client, pair.server.as_mut().unwrap());
            group.bench_function(BenchmarkId::new("open", packets), |b| {
                let sealed = || Call::Crypt(step(client, &say).to_crypt);
                let open = |sealed: &mut Call| step(server, sealed);
                b.iter_batched_ref(sealed, open, BatchSize::PerIteration);
            });
            let sealed = Call::Crypt(step(client, &say).to_crypt);
            assert_eq!(step(server, &sealed).to_plain, plain);
        }
        group.finish();
    }
    criterion.final_summary();
}

const SERVER: ServerConfig = ServerConfig::Any(ForwardSecrecy::Offer);
const SERVER_NONCE: [u8; 32] = [2; 32];

/// The last of these keys is the client's.
fn acceptor(keys: u16) -> Ingredients {
    let other = |number: u16| number.to_be_bytes().repeat(16);
    let psks = (1..keys).map(other).chain([psk()]).collect();
    Ingredients::Acceptor { config: SERVER, psks, our_nonce: SERVER_NONCE.into() }
}

/// None of the others.
fn psk() -> Vec<u8> {
    vec![0xff; 32]
}

fn make(build: &dyn Build, ingredients: &Ingredients) -> Resource {
    build.make(ingredients).unwrap().unwrap_or_else(|answer| panic!("{answer}"))
}

/// Both ends, in one build.
struct Pair<'b> {
    build: &'b dyn Build,
    client: Resource,
    /// Once there is one.
    server: Option<Resource>,
    client_nonce: Vec<u8>,
}

impl<'b> Pair<'b> {
    /// The client is to compute its public value.
    fn start(build: &'b dyn Build) -> Self {
        let config = ClientConfig::Modp2048(ForwardSecrecy::Offer);
        let entropy = [[1; 32], [4; 32]].concat();
        let mut client = make(build, &Ingredients::Connect { config, psk: psk(), entropy });
        let client_nonce = step(&mut client, &Call::Start).to_crypt;
        Self { build, client, server: None, client_nonce }
    }

    /// Both are to compute the shared value.
    fn agreeing(mut self) -> Self {
        step(&mut self.client, &Call::Compute);
        let share = step(&mut self.client, &Call::Crypt(SERVER_NONCE.into())).to_crypt;
        let accept = Ingredients::Accept {
            config: SERVER,
            our_nonce: SERVER_NONCE.into(),
            hello: [&self.client_nonce[..], &share].concat(),
            psk: psk(),
            entropy: vec![5; 32],
        };
        let mut server = make(self.build, &accept);
        step(&mut server, &Call::Start);
        let share = step(&mut server, &Call::Compute).to_crypt;
        step(&mut self.client, &Call::Crypt(share));
        self.server = Some(server);
        self
    }

    fn established(self) -> Self {
        let mut pair = self.agreeing();
        for end in [Some(&mut pair.client), pair.server.as_mut()].into_iter().flatten() {
            assert_eq!(step(end, &Call::Compute).words, ESTABLISHED);
        }
        pair
    }

    /// Returned, so that dropping it is not measured.
    fn computed(mut self) -> Self {
        step(&mut self.client, &Call::Compute);
        self
    }
}

/// An answer that is no failure: a session that had failed would have been fast.
fn step(end: &mut Resource, call: &Call) -> Answer {
    let answer = end.call(call);
    assert!(!answer.is_final(), "{call:?}: {answer}");
    answer
}
