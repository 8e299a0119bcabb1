//! Going back over a path, and what is carried through a function's slots:
//! `mark_precise: ...` and `(0) frame 0 insn 5 +live -8 `.

use std::fmt::{self, Display, Write};

use super::insn::insn;
use super::state::{Precise, frame};
use super::text::Text;
use crate::observe::{Context, Touched};
use crate::{FrameMarks, Liveness, LivenessStep, PrecisionStep};

/// A step of looking for what a value came from.
pub(super) fn precision(text: &mut Text, context: &Context<'_>, step: &PrecisionStep<'_>) {
    let _ = match *step {
        PrecisionStep::Propagate {
            frame,
            wanted: FrameMarks { regs, slots },
        } => {
            let between = if regs != 0 && slots != 0 { "," } else { "" };
            let (regs, slots) = (list_regs(regs), list_spills(slots));
            writeln!(text, "frame {frame}: propagating {regs}{between}{slots}")
        }
        PrecisionStep::Stretch {
            frame,
            last,
            first,
            next,
        } => {
            let number = |pc: Option<isa::Pc>| pc.map_or(-1, |pc| i64::from(pc.0));
            let (last, next) = (number(last), number(next));
            let first = first.0;
            writeln!(
                text,
                "mark_precise: frame{frame}: last_idx {last} first_idx {first} subseq_idx {next} "
            )
        }
        PrecisionStep::Before { frame, wanted, pc } => {
            let (wanted, insn, pc) = (list(wanted), insn(context, pc), pc.0);
            writeln!(
                text,
                "mark_precise: frame{frame}: {wanted} before {pc}: {insn}"
            )
        }
        PrecisionStep::Parent {
            frame: number,
            wanted,
            state,
            marks: FrameMarks { regs, slots },
        } => {
            let precise = Precise { regs, slots };
            let wanted = list(wanted);
            let all = frame(context, state, number, Touched::ALL, precise);
            writeln!(
                text,
                "mark_precise: frame{number}: parent state {wanted}: {all}"
            )
        }
        PrecisionStep::GiveUp { frame } => writeln!(
            text,
            "mark_precise: frame{frame}: falling back to forcing all scalars precise"
        ),
        PrecisionStep::Force { frame, marks } => force(text, frame, marks),
    };
}

fn force(text: &mut Text, frame: usize, marks: FrameMarks) -> fmt::Result {
    for reg in bits(marks.regs.into()) {
        writeln!(
            text,
            "force_precise: frame{frame}: forcing r{reg} to be precise"
        )?;
    }
    for slot in bits(marks.slots) {
        let offset = offset(slot);
        writeln!(
            text,
            "force_precise: frame{frame}: forcing fp{offset} to be precise"
        )?;
    }
    Ok(())
}

/// A step of carrying the liveness of slots through a function.
pub(super) fn liveness(text: &mut Text, step: &LivenessStep<'_>) {
    let _ = match *step {
        LivenessStep::Change {
            chain,
            frame,
            pc,
            what,
            added,
            removed,
        } => {
            let what = match what {
                Liveness::Live => "live",
                Liveness::Written => "written",
            };
            let chain = joined(chain.iter().map(|pc| pc.0));
            let pc = pc.0;
            let news = fmt::from_fn(|f| {
                if added != 0 {
                    write!(f, "+{what} {} ", list_slots(added))?;
                }
                if removed != 0 {
                    write!(f, "-{what} {}", list_slots(removed))?;
                }
                Ok(())
            });
            writeln!(text, "({chain}) frame {frame} insn {pc} {news}")
        }
        LivenessStep::Done { chain, sweeps } => {
            let chain = joined(chain.iter().map(|pc| pc.0));
            writeln!(
                text,
                "({chain}) live stack update done in {sweeps} iterations"
            )
        }
    };
}

/// `regs=r1,r4 stack=-8`.
fn list(marks: FrameMarks) -> impl Display {
    let FrameMarks { regs, slots } = marks;
    fmt::from_fn(move |f| write!(f, "regs={} stack={}", list_regs(regs), list_slots(slots)))
}

fn list_regs(regs: u16) -> impl Display {
    joined(bits(regs.into()).map(|reg| fmt::from_fn(move |f| write!(f, "r{reg}"))))
}

fn list_slots(slots: u64) -> impl Display {
    joined(bits(slots).map(offset))
}

fn list_spills(slots: u64) -> impl Display {
    joined(bits(slots).map(|slot| fmt::from_fn(move |f| write!(f, "fp{}", offset(slot)))))
}

/// Where a slot begins, from the frame pointer.
fn offset(slot: u32) -> i32 {
    -8 * (slot as i32 + 1)
}

/// The bits that are set, the lowest first.
fn bits(mut set: u64) -> impl Iterator<Item = u32> + Clone {
    std::iter::from_fn(move || {
        let bit = (set != 0).then(|| set.trailing_zeros())?;
        set &= set - 1;
        Some(bit)
    })
}

/// With commas between.
fn joined<T: Display>(items: impl Iterator<Item = T> + Clone) -> impl Display {
    fmt::from_fn(move |f| {
        for (index, item) in items.clone().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{item}")?;
        }
        Ok(())
    })
}
