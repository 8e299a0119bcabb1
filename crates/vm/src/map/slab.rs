//! Equal elements in machine memory: the values of a map, or its keys.
//!
//! A slab has room for as many elements as its map may ever hold, but takes
//! memory in chunks as numbers grow: a table for ten million connections of which
//! a capture shows forty costs forty. Elements never move, so programs may keep
//! pointers to them. Each chunk is a region of its own whose elements are declared
//! to the [`Space`], so that an access past the end of a value is out of bounds
//! although the next value follows.

use abi::Errno;

use crate::memory::{Addr, Elements, OutOfSpace, RegionKind, Rights, Space};

/// Chunks are about this large, where the whole slab is not smaller.
const CHUNK_BYTES: u64 = 1 << 20;

/// Elements of the same size, numbered from 0.
#[derive(Debug)]
pub(super) struct Slab {
    kind: RegionKind,
    rights: Rights,
    /// Bytes of an element that programs may touch.
    len: u32,
    /// Bytes from one part to the next.
    stride: u32,
    /// Parts of an element: one, or one for each CPU.
    parts: u32,
    /// Elements there may be.
    capacity: u32,
    /// A chunk holds `1 << shift` elements.
    shift: u32,
    chunks: Vec<Addr>,
}

/// What a slab is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) kind: RegionKind,
    pub(super) rights: Rights,
    /// Bytes in one part of an element.
    pub(super) len: u32,
    /// Parts of an element: one, or one for each CPU.
    pub(super) parts: u32,
    /// Elements there may be.
    pub(super) capacity: u32,
}

impl Slab {
    /// A slab without memory yet, or the bytes that it would need at most, when
    /// that is more than an address space has.
    pub(super) fn new(layout: Layout) -> Result<Slab, OutOfSpace> {
        let Layout {
            kind,
            rights,
            len,
            parts,
            capacity,
        } = layout;
        let stride = u64::from(len).next_multiple_of(8).max(8);
        let element = stride.saturating_mul(parts.into());
        let bytes = element.saturating_mul(capacity.into());
        if bytes > u64::from(u32::MAX) {
            return Err(OutOfSpace { bytes });
        }
        let per_chunk = if bytes <= CHUNK_BYTES {
            u64::from(capacity).next_power_of_two()
        } else {
            // The largest power of two that fits, and at least one.
            1 << (CHUNK_BYTES / element).checked_ilog2().unwrap_or(0)
        };
        Ok(Slab {
            kind,
            rights,
            len,
            stride: stride as u32,
            parts,
            capacity,
            shift: per_chunk.trailing_zeros(),
            chunks: Vec::new(),
        })
    }

    /// A slab in one piece, all of it there.
    pub(super) fn whole(space: &mut Space, layout: Layout) -> Result<Slab, OutOfSpace> {
        let mut slab = Slab::new(layout)?;
        slab.shift = 31;
        slab.add_chunk(space)?;
        Ok(slab)
    }

    /// Sees to it that element `number` is there.
    pub(super) fn reserve(&mut self, space: &mut Space, number: u32) -> Result<(), Errno> {
        while (number >> self.shift) as usize >= self.chunks.len() {
            self.add_chunk(space).map_err(|_| Errno::ENOMEM)?;
        }
        Ok(())
    }

    fn add_chunk(&mut self, space: &mut Space) -> Result<(), OutOfSpace> {
        let before = (self.chunks.len() as u64) << self.shift;
        let left = u64::from(self.capacity).saturating_sub(before);
        let count = left.min(1 << self.shift) as u32;
        // No overflow: `new` has checked the whole.
        let bytes = self.element_size() * count;
        let id = space.add(bytes, self.rights, self.kind)?;
        let elements = Elements {
            stride: self.stride,
            at: 0,
            len: self.len,
        };
        space.set_elements(id, elements);
        self.chunks.push(space.region(id).start);
        Ok(())
    }

    /// Bytes from one part to the next.
    pub(super) fn stride(&self) -> u32 {
        self.stride
    }

    /// Bytes of all parts of an element, rounded up.
    pub(super) fn element_size(&self) -> u32 {
        self.stride * self.parts
    }

    /// Whether there is a part for that CPU.
    pub(super) fn has_part(&self, cpu: u32) -> bool {
        cpu < self.parts
    }

    /// Where element `number` is; it must have been reserved.
    #[inline]
    pub(super) fn addr(&self, number: u32) -> Addr {
        let chunk = self.chunks[(number >> self.shift) as usize];
        let within = number & ((1 << self.shift) - 1);
        chunk.offset(within * self.element_size())
    }

    /// Where the part of element `number` for `cpu` is.
    #[inline]
    pub(super) fn part(&self, number: u32, cpu: u32) -> Addr {
        debug_assert!(cpu < self.parts);
        self.addr(number).offset(cpu * self.stride)
    }

    /// The bytes of element `number`: of the first part, without what rounds up.
    #[inline]
    pub(super) fn get<'s>(&self, space: &'s Space, number: u32) -> &'s [u8] {
        space.bytes(self.addr(number), self.len)
    }

    /// Sets the first part of element `number`.
    pub(super) fn set(&self, space: &mut Space, number: u32, bytes: &[u8]) {
        space
            .bytes_mut(self.addr(number), self.len)
            .copy_from_slice(bytes);
    }

    /// All parts of element `number`, with what rounds them up.
    pub(super) fn all<'s>(&self, space: &'s Space, number: u32) -> &'s [u8] {
        space.bytes(self.addr(number), self.element_size())
    }

    /// Sets all parts of element `number`, with what rounds them up.
    pub(super) fn set_all(&self, space: &mut Space, number: u32, bytes: &[u8]) {
        space
            .bytes_mut(self.addr(number), self.element_size())
            .copy_from_slice(bytes);
    }

    /// Sets one CPU's part of element `number`.
    pub(super) fn set_part(&self, space: &mut Space, number: u32, cpu: u32, bytes: &[u8]) {
        space
            .bytes_mut(self.part(number, cpu), self.len)
            .copy_from_slice(bytes);
    }

    /// Zeroes all parts of element `number`, but not what rounds them up.
    pub(super) fn clear(&self, space: &mut Space, number: u32) {
        for cpu in 0..self.parts {
            space.bytes_mut(self.part(number, cpu), self.len).fill(0);
        }
    }
}
