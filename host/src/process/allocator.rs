//! A heap that wipes freed memory: nothing that was freed can be read again.

use std::alloc::{GlobalAlloc, Layout, System};
#[cfg(target_env = "gnu")]
use std::ffi::c_int;
use std::slice;

use zeroize::optimization_barrier;

/// The system's allocator, which overwrites memory with zeros before it is returned.
/// Key material and plaintext pass through buffers of crates that know nothing of
/// secrets; this wipes what they free.
///
/// Growing or shrinking moves the content and wipes the old place:
/// [`GlobalAlloc::realloc`] does that unless it is replaced.
pub struct WipingAllocator;

// SAFETY: every block comes from `System` and goes back to it with the layout
// it was made with, so all that `System` promises holds. Before it goes back,
// nothing but the block itself is written to.
#[allow(unsafe_code, reason = "an allocator has no safe form")]
unsafe impl GlobalAlloc for WipingAllocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise, which is the same.
        unsafe { System.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // Fresh pages are zeros already, but only the system knows which are fresh.
        // SAFETY: the caller's promise, which is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller gives up a block of this size that `System` made,
        // so all of it can be written, and afterwards read as initialised
        // bytes; nobody else refers to it.
        let wiped = unsafe {
            block.write_bytes(0, layout.size());
            slice::from_raw_parts(block, layout.size())
        };
        // Otherwise the compiler would leave out writes that nobody reads.
        optimization_barrier(wiped);
        // SAFETY: the caller's promise, which is the same.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Makes all threads share one heap from now on. Otherwise each thread has its own,
/// which reserves 64 MiB of address space. Call it before the first thread is started:
/// a thread that has a heap already keeps it, and a daemon with little address space
/// then sometimes did not start.
pub fn keep_to_one_heap() {
    #[cfg(target_env = "gnu")]
    {
        const M_ARENA_MAX: c_int = -8;
        #[allow(unsafe_code, reason = "a setting of the C library")]
        unsafe extern "C" {
            safe fn mallopt(parameter: c_int, value: c_int) -> c_int;
        }
        // If it is refused, only address space is lost.
        let _ = mallopt(M_ARENA_MAX, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads freed memory, so through the kernel, which allows it.
    #[test]
    #[allow(unsafe_code, reason = "calls an allocator")]
    fn freed_and_moved_memory_is_wiped() {
        let layout = Layout::array::<u8>(LEN).unwrap_or_else(|_| unreachable!("it is small"));
        for grow in [false, true] {
            // SAFETY: a layout of some bytes; the block is freed once.
            let block = unsafe { WipingAllocator.alloc(layout) };
            assert!(!block.is_null());
            // SAFETY: LEN bytes that are ours.
            unsafe { block.write_bytes(MARK, LEN) };
            assert_eq!(marked(block), WORDS);
            // SAFETY: both take the block with its layout, and it is not used again.
            unsafe {
                if grow {
                    let moved = WipingAllocator.realloc(block, layout, 2 * LEN);
                    assert_eq!(marked(moved), WORDS);
                    let layout = Layout::from_size_align_unchecked(2 * LEN, layout.align());
                    WipingAllocator.dealloc(moved, layout);
                } else {
                    WipingAllocator.dealloc(block, layout);
                }
            }
            // The allocator may have put some words of its own there.
            assert_eq!(marked(block), 0);
        }
    }

    /// How many words of the LEN bytes at `block` are still there.
    fn marked(block: *const u8) -> usize {
        use std::fs::File;
        use std::os::unix::fs::FileExt;

        let mut bytes = [0; LEN];
        let memory = File::open("/proc/self/mem");
        let read = memory.and_then(|memory| memory.read_exact_at(&mut bytes, block.addr() as u64));
        assert!(read.is_ok(), "{read:?}");
        bytes.as_chunks().0.iter().filter(|&&word| word == [MARK; WORD]).count()
    }

    const LEN: usize = WORDS * WORD;
    const WORDS: usize = 400;
    const WORD: usize = 8;
    const MARK: u8 = 0xa7;
}
