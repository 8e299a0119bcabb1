//! The instruction set as data: one row for each operation.
//!
//! Decoder, encoder, validity, disassembler and assembler all follow from
//! [`TABLE`]; nobody else lists opcodes. A row says
//!
//! * the opcode byte, and the value of a further field where that is needed to
//!   tell rows of one opcode apart ([`Select`]);
//! * the meaning, as an [`Insn`] whose operands are blank (`R0` and 0);
//! * the text, with a capital letter for each operand ([`Row::text`]);
//! * the conformance group of RFC 9669 section 2.4.
//!
//! Which operand lies in which field of the slot is a matter of the kind of
//! instruction and stands in `fields.rs`. A field that is neither an operand
//! nor selected is reserved and must be zero.
//!
//! To add an operation, write its row, beside the rows of the same opcode if
//! there are any. A new kind of instruction also needs a variant of [`Insn`]
//! and an arm in `fields.rs`, which the compiler will ask for.
//!
//! The sources are the opcode table of RFC 9669 appendix A and, for the rows
//! of [`Group::Linux`], what Linux 6.18 takes and prints.

use crate::{
    AluOp::{self, *},
    AtomicOp, CallTarget,
    CmpOp::{self, *},
    EndianOp, Imm64, Insn, Operand, PacketMode, Reg, Size,
    Size::*,
    Slot, Width,
    Width::*,
    fields,
};
use Group::*;
use Select::*;

/// One operation of the instruction set.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The opcode byte.
    pub opcode: u8,
    /// What tells the row apart from others with the same opcode.
    pub select: Select,
    /// The meaning, operands blank.
    pub insn: Insn,
    /// The text as the kernel prints it. A capital letter stands for an
    /// operand, everything else for itself:
    ///
    /// | letter | operand | printed as |
    /// |---|---|---|
    /// | `D`, `S` | number of the destination, source register | `10` |
    /// | `O` | offset of a memory access | `+8`, `-8` |
    /// | `I` | immediate | decimal |
    /// | `X` | immediate | hexadecimal, unsigned |
    /// | `A`, `B` | upper, lower half of the immediate | decimal, unsigned |
    /// | `J` | immediate of the second slot | decimal |
    /// | `L` | both immediates as one number | hexadecimal, unsigned |
    /// | `M` | a map by its descriptor | `fd:3`, or its name |
    /// | `N` | a map by its index | `idx:3`, or its name |
    /// | `P`, `Q` | jump target, in the offset or the immediate | `pc+1` |
    /// | `C` | target of a local call | `pc+1`, `pc+1#name` |
    /// | `F` | a function of the program | `+1` |
    /// | `H`, `K` | helper, platform function | `name#1` |
    pub text: &'static str,
    /// The conformance group.
    pub group: Group,
    /// Bits of a slot ([`Slot::operand_bits`]) that hold no operand.
    pub(crate) reserved: u64,
    /// What those bits are: [`Row::select`], else 0.
    pub(crate) fixed: u64,
    /// The slot after it holds an operand.
    pub(crate) tail: bool,
}

/// What tells rows of one opcode apart: the field and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Select {
    /// There is one row only.
    Any,
    /// The source register field.
    Src(u8),
    /// The offset.
    Off(i16),
    /// The immediate.
    Imm(i32),
}

/// The conformance groups of RFC 9669 section 2.4, and what stands outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of the RFC")]
pub enum Group {
    Base32,
    Base64,
    Divmul32,
    Divmul64,
    Atomic32,
    Atomic64,
    Packet,
    /// Not in the RFC: what Linux 6.18 has beyond it.
    Linux,
    /// Calls through a register: some compilers emit them, Linux refuses them
    /// as an unknown opcode.
    Callx,
}

/// All operations. Rows of one opcode stand together.
pub static TABLE: &[Row] = &ROWS;

