//! Agreement on the content of a new key file between two hosts that share nothing yet,
//! or only a short code. `docs/pairing.md` specifies the protocol.
//!
//! ```
//! use spiped_core::Side;
//! use spiped_core::pairing::{Entropy, Exchange, Status};
//!
//! let entropy = |byte| Entropy::build(|bytes| bytes[1] = byte); // really: random
//! let mut client = Exchange::new(Side::Client, None, &entropy(1))?;
//! let mut server = Exchange::new(Side::Server, None, &entropy(2))?;
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
//! assert_eq!((client.status()?, server.status()?), (Status::Agreed, Status::Agreed));
//! assert_eq!(client.take_key()?.expose(), server.take_key()?.expose());
//! # Ok::<(), spiped_core::pairing::Error>(())
//! ```

mod code;
mod confirming;
mod cpace;
mod error;
mod exchange;
mod message;
mod schedule;
mod share;
mod status;

pub use error::{Error, Misuse, PeerFault};
pub use exchange::{Entropy, Exchange};
pub use message::{HELLO_LEN, TAG_LEN, VALUE_LEN};
pub use schedule::Key;
pub use status::Status;
