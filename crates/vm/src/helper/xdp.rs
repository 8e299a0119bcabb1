//! The XDP packet buffer.
//!
//! Limits measured on Linux 6.18: `tests/data/xdp_buffer.jsonl`.

use abi::Errno;

use super::call::{Answer, Call, Mem, errno};

/// Neither offset nor length of a copy may be more.
pub(super) const MAX_COPY: u32 = 0xffff;

/// `long bpf_xdp_adjust_head(ctx, int delta)`
pub(super) fn adjust_head(call: &mut Call<'_>) -> Answer {
    let delta = call.arg32(2) as i32;
    let (packet, space) = call.packet(1)?;
    errno(packet.adjust_head(space, delta))
}

/// `long bpf_xdp_adjust_meta(ctx, int delta)`
pub(super) fn adjust_meta(call: &mut Call<'_>) -> Answer {
    let delta = call.arg32(2) as i32;
    let (packet, space) = call.packet(1)?;
    errno(packet.adjust_meta(space, delta))
}

/// `long bpf_xdp_adjust_tail(ctx, int delta)`
pub(super) fn adjust_tail(call: &mut Call<'_>) -> Answer {
    let delta = call.arg32(2) as i32;
    let (packet, space) = call.packet(1)?;
    errno(packet.adjust_tail(space, delta))
}

/// `u64 bpf_xdp_get_buff_len(ctx)`
pub(super) fn get_buff_len(call: &mut Call<'_>) -> Answer {
    let (packet, _) = call.packet(1)?;
    Ok(u64::from(packet.len()))
}

/// `long bpf_xdp_load_bytes(ctx, u32 offset, void *buf, u32 len)`
pub(super) fn load_bytes(call: &mut Call<'_>) -> Answer {
    let offset = call.arg32(2);
    let len = call.size(4)?;
    let to = call.writable(3, len)?;
    load(call, call.arg(1), offset, to)
}

/// `long bpf_xdp_store_bytes(ctx, u32 offset, void *buf, u32 len)`
pub(super) fn store_bytes(call: &mut Call<'_>) -> Answer {
    let offset = call.arg32(2);
    let len = call.size(4)?;
    let from = call.readable(3, len)?;
    store(call, call.arg(1), offset, from)
}

/// Copies from the packet whose context is at `ctx`.
pub(super) fn load(call: &mut Call<'_>, ctx: u64, offset: u32, to: Mem) -> Answer {
    if offset > MAX_COPY || to.len > MAX_COPY {
        return Ok(Errno::EFAULT.to_ret());
    }
    let mut bytes = std::mem::take(&mut call.machine.scratch);
    bytes.clear();
    bytes.resize(to.len as usize, 0);
    let result = call.packet_of(ctx).map(|(packet, space)| {
        packet.read(space, offset, &mut bytes)?;
        to.bytes_mut(space).copy_from_slice(&bytes);
        Ok(())
    });
    call.machine.scratch = bytes;
    errno(result?)
}

/// Copies to the packet whose context is at `ctx`.
pub(super) fn store(call: &mut Call<'_>, ctx: u64, offset: u32, from: Mem) -> Answer {
    if offset > MAX_COPY || from.len > MAX_COPY {
        return Ok(Errno::EFAULT.to_ret());
    }
    let mut bytes = std::mem::take(&mut call.machine.scratch);
    bytes.clear();
    bytes.extend_from_slice(from.bytes(&call.machine.space));
    let result = call
        .packet_of(ctx)
        .map(|(packet, space)| packet.write(space, offset, &bytes));
    call.machine.scratch = bytes;
    errno(result?)
}
