//! Redis through a tunnel. redis-benchmark has one thread and needs a CPU of
//! its own, as the server does.

use anyhow::{Context, Result, bail};
use spiped_tests::{Endpoint, Redis};

use super::{Column, Measured, Subject, less, more};

pub(super) const COLUMNS: &[Column] = &[more("per_s", "requests/s"), less("p99_ms", "p99 ms")];

/// Stores what the benchmark will ask for.
pub(crate) fn prepare(endpoint: &Endpoint) -> Result<()> {
    let exit = Redis::cli(endpoint, &["SET", KEY, &"x".repeat(VALUE_LEN)]);
    if exit.code() != Some(0) {
        bail!("storing a value in Redis: {}", exit.stderr);
    }
    Ok(())
}

pub(super) fn get(subject: &Subject, requests: u32, at_once: u32) -> Result<Measured> {
    let (requests, at_once) = (requests.to_string(), at_once.to_string());
    let args = ["-c", "50", "-n", &requests, "-P", &at_once, "-t", "get", "--csv"];
    let exit = Redis::benchmark(subject.tunnel.entrance(), &args);
    let text = String::from_utf8_lossy(&exit.stdout);
    if exit.code() != Some(0) {
        bail!("redis-benchmark: {text}{}", exit.stderr);
    }
    let values = ["rps", "p99_latency_ms"].map(|name| field(&text, name));
    let [per_s, p99] = values.map(|value| value.with_context(|| format!("unexpected: {text}")));
    Ok(vec![Some(per_s?), Some(p99?)].into())
}

/// A number of the last line, by the names in the first.
fn field(csv: &str, name: &str) -> Option<f64> {
    let mut lines = csv.lines().map(|line| line.split(',').map(|word| word.trim_matches('"')));
    let index = lines.next()?.position(|word| word == name)?;
    lines.next_back()?.nth(index)?.parse().ok()
}

/// The name that redis-benchmark reads.
const KEY: &str = "key:__rand_int__";

const VALUE_LEN: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_name() {
        let csv = "\"test\",\"rps\",\"p99_latency_ms\"\n\"GET\",\"58997.05\",\"0.959\"\n";
        assert_eq!(field(csv, "rps"), Some(58997.05));
        assert_eq!(field(csv, "p99_latency_ms"), Some(0.959));
        assert_eq!(field(csv, "max"), None);
        assert_eq!(field("", "rps"), None);
    }
}
