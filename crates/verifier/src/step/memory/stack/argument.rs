//! Stretches of stack that helpers read or write.

use super::super::{Direction, StackToFill};
use super::{Span, is_spill, place, scrub};
use crate::explore::Verifier;
use crate::reason::{Result, Stack};
use crate::state::{Byte, Content, Value};

impl Verifier<'_> {
    /// Checks that a helper may read, or write over, a stretch of stack.
    ///
    /// With `fill` the helper writes all of it: what it holds does not matter,
    /// and once all arguments are checked it has to be filled.
    pub(in super::super) fn check_stack_argument(
        &mut self,
        argument: &super::super::HelperMemory,
        frame: u8,
        base: &Value,
    ) -> Result<Option<StackToFill>> {
        let span = Span {
            reg: argument.reg,
            base,
            frame,
            off: base.off.into(),
            size: argument.size,
        };
        if span.size == 0 && !argument.zero_allowed {
            return Err(Stack::ZeroSized.into());
        }
        let constant = base.num.is_const();
        if argument.fill && constant {
            self.check_stack_bounds(&span, Direction::Write)?;
            self.check_no_dynptr(&span)?;
            return Ok(Some(StackToFill {
                reg: span.reg,
                size: span.size,
            }));
        }
        self.check_stack_readable(&span, true, argument.direction)?;
        Ok(None)
    }

    fn check_no_dynptr(&self, span: &Span<'_>) -> Result {
        for off in span.bytes() {
            let (index, at) = place(off);
            if self.stack_slot(span.frame, index)?.bytes[at] == Byte::Dynptr {
                return Err(Stack::DynptrArgument(off).into());
            }
        }
        Ok(())
    }

    /// Checks that all bytes which the span may touch hold numbers. With
    /// [`Direction::Write`] they hold any number afterwards.
    pub(super) fn check_stack_readable(
        &mut self,
        span: &Span<'_>,
        bounded: bool,
        direction: Direction,
    ) -> Result {
        if bounded {
            self.check_stack_bounds(span, direction)?;
        }
        let var = span.base.num.tnum();
        if span.start().is_none() && !self.may_leak() {
            let reg = span.reg;
            return Err(Stack::VariableUnprivileged { reg, var }.into());
        }
        let clobber = direction == Direction::Write;
        let mut noted = None;
        for off in span.bytes() {
            let (index, at) = place(off);
            if !self.read_byte(span.frame, index, at, clobber)? {
                let (reg, size) = (span.reg, span.size);
                let at = (off - span.bytes().start) as u32;
                return Err(match span.start() {
                    Some(off) => Stack::UninitialisedArgument { reg, off, at, size },
                    None => Stack::UninitialisedVariable { reg, var, at, size },
                }
                .into());
            }
            if noted != Some(index) {
                self.note_slots_read(span.frame, 1 << index);
                noted = Some(index);
            }
        }
        Ok(())
    }

    /// Whether a byte may be read as a number; it is any number afterwards if it
    /// is clobbered.
    fn read_byte(&mut self, frame: u8, index: usize, at: usize, clobber: bool) -> Result<bool> {
        let may_leak = self.may_leak();
        let slot = self.stack_slot(frame, index)?;
        let plain = match slot.bytes[at] {
            Byte::Misc => return Ok(true),
            Byte::Zero => true,
            Byte::Invalid => may_leak,
            _ => false,
        };
        let spill = is_spill(slot) && (may_leak || slot.spill().is_some_and(Value::is_scalar));
        if !plain && !spill {
            return Ok(false);
        }
        if clobber {
            let slot = self.stack_frame_mut(frame)?.stack.slot_mut(index);
            if plain {
                slot.bytes[at] = Byte::Misc;
            } else {
                slot.content = Content::Bytes;
                slot.bytes.iter_mut().for_each(scrub);
            }
        }
        Ok(true)
    }
}
