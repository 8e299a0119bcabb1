//! Memory shared with Linux: ring buffers.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;

use super::errno;

/// A mapping that this value owns, read and written in words of eight bytes.
#[derive(Debug)]
pub(crate) struct Mapping {
    at: NonNull<AtomicU64>,
    len: usize,
    writable: bool,
}

// SAFETY: the mapping belongs to this value and to no thread, and it is accessed
// by atomics alone.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `len` bytes of `fd` from `offset` on.
    pub(crate) fn new(
        fd: BorrowedFd<'_>,
        offset: usize,
        len: usize,
        writable: bool,
    ) -> Result<Mapping, Errno> {
        let protection = match writable {
            true => libc::PROT_READ | libc::PROT_WRITE,
            false => libc::PROT_READ,
        };
        let (fd, offset) = (fd.as_raw_fd(), offset as libc::off_t);
        // SAFETY: a new mapping at an address of Linux' choice touches no memory
        // that exists.
        let at = unsafe {
            libc::mmap(
                ptr::null_mut(),
                len,
                protection,
                libc::MAP_SHARED,
                fd,
                offset,
            )
        };
        if at == libc::MAP_FAILED {
            return Err(errno(&std::io::Error::last_os_error()));
        }
        let at = NonNull::new(at.cast()).ok_or(Errno::ENOMEM)?;
        Ok(Mapping { at, len, writable })
    }

    /// The word at byte `offset`, which is a multiple of 8 inside the mapping.
    pub(crate) fn load(&self, offset: usize, ordering: Ordering) -> u64 {
        self.word(offset).load(ordering)
    }

    /// Sets the word at byte `offset` of a writable mapping.
    pub(crate) fn store(&self, offset: usize, value: u64, ordering: Ordering) {
        assert!(self.writable);
        self.word(offset).store(value, ordering);
    }

    /// `len` bytes from `start` on, a multiple of 8, of the part of the mapping
    /// from `base` on that holds a ring of `size` bytes.
    pub(crate) fn copy(&self, base: usize, size: usize, start: u64, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len.next_multiple_of(8));
        for offset in (0..len as u64).step_by(8) {
            let at = (start + offset) % size as u64;
            let word = self.load(base + at as usize, Ordering::Relaxed);
            bytes.extend_from_slice(&word.to_ne_bytes());
        }
        bytes.truncate(len);
        bytes
    }

    fn word(&self, offset: usize) -> &AtomicU64 {
        assert!(offset.is_multiple_of(8) && self.len >= 8 && offset <= self.len - 8);
        // SAFETY: the offset is inside the mapping, which starts at a page.
        let at = unsafe { self.at.byte_add(offset) };
        // SAFETY: eight bytes at a multiple of 8 inside the mapping, which lives
        // as long as `self`; whatever they hold is a valid value. Linux writes
        // them at the same time, as another thread would.
        unsafe { at.as_ref() }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly what `new` mapped; no reference outlives `self`.
        let done = unsafe { libc::munmap(self.at.as_ptr().cast(), self.len) };
        debug_assert_eq!(done, 0);
    }
}
