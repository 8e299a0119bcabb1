//! Values that wait, and how they come into their registers; see
//! [`crate::lower`].
//!
//! # Invariants
//!
//! * A value that waits is over what host registers hold now. Before a host register
//!   is written, the values over it that are still needed are computed.
//! * That never goes round in circles: of the registers that wait, each reads only
//!   such as do not, in the end, read it. [`Emitter::define`] sees to that.
//! * At the ends of blocks, before calls and before whatever looks at registers from
//!   outside, nothing waits that is needed.
//! * `cut` holds only registers whose upper halves the processor itself has zeroed;
//!   see [`Values::cut`].
//! * Loads are made in their order, and before any store, call or trap that comes
//!   after them: a run ends where it should.

use dynasmrt::{DynasmApi, dynasm};
use isa::{AluOp, Reg, Size, Width};

use super::alu::{Group, truncated};
use super::asm::{Form, Operand, host as fixed};
use super::memory::{LEA, load_form};
use super::{Emitter, host};
use crate::analysis::RegSet;
use crate::lower::{Bits, LOW, Loaded, Shift, Sum, Value};
use crate::site::What;

/// The registers of a program, within a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values {
    of: [Value; 11],
    /// What each of them reads.
    reads: [RegSet; 11],
    /// Those that wait.
    waiting: RegSet,
    /// Those that wait for memory.
    loads: RegSet,
    /// Of host registers.
    pub(super) bits: Bits,
    /// Those whose host registers were last written by an instruction of 32 bits,
    /// which zeroes the upper half, or that the processor has found not to be above
    /// one that was. The sandbox stands on this, and not on `bits`: it is a rule over
    /// what was written, in which whatever is not noted counts as unknown, while
    /// `bits` is an analysis, which only chooses what is written.
    cut: RegSet,
    /// Those whose values are needed from here on.
    pub(super) needed: RegSet,
}

impl Values {
    pub(super) fn new(bits: Bits, cut: RegSet) -> Values {
        Values {
            cut,
            of: [Value::Here; 11],
            reads: [RegSet::NONE; 11],
            waiting: RegSet::NONE,
            loads: RegSet::NONE,
            bits,
            needed: RegSet::NONE,
        }
    }

    pub(super) fn get(&self, reg: Reg) -> Value {
        self.of[reg.index()]
    }

    fn put(&mut self, reg: Reg, value: Value) {
        let this = RegSet::of(reg);
        self.of[reg.index()] = value;
        self.reads[reg.index()] = value.reads();
        self.waiting = match value {
            Value::Here => self.waiting.without(this),
            _ => self.waiting.with(this),
        };
        self.loads = match value {
            Value::Loaded(_) => self.loads.with(this),
            _ => self.loads.without(this),
        };
    }

    /// The host register of a register is written next; nothing waits over it.
    pub(super) fn overwritten(&mut self, reg: Reg, bits: u64) {
        self.put(reg, Value::Here);
        self.wrote(reg, Width::W64, bits);
    }

    /// The host register of a register was written by an instruction of this width.
    pub(super) fn wrote(&mut self, reg: Reg, width: Width, bits: u64) {
        self.bits.set(reg, bits);
        self.cut = match width {
            Width::W32 => self.cut.with(RegSet::of(reg)),
            Width::W64 => self.cut.without(RegSet::of(reg)),
        };
    }

    /// What was [overwritten](Values::overwritten) was so by an instruction of this
    /// width.
    pub(super) fn wrote_by(&mut self, reg: Reg, width: Width) {
        self.wrote(reg, width, self.bits.get(reg));
    }

    /// Registers whose upper halves are zero, whatever the program does.
    pub(super) fn cut(&self) -> RegSet {
        self.cut
    }

    /// A comparison in the code has found the upper halves of these to be zero.
    pub(super) fn found(&mut self, cut: RegSet) {
        self.cut = cut;
    }

    /// Somebody else has run, who keeps these.
    pub(super) fn keeps(&mut self, kept: RegSet) {
        self.cut = self.cut.and(kept);
    }

    /// The bits that may be set in a register.
    pub(super) fn bits_of(&self, reg: Reg) -> u64 {
        self.bits.of(reg, self.get(reg))
    }

