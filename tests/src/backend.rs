//! The service behind a pipe.

use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::{io, mem};

use socket2::Socket;

use crate::conn::NARROW;
use crate::wait::LIMIT;
use crate::{Conn, Endpoint, Lab};

/// A listening service that counts its connections. Stops on drop.
pub struct Backend {
    endpoint: Endpoint,
    listener: Arc<Socket>,
    accepted: Arc<AtomicUsize>,
    handed_over: Receiver<Conn>,
    acceptor: Option<JoinHandle<()>>,
}

impl Backend {
    /// Sends everything back, and closes after the other end has.
    pub fn echo(lab: &Lab) -> Self {
        Self::echo_at(&lab.tcp())
    }

    /// An [`echo`](Self::echo) at a chosen place.
    pub fn echo_at(endpoint: &Endpoint) -> Self {
        let (_, nothing) = mpsc::channel();
        let listener = endpoint.bind().expect("binding the backend");
        Self::start(endpoint, listener, nothing, |conn| {
            thread::spawn(move || echo(conn));
        })
    }

    /// Leaves each connection to the test: see [`accept`](Self::accept).
    pub fn manual(lab: &Lab) -> Self {
        Self::manual_at(&lab.tcp())
    }

    /// A [`manual`](Self::manual) one at a chosen place.
    pub fn manual_at(endpoint: &Endpoint) -> Self {
        Self::manual_on(endpoint, endpoint.bind().expect("binding the backend"))
    }

    /// A [`manual`](Self::manual) one with little room for what is not read.
    pub fn narrow(lab: &Lab) -> Self {
        let endpoint = lab.tcp();
        let listener = endpoint.bind().expect("binding the backend");
        listener.set_recv_buffer_size(NARROW).unwrap();
        Self::manual_on(&endpoint, listener)
    }

    fn manual_on(endpoint: &Endpoint, listener: Socket) -> Self {
        let (hand_over, handed_over) = mpsc::channel();
        Self::start(endpoint, listener, handed_over, move |conn| {
            // Nobody takes it when the test has ended.
            let _ = hand_over.send(conn);
        })
    }

    fn start(
        endpoint: &Endpoint,
        listener: Socket,
        handed_over: Receiver<Conn>,
        handle: impl Fn(Conn) + Send + 'static,
    ) -> Self {
        let listener = Arc::new(listener);
        listener.listen(BACKLOG).expect("listening as the backend");
        let accepted = Arc::new(AtomicUsize::new(0));
        let acceptor = {
            let listener = Arc::clone(&listener);
            let accepted = Arc::clone(&accepted);
            thread::spawn(move || {
                while let Ok((socket, _)) = listener.accept() {
                    accepted.fetch_add(1, Ordering::SeqCst);
                    handle(Conn::new(socket));
                }
            })
        };
        Self {
            endpoint: endpoint.clone(),
            listener,
            accepted,
            handed_over,
            acceptor: Some(acceptor),
        }
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// How many connections have come so far.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// The next connection to a manual backend.
    #[track_caller]
    pub fn accept(&self) -> Conn {
        self.handed_over.recv_timeout(LIMIT).expect("a connection to the backend")
    }

    /// A connection to a manual backend that has come already.
    pub fn try_accept(&self) -> Option<Conn> {
        self.handed_over.try_recv().ok()
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        // Wakes the acceptor with an error.
        let _ = self.listener.shutdown(Shutdown::Both);
        if let Some(acceptor) = mem::take(&mut self.acceptor) {
            let _ = acceptor.join();
        }
    }
}

fn echo(conn: Conn) {
    let mut link = conn.into_link();
    // The other end may reset at any time; that is its test's business.
    let _ = io::copy(&mut link.reader, &mut link.writer);
}

/// Enough for every connection a test opens at once.
const BACKLOG: i32 = 1024;
