//! What one test owns: a directory, key files, addresses.

use std::fs::{self, Permissions};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use socket2::Socket;
use tempfile::TempDir;

use crate::{Endpoint, procfs};

/// The key file shared by both ends unless a test says otherwise.
pub const KEY: &[u8] = b"spiped test key 8c0f64a7d1be23955d0e7b91f4c8a23e\n";

/// A key file that does not match [`KEY`].
pub const OTHER_KEY: &[u8] = b"another test key 5e7730bb18c94a02f6d1c2957a83e46d\n";

/// A key file that is different for each name, and as hard to guess as a key
/// should be.
pub fn key_called(name: &str) -> String {
    format!("{name} 3f9a1c07d28be4655d0e7b91f4c8a23e\n")
}

/// One test's directory and addresses, released on drop.
///
/// TCP addresses are reserved by a bound socket that never listens. The kernel
/// gives such a port to nobody who asks for any port, in this test or in one
/// running beside it; a program that sets `SO_REUSEADDR`, as all servers here
/// do, can still listen on it; and while none does, connecting is refused.
pub struct Lab {
    directory: TempDir,
    reserved: Mutex<Vec<Socket>>,
}

impl Lab {
    /// An empty directory.
    pub fn empty() -> Self {
        let directory = tempfile::Builder::new().prefix("spiped-").tempdir();
        Self { directory: directory.unwrap(), reserved: Mutex::default() }
    }

    /// A directory with the two key files.
    pub fn new() -> Self {
        let lab = Self::empty();
        lab.write_key("key", KEY);
        lab.write_key("other-key", OTHER_KEY);
        lab
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The address of an abstract socket that no other test has.
    pub fn abstract_socket(&self, name: &str) -> Endpoint {
        let own = self.directory().file_name().unwrap().to_string_lossy();
        Endpoint::Unix(format!("@{own}-{name}").into())
    }

    /// A path in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file in the directory and returns its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Writes a file that only its owner can read.
    pub fn write_key(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.write(name, content);
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// The file that holds [`KEY`].
    pub fn key(&self) -> PathBuf {
        self.path("key")
    }

    /// The file that holds [`OTHER_KEY`].
    pub fn other_key(&self) -> PathBuf {
        self.path("other-key")
    }

    /// A free TCP port on 127.0.0.1.
    pub fn tcp(&self) -> Endpoint {
        self.tcp_on(Ipv4Addr::LOCALHOST.into())
    }

    /// A free TCP port on `[::1]`.
    pub fn tcp6(&self) -> Endpoint {
        self.tcp_on(Ipv6Addr::LOCALHOST.into())
    }

    /// A free TCP port on a loopback address.
    pub fn tcp_on(&self, ip: IpAddr) -> Endpoint {
        self.reserve(SocketAddr::new(ip, 0)).unwrap()
    }

    /// One port that is free on each of the loopback addresses.
    pub fn tcp_on_each(&self, ips: &[IpAddr]) -> Vec<Endpoint> {
        let attempt = |_| {
            let first = self.tcp_on(ips[0]);
            let rest = ips[1..].iter().map(|ip| self.reserve(SocketAddr::new(*ip, first.port())));
            std::iter::once(Some(first.clone())).chain(rest).collect()
        };
        (0..100).find_map(attempt).expect("a port free on all")
    }

    /// A Unix socket path; nothing is there yet.
    pub fn unix(&self, name: &str) -> Endpoint {
        Endpoint::Unix(self.path(name))
    }

    fn reserve(&self, address: SocketAddr) -> Option<Endpoint> {
        let socket = Endpoint::Tcp(address).bind().ok()?;
        let bound = socket.local_addr().unwrap().as_socket().unwrap();
        self.reserved.lock().unwrap().push(socket);
        Some(Endpoint::Tcp(bound))
    }
}

impl Drop for Lab {
    /// Kills what has left the foreground: daemons stay in the directory they
    /// were started in.
    fn drop(&mut self) {
        for pid in procfs::working_in(self.directory()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

impl Default for Lab {
    fn default() -> Self {
        Self::new()
    }
}
