//! Map operations.

use super::call::{Answer, Call, MapCall, Mem, Stop, errno, pointer};
use crate::map::Map;
use crate::memory::{Addr, Space};

/// `void *bpf_map_lookup_elem(map, key)`
///
/// The helper that programs call most: the map is looked at once, and its type
/// only when nothing was found.
pub(super) fn lookup_elem(call: &mut Call<'_>) -> Answer {
    let key = call.arg(2);
    let MapCall {
        map, space, cpu, ..
    } = call.any_map(1)?;
    let key = space.read(key, map.def().key_size)?;
    match map.lookup(space, cpu, key) {
        None => {
            call.map(1)?;
            pointer(None)
        }
        value => pointer(value),
    }
}

/// `void *bpf_map_lookup_percpu_elem(map, key, cpu)`: NULL for CPUs that do not
/// exist.
pub(super) fn lookup_percpu_elem(call: &mut Call<'_>) -> Answer {
    let key = key(call)?;
    let cpu = call.arg32(3);
    let MapCall {
        map, space, cpus, ..
    } = call.map(1)?;
    if cpu >= cpus {
        return pointer(None);
    }
    pointer(map.lookup_percpu(space, cpu, key.bytes(space)))
}

/// `long bpf_map_update_elem(map, key, value, flags)`
pub(super) fn update_elem(call: &mut Call<'_>) -> Answer {
    let key = key(call)?;
    let value = value(call, 3)?;
    let flags = call.arg(4);
    let timed = !call.machine.timers.is_empty();
    let MapCall {
        map,
        space,
        cpu,
        scratch,
        ..
    } = call.map(1)?;
    scratch.clear();
    scratch.extend_from_slice(key.bytes(space));
    scratch.extend_from_slice(value.bytes(space));
    let (key_bytes, value) = scratch.split_at(key.len as usize);
    if !timed {
        return errno(map.update(space, cpu, key_bytes, value, flags));
    }
    let old = replaced(map, space, cpu, key_bytes);
    let result = map.update(space, cpu, key_bytes, value, flags);
    if let (Ok(()), Some((at, len))) = (result, old) {
        call.machine.timers.forget(at, len);
    }
    errno(result)
}

/// Where the value is that is replaced or deleted with its element, and its size:
/// the timers in it go too. Elements of arrays stay.
pub(crate) fn replaced(
    map: &mut dyn Map,
    space: &Space,
    cpu: u32,
    key: &[u8],
) -> Option<(Addr, u32)> {
    if map.direct().is_some() {
        return None;
    }
    let len = map.def().value_size;
    Some((map.lookup(space, cpu, key)?, len))
}

/// `long bpf_map_delete_elem(map, key)`
pub(super) fn delete_elem(call: &mut Call<'_>) -> Answer {
    let key = key(call)?;
    let timed = !call.machine.timers.is_empty();
    let MapCall {
        map, space, cpu, ..
    } = call.map(1)?;
    if !timed {
        return errno(map.delete(space, key.bytes(space)));
    }
    let old = replaced(map, space, cpu, key.bytes(space));
    let result = map.delete(space, key.bytes(space));
    if let (Ok(()), Some((at, len))) = (result, old) {
        call.machine.timers.forget(at, len);
    }
    errno(result)
}

/// `long bpf_map_push_elem(map, value, flags)`
pub(super) fn push_elem(call: &mut Call<'_>) -> Answer {
    let value = value(call, 2)?;
    let flags = call.arg(3);
    let MapCall {
        map,
        space,
        scratch,
        ..
    } = call.map(1)?;
    scratch.clear();
    scratch.extend_from_slice(value.bytes(space));
    errno(map.push(space, scratch, flags))
}

/// `long bpf_map_pop_elem(map, value)`
pub(super) fn pop_elem(call: &mut Call<'_>) -> Answer {
    let value = value_out(call)?;
    let MapCall {
        map,
        space,
        scratch,
        ..
    } = call.map(1)?;
    scratch.clear();
    scratch.resize(value.len as usize, 0);
    let result = map.pop(space, scratch);
    value.bytes_mut(space).copy_from_slice(scratch);
    errno(result)
}

/// `long bpf_map_peek_elem(map, value)`
pub(super) fn peek_elem(call: &mut Call<'_>) -> Answer {
    let value = value_out(call)?;
    let MapCall {
        map,
        space,
        scratch,
        ..
    } = call.map(1)?;
    scratch.clear();
    scratch.extend_from_slice(value.bytes(space));
    let result = map.peek(space, scratch);
    value.bytes_mut(space).copy_from_slice(scratch);
    errno(result)
}

/// The key that `r2` points to.
fn key(call: &mut Call<'_>) -> Result<Mem, Stop> {
    let size = call.map(1)?.map.def().key_size;
    call.readable(2, size)
}

/// The value that argument `n` points to.
fn value(call: &mut Call<'_>, n: usize) -> Result<Mem, Stop> {
    let size = call.map(1)?.map.def().value_size;
    call.readable(n, size)
}

/// The value that will be written to `r2`.
fn value_out(call: &mut Call<'_>) -> Result<Mem, Stop> {
    let size = call.map(1)?.map.def().value_size;
    call.writable(2, size)
}
