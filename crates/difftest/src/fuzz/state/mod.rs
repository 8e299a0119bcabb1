//! Oracles 1 and 2: what a run holds is among what the verifier knows, at every
//! instruction; and an accepted program never traps.
//!
//! The verifier's states are recorded as a graph (`record`, `graph`), and each run
//! in the checked interpreter walks along it (`follow`). At every node each
//! register and stack slot must be what is known of it (`member`): numbers in all
//! four ranges and known bits, pointers where they point and how far, linked
//! numbers as far apart as they should be. Where the verifier ended a path at a
//! checkpoint, the run must hold what the checkpoint knows as far as anything
//! depends on it, and goes on from there; so precision, liveness, ids and widening
//! are held to account, not only the scalar domain.
//!
//! # Deliberately absent
//!
//! Timers, which the interpreter does not run; programs that are not of XDP, whose
//! contexts it does not have; sockets, dynptrs and iterators, of which it is only
//! asked whether they are NULL.

mod follow;
mod graph;
mod known;
mod member;
mod record;

use std::fmt::Write;

use verifier::state::Value;
use verifier::{Config, Observer, Verdict};
use vm::TrapKind;

use super::oracle::config;
use super::stage::Stage;
use super::{Case, Finding, Oracle, OracleKind, Tally};
use crate::CannotAsk;
use follow::{Follower, Missed, Walk, Wrong};
use graph::Place;
pub use known::Known;
use member::Around;
use record::Recorder;

/// Instructions that the verifier may follow of a program. Those that take more are
/// mostly refused in the end, and one of them takes the time of thousands of others.
pub(super) const PATIENCE: u64 = 4_000;

/// What accepted programs do lies within what the verifier recorded, and they
/// never trap.
#[derive(Debug)]
pub struct WithinStates {
    recorder: Recorder,
    walk: Walk,
    stage: Stage,
    excuse: Option<Known>,
}

impl WithinStates {
    /// With memory and a machine of its own, which are kept from case to case.
    ///
    /// # Errors
    ///
    /// When the host has no memory for a machine.
    pub fn new() -> Result<WithinStates, CannotAsk> {
        let missing = |error: vm::Error| CannotAsk::Missing {
            missing: error.to_string(),
        };
        Ok(WithinStates {
            recorder: Recorder::default(),
            walk: Walk::default(),
            stage: Stage::new().map_err(missing)?,
            excuse: None,
        })
    }

    /// What Linux is known to get wrong, if a run of the last program showed it.
    pub fn excuse(&self) -> Option<Known> {
        self.excuse
    }

    /// What the verifier says of a program, which is not followed for long; with
    /// `record`, what it says along the way is kept.
    pub fn verdict<'c>(&mut self, case: &'c Case, record: bool) -> Verdict<'c> {
        self.recorder.clear();
        let config = Config {
            patience: PATIENCE,
            ..config(&case.raw)
        };
        let recorder = record.then_some(&mut self.recorder as &mut dyn Observer);
        verifier::verify(&case.raw.program, &config, recorder)
    }

    /// Runs a program as [`Oracle::check`] does, without looking. The answer is the
    /// number of instructions.
    pub fn play(&mut self, case: &Case) -> u64 {
        let mut executed = 0;
        if self.stage.load(case) {
            for input in &case.inputs {
                if self.stage.run(input, None).is_some() {
                    executed += self.stage.machine.executed();
                }
            }
        }
        executed
    }

    /// Runs an accepted program.
    fn run(&mut self, case: &Case, tally: &mut Tally) -> Option<Finding> {
        if !self.stage.load(case) {
            return None;
        }
        let maps = std::mem::take(&mut self.stage.maps);
        let mut found = None;
        for (number, input) in case.inputs.iter().enumerate() {
            self.stage.maps.clone_from(&maps);
            let around = Around {
                program: &case.raw.program,
                maps: &maps,
                base: 0,
            };
            let mut follower = Follower::new(&self.recorder.graph, around, &mut self.walk);
            let Some(result) = self.stage.run(input, Some(&mut follower)) else {
                continue;
            };
            tally.runs += 1;
            tally.instructions += self.stage.machine.executed();
            tally.states += follower.states;
            if follower.excuse.is_some() {
                self.excuse = follower.excuse;
                // What else it did says nothing.
                continue;
            }
            if let Some(missed) = follower.missed {
                found = Some(self.missed(&missed, number));
                break;
            }
            if let Err(trap) = result
                && !matches!(
                    trap.kind,
                    TrapKind::Budget { .. } | TrapKind::Unsupported { .. }
                )
            {
                let class = format!("trap: {}", trap_class(&trap.kind));
                let what = self.stage.machine.explain(&trap);
                found = Some(Finding {
                    pc: Some(trap.pc.0),
                    input: Some(number),
                    ..Finding::new(OracleKind::State, class, what)
                });
                break;
            }
        }
        self.stage.maps = maps;
        found
    }

    fn missed(&self, missed: &Missed, input: usize) -> Finding {
        let mut what = String::new();
        let class = match missed.wrong {
            Wrong::Path => {
                what.push_str("the verifier never came here");
                "path"
            }
            Wrong::Link { link, numbers } => {
                let link = &self.recorder.graph.links[link as usize];
                let [one, other] = link.places.map(place);
                let [a, b] = numbers;
                let [x, y] = link.ahead;
                // Writing to a string does not fail.
                let _ = write!(
                    what,
                    "{one} is {a:#x} and {other} is {b:#x}, which should be {x} and {y} ahead of \
                     the same number"
                );
                "link"
            }
            Wrong::Value {
                claim,
                number,
                covered,
            } => {
                let claim = &self.recorder.graph.claims[claim as usize];
                let _ = write!(
                    what,
                    "{} is {number:#x}, which is not in {}",
                    place(claim.place),
                    known(&claim.value)
                );
                match (covered, claim.value.is_pointer()) {
                    (true, true) => "pointer at a checkpoint",
                    (true, false) => "number at a checkpoint",
                    (false, true) => "pointer",
                    (false, false) => "number",
                }
            }
        };
        if let Some(before) = missed.before {
            let _ = write!(what, " (after {})", before.0);
        }
        Finding {
            pc: Some(missed.pc.0),
            input: Some(input),
            ..Finding::new(OracleKind::State, class, what)
        }
    }
}

impl Oracle for WithinStates {
    fn kind(&self) -> OracleKind {
        OracleKind::State
    }

    fn check(&mut self, case: &Case, tally: &mut Tally) -> Result<Option<Finding>, CannotAsk> {
        self.excuse = None;
        let verdict = self.verdict(case, true);
        tally.ours(&verdict);
        if !verdict.is_accepted() || self.recorder.graph.is_full {
            return Ok(None);
        }
        Ok(self.run(case, tally))
    }
}

fn place(place: Place) -> String {
    match place.register() {
        Ok(reg) => format!("frame {}: r{reg}", place.frame),
        Err(slot) => format!("frame {}: fp-{}", place.frame, 8 * (slot + 1)),
    }
}

fn known(value: &Value) -> String {
    format!("{:?} {:+} {}", value.kind, value.off, value.num.ranges())
}

fn trap_class(kind: &TrapKind) -> &'static str {
    match kind {
        TrapKind::Memory(_) => "memory",
        TrapKind::Argument { .. } => "argument",
        TrapKind::CallDepth { .. } => "call depth",
        TrapKind::Invalid(_) => "instruction",
        TrapKind::OffTheEnd => "end",
        _ => "other",
    }
}
