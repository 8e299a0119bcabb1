//! Where a register's value came from: the instructions that made it and the
//! branches that told something of it, found by going back over the path.

use isa::{AluOp, AtomicOp, Insn, Operand, Reg, Size};

use super::trace::{Step, Trace};
use crate::observe::Context;
use crate::scalar::Scalar;
use crate::state::{Kind, State, Value};

/// Steps that a history shows.
const SHOWN: usize = 8;

/// What an instruction did to the value under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The register had it from before the path, as an argument.
    Entered,
    /// The instruction made it.
    Made,
    /// The instruction made it and forgot the bounds that it had.
    BoundsLost,
    /// A branch told more of it.
    Checked,
    /// The instruction took it away: it is no longer what it was.
    Taken,
}

/// One step of a history.
pub(super) struct Found {
    /// Index in the trace.
    pub(super) step: usize,
    /// The register that held the value after the step.
    pub(super) reg: Reg,
    /// The value after it.
    pub(super) value: Value,
    pub(super) change: Change,
}

/// The history of what `reg` holds in the current frame at the end of the path,
/// oldest first.
pub(super) fn of(context: &Context<'_>, trace: &Trace, reg: Reg) -> Vec<Found> {
    let mut found = Vec::new();
    let steps = trace.steps();
    let Some(last) = steps.len().checked_sub(1) else {
        return found;
    };
    let depth = steps[last].before.current();
    let mut place = Place::Reg(reg);
    for index in (0..last).rev() {
        if found.len() >= SHOWN {
            break;
        }
        let (step, after) = (&steps[index], &steps[index + 1].before);
        if step.before.current() != depth || after.current() != depth {
            continue;
        }
        match back(context, step, after, &mut place) {
            Back::Nothing => {}
            Back::Note(change) => note(&mut found, index, place.reg(), after, place, change),
            Back::Moved(at) => note(&mut found, index, at.reg(), after, at, Change::Made),
            Back::Source(change) => {
                note(&mut found, index, place.reg(), after, place, change);
                found.reverse();
                return found;
            }
        }
    }
    found.reverse();
    found
}

/// Where the value under way is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Reg(Reg),
    /// A stack slot of the current frame.
    Slot(usize),
}

impl Place {
    fn reg(self) -> Reg {
        match self {
            Place::Reg(reg) => reg,
            Place::Slot(_) => Reg::FP,
        }
    }

    fn value(self, state: &State) -> Option<Value> {
        match self {
            Place::Reg(reg) => Some(*state.reg(reg)),
            Place::Slot(slot) => state.frame().stack.slot(slot)?.spill().copied(),
        }
    }
}

/// What going back over one instruction found.
enum Back {
    Nothing,
    /// The value was changed and stays where it is.
    Note(Change),
    /// The value came from elsewhere, where it is followed now; it was here.
    Moved(Place),
    /// The value begins here.
    Source(Change),
}

fn note(
    found: &mut Vec<Found>,
    step: usize,
    reg: Reg,
    after: &State,
    place: Place,
    change: Change,
) {
    if let Some(value) = place.value(after) {
        found.push(Found {
            step,
            reg,
            value,
            change,
        });
    }
}

