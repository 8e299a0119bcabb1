//! Arithmetic on scalars.
//!
//! A 64-bit operation works on the word and on its low half at once; a 32-bit
//! operation on the low half, and the upper half becomes zero. What Linux does
//! not follow (division, remainder, shifts by an unknown amount) gives a number
//! of which nothing is known, at 32 bits too.

use inject::Bug;
use isa::{AluOp, EndianOp, Width};

use super::ScalarOf;
use super::range::Range;
use super::tnum::TnumOf;
use super::word::{Int, Signed, Word};
use super::wrong;

impl<W: Word> ScalarOf<W> {
    /// `self op src`; for [`AluOp::Mov`], `src`.
    pub fn alu(self, op: AluOp, width: Width, src: Self) -> Self {
        if let Some(result) = constant(op, width, &self, &src) {
            return result;
        }
        match (op, width) {
            (AluOp::Mov, Width::W64) => src,
            (AluOp::Mov, Width::W32) => src.zero_extend32(),
            (AluOp::Lsh | AluOp::Rsh | AluOp::Arsh, _) => match src.shift_amount(width) {
                Some(amount) => self.shift(op, width, amount),
                None => Self::unknown(),
            },
            (AluOp::Div | AluOp::Sdiv | AluOp::Mod | AluOp::Smod, _) => Self::unknown(),
            (_, Width::W64) => self.combine(op, &src).sync(),
            (_, Width::W32) => {
                let (mut low, bits) =
                    combine(op, (&self.low, self.tnum.low()), (&src.low, src.tnum.low()));
                if inject::on(Bug::Cve2020_27194) && op == AluOp::Or {
                    low = wrong::signed_from_wide(&self, low);
                }
                Self::of_low(low, bits)
            }
        }
    }

    /// `-self`.
    pub fn neg(self, width: Width) -> Self {
        Self::constant(W::ZERO).alu(AluOp::Sub, width, self)
    }

    /// The sum before its parts learn from one another.
    pub fn add_unsynced(&self, other: &Self) -> Self {
        self.combine(AluOp::Add, other)
    }

    /// The variable part of a pointer, `self`, and a number: as the sum of two
    /// scalars, but an unsigned end that wraps loses both, and pointers have no
    /// ranges of 32 bits.
    pub fn pointer_add(&self, number: &Self) -> Self {
        ScalarOf {
            wide: self.wide.add_without_wrap(&number.wide),
            low: Range::UNBOUNDED,
            tnum: self.tnum.add(number.tnum),
        }
        .sync()
    }

    /// As [`ScalarOf::pointer_add`], the difference.
    pub fn pointer_sub(&self, number: &Self) -> Self {
        ScalarOf {
            wide: self.wide.sub_without_wrap(&number.wide),
            low: Range::UNBOUNDED,
            tnum: self.tnum.sub(number.tnum),
        }
        .sync()
    }

    /// The word and its low half, each by itself.
    #[inline]
    fn combine(&self, op: AluOp, src: &Self) -> Self {
        let (wide, tnum) = combine(op, (&self.wide, self.tnum), (&src.wide, src.tnum));
        let (low, _) = combine(op, (&self.low, self.tnum.low()), (&src.low, src.tnum.low()));
        ScalarOf { wide, low, tnum }
    }

    /// The amount to shift by, if it is known and less than the width. All 64
    /// bits of it count at both widths.
    fn shift_amount(&self, width: Width) -> Option<u32> {
        let (is_known, limit) = match width {
            Width::W64 => (self.is_constant_range(&self.wide, self.tnum), W::BITS),
            Width::W32 => (
                self.is_constant_range(&self.low, self.tnum.low()),
                W::Half::BITS,
            ),
        };
        is_known.then(|| self.wide.umax.below(limit)).flatten()
    }

    fn is_constant_range<I: Int>(&self, range: &Range<I>, bits: TnumOf<I>) -> bool {
        bits.is_const() && range.umin == range.umax && range.smin == range.smax
    }

