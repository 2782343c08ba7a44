//! The other ends of crypt sides, which notice a packet that is not the next one.

use std::mem;
use std::path::PathBuf;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, split};
use tokio::join;
use tokio::net::UnixListener;

use super::lab::PSK;
use crate::guest::{
    AcceptorGuest, Engine, Greeting, NONCE_LEN, Output, ServerConfig, SessionGuest, Status, Verdict,
};
use crate::keys::file::Psk;
use crate::net::socket::Socket;

/// One of them.
pub(super) struct Peer {
    guest: SessionGuest,
    pub(super) socket: Socket,
}

/// Where peers are.
pub(super) struct Peers {
    listener: UnixListener,
    directory: TempDir,
    engine: Engine,
}

impl Peers {
    /// So many at once.
    pub(super) fn new(guests: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("peer")).unwrap();
        Self { listener, directory, engine: Engine::new(guests).unwrap() }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.directory.path().join("peer")
    }

    /// Does the handshake with the next that connects.
    pub(super) async fn accept(&self) -> Peer {
        let (stream, _) = self.listener.accept().await.unwrap();
        let mut socket = Socket::Unix(stream);
        let (psk, nonce) = (Psk::copy_of(&PSK), [2; NONCE_LEN]);
        socket.write_all(&nonce).await.unwrap();
        let (config, psks) = (ServerConfig::X25519, [psk]);
        let search = AcceptorGuest::search_of(&psks);
        let mut acceptor = AcceptorGuest::new(&self.engine, config, &psks, &search).unwrap();
        let mut hello = Vec::new();
        while let Verdict::More(more) = acceptor.identify(&nonce, &hello).unwrap() {
            let mut read = vec![0; more.try_into().unwrap()];
            socket.read_exact(&mut read).await.unwrap();
            hello.extend(read);
        }
        let greeting = Greeting { our_nonce: &nonce, hello: &hello };
        let mut guest = SessionGuest::accept(&self.engine, config, greeting, &psks[0]).unwrap();
        let mut output = Output::default();
        let mut status = guest.start(&mut output);
        loop {
            socket.write_all(&mem::take(&mut output.to_crypt)).await.unwrap();
            match status {
                Status::WantsCompute => status = guest.compute(&mut output),
                Status::Established => return Peer { guest, socket },
                status @ (Status::Handshaking | Status::Failed(_)) => panic!("{status:?}"),
            }
        }
    }
}

impl Peer {
    fn seal(&mut self, bytes: &[u8]) -> Vec<u8> {
        if bytes.is_empty() {
            return Vec::new();
        }
        made(|out| self.guest.handle_plain(bytes, out)).to_crypt
    }

    pub(super) async fn say(&mut self, bytes: &[u8]) {
        let sealed = self.seal(bytes);
        self.socket.write_all(&sealed).await.unwrap();
    }

    /// So many bytes, and no more.
    pub(super) async fn hear(&mut self, len: usize) -> Vec<u8> {
        self.exchange(&[], len).await
    }

    /// Says this, and hears so many bytes, at the same time.
    pub(super) async fn exchange(&mut self, say: &[u8], hear: usize) -> Vec<u8> {
        let sealed = self.seal(say);
        let Self { guest, socket } = self;
        let (mut read, mut write) = split(socket);
        let listen = async {
            let mut heard = Vec::new();
            let mut buffer = vec![0; 64 * 1024];
            while heard.len() < hear {
                let len = read.read(&mut buffer).await.unwrap();
                assert!(len > 0, "an end");
                heard.extend(made(|out| guest.handle_crypt(&buffer[..len], out)).to_plain);
            }
            heard
        };
        let (heard, written) = join!(listen, write.write_all(&sealed));
        written.unwrap();
        assert_eq!(heard.len(), hear);
        heard
    }

    /// Ends its direction.
    pub(super) async fn end(&mut self) {
        let end = made(|out| self.guest.plain_eof(out)).to_crypt;
        self.socket.write_all(&end).await.unwrap();
        self.socket.shutdown().await.unwrap();
    }

    /// The other direction comes to its proper end.
    pub(super) async fn hear_end(&mut self) {
        let mut buffer = vec![0; 4096];
        loop {
            match self.socket.read(&mut buffer).await.unwrap() {
                0 => break,
                len => {
                    let output = made(|out| self.guest.handle_crypt(&buffer[..len], out));
                    assert!(output.to_plain.is_empty());
                }
            }
        }
        made(|out| self.guest.crypt_eof(out));
    }
}

/// What a call of an established session makes.
fn made(call: impl FnOnce(&mut Output) -> Status) -> Output {
    let mut out = Output::default();
    assert_eq!(call(&mut out), Status::Established);
    out
}
