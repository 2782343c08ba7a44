//! Many pipes from one file, and what a reload changes about them.

mod changes;
mod faults;
mod growth;
mod keys;
mod many;
mod names;
mod pipes;
mod races;
mod room;
mod scale;
mod sources;
mod wrong;
