//! A loaded program as those see it who translate it further: each instruction
//! with everything in it that loading resolved.

use abi::ProgType;
use isa::{Code, Insn, Pc};

use crate::helper::HelperFn;
use crate::interp::Loaded;
use crate::machine::{Machine, ProgId};
use crate::trap::TrapKind;

/// A loaded program.
#[derive(Clone, Copy, Debug)]
pub struct Linked<'m>(&'m Loaded);

/// A function of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its first instruction.
    pub entry: Pc,
    /// Bytes below the frame pointer that it can reach, all of which are zero
    /// when it is entered.
    pub stack: u32,
}

/// What loading found out about an instruction.
#[derive(Clone, Copy, Debug)]
pub enum Link {
    /// Nothing: the instruction says everything.
    None,
    /// The value that a wide load gives: a number, or the address that stands for
    /// a map, a variable or a function.
    Constant(u64),
    /// A call of a function of the program: its number in [`Linked::functions`].
    Function(usize),
    /// A call of a helper.
    Helper {
        /// Its number.
        id: u32,
        /// What it does.
        function: HelperFn,
    },
    /// `bpf_tail_call`.
    TailCall,
    /// The run ends here.
    Trap(TrapKind),
}

impl Machine {
    /// The programs that were loaded.
    pub fn program_ids(&self) -> impl Iterator<Item = ProgId> + use<> {
        (0..self.programs.len() as u32).map(ProgId)
    }

    /// The program as it was loaded; `None` when there is no such program, and
    /// while the interpreter runs.
    pub fn linked(&self, id: ProgId) -> Option<Linked<'_>> {
        self.programs.get(id.0 as usize).map(Linked)
    }
}

impl<'m> Linked<'m> {
    /// Its name.
    pub fn name(&self) -> &'m str {
        &self.0.name
    }

    /// Its type.
    pub fn prog_type(&self) -> ProgType {
        self.0.prog_type
    }

    /// Its instructions; structure has been checked.
    pub fn code(&self) -> &'m Code {
        &self.0.code
    }

    /// Its functions in the order of their entries, the program itself first.
    pub fn functions(&self) -> impl ExactSizeIterator<Item = Function> + use<'m> {
        let loaded = self.0;
        loaded.functions.iter().map(|function| Function {
            entry: Pc(loaded.pcs[function.entry]),
            stack: function.stack,
        })
    }

    /// Its instructions in order, second slots of wide ones left out.
    pub fn insns(&self) -> impl ExactSizeIterator<Item = (Pc, Insn, Link)> + use<'m> {
        let loaded = self.0;
        (0..loaded.pcs.len()).map(|at| {
            let pc = Pc(loaded.pcs[at]);
            let insn = loaded.code.insns()[pc.index()];
            (pc, insn, loaded.link(at))
        })
    }

    /// What loading found out about the instruction at `pc`; `None` where none
    /// begins.
    pub fn link(&self, pc: Pc) -> Option<Link> {
        self.0.op_at(pc).map(|at| self.0.link(at))
    }
}
