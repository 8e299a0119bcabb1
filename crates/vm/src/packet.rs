//! The packet that an XDP program works on: a buffer with room around it.
//!
//! ```text
//! hard_start        data_meta  data                  data_end     hard_end
//!     │ headroom        │ meta │ linear part             │ tailroom   │ shared info
//!     └────────────── one page of machine memory ─────────────────────┴──────────┘
//!                              and, in multi-buffer packets, the rest as frags
//! ```
//!
//! The geometry is that of Linux's `BPF_PROG_TEST_RUN` (`abi::xdp`); what the
//! bytes mean is nobody's business here. Metadata and the linear part are in bounds
//! for the program, and frags, to which dynptrs give pointers; the context
//! (`struct xdp_md`) is kept in step.
//!
//! # Invariants
//!
//! * `hard_start + FRAME_RESERVED <= data_meta <= data <= data_end <= hard_end`.
//! * Bytes outside of the packet are zero when a run begins: nothing of the
//!   packet before is visible.
//! * After the first packet of each size, nothing is allocated.

use abi::Errno;
use abi::limits::PAGE_SIZE;
use abi::xdp::{FRAME_RESERVED, HEADROOM, MAX_FRAGS, MIN_PACKET, SHARED_INFO, md};

use crate::machine::{Error, Machine};
use crate::memory::{Addr, OutOfSpace, RegionId, RegionKind, Rights, Space};

/// What a driver hands over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Input<'a> {
    /// The packet, from the first byte of the link layer.
    pub data: &'a [u8],
    /// Metadata in front of it.
    pub meta: &'a [u8],
    /// `xdp_md.ingress_ifindex`.
    pub ingress_ifindex: u32,
    /// `xdp_md.rx_queue_index`.
    pub rx_queue_index: u32,
    /// `xdp_md.egress_ifindex`, for programs in a device map.
    pub egress_ifindex: u32,
    /// What the device tells programs that ask.
    pub hints: Hints,
}

/// What a device knows of a packet that it received. A device that does not know
/// says so, as most do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// When it was received, in nanoseconds (`bpf_xdp_metadata_rx_timestamp`).
    pub timestamp: Option<u64>,
    /// Hash over addresses and ports, and what it is over (`enum xdp_rss_hash_type`;
    /// `bpf_xdp_metadata_rx_hash`).
    pub hash: Option<(u32, u32)>,
    /// Ethernet type and control information of the VLAN tag that was taken off
    /// (`bpf_xdp_metadata_rx_vlan_tag`).
    pub vlan: Option<(u16, u16)>,
}

/// A packet that Linux would not hand to a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// More than the linear part and all frags hold.
    #[error("packet of {bytes} bytes: at most {limit} fit")]
    TooLong {
        /// Bytes of the packet.
        bytes: usize,
        /// Bytes that fit.
        limit: usize,
    },
    /// Less than an Ethernet header.
    #[error("packet of {bytes} bytes is shorter than an Ethernet header")]
    TooShort {
        /// Bytes of the packet.
        bytes: usize,
    },
    /// Metadata of a length that Linux refuses.
    #[error("{bytes} bytes of metadata: at most {MAX_METADATA}, and a multiple of 4")]
    Metadata {
        /// Bytes of metadata.
        bytes: usize,
    },
}

/// Largest metadata in bytes that fits in front of a fresh packet.
pub const MAX_METADATA: u32 = (HEADROOM - FRAME_RESERVED) & !3;

/// Largest metadata after the start of the packet has moved.
const MAX_META_LEN: u32 = 255;

/// The packet buffer of a machine.
#[derive(Debug)]
pub struct Packet {
    region: RegionId,
    ctx: Addr,
    hard_start: Addr,
    data_meta: Addr,
    data: Addr,
    data_end: Addr,
    /// Lowest and highest address that is not zero.
    dirty: (Addr, Addr),
    frags: Frags,
    ingress_ifindex: u32,
    hints: Hints,
}

/// The part of a multi-buffer packet that does not fit a page: up to 17 pieces
/// of a page, one after the other in memory of their own.
#[derive(Debug, Default)]
struct Frags {
    /// Where the first byte lies, once there was one.
    memory: Option<(RegionId, Addr)>,
    /// Bytes in all.
    len: u32,
    lens: [u32; MAX_FRAGS],
    count: usize,
    /// Bytes of the first page that were taken off its front.
    pulled: u32,
}

