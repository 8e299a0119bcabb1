//! The perf event that BPF programs write to.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use abi::Errno;

use super::answered;
use super::attr::PerfEvent;

/// `PERF_TYPE_SOFTWARE`.
const SOFTWARE: u32 = 1;
/// `PERF_COUNT_SW_BPF_OUTPUT`.
const BPF_OUTPUT: u64 = 10;
/// `PERF_SAMPLE_RAW`.
const SAMPLE_RAW: u64 = 1 << 10;
/// `PERF_FLAG_FD_CLOEXEC`.
const CLOEXEC: libc::c_ulong = 1 << 3;
/// `PERF_EVENT_IOC_ENABLE`.
const ENABLE: libc::c_ulong = 0x2400;

/// The event of programs' output on one CPU, of all processes, enabled.
pub(crate) fn open_output(cpu: u32) -> Result<OwnedFd, Errno> {
    let mut attr = PerfEvent {
        event_type: SOFTWARE,
        size: size_of::<PerfEvent>() as u32,
        config: BPF_OUTPUT,
        sample_period: 1,
        sample_type: SAMPLE_RAW,
        wakeup_events: 1,
        ..PerfEvent::default()
    };
    let (at, every, none) = (std::ptr::from_mut(&mut attr), -1, -1);
    // SAFETY: `at` is a whole `perf_event_attr` whose size stands in it, without
    // addresses inside.
    let fd = unsafe { libc::syscall(libc::SYS_perf_event_open, at, every, cpu, none, CLOEXEC) };
    let fd = answered(fd)?;
    // SAFETY: Linux has just made this descriptor and nobody else knows it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: the command takes no address.
    let done = unsafe { libc::ioctl(fd.as_raw_fd(), ENABLE as _, 0) };
    answered(done.into())?;
    Ok(fd)
}
