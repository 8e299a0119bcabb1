//! Ring buffers.

use super::call::{Answer, Call, MapCall, Stop, errno, pointer};
use crate::map::MapId;
use crate::map::RingBuffer;
use crate::memory::{Addr, RegionKind, Space};
use abi::Errno;

/// `long bpf_ringbuf_output(map, void *data, u64 size, u64 flags)`
pub(super) fn output(call: &mut Call<'_>) -> Answer {
    let size = call.size(3)?;
    let data = call.readable(2, size)?;
    let flags = call.arg(4);
    let (ring, space) = ring(call, 1)?;
    errno(ring.output(space, data.addr, size, flags))
}

/// `void *bpf_ringbuf_reserve(map, u64 size, u64 flags)`
pub(super) fn reserve(call: &mut Call<'_>) -> Answer {
    let (size, flags) = (call.arg(2), call.arg(3));
    let (ring, space) = ring(call, 1)?;
    pointer(ring.reserve(space, size, flags))
}

/// `void bpf_ringbuf_submit(void *data, u64 flags)`
pub(super) fn submit(call: &mut Call<'_>) -> Answer {
    finish(call, RingBuffer::submit)
}

/// `void bpf_ringbuf_discard(void *data, u64 flags)`
pub(super) fn discard(call: &mut Call<'_>) -> Answer {
    finish(call, RingBuffer::discard)
}

/// `u64 bpf_ringbuf_query(map, u64 flags)`
pub(super) fn query(call: &mut Call<'_>) -> Answer {
    let what = call.arg(2);
    let (ring, _) = ring(call, 1)?;
    Ok(ring.query(what))
}

type Finish = fn(&mut RingBuffer, &mut Space, Addr, u64) -> Result<(), Errno>;

/// Ends the record that `r1` points to, in whatever ring buffer it lies.
fn finish(call: &mut Call<'_>, how: Finish) -> Answer {
    let refusal = call.refuse(1, "not a reserved ring buffer record");
    let (record, flags) = (call.arg(1), call.arg(2));
    let machine = &mut *call.machine;
    let region = machine.space.region_at(record).ok_or(refusal)?;
    let RegionKind::RingBuffer(MapId(map)) = region.kind else {
        return Err(refusal);
    };
    let map = machine.maps.get_mut(map as usize).ok_or(refusal)?;
    let ring = map.ringbuf().ok_or(refusal)?;
    how(ring, &mut machine.space, Addr(record as u32), flags).map_err(|_| refusal)?;
    Ok(0)
}

/// The ring buffer of a map argument.
fn ring<'c>(call: &'c mut Call<'_>, n: usize) -> Result<(&'c mut RingBuffer, &'c mut Space), Stop> {
    let refusal = call.refuse(n, "not a ring buffer");
    let MapCall { map, space, .. } = call.map(n)?;
    Ok((map.ringbuf().ok_or(refusal)?, space))
}
