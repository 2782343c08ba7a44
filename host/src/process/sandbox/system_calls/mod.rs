//! Which system calls a process has, from some moment on.
//!
//! What is forbidden answers as if the kernel did not know it. A library that
//! tries something new has a way to do without, as it has on older kernels; if
//! there is none, an operation fails, and with it one connection. To end the
//! process in such a case would hand whoever finds a path to a forgotten call the
//! means to stop all connections; and whoever has taken over the process gains
//! nothing from an error.

mod forbidden;
mod needed;

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp,
    SeccompCondition, SeccompFilter, SeccompRule, apply_filter_all_threads, sock_filter,
};

use super::{Help, Layer};

/// Leaves all threads only what a program needs once it has started.
pub(super) fn allow_only_needed() -> Layer {
    let filter = needed::needed().and_then(|calls| program(calls, UNKNOWN, SeccompAction::Allow));
    layer(filter.and_then(|filter| apply_filter_all_threads(&filter)))
}

/// Takes from all threads what nothing needs that only helps.
pub(super) fn forbid_dangerous(help: Help) -> Layer {
    let filter = forbidden::forbidden(help)
        .and_then(|calls| program(calls, SeccompAction::Allow, UNKNOWN))
        .map(|filter| [&NO_OTHER_NUMBERS[..], &filter].concat());
    layer(filter.and_then(|filter| apply_filter_all_threads(&filter)))
}

fn layer(filtered: Result<(), Error>) -> Layer {
    match filtered {
        Ok(()) => Ok("seccomp".to_owned()),
        Err(Error::Seccomp(cause) | Error::Prctl(cause)) => Err(format!("seccomp ({cause})")),
        Err(error) => Err(format!("seccomp ({error})")),
    }
}

fn program(calls: Calls, others: SeccompAction, these: SeccompAction) -> Result<BpfProgram, Error> {
    Ok(SeccompFilter::new(calls, others, these, ARCH.try_into()?)?.try_into()?)
}

/// What goes before a filter that lists what is forbidden. With this bit, x86-64
/// knows all calls by a second number (x32), and the kernel says that they are of
/// the same architecture.
const NO_OTHER_NUMBERS: [sock_filter; 3] = [
    // The number, which comes first.
    sock_filter { code: 0x20, jt: 0, jf: 0, k: 0 },
    // Without the bit, on to the filter.
    sock_filter { code: 0x35, jt: 0, jf: 1, k: 0x4000_0000 },
    sock_filter { code: 0x06, jt: 0, jf: 0, k: REFUSED },
];

/// `UNKNOWN`, as a filter says it.
const REFUSED: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned();

/// System calls, and for some of them the forms that are meant.
type Calls = BTreeMap<c_long, Vec<SeccompRule>>;

type Condition = Result<SeccompCondition, BackendError>;

/// Any of these forms, each of which is conditions that hold together.
fn rules(forms: Vec<Vec<Condition>>) -> Result<Vec<SeccompRule>, Error> {
    let rule = |conditions: Vec<Condition>| {
        SeccompRule::new(conditions.into_iter().collect::<Result<_, _>>()?)
    };
    Ok(forms.into_iter().map(rule).collect::<Result<_, _>>()?)
}

/// As the kernel answers to a number that it does not know.
const UNKNOWN: SeccompAction = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());

/// The argument at `index`, a number of 32 bits, is this one.
fn is(index: u8, wanted: u64) -> Condition {
    SeccompCondition::new(index, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, wanted)
}

/// These bits of the argument at `index` are like this.
fn bits(index: u8, mask: i32, wanted: i32) -> Condition {
    let masked = SeccompCmpOp::MaskedEq(number(mask));
    SeccompCondition::new(index, SeccompCmpArgLen::Dword, masked, number(wanted))
}

/// The pointer at `index` is none.
fn null(index: u8) -> Condition {
    SeccompCondition::new(index, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)
}

/// As it is in a register.
fn number(constant: i32) -> u64 {
    constant.cast_unsigned().into()
}
