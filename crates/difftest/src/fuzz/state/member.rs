//! Whether what a run holds is among what a verifier knows.

use abi::Program;
use verifier::scalar::Scalar;
use verifier::state::{Flags, Kind, MapRef, Value};
use vm::{Addr, Machine, MapId, Region, RegionKind};

/// Elements of a map that are tried for where a pointer's base may be.
const TRIES: u32 = 64;

/// What a pointer is held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'a> {
    pub(super) program: &'a Program,
    /// The maps, by their number in the program.
    pub(super) maps: &'a [MapId],
    /// Frames below the outermost one that the verifier knows.
    pub(super) base: usize,
}

impl Around<'_> {
    /// Whether the number may be what `value` says.
    pub(super) fn holds(&self, machine: &Machine, value: &Value, number: u64) -> bool {
        match value.kind {
            Kind::NotInit => true,
            Kind::Scalar => value.num.contains(number),
            _ if number == 0 && value.may_be_null() => true,
            _ => self.points(machine, value, number),
        }
    }

    /// Whether the only thing that is wrong is that the pointer does not lie beyond
    /// the packet's end, or at it.
    pub(super) fn is_not_beyond(&self, machine: &Machine, value: &Value, number: u64) -> bool {
        let kind = match value.kind {
            Kind::Packet { range } if range < 0 => Kind::Packet { range: 0 },
            Kind::PacketMeta { range } if range < 0 => Kind::PacketMeta { range: 0 },
            _ => return false,
        };
        self.points(machine, &Value { kind, ..*value }, number)
    }

    fn points(&self, machine: &Machine, value: &Value, number: u64) -> bool {
        let from = |start: Addr| is_off(value, number, start.to_reg());
        let packet = machine.packet.as_ref();
        match value.kind {
            Kind::Ctx => packet.is_none_or(|packet| from(packet.ctx())),
            Kind::Stack { frame } => from(machine.stack_top(self.base + usize::from(frame))),
            Kind::Packet { range } => packet.is_none_or(|packet| {
                from(packet.data()) && is_in_range(value, number, range, packet.data_end())
            }),
            Kind::PacketMeta { range } => packet.is_none_or(|packet| {
                let start = Addr(packet.data().0 - packet.meta_len());
                from(start) && is_in_range(value, number, range, packet.data())
            }),
            Kind::PacketEnd => packet.is_none_or(|packet| number == packet.data_end().to_reg()),
            Kind::MapPtr(map) => self
                .map(map)
                .is_none_or(|id| is_off(value, number, id.handle().to_reg())),
            Kind::MapValue(map) => match self.map(map) {
                Some(id) => is_in_map(machine, RegionKind::MapValues(id), value, number),
                None => number != 0,
            },
            Kind::MapKey(map) => match self.map(map) {
                Some(id) => is_in_map(machine, RegionKind::MapKeys(id), value, number),
                None => number != 0,
            },
            Kind::Mem { size, .. } => has_bytes(machine, value, number, size),
            _ => number != 0,
        }
    }

    /// The map, if it is one of the program's own.
    fn map(&self, map: MapRef) -> Option<MapId> {
        map.def(self.program)?;
        let id = self.maps.get(map.index as usize)?;
        (!map.inner).then_some(*id)
    }
}

/// Whether the pointer is as far from `start` as it may be.
fn is_off(value: &Value, number: u64, start: u64) -> bool {
    let variable = number
        .wrapping_sub(start)
        .wrapping_sub(i64::from(value.off) as u64);
    value.num.contains(variable)
}

/// Whether the bytes of the packet are there that a comparison has shown.
fn is_in_range(value: &Value, number: u64, range: i32, end: Addr) -> bool {
    let end = end.to_reg();
    match range {
        Kind::AT_END => number >= end,
        Kind::BEYOND_END => number > end,
        range => {
            let base = number.wrapping_sub(i64::from(value.off) as u64);
            range <= 0 || base.wrapping_add(range as u64) <= end
        }
    }
}

/// Whether some element of such a region is where the pointer may come from.
fn is_in_map(machine: &Machine, kind: RegionKind, value: &Value, number: u64) -> bool {
    let num: &Scalar = &value.num;
    let moved = number.wrapping_sub(i64::from(value.off) as u64);
    let highest = moved.wrapping_sub(num.smin() as u64);
    let region = |at: u64| machine.space.region_at(at).filter(|r| r.kind == kind);
    // A distance of which little is known may lead out of the region, either way.
    let any = || machine.space.regions().find(|region| region.kind == kind);
    let Some(region) = region(highest).or_else(|| region(moved)).or_else(any) else {
        return false;
    };
    let (stride, at) = match region.elements {
        Some(elements) => (elements.stride, elements.at),
        None => (region.len.max(1), 0),
    };
    let first = region.start.to_reg() + u64::from(at);
    let last = last_element(region, stride);
    let nearest = highest.saturating_sub(first) / u64::from(stride);
    let nearest = nearest.min(last);
    for n in 0..=nearest.min(u64::from(TRIES)) {
        let base = first + (nearest - n) * u64::from(stride);
        if num.contains(moved.wrapping_sub(base)) {
            return true;
        }
    }
    nearest > u64::from(TRIES)
}

fn last_element(region: &Region, stride: u32) -> u64 {
    u64::from(region.len / stride.max(1)).saturating_sub(1)
}

/// Whether memory of this size is there; the start of it is known only where the
/// offset is.
fn has_bytes(machine: &Machine, value: &Value, number: u64, size: u32) -> bool {
    let writable = !value.flags.contains(Flags::RDONLY);
    match value.num.as_const() {
        Some(variable) => {
            let start = number
                .wrapping_sub(variable)
                .wrapping_sub(i64::from(value.off) as u64);
            let access = match writable {
                true => vm::Access::Write,
                false => vm::Access::Read,
            };
            machine.space.check(start, size, access).is_ok()
        }
        None => number != 0,
    }
}

/// Whether the low `width` bytes of a number that `value` says may be these.
pub(super) fn holds_narrow(value: &Value, width: u8, number: u64) -> bool {
    let num = &value.num;
    if fits(value, width) {
        return num.contains(number);
    }
    let most = (1u64 << (8 * u32::from(width))) - 1;
    let tnum = num.tnum();
    if (number ^ tnum.value) & !tnum.mask & most != 0 {
        return false;
    }
    // What is above is the same in all numbers of the range.
    let (min, max) = (num.umin(), num.umax());
    if min & !most == max & !most && !(min & most..=max & most).contains(&number) {
        return false;
    }
    let low = number as u32;
    width != 4
        || ((num.u32min()..=num.u32max()).contains(&low)
            && (num.s32min()..=num.s32max()).contains(&(low as i32)))
}

/// Whether the whole number is in its low `width` bytes.
pub(super) fn fits(value: &Value, width: u8) -> bool {
    width == 8 || value.num.umax() >> (8 * u32::from(width)) == 0
}
