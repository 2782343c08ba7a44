//! Who listens where we would: found in `/proc`, without connecting to it.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{self, PathBuf};

use crate::net::resolve::Endpoint;

/// A process that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) pid: u32,
    /// What the kernel calls it.
    name: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} ({})", self.pid, self.name)
    }
}

impl Holder {
    /// Its command line, without its own name, and the directory it is in.
    pub(super) fn words(&self) -> Option<(Vec<OsString>, PathBuf)> {
        let line = fs::read(format!("/proc/{}/cmdline", self.pid)).ok()?;
        let line = line.strip_suffix(b"\0").unwrap_or(&line);
        let words =
            line.split(|&byte| byte == 0).skip(1).map(|word| OsString::from_vec(word.into()));
        let directory = fs::read_link(format!("/proc/{}/cwd", self.pid)).unwrap_or("/".into());
        Some((words.collect(), directory))
    }
}

/// Whether some socket of this network namespace listens there, or where it
/// would be in the way.
pub(super) fn is_listening(endpoint: &Endpoint) -> bool {
    !inodes(endpoint).is_empty()
}

/// The processes that listen there, as far as we may know: those of others are
/// for root to see.
pub(super) fn holders(endpoint: &Endpoint) -> Vec<Holder> {
    let sockets: Vec<_> =
        inodes(endpoint).into_iter().map(|inode| format!("socket:[{inode}]")).collect();
    if sockets.is_empty() {
        return Vec::new();
    }
    let holds = |pid: &u32| {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        descriptors
            .filter_map(|descriptor| fs::read_link(descriptor.path()).ok())
            .any(|opened| sockets.iter().any(|socket| opened.as_os_str() == OsStr::new(socket)))
    };
    processes().filter(holds).map(holder).collect()
}

/// All processes that are called like this program.
pub(super) fn namesakes() -> Vec<Holder> {
    processes().map(holder).filter(|holder| holder.name == "spiped").collect()
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn holder(pid: u32) -> Holder {
    let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    Holder { pid, name: String::from_utf8_lossy(name.trim_ascii_end()).into_owned() }
}

/// The sockets that listen there.
fn inodes(endpoint: &Endpoint) -> Vec<u64> {
    match endpoint {
        Endpoint::Tcp(wanted) => {
            let table = |name| fs::read_to_string(name).unwrap_or_default();
            let rows = [table("/proc/self/net/tcp"), table("/proc/self/net/tcp6")];
            let listening = rows.iter().flat_map(|rows| rows.lines().filter_map(listening_tcp));
            let in_the_way = listening.filter(|(address, _)| overlap(*address, *wanted));
            in_the_way.map(|(_, inode)| inode).collect()
        }
        Endpoint::Unix(path) => {
            // A daemon has bound it by a whole path, which may be another one to
            // the same place.
            let whole = [path::absolute(path), fs::canonicalize(path)];
            let inodes = whole.iter().flatten().map(|path| path.as_os_str().as_bytes());
            inodes.flat_map(unix_inodes).collect()
        }
        Endpoint::Abstract(name) => unix_inodes(&[b"@", name.as_bytes()].concat()),
    }
}

fn unix_inodes(name: &[u8]) -> Vec<u64> {
    let rows = fs::read("/proc/self/net/unix").unwrap_or_default();
    let rows = rows.split(|&byte| byte == b'\n');
    rows.filter_map(|row| listening_unix(row, name)).collect()
}

/// Whether two sockets cannot listen on these addresses both.
pub(super) fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let (a, b) = (one.ip().to_canonical(), other.ip().to_canonical());
    // `[::]` takes IPv4 along.
    let covers = |a: IpAddr, b: IpAddr| {
        a == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
            || a == IpAddr::V4(Ipv4Addr::UNSPECIFIED) && b.is_ipv4()
    };
    one.port() == other.port() && (a == b || covers(a, b) || covers(b, a))
}

/// Address and inode of a row about a socket that listens.
fn listening_tcp(row: &str) -> Option<(SocketAddr, u64)> {
    let fields: Vec<_> = row.split_ascii_whitespace().collect();
    let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
    if *state != TCP_LISTEN {
        return None;
    }
    let (ip, port) = local.split_once(':')?;
    // Addresses are words as they lie in memory.
    let word = |at: usize| u32::from_str_radix(ip.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    let ip: IpAddr = if ip.len() == 8 {
        word(0)?.into()
    } else {
        let words = [word(0)?, word(8)?, word(16)?, word(24)?];
        let octets: [u8; 16] = words.concat().try_into().ok()?;
        octets.into()
    };
    Some((SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?), inode.parse().ok()?))
}

/// The inode of a row about a socket that listens and has this name.
fn listening_unix(row: &[u8], name: &[u8]) -> Option<u64> {
    let (row, called) = row.split_at_checked(row.len().checked_sub(name.len())?)?;
    let fields: Vec<_> = str::from_utf8(row).ok()?.split_ascii_whitespace().collect();
    let listens = fields.get(3).is_some_and(|&flags| flags == UNIX_ACCEPTS);
    // The fields before the path are seven.
    (called == name && listens && fields.len() == 7).then(|| fields[6].parse().ok())?
}

const TCP_LISTEN: &str = "0A";
const UNIX_ACCEPTS: &str = "00010000";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;
    use std::process;

    use super::*;

    #[test]
    fn whoever_listens_is_found_also_where_it_is_only_in_the_way() {
        for (here, elsewhere) in
            [("127.0.0.1:0", "0.0.0.0"), ("[::1]:0", "::"), ("0.0.0.0:0", "::")]
        {
            let listener = TcpListener::bind(here).unwrap();
            let address = listener.local_addr().unwrap();
            let other = SocketAddr::new(elsewhere.parse().unwrap(), address.port());
            for address in [address, other] {
                let pids = holders(&Endpoint::Tcp(address));
                let pids: Vec<_> = pids.iter().map(|holder| holder.pid).collect();
                assert_eq!(pids, [process::id()], "{address}");
            }
            drop(listener);
            assert!(!is_listening(&Endpoint::Tcp(address)));
        }
    }

    #[test]
    fn unix_sockets_are_known_by_their_paths() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a socket");
        let listener = UnixListener::bind(&path).unwrap();
        assert_eq!(holders(&Endpoint::Unix(path.clone()))[0].pid, process::id());
        assert!(!is_listening(&Endpoint::Unix(directory.path().join("socket"))));
        drop(listener);
        assert!(!is_listening(&Endpoint::Unix(path)));
    }

    #[test]
    fn addresses_overlap_by_port_and_wildcard() {
        let overlap = |a: &str, b: &str| {
            let (a, b) = (a.parse().unwrap(), b.parse().unwrap());
            assert_eq!(overlap(a, b), overlap(b, a));
            overlap(a, b)
        };
        assert!(overlap("127.0.0.1:1", "127.0.0.1:1"));
        assert!(overlap("0.0.0.0:1", "127.0.0.1:1"));
        assert!(overlap("[::]:1", "127.0.0.1:1"));
        assert!(overlap("[::]:1", "[::1]:1"));
        assert!(!overlap("127.0.0.1:1", "127.0.0.2:1"));
        assert!(!overlap("127.0.0.1:1", "127.0.0.1:2"));
        assert!(!overlap("0.0.0.0:1", "[::1]:1"));
    }
}
