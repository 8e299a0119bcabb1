//! Dynptrs: pointers that know their length, in 16 bytes of the program's stack.
//!
//! Linux keeps programs from looking inside; here what is inside is checked like
//! any address whenever it is used.

use abi::Errno;

use super::call::{Answer, Call, Mem, Stop, pointer};
use super::ringbuf;
use crate::memory::{Access, Addr};

/// Bytes of a dynptr.
const BYTES: u32 = 16;
/// Longest memory that one may stand for.
const MAX_SIZE: u32 = (1 << 24) - 1;

/// Memory that a dynptr stands for; nothing when `addr` is 0.
#[derive(Clone, Copy, Debug, Default)]
struct Dynptr {
    addr: u64,
    size: u32,
}

impl Dynptr {
    fn load(call: &Call<'_>, n: usize) -> Result<Dynptr, Stop> {
        let addr = call.machine.space.load(call.arg(n))?;
        let size = call.machine.space.load(call.arg(n).wrapping_add(8))?;
        Ok(Dynptr {
            addr: u64::from_le_bytes(addr),
            size: u32::from_le_bytes(size),
        })
    }

    fn store(self, call: &mut Call<'_>, n: usize) -> Result<(), Stop> {
        let to = call.writable(n, BYTES)?;
        let to = to.bytes_mut(&mut call.machine.space);
        to.fill(0);
        to[..8].copy_from_slice(&self.addr.to_le_bytes());
        to[8..12].copy_from_slice(&self.size.to_le_bytes());
        Ok(())
    }

    /// The memory from `offset` on; E2BIG when there is less than `len`.
    fn part(self, call: &Call<'_>, offset: u64, len: u32) -> Result<Result<Mem, Errno>, Stop> {
        let end = offset.checked_add(len.into());
        if end.is_none_or(|end| end > self.size.into()) {
            return Ok(Err(Errno::E2BIG));
        }
        let addr = match len {
            0 => Addr::NULL,
            _ => {
                let start = self.addr.wrapping_add(offset);
                call.machine.space.check(start, len, Access::Write)?
            }
        };
        Ok(Ok(Mem { addr, len }))
    }
}

/// `long bpf_dynptr_from_mem(void *data, u32 size, u64 flags, ptr)`
pub(super) fn from_mem(call: &mut Call<'_>) -> Answer {
    let size = call.size(2)?;
    let memory = call.writable(1, size)?;
    let (ret, dynptr) = if size > MAX_SIZE {
        (Errno::E2BIG.to_ret(), Dynptr::default())
    } else if call.arg(3) != 0 {
        (Errno::EINVAL.to_ret(), Dynptr::default())
    } else {
        let addr = memory.addr.to_reg().max(1);
        (0, Dynptr { addr, size })
    };
    dynptr.store(call, 4)?;
    Ok(ret)
}

/// `long bpf_ringbuf_reserve_dynptr(map, u32 size, u64 flags, ptr)`
pub(super) fn ringbuf_reserve(call: &mut Call<'_>) -> Answer {
    let size = call.arg32(2);
    let (ret, dynptr) = if call.arg(3) != 0 {
        (Errno::EINVAL.to_ret(), Dynptr::default())
    } else if size > MAX_SIZE {
        (Errno::E2BIG.to_ret(), Dynptr::default())
    } else {
        match ringbuf::reserve(call)? {
            0 => (Errno::EINVAL.to_ret(), Dynptr::default()),
            addr => (0, Dynptr { addr, size }),
        }
    };
    dynptr.store(call, 4)?;
    Ok(ret)
}

/// `void bpf_ringbuf_submit_dynptr(ptr, u64 flags)`
pub(super) fn ringbuf_submit(call: &mut Call<'_>) -> Answer {
    finish(call, ringbuf::submit)
}

/// `void bpf_ringbuf_discard_dynptr(ptr, u64 flags)`
pub(super) fn ringbuf_discard(call: &mut Call<'_>) -> Answer {
    finish(call, ringbuf::discard)
}

/// Ends the record of a dynptr, if there is one, and empties the dynptr.
fn finish(call: &mut Call<'_>, how: super::HelperFn) -> Answer {
    let record = Dynptr::load(call, 1)?;
    if record.addr == 0 {
        return Ok(0);
    }
    Dynptr::default().store(call, 1)?;
    let [_, flags, ..] = call.args;
    call.args[0] = record.addr;
    call.args[1] = flags;
    how(call)
}

/// `long bpf_dynptr_read(void *dst, u32 len, src, u64 offset, u64 flags)`
pub(super) fn read(call: &mut Call<'_>) -> Answer {
    let len = call.size(2)?;
    let to = call.writable(1, len)?;
    let from = Dynptr::load(call, 3)?;
    if from.addr == 0 || call.arg(5) != 0 {
        return Ok(Errno::EINVAL.to_ret());
    }
    match from.part(call, call.arg(4), len)? {
        Ok(from) => copy(call, from, to),
        Err(errno) => Ok(errno.to_ret()),
    }
}

/// `long bpf_dynptr_write(dst, u64 offset, void *src, u32 len, u64 flags)`
pub(super) fn write(call: &mut Call<'_>) -> Answer {
    let len = call.size(4)?;
    let from = call.readable(3, len)?;
    let to = Dynptr::load(call, 1)?;
    if to.addr == 0 {
        return Ok(Errno::EINVAL.to_ret());
    }
    match to.part(call, call.arg(2), len)? {
        Err(errno) => Ok(errno.to_ret()),
        Ok(_) if call.arg(5) != 0 => Ok(Errno::EINVAL.to_ret()),
        Ok(to) => copy(call, from, to),
    }
}

/// `void *bpf_dynptr_data(ptr, u64 offset, u64 len)`: NULL when there is less.
pub(super) fn data(call: &mut Call<'_>) -> Answer {
    let dynptr = Dynptr::load(call, 1)?;
    if dynptr.addr == 0 {
        return pointer(None);
    }
    let len = call.size(3)?;
    let part = dynptr.part(call, call.arg(2), len)?;
    pointer(part.ok().map(|part| part.addr))
}

/// `memmove`.
fn copy(call: &mut Call<'_>, from: Mem, to: Mem) -> Answer {
    let machine = &mut *call.machine;
    machine.scratch.clear();
    machine
        .scratch
        .extend_from_slice(from.bytes(&machine.space));
    to.bytes_mut(&mut machine.space)
        .copy_from_slice(&machine.scratch);
    Ok(0)
}
