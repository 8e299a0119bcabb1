//! Conditional jumps: decisions, and what each side tells.

use std::rc::Rc;

use isa::{CmpOp, Operand, Pc, Reg, Width};

use crate::explore::{Flow, Verifier};
use crate::reason::{Pointer, Result};
use crate::scalar::{Branches, Scalar};
use crate::state::{Kind, State, Value};

use super::nullness::{self, Maps};
use super::{linked, packet};

/// A comparison, as an instruction writes it.
#[derive(Clone, Copy)]
pub(super) struct Comparison {
    pub(super) op: CmpOp,
    pub(super) width: Width,
    pub(super) dst: Reg,
    pub(super) src: Operand,
    /// What the operands were.
    pub(super) a: Value,
    pub(super) b: Value,
}

impl Comparison {
    /// The register of the second operand.
    pub(super) fn src_reg(&self) -> Option<Reg> {
        match self.src {
            Operand::Reg(reg) => Some(reg),
            Operand::Imm(_) => None,
        }
    }
}

impl Verifier<'_> {
    /// `if dst op src goto target`.
    pub(crate) fn branch(
        &mut self,
        op: CmpOp,
        width: Width,
        dst: Reg,
        src: Operand,
        target: Pc,
    ) -> Result<Flow> {
        let compared = self.operands(op, width, dst, src)?;
        if let Some(taken) = compared.decide() {
            self.mark_operands_precise(&compared)?;
            if !self.may_leak() {
                return Err(self.unsupported("speculative paths"));
            }
            self.tell_branched();
            self.proven.branch(self.pc, !taken, taken);
            return Ok(if taken { Flow::To(target) } else { Flow::Next });
        }
        self.proven.branch(self.pc, true, true);
        let linked = self.collect_linked([compared.src_reg(), Some(dst)]);
        self.note_linked(linked);
        self.push_branch(target)?;
        if compared.a.is_scalar() && compared.b.is_scalar() {
            self.learn_numbers(&compared)?;
            if !linked.is_empty() {
                let (fall, taken) = self.both_ways();
                for state in [Some(fall), taken].into_iter().flatten() {
                    for reg in [compared.src_reg(), Some(dst)].into_iter().flatten() {
                        linked::follow(state, linked, reg);
                    }
                }
            }
        } else {
            self.learn_pointers(&compared)?;
        }
        self.tell_branched();
        Ok(Flow::Next)
    }

    fn operands(&mut self, op: CmpOp, width: Width, dst: Reg, src: Operand) -> Result<Comparison> {
        let a = self.read_reg(dst)?;
        let b = match src {
            Operand::Imm(imm) => Value::constant(i64::from(imm) as u64),
            Operand::Reg(src) => {
                let b = self.read_reg(src)?;
                let are_packet = a.kind.is_packet() && b.kind.is_packet();
                if b.is_pointer() && !are_packet && !self.may_leak() {
                    return Err(Pointer::Comparison(src).into());
                }
                b
            }
        };
        let is_stack = |value: &Value| matches!(value.kind, Kind::Stack { .. });
        self.note_stack_operands(is_stack(&a), is_stack(&b));
        Ok(Comparison {
            op,
            width,
            dst,
            src,
            a,
            b,
        })
    }

    fn mark_operands_precise(&mut self, compared: &Comparison) -> Result {
        self.mark_precise(compared.dst)?;
        match compared.src {
            Operand::Reg(src) => self.mark_precise(src),
            Operand::Imm(_) => Ok(()),
        }
    }

    /// Narrows the operands on both sides.
    fn learn_numbers(&mut self, compared: &Comparison) -> Result {
        let Comparison {
            op,
            width,
            dst,
            src,
            a,
            b,
        } = *compared;
        let Branches {
            mut fall,
            mut taken,
        } = if src == Operand::Reg(dst) {
            Scalar::refine_same(op, width, a.num)
        } else {
            Scalar::refine(op, width, a.num, b.num)
        };
        taken.0 = self.settled(taken.0, "true_reg1")?;
        taken.1 = self.settled(taken.1, "true_reg2")?;
        fall.0 = self.settled(fall.0, "false_reg1")?;
        fall.1 = self.settled(fall.1, "false_reg2")?;
        let (falling, jumping) = self.both_ways();
        set_operands(falling, compared, fall);
        if let Some(jumping) = jumping {
            set_operands(jumping, compared, taken);
        }
        Ok(())
    }

    /// What a comparison with a pointer tells.
    fn learn_pointers(&mut self, compared: &Comparison) -> Result {
        let is_visible = self.may_leak();
        let fields = Rc::clone(&self.map_fields);
        let maps = Maps {
            program: self.program,
            fields: &fields,
        };
        let (fall, Some(taken)) = self.both_ways() else {
            return Ok(());
        };
        nullness::learn_from_equal(compared, fall, taken, &maps);
        let is_null_test = nullness::learn_from_null_test(compared, fall, taken, &maps);
        if is_null_test || packet::learn_end(compared, fall, taken) || is_visible {
            return Ok(());
        }
        if compared.a.is_pointer() {
            return Err(Pointer::Comparison(compared.dst).into());
        }
        Ok(())
    }
}

impl Comparison {
    /// Whether the jump is always taken, or never.
    fn decide(&self) -> Option<bool> {
        let Comparison {
            op, width, a, b, ..
        } = self;
        if a.kind.is_packet() && b.kind.is_packet() && *width == Width::W64 {
            return packet::decide(*op, a, b);
        }
        match (a.is_scalar(), b.is_scalar()) {
            (true, true) => Scalar::decide(*op, *width, &a.num, &b.num),
            (false, true) => nullness::decide(*op, *width, a, b),
            (true, false) => nullness::decide(*op, *width, b, a),
            (false, false) => None,
        }
    }
}

fn set_operands(state: &mut State, compared: &Comparison, (a, b): (Scalar, Scalar)) {
    if let Some(src) = compared.src_reg() {
        state.reg_mut(src).num = b;
    }
    state.reg_mut(compared.dst).num = a;
}
