//! The internal form of a program: what [`super::exec`] runs.
//!
//! One [`Op`] for each instruction, 16 bytes, at the instruction's number (wide
//! instructions count once). Everything that can be decided when a program is
//! loaded is decided in it: the operand form is part of the operation, jump
//! distances count ops, maps and variables are addresses, helpers are indices
//! into a list of functions.

use isa::Reg;

/// One instruction, ready to run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Op {
    /// What to do here, and for the ops that follow where it is a fused code.
    pub(super) code: OpCode,
    /// What to do for this instruction alone.
    pub(super) plain: OpCode,
    pub(super) dst: Reg,
    pub(super) src: Reg,
    /// Bytes from the base register; ops from the next op to that of `index`.
    pub(super) offset: i32,
    /// Immediate.
    pub(super) imm: i32,
    /// The op that a jump goes to, an index into a list of the program, or the
    /// upper half of a wide immediate.
    pub(super) index: u32,
}

impl Op {
    /// The immediate as an operand: sign-extended.
    #[inline(always)]
    pub(super) fn immediate(&self) -> u64 {
        isa::eval::immediate(self.imm)
    }

    /// The wide immediate.
    #[inline(always)]
    pub(super) fn wide(&self) -> u64 {
        u64::from(self.index) << 32 | u64::from(self.imm as u32)
    }
}

const _: () = assert!(size_of::<Op>() == 16);

