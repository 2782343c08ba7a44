//! The spiped protocol as a function of bytes.
//!
//! Compatible on the wire with Tarsnap's spiped: a mutual handshake under a
//! pre-shared key (SHA-256, HMAC, 2048-bit MODP Diffie-Hellman), then packets
//! of up to 1024 bytes under AES-256-CTR and HMAC-SHA-256. Beyond that, a
//! client may choose X25519, with end marks. `docs/protocol.md` has both.
//!
//! No sockets, files, clock or randomness: [`Session`] takes bytes, including
//! the random ones, and gives bytes and verdicts. The same crate is the inside
//! of the WebAssembly component described in `wit/pipe.wit`.
//!
//! ```
//! use spiped_core::{
//!     Config, Entropy, ForwardSecrecy, KeyExchange, Output, Psk, Session, Side,
//!     SoftPacketCrypto, Status,
//! };
//!
//! let end = |side, entropy| {
//!     let config = Config {
//!         side,
//!         key_exchange: Some(KeyExchange::Modp2048),
//!         forward_secrecy: ForwardSecrecy::Offer,
//!     };
//!     let psk = Psk::new([7; 32]); // really: SHA-256 of the key file
//!     let entropy = Entropy::new([entropy; 64]); // really: random
//!     Session::<SoftPacketCrypto>::new(config, vec![psk], &entropy)
//! };
//! let mut client = end(Side::Client, 1)?;
//! let mut server = end(Side::Server, 2)?;
//!
//! let (mut from_client, mut from_server) = (Output::default(), Output::default());
//! client.start(&mut from_client)?;
//! server.start(&mut from_server)?;
//! while (client.status()?, server.status()?) != (Status::Established, Status::Established) {
//!     client.handle_crypt(&std::mem::take(&mut from_server.to_crypt), &mut from_client)?;
//!     while client.status()? == Status::Computing {
//!         client.compute(&mut from_client)?;
//!     }
//!     server.handle_crypt(&std::mem::take(&mut from_client.to_crypt), &mut from_server)?;
//!     while server.status()? == Status::Computing {
//!         server.compute(&mut from_server)?;
//!     }
//! }
//!
//! client.handle_plain(b"PING\r\n", &mut from_client)?;
//! assert_eq!(from_client.to_crypt.len(), 1060);
//! server.handle_crypt(&from_client.to_crypt, &mut from_server)?;
//! assert_eq!(from_server.to_plain, b"PING\r\n");
//! # Ok::<(), spiped_core::Error>(())
//! ```

#![no_std]
#![deny(unsafe_code)]
#![cfg_attr(not(target_family = "wasm"), forbid(unsafe_code))]

extern crate alloc;

#[cfg(target_family = "wasm")]
mod component;
mod dh;
mod error;
mod handshake;
mod inbound;
mod keys;
mod packet;
mod packet_crypto;
pub mod pairing;
mod secret;
mod session;
mod suspended;

pub use dh::{KeyExchange, PUBLIC_VALUE_LEN};
pub use error::{Error, Misuse, PeerFault};
pub use handshake::KEY_SHARE_LEN;
pub use keys::{DirectionKeys, MAC_LEN, NONCE_LEN, PSK_LEN, Psk};
pub use packet::{PACKET_LEN, PLAIN_MAX, RUN_MAX};
pub use packet_crypto::{PacketCrypto, SoftPacketCrypto};
pub use secret::Secret;
pub use session::{Config, ENTROPY_LEN, Entropy, ForwardSecrecy, Output, Session, Side, Status};