impl Machine {
    /// Puts a packet before the next run; the address of its context.
    pub fn receive(&mut self, input: &Input<'_>) -> Result<Addr, Error> {
        let packet = match &mut self.packet {
            Some(packet) => packet,
            none => none.insert(Packet::new(&mut self.space)?),
        };
        packet.fill(&mut self.space, input)?;
        Ok(packet.ctx)
    }
}

impl Packet {
    /// An empty packet buffer in machine memory.
    pub fn new(space: &mut Space) -> Result<Packet, OutOfSpace> {
        let region = space.add(PAGE_SIZE, Rights::ReadWrite, RegionKind::Packet)?;
        let ctx = space.add(md::SIZE, Rights::Read, RegionKind::Context)?;
        let hard_start = space.region(region).start;
        let data = hard_start.offset(HEADROOM);
        let mut packet = Packet {
            region,
            ctx: space.region(ctx).start,
            hard_start,
            data_meta: data,
            data,
            data_end: data,
            dirty: (data, data),
            frags: Frags::default(),
            ingress_ifindex: 0,
            hints: Hints::default(),
        };
        packet.publish(space);
        Ok(packet)
    }

    /// Replaces the packet.
    pub fn fill(&mut self, space: &mut Space, input: &Input<'_>) -> Result<(), Error> {
        let linear = check(input)?;
        let (head, rest) = input.data.split_at(linear);
        self.frags.fill(space, rest)?;
        self.wipe(space);
        self.data = self.hard_start.offset(HEADROOM);
        self.data_meta = Addr(self.data.0 - input.meta.len() as u32);
        self.data_end = self.data.offset(linear as u32);
        space
            .bytes_mut(self.data_meta, input.meta.len() as u32)
            .copy_from_slice(input.meta);
        space
            .bytes_mut(self.data, linear as u32)
            .copy_from_slice(head);
        self.ingress_ifindex = input.ingress_ifindex;
        self.hints = input.hints;
        put(space, self.ctx, md::INGRESS_IFINDEX, input.ingress_ifindex);
        put(space, self.ctx, md::RX_QUEUE_INDEX, input.rx_queue_index);
        put(space, self.ctx, md::EGRESS_IFINDEX, input.egress_ifindex);
        self.publish(space);
        Ok(())
    }

    /// The context (`struct xdp_md`) that the program gets.
    pub fn ctx(&self) -> Addr {
        self.ctx
    }

    /// The region whose bounds are those of metadata and linear part.
    pub fn region(&self) -> RegionId {
        self.region
    }

    /// Index of the device that it came from.
    pub fn ingress_ifindex(&self) -> u32 {
        self.ingress_ifindex
    }

    /// What the device knows of it.
    pub fn hints(&self) -> Hints {
        self.hints
    }

    /// First byte of the packet.
    pub fn data(&self) -> Addr {
        self.data
    }

    /// One past the last byte of the linear part.
    pub fn data_end(&self) -> Addr {
        self.data_end
    }

    /// Bytes of metadata.
    pub fn meta_len(&self) -> u32 {
        self.data.0 - self.data_meta.0
    }

    /// Bytes in the linear part.
    pub fn linear_len(&self) -> u32 {
        self.data_end.0 - self.data.0
    }

