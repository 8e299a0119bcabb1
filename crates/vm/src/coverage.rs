//! How often each instruction was run, and which way each branch went.
//!
//! Counting is an [`Engine`] that runs programs in the interpreter and watches, so
//! whoever runs a machine's programs need not know of it. Functions that timers
//! call are not counted: no engine runs them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use isa::Insn;

use crate::engine::Engine;
use crate::interp::{Moment, Watch};
use crate::machine::{Machine, ProgId};
use crate::trap::Trap;

/// What the programs of a machine have run, from the moment it is
/// [watched](Coverage::of) on.
#[derive(Clone, Debug)]
pub struct Coverage(Arc<Mutex<Vec<Counts>>>);

/// What one program has run, by slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How often each instruction was run; 0 for second slots of wide ones.
    pub runs: Vec<u64>,
    /// The slots of those that go one of two ways, ascending, and how often the
    /// first was left for the jump's target.
    pub branches: Vec<(u32, u64)>,
}

impl Coverage {
    /// Counts what the programs run that the machine has now; replaces its engine.
    pub fn of(machine: &mut Machine) -> Coverage {
        let ids = machine.program_ids();
        let linked = ids.filter_map(|id| machine.linked(id));
        let counts = linked.map(|program| Counts {
            runs: vec![0; program.code().len()],
            branches: program
                .code()
                .iter()
                .filter(|(_, insn)| matches!(insn, Insn::Branch { .. } | Insn::MayGoto { .. }))
                .map(|(pc, _)| (pc.0, 0))
                .collect(),
        });
        let counts: Vec<Counts> = counts.collect();
        let programs = counts.len();
        let coverage = Coverage(Arc::new(Mutex::new(counts)));
        machine.set_engine(Some(Box::new(Counting {
            programs,
            coverage: coverage.clone(),
        })));
        coverage
    }

    /// What a program has run so far.
    pub fn counts(&self, program: ProgId) -> Option<Counts> {
        self.lock().get(program.0 as usize).cloned()
    }

    /// Counts are whole between any two instructions, so a panic leaves nothing
    /// half done.
    fn lock(&self) -> MutexGuard<'_, Vec<Counts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Counting {
    programs: usize,
    coverage: Coverage,
}

impl Engine for Counting {
    fn programs(&self) -> usize {
        self.programs
    }

    fn call(&self, machine: &mut Machine, program: ProgId, args: [u64; 5]) -> Result<u64, Trap> {
        let mut counter = Counter {
            counts: &mut self.coverage.lock(),
            branch: None,
        };
        machine.watch(program, args, &mut counter)
    }
}

#[derive(Debug)]
struct Counter<'c> {
    counts: &'c mut Vec<Counts>,
    /// The branch that was just run: its program, slot, and place among branches.
    branch: Option<(ProgId, u32, usize)>,
}

impl Watch for Counter<'_> {
    fn before(&mut self, moment: &Moment<'_>) {
        let pc = moment.pc.0;
        if let Some((program, from, place)) = self.branch.take()
            && pc != from + 1
            && let Some(counts) = self.counts.get_mut(program.0 as usize)
        {
            counts.branches[place].1 += 1;
        }
        let Some(counts) = self.counts.get_mut(moment.program.0 as usize) else {
            return;
        };
        counts.runs[pc as usize] += 1;
        let place = counts.branches.binary_search_by_key(&pc, |(slot, _)| *slot);
        self.branch = place.ok().map(|place| (moment.program, pc, place));
    }
}
