//! What a server's search among its PSKs costs: of a key share in both forms
//! that one can have, in every way that this CPU offers.
//!
//! `cargo bench --package spiped --bench key_search`

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use spiped::packet_crypto::{Backend, KeySearch};

/// PSKs that a server accepts.
const COUNTS: [usize; 4] = [1, 16, 50, 1024];

/// Lengths of the salt and of the public value: modp2048, then X25519.
const FORMS: [(usize, usize); 2] = [(68, 256), (84, 32)];

criterion_group! {
    name = benches;
    // There are many rows, and each measures microseconds.
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = key_search
}
criterion_main!(benches);

/// Of a stranger's tag, which no PSK makes. One that fits takes as long.
fn key_search(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("key-search");
    for backend in Backend::available() {
        for count in COUNTS {
            let keys = KeySearch::with_backend(backend, psks(count).iter());
            group.throughput(Throughput::Elements(count as u64));
            group.bench_function(BenchmarkId::new(backend.to_string(), count), |bencher| {
                bencher.iter(|| {
                    for (salt, value) in FORMS {
                        let (salt, value) = (vec![2; salt], vec![3; value]);
                        assert_eq!(keys.find(&salt, black_box(&value), &[4; 32]), None);
                    }
                });
            });
        }
    }
    group.finish();
}

/// All different, one after the other.
fn psks(count: usize) -> Vec<[u8; 32]> {
    let mut psks = vec![[0; 32]; count];
    for (number, psk) in (0_u64..).zip(&mut psks) {
        psk[..8].copy_from_slice(&number.to_le_bytes());
    }
    psks
}
