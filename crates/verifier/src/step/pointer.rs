//! Arithmetic on pointers: what may be added to which, and where that leads.

use inject::Bug;
use isa::{AluOp, Operand, Reg, Width};

use crate::explore::Verifier;
use crate::reason::{Pointer, Reason, Result};
use crate::state::{Flags, Kind, Value};
use crate::{Fault, scalar::Scalar};

/// Fixed offsets and the least variable ones stay below this, either way.
const MAX_OFFSET: i64 = 1 << 29;
/// Bytes of stack that a function has.
const STACK: i64 = 512;

impl Verifier<'_> {
    /// `dst = dst op src`, where one of the two is a pointer at least. Both may be
    /// read, and `dst` may be written.
    pub(super) fn pointer_alu(
        &mut self,
        op: AluOp,
        width: Width,
        dst: Reg,
        operand: Operand,
        src: &Value,
    ) -> Result {
        let value = *self.state.reg(dst);
        if value.kind == Kind::Arena || src.kind == Kind::Arena {
            return Err(self.unsupported("arenas"));
        }
        if value.is_pointer() && src.is_pointer() {
            if op == AluOp::Sub && self.may_leak() {
                *self.state.reg_mut(dst) = Value::UNKNOWN;
                return Ok(());
            }
            let op = text(op);
            return Err(Pointer::Both { reg: dst, op }.into());
        }
        let swapped = src.is_pointer();
        if let Operand::Reg(src) = operand {
            self.mark_precise(if swapped { dst } else { src })?;
        }
        let (pointer, number) = if swapped {
            (src, &value)
        } else {
            (&value, src)
        };
        let sum = Sum {
            op,
            width,
            dst,
            operand,
            pointer,
            number,
            swapped,
        };
        *self.state.reg_mut(dst) = self.pointer_sum(&sum, &value)?;
        self.check_pointer_without_leaks(dst)?;
        if sum.is_masked() && self.state.reg(dst).is_pointer() && !self.may_leak() {
            return Err(self.unsupported("speculative paths"));
        }
        Ok(())
    }

    /// The pointer, or the number, that comes of it.
    fn pointer_sum(&mut self, sum: &Sum<'_>, before: &Value) -> Result<Value> {
        let Sum { op, dst, .. } = *sum;
        let by = sum.number.num;
        if by.is_empty() || by.is_const() && (by.smin() != by.smax() || by.umin() != by.umax()) {
            return Ok(Value::UNKNOWN);
        }
        if sum.width == Width::W32 {
            return if op == AluOp::Sub && self.may_leak() {
                Ok(Value::UNKNOWN)
            } else {
                Err(Pointer::Narrow(dst).into())
            };
        }
        if !sum.moves()? {
            return Ok(*before);
        }
        check_offset(sum.number, sum.pointer)?;
        check_offset(sum.pointer, sum.pointer)?;
        if sum.is_masked() && !by.is_const() && !self.may_leak() {
            return Err(self.unsupported("speculative paths"));
        }
        let mut result = match op {
            AluOp::Add => self.moved_up(sum),
            AluOp::Sub if sum.swapped => return Err(Pointer::Subtrahend(dst).into()),
            AluOp::Sub if matches!(sum.pointer.kind, Kind::Stack { .. }) => {
                return Err(Pointer::FromStack(dst).into());
            }
            AluOp::Sub => self.moved_down(sum),
            AluOp::And | AluOp::Or | AluOp::Xor => {
                let op = text(op);
                return Err(Pointer::Bitwise { reg: dst, op }.into());
            }
            _ => {
                let op = text(op);
                return Err(Pointer::Operator { reg: dst, op }.into());
            }
        };
        if sum.swapped {
            // The register takes over what it points to, not the reference.
            result.ref_id = before.ref_id;
            if let (Kind::Stack { frame }, true) =
                (&mut result.kind, inject::on(Bug::Cve2026_74720))
            {
                *frame = self.state.current() as u8;
            }
        }
        check_offset(&result, sum.pointer)?;
        Ok(result)
    }

    fn moved_up(&mut self, sum: &Sum<'_>) -> Value {
        let Sum {
            pointer, number, ..
        } = sum;
        match fixed(i64::from(pointer.off), &number.num, i64::checked_add) {
            Some(off) => Value { off, ..**pointer },
            None => {
                let num = pointer.num.pointer_add(&number.num);
                self.moved_by_variable(pointer, num, true)
            }
        }
    }

    fn moved_down(&mut self, sum: &Sum<'_>) -> Value {
        let Sum {
            pointer, number, ..
        } = sum;
        match fixed(i64::from(pointer.off), &number.num, i64::checked_sub) {
            Some(off) => Value { off, ..**pointer },
            None => {
                let num = pointer.num.pointer_sub(&number.num);
                self.moved_by_variable(pointer, num, number.num.smin() < 0)
            }
        }
    }

    /// A packet pointer at a new variable offset has nothing in common with
    /// others. What was proved of it holds on if it can only have moved down.
    fn moved_by_variable(&mut self, pointer: &Value, num: Scalar, may_rise: bool) -> Value {
        let mut moved = Value { num, ..*pointer };
        if let Some(range) = moved.kind.range_mut() {
            if may_rise {
                *range = 0;
            }
            moved.id = self.new_id();
        }
        moved
    }

    /// Without CAP_PERFMON a pointer must stay inside what it points to, used or
    /// not.
    fn check_pointer_without_leaks(&mut self, reg: Reg) -> Result {
        if self.may_leak() {
            return Ok(());
        }
        let value = *self.state.reg(reg);
        match value.kind {
            Kind::Stack { .. } => check_in_stack(reg, &value),
            Kind::MapValue(map) => {
                let Err(fault) = self.check_map_byte(reg, &value, map) else {
                    return Ok(());
                };
                match *fault {
                    Fault::Refused(Reason::Access(outside)) => Err(Pointer::LeavesMapValue {
                        reg,
                        outside: Box::new(outside),
                    }
                    .into()),
                    other => Err(Box::new(other)),
                }
            }
            _ => Ok(()),
        }
    }
}

