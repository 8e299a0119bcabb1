//! The system calls, each behind a safe function: bpf(2), perf_event_open(2),
//! mmap(2), sched_setaffinity(2), unshare(2). The only unsafe code of the crate.
//!
//! What makes them safe: addresses given to bpf(2) are taken from slices in the
//! very function that calls it, and every length that Linux is not told, because
//! it takes it from the map, is held against the map's sizes first. Memory shared
//! with Linux is read and written by atomics alone.
#![expect(unsafe_code, reason = "system calls")]

mod attr;
mod mapping;
mod maps;
mod perf;
mod process;
mod programs;
mod tracefs;

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use abi::Errno;

pub(crate) use attr::{MapInfo, ProgInfo};
pub(crate) use mapping::Mapping;
pub(crate) use maps::{MapFd, MapSpec};
pub(crate) use perf::open_output;
pub(crate) use process::{Affinity, Namespace, page_size, release};
pub(crate) use programs::{ProgFd, ProgInfoRoom, Runs, Spec, load_btf};
pub(crate) use tracefs::open_tracefs;

/// The commands of bpf(2) that are used (`enum bpf_cmd`).
#[derive(Clone, Copy)]
enum Command {
    MapCreate = 0,
    MapLookup = 1,
    MapUpdate = 2,
    MapDelete = 3,
    MapNextKey = 4,
    ProgLoad = 5,
    ProgTestRun = 10,
    ObjInfo = 15,
    BtfLoad = 18,
    MapTake = 21,
    MapFreeze = 22,
}

/// Issues a command.
///
/// # Safety
///
/// `attr` is the structure of this command, of plain integers without padding.
/// Each address in it is 0 or one of memory that is valid for as many bytes as
/// the command reads there, and exclusively the caller's where it writes.
unsafe fn bpf<T>(command: Command, attr: &mut T) -> Result<i32, Errno> {
    let (at, size) = (std::ptr::from_mut(attr), size_of::<T>());
    // SAFETY: `at` is valid for `size` bytes, initialised and writable; the
    // addresses inside are as the caller promises.
    let answer = unsafe { libc::syscall(libc::SYS_bpf, command as i32, at, size as u32) };
    answered(answer)
}

/// As [`bpf`], for commands that answer with a new descriptor.
///
/// # Safety
///
/// As [`bpf`].
unsafe fn bpf_fd<T>(command: Command, attr: &mut T) -> Result<OwnedFd, Errno> {
    // SAFETY: the caller's promise is the same.
    let fd = unsafe { bpf(command, attr) }?;
    // SAFETY: Linux has just made this descriptor and nobody else knows it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    not_standard(fd)
}

/// Descriptor 0 stands for "none" in many fields, and a process may have been
/// started with its standard descriptors closed.
fn not_standard(fd: OwnedFd) -> Result<OwnedFd, Errno> {
    match fd.as_raw_fd() {
        0..=2 => fd.try_clone().map_err(|error| errno(&error)),
        _ => Ok(fd),
    }
}

/// The answer of a system call that gives -1 for an error.
fn answered(answer: libc::c_long) -> Result<i32, Errno> {
    match answer {
        -1 => Err(errno(&std::io::Error::last_os_error())),
        value => Ok(value as i32),
    }
}

/// The number of an operating system error.
pub(crate) fn errno(error: &std::io::Error) -> Errno {
    Errno(error.raw_os_error().unwrap_or(libc::EIO) as u16)
}

/// The address of a slice, 0 of an empty one.
fn address<T>(slice: &[T]) -> u64 {
    match slice {
        [] => 0,
        _ => slice.as_ptr().expose_provenance() as u64,
    }
}

/// The address of a slice to be written, 0 of an empty one.
fn address_mut<T>(slice: &mut [T]) -> u64 {
    match slice {
        [] => 0,
        _ => slice.as_mut_ptr().expose_provenance() as u64,
    }
}

fn number(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd() as u32
}
