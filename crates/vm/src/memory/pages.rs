//! What of the address space is there, and what of it programs may touch.
//!
//! For each granule one [`Window`]: the bytes that a program may read and write
//! without further questions. A program's access is one table look-up, a
//! subtraction and a comparison. In an array of elements nothing is without
//! questions, but the window says how to answer them.
#![expect(
    unsafe_code,
    reason = "reads and writes the memory of the address space"
)]

use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::reservation::Reservation;
use super::{Access, Addr, Elements, GRANULE, GRANULES};
use inject::Bug;

/// The part of a granule's region that programs may touch freely.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    /// First byte.
    pub(super) start: u32,
    /// Bytes that may be read.
    pub(super) read: u32,
    /// Bytes that may be written.
    pub(super) write: u32,
    /// Number of the region + 1; 0 for none.
    pub(super) region: u32,
    /// Bytes of an array that may be read and written by elements; 0 for none.
    pub(super) array: u32,
    /// Layout of the array.
    pub(super) elements: Elements,
}

/// Whether a granule can be touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// The host has it.
    Gone,
    /// It belongs to no region, and the host does not have it either.
    Kept,
    /// It is some region's.
    There,
}

/// Bytes of a region at most that are zeroed to keep its granule.
const KEPT_BYTES: u32 = 16 << 10;

/// A [`Window`] in the order of its fields.
type Words = [u32; 8];

/// Bytes of a [`Window`] in [`HostMemory::windows`]: eight words of 32 bits, of
/// which the first three are the window's first byte, and how many bytes from
/// there may be read and written.
pub const WINDOW_BYTES: usize = size_of::<Words>();

/// Where an address space lies in the host's memory, for compiled code.
#[derive(Clone, Copy, Debug)]
pub struct HostMemory {
    /// The host address of program address 0. Holds until a region is made or
    /// removed, and where `reserved` as long as the space lives.
    pub base: NonNull<u8>,
    /// Whether every 32-bit program address lies behind `base`, with a granule
    /// without access in front of the first and behind the last: an address cut
    /// to 32 bits then reaches nobody else's memory. Then [`ENGINE_BELOW`] bytes in
    /// front of `base` begins a granule for engines, of which nothing else in the
    /// process knows: whoever has the space to himself has that too.
    ///
    /// [`ENGINE_BELOW`]: super::ENGINE_BELOW
    pub reserved: bool,
    /// The windows, one for each granule, [`WINDOW_BYTES`] each; as long as the
    /// space lives.
    pub windows: NonNull<u8>,
}

/// The memory of an address space.
///
/// A region that is removed and another one that is made in its place take the host
/// no work as long as they are small and no engine has asked where the memory is: the
/// granule is zeroed and kept. An engine counts on the processor to refuse what no
/// region covers, so from then on everything is given back at once.
///
/// # Invariants
///
/// * `base` is what `host.base()` gave after the last change of `host`.
/// * Granule `g` of `host` is committed where `presence[g]` is not `Gone`, and all
///   zeroes where it is `Kept`.
/// * Nothing is `Kept` once `is_lent`, nor unless `any_kept`.
/// * Every byte of every window lies in a granule that is there.
#[derive(Debug)]
pub(super) struct Pages {
    base: NonNull<u8>,
    host: Reservation,
    presence: Box<[Presence; GRANULES]>,
    /// A granule may be kept: without one, none is looked for among tens of
    /// thousands.
    any_kept: bool,
    /// An engine knows where the memory is.
    is_lent: bool,
    /// As words, since a table of those is made without touching it.
    windows: Box<[Words; GRANULES]>,
}

// SAFETY: `base` points into `host`, which this value owns and which is `Send`.
unsafe impl Send for Pages {}
// SAFETY: `&Pages` only reads memory that is written through `&mut Pages`.
unsafe impl Sync for Pages {}

impl Window {
    fn words(self) -> Words {
        let Elements { stride, at, len } = self.elements;
        let Window {
            start,
            read,
            write,
            region,
            array,
            ..
        } = self;
        [start, read, write, region, array, stride, at, len]
    }

    #[inline(always)]
    fn from_words([start, read, write, region, array, stride, at, len]: Words) -> Window {
        Window {
            start,
            read,
            write,
            region,
            array,
            elements: Elements { stride, at, len },
        }
    }

    /// Whether `size` bytes at `addr` are inside of an element.
    #[inline(always)]
    fn is_in_element(&self, addr: u64, size: u32) -> bool {
        let offset = (addr as u32).wrapping_sub(self.start);
        let Elements { stride, at, len } = self.elements;
        if u64::from(offset) + u64::from(size) > u64::from(self.array) || stride == 0 {
            return false;
        }
        let inside = remainder(offset, stride).wrapping_sub(at);
        u64::from(inside) + u64::from(size) <= u64::from(len)
    }
}

