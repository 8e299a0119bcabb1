//! Following a program along all its paths, depth first.
//!
//! [`Verifier`] is one analysis under way. Its methods stand by subject: the
//! walk here and in the modules below, what one instruction does in `step`,
//! what a call does in `call`.
//!
//! Exploration order is Linux's: the fall-through side first, the other side of
//! a branch kept on a stack.

mod cache;
mod clean;
mod equal;
mod finish;
mod history;
mod precision;
mod scc;
mod stack_liveness;
#[cfg(test)]
mod testing;
mod visit;
mod widen;

pub use cache::{CheckpointId, FrameMarks};
pub use history::History;
pub(crate) use history::Linked;
pub use precision::PrecisionStep;
pub use stack_liveness::{Liveness, LivenessStep};

use std::rc::Rc;

use abi::{Flavor, Program, Proven};
use isa::{Insn, Pc, Reg};

use crate::call::Functions;
use crate::fields::MapFields;
use crate::observe::{Context, Event, Observer, Touched};
use crate::reason::{Limit, Result};
use crate::state::State;
use crate::step::memory::PointerClasses;
use crate::structure::{Marks, Structure};
use crate::{Config, Stats};

/// Instructions that may be followed, over all paths.
const MAX_PROCESSED: u64 = 1_000_000;
/// Branches that may wait.
const MAX_BRANCHES: usize = 8192;
/// [`Verifier::prev_pc`] at the first instruction of a function that is followed
/// on its own.
const NOWHERE: Pc = Pc(u32::MAX);

/// One analysis under way.
pub(crate) struct Verifier<'a> {
    pub(crate) program: &'a Program,
    pub(crate) config: &'a Config,
    pub(crate) structure: &'a Structure,
    /// What the program may do by its type; none where nothing is known of it.
    flavor: Option<&'static Flavor>,
    /// Locks, timers and the like in the values of its maps.
    pub(crate) map_fields: Rc<MapFields<'a>>,
    pub(crate) observer: Option<&'a mut dyn Observer>,
    /// What is known on the current path.
    pub(crate) state: State,
    /// The instruction being followed.
    pub(crate) pc: Pc,
    /// The one followed before it on this path.
    pub(crate) prev_pc: Pc,
    /// What was read and written in the current frame since the last
    /// instruction was observed; entering a frame sets it to all.
    pub(crate) touched: Touched,
    /// Branches to come, the next one last.
    branches: Vec<Branch>,
    pub(crate) cache: cache::Cache,
    /// Where all paths came from.
    trail: history::Trail,
    stack_liveness: stack_liveness::StackLiveness<'a>,
    loops: scc::Loops,
    /// Memory for comparisons.
    ids: equal::IdMap,
    /// The register in which the last round of a loop was seen to differ.
    changing_reg: usize,
    pace: visit::Pace,
    /// What going back over each instruction does, once that is wanted.
    effects: Vec<precision::Traits>,
    /// What going back has looked for.
    seen: precision::Seen,
    pub(crate) stats: Stats,
    /// What each load and store was first reached with.
    pub(crate) pointer_classes: PointerClasses,
    last_id: u32,
    /// Global functions that are called, by number.
    called: Vec<bool>,
    /// What was found out of functions as a whole.
    pub(crate) functions: Functions,
    /// What was found to hold on all paths.
    pub(crate) proven: Proven,
}

/// A branch to come.
pub(crate) struct Branch {
    pub(crate) state: State,
    pub(crate) to: Pc,
    pub(crate) from: Pc,
}

/// Where a path goes on after an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// With the instruction after this one.
    Next,
    /// There.
    To(Pc),
    /// Nowhere: the path is done.
    End,
}