#[rustfmt::skip]
const ROWS: [Row; 181] = [
    // 64-bit immediate loads. They come first, so that `r0 = 0x10` assembles to one,
    // as the kernel's text has it: a plain move prints its immediate in decimal.
    row(0x18, Src(0), load_imm(Imm64::Value { lo: 0, hi: 0 }),                "rD = L",              Base64),
    row(0x18, Src(1), load_imm(Imm64::MapFd { fd: 0 }),                       "rD = map[M]",         Base64),
    row(0x18, Src(2), load_imm(Imm64::MapValue { fd: 0, offset: 0 }),         "rD = map[M][0]+J",    Base64),
    row(0x18, Src(3), load_imm(Imm64::Variable { btf_id: 0, module_fd: 0 }),  "rD = btf[id:I fd:J]", Base64),
    row(0x18, Src(4), load_imm(Imm64::Function { offset: 0 }),                "rD = subprog[F]",     Base64),
    row(0x18, Src(5), load_imm(Imm64::MapIndex { index: 0 }),                 "rD = map[N]",         Base64),
    row(0x18, Src(6), load_imm(Imm64::MapIndexValue { index: 0, offset: 0 }), "rD = map[N]+J",       Base64),
    // 32-bit arithmetic.
    row(0x04, Any,     alu(Add, W32, IMM),  "wD += I",      Base32),
    row(0x0c, Any,     alu(Add, W32, REG),  "wD += wS",     Base32),
    row(0x14, Any,     alu(Sub, W32, IMM),  "wD -= I",      Base32),
    row(0x1c, Any,     alu(Sub, W32, REG),  "wD -= wS",     Base32),
    row(0x24, Any,     alu(Mul, W32, IMM),  "wD *= I",      Divmul32),
    row(0x2c, Any,     alu(Mul, W32, REG),  "wD *= wS",     Divmul32),
    row(0x34, Off(0),  alu(Div, W32, IMM),  "wD /= I",      Divmul32),
    row(0x34, Off(1),  alu(Sdiv, W32, IMM), "wD s/= I",     Divmul32),
    row(0x3c, Off(0),  alu(Div, W32, REG),  "wD /= wS",     Divmul32),
    row(0x3c, Off(1),  alu(Sdiv, W32, REG), "wD s/= wS",    Divmul32),
    row(0x44, Any,     alu(Or, W32, IMM),   "wD |= I",      Base32),
    row(0x4c, Any,     alu(Or, W32, REG),   "wD |= wS",     Base32),
    row(0x54, Any,     alu(And, W32, IMM),  "wD &= I",      Base32),
    row(0x5c, Any,     alu(And, W32, REG),  "wD &= wS",     Base32),
    row(0x64, Any,     alu(Lsh, W32, IMM),  "wD <<= I",     Base32),
    row(0x6c, Any,     alu(Lsh, W32, REG),  "wD <<= wS",    Base32),
    row(0x74, Any,     alu(Rsh, W32, IMM),  "wD >>= I",     Base32),
    row(0x7c, Any,     alu(Rsh, W32, REG),  "wD >>= wS",    Base32),
    row(0x94, Off(0),  alu(Mod, W32, IMM),  "wD %= I",      Divmul32),
    row(0x94, Off(1),  alu(Smod, W32, IMM), "wD s%= I",     Divmul32),
    row(0x9c, Off(0),  alu(Mod, W32, REG),  "wD %= wS",     Divmul32),
    row(0x9c, Off(1),  alu(Smod, W32, REG), "wD s%= wS",    Divmul32),
    row(0xa4, Any,     alu(Xor, W32, IMM),  "wD ^= I",      Base32),
    row(0xac, Any,     alu(Xor, W32, REG),  "wD ^= wS",     Base32),
    row(0xb4, Any,     alu(Mov, W32, IMM),  "wD = I",       Base32),
    row(0xbc, Off(0),  alu(Mov, W32, REG),  "wD = wS",      Base32),
    row(0xbc, Off(8),  movsx(W32, 8),       "wD = (s8)wS",  Base32),
    row(0xbc, Off(16), movsx(W32, 16),      "wD = (s16)wS", Base32),
    row(0xc4, Any,     alu(Arsh, W32, IMM), "wD s>>= I",    Base32),
    row(0xcc, Any,     alu(Arsh, W32, REG), "wD s>>= wS",   Base32),
    row(0x84, Any,     neg(W32),            "wD = -wD",     Base32),
    // 64-bit arithmetic.
    row(0x07, Any,     alu(Add, W64, IMM),  "rD += I",                        Base64),
    row(0x0f, Any,     alu(Add, W64, REG),  "rD += rS",                       Base64),
    row(0x17, Any,     alu(Sub, W64, IMM),  "rD -= I",                        Base64),
    row(0x1f, Any,     alu(Sub, W64, REG),  "rD -= rS",                       Base64),
    row(0x27, Any,     alu(Mul, W64, IMM),  "rD *= I",                        Divmul64),
    row(0x2f, Any,     alu(Mul, W64, REG),  "rD *= rS",                       Divmul64),
    row(0x37, Off(0),  alu(Div, W64, IMM),  "rD /= I",                        Divmul64),
    row(0x37, Off(1),  alu(Sdiv, W64, IMM), "rD s/= I",                       Divmul64),
    row(0x3f, Off(0),  alu(Div, W64, REG),  "rD /= rS",                       Divmul64),
    row(0x3f, Off(1),  alu(Sdiv, W64, REG), "rD s/= rS",                      Divmul64),
    row(0x47, Any,     alu(Or, W64, IMM),   "rD |= I",                        Base64),
    row(0x4f, Any,     alu(Or, W64, REG),   "rD |= rS",                       Base64),
    row(0x57, Any,     alu(And, W64, IMM),  "rD &= I",                        Base64),
    row(0x5f, Any,     alu(And, W64, REG),  "rD &= rS",                       Base64),
    row(0x67, Any,     alu(Lsh, W64, IMM),  "rD <<= I",                       Base64),
    row(0x6f, Any,     alu(Lsh, W64, REG),  "rD <<= rS",                      Base64),
    row(0x77, Any,     alu(Rsh, W64, IMM),  "rD >>= I",                       Base64),
    row(0x7f, Any,     alu(Rsh, W64, REG),  "rD >>= rS",                      Base64),
    row(0x97, Off(0),  alu(Mod, W64, IMM),  "rD %= I",                        Divmul64),
    row(0x97, Off(1),  alu(Smod, W64, IMM), "rD s%= I",                       Divmul64),
    row(0x9f, Off(0),  alu(Mod, W64, REG),  "rD %= rS",                       Divmul64),
    row(0x9f, Off(1),  alu(Smod, W64, REG), "rD s%= rS",                      Divmul64),
    row(0xa7, Any,     alu(Xor, W64, IMM),  "rD ^= I",                        Base64),
    row(0xaf, Any,     alu(Xor, W64, REG),  "rD ^= rS",                       Base64),
    row(0xb7, Any,     alu(Mov, W64, IMM),  "rD = I",                         Base64),
    row(0xbf, Off(0),  alu(Mov, W64, REG),  "rD = rS",                        Base64),
    row(0xbf, Off(8),  movsx(W64, 8),       "rD = (s8)rS",                    Base64),
    row(0xbf, Off(16), movsx(W64, 16),      "rD = (s16)rS",                   Base64),
    row(0xbf, Off(32), movsx(W64, 32),      "rD = (s32)rS",                   Base64),
    row(0xbf, Off(1),  ADDR_SPACE_CAST,     "rD = addr_space_cast(rS, A, B)", Linux),
    row(0xc7, Any,     alu(Arsh, W64, IMM), "rD s>>= I",                      Base64),
    row(0xcf, Any,     alu(Arsh, W64, REG), "rD s>>= rS",                     Base64),
    row(0x87, Any,     neg(W64),            "rD = -rD",                       Base64),
    // Byte order.
    row(0xd4, Imm(16), endian(EndianOp::Le, 16),    "rD = le16 rD",    Base32),
    row(0xd4, Imm(32), endian(EndianOp::Le, 32),    "rD = le32 rD",    Base32),
    row(0xd4, Imm(64), endian(EndianOp::Le, 64),    "rD = le64 rD",    Base64),
    row(0xdc, Imm(16), endian(EndianOp::Be, 16),    "rD = be16 rD",    Base32),
    row(0xdc, Imm(32), endian(EndianOp::Be, 32),    "rD = be32 rD",    Base32),
    row(0xdc, Imm(64), endian(EndianOp::Be, 64),    "rD = be64 rD",    Base64),
    row(0xd7, Imm(16), endian(EndianOp::Bswap, 16), "rD = bswap16 rD", Base64),
    row(0xd7, Imm(32), endian(EndianOp::Bswap, 32), "rD = bswap32 rD", Base64),
    row(0xd7, Imm(64), endian(EndianOp::Bswap, 64), "rD = bswap64 rD", Base64),
    // Loads and stores.
    row(0x71, Any, load(B1, false), "rD = *(u8 *)(rS O)",  Base32),
    row(0x69, Any, load(B2, false), "rD = *(u16 *)(rS O)", Base32),
    row(0x61, Any, load(B4, false), "rD = *(u32 *)(rS O)", Base32),
    row(0x79, Any, load(B8, false), "rD = *(u64 *)(rS O)", Base64),
    row(0x91, Any, load(B1, true),  "rD = *(s8 *)(rS O)",  Base64),
    row(0x89, Any, load(B2, true),  "rD = *(s16 *)(rS O)", Base64),
    row(0x81, Any, load(B4, true),  "rD = *(s32 *)(rS O)", Base64),
    row(0x72, Any, store(B1, IMM),  "*(u8 *)(rD O) = I",   Base32),
    row(0x6a, Any, store(B2, IMM),  "*(u16 *)(rD O) = I",  Base32),
    row(0x62, Any, store(B4, IMM),  "*(u32 *)(rD O) = I",  Base32),
    row(0x7a, Any, store(B8, IMM),  "*(u64 *)(rD O) = I",  Base64),
    row(0x73, Any, store(B1, REG),  "*(u8 *)(rD O) = rS",  Base32),
    row(0x6b, Any, store(B2, REG),  "*(u16 *)(rD O) = rS", Base32),
    row(0x63, Any, store(B4, REG),  "*(u32 *)(rD O) = rS", Base32),
    row(0x7b, Any, store(B8, REG),  "*(u64 *)(rD O) = rS", Base64),
    // Atomics.
    row(0xd3, Imm(0x100), load_acquire(B1),                            "rD = load_acquire((u8 *)(rS O))",              Linux),
    row(0xd3, Imm(0x110), store_release(B1),                           "store_release((u8 *)(rD O), rS)",              Linux),
    row(0xcb, Imm(0x100), load_acquire(B2),                            "rD = load_acquire((u16 *)(rS O))",             Linux),
    row(0xcb, Imm(0x110), store_release(B2),                           "store_release((u16 *)(rD O), rS)",             Linux),
    row(0xc3, Imm(0x00),  atomic(AtomicOp::Add { fetch: false }, W32), "lock *(u32 *)(rD O) += rS",                    Atomic32),
    row(0xc3, Imm(0x01),  atomic(AtomicOp::Add { fetch: true }, W32),  "rS = atomic_fetch_add((u32 *)(rD O), rS)",     Atomic32),
    row(0xc3, Imm(0x40),  atomic(AtomicOp::Or { fetch: false }, W32),  "lock *(u32 *)(rD O) |= rS",                    Atomic32),
    row(0xc3, Imm(0x41),  atomic(AtomicOp::Or { fetch: true }, W32),   "rS = atomic_fetch_or((u32 *)(rD O), rS)",      Atomic32),
    row(0xc3, Imm(0x50),  atomic(AtomicOp::And { fetch: false }, W32), "lock *(u32 *)(rD O) &= rS",                    Atomic32),
    row(0xc3, Imm(0x51),  atomic(AtomicOp::And { fetch: true }, W32),  "rS = atomic_fetch_and((u32 *)(rD O), rS)",     Atomic32),
    row(0xc3, Imm(0xa0),  atomic(AtomicOp::Xor { fetch: false }, W32), "lock *(u32 *)(rD O) ^= rS",                    Atomic32),
    row(0xc3, Imm(0xa1),  atomic(AtomicOp::Xor { fetch: true }, W32),  "rS = atomic_fetch_xor((u32 *)(rD O), rS)",     Atomic32),
    row(0xc3, Imm(0xe1),  atomic(AtomicOp::Xchg, W32),                 "rS = atomic_xchg((u32 *)(rD O), rS)",          Atomic32),
    row(0xc3, Imm(0xf1),  atomic(AtomicOp::Cmpxchg, W32),              "r0 = atomic_cmpxchg((u32 *)(rD O), r0, rS)",   Atomic32),
    row(0xc3, Imm(0x100), load_acquire(B4),                            "rD = load_acquire((u32 *)(rS O))",             Linux),
    row(0xc3, Imm(0x110), store_release(B4),                           "store_release((u32 *)(rD O), rS)",             Linux),
    row(0xdb, Imm(0x00),  atomic(AtomicOp::Add { fetch: false }, W64), "lock *(u64 *)(rD O) += rS",                    Atomic64),
    row(0xdb, Imm(0x01),  atomic(AtomicOp::Add { fetch: true }, W64),  "rS = atomic64_fetch_add((u64 *)(rD O), rS)",   Atomic64),
    row(0xdb, Imm(0x40),  atomic(AtomicOp::Or { fetch: false }, W64),  "lock *(u64 *)(rD O) |= rS",                    Atomic64),
    row(0xdb, Imm(0x41),  atomic(AtomicOp::Or { fetch: true }, W64),   "rS = atomic64_fetch_or((u64 *)(rD O), rS)",    Atomic64),
    row(0xdb, Imm(0x50),  atomic(AtomicOp::And { fetch: false }, W64), "lock *(u64 *)(rD O) &= rS",                    Atomic64),
    row(0xdb, Imm(0x51),  atomic(AtomicOp::And { fetch: true }, W64),  "rS = atomic64_fetch_and((u64 *)(rD O), rS)",   Atomic64),
    row(0xdb, Imm(0xa0),  atomic(AtomicOp::Xor { fetch: false }, W64), "lock *(u64 *)(rD O) ^= rS",                    Atomic64),
    row(0xdb, Imm(0xa1),  atomic(AtomicOp::Xor { fetch: true }, W64),  "rS = atomic64_fetch_xor((u64 *)(rD O), rS)",   Atomic64),
    row(0xdb, Imm(0xe1),  atomic(AtomicOp::Xchg, W64),                 "rS = atomic64_xchg((u64 *)(rD O), rS)",        Atomic64),
    row(0xdb, Imm(0xf1),  atomic(AtomicOp::Cmpxchg, W64),              "r0 = atomic64_cmpxchg((u64 *)(rD O), r0, rS)", Atomic64),
    row(0xdb, Imm(0x100), load_acquire(B8),                            "rD = load_acquire((u64 *)(rS O))",             Linux),
    row(0xdb, Imm(0x110), store_release(B8),                           "store_release((u64 *)(rD O), rS)",             Linux),
    // Legacy packet access.
    row(0x30, Any, load_packet(PacketMode::Absolute, B1),     "r0 = *(u8 *)skb[I]",       Packet),
    row(0x28, Any, load_packet(PacketMode::Absolute, B2),     "r0 = *(u16 *)skb[I]",      Packet),
    row(0x20, Any, load_packet(PacketMode::Absolute, B4),     "r0 = *(u32 *)skb[I]",      Packet),
    row(0x50, Any, load_packet(PacketMode::Indirect(R0), B1), "r0 = *(u8 *)skb[rS + I]",  Packet),
    row(0x48, Any, load_packet(PacketMode::Indirect(R0), B2), "r0 = *(u16 *)skb[rS + I]", Packet),
    row(0x40, Any, load_packet(PacketMode::Indirect(R0), B4), "r0 = *(u32 *)skb[rS + I]", Packet),
    // Jumps.
    row(0x05, Any,    jump(false),                 "goto P",              Base32),
    row(0x06, Any,    jump(true),                  "gotol Q",             Base32),
    row(0xe5, Src(0), Insn::MayGoto { offset: 0 }, "may_goto P",          Linux),
    row(0x16, Any,    branch(Eq, W32, IMM),        "if wD == X goto P",   Base32),
    row(0x1e, Any,    branch(Eq, W32, REG),        "if wD == wS goto P",  Base32),
    row(0x56, Any,    branch(Ne, W32, IMM),        "if wD != X goto P",   Base32),
    row(0x5e, Any,    branch(Ne, W32, REG),        "if wD != wS goto P",  Base32),
    row(0x26, Any,    branch(Gt, W32, IMM),        "if wD > X goto P",    Base32),
    row(0x2e, Any,    branch(Gt, W32, REG),        "if wD > wS goto P",   Base32),
    row(0x36, Any,    branch(Ge, W32, IMM),        "if wD >= X goto P",   Base32),
    row(0x3e, Any,    branch(Ge, W32, REG),        "if wD >= wS goto P",  Base32),
    row(0xa6, Any,    branch(Lt, W32, IMM),        "if wD < X goto P",    Base32),
    row(0xae, Any,    branch(Lt, W32, REG),        "if wD < wS goto P",   Base32),
    row(0xb6, Any,    branch(Le, W32, IMM),        "if wD <= X goto P",   Base32),
    row(0xbe, Any,    branch(Le, W32, REG),        "if wD <= wS goto P",  Base32),
    row(0x66, Any,    branch(Sgt, W32, IMM),       "if wD s> X goto P",   Base32),
    row(0x6e, Any,    branch(Sgt, W32, REG),       "if wD s> wS goto P",  Base32),
    row(0x76, Any,    branch(Sge, W32, IMM),       "if wD s>= X goto P",  Base32),
    row(0x7e, Any,    branch(Sge, W32, REG),       "if wD s>= wS goto P", Base32),
    row(0xc6, Any,    branch(Slt, W32, IMM),       "if wD s< X goto P",   Base32),
    row(0xce, Any,    branch(Slt, W32, REG),       "if wD s< wS goto P",  Base32),
    row(0xd6, Any,    branch(Sle, W32, IMM),       "if wD s<= X goto P",  Base32),
    row(0xde, Any,    branch(Sle, W32, REG),       "if wD s<= wS goto P", Base32),
    row(0x46, Any,    branch(Set, W32, IMM),       "if wD & X goto P",    Base32),
    row(0x4e, Any,    branch(Set, W32, REG),       "if wD & wS goto P",   Base32),
    row(0x15, Any,    branch(Eq, W64, IMM),        "if rD == X goto P",   Base64),
    row(0x1d, Any,    branch(Eq, W64, REG),        "if rD == rS goto P",  Base64),
    row(0x55, Any,    branch(Ne, W64, IMM),        "if rD != X goto P",   Base64),
    row(0x5d, Any,    branch(Ne, W64, REG),        "if rD != rS goto P",  Base64),
    row(0x25, Any,    branch(Gt, W64, IMM),        "if rD > X goto P",    Base64),
    row(0x2d, Any,    branch(Gt, W64, REG),        "if rD > rS goto P",   Base64),
    row(0x35, Any,    branch(Ge, W64, IMM),        "if rD >= X goto P",   Base64),
    row(0x3d, Any,    branch(Ge, W64, REG),        "if rD >= rS goto P",  Base64),
    row(0xa5, Any,    branch(Lt, W64, IMM),        "if rD < X goto P",    Base64),
    row(0xad, Any,    branch(Lt, W64, REG),        "if rD < rS goto P",   Base64),
    row(0xb5, Any,    branch(Le, W64, IMM),        "if rD <= X goto P",   Base64),
    row(0xbd, Any,    branch(Le, W64, REG),        "if rD <= rS goto P",  Base64),
    row(0x65, Any,    branch(Sgt, W64, IMM),       "if rD s> X goto P",   Base64),
    row(0x6d, Any,    branch(Sgt, W64, REG),       "if rD s> rS goto P",  Base64),
    row(0x75, Any,    branch(Sge, W64, IMM),       "if rD s>= X goto P",  Base64),
    row(0x7d, Any,    branch(Sge, W64, REG),       "if rD s>= rS goto P", Base64),
    row(0xc5, Any,    branch(Slt, W64, IMM),       "if rD s< X goto P",   Base64),
    row(0xcd, Any,    branch(Slt, W64, REG),       "if rD s< rS goto P",  Base64),
    row(0xd5, Any,    branch(Sle, W64, IMM),       "if rD s<= X goto P",  Base64),
    row(0xdd, Any,    branch(Sle, W64, REG),       "if rD s<= rS goto P", Base64),
    row(0x45, Any,    branch(Set, W64, IMM),       "if rD & X goto P",    Base64),
    row(0x4d, Any,    branch(Set, W64, REG),       "if rD & rS goto P",   Base64),
    // Calls.
    row(0x85, Src(0), call(CallTarget::Helper(0)),                      "call H",   Base32),
    row(0x85, Src(1), call(CallTarget::Local(0)),                       "call C",   Base32),
    row(0x85, Src(2), call(CallTarget::Kfunc { btf_id: 0, module: 0 }), "call K",   Base32),
    row(0x8d, Any,    Insn::CallReg { target: R0 },                     "callx rD", Callx),
    row(0x95, Any,    Insn::Exit,                                       "exit",     Base32),
];

