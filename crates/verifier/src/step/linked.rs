//! Numbers that are known to be equal, or a constant apart.
//!
//! A copy shares the id of what it was copied from, and `+= K` on a copy keeps
//! it, with the distance K. When a branch tells something of one of them, all
//! follow. Linux remembers at most six for a branch, of which it can find
//! precision again on the way back; further ones lose their link.

use inject::Bug;
use isa::{AluOp, Operand, Reg, Width};

use crate::explore::{Linked, Verifier};
use crate::scalar::Scalar;
use crate::state::{Flags, State, Value};

impl Verifier<'_> {
    /// Gives a number in a register that is not known an id, so that a copy of it
    /// stays linked.
    pub(crate) fn link(&mut self, reg: Reg) {
        let value = self.state.reg(reg);
        let is_apart = value.flags.contains(Flags::ADD_CONST);
        let is_linked = value.id != 0 && !is_apart;
        if is_linked || !value.is_scalar() {
            return;
        }
        let needs_id = !value.num.is_const();
        if needs_id || is_apart {
            let id = if needs_id { self.new_id() } else { 0 };
            let value = self.state.reg_mut(reg);
            if is_apart {
                value.unlink();
            }
            value.id = id;
        }
    }

    /// Registers and spilled numbers of all frames that are linked with the
    /// operands of a branch. Registers that are not read again are left alone.
    pub(super) fn collect_linked(&mut self, operands: [Option<Reg>; 2]) -> Linked {
        let mut linked = Linked::default();
        for reg in operands.into_iter().flatten() {
            let value = self.state.reg(reg);
            if value.is_scalar() && value.id != 0 {
                let id = value.id;
                self.collect_id(id, &mut linked);
            }
        }
        linked
    }

    fn collect_id(&mut self, id: u32, linked: &mut Linked) {
        let mut pc = self.pc;
        for number in (0..self.state.frames().len()).rev() {
            let live = self.structure.insn(pc).live_before;
            let frame = &self.state.frames()[number];
            pc = frame.callsite.unwrap_or_default();
            let has = |value: &Value| value.is_scalar() && value.id == id;
            if !frame.values().any(has) {
                continue;
            }
            let mut lost = Vec::new();
            for reg in &Reg::ALL[..10] {
                let is_live = live >> reg.index() & 1 != 0;
                if is_live && has(&frame.regs[reg.index()]) && !linked.push_reg(number as u8, *reg)
                {
                    lost.push(Place::Reg(*reg));
                }
            }
            for (slot, content) in frame.stack.slots().iter().enumerate() {
                let is_linked = content.spill().is_some_and(has);
                if is_linked && !linked.push_slot(number as u8, slot as u8) {
                    lost.push(Place::Slot(slot));
                }
            }
            for place in lost {
                if let Some(value) = value_mut(&mut self.state, number, place) {
                    value.unlink();
                }
            }
        }
    }
}

/// Lets all that is linked with a register of the current frame follow it.
pub(super) fn follow(state: &mut State, linked: Linked, reg: Reg) {
    let known = *state.reg(reg);
    if !known.is_scalar() || known.id == 0 {
        return;
    }
    for member in linked.members() {
        let place = match Reg::new(member.number) {
            Some(reg) if member.is_reg => Place::Reg(reg),
            _ => Place::Slot(member.number.into()),
        };
        let Some(value) = value_mut(state, member.frame.into(), place) else {
            continue;
        };
        if let Some(follower) = following(&known, value) {
            *value = follower;
        }
    }
}

/// What `other` becomes as `known` is known better.
fn following(known: &Value, other: &Value) -> Option<Value> {
    if !other.is_scalar() || other.id != known.id {
        return None;
    }
    let apart = |value: &Value| value.flags.contains(Flags::ADD_CONST);
    let narrow = |value: &Value| value.flags.contains(Flags::ADD_CONST32);
    if apart(known) && apart(other) && narrow(known) != narrow(other) {
        return None;
    }
    if !apart(known) && !apart(other) || known.off == other.off {
        return Some(*known);
    }
    let distance = i64::from(other.off) - i64::from(known.off);
    let width = if narrow(known) || narrow(other) {
        Width::W32
    } else {
        Width::W64
    };
    let distance = Scalar::constant(distance as u64);
    Some(Value {
        num: known.num.alu(AluOp::Add, width, distance),
        ..match inject::on(Bug::Cve2026_45933) {
            true => *known,
            false => *other,
        }
    })
}

/// What becomes of the link of `value`, in the register `dst`, by `value op src`:
/// it is kept, with a distance, by a first `+= K` or `-= K`, and lost by
/// everything else. To be called before the operation.
pub(super) fn relink(
    value: &mut Value,
    (op, width): (AluOp, Width),
    dst: Reg,
    (operand, src): (Operand, &Scalar),
) {
    if value.id == 0 {
        return value.unlink();
    }
    let distance = match op {
        _ if operand == Operand::Reg(dst) => None,
        AluOp::Add => constant(width, src),
        AluOp::Sub => constant(width, src).and_then(i32::checked_neg),
        _ => None,
    };
    let is_narrow = width == Width::W32;
    let fits = !is_narrow || value.num.umax() <= u64::from(u32::MAX);
    match distance {
        Some(distance) if fits && !value.flags.contains(Flags::ADD_CONST) => {
            value.off = distance;
            value.flags |= Flags::ADD_CONST;
            if is_narrow {
                value.flags |= Flags::ADD_CONST32;
            }
        }
        _ => value.unlink(),
    }
}

fn constant(width: Width, src: &Scalar) -> Option<i32> {
    match width {
        Width::W64 => i32::try_from(src.as_const()? as i64).ok(),
        Width::W32 => src.is_const32().then_some(src.tnum().value as i32),
    }
}

/// Where a value stands in a frame.
#[derive(Clone, Copy)]
enum Place {
    Reg(Reg),
    Slot(usize),
}

fn value_mut(state: &mut State, frame: usize, place: Place) -> Option<&mut Value> {
    let frame = state.nth_frame_mut(frame)?;
    match place {
        Place::Reg(reg) => frame.regs.get_mut(reg.index()),
        Place::Slot(slot) if slot < frame.stack.slots().len() => {
            frame.stack.slot_mut(slot).spill_mut()
        }
        Place::Slot(_) => None,
    }
}