/// `offset % stride`, without a division where that is easy.
#[inline(always)]
pub(super) fn remainder(offset: u32, stride: u32) -> u32 {
    if stride.is_power_of_two() {
        offset & (stride - 1)
    } else {
        offset % stride
    }
}

fn boxed<T>(table: Vec<T>) -> Box<[T; GRANULES]> {
    let table = table.into_boxed_slice().try_into().ok();
    table.expect("a table has an entry for each granule")
}

impl Pages {
    pub(super) fn new(mut host: Reservation) -> Pages {
        Pages {
            base: host.base(),
            host,
            presence: boxed(vec![Presence::Gone; GRANULES]),
            any_kept: false,
            is_lent: false,
            windows: boxed(vec![[0; 8]; GRANULES]),
        }
    }

    /// Makes `count` granules from `first` on readable and writable zeroes.
    /// `false` when the host has no memory.
    pub(super) fn commit(&mut self, first: usize, count: usize) -> bool {
        let granules = &mut self.presence[first..first + count];
        let is_kept = granules.iter().all(|p| *p == Presence::Kept);
        let done = is_kept || self.host.commit(first, count);
        if done {
            granules.fill(Presence::There);
        }
        self.base = self.host.base();
        done
    }

    pub(super) fn host(&mut self) -> HostMemory {
        if !self.is_lent {
            self.is_lent = true;
            if self.any_kept {
                self.give_back_kept();
            }
        }
        HostMemory {
            base: self.base,
            reserved: self.host.is_reserved(),
            windows: NonNull::from(&mut *self.windows).cast(),
        }
    }

    fn give_back_kept(&mut self) {
        for granule in 0..GRANULES {
            if self.presence[granule] == Presence::Kept {
                self.host.release(granule, 1);
                self.presence[granule] = Presence::Gone;
            }
        }
        self.base = self.host.base();
    }

    /// Gives granules back, of which the first `used` bytes may have been written;
    /// they have no window any more.
    pub(super) fn release(&mut self, first: usize, count: usize, used: u32) {
        self.windows[first..first + count].fill([0; 8]);
        let is_there = self.is_there(first, count);
        if is_there && !self.is_lent && used <= KEPT_BYTES.min(GRANULE) {
            if let Some(bytes) = self.bytes_mut(Addr(first as u32 * GRANULE), used) {
                bytes.fill(0);
            }
            self.presence[first..first + count].fill(Presence::Kept);
            self.any_kept = true;
            return;
        }
        if is_there {
            self.host.release(first, count);
        }
        self.presence[first..first + count].fill(Presence::Gone);
        self.base = self.host.base();
    }

    /// What programs may touch when they address granules from `first` on.
    ///
    /// Panics unless all of the window is committed.
    pub(super) fn set_window(&mut self, first: usize, count: usize, window: Window) {
        let len = window.read.max(window.write).max(window.array);
        assert!(self.is_committed(Addr(window.start), len));
        self.windows[first..first + count].fill(window.words());
    }

    /// The number of the region + 1 that an address belongs to, or 0.
    pub(super) fn region(&self, addr: u64) -> u32 {
        self.window(addr).map_or(0, |w| w.region)
    }

    /// The window that speaks for an address; `None` above 32 bits.
    #[inline(always)]
    fn window(&self, addr: u64) -> Option<Window> {
        let words = self.windows.get((addr / u64::from(GRANULE)) as usize)?;
        Some(Window::from_words(*words))
    }

    /// Whether an access to at least one byte is inside of a window. That it is not
    /// does not mean that it is not allowed.
    #[inline]
    pub(super) fn allows(&self, addr: u64, size: u32, access: Access) -> bool {
        let Some(window) = self.window(addr) else {
            return false;
        };
        let len = match access {
            Access::Read => window.read,
            Access::Write => window.write,
        };
        let at = (addr as u32).wrapping_sub(window.start);
        size != 0 && u64::from(at) + u64::from(size) <= u64::from(len)
    }

    #[inline]
    fn is_committed(&self, addr: Addr, len: u32) -> bool {
        let Some(last) = addr.0.checked_add(len.saturating_sub(1)) else {
            return false;
        };
        let first = (addr.0 / GRANULE) as usize;
        let last = (last / GRANULE) as usize;
        match first == last {
            true => len == 0 || self.presence[first] == Presence::There,
            false => self.is_there(first, last + 1 - first),
        }
    }

    fn is_there(&self, first: usize, count: usize) -> bool {
        let mut granules = self.presence[first..first + count].iter();
        granules.all(|p| *p == Presence::There)
    }

