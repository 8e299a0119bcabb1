//! Jumps and calls.

use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, dynasm};
use inject::Bug;
use isa::{AluOp, CmpOp, Insn, Operand, Reg, Width};
use vm::Link;
use vm::memory::GRANULE;

use super::alu::{Group, by_reg};
use super::asm::host as fixed;
use super::function::{FP, LOOPS, TOP};
use super::memory::Source;
use super::{Emitter, Rarely, Settings, guest, host};
use crate::Mode;
use crate::analysis::{Item, RegSet, arguments};
use crate::context::offset;
use crate::runtime::Routine;
use crate::site::{CallSite, What};

/// How far a short jump reaches at least, when a loop in between is aligned.
const REACH: u32 = 127 - 31;

/// How many jumps to jumps are followed.
const HOPS: usize = 8;

/// Conditions by their numbers in x86's opcodes, where the lowest bit inverts.
#[derive(Clone, Copy, Debug)]
enum Condition {
    Below = 0x2,
    AboveOrEqual = 0x3,
    Equal = 0x4,
    NotEqual = 0x5,
    BelowOrEqual = 0x6,
    Above = 0x7,
    Less = 0xc,
    GreaterOrEqual = 0xd,
    LessOrEqual = 0xe,
    Greater = 0xf,
}

impl Condition {
    fn of(op: CmpOp) -> Condition {
        match op {
            CmpOp::Eq => Condition::Equal,
            CmpOp::Ne | CmpOp::Set => Condition::NotEqual,
            CmpOp::Gt => Condition::Above,
            CmpOp::Ge => Condition::AboveOrEqual,
            CmpOp::Lt => Condition::Below,
            CmpOp::Le => Condition::BelowOrEqual,
            CmpOp::Sgt => Condition::Greater,
            CmpOp::Sge => Condition::GreaterOrEqual,
            CmpOp::Slt => Condition::Less,
            CmpOp::Sle => Condition::LessOrEqual,
        }
    }
}

/// How many bytes the code of an instruction takes, at most but for rare cases.
fn longest(item: &Item, settings: &Settings) -> u32 {
    if settings.options.meter || settings.options.mode == Mode::Checked {
        return u32::MAX >> 8;
    }
    match item.insn {
        Insn::Alu { op, src, .. } => match (op, src) {
            (AluOp::Mov, Operand::Imm(_)) => 7,
            (AluOp::Mov, Operand::Reg(_)) => 3,
            (AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod, _) => 64,
            (_, Operand::Imm(_)) => 10,
            (_, Operand::Reg(_)) => 8,
        },
        Insn::Neg { .. } | Insn::Movsx { .. } => 6,
        Insn::Endian { .. } => 8,
        Insn::LoadImm { .. } => 10,
        Insn::Load { .. } | Insn::LoadAcquire { .. } => 16,
        Insn::Store { .. } | Insn::StoreRelease { .. } => 20,
        Insn::Jump { .. } => 5,
        Insn::Branch { .. } => 17,
        Insn::Exit => 16,
        _ => 128,
    }
}