/// The rows of one opcode; empty when no instruction has it.
pub fn rows(opcode: u8) -> &'static [Row] {
    let (start, end) = INDEX[usize::from(opcode)];
    &TABLE[usize::from(start)..usize::from(end)]
}

/// The row of an operation, whatever its operands.
///
/// `None` for values of [`Insn`] that no slot has, such as a byte swap of 24
/// bits, and for [`Insn::Invalid`] and [`Insn::WideTail`].
pub fn row_of(insn: Insn) -> Option<&'static Row> {
    let blank = fields::blank(insn);
    let mut at = BUCKETS.first[bucket(insn)];
    while let Some(row) = TABLE.get(usize::from(at)) {
        if row.insn == blank {
            return Some(row);
        }
        at = BUCKETS.next[usize::from(at)];
    }
    None
}

/// Rows that [`row_of`] has to look at, in the order of the table.
struct Buckets {
    /// The first row of each.
    first: [u8; BUCKET_COUNT],
    /// The row after a row of the same one.
    next: [u8; ROWS.len()],
}

const BUCKET_COUNT: usize = 64;

/// Few instructions, operands aside, are in one bucket with another one.
const fn bucket(insn: Insn) -> usize {
    const OTHERS: usize = 40;
    match insn {
        Insn::Alu { op, .. } => op as usize,
        Insn::Branch { op, .. } => 16 + op as usize,
        Insn::Load { size, .. } => 32 + size as usize,
        Insn::Store { size, .. } => 36 + size as usize,
        Insn::LoadImm { .. } => OTHERS,
        Insn::Call { .. } => OTHERS + 1,
        Insn::Atomic { .. } => OTHERS + 2,
        Insn::Movsx { .. } => OTHERS + 3,
        Insn::Endian { .. } => OTHERS + 4,
        Insn::Exit | Insn::Neg { .. } | Insn::Jump { .. } => OTHERS + 5,
        _ => OTHERS + 6,
    }
}

