//! The protocol, imported: whose component it is, composition decides.

#[path = "../../src/guest/fault.rs"]
mod fault;
#[allow(
    clippy::all,
    clippy::pedantic,
    missing_docs,
    unreachable_pub,
    unsafe_code,
    unused_qualifications,
    reason = "generated"
)]
mod generated {
    wit_bindgen::generate!({ path: "../../wit", world: "shell", generate_all });
}

pub(crate) use generated::spiped::pipe::acceptor::{Acceptor, Authenticated, Verdict};
pub(crate) use generated::spiped::pipe::session::{Output, Session, Status};
pub(crate) use generated::spiped::pipe::types;
use types::PeerFault;