    /// A register as a sum of host registers, if it is one.
    pub(super) fn sum(&self, reg: Reg) -> Option<Sum> {
        match self.get(reg) {
            Value::Here => Some(Sum::of(reg)),
            Value::Sum(sum) => Some(sum),
            Value::Shift(Shift {
                op: AluOp::Lsh,
                width: Width::W64,
                reg,
                by: by @ 0..=3,
            }) => Some(Sum::shifted(reg, by)),
            _ => None,
        }
    }

    /// A sum whose lower half is that of a register.
    pub(super) fn low(&self, reg: Reg) -> Option<Sum> {
        match self.get(reg) {
            Value::Low(sum) => Some(sum),
            _ => self.sum(reg),
        }
    }

    pub(super) fn constant(&self, reg: Reg) -> Option<u64> {
        match self.get(reg) {
            Value::Sum(sum) => sum.as_constant(),
            _ => None,
        }
    }

    /// The registers that wait whose values are over this one.
    fn over(&self, reg: Reg) -> RegSet {
        let mut over = RegSet::NONE;
        for other in self.waiting.without(RegSet::of(reg)).iter() {
            if self.reads[other.index()].contains(reg) {
                over = over.with(RegSet::of(other));
            }
        }
        over
    }

    /// Whether computing one of these would in the end need this one first.
    fn leads_to(&self, from: RegSet, reg: Reg) -> bool {
        let mut seen = from.and(self.waiting).without(RegSet::of(reg));
        loop {
            let mut reached = seen;
            for other in seen.iter() {
                let reads = self.reads[other.index()];
                if reads.contains(reg) {
                    return true;
                }
                reached = reached.with(reads.and(self.waiting));
            }
            if reached == seen {
                return false;
            }
            seen = reached;
        }
    }
}

