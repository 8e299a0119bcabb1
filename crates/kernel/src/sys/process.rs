//! What is this thread's: the CPUs it may run on and its network namespace; and
//! the kernel's release.

use std::ffi::CStr;
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;

use abi::Errno;

use super::{answered, errno};

/// Keeps the thread on one CPU; the CPUs that it had before come back on drop.
#[derive(Debug)]
pub(crate) struct Affinity {
    before: libc::cpu_set_t,
}

impl Affinity {
    pub(crate) fn pin(cpu: u32) -> Result<Affinity, Errno> {
        let before = current()?;
        let mut only = empty();
        if cpu as usize >= libc::CPU_SETSIZE as usize {
            return Err(Errno::EINVAL);
        }
        // SAFETY: the CPU is inside the set.
        unsafe { libc::CPU_SET(cpu as usize, &mut only) };
        set(&only)?;
        Ok(Affinity { before })
    }
}

impl Drop for Affinity {
    fn drop(&mut self) {
        // A CPU set that was there before can be refused only when all of its
        // CPUs have been taken away meanwhile; the thread then stays.
        let _ = set(&self.before);
    }
}

fn empty() -> libc::cpu_set_t {
    // SAFETY: a bit set, of which all zeroes is the empty one.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

fn current() -> Result<libc::cpu_set_t, Errno> {
    let mut set = empty();
    // SAFETY: Linux writes at most the size given, that of `set`.
    let done = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) };
    answered(done.into())?;
    Ok(set)
}

fn set(cpus: &libc::cpu_set_t) -> Result<(), Errno> {
    // SAFETY: Linux reads the size given, that of `cpus`.
    let done = unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), cpus) };
    answered(done.into()).map(drop)
}

/// Keeps the thread in a network namespace of its own; the one that it was in
/// before comes back on drop, and with it nothing of the new one remains.
#[derive(Debug)]
pub(crate) struct Namespace {
    before: File,
}

impl Namespace {
    pub(crate) fn enter() -> Result<Namespace, Errno> {
        let before = File::open("/proc/thread-self/ns/net").map_err(|error| errno(&error))?;
        // SAFETY: concerns only which network this thread sees; descriptors and
        // memory stay as they are.
        let done = unsafe { libc::unshare(libc::CLONE_NEWNET) };
        answered(done.into())?;
        Ok(Namespace { before })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // SAFETY: as `unshare` above.
        let done = unsafe { libc::setns(self.before.as_raw_fd(), libc::CLONE_NEWNET) };
        debug_assert_eq!(done, 0);
    }
}

/// The kernel's release, such as `6.18.44`.
pub(crate) fn release() -> Option<String> {
    // SAFETY: a structure of byte arrays, of which all zeroes is a value.
    let mut names: libc::utsname = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: Linux writes one `utsname`.
    if unsafe { libc::uname(&mut names) } != 0 {
        return None;
    }
    let bytes = names.release.map(|c| c as u8);
    let text = CStr::from_bytes_until_nul(&bytes).ok()?;
    Some(text.to_string_lossy().into_owned())
}

/// Bytes of a page.
pub(crate) fn page_size() -> usize {
    // SAFETY: a question without addresses.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}
