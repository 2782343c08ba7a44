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
        help: "encrypt: connections to the source are plain, those to the target are encrypted",
        ..short('e', "encrypt", Key::Mode, Kind::IsMode(Mode::Encrypt))
    },
    Opt {
        file: None,
        or: true,
        required: true,
        scope: Scope::Ends,
        help: "decrypt: connections to the source are encrypted, those to the target are plain",
        ..short('d', "decrypt", Key::Mode, Kind::IsMode(Mode::Decrypt))
    },
    Opt {
        required: true,
        scope: Scope::Ends,
        help: "which side of the pipe is encrypted: that of the target, or that of the source",
        ..only_in_file("mode", Key::Mode, Kind::Mode)
    },
    Opt {
        required: true,
        scope: Scope::Ends,
        value: "source",
        help: "address to listen on; as --source, it may be given several times",
        ..short('s', "source", Key::Source, Kind::Addresses)
    },
    Opt {
        required: true,
        scope: Scope::Ends,
        spipe: true,
        value: "target",
        help: "address to connect to; as --target, it may be given several times: the others are \
               for when the first cannot be reached",
        ..short('t', "target", Key::Target, Kind::Addresses)
    },
    Opt {
        required: true,
        scope: Scope::Pipe,
        spipe: true,
        help: "file with the key, the same on both hosts; - reads it from standard input; \
               <name>=<file> gives the key a name. To decrypt, also a directory: each file in it \
               is a key that is accepted, called like the file; or <name>=<file> several times",
        ..short('k', "key", Key::Keys, Kind::Keys)
    },
    // Connections.
    Opt {
        default: "in-order",
        help: "which of several targets is connected to: in-order, the first that can be reached, \
               or spread, each in turn",
        ..long("balance", Key::Balance, Kind::Balance)
    },
    Opt {
        spipe: true,
        help: "bind the target socket to this address; the port may be left out",
        ..short('b', "bind", Key::Bind, Kind::Address)
    },
    Opt {
        spipe: true,
        help: "faster, but whoever gets the key can read what was recorded before",
        ..short('f', "omit-forward-secrecy", Key::Strength, OMIT)
    },
    Opt {
        or: true,
        spipe: true,
        help: "refuse a peer that omits forward secrecy (-f)",
        ..short('g', "require-forward-secrecy", Key::Strength, REQUIRE)
    },
    Opt {
        spipe: true,
        help: "key exchange: modp2048, which every spiped knows, or x25519, which is cheaper and \
               shows when a stream was truncated",
        default: "modp2048 to encrypt; to decrypt, both are accepted",
        ..long("kex", Key::KeyExchange, Kind::KeyExchange)
    },
    Opt {
        spipe: true,
        help: "no TCP keep-alive",
        file: Some("keep-alive"),
        ..short('j', "no-keep-alive", Key::KeepAlive, Kind::NoFlag)
    },
    Opt {
        spipe: true,
        help: "after this long without a byte, ask whether the other end is still there",
        default: "1m",
        ..long("keep-alive-idle", Key::KeepAliveIdle, Kind::Time)
    },
    Opt {
        spipe: true,
        help: "ask again after this",
        default: "10s",
        ..long("keep-alive-interval", Key::KeepAliveInterval, Kind::Time)
    },
    Opt {
        spipe: true,
        help: "reset the connection when so many questions were not answered",
        default: "6",
        ..long("keep-alive-count", Key::KeepAliveCount, Kind::Count)
    },
    Opt {
        spipe: true,
        help: "reset a connection when the other end's system takes nothing for this long \
               (TCP_USER_TIMEOUT), be it that its program just does not read",
        default: "never",
        ..long("user-timeout", Key::UserTimeout, Kind::Time)
    },
    Opt {
        value: "connections",
        help: "at most this many connections at once; 0 for no limit",
        default: "100",
        ..short('n', "max-connections", Key::MaxConnections, Kind::Count)
    },
    Opt {
        spipe: true,
        help: "time limit for connecting, and for the handshake; inf or never for none",
        default: "5s",
        ..short('o', "timeout", Key::Timeout, Kind::Time)
    },
    Opt {
        spipe: true,
        help: "reset an established connection that moves no byte for this long",
        default: "never",
        ..long("idle-timeout", Key::IdleTimeout, Kind::Time)
    },
    Opt {
        spipe: true,
        help: "the same of a connection of which one direction has ended",
        default: "never",
        ..long("half-closed-timeout", Key::HalfClosedTimeout, Kind::Time)
    },
    Opt {
        help: "how often to look up the target's name again; as --resolve-period, 0 or never: not \
               at all",
        default: "1m",
        ..short('r', "resolve-period", Key::ResolvePeriod, Kind::Time)
    },
    Opt {
        or: true,
        help: "look up the target's name only once",
        ..only_typed('R', Key::ResolveOnce, Kind::Flag)
    },
    Opt {
        help: "start at once, and keep trying names that cannot be resolved yet",
        ..short('D', "wait-for-dns", Key::WaitForDns, Kind::Flag)
    },
    Opt {
        only: Only::Decrypt,
        help: "at most this many connections at once for each key; 0 for no limit",
        default: "0",
        ..long("connections-per-key", Key::ConnectionsPerKey, Kind::Count)
    },
    Opt {
        only: Only::Decrypt,
        help: "listen to at most this many strangers at once, until they have shown that they \
               have a key",
        default: "half of max-connections, at least 64",
        ..long("handshakes", Key::Handshakes, Kind::Count)
    },
    Opt {
        only: Only::Decrypt,
        help: "at most this many of them from one IPv4 address or IPv6 /64 network",
        default: "half of handshakes",
        ..long("handshakes-per-source", Key::HandshakesPerSource, Kind::Count)
    },
    Opt {
        help: "accept connections from this address or network (CIDR) only; may be given several \
               times",
        default: "any",
        ..long("allow", Key::Allow, Kind::Networks)
    },
    Opt {
        help: "load balancers in front, which say with the PROXY protocol where each connection \
               comes from: an address or network; may be given several times",
        default: "none",
        ..long("proxy-from", Key::ProxyFrom, Kind::Networks)
    },
    Opt {
        only: Only::Decrypt,
        help: "tell the target with the PROXY protocol, v1 or v2, where each connection comes from",
        default: "not told",
        ..long("proxy-to", Key::ProxyTo, Kind::ProxyVersion)
    },
    Opt {
        spipe: true,
        scope: Scope::Spipe,
        file: None,
        help: "show on standard error, if it is a terminal, how much was sent and received, how \
               fast, and how long the rest of standard input takes if it is a file",
        ..long("progress", Key::Progress, Kind::Flag)
    },
    Opt {
        help: "when keys are reloaded, reset the connections of those that are gone",
        ..long("close-revoked", Key::CloseRevoked, Kind::Flag)
    },
    Opt {
        spipe: true,
        help: "do not use a key that is warned about: others can read or change it, or it is \
               empty or easy to guess",
        ..long("strict-keys", Key::StrictKeys, Kind::Flag)
    },
    Opt {
        only: Only::UnixSource,
        help: "who may connect to a Unix source, as 0660",
        default: "by the file mode mask",
        ..long("socket-mode", Key::SocketMode, Kind::FileMode)
    },
    Opt {
        only: Only::UnixSource,
        help: "whose the Unix source is",
        default: "ours",
        ..long("socket-owner", Key::SocketOwner, Kind::Identity)
    },
    // Replication.
    Opt {
        help: "our service, which the other host is to reach",
        ..both_ways("local", Key::Local, Kind::Addresses)
    },
    Opt {
        help: "where the other host connects to, encrypted",
        ..both_ways("listen", Key::Listen, Kind::Addresses)
    },
    Opt {
        help: "where the other host listens, encrypted",
        ..both_ways("peer", Key::Peer, Kind::Addresses)
    },
    Opt {
        help: "where the other host's service appears here",
        ..both_ways("mirror", Key::Mirror, Kind::Addresses)
    },
    // The process.
    Opt {
        file: None,
        help: "take all other settings from this file, and from pipes.d/*.toml beside it; only -F \
               and -p may be given with it",
        ..process("config", Key::Config, Kind::Path)
    },
    Opt {
        short: Some('F'),
        file: None,
        help: "stay in the foreground; writes no pid file",
        ..process("foreground", Key::Foreground, Kind::Flag)
    },
    Opt {
        short: Some('p'),
        help: "where to write the process id",
        default: "the text given to -s, followed by .pid; with --config, /run/spiped.pid",
        ..process("pid-file", Key::PidFile, Kind::Path)
    },
    Opt {
        short: Some('u'),
        help: "become this user, this group (:group), or both, once everything is set up; names \
               or numbers",
        ..process("user", Key::User, Kind::Identity)
    },
    Opt {
        help: "where spiped status, list, drop, reload, upgrade and log-level reach the process: \
               the path of a socket",
        default: "nowhere",
        ..process("control", Key::Control, Kind::Path)
    },
    Opt {
        help: "where metrics and a status page are served over HTTP: a loopback address, or the \
               path of a socket",
        default: "nowhere",
        ..process("metrics", Key::Metrics, Kind::Address)
    },
    Opt {
        help: "once told to finish, reset the connections that have not ended after this",
        default: "never",
        ..process("drain", Key::Drain, Kind::Time)
    },
    Opt {
        help: "the program that spiped upgrade starts",
        default: "the file that this process was started from, as it is then",
        ..process("program", Key::Program, Kind::Path)
    },
    Opt {
        help: "at most so much memory for connections, as 64MiB",
        default: "no limit but the system's",
        ..process("memory", Key::Memory, Kind::Size)
    },
    Opt {
        help: "event loops, and as many threads that compute",
        default: "one of each for every processor",
        ..process("threads", Key::Threads, Kind::Count)
    },
    Opt {
        spipe: true,
        help: "run only if all of the program's own sandbox is active, which takes Linux 6.12",
        ..process("strict", Key::Strict, Kind::Flag)
    },
    Opt {
        help: "once in the background, log to syslog",
        ..process("syslog", Key::Syslog, Kind::Flag)
    },
    Opt {
        scope: Scope::Log,
        spipe: true,
        help: "error, warn, info or debug",
        default: "warn",
        ..process("log-level", Key::LogLevel, Kind::LogLevel)
    },
    Opt {
        scope: Scope::Log,
        spipe: true,
        help: "text, or json: an object a line",
        default: "text",
        ..process("log-format", Key::LogFormat, Kind::LogFormat)
    },
    Opt {
        scope: Scope::Process,
        spipe: true,
        help: "print the version of the original that this program is compatible with, on \
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
    Opt { scope: Scope::BothWays, ..only_in_file(name, key, kind) }
}

const fn process(name: &'static str, key: Key, kind: Kind) -> Opt {
    Opt { scope: Scope::Process, ..long(name, key, kind) }
}