/// Calls a macro with the families of operations that come in forms:
///
/// * arithmetic: `AluOp`, then its forms 64-bit by register, by immediate,
///   32-bit by register, by immediate;
/// * comparisons: `CmpOp`, then the same forms;
/// * memory: `Size`, its Rust type, then load, sign-extending load, store of a
///   register, store of an immediate;
///
/// and of fused ones, see [`super::fuse`]:
///
/// * moves: a move and an operation on the same destination, in the same forms;
/// * pairs: any two ops, one after the other.
macro_rules! op_families {
    ($with:ident) => {
        $with! {
            alu {
                Add: Add64 Add64K Add32 Add32K;
                Sub: Sub64 Sub64K Sub32 Sub32K;
                Mul: Mul64 Mul64K Mul32 Mul32K;
                Div: Div64 Div64K Div32 Div32K;
                Sdiv: Sdiv64 Sdiv64K Sdiv32 Sdiv32K;
                Mod: Mod64 Mod64K Mod32 Mod32K;
                Smod: Smod64 Smod64K Smod32 Smod32K;
                Or: Or64 Or64K Or32 Or32K;
                And: And64 And64K And32 And32K;
                Xor: Xor64 Xor64K Xor32 Xor32K;
                Lsh: Lsh64 Lsh64K Lsh32 Lsh32K;
                Rsh: Rsh64 Rsh64K Rsh32 Rsh32K;
                Arsh: Arsh64 Arsh64K Arsh32 Arsh32K;
                Mov: Mov64 Mov64K Mov32 Mov32K;
            }
            branch {
                Eq: Jeq64 Jeq64K Jeq32 Jeq32K;
                Ne: Jne64 Jne64K Jne32 Jne32K;
                Gt: Jgt64 Jgt64K Jgt32 Jgt32K;
                Ge: Jge64 Jge64K Jge32 Jge32K;
                Lt: Jlt64 Jlt64K Jlt32 Jlt32K;
                Le: Jle64 Jle64K Jle32 Jle32K;
                Sgt: Jsgt64 Jsgt64K Jsgt32 Jsgt32K;
                Sge: Jsge64 Jsge64K Jsge32 Jsge32K;
                Slt: Jslt64 Jslt64K Jslt32 Jslt32K;
                Sle: Jsle64 Jsle64K Jsle32 Jsle32K;
                Set: Jset64 Jset64K Jset32 Jset32K;
            }
            memory {
                B1 u8: Load1 Load1S Store1 Store1K;
                B2 u16: Load2 Load2S Store2 Store2K;
                B4 u32: Load4 Load4S Store4 Store4K;
                B8 u64: Load8 Load8S Store8 Store8K;
            }
            moves {
                Add: MovAdd64 MovAdd64K MovAdd32 MovAdd32K;
                Sub: MovSub64 MovSub64K MovSub32 MovSub32K;
                Mul: MovMul64 MovMul64K MovMul32 MovMul32K;
                Or: MovOr64 MovOr64K MovOr32 MovOr32K;
                And: MovAnd64 MovAnd64K MovAnd32 MovAnd32K;
                Xor: MovXor64 MovXor64K MovXor32 MovXor32K;
                Lsh: MovLsh64 MovLsh64K MovLsh32 MovLsh32K;
                Rsh: MovRsh64 MovRsh64K MovRsh32 MovRsh32K;
                Arsh: MovArsh64 MovArsh64K MovArsh32 MovArsh32K;
            }
            pairs {
                Add64KJgt64: Add64K Jgt64;
                Add64KJne64: Add64K Jne64;
                Add64KJlt64: Add64K Jlt64;
                Add64KJne64K: Add64K Jne64K;
                Add64KJlt64K: Add64K Jlt64K;
                Add64KJump: Add64K Jump;
                Add64Jgt64: Add64 Jgt64;
                Add32KJne32K: Add32K Jne32K;
                And64KJeq64K: And64K Jeq64K;
                And64KJne64K: And64K Jne64K;
                And32KJeq32K: And32K Jeq32K;
                And32KJne32K: And32K Jne32K;
                Load1Jeq64K: Load1 Jeq64K;
                Load1Jne64K: Load1 Jne64K;
                Load1Jeq32K: Load1 Jeq32K;
                Load1Jne32K: Load1 Jne32K;
                Load2Jeq64K: Load2 Jeq64K;
                Load2Jne64K: Load2 Jne64K;
                Load2Jeq32K: Load2 Jeq32K;
                Load2Jne32K: Load2 Jne32K;
                Load1Lsh64K: Load1 Lsh64K;
                Load1Lsh32K: Load1 Lsh32K;
                Load2Be16: Load2 Be16;
                Load4Be32: Load4 Be32;
                Lsh64KOr64: Lsh64K Or64;
                Lsh32KOr32: Lsh32K Or32;
                Lsh64KRsh64K: Lsh64K Rsh64K;
                Lsh64KArsh64K: Lsh64K Arsh64K;
                Lsh64KAdd64: Lsh64K Add64;
                Load1Load1: Load1 Load1;
                Load4Load4: Load4 Load4;
                Load8Load8: Load8 Load8;
                Load1Store1: Load1 Store1;
                Load4Store4: Load4 Store4;
                Store1Store1: Store1 Store1;
                Store4Store4: Store4 Store4;
                Store8Store8: Store8 Store8;
                Mov64Mov64: Mov64 Mov64;
                Mov64Mov64K: Mov64 Mov64K;
                Mov64Mov32K: Mov64 Mov32K;
                Add64Load1: Add64 Load1;
                Add64Load4: Add64 Load4;
            }
        }
    };
}
pub(super) use op_families;