    /// Bytes in all, without metadata (`bpf_xdp_get_buff_len`).
    pub fn len(&self) -> u32 {
        self.linear_len() + self.frags.len
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether part of it is in frags.
    pub fn is_multi_buffer(&self) -> bool {
        self.frags.count > 0
    }

    /// The metadata.
    pub fn meta<'s>(&self, space: &'s Space) -> &'s [u8] {
        space.bytes(self.data_meta, self.meta_len())
    }

    /// The linear part.
    pub fn linear<'s>(&self, space: &'s Space) -> &'s [u8] {
        space.bytes(self.data, self.linear_len())
    }

    /// The part in frags.
    pub fn frags<'s>(&self, space: &'s Space) -> &'s [u8] {
        self.frags.bytes(space)
    }

    /// Moves the start of the packet by `delta` bytes, metadata with it
    /// (`bpf_xdp_adjust_head`).
    pub fn adjust_head(&mut self, space: &mut Space, delta: i32) -> Result<(), Errno> {
        let meta = self.meta_len();
        let low = i64::from(self.hard_start.0 + FRAME_RESERVED + meta);
        let high = i64::from(self.data_end.0) - i64::from(MIN_PACKET);
        let data = i64::from(self.data.0) + i64::from(delta);
        if data < low || data > high {
            return Err(Errno::EINVAL);
        }
        let from = self.data_meta;
        self.data = Addr(data as u32);
        self.data_meta = Addr(self.data.0 - meta);
        move_bytes(space, from, self.data_meta, meta);
        self.publish(space);
        Ok(())
    }

    /// Moves the start of the metadata by `delta` bytes (`bpf_xdp_adjust_meta`).
    pub fn adjust_meta(&mut self, space: &mut Space, delta: i32) -> Result<(), Errno> {
        let low = i64::from(self.hard_start.0 + FRAME_RESERVED);
        let meta = i64::from(self.data_meta.0) + i64::from(delta);
        if meta < low || meta > i64::from(self.data.0) {
            return Err(Errno::EINVAL);
        }
        let len = self.data.0 - meta as u32;
        if !len.is_multiple_of(4) || len > MAX_META_LEN {
            return Err(Errno::EACCES);
        }
        self.data_meta = Addr(meta as u32);
        self.publish(space);
        Ok(())
    }

    /// Moves the end of the packet by `delta` bytes; new bytes are zero
    /// (`bpf_xdp_adjust_tail`).
    pub fn adjust_tail(&mut self, space: &mut Space, delta: i32) -> Result<(), Errno> {
        if self.is_multi_buffer() {
            return match delta {
                0.. => self.frags.grow(space, delta as u32),
                _ => self.shrink_frags(space, delta.unsigned_abs()),
            };
        }
        let hard_end = self.hard_start.0 + PAGE_SIZE - SHARED_INFO;
        let end = i64::from(self.data_end.0) + i64::from(delta);
        if end > i64::from(hard_end) || end < i64::from(self.data.0 + MIN_PACKET) {
            return Err(Errno::EINVAL);
        }
        if delta > 0 {
            space.bytes_mut(self.data_end, delta as u32).fill(0);
        }
        self.data_end = Addr(end as u32);
        self.publish(space);
        Ok(())
    }

    /// Takes `len` bytes off the end: whole frags, then of the linear part.
    fn shrink_frags(&mut self, space: &mut Space, len: u32) -> Result<(), Errno> {
        if len > self.len() - MIN_PACKET.min(self.len()) {
            return Err(Errno::EINVAL);
        }
        let rest = self.frags.shrink(len);
        self.frags.show(space);
        self.data_end = Addr(self.data_end.0 - rest);
        self.publish(space);
        Ok(())
    }

    /// Copies `out.len()` bytes from `offset` on, across frags.
    pub fn read(&self, space: &Space, offset: u32, out: &mut [u8]) -> Result<(), Errno> {
        let (linear, frag) = self.split(offset, out.len())?;
        let (head, tail) = out.split_at_mut(linear);
        if !head.is_empty() {
            head.copy_from_slice(space.bytes(self.data.offset(offset), linear as u32));
        }
        if let Some(bytes) = self.frags.bytes(space).get(frag..frag + tail.len()) {
            tail.copy_from_slice(bytes);
        }
        Ok(())
    }

    /// Copies `bytes` to `offset`, across frags.
    pub fn write(&mut self, space: &mut Space, offset: u32, bytes: &[u8]) -> Result<(), Errno> {
        let (linear, frag) = self.split(offset, bytes.len())?;
        let (head, tail) = bytes.split_at(linear);
        if !head.is_empty() {
            space
                .bytes_mut(self.data.offset(offset), linear as u32)
                .copy_from_slice(head);
        }
        if let Some(to) = self.frags.bytes_mut(space).get_mut(frag..frag + tail.len()) {
            to.copy_from_slice(tail);
        }
        Ok(())
    }

    /// Where `len` bytes at `offset` lie one after the other: in the linear part or
    /// in one frag. `EINVAL` where there are not so many bytes.
    pub fn piece(&self, offset: u32, len: u32) -> Result<Option<Addr>, Errno> {
        let (linear, frag) = self.split(offset, len as usize)?;
        if offset < self.linear_len() {
            let whole = linear == len as usize;
            return Ok(whole.then(|| self.data.offset(offset)));
        }
        Ok(self.frags.piece(frag as u32, len))
    }

    /// Makes the first `len` bytes linear (`bpf_xdp_pull_data`): what is missing
    /// comes from the frags, behind the linear part as far as there is room and
    /// else in front of it, where everything moves.
    pub fn pull(&mut self, space: &mut Space, len: u32) -> Result<(), Errno> {
        let Some(delta) = len.checked_sub(self.linear_len()).filter(|d| *d > 0) else {
            return Ok(());
        };
        let hard_end = self.hard_start.0 + PAGE_SIZE - SHARED_INFO;
        let tailroom = hard_end.saturating_sub(self.data_end.0);
        let headroom = self.data_meta.0 - self.hard_start.0 - FRAME_RESERVED;
        if len > self.len() || delta > tailroom + headroom {
            return Err(Errno::EINVAL);
        }
        let shift = delta.saturating_sub(tailroom);
        if shift > 0 {
            let all = self.data_end.0 - self.data_meta.0;
            let bytes = space.bytes(self.data_meta, all).to_vec();
            for addr in [&mut self.data_meta, &mut self.data, &mut self.data_end] {
                *addr = Addr(addr.0 - shift);
            }
            space.bytes_mut(self.data_meta, all).copy_from_slice(&bytes);
        }
        let pulled = self.frags.pull(space, delta);
        space
            .bytes_mut(self.data_end, delta)
            .copy_from_slice(&pulled);
        self.data_end = self.data_end.offset(delta);
        self.publish(space);
        Ok(())
    }

    /// How many of `len` bytes at `offset` are in the linear part, and where in
    /// the frags the others begin.
    fn split(&self, offset: u32, len: usize) -> Result<(usize, usize), Errno> {
        let offset = offset as usize;
        let linear = self.linear_len() as usize;
        if offset.saturating_add(len) > self.len() as usize {
            return Err(Errno::EINVAL);
        }
        let here = linear.saturating_sub(offset).min(len);
        Ok((here, (offset + here).saturating_sub(linear)))
    }

    /// Appends the packet as PROG_TEST_RUN gives it back: metadata, linear part,
    /// frags.
    pub fn copy_out(&self, space: &Space, out: &mut Vec<u8>) {
        out.extend_from_slice(self.meta(space));
        out.extend_from_slice(self.linear(space));
        out.extend_from_slice(self.frags(space));
    }

    /// Makes every byte around the next packet zero.
    fn wipe(&mut self, space: &mut Space) {
        let (low, high) = self.dirty;
        space.bytes_mut(low, high.0 - low.0).fill(0);
        self.dirty = (
            self.hard_start.offset(HEADROOM),
            self.hard_start.offset(HEADROOM),
        );
    }

    /// Brings bounds and context in step with the packet.
    fn publish(&mut self, space: &mut Space) {
        self.dirty.0 = self.dirty.0.min(self.data_meta);
        self.dirty.1 = self.dirty.1.max(self.data_end);
        space.set_bounds(
            self.region,
            self.data_meta,
            self.data_end.0 - self.data_meta.0,
        );
        put(space, self.ctx, md::DATA, self.data.0);
        put(space, self.ctx, md::DATA_END, self.data_end.0);
        put(space, self.ctx, md::DATA_META, self.data_meta.0);
    }
}

