//! A whole frame as Linux prints it: ` R1=ctx() R10=fp0 fp-8=mmmmmmmm refs=2`.

use std::fmt::{self, Display};

use super::value::{List, value};
use crate::observe::{Context, Touched};
use crate::state::{Byte, Content, Dynptr, Frame, Iter, IterState, Kind, Slot, State};

/// Registers and slots of a frame of which only the precise value will do: bit
/// `n` for register or slot `n`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Precise {
    /// Registers.
    pub regs: u16,
    /// Slots.
    pub slots: u64,
}

/// Those registers and slots of frame `number` that `shown` names, each with a
/// blank before it, and what the state holds besides.
pub fn frame<'a>(
    context: &'a Context<'a>,
    state: &'a State,
    number: usize,
    shown: Touched,
    precise: Precise,
) -> impl Display + 'a {
    fmt::from_fn(move |f| {
        let Some(frame) = state.frames().get(number) else {
            return Ok(());
        };
        if number > 0 {
            write!(f, " frame{number}:")?;
        }
        write_regs(f, context, frame, shown, precise)?;
        for (index, slot) in frame.stack.slots().iter().enumerate() {
            let precise = precise.slots >> index & 1 != 0;
            if shows(frame, shown, index) {
                write_slot(f, context, frame.number, index, slot, precise)?;
            }
        }
        write_rest(f, state, frame)
    })
}

/// Whether slot `index` is shown; of a dynptr, at its second slot, when either
/// half was touched.
fn shows(frame: &Frame, shown: Touched, index: usize) -> bool {
    let touched = |index: usize| index < 64 && shown.slots >> index & 1 != 0;
    match frame.stack.slot(index).map(|slot| &slot.content) {
        Some(Content::Dynptr(Dynptr { first: true, .. })) => false,
        Some(Content::Dynptr(_)) => touched(index) || (index > 0 && touched(index - 1)),
        _ => touched(index),
    }
}

fn write_regs(
    f: &mut fmt::Formatter<'_>,
    context: &Context<'_>,
    frame: &Frame,
    shown: Touched,
    precise: Precise,
) -> fmt::Result {
    for (index, reg) in frame.regs.iter().enumerate() {
        if shown.regs >> index & 1 == 0 || reg.kind == Kind::NotInit {
            continue;
        }
        let mark = mark(reg, precise.regs >> index & 1 != 0);
        write!(f, " R{index}={mark}{}", value(context, frame.number, reg))?;
    }
    Ok(())
}

/// The sign before a scalar whose exact value matters.
fn mark(value: &crate::state::Value, precise: bool) -> &'static str {
    if precise && value.is_scalar() {
        "P"
    } else {
        ""
    }
}

fn write_slot(
    f: &mut fmt::Formatter<'_>,
    context: &Context<'_>,
    frame: u8,
    index: usize,
    slot: &Slot,
    precise: bool,
) -> fmt::Result {
    if slot.bytes == [Byte::Invalid; 8] {
        return Ok(());
    }
    let offset = -8 * (index as i32 + 1);
    match &slot.content {
        Content::Bytes => write!(f, " fp{offset}={}", bytes(slot)),
        Content::Spill(spilled) => {
            let mark = mark(spilled, precise);
            let value = value(context, frame, spilled);
            write!(f, " fp{offset}={}{mark}{value}", bytes(slot))
        }
        Content::Dynptr(dynptr) => write_dynptr(f, offset, dynptr),
        Content::Iter(iter) if iter.first => write_iter(f, offset, iter),
        Content::Iter(_) => Ok(()),
        Content::Irq { .. } => write!(f, " fp{offset}={}", bytes(slot)),
    }
}

/// A letter for each byte that belongs to no spilled value, the highest first.
fn bytes(slot: &Slot) -> impl Display {
    let bytes = slot.bytes;
    fmt::from_fn(move |f| {
        bytes.iter().try_for_each(|byte| match byte {
            Byte::Invalid => f.write_str("?"),
            Byte::Spill => Ok(()),
            Byte::Misc => f.write_str("m"),
            Byte::Zero => f.write_str("0"),
            Byte::Dynptr => f.write_str("d"),
            Byte::Iter => f.write_str("i"),
            Byte::Irq => f.write_str("f"),
        })
    })
}

fn write_dynptr(f: &mut fmt::Formatter<'_>, offset: i32, dynptr: &Dynptr) -> fmt::Result {
    write!(f, " fp{offset}=dynptr_{}", dynptr.kind.name())?;
    let mut list = List::new(f);
    if dynptr.id != 0 {
        list.item(format_args!("id={}", dynptr.id))?;
    }
    if dynptr.ref_id != 0 {
        list.item(format_args!("ref_id={}", dynptr.ref_id))?;
    }
    if dynptr.id != 0 {
        // Linux shows here that the slot is the first.
        list.item(format_args!("dynptr_id=1"))?;
    }
    list.end()
}

fn write_iter(f: &mut fmt::Formatter<'_>, offset: i32, iter: &Iter) -> fmt::Result {
    let state = match iter.state {
        IterState::Active => "active",
        IterState::Drained => "drained",
    };
    let Iter {
        name,
        ref_id,
        depth,
        ..
    } = iter;
    write!(
        f,
        " fp{offset}=iter_{name}(ref_id={ref_id},state={state},depth={depth})"
    )
}

/// References, and whether the frame is a callback's.
fn write_rest(f: &mut fmt::Formatter<'_>, state: &State, frame: &Frame) -> fmt::Result {
    // A lock in a value without an id is not shown, nor is what follows it.
    let mut ids = state.refs.list.iter().map(|reference| reference.id);
    if let Some(first) = ids.next().filter(|id| *id != 0) {
        write!(f, " refs={first}")?;
        for id in ids.filter(|id| *id != 0) {
            write!(f, ",{id}")?;
        }
    }
    match frame.callback {
        Some(callback) if callback.is_async => f.write_str(" async_cb"),
        Some(_) => f.write_str(" cb"),
        None => Ok(()),
    }
}
