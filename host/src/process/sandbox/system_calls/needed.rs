//! What a program makes of system calls once it has started.

use std::process;

use libc::c_long;
use seccompiler::Error;

use super::{Calls, Condition, bits, is, null, number, rules};

/// Whatever their arguments are.
const NEEDED: &[c_long] = &[
    // Bytes of sockets, pipes and terminals that are open.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_write,
    libc::SYS_writev,
    // The same of memory that is shared for one message between a daemon and its
    // successor, and of the pid file: bytes of what is open.
    libc::SYS_memfd_create,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    // Connections.
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_close,
    libc::SYS_connect,
    libc::SYS_getpeername,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
    // Event loops.
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_eventfd2,
    libc::SYS_ppoll,
    libc::SYS_timerfd_create,
    libc::SYS_timerfd_settime,
    // Memory, of which none becomes executable: see below.
    libc::SYS_brk,
    libc::SYS_madvise,
    libc::SYS_mlock,
    libc::SYS_mremap,
    libc::SYS_munlock,
    libc::SYS_munmap,
    // Threads and locks.
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getpriority,
    libc::SYS_gettid,
    libc::SYS_rseq,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_setpriority,
    // Signals that come, and traps in a sandbox.
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_waitid,
    // Clocks and random bytes.
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_getrandom,
    libc::SYS_nanosleep,
    // Who and where we are.
    libc::SYS_getdents64,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getuid,
    libc::SYS_lseek,
    libc::SYS_sysinfo,
    libc::SYS_uname,
];

/// Older forms of the same.
#[cfg(target_arch = "x86_64")]
const NEEDED_HERE: &[c_long] = &[libc::SYS_epoll_wait, libc::SYS_poll];
#[cfg(not(target_arch = "x86_64"))]
const NEEDED_HERE: &[c_long] = &[];

/// All of them.
pub(super) fn needed() -> Result<Calls, Error> {
    let mut calls = needed_in_some_forms()?;
    calls.extend(NEEDED.iter().chain(NEEDED_HERE).map(|&call| (call, Vec::new())));
    Ok(calls)
}

/// Those with rights in their arguments.
fn needed_in_some_forms() -> Result<Calls, Error> {
    // No thread of ours does anything to another process.
    let ourselves = || is(0, process::id().into());
    let not_executable = || bits(2, libc::PROT_EXEC, 0);
    // No other process is made, only threads. What is asked of clone3 is in memory
    // that a filter cannot read, so it has to be clone.
    let thread = || bits(0, libc::CLONE_THREAD, libc::CLONE_THREAD);
    let stream = || bits(1, SOCKET_TYPE, libc::SOCK_STREAM);
    let datagram = || bits(1, SOCKET_TYPE, libc::SOCK_DGRAM);
    let family = |family: i32| is(0, number(family));
    let calls: [(c_long, Vec<Vec<Condition>>); _] = [
        (libc::SYS_mmap, vec![vec![not_executable()]]),
        (libc::SYS_mprotect, vec![vec![not_executable()]]),
        (libc::SYS_clone, vec![vec![thread()]]),
        (libc::SYS_kill, vec![vec![ourselves()]]),
        (libc::SYS_tgkill, vec![vec![ourselves()]]),
        // Read, not changed.
        (libc::SYS_prlimit64, vec![vec![is(0, 0), null(2)]]),
        (libc::SYS_prctl, vec![vec![is(0, number(libc::PR_SET_NAME))]]),
        // Datagrams are lines of a log, and news for the service manager.
        (
            libc::SYS_socket,
            vec![
                vec![family(libc::AF_INET), stream()],
                vec![family(libc::AF_INET6), stream()],
                vec![family(libc::AF_UNIX), stream()],
                vec![family(libc::AF_UNIX), datagram()],
            ],
        ),
        (libc::SYS_socketpair, vec![vec![family(libc::AF_UNIX)]]),
        (libc::SYS_fcntl, FCNTL.iter().map(|&command| vec![is(1, number(command))]).collect()),
        (libc::SYS_ioctl, IOCTL.iter().map(|&request| vec![is(1, request)]).collect()),
        // Of what is open.
        (libc::SYS_statx, vec![vec![bits(2, libc::AT_EMPTY_PATH, libc::AT_EMPTY_PATH)]]),
        (libc::SYS_newfstatat, vec![vec![bits(3, libc::AT_EMPTY_PATH, libc::AT_EMPTY_PATH)]]),
        (libc::SYS_fstat, Vec::new()),
    ];
    calls.into_iter().map(|(call, forms)| Ok((call, rules(forms)?))).collect()
}

/// Flags of an open file, and a second descriptor for it. Of shared memory: that
/// its size stays.
const FCNTL: &[i32] = &[
    libc::F_GETFD,
    libc::F_SETFD,
    libc::F_GETFL,
    libc::F_SETFL,
    libc::F_DUPFD_CLOEXEC,
    libc::F_ADD_SEALS,
    libc::F_GET_SEALS,
];

/// FIONBIO: whether to wait. FIONREAD, SIOCOUTQ: how many bytes have come, and how
/// many are on their way. TCGETS: whether it is a terminal. The same numbers on
/// all architectures that there is a filter for.
const IOCTL: &[u64] = &[0x5421, 0x541b, 0x5411, 0x5401];

/// The part of a socket's type that is no flag.
const SOCKET_TYPE: i32 = 0xf;