impl Frags {
    /// Holds `rest`, a page in each frag.
    fn fill(&mut self, space: &mut Space, rest: &[u8]) -> Result<(), OutOfSpace> {
        self.len = 0;
        self.count = 0;
        self.pulled = 0;
        if self.memory.is_none() && !rest.is_empty() {
            let capacity = MAX_FRAGS as u32 * PAGE_SIZE;
            let region = space.add(capacity, Rights::ReadWrite, RegionKind::Packet)?;
            self.memory = Some((region, space.region(region).start));
        }
        for piece in rest.chunks(PAGE_SIZE as usize).take(MAX_FRAGS) {
            self.lens[self.count] = piece.len() as u32;
            self.count += 1;
        }
        self.len = rest.len() as u32;
        self.show(space);
        self.bytes_mut(space).copy_from_slice(rest);
        Ok(())
    }

    /// Puts what there is in bounds.
    fn show(&self, space: &mut Space) {
        if let Some((region, base)) = self.memory {
            space.set_bounds(region, base, self.len);
        }
    }

    fn bytes<'s>(&self, space: &'s Space) -> &'s [u8] {
        match self.memory {
            Some((_, base)) if self.len > 0 => space.bytes(base, self.len),
            _ => &[],
        }
    }

    fn bytes_mut<'s>(&self, space: &'s mut Space) -> &'s mut [u8] {
        match self.memory {
            Some((_, base)) if self.len > 0 => space.bytes_mut(base, self.len),
            _ => &mut [],
        }
    }

    /// Where `len` bytes at `offset` lie, if one frag has them all.
    fn piece(&self, offset: u32, len: u32) -> Option<Addr> {
        let (_, base) = self.memory?;
        let mut start = 0;
        for frag in self.lens.iter().take(self.count) {
            let end = start + frag;
            if offset < end {
                let whole = offset.checked_add(len).is_some_and(|last| last <= end);
                return whole.then(|| base.offset(offset));
            }
            start = end;
        }
        None
    }

    /// Takes `len` bytes off the front, of which there are so many.
    fn pull(&mut self, space: &mut Space, len: u32) -> Vec<u8> {
        let bytes = self.bytes_mut(space);
        let taken = bytes[..len as usize].to_vec();
        bytes.copy_within(len as usize.., 0);
        self.len -= len;
        let mut left = len;
        while left > 0 && self.count > 0 {
            let first = left.min(self.lens[0]);
            left -= first;
            self.lens[0] -= first;
            self.pulled += first;
            if self.lens[0] == 0 {
                self.lens.copy_within(1.., 0);
                self.count -= 1;
                self.pulled = 0;
            }
        }
        self.show(space);
        taken
    }

    /// Appends zeroes to the last frag.
    fn grow(&mut self, space: &mut Space, len: u32) -> Result<(), Errno> {
        let pulled = if self.count == 1 { self.pulled } else { 0 };
        let Some(last) = self.lens[..self.count].last_mut() else {
            return Err(Errno::EINVAL);
        };
        if len > PAGE_SIZE - *last - pulled {
            return Err(Errno::EINVAL);
        }
        *last += len;
        let old = self.len as usize;
        self.len += len;
        self.show(space);
        self.bytes_mut(space)[old..].fill(0);
        Ok(())
    }

    /// Takes bytes off the end; how many of `len` were not here.
    fn shrink(&mut self, mut len: u32) -> u32 {
        while len > 0 && self.count > 0 {
            let last = &mut self.lens[self.count - 1];
            let here = len.min(*last);
            *last -= here;
            len -= here;
            self.len -= here;
            if *last == 0 {
                self.count -= 1;
            }
        }
        len
    }
}

