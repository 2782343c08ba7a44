//! What packets cost: sealing and opening runs of them, in every way that this
//! CPU offers.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use spiped::packet_crypto::{Backend, Direction, PACKET_LEN};

/// Packets in a run: a lone one, and up to as many as one call takes.
const RUNS: [usize; 4] = [1, 4, 16, 64];

/// Whatever it is: the time does not depend on it.
const FIRST: u64 = 5;

criterion_group! {
    name = benches;
    // There are many rows, and each measures microseconds.
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = packet_crypto
}
criterion_main!(benches);

fn packet_crypto(criterion: &mut Criterion) {
    for backend in Backend::available() {
        let direction = direction(backend);
        seal(criterion, &backend.to_string(), &direction);
        open(criterion, &backend.to_string(), &direction);
    }
}

fn seal(criterion: &mut Criterion, backend: &str, direction: &Direction) {
    let mut group = criterion.benchmark_group("seal");
    for packets in RUNS {
        let mut run = vec![0; packets * PACKET_LEN];
        group.throughput(Throughput::Bytes(run.len() as u64));
        group.bench_function(BenchmarkId::new(backend, packets), |bencher| {
            bencher.iter(|| direction.seal(FIRST, black_box(&mut run)));
        });
    }
    group.finish();
}

fn open(criterion: &mut Criterion, backend: &str, direction: &Direction) {
    let mut group = criterion.benchmark_group("open");
    for packets in RUNS {
        let mut sealed = vec![0; packets * PACKET_LEN];
        direction.seal(FIRST, &mut sealed);
        group.throughput(Throughput::Bytes(sealed.len() as u64));
        group.bench_function(BenchmarkId::new(backend, packets), |bencher| {
            // Opening overwrites the run: each needs one of its own.
            bencher.iter_batched_ref(
                || sealed.clone(),
                |run| assert_eq!(direction.open(FIRST, black_box(run)), sealed.len()),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn direction(backend: Backend) -> Direction {
    Direction::with_backend(backend, &[1; 32], &[2; 32]).expect("two keys of 32 bytes")
}
