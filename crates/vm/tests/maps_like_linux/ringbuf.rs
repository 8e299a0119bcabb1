//! Ring buffers: room, order, wrapping, and what programs see of them.

use std::collections::VecDeque;

use abi::{Errno, MapType};
use proptest::prelude::*;
use vm::memory::{Access, Addr};

use crate::support::{Maps, def};

fn ring(bytes: u32) -> Maps {
    Maps::with(&def(MapType::Ringbuf, 0, 0, bytes))
}

impl Maps {
    fn reserve(&mut self, size: u64) -> Option<Addr> {
        let ring = self.maps[0].ringbuf().unwrap();
        ring.reserve(&mut self.space, size, 0)
    }

    fn submit(&mut self, record: Addr) -> Result<(), Errno> {
        let ring = self.maps[0].ringbuf().unwrap();
        ring.submit(&mut self.space, record, 0)
    }

    fn discard(&mut self, record: Addr) -> Result<(), Errno> {
        let ring = self.maps[0].ringbuf().unwrap();
        ring.discard(&mut self.space, record, 0)
    }

    fn query(&mut self, what: u64) -> u64 {
        self.maps[0].ringbuf().unwrap().query(what)
    }

    fn drain(&mut self) -> Vec<Vec<u8>> {
        let mut records = Vec::new();
        let ring = self.maps[0].ringbuf().unwrap();
        ring.drain(&mut self.space, &mut |r| records.push(r.to_vec()));
        records
    }
}

#[test]
fn a_page_holds_255_records_of_16_bytes() {
    let mut maps = ring(4096);
    let records = std::iter::from_fn(|| maps.reserve(8)).count();
    assert_eq!(records, 255);
    assert_eq!(maps.query(0), 255 * 16);
    assert_eq!(maps.query(1), 4096);
    assert_eq!((maps.query(2), maps.query(3)), (0, 255 * 16));
    assert_eq!(maps.query(9), 0);
}

#[test]
fn order_is_that_of_reservation() {
    let mut maps = ring(4096);
    let records: Vec<Addr> = (0..4).map(|_| maps.reserve(4).unwrap()).collect();
    for (i, record) in records.iter().enumerate() {
        maps.space.store(record.to_reg(), [i as u8; 4]).unwrap();
    }
    maps.submit(records[1]).unwrap();
    assert!(maps.drain().is_empty());
    maps.discard(records[0]).unwrap();
    assert_eq!(maps.drain(), [[1; 4]]);
    maps.submit(records[3]).unwrap();
    assert!(maps.drain().is_empty());
    maps.submit(records[2]).unwrap();
    assert_eq!(maps.drain(), [[2; 4], [3; 4]]);
    assert_eq!(maps.query(0), 0);
}

#[test]
fn only_reserved_records_can_be_submitted() {
    let mut maps = ring(4096);
    let record = maps.reserve(8).unwrap();
    assert_eq!(maps.submit(record.offset(8)), Err(Errno::EINVAL));
    assert_eq!(maps.submit(record), Ok(()));
    assert_eq!(maps.submit(record), Err(Errno::EINVAL));
    assert_eq!(maps.discard(Addr(0)), Err(Errno::EINVAL));
}

/// A record is all that a program can reach, and only until it is submitted.
#[test]
fn exactly_the_record_is_in_bounds() {
    let mut maps = ring(1 << 17);
    for _ in 0..3000 {
        let record = maps.reserve(100).unwrap();
        assert!(maps.allows(record, 100, Access::Write));
        assert!(!maps.allows(record, 101, Access::Write));
        assert!(!maps.allows(Addr(record.0 - 1), 1, Access::Read));
        maps.submit(record).unwrap();
        assert!(!maps.allows(record, 1, Access::Read));
        assert_eq!(maps.drain().len(), 1);
    }
}

