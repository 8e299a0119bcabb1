//! Objects of the kernel that live in whole slots of the stack: iterators and
//! saved interrupt flags.

use crate::explore::Verifier;
use crate::reason::Result;
use crate::state::{Byte, Content, Kind, Slot, State, Value};

/// A slot of some frame; of several, the one with the lowest number, that is, at
/// the highest address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) frame: u8,
    pub(super) slot: usize,
}

/// Why no object can be where a pointer points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misplaced {
    /// The offset is not known.
    Variable,
    /// The offset is no multiple of 8, or too high for the object.
    Offset(i64),
}

impl Misplaced {
    /// The line that Linux writes before it refuses.
    pub(super) fn sentence(self, what: &str) -> String {
        match self {
            Misplaced::Variable => format!("{what} has to be at a constant offset\n"),
            Misplaced::Offset(off) => format!("cannot pass in {what} at an offset={off}\n"),
        }
    }
}

impl Spot {
    /// Where an object of so many slots is that `value`, a pointer to the stack,
    /// points at: to its lowest address.
    pub(super) fn of(value: &Value, slots: usize) -> std::result::Result<Spot, Misplaced> {
        let Kind::Stack { frame } = value.kind else {
            return Err(Misplaced::Variable);
        };
        let variable = value.num.as_const().ok_or(Misplaced::Variable)?;
        let off = i64::from(value.off).wrapping_add(variable as i64);
        let lowest = -off / 8 - 1;
        if off % 8 != 0 || !(-512..0).contains(&off) || lowest + 1 < slots as i64 {
            return Err(Misplaced::Offset(off));
        }
        Ok(Spot {
            frame,
            slot: lowest as usize + 1 - slots,
        })
    }

    /// The slot `i` below, in addresses.
    pub(super) fn lower(self, i: usize) -> Spot {
        Spot {
            slot: self.slot + i,
            ..self
        }
    }

    /// Bits of so many slots from this one on.
    pub(super) fn mask(self, slots: usize) -> u64 {
        ((1 << slots) - 1) << self.slot
    }
}

/// Whether a value points to some stack.
pub(super) fn is_on_stack(value: &Value) -> bool {
    matches!(value.kind, Kind::Stack { .. })
}

/// A slot, if the stack was written so far.
pub(super) fn slot(state: &State, spot: Spot) -> Option<&Slot> {
    let frame = state.frames().get(usize::from(spot.frame))?;
    frame.stack.slot(spot.slot)
}

impl Verifier<'_> {
    /// A slot, to be written.
    pub(super) fn stack_slot_mut(&mut self, spot: Spot) -> Result<&mut Slot> {
        let unknown = self.unsupported("stack of a function that returned");
        match self.state.nth_frame_mut(usize::from(spot.frame)) {
            Some(frame) if spot.slot < 64 => Ok(frame.stack.slot_mut(spot.slot)),
            _ => Err(unknown),
        }
    }

    /// Puts an object into a whole slot.
    pub(super) fn put_stack_object(&mut self, spot: Spot, byte: Byte, content: Content) -> Result {
        *self.stack_slot_mut(spot)? = Slot {
            bytes: [byte; 8],
            content,
        };
        self.touched.slot(spot.slot);
        Ok(())
    }
}
