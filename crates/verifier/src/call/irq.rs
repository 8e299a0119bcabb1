//! Regions without interrupts: flags saved on the stack and restored in order.

use isa::Reg;

use super::stack_object::{self, Spot};
use crate::explore::Verifier;
use crate::reason::{Kfunc, Result};
use crate::state::{Byte, Content, Reference, ReferenceKind, Slot};
use crate::step::memory::Direction;

impl Verifier<'_> {
    /// Saves interrupt flags at `reg`.
    pub(super) fn save_irq(&mut self, reg: Reg) -> Result {
        let spot = self.irq_spot(reg, |misplaced, arg| Kfunc::IrqFlagsInUse {
            misplaced,
            arg,
        })?;
        let slot = stack_object::slot(&self.state, spot);
        if slot.is_some_and(|slot| matches!(slot.content, Content::Irq { .. })) {
            return Err(Kfunc::IrqFlagsInUse {
                misplaced: String::new(),
                arg: reg.index() - 1,
            }
            .into());
        }
        self.access_argument(reg, 0, 8, Direction::Write)?;
        let ref_id = self.new_id();
        self.state.refs.list.push(Reference {
            kind: ReferenceKind::Irq,
            id: ref_id,
            pc: self.pc,
        });
        self.state.refs.irq_id = ref_id;
        let content = Content::Irq {
            ref_id,
            lock: false,
        };
        self.put_stack_object(spot, Byte::Irq, content)
    }

    /// Restores the interrupt flags at `reg`, which must be those that were saved
    /// last.
    pub(super) fn restore_irq(&mut self, reg: Reg) -> Result {
        let arg = reg.index() - 1;
        let not_saved = |misplaced, arg| Kfunc::IrqFlagsNotSaved { misplaced, arg };
        let spot = self.irq_spot(reg, not_saved)?;
        let slot = stack_object::slot(&self.state, spot);
        let Some(Content::Irq { ref_id, .. }) = slot.map(|slot| slot.content) else {
            return Err(not_saved(String::new(), arg).into());
        };
        self.note_slots_read(spot.frame, spot.mask(1));
        let list = &mut self.state.refs.list;
        let irq = |r: &Reference| r.kind == ReferenceKind::Irq;
        if self.state.refs.irq_id != ref_id {
            let id = self.state.refs.irq_id;
            let saved = list.iter().find(|r| irq(r) && r.id == id);
            let pc = saved.map_or(self.pc, |r| r.pc);
            return Err(Kfunc::IrqOrder { id, pc }.into());
        }
        list.retain(|r| !(irq(r) && r.id == ref_id));
        self.state.refs.irq_id = list.iter().rev().find(|r| irq(r)).map_or(0, |r| r.id);
        *self.stack_slot_mut(spot)? = Slot::default();
        self.touched.slot(spot.slot);
        self.note_slots_written(spot.frame, spot.mask(1));
        Ok(())
    }

    fn irq_spot(&self, reg: Reg, refusal: impl Fn(String, usize) -> Kfunc) -> Result<Spot> {
        let arg = reg.index() - 1;
        let value = self.state.reg(reg);
        if !stack_object::is_on_stack(value) {
            return Err(Kfunc::NotIrqFlags(arg).into());
        }
        let misplaced = |m: stack_object::Misplaced| refusal(m.sentence("irq_flag"), arg);
        Ok(Spot::of(value, 1).map_err(misplaced)?)
    }
}
