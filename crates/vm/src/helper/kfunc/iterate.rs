//! Open-coded iterators: their state is in the program's stack, and so is the
//! element that they give.

use abi::Errno;
use abi::limits::MAX_LOOPS;

use super::super::call::{Answer, Call, Stop};
use super::failed;

/// Words that a walk over bits may have.
const MAX_WORDS: u32 = 511;
/// Walks over bits at a time, for which there is memory; programs that Linux's
/// verifier lets through have room for far fewer.
const MAX_WALKS: usize = 512;

/// `int bpf_iter_num_new(it, int start, int end)`
pub(super) fn num_new(call: &mut Call<'_>) -> Answer {
    let (start, end) = (call.arg32(2) as i32, call.arg32(3) as i32);
    let count = i64::from(end) - i64::from(start);
    let refused = match count {
        ..0 => Some(Errno::EINVAL),
        count if count > i64::from(MAX_LOOPS) => Some(Errno::E2BIG),
        _ => None,
    };
    if let Some(errno) = refused {
        set_num(call, 0, 0)?;
        return failed(errno);
    }
    // One before the first, so that the next is the first.
    set_num(call, start.wrapping_sub(1), end)?;
    Ok(0)
}

/// `int *bpf_iter_num_next(it)`: where in the iterator the number is.
pub(super) fn num_next(call: &mut Call<'_>) -> Answer {
    let it = call.arg(1);
    let current = i32::from_le_bytes(call.machine.space.load(it)?);
    let end = i32::from_le_bytes(call.machine.space.load(it.wrapping_add(4))?);
    if i64::from(current.wrapping_add(1)) >= i64::from(end) {
        set_num(call, 0, 0)?;
        return Ok(0);
    }
    set_num(call, current.wrapping_add(1), end)?;
    Ok(it)
}

/// `void bpf_iter_num_destroy(it)`
pub(super) fn num_destroy(call: &mut Call<'_>) -> Answer {
    set_num(call, 0, 0)?;
    Ok(0)
}

fn set_num(call: &mut Call<'_>, current: i32, end: i32) -> Result<(), Stop> {
    let it = call.arg(1);
    let both = u64::from(current as u32) | u64::from(end as u32) << 32;
    call.machine.space.store(it, both.to_le_bytes())?;
    Ok(())
}

/// `int bpf_iter_bits_new(it, const u64 *words, u32 nr_words)`: the words are
/// copied.
///
/// The second word of the iterator holds the bits in all and the last one given.
pub(super) fn bits_new(call: &mut Call<'_>) -> Answer {
    let (it, words, count) = (call.arg(1), call.arg(2), call.arg32(3));
    set_bits(call, 0, -1)?;
    if count == 0 {
        return failed(Errno::EINVAL);
    }
    if count > MAX_WORDS {
        return failed(Errno::E2BIG);
    }
    let machine = &mut *call.machine;
    let Ok(bytes) = machine.space.read(words, count * 8) else {
        return failed(Errno::EFAULT);
    };
    if machine.bits.len() >= MAX_WALKS && !machine.bits.contains_key(&it) {
        return failed(Errno::ENOMEM);
    }
    machine.bits.insert(it, bytes.to_vec());
    set_bits(call, count * 64, -1)?;
    Ok(0)
}

/// `int *bpf_iter_bits_next(it)`: where in the iterator the number of the next bit
/// is that is set.
pub(super) fn bits_next(call: &mut Call<'_>) -> Answer {
    let it = call.arg(1);
    let space = &call.machine.space;
    let count = u32::from_le_bytes(space.load(it.wrapping_add(8))?);
    let last = i32::from_le_bytes(space.load(it.wrapping_add(12))?);
    let words = call.machine.bits.get(&it);
    let is_set = |bit: &u32| {
        let byte = words.and_then(|words| words.get(*bit as usize / 8));
        byte.is_some_and(|byte| byte >> (bit % 8) & 1 != 0)
    };
    let first = last.wrapping_add(1) as u32;
    let end = count.min(MAX_WORDS * 64);
    match (first..end).find(is_set) {
        Some(bit) => {
            set_bits(call, count, bit as i32)?;
            Ok(it.wrapping_add(12))
        }
        None => {
            set_bits(call, 0, last)?;
            Ok(0)
        }
    }
}

/// `void bpf_iter_bits_destroy(it)`
pub(super) fn bits_destroy(call: &mut Call<'_>) -> Answer {
    set_bits(call, 0, -1)?;
    let it = call.arg(1);
    call.machine.bits.remove(&it);
    Ok(0)
}

fn set_bits(call: &mut Call<'_>, count: u32, last: i32) -> Result<(), Stop> {
    let it = call.arg(1);
    let both = u64::from(count) | u64::from(last as u32) << 32;
    let space = &mut call.machine.space;
    space.store(it, [0; 8])?;
    space.store(it.wrapping_add(8), both.to_le_bytes())?;
    Ok(())
}
