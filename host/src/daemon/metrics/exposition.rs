//! The numbers in the format of `OpenMetrics`. [`METRICS`] is the list of them; docs/metrics.md
//! shows it.

use std::collections::BTreeMap;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use crate::control::overview::{Key, Overview, Pipe, Target};
use crate::observe::histogram::{BOUNDS, Distribution};

/// What [`render`] makes.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All numbers, in the form that Prometheus reads.
///
/// # Errors
/// None is known.
pub(super) fn render(overview: Overview) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Exposition(overview)));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

/// What there is to see, by its name.
struct Metric {
    name: &'static str,
    unit: Option<Unit>,
    help: &'static str,
    values: Values,
}

/// Where the values of a metric come from, and with which labels.
enum Values {
    /// Of the process, with a constant value and labels that say it.
    Info(fn(&Overview) -> [(&'static str, &str); 1]),
    /// Of the process.
    Process(Kind, fn(&Overview) -> Option<Number>),
    /// By pipe.
    Pipe(Kind, fn(&Pipe) -> u64),
    /// By pipe, if it is configured.
    PipeFlag(fn(&Pipe) -> bool),
    /// By pipe and word, each under this label.
    PipeWords(&'static str, fn(&Pipe) -> &BTreeMap<String, u64>),
    /// By pipe, as times.
    PipeTimes(fn(&Pipe) -> &Distribution),
    /// By pipe and target, where it is known.
    Target(fn(&Target) -> Option<bool>),
    /// By pipe and key.
    Key(Kind, fn(&Key) -> u64),
    /// By pipe, key and word, each under this label.
    KeyWords(&'static str, fn(&Key) -> &BTreeMap<String, u64>),
}

#[derive(Clone, Copy)]
enum Kind {
    /// Grows only.
    Counter,
    /// Shrinks as well.
    Gauge,
}

enum Number {
    Whole(u64),
    Seconds(f64),
}

/// All metrics.
const METRICS: &[Metric] = &[
    metric(
        "connections_open",
        None,
        "Connections that are open",
        Values::Pipe(Kind::Gauge, |pipe| pipe.numbers.open),
    ),
    metric(
        "connections_max",
        None,
        "How many connections there may be at once (max-connections, -n)",
        Values::Pipe(Kind::Gauge, |pipe| pipe.connections_max),
    ),
    metric(
        "connections_accepted",
        None,
        "Connections that were accepted",
        Values::Pipe(Kind::Counter, |pipe| pipe.numbers.accepted),
    ),
    metric(
        "connections_refused",
        None,
        "Connections that were refused; not-allowed are not among the accepted",
        Values::PipeWords("reason", |pipe| &pipe.numbers.refused),
    ),
    metric(
        "connections_ended",
        None,
        "Connections that were not refused and have ended",
        Values::PipeWords("how", |pipe| &pipe.numbers.ended),
    ),
    metric(
        "sent",
        Some(Unit::Bytes),
        "Plaintext bytes from the plain side to the peer",
        Values::Pipe(Kind::Counter, |pipe| pipe.numbers.sent),
    ),
    metric(
        "received",
        Some(Unit::Bytes),
        "Plaintext bytes from the peer to the plain side",
        Values::Pipe(Kind::Counter, |pipe| pipe.numbers.received),
    ),
    metric(
        "handshake",
        Some(Unit::Seconds),
        "Time from the start of a connection to its session",
        Values::PipeTimes(|pipe| &pipe.handshake_seconds),
    ),
    metric(
        "dial",
        Some(Unit::Seconds),
        "Time from the first attempt to a connection to the target",
        Values::PipeTimes(|pipe| &pipe.dial_seconds),
    ),
    metric(
        "strangers",
        None,
        "Peers that have not authenticated and are listened to",
        Values::Pipe(Kind::Gauge, |pipe| pipe.strangers),
    ),
    metric(
        "strangers_waiting",
        None,
        "Peers that wait to be listened to",
        Values::Pipe(Kind::Gauge, |pipe| pipe.strangers_waiting),
    ),
    metric(
        "evictions",
        None,
        "Strangers that were silent and had to make room; among the refused as evicted",
        Values::Pipe(Kind::Counter, |pipe| {
            pipe.numbers.refused.get("evicted").copied().unwrap_or(0)
        }),
    ),
    metric(
        "sandbox_traps",
        None,
        "Connections on which the sandbox failed",
        Values::Pipe(Kind::Counter, |pipe| pipe.sandbox_traps),
    ),
    metric(
        "pipe_listening",
        None,
        "Whether the pipe accepts connections",
        Values::PipeFlag(|pipe| pipe.state == "listening"),
    ),
    metric(
        "target_reachable",
        None,
        "Whether the last attempt to connect to the target succeeded, if there was one",
        Values::Target(|target| target.reachable),
    ),
    metric(
        "key_connections_open",
        None,
        "Connections of the key that are open",
        Values::Key(Kind::Gauge, |key| key.numbers.open),
    ),
    metric(
        "key_connections_accepted",
        None,
        "Connections of the key",
        Values::Key(Kind::Counter, |key| key.numbers.accepted),
    ),
    metric(
        "key_connections_refused",
        None,
        "Connections of the key that were refused",
        Values::KeyWords("reason", |key| &key.numbers.refused),
    ),
    metric(
        "key_sent",
        Some(Unit::Bytes),
        "Plaintext bytes to peers with the key",
        Values::Key(Kind::Counter, |key| key.numbers.sent),
    ),
    metric(
        "key_received",
        Some(Unit::Bytes),
        "Plaintext bytes from peers with the key",
        Values::Key(Kind::Counter, |key| key.numbers.received),
    ),
    metric(
        "log_lines_lost",
        None,
        "Lines of the log that nobody took",
        Values::Process(Kind::Counter, |all| Some(Number::Whole(all.log_lines_lost))),
    ),
    metric(
        "log_lines_suppressed",
        None,
        "Lines of the log that were left out, because there were too many like them",
        Values::Process(Kind::Counter, |all| Some(Number::Whole(all.log_lines_suppressed))),
    ),
    metric(
        "descriptors_open",
        None,
        "Descriptors that are open",
        Values::Process(Kind::Gauge, |all| all.resources.descriptors.map(Number::Whole)),
    ),
    metric(
        "descriptors_max",
        None,
        "How many descriptors may be open",
        Values::Process(Kind::Gauge, |all| all.resources.descriptors_max.map(Number::Whole)),
    ),
    metric(
        "memory",
        Some(Unit::Bytes),
        "Resident memory of the process, its helper left out",
        Values::Process(Kind::Gauge, |all| all.resources.memory.map(Number::Whole)),
    ),
    metric(
        "start_timestamp",
        Some(Unit::Seconds),
        "When the process began, since 1970",
        Values::Process(Kind::Gauge, |all| Some(Number::Seconds(all.started))),
    ),
    metric(
        "last_reload_success_timestamp",
        Some(Unit::Seconds),
        "When settings or keys were read last with success, since 1970",
        Values::Process(Kind::Gauge, |all| Some(Number::Seconds(all.last_successful_reload))),
    ),
    metric(
        "last_reload_successful",
        None,
        "Whether the last reload succeeded; 1 if there was none",
        Values::Process(Kind::Gauge, |all| {
            let succeeded = all.last_reload.as_ref().is_none_or(|reload| reload.succeeded);
            Some(Number::Whole(succeeded.into()))
        }),
    ),
    metric(
        "upgrades",
        None,
        "How often a new process took over, connections included",
        Values::Process(Kind::Counter, |all| Some(Number::Whole(all.upgrades))),
    ),
    metric(
        "upgrades_failed",
        None,
        "How often a new process could not take over, and the old one went on",
        Values::Process(Kind::Counter, |all| Some(Number::Whole(all.upgrades_failed))),
    ),
    metric(
        "last_upgrade_successful",
        None,
        "Whether the last upgrade succeeded; 1 if there was none",
        Values::Process(Kind::Gauge, |all| {
            let succeeded = all.last_upgrade.as_ref().is_none_or(|upgrade| upgrade.succeeded);
            Some(Number::Whole(succeeded.into()))
        }),
    ),
    metric(
        "build",
        None,
        "Which program this is",
        Values::Info(|all| [("version", &all.program_version)]),
    ),
];

const fn metric(
    name: &'static str,
    unit: Option<Unit>,
    help: &'static str,
    values: Values,
) -> Metric {
    Metric { name, unit, help, values }
}

#[derive(Debug)]
struct Exposition(Overview);

impl Collector for Exposition {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for metric in METRICS {
            let name = format!("{PREFIX}{}", metric.name);
            let unit = metric.unit.as_ref();
            let kind = metric.values.kind();
            let encoder = encoder.encode_descriptor(&name, metric.help, unit, kind)?;
            metric.values.encode(&self.0, encoder)?;
        }
        Ok(())
    }
}

impl Values {
    fn kind(&self) -> MetricType {
        match self {
            Self::Info(_) => MetricType::Info,
            Self::Process(kind, _) | Self::Pipe(kind, _) | Self::Key(kind, _) => (*kind).into(),
            Self::PipeWords(..) | Self::KeyWords(..) => MetricType::Counter,
            Self::PipeTimes(_) => MetricType::Histogram,
            Self::PipeFlag(_) | Self::Target(_) => MetricType::Gauge,
        }
    }

    fn encode(&self, all: &Overview, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let pipes = &all.pipes;
        match self {
            Self::Info(labels) => encoder.encode_info(&labels(all))?,
            Self::Process(kind, value) => {
                if let Some(value) = value(all) {
                    value.encode(*kind, &mut encoder)?;
                }
            }
            Self::Pipe(kind, value) => {
                for pipe in pipes {
                    let labels = [(PIPE, &pipe.name)];
                    let mut encoder = encoder.encode_family(&labels)?;
                    Number::Whole(value(pipe)).encode(*kind, &mut encoder)?;
                }
            }
            Self::PipeFlag(flag) => {
                for pipe in pipes.iter().filter(|pipe| pipe.state != "draining") {
                    let labels = [(PIPE, &pipe.name)];
                    encoder.encode_family(&labels)?.encode_gauge(&u64::from(flag(pipe)))?;
                }
            }
            Self::PipeWords(label, words) => {
                for pipe in pipes {
                    for (word, count) in words(pipe) {
                        let labels = [(PIPE, &pipe.name), (*label, word)];
                        let mut encoder = encoder.encode_family(&labels)?;
                        Number::Whole(*count).encode(Kind::Counter, &mut encoder)?;
                    }
                }
            }
            Self::PipeTimes(times) => {
                for pipe in pipes {
                    let labels = [(PIPE, &pipe.name)];
                    encode_times(times(pipe), &mut encoder.encode_family(&labels)?)?;
                }
            }
            Self::Target(is_reachable) => {
                for pipe in pipes {
                    for (number, target) in pipe.targets.iter().enumerate() {
                        let is_first =
                            pipe.targets[..number].iter().all(|it| it.address != target.address);
                        if let Some(reachable) = is_reachable(target).filter(|_| is_first) {
                            let labels = [(PIPE, &pipe.name), ("target", &target.address)];
                            encoder.encode_family(&labels)?.encode_gauge(&u64::from(reachable))?;
                        }
                    }
                }
            }
            Self::Key(kind, value) => {
                for (pipe, key) in keys(pipes) {
                    let labels = [(PIPE, &pipe.name), (KEY, &key.name)];
                    let mut encoder = encoder.encode_family(&labels)?;
                    Number::Whole(value(key)).encode(*kind, &mut encoder)?;
                }
            }
            Self::KeyWords(label, words) => {
                for (pipe, key) in keys(pipes) {
                    for (word, count) in words(key) {
                        let labels = [(PIPE, &pipe.name), (KEY, &key.name), (*label, word)];
                        let mut encoder = encoder.encode_family(&labels)?;
                        Number::Whole(*count).encode(Kind::Counter, &mut encoder)?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn keys(pipes: &[Pipe]) -> impl Iterator<Item = (&Pipe, &Key)> {
    pipes.iter().flat_map(|pipe| pipe.keys.iter().map(move |key| (pipe, key)))
}

fn encode_times(times: &Distribution, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
    let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
    let buckets: Vec<_> = bounds.zip(times.buckets).collect();
    encoder.encode_histogram::<NoLabelSet>(times.sum, times.count(), &buckets, None)
}

impl Number {
    fn encode(&self, kind: Kind, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        match (self, kind) {
            (Self::Whole(number), Kind::Counter) => {
                encoder.encode_counter::<NoLabelSet, _, u64>(number, None)
            }
            (Self::Whole(number), Kind::Gauge) => encoder.encode_gauge(number),
            (Self::Seconds(number), Kind::Counter) => {
                encoder.encode_counter::<NoLabelSet, _, u64>(number, None)
            }
            (Self::Seconds(number), Kind::Gauge) => encoder.encode_gauge(number),
        }
    }
}

impl From<Kind> for MetricType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Counter => Self::Counter,
            Kind::Gauge => Self::Gauge,
        }
    }
}

const PREFIX: &str = "spiped_";
const PIPE: &str = "pipe";
const KEY: &str = "key";
