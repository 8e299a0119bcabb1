//! Dynptrs: pointers that know their length, in 16 bytes of the program's stack.
//!
//! Linux keeps programs from looking inside; here what is inside is checked like
//! any address whenever it is used.

use abi::Errno;

use super::call::{Answer, Call, Mem, Stop, pointer};
use super::{ringbuf, xdp};
use crate::memory::{Access, Addr};

/// Bytes of a dynptr.
const BYTES: u32 = 16;
/// Longest memory that one may stand for.
const MAX_SIZE: u32 = (1 << 24) - 1;
/// Bits beside the size.
const RDONLY: u32 = 1 << 31;
const PACKET: u32 = 1 << 30;

/// What a dynptr stands for; nothing when `addr` is 0.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Dynptr {
    /// The memory; of a packet, the context.
    pub(super) addr: u64,
    /// Where it begins in that.
    pub(super) offset: u32,
    pub(super) size: u32,
    /// Whether it is a packet, which may lie in several pieces.
    pub(super) packet: bool,
    pub(super) rdonly: bool,
}

impl Dynptr {
    /// The one that argument `n` points to.
    pub(super) fn load(call: &Call<'_>, n: usize) -> Result<Dynptr, Stop> {
        let word = |at: u64| call.machine.space.load(call.arg(n).wrapping_add(at));
        let addr = call.machine.space.load(call.arg(n))?;
        let size = u32::from_le_bytes(word(8)?);
        Ok(Dynptr {
            addr: u64::from_le_bytes(addr),
            offset: u32::from_le_bytes(word(12)?),
            size: size & MAX_SIZE,
            packet: size & PACKET != 0,
            rdonly: size & RDONLY != 0,
        })
    }

    /// Memory that may be written.
    pub(super) fn memory(addr: u64, size: u32) -> Dynptr {
        Dynptr {
            addr,
            size,
            ..Dynptr::default()
        }
    }

    /// Puts it where argument `n` points.
    pub(super) fn store(self, call: &mut Call<'_>, n: usize) -> Result<(), Stop> {
        let to = call.writable(n, BYTES)?;
        to.bytes_mut(&mut call.machine.space)
            .copy_from_slice(&self.to_bytes());
        Ok(())
    }

    pub(super) fn to_bytes(self) -> [u8; BYTES as usize] {
        let mut bytes = [0; BYTES as usize];
        let bit = |set: bool, bit: u32| if set { bit } else { 0 };
        let size = self.size | bit(self.packet, PACKET) | bit(self.rdonly, RDONLY);
        bytes[..8].copy_from_slice(&self.addr.to_le_bytes());
        bytes[8..12].copy_from_slice(&size.to_le_bytes());
        bytes[12..].copy_from_slice(&self.offset.to_le_bytes());
        bytes
    }

    pub(super) fn is_null(self) -> bool {
        self.addr == 0
    }

    /// Whether there are `len` bytes from `offset` on.
    pub(super) fn holds(self, offset: u64, len: u64) -> bool {
        let end = offset.checked_add(len);
        end.is_some_and(|end| end <= self.size.into())
    }

    /// `len` bytes of its memory, of which it holds so many; not for packets.
    pub(super) fn part(self, call: &Call<'_>, offset: u64, len: u32) -> Result<Mem, Stop> {
        let start = self.addr.wrapping_add(self.offset.into());
        let addr = match len {
            0 => Addr(start.wrapping_add(offset) as u32),
            _ => {
                let access = match self.rdonly {
                    true => Access::Read,
                    false => Access::Write,
                };
                let start = start.wrapping_add(offset);
                call.machine.space.check(start, len, access)?
            }
        };
        Ok(Mem { addr, len })
    }

    /// Copies `to.len` bytes from `offset` on, of which it holds so many.
    pub(super) fn read(self, call: &mut Call<'_>, offset: u64, to: Mem) -> Answer {
        if self.packet {
            return xdp::load(call, self.addr, self.place(offset), to);
        }
        let from = self.part(call, offset, to.len)?;
        copy(call, from, to)
    }

    /// Copies `from` to `offset`, where it holds so many.
    pub(super) fn write(self, call: &mut Call<'_>, offset: u64, from: Mem) -> Answer {
        if self.packet {
            return xdp::store(call, self.addr, self.place(offset), from);
        }
        let to = self.part(call, offset, from.len)?;
        copy(call, from, to)
    }

    /// Where in the packet an offset is that it holds.
    pub(super) fn place(self, offset: u64) -> u32 {
        self.offset.wrapping_add(offset as u32)
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
        (0, Dynptr::memory(addr, size))
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
            addr => (0, Dynptr::memory(addr, size)),
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

/// `long bpf_dynptr_read(void *dst, u32 len, src, u32 offset, u64 flags)`
pub(super) fn read(call: &mut Call<'_>) -> Answer {
    let len = call.size(2)?;
    let to = call.writable(1, len)?;
    let (from, offset) = (Dynptr::load(call, 3)?, u64::from(call.arg32(4)));
    if from.is_null() || call.arg(5) != 0 {
        return Ok(Errno::EINVAL.to_ret());
    }
    if !from.holds(offset, len.into()) {
        return Ok(Errno::E2BIG.to_ret());
    }
    from.read(call, offset, to)
}

/// `long bpf_dynptr_write(dst, u32 offset, void *src, u32 len, u64 flags)`
pub(super) fn write(call: &mut Call<'_>) -> Answer {
    let len = call.size(4)?;
    let from = call.readable(3, len)?;
    let (to, offset) = (Dynptr::load(call, 1)?, u64::from(call.arg32(2)));
    if to.is_null() || to.rdonly {
        return Ok(Errno::EINVAL.to_ret());
    }
    if !to.holds(offset, len.into()) {
        return Ok(Errno::E2BIG.to_ret());
    }
    if call.arg(5) != 0 {
        return Ok(Errno::EINVAL.to_ret());
    }
    to.write(call, offset, from)
}

/// `void *bpf_dynptr_data(ptr, u32 offset, u32 len)`: NULL when there is less, and
/// for packets.
pub(super) fn data(call: &mut Call<'_>) -> Answer {
    let dynptr = Dynptr::load(call, 1)?;
    if dynptr.is_null() || dynptr.rdonly || dynptr.packet {
        return pointer(None);
    }
    let (offset, len) = (u64::from(call.arg32(2)), call.arg32(3));
    if !dynptr.holds(offset, len.into()) {
        return pointer(None);
    }
    pointer(Some(dynptr.part(call, offset, len)?.addr))
}

/// `memmove`.
pub(super) fn copy(call: &mut Call<'_>, from: Mem, to: Mem) -> Answer {
    let machine = &mut *call.machine;
    machine.scratch.clear();
    machine
        .scratch
        .extend_from_slice(from.bytes(&machine.space));
    to.bytes_mut(&mut machine.space)
        .copy_from_slice(&machine.scratch);
    Ok(0)
}
