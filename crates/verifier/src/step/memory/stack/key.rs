//! Map keys on the stack that are known.

use isa::Reg;

use super::{is_spill, place};
use crate::explore::Verifier;
use crate::reason::Result;
use crate::state::{Byte, Kind};

impl Verifier<'_> {
    /// The number in the `key_size` bytes of stack that `reg` points at, if it is
    /// known: all bytes zero, or a spilled constant of exactly that size. What
    /// follows depends on it, so the slot is marked precise.
    pub(crate) fn constant_key(&mut self, reg: Reg, key_size: u32) -> Result<Option<u64>> {
        let pointer = *self.state.reg(reg);
        let Kind::Stack { frame } = pointer.kind else {
            return Ok(None);
        };
        let Some(variable) = pointer.num.as_const() else {
            return Ok(None);
        };
        let off = i64::from(pointer.off).wrapping_add(variable as i64);
        if !(-super::FRAME_BYTES..0).contains(&off) {
            return Ok(None);
        }
        let (index, first) = place(off);
        let slot = self.stack_slot(frame, index)?;
        let run = |sort| {
            let bytes = slot.bytes[..=first].iter().rev();
            bytes.take_while(|byte| **byte == sort).count() as u32
        };
        if run(Byte::Zero) >= key_size {
            return Ok(Some(0));
        }
        if !is_spill(slot) || run(Byte::Spill) != key_size {
            return Ok(None);
        }
        let Some(key) = slot.spill().and_then(|value| value.as_const()) else {
            return Ok(None);
        };
        self.mark_slot_precise(frame, index as u8)?;
        Ok(Some(key))
    }
}
