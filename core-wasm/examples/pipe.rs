//! Both ends of a pipe over the standard library's sockets, with threads.
//!
//! ```text
//! pipe -e KEYFILE SOURCE TARGET    plain at SOURCE, encrypted to TARGET
//! pipe -d KEYFILE SOURCE TARGET    encrypted at SOURCE, plain to TARGET
//! ```
//!
//! Each end talks to Tarsnap's spiped or to the other one. It shows what every host
//! has to do besides calling the session: write what it returns and wait until that is
//! written, limit all times, keep strangers from costing anything, and reset what did
//! not end properly.

#![allow(clippy::print_stderr, reason = "a program's log")]

use std::error::Error;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream, ToSocketAddrs as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs, mem, thread};

use sha2::{Digest as _, Sha256};
use socket2::SockRef;
use spiped_core::{
    Acceptor, ClientConfig, ENTROPY_LEN, Error as Failure, ForwardSecrecy, NONCE_LEN, Output,
    PACKET_LEN, PLAIN_MAX, Psk, Secret, ServerConfig, Session, Status, Verdict,
};
use zeroize::Zeroizing;

/// How long anyone may take to connect, and for a handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long a thread may not notice that it should stop.
const TICK: Duration = Duration::from_millis(200);

/// More have to wait until one has ended.
const CONNECTIONS_MAX: usize = 500;

/// What a server accepts, and says again of each client.
const ACCEPTED: ServerConfig = ServerConfig::Any(ForwardSecrecy::Offer);

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [mode, key_file, source, target] = &args[..] else {
        return Err("usage: pipe -e|-d KEYFILE SOURCE TARGET".into());
    };
    let key_file = Zeroizing::new(fs::read(key_file)?);
    let psk = Psk::build(|psk| psk.copy_from_slice(&Sha256::digest(&key_file)));
    let end = match mode.as_str() {
        "-e" => Party::Client(psk),
        // It holds all keys; a session gets one of them.
        "-d" => Party::Server(Acceptor::new(ACCEPTED, std::slice::from_ref(&psk))?, psk),
        _ => return Err("the first argument is -e or -d".into()),
    };

    let (end, target) = (Arc::new(end), Arc::<str>::from(target.as_str()));
    // Here strangers count like others. A daemon has a limit for them alone, or a flood
    // of them keeps those out who have a key.
    let listener = TcpListener::bind(source)?;
    loop {
        while Arc::strong_count(&end) > CONNECTIONS_MAX {
            thread::sleep(TICK);
        }
        let (stream, from) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(error) => {
                // No descriptors, mostly: others will end.
                eprintln!("accepting: {error}");
                thread::sleep(TICK);
                continue;
            }
        };
        let (end, target) = (Arc::clone(&end), Arc::clone(&target));
        let serve = move || match end.serve(stream, &target) {
            Ok(()) => eprintln!("{from}: closed"),
            Err(error) => eprintln!("{from}: {error}"),
        };
        if let Err(error) = thread::Builder::new().spawn(serve) {
            eprintln!("{from}: {error}");
        }
    }
}

enum Party {
    Client(Psk),
    Server(Acceptor, Psk),
}

impl Party {
    /// One connection, from its first byte to its end. Its sockets are reset on the
    /// way out, unless all was well.
    fn serve(&self, stream: TcpStream, target: &str) -> Result<()> {
        let deadline = Instant::now() + HANDSHAKE;
        let late = || Instant::now() >= deadline;
        let stream = Socket::new(stream)?;
        match self {
            Self::Client(psk) => {
                let crypt = Socket::connect(target)?;
                let config = ClientConfig::Modp2048(ForwardSecrecy::Offer);
                let session = Session::connect(config, psk, &random::<ENTROPY_LEN>()?)?;
                Pipe::establish(session, crypt, b"", stream, &late)?.relay()
            }
            Self::Server(acceptor, psk) => {
                let nonce = *random()?.expose();
                stream.write_all(&nonce, &late)?;
                // Until it has authenticated, a stranger costs a thread and these bytes.
                let (hello, rest) = identify(acceptor, &nonce, &stream, &late)?;
                let session = Session::accept(ACCEPTED, &nonce, &hello, psk, &random()?)?;
                let plain = Socket::connect(target)?;
                Pipe::establish(session, stream, &rest, plain, &late)?.relay()
            }
        }
    }
}

/// Finds out whether a stranger has a key. What it sent: its hello, and what follows.
fn identify(
    acceptor: &Acceptor,
    nonce: &[u8; NONCE_LEN],
    stranger: &Socket,
    late: Stop<'_>,
) -> Result<(Vec<u8>, Vec<u8>)> {
    let mut received = Vec::new();
    loop {
        match acceptor.identify(nonce, &received) {
            Verdict::Refused(fault) => return Err(Failure::from(fault).into()),
            Verdict::Authenticated(client) => {
                let rest = received.split_off(client.hello_len as usize);
                return Ok((received, rest));
            }
            // To ask before they are there is to search all keys in vain.
            Verdict::More(missing) => {
                let wanted = received.len() + missing as usize;
                while received.len() < wanted {
                    let mut bytes = vec![0; wanted - received.len()];
                    let count = stranger.read(&mut bytes, late);
                    let Some(count @ 1..) = count.as_ref().ok().copied() else {
                        let fault = acceptor.fault_at_eof(nonce, &received);
                        return Err(Failure::from(fault).into());
                    };
                    received.extend_from_slice(&bytes[..count]);
                }
            }
        }
    }
}

