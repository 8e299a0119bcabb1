//! Clocks.

use super::call::{Answer, Call};

/// `u64 bpf_ktime_get_ns(void)`: `CLOCK_MONOTONIC`.
pub(super) fn ktime_get_ns(call: &mut Call<'_>) -> Answer {
    Ok(call.machine.world.clock.monotonic())
}

/// `u64 bpf_ktime_get_boot_ns(void)`: `CLOCK_BOOTTIME`.
pub(super) fn ktime_get_boot_ns(call: &mut Call<'_>) -> Answer {
    let clock = &mut call.machine.world.clock;
    Ok(clock.monotonic().wrapping_add(clock.suspended_ns))
}

/// `u64 bpf_ktime_get_tai_ns(void)`: `CLOCK_TAI`.
pub(super) fn ktime_get_tai_ns(call: &mut Call<'_>) -> Answer {
    let clock = &mut call.machine.world.clock;
    Ok(clock.monotonic().wrapping_add(clock.tai_offset_ns))
}

/// `u64 bpf_ktime_get_coarse_ns(void)`: `CLOCK_MONOTONIC_COARSE`, the time of
/// the last timer tick.
pub(super) fn ktime_get_coarse_ns(call: &mut Call<'_>) -> Answer {
    let clock = &mut call.machine.world.clock;
    let now = clock.monotonic();
    Ok(now - now % clock.tick_ns())
}

/// `u64 bpf_jiffies64(void)`: timer ticks.
pub(super) fn jiffies64(call: &mut Call<'_>) -> Answer {
    Ok(call.machine.world.clock.jiffies())
}
