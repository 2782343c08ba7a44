//! What a process never needs that only reads files and asks name servers. What
//! those may need besides is decided by the system's libraries and their plug-ins,
//! so this is a list of what is forbidden.

use libc::c_long;
use seccompiler::Error;

use super::{Calls, Help, bits, is, number, rules};

const FORBIDDEN: &[c_long] = &[
    // Other programs and other processes.
    libc::SYS_execve,
    libc::SYS_execveat,
    // Its flags are in memory that a filter cannot read. Libraries go on with clone.
    libc::SYS_clone3,
    libc::SYS_kill,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_process_madvise,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    // A process that aborts does so by a trap if it has no signals.
    libc::SYS_tgkill,
    libc::SYS_tkill,
    // Who we are, and what we may do.
    libc::SYS_capset,
    libc::SYS_setfsgid,
    libc::SYS_setfsuid,
    libc::SYS_setgid,
    libc::SYS_setgroups,
    libc::SYS_setns,
    libc::SYS_setregid,
    libc::SYS_setresgid,
    libc::SYS_setresuid,
    libc::SYS_setreuid,
    libc::SYS_setuid,
    libc::SYS_unshare,
    // Files, which are only read.
    libc::SYS_fallocate,
    libc::SYS_fchmodat,
    FCHMODAT2,
    FILE_SETATTR,
    libc::SYS_fremovexattr,
    libc::SYS_fsetxattr,
    libc::SYS_ftruncate,
    libc::SYS_linkat,
    libc::SYS_lremovexattr,
    libc::SYS_lsetxattr,
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_open_by_handle_at,
    libc::SYS_removexattr,
    REMOVEXATTRAT,
    libc::SYS_renameat2,
    libc::SYS_setxattr,
    SETXATTRAT,
    libc::SYS_symlinkat,
    libc::SYS_truncate,
    libc::SYS_utimensat,
    // File systems.
    libc::SYS_chroot,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    OPEN_TREE_ATTR,
    libc::SYS_pivot_root,
    libc::SYS_quotactl,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_umount2,
    // The machine and its kernel.
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_perf_event_open,
    libc::SYS_personality,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_settimeofday,
    libc::SYS_syslog,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
];

/// What it takes to make a Unix socket with a file, and to remove that.
const FORBIDDEN_TO_READERS: &[c_long] =
    &[libc::SYS_fchmod, libc::SYS_fchown, libc::SYS_fchownat, libc::SYS_unlinkat];
#[cfg(target_arch = "x86_64")]
const FORBIDDEN_TO_READERS_HERE: &[c_long] = &[libc::SYS_lchown, libc::SYS_unlink];
#[cfg(not(target_arch = "x86_64"))]
const FORBIDDEN_TO_READERS_HERE: &[c_long] = &[];

// Not known by name on all architectures; their numbers are the same on all.
const FCHMODAT2: c_long = 452;
const SETXATTRAT: c_long = 463;
const REMOVEXATTRAT: c_long = 466;
const OPEN_TREE_ATTR: c_long = 467;
const FILE_SETATTR: c_long = 469;

/// Older forms of the same.
#[cfg(target_arch = "x86_64")]
const FORBIDDEN_HERE: &[c_long] = &[
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_creat,
    libc::SYS_futimesat,
    libc::SYS_ioperm,
    libc::SYS_iopl,
    libc::SYS_link,
    libc::SYS_mkdir,
    libc::SYS_mknod,
    libc::SYS_modify_ldt,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_rmdir,
    libc::SYS_symlink,
    libc::SYS_utime,
    libc::SYS_utimes,
];
#[cfg(not(target_arch = "x86_64"))]
const FORBIDDEN_HERE: &[c_long] = &[];

/// All of it, for who is there to help in this.
pub(super) fn forbidden(help: Help) -> Result<Calls, Error> {
    let mut calls = forbidden_in_some_forms()?;
    if help == Help::Read {
        let all = FORBIDDEN_TO_READERS.iter().chain(FORBIDDEN_TO_READERS_HERE);
        calls.extend(all.map(|&call| (call, Vec::new())));
    }
    calls.extend(FORBIDDEN.iter().chain(FORBIDDEN_HERE).map(|&call| (call, Vec::new())));
    Ok(calls)
}

/// Those that are harmless otherwise.
fn forbidden_in_some_forms() -> Result<Calls, Error> {
    let forms = [
        (libc::SYS_clone, NAMESPACES.iter().map(|&flag| vec![bits(0, flag, flag)]).collect()),
        (libc::SYS_fcntl, OWNER.iter().map(|&command| vec![is(1, number(command))]).collect()),
        (libc::SYS_ioctl, OWNER_OF_SOCKET.iter().map(|&request| vec![is(1, request)]).collect()),
    ];
    forms.into_iter().map(|(call, forms)| Ok((call, rules(forms)?))).collect()
}

/// What a process can be alone in from its start. (Of time, only `clone3` and
/// `unshare` know.)
const NAMESPACES: &[i32] = &[
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];

/// To whom a signal goes when there is something to read: `F_SETOWN` and
/// `F_SETOWN_EX`.
const OWNER: &[i32] = &[8, 15];

/// FIOSETOWN and SIOCSPGRP: the same for sockets. The same numbers on all
/// architectures that there is a filter for.
const OWNER_OF_SOCKET: &[u64] = &[0x8901, 0x8902];
