//! `bpf_csum_diff`.

use abi::Errno;

use super::call::{Answer, Call};

/// `s64 bpf_csum_diff(be32 *from, u32 from_size, be32 *to, u32 to_size, wsum seed)`
///
/// The ones' complement sum of `to`, less that of `from`, plus the seed, folded
/// to 16 bits.
pub(super) fn diff(call: &mut Call<'_>) -> Answer {
    let (from_size, to_size) = (call.size(2)?, call.size(4)?);
    if from_size % 4 != 0 || to_size % 4 != 0 {
        return Ok(Errno::EINVAL.to_ret());
    }
    let from = call.readable(1, from_size)?;
    let to = call.readable(3, to_size)?;
    let space = &call.machine.space;
    let plus = sum(to.bytes(space));
    let minus = !fold(sum(from.bytes(space)));
    let seed = u64::from(call.arg32(5));
    Ok(u64::from(fold(plus + u64::from(minus) + seed)))
}

/// Sum of the 16-bit words, in host order.
fn sum(bytes: &[u8]) -> u64 {
    let words = bytes.chunks_exact(4);
    words
        .map(|w| u64::from(u32::from_le_bytes([w[0], w[1], w[2], w[3]])))
        .sum()
}

/// Brings the carries back in until 16 bits are left.
fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}