/// An operation on a pointer and a number.
#[derive(Clone, Copy)]
struct Sum<'v> {
    op: AluOp,
    width: Width,
    dst: Reg,
    operand: Operand,
    pointer: &'v Value,
    number: &'v Value,
    /// The pointer is the second operand.
    swapped: bool,
}

impl Sum<'_> {
    /// Whether Linux masks the operand for loaders without CAP_PERFMON, and
    /// follows what a mispredicting CPU would do with it.
    fn is_masked(&self) -> bool {
        matches!(self.op, AluOp::Add | AluOp::Sub) && matches!(self.operand, Operand::Reg(_))
    }

    /// Whether the pointer is of a kind that moves; some stay where they are
    /// whatever is added, others must not be moved.
    fn moves(&self) -> Result<bool> {
        let (reg, found) = (self.dst, self.pointer.type_name());
        if self.pointer.may_be_null() && !inject::on(Bug::Cve2022_23222) {
            return Err(Pointer::MayBeNull { reg, found }.into());
        }
        let by = self.number.num.as_const();
        match self.pointer.kind {
            Kind::Mem { .. } if self.pointer.flags.contains(Flags::UNTRUSTED) => Ok(false),
            Kind::Ctx
            | Kind::MapValue(_)
            | Kind::MapKey(_)
            | Kind::Stack { .. }
            | Kind::Packet { .. }
            | Kind::PacketMeta { .. }
            | Kind::TpBuffer
            | Kind::Btf { .. }
            | Kind::Mem { .. }
            | Kind::Buf
            | Kind::Func { .. }
            | Kind::DynptrPtr(_) => Ok(true),
            Kind::FlowKeys if by.is_some() || inject::on(Bug::Cve2024_26589) => Ok(true),
            Kind::MapPtr(_) if by == Some(0) && self.op == AluOp::Add => Ok(true),
            _ => Err(Pointer::Immovable { reg, found }.into()),
        }
    }
}

/// The fixed part of an offset after a move by a known number, if it fits.
fn fixed(off: i64, by: &Scalar, change: impl Fn(i64, i64) -> Option<i64>) -> Option<i32> {
    let by = by.as_const()? as i64;
    i32::try_from(change(off, by)?).ok()
}

/// Offsets stay small enough for sums of them never to wrap.
fn check_offset(value: &Value, pointer: &Value) -> Result {
    let found = pointer.type_name();
    let is_far = |offset: i64| offset >= MAX_OFFSET || offset <= -MAX_OFFSET;
    if let Some(by) = value
        .num
        .as_const()
        .map(|by| by as i64)
        .filter(|by| is_far(*by))
    {
        return Err(Pointer::TooFar { found, by }.into());
    }
    if is_far(value.off.into()) {
        let off = value.off;
        return Err(Pointer::Offset { found, off }.into());
    }
    let by = value.num.smin();
    if by == i64::MIN {
        return Err(Pointer::Unbounded { found }.into());
    }
    if is_far(by) {
        return Err(Pointer::OutOfBounds { found, by }.into());
    }
    Ok(())
}

fn check_in_stack(reg: Reg, value: &Value) -> Result {
    let var = value.num.tnum();
    let off = i64::from(value.off).wrapping_add(var.value as i64);
    if !var.is_const() {
        return Err(Pointer::VariableStack { reg, var, off }.into());
    }
    if !(-STACK..0).contains(&off) {
        return Err(Pointer::LeavesStack { reg, off }.into());
    }
    Ok(())
}

/// The operator as Linux's sentences name it; signed ones as the unsigned.
fn text(op: AluOp) -> &'static str {
    match op {
        AluOp::Add => "+=",
        AluOp::Sub => "-=",
        AluOp::Mul => "*=",
        AluOp::Div | AluOp::Sdiv => "/=",
        AluOp::Mod | AluOp::Smod => "%=",
        AluOp::Or => "|=",
        AluOp::And => "&=",
        AluOp::Xor => "^=",
        AluOp::Lsh => "<<=",
        AluOp::Rsh => ">>=",
        AluOp::Arsh => "s>>=",
        AluOp::Mov => "=",
    }
}
