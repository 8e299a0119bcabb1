//! Oracle 4: what is known at each step, against the running kernel's log of
//! level 2.
//!
//! Both logs are read into lines; those that tell states are held against each
//! other in order. The first that differs is the finding: the instruction, the
//! register or stack slot, and what either side knows of it. That the paths part is
//! one too.
//!
//! A log of level 2 costs Linux ten times what a verdict does, and has no bound:
//! programs that take more than [`MOST`] steps are left out. Where the paths of a
//! program part that has an atomic operation that fetches, the rest says nothing, for
//! the reason that the verdict's oracle has.

use kernel::log::{Line, Log, State};

use super::verdict::{Linux, fetches};
use super::{Case, Finding, LinuxSaid, Oracle, OracleKind, Tally};
use crate::CannotAsk;
use crate::verify::{Judge, OurJudge, Said};

/// The class of programs of which another path is followed.
const PARTED: &str = "another path";
/// Every state.
const LEVEL: u32 = 2;
/// The most instructions that may have to be followed.
const MOST: u32 = 20_000;

/// What our verifier knows of each register against what the running kernel does.
#[derive(Debug)]
pub struct RegistersAgainstLinux {
    linux: Linux,
    ours: OurJudge,
}

impl RegistersAgainstLinux {
    /// Gives the kernel the maps and types of all generated programs.
    ///
    /// # Errors
    ///
    /// When it cannot be asked, or does not take them.
    pub fn new() -> Result<RegistersAgainstLinux, CannotAsk> {
        let (linux, ours) = Linux::open()?;
        Ok(RegistersAgainstLinux { linux, ours })
    }
}

impl Oracle for RegistersAgainstLinux {
    fn kind(&self) -> OracleKind {
        OracleKind::Registers
    }

    fn check(&mut self, case: &Case, tally: &mut Tally) -> Result<Option<Finding>, CannotAsk> {
        let (verdict, first) = self.ours.verdict(&case.raw);
        tally.ours(&verdict);
        let long = first.counts.processed.is_none_or(|steps| steps > MOST);
        if long || matches!(first.said, Said::Unsupported(_)) {
            return Ok(None);
        }
        let Some(linux) = self.linux.ask(case, LEVEL, tally) else {
            return Ok(None);
        };
        let ours = self.ours.judge(&case.raw, LEVEL)?;
        let (theirs, known) = (Log::parse(&linux.log), Log::parse(&ours.log));
        let difference = difference(&theirs, &known, &mut tally.states)
            .filter(|found| found.class != PARTED || !fetches(&case.raw.program));
        Ok(difference.map(|difference| Finding {
            pc: Some(difference.pc),
            linux: Some(LinuxSaid::from(&linux)),
            ..Finding::new(OracleKind::Registers, difference.class, difference.what)
        }))
    }
}

/// Where two logs part.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    pc: u32,
    class: &'static str,
    what: String,
}

/// A line that tells a state: of which instruction, and on which side of it.
type Told<'l> = (u32, &'static str, &'l State);

fn told(line: &Line) -> Option<Told<'_>> {
    match line {
        Line::Insn {
            pc,
            after: Some(state),
            ..
        } => Some((pc.0, "after", state)),
        Line::State { pc, state } => Some((pc.0, "before", state)),
        Line::Branch {
            to,
            state: Some(state),
            ..
        } => Some((to.0, "coming back to", state)),
        _ => None,
    }
}

fn difference(linux: &Log, ours: &Log, states: &mut u64) -> Option<Difference> {
    let mut theirs = linux.lines.iter().filter_map(told);
    let mut known = ours.lines.iter().filter_map(told);
    let mut last = 0;
    loop {
        let (theirs, ours) = match (theirs.next(), known.next()) {
            (None, None) => return None,
            (Some(theirs), Some(ours)) => (theirs, ours),
            (theirs, ours) => return Some(parted(last, theirs, ours)),
        };
        *states += 1;
        let (pc, side, _) = theirs;
        if (pc, side) != (ours.0, ours.1) {
            return Some(parted(last, Some(theirs), Some(ours)));
        }
        last = pc;
        if let Some(difference) = values((pc, side), theirs.2, ours.2) {
            return Some(difference);
        }
    }
}

