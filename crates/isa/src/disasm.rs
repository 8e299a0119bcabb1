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
use crate::{CallTarget, Code, Imm64, Insn, Pc, Slot, codec, table};

/// Something outside the instruction set that an instruction refers to by
/// number and a person by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are those of CallTarget and Imm64")]
#[non_exhaustive]
pub enum Symbol {
    /// [`CallTarget::Helper`].
    Helper(i32),
    /// [`CallTarget::Kfunc`].
    Kfunc { btf_id: i32, module: i16 },
    /// The map of [`Imm64::MapFd`] and [`Imm64::MapValue`].
    Map { fd: i32 },
    /// The map of [`Imm64::MapIndex`] and [`Imm64::MapIndexValue`].
    MapIndex { index: i32 },
    /// The function of the program that begins here.
    Function(Pc),
}

impl Symbol {
    /// What `insn`, which stands at `pc`, refers to.
    pub fn of(pc: Pc, insn: Insn) -> Option<Symbol> {
        if let Some(offset) = insn.function_offset() {
            let start = i64::from(pc.0) + 1 + i64::from(offset);
            return Some(Symbol::Function(Pc(u32::try_from(start).ok()?)));
        }
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
            Insn::LoadImm {
                imm: Imm64::MapIndex { index } | Imm64::MapIndexValue { index, .. },
                ..
            } => Some(Symbol::MapIndex { index }),
            _ => None,
        }
    }
}

/// Names of symbols; `None` where there is none to give.
pub type Names<'a> = &'a dyn Fn(Symbol) -> Option<String>;

/// The text of one instruction, which stands at `pc`, with names.
pub fn named(pc: Pc, insn: Insn, names: Names<'_>) -> impl fmt::Display {
    let name = Symbol::of(pc, insn).and_then(names);
    fmt::from_fn(move |f| write_insn(f, insn, name.as_deref()))
}

impl fmt::Display for Insn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_insn(f, *self, None)
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
                Some((same, _)) if same == slot => writeln!(f, "{}", named(pc, insn, names))?,
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

fn write_insn(f: &mut fmt::Formatter<'_>, insn: Insn, name: Option<&str>) -> fmt::Result {
    if let Insn::Invalid(reason) = insn {
        return write!(f, "({reason})");
    }
    // Values that no slot has have no text either.
    let Some((row, fields)) = table::row_of(insn).zip(fields::operands(insn)) else {
        return write!(f, "({insn:?})");
    };
    for char in row.text.chars() {
        if char.is_ascii_uppercase() {
            write_operand(f, char, fields, name)?;
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
    name: Option<&str>,
) -> fmt::Result {
    let Fields {
        dst,
        src,
        offset,
        imm,
        tail,
    } = fields;
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
        'M' | 'N' => match (name, letter) {
            (Some(name), _) => f.write_str(name),
            (None, 'M') => write!(f, "fd:{imm}"),
            (None, _) => write!(f, "idx:{imm}"),
        },
        'P' => write!(f, "pc{offset:+}"),
        'Q' => write!(f, "pc{imm:+}"),
        'C' => match name {
            Some(name) => write!(f, "pc{imm:+}#{name}"),
            None => write!(f, "pc{imm:+}"),
        },
        'F' => write!(f, "{imm:+}"),
        'H' => write!(f, "{}#{imm}", name.unwrap_or("unknown")),
        'K' => match name {
            Some(name) => write!(f, "{name}#{imm}"),
            None if offset == 0 => write!(f, "kfunc#{imm}"),
            None => write!(f, "kfunc#{imm}@{offset}"),
        },
        _ => unreachable!("letters of the table are listed at Row::text"),
    }
}