impl Emitter<'_> {
    /// A register takes a value. `self.values.needed` is what is needed after that.
    pub(super) fn define(&mut self, reg: Reg, value: Value) {
        let value = self.simplest(value);
        self.values.put(reg, Value::Here);
        if value == Value::Sum(Sum::of(reg)) {
            return;
        }
        let others = value.reads().without(RegSet::of(reg));
        if !others.and(self.values.waiting).is_empty() && self.values.leads_to(others, reg) {
            let bits = self.values.bits.of(reg, value);
            let width = self.compute(fixed::R11, value);
            self.clobber(reg);
            self.copy(width, host(reg), fixed::R11);
            self.values.wrote(reg, width, bits);
            return;
        }
        self.values.put(reg, value);
    }

    /// Forgets what a register waits for. Loads are made all the same.
    pub(super) fn drop_value(&mut self, reg: Reg) {
        if let Value::Loaded(loaded) = self.values.get(reg) {
            self.loads_before(loaded.number);
            if let Value::Loaded(loaded) = self.values.get(reg) {
                self.touch(loaded);
            }
        }
        self.values.put(reg, Value::Here);
    }

    /// The load that a register waits for, if nobody else needs it after this
    /// instruction.
    pub(super) fn take_load(&mut self, reg: Reg) -> Option<Loaded> {
        match self.values.get(reg) {
            Value::Loaded(loaded) if !self.after.contains(reg) => Some(loaded),
            _ => None,
        }
    }

    /// The load of a register has been made, or is part of another.
    pub(super) fn took(&mut self, reg: Reg) {
        self.values.put(reg, Value::Here);
    }

    fn simplest(&self, value: Value) -> Value {
        match value {
            Value::Low(sum) => {
                if let Some(value) = sum.as_constant() {
                    return Value::constant(value & u64::from(u32::MAX));
                }
                match self.values.bits.sum(sum) <= u64::from(u32::MAX) {
                    true => Value::Sum(sum),
                    false => value,
                }
            }
            Value::Shift(shift) if shift.by == 0 && shift.width == Width::W64 => {
                Value::Sum(Sum::of(shift.reg))
            }
            Value::Shift(shift) if shift.by == 0 => self.simplest(Value::Low(Sum::of(shift.reg))),
            Value::Shift(Shift {
                op: AluOp::Lsh,
                width: Width::W32,
                reg,
                by,
            }) if self.values.bits.get(reg) << by <= u64::from(u32::MAX)
                && self.values.bits.get(reg) <= u64::from(u32::MAX) =>
            {
                Value::Shift(Shift {
                    op: AluOp::Lsh,
                    width: Width::W64,
                    reg,
                    by,
                })
            }
            Value::Extend {
                reg,
                bits,
                signed: None,
            } if self.values.bits.get(reg) <= u64::MAX >> (64 - bits) => Value::Sum(Sum::of(reg)),
            value => value,
        }
    }

    /// Computes a register's value where it belongs.
    pub(super) fn settle(&mut self, reg: Reg) {
        let needed = self.values.needed;
        self.values.needed = needed.with(RegSet::of(reg));
        if let Value::Loaded(loaded) = self.values.get(reg) {
            self.loads_before(loaded.number);
        }
        self.values.needed = needed;
        let value = self.values.get(reg);
        if value == Value::Here {
            return;
        }
        self.values.put(reg, Value::Here);
        self.clobber(reg);
        let bits = self.values.bits.of(reg, value);
        let width = self.compute(host(reg), value);
        self.values.wrote(reg, width, bits);
    }

    /// Computes what waits over a host register that is about to be written.
    pub(super) fn clobber(&mut self, reg: Reg) {
        if self.values.waiting.is_empty() {
            return;
        }
        for other in self.values.over(reg).iter() {
            self.settle_if_needed(other);
        }
    }

    fn settle_if_needed(&mut self, reg: Reg) {
        if self.values.needed.contains(reg) {
            self.settle(reg);
        } else {
            self.drop_value(reg);
        }
    }

    /// A register is about to be written by an instruction that has its operands,
    /// the register itself or none.
    pub(super) fn overwrite(&mut self, reg: Reg, bits: u64) {
        self.values.needed = self.after;
        self.clobber(reg);
        self.values.overwritten(reg, bits);
    }

    /// Makes the loads that wait and come before an instruction.
    pub(super) fn loads_before(&mut self, number: u32) {
        loop {
            let mut first = None;
            for reg in self.values.loads.iter() {
                if let Value::Loaded(loaded) = self.values.get(reg)
                    && loaded.number < number
                    && first.is_none_or(|(_, other)| loaded.number < other)
                {
                    first = Some((reg, loaded.number));
                }
            }
            let Some((reg, _)) = first else {
                return;
            };
            self.settle_if_needed(reg);
        }
    }

    /// Makes all loads that wait.
    pub(super) fn make_loads(&mut self) {
        if !self.values.loads.is_empty() {
            self.loads_before(u32::MAX);
        }
    }

    /// Whether a load waits over or in one of these registers.
    pub(super) fn waits_for_memory(&self, regs: RegSet) -> Option<Reg> {
        regs.and(self.values.loads).iter().next()
    }

    /// Computes what waits and is needed; what is not, is forgotten.
    pub(super) fn settle_needed(&mut self, needed: RegSet) {
        if self.values.waiting.is_empty() {
            return;
        }
        self.values.needed = needed.with(RegSet::of(Reg::FP));
        self.make_loads();
        for reg in self.values.waiting.iter() {
            self.settle_if_needed(reg);
        }
    }

    /// Computes what waits and is needed after this instruction, but for what this
    /// one alone needs.
    pub(super) fn settle_after(&mut self) {
        self.make_loads();
        for reg in self.values.waiting.and(self.after).iter() {
            self.settle(reg);
        }
    }

    /// A host register that holds what a register does.
    pub(super) fn operand_of(&mut self, reg: Reg) -> u8 {
        host(self.source(reg))
    }

    /// A register whose host register holds what a register does.
    pub(super) fn source(&mut self, reg: Reg) -> Reg {
        if let Some(copy) = self.values.sum(reg).and_then(Sum::as_copy) {
            return copy;
        }
        self.settle(reg);
        reg
    }

    /// The same for the lower half alone.
    pub(super) fn low_source(&mut self, reg: Reg) -> Reg {
        if let Some(copy) = self.values.low(reg).and_then(Sum::as_copy) {
            return copy;
        }
        self.settle(reg);
        reg
    }

    /// A register as a sum of host registers.
    pub(super) fn sum_of(&mut self, reg: Reg) -> Sum {
        match self.values.sum(reg) {
            Some(sum) => sum,
            None => {
                self.settle(reg);
                Sum::of(reg)
            }
        }
    }

    /// Puts a value into a host register. May use rcx, unless the value is a shift.
    /// Gives the width of the instruction that wrote last, at most.
    pub(super) fn compute(&mut self, dst: u8, value: Value) -> Width {
        match value {
            Value::Here => Width::W64,
            Value::Sum(sum) => {
                // Of what has 32 bits, those are all.
                let width = match self.values.bits.sum(sum) <= LOW {
                    true => Width::W32,
                    false => Width::W64,
                };
                self.compute_sum(width, dst, sum);
                width
            }
            Value::Low(sum) => {
                self.compute_sum(Width::W32, dst, sum);
                Width::W32
            }
            Value::Shift(shift) => {
                let from = self.values.bits.get(shift.reg);
                let short = match shift.op {
                    AluOp::Lsh => from <= LOW && shift.by < 32 && from << shift.by <= LOW,
                    AluOp::Rsh => from <= LOW && shift.by < 32,
                    _ => false,
                };
                let width = if short { Width::W32 } else { shift.width };
                self.copy(width, dst, host(shift.reg));
                self.shift_by(shift.op, width, dst, shift.by);
                width
            }
            Value::Rotate { reg, by, width } => {
                self.rotate(width, dst, host(reg), by);
                width
            }
            Value::Extend { reg, bits, signed } => match signed {
                Some(width) => {
                    self.movsx(width, bits, dst, host(reg));
                    width
                }
                None => {
                    self.movzx(bits, dst, host(reg));
                    Width::W32
                }
            },
            Value::Loaded(loaded) => self.compute_load(dst, loaded),
        }
    }

    pub(super) fn copy(&mut self, width: Width, dst: u8, src: u8) {
        let ops = &mut self.tables.asm.ops;
        match width {
            _ if dst == src => {}
            Width::W64 => dynasm!(ops ; .arch x64 ; mov Rq(dst), Rq(src)),
            Width::W32 => dynasm!(ops ; .arch x64 ; mov Rd(dst), Rd(src)),
        }
    }

    /// An address that x86 can compute, with a displacement that fits.
    pub(super) fn place(sum: Sum, disp: i32) -> Operand {
        Operand {
            base: sum.base.map(host),
            index: sum.index.map(|(reg, shift)| (host(reg), shift)),
            disp,
            ..Operand::host(0, 0)
        }
    }

    pub(super) fn compute_sum(&mut self, width: Width, dst: u8, sum: Sum) {
        if let Some(value) = sum.as_constant() {
            return self.constant(dst, truncated(width, value));
        }
        if !self.may_show_offset(sum.disp) {
            self.compute_far(dst, sum);
            return match width {
                Width::W32 => self.movzx(32, dst, dst),
                Width::W64 => {}
            };
        }
        let disp = match width {
            Width::W32 => sum.disp as i32,
            Width::W64 => match i32::try_from(sum.disp) {
                Ok(disp) => disp,
                Err(_) => return self.compute_far(dst, sum),
            },
        };
        let base = sum.base.map(host);
        let index = sum.index.map(|(reg, shift)| (host(reg), shift));
        let ops = &mut self.tables.asm.ops;
        match (base, index) {
            (Some(base), None) if base == dst => match disp {
                0 if width == Width::W32 => dynasm!(ops ; .arch x64 ; mov Rd(dst), Rd(dst)),
                0 => {}
                128 => {
                    self.immediate(Group::Sub, width, dst, -128);
                }
                _ => {
                    self.immediate(Group::Add, width, dst, disp);
                }
            },
            (Some(base), None) if disp == 0 => self.copy(width, dst, base),
            (Some(base), Some((index, 0))) if disp == 0 && (base == dst || index == dst) => {
                let other = if base == dst { index } else { base };
                match width {
                    Width::W64 => dynasm!(ops ; .arch x64 ; add Rq(dst), Rq(other)),
                    Width::W32 => dynasm!(ops ; .arch x64 ; add Rd(dst), Rd(other)),
                }
            }
            (None, Some((index, shift))) if disp == 0 => {
                self.copy(width, dst, index);
                if index == dst && shift == 0 && width == Width::W32 {
                    let ops = &mut self.tables.asm.ops;
                    dynasm!(ops ; .arch x64 ; mov Rd(dst), Rd(dst));
                } else if shift != 0 {
                    self.shift_by(AluOp::Lsh, width, dst, shift);
                }
            }
            _ => {
                let form = Form {
                    wide: width == Width::W64,
                    ..LEA
                };
                self.tables.asm.memory(form, dst, Emitter::place(sum, disp));
            }
        }
    }

    /// A sum whose number has more than 32 bits.
    fn compute_far(&mut self, dst: u8, sum: Sum) {
        self.constant(fixed::RCX, sum.disp as u64);
        let ops = &mut self.tables.asm.ops;
        if let Some(base) = sum.base {
            dynasm!(ops ; .arch x64 ; add rcx, Rq(host(base)));
        }
        match sum.index {
            Some((index, shift)) => {
                let at = Operand {
                    index: Some((host(index), shift)),
                    ..Operand::host(fixed::RCX, 0)
                };
                self.tables.asm.memory(LEA, dst, at);
            }
            None => self.copy(Width::W64, dst, fixed::RCX),
        }
    }

    fn rotate(&mut self, width: Width, dst: u8, src: u8, by: u8) {
        let (left, right) = (by as i8, width.bits() as i8 - by as i8);
        let ops = &mut self.tables.asm.ops;
        match width {
            Width::W64 if dst == src => dynasm!(ops ; .arch x64 ; rol Rq(dst), left),
            Width::W32 if dst == src => dynasm!(ops ; .arch x64 ; rol Rd(dst), left),
            Width::W64 if self.settings.bmi2 => {
                dynasm!(ops ; .arch x64 ; rorx Rq(dst), Rq(src), right);
            }
            Width::W32 if self.settings.bmi2 => {
                dynasm!(ops ; .arch x64 ; rorx Rd(dst), Rd(src), right);
            }
            Width::W64 => dynasm!(ops ; .arch x64 ; mov Rq(dst), Rq(src) ; rol Rq(dst), left),
            Width::W32 => dynasm!(ops ; .arch x64 ; mov Rd(dst), Rd(src) ; rol Rd(dst), left),
        }
    }

    fn movzx(&mut self, bits: u8, dst: u8, src: u8) {
        let ops = &mut self.tables.asm.ops;
        match bits {
            8 => dynasm!(ops ; .arch x64 ; movzx Rd(dst), Rb(src)),
            16 => dynasm!(ops ; .arch x64 ; movzx Rd(dst), Rw(src)),
            _ => dynasm!(ops ; .arch x64 ; mov Rd(dst), Rd(src)),
        }
    }

    /// Notes that a load may end the run, and gives its operand.
    pub(super) fn loaded_operand(&mut self, loaded: Loaded) -> Operand {
        let at = self.operand(loaded.at);
        let what = self.what(loaded.size, vm::Access::Read, loaded.at);
        let site = self.site(loaded.number, what);
        if loaded.parts != 0 {
            self.site_of_several(site, loaded.parts);
        }
        at
    }

    fn compute_load(&mut self, dst: u8, loaded: Loaded) -> Width {
        let at = self.loaded_operand(loaded);
        let form = load_form(loaded.size, loaded.signed);
        self.tables.asm.memory(form, dst, at);
        if loaded.swapped {
            let ops = &mut self.tables.asm.ops;
            match loaded.size {
                Size::B1 => {}
                Size::B2 => dynasm!(ops ; .arch x64 ; rol Rw(dst), 8),
                Size::B4 => dynasm!(ops ; .arch x64 ; bswap Rd(dst)),
                Size::B8 => dynasm!(ops ; .arch x64 ; bswap Rq(dst)),
            }
        }
        let width = match Bits::loaded(loaded) <= LOW {
            true => Width::W32,
            false => Width::W64,
        };
        if loaded.shift != 0 {
            self.shift_by(AluOp::Lsh, width, dst, loaded.shift);
        }
        width
    }

    /// Makes a load whose value nobody needs: it may end the run.
    fn touch(&mut self, loaded: Loaded) {
        let at = self.loaded_operand(loaded);
        let form = Form {
            opcode: if loaded.size == Size::B1 {
                &[0x80]
            } else {
                &[0x83]
            },
            wide: loaded.size == Size::B8,
            short: loaded.size == Size::B2,
            ..Form::default()
        };
        self.tables.asm.memory(form, Group::Cmp as u8, at);
        self.tables.asm.ops.push(0);
    }

    /// Where an access is, for the table of sites.
    pub(super) fn what(&self, size: Size, access: vm::Access, sum: Sum) -> What {
        self.what_of(size.bytes() as u8, access, sum)
    }

    /// The same for so many bytes.
    pub(super) fn what_of(&self, size: u8, access: vm::Access, sum: Sum) -> What {
        What::Access {
            size,
            access,
            address: crate::site::Address {
                base: sum.base.map(host),
                index: sum.index.map(|(reg, shift)| (host(reg), 1 << shift)),
                disp: sum.disp,
            },
        }
    }
}