#[test]
fn flags_and_sizes() {
    let mut maps = ring(4096);
    let ring = maps.maps[0].ringbuf().unwrap();
    assert_eq!(ring.reserve(&mut maps.space, 8, 1), None);
    assert_eq!(ring.reserve(&mut maps.space, 4088, 0), None);
    assert_eq!(ring.reserve(&mut maps.space, u64::MAX, 0), None);
    assert_eq!(ring.reserve(&mut maps.space, 1 << 32, 0), None);
    let record = ring.reserve(&mut maps.space, 4000, 0).unwrap();
    for flags in [0, 1, 2, 3] {
        let answer = ring.output(&mut maps.space, record, 200, flags);
        assert_eq!(answer, Err(Errno::EAGAIN));
    }
    let answer = ring.output(&mut maps.space, record, 8, 4);
    assert_eq!(answer, Err(Errno::EINVAL));
    ring.submit(&mut maps.space, record, u64::MAX).unwrap();
}

/// What programs and the consumer do with a ring.
#[derive(Clone, Debug)]
enum Step {
    Reserve(u32),
    Output(u32),
    /// Submits or discards one of the reserved records.
    Finish(usize, bool),
    Drain,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u32..1500).prop_map(Step::Reserve),
        4 => (0u32..1500).prop_map(Step::Output),
        6 => (any::<usize>(), any::<bool>()).prop_map(|(i, keep)| Step::Finish(i, keep)),
        2 => Just(Step::Drain),
    ]
}

/// A record of the model: its bytes, whether it is finished, whether it is kept.
struct Record {
    bytes: Vec<u8>,
    at: Option<Addr>,
    keep: bool,
}

proptest! {
    #[test]
    fn like_a_queue(steps in prop::collection::vec(step(), 1..200)) {
        let mut maps = ring(8192);
        let mut model: VecDeque<Record> = VecDeque::new();
        let mut used = 0;
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Reserve(size) | Step::Output(size) => {
                    let total = (size + 8).next_multiple_of(8);
                    let fits = used + total < 8192;
                    let bytes = vec![number as u8; size as usize];
                    let at = maps.reserve(size.into());
                    prop_assert_eq!(at.is_some(), fits);
                    let Some(at) = at else { continue };
                    used += total;
                    maps.space.write(at.to_reg(), size).unwrap().copy_from_slice(&bytes);
                    let mut record = Record { bytes, at: Some(at), keep: true };
                    if matches!(step, Step::Output(_)) {
                        maps.submit(at).unwrap();
                        record.at = None;
                    }
                    model.push_back(record);
                }
                Step::Finish(which, keep) => {
                    let mut open: Vec<_> = model.iter_mut().filter(|r| r.at.is_some()).collect();
                    if open.is_empty() {
                        continue;
                    }
                    let which = which % open.len();
                    let record = &mut open[which];
                    record.keep = keep;
                    let at = record.at.take().unwrap();
                    let answer = if keep { maps.submit(at) } else { maps.discard(at) };
                    prop_assert_eq!(answer, Ok(()));
                }
                Step::Drain => {
                    let mut expected = Vec::new();
                    while model.front().is_some_and(|r| r.at.is_none()) {
                        let record = model.pop_front().unwrap();
                        used -= (record.bytes.len() as u32 + 8).next_multiple_of(8);
                        if record.keep {
                            expected.push(record.bytes);
                        }
                    }
                    prop_assert_eq!(maps.drain(), expected);
                }
            }
            prop_assert_eq!(maps.query(0), u64::from(used));
        }
    }

    /// `bpf_ringbuf_output` copies from anywhere in machine memory.
    #[test]
    fn output_copies(size in 0u32..3000) {
        let mut maps = ring(4096);
        let mut source = def(MapType::Array, 4, 3000, 1);
        let bytes: Vec<u8> = (0..3000u32).map(|i| i as u8 ^ (i >> 8) as u8).collect();
        source.initial = abi::Initial::Bytes(bytes.clone());
        maps.create(&source).unwrap();
        let at = maps.last().direct().unwrap().base;
        let ring = maps.maps[0].ringbuf().unwrap();
        ring.output(&mut maps.space, at, size, 0).unwrap();
        prop_assert_eq!(maps.drain(), [&bytes[..size as usize]]);
    }
}
