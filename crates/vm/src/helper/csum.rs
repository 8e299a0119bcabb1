//! `bpf_csum_diff`.
//!
//! Ones' complement has two zeroes, and which of them comes out is visible: sums
//! are kept in 32 bits with end-around carry, as Linux does on x86-64, where a sum
//! is 0 only when everything added is 0. Buffers of a length that is not a
//! multiple of 4 are taken as if zeroes followed. Measured on Linux 6.18:
//! `tests/data/csum_diff.jsonl`.

use super::call::{Answer, Call};

/// `s64 bpf_csum_diff(be32 *from, u32 from_size, be32 *to, u32 to_size, wsum seed)`
///
/// The checksum of `to`, less that of `from`, plus the seed, in 16 bits.
pub(super) fn diff(call: &mut Call<'_>) -> Answer {
    let from = call.readable(1, call.size(2)?)?;
    let to = call.readable(3, call.size(4)?)?;
    let seed = u64::from(call.arg32(5));
    let space = &call.machine.space;
    let (from, to) = (from.bytes(space), to.bytes(space));
    let sum = match (from, to) {
        ([], to) => fold32(seed + sum(to)),
        (from, []) => !fold32(u64::from(!(seed as u32)) + sum(from)),
        (from, to) => {
            let less = !fold32(sum(from));
            fold32(u64::from(fold32(seed + sum(to))) + u64::from(less))
        }
    };
    Ok(u64::from(fold16(sum)))
}

/// Sum of the words, in host order.
fn sum(bytes: &[u8]) -> u64 {
    let (words, tail) = bytes.as_chunks::<4>();
    let mut last = [0; 4];
    last[..tail.len()].copy_from_slice(tail);
    let word = |w: &[u8; 4]| u64::from(u32::from_le_bytes(*w));
    words.iter().map(word).sum::<u64>() + word(&last)
}

/// Brings the carries back in until 32 bits are left.
fn fold32(mut sum: u64) -> u32 {
    while sum > 0xffff_ffff {
        sum = (sum & 0xffff_ffff) + (sum >> 32);
    }
    sum as u32
}

/// Brings the carries back in until 16 bits are left.
fn fold16(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}
