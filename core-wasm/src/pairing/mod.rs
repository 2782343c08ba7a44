//! Making a key file's content between two hosts that share nothing yet, or
//! only a short code. The protocol is described in `docs/pairing.md`.
//!
//! ```
//! use spiped_core::Side;
//! use spiped_core::pairing::{Entropy, Exchange, Status};
//!
//! // Really: random bytes.
//! let mut client = Exchange::new(Side::Client, None, &Entropy::new([1; 32]))?;
//! let mut server = Exchange::new(Side::Server, None, &Entropy::new([2; 32]))?;
//!
//! let (mut from_client, mut from_server) = (Vec::new(), Vec::new());
//! client.start(&mut from_client)?;
//! server.start(&mut from_server)?;
//! for _ in 0..2 {
//!     server.receive(&std::mem::take(&mut from_client), &mut from_server)?;
//!     client.receive(&std::mem::take(&mut from_server), &mut from_client)?;
//! }
//! let (Status::Comparing(here), Status::Comparing(there)) = (client.status()?, server.status()?)
//! else {
//!     panic!("something to compare")
//! };
//! assert_eq!(here, there);
//!
//! // The user has compared them.
//! client.confirm(&mut from_client)?;
//! server.confirm(&mut from_server)?;
//! server.receive(&from_client, &mut from_server)?;
//! client.receive(&from_server, &mut from_client)?;
//! let (Status::Agreed(here), Status::Agreed(there)) = (client.status()?, server.status()?) else {
//!     panic!("a key")
//! };
//! assert_eq!(here.expose(), there.expose());
//! # Ok::<(), spiped_core::pairing::Error>(())
//! ```

mod confirming;
mod cpace;
mod error;
mod exchange;
mod message;
mod schedule;
mod share;

pub use error::{Error, Misuse, PeerFault};
pub use exchange::{Entropy, Exchange, Key, Status};
pub use message::{HELLO_LEN, TAG_LEN, VALUE_LEN};
