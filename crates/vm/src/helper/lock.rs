//! Spin locks in map values.
//!
//! A machine runs one program at a time, so a lock is never waited for, and its
//! word in memory stays 0. As Linux's verifier wants it, a program holds one lock
//! at most and gives back the one that it holds; everything else is a trap. A lock
//! that a trap left behind is free in the next run.

use super::call::{Answer, Call, Stop};
use crate::memory::{Addr, RegionKind};

/// `void bpf_spin_lock(lock)`
pub(super) fn spin_lock(call: &mut Call<'_>) -> Answer {
    let lock = lock(call)?;
    if call.machine.held_lock.is_some() {
        return Err(call.refuse(1, "a lock while one is held"));
    }
    call.machine.held_lock = Some(lock);
    Ok(0)
}

/// `void bpf_spin_unlock(lock)`
pub(super) fn spin_unlock(call: &mut Call<'_>) -> Answer {
    let lock = lock(call)?;
    if call.machine.held_lock != Some(lock) {
        return Err(call.refuse(1, "a lock that is not held"));
    }
    call.machine.held_lock = None;
    Ok(0)
}

/// The lock word that `r1` points to.
fn lock(call: &Call<'_>) -> Result<Addr, Stop> {
    let lock = call.writable(1, 4)?.addr;
    let region = call.machine.space.region_at(call.arg(1));
    match region.map(|r| r.kind) {
        Some(RegionKind::MapValues(_)) => Ok(lock),
        _ => Err(call.refuse(1, "not in a map value")),
    }
}
