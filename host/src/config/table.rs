//! The options themselves, in the order in which they are explained.

use super::options::{Key, Kind, Only, Opt, Question, Scope};
use super::settings::Mode;
use crate::guest::ForwardSecrecy;

/// All of them.
pub(crate) static OPTIONS: &[Opt] = &[
    Opt {
        file: None,
        required: true,
        scope: Scope::Ends,
        help: "accept plain connections on the source, make encrypted ones to the target",
        ..short('e', "encrypt", Key::Mode, Kind::IsMode(Mode::Encrypt))
    },
    Opt {
        file: None,
        or: true,
        required: true,
        scope: Scope::Ends,
        help: "accept encrypted connections on the source, make plain ones to the target",
        ..short('d', "decrypt", Key::Mode, Kind::IsMode(Mode::Decrypt))
    },
    Opt {
        required: true,
        scope: Scope::Ends,
        help: "encrypt: accept plain connections and make encrypted ones; decrypt: accept \
               encrypted connections and make plain ones",
        ..only_in_file("mode", Key::Mode, Kind::Mode)
    },
    Opt {
        required: true,
        scope: Scope::Ends,
        value: "source",
        help: "address to listen on",
        ..short('s', "source", Key::Source, Kind::Addresses)
    },
    Opt {
        required: true,
        scope: Scope::Ends,
        spipe: true,
        value: "target",
        help: "address to connect to; others are tried if it cannot be reached",
        ..short('t', "target", Key::Target, Kind::Addresses)
    },
    Opt {
        required: true,
        scope: Scope::Pipe,
        spipe: true,
        help: "file with the key, the same on both hosts; - reads standard input; <name>=<file> \
               gives the key a name. spiped -d also takes several <name>=<file>, or a \
               directory, in which each file is a key, named like the file",
        in_file: Some((
            "file with the key, the same on both hosts; to decrypt, also a directory, in which \
             each file is a key, or a table of several keys with their names",
            "",
        )),
        ..short('k', "key", Key::Keys, Kind::Keys)
    },
    // Connections.
    Opt {
        default: "in-order",
        help: "which of several targets to use; in-order: the first that can be reached, spread: \
               each in turn",
        ..long("balance", Key::Balance, Kind::Balance)
    },
    Opt {
        spipe: true,
        help: "local address to connect from; the port may be left out",
        ..short('b', "bind", Key::Bind, Kind::Address)
    },
    Opt {
        spipe: true,
        help: "omit forward secrecy; faster, but anyone who gets the key later can read recorded \
               connections",
        ..short('f', "omit-forward-secrecy", Key::Strength, OMIT)
    },
    Opt {
        or: true,
        spipe: true,
        help: "require forward secrecy; refuse a peer that omits it",
        ..short('g', "require-forward-secrecy", Key::Strength, REQUIRE)
    },
    Opt {
        spipe: true,
        help: "key exchange; modp2048 is what every spiped supports, x25519 is faster and detects \
               truncated streams",
        default: "modp2048 to encrypt; to decrypt, both are accepted",
        ..long("kex", Key::KeyExchange, Kind::KeyExchange)
    },
    Opt {
        spipe: true,
        help: "do not use TCP keep-alive",
        in_file: Some(("use TCP keep-alive", "true")),
        file: Some("keep-alive"),
        ..short('j', "no-keep-alive", Key::KeepAlive, Kind::NoFlag)
    },
    Opt {
        spipe: true,
        help: "send the first keep-alive probe after this long without a byte",
        default: "1m",
        ..long("keep-alive-idle", Key::KeepAliveIdle, Kind::Time)
    },
    Opt {
        spipe: true,
        help: "time between keep-alive probes",
        default: "10s",
        ..long("keep-alive-interval", Key::KeepAliveInterval, Kind::Time)
    },
    Opt {
        spipe: true,
        help: "reset a connection after this many unanswered keep-alive probes",
        default: "6",
        ..long("keep-alive-count", Key::KeepAliveCount, Kind::Count)
    },
    Opt {
        spipe: true,
        help: "reset a connection if sent bytes are not acknowledged for this long; this includes \
               a peer whose program does not read (TCP_USER_TIMEOUT)",
        default: "never",
        ..long("user-timeout", Key::UserTimeout, Kind::Time)
    },
    Opt {
        value: "connections",
        help: "limit on simultaneous connections; 0 for none",
        default: "100",
        ..short('n', "max-connections", Key::MaxConnections, Kind::Count)
    },
    Opt {
        spipe: true,
        help: "time limit for connecting, and again for the handshake; inf or never for none",
        default: "5s",
        ..short('o', "timeout", Key::Timeout, Kind::Time)
    },
    Opt {
        spipe: true,
        help: "reset an established connection on which no byte moves for this long",
        default: "never",
        ..long("idle-timeout", Key::IdleTimeout, Kind::Time)
    },
    Opt {
        spipe: true,
        help: "the same, for a connection of which one direction has ended",
        default: "never",
        ..long("half-closed-timeout", Key::HalfClosedTimeout, Kind::Time)
    },
    Opt {
        help: "resolve the target again after this long; --resolve-period also takes never",
        in_file: Some((
            "resolve the target again after this long; 0 or \"never\" for not at all",
            "1m",
        )),
        default: "1m",
        ..short('r', "resolve-period", Key::ResolvePeriod, Kind::Time)
    },
    Opt {
        or: true,
        help: "resolve the target only once",
        ..only_typed('R', Key::ResolveOnce, Kind::Flag)
    },
    Opt {
        help: "start even if a name cannot be resolved yet, and keep trying",
        ..short('D', "wait-for-dns", Key::WaitForDns, Kind::Flag)
    },
    Opt {
        only: Only::Decrypt,
        help: "limit on simultaneous connections of each key; 0 for none",
        default: "0",
        ..long("connections-per-key", Key::ConnectionsPerKey, Kind::Count)
    },
    Opt {
        only: Only::Decrypt,
        help: "limit on simultaneous strangers, connections whose peer has not authenticated yet",
        default: "half of max-connections, at least 64",
        ..long("handshakes", Key::Handshakes, Kind::Count)
    },
    Opt {
        only: Only::Decrypt,
        help: "limit on simultaneous strangers from one IPv4 address or IPv6 /64 network",
        default: "half of handshakes",
        ..long("handshakes-per-source", Key::HandshakesPerSource, Kind::Count)
    },
    Opt {
        help: "accept connections only from this address or network, such as 192.0.2.0/24",
        default: "any",
        ..long("allow", Key::Allow, Kind::Networks)
    },
    Opt {
        help: "expect the PROXY protocol from this address or network, that of a load balancer",
        default: "none",
        ..long("proxy-from", Key::ProxyFrom, Kind::Networks)
    },
    Opt {
        only: Only::Decrypt,
        help: "tell the target the address of each peer with the PROXY protocol; version v1 or v2",
        default: "no PROXY protocol",
        ..long("proxy-to", Key::ProxyTo, Kind::ProxyVersion)
    },
    Opt {
        spipe: true,
        scope: Scope::Spipe,
        file: None,
        help: "show progress on standard error, if it is a terminal",
        ..long("progress", Key::Progress, Kind::Flag)
    },
    Opt {
        help: "when a reload removes a key, reset its connections",
        ..long("close-revoked", Key::CloseRevoked, Kind::Flag)
    },
    Opt {
        spipe: true,
        help: "refuse a key that causes a warning; others can read or change it, or it is empty \
               or easy to guess",
        ..long("strict-keys", Key::StrictKeys, Kind::Flag)
    },
    Opt {
        only: Only::UnixSource,
        help: "mode of a Unix source, such as 0660",
        default: "by the umask",
        ..long("socket-mode", Key::SocketMode, Kind::FileMode)
    },
    Opt {
        only: Only::UnixSource,
        help: "owner of a Unix source",
        default: "the user of the process",
        ..long("socket-owner", Key::SocketOwner, Kind::Identity)
    },
    // Replication.
    Opt {
        help: "the service of this host, which the other host uses",
        ..both_ways("local", Key::Local, Kind::Addresses)
    },
    Opt {
        help: "where this host accepts encrypted connections of the other host",
        ..both_ways("listen", Key::Listen, Kind::Addresses)
    },
    Opt {
        help: "where the other host accepts encrypted connections: its listen",
        ..both_ways("peer", Key::Peer, Kind::Addresses)
    },
    Opt {
        help: "where the service of the other host appears on this host",
        ..both_ways("mirror", Key::Mirror, Kind::Addresses)
    },
    // The process.
    Opt {
        file: None,
        help: "read all other settings from this file and from pipes.d/*.toml next to it; see \
               spiped.toml(5)",
        ..process("config", Key::Config, Kind::Path)
    },
    Opt {
        short: Some('F'),
        file: None,
        help: "stay in the foreground, without a pid file",
        ..process("foreground", Key::Foreground, Kind::Flag)
    },
    Opt {
        short: Some('p'),
        help: "write the process ID to this file",
        default: "<source>.pid; with --config, /run/spiped.pid",
        in_file: Some((
            "write the process ID to this file, if the process goes into the background",
            "/run/spiped.pid",
        )),
        ..process("pid-file", Key::PidFile, Kind::Path)
    },
    Opt {
        short: Some('u'),
        help: "change to this user, :group or user:group after start; names or numbers",
        ..process("user", Key::User, Kind::Identity)
    },
    Opt {
        help: "listen on this Unix socket for spiped status, list, drop, reload, upgrade and \
               log-level",
        default: "none",
        ..process("control", Key::Control, Kind::Path)
    },
    Opt {
        help: "serve metrics and a status page over HTTP on this loopback address or Unix socket",
        default: "none",
        ..process("metrics", Key::Metrics, Kind::Address)
    },
    Opt {
        help: "after SIGTERM, reset the connections that have not ended after this long",
        default: "never",
        ..process("drain", Key::Drain, Kind::Time)
    },
    Opt {
        help: "program that spiped upgrade starts",
        default: "the file that this process was started from",
        ..process("program", Key::Program, Kind::Path)
    },
    Opt {
        help: "limit on the memory for connections, such as 64MiB",
        default: "none but those of the system",
        ..process("memory", Key::Memory, Kind::Size)
    },
    Opt {
        help: "number of event loops, and of computing threads",
        default: "one of each for each processor",
        ..process("threads", Key::Threads, Kind::Count)
    },
    Opt {
        spipe: true,
        help: "refuse to run unless the whole sandbox is active, which needs Linux 6.12",
        in_file: Some((
            "refuse to run unless the whole sandbox is active, which needs Linux 6.12; refuse a \
             plain source that other hosts can reach",
            "",
        )),
        ..process("strict", Key::Strict, Kind::Flag)
    },
    Opt {
        help: "log to syslog once in the background",
        ..process("syslog", Key::Syslog, Kind::Flag)
    },
    Opt {
        scope: Scope::Log,
        spipe: true,
        help: "log messages of this level and more severe ones; error, warn, info or debug",
        default: "warn",
        ..process("log-level", Key::LogLevel, Kind::LogLevel)
    },
    Opt {
        scope: Scope::Log,
        spipe: true,
        help: "format of the log; text, or json for one object on each line",
        default: "text",
        ..process("log-format", Key::LogFormat, Kind::LogFormat)
    },
    Opt {
        scope: Scope::Process,
        spipe: true,
        help: "print the version of Tarsnap's program that this one is compatible with, on \
               standard error",
        ..only_typed('v', Key::Question, Kind::Question(Question::Version))
    },
    Opt {
        file: None,
        spipe: true,
        help: "print the version",
        ..process("version", Key::Question, Kind::Question(Question::LongVersion))
    },
    Opt {
        file: None,
        spipe: true,
        help: "print this text",
        ..process("help", Key::Question, Kind::Question(Question::Help))
    },
];

