//! The file of a Unix source: taken over from a daemon that is gone, and given
//! its mode and owner before anybody can connect.

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

/// How long the directory may be locked by somebody else. Others hold the lock
/// for microseconds.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// What the file of a Unix socket is to be like.
#[derive(Clone, Debug, Default)]
pub(crate) struct SocketAccess {
    /// Who may connect; otherwise the file mode mask decides.
    pub mode: Option<u32>,
    /// Whose it is; otherwise ours.
    pub owner: Option<Identity>,
}

impl SocketAccess {
    /// Binds and listens.
    ///
    /// The directory is locked meanwhile: of two daemons that find the same
    /// stale file, one would remove what the other has just bound, and both
    /// would run. The name is bound in place rather than beside and renamed,
    /// since the kernel goes on to show a socket under the name it was bound to.
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
        // Nobody can connect before it listens.
        self.give(path).and_then(|()| Ok(listen(&socket, backlog)?)).inspect_err(|_| {
            let _ = fs::remove_file(path);
        })?;
        Ok(socket)
    }

    /// The file gets the mode that the socket has, less the mask.
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

/// Of a name alone, it is the one we are in.
fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

/// Until the file is closed, nobody else who locks the directory has it.
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

/// Removes the file of a Unix socket, if it is one and nobody listens.
///
/// # Errors
/// When it is something else, or somebody does.
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
        // Somebody answers, is too busy to, or we may not ask.
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
