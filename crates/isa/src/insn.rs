//! The meaning of a slot, as a small typed value.
//!
//! An [`Insn`] says what an instruction does, without the accidents of its
//! encoding: an addition is `Alu { op: Add, .. }` whether its operand is a
//! register or an immediate. Parties match on this type; only [`crate::table`]
//! knows the bits.

use crate::Invalid;

/// A register. `R10` is the read-only frame pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Reg {
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
}

impl Reg {
    /// The frame pointer.
    pub const FP: Reg = Reg::R10;

    /// All registers in order.
    pub const ALL: [Reg; 11] = [
        Reg::R0,
        Reg::R1,
        Reg::R2,
        Reg::R3,
        Reg::R4,
        Reg::R5,
        Reg::R6,
        Reg::R7,
        Reg::R8,
        Reg::R9,
        Reg::R10,
    ];

    /// The register with this number, if there is one.
    pub fn new(number: u8) -> Option<Reg> {
        Reg::ALL.get(usize::from(number)).copied()
    }

    /// The register's number, 0 to 10.
    pub fn index(self) -> usize {
        self as usize
    }
}

/// Operand width of arithmetic, jumps and atomics.
///
/// A 32-bit result is zero-extended into the 64-bit register (RFC 9669
/// section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Width {
    W32,
    W64,
}

impl Width {
    /// The number of bits: 32 or 64.
    pub const fn bits(self) -> u32 {
        match self {
            Width::W32 => 32,
            Width::W64 => 64,
        }
    }

    /// The number of bytes: 4 or 8.
    pub const fn bytes(self) -> u32 {
        self.bits() / 8
    }
}

/// Bytes that a memory access moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Size {
    B1,
    B2,
    B4,
    B8,
}

impl Size {
    /// The number of bytes: 1, 2, 4 or 8.
    pub fn bytes(self) -> u32 {
        1 << self as u32
    }

    /// The number of bits: 8, 16, 32 or 64.
    pub fn bits(self) -> u32 {
        self.bytes() * 8
    }
}

/// The second operand: a register or a sign-extended immediate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Operand {
    Reg(Reg),
    Imm(i32),
}

/// Binary arithmetic; the destination is also the left operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum AluOp {
    Add,
    Sub,
    Mul,
    /// Unsigned; by zero gives 0.
    Div,
    /// Signed; by zero gives 0, `MIN / -1` gives `MIN`.
    Sdiv,
    /// Unsigned; by zero leaves the destination.
    Mod,
    /// Signed; by zero leaves the destination, `MIN % -1` gives 0.
    Smod,
    Or,
    And,
    Xor,
    /// The amount is masked to the width.
    Lsh,
    /// Logical.
    Rsh,
    /// Arithmetic.
    Arsh,
    Mov,
}

impl AluOp {
    /// All of them.
    pub const ALL: [AluOp; 14] = [
        AluOp::Add,
        AluOp::Sub,
        AluOp::Mul,
        AluOp::Div,
        AluOp::Sdiv,
        AluOp::Mod,
        AluOp::Smod,
        AluOp::Or,
        AluOp::And,
        AluOp::Xor,
        AluOp::Lsh,
        AluOp::Rsh,
        AluOp::Arsh,
        AluOp::Mov,
    ];
}

/// Comparisons of conditional jumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum CmpOp {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
    Sgt,
    Sge,
    Slt,
    Sle,
    /// Taken when the operands have a bit in common.
    Set,
}

impl CmpOp {
    /// All of them.
    pub const ALL: [CmpOp; 11] = [
        CmpOp::Eq,
        CmpOp::Ne,
        CmpOp::Gt,
        CmpOp::Ge,
        CmpOp::Lt,
        CmpOp::Le,
        CmpOp::Sgt,
        CmpOp::Sge,
        CmpOp::Slt,
        CmpOp::Sle,
        CmpOp::Set,
    ];
}

/// Byte order conversions (RFC 9669 section 4.2), on a little-endian host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndianOp {
    /// To little-endian: truncation to the size.
    Le,
    /// To big-endian: swap of the low bytes, the rest zeroed.
    Be,
    /// Unconditional swap (ISA v4).
    Bswap,
}

/// Atomic read-modify-write operations (RFC 9669 section 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AtomicOp {
    /// `fetch`: whether the old value goes to the source register.
    Add {
        #[expect(missing_docs, reason = "said above")]
        fetch: bool,
    },
    /// See [`AtomicOp::Add`].
    Or {
        #[expect(missing_docs, reason = "said above")]
        fetch: bool,
    },
    /// See [`AtomicOp::Add`].
    And {
        #[expect(missing_docs, reason = "said above")]
        fetch: bool,
    },
    /// See [`AtomicOp::Add`].
    Xor {
        #[expect(missing_docs, reason = "said above")]
        fetch: bool,
    },
    /// Exchange; the old value goes to the source register.
    Xchg,
    /// Compare with `r0` and exchange; the old value goes to `r0`.
    Cmpxchg,
}

