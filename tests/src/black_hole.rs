//! A target that answers nothing, not even a refusal.

use std::time::Duration;

use socket2::Socket;

use crate::Endpoint;

/// Listens, with its queue full: the kernel drops further attempts to connect,
/// as a firewall would.
pub struct BlackHole {
    _listener: Socket,
    _queued: Vec<Socket>,
}

impl BlackHole {
    /// Opens one here.
    pub fn at(endpoint: &Endpoint) -> Self {
        let listener = endpoint.bind().expect("binding the black hole");
        listener.listen(0).expect("listening as the black hole");
        let mut queued = Vec::new();
        loop {
            let socket = endpoint.socket();
            if socket.connect_timeout(&endpoint.address(), UNANSWERED).is_err() {
                return Self { _listener: listener, _queued: queued };
            }
            queued.push(socket);
        }
    }
}

/// Loopback answers in microseconds, if it does.
const UNANSWERED: Duration = Duration::from_millis(500);