macro_rules! op_codes {
    (
        alu { $($alu:ident: $a64:ident $a64k:ident $a32:ident $a32k:ident;)* }
        branch { $($cmp:ident: $j64:ident $j64k:ident $j32:ident $j32k:ident;)* }
        memory { $($size:ident $t:ident: $load:ident $loads:ident $store:ident $storek:ident;)* }
        moves { $($op:ident: $m64:ident $m64k:ident $m32:ident $m32k:ident;)* }
        pairs { $($pair:ident: $first:ident $second:ident;)* }
    ) => {
        /// What an [`Op`] does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum OpCode {
            $($a64, $a64k, $a32, $a32k,)*
            $($j64, $j64k, $j32, $j32k,)*
            $($load, $loads, $store, $storek,)*
            $($m64, $m64k, $m32, $m32k,)*
            $($pair,)*
            /// Three ops: a pointer and a number against a limit.
            Bound,
            Be16,
            Be32,
            Be64,
            /// A wide immediate.
            LoadImm,
            Jump,
            /// `index`: its first op, `imm`: number of the function.
            CallLocal,
            /// `index`: which of the helpers.
            CallHelper,
            /// A helper call that is a map look-up.
            Lookup,
            TailCall,
            Exit,
            MayGoto,
            /// `index`: which of the instructions that are not worth a code.
            Other,
            /// `index`: which of the traps.
            Trap,
        }

        impl OpCode {
            /// Arithmetic in one of its forms.
            pub(super) fn alu(op: isa::AluOp, width: isa::Width, immediate: bool) -> OpCode {
                match (op, width, immediate) {
                    $(
                        (isa::AluOp::$alu, isa::Width::W64, false) => OpCode::$a64,
                        (isa::AluOp::$alu, isa::Width::W64, true) => OpCode::$a64k,
                        (isa::AluOp::$alu, isa::Width::W32, false) => OpCode::$a32,
                        (isa::AluOp::$alu, isa::Width::W32, true) => OpCode::$a32k,
                    )*
                }
            }

            /// A conditional jump in one of its forms.
            pub(super) fn branch(op: isa::CmpOp, width: isa::Width, immediate: bool) -> OpCode {
                match (op, width, immediate) {
                    $(
                        (isa::CmpOp::$cmp, isa::Width::W64, false) => OpCode::$j64,
                        (isa::CmpOp::$cmp, isa::Width::W64, true) => OpCode::$j64k,
                        (isa::CmpOp::$cmp, isa::Width::W32, false) => OpCode::$j32,
                        (isa::CmpOp::$cmp, isa::Width::W32, true)
                            if inject::on(inject::Bug::SolanaPath) =>
                        {
                            OpCode::$j64k
                        }
                        (isa::CmpOp::$cmp, isa::Width::W32, true) => OpCode::$j32k,
                    )*
                }
            }

            /// A load.
            pub(super) fn load(size: isa::Size, signed: bool) -> OpCode {
                match (size, signed) {
                    $(
                        (isa::Size::$size, false) => OpCode::$load,
                        (isa::Size::$size, true) => OpCode::$loads,
                    )*
                }
            }

            /// The op for a move to a register and then this arithmetic on it.
            pub(super) fn after_move(op: isa::AluOp, width: isa::Width, immediate: bool) -> Option<OpCode> {
                match (op, width, immediate) {
                    $(
                        (isa::AluOp::$op, isa::Width::W64, false) => Some(OpCode::$m64),
                        (isa::AluOp::$op, isa::Width::W64, true) => Some(OpCode::$m64k),
                        (isa::AluOp::$op, isa::Width::W32, false) => Some(OpCode::$m32),
                        (isa::AluOp::$op, isa::Width::W32, true) => Some(OpCode::$m32k),
                    )*
                    _ => None,
                }
            }

            /// What arithmetic this is.
            pub(super) fn as_alu(self) -> Option<(isa::AluOp, isa::Width, bool)> {
                match self {
                    $(
                        OpCode::$a64 => Some((isa::AluOp::$alu, isa::Width::W64, false)),
                        OpCode::$a64k => Some((isa::AluOp::$alu, isa::Width::W64, true)),
                        OpCode::$a32 => Some((isa::AluOp::$alu, isa::Width::W32, false)),
                        OpCode::$a32k => Some((isa::AluOp::$alu, isa::Width::W32, true)),
                    )*
                    _ => None,
                }
            }

            /// The op for two ops one after the other.
            pub(super) fn pair(first: OpCode, second: OpCode) -> Option<OpCode> {
                match (first, second) {
                    $((OpCode::$first, OpCode::$second) => Some(OpCode::$pair),)*
                    _ => None,
                }
            }

            /// A store.
            pub(super) fn store(size: isa::Size, immediate: bool) -> OpCode {
                match (size, immediate) {
                    $(
                        (isa::Size::$size, false) => OpCode::$store,
                        (isa::Size::$size, true) => OpCode::$storek,
                    )*
                }
            }
        }
    };
}
op_families!(op_codes);
