//! Secrets that functions left on the stack.

/// More than a key set-up uses below its caller; little enough to take 0.3 µs.
const LEN: usize = 32 * 1024;

/// Overwrites the stack below the caller's frame: what functions that have
/// returned to the caller left there.
///
/// A compiler keeps copies of secrets in places without a name: a value on its
/// way from one function to the next, a register that was needed for something
/// else. No destructor knows of them, and they stay until some later call
/// happens to overwrite them. On a thread that then waits for work that is
/// minutes or days.
///
/// The work with the secret must be in a function that is never inlined and
/// keeps its secrets where they can be wiped: what is in the caller's own frame
/// stays. Registers are not cleared.
#[inline]
pub fn wipe_stack() {
    wipe_stack_of::<LEN>();
}

/// As [`wipe_stack`], but only so many bytes: for work that is done often, and
/// whose need of stack is known.
#[inline]
pub fn wipe_stack_of<const BYTES: usize>() {
    // Never inlined: an array of zeros of its own, which an assembly barrier
    // claims to read, so that the compiler has to write it.
    zeroize::zeroize_stack::<BYTES>();
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::hint::black_box;
    use std::os::unix::fs::FileExt;

    use super::*;

    const MARKER: [u8; 16] = *b"a secret to find";

    #[test]
    fn nothing_is_left_below_the_caller() {
        assert!(markers_left(|| {}) > 0, "the test must find what is there");
        assert_eq!(markers_left(wipe_stack), 0);
    }

    /// How often the marker is on the stack after a function left it there.
    fn markers_left(wipe: impl Fn()) -> usize {
        let here = 0_u8;
        let end = std::ptr::from_ref(black_box(&here)).addr();
        let memory = File::open("/proc/self/mem").expect("the process's own memory");
        let mut below = vec![0; LEN];
        leave_markers();
        wipe();
        memory.read_exact_at(&mut below, (end - LEN) as u64).expect("the thread's own stack");
        below.windows(MARKER.len()).filter(|window| *window == MARKER).count()
    }

    #[inline(never)]
    fn leave_markers() {
        black_box([MARKER; 512]);
    }
}
