//! What the kernel tells about sockets and processes in `/proc`.

use std::collections::HashSet;
use std::fmt::Write;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use crate::Endpoint;

/// Whether some process listens exactly there. Unlike connecting, looking
/// leaves no trace in the listener.
pub fn is_listening(endpoint: &Endpoint) -> bool {
    match endpoint {
        Endpoint::Tcp(address) => tcp_sockets(*address).iter().any(|line| line.state == TCP_LISTEN),
        Endpoint::Unix(path) => {
            let path = path.to_str().expect("a path in UTF-8");
            fs::read_to_string("/proc/net/unix")
                .expect("reading /proc/net/unix")
                .lines()
                .map(|line| line.split_whitespace().collect::<Vec<_>>())
                .any(|f| f.get(3) == Some(&UNIX_ACCEPTS) && f.get(7) == Some(&path))
        }
    }
}

/// Whether the kernel's keep-alive timer runs on the established connection
/// with this local address; nothing if there is no such connection.
pub fn has_keepalive(local: SocketAddr) -> Option<bool> {
    tcp_sockets(local)
        .iter()
        .find(|line| line.state == TCP_ESTABLISHED)
        .map(|line| line.timer == TIMER_KEEPALIVE)
}

/// When the kernel will next ask the other end of the established connection
/// with this local address whether it is still there; nothing if it will not.
pub fn next_keepalive(local: SocketAddr) -> Option<Duration> {
    tcp_sockets(local)
        .iter()
        .find(|line| line.state == TCP_ESTABLISHED && line.timer == TIMER_KEEPALIVE)
        .map(|line| line.expires)
}

/// How many bytes that were sent have not arrived; nothing if there is no such
/// connection.
pub fn in_flight(local: SocketAddr, peer: SocketAddr) -> Option<usize> {
    let peer = kernel_notation(peer);
    tcp_sockets(local).iter().find(|line| line.peer == peer).map(|line| line.in_flight)
}

/// Whether a process with this id exists and has not ended.
pub fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    // The state follows the program's name, which ends with a parenthesis.
    stat.is_ok_and(|s| !s.contains(") Z ") && !s.contains(") X "))
}

/// Whether a process that has no socket left waits for a lock.
pub fn waits_for_a_lock_alone(pid: i32) -> bool {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let mut targets = descriptors.filter_map(|entry| fs::read_link(entry.path()).ok());
    !targets.any(|target| target.to_string_lossy().starts_with("socket:"))
        && fs::read_to_string(format!("/proc/{pid}/wchan")).is_ok_and(|at| at.starts_with("futex"))
}

/// The processes whose working directory this is, or is below.
pub fn working_in(directory: &Path) -> Vec<i32> {
    let Ok(directory) = directory.canonicalize() else {
        return Vec::new();
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let works_there = |pid: &i32| {
        fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(&directory))
    };
    pids.filter(works_there).collect()
}

/// The TCP sockets that processes listen on which work in this directory.
pub fn listening_in(directory: &Path) -> HashSet<String> {
    let tables = ["/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"];
    let tables = tables.map(|table| fs::read_to_string(table).unwrap_or_default());
    let fields = tables.iter().flat_map(|table| table.lines().skip(1)).map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        (fields[3], format!("socket:[{}]", fields[9]))
    });
    let listening: HashSet<_> =
        fields.filter(|(state, _)| *state == "0A").map(|(_, socket)| socket).collect();
    let folders = working_in(directory).into_iter().map(|pid| format!("/proc/{pid}/fd"));
    let descriptors = folders.filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let targets = descriptors.filter_map(|entry| fs::read_link(entry.path()).ok());
    let open = targets.map(|target| target.to_string_lossy().into_owned());
    open.filter(|socket| listening.contains(socket)).collect()
}

/// The live processes whose parent this is.
pub fn children(parent: i32) -> Vec<i32> {
    let tasks = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let children = lists.flat_map(|list| {
        list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()
    });
    children.filter(|&child| is_alive(child)).collect()
}

/// How many file descriptors a process has open.
///
/// # Panics
/// If there is no such process.
pub fn open_descriptors(pid: i32) -> usize {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd"));
    descriptors.expect("a live process").count()
}

/// The numbers after `field` in `/proc/PID/status`, without their unit.
///
/// # Panics
/// If there is no such process or field.
pub fn status(pid: i32, field: &str) -> Vec<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a live process");
    let prefix = format!("{field}:");
    let line = status.lines().find_map(|l| l.strip_prefix(&prefix));
    let words = line.expect("a known field").split_whitespace();
    words.map_while(|word| word.parse().ok()).collect()
}

struct TcpSocket {
    peer: String,
    state: u8,
    in_flight: usize,
    timer: u8,
    expires: Duration,
}

fn tcp_sockets(local: SocketAddr) -> Vec<TcpSocket> {
    let table = match local {
        SocketAddr::V4(_) => "/proc/thread-self/net/tcp",
        SocketAddr::V6(_) => "/proc/thread-self/net/tcp6",
    };
    let local = kernel_notation(local);
    fs::read_to_string(table)
        .expect("reading the kernel's table of sockets")
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            let hex = |text: &str| u64::from_str_radix(text, 16).expect("a hexadecimal number");
            let byte = |text| u8::try_from(hex(text)).expect("a byte");
            (fields[1] == local).then(|| TcpSocket {
                peer: fields[2].into(),
                state: byte(fields[3]),
                in_flight: usize::try_from(hex(&fields[4][..8])).expect("a length"),
                timer: byte(&fields[5][..2]),
                // In hundredths of a second.
                expires: Duration::from_millis(hex(&fields[5][3..]) * 10),
            })
        })
        .collect()
}

/// Addresses are words as they lie in memory; the port is a number.
fn kernel_notation(address: SocketAddr) -> String {
    let octets = match address.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let mut text = String::new();
    for word in octets.as_chunks().0 {
        write!(text, "{:08X}", u32::from_ne_bytes(*word)).expect("writing to a string");
    }
    format!("{text}:{:04X}", address.port())
}

const TCP_ESTABLISHED: u8 = 0x01;
const TCP_LISTEN: u8 = 0x0a;
const TIMER_KEEPALIVE: u8 = 0x02;
const UNIX_ACCEPTS: &str = "00010000";
