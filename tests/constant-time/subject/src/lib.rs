//! What the checks of constant time run: the same operations of the native
//! crate and of the component, as the daemon loads it.

#![deny(unsafe_code)]
#![allow(clippy::missing_panics_doc, reason = "a panic here is a failed check")]

mod component;
mod native;
mod world;

pub use component::Component;
pub use native::Crate;
pub use world::{Exchange, Psk, Session, World};
