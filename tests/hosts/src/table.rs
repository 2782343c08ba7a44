//! The hosts of the portable component that are tested and measured.

use spiped_tests::Foreign;

/// A host, and how its programs are started. A word of a command that has a slash
/// in it is a path in the project; an empty command is a program that it has not.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// What it is called.
    pub name: &'static str,
    /// Those in the shape of ours.
    pub programs: Foreign,
    /// Plays transcripts: `FILE...`.
    pub player: &'static [&'static str],
    /// Suspends both ends of a connection, or goes on from their states: `suspend`,
    /// `resume CLIENT SERVER REST`.
    pub state: &'static [&'static str],
    /// Measures what the component costs in it: `REPETITIONS`.
    pub figures: &'static [&'static str],
    /// What a session may take, in KiB.
    pub session_kib: f64,
}

const NONE: Host = Host {
    name: "",
    programs: Foreign {
        spipe: &[],
        server: &[],
        encrypt: &[],
        reasons: &[],
        many: &[],
        resets: true,
        bulk: 16 << 20,
    },
    player: &[],
    state: &[],
    figures: &[],
    session_kib: 0.0,
};

/// The embedding example in Rust.
pub const EMBEDDED: Host = Host {
    name: "Rust, wasmtime",
    programs: Foreign {
        spipe: &["target/checked/embed"],
        reasons: &[
            ("truncated-in-handshake", "TruncatedInHandshake"),
            ("truncated-in-packet", "TruncatedInPacket"),
        ],
        // It ends, and leaves its sockets to the system.
        resets: false,
        ..NONE.programs
    },
    ..NONE
};

/// The npm package in Node.
pub const NODE: Host = Host {
    name: "Node",
    programs: Foreign {
        spipe: &["node", "tests/hosts/node/spipe.mjs"],
        server: &["node", "tests/hosts/node/spiped-server.mjs"],
        reasons: &[("connection-refused", "ECONNREFUSED")],
        ..NONE.programs
    },
    player: &["node", "tests/hosts/node/play.mjs"],
    state: &["node", "tests/hosts/node/state.mjs"],
    figures: &["node", "--expose-gc", "tests/hosts/node/figures.mjs"],
    session_kib: 400.0,
};

const BUN_PROGRAM: &str = "target/hosts/node/bun";

/// The npm package in Bun.
pub const BUN: Host = Host {
    name: "Bun",
    programs: Foreign {
        spipe: &[BUN_PROGRAM, "tests/hosts/node/spipe.mjs"],
        server: &[BUN_PROGRAM, "tests/hosts/node/spiped-server.mjs"],
        ..NODE.programs
    },
    player: &[BUN_PROGRAM, "tests/hosts/node/play.mjs"],
    figures: &[BUN_PROGRAM, "tests/hosts/node/figures.mjs"],
    ..NONE
};

const DENO_PROGRAM: &str = "target/hosts/node/deno";

/// The npm package in Deno.
pub const DENO: Host = Host {
    name: "Deno",
    programs: Foreign {
        spipe: &[DENO_PROGRAM, "run", "-N", "-R", "tests/hosts/node/spipe.mjs"],
        server: &[DENO_PROGRAM, "run", "-N", "-R", "tests/hosts/node/spiped-server.mjs"],
        ..NODE.programs
    },
    player: &[DENO_PROGRAM, "run", "-R", "tests/hosts/node/play.mjs"],
    figures: &[DENO_PROGRAM, "run", "--v8-flags=--expose-gc", "-R", "tests/hosts/node/figures.mjs"],
    ..NONE
};

const PYTHON_PROGRAM: &str = "target/hosts/python/bin/python";

/// The Python package.
pub const PYTHON: Host = Host {
    name: "Python",
    programs: Foreign {
        spipe: &[PYTHON_PROGRAM, "tests/hosts/python/spiped_client.py"],
        server: &[PYTHON_PROGRAM, "tests/hosts/python/spiped_client.py", "-d"],
        reasons: &[
            ("wrong-key", "does not have our key"),
            ("key-exchange-not-accepted", "uses x25519, which is not accepted here"),
            ("no-forward-secrecy", "the peer omits forward secrecy"),
            ("forged-packet", "a packet was forged"),
            ("bad-length", "an impossible length"),
            ("truncated-in-handshake", "hung up in the handshake"),
            ("truncated-in-packet", "the connection was truncated"),
            ("truncated-before-end-mark", "truncated before its end mark"),
            ("timed-out", "timed out"),
            ("connection-refused", "Connect call failed"),
        ],
        ..NONE.programs
    },
    player: &[PYTHON_PROGRAM, "tests/hosts/python/play.py"],
    state: &[PYTHON_PROGRAM, "tests/hosts/python/state.py"],
    figures: &[PYTHON_PROGRAM, "tests/hosts/python/figures.py"],
    session_kib: 600.0,
};

const CORE_MODULE: &str = "target/components/spiped-portable.core.wasm";

/// The host in C, with wasmtime's library.
pub const C: Host = Host {
    name: "C, wasmtime",
    programs: Foreign {
        spipe: &["target/hosts/c/client", "-m", CORE_MODULE],
        reasons: &[("connection-refused", "Connection refused"), ("timed-out", "timed out")],
        ..NONE.programs
    },
    player: &["target/hosts/c/play", CORE_MODULE],
    figures: &["target/hosts/c/figures", CORE_MODULE],
    session_kib: 600.0,
    ..NONE
};

const WASI_PROGRAM: &[&str] = &["target/checked/wasi", "target/components/spiped.wasm"];

/// The whole program as one file for WASI, in wasmtime.
pub const WASI: Host = Host {
    name: "WASI, wasmtime",
    programs: Foreign {
        spipe: &[WASI_PROGRAM[0], WASI_PROGRAM[1], "spipe"],
        server: &[WASI_PROGRAM[0], WASI_PROGRAM[1], "-d", "-F"],
        encrypt: &[WASI_PROGRAM[0], WASI_PROGRAM[1], "-e", "-F"],
        reasons: &[
            ("wrong-key", "wrong key, or not a spiped peer"),
            ("key-exchange-not-accepted", "does not accept"),
            ("no-forward-secrecy", "it omits forward secrecy"),
            ("forged-packet", "is forged or corrupted"),
            ("bad-length", "declares an impossible length"),
            ("truncated-in-handshake", "closed in the handshake"),
            ("truncated-in-packet", "truncated inside a packet"),
            ("truncated-before-end-mark", "truncated: the end mark is missing"),
            ("timed-out", "took too long"),
            ("connection-refused", "Could not connect"),
        ],
        many: &["-n", "300"],
        resets: false,
        ..NONE.programs
    },
    ..NONE
};

/// No host of the component: a second implementation.
pub const ORACLE: Host = Host {
    name: "the oracle",
    player: &[PYTHON_PROGRAM, "tests/hosts/python/play.py", "--oracle"],
    ..NONE
};
