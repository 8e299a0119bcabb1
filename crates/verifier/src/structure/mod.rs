//! What holds of the whole program before it is followed.
//!
//! The passes of [`analyze`] stand in Linux's order, which decides what a
//! program with several faults is refused for:
//!
//! 1. [`btf_info`]: shape of `func_info`;
//! 2. [`subprograms`]: where functions begin, which kernel functions are called;
//! 3. [`subprograms`]: jumps stay in their function, no function runs on;
//! 4. [`btf_info`]: `func_info` and `line_info` against the functions;
//! 5. [`references`]: what 64-bit immediates refer to, with [`maps`], and that
//!    there are no unknown opcodes;
//! 6. [`order`]: everything is reachable; a post-order;
//! 7. [`attach`]: what the program type asks of what it attaches to;
//! 8. [`cfg`], [`scc`], [`live`]: marks for the exploration, loops, live
//!    registers.
//!
//! What every pass needs is found once: where control goes ([`graph`]) and which
//! functions are named ([`calls`]). By opcode, all look into small tables that
//! are made from the instruction table when this is compiled.
//!
//! [`stack_depth`] stands here too, though it runs after the program was
//! followed: it is about the whole program as well.
//!
//! Until everything is known to have a meaning the passes read slots, not
//! instructions: Linux checks reserved fields only of what it follows, so that
//! a jump with a reserved field set is a jump here.
//!
//! All passes take time in proportion to the program (the depth check:
//! to the pairs of functions that call each other), none recurses.

mod attach;
mod btf_info;
pub(crate) mod calls;
mod cfg;
mod flow;
mod graph;
mod live;
mod maps;
mod order;
mod references;
mod scc;
pub mod stack_depth;
mod subprograms;
#[cfg(test)]
mod tests;

use std::ops::Range;

use abi::{Program, limits};
use btf::TypeId;
use isa::{Code, Pc};

pub use graph::{Graph, Successors};

use self::calls::Mention;
use self::order::Order;
use self::subprograms::Division;
use crate::reason::Structure as Refusal;
use crate::{Config, Result};

/// What holds of the whole program before it is followed.
#[derive(Clone, Debug, Default)]
pub struct Structure {
    /// The decoded instructions.
    pub code: Code,
    /// The functions, ascending; the main one is the first.
    pub subprograms: Vec<Subprogram>,
    /// What is known of each instruction, as long as the code.
    pub insns: Vec<InsnFacts>,
    /// All instructions, function by function ([`Subprogram::postorder`]):
    /// successors before what leads to them, loops aside.
    pub postorder: Vec<Pc>,
    /// By slot: its place in its function's part of `postorder`. Second slots of
    /// wide instructions have none.
    pub(crate) positions: Vec<u32>,
    /// Where control goes inside functions.
    pub graph: Graph,
    /// The numbers in [`InsnFacts::scc`] are below this.
    pub scc_count: u32,
    /// All instructions that name a function, ascending.
    pub(crate) mentions: Vec<Mention>,
    /// All `may_goto`, ascending.
    pub(crate) may_gotos: Vec<Pc>,
}

/// A function of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subprogram {
    /// First slot.
    pub start: Pc,
    /// One past the last slot.
    pub end: Pc,
    /// Its name: from BTF, else that of its symbol.
    pub name: Option<String>,
    /// Its `func` type in the program's BTF.
    pub func: Option<TypeId>,
    /// Others can verify their calls by its prototype alone (global linkage).
    pub global: bool,
    /// It makes a tail call.
    pub has_tail_call: bool,
    /// It loads from the packet as classic BPF did.
    pub has_ld_abs: bool,
    /// It, or a function that it calls, moves the packet.
    pub changes_packet: bool,
    /// It, or a function that it calls, calls what may sleep.
    pub might_sleep: bool,
    /// Its part of [`Structure::postorder`].
    pub postorder: Range<u32>,
}

impl Subprogram {
    /// A function of which the start alone is known.
    fn outline(start: Pc) -> Subprogram {
        Subprogram {
            start,
            end: start,
            name: None,
            func: None,
            global: false,
            has_tail_call: false,
            has_ld_abs: false,
            changes_packet: false,
            might_sleep: false,
            postorder: 0..0,
        }
    }
}

/// What is known of an instruction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InsnFacts {
    /// Number of the loop that it is part of; 0 for none. Nested loops share one.
    pub scc: u32,
    /// Bit `n`: register `n` (`r0` to `r9`) may be read before it is written,
    /// from here on.
    pub live_before: u16,
    /// Number of its function.
    pub subprogram: u16,
    /// What the exploration does here.
    pub marks: Marks,
}

