//! Dynptrs to memory and to ring buffer records. The answers are those of Linux
//! 6.18 to the same calls.

use abi::{Errno, MapType, ProgType};
use vm::helper::Stop;

use crate::bench::Bench;
use crate::maps::{def, with_map};

const E2BIG: u64 = Errno::E2BIG.to_ret();
const EINVAL: u64 = Errno::EINVAL.to_ret();

#[test]
fn a_dynptr_is_read_and_written_within_its_size() {
    let mut bench = Bench::new();
    let memory: Vec<u8> = (0..64).collect();
    let memory = bench.put(&memory);
    let dynptr = bench.put(&[0xaa; 16]);
    let other = bench.put(&[0; 16]);
    assert_eq!(
        bench.call("bpf_dynptr_from_mem", &[memory, 64, 0, dynptr]),
        Ok(0)
    );
    for (offset, len, flags, answer) in [
        (57, 8, 0, E2BIG),
        (64, 0, 0, 0),
        (65, 0, 0, E2BIG),
        ((1 << 32) + 64, 8, 0, E2BIG),
        ((1 << 32) + 8, 8, 0, 0),
        (0, 8, 1, EINVAL),
        (56, 8, 0, 0),
    ] {
        let read = bench.call("bpf_dynptr_read", &[other, len, dynptr, offset, flags]);
        assert_eq!(read, Ok(answer), "read {offset} {len} {flags}");
        let write = bench.call("bpf_dynptr_write", &[dynptr, offset, other, len, flags]);
        assert_eq!(write, Ok(answer), "write {offset} {len} {flags}");
    }
    assert_eq!(bench.get(other, 8), [56, 57, 58, 59, 60, 61, 62, 63]);
    assert_eq!(
        bench.call("bpf_dynptr_data", &[dynptr, 8, 56]),
        Ok(memory + 8)
    );
    assert_eq!(bench.call("bpf_dynptr_data", &[dynptr, 8, 57]), Ok(0));
    // 32 bits of it count, and those are too many.
    assert_eq!(bench.call("bpf_dynptr_data", &[dynptr, 0, u64::MAX]), Ok(0));
}

#[test]
fn an_empty_dynptr_answers_einval() {
    let mut bench = Bench::new();
    let memory = bench.put(&[0; 64]);
    let dynptr = bench.put(&[0xaa; 16]);
    assert_eq!(
        bench.call("bpf_dynptr_from_mem", &[memory, 64, 1, dynptr]),
        Ok(EINVAL)
    );
    assert_eq!(
        bench.call("bpf_dynptr_read", &[memory, 8, dynptr, 0, 0]),
        Ok(EINVAL)
    );
    assert_eq!(
        bench.call("bpf_dynptr_write", &[dynptr, 0, memory, 8, 0]),
        Ok(EINVAL)
    );
    assert_eq!(bench.call("bpf_dynptr_data", &[dynptr, 0, 8]), Ok(0));
    // Of no bytes: there, but every byte is too many.
    assert_eq!(
        bench.call("bpf_dynptr_from_mem", &[memory, 0, 0, dynptr]),
        Ok(0)
    );
    assert_eq!(
        bench.call("bpf_dynptr_read", &[memory, 8, dynptr, 0, 0]),
        Ok(E2BIG)
    );
}

#[test]
fn a_forged_dynptr_is_a_trap() {
    let mut bench = Bench::new();
    let memory = bench.put(&[0; 64]);
    let mut forged = [0; 16];
    forged[..8].copy_from_slice(&0x7777_0000u64.to_le_bytes());
    forged[8] = 64;
    let forged = bench.put(&forged);
    let read = bench.call("bpf_dynptr_read", &[memory, 8, forged, 0, 0]);
    assert!(matches!(read, Err(Stop::Trap(_))));
}

#[test]
fn a_record_is_reserved_and_ended_through_a_dynptr() {
    let (mut bench, id, map) = with_map(def(MapType::Ringbuf, 0, 0, 4096));
    let dynptr = bench.put(&[0; 16]);
    let data = bench.put(&[7; 16]);
    let reserve = |bench: &mut Bench, size, flags| {
        bench.call("bpf_ringbuf_reserve_dynptr", &[map, size, flags, dynptr])
    };
    for (size, flags) in [(16, 1), (5000, 0), (4089, 0)] {
        assert_eq!(reserve(&mut bench, size, flags), Ok(EINVAL));
        // Ending what was not reserved does nothing.
        assert_eq!(bench.call("bpf_ringbuf_submit_dynptr", &[dynptr, 0]), Ok(0));
    }
    assert_eq!(reserve(&mut bench, 16, 0), Ok(0));
    assert_eq!(
        bench.call("bpf_dynptr_write", &[dynptr, 0, data, 16, 0]),
        Ok(0)
    );
    assert_eq!(bench.call("bpf_ringbuf_submit_dynptr", &[dynptr, 0]), Ok(0));
    assert_eq!(reserve(&mut bench, 16, 0), Ok(0));
    assert_eq!(
        bench.call("bpf_ringbuf_discard_dynptr", &[dynptr, 0]),
        Ok(0)
    );
    let (map, space) = bench.machine.map_mut(id).expect("the map");
    let mut records = Vec::new();
    let ring = map.ringbuf().expect("a ring buffer");
    ring.drain(space, &mut |record| records.push(record.to_vec()));
    assert_eq!(records, [vec![7; 16]]);
}

#[test]
fn traffic_control_redirects_by_its_own_codes() {
    let mut bench = Bench::new();
    for (flags, answer) in [(0, 7), (1, 7), (2, 2), (4, 2), (8, 2), (1 << 32, 2)] {
        let ret = bench.call_in(ProgType::SchedCls, "bpf_redirect", &[1, flags]);
        assert_eq!(ret, Ok(answer), "{flags:#x}");
    }
}
