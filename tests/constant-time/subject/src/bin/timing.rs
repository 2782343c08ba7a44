//! Whether the time that `compute` takes depends on the exponent: Welch's
//! t-test on the times for a fixed exponent and for random ones, as in dudect
//! (Reparaz, Balasch and Verbauwhede, DATE 2017).
//!
//! `timing [--samples N] [COMPONENT...]`: the production component, and other
//! precompiled ones. Beyond 4.5 in either direction the times differ. See
//! `docs/security.md`, "Constant time".

use std::env::args;
use std::hash::{BuildHasher, RandomState};
use std::hint::black_box;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use spiped_core::KeyExchange;
use spiped_subject::{Component, Psk, Session, World};

/// Measurements of each value, unless others are asked for.
const SAMPLES: usize = 100_000;

/// Shares of the measurements to test, the shortest first: what other programs
/// and the kernel did is in the longest.
const CROPS: [f64; 4] = [1.0, 0.99, 0.9, 0.5];

/// From here on chance is no explanation: dudect's bound.
const T_MAX: f64 = 4.5;

const PSK: Psk = [7; 32];
const OUR_NONCE: [u8; 32] = [2; 32];

fn main() -> ExitCode {
    let mut samples = SAMPLES;
    let mut worlds = vec![("production".to_owned(), Component::production())];
    let mut args = args().skip(1);
    while let Some(arg) = args.next() {
        if arg == "--samples" {
            let number = args.next().and_then(|number| number.parse().ok());
            samples = number.expect("a number of samples");
        } else {
            let component = Component::precompiled(&arg);
            worlds.push((arg, component));
        }
    }
    print("component | value | samples | mean, µs | t of all | of 99 % | of 90 % | of 50 %");
    print("---|---|---|---|---|---|---|---");
    for (name, world) in &worlds {
        for (exchange, public, shared) in [
            (KeyExchange::Modp2048, "modp2048, public", "modp2048, shared"),
            (KeyExchange::X25519, "x25519, public", "x25519, shared"),
        ] {
            let [public_times, shared_times] = measure(world, exchange, samples, |_| {});
            public_times.print(name, public);
            shared_times.print(name, shared);
        }
    }
    // Were this not found, nothing would be.
    let (name, world) = &worlds[0];
    let [leaking, _] = measure(world, KeyExchange::X25519, samples, leak);
    leaking.print(name, "x25519, public, and a leak");
    if CROPS.iter().any(|crop| leaking.t(*crop).abs() > T_MAX) {
        ExitCode::SUCCESS
    } else {
        print("The leak was not found: this measurement says nothing.");
        ExitCode::FAILURE
    }
}

/// Times the public and the shared value of a server, with exponents of both
/// classes in random order.
fn measure(
    world: &impl World,
    exchange: KeyExchange,
    samples: usize,
    leak: fn(&[u8; 32]),
) -> [Times; 2] {
    let hello = hello(world, exchange);
    let mut random = Random(RandomState::new().hash_one(samples));
    let mut times = [Times::default(), Times::default()];
    for _ in 0..samples {
        // What is done for one class is done for the other.
        let exponents = [[0; 32], random.bytes()];
        let class = usize::from(random.next() >> 63 == 1);
        let exponent = &exponents[class];
        let mut server = world.accept(&PSK, &OUR_NONCE, &hello, exponent);
        for times in &mut times {
            let start = Instant::now();
            black_box(server.compute());
            leak(exponent);
            let time = start.elapsed();
            times.0.push((class, time.as_secs_f64() * 1e6));
        }
    }
    for times in &mut times {
        times.0.sort_by(|(_, one), (_, other)| one.total_cmp(other));
    }
    times
}

/// What a client sends, nonce and key share.
fn hello(world: &impl World, exchange: KeyExchange) -> Vec<u8> {
    let mut entropy = [1; 64];
    entropy[32..].fill(4);
    let mut client = world.connect(exchange, &PSK, &entropy);
    let parts = [client.start(), client.compute(), client.handshake(&OUR_NONCE)];
    parts.concat()
}

/// A few cycles for every bit that is set.
fn leak(exponent: &[u8; 32]) {
    let ones: u32 = exponent.iter().map(|byte| byte.count_ones()).sum();
    let product = (0..ones).fold(3_u64, |product, _| black_box(product.wrapping_mul(product)));
    black_box(product);
}

/// Class and microseconds of each measurement, the shortest first.
#[derive(Default)]
struct Times(Vec<(usize, f64)>);

impl Times {
    fn print(&self, world: &str, value: &str) {
        let mean = self.0.iter().map(|(_, time)| time).sum::<f64>() / count(self.0.len());
        let t = CROPS.map(|crop| format!("{:+.1}", self.t(crop))).join(" | ");
        print(&format!("{world} | {value} | {} | {mean:.1} | {t}", self.0.len()));
    }

    /// Welch's t of the shortest measurements, this share of all.
    fn t(&self, share: f64) -> f64 {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share")]
        let kept = &self.0[..(count(self.0.len()) * share) as usize];
        let [(mean, error), (other_mean, other_error)] = [0, 1].map(|class| {
            let times = kept.iter().filter(|(of, _)| *of == class).map(|(_, time)| *time);
            let (number, sum) =
                times.clone().fold((0.0, 0.0), |(number, sum), time| (number + 1.0, sum + time));
            let mean: f64 = sum / number;
            let variance = times.map(|time| (time - mean).powi(2)).sum::<f64>() / (number - 1.0);
            (mean, variance / number)
        });
        (mean - other_mean) / (error + other_error).sqrt()
    }
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
fn count(number: usize) -> f64 {
    number as f64
}

/// Sebastiano Vigna's splitmix64: good for statistics, and for nothing secret.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for part in bytes.as_chunks_mut::<8>().0 {
            *part = self.next().to_le_bytes();
        }
        bytes
    }
}

/// A reader that has gone away misses the rest.
fn print(line: &str) {
    writeln!(io::stdout(), "{line}").ok();
}
