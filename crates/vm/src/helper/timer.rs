//! Timers in map values; the machine runs them ([`Machine::run_timers`]).
//!
//! [`Machine::run_timers`]: crate::Machine::run_timers

use abi::Errno;

use super::call::{Answer, Call, Stop};
use crate::map::MapId;
use crate::memory::{Addr, RegionKind};

/// Bytes of a timer.
const BYTES: u32 = 16;
/// `CLOCK_REALTIME`, `CLOCK_MONOTONIC`, `CLOCK_BOOTTIME`.
const CLOCKS: [u64; 3] = [0, 1, 7];
/// `BPF_F_TIMER_ABS`
const ABSOLUTE: u64 = 1;
/// `BPF_F_TIMER_CPU_PIN`
const PINNED: u64 = 2;

/// `long bpf_timer_init(timer, map, u64 flags)`: flags are a clock, all of which
/// are the machine's here.
pub(super) fn init(call: &mut Call<'_>) -> Answer {
    let (at, map) = timer(call)?;
    if MapId::from_handle(call.arg(2)) != Some(map) {
        return Err(call.refuse(2, "not the map of the timer"));
    }
    if !CLOCKS.contains(&call.arg(3)) {
        return Ok(Errno::EINVAL.to_ret());
    }
    match call.machine.timers.add(at, map) {
        true => Ok(0),
        false => Ok(Errno::EBUSY.to_ret()),
    }
}

/// `long bpf_timer_set_callback(timer, fn)`
pub(super) fn set_callback(call: &mut Call<'_>) -> Answer {
    let (at, _) = timer(call)?;
    let callback = call.machine.function_of(call.arg(2));
    let callback = callback.ok_or(call.refuse(2, "not a function"))?;
    match call.machine.timers.get_mut(at) {
        Some(timer) => {
            timer.callback = Some(callback);
            Ok(0)
        }
        None => Ok(Errno::EINVAL.to_ret()),
    }
}

/// `long bpf_timer_start(timer, u64 nsecs, u64 flags)`
pub(super) fn start(call: &mut Call<'_>) -> Answer {
    let (at, _) = timer(call)?;
    let (nsecs, flags) = (call.arg(2), call.arg(3));
    let machine = &mut *call.machine;
    let ready = machine
        .timers
        .get_mut(at)
        .is_some_and(|timer| timer.callback.is_some());
    if !ready || flags & !(ABSOLUTE | PINNED) != 0 {
        return Ok(Errno::EINVAL.to_ret());
    }
    let due = match flags & ABSOLUTE {
        0 => machine.world.clock.now_ns.saturating_add(nsecs),
        _ => nsecs,
    };
    machine.timers.start(at, due);
    Ok(0)
}

/// `long bpf_timer_cancel(timer)`: whether it was started.
pub(super) fn cancel(call: &mut Call<'_>) -> Answer {
    let (at, _) = timer(call)?;
    let timers = &mut call.machine.timers;
    if timers.get_mut(at).is_none() {
        return Ok(Errno::EINVAL.to_ret());
    }
    if timers.running == Some(at) {
        return Ok(Errno::EDEADLK.to_ret());
    }
    Ok(timers.cancel(at).into())
}

/// The timer that `r1` points to, and its map.
fn timer(call: &Call<'_>) -> Result<(Addr, MapId), Stop> {
    let timer = call.writable(1, BYTES)?.addr;
    let region = call.machine.space.region_at(call.arg(1));
    match region.map(|region| region.kind) {
        Some(RegionKind::MapValues(map)) => Ok((timer, map)),
        _ => Err(call.refuse(1, "not in a map value")),
    }
}
