//! The window on the capture that parsing works in.
//!
//! Bytes are read in large chunks and handed out in place. What was consumed
//! last stays readable until the next [`Buffer::fill`], so that a packet can be
//! lent out of the buffer without a copy; what is copied is the part of a record
//! that a chunk's end cuts off, once a chunk.

use std::io::{self, ErrorKind::Interrupted, Read};
use std::ops::Range;

/// Large enough that a `read` costs little per packet, small enough for the L2
/// cache.
const CHUNK: usize = 256 << 10;

#[derive(Debug)]
pub(super) struct Buffer<R> {
    source: R,
    bytes: Vec<u8>,
    /// `bytes[start..end]` has come and is not consumed; `start <= end`.
    start: usize,
    end: usize,
    /// Where `bytes[0]` lies in the capture.
    base: u64,
}

impl<R: Read> Buffer<R> {
    pub(super) fn new(source: R) -> Self {
        Buffer {
            source,
            bytes: vec![0; CHUNK],
            start: 0,
            end: 0,
            base: 0,
        }
    }

    /// What has come and is not consumed.
    #[inline]
    pub(super) fn available(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// The place in the capture of the first byte of [`Buffer::available`].
    pub(super) fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// Reads until `need` bytes are available; false if the capture ends before.
    ///
    /// The caller bounds `need`; the buffer grows only when it is full.
    #[inline]
    pub(super) fn fill(&mut self, need: usize) -> io::Result<bool> {
        if self.end - self.start >= need {
            return Ok(true);
        }
        self.read_until(need)
    }

    #[cold]
    fn read_until(&mut self, need: usize) -> io::Result<bool> {
        self.bytes.copy_within(self.start..self.end, 0);
        self.base += self.start as u64;
        self.end -= self.start;
        self.start = 0;
        while self.end < need {
            if self.end == self.bytes.len() {
                self.bytes.resize(self.bytes.len() * 2, 0);
            }
            match self.source.read(&mut self.bytes[self.end..]) {
                Ok(0) => return Ok(false),
                // A source that claims to have read more than it was given
                // room for is broken; it must not break us.
                Ok(n) => self.end = self.bytes.len().min(self.end + n),
                Err(e) if e.kind() == Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(true)
    }

    /// Consumes `len` available bytes; what they were can be had by
    /// [`Buffer::consumed`] until the next fill.
    #[inline]
    pub(super) fn consume(&mut self, len: usize) -> Range<usize> {
        let from = self.start;
        self.start = self.end.min(from + len);
        from..self.start
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Consumed bytes, by a range within one that `consume` returned.
    #[inline]
    pub(super) fn consumed(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }
}
