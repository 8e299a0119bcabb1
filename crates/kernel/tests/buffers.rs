//! Ring buffers, perf buffers and the trace pipe: what programs send arrives,
//! whole and in order.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::slice::from_ref;

use abi::{MapType, ProgType};
use common::{def, program};
use kernel::{
    Kernel, LoadOptions, Loaded, Map, PerfBuffer, PerfRecord, RingBuffer, TestRun, TracePipe,
    testing,
};

/// Sends the first `packet[0]` bytes of the packet, at most 32, once.
fn sender(kernel: &Kernel, map: &Map, send: &str) -> Loaded {
    let text = format!(
        "r6 = r1
         r7 = *(u32 *)(r1 +0)
         r8 = *(u32 *)(r1 +4)
         r2 = r7
         r2 += 32
         if r2 > r8 goto out
         r9 = *(u8 *)(r7 +0)
         if r9 > 32 goto out
         if r9 == 0 goto out
         {send}
         r0 = 0
         exit
         out:
         r0 = 1
         exit"
    );
    let program = program(ProgType::Xdp, &text, &[]);
    let loaded = kernel.load(&program, from_ref(map), &LoadOptions::default());
    loaded.unwrap_or_else(|e| panic!("{e}"))
}

/// The packet's first bytes on the stack, since helpers of XDP may not read the
/// packet itself.
const COPY: &str = "*(u64 *)(r10 -8) = 0
    r1 = *(u64 *)(r7 +0)
    *(u64 *)(r10 -32) = r1
    r1 = *(u64 *)(r7 +8)
    *(u64 *)(r10 -24) = r1
    r1 = *(u64 *)(r7 +16)
    *(u64 *)(r10 -16) = r1";

fn to_ring() -> String {
    format!(
        "{COPY}
         r1 = map[idx:0]
         r2 = r10
         r2 += -32
         r3 = r9
         r4 = 0
         call bpf_ringbuf_output#130"
    )
}

/// To the ring of the CPU that runs.
fn to_perf() -> String {
    format!(
        "{COPY}
         r1 = r6
         r2 = map[idx:0]
         w3 = -1
         r4 = r10
         r4 += -32
         r5 = r9
         call bpf_perf_event_output#25"
    )
}

fn send(program: &Loaded, data: &[u8]) {
    let run = TestRun {
        data,
        ..TestRun::default()
    };
    assert_eq!(program.test_run(&run).unwrap().retval, 0);
}

/// Records of 1 to 24 bytes, each recognisable.
fn packets() -> impl Iterator<Item = [u8; 64]> {
    (0..2000_usize)
        .map(|n| std::array::from_fn(|i| if i == 0 { n % 24 + 1 } else { n * 7 + i } as u8))
}

fn record(packet: &[u8; 64]) -> &[u8] {
    &packet[..packet[0].into()]
}

#[test]
fn ring_buffers_go_round() {
    let kernel = kernel_or_return!();
    let map = kernel
        .create_map(&def(MapType::Ringbuf, 0, 0, 4096), None)
        .unwrap();
    let mut ring = RingBuffer::open(&map).unwrap();
    let sender = sender(&kernel, &map, &to_ring());
    assert_eq!(ring.drain(), Vec::<Vec<u8>>::new());
    // 2000 records of up to 32 bytes are many times the ring.
    let packets: Vec<_> = packets().collect();
    for some in packets.chunks(90) {
        some.iter().for_each(|packet| send(&sender, packet));
        let expected: Vec<_> = some.iter().map(record).collect();
        assert_eq!(ring.drain(), expected);
    }
}

#[test]
fn a_full_ring_buffer_takes_no_more() {
    let kernel = kernel_or_return!();
    let map = kernel
        .create_map(&def(MapType::Ringbuf, 0, 0, 4096), None)
        .unwrap();
    let sender = sender(&kernel, &map, &to_ring());
    let mut packet = [0; 64];
    packet[0] = 8;
    (0..300).for_each(|_| send(&sender, &packet));
    let mut ring = RingBuffer::open(&map).unwrap();
    // 256 places of 16 bytes, of which one stays empty.
    assert_eq!(ring.drain().len(), 255);
    send(&sender, &packet);
    assert_eq!(ring.drain(), [&packet[..8]]);
}

