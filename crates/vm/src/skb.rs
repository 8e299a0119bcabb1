//! The socket buffer that programs of traffic control, sockets and control groups
//! work on.
//!
//! ```text
//!          mac        network
//!           │            │
//!  room     │ Ethernet   │ the packet                     room
//! ──────────┴────────────┴──────────────────────────────┬────────
//!           data (traffic control)                   data_end
//!                        data (the others)
//! ```
//!
//! What the bytes mean is nobody's business here: whoever hands a frame over says
//! where its network header begins and what `__sk_buff` shows. All of it is linear.
//! The context is memory; stores to it that Linux refuses are the verifier's
//! business, and none of them moves what helpers go by.
//!
//! # Invariants
//!
//! * `mac <= data <= data_end`, all in the area.
//! * What is in bounds of the area is `data` to `data_end`.

use abi::skb::field;
use abi::{PacketAccess, ProgType};

use crate::machine::{Error, Machine};
use crate::memory::{Addr, OutOfSpace, RegionId, RegionKind, Rights, Space};
use crate::packet::InputError;

/// Room in front of a fresh frame, for headers that programs put there.
const HEADROOM: u32 = 16 << 10;
/// The longest frame: what a loopback sends, whose MTU is 65,536.
pub const MAX_LEN: u32 = 65_536 + 14;
/// What helpers let a socket buffer grow to.
pub const MAX_GROWN: u32 = 16_064;
/// Bytes of an area.
const AREA: u32 = HEADROOM + MAX_LEN + MAX_GROWN;
/// Bytes of an Ethernet header, the shortest frame.
const MIN_FRAME: usize = 14;

/// What arrives.
#[derive(Clone, Debug)]
pub struct Input<'a> {
    /// The frame, from the first byte of the link layer.
    pub frame: &'a [u8],
    /// Where in it the network header begins.
    pub network: usize,
    /// For whom: it decides where the program sees it begin, and whether it may be
    /// written.
    pub prog_type: ProgType,
    /// What the context shows.
    pub fields: Fields,
}

/// What `struct __sk_buff` shows beside the packet; the names are its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the structure")]
pub struct Fields {
    pub pkt_type: u32,
    pub mark: u32,
    pub queue_mapping: u32,
    /// Ethernet type, as it lies in the frame.
    pub protocol: [u8; 2],
    /// Ethernet type and control information of a VLAN tag beside the frame.
    pub vlan: Option<([u8; 2], u16)>,
    pub priority: u32,
    pub ingress_ifindex: u32,
    pub ifindex: u32,
    pub tc_index: u32,
    pub cb: [u32; 5],
    pub hash: u32,
    pub tc_classid: u32,
    pub napi_id: u32,
    pub tstamp: u64,
    pub wire_len: u32,
    pub gso_segs: u32,
    pub gso_size: u32,
    pub hwtstamp: u64,
}

/// The socket buffer of a machine.
#[derive(Debug)]
pub struct SkBuff {
    ctx: Addr,
    /// Memory that programs may read, and that they may write too.
    areas: [RegionId; 2],
    bases: [Addr; 2],
    area: usize,
    mac: Addr,
    network: Addr,
    data: Addr,
    end: Addr,
    /// Whether, and to which level, checksums were found to be right.
    pub(crate) checksums: Option<u8>,
}

impl Machine {
    /// Puts a socket buffer before the next run; the address of its context.
    pub fn receive_skb(&mut self, input: &Input<'_>) -> Result<Addr, Error> {
        let skb = match &mut self.skb {
            Some(skb) => skb,
            none => none.insert(SkBuff::new(&mut self.space)?),
        };
        skb.fill(&mut self.space, input)?;
        Ok(skb.ctx)
    }
}

impl SkBuff {
    fn new(space: &mut Space) -> Result<SkBuff, OutOfSpace> {
        let ctx = space.add(field::SIZE, Rights::ReadWrite, RegionKind::Context)?;
        let read = space.add(AREA, Rights::Read, RegionKind::Packet)?;
        let write = space.add(AREA, Rights::ReadWrite, RegionKind::Packet)?;
        let areas = [read, write];
        let bases = areas.map(|area| space.region(area).start);
        for (area, base) in areas.into_iter().zip(bases) {
            space.set_bounds(area, base, 0);
        }
        Ok(SkBuff {
            ctx: space.region(ctx).start,
            areas,
            bases,
            area: 0,
            mac: bases[0],
            network: bases[0],
            data: bases[0],
            end: bases[0],
            checksums: None,
        })
    }

