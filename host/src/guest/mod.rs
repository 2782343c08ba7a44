//! The guests: the part of the protocol that runs in sandboxes. Only this module uses
//! wasmtime.
//!
//! Each guest is one resource of the component, in a store and an instance of its own.
//! Plain data of the interface (settings, faults, verdicts) has the generated types.

mod acceptor;
#[allow(missing_docs, reason = "generated: what the interface leaves without words is plain")]
mod bindings;
mod clock;
mod code;
mod config;
mod engine;
mod engine_config;
mod fault;
mod hello;
mod imports;
mod instance;
mod output;
pub mod pairing;
mod self_test;
mod session;
mod sleeper;
mod words;

use bindings::types;

pub use acceptor::{AcceptorGuest, HELLO_MAX};
pub use bindings::acceptor::{Authenticated, Verdict};
pub use bindings::types::{
    BadLength, ClientConfig, Failure as ProtocolFailure, ForwardSecrecy, KeyExchange, Misuse,
    PeerFault, ServerConfig, Side,
};
pub use code::Precompiled;
pub use config::Config;
pub use engine::{Engine, EngineError, GUEST_SPACE};
pub use hello::omits_forward_secrecy;
pub use instance::{Failure, GuestError};
pub use output::{Output, Status};
pub use self_test::{SelfTestError, self_test};
pub use session::{ACCEPT_ENTROPY_LEN, CONNECT_ENTROPY_LEN, Greeting, STATE_MAX, SessionGuest};
pub use sleeper::Sleeper;
#[cfg(test)]
pub(crate) use sleeper::tests::established;

/// Length of a nonce: the random bytes that each end sends first.
pub const NONCE_LEN: usize = 32;