/// What the exploration does at an instruction: a set of marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(u8);

impl Marks {
    /// Looks for a checkpoint that covers the path.
    pub const PRUNE_POINT: Marks = Marks(1);
    /// Notes where the path came from.
    pub const JUMP_HISTORY: Marks = Marks(1 << 1);
    /// Keeps a checkpoint whatever the counters say.
    pub const FORCE_CHECKPOINT: Marks = Marks(1 << 2);
    /// Calls something that calls back before it returns.
    pub const CALLS_CALLBACK: Marks = Marks(1 << 3);

    /// Whether all of `other` are set.
    pub fn contains(self, other: Marks) -> bool {
        self.0 & other.0 == other.0
    }

    fn set(&mut self, other: Marks) {
        self.0 |= other.0;
    }
}

/// Checks the structure of a program.
///
/// # Errors
///
/// The refusal of the first pass that finds a fault; `Unsupported` for arenas.
pub fn analyze(program: &Program, config: &Config) -> Result<Structure> {
    let slots = program.code.as_slice();
    if slots.is_empty() || slots.len() > limits::MAX_INSNS {
        return Err(Refusal::Length.into());
    }
    btf_info::check_shape(program)?;
    let found = subprograms::discover(program)?;
    let Division {
        mut subprograms,
        mut insns,
        graph,
    } = subprograms::divide(program, &found)?;
    let mentions = found.mentions;
    btf_info::check(program, &mut subprograms)?;
    subprograms::name_by_symbols(program, &mut subprograms);
    references::check(program)?;
    let Order {
        postorder,
        positions,
    } = order::postorder(slots, &graph, &mentions, &insns, &mut subprograms)?;
    attach::check(program)?;
    let callees = calls::callees(program, config, &mentions);
    let may_gotos = cfg::mark(
        slots,
        &graph,
        &mentions,
        &callees,
        &mut insns,
        &mut subprograms,
    );
    let scc_count = scc::number(&graph, &subprograms, &mut insns);
    live::compute(slots, &graph, &mentions, &callees, &mut insns);
    Ok(Structure {
        code: Code::new(program.code.clone()),
        subprograms,
        insns,
        postorder,
        positions,
        graph,
        scc_count,
        mentions,
        may_gotos,
    })
}

impl Structure {
    /// The functions alone, for the log of a program whose structure is refused.
    pub(crate) fn outline(program: &Program) -> Structure {
        let found = subprograms::discover(program).unwrap_or_default();
        let starts = found.starts.into_iter();
        Structure {
            code: Code::new(program.code.clone()),
            subprograms: starts.map(Subprogram::outline).collect(),
            ..Structure::default()
        }
    }

    /// The number of functions that were known when the structure of a program
    /// was refused.
    pub(crate) fn functions_before_refusal(program: &Program) -> usize {
        let is_first = program.code.is_empty()
            || program.code.len() > limits::MAX_INSNS
            || btf_info::check_shape(program).is_err();
        if is_first {
            0
        } else {
            subprograms::count(program)
        }
    }

    /// What is known of the instruction at `pc`.
    pub fn insn(&self, pc: Pc) -> InsnFacts {
        self.insns.get(pc.index()).copied().unwrap_or_default()
    }

    /// The places of all instructions, second slots of wide ones left out.
    pub fn places(&self) -> impl Iterator<Item = Pc> {
        let slots = self.code.slots();
        let mut at = 0;
        std::iter::from_fn(move || {
            let slot = slots.get(at)?;
            let pc = Pc(at as u32);
            at += 1 + usize::from(flow::is_wide(*slot));
            Some(pc)
        })
    }

    /// Place of the instruction at `pc` in its function's part of the
    /// post-order.
    pub(crate) fn position(&self, pc: Pc) -> Option<usize> {
        let position = *self.positions.get(pc.index())?;
        (position != order::NOT_FOUND).then_some(position as usize)
    }

    /// Number of the function that `pc` is in.
    pub fn subprogram_at(&self, pc: Pc) -> Option<u32> {
        let facts = self.insns.get(pc.index())?;
        Some(facts.subprogram.into())
    }

    /// The function whose first slot is `pc`.
    pub fn subprogram_starting_at(&self, pc: Pc) -> Option<u32> {
        let found = self.subprograms.binary_search_by_key(&pc, |s| s.start);
        Some(found.ok()? as u32)
    }

    /// Where control may go after `pc` inside its function; calls come back.
    pub fn successors(&self, pc: Pc) -> Successors {
        self.graph.successors(pc)
    }
}