    /// A program's load from a window.
    #[inline(always)]
    pub(super) fn load<const N: usize>(&self, addr: u64) -> Option<[u8; N]> {
        let window = self.window(addr)?;
        let at = (addr as u32).wrapping_sub(window.start);
        let checked = if inject::on(Bug::RbpfFirstByte) { 1 } else { N };
        if u64::from(at) + checked as u64 > u64::from(window.read) {
            return None;
        }
        // SAFETY: `addr` is below 2^32, or there would be no window for it, and every committed byte lies at base + address.
        let from = unsafe { self.base.add(addr as usize) };
        // SAFETY: the bytes are in the window, so they are committed, and
        // nobody writes to them during `&self`. Any alignment will do for bytes.
        Some(unsafe { from.cast::<[u8; N]>().read() })
    }

    /// A program's store to a window. `None` when it is not inside of one.
    #[inline(always)]
    pub(super) fn store<const N: usize>(&mut self, addr: u64, value: [u8; N]) -> Option<()> {
        let window = self.window(addr)?;
        let at = (addr as u32).wrapping_sub(window.start);
        if u64::from(at) + N as u64 > u64::from(window.write) {
            return None;
        }
        // SAFETY: as in `load`.
        let to = unsafe { self.base.add(addr as usize) };
        // SAFETY: as in `load`, and `&mut self` is ours alone.
        unsafe { to.cast::<[u8; N]>().write(value) };
        Some(())
    }

    /// A program's load from an element of an array.
    #[inline(always)]
    pub(super) fn load_element<const N: usize>(&self, addr: u64) -> Option<[u8; N]> {
        if !self.window(addr)?.is_in_element(addr, N as u32) {
            return None;
        }
        // SAFETY: as in `load`.
        let from = unsafe { self.base.add(addr as usize) };
        // SAFETY: as in `load`; the array is part of the window.
        Some(unsafe { from.cast::<[u8; N]>().read() })
    }

    /// A program's store to an element of an array.
    #[inline(always)]
    pub(super) fn store_element<const N: usize>(
        &mut self,
        addr: u64,
        value: [u8; N],
    ) -> Option<()> {
        if !self.window(addr)?.is_in_element(addr, N as u32) {
            return None;
        }
        // SAFETY: as in `load`.
        let to = unsafe { self.base.add(addr as usize) };
        // SAFETY: as in `load_element`, and `&mut self` is ours alone.
        unsafe { to.cast::<[u8; N]>().write(value) };
        Some(())
    }

    /// Committed bytes.
    #[inline]
    pub(super) fn bytes(&self, addr: Addr, len: u32) -> Option<&[u8]> {
        if !self.is_committed(addr, len) {
            return None;
        }
        let from = self.host_address(addr, len);
        // SAFETY: committed, so initialised (with zeroes at first), and nobody
        // writes to it while `&self` is lent.
        Some(unsafe { slice::from_raw_parts(from.as_ptr(), len as usize) })
    }

    /// Committed bytes, to write.
    #[inline]
    pub(super) fn bytes_mut(&mut self, addr: Addr, len: u32) -> Option<&mut [u8]> {
        if !self.is_committed(addr, len) {
            return None;
        }
        let from = self.host_address(addr, len);
        // SAFETY: committed, so initialised, and lent to the holder of
        // `&mut self` alone.
        Some(unsafe { slice::from_raw_parts_mut(from.as_ptr(), len as usize) })
    }

    /// A committed word as an atomic, if its host address is aligned.
    pub(super) fn atomic32(&mut self, addr: Addr) -> Option<&AtomicU32> {
        let word = self.bytes_mut(addr, 4)?.as_mut_ptr().cast::<u32>();
        if !word.is_aligned() {
            return None;
        }
        // SAFETY: aligned, four bytes long, and lent by `&mut self`.
        Some(unsafe { AtomicU32::from_ptr(word) })
    }

    /// A committed double word as an atomic, if its host address is aligned.
    pub(super) fn atomic64(&mut self, addr: Addr) -> Option<&AtomicU64> {
        let word = self.bytes_mut(addr, 8)?.as_mut_ptr().cast::<u64>();
        if !word.is_aligned() {
            return None;
        }
        // SAFETY: aligned, eight bytes long, and lent by `&mut self`.
        Some(unsafe { AtomicU64::from_ptr(word) })
    }

    /// The host address of bytes that are committed. That of no bytes at all
    /// may be anywhere.
    #[inline]
    fn host_address(&self, addr: Addr, len: u32) -> NonNull<u8> {
        if len == 0 {
            return NonNull::dangling();
        }
        // SAFETY: the caller has seen that the byte at `addr` is committed, so
        // it lies in the memory that `base` points at.
        unsafe { self.base.add(addr.0 as usize) }
    }
}
