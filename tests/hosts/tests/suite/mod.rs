//! The same scenarios for every host of the component.
//!
//! A host is an entry of the table in `tests/hosts/src/table.rs`, which says how
//! its programs start. Its row here names its columns: sets of scenarios, most of
//! which are those that our own programs pass (`tests/src/exchange`).

mod columns;
mod memory;
mod programs;
mod states;
mod transcripts;

/// A module for each host, and in it its columns.
macro_rules! hosts {
    ($($name:ident = $host:ident: $($column:ident)*;)*) => {
        $(mod $name { $(super::columns::$column!(spiped_host_tests::$host);)* })*
    };
}

hosts! {
    embedded = EMBEDDED: smoke_client;
    node = NODE: client tried_client server tried_server x25519_client x25519_server player memory;
    // They run the same package: as much as shows that it is the same.
    bun = BUN: smoke_client smoke_server player;
    deno = DENO: smoke_client smoke_server player;
    python = PYTHON:
        client tried_client server tried_server x25519_client x25519_server player memory;
    c = C: client tried_client x25519_client player memory;
    wasi = WASI: client tried_client daemon server tried_server x25519_client x25519_server;
    // A second implementation.
    oracle = ORACLE: player;
}
