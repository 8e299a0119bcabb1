//! Ring buffers (`ringbuf`).
//!
//! A record has a header of 8 bytes in front (length with a *busy* and a *discard*
//! bit, then an offset that only Linux uses) and begins at a multiple of 8. The
//! consumer reads in the order of reservation and stops at a record that is still
//! busy.
//!
//! Facts (Linux's documentation `bpf/ringbuf.rst`; measured on Linux 6.18): the
//! ring is full one byte early, so a ring of 4096 bytes holds 255 records of 8
//! bytes and their headers. Reservation with flags finds no room; submission takes
//! any flags; `bpf_ringbuf_output` refuses unknown ones with `EINVAL` and lack of
//! room with `EAGAIN`.
//!
//! A record that crosses the end of the ring goes on behind it, in as much memory
//! again, where Linux maps the same pages twice. What programs may touch is the
//! extent of the records that are reserved and not yet submitted: exactly the
//! record, while there is one.

use abi::{Errno, MapDef};
use inject::Bug;

use super::{Map, MapId};
use crate::memory::{Addr, OutOfSpace, RegionId, RegionKind, Rights, Space};

/// Bytes in front of a record.
const HEADER: u32 = 8;
/// The record is still being written.
const BUSY: u32 = 1 << 31;
/// The record is to be skipped.
const DISCARD: u32 = 1 << 30;
/// Largest record.
const MAX_RECORD: u64 = u32::MAX as u64 / 4;

/// `BPF_RB_*` flags of `bpf_ringbuf_output`.
const WAKEUP_FLAGS: u64 = 3;

/// A ring buffer.
#[derive(Debug)]
pub struct RingBuffer {
    def: MapDef,
    region: RegionId,
    base: Addr,
    /// Bytes ever produced and consumed.
    producer: u64,
    consumer: u64,
    /// Records that are reserved: address and size.
    open: Vec<(Addr, u32)>,
}

impl RingBuffer {
    pub(super) fn new(space: &mut Space, id: MapId, def: MapDef) -> Result<RingBuffer, OutOfSpace> {
        let bytes = u64::from(def.max_entries) * 2;
        let capacity = u32::try_from(bytes).map_err(|_| OutOfSpace { bytes })?;
        let region = space.add(capacity, Rights::ReadWrite, RegionKind::RingBuffer(id))?;
        let base = space.region(region).start;
        space.set_bounds(region, base, 0);
        Ok(RingBuffer {
            def,
            region,
            base,
            producer: 0,
            consumer: 0,
            open: Vec::new(),
        })
    }

    /// `bpf_ringbuf_reserve`: the address of a record of `size` bytes, or `None`
    /// when there is no room or the arguments are refused.
    pub fn reserve(&mut self, space: &mut Space, size: u64, flags: u64) -> Option<Addr> {
        if flags != 0 {
            return None;
        }
        let record = self.produce(space, size)?;
        self.open.push((record, size as u32));
        self.show(space);
        Some(record)
    }

    /// A busy record at the end of the ring.
    fn produce(&mut self, space: &mut Space, size: u64) -> Option<Addr> {
        if size > MAX_RECORD {
            return None;
        }
        let total = (size + u64::from(HEADER)).next_multiple_of(8);
        let end = self.producer + total;
        let full = end - self.consumer >= u64::from(self.def.max_entries);
        if full && !inject::on(Bug::Cve2021_3489) {
            return None;
        }
        let header = self.header_at(self.producer);
        self.producer = end;
        set_header(space, header, size as u32 | BUSY);
        Some(header.offset(HEADER))
    }

    /// `bpf_ringbuf_submit`: the record at `record` may be read. An address that
    /// was not reserved is `EINVAL`. Flags only say whom to wake.
    pub fn submit(&mut self, space: &mut Space, record: Addr, flags: u64) -> Result<(), Errno> {
        let _ = flags;
        self.close(space, record, 0)
    }

    /// `bpf_ringbuf_discard`: the record at `record` will not be read.
    pub fn discard(&mut self, space: &mut Space, record: Addr, flags: u64) -> Result<(), Errno> {
        let _ = flags;
        self.close(space, record, DISCARD)
    }

    fn close(&mut self, space: &mut Space, record: Addr, mark: u32) -> Result<(), Errno> {
        let number = self.open.iter().position(|(addr, _)| *addr == record);
        let (record, size) = self.open.remove(number.ok_or(Errno::EINVAL)?);
        set_header(space, before(record), size | mark);
        self.show(space);
        Ok(())
    }

    /// `bpf_ringbuf_output`: adds a record with the `size` bytes at `data`, which
    /// the caller has checked.
    pub fn output(
        &mut self,
        space: &mut Space,
        data: Addr,
        size: u32,
        flags: u64,
    ) -> Result<(), Errno> {
        if flags & !WAKEUP_FLAGS != 0 {
            return Err(Errno::EINVAL);
        }
        let record = self.produce(space, size.into()).ok_or(Errno::EAGAIN)?;
        copy(space, data, record, size);
        set_header(space, before(record), size);
        Ok(())
    }

    /// `bpf_ringbuf_query`: the number that `what` asks for, 0 for unknown ones.
    pub fn query(&self, what: u64) -> u64 {
        match what {
            0 => self.producer - self.consumer,
            1 => self.def.max_entries.into(),
            2 => self.consumer,
            3 => self.producer,
            _ => 0,
        }
    }

    /// The consumer: hands over each record that is complete, oldest first, until
    /// one is still being written. How many.
    pub fn drain(&mut self, space: &mut Space, each: &mut dyn FnMut(&[u8])) -> usize {
        let mut count = 0;
        while self.consumer < self.producer {
            let header = self.header_at(self.consumer);
            let word = get_header(space, header);
            if word & BUSY != 0 {
                break;
            }
            let size = word & !DISCARD;
            if word & DISCARD == 0 {
                each(space.bytes(header.offset(HEADER), size));
                count += 1;
            }
            self.consumer += u64::from(size + HEADER).next_multiple_of(8);
        }
        count
    }

    fn header_at(&self, position: u64) -> Addr {
        // A power of two.
        self.base
            .offset(position as u32 & (self.def.max_entries - 1))
    }

    /// Shows programs the records that are reserved.
    fn show(&self, space: &mut Space) {
        let start = self.open.iter().map(|(addr, _)| *addr).min();
        let end = self.open.iter().map(|(addr, size)| addr.0 + size).max();
        let (start, end) = (start.unwrap_or(self.base), end.unwrap_or(self.base.0));
        space.set_bounds(self.region, start, end - start.0);
    }
}

/// The header of a record.
fn before(record: Addr) -> Addr {
    Addr(record.0 - HEADER)
}

fn set_header(space: &mut Space, header: Addr, word: u32) {
    space
        .bytes_mut(header, 4)
        .copy_from_slice(&word.to_le_bytes());
}

fn get_header(space: &Space, header: Addr) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(space.bytes(header, 4));
    u32::from_le_bytes(word)
}

/// Copies inside of machine memory, piece by piece.
fn copy(space: &mut Space, from: Addr, to: Addr, len: u32) {
    let mut buffer = [0; 256];
    let mut done = 0;
    while done < len {
        let piece = (len - done).min(buffer.len() as u32);
        let part = &mut buffer[..piece as usize];
        part.copy_from_slice(space.bytes(from.offset(done), piece));
        space
            .bytes_mut(to.offset(done), piece)
            .copy_from_slice(part);
        done += piece;
    }
}

impl Map for RingBuffer {
    fn def(&self) -> &MapDef {
        &self.def
    }

    fn ringbuf(&mut self) -> Option<&mut RingBuffer> {
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
