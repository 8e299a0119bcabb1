//! Text to instructions: takes the kernel's text, as [`crate::disasm`] prints
//! it, and what a person needs beyond it to write a program by hand.
//!
//! ```
//! let code = isa::asm::assemble("
//!     r0 = 0
//!     r1 = 10
//! again:                      ; labels end in a colon
//!     r0 += r1
//!     r1 -= 1
//!     if r1 != 0 goto again   // or: goto pc-3
//!     exit
//! ")?;
//! assert_eq!(code.len(), 6);
//! # Ok::<(), isa::asm::AsmError>(())
//! ```
//!
//! * One instruction a line; `;` and `//` begin a comment. A line may begin
//!   with `5:` and `(2d)`, which are skipped, so that a verifier log or a
//!   listing can be pasted.
//! * Numbers are decimal or hexadecimal. `r0 = 0x10` is a 64-bit immediate load
//!   (two slots), as it is where the kernel prints it; `r0 = 16` is a move.
//!   `r0 = 16 ll` is a load again.
//! * A jump goes to `pc+N` or to a label, and so does a local call. `subprog[x]`
//!   is the address of a function. Offsets of jumps count slots.
//! * A helper is `call name#1`, where the number counts, `call 1`, or a name
//!   alone, which the caller's resolver must know. A platform function is
//!   `call kfunc#1` or `call kfunc#1@2`, with a module, or a name that the
//!   resolver knows as one. A map is `map[fd:3]`, `map[idx:3]` or `map[name]`.
//! * `.slot 0x00000000000000ff` is a slot as the number its bytes are.
//!
//! White space between words, numbers and signs does not matter. There are no
//! expressions, macros or sections.

mod error;
mod lex;
mod line;
mod operand;

use std::collections::{BTreeMap, BTreeSet};

use crate::disasm::Symbol;
use crate::{Code, Insn, Slot, codec};
pub use error::{AsmError, Expected, Fault};
use lex::Token;
use line::{Label, Statement};

/// What a name in the text stands for; `None` when it is not known.
pub type Resolver<'a> = &'a dyn Fn(&str) -> Option<Symbol>;

/// Assembles a program that names nothing from outside.
pub fn assemble(text: &str) -> Result<Code, AsmError> {
    assemble_with(text, &|_| None)
}

/// Assembles a program; `resolver` knows helpers, platform functions and maps
/// by name.
pub fn assemble_with(text: &str, resolver: Resolver<'_>) -> Result<Code, AsmError> {
    let lines = lex::lines(text)?;
    let labels = lines.iter().filter_map(|line| line.label);
    let labels: BTreeSet<&str> = labels.map(|label| label.text).collect();
    let mut program = Program::default();
    for line in &lines {
        if let Some(label) = line.label {
            program.define(label, line.number)?;
        }
        match line::parse(line, &labels, resolver)? {
            Statement::Nothing => {}
            Statement::Slot(slot) => program.slots.push(slot),
            Statement::Insn(insn, None) => program.push(insn),
            Statement::Insn(insn, Some(label)) => {
                program.jumps.push((program.slots.len(), insn, label));
                program.push(insn);
            }
        }
    }
    program.link()
}

/// The program so far.
#[derive(Default)]
struct Program {
    slots: Vec<Slot>,
    labels: BTreeMap<String, usize>,
    /// Instructions that refer to a label, and where they stand.
    jumps: Vec<(usize, Insn, Label)>,
}

impl Program {
    fn define(&mut self, label: Token<'_>, line: usize) -> Result<(), AsmError> {
        let here = self.slots.len();
        match self.labels.insert(label.text.to_owned(), here) {
            None => Ok(()),
            Some(_) => Err(AsmError {
                line,
                column: label.column,
                fault: Fault::Duplicate(label.text.to_owned()),
            }),
        }
    }

    fn push(&mut self, insn: Insn) {
        let (head, second) = codec::encode(insn).expect("the assembler makes encodable values");
        self.slots.push(head);
        self.slots.extend(second);
    }

    /// Puts distances in place of labels.
    fn link(mut self) -> Result<Code, AsmError> {
        for (at, insn, label) in self.jumps {
            let to = self.labels.get(&label.name).copied().unwrap_or_default();
            let distance = to as i64 - at as i64 - 1;
            let slot = i32::try_from(distance)
                .ok()
                .and_then(|distance| codec::encode(retarget(insn, distance)?));
            let Some((slot, _)) = slot else {
                return Err(AsmError {
                    line: label.line,
                    column: label.column,
                    fault: Fault::Distance(label.name, distance),
                });
            };
            self.slots[at] = slot;
        }
        Ok(Code::new(self.slots))
    }
}

/// `insn` with the offset of its jump, call or callback replaced.
fn retarget(insn: Insn, distance: i32) -> Option<Insn> {
    let fields = crate::fields::operands(insn)?;
    let short = matches!(
        insn,
        Insn::Jump { long: false, .. } | Insn::Branch { .. } | Insn::MayGoto { .. }
    );
    let fields = if short {
        fields.with_offset(i16::try_from(distance).ok()?)
    } else {
        fields.with_imm(distance)
    };
    Some(crate::fields::fill(insn, fields))
}
