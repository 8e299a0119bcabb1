//! What kernel functions do with dynptrs. Offsets and sizes have 32 bits.
//!
//! A copy onto itself is always right here; in Linux not of a packet in several
//! pieces.

use abi::Errno;

use super::super::call::{Answer, Call, Mem, Stop, pointer};
use super::super::dynptr::Dynptr;
use super::super::xdp::MAX_COPY;
use super::failed;
use crate::memory::Access;

/// `int bpf_dynptr_from_xdp(ctx, u64 flags, ptr)`
pub(super) fn from_xdp(call: &mut Call<'_>) -> Answer {
    let ctx = call.arg(1);
    let (packet, _) = call.packet(1)?;
    let size = packet.len();
    let (ret, dynptr) = match call.arg(2) {
        0 => {
            let packet = Dynptr {
                packet: true,
                ..Dynptr::memory(ctx, size)
            };
            (0, packet)
        }
        _ => (u64::from(Errno::EINVAL.to_ret() as u32), Dynptr::default()),
    };
    dynptr.store(call, 3)?;
    Ok(ret)
}

/// `int bpf_dynptr_adjust(ptr, u32 start, u32 end)`
pub(super) fn adjust(call: &mut Call<'_>) -> Answer {
    let mut dynptr = Dynptr::load(call, 1)?;
    let (start, end) = (call.arg32(2), call.arg32(3));
    if dynptr.is_null() || start > end {
        return failed(Errno::EINVAL);
    }
    if end > dynptr.size {
        return failed(Errno::ERANGE);
    }
    dynptr.offset = dynptr.offset.wrapping_add(start);
    dynptr.size = end - start;
    dynptr.store(call, 1)?;
    Ok(0)
}

/// `bool bpf_dynptr_is_null(ptr)`
pub(super) fn is_null(call: &mut Call<'_>) -> Answer {
    Ok(Dynptr::load(call, 1)?.is_null().into())
}

/// `bool bpf_dynptr_is_rdonly(ptr)`
pub(super) fn is_rdonly(call: &mut Call<'_>) -> Answer {
    let dynptr = Dynptr::load(call, 1)?;
    Ok((!dynptr.is_null() && dynptr.rdonly).into())
}

/// `u32 bpf_dynptr_size(ptr)`
pub(super) fn size(call: &mut Call<'_>) -> Answer {
    let dynptr = Dynptr::load(call, 1)?;
    Ok(match dynptr.is_null() {
        true => u64::from(Errno::EINVAL.to_ret() as u32),
        false => dynptr.size.into(),
    })
}

/// `int bpf_dynptr_clone(ptr, clone)`
pub(super) fn clone(call: &mut Call<'_>) -> Answer {
    let dynptr = Dynptr::load(call, 1)?;
    if dynptr.is_null() {
        Dynptr::default().store(call, 2)?;
        return failed(Errno::EINVAL);
    }
    dynptr.store(call, 2)?;
    Ok(0)
}

/// `void *bpf_dynptr_slice(ptr, u32 offset, void *buffer, u32 len)`: where the
/// bytes are; of a packet that has them in several pieces, a copy in the buffer if
/// there is one.
pub(super) fn slice(call: &mut Call<'_>) -> Answer {
    slice_of(call, false)
}

/// `void *bpf_dynptr_slice_rdwr(ptr, u32 offset, void *buffer, u32 len)`
pub(super) fn slice_rdwr(call: &mut Call<'_>) -> Answer {
    slice_of(call, true)
}

fn slice_of(call: &mut Call<'_>, written: bool) -> Answer {
    let dynptr = Dynptr::load(call, 1)?;
    let (offset, buffer, len) = (u64::from(call.arg32(2)), call.arg(3), call.arg32(4));
    if written && dynptr.rdonly {
        return pointer(None);
    }
    if let Some(place) = place(call, dynptr, offset, len)? {
        return Ok(place.addr.to_reg());
    }
    let copied = dynptr.packet && dynptr.holds(offset, len.into()) && len <= MAX_COPY;
    if !copied || buffer == 0 {
        return pointer(None);
    }
    let to = call.writable(3, len)?;
    match dynptr.read(call, offset, to)? {
        0 => Ok(buffer),
        _ => pointer(None),
    }
}

/// Where `len` bytes lie one after the other.
fn place(call: &mut Call<'_>, dynptr: Dynptr, offset: u64, len: u32) -> Result<Option<Mem>, Stop> {
    if dynptr.is_null() || !dynptr.holds(offset, len.into()) {
        return Ok(None);
    }
    if !dynptr.packet {
        return dynptr.part(call, offset, len).map(Some);
    }
    let at = dynptr.place(offset);
    if at > MAX_COPY || len > MAX_COPY {
        return Ok(None);
    }
    let (packet, _) = call.packet_of(dynptr.addr)?;
    let piece = packet.piece(at, len).ok().flatten();
    Ok(piece.map(|addr| Mem { addr, len }))
}

/// `int bpf_dynptr_copy(dst, u32 dst_off, src, u32 src_off, u32 size)`
pub(super) fn copy(call: &mut Call<'_>) -> Answer {
    let [_, to_at, _, from_at, size] = call.args.map(|arg| u64::from(arg as u32));
    let (to, from) = (Dynptr::load(call, 1)?, Dynptr::load(call, 3)?);
    if !to.holds(to_at, size) || !from.holds(from_at, size) {
        return failed(Errno::E2BIG);
    }
    if size == 0 {
        return Ok(0);
    }
    if to.is_null() || from.is_null() || to.rdonly {
        return failed(Errno::EINVAL);
    }
    let mut bytes = vec![0; size as usize];
    read_all(call, from, from_at, &mut bytes)?;
    write_all(call, to, to_at, &bytes)?;
    Ok(0)
}

/// `int bpf_dynptr_memset(ptr, u32 offset, u32 size, u8 val)`
pub(super) fn memset(call: &mut Call<'_>) -> Answer {
    let [_, offset, size, value, _] = call.args.map(|arg| u64::from(arg as u32));
    let dynptr = Dynptr::load(call, 1)?;
    if dynptr.rdonly {
        return failed(Errno::EINVAL);
    }
    if !dynptr.holds(offset, size) {
        return failed(Errno::E2BIG);
    }
    write_all(call, dynptr, offset, &vec![value as u8; size as usize])?;
    Ok(0)
}

fn read_all(call: &mut Call<'_>, from: Dynptr, offset: u64, out: &mut [u8]) -> Result<(), Stop> {
    if from.packet {
        let at = from.place(offset);
        let (packet, space) = call.packet_of(from.addr)?;
        // A packet that has shrunk since leaves zeroes.
        let _ = packet.read(space, at, out);
        return Ok(());
    }
    let mem = from.part(call, offset, out.len() as u32)?;
    call.machine
        .space
        .check(mem.addr.to_reg(), mem.len, Access::Read)?;
    out.copy_from_slice(mem.bytes(&call.machine.space));
    Ok(())
}

fn write_all(call: &mut Call<'_>, to: Dynptr, offset: u64, bytes: &[u8]) -> Result<(), Stop> {
    if bytes.is_empty() {
        return Ok(());
    }
    if to.packet {
        let at = to.place(offset);
        let (packet, space) = call.packet_of(to.addr)?;
        let _ = packet.write(space, at, bytes);
        return Ok(());
    }
    let mem = to.part(call, offset, bytes.len() as u32)?;
    mem.bytes_mut(&mut call.machine.space)
        .copy_from_slice(bytes);
    Ok(())
}
