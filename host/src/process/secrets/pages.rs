//! Pages from the kernel, and their protection.

use std::alloc::{Layout, handle_alloc_error};
use std::ptr::{self, NonNull};

use rustix::io::{Errno, Result};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mlock, mmap_anonymous, munmap};

/// The unit of [`Pages`], in bytes. If the kernel's pages are larger, a mapping still
/// consists of whole ones.
pub(super) const PAGE_LEN: usize = 4096;

/// A mapping of our own: zeros at first, unmapped on drop.
pub(super) struct Pages {
    start: NonNull<u8>,
    len: usize,
}

impl Pages {
    /// At least `len` bytes. Aborts the process if there is no memory, as the heap
    /// does.
    #[allow(unsafe_code, reason = "memory mappings have no safe form")]
    pub(super) fn map(len: usize) -> Self {
        let len = len.next_multiple_of(PAGE_LEN);
        // SAFETY: a new private mapping where the kernel likes touches nothing
        // that exists.
        let mapped = unsafe {
            mmap_anonymous(
                ptr::null_mut(),
                len,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE,
            )
        };
        let Some(start) = mapped.ok().and_then(|start| NonNull::new(start.cast())) else {
            let layout = Layout::from_size_align(len, PAGE_LEN);
            handle_alloc_error(layout.unwrap_or(Layout::new::<[u8; PAGE_LEN]>()))
        };
        Self { start, len }
    }

    /// The first byte.
    pub(super) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// In bytes.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Keeps them out of swap and core dumps, as far as possible.
    ///
    /// # Errors
    /// What the system refused: usually the lock, beyond `RLIMIT_MEMLOCK`.
    #[allow(unsafe_code, reason = "memory mappings have no safe form")]
    pub(super) fn protect(&self) -> Result<()> {
        let start = self.start.as_ptr().cast();
        // SAFETY: the range is a mapping of our own, and neither call changes
        // what is in it or where it is.
        let (undumped, locked) =
            unsafe { (madvise(start, self.len, Advice::LinuxDontDump), mlock(start, self.len)) };
        undumped.and(locked)
    }

    /// Makes them zeros in processes forked from now on.
    ///
    /// # Errors
    /// On a kernel older than 4.14.
    #[allow(unsafe_code, reason = "memory mappings have no safe form")]
    pub(super) fn wipe_on_fork(&self) -> Result<()> {
        let start = self.start.as_ptr().cast();
        // SAFETY: as above; it changes what a child finds, not what we do.
        match unsafe { madvise(start, self.len, Advice::LinuxWipeOnFork) } {
            Err(Errno::INVAL) => Err(Errno::NOSYS),
            result => result,
        }
    }
}

impl Drop for Pages {
    #[allow(unsafe_code, reason = "memory mappings have no safe form")]
    fn drop(&mut self) {
        // SAFETY: made by `map` with this length and unmapped here only; the
        // arena drops pages only when no slot in them is taken. Should it
        // fail, address space is lost that holds zeros.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.len) };
    }
}

// SAFETY: a mapping belongs to the process, not to a thread; all access goes
// through a reference to the arena.
#[allow(unsafe_code, reason = "a pointer is not by itself")]
unsafe impl Send for Pages {}
