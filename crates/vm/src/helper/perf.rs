//! Perf events.

use abi::Errno;

use super::call::{Answer, Call, MapCall, Mem, Stop};
use crate::map::{MapId, Target};
use crate::world::Event;

/// Lower half of the flags: index in the array, or this for the running CPU.
const CURRENT_CPU: u64 = 0xffff_ffff;
/// Bytes of the packet to append, in XDP and on `sk_buff`s.
const PACKET_LEN: u64 = 0xf_ffff << 32;

/// `long bpf_perf_event_output(ctx, map, u64 flags, void *data, u64 size)` in
/// XDP: the record, then as many bytes of the packet as bits 32 to 51 say.
pub(super) fn output_xdp(call: &mut Call<'_>) -> Answer {
    let flags = call.arg(3);
    let packet_len = ((flags & PACKET_LEN) >> 32) as u32;
    if flags & !(PACKET_LEN | CURRENT_CPU) != 0 {
        return Ok(Errno::EINVAL.to_ret());
    }
    let (packet, _) = call.packet(1)?;
    if packet_len > packet.len() {
        return Ok(Errno::EFAULT.to_ret());
    }
    output(call, packet_len)
}

/// The same in programs without a packet: only the index may be set.
pub(super) fn output_plain(call: &mut Call<'_>) -> Answer {
    if call.arg(3) & !CURRENT_CPU != 0 {
        return Ok(Errno::EINVAL.to_ret());
    }
    output(call, 0)
}

fn output(call: &mut Call<'_>, packet_len: u32) -> Answer {
    let size = call.size(5)?;
    let data = call.readable(4, size)?;
    let target = match slot(call)? {
        Ok(target) => target,
        Err(errno) => return Ok(errno.to_ret()),
    };
    let (map, cpu) = target;
    let machine = &mut *call.machine;
    if cpu != machine.world.cpu.id {
        return Ok(Errno::EOPNOTSUPP.to_ret());
    }
    let mut record = record(data, packet_len, &machine.space);
    if let (Some(packet), 1..) = (&machine.packet, packet_len) {
        let tail = &mut record[size as usize..];
        if packet.read(&machine.space, 0, tail).is_err() {
            return Ok(Errno::EFAULT.to_ret());
        }
    }
    let event = Event::Perf {
        map,
        cpu,
        data: record,
    };
    machine.world.events.push(event);
    Ok(0)
}

/// The program's bytes, and room for those of the packet.
fn record(data: Mem, packet_len: u32, space: &crate::Space) -> Vec<u8> {
    let mut record = Vec::with_capacity(data.len as usize + packet_len as usize);
    record.extend_from_slice(data.bytes(space));
    record.resize(record.len() + packet_len as usize, 0);
    record
}

/// The entry that the flags name: map, and CPU whose buffer it is.
fn slot(call: &mut Call<'_>) -> Result<Result<(MapId, u32), Errno>, Stop> {
    let index = call.arg(3) & CURRENT_CPU;
    let MapCall {
        id,
        map,
        space,
        cpu,
        ..
    } = call.map(2)?;
    let index = match index {
        CURRENT_CPU => cpu,
        index => index as u32,
    };
    if index >= map.def().max_entries {
        return Ok(Err(Errno::E2BIG));
    }
    Ok(match map.target(space, &index.to_le_bytes()) {
        Some(Target::PerfEvent) => Ok((id, index)),
        _ => Err(Errno::ENOENT),
    })
}
