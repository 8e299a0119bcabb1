//! What each operation computes, once, as plain functions.
//!
//! Everybody who gives instructions a meaning (interpreter, constant folding,
//! tests of compiled code) calls these. They are `#[inline(always)]` so that a
//! caller that knows the operation pays for no `match`.
//!
//! Registers are `u64`. A 32-bit operation reads the low halves of its operands
//! and zero-extends its result (RFC 9669 section 4.1). An immediate operand is
//! sign-extended by the caller, see [`immediate`]. No function panics.

use crate::{AluOp, AtomicOp, CmpOp, EndianOp, Size, Width};

/// The value of an immediate operand: sign-extended to 64 bits.
#[inline(always)]
pub const fn immediate(imm: i32) -> u64 {
    imm as i64 as u64
}

/// `dst op src`: the new value of the destination register.
///
/// Everything wraps around. Division by zero gives 0, the remainder by zero
/// is the destination (its low half for [`Width::W32`]); `MIN / -1` is `MIN`
/// and `MIN % -1` is 0. Shift amounts are taken modulo the width.
#[inline(always)]
pub const fn alu(op: AluOp, width: Width, dst: u64, src: u64) -> u64 {
    match width {
        Width::W32 => alu32(op, dst as u32, src as u32) as u64,
        Width::W64 => alu64(op, dst, src),
    }
}

#[inline(always)]
const fn alu32(op: AluOp, dst: u32, src: u32) -> u32 {
    let (signed_dst, signed_src) = (dst as i32, src as i32);
    match op {
        AluOp::Add => dst.wrapping_add(src),
        AluOp::Sub => dst.wrapping_sub(src),
        AluOp::Mul => dst.wrapping_mul(src),
        AluOp::Div if src == 0 => 0,
        AluOp::Div => dst / src,
        AluOp::Sdiv if src == 0 => 0,
        AluOp::Sdiv => signed_dst.wrapping_div(signed_src) as u32,
        AluOp::Mod if src == 0 => dst,
        AluOp::Mod => dst % src,
        AluOp::Smod if src == 0 => dst,
        AluOp::Smod => signed_dst.wrapping_rem(signed_src) as u32,
        AluOp::Or => dst | src,
        AluOp::And => dst & src,
        AluOp::Xor => dst ^ src,
        AluOp::Lsh => dst.wrapping_shl(src),
        AluOp::Rsh => dst.wrapping_shr(src),
        AluOp::Arsh => signed_dst.wrapping_shr(src) as u32,
        AluOp::Mov => src,
    }
}

#[inline(always)]
const fn alu64(op: AluOp, dst: u64, src: u64) -> u64 {
    let (signed_dst, signed_src) = (dst as i64, src as i64);
    match op {
        AluOp::Add => dst.wrapping_add(src),
        AluOp::Sub => dst.wrapping_sub(src),
        AluOp::Mul => dst.wrapping_mul(src),
        AluOp::Div if src == 0 => 0,
        AluOp::Div => dst / src,
        AluOp::Sdiv if src == 0 => 0,
        AluOp::Sdiv => signed_dst.wrapping_div(signed_src) as u64,
        AluOp::Mod if src == 0 => dst,
        AluOp::Mod => dst % src,
        AluOp::Smod if src == 0 => dst,
        AluOp::Smod => signed_dst.wrapping_rem(signed_src) as u64,
        AluOp::Or => dst | src,
        AluOp::And => dst & src,
        AluOp::Xor => dst ^ src,
        AluOp::Lsh => dst.wrapping_shl(src as u32),
        AluOp::Rsh => dst.wrapping_shr(src as u32),
        AluOp::Arsh => signed_dst.wrapping_shr(src as u32) as u64,
        AluOp::Mov => src,
    }
}

/// `-dst`.
#[inline(always)]
pub const fn neg(width: Width, dst: u64) -> u64 {
    match width {
        Width::W32 => (dst as u32).wrapping_neg() as u64,
        Width::W64 => dst.wrapping_neg(),
    }
}

/// The low `bits` of `src`, sign-extended to the width.
///
/// `bits` is 8, 16 or 32 as in [`crate::Insn::Movsx`]; any other number moves
/// the whole width.
#[inline(always)]
pub const fn movsx(width: Width, bits: u8, src: u64) -> u64 {
    let extended = match bits {
        8 => src as i8 as i64,
        16 => src as i16 as i64,
        32 => src as i32 as i64,
        _ => src as i64,
    };
    match width {
        Width::W32 => extended as u32 as u64,
        Width::W64 => extended as u64,
    }
}

