//! What a program can tell valgrind, and memcheck in it, about itself.
//!
//! The requests and the instructions that make them are those of valgrind.h
//! and memcheck.h. On a processor the instructions do nothing.

use std::arch::asm;

const RUNNING_ON_VALGRIND: usize = 0x1001;
/// `VG_USERREQ_TOOL_BASE('M', 'C')`, and the second and third request from it.
const MAKE_MEM_UNDEFINED: usize = 0x4d43_0001;
const MAKE_MEM_DEFINED: usize = 0x4d43_0002;

// The bytes are borrowed as if they changed, so that the compiler does not use
// what it knows about them.

/// From now on memcheck reports every branch and every address that depends on
/// these bytes, or on anything that was computed from them.
pub(crate) fn poison(secret: &mut [u8]) {
    request(MAKE_MEM_UNDEFINED, secret.as_mut_ptr().expose_provenance(), secret.len());
}

/// The same for text.
pub(crate) fn poison_text(secret: &mut str) {
    request(MAKE_MEM_UNDEFINED, secret.as_mut_ptr().expose_provenance(), secret.len());
}

/// Makes these bytes known to everybody: they were sent, or shown.
pub(crate) fn publish(bytes: &mut [u8]) {
    request(MAKE_MEM_DEFINED, bytes.as_mut_ptr().expose_provenance(), bytes.len());
}

/// Whether valgrind interprets this program.
pub(crate) fn is_watching() -> bool {
    request(RUNNING_ON_VALGRIND, 0, 0) != 0
}

/// Makes a request with two arguments; 0 unless valgrind answers.
#[allow(unsafe_code, reason = "valgrind is spoken to in instructions")]
fn request(number: usize, first: usize, second: usize) -> usize {
    let arguments: [usize; 6] = [number, first, second, 0, 0, 0];
    let mut answer = 0;
    // SAFETY: the four rotations turn a register by 128 bits in all, so it has
    // its value again after them, and `xchg rbx, rbx` changes nothing: a
    // processor leaves everything but the flags, which are clobbered, as it
    // was. Valgrind reads the request, which `arguments` keeps alive, and
    // writes the answer into rdx, an operand. The requests change what memcheck
    // believes about memory and never a byte of it.
    unsafe {
        asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") &raw const arguments,
            inout("rdx") answer,
        );
    }
    answer
}