    fn fill(&mut self, space: &mut Space, input: &Input<'_>) -> Result<(), InputError> {
        let bytes = input.frame.len();
        if bytes < MIN_FRAME {
            return Err(InputError::TooShort { bytes });
        }
        if bytes > MAX_LEN as usize {
            let limit = MAX_LEN as usize;
            return Err(InputError::TooLong { bytes, limit });
        }
        // Nothing of the frame before is in bounds of the other area.
        space.set_bounds(self.areas[self.area], self.bases[self.area], 0);
        self.area = match input.prog_type.packet_access() {
            PacketAccess::ReadWrite => 1,
            PacketAccess::Read | PacketAccess::None => 0,
        };
        self.mac = self.bases[self.area].offset(HEADROOM);
        self.network = self.mac.offset(input.network.min(bytes) as u32);
        self.data = match begins_at_link(input.prog_type) {
            true => self.mac,
            false => self.network,
        };
        self.end = self.mac.offset(bytes as u32);
        self.checksums = None;
        let to = space.bytes_mut(self.mac, bytes as u32);
        to.copy_from_slice(input.frame);
        self.show(space, &input.fields);
        self.publish(space);
        Ok(())
    }

    /// The context (`struct __sk_buff`) that the program gets.
    pub fn ctx(&self) -> Addr {
        self.ctx
    }

