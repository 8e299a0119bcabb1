//! Helpers that call functions of the program.

use abi::Errno;
use abi::limits::MAX_LOOPS;

use super::call::{Answer, Call, MapCall, Stop};
use crate::map::Walk;

/// `long bpf_loop(u32 nr_loops, fn, void *ctx, u64 flags)`: calls `fn(index,
/// ctx)` until it returns 1; how often it was called.
pub(super) fn bpf_loop(call: &mut Call<'_>) -> Answer {
    let [count, function, ctx, flags, _] = call.args;
    let count = count as u32;
    if flags != 0 {
        return Ok(Errno::EINVAL.to_ret());
    }
    if count > MAX_LOOPS {
        // Linux replaces the call by a loop in line where flags and function are
        // constants, which they practically always are, and there the answer is
        // a 32-bit move: it is not sign-extended (measured on Linux 6.18).
        return Ok(u64::from(Errno::E2BIG.to_ret() as u32));
    }
    for index in 0..u64::from(count) {
        let r0 = (call.callback)(call.machine, function, [index, ctx, 0, 0, 0]);
        if r0.map_err(Stop::Nested)? != 0 {
            return Ok(index + 1);
        }
    }
    Ok(u64::from(count))
}

/// `long bpf_for_each_map_elem(map, fn, void *ctx, u64 flags)`: calls `fn(map,
/// key, value, ctx)` until it returns 1; how often it was called.
pub(super) fn for_each_map_elem(call: &mut Call<'_>) -> Answer {
    let [handle, function, ctx, flags, _] = call.args;
    if flags != 0 {
        return Ok(Errno::EINVAL.to_ret());
    }
    let mut walk = Walk::default();
    let mut count = 0;
    loop {
        let MapCall {
            map, space, cpu, ..
        } = call.map(1)?;
        let Ok(Some((key, value))) = map.walk(space, cpu, &mut walk) else {
            return Ok(count);
        };
        count += 1;
        let args = [handle, key.to_reg(), value.to_reg(), ctx, 0];
        let r0 = (call.callback)(call.machine, function, args);
        if r0.map_err(Stop::Nested)? != 0 {
            return Ok(count);
        }
    }
}
