//! What `make packages` makes, as those who install it see it: each package in a fresh
//! folder, with the commands of its README.

mod c;
mod core;
mod node;
mod oci;
mod pages;
mod python;
mod wasm;
