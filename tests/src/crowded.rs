//! A Unix socket whose backlog is full.

use std::io::ErrorKind;

use socket2::Socket;

use crate::{Conn, Endpoint};

/// Listens, with as many connections waiting as there is room for.
pub struct Crowded {
    listener: Socket,
    waiting: Vec<Socket>,
}

impl Crowded {
    /// At a path where nothing is yet.
    pub fn at(endpoint: &Endpoint) -> Self {
        let listener = endpoint.bind().expect("binding");
        listener.listen(1).expect("listening");
        let mut waiting = Vec::new();
        loop {
            let socket = endpoint.socket();
            socket.set_nonblocking(true).unwrap();
            match socket.connect(&endpoint.address()) {
                Ok(()) => waiting.push(socket),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("filling the backlog: {error}"),
            }
        }
        Self { listener, waiting }
    }

    /// Takes all that have waited so far, and returns the next that comes.
    pub fn serve_last(self) -> Conn {
        for _ in &self.waiting {
            self.listener.accept().expect("accepting");
        }
        Conn::new(self.listener.accept().expect("accepting").0)
    }
}
