//! Strangers by the hundred, who stay at it.

use std::io::{ErrorKind, Write};
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::Socket;

use crate::payload::bytes;
use crate::{Endpoint, wait};

/// What each of them does, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Says nothing, and comes back when it is sent away.
    Silent,
    /// Sends a byte now and then, and comes back when it is sent away.
    Trickling,
    /// Says the first half of what a client says, and comes back when it is sent
    /// away.
    Halfway,
    /// Says what looks like a client without the key, and leaves. Those that are
    /// there at once come anew each second.
    Garbage,
}

/// Strangers from one address, until it is dropped.
pub struct Crowd {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Crowd {
    /// So many, all of whom have connected or tried to.
    pub fn start(to: &Endpoint, from: IpAddr, manner: Manner, count: usize) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let mut strangers: Vec<_> = (0..count).map(|_| Stranger::new()).collect();
        let (to, ended) = (to.clone(), over.clone());
        let thread = thread::spawn(move || {
            let mut next = 0;
            while !ended.load(Ordering::Relaxed) {
                let began = Instant::now();
                // In parts, so that they do not all come at the same moment.
                let part = count.div_ceil(PARTS as usize);
                for _ in 0..part {
                    strangers[next % count].act(&to, from, manner);
                    next += 1;
                }
                thread::sleep((PERIOD / PARTS).saturating_sub(began.elapsed()));
            }
        });
        let crowd = Self { over, thread: Some(thread) };
        // All have acted once.
        wait::observe(PERIOD);
        crowd
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Stranger {
    socket: Option<Socket>,
    last: Instant,
    has_spoken: bool,
}

impl Stranger {
    fn new() -> Self {
        Self { socket: None, last: Instant::now(), has_spoken: false }
    }

    fn act(&mut self, to: &Endpoint, from: IpAddr, manner: Manner) {
        if self.socket.as_ref().is_none_or(is_over)
            || manner == Manner::Garbage && self.last.elapsed() >= SECOND
        {
            self.socket = connect(to, from);
            self.last = Instant::now();
            self.has_spoken = false;
        }
        let Some(mut socket) = self.socket.as_ref() else {
            return;
        };
        match manner {
            Manner::Trickling if self.last.elapsed() >= TRICKLE => {
                self.last = Instant::now();
                let _ = socket.write(b"x");
            }
            Manner::Garbage if !self.has_spoken => {
                self.has_spoken = socket.write(&bytes(7, 320)).is_ok();
            }
            Manner::Halfway if !self.has_spoken => {
                self.has_spoken = socket.write(&bytes(7, 32)).is_ok();
            }
            Manner::Silent | Manner::Trickling | Manner::Halfway | Manner::Garbage => {}
        }
    }
}

/// Does not wait until it is connected.
fn connect(to: &Endpoint, from: IpAddr) -> Option<Socket> {
    let socket = to.socket();
    socket.set_nonblocking(true).ok()?;
    // Their ports are many, and soon used again.
    socket.set_linger(Some(Duration::ZERO)).ok()?;
    socket.bind(&SocketAddr::new(from, 0).into()).ok()?;
    let _ = socket.connect(&to.address());
    Some(socket)
}

/// Whether the other end has hung up; takes the nonce it may have sent.
fn is_over(socket: &Socket) -> bool {
    match socket.recv(&mut [MaybeUninit::uninit(); 64]) {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected),
    }
}

/// In which each of them acts once.
const PERIOD: Duration = Duration::from_millis(200);
const PARTS: u32 = 20;
const SECOND: Duration = Duration::from_secs(1);
const TRICKLE: Duration = Duration::from_millis(500);