static BUCKETS: Buckets = buckets();

const fn buckets() -> Buckets {
    // No row has this number.
    const NONE: u8 = u8::MAX;
    let mut buckets = Buckets {
        first: [NONE; BUCKET_COUNT],
        next: [NONE; ROWS.len()],
    };
    assert!(ROWS.len() < NONE as usize);
    let mut at = ROWS.len();
    while at > 0 {
        at -= 1;
        let first = &mut buckets.first[bucket(ROWS[at].insn)];
        buckets.next[at] = *first;
        *first = at as u8;
    }
    buckets
}

/// For each opcode the range of its rows.
static INDEX: [(u8, u8); 256] = index();

const fn index() -> [(u8, u8); 256] {
    let mut index = [(0, 0); 256];
    let mut i = 0;
    while i < ROWS.len() {
        let (start, end) = &mut index[ROWS[i].opcode as usize];
        if *start == *end {
            (*start, *end) = (i as u8, i as u8);
        }
        assert!(*end == i as u8, "rows of one opcode must stand together");
        *end += 1;
        i += 1;
    }
    index
}

const fn row(opcode: u8, select: Select, insn: Insn, text: &'static str, group: Group) -> Row {
    let used = fields::used(insn);
    let mut reserved = Slot {
        opcode: 0,
        dst: if used.dst == 0 { !0 } else { 0 },
        src: if used.src == 0 { !0 } else { 0 },
        offset: if used.offset == 0 { !0 } else { 0 },
        imm: if used.imm == 0 { !0 } else { 0 },
    };
    let mut fixed = Slot {
        opcode: 0,
        dst: 0,
        src: 0,
        offset: 0,
        imm: 0,
    };
    match select {
        Select::Any => {}
        Select::Src(src) => fixed.src = src,
        Select::Off(offset) => fixed.offset = offset,
        Select::Imm(imm) => fixed.imm = imm,
    }
    // Linux ignores it.
    if matches!(insn, Insn::Exit) {
        reserved.offset = 0;
    }
    Row {
        opcode,
        select,
        insn,
        text,
        group,
        reserved: reserved.operand_bits(),
        fixed: fixed.operand_bits(),
        tail: used.tail != 0,
    }
}

