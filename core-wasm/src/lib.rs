//! The spiped protocol as a function of bytes.
//!
//! Compatible on the wire with Tarsnap's spiped: a mutual handshake under a pre-shared
//! key (SHA-256, HMAC, 2048-bit MODP Diffie-Hellman), then packets of up to 1024 bytes
//! under AES-256-CTR and HMAC-SHA-256. In addition, a client may choose X25519, with
//! end marks. `docs/protocol.md` specifies both.
//!
//! No sockets, files, clock or random generator: [`Session`] takes bytes, including
//! random ones, and returns bytes and a status. A server first passes what a stranger
//! sends to an [`Acceptor`]. The WebAssembly component of `wit/pipe.wit` contains the
//! same crate.
//!
//! ```
//! use spiped_core::{
//!     Acceptor, ClientConfig, Entropy, ExponentEntropy, ForwardSecrecy, Output, Psk, Session,
//!     ServerConfig, SoftKeySearch, SoftPacketCrypto, Status, Verdict,
//! };
//!
//! let psk = Psk::copy_of(&[7; 32]); // really: SHA-256 of the key file
//! let entropy = Entropy::build(|bytes| bytes[0] = 1); // really: random, like all below
//! let config = ClientConfig::Modp2048(ForwardSecrecy::Offer);
//! let mut client = Session::<SoftPacketCrypto>::connect(config, &psk, &entropy)?;
//! let mut to_server = Output::default();
//! client.start(&mut to_server)?;
//! client.compute(&mut to_server)?;
//!
//! // The server sends its nonce, and collects bytes until the acceptor has a verdict.
//! let nonce = [2; 32];
//! client.handle_crypt(&nonce, &mut to_server)?;
//! let config = ServerConfig::Any(ForwardSecrecy::Offer);
//! let acceptor = Acceptor::<SoftKeySearch>::new(config, &[psk.clone()])?;
//! assert_eq!(acceptor.identify(&nonce, &to_server.to_crypt[..10]), Verdict::More(86));
//! let Verdict::Authenticated(client_is) = acceptor.identify(&nonce, &to_server.to_crypt) else {
//!     panic!("the client has the key")
//! };
//! assert_eq!((client_is.psk_index, client_is.hello_len), (0, 320));
//!
//! let entropy = ExponentEntropy::copy_of(&[3; 32]);
//! let hello = &to_server.to_crypt;
//! let mut server = Session::<SoftPacketCrypto>::accept(config, &nonce, hello, &psk, &entropy)?;
//! let mut to_client = Output::default();
//! server.start(&mut to_client)?;
//! while server.status()? == Status::WantsCompute {
//!     server.compute(&mut to_client)?;
//! }
//! client.handle_crypt(&to_client.to_crypt, &mut to_server)?;
//! client.compute(&mut to_server)?;
//! assert_eq!((client.status()?, server.status()?), (Status::Established, Status::Established));
//!
//! let mut to_server = Output::default();
//! client.handle_plain(b"PING\r\n", &mut to_server)?;
//! assert_eq!(to_server.to_crypt.len(), 1060);
//! server.handle_crypt(&to_server.to_crypt, &mut to_client)?;
//! assert_eq!(to_client.to_plain, b"PING\r\n");
//! # Ok::<(), spiped_core::Error>(())
//! ```
//!
//! Read the files in this order: `config`, `keys`, `dh`, `handshake`, `sha256`,
//! `packet_crypto`, `packet`, `suspended`, `key_search`, `acceptor`, `session`; then
//! `pairing`. In this order, everything is explained before it is used.

#![no_std]
#![deny(unsafe_code)]
#![cfg_attr(not(target_family = "wasm"), forbid(unsafe_code))]

extern crate alloc;

mod acceptor;
#[cfg(target_family = "wasm")]
mod component;
mod config;
mod dh;
mod error;
mod handshake;
mod inbound;
mod key_search;
mod keys;
mod packet;
mod packet_crypto;
pub mod pairing;
mod secret;
mod session;
mod sha256;
mod suspended;

pub use acceptor::{Acceptor, Authenticated, Verdict};
pub use config::{ClientConfig, ForwardSecrecy, KeyExchange, ServerConfig, Side};
pub use dh::{EXPONENT_LEN, PUBLIC_VALUE_LEN};
pub use error::{Error, Misuse, PeerFault};
pub use handshake::KEY_SHARE_LEN;
pub use key_search::{KeySearch, SoftKeySearch};
pub use keys::{DirectionKeys, MAC_LEN, NONCE_LEN, Nonce, PSK_ID_LEN, PSK_LEN, Psk, PskId};
pub use packet_crypto::{
    Bodies, Cipher, InPlace, PACKET_LEN, PLAIN_MAX, PacketCrypto, Packets, ParallelPacketCrypto,
    RUN_MAX, SoftPacketCrypto,
};
pub use secret::Secret;
pub use session::{ENTROPY_LEN, Entropy, ExponentEntropy, Output, Session, Status};
pub use suspended::STATE_LEN_MAX;
