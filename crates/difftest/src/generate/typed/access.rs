//! Memory: loads, stores, spills and atomics, at known and at variable offsets.

use isa::{AluOp, AtomicOp, Insn, Operand, Reg, Size, Width};

use super::Writer;
use crate::generate::held::{Area, Held, Range, What};

const SIZES: [Size; 4] = [Size::B1, Size::B2, Size::B4, Size::B8];
const ATOMICS: [AtomicOp; 10] = [
    AtomicOp::Add { fetch: false },
    AtomicOp::Add { fetch: true },
    AtomicOp::Or { fetch: false },
    AtomicOp::Or { fetch: true },
    AtomicOp::And { fetch: false },
    AtomicOp::And { fetch: true },
    AtomicOp::Xor { fetch: false },
    AtomicOp::Xor { fetch: true },
    AtomicOp::Xchg,
    AtomicOp::Cmpxchg,
];

impl Writer<'_> {
    /// A register that points to memory of at least `need` bytes.
    pub(super) fn memory(&mut self, need: i32, write: bool) -> (Reg, Area) {
        let writable = self.flavor.packet.is_some_and(|packet| packet.writable);
        let fits = |area: Area| {
            let kind = match area.what {
                What::Packet => writable || !write,
                // Frozen constants are read-only.
                What::Value(map) => !write || map != super::super::pool::CONSTANTS,
                What::Inner => false,
                _ => true,
            };
            kind && area.high.saturating_sub(area.low) >= need
        };
        let found = self.state.find(|held| match held {
            Held::Memory(area) => fits(area),
            _ => false,
        });
        // The frame pointer is always there.
        let reg = match self.random.percent(75) {
            true => {
                let others: Vec<_> = found.iter().copied().filter(|r| *r != Reg::FP).collect();
                match others.is_empty() {
                    true => Reg::FP,
                    false => self.random.pick(&others),
                }
            }
            false => Reg::FP,
        };
        match self.state.get(reg) {
            Held::Memory(area) => (reg, area),
            _ => (Reg::FP, self.frame_area()),
        }
    }

    pub(super) fn frame_area(&self) -> Area {
        Area {
            what: What::Stack,
            id: 0,
            low: -self.frame.stack,
            high: 0,
            vague: false,
        }
    }

    /// An offset at which `size` bytes of the area may be touched.
    pub(super) fn offset(&mut self, area: Area, size: i32) -> i16 {
        let room = (area.high - area.low - size).max(0) as u64;
        let mut at = area.low + self.random.below(room + 1) as i32;
        // Accesses to the stack are aligned.
        if matches!(area.what, What::Stack | What::Other) || self.random.percent(60) {
            at -= (at - area.low).rem_euclid(size.max(1));
        }
        if self.slips() {
            at = self
                .random
                .pick(&[area.low - 1, area.high, at + size, area.high - size + 1]);
        }
        at.clamp(i16::MIN.into(), i16::MAX.into()) as i16
    }

    pub(super) fn load(&mut self) {
        let size = self.random.pick(&SIZES);
        let bytes = size.bytes() as i32;
        let (base, area) = self.memory(bytes, false);
        let dst = self.target(0);
        let offset = self.offset(area, bytes);
        if size != Size::B8 && self.may_be_pointer(area, offset) {
            return self.arithmetic();
        }
        let signed = size != Size::B8 && self.random.percent(15);
        if self.random.percent(5) && is_aligned(area, offset, bytes) {
            self.emit.insn(Insn::LoadAcquire {
                size,
                dst,
                base,
                offset,
            });
        } else {
            self.load_insn(size, signed, dst, base, offset);
        }
        let held = self.loaded(area, offset, size, signed);
        self.state.set(dst, held);
    }

    fn loaded(&self, area: Area, offset: i16, size: Size, signed: bool) -> Held {
        if size == Size::B8 {
            // A whole slot of the stack comes back as it was.
            return match self.slot(area, offset) {
                Some(slot) if slot != Held::Nothing => slot,
                _ if area.what == What::Stack => Held::Nothing,
                _ => Held::Number(Range::ANY),
            };
        }
        Held::Number(match signed {
            true => Range::ANY,
            false => Range::up_to((1 << size.bits()) - 1),
        })
    }

    /// What a slot of the stack holds, where the place is known.
    fn slot(&self, area: Area, offset: i16) -> Option<Held> {
        let at = self.place(area, offset)?;
        let whole = at % 8 == 0;
        let slot = self.state.slots.get((-at / 8 - 1).max(0) as usize)?;
        Some(if whole { *slot } else { Held::Nothing })
    }

    /// Whether there may be a pointer on the stack, of which parts cannot be read.
    fn may_be_pointer(&self, area: Area, offset: i16) -> bool {
        let Some(at) = self.place(area, offset) else {
            return area.what == What::Stack;
        };
        let slot = self.state.slots.get((-(at & -8) / 8 - 1).max(0) as usize);
        !matches!(slot, Some(Held::Number(_)))
    }

    /// The distance from the frame pointer, where it is known.
    fn place(&self, area: Area, offset: i16) -> Option<i32> {
        let known = area.what == What::Stack && !area.vague;
        known.then(|| i32::from(offset) - area.high)
    }

    pub(super) fn store(&mut self) {
        let size = self.random.pick(&SIZES);
        let bytes = size.bytes() as i32;
        let (base, area) = self.memory(bytes, true);
        let offset = self.offset(area, bytes);
        let (src, held) = match self.random.percent(40) {
            true => {
                let value = self.random.pick(&[0, 0, 1, -1, 7, 255]);
                let held = Held::Number(Range::one(value as i64 as u64));
                (Operand::Imm(value), held)
            }
            false => {
                let reg = self.operand(1 << base.index());
                (Operand::Reg(reg), self.state.get(reg))
            }
        };
        match src {
            Operand::Reg(src) if self.random.percent(5) && is_aligned(area, offset, bytes) => {
                self.emit.insn(Insn::StoreRelease {
                    size,
                    base,
                    offset,
                    src,
                });
            }
            _ => self.store_insn(size, base, offset, src),
        }
        self.stored(area, offset, bytes, held);
    }

    /// Says what a store did to the stack.
    pub(super) fn stored(&mut self, area: Area, offset: i16, bytes: i32, held: Held) {
        if area.what != What::Stack {
            return;
        }
        match self.place(area, offset) {
            Some(at) if bytes == 8 && at % 8 == 0 => {
                if let Some(slot) = self.state.slots.get_mut((-at / 8 - 1).max(0) as usize) {
                    *slot = held;
                }
            }
            Some(at) => self.state.smudge(at, bytes),
            None => self.state.doubt(-512, 512),
        }
    }

    /// A register of any kind goes to the stack, and something may come back.
    pub(super) fn spill(&mut self) {
        let known = self.state.find(|held| held != Held::Nothing);
        let src = self.random.pick(&known);
        let at = -8 * (1 + self.random.below(self.frame.stack as u64 / 8) as i32);
        let held = self.state.get(src);
        let size = match held {
            Held::Number(_) => {
                self.random
                    .pick(&[Size::B8, Size::B8, Size::B4, Size::B2, Size::B1])
            }
            _ => Size::B8,
        };
        let bytes = size.bytes() as i32;
        let within = match size {
            Size::B8 => 0,
            _ => bytes * self.random.below(8 / bytes as u64) as i32,
        };
        let offset = (at + within) as i16;
        self.store_insn(size, Reg::FP, offset, Operand::Reg(src));
        let area = self.frame_area();
        self.stored(area, offset, bytes, held);
        if self.random.percent(50) {
            let dst = self.target(0);
            let whole = self.may_be_pointer(area, offset);
            let read = match whole || self.random.percent(70) {
                true => size,
                false => self.random.pick(&SIZES),
            };
            if whole && size != Size::B8 {
                return;
            }
            let bytes = read.bytes() as i32;
            let within = match self.random.percent(70) {
                true => (i32::from(offset) - at) & -bytes,
                false => bytes * self.random.below(8 / bytes as u64) as i32,
            };
            self.load_insn(read, false, dst, Reg::FP, (at + within) as i16);
            let held = self.loaded(area, (at + within) as i16, read, false);
            self.state.set(dst, held);
        }
    }

    /// Bytes of the stack at an offset that is not known.
    pub(super) fn vague_stack(&mut self) {
        let size = self.random.pick(&SIZES);
        let bytes = size.bytes() as i32;
        let most = (self.frame.stack - bytes) / bytes;
        let most = (1 << (32 - (most as u32 + 1).leading_zeros() - 1)) - 1;
        let index = self.number(0);
        self.and(index, (most * bytes) & -bytes);
        let pointer = self.target(1 << index.index());
        self.copy(pointer, Reg::FP);
        let low = -self.frame.stack;
        let first = match self.random.percent(50) {
            true => {
                self.add(pointer, low);
                self.alu(AluOp::Add, Width::W64, pointer, Operand::Reg(index));
                0
            }
            false => {
                self.alu(AluOp::Add, Width::W64, pointer, Operand::Reg(index));
                low
            }
        };
        let area = Area {
            vague: true,
            ..self.frame_area()
        };
        // Only this access is sure of its alignment.
        self.state.set(pointer, Held::Nothing);
        let numbers = |held: &Held| matches!(held, Held::Number(_));
        let slots = (self.frame.stack / 8) as usize;
        let known = self.state.slots.iter().take(slots).all(numbers);
        match !known || self.random.percent(60) {
            true => {
                let src = match self.random.percent(50) {
                    true => Operand::Imm(self.random.pick(&[0, 1, -1])),
                    false => Operand::Reg(self.operand(1 << pointer.index())),
                };
                self.store_insn(size, pointer, first as i16, src);
                self.stored(area, 0, bytes, Held::Nothing);
            }
            false => {
                let dst = self.target(0);
                self.load_insn(size, false, dst, pointer, first as i16);
                // Of a spilled pointer it would be some bytes.
                self.put(dst, Range::ANY);
            }
        }
    }

    pub(super) fn atomic(&mut self) {
        let (width, bytes) = match self.random.percent(50) {
            true => (Width::W32, 4),
            false => (Width::W64, 8),
        };
        let (mut base, mut area) = self.memory(bytes, true);
        // Neither packets nor what may not be aligned.
        if area.is_packet() || area.vague {
            (base, area) = (Reg::FP, self.frame_area());
        }
        let op = self.random.pick(&ATOMICS);
        let src = match op.fetches() {
            true => self.number(1 << base.index()),
            false => self.operand(1 << base.index()),
        };
        if op == AtomicOp::Cmpxchg {
            if matches!(self.state.get(Reg::R0), Held::Number(_)) {
            } else if base != Reg::R0 && src != Reg::R0 && self.frame.locked & 1 == 0 {
                self.fresh_number(Reg::R0);
            } else {
                return;
            }
        }
        let offset = self.offset(area, bytes) as i32;
        let offset = match area.what {
            What::Stack => offset,
            _ => area.high - bytes - ((area.high - bytes - offset) & -bytes),
        };
        if area.what == What::Stack && !area.vague {
            // Linux must find a number there.
            let size = if bytes == 8 { Size::B8 } else { Size::B4 };
            let value = self.random.below(9) as i32;
            self.store_insn(size, base, offset as i16, Operand::Imm(value));
        }
        self.emit.insn(Insn::Atomic {
            op,
            width,
            base,
            offset: offset as i16,
            src,
        });
        self.stored(area, offset as i16, bytes, Held::Number(Range::ANY));
        let range = match width {
            Width::W32 => Range::up_to(u32::MAX.into()),
            Width::W64 => Range::ANY,
        };
        match op {
            AtomicOp::Cmpxchg => self.put(Reg::R0, range),
            _ if op.fetches() => self.put(src, range),
            _ => {}
        }
    }
}

/// Whether an access is such that atomic ones may be made: Linux wants those
/// aligned, and not in a packet.
fn is_aligned(area: Area, offset: i16, bytes: i32) -> bool {
    let at = i32::from(offset) - area.low;
    let sure = matches!(area.what, What::Stack | What::Other | What::Value(_));
    sure && !area.vague && at % bytes == 0
}
