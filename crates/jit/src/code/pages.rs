//! The three types over `mmap(2)` and `mprotect(2)`.
#![expect(unsafe_code, reason = "maps host memory for code")]

use std::io;
use std::ptr::{self, NonNull};
use std::slice;

use libc::{PROT_EXEC, PROT_NONE, PROT_READ, PROT_WRITE};

use crate::Error;

/// What the processor protects as one.
const PAGE: usize = 4096;
/// Bytes without access in front and behind.
const GUARD: usize = PAGE;
/// The code that traps, one byte long.
const INT3: u8 = 0xcc;

/// A mapping of `GUARD + len + GUARD` bytes that this value owns, of which the
/// guards have no access.
#[derive(Debug)]
struct Mapping {
    /// The first byte behind the guard in front.
    start: NonNull<u8>,
    /// Bytes between the guards, a multiple of [`PAGE`].
    len: usize,
}

// SAFETY: the mapping belongs to this value and to no thread.
unsafe impl Send for Mapping {}
// SAFETY: `&Mapping` is only used to read bytes that nobody writes then: writing
// takes `&mut Writable`.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(len: usize) -> Result<Mapping, Error> {
        let refused = |source| Error::Memory { bytes: len, source };
        let too_long = || refused(io::ErrorKind::OutOfMemory.into());
        let rounded = len.max(1).checked_next_multiple_of(PAGE);
        let rounded = rounded.ok_or_else(too_long)?;
        let whole = rounded.checked_add(2 * GUARD).ok_or_else(too_long)?;
        // SAFETY: a new mapping at an address of the kernel's choice touches no
        // memory that exists.
        let at = unsafe {
            libc::mmap(
                ptr::null_mut(),
                whole,
                PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        let at = Some(at).filter(|at| *at != libc::MAP_FAILED);
        let Some(at) = at.and_then(|at| NonNull::new(at.cast::<u8>())) else {
            return Err(refused(io::Error::last_os_error()));
        };
        Ok(Mapping {
            // SAFETY: the mapping is longer than the guard.
            start: unsafe { at.add(GUARD) },
            len: rounded,
        })
    }

    /// A mapping that may be written, new or used before.
    fn writable(len: usize) -> Result<Mapping, Error> {
        let used = len.max(1).checked_next_multiple_of(PAGE);
        if let Some(mapping) = used.and_then(spare::take) {
            return Ok(mapping);
        }
        let mut mapping = Mapping::new(len)?;
        mapping.protect(PROT_READ | PROT_WRITE)?;
        mapping.populate()?;
        Ok(mapping)
    }

    /// Sets what may be done with the bytes between the guards.
    fn protect(&mut self, access: i32) -> Result<(), Error> {
        // SAFETY: the extent lies in this mapping. `&mut self` says that nobody
        // holds a reference to its bytes, and none of the three types lets code
        // run before the last change.
        let done = unsafe { libc::mprotect(self.start.as_ptr().cast(), self.len, access) };
        if done == 0 {
            return Ok(());
        }
        Err(Error::Memory {
            bytes: self.len,
            source: io::Error::last_os_error(),
        })
    }

    /// Has the kernel find all pages at once, which takes it half the time of
    /// finding them one by one, and fails here where there are none. They must be
    /// writable.
    fn populate(&mut self) -> Result<(), Error> {
        let advice = libc::MADV_POPULATE_WRITE;
        // SAFETY: the extent lies in this mapping; its bytes stay as they are.
        let done = unsafe { libc::madvise(self.start.as_ptr().cast(), self.len, advice) };
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::ENOMEM | libc::EFAULT) if done != 0 => Err(Error::Memory {
                bytes: self.len,
                source: error,
            }),
            // Where this is not known, as in Linux before 5.14, pages are found when
            // they are used.
            _ => Ok(()),
        }
    }

    /// The bytes between the guards; they must be readable.
    fn bytes(&self) -> &[u8] {
        // SAFETY: mapped, initialised (with zeroes at first), and only written
        // through `&mut Writable`.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if spare::keeps(self.len) && self.protect(PROT_READ | PROT_WRITE).is_ok() {
            let (start, len) = (self.start, self.len);
            let Err(()) = spare::put(Mapping { start, len }) else {
                return;
            };
        }
        // SAFETY: `new` put the guard in front of `start`.
        let at = unsafe { self.start.sub(GUARD) };
        // SAFETY: exactly what `new` mapped. Nobody can hold a reference into it
        // any more, and code runs only while the `Executable` is borrowed.
        let done = unsafe { libc::munmap(at.as_ptr().cast(), GUARD + self.len + GUARD) };
        debug_assert_eq!(done, 0);
    }
}

/// Mappings that nobody uses any more, writable, for the next code of their size:
/// what the kernel does to make one takes longer than to compile a small program.
mod spare {
    use std::mem::ManuallyDrop;
    use std::sync::{Mutex, PoisonError};

    use super::{Mapping, PAGE};

    /// As many are kept.
    const COUNT: usize = 32;
    /// Larger ones are given back.
    const LARGEST: usize = 16 * PAGE;

    static SPARE: Mutex<Vec<ManuallyDrop<Mapping>>> = Mutex::new(Vec::new());

