//! Dynptrs on the stack: made, used, given back, destroyed.
//!
//! A dynptr takes two slots; a pointer to it points at the one with the higher
//! number. Numbers in both tell the dynptr ([`Dynptr::id`]) from others: slices
//! of its memory carry it and become numbers when it is gone.

use isa::Reg;

use crate::explore::Verifier;
use crate::reason::{self, Misplaced, Result};
use crate::state::{Byte, Content, Dynptr, DynptrKind, Flags, Kind, Slot, Value};
use crate::step::memory::Direction;

/// Bytes of stack that a dynptr takes.
const SIZE: u32 = 16;

/// What a function asks of a dynptr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// What it must be over; anything if there is none.
    pub(super) kind: Option<DynptrKind>,
    /// Whether the function changes the dynptr itself.
    pub(super) changed: bool,
}

/// A dynptr, wherever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) kind: DynptrKind,
    pub(super) id: u32,
    pub(super) ref_id: u32,
    pub(super) rdonly: bool,
}

/// The slot that a pointer to a dynptr points at.
#[derive(Clone, Copy, Debug)]
struct Place {
    frame: u8,
    slot: usize,
}

impl Verifier<'_> {
    /// Checks that there is room for a dynptr at `reg`, and makes one of `kind`
    /// there. One that must be given back acquires a reference, or shares
    /// `shared`, that of the dynptr it is a copy of.
    pub(super) fn make_dynptr(
        &mut self,
        reg: Reg,
        kind: DynptrKind,
        shared: Option<u32>,
        rdonly: bool,
    ) -> Result {
        if let Err(misplaced) = self.dynptr_place(reg) {
            return Err(reason::Dynptr::NoRoom(misplaced).into());
        }
        self.overwrite_stack(reg, SIZE)?;
        let Ok(Some(place)) = self.dynptr_place(reg) else {
            return Err(self.unsupported("a dynptr outside of the stack"));
        };
        self.destroy_dynptr_at(place.frame, place.slot)?;
        self.destroy_dynptr_at(place.frame, place.slot - 1)?;
        let id = self.new_id();
        let ref_id = match shared {
            _ if !is_counted(kind) => 0,
            Some(shared) => shared,
            None => self.acquire_reference(),
        };
        for (slot, first) in [(place.slot - 1, true), (place.slot, false)] {
            *self.dynptr_slot_mut(place.frame, slot)? = Slot {
                bytes: [Byte::Dynptr; 8],
                content: Content::Dynptr(Dynptr {
                    kind,
                    first,
                    id,
                    ref_id,
                    rdonly,
                }),
            };
        }
        self.touch_dynptr(place);
        self.note_slots_written(place.frame, 0b11 << (place.slot - 1));
        Ok(())
    }

    /// Checks that `reg` points to a dynptr as wanted.
    pub(super) fn check_dynptr(&mut self, reg: Reg, wanted: Wanted) -> Result<Found> {
        let arg = reg.index() - 1;
        let value = *self.state.reg(reg);
        if let Kind::DynptrPtr(kind) = value.kind {
            if wanted.changed {
                return Err(reason::Dynptr::ChangeOfCallers.into());
            }
            self.check_dynptr_kind(kind, wanted, arg)?;
            return Ok(Found {
                kind,
                id: value.id,
                ref_id: value.ref_id,
                rdonly: false,
            });
        }
        let not_initialised = |misplaced| reason::Dynptr::NotInitialised { misplaced, arg }.into();
        let place = self.dynptr_place(reg).map_err(not_initialised)?;
        let Some((place, found)) = place.and_then(|place| Some((place, self.dynptr_at(place)?)))
        else {
            return Err(not_initialised(Misplaced::No));
        };
        self.check_dynptr_kind(found.kind, wanted, arg)?;
        self.touch_dynptr(place);
        self.note_slots_read(place.frame, 0b11 << (place.slot - 1));
        self.touch_dynptr(place);
        Ok(Found {
            kind: found.kind,
            id: found.id,
            ref_id: found.ref_id,
            rdonly: found.rdonly,
        })
    }

    fn check_dynptr_kind(&self, kind: DynptrKind, wanted: Wanted, arg: usize) -> Result {
        match wanted.kind {
            Some(wanted) if wanted != kind => Err(reason::Dynptr::Kind { wanted, arg }.into()),
            _ => Ok(()),
        }
    }

    /// Checks that `reg` points to a dynptr that holds something to give back.
    pub(super) fn check_dynptr_held(&self, reg: Reg) -> Result {
        let arg = reg.index();
        if !matches!(self.state.reg(reg).kind, Kind::Stack { .. }) {
            return Err(reason::Dynptr::ReleaseOfCallers.into());
        }
        let not_held = |misplaced| reason::Dynptr::NotHeld { misplaced, arg }.into();
        let place = self.dynptr_place(reg).map_err(not_held)?;
        let slot = place.and_then(|place| self.dynptr_slot(place.frame, place.slot));
        match slot.map(|slot| slot.content) {
            Some(Content::Dynptr(dynptr)) if dynptr.ref_id != 0 => Ok(()),
            _ => Err(not_held(Misplaced::No)),
        }
    }

    /// Gives back what the dynptr at `reg` holds: it, its copies and their
    /// slices are gone.
    pub(super) fn release_dynptr(&mut self, reg: Reg) -> Result {
        let Ok(Some(place)) = self.dynptr_place(reg) else {
            return Err(self.unsupported("a dynptr outside of the stack"));
        };
        let Some(dynptr) = self.dynptr_at(place) else {
            return Err(self.unsupported("a broken dynptr"));
        };
        if dynptr.ref_id == 0 {
            return self.clear_dynptr(place);
        }
        self.release_reference(dynptr.ref_id);
        let slots = self.state.frames().get(usize::from(place.frame));
        let slots = slots.map_or(&[][..], |frame| frame.stack.slots());
        let copies: Vec<usize> = (0..slots.len())
            .filter(|slot| match slots[*slot].content {
                Content::Dynptr(copy) => copy.ref_id == dynptr.ref_id && !copy.first,
                _ => false,
            })
            .collect();
        for slot in copies {
            let frame = place.frame;
            self.clear_dynptr(Place { frame, slot })?;
        }
        Ok(())
    }

    /// A write goes to a slot: destroys the dynptr that it is part of, if any.
    pub(crate) fn destroy_dynptr_at(&mut self, frame: u8, slot: usize) -> Result {
        let Some(Slot {
            content: Content::Dynptr(dynptr),
            ..
        }) = self.dynptr_slot(frame, slot)
        else {
            return Ok(());
        };
        if is_counted(dynptr.kind) {
            return Err(reason::Stack::ReferencedDynptr.into());
        }
        let slot = if dynptr.first { slot + 1 } else { slot };
        self.touch_dynptr(Place { frame, slot });
        self.clear_dynptr(Place { frame, slot })?;
        let gone = self.invalid_value();
        // Slices by kernel functions are another type to Linux, and stay.
        let plain = |value: &Value| {
            let flags = value.flags.type_bits();
            flags.without(Flags::OR_NULL) == Flags::NONE
        };
        let is_slice = |value: &Value| match value.kind {
            Kind::Mem { dynptr: of, .. } => of == dynptr.id && plain(value),
            _ => false,
        };
        self.state.for_each_value(is_slice, |value| *value = gone);
        Ok(())
    }

    /// What a pointer becomes when what it points to is gone.
    pub(crate) fn invalid_value(&self) -> Value {
        match self.may_leak() {
            true => Value::UNKNOWN,
            false => Value::NOT_INIT,
        }
    }

    fn clear_dynptr(&mut self, place: Place) -> Result {
        *self.dynptr_slot_mut(place.frame, place.slot)? = Slot::default();
        *self.dynptr_slot_mut(place.frame, place.slot - 1)? = Slot::default();
        self.note_slots_written(place.frame, 0b11 << (place.slot - 1));
        Ok(())
    }

    /// Where `reg` points to, if a dynptr may be there; nothing where no stack
    /// was ever written.
    fn dynptr_place(&self, reg: Reg) -> std::result::Result<Option<Place>, Misplaced> {
        let value = self.state.reg(reg);
        let Kind::Stack { frame } = value.kind else {
            return Err(Misplaced::No);
        };
        let Some(variable) = value.num.as_const() else {
            return Err(Misplaced::Variable);
        };
        let off = i64::from(value.off).wrapping_add(variable as i64);
        // Linux's offsets have 32 bits here.
        let off = i64::from(off as i32);
        if off % 8 != 0 || off > -i64::from(SIZE) {
            return Err(Misplaced::Offset(off));
        }
        let slot = (-off / 8 - 1) as usize;
        let frames = self.state.frames();
        let slots = frames
            .get(usize::from(frame))
            .map(|f| f.stack.slots().len());
        let written = slots.is_some_and(|slots| slot < slots);
        Ok(written.then_some(Place { frame, slot }))
    }

    /// The whole dynptr at a place.
    fn dynptr_at(&self, place: Place) -> Option<Dynptr> {
        let low = self.dynptr_slot(place.frame, place.slot)?;
        let high = self.dynptr_slot(place.frame, place.slot.checked_sub(1)?)?;
        match (low.content, high.content) {
            (Content::Dynptr(low), Content::Dynptr(high)) if !low.first && high.first => Some(low),
            _ => None,
        }
    }

    fn dynptr_slot(&self, frame: u8, slot: usize) -> Option<Slot> {
        let frame = self.state.frames().get(usize::from(frame))?;
        frame.stack.slot(slot).copied()
    }

    fn dynptr_slot_mut(&mut self, frame: u8, slot: usize) -> Result<&mut Slot> {
        if slot >= 64 {
            return Err(self.unsupported("a dynptr outside of the stack"));
        }
        let unknown = self.unsupported("unknown frame");
        let frame = self
            .state
            .nth_frame_mut(usize::from(frame))
            .ok_or(unknown)?;
        Ok(frame.stack.slot_mut(slot))
    }

    fn touch_dynptr(&mut self, place: Place) {
        self.touched.slot(place.slot);
        self.touched.slot(place.slot - 1);
    }

    /// Writes something unknown to a stretch of stack, eight bytes at a time.
    fn overwrite_stack(&mut self, reg: Reg, size: u32) -> Result {
        for offset in (0..size).step_by(8) {
            self.access_argument(reg, offset, 8, Direction::Write)?;
        }
        Ok(())
    }
}

/// Whether a dynptr must be given back.
fn is_counted(kind: DynptrKind) -> bool {
    matches!(kind, DynptrKind::Ringbuf | DynptrKind::File)
}