/// That one follows another path than the other.
fn parted(last: u32, linux: Option<Told<'_>>, ours: Option<Told<'_>>) -> Difference {
    let text = |told: Option<Told<'_>>| match told {
        Some((pc, side, _)) => format!("goes on {side} {pc}"),
        None => "ends".to_owned(),
    };
    Difference {
        pc: last,
        class: PARTED,
        what: format!("behind {last}: linux {}, ours {}", text(linux), text(ours)),
    }
}

/// The first register or slot of which the two know something else.
fn values((pc, side): (u32, &str), linux: &State, ours: &State) -> Option<Difference> {
    let different = |class, name: String, linux: &str, ours: &str| Difference {
        pc,
        class,
        what: format!("{side} {pc}: {name}: linux `{linux}`, ours `{ours}`"),
    };
    if linux.frame != ours.frame {
        let (linux, ours) = (linux.frame.to_string(), ours.frame.to_string());
        return Some(different(
            "another frame",
            "frame".to_owned(),
            &linux,
            &ours,
        ));
    }
    const NOTHING: &str = "(nothing)";
    for register in 0..=10 {
        let pair = (linux.register(register), ours.register(register));
        if pair.0 != pair.1 {
            let (linux, ours) = (pair.0.unwrap_or(NOTHING), pair.1.unwrap_or(NOTHING));
            return Some(different("a register", format!("R{register}"), linux, ours));
        }
    }
    let offsets = linux.stack.iter().chain(&ours.stack).map(|(at, _)| *at);
    for at in offsets {
        let pair = (linux.slot(at), ours.slot(at));
        if pair.0 != pair.1 {
            let (linux, ours) = (pair.0.unwrap_or(NOTHING), pair.1.unwrap_or(NOTHING));
            return Some(different("a stack slot", format!("fp{at}"), linux, ours));
        }
    }
    (linux.references != ours.references).then(|| {
        let (linux, ours) = (&linux.references, &ours.references);
        let (linux, ours) = (format!("{linux:?}"), format!("{ours:?}"));
        different("what is held", "refs".to_owned(), &linux, &ours)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "func#0 @0\n0: R1=ctx() R10=fp0\n\
                       0: (b7) r0 = 1                        ; R0=1\n\
                       1: (7b) *(u64 *)(r10 -8) = r0         ; R0=1 R10=fp0 fp-8=1\n\
                       from 1 to 3: R0=scalar(umax=4) R10=fp0\n3: (95) exit\n";

    fn between(linux: &str, ours: &str) -> Option<Difference> {
        difference(&Log::parse(linux), &Log::parse(ours), &mut 0)
    }

    #[test]
    fn the_first_difference_is_named() {
        assert_eq!(between(LOG, LOG), None);
        for (from, to, class, what) in [
            (
                "; R0=1\n",
                "; R0=2\n",
                "a register",
                "after 0: R0: linux `1`, ours `2`",
            ),
            (
                "fp-8=1",
                "fp-8=mmmmmmmm",
                "a stack slot",
                "after 1: fp-8: linux `1`, ours `mmmmmmmm`",
            ),
            (
                "umax=4",
                "umax=5",
                "a register",
                "coming back to 3: R0: linux `scalar(umax=4)`, ours `scalar(umax=5)`",
            ),
            (
                "from 1 to 3: R0=scalar(umax=4) R10=fp0\n",
                "",
                "another path",
                "behind 1: linux goes on coming back to 3, ours ends",
            ),
        ] {
            let other = LOG.replace(from, to);
            let found = between(LOG, &other).expect(from);
            assert_eq!((found.class, found.what.as_str()), (class, what));
        }
    }

    #[test]
    fn states_are_counted() {
        let mut states = 0;
        difference(&Log::parse(LOG), &Log::parse(LOG), &mut states);
        assert_eq!(states, 4);
    }
}
