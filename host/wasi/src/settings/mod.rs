//! What was asked for, in arguments or in the environment.

mod address;
mod base64;
mod given;
mod options;
mod quantity;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use zeroize::Zeroizing;

pub use address::{Address, Host};
use given::Given;
use options::Meaning;
pub use quantity::LONGEST;

/// Which of the two programs this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Listens, and forwards every connection.
    Spiped,
    /// Forwards standard input and output.
    Spipe,
}

/// What to run.
#[derive(Debug, PartialEq, Eq)]
pub enum Settings {
    /// `spiped`.
    Spiped(Pipe),
    /// `spipe`.
    Spipe(Connecting),
}

/// From a source to a target.
#[derive(Debug, PartialEq, Eq)]
pub struct Pipe {
    /// Which side is encrypted.
    pub mode: Mode,
    /// What to listen on.
    pub source: Address,
    /// The rest of the way.
    pub connecting: Connecting,
    /// At most so many connections at once.
    pub max_connections: usize,
    /// At most so many strangers at once.
    pub handshakes: usize,
    /// How long the target's addresses are kept.
    pub resolve_period: Duration,
    /// Whether names that cannot be resolved at the start are tried again.
    pub waits_for_dns: bool,
}

/// `-e` or `-d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The source is plain.
    Encrypt,
    /// The target is plain.
    Decrypt,
}

/// What `spiped` and `spipe` have in common.
#[derive(Debug, PartialEq, Eq)]
pub struct Connecting {
    /// What to connect to.
    pub target: Address,
    /// What to bind the connecting socket to.
    pub bind: Option<Address>,
    /// Where the key is.
    pub key: KeySource,
    /// If it is not all the same.
    pub key_exchange: Option<KeyExchange>,
    /// With `modp2048`.
    pub strength: Strength,
    /// Whether TCP asks if the other end is still there.
    pub keep_alive: bool,
    /// For connecting, and for the handshake.
    pub timeout: Duration,
}

/// `--kex`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyExchange {
    /// Upstream's.
    Modp2048,
    /// Ours.
    X25519,
}

/// `-f`, `-g`, or neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// Forward secrecy if the peer does its part.
    Offer,
    /// Or no connection.
    Require,
    /// None.
    Omit,
}

/// Where the key is.
#[derive(PartialEq, Eq)]
pub enum KeySource {
    /// In a file.
    File(String),
    /// On standard input, up to its end.
    Stdin,
    /// In the environment: the content of a key file.
    Given(Zeroizing<Vec<u8>>),
}

/// Redacted.
impl core::fmt::Debug for KeySource {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::File(path) => path,
            Self::Stdin => "-",
            Self::Given(_) => "given",
        })
    }
}

/// Why there is nothing to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A question, and its answer: success.
    Answer(String),
    /// `-v`, which upstream answers on standard error.
    UpstreamVersion(String),
    /// A mistake, and how it is done.
    Usage(String),
    /// A value that cannot be used.
    Value(String),
}

impl Program {
    /// Which one is meant: by a first word `spipe`, by the program's name, by
    /// `SPIPED_PROGRAM`, in this order. Takes a first word away.
    ///
    /// # Errors
    ///
    /// The variable names no program.
    pub fn choose(
        name: &str,
        words: &mut Vec<String>,
        variables: &[(String, String)],
    ) -> Result<Self, Stop> {
        let file = name.rsplit(['/', '\\']).next().unwrap_or_default();
        if words.first().is_some_and(|word| word == "spipe") {
            words.remove(0);
            return Ok(Self::Spipe);
        }
        if ["spipe", "spipe.wasm"].contains(&file) {
            return Ok(Self::Spipe);
        }
        match variables.iter().find(|(name, _)| name == "SPIPED_PROGRAM") {
            Some((_, program)) if program == "spipe" => Ok(Self::Spipe),
            Some((_, program)) if program != "spiped" => {
                Err(Stop::Value(format!("Unknown program: {program} (use spiped or spipe)")))
            }
            _ => Ok(Self::Spiped),
        }
    }
}

impl Settings {
    /// # Errors
    ///
    /// Why there is nothing to run.
    pub fn read(
        program: Program,
        words: &[String],
        variables: &[(String, String)],
    ) -> Result<Self, Stop> {
        let mut given = Given::arguments(program, words)?;
        given.environment(variables)?;
        match program {
            Program::Spipe => connecting(&given).map(Self::Spipe),
            Program::Spiped => pipe(&given).map(Self::Spiped),
        }
    }
}