impl<'a> Verifier<'a> {
    pub(crate) fn new(
        program: &'a Program,
        config: &'a Config,
        structure: &'a Structure,
        observer: Option<&'a mut dyn Observer>,
    ) -> Verifier<'a> {
        let mut stats = Stats::default();
        stats.stack_depths.resize(structure.subprograms.len(), 0);
        Verifier {
            program,
            config,
            structure,
            flavor: Flavor::of(
                program.prog_type,
                program.attach_type,
                program.flags.sleepable,
                &program.attach_target,
            ),
            map_fields: Rc::new(MapFields::of(program)),
            observer,
            state: State::new(0, Pc(0)),
            pc: Pc(0),
            prev_pc: Pc(0),
            touched: Touched::NONE,
            branches: Vec::new(),
            trail: history::Trail::default(),
            cache: cache::Cache::new(structure.insns.len()),
            stack_liveness: stack_liveness::StackLiveness::new(structure),
            loops: scc::Loops::default(),
            ids: equal::IdMap::default(),
            changing_reg: 0,
            pace: visit::Pace::default(),
            effects: Vec::new(),
            seen: precision::Seen::default(),
            stats,
            pointer_classes: PointerClasses::default(),
            last_id: 0,
            called: vec![false; structure.subprograms.len()],
            functions: Functions::new(structure),
            proven: Proven::new(structure.insns.len()),
        }
    }

    /// Follows the main function, then every global function that was called,
    /// by those as well.
    pub(crate) fn run(&mut self) -> Result {
        self.follow_subprogram(0)?;
        if self.called.len() == 1 {
            return self.finish();
        }
        let mut done = vec![false; self.called.len()];
        loop {
            let mut more = false;
            for (subprogram, done) in done.iter_mut().enumerate().skip(1) {
                if self.called[subprogram] && !*done {
                    self.follow_subprogram(subprogram as u32)?;
                    *done = true;
                    more = true;
                }
            }
            if !more {
                return self.finish();
            }
        }
    }

    /// A global function is called, which has to be followed on its own.
    pub(crate) fn note_called(&mut self, subprogram: u32) {
        if let Some(called) = self.called.get_mut(subprogram as usize) {
            *called = true;
        }
    }

    /// Follows one function from its start, along all paths.
    fn follow_subprogram(&mut self, subprogram: u32) -> Result {
        self.observe(|_| Event::Function { subprogram });
        let start = self.structure.subprograms[subprogram as usize].start;
        // An analysis begins with the state of the main function.
        if subprogram != 0 {
            self.state = State::new(subprogram, start);
        }
        self.pc = start;
        self.prev_pc = NOWHERE;
        self.begin_subprogram(subprogram)?;
        self.observe_path(None);
        self.follow_all()?;
        self.cache.clear();
        self.loops.clear();
        self.observe(|_| Event::FunctionDone { subprogram });
        Ok(())
    }

    /// Follows the current path and all branches to come.
    fn follow_all(&mut self) -> Result {
        loop {
            while let Flow::To(next) = self.follow_one()? {
                self.prev_pc = self.pc;
                self.pc = next;
            }
            self.close_path()?;
            self.update_live_slots()?;
            let Some(branch) = self.branches.pop() else {
                return Ok(());
            };
            self.observe(|_| Event::Pop);
            self.state = branch.state;
            self.pc = branch.to;
            self.prev_pc = branch.from;
            self.observe_path(Some(branch.from));
        }
    }

    fn too_long(&self) -> Box<crate::Fault> {
        match self.stats.processed {
            processed if processed > MAX_PROCESSED => Limit::Processed(processed).into(),
            processed => self.unsupported(format!("more than {} instructions", processed - 1)),
        }
    }

    /// Follows one instruction; [`Flow::Next`] is resolved.
    fn follow_one(&mut self) -> Result<Flow> {
        self.stats.processed += 1;
        if self.stats.processed > MAX_PROCESSED.min(self.config.patience) {
            return Err(self.too_long());
        }
        self.trail.next_instruction();
        let pc = self.pc;
        let marks = self.structure.insn(pc).marks;
        if marks.contains(Marks::PRUNE_POINT)
            && let Some(by) = self.covered(marks)?
        {
            self.observe_covered(by);
            return Ok(Flow::End);
        }
        if marks.contains(Marks::JUMP_HISTORY) {
            self.note_jump();
        }
        self.observe(|v| Event::Before {
            pc: v.pc,
            state: v.state,
            touched: v.touched,
        });
        self.touched = Touched::NONE;
        let insn = self.insn_at(pc).unwrap_or(Insn::Exit);
        self.pace.jumps += u64::from(is_jump(insn));
        self.proven.reach(pc);
        self.stack_liveness.begin(&self.state);
        let flow = self.step(insn)?;
        self.stack_liveness.commit(&self.state, pc);
        Ok(match flow {
            Flow::Next => Flow::To(after(pc, insn)),
            Flow::To(next) => {
                self.observe_return(insn, next);
                Flow::To(next)
            }
            Flow::End => Flow::End,
        })
    }

    /// After a return the log tells the state as at the start of a path.
    fn observe_return(&mut self, insn: Insn, to: Pc) {
        if self.observer.is_some() && insn == Insn::Exit {
            self.touched = Touched::NONE;
            self.observe(|v| Event::Path {
                from: Some(v.pc),
                to,
                state: v.state,
            });
        }
    }

    /// The instruction after `pc`.
    pub(crate) fn after(&self, pc: Pc) -> Pc {
        after(pc, self.insn_at(pc).unwrap_or(Insn::Exit))
    }

    /// The instruction at `pc`.
    pub(crate) fn insn_at(&self, pc: Pc) -> Option<Insn> {
        self.structure.code.get(pc)
    }

    /// Puts a copy of the current state on the list of branches to come: it will
    /// go on at `to`. Gives the copy, to be changed.
    pub(crate) fn push_branch(&mut self, to: Pc) -> Result<&mut State> {
        self.push_state(to, self.state.clone())?;
        if let Some(parent) = self.state.parent {
            self.cache.get_mut(parent).branches += 1;
        }
        let pushed = self.branches.last_mut().expect("pushed just now");
        Ok(&mut pushed.state)
    }

    /// The branch that was put aside last.
    pub(crate) fn last_pushed_mut(&mut self) -> &mut State {
        let pushed = self.branches.last_mut();
        &mut pushed.expect("a branch was put aside just now").state
    }

    /// Puts the start of an asynchronous callback at `to` on the list of
    /// branches to come. `state` has one frame and knows nothing of the path.
    pub(crate) fn push_async(&mut self, to: Pc, mut state: State) -> Result<&mut State> {
        let callback = self.state.frame().callback;
        let entry = if callback.is_some_and(|callback| callback.is_async) {
            self.state.async_entry
        } else {
            0
        };
        state.async_entry = entry + 1;
        self.push_state(to, state)?;
        let pushed = self.branches.last_mut().expect("pushed just now");
        Ok(&mut pushed.state)
    }

    /// The current state and the branch that was put aside last.
    pub(crate) fn both_ways(&mut self) -> (&mut State, Option<&mut State>) {
        let pushed = self.branches.last_mut();
        (&mut self.state, pushed.map(|branch| &mut branch.state))
    }

    fn push_state(&mut self, to: Pc, state: State) -> Result {
        if self.branches.len() >= MAX_BRANCHES {
            return Err(Limit::Branches(self.branches.len() as u64 + 1).into());
        }
        self.observe(|_| Event::Push { to });
        self.branches.push(Branch {
            state,
            to,
            from: self.pc,
        });
        Ok(())
    }

    /// What the program may do by its type.
    pub(crate) fn flavor(&self) -> Result<&'static Flavor> {
        let unknown = || self.unsupported(format!("programs of type {}", self.program.prog_type));
        self.flavor.ok_or_else(unknown)
    }

    /// A new id.
    pub(crate) fn new_id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }

    /// Whether the loader may leak pointers and read uninitialised stack
    /// (CAP_PERFMON).
    pub(crate) fn may_leak(&self) -> bool {
        self.config.privileges == crate::Privileges::Full
    }

    /// Tells the observer what is known right after a conditional jump; what was
    /// touched by it counts as told.
    pub(crate) fn tell_branched(&mut self) {
        self.observe(|v| Event::Branched {
            pc: v.pc,
            state: v.state,
            touched: v.touched,
        });
        self.touched = Touched::NONE;
    }

    /// Marks a register of the current frame as read or written.
    pub(crate) fn touch(&mut self, reg: Reg) {
        self.touched.reg(reg);
    }

    /// Tells the observer, if there is one.
    pub(crate) fn observe<'s, F>(&'s mut self, event: F)
    where
        F: for<'v> FnOnce(&'v Watched<'v>) -> Event<'v>,
    {
        if let Some(observer) = self.observer.as_deref_mut() {
            let context = Context {
                program: self.program,
                config: self.config,
                structure: self.structure,
            };
            let watched = Watched {
                state: &self.state,
                pc: self.pc,
                touched: self.touched,
                cache: &self.cache,
            };
            let event = event(&watched);
            observer.observe(&context, event);
        }
    }

    /// Tells the observer a sentence that Linux's log has from level 1 on.
    pub(crate) fn note_level1(&mut self, text: std::fmt::Arguments<'_>) {
        self.tell(Event::Note { level: 1, text });
    }

    /// Whether there is an observer, which sees all paths.
    pub(crate) fn wants_paths(&self) -> bool {
        self.observer.is_some()
    }

    /// Tells the observer a sentence that Linux's log has from level 2 on.
    pub(crate) fn note_level2(&mut self, text: std::fmt::Arguments<'_>) {
        self.tell(Event::Note { level: 2, text });
    }

    /// Tells the observer, if there is one, of what the analysis does not hold.
    pub(crate) fn tell(&mut self, event: Event<'_>) {
        if let Some(observer) = self.observer.as_deref_mut() {
            let context = Context {
                program: self.program,
                config: self.config,
                structure: self.structure,
            };
            observer.observe(&context, event);
        }
    }

    /// Tells the observer what only the log of level 2 shows, if there is one
    /// that wants it.
    pub(crate) fn observe_detail<'s, F>(&'s mut self, event: F)
    where
        F: for<'v> FnOnce(&'v Watched<'v>) -> Event<'v>,
    {
        if self.wants_details() {
            self.observe(event);
        }
    }

    /// Whether there is an observer that wants what only the log of level 2
    /// shows.
    fn wants_details(&self) -> bool {
        self.observer.as_ref().is_some_and(|o| o.wants_details())
    }

    fn observe_covered(&mut self, by: CheckpointId) {
        if self.observer.is_none() {
            return;
        }
        let from = self.prev_pc;
        let checkpoint = self.cache.get(by);
        let by_marks = checkpoint.branches == 0 && !self.loops.is_open(checkpoint.visit);
        self.observe(|v| {
            let covering = v.cache.get(by);
            Event::Covered {
                from,
                to: v.pc,
                state: v.state,
                by: &covering.state,
                checkpoint: by,
                marks: by_marks.then_some(&covering.marks),
            }
        });
    }

    fn observe_path(&mut self, from: Option<Pc>) {
        self.touched = Touched::ALL;
        self.observe(|v| Event::Path {
            from,
            to: v.pc,
            state: v.state,
        });
    }
}

/// Where the slot after the instruction at `pc` is.
fn after(pc: Pc, insn: Insn) -> Pc {
    let wide = matches!(insn, Insn::LoadImm { .. });
    Pc(pc.0 + 1 + u32::from(wide))
}

/// Whether an instruction is of the jump class: calls and exits are.
fn is_jump(insn: Insn) -> bool {
    matches!(
        insn,
        Insn::Jump { .. }
            | Insn::Branch { .. }
            | Insn::MayGoto { .. }
            | Insn::Call { .. }
            | Insn::CallReg { .. }
            | Insn::Exit
    )
}

/// What an event may borrow from the analysis.
pub(crate) struct Watched<'v> {
    pub(crate) state: &'v State,
    pub(crate) pc: Pc,
    pub(crate) touched: Touched,
    pub(crate) cache: &'v cache::Cache,
}