/// Bytes of the linear part.
fn check(input: &Input<'_>) -> Result<usize, InputError> {
    let bytes = input.data.len();
    let linear = bytes.min((PAGE_SIZE - HEADROOM - SHARED_INFO) as usize);
    let limit = abi::xdp::MAX_LINEAR as usize + MAX_FRAGS * PAGE_SIZE as usize;
    if bytes < MIN_PACKET as usize {
        return Err(InputError::TooShort { bytes });
    }
    if bytes > limit {
        return Err(InputError::TooLong { bytes, limit });
    }
    let meta = input.meta.len();
    if meta > MAX_METADATA as usize || !meta.is_multiple_of(4) {
        return Err(InputError::Metadata { bytes: meta });
    }
    Ok(linear)
}

/// Sets a field of the context.
fn put(space: &mut Space, ctx: Addr, field: u32, value: u32) {
    space
        .bytes_mut(ctx.offset(field), 4)
        .copy_from_slice(&value.to_le_bytes());
}

/// `memmove` of metadata, which is short.
fn move_bytes(space: &mut Space, from: Addr, to: Addr, len: u32) {
    let mut buffer = [0; HEADROOM as usize];
    let buffer = &mut buffer[..len as usize];
    buffer.copy_from_slice(space.bytes(from, len));
    space.bytes_mut(to, len).copy_from_slice(buffer);
}