    /// Bytes from where the program sees it begin (`__sk_buff.len`).
    pub fn len(&self) -> u32 {
        self.end.0 - self.data.0
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The frame with its link layer.
    pub fn frame<'s>(&self, space: &'s Space) -> &'s [u8] {
        space.bytes(self.mac, self.end.0 - self.mac.0)
    }

    /// What the context shows now.
    pub fn fields(&self, space: &Space) -> Fields {
        let get = |at| self.get(space, at);
        let long = |at| u64::from(get(at)) | u64::from(get(at + 4)) << 32;
        let half = |at| {
            let [first, second, ..] = get(at).to_le_bytes();
            [first, second]
        };
        Fields {
            pkt_type: get(field::PKT_TYPE),
            mark: get(field::MARK),
            queue_mapping: get(field::QUEUE_MAPPING),
            protocol: half(field::PROTOCOL),
            vlan: (get(field::VLAN_PRESENT) != 0)
                .then(|| (half(field::VLAN_PROTO), get(field::VLAN_TCI) as u16)),
            priority: get(field::PRIORITY),
            ingress_ifindex: get(field::INGRESS_IFINDEX),
            ifindex: get(field::IFINDEX),
            tc_index: get(field::TC_INDEX),
            cb: [0, 1, 2, 3, 4].map(|n| get(field::CB + 4 * n)),
            hash: get(field::HASH),
            tc_classid: get(field::TC_CLASSID),
            napi_id: get(field::NAPI_ID),
            tstamp: long(field::TSTAMP),
            wire_len: get(field::WIRE_LEN),
            gso_segs: get(field::GSO_SEGS),
            gso_size: get(field::GSO_SIZE),
            hwtstamp: long(field::HWTSTAMP),
        }
    }

    fn show(&self, space: &mut Space, fields: &Fields) {
        space.bytes_mut(self.ctx, field::SIZE).fill(0);
        let mut put = |at, value| self.put(space, at, value);
        put(field::PKT_TYPE, fields.pkt_type);
        put(field::MARK, fields.mark);
        put(field::QUEUE_MAPPING, fields.queue_mapping);
        put(field::PROTOCOL, u16::from_le_bytes(fields.protocol).into());
        put(field::PRIORITY, fields.priority);
        put(field::INGRESS_IFINDEX, fields.ingress_ifindex);
        put(field::IFINDEX, fields.ifindex);
        put(field::TC_INDEX, fields.tc_index);
        for (n, word) in (0..).zip(fields.cb) {
            put(field::CB + 4 * n, word);
        }
        put(field::HASH, fields.hash);
        put(field::TC_CLASSID, fields.tc_classid);
        put(field::NAPI_ID, fields.napi_id);
        put(field::TSTAMP, fields.tstamp as u32);
        put(field::TSTAMP + 4, (fields.tstamp >> 32) as u32);
        put(field::WIRE_LEN, fields.wire_len);
        put(field::GSO_SEGS, fields.gso_segs);
        put(field::GSO_SIZE, fields.gso_size);
        put(field::HWTSTAMP, fields.hwtstamp as u32);
        put(field::HWTSTAMP + 4, (fields.hwtstamp >> 32) as u32);
        self.set_vlan(space, fields.vlan);
    }

    /// Sets the VLAN tag beside the frame.
    pub(crate) fn set_vlan(&self, space: &mut Space, vlan: Option<([u8; 2], u16)>) {
        let (protocol, tci) = vlan.unwrap_or_default();
        self.put(space, field::VLAN_PRESENT, vlan.is_some().into());
        self.put(space, field::VLAN_TCI, tci.into());
        self.put(
            space,
            field::VLAN_PROTO,
            u16::from_le_bytes(protocol).into(),
        );
    }

    /// A field of the context.
    pub(crate) fn get(&self, space: &Space, at: u32) -> u32 {
        let bytes = space.bytes(self.ctx.offset(at), 4);
        bytes
            .first_chunk()
            .map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }

    /// Sets a field of the context.
    pub(crate) fn put(&self, space: &mut Space, at: u32, value: u32) {
        let bytes = space.bytes_mut(self.ctx.offset(at), 4);
        bytes.copy_from_slice(&value.to_le_bytes());
    }

    /// Where `len` bytes at `offset` lie, if all are inside.
    pub(crate) fn piece(&self, offset: u32, len: u32) -> Option<Addr> {
        let end = offset.checked_add(len)?;
        (end <= self.len()).then(|| self.data.offset(offset))
    }

    /// The same, from the start of the link layer or of the network layer.
    pub(crate) fn relative(&self, network: bool, offset: u32, len: u32) -> Option<Addr> {
        let start = if network { self.network } else { self.mac };
        let last = u64::from(start.0) + u64::from(offset) + u64::from(len);
        (last <= self.end.to_reg()).then(|| start.offset(offset))
    }

    /// Where a legacy load finds its bytes: negative offsets from
    /// `SKF_LL_OFF` on count from the link layer, from `SKF_NET_OFF` on from
    /// the network layer.
    pub(crate) fn legacy(&self, offset: i32, len: u32) -> Option<Addr> {
        const NETWORK: i32 = -0x10_0000;
        const LINK: i32 = -0x20_0000;
        match offset {
            0.. => self.piece(offset as u32, len),
            NETWORK.. => self.relative(true, offset.abs_diff(NETWORK), len),
            LINK.. => self.relative(false, offset.abs_diff(LINK), len),
            _ => None,
        }
    }

    /// How far into the data the network header begins; 0 where it is in front of it.
    pub(crate) fn network_offset(&self) -> u32 {
        self.network.0.saturating_sub(self.data.0)
    }

    /// Bytes of the frame, which need not be in bounds for the program.
    pub(crate) fn copy(&self, space: &Space, at: Addr, len: u32) -> Vec<u8> {
        match len {
            0 => Vec::new(),
            len => space.bytes(at, len).to_vec(),
        }
    }

    /// Moves the end to `len` bytes; new ones are zero. Whether there was room for
    /// them, which there may not be when tags were taken off again and again.
    pub(crate) fn set_len(&mut self, space: &mut Space, len: u32) -> bool {
        let old = self.len();
        let last = u64::from(self.data.0) + u64::from(len);
        if last > self.bases[self.area].to_reg() + u64::from(AREA) {
            return false;
        }
        let end = self.data.offset(len);
        if let more @ 1.. = len.saturating_sub(old) {
            space.bytes_mut(self.end, more).fill(0);
        }
        self.end = end;
        self.publish(space);
        true
    }

    /// Puts zeroes in front, where the link layer then begins. Whether there was
    /// room for them.
    pub(crate) fn push(&mut self, space: &mut Space, len: u32) -> bool {
        let room = self.data.0 - self.bases[self.area].0;
        if len > room {
            return false;
        }
        self.data = Addr(self.data.0 - len);
        self.mac = self.data;
        space.bytes_mut(self.data, len).fill(0);
        self.publish(space);
        true
    }

    /// Puts bytes behind the first `at` of the frame, which move forward. Whether
    /// there was room for them.
    pub(crate) fn insert(&mut self, space: &mut Space, at: u32, bytes: &[u8]) -> bool {
        let (len, all) = (bytes.len() as u32, self.end.0 - self.mac.0);
        let room = self.mac.0 - self.bases[self.area].0;
        if at > all || len > room {
            return false;
        }
        let mac = Addr(self.mac.0 - len);
        let to = space.bytes_mut(mac, at + len);
        to.copy_within(len as usize.., 0);
        to[at as usize..].copy_from_slice(bytes);
        if self.data == self.mac {
            self.data = mac;
        }
        self.mac = mac;
        self.publish(space);
        true
    }

    /// Takes `len` bytes out behind the first `at` of the frame, which move
    /// backward. Whether there were so many.
    pub(crate) fn remove(&mut self, space: &mut Space, at: u32, len: u32) -> bool {
        if at + len > self.end.0 - self.mac.0 || self.data != self.mac {
            return false;
        }
        let bytes = space.bytes_mut(self.mac, at + len);
        bytes.copy_within(..at as usize, len as usize);
        self.mac = self.mac.offset(len);
        self.data = self.mac;
        self.publish(space);
        true
    }

    /// Brings bounds and context in step with the packet.
    fn publish(&self, space: &mut Space) {
        space.set_bounds(self.areas[self.area], self.data, self.len());
        self.put(space, field::LEN, self.len());
        self.put(space, field::DATA, self.data.0);
        self.put(space, field::DATA_END, self.end.0);
        self.put(space, field::DATA_META, self.data.0);
    }
}

/// Whether programs of this type see the link layer.
fn begins_at_link(prog_type: ProgType) -> bool {
    matches!(prog_type, ProgType::SchedCls | ProgType::SchedAct)
}
