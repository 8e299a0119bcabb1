//! Writing the stack.

use super::super::Source;
use super::read::width;
use super::{Span, is_spill, place, scrub};
use crate::explore::Verifier;
use crate::reason::{Result, Stack};
use crate::state::{Byte, Content, Kind, Slot, Value};
use inject::Bug;

impl Verifier<'_> {
    /// Writes `source`, or something unknown.
    pub(super) fn write_stack(&mut self, span: &Span<'_>, source: Option<&Source<'_>>) -> Result {
        match span.start() {
            Some(start) => self.write_fixed(span, start, source),
            None => self.write_variable(span, source),
        }
    }

    fn write_fixed(&mut self, span: &Span<'_>, start: i64, source: Option<&Source<'_>>) -> Result {
        let (index, _) = place(start);
        let slot = self.stack_slot(span.frame, index)?;
        let holds_pointer = is_spill(slot) && slot.spill().is_some_and(|v| !v.is_scalar());
        if !self.may_leak() && holds_pointer && span.size != 8 {
            return Err(Stack::Corrupt.into());
        }
        if inject::on(Bug::Cve2023_39191) && matches!(slot.content, Content::Dynptr(_)) {
            return Ok(());
        }
        self.destroy_dynptr_at(span.frame, index)?;
        self.touched.slot(index);
        if span.size == 8 {
            self.note_slots_written(span.frame, 1 << index);
        }
        match source {
            Some(source) if source.value.is_scalar() && start % 8 == 0 => {
                self.spill_number(span, index, source)
            }
            Some(source) if is_spillable(source.value) => {
                self.spill_pointer(span, index, source.value)
            }
            _ => self.write_bytes(span, start, source),
        }
    }

    fn spill_number(&mut self, span: &Span<'_>, index: usize, source: &Source<'_>) -> Result {
        let Some(reg) = source.reg else {
            return self.save_spill(span, index, source.value);
        };
        let fits = width(source.value) <= span.size * 8;
        if fits {
            self.link(reg);
        }
        let mut value = *self.state.reg(reg);
        if !fits {
            value.unlink();
        }
        self.save_spill(span, index, &value)
    }

    fn spill_pointer(&mut self, span: &Span<'_>, index: usize, value: &Value) -> Result {
        if span.size != 8 {
            return Err(Stack::PartialSpill.into());
        }
        let foreign = usize::from(span.frame) != self.state.current();
        if foreign && matches!(value.kind, Kind::Stack { .. }) {
            return Err(Stack::PointerIntoCaller.into());
        }
        self.save_spill(span, index, value)
    }

    /// The low bytes of a slot hold a value from now on.
    fn save_spill(&mut self, span: &Span<'_>, index: usize, value: &Value) -> Result {
        let stack = &mut self.stack_frame_mut(span.frame)?.stack;
        let slot = stack.slot_mut(index);
        slot.content = Content::Spill(*value);
        let (above, spilled) = slot.bytes.split_at_mut(8 - span.size.min(8) as usize);
        spilled.fill(Byte::Spill);
        for byte in above {
            if *byte != Byte::Zero {
                scrub(byte);
            }
        }
        self.note_stack_access(span.frame, index as u8);
        Ok(())
    }

    /// Bytes of a slot become numbers, or zeroes.
    fn write_bytes(&mut self, span: &Span<'_>, start: i64, source: Option<&Source<'_>>) -> Result {
        let is_zero = source.is_some_and(|source| source.value.as_const() == Some(0));
        let (index, first) = place(start);
        let stack = &mut self.stack_frame_mut(span.frame)?.stack;
        let slot = stack.slot_mut(index);
        clear(slot);
        let sort = if is_zero { Byte::Zero } else { Byte::Misc };
        for at in 0..span.size as usize {
            slot.bytes[first.wrapping_sub(at) % 8] = sort;
        }
        if let (true, Some(reg)) = (is_zero, source.and_then(|source| source.reg)) {
            // The zero is kept as such, not as what the register was.
            self.mark_precise(reg)?;
        }
        Ok(())
    }

    fn write_variable(&mut self, span: &Span<'_>, source: Option<&Source<'_>>) -> Result {
        let is_zero = source.is_some_and(|source| source.value.as_const() == Some(0));
        for off in span.bytes() {
            self.destroy_dynptr_at(span.frame, place(off).0)?;
        }
        let mut kept_zero = false;
        for off in span.bytes() {
            let (index, at) = place(off);
            self.touched.slot(index);
            let stack = &mut self.stack_frame_mut(span.frame)?.stack;
            let slot = stack.slot_mut(index);
            let spilled_zero = is_spill(slot) && slot.spill().and_then(Value::as_const) == Some(0);
            if is_zero && slot.bytes[at] == Byte::Spill && spilled_zero {
                kept_zero = true;
                continue;
            }
            clear(slot);
            if is_zero && slot.bytes[at] == Byte::Zero {
                kept_zero = true;
            } else {
                slot.bytes[at] = Byte::Misc;
            }
        }
        if let (true, Some(reg)) = (kept_zero, source.and_then(|source| source.reg)) {
            self.mark_precise(reg)?;
        }
        Ok(())
    }
}

/// Whether a slot holds anything but plain bytes.
fn is_special(slot: &Slot) -> bool {
    matches!(
        slot.bytes[7],
        Byte::Spill | Byte::Dynptr | Byte::Iter | Byte::Irq
    )
}

/// Forgets what a slot holds as a whole; its bytes are numbers.
fn clear(slot: &mut Slot) {
    if is_special(slot) {
        slot.bytes.iter_mut().for_each(scrub);
    }
    slot.content = Content::Bytes;
}

/// Whether a value can be spilled and filled as what it is.
fn is_spillable(value: &Value) -> bool {
    !matches!(
        value.kind,
        Kind::NotInit | Kind::Scalar | Kind::TpBuffer | Kind::DynptrPtr(_)
    )
}