// Blank operands.
const R0: Reg = Reg::R0;
const REG: Operand = Operand::Reg(R0);
const IMM: Operand = Operand::Imm(0);

const fn load_imm(imm: Imm64) -> Insn {
    Insn::LoadImm { dst: R0, imm }
}

const fn alu(op: AluOp, width: Width, src: Operand) -> Insn {
    let dst = R0;
    Insn::Alu {
        op,
        width,
        dst,
        src,
    }
}

const fn movsx(width: Width, bits: u8) -> Insn {
    let (dst, src) = (R0, R0);
    Insn::Movsx {
        width,
        bits,
        dst,
        src,
    }
}

const ADDR_SPACE_CAST: Insn = Insn::AddrSpaceCast {
    dst: R0,
    src: R0,
    dst_space: 0,
    src_space: 0,
};

const fn neg(width: Width) -> Insn {
    Insn::Neg { width, dst: R0 }
}

const fn endian(op: EndianOp, bits: u8) -> Insn {
    Insn::Endian { op, bits, dst: R0 }
}

const fn load(size: Size, signed: bool) -> Insn {
    Insn::Load {
        size,
        signed,
        dst: R0,
        base: R0,
        offset: 0,
    }
}

const fn store(size: Size, src: Operand) -> Insn {
    Insn::Store {
        size,
        base: R0,
        offset: 0,
        src,
    }
}

const fn load_acquire(size: Size) -> Insn {
    Insn::LoadAcquire {
        size,
        dst: R0,
        base: R0,
        offset: 0,
    }
}

const fn store_release(size: Size) -> Insn {
    Insn::StoreRelease {
        size,
        base: R0,
        offset: 0,
        src: R0,
    }
}

const fn atomic(op: AtomicOp, width: Width) -> Insn {
    Insn::Atomic {
        op,
        width,
        base: R0,
        offset: 0,
        src: R0,
    }
}

const fn load_packet(mode: PacketMode, size: Size) -> Insn {
    Insn::LoadPacket { mode, size, imm: 0 }
}

const fn jump(long: bool) -> Insn {
    Insn::Jump { offset: 0, long }
}

const fn branch(op: CmpOp, width: Width, src: Operand) -> Insn {
    Insn::Branch {
        op,
        width,
        dst: R0,
        src,
        offset: 0,
    }
}

const fn call(target: CallTarget) -> Insn {
    Insn::Call { target }
}