    fn shift(self, op: AluOp, width: Width, amount: u32) -> Self {
        if width == Width::W32 {
            let bits = self.tnum.low();
            let (low, bits) = match op {
                AluOp::Rsh if inject::on(Bug::Cve2018_18445) => {
                    wrong::shift_then_cut(&self, amount)
                }
                AluOp::Lsh => (self.low.lsl(amount), bits.lsl(amount)),
                AluOp::Rsh => (self.low.lsr(amount), bits.lsr(amount)),
                _ => (self.low.asr(amount), bits.asr(amount)),
            };
            return Self::of_low(low, bits);
        }
        let (wide, low, tnum) = match op {
            AluOp::Lsh => (
                self.shift_left_wide(amount),
                self.low.lsl(amount),
                self.tnum.lsl(amount),
            ),
            AluOp::Rsh => (
                self.wide.lsr(amount),
                Range::UNBOUNDED,
                self.tnum.lsr(amount),
            ),
            _ => (
                self.wide.asr(amount),
                Range::UNBOUNDED,
                self.tnum.asr(amount),
            ),
        };
        ScalarOf { wide, low, tnum }.sync()
    }

    /// Compilers write a sign extension as a shift by half the width there and
    /// back, so this amount keeps the signed range of a low half.
    fn shift_left_wide(&self, amount: u32) -> Range<W> {
        let mut wide = self.wide.lsl(amount);
        if amount == W::Half::BITS {
            let shifted =
                |half: <W::Half as Int>::Signed| W::join(half.bits(), W::Half::ZERO).signed();
            wide.smin = shifted(self.low.smin);
            wide.smax = shifted(self.low.smax);
        }
        wide
    }

    /// The low half with the upper half zero.
    pub fn zero_extend32(self) -> Self {
        if inject::on(Bug::Cve2017_16996) {
            return wrong::keep_ends_that_fit(self);
        }
        if inject::on(Bug::Cve2021_45402) {
            return wrong::extend_signed_range(self);
        }
        Self::of_low(self.low, self.tnum.low())
    }

    /// The number of a low half alone.
    pub(super) fn of_low(low: Range<W::Half>, bits: TnumOf<W::Half>) -> Self {
        let zero = <W::Half as Int>::Signed::ZERO;
        let (umin, umax) = (W::extend(low.umin), W::extend(low.umax));
        let (smin, smax) = if low.smin >= zero && low.smax >= zero {
            (W::extend_signed(low.smin), W::extend_signed(low.smax))
        } else {
            (W::Signed::ZERO, W::extend(W::Half::MAX).signed())
        };
        ScalarOf {
            wide: Range {
                umin,
                umax,
                smin,
                smax,
            },
            low,
            tnum: TnumOf::extend(bits),
        }
        .sync()
    }

    /// The low `bytes`, 1 to 8, with zeros above.
    pub fn truncate(self, bytes: u32) -> Self {
        self.truncate_bits(bytes * (W::BITS / 8))
    }

    fn truncate_bits(self, bits: u32) -> Self {
        if bits >= W::BITS {
            return self;
        }
        let mask = W::ones(bits);
        if self.is_unknown() {
            return Self::up_to(mask);
        }
        let (umin, umax) = if self.wide.umin & !mask == self.wide.umax & !mask {
            (self.wide.umin & mask, self.wide.umax & mask)
        } else {
            (W::ZERO, mask)
        };
        ScalarOf {
            wide: Range {
                umin,
                umax,
                smin: umin.signed(),
                smax: umax.signed(),
            },
            low: if bits < W::Half::BITS {
                Range::UNBOUNDED
            } else {
                self.low
            },
            tnum: self.tnum.truncate(bits),
        }
        .sync()
    }

    /// The numbers of a few bits, of which `mask` is the greatest: what the rounds
    /// make of them.
    fn up_to(mask: W) -> Self {
        let mut scalar = Self::unknown();
        scalar.tnum.mask = mask;
        scalar.wide.learn_from_bits(scalar.tnum);
        scalar.low.learn_from_bits(scalar.tnum.low());
        scalar
    }

    /// What a load of `bytes`, 1 to 8, gives when nothing is known of the memory.
    pub fn from_load(bytes: u32, signed: bool) -> Self {
        if signed {
            Self::unknown().sign_extend(bytes * (W::BITS / 8))
        } else {
            Self::unknown().truncate(bytes)
        }
    }

    /// The low `bits` (8, 16 or 32) sign-extended to the width.
    pub fn movsx(self, width: Width, bits: u32) -> Self {
        match width {
            Width::W64 => self.sign_extend(bits),
            Width::W32 => {
                let (low, known) = sign_extend(bits, &self.low, self.tnum.low());
                Self::of_low(low, known)
            }
        }
    }

