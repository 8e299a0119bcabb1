//! Ring buffers (`BPF_MAP_TYPE_RINGBUF`).

use abi::Errno;

use crate::memory::{Addr, Space};

/// A ring buffer.
#[derive(Debug)]
pub struct RingBuffer {}

impl RingBuffer {
    /// `bpf_ringbuf_reserve`: the address of a record of `size` bytes, or `None`
    /// when there is no room or the arguments are refused.
    pub fn reserve(&mut self, space: &mut Space, size: u64, flags: u64) -> Option<Addr> {
        let _ = (space, size, flags);
        None
    }

    /// `bpf_ringbuf_submit`: the record at `record` may be read. An address that
    /// was not reserved is `EINVAL`.
    pub fn submit(&mut self, space: &mut Space, record: Addr, flags: u64) -> Result<(), Errno> {
        let _ = (space, record, flags);
        Err(Errno::EINVAL)
    }

    /// `bpf_ringbuf_discard`: the record at `record` will not be read.
    pub fn discard(&mut self, space: &mut Space, record: Addr, flags: u64) -> Result<(), Errno> {
        let _ = (space, record, flags);
        Err(Errno::EINVAL)
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
        let _ = (space, data, size, flags);
        Err(Errno::EINVAL)
    }

    /// `bpf_ringbuf_query`: the number that `what` asks for, 0 for unknown ones.
    pub fn query(&self, what: u64) -> u64 {
        let _ = what;
        0
    }

    /// The consumer: hands over each record that is complete, oldest first, until
    /// one is still being written. How many.
    pub fn drain(&mut self, space: &mut Space, each: &mut dyn FnMut(&[u8])) -> usize {
        let _ = (space, each);
        0
    }
}
