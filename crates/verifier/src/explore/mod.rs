//! Following a program along all its paths, depth first.
//!
//! [`Verifier`] is one analysis under way. Its methods stand by subject: the
//! walk here and in the modules below, what one instruction does in `step`,
//! what a call does in `call`.
//!
//! Exploration order is Linux's: the fall-through side first, the other side of
//! a branch kept on a stack.

mod cache;
#[allow(dead_code)]
mod history;
mod precision;
mod stack_liveness;

pub use cache::{CheckpointId, FrameMarks};
pub use history::History;
#[allow(unused_imports)]
pub(crate) use history::Linked;

use abi::{Flavor, Program};
use isa::{Pc, Reg};

use crate::observe::{Context, Event, Observer, Touched};
use crate::reason::{Limit, Result};
use crate::state::State;
use crate::structure::{Marks, Structure};
use crate::{Config, Stats};

/// Instructions that may be followed, over all paths.
const MAX_PROCESSED: u64 = 1_000_000;
/// Branches that may wait.
const MAX_BRANCHES: usize = 8192;

/// One analysis under way.
pub(crate) struct Verifier<'a> {
    pub(crate) program: &'a Program,
    pub(crate) config: &'a Config,
    pub(crate) structure: &'a Structure,
    /// What the program may do by its type; none where nothing is known of it.
    flavor: Option<&'static Flavor>,
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
    pub(crate) stats: Stats,
    last_id: u32,
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
            observer,
            state: State::new(0, Pc(0)),
            pc: Pc(0),
            prev_pc: Pc(0),
            touched: Touched::NONE,
            branches: Vec::new(),
            cache: cache::Cache::default(),
            trail: history::Trail::default(),
            stats,
            last_id: 0,
        }
    }

    /// Follows the main function, then every global function that was called.
    pub(crate) fn run(&mut self) -> Result {
        self.follow_subprogram(0)
    }

    /// Follows one function from its start, along all paths.
    fn follow_subprogram(&mut self, subprogram: u32) -> Result {
        let start = self.structure.subprograms[subprogram as usize].start;
        self.state = State::new(subprogram, start);
        self.begin_subprogram(subprogram)?;
        self.pc = start;
        self.prev_pc = start;
        self.branches.clear();
        self.follow_all()
    }

    /// Follows the current path and all branches to come.
    fn follow_all(&mut self) -> Result {
        self.observe_path(None);
        loop {
            while let Flow::To(next) = self.follow_one()? {
                self.prev_pc = self.pc;
                self.pc = next;
            }
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

    /// Follows one instruction; [`Flow::Next`] is resolved.
    fn follow_one(&mut self) -> Result<Flow> {
        self.stats.processed += 1;
        if self.stats.processed > MAX_PROCESSED {
            return Err(Limit::Processed(self.stats.processed).into());
        }
        self.trail.next_instruction();
        if self
            .structure
            .insn(self.pc)
            .marks
            .contains(Marks::JUMP_HISTORY)
        {
            self.note_jump();
        }
        self.observe(|v| Event::Before {
            pc: v.pc,
            state: v.state,
            touched: v.touched,
        });
        self.touched = Touched::NONE;
        match self.step()? {
            Flow::Next => Ok(Flow::To(self.after(self.pc))),
            flow => Ok(flow),
        }
    }

    /// The instruction after `pc`.
    pub(crate) fn after(&self, pc: Pc) -> Pc {
        let wide = matches!(self.insn_at(pc), Some(isa::Insn::LoadImm { .. }));
        Pc(pc.0 + 1 + u32::from(wide))
    }

    /// The instruction at `pc`.
    pub(crate) fn insn_at(&self, pc: Pc) -> Option<isa::Insn> {
        self.structure.code.get(pc)
    }

    /// Puts a copy of the current state on the list of branches to come: it will
    /// go on at `to`. Gives the copy, to be changed.
    pub(crate) fn push_branch(&mut self, to: Pc) -> Result<&mut State> {
        if self.branches.len() >= MAX_BRANCHES {
            return Err(Limit::Branches(self.branches.len() as u64 + 1).into());
        }
        self.observe(|_| Event::Push { to });
        let state = self.state.clone();
        self.branches.push(Branch {
            state,
            to,
            from: self.pc,
        });
        let pushed = self.branches.last_mut().expect("pushed just now");
        Ok(&mut pushed.state)
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
                stats: &self.stats,
                cache: &self.cache,
            };
            let event = event(&watched);
            observer.observe(&context, event);
        }
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

/// What an event may borrow from the analysis.
pub(crate) struct Watched<'v> {
    pub(crate) state: &'v State,
    pub(crate) pc: Pc,
    pub(crate) touched: Touched,
    pub(crate) stats: &'v Stats,
    #[expect(dead_code, reason = "for events that show checkpoints")]
    pub(crate) cache: &'v cache::Cache,
}