    fn sign_extend(self, bits: u32) -> Self {
        if bits >= W::BITS {
            return self;
        }
        let (wide, tnum) = sign_extend(bits, &self.wide, self.tnum);
        let low = Range {
            umin: wide.umin.low(),
            umax: wide.umax.low(),
            smin: wide.smin.bits().low().signed(),
            smax: wide.smax.bits().low().signed(),
        };
        ScalarOf { wide, low, tnum }.sync()
    }

    /// Byte order conversion of the low `bits` (16, 32 or 64), on a
    /// little-endian machine. A swap keeps the known bits alone.
    pub fn endian(self, op: EndianOp, bits: u32) -> Self {
        if op == EndianOp::Le {
            return self.truncate_bits(bits);
        }
        ScalarOf {
            wide: Range::UNBOUNDED,
            low: Range::UNBOUNDED,
            tnum: self.tnum.swap_bytes().lsr(W::BITS - bits),
        }
        .sync()
    }
}

/// The result for two constants, without the rounds.
#[inline]
fn constant<W: Word>(
    op: AluOp,
    width: Width,
    dst: &ScalarOf<W>,
    src: &ScalarOf<W>,
) -> Option<ScalarOf<W>> {
    let (a, b) = (dst.tnum.value, src.tnum.value);
    let value = match op {
        AluOp::Add => a.wrapping_add(b),
        AluOp::Sub => a.wrapping_sub(b),
        AluOp::Mul => a.wrapping_mul(b),
        AluOp::And => a & b,
        AluOp::Or => a | b,
        AluOp::Xor => a ^ b,
        _ => return None,
    };
    (dst.is_constant() && src.is_constant()).then(|| {
        ScalarOf::constant(match width {
            Width::W64 => value,
            Width::W32 => W::extend(value.low()),
        })
    })
}

/// An operation that is the same at each width: the range and the known bits of
/// the result.
#[inline]
fn combine<I: Int>(
    op: AluOp,
    (a, a_bits): (&Range<I>, TnumOf<I>),
    (b, b_bits): (&Range<I>, TnumOf<I>),
) -> (Range<I>, TnumOf<I>) {
    match op {
        AluOp::Add => (a.add(b), a_bits.add(b_bits)),
        AluOp::Sub => (a.sub(b), a_bits.sub(b_bits)),
        AluOp::Mul => (a.mul(b), a_bits.mul(b_bits)),
        AluOp::And | AluOp::Or | AluOp::Xor => {
            let bits = match op {
                AluOp::And => a_bits.and(b_bits),
                AluOp::Or => a_bits.or(b_bits),
                _ => a_bits.xor(b_bits),
            };
            let range = match op {
                _ if a_bits.is_const() && b_bits.is_const() => {
                    if inject::on(Bug::Cve2021_3490) {
                        *a
                    } else {
                        Range::constant(bits.value)
                    }
                }
                AluOp::And => a.and(b, bits),
                AluOp::Or => a.or(b, bits),
                _ => a.xor(bits),
            };
            (range, bits)
        }
        _ => (Range::UNBOUNDED, TnumOf::UNKNOWN),
    }
}

/// The low `bits` of a number, sign-extended.
fn sign_extend<I: Int>(bits: u32, range: &Range<I>, known: TnumOf<I>) -> (Range<I>, TnumOf<I>) {
    let shift = I::BITS - bits;
    let extend = |number: I| (number << shift).signed().shift_right(shift);
    if known.is_const() {
        let value = extend(known.value).bits();
        return (Range::constant(value), TnumOf::constant(value));
    }
    let (first, last) = (range.smin.bits(), range.smax.bits());
    let (a, b) = (extend(first), extend(last));
    let (smin, smax) = (a.min(b), a.max(b));
    let keeps_sign = (smin >= I::Signed::ZERO) == (smax >= I::Signed::ZERO);
    if first >> bits == last >> bits && keeps_sign {
        let (umin, umax) = (smin.bits(), smax.bits());
        let range = Range {
            umin,
            umax,
            smin,
            smax,
        };
        return (range, TnumOf::range(umin, umax));
    }
    let range = Range {
        smin: extend(I::ONE << (bits - 1)),
        smax: I::ones(bits - 1).signed(),
        ..Range::UNBOUNDED
    };
    (range, TnumOf::UNKNOWN)
}
