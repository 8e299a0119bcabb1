//! Jumps and calls.

use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, dynasm};
use isa::{CmpOp, Operand, Reg, Width};
use vm::Link;
use vm::memory::GRANULE;

use super::alu::{Group, by_reg};
use super::function::{FP, LOOPS, TOP};
use super::{Address, Emitter, Rarely, host};
use crate::analysis::{Item, RegSet};
use crate::context::offset;
use crate::site::{CallSite, What};

impl Emitter<'_> {
    /// The label of a jump's target.
    fn target(&self, target: Option<u32>) -> DynamicLabel {
        let label = target.and_then(|target| self.labels[target as usize]);
        label.expect("a jump leads to the start of a block")
    }

    pub(super) fn jump(&mut self, number: u32, target: Option<u32>) {
        if target == Some(number + 1) {
            return;
        }
        let target = self.target(target);
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; jmp =>target);
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
        let target = self.target(target);
        if let Some(proof) = self.proof {
            let pc = self.listing.items[number as usize].pc;
            match proof.proven.flow(pc) {
                flow if !flow.jumps => return,
                flow if !flow.falls => return self.jump(number, to),
                _ => {}
            }
        }
        let dst = host(dst);
        let ops = &mut self.tables.asm.ops;
        match (op, src) {
            (CmpOp::Set, Operand::Reg(src)) => by_reg!(ops, test, width, dst, host(src)),
            (CmpOp::Set, Operand::Imm(imm)) => match (width, imm >= 0) {
                (Width::W64, false) => dynasm!(ops ; .arch x64 ; test Rq(dst), imm),
                _ => dynasm!(ops ; .arch x64 ; test Rd(dst), imm),
            },
            (_, Operand::Imm(0)) => by_reg!(ops, test, width, dst, dst),
            (_, Operand::Reg(src)) => by_reg!(ops, cmp, width, dst, host(src)),
            (_, Operand::Imm(imm)) => {
                self.tables.asm.immediate(Group::Cmp as u8, width, dst, imm);
            }
        }
        let ops = &mut self.tables.asm.ops;
        match op {
            CmpOp::Eq => dynasm!(ops ; .arch x64 ; je =>target),
            CmpOp::Ne | CmpOp::Set => dynasm!(ops ; .arch x64 ; jne =>target),
            CmpOp::Gt => dynasm!(ops ; .arch x64 ; ja =>target),
            CmpOp::Ge => dynasm!(ops ; .arch x64 ; jae =>target),
            CmpOp::Lt => dynasm!(ops ; .arch x64 ; jb =>target),
            CmpOp::Le => dynasm!(ops ; .arch x64 ; jbe =>target),
            CmpOp::Sgt => dynasm!(ops ; .arch x64 ; jg =>target),
            CmpOp::Sge => dynasm!(ops ; .arch x64 ; jge =>target),
            CmpOp::Slt => dynasm!(ops ; .arch x64 ; jl =>target),
            CmpOp::Sle => dynasm!(ops ; .arch x64 ; jle =>target),
        }
    }

    pub(super) fn may_goto(&mut self, target: Option<u32>) {
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
            Link::Function(callee) => self.call_function(number, callee),
            Link::Helper { id, function } => {
                if !self.inline(number, id) {
                    self.call_helper(number, id, Some(function));
                }
            }
            Link::TailCall => self.tail_call(number),
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
    fn save(&mut self, regs: RegSet) {
        let ops = &mut self.tables.asm.ops;
        for reg in regs.iter() {
            dynasm!(ops ; .arch x64 ; push Rq(host(reg)));
        }
        if regs.iter().count() % 2 != 0 {
            dynasm!(ops ; .arch x64 ; sub rsp, BYTE 8);
        }
    }

    fn restore(&mut self, regs: RegSet) {
        let ops = &mut self.tables.asm.ops;
        let list: Vec<Reg> = regs.iter().collect();
        if list.len() % 2 != 0 {
            dynasm!(ops ; .arch x64 ; add rsp, BYTE 8);
        }
        for reg in list.into_iter().rev() {
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
        let arguments = row.map_or(5, |row| row.args.len());
        let calls_back = row.is_none_or(|row| row.args.contains(&abi::helpers::Arg::Func));
        let saved = self.live.after(number).and(RegSet::ARGUMENTS);
        let site = self.call_site(number, id, function);
        if calls_back {
            self.tell_top();
        }
        self.save(saved);
        let ops = &mut self.tables.asm.ops;
        if arguments >= 5 {
            dynasm!(ops ; .arch x64 ; mov [r12 + offset::R5], r10);
        }
        dynasm!(ops ; .arch x64 ; mov edx, site ; mov rcx, r12);
        self.call_to(match id {
            vm::helper::MAP_LOOKUP => Address::Lookup,
            _ => Address::CallHelper,
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
        let site = self.call_site(number, 12, None);
        self.save(saved);
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; mov edx, site ; mov rcx, r12);
        self.call_to(Address::TailCall);
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
