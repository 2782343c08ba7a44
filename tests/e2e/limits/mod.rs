//! Connections that are too many, too slow, or in each other's way.

mod burst;
mod connections;
mod descriptors;
mod inactivity;
mod system;
mod threads;
mod time;
