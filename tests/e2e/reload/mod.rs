//! Many pipes from one file, and what a reload changes about them.

mod faults;
mod growth;
mod keys;
mod many;
mod names;
mod pipes;
mod room;
mod sources;
