//! Reading memory that may not be there.
//!
//! All memory of a machine is the kernel's, except what stands for a process's
//! (`RegionKind::Platform`). What cannot be read leaves zeroes and is an error:
//! ERANGE for `_kernel` reads at addresses that would be a process's, EFAULT
//! otherwise, as on Linux 6.18.

use abi::Errno;

use super::call::{Answer, Call, Mem};
use super::format::{readable, user_readable};
use crate::memory::{GRANULE, Space};

/// Addresses of processes are below this one.
const USER_END: u64 = 0x7fff_ffff_f000;

/// `long bpf_probe_read_kernel(void *dst, u32 size, const void *addr)`
pub(super) fn read_kernel(call: &mut Call<'_>) -> Answer {
    read(call, |space, addr, len| {
        let bytes = kernel(space, addr)?;
        bytes.get(..len).ok_or(Errno::EFAULT)
    })
}

/// `long bpf_probe_read_user(void *dst, u32 size, const void *addr)`
pub(super) fn read_user(call: &mut Call<'_>) -> Answer {
    read(call, |space, addr, len| {
        match user_readable(space, addr).get(..len) {
            Some(bytes) if len > 0 || readable(space, addr).is_empty() => Ok(bytes),
            _ => Err(Errno::EFAULT),
        }
    })
}

/// `long bpf_probe_read(void *dst, u32 size, const void *addr)`: from either.
pub(super) fn read_any(call: &mut Call<'_>) -> Answer {
    read(call, |space, addr, len| {
        readable(space, addr).get(..len).ok_or(Errno::EFAULT)
    })
}

/// `long bpf_probe_read_kernel_str(void *dst, u32 size, const void *addr)`: the
/// length with the closing NUL, which is always there.
pub(super) fn read_kernel_str(call: &mut Call<'_>) -> Answer {
    read_str(call, kernel)
}

/// `long bpf_probe_read_user_str(void *dst, u32 size, const void *addr)`
pub(super) fn read_user_str(call: &mut Call<'_>) -> Answer {
    read_str(call, |space, addr| Ok(user_readable(space, addr)))
}

/// `long bpf_probe_read_str(void *dst, u32 size, const void *addr)`: from either.
pub(super) fn read_any_str(call: &mut Call<'_>) -> Answer {
    read_str(call, |space, addr| Ok(readable(space, addr)))
}

/// The kernel memory at an address. Reads at addresses of processes fail before
/// anything is read.
fn kernel(space: &Space, addr: u64) -> Result<&[u8], Errno> {
    let is_machine = (u64::from(GRANULE)..1 << 32).contains(&addr);
    if addr < USER_END && !is_machine {
        return Err(Errno::ERANGE);
    }
    Ok(readable(space, addr))
}

type Source = for<'s> fn(&'s Space, u64, usize) -> Result<&'s [u8], Errno>;
type StringSource = for<'s> fn(&'s Space, u64) -> Result<&'s [u8], Errno>;

fn read(call: &mut Call<'_>, source: Source) -> Answer {
    let size = call.size(2)?;
    let to = call.writable(1, size)?;
    let machine = &mut *call.machine;
    let bytes = source(&machine.space, call.args[2], size as usize);
    machine.scratch.clear();
    let ret = match bytes {
        Ok(bytes) => {
            machine.scratch.extend_from_slice(bytes);
            0
        }
        Err(errno) => errno.to_ret(),
    };
    store(to, &machine.scratch, &mut machine.space, ret == 0);
    Ok(ret)
}

fn read_str(call: &mut Call<'_>, source: StringSource) -> Answer {
    let size = call.size(2)?;
    let to = call.writable(1, size)?;
    let machine = &mut *call.machine;
    if size == 0 {
        return Ok(0);
    }
    let text = source(&machine.space, call.args[2]).and_then(|bytes| {
        let bytes = &bytes[..bytes.len().min(size as usize)];
        match bytes.iter().position(|b| *b == 0) {
            Some(len) => Ok(&bytes[..len]),
            None if bytes.len() == size as usize => Ok(&bytes[..bytes.len() - 1]),
            None => Err(Errno::EFAULT),
        }
    });
    machine.scratch.clear();
    let ret = match text {
        Ok(text) => {
            machine.scratch.extend_from_slice(text);
            machine.scratch.push(0);
            machine.scratch.len() as u64
        }
        Err(errno) => errno.to_ret(),
    };
    store(to, &machine.scratch, &mut machine.space, text_was_read(ret));
    Ok(ret)
}

/// Whether `ret` is a length.
fn text_was_read(ret: u64) -> bool {
    ret as i64 > 0
}

/// Writes what was read, or zeroes where nothing was.
fn store(to: Mem, bytes: &[u8], space: &mut Space, read: bool) {
    let to = to.bytes_mut(space);
    match to.get_mut(..bytes.len()) {
        Some(to) if read => to.copy_from_slice(bytes),
        _ => to.fill(0),
    }
}
