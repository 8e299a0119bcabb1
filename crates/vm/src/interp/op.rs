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
    pub(super) code: OpCode,
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
///   register, store of an immediate.
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
        }
    };
}
pub(super) use op_families;

macro_rules! op_codes {
    (
        alu { $($alu:ident: $a64:ident $a64k:ident $a32:ident $a32k:ident;)* }
        branch { $($cmp:ident: $j64:ident $j64k:ident $j32:ident $j32k:ident;)* }
        memory { $($size:ident $t:ident: $load:ident $loads:ident $store:ident $storek:ident;)* }
    ) => {
        /// What an [`Op`] does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum OpCode {
            $($a64, $a64k, $a32, $a32k,)*
            $($j64, $j64k, $j32, $j32k,)*
            $($load, $loads, $store, $storek,)*
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
