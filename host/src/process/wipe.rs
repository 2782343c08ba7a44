//! Wipes secrets that functions have left on the stack, in vector registers, and in
//! buffers that are reused.

use zeroize::optimization_barrier;

/// More than a key set-up uses below its caller, and small enough to take only 0.3 µs.
const LEN: usize = 32 * 1024;

/// Overwrites the stack below the caller's frame, where functions that have returned to
/// the caller left their data.
///
/// A compiler keeps copies of secrets in places without a name: a value passed from one
/// function to the next, or a register that was spilled. No destructor reaches them,
/// and they stay until a later call happens to overwrite them. On a thread that then
/// waits for work, this can take minutes or days.
///
/// The work with the secret must be in a function that is never inlined and keeps its
/// secrets where they can be wiped: the caller's own frame is not wiped.
///
/// On x86-64, vector registers are wiped as well: for a signal, the kernel copies all
/// registers to the stack. A scan of the memory once found the last round key of AES
/// there, in the place of zmm30, because SIGHUP had arrived while the event loop
/// waited.
#[inline]
pub fn wipe_stack() {
    wipe_stack_of::<LEN>();
}

/// As [`wipe_stack`], but only this many bytes: for frequent work that needs a known
/// amount of stack.
#[inline]
pub fn wipe_stack_of<const BYTES: usize>() {
    // Never inlined: an array of zeros of its own, which an assembly barrier claims to
    // read, so that the compiler has to write it.
    zeroize::zeroize_stack::<BYTES>();
    #[cfg(target_arch = "x86_64")]
    vectors::wipe();
}

/// Overwrites bytes with zeros, even if they are never read afterwards. As fast as
/// memory: `Zeroize` writes one byte at a time.
pub fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    // Otherwise the compiler could omit writes that are never read.
    optimization_barrier(bytes);
}

/// Overwrites the first `used` bytes of a vector, and empties it.
pub fn wipe_used(vector: &mut Vec<u8>, used: usize) {
    vector.resize(used, 0);
    wipe(vector);
    vector.clear();
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "only assembly says which register")]
mod vectors {
    use std::arch::asm;

    pub(super) fn wipe() {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the CPU has the feature.
            unsafe { wipe_32() }
        } else if is_x86_feature_detected!("avx") {
            // SAFETY: the CPU has the feature.
            unsafe { wipe_16() }
        } else {
            wipe_halves();
        }
    }

    #[target_feature(enable = "avx512f")]
    fn wipe_32() {
        // SAFETY: it changes registers that are declared as changed.
        unsafe {
            asm!(
                "vzeroall",
                "vpxord zmm16, zmm16, zmm16",
                "vpxord zmm17, zmm17, zmm17",
                "vpxord zmm18, zmm18, zmm18",
                "vpxord zmm19, zmm19, zmm19",
                "vpxord zmm20, zmm20, zmm20",
                "vpxord zmm21, zmm21, zmm21",
                "vpxord zmm22, zmm22, zmm22",
                "vpxord zmm23, zmm23, zmm23",
                "vpxord zmm24, zmm24, zmm24",
                "vpxord zmm25, zmm25, zmm25",
                "vpxord zmm26, zmm26, zmm26",
                "vpxord zmm27, zmm27, zmm27",
                "vpxord zmm28, zmm28, zmm28",
                "vpxord zmm29, zmm29, zmm29",
                "vpxord zmm30, zmm30, zmm30",
                "vpxord zmm31, zmm31, zmm31",
                clobber_abi("sysv64"),
                options(nomem, nostack, preserves_flags),
            );
        }
    }

    #[target_feature(enable = "avx")]
    fn wipe_16() {
        // SAFETY: as above.
        unsafe {
            asm!("vzeroall", clobber_abi("sysv64"), options(nomem, nostack, preserves_flags));
        }
    }

    fn wipe_halves() {
        // SAFETY: as above; every x86-64 has these registers.
        unsafe {
            asm!(
                "pxor xmm0, xmm0",
                "pxor xmm1, xmm1",
                "pxor xmm2, xmm2",
                "pxor xmm3, xmm3",
                "pxor xmm4, xmm4",
                "pxor xmm5, xmm5",
                "pxor xmm6, xmm6",
                "pxor xmm7, xmm7",
                "pxor xmm8, xmm8",
                "pxor xmm9, xmm9",
                "pxor xmm10, xmm10",
                "pxor xmm11, xmm11",
                "pxor xmm12, xmm12",
                "pxor xmm13, xmm13",
                "pxor xmm14, xmm14",
                "pxor xmm15, xmm15",
                clobber_abi("sysv64"),
                options(nomem, nostack, preserves_flags),
            );
        }
    }
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