impl Emitter<'_> {
    /// The label of a jump's target.
    fn target(&self, target: Option<u32>) -> DynamicLabel {
        let target = self.destination(target);
        let label = target.and_then(|target| self.labels[target as usize]);
        label.expect("a jump leads to the start of a block")
    }

    /// Where a jump leads in the end. Where instructions are counted, that is its
    /// target, so that those on the way count.
    fn destination(&self, target: Option<u32>) -> Option<u32> {
        let mut target = target?;
        if self.settings.options.meter {
            return Some(target);
        }
        for _ in 0..HOPS {
            let item = &self.listing.items[target as usize];
            match (item.insn, item.link) {
                (Insn::Jump { .. }, Link::None) if item.target != Some(target) => {
                    target = item.target?;
                }
                _ => break,
            }
        }
        Some(target)
    }

    pub(super) fn jump(&mut self, number: u32, target: Option<u32>) {
        self.settle_needed(self.after);
        if target == Some(number + 1) || self.passed == Some(number) {
            return;
        }
        let last = self
            .destination(target)
            .filter(|_| !self.settings.options.meter);
        let end = last.is_some_and(|last| {
            let item = &self.listing.items[last as usize];
            matches!((item.insn, item.link), (Insn::Exit, Link::None))
        });
        match end {
            true => self.exit(),
            false => self.jump_to_block(number, None, target, self.values.cut()),
        }
    }

    pub(super) fn branch(
        &mut self,
        number: u32,
        op: CmpOp,
        width: Width,
        dst: Reg,
        src: Operand,
        target: Option<u32>,
    ) {
        let to = target;
        if let Some(proof) = self.proof {
            let pc = self.listing.items[number as usize].pc;
            match proof.proven.flow(pc) {
                flow if !flow.jumps => return,
                flow if !flow.falls => return self.jump(number, to),
                _ => {}
            }
        }
        let (to, inverted) = match self.jump_passed(number, to) {
            Some(other) => (Some(other), true),
            None => (to, false),
        };
        self.settle_after();
        let (dst, src) = self.compared(width, dst, src);
        self.settle_needed(RegSet::NONE);
        let hidden = matches!(src, Source::Imm(imm) if !self.may_show(imm.into()));
        let ops = &mut self.tables.asm.ops;
        match (op, src) {
            (CmpOp::Set, Source::Reg(src)) => by_reg!(ops, test, width, dst, src),
            (CmpOp::Set, Source::Imm(imm)) if hidden => {
                self.constant(fixed::RDX, i64::from(imm) as u64);
                let ops = &mut self.tables.asm.ops;
                by_reg!(ops, test, width, dst, fixed::RDX);
            }
            (CmpOp::Set, Source::Imm(imm)) => match (width, imm >= 0) {
                (Width::W64, false) => dynasm!(ops ; .arch x64 ; test Rq(dst), imm),
                _ => dynasm!(ops ; .arch x64 ; test Rd(dst), imm),
            },
            (_, Source::Imm(0)) => by_reg!(ops, test, width, dst, dst),
            (_, Source::Reg(src)) => by_reg!(ops, cmp, width, dst, src),
            (_, Source::Imm(imm)) => {
                self.immediate(Group::Cmp, width, dst, imm);
            }
        }
        let condition = Condition::of(op) as u8 ^ u8::from(inverted);
        let (jumps, falls) = self.cut_by(width, condition, dst, src);
        self.jump_to_block(number, Some(condition), to, jumps);
        self.values.found(falls);
    }

    /// The registers that are cut behind a comparison in 64 bits, where it jumps and
    /// where it does not: what is not above a register that is cut has no more bits.
    fn cut_by(&self, width: Width, condition: u8, left: u8, right: Source) -> (RegSet, RegSet) {
        let cut = self.values.cut();
        let regs = match right {
            Source::Reg(right) if width == Width::W64 => guest(left).zip(guest(right)),
            _ => None,
        };
        let Some((left, right)) = regs else {
            return (cut, cut);
        };
        let not_above = |low: Reg, high: Reg| match cut.contains(high) {
            true => cut.with(RegSet::of(low)),
            false => cut,
        };
        let (left, right) = (not_above(left, right), not_above(right, left));
        const BELOW: u8 = Condition::Below as u8;
        const ABOVE_OR_EQUAL: u8 = Condition::AboveOrEqual as u8;
        const BELOW_OR_EQUAL: u8 = Condition::BelowOrEqual as u8;
        const ABOVE: u8 = Condition::Above as u8;
        match condition {
            BELOW | BELOW_OR_EQUAL => (left, right),
            ABOVE | ABOVE_OR_EQUAL => (right, left),
            _ => (cut, cut),
        }
    }

    /// A jump from an instruction, always or on a condition.
    fn jump_to_block(
        &mut self,
        number: u32,
        condition: Option<u8>,
        target: Option<u32>,
        cut: RegSet,
    ) {
        let to = self.destination(target);
        self.way_to(to, cut);
        let label = match inject::on(Bug::Cve2021_29154) {
            true => self.target_of_another_pass(number, target),
            false => self.target(target),
        };
        let near = to.is_some_and(|to| self.is_near(number, to));
        self.tables.asm.jump(condition, label, near);
    }

    /// Backwards, the block after the target; for a bug that is brought back.
    fn target_of_another_pass(&self, number: u32, target: Option<u32>) -> DynamicLabel {
        let back = target.filter(|target| *target <= number);
        let after = back.and_then(|target| {
            let mut labels = self.labels.iter().skip(target as usize + 1);
            labels.find_map(|label| *label)
        });
        after.unwrap_or_else(|| self.target(target))
    }

    /// Whether the code between an instruction and a target is certainly, or for
    /// those further down most probably, short.
    fn is_near(&self, number: u32, target: u32) -> bool {
        if let Some(offset) = self.offsets[target as usize] {
            return self.tables.asm.offset() - offset <= 126;
        }
        let lengths = self.listing.items.get(number as usize + 1..target as usize);
        let near = |items: &[Item]| {
            let length = |item: &Item| longest(item, self.settings);
            items.len() <= 32 && items.iter().map(length).sum::<u32>() <= REACH
        };
        self.tables.short && lengths.is_some_and(near)
    }

    /// Where the jump behind a branch leads, if that jump is all that the branch
    /// passes over: the opposite branch does for both.
    fn jump_passed(&mut self, number: u32, target: Option<u32>) -> Option<u32> {
        let next = number + 1;
        let item = self.listing.items.get(next as usize)?;
        let alone = target == Some(next + 1) && self.labels[next as usize].is_none();
        let jumps = matches!((item.insn, item.link), (Insn::Jump { .. }, Link::None));
        if self.settings.options.meter || !alone || !jumps {
            return None;
        }
        self.passed = Some(next);
        item.target
    }

    /// The operands of a comparison.
    fn compared(&mut self, width: Width, dst: Reg, src: Operand) -> (u8, Source) {
        let operand = |this: &mut Self, reg| match width {
            Width::W64 => this.operand_of(reg),
            Width::W32 => host(this.low_source(reg)),
        };
        let left = operand(self, dst);
        match src {
            Operand::Imm(imm) => (left, Source::Imm(imm)),
            Operand::Reg(src) => {
                let number = self.values.constant(src);
                if let Some(imm) = number.and_then(|number| self.as_immediate(width, number)) {
                    return (left, Source::Imm(imm));
                }
                let src = operand(self, src);
                // That may have settled the other one.
                (operand(self, dst), Source::Reg(src))
            }
        }
    }

    pub(super) fn may_goto(&mut self, target: Option<u32>) {
        self.settle_needed(self.after);
        self.way_to(self.destination(target), self.values.cut());
        let target = self.target(target);
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops
            ; .arch x64
            ; sub QWORD [rsp + LOOPS], BYTE 1
            ; jnc >more
            ; mov QWORD [rsp + LOOPS], 0
            ; jmp =>target
            ; more:
        );
    }

    pub(super) fn call(&mut self, number: u32, item: &Item) {
        match item.link {
            Link::Function(callee) => {
                self.settle_needed(RegSet::ALL);
                self.call_function(number, callee);
                self.values.keeps(RegSet::KEPT);
            }
            Link::Helper { id, function } => {
                self.values.needed = self.after.with(RegSet::ARGUMENTS);
                self.drop_value(Reg::R0);
                if !self.inline(number, id) {
                    self.settle_needed(self.after.with(arguments(id)));
                    self.call_helper(number, id, Some(function));
                    self.values.keeps(RegSet::KEPT);
                }
            }
            Link::TailCall => {
                self.settle_needed(RegSet::ALL);
                self.tail_call(number);
                self.values.keeps(RegSet::KEPT);
            }
            Link::None | Link::Constant(_) | Link::Trap(_) => {}
        }
    }

    fn call_function(&mut self, number: u32, callee: usize) {
        let site = self.site(number, What::CallDepth);
        let out = self.rarely(Rarely::Trap { site });
        let inner = self.inner[callee];
        let last = self.settings.last_stack as i32;
        let granule = GRANULE as i32;
        let ops = &mut self.tables.asm.ops;
        if self.moves_fp {
            dynasm!(ops
                ; .arch x64
                ; mov [rsp + FP], rbp
                ; mov rbp, [rsp + TOP]
                ; cmp ebp, DWORD last
                ; jae =>out
                ; add rbp, DWORD granule
                ; call =>inner
                ; mov rbp, [rsp + FP]
            );
        } else {
            dynasm!(ops
                ; .arch x64
                ; cmp ebp, DWORD last
                ; jae =>out
                ; add rbp, DWORD granule
                ; call =>inner
                ; sub rbp, DWORD granule
            );
        }
    }

    /// Saves registers across a call of the runtime; gives what [`Self::restore`]
    /// needs.
    pub(super) fn save(&mut self, regs: RegSet) {
        let ops = &mut self.tables.asm.ops;
        for reg in regs.iter() {
            dynasm!(ops ; .arch x64 ; push Rq(host(reg)));
        }
        if !regs.len().is_multiple_of(2) {
            dynasm!(ops ; .arch x64 ; sub rsp, BYTE 8);
        }
    }

    pub(super) fn restore(&mut self, regs: RegSet) {
        let ops = &mut self.tables.asm.ops;
        if !regs.len().is_multiple_of(2) {
            dynasm!(ops ; .arch x64 ; add rsp, BYTE 8);
        }
        for reg in regs.iter().rev() {
            dynasm!(ops ; .arch x64 ; pop Rq(host(reg)));
        }
    }

    fn call_site(&mut self, number: u32, id: u32, function: Option<vm::helper::HelperFn>) -> i32 {
        self.tables.calls.push(CallSite {
            program: self.program,
            pc: self.listing.items[number as usize].pc,
            id,
            function,
        });
        self.tables.calls.len() as i32 - 1
    }

    fn call_helper(&mut self, number: u32, id: u32, function: Option<vm::helper::HelperFn>) {
        let row = abi::helpers::by_id(id);
        let takes_fifth = arguments(id).contains(Reg::R5);
        let calls_back = row.is_none_or(|row| row.args.contains(&abi::helpers::Arg::Func));
        let saved = self.live.after(number).and(RegSet::ARGUMENTS);
        let site = self.call_site(number, id, function);
        if calls_back {
            self.tell_top();
        }
        self.save(saved);
        let ops = &mut self.tables.asm.ops;
        if takes_fifth {
            dynasm!(ops ; .arch x64 ; mov [r12 + offset::R5], r10);
        }
        dynasm!(ops ; .arch x64 ; mov edx, site ; lea rcx, [r12 + offset::CONTEXT]);
        self.call_to(match id {
            vm::helper::MAP_LOOKUP => Routine::Lookup,
            _ => Routine::CallHelper,
        });
        self.restore(saved);
        self.leave_if_ended();
    }

    /// Tells the runtime where the function's stack ends.
    fn tell_top(&mut self) {
        let ops = &mut self.tables.asm.ops;
        if self.moves_fp {
            dynasm!(ops
                ; .arch x64
                ; mov rcx, [rsp + TOP]
                ; mov [r12 + offset::FP], rcx
            );
        } else {
            dynasm!(ops ; .arch x64 ; mov [r12 + offset::FP], rbp);
        }
    }

    fn leave_if_ended(&mut self) {
        let out = self.rarely(Rarely::Exit);
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops
            ; .arch x64
            ; cmp DWORD [r12 + offset::STATUS], BYTE 0
            ; jne =>out
        );
    }

    fn tail_call(&mut self, number: u32) {
        let live = self.live.after(number).and(RegSet::SHARED);
        let saved = live.with(RegSet::of(Reg::R1));
        let site = self.call_site(number, vm::helper::TAIL_CALL, None);
        self.save(saved);
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; mov edx, site ; lea rcx, [r12 + offset::CONTEXT]);
        self.call_to(Routine::TailCall);
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; mov r11, rax);
        self.restore(saved);
        self.leave_if_ended();
        let on = self.tables.asm.label();
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; test r11, r11 ; jz =>on);
        if self.moves_fp {
            dynasm!(ops ; .arch x64 ; mov rbp, [rsp + TOP]);
        }
        self.epilogue();
        for reg in [Reg::R0, Reg::R2, Reg::R3, Reg::R4, Reg::R5] {
            self.constant(host(reg), 0);
        }
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; jmp r11 ; =>on);
    }
}
