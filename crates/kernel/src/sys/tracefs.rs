//! tracefs without a mount point: an instance of the file system that only its
//! descriptor leads to, and that is gone when the file opened in it is closed.

use std::ffi::CStr;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

use abi::Errno;

use super::answered;

/// `FSOPEN_CLOEXEC`, `FSMOUNT_CLOEXEC`.
const CLOEXEC: u32 = 1;
/// `FSCONFIG_CMD_CREATE`.
const CREATE: u32 = 6;
/// `MOUNT_ATTR_RDONLY`.
const READ_ONLY: u32 = 1;

/// Opens `trace_pipe` for reading without blocking.
pub(crate) fn open_trace_pipe() -> Result<File, Errno> {
    let kind = c"tracefs".as_ptr();
    // SAFETY: `kind` is a string that ends with NUL.
    let context = owned(unsafe { libc::syscall(libc::SYS_fsopen, kind, CLOEXEC) })?;
    let (fd, none) = (context.as_raw_fd(), ptr::null::<u8>());
    // SAFETY: this command takes no key and no value.
    let made = unsafe { libc::syscall(libc::SYS_fsconfig, fd, CREATE, none, none, 0) };
    answered(made)?;
    // SAFETY: no addresses.
    let mount = owned(unsafe { libc::syscall(libc::SYS_fsmount, fd, CLOEXEC, READ_ONLY) })?;
    let name: &CStr = c"trace_pipe";
    let flags = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_CLOEXEC;
    // SAFETY: `name` ends with NUL.
    let file = unsafe { libc::openat(mount.as_raw_fd(), name.as_ptr(), flags) };
    owned(file.into()).map(File::from)
}

/// The descriptor that a system call has just made.
fn owned(answer: libc::c_long) -> Result<OwnedFd, Errno> {
    let fd = answered(answer)?;
    // SAFETY: Linux has just made this descriptor and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
