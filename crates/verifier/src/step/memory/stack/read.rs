//! Reading the stack.

use super::super::{Direction, Moves, Request};
use super::{Span, is_spill, place, spill_size};
use crate::explore::Verifier;
use crate::reason::{Result, Stack};
use crate::state::{Byte, Slot, Value};

impl Verifier<'_> {
    /// What a load gives; for other reads the value means nothing.
    pub(super) fn read_stack(&mut self, span: &Span<'_>, request: &Request<'_>) -> Result<Value> {
        let to_register = matches!(request.moves, Moves::Load { .. });
        match span.start() {
            Some(start) => self.read_fixed(span, start, to_register),
            None if to_register => {
                self.check_stack_readable(span, false, Direction::Read)?;
                self.zero_or_unknown(span)
            }
            None => {
                let (var, off, size) = (span.base.num.tnum(), span.off, span.size);
                Err(Stack::VariablePointer { var, off, size }.into())
            }
        }
    }

    fn read_fixed(&mut self, span: &Span<'_>, start: i64, to_register: bool) -> Result<Value> {
        let (index, _) = place(start);
        self.touched.slot(index);
        self.note_slots_read(span.frame, 1 << index);
        let slot = self.stack_slot(span.frame, index)?;
        let Some(value) = slot.spill().filter(|_| is_spill(slot)) else {
            self.check_bytes(slot, start, span.size, |_| false)?;
            return if to_register {
                self.zero_or_unknown(span)
            } else {
                Ok(Value::UNKNOWN)
            };
        };
        if span.size == 8 && slot.is_all(Byte::Spill) {
            if !to_register && self.is_secret(value) {
                return Err(Stack::Leak(start).into());
            }
            let value = *value;
            self.note_stack_access(span.frame, index as u8);
            return Ok(value);
        }
        if !value.is_scalar() {
            return Err(Stack::PartialFill.into());
        }
        if !to_register {
            return Ok(Value::UNKNOWN);
        }
        if span.size <= spill_size(slot) && start % 8 == 0 {
            let value = *value;
            return Ok(self.fill_narrow(span, index, value));
        }
        self.read_part(span, index, start)
    }

    /// The low bytes of a spilled number are read.
    fn fill_narrow(&mut self, span: &Span<'_>, index: usize, mut value: Value) -> Value {
        self.note_stack_access(span.frame, index as u8);
        if width(&value) > span.size * 8 {
            value.unlink();
        }
        value
    }

    /// Bytes are read of which a spilled number takes some.
    fn read_part(&mut self, span: &Span<'_>, index: usize, start: i64) -> Result<Value> {
        let slot = self.stack_slot(span.frame, index)?;
        self.check_bytes(slot, start, span.size, |byte| byte == Byte::Spill)?;
        let (_, first) = place(start);
        let count = |sort| {
            let bytes = (0..span.size as usize).map(|i| slot.bytes[first.wrapping_sub(i) % 8]);
            bytes.filter(|byte| *byte == sort).count()
        };
        let all = span.size as usize;
        let zeros = count(Byte::Zero) == all;
        let is_zero = slot.spill().and_then(Value::as_const) == Some(0);
        let spilled_zeros = is_zero && count(Byte::Spill) == all;
        if spilled_zeros {
            self.note_stack_access(span.frame, index as u8);
        }
        Ok(if zeros || spilled_zeros {
            Value::constant(0)
        } else {
            Value::UNKNOWN
        })
    }

    /// Checks that the `size` bytes of a slot from `start` up may be read as
    /// numbers; `also` tells what will do beyond those that always do.
    fn check_bytes(
        &self,
        slot: &Slot,
        start: i64,
        size: u32,
        also: impl Fn(Byte) -> bool,
    ) -> Result {
        let (_, first) = place(start);
        for at in 0..size {
            let byte = slot.bytes[first.wrapping_sub(at as usize) % 8];
            let readable = match byte {
                Byte::Misc | Byte::Zero => true,
                Byte::Invalid => self.may_leak(),
                _ => also(byte),
            };
            if !readable {
                let off = start;
                return Err(Stack::Uninitialised { off, at, size }.into());
            }
        }
        Ok(())
    }

    /// Zero, if every byte that may be read is zero.
    fn zero_or_unknown(&mut self, span: &Span<'_>) -> Result<Value> {
        for off in span.bytes() {
            let (index, at) = place(off);
            self.touched.slot(index);
            if self.stack_slot(span.frame, index)?.bytes[at] != Byte::Zero {
                return Ok(Value::UNKNOWN);
            }
        }
        Ok(Value::constant(0))
    }
}

/// Bits that the largest value of a number takes.
pub(super) fn width(value: &Value) -> u32 {
    u64::BITS - value.num.umax().leading_zeros()
}
