//! Perf buffers: what programs send by `bpf_perf_event_output`, one ring for
//! each CPU (`linux/perf_event.h`).

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::Ordering;

use abi::{Errno, MapType};

use crate::map::update;
use crate::sys::{self, Mapping};
use crate::{Kernel, Map};

/// Where in `perf_event_mmap_page` the writer's and the reader's position lie.
const DATA_HEAD: usize = 1024;
const DATA_TAIL: usize = 1032;
/// `PERF_RECORD_LOST`.
const LOST: u32 = 2;
/// `PERF_RECORD_SAMPLE`.
const SAMPLE: u32 = 9;
/// Bytes of `perf_event_header`.
const HEADER: usize = 8;

/// The reading end of a perf event array.
#[derive(Debug)]
pub struct PerfBuffer {
    rings: Vec<Ring>,
}

#[derive(Debug)]
struct Ring {
    cpu: u32,
    memory: Mapping,
    page: usize,
    size: usize,
    event: OwnedFd,
}

/// What came out of a perf buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PerfRecord {
    /// What a program sent.
    Sample {
        /// The CPU that sent it.
        cpu: u32,
        /// The bytes and Linux's padding behind them: a record that was sent
        /// with `n` bytes has [`PerfRecord::padded_len`] of `n`.
        data: Vec<u8>,
    },
    /// This many records found no room.
    Lost {
        /// The CPU that lost them.
        cpu: u32,
        /// How many.
        count: u64,
    },
}

impl PerfRecord {
    /// Bytes that a record of `len` bytes comes with: so many that with the four
    /// bytes in front they are a multiple of eight.
    pub fn padded_len(len: usize) -> usize {
        (len + 4).next_multiple_of(8) - 4
    }
}

impl PerfBuffer {
    /// Opens a map of type [`MapType::PerfEventArray`] with a ring of `pages`
    /// pages, rounded up to a power of two, for each CPU that is online and that
    /// the map has a slot for.
    ///
    /// # Errors
    ///
    /// `EINVAL` for another type; Linux's answer.
    pub fn open(kernel: &Kernel, map: &Map, pages: usize) -> Result<PerfBuffer, Errno> {
        if map.def().map_type != MapType::PerfEventArray {
            return Err(Errno::EINVAL);
        }
        let page = sys::page_size();
        let pages = pages.checked_next_power_of_two().ok_or(Errno::EINVAL)?;
        let size = pages.checked_mul(page).ok_or(Errno::EINVAL)?;
        let mut slots = map.def().max_entries;
        if slots == 0 {
            slots = kernel.cpus();
        }
        let mut rings = Vec::new();
        for cpu in kernel.online_cpus() {
            if cpu < slots {
                let ring = Ring::open(cpu, page, size)?;
                let fd = ring.event.as_raw_fd();
                map.update(&cpu.to_ne_bytes(), &fd.to_ne_bytes(), update::ANY)?;
                rings.push(ring);
            }
        }
        Ok(PerfBuffer { rings })
    }

    /// Takes the records that are there: by CPU, each CPU's in order.
    pub fn drain(&mut self) -> Vec<PerfRecord> {
        let mut records = Vec::new();
        for ring in &mut self.rings {
            ring.drain(&mut records);
        }
        records
    }
}

impl Ring {
    fn open(cpu: u32, page: usize, size: usize) -> Result<Ring, Errno> {
        let event = sys::open_output(cpu)?;
        let len = page.checked_add(size).ok_or(Errno::EINVAL)?;
        Ok(Ring {
            cpu,
            memory: Mapping::new(event.as_fd(), 0, len, true)?,
            page,
            size,
            event,
        })
    }

    fn drain(&mut self, records: &mut Vec<PerfRecord>) {
        let mut at = self.memory.load(DATA_TAIL, Ordering::Relaxed);
        let end = self.memory.load(DATA_HEAD, Ordering::Acquire);
        while at < end {
            // type: u32, misc: u16, size: u16
            let header = self.copy(at, HEADER);
            let (kind, size) = (u32_at(&header, 0), u32_at(&header, 4) >> 16);
            let body = self.copy(at + HEADER as u64, (size as usize).saturating_sub(HEADER));
            let cpu = self.cpu;
            match kind {
                SAMPLE => {
                    let len = u32_at(&body, 0) as usize;
                    let data = body.get(4..).unwrap_or_default();
                    let data = data.get(..len).unwrap_or(data).to_vec();
                    records.push(PerfRecord::Sample { cpu, data });
                }
                LOST => {
                    let (low, high) = (u32_at(&body, 8), u32_at(&body, 12));
                    let count = u64::from(high) << 32 | u64::from(low);
                    records.push(PerfRecord::Lost { cpu, count });
                }
                _ => {}
            }
            at += u64::from(size).max(HEADER as u64);
        }
        self.memory.store(DATA_TAIL, at, Ordering::Release);
    }

    fn copy(&self, at: u64, len: usize) -> Vec<u8> {
        self.memory.copy(self.page, self.size, at, len)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..at + 4);
    word.and_then(|word| word.try_into().ok())
        .map_or(0, u32::from_ne_bytes)
}
