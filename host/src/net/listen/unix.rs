//! The file of a Unix source: it replaces the file of a daemon that is gone, and gets
//! its mode and owner before anyone can connect.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Mode, fchmod, flock};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, bind, connect, listen};
use rustix::process::umask;

use super::stream_socket;
use crate::process::privileges::Identity;

/// How long to wait for the lock on the directory. Others hold it for microseconds.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The mode and the owner of the file of a Unix socket.
#[derive(Clone, Debug, Default)]
pub(crate) struct SocketAccess {
    /// The mode, which decides who may connect; by default the umask does.
    pub mode: Option<u32>,
    /// The owner; by default us.
    pub owner: Option<Identity>,
}

impl SocketAccess {
    /// Binds and listens.
    ///
    /// The directory is locked in the meantime: of two daemons that find the same stale
    /// file, one would remove what the other has just bound, and both would run. The
    /// socket is bound under its final name and not renamed, because the kernel keeps
    /// showing a socket under the name it was bound to.
    pub(super) fn listen(&self, path: &Path, backlog: i32) -> io::Result<OwnedFd> {
        let address = SocketAddrUnix::new(path)?;
        let socket = stream_socket(AddressFamily::UNIX)?;
        let _locked = lock(directory_of(path))?;
        match self.bind(&socket, &address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                remove_stale(path)?;
                self.bind(&socket, &address)?;
            }
            result => result?,
        }
        // No one can connect before it listens.
        self.give(path).and_then(|()| Ok(listen(&socket, backlog)?)).inspect_err(|_| {
            let _ = fs::remove_file(path);
        })?;
        Ok(socket)
    }

    /// The file gets the mode of the socket, less the umask.
    fn bind(&self, socket: &OwnedFd, address: &SocketAddrUnix) -> io::Result<()> {
        let Some(mode) = self.mode else {
            return Ok(bind(socket, address)?);
        };
        fchmod(socket, Mode::from_raw_mode(mode))?;
        let mask = umask(Mode::empty());
        let bound = bind(socket, address);
        umask(mask);
        Ok(bound?)
    }

    fn give(&self, path: &Path) -> io::Result<()> {
        self.owner.as_ref().map_or(Ok(()), |owner| owner.own(path))
    }
}

/// For a bare name, it is the working directory.
fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

/// The lock is held until the file is closed.
fn lock(directory: &Path) -> io::Result<File> {
    let failed = |error: io::Error| {
        let reason = format!("cannot lock {}: {error}", directory.display());
        io::Error::new(error.kind(), reason)
    };
    let opened = File::open(directory).map_err(failed)?;
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match flock(&opened, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(opened),
            Err(Errno::WOULDBLOCK) if Instant::now() < deadline => {
                thread::sleep(LOCK_PAUSE);
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(failed(error.into())),
        }
    }
}

/// Removes the file of a Unix socket, if it is one and no process listens on it.
///
/// # Errors
/// When it is not a socket, or a process listens on it.
pub(crate) fn remove_stale(path: &Path) -> io::Result<()> {
    let address = SocketAddrUnix::new(path)?;

    let in_use = || io::Error::from(Errno::ADDRINUSE);
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Err(in_use());
    }
    let probe = stream_socket(AddressFamily::UNIX)?;
    match connect(&probe, &address) {
        Err(Errno::CONNREFUSED) => {
            log::info!("Removing the stale socket {}", path.display());
            fs::remove_file(path)
        }
        // A process answers, is too busy to answer, or we may not connect.
        _ => Err(in_use()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn only_a_dead_socket_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listen = || SocketAccess::default().listen(&path, 1);

        let first = listen().unwrap();
        assert_eq!(listen().unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(first);
        drop(listen().unwrap());

        fs::remove_file(&path).unwrap();
        fs::write(&path, "precious").unwrap();
        assert_eq!(listen().unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn only_one_of_several_gets_a_stale_socket() {
        const RIVALS: usize = 8;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        drop(SocketAccess::default().listen(&path, 1).unwrap());
        for _ in 0..200 {
            let start = Barrier::new(RIVALS);
            let rival = || {
                start.wait();
                SocketAccess::default().listen(&path, 1)
            };
            let sockets: Vec<_> = thread::scope(|scope| {
                let rivals: Vec<_> = (0..RIVALS).map(|_| scope.spawn(rival)).collect();
                rivals.into_iter().map(|rival| rival.join().unwrap()).collect()
            });
            assert_eq!(sockets.iter().filter(|socket| socket.is_ok()).count(), 1);
        }
    }

    #[test]
    fn mode_is_as_asked_for_whatever_the_mask() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o666, 0o600, 0o660] {
            let path = folder.path().join(format!("{mode:o}"));
            let file = SocketAccess { mode: Some(mode), owner: None };
            let _socket = file.listen(&path, 1).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        }
    }
}