impl AtomicOp {
    /// Whether the old value goes to a register: `r0` for
    /// [`AtomicOp::Cmpxchg`], the source register otherwise.
    pub const fn fetches(self) -> bool {
        match self {
            AtomicOp::Add { fetch }
            | AtomicOp::Or { fetch }
            | AtomicOp::And { fetch }
            | AtomicOp::Xor { fetch } => fetch,
            AtomicOp::Xchg | AtomicOp::Cmpxchg => true,
        }
    }
}

/// What a 64-bit immediate load means (RFC 9669 section 5.4, the `src` field).
///
/// `lo` is the `imm` of the first slot, `hi` that of the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "lo and hi are said above, the rest at each variant"
)]
pub enum Imm64 {
    /// `src = 0`: the 64-bit number `hi:lo`; see [`Imm64::value`].
    Value { lo: u32, hi: u32 },
    /// `src = 1`: the map with this descriptor.
    MapFd { fd: i32 },
    /// `src = 2`: the address of byte `offset` in the value of a map.
    MapValue { fd: i32, offset: i32 },
    /// `src = 3`: the address (or id) of a variable of the platform, by BTF id.
    Variable { btf_id: i32, module_fd: i32 },
    /// `src = 4`: the address of a function of this program, relative to the
    /// next slot, as a callback.
    Function { offset: i32 },
    /// `src = 5`: the map with this index in the program's list of maps.
    MapIndex { index: i32 },
    /// `src = 6`: as `MapValue`, the map by its index in the program's list.
    MapIndexValue { index: i32, offset: i32 },
}

impl Imm64 {
    /// The number that a plain immediate stands for.
    pub fn value(self) -> Option<u64> {
        match self {
            Imm64::Value { lo, hi } => Some(u64::from(hi) << 32 | u64::from(lo)),
            _ => None,
        }
    }
}

/// What a call goes to (the `src` field of `call`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are named as in RFC 9669")]
pub enum CallTarget {
    /// `src = 0`: a helper function by its number.
    Helper(i32),
    /// `src = 1`: a function of this program, relative to the next slot.
    Local(i32),
    /// `src = 2`: a function of the platform by BTF id; `module` is the index
    /// of a descriptor, 0 for the platform itself.
    Kfunc { btf_id: i32, module: i16 },
}

/// Addressing of the legacy packet loads (RFC 9669 section 5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketMode {
    /// `ldabs`: at the immediate.
    Absolute,
    /// `ldind`: at source register plus immediate.
    Indirect(Reg),
}

/// The meaning of one instruction.
///
/// Jump offsets are relative to the slot after the instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "fields are named as in RFC 9669")]
pub enum Insn {
    /// `dst = dst op src`; for `Mov`, `dst = src`.
    Alu {
        op: AluOp,
        width: Width,
        dst: Reg,
        src: Operand,
    },
    /// `dst = -dst`.
    Neg { width: Width, dst: Reg },
    /// `dst = (s<bits>)src`, sign-extended to the width; bits is 8, 16 or 32.
    Movsx {
        width: Width,
        bits: u8,
        dst: Reg,
        src: Reg,
    },
    /// Byte order conversion of the low 16, 32 or 64 bits.
    Endian { op: EndianOp, bits: u8, dst: Reg },
    /// Conversion of a pointer between address spaces.
    AddrSpaceCast {
        dst: Reg,
        src: Reg,
        dst_space: u16,
        src_space: u16,
    },
    /// A 64-bit immediate; takes two slots.
    LoadImm { dst: Reg, imm: Imm64 },
    /// The second slot of [`Insn::LoadImm`]; never executed.
    WideTail,
    /// `dst = *(size *)(base + offset)`, zero- or sign-extended.
    Load {
        size: Size,
        signed: bool,
        dst: Reg,
        base: Reg,
        offset: i16,
    },
    /// `*(size *)(base + offset) = src`.
    Store {
        size: Size,
        base: Reg,
        offset: i16,
        src: Operand,
    },
    /// A load with acquire ordering.
    LoadAcquire {
        size: Size,
        dst: Reg,
        base: Reg,
        offset: i16,
    },
    /// A store with release ordering.
    StoreRelease {
        size: Size,
        base: Reg,
        offset: i16,
        src: Reg,
    },
    /// Atomic read-modify-write of memory.
    Atomic {
        op: AtomicOp,
        width: Width,
        base: Reg,
        offset: i16,
        src: Reg,
    },
    /// Legacy packet load into `r0`, in network byte order; `r6` is the
    /// context. Ends the program with 0 when out of the packet.
    LoadPacket {
        mode: PacketMode,
        size: Size,
        imm: i32,
    },
    /// Unconditional jump. `long`: written with the 32-bit offset (`gotol`).
    Jump { offset: i32, long: bool },
    /// Conditional jump.
    Branch {
        op: CmpOp,
        width: Width,
        dst: Reg,
        src: Operand,
        offset: i16,
    },
    /// A jump that the platform takes when the program has looped too often.
    MayGoto { offset: i16 },
    /// Function call: arguments in `r1` to `r5`, result in `r0`.
    Call { target: CallTarget },
    /// Call through a register. Decoded, but no platform runs it.
    CallReg { target: Reg },
    /// Return `r0`.
    Exit,
    /// A slot without meaning.
    Invalid(Invalid),
}

const _: () = assert!(size_of::<Insn>() <= 16);