/// Byte order conversion of the low `bits` of `dst`, the rest zeroed, as a
/// little-endian machine does it.
///
/// `bits` is 16, 32 or 64 as in [`crate::Insn::Endian`]; any other number is
/// taken for 64.
#[inline(always)]
pub const fn endian(op: EndianOp, bits: u8, dst: u64) -> u64 {
    match (op, bits) {
        (EndianOp::Le, 16) => dst as u16 as u64,
        (EndianOp::Le, 32) => dst as u32 as u64,
        (EndianOp::Le, _) => dst,
        (EndianOp::Be | EndianOp::Bswap, 16) => (dst as u16).swap_bytes() as u64,
        (EndianOp::Be | EndianOp::Bswap, 32) => (dst as u32).swap_bytes() as u64,
        (EndianOp::Be | EndianOp::Bswap, _) => dst.swap_bytes(),
    }
}

/// Whether the comparison holds, and so its jump is taken.
#[inline(always)]
pub const fn compare(op: CmpOp, width: Width, dst: u64, src: u64) -> bool {
    // Widening keeps the order, signed or unsigned, and the bits in common.
    let (dst, src, signed_dst, signed_src) = match width {
        Width::W32 => (
            dst as u32 as u64,
            src as u32 as u64,
            dst as i32 as i64,
            src as i32 as i64,
        ),
        Width::W64 => (dst, src, dst as i64, src as i64),
    };
    match op {
        CmpOp::Eq => dst == src,
        CmpOp::Ne => dst != src,
        CmpOp::Gt => dst > src,
        CmpOp::Ge => dst >= src,
        CmpOp::Lt => dst < src,
        CmpOp::Le => dst <= src,
        CmpOp::Sgt => signed_dst > signed_src,
        CmpOp::Sge => signed_dst >= signed_src,
        CmpOp::Slt => signed_dst < signed_src,
        CmpOp::Sle => signed_dst <= signed_src,
        CmpOp::Set => dst & src != 0,
    }
}

/// What a load puts into its register: the low `size` bytes of `raw`, zero- or
/// sign-extended to 64 bits. The bytes of `raw` above the size do not matter.
#[inline(always)]
pub const fn load(size: Size, signed: bool, raw: u64) -> u64 {
    match (size, signed) {
        (Size::B1, false) => raw as u8 as u64,
        (Size::B2, false) => raw as u16 as u64,
        (Size::B4, false) => raw as u32 as u64,
        (Size::B1, true) => raw as i8 as i64 as u64,
        (Size::B2, true) => raw as i16 as i64 as u64,
        (Size::B4, true) => raw as i32 as i64 as u64,
        (Size::B8, _) => raw,
    }
}

