//! Instructions as text: the kernel's own, as its verifier log and
//! `bpftool prog dump xlated` print them.
//!
//! The text of an operation is a column of [`crate::table`]; here only the
//! operands are filled in. [`crate::asm`] takes the text back.
//!
//! `Insn` has the plain form as its [`Display`](fmt::Display). To see names of
//! helpers and maps, give [`named`] or [`listing`] a closure that knows them.
//!
//! Linux replaces references to maps, variables and callbacks by addresses
//! before it prints them, so for these there is no text to follow, only
//! bpftool's (`map[id:3]`), which is followed in form.

use std::fmt::{self, Write};

use crate::fields::{self, Fields};
use crate::{CallTarget, Code, Imm64, Insn, Slot, codec, table};

/// Something outside the instruction set that an instruction refers to by
/// number and a person by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are those of CallTarget and Imm64")]
pub enum Symbol {
    /// [`CallTarget::Helper`].
    Helper(i32),
    /// [`CallTarget::Kfunc`].
    Kfunc { btf_id: i32, module: i16 },
    /// The map of [`Imm64::MapFd`] and [`Imm64::MapValue`].
    Map { fd: i32 },
}

impl Symbol {
    /// What `insn` refers to.
    pub fn of(insn: Insn) -> Option<Symbol> {
        match insn {
            Insn::Call { target } => match target {
                CallTarget::Helper(id) => Some(Symbol::Helper(id)),
                CallTarget::Kfunc { btf_id, module } => Some(Symbol::Kfunc { btf_id, module }),
                CallTarget::Local(_) => None,
            },
            Insn::LoadImm {
                imm: Imm64::MapFd { fd } | Imm64::MapValue { fd, .. },
                ..
            } => Some(Symbol::Map { fd }),
            _ => None,
        }
    }
}

/// Names of symbols; `None` where there is none to give.
pub type Names<'a> = &'a dyn Fn(Symbol) -> Option<String>;

/// The text of one instruction with names.
pub fn named(insn: Insn, names: Names<'_>) -> impl fmt::Display {
    fmt::from_fn(move |f| write_insn(f, insn, names))
}

impl fmt::Display for Insn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_insn(f, *self, &|_| None)
    }
}

/// A whole program, a line for each instruction: `   5: (2d) if r1 > r2 goto
/// pc+36`.
///
/// A slot without meaning, or with something that its text would not say, is
/// printed as a number, see [`raw`]: the assembler makes the same slots again
/// from the listing.
pub fn listing(code: &Code, names: Names<'_>) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        for (pc, insn) in code.iter() {
            let slot = code.slots().get(pc.index()).copied().unwrap_or_default();
            write!(f, "{:4}: ({:02x}) ", pc.0, slot.opcode)?;
            match codec::encode(insn) {
                Some((same, _)) if same == slot => writeln!(f, "{}", named(insn, names))?,
                _ => writeln!(f, "{}", raw(slot))?,
            }
        }
        Ok(())
    })
}

/// A slot as the number that its eight bytes are: `.slot 0x00000000000000ff`.
pub fn raw(slot: Slot) -> impl fmt::Display {
    let number = u64::from_le_bytes(slot.to_bytes());
    fmt::from_fn(move |f| write!(f, ".slot 0x{number:016x}"))
}

fn write_insn(f: &mut fmt::Formatter<'_>, insn: Insn, names: Names<'_>) -> fmt::Result {
    if let Insn::Invalid(reason) = insn {
        return write!(f, "({reason})");
    }
    // Values that no slot has have no text either.
    let Some((row, fields)) = table::row_of(insn).zip(fields::operands(insn)) else {
        return write!(f, "({insn:?})");
    };
    for char in row.text.chars() {
        if char.is_ascii_uppercase() {
            write_operand(f, char, fields, insn, names)?;
        } else {
            f.write_char(char)?;
        }
    }
    Ok(())
}

/// Writes the operand that `letter` stands for, see [`table::Row::text`].
fn write_operand(
    f: &mut fmt::Formatter<'_>,
    letter: char,
    fields: Fields,
    insn: Insn,
    names: Names<'_>,
) -> fmt::Result {
    let Fields {
        dst,
        src,
        offset,
        imm,
        tail,
    } = fields;
    let name = || Symbol::of(insn).and_then(names);
    match letter {
        'D' => write!(f, "{dst}"),
        'S' => write!(f, "{src}"),
        'O' => write!(f, "{offset:+}"),
        'I' => write!(f, "{imm}"),
        'X' => write!(f, "{imm:#x}"),
        'A' => write!(f, "{}", imm as u32 >> 16),
        'B' => write!(f, "{}", imm as u16),
        'J' => write!(f, "{tail}"),
        'L' => write!(
            f,
            "{:#x}",
            u64::from(tail as u32) << 32 | u64::from(imm as u32)
        ),
        'M' => match name() {
            Some(name) => f.write_str(&name),
            None => write!(f, "fd:{imm}"),
        },
        'P' => write!(f, "pc{offset:+}"),
        'Q' | 'C' => write!(f, "pc{imm:+}"),
        'F' => write!(f, "{imm:+}"),
        'H' => write!(f, "{}#{imm}", name().as_deref().unwrap_or("unknown")),
        'K' => match name() {
            Some(name) => write!(f, "{name}#{imm}"),
            None if offset == 0 => write!(f, "kfunc#{imm}"),
            None => write!(f, "kfunc#{imm}@{offset}"),
        },
        _ => unreachable!("letters of the table are listed at Row::text"),
    }
}
