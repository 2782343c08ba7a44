//! Connections that are too many, too slow, or in each other's way.

mod connections;
mod descriptors;
mod time;