    pub(super) fn keeps(len: usize) -> bool {
        len <= LARGEST
    }

    /// Keeps a mapping, unless there are enough.
    pub(super) fn put(mapping: Mapping) -> Result<(), ()> {
        let mapping = ManuallyDrop::new(mapping);
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() >= COUNT {
            return Err(());
        }
        spare.push(mapping);
        Ok(())
    }

    /// A mapping with room for exactly so many bytes.
    pub(super) fn take(len: usize) -> Option<Mapping> {
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        let at = spare.iter().rposition(|mapping| mapping.len == len)?;
        Some(ManuallyDrop::into_inner(spare.swap_remove(at)))
    }
}

/// Memory that will be code.
#[derive(Debug)]
pub(crate) struct Writable(Mapping);

/// Code that nobody changes any more.
#[derive(Debug)]
pub(crate) struct Sealed(Mapping);

/// Code that runs.
#[derive(Debug)]
pub(crate) struct Executable(Mapping);

impl Writable {
    /// Whole pages that begin with this code, and go on with `int3`.
    pub(crate) fn new(code: &[u8]) -> Result<Writable, Error> {
        let mapping = Mapping::writable(code.len())?;
        let mut writable = Writable(mapping);
        let (front, rest) = writable.bytes_mut().split_at_mut(code.len());
        front.copy_from_slice(code);
        rest.fill(INT3);
        Ok(writable)
    }

    /// Its bytes.
    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: mapped readable and writable, initialised, and lent to the
        // holder of `&mut self` alone.
        unsafe { slice::from_raw_parts_mut(self.0.start.as_ptr(), self.0.len) }
    }

    /// Ends writing.
    pub(crate) fn seal(mut self) -> Result<Sealed, Error> {
        self.0.protect(PROT_READ)?;
        Ok(Sealed(self.0))
    }
}

impl Sealed {
    /// Its bytes.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    /// Lets it run.
    pub(crate) fn execute(mut self) -> Result<Executable, Error> {
        self.0.protect(PROT_READ | PROT_EXEC)?;
        Ok(Executable(self.0))
    }
}

impl Executable {
    /// Its bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    /// The host address of its first byte.
    pub(crate) fn start(&self) -> usize {
        self.0.start.as_ptr() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_stays() {
        let writable = Writable::new(&[[1, 2, 3]; 1500].concat()).expect("memory");
        let sealed = writable.seal().expect("protection");
        assert_eq!(sealed.bytes()[4497..4501], [1, 2, 3, INT3]);
        let code = sealed.execute().expect("protection");
        assert_eq!(code.bytes().len(), 2 * PAGE);
        assert_eq!(code.start() % PAGE, 0);
        assert!(code.bytes()[4500..].iter().all(|byte| *byte == INT3));
    }

    /// What the kernel says may be done at an address.
    fn rights(address: *const u8) -> String {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("a process has maps");
        let line = maps.lines().find_map(|line| {
            let (extent, rest) = line.split_once(' ')?;
            let (start, end) = extent.split_once('-')?;
            let start = usize::from_str_radix(start, 16).ok()?;
            let end = usize::from_str_radix(end, 16).ok()?;
            (start..end).contains(&(address as usize)).then_some(rest)
        });
        line.and_then(|rest| rest.get(..4))
            .unwrap_or("none")
            .to_owned()
    }

    #[test]
    fn each_type_has_its_rights() {
        let writable = Writable::new(&[INT3]).expect("memory");
        let at = writable.0.bytes().as_ptr();
        assert_eq!(rights(at), "rw-p");
        let sealed = writable.seal().expect("protection");
        assert_eq!(rights(at), "r--p");
        let code = sealed.execute().expect("protection");
        assert_eq!(rights(at), "r-xp");
        assert_eq!(rights(at.wrapping_sub(1)), "---p");
        assert_eq!(rights(at.wrapping_add(code.bytes().len())), "---p");
    }

    #[test]
    fn memory_that_is_used_again_shows_nothing_of_before() {
        // A size that no other test asks for.
        let len = 13 * PAGE;
        let first = Writable::new(&vec![1; len]).expect("memory");
        let first = first.seal().and_then(Sealed::execute).expect("protection");
        let at = first.start();
        drop(first);
        assert_eq!(rights(at as *const u8), "rw-p");
        let again = Writable::new(&vec![2; len - PAGE + 1]).expect("memory");
        assert_eq!(again.0.start.as_ptr() as usize, at);
        assert_eq!(again.0.bytes()[len - PAGE..][..2], [2, INT3]);
        assert_eq!(again.0.bytes()[len - 1], INT3);
        drop(again);
    }

    #[test]
    fn there_is_a_page_for_no_code() {
        let code = Writable::new(&[]).expect("memory");
        assert_eq!(code.0.bytes(), [INT3; PAGE]);
    }

    #[test]
    fn more_than_there_is_is_an_error() {
        for len in [usize::MAX, usize::MAX / 2, 1 << 60] {
            let error = Mapping::new(len).expect_err("no host has that much");
            assert!(matches!(error, Error::Memory { .. }), "{error}");
        }
    }
}
