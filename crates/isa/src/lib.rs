//! The eBPF instruction set.
//!
//! Everything that follows from the instruction set alone: the eight bytes of
//! a [`Slot`], their meaning as an [`Insn`], the table that relates the two,
//! the kernel's text for an instruction and back, and what each operation
//! computes.
//!
//! The sources are RFC 9669 and, for what Linux has beyond it, measurements on
//! the running kernel.
//!
//! # Invariants
//!
//! * This crate never knows Linux: a helper is a number, a map is a number. The
//!   disassembler asks its caller for names.
//! * Opcodes are listed once, in [`table`]. Nobody else lists them.
//! * Decoding never fails as a whole. Linux checks reserved fields and register
//!   numbers only when its symbolic run reaches an instruction, so a slot
//!   without meaning decodes to [`Insn::Invalid`], which says what is wrong with
//!   it, and each party answers for it when it gets there.
#![forbid(unsafe_code)]

pub mod asm;
mod cfg;
mod code;
mod codec;
pub mod disasm;
pub mod eval;
mod fields;
mod insn;
mod invalid;
mod slot;
pub mod table;
pub mod vectors;

pub use cfg::Block;
pub use code::{Code, CodeError};
pub use codec::{decode, encode};
pub use insn::{
    AluOp, AtomicOp, CallTarget, CmpOp, EndianOp, Imm64, Insn, Operand, PacketMode, Reg, Size,
    Width,
};
pub use invalid::Invalid;
pub use slot::{Pc, Slot};