/// A session that is established, and its two sockets.
struct Pipe {
    session: Mutex<Session>,
    crypt: Socket,
    plain: Socket,
    /// One direction has failed: the other one stops.
    broken: AtomicBool,
}

impl Pipe {
    /// Does the handshake. `received` has come already.
    fn establish(
        mut session: Session,
        crypt: Socket,
        received: &[u8],
        plain: Socket,
        late: Stop<'_>,
    ) -> Result<Self> {
        let mut out = Output::default();
        session.start(&mut out)?;
        let mut result = session.handle_crypt(received, &mut out);
        let mut buffer = [0; PACKET_LEN];
        loop {
            // Good even if the call has failed.
            crypt.write_all(&mem::take(&mut out.to_crypt), late)?;
            plain.write_all(&Zeroizing::new(mem::take(&mut out.to_plain)), late)?;
            result?;
            result = match session.status()? {
                Status::Established => break,
                Status::WantsCompute => session.compute(&mut out),
                Status::Handshaking => match crypt.read(&mut buffer, late)? {
                    0 => session.crypt_eof(),
                    count => session.handle_crypt(&buffer[..count], &mut out),
                },
            };
        }
        let (session, broken) = (Mutex::new(session), AtomicBool::new(false));
        Ok(Self { session, crypt, plain, broken })
    }

    /// Moves bytes both ways until both directions have ended.
    fn relay(self) -> Result<()> {
        thread::scope(|scope| {
            let seal = || self.direction(|stop| self.seal(stop));
            let sealing = thread::Builder::new().spawn_scoped(scope, seal)?;
            let opened = self.direction(|stop| self.open(stop));
            let sealed = sealing.join().unwrap_or_else(|_| Err("sealing panicked".into()));
            opened.and(sealed)
        })?;
        self.crypt.end_well()?;
        self.plain.end_well()
    }

    /// One direction. If it fails, the other one does.
    fn direction(&self, run: impl FnOnce(Stop<'_>) -> Result<()>) -> Result<()> {
        let result = run(&|| self.broken.load(Ordering::Relaxed));
        self.broken.fetch_or(result.is_err(), Ordering::Relaxed);
        result
    }

    /// From the plain side to the crypt side. Nothing is read before what was read
    /// before is written.
    fn seal(&self, stop: Stop<'_>) -> Result<()> {
        let mut buffer = Zeroizing::new(vec![0; 64 * PLAIN_MAX]);
        loop {
            let count = self.plain.read(&mut buffer, stop)?;
            let mut out = Output::default();
            let result = match count {
                0 => self.session().plain_eof(&mut out),
                _ => self.session().handle_plain(&buffer[..count], &mut out),
            };
            self.crypt.write_all(&out.to_crypt, stop)?;
            result?;
            if count == 0 {
                return self.crypt.half_close();
            }
        }
    }

    /// From the crypt side to the plain side, until it has come to a proper end.
    fn open(&self, stop: Stop<'_>) -> Result<()> {
        let mut buffer = vec![0; 64 * PACKET_LEN];
        loop {
            let count = self.crypt.read(&mut buffer, stop)?;
            let mut out = Output::default();
            let result = match count {
                0 => self.session().crypt_eof(),
                _ => self.session().handle_crypt(&buffer[..count], &mut out),
            };
            // What came before a forged packet is authentic.
            self.plain.write_all(&Zeroizing::new(out.to_plain), stop)?;
            result?;
            if count == 0 {
                return self.plain.half_close();
            }
        }
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether to give up.
type Stop<'a> = &'a dyn Fn() -> bool;

/// A socket that gives up, and that is reset when it is dropped.
struct Socket(TcpStream);

impl Socket {
    fn new(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TICK))?;
        stream.set_write_timeout(Some(TICK))?;
        SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
        Ok(Self(stream))
    }

    fn connect(target: &str) -> Result<Self> {
        let address = target.to_socket_addrs()?.next().ok_or("no such address")?;
        Self::new(TcpStream::connect_timeout(&address, HANDSHAKE)?)
    }

    fn read(&self, buffer: &mut [u8], stop: Stop<'_>) -> io::Result<usize> {
        patiently(stop, || (&self.0).read(buffer))
    }

    fn write_all(&self, mut bytes: &[u8], stop: Stop<'_>) -> io::Result<()> {
        while !bytes.is_empty() {
            let count = patiently(stop, || (&self.0).write(bytes))?;
            bytes = &bytes[count..];
        }
        Ok(())
    }

    fn half_close(&self) -> Result<()> {
        Ok(self.0.shutdown(Shutdown::Write)?)
    }

    /// What was written is to arrive.
    fn end_well(&self) -> Result<()> {
        Ok(SockRef::from(&self.0).set_linger(None)?)
    }
}

/// Again and again, until it is done or there is no point in it.
fn patiently(stop: Stop<'_>, mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if is_unready(&error) && stop() => return Err(ErrorKind::TimedOut.into()),
            Err(error) if is_unready(&error) => {}
            result => return result,
        }
    }
}

fn is_unready(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// Fresh bytes of the system's generator: never the same twice.
fn random<const N: usize>() -> Result<Secret<N>> {
    let mut filled = Ok(());
    let secret = Secret::build(|bytes| filled = getrandom::fill(bytes));
    filled?;
    Ok(secret)
}
