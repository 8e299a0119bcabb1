//! The host memory behind a space.
//!
//! On 64-bit Unix it is one mapping of 4 GiB without access, with a guard in
//! front and behind, of which granules are committed as regions are made. So a
//! host address is base + program address, for any 32-bit program address, and
//! one that no region covers is a fault of the processor and never somebody
//! else's memory: what compiled code stands on. In front of the guard lies memory
//! for the engine, which compiled code finds by the same base.
//!
//! Elsewhere, and where the host grants no such mapping, it is a buffer that
//! grows. The checks above are the same, so that no program can tell.

use std::ptr::NonNull;

use super::{GRANULE, GRANULES};

/// Host memory for a whole address space.
#[derive(Debug)]
pub(super) enum Reservation {
    /// One mapping of everything.
    #[cfg(all(unix, target_pointer_width = "64"))]
    Mapped(mapped::Mapping),
    /// As much as was ever committed.
    Buffer(Vec<u8>),
}

impl Reservation {
    /// A reservation of the best kind that the host grants.
    pub(super) fn new() -> Reservation {
        #[cfg(all(unix, target_pointer_width = "64", not(miri)))]
        if let Some(mapping) = mapped::Mapping::new() {
            return Reservation::Mapped(mapping);
        }
        Reservation::buffer()
    }

    /// A reservation that is a growing buffer.
    pub(super) fn buffer() -> Reservation {
        Reservation::Buffer(Vec::new())
    }

    /// The host address of program address 0.
    ///
    /// What lies there may be touched where [`Reservation::commit`] was called
    /// and [`Reservation::release`] was not since. The address holds until the
    /// next `commit`.
    pub(super) fn base(&mut self) -> NonNull<u8> {
        match self {
            #[cfg(all(unix, target_pointer_width = "64"))]
            Reservation::Mapped(mapping) => mapping.base(),
            Reservation::Buffer(bytes) => {
                NonNull::new(bytes.as_mut_ptr()).unwrap_or(NonNull::dangling())
            }
        }
    }

    /// Whether it is one mapping of everything.
    pub(super) fn is_reserved(&self) -> bool {
        !matches!(self, Reservation::Buffer(_))
    }

    /// Makes `count` granules from `first` on readable and writable zeroes.
    /// `false` when the host has no memory.
    pub(super) fn commit(&mut self, first: usize, count: usize) -> bool {
        assert!(first <= GRANULES && count <= GRANULES - first);
        match self {
            #[cfg(all(unix, target_pointer_width = "64"))]
            Reservation::Mapped(mapping) => mapping.commit(first, count),
            Reservation::Buffer(bytes) => {
                let granule = GRANULE as usize;
                // The whole space is more than a 32-bit host can count.
                let Some(end) = (first + count).checked_mul(granule) else {
                    return false;
                };
                let start = first * granule;
                let missing = end.saturating_sub(bytes.len());
                if bytes.try_reserve(missing).is_err() {
                    return false;
                }
                let old = bytes.len().min(end);
                if start < old {
                    bytes[start..old].fill(0);
                }
                bytes.resize(bytes.len().max(end), 0);
                true
            }
        }
    }

    /// Gives granules back to the host; nobody may touch them any more.
    pub(super) fn release(&mut self, first: usize, count: usize) {
        assert!(first <= GRANULES && count <= GRANULES - first);
        match self {
            #[cfg(all(unix, target_pointer_width = "64"))]
            Reservation::Mapped(mapping) => mapping.release(first, count),
            Reservation::Buffer(_) => {}
        }
    }
}

#[cfg(all(unix, target_pointer_width = "64"))]
#[expect(unsafe_code, reason = "maps host memory for the address space")]
mod mapped {
    use std::ffi::c_void;
    use std::ptr::{self, NonNull};

    use rustix::mm::{self, MapFlags, MprotectFlags, ProtFlags};

    use super::super::{ENGINE_BELOW, GRANULE, GRANULES};

