//! Two processes in one, and connections that go from one to the other.

use std::net::{TcpListener as StdTcpListener, TcpStream as StdTcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, split};
use tokio::join;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::peer::{Peer, Peers};
use crate::cli::{self, Wanted};
use crate::config::PipeSettings;
use crate::connection::arriving::{Arrival, Entitled};
use crate::connection::live::{Live, Stage};
use crate::connection::moving::Removal;
use crate::connection::place::Place;
use crate::connection::slots::Slots;
use crate::connection::{Ended, Side, Snapshot};
use crate::guest::{Config, Engine};
use crate::handover::channel::{Channel, ChannelError, Received, pair};
use crate::handover::messages::Message;
use crate::keys::file::Psk;
use crate::keys::{Key, KeySet, Keyring};
use crate::net::resolve::Endpoint;
use crate::net::socket::Socket;
use crate::net::targets::{Balance, Targets};
use crate::observe::{Observe, Source};
use crate::pipe::{Pipe, State};
use crate::process::compute::Compute;
use crate::process::workers::{Dispatcher, Workers};

/// Of everything that is waited for.
const LIMIT: Duration = Duration::from_secs(20);
pub(super) const PSK: [u8; 32] = [1; 32];

/// Runs a test on the event loops that its processes share.
pub(super) fn run(test: impl AsyncFnOnce(Dispatcher)) {
    let workers = Workers::start(2, || {}).unwrap();
    workers.block_on(async { timeout(LIMIT, test(workers.dispatcher())).await.unwrap() });
}

/// What sockets are made of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Family {
    Tcp,
    Unix,
}

/// A process with one connection, which has this number.
pub(super) async fn one_connection(workers: &Dispatcher, id: u64) -> (Peers, Process, Ends) {
    let peers = Peers::new(4);
    let process = Process::new(workers, 4, &peers.path(), "");
    let ends = peers.connect(&process, id, Family::Tcp).await;
    (peers, process, ends)
}

/// One process: a pipe at the client's end.
pub(super) struct Process {
    pub(super) pipe: Arc<Pipe>,
    pub(super) keys: Arc<[Key]>,
    workers: Dispatcher,
}

impl Process {
    /// With room for so many sandboxes; connections have these options.
    pub(super) fn new(workers: &Dispatcher, guests: u32, target: &Path, options: &str) -> Self {
        let settings = settings(target, options);
        let engine = Engine::new(guests).unwrap();
        let keys = Keyring::new(KeySet::of_one(Psk::copy_of(&PSK)));
        let connection = &settings.connection;
        let Config::Client(config) = connection.config else { panic!("no client") };
        let target = (connection.targets[0].clone(), vec![Endpoint::Unix(target.into())]);
        let all: Arc<[Key]> = keys.current().keys().into();
        let snapshot = Snapshot {
            side: Side::Client(config),
            engine,
            keys: Arc::new(keys),
            key_policy: settings.key_policy,
            observe: Observe::default(),
            counters: Arc::default(),
            targets: Targets::new(vec![target], Balance::InOrder, Observe::default()),
            bind: None,
            time_limit: connection.time_limit,
            idle_limit: connection.idle_limit,
            half_closed_limit: connection.half_closed_limit,
            keepalive: None,
            user_timeout: None,
            proxy_to: None,
            slots: Slots::new(settings.connection_limit.unwrap()),
            compute: Compute::inline(),
        };
        let pipe = Arc::new(Pipe::new(settings, snapshot, State::Listening));
        Self { pipe, keys: all, workers: workers.clone() }
    }

    /// Another one that its connections can go to.
    pub(super) fn successor(&self, guests: u32, options: &str) -> Self {
        let target = self.pipe.current().settings.connection.targets[0].to_string();
        Self::new(&self.workers, guests, target.as_ref(), options)
    }

    /// Serves an accepted socket. Says how that ended.
    pub(super) fn serve(&self, id: u64, source: OwnedFd) -> oneshot::Receiver<Ended> {
        let (ended, end) = oneshot::channel();
        let pipe = self.pipe.clone();
        self.workers.spawn(async move {
            let source = Socket::adopt(source).unwrap();
            let peer = Source::new(&"somebody", Some([192, 0, 2, 7].into()));
            let live = pipe.live.enter(Live::new(id, Some(peer)));
            let (snapshot, place) = (pipe.current().snapshot.clone(), Place::unlimited(0));
            let served = snapshot.serve(source, None, place, live.clone()).await;
            drop(live);
            let _ = ended.send(served);
        });
        end
    }

    /// The connection with this number.
    pub(super) fn live(&self, id: u64) -> Arc<Live> {
        self.pipe.live.get(id).unwrap()
    }