#[test]
fn discarded_records_are_left_out() {
    let kernel = kernel_or_return!();
    let map = kernel
        .create_map(&def(MapType::Ringbuf, 0, 0, 4096), None)
        .unwrap();
    let reserve = |end: &str| {
        format!(
            "r1 = map[idx:0]
             r2 = 8
             r3 = 0
             call bpf_ringbuf_reserve#131
             if r0 == 0 goto out
             r1 = *(u64 *)(r7 +0)
             *(u64 *)(r0 +0) = r1
             r1 = r0
             r2 = 0
             call {end}"
        )
    };
    let submit = sender(&kernel, &map, &reserve("bpf_ringbuf_submit#132"));
    let discard = sender(&kernel, &map, &reserve("bpf_ringbuf_discard#133"));
    let mut ring = RingBuffer::open(&map).unwrap();
    for sender in [&discard, &submit, &discard, &discard, &submit] {
        send(sender, &[1; 64]);
    }
    assert_eq!(ring.drain(), [[1; 8], [1; 8]]);
}

#[test]
fn perf_buffers_go_round() {
    let kernel = kernel_or_return!();
    let _cpu = kernel.on_cpu(0).unwrap();
    let map = kernel
        .create_map(&def(MapType::PerfEventArray, 4, 4, 0), None)
        .unwrap();
    let mut perf = PerfBuffer::open(&kernel, &map, 1).unwrap();
    let sender = sender(&kernel, &map, &to_perf());
    let packets: Vec<_> = packets().collect();
    for some in packets.chunks(90) {
        some.iter().for_each(|packet| send(&sender, packet));
        let records = perf.drain();
        assert_eq!(records.len(), some.len());
        for (got, packet) in records.iter().zip(some) {
            let PerfRecord::Sample { cpu: 0, data } = got else {
                panic!("{got:?}");
            };
            let sent = record(packet);
            assert_eq!(data.len(), PerfRecord::padded_len(sent.len()));
            assert_eq!(&data[..sent.len()], sent);
        }
    }
}

#[test]
fn a_full_perf_buffer_says_how_much_it_lost() {
    let kernel = kernel_or_return!();
    let _cpu = kernel.on_cpu(0).unwrap();
    let map = kernel
        .create_map(&def(MapType::PerfEventArray, 4, 4, 0), None)
        .unwrap();
    let mut perf = PerfBuffer::open(&kernel, &map, 1).unwrap();
    let sender = sender(&kernel, &map, &to_perf());
    let mut packet = [0; 64];
    packet[0] = 24;
    assert_eq!(map.info().unwrap().max_entries, kernel.cpus());
    let run = TestRun {
        data: &packet,
        repeat: 200,
        ..TestRun::default()
    };
    sender.test_run(&run).unwrap();
    let kept = perf.drain().len();
    assert!((50..200).contains(&kept), "{kept}");
    // Linux tells with the next record that it has room for.
    send(&sender, &packet);
    let records = perf.drain();
    let lost = PerfRecord::Lost {
        cpu: 0,
        count: 200 - kept as u64,
    };
    assert_eq!(records[0], lost);
    assert_eq!(records.len(), 2);
}

#[test]
fn other_maps_are_no_buffers() {
    let kernel = kernel_or_return!();
    let map = kernel
        .create_map(&def(MapType::Array, 4, 4, 1), None)
        .unwrap();
    assert_eq!(RingBuffer::open(&map).unwrap_err(), abi::Errno::EINVAL);
    let perf = PerfBuffer::open(&kernel, &map, 1);
    assert_eq!(perf.unwrap_err(), abi::Errno::EINVAL);
}

#[test]
fn printed_lines_come_out_of_the_trace_pipe() {
    let kernel = kernel_or_return!();
    let mut pipe = match TracePipe::open() {
        Ok(pipe) => pipe,
        Err(reason) => return testing::skip(&reason.to_string()).unwrap_or_default(),
    };
    // "kern %d\n", and the process in it, since others may print too.
    let mark = std::process::id();
    let text = format!(
        "r1 = 0x0a6425206e72656b
         *(u64 *)(r10 -16) = r1
         *(u64 *)(r10 -8) = 0
         r1 = r10
         r1 += -16
         r2 = 9
         r3 = {mark}
         call bpf_trace_printk#6
         r0 = 0
         exit"
    );
    let program = program(ProgType::Xdp, &text, &[]);
    let loaded = kernel.load(&program, &[], &LoadOptions::default()).unwrap();
    (0..3).for_each(|_| send(&loaded, &[0; 64]));
    let wanted = format!("kern {mark}");
    let mut found = 0;
    for _ in 0..100 {
        found += pipe.messages().iter().filter(|m| **m == wanted).count();
        if found == 3 {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{found} of 3 lines");
}