fn back(context: &Context<'_>, step: &Step, after: &State, place: &mut Place) -> Back {
    let here = *place;
    let Some(insn) = context.structure.code.get(step.pc) else {
        return Back::Nothing;
    };
    match (insn, here) {
        (Insn::Branch { .. }, _) => {
            let changed = here.value(&step.before) != here.value(after);
            if changed {
                Back::Note(Change::Checked)
            } else {
                Back::Nothing
            }
        }
        (
            Insn::Alu {
                op: AluOp::Mov,
                dst,
                src: Operand::Reg(src),
                ..
            },
            Place::Reg(reg),
        ) if dst == reg => {
            *place = Place::Reg(src);
            Back::Moved(here)
        }
        (
            Insn::Alu {
                op: AluOp::Mov,
                dst,
                ..
            }
            | Insn::LoadImm { dst, .. },
            Place::Reg(reg),
        ) if dst == reg => Back::Source(Change::Made),
        (Insn::Alu { dst, src, .. }, Place::Reg(reg)) if dst == reg => {
            follow_operand(&step.before, dst, src, place);
            made(&step.before, after, here)
        }
        (
            Insn::Neg { dst, .. } | Insn::Endian { dst, .. } | Insn::Movsx { dst, .. },
            Place::Reg(reg),
        ) if dst == reg => {
            if let Insn::Movsx { src, .. } = insn {
                *place = Place::Reg(src);
            }
            made(&step.before, after, here)
        }
        (
            Insn::Load {
                dst, base, offset, ..
            },
            Place::Reg(reg),
        ) if dst == reg => match slot_at(&step.before, base, offset.into()) {
            Some(slot) => {
                *place = Place::Slot(slot);
                Back::Moved(here)
            }
            None => Back::Source(Change::Made),
        },
        (
            Insn::Store {
                size,
                base,
                offset,
                src,
            },
            Place::Slot(slot),
        ) if slot_at(&step.before, base, offset.into()) == Some(slot) => match src {
            Operand::Reg(src) if size == Size::B8 => {
                *place = Place::Reg(src);
                Back::Moved(here)
            }
            _ => Back::Source(Change::Made),
        },
        (Insn::Call { .. }, _)
            if !matches!(here, Place::Reg(reg) if reg.index() <= 5)
                && here.value(&step.before) != here.value(after) =>
        {
            Back::Note(Change::Taken)
        }
        (Insn::Call { .. }, Place::Reg(reg)) if reg.index() <= 5 => Back::Source(Change::Made),
        (Insn::Atomic { op, src, .. }, Place::Reg(reg)) if writes(op, src, reg) => {
            Back::Source(Change::Made)
        }
        (Insn::LoadPacket { .. }, Place::Reg(Reg::R0)) => Back::Source(Change::Made),
        _ => Back::Nothing,
    }
}

/// Whether an atomic operation writes `reg`.
fn writes(op: AtomicOp, src: Reg, reg: Reg) -> bool {
    match op {
        AtomicOp::Cmpxchg => reg == Reg::R0,
        _ => op.fetches() && src == reg,
    }
}

/// After `dst op= src` the operand is followed that says where the uncertainty
/// came from: the number added to a pointer, the less known of two numbers.
fn follow_operand(before: &State, dst: Reg, src: Operand, place: &mut Place) {
    let Operand::Reg(src) = src else {
        return;
    };
    let (a, b) = (before.reg(dst), before.reg(src));
    let unknown = b.is_scalar() && b.as_const().is_none();
    if b.is_pointer() || unknown && (a.is_pointer() || a.as_const().is_some()) {
        *place = Place::Reg(src);
    }
}

fn made(before: &State, after: &State, place: Place) -> Back {
    let bounded = |state: &State| place.value(state).is_some_and(|v| is_bounded(&v));
    if bounded(before) && !bounded(after) {
        Back::Note(Change::BoundsLost)
    } else {
        Back::Note(Change::Made)
    }
}

/// Whether more is known of a number than its width.
fn is_bounded(value: &Value) -> bool {
    let is_number = value.kind == Kind::Scalar || value.is_pointer();
    is_number && value.num != Scalar::UNKNOWN
}

/// The slot of the current frame's stack that `base + offset` is in, for a
/// pointer with a known offset.
fn slot_at(state: &State, base: Reg, offset: i64) -> Option<usize> {
    let value = state.reg(base);
    match value.kind {
        Kind::Stack { frame } if usize::from(frame) == state.current() => {}
        _ => return None,
    }
    let variable = value.num.as_const()? as i64;
    let at = variable
        .checked_add(value.off.into())?
        .checked_add(offset)?;
    usize::try_from(-(at + 1) / 8).ok().filter(|_| at < 0)
}
