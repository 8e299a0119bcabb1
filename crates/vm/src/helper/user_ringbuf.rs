//! Ring buffers that user space writes.

use abi::Errno;

use super::call::{Answer, Call, MapCall, Stop};
use super::dynptr::Dynptr;
use crate::map::UserRingBuffer;
use crate::memory::Space;

/// Records that one call reads at most.
const MAX_RECORDS: u64 = 128 * 1024;
/// `BPF_RB_*` flags: whom to wake, which is nobody here.
const WAKEUP_FLAGS: u64 = 3;

/// `long bpf_user_ringbuf_drain(map, fn, void *ctx, u64 flags)`: calls `fn(dynptr,
/// ctx)` on each record until it returns 1; how many.
pub(super) fn drain(call: &mut Call<'_>) -> Answer {
    let [_, function, ctx, flags, _] = call.args;
    if flags & !WAKEUP_FLAGS != 0 {
        return Ok(Errno::EINVAL.to_ret());
    }
    let (ring, _) = ring(call)?;
    if ring.busy {
        return Ok(Errno::EBUSY.to_ret());
    }
    ring.busy = true;
    let answer = read(call, function, ctx);
    let (ring, _) = self::ring(call)?;
    ring.busy = false;
    answer
}

fn read(call: &mut Call<'_>, function: u64, ctx: u64) -> Answer {
    for count in 0..MAX_RECORDS {
        let (ring, space) = ring(call)?;
        let lent = ring.lend(space, |addr, len| {
            Dynptr::memory(addr.to_reg(), len).to_bytes()
        });
        let Some(dynptr) = lent else {
            return Ok(count);
        };
        let r0 = (call.callback)(call.machine, function, [dynptr.to_reg(), ctx, 0, 0, 0]);
        let (ring, space) = self::ring(call)?;
        ring.take_back(space);
        if r0.map_err(Stop::Nested)? != 0 {
            return Ok(count + 1);
        }
    }
    Ok(MAX_RECORDS)
}

/// The ring buffer in `r1`.
fn ring<'c>(call: &'c mut Call<'_>) -> Result<(&'c mut UserRingBuffer, &'c mut Space), Stop> {
    let refusal = call.refuse(1, "not a ring buffer of user space");
    let MapCall { map, space, .. } = call.map(1)?;
    Ok((map.user_ringbuf().ok_or(refusal)?, space))
}
