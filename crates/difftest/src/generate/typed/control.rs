//! Branches and loops.

use isa::{AluOp, CmpOp, Insn, Operand, Reg, Size, Width};

use super::arithmetic::{refine, transfer};
use super::{DEEPEST, Writer};
use crate::generate::emit::Label;
use crate::generate::held::{Held, Range, State};

const WORD: u64 = u32::MAX as u64;

/// A comparison that was written: what it teaches about its register.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition {
    op: CmpOp,
    reg: Reg,
    /// The constant that it is compared with, where that says something.
    with: Option<u64>,
}

impl Condition {
    /// Says what is known where it holds, or does not.
    pub(super) fn learn(self, state: &mut State, holds: bool) {
        if let (Some(with), Held::Number(range)) = (self.with, state.get(self.reg)) {
            let range = refine(range, self.op, with, holds);
            state.set(self.reg, Held::Number(range));
        }
    }
}

impl Writer<'_> {
    /// A jump to `label` under some condition on numbers.
    pub(super) fn condition(&mut self, label: Label) -> Condition {
        let op = self.random.pick(&CmpOp::ALL);
        let width = self.width();
        let reg = self.operand(0);
        if self.random.percent(30) {
            let src = self.operand(0);
            self.emit.branch(op, width, reg, Operand::Reg(src), label);
            return Condition {
                op,
                reg,
                with: None,
            };
        }
        let Range { min, max } = self.range(reg);
        let imm = match self.random.below(4) {
            0 => min as i32,
            1 => max as i32,
            2 => self.random.below(64) as i32,
            _ => self.random.edge() as i32,
        };
        self.emit.branch(op, width, reg, Operand::Imm(imm), label);
        let with = match width {
            Width::W64 => Some(imm as i64 as u64),
            Width::W32 => (max <= WORD).then_some(u64::from(imm as u32)),
        };
        Condition { op, reg, with }
    }

    /// Statements that are done under a condition, and perhaps others otherwise.
    pub(super) fn block(&mut self) {
        if self.frame.nested >= DEEPEST {
            return self.arithmetic();
        }
        self.frame.nested += 1;
        let otherwise = self.emit.label();
        let condition = self.condition(otherwise);
        let mut jumped = self.state.clone();
        condition.learn(&mut jumped, true);
        condition.learn(&mut self.state, false);
        let count = self.random.below(4) as u32;
        self.statements(count);
        if self.random.percent(40) {
            let end = self.emit.label();
            self.emit.jump(end);
            self.emit.place(otherwise);
            let fallen = std::mem::replace(&mut self.state, jumped);
            let count = 1 + self.random.below(3) as u32;
            self.statements(count);
            self.state.join(&fallen);
            self.emit.place(end);
        } else {
            self.emit.place(otherwise);
            self.state.join(&jumped);
        }
        self.frame.nested -= 1;
    }

    /// Ends the function early, under a condition.
    pub(super) fn go_out(&mut self) {
        if self.frame.owed > 0 {
            return self.arithmetic();
        }
        let on = self.emit.label();
        let condition = self.condition(on);
        let mut jumped = self.state.clone();
        condition.learn(&mut jumped, true);
        condition.learn(&mut self.state, false);
        self.leave();
        self.state = jumped;
        self.emit.place(on);
    }

    /// A loop that ends: by a counter, or because Linux says so.
    pub(super) fn repeat(&mut self) {
        if self.frame.nested >= DEEPEST || self.frame.loops >= 2 {
            return self.arithmetic();
        }
        let locked = self.frame.locked;
        let counter = match self.random.percent(50) {
            true => self.counter(),
            false => None,
        };
        match counter {
            Some(counter) => self.counted(counter),
            None => self.unbounded(),
        }
        self.frame.locked = locked;
    }

    /// A callee-saved register that is not locked yet, now it is.
    fn counter(&mut self) -> Option<Reg> {
        let free = |reg: &Reg| self.frame.locked & 1 << reg.index() == 0;
        let mut regs = vec![Reg::R6, Reg::R7, Reg::R8, Reg::R9];
        regs.retain(free);
        if regs.len() < 2 {
            return None;
        }
        let reg = self.random.pick(&regs);
        self.frame.locked |= 1 << reg.index();
        Some(reg)
    }

    fn counted(&mut self, counter: Reg) {
        let times = 1 + self.random.below(4);
        let step = 1 + self.random.below(2) as i32;
        let down = self.random.percent(30);
        let start = match down {
            true => times as i32 * step,
            false => 0,
        };
        self.number_in(counter, start);
        let again = self.emit.label();
        self.head();
        self.put(counter, Range::up_to(times * step as u64));
        self.emit.place(again);
        self.inside();
        if down {
            self.add(counter, -step);
            let op = self.random.pick(&[CmpOp::Ne, CmpOp::Sgt, CmpOp::Gt]);
            self.emit
                .branch(op, Width::W64, counter, Operand::Imm(0), again);
            self.put(counter, Range::ANY);
        } else {
            self.add(counter, step);
            let last = times as i32 * step;
            let op = self.random.pick(&[CmpOp::Ne, CmpOp::Lt, CmpOp::Slt]);
            let width = self.width();
            match self.random.percent(30) && width == Width::W64 {
                true => {
                    let limit = self.target(1 << counter.index());
                    self.number_in(limit, last);
                    self.emit
                        .branch(op, width, counter, Operand::Reg(limit), again);
                }
                false => self
                    .emit
                    .branch(op, width, counter, Operand::Imm(last), again),
            }
            self.put(counter, Range::ANY);
        }
        self.tail();
    }

    /// `may_goto`, with which any loop ends.
    fn unbounded(&mut self) {
        let (again, out) = (self.emit.label(), self.emit.label());
        self.head();
        let before = self.state.clone();
        self.emit.place(again);
        self.emit.may_goto(out);
        self.inside();
        self.emit.jump(again);
        self.state = before;
        self.emit.place(out);
        self.tail();
    }

    /// Forgets all that the body of a loop may change.
    fn head(&mut self) {
        let locked = self.frame.locked | 1 << 10;
        for (n, held) in self.state.regs.iter_mut().enumerate() {
            if locked & 1 << n == 0 {
                *held = Held::Nothing;
            }
        }
        self.state.slots.fill(Held::Nothing);
        self.state.drop_packets();
    }

    fn inside(&mut self) {
        self.frame.nested += 1;
        self.frame.loops += 1;
        self.frame.owed += 1;
        let count = 1 + self.random.below(4) as u32;
        self.statements(count);
        self.frame.owed -= 1;
        self.frame.loops -= 1;
        self.frame.nested -= 1;
    }

    fn tail(&mut self) {
        self.head();
    }

    /// A number and copies of it, of which one is compared and another used.
    pub(super) fn linked(&mut self) {
        let first = self.number(0);
        if self.random.percent(60) {
            let mask = self.random.pick(&[15, 63, 255, 0x7fff_ffff]);
            self.and(first, mask);
        }
        let second = self.target(1 << first.index());
        if second == first {
            return;
        }
        let width = match self.range(first).max <= WORD && self.random.percent(40) {
            true => Width::W32,
            false => Width::W64,
        };
        self.alu(AluOp::Mov, width, second, Operand::Reg(first));
        let mut moved = 0;
        if self.random.percent(50) {
            moved = 1 + self.random.below(8) as i32;
            self.add(second, moved);
        }
        if moved == 0 && self.random.percent(40) {
            // Through the stack.
            let at = -8 * (1 + self.random.below(self.frame.stack as u64 / 8) as i32);
            self.store_insn(Size::B8, Reg::FP, at as i16, Operand::Reg(second));
            let area = self.frame_area();
            self.stored(area, at as i16, 8, Held::Number(Range::ANY));
        }
        let limit = 1 + self.random.below(32);
        let on = self.emit.label();
        let (op, width) = (
            self.random
                .pick(&[CmpOp::Gt, CmpOp::Ge, CmpOp::Sgt, CmpOp::Ne]),
            self.width(),
        );
        self.emit
            .branch(op, width, first, Operand::Imm(limit as i32), on);
        let before = self.state.clone();
        let known = self.range(first);
        let sure = matches!(op, CmpOp::Gt | CmpOp::Ge | CmpOp::Ne) && known.max <= WORD;
        let low = match (sure, op) {
            (true, CmpOp::Ne) => Range::one(limit),
            (true, _) => Range::up_to(known.max.min(limit)),
            _ => Range::ANY,
        };
        self.put(first, low);
        let range = transfer(AluOp::Add, Width::W64, low, Range::one(moved as u64));
        self.put(second, range);
        self.use_index(second);
        let count = self.random.below(2) as u32;
        self.statements(count);
        self.state.join(&before);
        self.emit.place(on);
        // What was added may have gone past the end.
        if let Held::Number(_) = self.state.get(second) {
            self.put(second, Range::ANY);
        }
    }

    /// Pointers that are copied, compared, subtracted and told apart from NULL.
    pub(super) fn pointers(&mut self) {
        let found = self
            .state
            .find(|held| matches!(held, Held::Memory(_) | Held::PacketEnd | Held::Context));
        let src = self.random.pick(&found);
        match self.random.below(3) {
            0 => {
                let dst = self.target(1 << src.index());
                self.copy(dst, src);
            }
            1 => {
                let dst = self.target(1 << src.index());
                self.copy(dst, src);
                self.alu(AluOp::Sub, Width::W64, dst, Operand::Reg(src));
                self.put(dst, Range::ANY);
                // The context and the end of a packet may not be subtracted from.
                if !matches!(self.state.get(src), Held::Memory(_)) {
                    self.emit.insn(Insn::Alu {
                        op: AluOp::Mov,
                        width: Width::W64,
                        dst,
                        src: Operand::Imm(0),
                    });
                }
            }
            _ => {
                let on = self.emit.label();
                let op = self.random.pick(&[CmpOp::Eq, CmpOp::Ne]);
                self.emit.branch(op, Width::W64, src, Operand::Imm(0), on);
                let before = self.state.clone();
                let count = self.random.below(2) as u32;
                self.statements(count);
                self.state.join(&before);
                self.emit.place(on);
            }
        }
    }
}
