//! The path that failed, step by step.

use std::collections::VecDeque;

use isa::Pc;

use crate::observe::{Context, Event, Observer};
use crate::state::State;

/// Steps that are kept; of a longer path the last ones.
const KEPT: usize = 20_000;

/// Remembers the current path: each instruction with what was known before it.
///
/// States share frames, so a step costs what it changed.
#[derive(Debug, Default)]
pub(super) struct Trace {
    steps: VecDeque<Step>,
    /// Steps that were dropped at the front.
    dropped: usize,
    /// How many steps there were when each waiting branch was put away.
    waiting: Vec<usize>,
}

/// An instruction of the path, and what was known before it.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) pc: Pc,
    pub(super) before: State,
}

impl Trace {
    /// The path, oldest first; its last step is the one that was refused.
    pub(super) fn steps(&self) -> &VecDeque<Step> {
        &self.steps
    }

    fn len(&self) -> usize {
        self.dropped + self.steps.len()
    }
}

impl Observer for Trace {
    fn observe(&mut self, _context: &Context<'_>, event: Event<'_>) {
        match event {
            Event::Function { .. } => {
                self.steps.clear();
                self.waiting.clear();
                self.dropped = 0;
            }
            Event::Before { pc, state, .. } => {
                if self.steps.len() == KEPT {
                    self.steps.pop_front();
                    self.dropped += 1;
                }
                let before = state.clone();
                self.steps.push_back(Step { pc, before });
            }
            Event::Push { .. } => self.waiting.push(self.len()),
            Event::Pop => {
                let len = self.waiting.pop().unwrap_or(0);
                self.steps.truncate(len.saturating_sub(self.dropped));
            }
            _ => {}
        }
    }

    fn wants_details(&self) -> bool {
        false
    }
}
