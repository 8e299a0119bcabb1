//! Where compiled code lies, as a signal handler can ask.
//!
//! A fixed table of atomic words, one for each extent of code, so that a handler
//! on any thread sees an extent wholly or not at all, waits for nobody, and needs
//! no memory. A thread in compiled code keeps that code's entry in place, so what
//! others add and remove meanwhile cannot hide it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Extents of code that there can be at a time.
const ENTRIES: usize = 1 << 14;

/// Bits of an address within a page.
const PAGE_BITS: u32 = 12;
/// Bits of an entry that count the pages of the extent; the number of its first
/// page is above. User space on x86-64 ends at 2^47 for mappings that do not ask
/// for more.
const LEN_BITS: u32 = 29;
const FIRST_BITS: u32 = 47 - PAGE_BITS;

/// 0 for no extent.
static EXTENTS: [AtomicU64; ENTRIES] = [const { AtomicU64::new(0) }; ENTRIES];
/// One past the last entry that was ever used.
static USED: AtomicUsize = AtomicUsize::new(0);

/// Code whose faults are ours, as long as this value lives.
#[derive(Debug)]
pub(crate) struct Registration {
    entry: usize,
}

impl Registration {
    /// Makes an extent of whole pages known; `None` when there are too many.
    pub(crate) fn new(start: usize, len: usize) -> Option<Registration> {
        let extent = pack(start as u64, len as u64)?;
        let entry = EXTENTS.iter().position(|entry| {
            let free = entry.load(Ordering::Relaxed) == 0;
            free && entry
                .compare_exchange(0, extent, Ordering::Release, Ordering::Relaxed)
                .is_ok()
        })?;
        USED.fetch_max(entry + 1, Ordering::Release);
        Some(Registration { entry })
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(entry) = EXTENTS.get(self.entry) {
            entry.store(0, Ordering::Release);
        }
    }
}

/// Whether a host address lies in code that is registered. For signal handlers.
pub(super) fn contains(address: usize) -> bool {
    let page = address as u64 >> PAGE_BITS;
    let used = USED.load(Ordering::Acquire);
    EXTENTS.iter().take(used).any(|entry| {
        let extent = entry.load(Ordering::Acquire);
        let (first, pages) = (extent >> LEN_BITS, extent & ((1 << LEN_BITS) - 1));
        page.wrapping_sub(first) < pages
    })
}

/// An extent as one word.
fn pack(start: u64, len: u64) -> Option<u64> {
    let (first, pages) = (start >> PAGE_BITS, len >> PAGE_BITS);
    let whole = first << PAGE_BITS == start && pages << PAGE_BITS == len;
    let fits = first >> FIRST_BITS == 0 && pages >> LEN_BITS == 0 && pages != 0;
    (whole && fits).then_some(first << LEN_BITS | pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Addresses that no mapping of the test process has.
    const HERE: usize = 0x1000_0000;

    #[test]
    fn an_extent_is_known_while_it_is_registered() {
        let (start, end) = (HERE, HERE + 0x3000);
        assert!(!contains(start));
        let registration = Registration::new(start, end - start).expect("room");
        let other = Registration::new(end + 0x1000, 0x1000).expect("room");
        assert!(contains(start) && contains(end - 1));
        assert!(!contains(start - 1) && !contains(end));
        drop(registration);
        assert!(!contains(start) && contains(end + 0x1000));
        drop(other);
        assert!(!contains(end + 0x1000));
    }

    #[test]
    fn the_ends_of_what_can_be_registered() {
        for (start, len) in [
            (0x1001, 0x1000),
            (0x1000, 0),
            (0x1000, 0x10),
            (1 << 47, 0x1000),
        ] {
            assert!(
                Registration::new(start, len).is_none(),
                "{start:#x} {len:#x}"
            );
        }
        let last = Registration::new((1 << 47) - 0x1000, 0x1000).expect("room");
        assert!(contains((1 << 47) - 1) && !contains(1 << 47));
        drop(last);
    }
}
