//! Ring buffers that user space writes.

use abi::{Errno, MapType, ProgType};

use crate::bench::Bench;
use crate::maps::{def, with_map};

fn drain(bench: &mut Bench, map: u64, stop_at: usize) -> (Result<u64, vm::helper::Stop>, Vec<u8>) {
    let mut seen = Vec::new();
    let mut count = 0;
    let mut callback = |machine: &mut vm::Machine, function, args: [u64; 5]| {
        assert_eq!((function, args[1]), (0x1234, 0x77));
        // The dynptr's first word is where the record is, its second the length.
        let at: [u8; 8] = machine.space.load(args[0]).expect("in bounds");
        let len: [u8; 4] = machine.space.load(args[0] + 8).expect("in bounds");
        let len = u32::from_le_bytes(len);
        let record = machine.space.read(u64::from_le_bytes(at), len);
        seen.extend_from_slice(record.expect("in bounds"));
        count += 1;
        Ok((count == stop_at).into())
    };
    let args = [map, 0x1234, 0x77, 0];
    let drained = bench.call_back(
        ProgType::Xdp,
        "bpf_user_ringbuf_drain",
        &args,
        &mut callback,
    );
    (drained, seen)
}

#[test]
fn records_are_read_in_their_order_until_a_callback_says_so() {
    let (mut bench, id, map) = with_map(def(MapType::UserRingbuf, 0, 0, 4096));
    for round in 0..200u8 {
        for n in 0..3 {
            let record = [round, n, 7, 8, 9];
            assert_eq!(bench.machine.user_ringbuf_push(id, &record), Ok(()));
        }
        let (drained, seen) = drain(&mut bench, map, 2);
        assert_eq!(drained, Ok(2));
        assert_eq!(seen, [round, 0, 7, 8, 9, round, 1, 7, 8, 9]);
        assert_eq!(drain(&mut bench, map, 9).0, Ok(1));
        assert_eq!(drain(&mut bench, map, 9).0, Ok(0));
    }
}

#[test]
fn a_ring_is_full_to_the_last_byte() {
    let (mut bench, id, _) = with_map(def(MapType::UserRingbuf, 0, 0, 4096));
    let push = |bench: &mut Bench, len| bench.machine.user_ringbuf_push(id, &vec![1; len]);
    assert_eq!(push(&mut bench, 4089), Err(Errno::E2BIG));
    for _ in 0..256 {
        assert_eq!(push(&mut bench, 8), Ok(()));
    }
    assert_eq!(push(&mut bench, 0), Err(Errno::ENOSPC));
}