/// What an atomic operation leaves in memory, given what stood there (`old`),
/// the source register and `r0` (which only [`AtomicOp::Cmpxchg`] looks at).
///
/// A 32-bit operation looks at the low halves and gives a zero-extended
/// number. What the operation puts into a register, when
/// [`AtomicOp::fetches`], is `old`, zero-extended.
#[inline(always)]
pub const fn atomic(op: AtomicOp, width: Width, old: u64, src: u64, r0: u64) -> u64 {
    let (old, src, r0) = match width {
        Width::W32 => (old as u32 as u64, src as u32 as u64, r0 as u32 as u64),
        Width::W64 => (old, src, r0),
    };
    let new = match op {
        AtomicOp::Add { .. } => old.wrapping_add(src),
        AtomicOp::Or { .. } => old | src,
        AtomicOp::And { .. } => old & src,
        AtomicOp::Xor { .. } => old ^ src,
        AtomicOp::Xchg => src,
        AtomicOp::Cmpxchg if old == r0 => src,
        AtomicOp::Cmpxchg => old,
    };
    match width {
        Width::W32 => new as u32 as u64,
        Width::W64 => new,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Width::{W32, W64};

    const MIN32: u64 = 0x8000_0000;
    const MIN64: u64 = 0x8000_0000_0000_0000;
    const MINUS_1: u64 = u64::MAX;

    #[test]
    fn division_by_zero_gives_zero_and_remainder_the_destination() {
        for op in [AluOp::Div, AluOp::Sdiv] {
            assert_eq!(alu(op, W64, MINUS_1, 0), 0);
            assert_eq!(alu(op, W32, MINUS_1, 1 << 32), 0);
        }
        for op in [AluOp::Mod, AluOp::Smod] {
            assert_eq!(alu(op, W64, MINUS_1, 0), MINUS_1);
            assert_eq!(alu(op, W32, MINUS_1, 1 << 32), 0xffff_ffff);
        }
    }

    #[test]
    fn signed_overflow_wraps() {
        assert_eq!(alu(AluOp::Sdiv, W64, MIN64, MINUS_1), MIN64);
        assert_eq!(alu(AluOp::Smod, W64, MIN64, MINUS_1), 0);
        assert_eq!(alu(AluOp::Sdiv, W32, MIN32, MINUS_1), MIN32);
        assert_eq!(alu(AluOp::Smod, W32, MIN32, MINUS_1), 0);
        assert_eq!(neg(W64, MIN64), MIN64);
        assert_eq!(neg(W32, MIN32), MIN32);
        assert_eq!(alu(AluOp::Sdiv, W32, 7, -2i64 as u64), 0xffff_fffd);
        assert_eq!(alu(AluOp::Smod, W64, -7i64 as u64, 2), MINUS_1);
    }

    #[test]
    fn shifts_are_masked_to_the_width() {
        assert_eq!(alu(AluOp::Lsh, W64, 1, 65), 2);
        assert_eq!(alu(AluOp::Lsh, W32, 1, 33), 2);
        assert_eq!(alu(AluOp::Rsh, W64, MIN64, 127), 1);
        assert_eq!(alu(AluOp::Arsh, W64, MIN64, 63), MINUS_1);
        assert_eq!(alu(AluOp::Arsh, W32, MIN32, 31 + 32), 0xffff_ffff);
        assert_eq!(alu(AluOp::Arsh, W64, 1, 1 << 32), 1);
    }

    #[test]
    fn narrow_results_are_zero_extended() {
        assert_eq!(alu(AluOp::Add, W32, MINUS_1, 2), 1);
        assert_eq!(alu(AluOp::Mov, W32, 0, MINUS_1), 0xffff_ffff);
        assert_eq!(movsx(W32, 8, 0x80), 0xffff_ff80);
        assert_eq!(movsx(W64, 16, 0x1_8000), 0xffff_ffff_ffff_8000);
        assert_eq!(movsx(W64, 32, MIN32), 0xffff_ffff_8000_0000);
        assert_eq!(neg(W32, 1 << 32 | 1), 0xffff_ffff);
    }

    #[test]
    fn byte_order() {
        let number = 0x1122_3344_5566_7788;
        assert_eq!(endian(EndianOp::Le, 32, number), 0x5566_7788);
        assert_eq!(endian(EndianOp::Be, 16, number), 0x8877);
        assert_eq!(endian(EndianOp::Bswap, 32, number), 0x8877_6655);
        assert_eq!(endian(EndianOp::Be, 64, number), 0x8877_6655_4433_2211);
    }

    #[test]
    fn comparisons_respect_sign_and_width() {
        assert!(compare(CmpOp::Gt, W64, MINUS_1, 1));
        assert!(!compare(CmpOp::Sgt, W64, MINUS_1, 1));
        assert!(compare(CmpOp::Slt, W32, 0xffff_ffff, 0));
        assert!(!compare(CmpOp::Slt, W64, 0xffff_ffff, 0));
        assert!(compare(CmpOp::Eq, W32, 1 << 32, 0));
        assert!(!compare(CmpOp::Set, W32, 1 << 32, 1 << 32));
        assert!(compare(CmpOp::Set, W64, 1 << 32, 1 << 32));
    }

    #[test]
    fn atomics() {
        let add = AtomicOp::Add { fetch: true };
        assert_eq!(atomic(add, W32, 0xffff_ffff, 1, 0), 0);
        assert_eq!(atomic(add, W64, 0xffff_ffff, 1, 0), 1 << 32);
        assert_eq!(atomic(AtomicOp::Cmpxchg, W32, 5, 7, 1 << 32 | 5), 7);
        assert_eq!(atomic(AtomicOp::Cmpxchg, W64, 5, 7, 1 << 32 | 5), 5);
        assert_eq!(atomic(AtomicOp::Xchg, W32, 5, MINUS_1, 0), 0xffff_ffff);
    }

    #[test]
    fn loads_extend() {
        assert_eq!(load(Size::B1, true, 0x1ff), MINUS_1);
        assert_eq!(load(Size::B1, false, 0x1ff), 0xff);
        assert_eq!(load(Size::B4, true, MIN32), 0xffff_ffff_8000_0000);
        assert_eq!(load(Size::B8, true, MIN64), MIN64);
    }
}