    /// Waits until this one has counted so many bytes, which it does once they are
    /// written; in vain if there are more.
    pub(super) async fn received(&self, id: u64, bytes: usize) {
        while self.live(id).traffic().received != bytes as u64 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// All connections.
    pub(super) fn all(&self) -> Vec<Arc<Live>> {
        self.pipe.live.slices().flatten().collect()
    }
}

fn settings(target: &Path, options: &str) -> PipeSettings {
    let words = format!("-e -s a:1 -t {} -k k --kex x25519 {options}", target.display());
    match cli::spiped(words.split_whitespace().map(Into::into)).unwrap() {
        Wanted::Settings(mut settings) => settings.pipes.remove(0),
        Wanted::File(_) => panic!("a file"),
    }
}

/// The way from one process to another.
pub(super) struct Way {
    pub(super) removal: Arc<Removal>,
    arrivals: mpsc::Receiver<Received>,
    entitled: watch::Sender<Entitled>,
}

impl Way {
    pub(super) fn new() -> Self {
        let (ours, theirs) = pair().unwrap();
        let theirs = Channel::new(theirs).unwrap();
        let (sender, arrivals) = mpsc::channel(1024);
        tokio::spawn(async move {
            while let Ok(received) = theirs.receive().await {
                sender.send(received).await.unwrap();
            }
        });
        let removal = Removal::new(Arc::new(Channel::new(ours).unwrap()));
        Self { removal, arrivals, entitled: watch::Sender::new(Entitled::NotYet) }
    }

    /// Has these connections sent.
    pub(super) async fn send(
        &self,
        from: &Process,
        connections: Vec<Arc<Live>>,
    ) -> Result<u64, ChannelError> {
        self.removal.send(&from.pipe.name, &from.keys, connections).await
    }

    /// Has all sent, once some can be.
    pub(super) async fn send_all(&self, from: &Process) -> u64 {
        loop {
            match self.send(from, from.all()).await.unwrap() {
                // One that has just been committed may not know yet.
                0 => tokio::time::sleep(Duration::from_millis(1)).await,
                sent => return sent,
            }
        }
    }

    /// What was sent next.
    pub(super) async fn receive(&mut self) -> Received {
        self.arrivals.recv().await.unwrap()
    }

    /// Has `to` adopt what was received.
    pub(super) async fn adopt(&self, to: &Process, received: Received) -> Result<(), String> {
        let Message::Connection(connection) = &received.message else { panic!("none") };
        assert_eq!(connection.pipe, *to.pipe.name);
        let arrival = Arrival::of(received)?;
        let key = arrival.key().map(|index| to.keys[index].clone());
        let entitled = self.entitled.subscribe();
        to.pipe.adopt(arrival, key, &to.workers, entitled).await.unwrap()
    }

    /// Has all of them let go of, and adopted.
    pub(super) fn commit(&self) {
        self.removal.let_go().unwrap();
        self.entitled.send_replace(Entitled::Yes);
    }

    /// Has all of them taken back.
    pub(super) fn take_back(&mut self) {
        self.entitled = watch::Sender::new(Entitled::NotYet);
        self.removal.take_back();
    }
}

/// Moves all connections from one process to another.
pub(super) async fn move_all(from: &Process, to: &Process) -> u64 {
    let mut way = Way::new();
    let sent = way.send_all(from).await;
    for _ in 0..sent {
        let received = way.receive().await;
        way.adopt(to, received).await.unwrap();
    }
    way.commit();
    sent
}

impl Peers {
    /// A connection of `process`, and its two ends.
    pub(super) async fn connect(&self, process: &Process, id: u64, plain: Family) -> Ends {
        let (ours, theirs) = sockets(plain);
        let end = process.serve(id, ours);
        let peer = self.accept().await;
        while process.live(id).stage() != Stage::Established {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let mut ends = Ends { peer, application: Socket::adopt(theirs).unwrap(), end };
        // From now on it can move.
        ends.greet().await;
        ends
    }
}

/// What is at the two ends of a connection, and how it ends in its first process.
pub(super) struct Ends {
    pub(super) peer: Peer,
    pub(super) application: Socket,
    pub(super) end: oneshot::Receiver<Ended>,
}

impl Ends {
    /// A few bytes each way.
    pub(super) async fn greet(&mut self) {
        self.peer.say(b"question").await;
        let mut heard = [0; 8];
        self.application.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, *b"question");
        self.application.write_all(b"answer").await.unwrap();
        assert_eq!(self.peer.hear(6).await, b"answer");
    }

    /// So many bytes each way, at the same time.
    pub(super) async fn exchange(&mut self, len: usize) {
        let Self { peer, application, .. } = self;
        let (question, answer) = (bytes(3, len), bytes(5, len));
        let (mut read, mut write) = split(application);
        let hear = async {
            let mut heard = vec![0; len];
            read.read_exact(&mut heard).await.unwrap();
            heard
        };
        let say = async { write.write_all(&answer).await.unwrap() };
        let (at_peer, at_application, ()) = join!(peer.exchange(&question, len), hear, say);
        assert!(at_peer == answer && at_application == question);
    }
}

/// Bytes that are not the same anywhere near.
pub(super) fn bytes(factor: usize, len: usize) -> Vec<u8> {
    (0..len).map(|index| (index * factor).wrapping_add(index >> 8).to_le_bytes()[0]).collect()
}

/// Two that are connected.
pub(super) fn sockets(family: Family) -> (OwnedFd, OwnedFd) {
    match family {
        Family::Unix => {
            let (one, other) = StdUnixStream::pair().unwrap();
            (one.into(), other.into())
        }
        Family::Tcp => {
            let listener = StdTcpListener::bind("127.0.0.1:0").unwrap();
            let one = StdTcpStream::connect(listener.local_addr().unwrap()).unwrap();
            (one.into(), listener.accept().unwrap().0.into())
        }
    }
}