    const GRANULE_BYTES: usize = GRANULE as usize;
    /// Bytes for the engine.
    const ENGINE: usize = ENGINE_BELOW - GUARD;
    /// Inaccessible bytes in front and behind.
    const GUARD: usize = GRANULE_BYTES;
    const SPACE: usize = GRANULES * GRANULE_BYTES;
    const WHOLE: usize = ENGINE + GUARD + SPACE + GUARD;

    /// A mapping of the engine's memory, a guard, the space and another guard that
    /// this value owns.
    #[derive(Debug)]
    pub(in super::super) struct Mapping(NonNull<u8>);

    // SAFETY: the mapping belongs to this value alone and to no thread.
    unsafe impl Send for Mapping {}
    // SAFETY: `&Mapping` gives no access to the mapped bytes.
    unsafe impl Sync for Mapping {}

    #[cfg(any(target_os = "linux", target_os = "android", target_os = "macos"))]
    const UNCOMMITTED: MapFlags = MapFlags::PRIVATE.union(MapFlags::NORESERVE);
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos")))]
    const UNCOMMITTED: MapFlags = MapFlags::PRIVATE;

    impl Mapping {
        pub(super) fn new() -> Option<Mapping> {
            // SAFETY: a new mapping at an address of the host's choice touches
            // no memory that exists.
            let at = unsafe {
                mm::mmap_anonymous(ptr::null_mut(), WHOLE, ProtFlags::empty(), UNCOMMITTED)
            };
            let mapping = NonNull::new(at.ok()?.cast()).map(Mapping)?;
            let rights = MprotectFlags::READ | MprotectFlags::WRITE;
            // SAFETY: the start of this mapping, which nobody else knows yet.
            let done = unsafe { mm::mprotect(mapping.0.as_ptr().cast(), ENGINE, rights) };
            done.is_ok().then_some(mapping)
        }

        pub(super) fn base(&self) -> NonNull<u8> {
            // SAFETY: the mapping is longer than that.
            unsafe { self.0.add(ENGINE_BELOW) }
        }

        /// Start and length of granules; the caller has checked that they are
        /// in the space.
        fn extent(&self, first: usize, count: usize) -> (*mut c_void, usize) {
            assert!(first <= GRANULES && count <= GRANULES - first);
            // SAFETY: `first` is at most GRANULES, so this is inside the
            // mapping or the start of the guard behind.
            let at = unsafe { self.base().add(first * GRANULE_BYTES) };
            (at.as_ptr().cast(), count * GRANULE_BYTES)
        }

        pub(super) fn commit(&mut self, first: usize, count: usize) -> bool {
            let (at, len) = self.extent(first, count);
            // SAFETY: the extent lies in this mapping, and `&mut self` says
            // that nobody holds a reference into it.
            let done = unsafe { mm::mprotect(at, len, MprotectFlags::READ | MprotectFlags::WRITE) };
            done.is_ok()
        }

        /// Maps fresh pages over the extent, since that gives the old ones back
        /// and reads as zeroes when committed again, on every Unix. Where the
        /// host can split no more mappings, the pages stay and are zeroed.
        ///
        /// The extent must be committed.
        pub(super) fn release(&mut self, first: usize, count: usize) {
            let (at, len) = self.extent(first, count);
            let flags = UNCOMMITTED | MapFlags::FIXED;
            // SAFETY: the extent lies in this mapping, and `&mut self` says
            // that nobody holds a reference into it.
            let done = unsafe { mm::mmap_anonymous(at, len, ProtFlags::empty(), flags) };
            if done.is_err() {
                // SAFETY: as above, and the extent is committed.
                unsafe { ptr::write_bytes(at.cast::<u8>(), 0, len) };
            }
        }
    }

    impl Drop for Mapping {
        fn drop(&mut self) {
            // SAFETY: exactly what `new` mapped, and nobody can hold a
            // reference into it any more.
            let done = unsafe { mm::munmap(self.0.as_ptr().cast(), WHOLE) };
            debug_assert!(done.is_ok());
        }
    }
}
