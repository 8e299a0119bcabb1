//! Ring buffers, read through shared memory as `Documentation/bpf/ringbuf.rst`
//! describes: a page with the reader's position, a page with the writer's, then
//! the data. A record is a header of eight bytes (length with two flags, and a
//! page offset of no concern here) and its data, rounded up to eight bytes.

use std::sync::atomic::Ordering;

use abi::{Errno, MapType};

use crate::Map;
use crate::sys::{self, Mapping};

/// Flag of a record that is still being written.
const BUSY: u32 = 1 << 31;
/// Flag of a record that was discarded.
const DISCARDED: u32 = 1 << 30;
/// Bytes of a record's header.
const HEADER: u64 = 8;

/// The reading end of a ring buffer.
#[derive(Debug)]
pub struct RingBuffer {
    reader: Mapping,
    /// The writer's page, and the data behind it.
    writer: Mapping,
    page: usize,
    size: usize,
}

impl RingBuffer {
    /// Opens a map of type [`MapType::Ringbuf`].
    ///
    /// # Errors
    ///
    /// `EINVAL` for another type; Linux's answer.
    pub fn open(map: &Map) -> Result<RingBuffer, Errno> {
        use std::os::fd::AsFd;

        if map.def().map_type != MapType::Ringbuf {
            return Err(Errno::EINVAL);
        }
        let (page, size) = (sys::page_size(), map.def().max_entries as usize);
        Ok(RingBuffer {
            reader: Mapping::new(map.as_fd(), 0, page, true)?,
            writer: Mapping::new(map.as_fd(), page, page + size, false)?,
            page,
            size,
        })
    }

    /// Takes the records that are there, in order; those that were discarded are
    /// left out. Ends before one that is still being written.
    pub fn drain(&mut self) -> Vec<Vec<u8>> {
        let mut records = Vec::new();
        let mut at = self.reader.load(0, Ordering::Relaxed);
        let end = self.writer.load(0, Ordering::Acquire);
        while at < end {
            let start = self.page + (at % self.size as u64) as usize;
            let header = self.writer.load(start, Ordering::Acquire) as u32;
            if header & BUSY != 0 {
                break;
            }
            let len = header & !(BUSY | DISCARDED);
            if len as usize > self.size {
                break;
            }
            if header & DISCARDED == 0 {
                let data = at + HEADER;
                records.push(self.writer.copy(self.page, self.size, data, len as usize));
            }
            at += HEADER + u64::from(len).next_multiple_of(8);
            self.reader.store(0, at, Ordering::Release);
        }
        records
    }
}
