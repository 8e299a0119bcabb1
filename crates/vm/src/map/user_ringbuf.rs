//! Ring buffers that user space writes and programs read (`user_ringbuf`).
//!
//! A record takes its length, rounded up to 8 bytes, and a header of 8 bytes, as in
//! Linux, so that as many fit. In front of the ring lies the dynptr through which
//! a program reads the record that it is given; it and the record are in bounds
//! while it is.

use std::collections::VecDeque;

use abi::{Errno, MapDef};

use super::{Map, MapId};
use crate::memory::{Addr, OutOfSpace, RegionId, RegionKind, Rights, Space};

/// Bytes in front of a record.
const HEADER: u32 = 8;
/// Bytes for the dynptr in front of the ring.
const DYNPTR: u32 = 16;

/// A ring buffer that user space writes.
#[derive(Debug)]
pub struct UserRingBuffer {
    def: MapDef,
    region: RegionId,
    base: Addr,
    /// Bytes ever produced and consumed.
    producer: u64,
    consumer: u64,
    /// Bytes of the records that are not consumed.
    records: VecDeque<u32>,
    /// Whether a program is reading.
    pub(crate) busy: bool,
}

impl UserRingBuffer {
    pub(super) fn new(
        space: &mut Space,
        id: MapId,
        def: MapDef,
    ) -> Result<UserRingBuffer, OutOfSpace> {
        let bytes = u64::from(def.max_entries) * 2 + u64::from(DYNPTR);
        let capacity = u32::try_from(bytes).map_err(|_| OutOfSpace { bytes })?;
        let region = space.add(capacity, Rights::ReadWrite, RegionKind::RingBuffer(id))?;
        let base = space.region(region).start;
        space.set_bounds(region, base, 0);
        Ok(UserRingBuffer {
            def,
            region,
            base,
            producer: 0,
            consumer: 0,
            records: VecDeque::new(),
            busy: false,
        })
    }

    /// What user space does: adds a record. `E2BIG` when it never fits, `ENOSPC`
    /// when it does not now.
    pub fn push(&mut self, space: &mut Space, record: &[u8]) -> Result<(), Errno> {
        let size = u64::from(self.def.max_entries);
        let len = u32::try_from(record.len()).map_err(|_| Errno::E2BIG)?;
        let total = room(len);
        if total > size {
            return Err(Errno::E2BIG);
        }
        if self.producer + total - self.consumer > size {
            return Err(Errno::ENOSPC);
        }
        let addr = self.place(self.producer);
        space.bytes_mut(addr, len).copy_from_slice(record);
        self.records.push_back(len);
        self.producer += total;
        Ok(())
    }

    /// Records that no program has read.
    pub fn pending(&self) -> usize {
        self.records.len()
    }

    /// Shows the program the oldest record, described by `dynptr`: where the dynptr
    /// is.
    pub(crate) fn lend(
        &mut self,
        space: &mut Space,
        dynptr: impl FnOnce(Addr, u32) -> [u8; DYNPTR as usize],
    ) -> Option<Addr> {
        let len = *self.records.front()?;
        let record = self.place(self.consumer);
        let end = record.offset(len).0 - self.base.0;
        space
            .bytes_mut(self.base, DYNPTR)
            .copy_from_slice(&dynptr(record, len));
        space.set_bounds(self.region, self.base, end);
        Some(self.base)
    }

    /// Takes the record away that was shown.
    pub(crate) fn take_back(&mut self, space: &mut Space) {
        if let Some(len) = self.records.pop_front() {
            self.consumer += room(len);
        }
        space.set_bounds(self.region, self.base, 0);
    }

    /// Where the record at a position is: behind its header. One that crosses the
    /// end goes on behind it.
    fn place(&self, position: u64) -> Addr {
        let at = position as u32 & self.def.max_entries.wrapping_sub(1);
        self.base.offset(DYNPTR + at + HEADER)
    }
}

/// Bytes of the ring that a record takes.
fn room(len: u32) -> u64 {
    (u64::from(len) + u64::from(HEADER)).next_multiple_of(8)
}

impl Map for UserRingBuffer {
    fn def(&self) -> &MapDef {
        &self.def
    }

    fn user_ringbuf(&mut self) -> Option<&mut UserRingBuffer> {
        Some(self)
    }

    fn delete(&mut self, _: &Space, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::ENOTSUPP)
    }

    fn next_key(&self, _: &Space, _: Option<&[u8]>, _: &mut [u8]) -> Result<(), Errno> {
        Err(Errno::ENOTSUPP)
    }

    fn sys_lookup(&mut self, _: &mut Space, _: &[u8]) -> Result<Vec<u8>, Errno> {
        Err(Errno::ENOTSUPP)
    }

    fn sys_update(&mut self, _: &mut Space, _: &[u8], _: &[u8], _: u64) -> Result<(), Errno> {
        Err(Errno::ENOTSUPP)
    }
}