fn pipe(given: &Given) -> Result<Pipe, Stop> {
    let mode = match given.option(Meaning::Mode) {
        Some((option, _)) if option.name == "encrypt" => Mode::Encrypt,
        Some(_) => Mode::Decrypt,
        None => return Err(given.fault("Missing option: -e or -d")),
    };
    let source = Address::parse(required(given, Meaning::Source, "-s")?).map_err(Stop::Value)?;
    let connecting = connecting(given)?;
    let max_connections = number(given, Meaning::MaxConnections)?.unwrap_or(100);
    let handshakes = number(given, Meaning::Handshakes)?
        .unwrap_or_else(|| (max_connections / 2).clamp(64, 65_536));
    let resolve_period = match given.option(Meaning::ResolvePeriod) {
        Some((option, _)) if option.value.is_none() => LONGEST,
        _ => match time(given, Meaning::ResolvePeriod)?.unwrap_or(Duration::from_mins(1)) {
            Duration::ZERO => Duration::from_mins(1),
            period => period,
        },
    };
    let waits_for_dns = given.value(Meaning::WaitForDns).is_some();
    Ok(Pipe {
        mode,
        source,
        connecting,
        max_connections,
        handshakes,
        resolve_period,
        waits_for_dns,
    })
}

fn connecting(given: &Given) -> Result<Connecting, Stop> {
    let target = Address::parse(required(given, Meaning::Target, "-t")?).map_err(Stop::Value)?;
    let bind =
        given.value(Meaning::Bind).map(Address::parse_bind).transpose().map_err(Stop::Value)?;
    let key = match given.option(Meaning::KeyFile) {
        None => return Err(given.fault("Missing option: -k")),
        Some((option, content)) if option.is_secret => {
            let content = base64::decode(content);
            KeySource::Given(content.ok_or_else(|| {
                Stop::Value(format!("Not base64, or nothing: {}", option.variable()))
            })?)
        }
        Some((_, file)) if file == "-" => KeySource::Stdin,
        Some((_, file)) => KeySource::File(file.clone()),
    };
    let key_exchange = match given.value(Meaning::KeyExchange) {
        None => None,
        Some("modp2048") => Some(KeyExchange::Modp2048),
        Some("x25519") => Some(KeyExchange::X25519),
        Some(other) => {
            let fault = format!("Unknown key exchange: {other} (write modp2048 or x25519)");
            return Err(Stop::Value(fault));
        }
    };
    let strength = match given.option(Meaning::Strength) {
        None => Strength::Offer,
        Some((option, _)) if option.name == "require-forward-secrecy" => Strength::Require,
        Some(_) if key_exchange == Some(KeyExchange::X25519) => {
            return Err(given.fault(
                "Option contradicts another one: -f (the key exchange x25519 has forward secrecy)",
            ));
        }
        Some(_) => Strength::Omit,
    };
    let timeout = match time(given, Meaning::Timeout)?.unwrap_or(TIMEOUT) {
        Duration::ZERO => TIMEOUT,
        timeout => timeout,
    };
    let keep_alive = given.value(Meaning::KeepAlive).is_none();
    Ok(Connecting { target, bind, key, key_exchange, strength, keep_alive, timeout })
}

const TIMEOUT: Duration = Duration::from_secs(5);

fn required<'a>(given: &'a Given, meaning: Meaning, letter: &str) -> Result<&'a str, Stop> {
    given.value(meaning).ok_or_else(|| given.fault(&format!("Missing option: {letter}")))
}

fn number(given: &Given, meaning: Meaning) -> Result<Option<usize>, Stop> {
    parsed(given, meaning, quantity::limit, "a number")
}

fn time(given: &Given, meaning: Meaning) -> Result<Option<Duration>, Stop> {
    parsed(given, meaning, quantity::time, "a time such as 5s, 1m30s or never")
}

fn parsed<T>(
    given: &Given,
    meaning: Meaning,
    parse: impl Fn(&str) -> Option<T>,
    wanted: &str,
) -> Result<Option<T>, Stop> {
    let Some((option, value)) = given.option(meaning) else { return Ok(None) };
    let fault = || format!("Error parsing argument: --{} {value}: not {wanted}", option.name);
    parse(value).map(Some).ok_or_else(|| Stop::Value(fault()))
}

/// Variables that look like ours and are not: mistyped, as likely as not.
/// Kubernetes makes others of every service's name, `SPIPED_PORT` for one that
/// is called spiped.
pub fn unknown_variables(variables: &[(String, String)]) -> impl Iterator<Item = &str> {
    let known = |name: &str| {
        name == "SPIPED_PROGRAM"
            || ["SPIPED_PORT", "SPIPED_SERVICE"].iter().any(|prefix| name.starts_with(prefix))
            || options::OPTIONS.iter().any(|option| option.variable() == name)
    };
    let names = variables.iter().map(|(name, _)| name.as_str());
    names.filter(move |name| name.starts_with("SPIPED_") && !known(name))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests;
