//! Maps: look-ups, values at variable offsets, global data, records of ring
//! buffers, spin locks.

use abi::MapType;
use isa::{AluOp, CallTarget, CmpOp, Imm64, Insn, Operand, Reg, Size, Width};

use super::{DEEPEST, Writer, slots_of, value_area};
use crate::generate::held::{Area, Held, Range, What};
use crate::generate::pool;

const LOOKUP: i32 = 1;
const RESERVE: i32 = 131;
const SUBMIT: i32 = 132;
const DISCARD: i32 = 133;
const LOCK: i32 = 93;
const UNLOCK: i32 = 94;

/// Types of maps of which values are looked up.
const VALUES: [MapType; 8] = [
    MapType::Array,
    MapType::Array,
    MapType::Hash,
    MapType::Hash,
    MapType::PercpuArray,
    MapType::LruHash,
    MapType::LpmTrie,
    MapType::PercpuHash,
];

impl Writer<'_> {
    pub(super) fn helper_call(&mut self, id: i32) {
        self.emit.insn(Insn::Call {
            target: CallTarget::Helper(id),
        });
        self.state.clobber();
    }

    /// A map of which programs of this type may look values up.
    pub(super) fn value_map(&mut self) -> usize {
        let of = self.random.pick(&VALUES);
        let mut maps = self.pool.of(&[of]);
        let special = self.allows_locks();
        maps.retain(|map| special || ![pool::LOCKED, pool::TIMED].contains(map));
        self.random.pick(&maps)
    }

    /// What may be touched of a map's value.
    pub(super) fn value(&mut self, map: usize) -> Area {
        let size = self.pool.maps[map].value_size as i32;
        Area {
            low: match map {
                pool::LOCKED => 8,
                pool::TIMED => 16,
                _ => 0,
            },
            ..value_area(What::Value(map), self.id(), size)
        }
    }

    /// Whether programs of this type may use maps with locks and timers.
    pub(super) fn allows_locks(&self) -> bool {
        use abi::ProgType::*;
        !matches!(
            self.flavor.prog_type,
            Kprobe | Tracepoint | PerfEvent | RawTracepoint | SocketFilter
        )
    }

    /// Puts a key for `map` onto the stack and its address into `reg`.
    pub(super) fn key_in(&mut self, reg: Reg, map: usize) {
        let def = &self.pool.maps[map];
        let (len, entries) = (def.key_size as i32, def.max_entries);
        let at =
            -slots_of(len) - 8 * self.random.below(((self.frame.stack - 8) / 8) as u64 + 1) as i32;
        let at = at.max(-self.frame.stack);
        let at = match len == 4 && self.random.percent(40) {
            true => at + 4,
            false => at,
        };
        let area = self.frame_area();
        match self.random.below(4) {
            0 => {
                let number = self.operand(0);
                let size = if len == 8 { Size::B8 } else { Size::B4 };
                self.store_insn(size, Reg::FP, at as i16, Operand::Reg(number));
                let held = self.state.get(number);
                self.stored(area, at as i16, len, held);
            }
            1 => {
                // A whole slot for a key of half the size.
                let at = at & -8;
                self.store_insn(Size::B8, Reg::FP, at as i16, Operand::Imm(0));
                self.stored(area, at as i16, 8, Held::Number(Range::one(0)));
            }
            _ => {
                let key = self.random.below(u64::from(entries) + 1) as i32;
                let size = if len == 8 { Size::B8 } else { Size::B4 };
                self.store_insn(size, Reg::FP, at as i16, Operand::Imm(key));
                self.stored(area, at as i16, len, Held::Number(Range::ANY));
            }
        }
        self.stack_in(reg, at);
    }

    /// Looks something up and does something with it.
    pub(super) fn lookup(&mut self) {
        let map = self.value_map();
        self.key_in(Reg::R2, map);
        self.map_in(Reg::R1, map);
        self.helper_call(LOOKUP);
        let area = self.value(map);
        self.state.set(Reg::R0, Held::MaybeNull(area));
        let value = match self.random.percent(40) {
            true => {
                let to = self.target(1);
                self.copy(to, Reg::R0);
                self.random.pick(&[Reg::R0, to])
            }
            false => Reg::R0,
        };
        self.tested(value, area, |writer| {
            let count = 1 + writer.random.below(3) as u32;
            if writer.random.percent(40) {
                writer.index_into(value, area);
            }
            writer.statements(count);
        });
    }

    /// Tests a pointer for NULL and does something where it is not.
    pub(super) fn tested(&mut self, pointer: Reg, area: Area, inside: impl FnOnce(&mut Self)) {
        let known = |held: &mut Held| {
            if *held == Held::MaybeNull(area) {
                *held = Held::Memory(area);
            }
        };
        let gone = |held: &mut Held| {
            if *held == Held::MaybeNull(area) {
                *held = Held::Number(Range::one(0));
            }
        };
        if self.slips() {
            self.state.each(known);
            return inside(self);
        }
        let nested = self.frame.nested;
        let on = self.emit.label();
        match self.random.percent(40) && self.frame.owed == 0 && nested < DEEPEST {
            true => {
                // Out if it is NULL.
                self.emit
                    .branch(CmpOp::Ne, Width::W64, pointer, Operand::Imm(0), on);
                let mut found = self.state.clone();
                self.state.each(gone);
                self.leave();
                found.each(known);
                self.state = found;
                self.emit.place(on);
                inside(self);
            }
            false => {
                self.emit
                    .branch(CmpOp::Eq, Width::W64, pointer, Operand::Imm(0), on);
                let mut missing = self.state.clone();
                missing.each(gone);
                self.state.each(known);
                self.frame.nested += 1;
                inside(self);
                self.frame.nested -= 1;
                self.state.join(&missing);
                self.emit.place(on);
            }
        }
    }

    /// An access to memory at an offset in a register.
    pub(super) fn indexed(&mut self) {
        let (base, area) = self.memory(8, false);
        match area.what {
            What::Stack => self.vague_stack(),
            _ if area.is_packet() => self.packet(),
            _ => self.index_into(base, area),
        }
    }

    /// Adds a number to a pointer and touches what is there.
    fn index_into(&mut self, base: Reg, area: Area) {
        let size = match area.what {
            // It may be a stack, where accesses are aligned.
            What::Other => Size::B1,
            _ => self.random.pick(&[Size::B1, Size::B2, Size::B4, Size::B8]),
        };
        let room = area.high - size.bytes() as i32;
        if room < 0 || area.low > 0 {
            return;
        }
        let index = match self.random.percent(80) {
            true => self.number(1 << base.index()),
            false => self.operand(1 << base.index()),
        };
        if self.range(index).max > room as u64 && !self.slips() {
            if self.frame.locked & 1 << index.index() != 0 {
                return;
            }
            self.bound(index, room);
        }
        self.touch(base, index, area, size);
    }

    /// Makes a number at most `room`, by a mask or by going round.
    fn bound(&mut self, index: Reg, room: i32) {
        if self.random.percent(70) || self.frame.owed > 0 {
            let mask = match (room as u32 + 1).checked_ilog2() {
                Some(bits) => (1 << bits) - 1,
                None => 0,
            };
            if self.random.percent(30) {
                self.alu(AluOp::And, Width::W32, index, Operand::Imm(mask));
                self.put(index, Range::up_to(mask as u64));
            } else {
                self.and(index, mask);
            }
        } else {
            let on = self.emit.label();
            let (op, last) = self.random.pick(&[(CmpOp::Le, 0), (CmpOp::Lt, 1)]);
            self.emit
                .branch(op, Width::W64, index, Operand::Imm(room + last), on);
            let before = self.state.clone();
            self.leave();
            self.state = before;
            self.emit.place(on);
            self.put(index, Range::up_to(room as u64));
        }
    }

    /// Touches `base + index`, which lies inside.
    fn touch(&mut self, base: Reg, index: Reg, area: Area, size: Size) {
        let pointer = self.target(1 << base.index() | 1 << index.index());
        if pointer == base || pointer == index {
            return;
        }
        self.copy(pointer, base);
        let op = AluOp::Add;
        self.alu(op, Width::W64, pointer, Operand::Reg(index));
        let most = self.range(index).max.min(1 << 28) as i32;
        let area = Area {
            high: area.high - most,
            low: area.low,
            vague: true,
            ..area
        };
        let held = match area.what {
            What::Other => Held::Nothing,
            _ => Held::Memory(area),
        };
        self.state.set(pointer, held);
        let write = self.random.percent(40) && area.what != What::Value(pool::CONSTANTS);
        match write {
            true => {
                let src = self.operand(1 << pointer.index());
                self.store_insn(size, pointer, 0, Operand::Reg(src));
            }
            false => {
                let dst = self.target(0);
                self.load_insn(size, false, dst, pointer, 0);
                let max = match size {
                    Size::B8 => u64::MAX,
                    _ => (1 << size.bits()) - 1,
                };
                self.put(dst, Range::up_to(max));
            }
        }
    }

    /// Uses a number as it is for an offset into something that may be too small.
    pub(super) fn use_index(&mut self, index: Reg) {
        let base = self.target(1 << index.index());
        let map = self.random.pick(&[0, pool::CONSTANTS]);
        let size = self.pool.maps[map].value_size as i32;
        let max = self.range(index).max;
        if max >= size as u64 && !self.slips() {
            return;
        }
        self.load_imm(
            base,
            Imm64::MapIndexValue {
                index: map as i32,
                offset: 0,
            },
        );
        let area = value_area(What::Value(map), self.id(), size);
        self.state.set(base, Held::Memory(area));
        self.touch(base, index, area, Size::B1);
    }

    /// The value of a map of one element, without a look-up.
    pub(super) fn global_data(&mut self) {
        let map = self.random.pick(&[0, pool::CONSTANTS]);
        let size = self.pool.maps[map].value_size as i32;
        let offset = 8 * self.random.below(size as u64 / 8) as i32;
        let reg = self.target(0);
        self.load_imm(
            reg,
            Imm64::MapIndexValue {
                index: map as i32,
                offset,
            },
        );
        let area = value_area(What::Value(map), self.id(), size).moved(offset);
        self.state.set(reg, Held::Memory(area));
        if map == pool::CONSTANTS {
            let dst = self.target(0);
            let size = self.random.pick(&[Size::B1, Size::B2, Size::B4, Size::B8]);
            self.load_insn(size, false, dst, reg, 0);
            self.put(dst, Range::ANY);
        }
    }

    /// A record of a ring buffer: reserved, written, handed over.
    pub(super) fn record(&mut self) {
        if self.frame.nested >= DEEPEST || self.frame.depth > 0 {
            return self.store();
        }
        let size = self.random.pick(&[8, 16, 40]);
        self.map_in(Reg::R1, pool::RING);
        self.number_in(Reg::R2, size);
        self.number_in(Reg::R3, 0);
        self.helper_call(RESERVE);
        let area = value_area(What::Record, self.id(), size);
        let Some(home) = self.home() else {
            return self.give_back();
        };
        self.state.set(Reg::R0, Held::MaybeNull(area));
        self.copy(home, Reg::R0);
        let locked = self.frame.locked;
        self.frame.locked |= 1 << home.index();
        let on = self.emit.label();
        self.emit
            .branch(CmpOp::Eq, Width::W64, home, Operand::Imm(0), on);
        self.state.each(|held| {
            if *held == Held::MaybeNull(area) {
                *held = Held::Memory(area);
            }
        });
        self.frame.owed += 1;
        self.frame.nested += 1;
        let count = self.random.below(3) as u32;
        self.statements(count);
        self.frame.nested -= 1;
        self.frame.owed -= 1;
        self.frame.locked = locked;
        self.copy(Reg::R1, home);
        self.number_in(Reg::R2, 0);
        let id = self.random.pick(&[SUBMIT, DISCARD]);
        self.helper_call(id);
        self.emit.place(on);
        // Here only what does not hang on the record is still sure.
        let locked = self.frame.locked | 1 << 10;
        for (n, held) in self.state.regs.iter_mut().enumerate() {
            if locked & 1 << n == 0 {
                *held = Held::Nothing;
            }
        }
        self.state.slots.fill(Held::Nothing);
        self.state.drop_packets();
    }

    /// At once.
    fn give_back(&mut self) {
        let on = self.emit.label();
        self.emit
            .branch(CmpOp::Eq, Width::W64, Reg::R0, Operand::Imm(0), on);
        self.alu(AluOp::Mov, Width::W64, Reg::R1, Operand::Reg(Reg::R0));
        self.number_in(Reg::R2, 0);
        self.helper_call(DISCARD);
        self.emit.place(on);
        self.state.clobber();
    }

    /// A register that survives calls and may be written.
    pub(super) fn home(&mut self) -> Option<Reg> {
        let free = |reg: &Reg| self.frame.locked & 1 << reg.index() == 0;
        let mut regs = vec![Reg::R6, Reg::R7, Reg::R8, Reg::R9];
        regs.retain(free);
        match regs.is_empty() {
            true => None,
            false => Some(self.random.pick(&regs)),
        }
    }

    /// A map's value under its spin lock.
    pub(super) fn locked(&mut self) {
        if !self.allows_locks() || self.frame.nested >= DEEPEST || self.frame.owed > 0 {
            return self.lookup();
        }
        let Some(home) = self.home() else {
            return self.lookup();
        };
        let map = pool::LOCKED;
        self.key_in(Reg::R2, map);
        self.map_in(Reg::R1, map);
        self.helper_call(LOOKUP);
        self.copy(home, Reg::R0);
        let on = self.emit.label();
        self.emit
            .branch(CmpOp::Eq, Width::W64, home, Operand::Imm(0), on);
        let before = self.state.clone();
        self.copy(Reg::R1, home);
        self.add(Reg::R1, pool::LOCK_AT.into());
        self.helper_call(LOCK);
        let dst = self.target(1 << home.index());
        self.load_insn(Size::B8, false, dst, home, 8);
        self.put(dst, Range::ANY);
        self.arithmetic_but(1 << home.index());
        self.store_insn(Size::B8, home, 16, Operand::Imm(1));
        self.copy(Reg::R1, home);
        self.add(Reg::R1, pool::LOCK_AT.into());
        self.helper_call(UNLOCK);
        self.state.join(&before);
        self.state.clobber();
        self.emit.place(on);
        self.state.set(home, Held::Nothing);
    }

    fn arithmetic_but(&mut self, keep: u16) {
        let locked = self.frame.locked;
        self.frame.locked |= keep;
        self.arithmetic();
        self.frame.locked = locked;
    }
}
