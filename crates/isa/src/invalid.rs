//! What is wrong with a slot that has no meaning.

use std::fmt;

use crate::{AluOp, Insn, Operand, table};

/// What is wrong with a slot that has no meaning.
///
/// `Display` is Linux's sentence (6.18, asked for each opcode and field). Linux
/// refuses [`Invalid::Opcode`], [`Invalid::Wide`], [`Invalid::Pseudo`] and the
/// reserved fields of loads at once, the others when its symbolic run gets
/// there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Invalid {
    /// No instruction has this opcode.
    #[error("unknown opcode {0:02x}")]
    Opcode(u8),
    /// A register number above 10.
    #[error("R{0} is invalid")]
    Register(u8),
    /// A field that this opcode does not use is not zero, or one has a value
    /// that means nothing.
    #[error("{} uses reserved fields", Family(*.opcode))]
    Reserved {
        /// The opcode.
        opcode: u8,
    },
    /// An atomic operation that there is not.
    #[error("BPF_ATOMIC uses invalid atomic opcode {0:02x}")]
    Atomic(i32),
    /// A read-modify-write of 8 or 16 bits.
    #[error("invalid atomic operand size")]
    AtomicSize,
    /// A reserved field of `may_goto`; the number is the immediate.
    #[error("invalid may_goto imm {0}")]
    MayGoto(i32),
    /// A 64-bit immediate of an unknown kind (the source field), or an upper
    /// half that its kind does not use.
    #[error("unrecognized bpf_ld_imm64 insn")]
    Pseudo,
    /// The second slot of a 64-bit immediate load is missing or is not blank.
    #[error("invalid bpf_ld_imm64 insn")]
    Wide,
}

/// The name that Linux's sentence has for the instructions of an opcode.
struct Family(u8);

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Loads of unknown modes have no row.
        let insn = table::rows(self.0).first().map(|row| row.insn);
        f.write_str(insn.map_or("BPF_LDX", family))
    }
}

fn family(insn: Insn) -> &'static str {
    match insn {
        Insn::Alu { op: AluOp::Mov, .. } | Insn::Movsx { .. } | Insn::AddrSpaceCast { .. } => {
            "BPF_MOV"
        }
        Insn::Alu { .. } => "BPF_ALU",
        Insn::Neg { .. } => "BPF_NEG",
        Insn::Endian { .. } => "BPF_END",
        Insn::LoadImm { .. } | Insn::WideTail => "BPF_LD_IMM64",
        Insn::Load { .. } => "BPF_LDX",
        Insn::Store {
            src: Operand::Imm(_),
            ..
        } => "BPF_ST",
        Insn::Store { .. }
        | Insn::Atomic { .. }
        | Insn::LoadAcquire { .. }
        | Insn::StoreRelease { .. } => "BPF_STX",
        Insn::LoadPacket { .. } => "BPF_LD_[ABS|IND]",
        Insn::Jump { .. } => "BPF_JA",
        Insn::Branch { .. } => "BPF_JMP/JMP32",
        Insn::MayGoto { .. } => "may_goto",
        Insn::Call { .. } | Insn::CallReg { .. } => "BPF_CALL",
        Insn::Exit => "BPF_EXIT",
        Insn::Invalid(_) => "the slot",
    }
}