const OMIT: Kind = Kind::IsStrength(ForwardSecrecy::Omit);
const REQUIRE: Kind = Kind::IsStrength(ForwardSecrecy::Require);

/// Of a pipe, called the same everywhere.
const fn long(name: &'static str, key: Key, kind: Kind) -> Opt {
    Opt {
        key,
        short: None,
        long: Some(name),
        file: Some(name),
        kind,
        value: "",
        or: false,
        required: false,
        scope: Scope::Pipe,
        spipe: false,
        only: Only::Any,
        default: "",
        help: "",
        in_file: None,
    }
}

const fn short(letter: char, name: &'static str, key: Key, kind: Kind) -> Opt {
    Opt { short: Some(letter), ..long(name, key, kind) }
}

const fn only_typed(letter: char, key: Key, kind: Kind) -> Opt {
    Opt { short: Some(letter), long: None, file: None, ..long("", key, kind) }
}

const fn only_in_file(name: &'static str, key: Key, kind: Kind) -> Opt {
    Opt { long: None, ..long(name, key, kind) }
}

const fn both_ways(name: &'static str, key: Key, kind: Kind) -> Opt {
    Opt { scope: Scope::BothWays, required: true, ..only_in_file(name, key, kind) }
}

const fn process(name: &'static str, key: Key, kind: Kind) -> Opt {
    Opt { scope: Scope::Process, ..long(name, key, kind) }
}
