//! Numbers in text, and comparison of strings.
//!
//! Measured on Linux 6.18: `tests/data/strtol.jsonl`, `tests/data/strncmp.jsonl`.

use std::cmp::Ordering;

use abi::Errno;

use super::call::{Answer, Call, Mem};

/// Digits, with their prefix, beyond this many are not looked at.
const MAX_DIGITS: usize = 63;

/// `long bpf_strtol(buf, buf_len, u64 flags, long *res)`: how many bytes the
/// number takes, blanks before it included. `*res` is 0 on failure.
pub(super) fn strtol(call: &mut Call<'_>) -> Answer {
    parse(call, |number| {
        let magnitude = number.magnitude?;
        let limit = i64::MAX as u64 + u64::from(number.negative);
        if magnitude > limit {
            return Err(Errno::ERANGE);
        }
        Ok(match number.negative {
            true => magnitude.wrapping_neg(),
            false => magnitude,
        })
    })
}

/// `long bpf_strtoul(buf, buf_len, u64 flags, unsigned long *res)`: the same
/// without a sign.
pub(super) fn strtoul(call: &mut Call<'_>) -> Answer {
    parse(call, |number| match number.magnitude? {
        _ if number.negative => Err(Errno::EINVAL),
        magnitude => Ok(magnitude),
    })
}

fn parse(call: &mut Call<'_>, value: fn(&Number) -> Result<u64, Errno>) -> Answer {
    let size = call.size(2)?;
    let text = call.readable(1, size)?;
    let result = call.writable(4, 8)?;
    let base = base(call.arg(3));
    let number = base.and_then(|base| Number::parse(text.bytes(&call.machine.space), base));
    let (ret, value) = match number.and_then(|n| Ok((n.len as u64, value(&n)?))) {
        Ok((len, value)) => (len, value),
        Err(errno) => (errno.to_ret(), 0),
    };
    store(call, result, value);
    Ok(ret)
}

fn store(call: &mut Call<'_>, to: Mem, value: u64) {
    to.bytes_mut(&mut call.machine.space)
        .copy_from_slice(&value.to_le_bytes());
}

/// The flags are the base: 8, 10, 16, or 0 for what the prefix says.
fn base(flags: u64) -> Result<u32, Errno> {
    match flags {
        0 | 8 | 10 | 16 => Ok(flags as u32),
        _ => Err(Errno::EINVAL),
    }
}

/// A number at the start of a text.
struct Number {
    negative: bool,
    /// ERANGE when 64 bits are too few.
    magnitude: Result<u64, Errno>,
    /// Bytes up to its end.
    len: usize,
}

impl Number {
    fn parse(text: &[u8], base: u32) -> Result<Number, Errno> {
        let blank = |b: &&u8| matches!(b, b'\t'..=b'\r' | b' ' | 0xa0);
        let mut at = text.iter().take_while(blank).count();
        let negative = text.get(at) == Some(&b'-');
        at += usize::from(negative);
        let rest = &text[at..];
        let rest = &rest[..rest.len().min(MAX_DIGITS)];
        let (base, prefix) = radix(rest, base);
        let digits = &rest[prefix..];
        let mut magnitude = Ok(0u64);
        let mut count = 0;
        for digit in digits.iter().map_while(|b| char::from(*b).to_digit(base)) {
            magnitude = magnitude.and_then(|m: u64| {
                m.checked_mul(base.into())
                    .and_then(|m| m.checked_add(digit.into()))
                    .ok_or(Errno::ERANGE)
            });
            count += 1;
        }
        if count == 0 {
            return Err(Errno::EINVAL);
        }
        let len = at + prefix + count;
        Ok(Number {
            negative,
            magnitude,
            len,
        })
    }
}

/// The base, and the bytes of its prefix.
fn radix(text: &[u8], base: u32) -> (u32, usize) {
    let hex = matches!(text, [b'0', b'x' | b'X', ..]);
    match base {
        0 if hex && text.get(2).is_some_and(u8::is_ascii_hexdigit) => (16, 2),
        0 if text.first() == Some(&b'0') => (8, 0),
        0 => (10, 0),
        16 if hex => (16, 2),
        base => (base, 0),
    }
}

/// `long bpf_strncmp(s1, u32 s1_size, s2)`: -1, 0 or 1; `s2` is constant.
pub(super) fn strncmp(call: &mut Call<'_>) -> Answer {
    let size = call.size(2)?;
    let first = call.readable(1, size)?;
    let second = call.constant_string(3)?;
    let space = &call.machine.space;
    let cut = |bytes: &'_ [u8]| bytes.iter().take(size as usize).position(|b| *b == 0);
    let first = first.bytes(space);
    let first = &first[..cut(first).unwrap_or(first.len())];
    let second = second.bytes(space);
    let second = &second[..second.len().min(size as usize)];
    Ok(match first.cmp(second) {
        Ordering::Less => u64::MAX,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    })
}
