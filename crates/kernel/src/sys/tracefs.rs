//! tracefs without a mount point: a mount that only its descriptor leads to and
//! that is gone when the descriptor is closed.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

use abi::Errno;

use super::answered;

/// `FSOPEN_CLOEXEC`, `FSMOUNT_CLOEXEC`.
const CLOEXEC: u32 = 1;
/// `FSCONFIG_CMD_CREATE`.
const CREATE: u32 = 6;

/// The root of tracefs.
pub(crate) fn open_tracefs() -> Result<OwnedFd, Errno> {
    let kind = c"tracefs".as_ptr();
    // SAFETY: `kind` is a string that ends with NUL.
    let context = owned(unsafe { libc::syscall(libc::SYS_fsopen, kind, CLOEXEC) })?;
    let (fd, none) = (context.as_raw_fd(), ptr::null::<u8>());
    // SAFETY: this command takes no key and no value.
    let made = unsafe { libc::syscall(libc::SYS_fsconfig, fd, CREATE, none, none, 0) };
    answered(made)?;
    // SAFETY: no addresses.
    owned(unsafe { libc::syscall(libc::SYS_fsmount, fd, CLOEXEC, 0) })
}

/// The descriptor that a system call has just made.
fn owned(answer: libc::c_long) -> Result<OwnedFd, Errno> {
    let fd = answered(answer)?;
    // SAFETY: Linux has just made this descriptor and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
