//! Spin locks in map values.
//!
//! A machine runs one program at a time, so a lock is never waited for: its word
//! is 1 while it is held. Taking it twice, which Linux's verifier refuses, is a
//! trap.

use super::call::{Answer, Call, Mem, Stop};
use crate::memory::RegionKind;

const FREE: [u8; 4] = 0u32.to_le_bytes();
const HELD: [u8; 4] = 1u32.to_le_bytes();

/// `void bpf_spin_lock(lock)`
pub(super) fn spin_lock(call: &mut Call<'_>) -> Answer {
    change(call, FREE, HELD, "a lock that is held already")
}

/// `void bpf_spin_unlock(lock)`
pub(super) fn spin_unlock(call: &mut Call<'_>) -> Answer {
    change(call, HELD, FREE, "a lock that is not held")
}

fn change(call: &mut Call<'_>, from: [u8; 4], to: [u8; 4], why: &'static str) -> Answer {
    let lock = lock(call)?;
    let refusal = call.refuse(1, why);
    let word = lock.bytes_mut(&mut call.machine.space);
    if word != from {
        return Err(refusal);
    }
    word.copy_from_slice(&to);
    Ok(0)
}

/// The lock word that `r1` points to.
fn lock(call: &Call<'_>) -> Result<Mem, Stop> {
    let lock = call.writable(1, 4)?;
    let region = call.machine.space.region_at(call.arg(1));
    match region.map(|r| r.kind) {
        Some(RegionKind::MapValues(_)) => Ok(lock),
        _ => Err(call.refuse(1, "not in a map value")),
    }
}
