//! The integers that the domain is written over.
//!
//! The product works on 64-bit words with 32-bit halves. The tests run the same
//! operators on words of a few bits, where every value can be tried
//! (`super::small`).

use std::fmt::Debug;
use std::hash::Hash;
use std::ops::{BitAnd, BitOr, BitXor, Not, Shl, Shr};

/// An unsigned integer that wraps at [`Int::BITS`].
pub trait Int:
    Copy
    + Ord
    + Debug
    + Hash
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + Not<Output = Self>
    + Shl<u32, Output = Self>
    + Shr<u32, Output = Self>
{
    /// The signed integer of the same width.
    type Signed: Signed<Bits = Self>;

    /// The width.
    const BITS: u32;
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// All bits one.
    const MAX: Self;

    /// The same bits, read as a signed number.
    fn signed(self) -> Self::Signed;
    /// The number, if it is below a limit.
    fn below(self, limit: u32) -> Option<u32>;
    /// The sum, wrapped.
    fn wrapping_add(self, other: Self) -> Self;
    /// The difference, wrapped.
    fn wrapping_sub(self, other: Self) -> Self;
    /// The product, wrapped.
    fn wrapping_mul(self, other: Self) -> Self;
    /// The wrapped sum, and whether it wrapped.
    fn overflowing_add(self, other: Self) -> (Self, bool);
    /// The wrapped difference, and whether it wrapped.
    fn overflowing_sub(self, other: Self) -> (Self, bool);
    /// The product if it fits.
    fn checked_mul(self, other: Self) -> Option<Self>;
    /// Zero bits above the highest one.
    fn leading_zeros(self) -> u32;
    /// Zero bits below the lowest one.
    fn trailing_zeros(self) -> u32;

    /// The number whose low `count` bits are one; `count` may be the width.
    #[inline]
    fn ones(count: u32) -> Self {
        if count == 0 {
            Self::ZERO
        } else {
            Self::MAX >> (Self::BITS - count)
        }
    }

    /// With ones in all places below the highest one.
    #[inline]
    fn filled(self) -> Self {
        Self::ones(Self::BITS - self.leading_zeros())
    }
}

/// A signed integer in two's complement.
pub trait Signed: Copy + Ord + Debug + Hash {
    /// The unsigned integer of the same width.
    type Bits: Int<Signed = Self>;

    /// Zero.
    const ZERO: Self;
    /// The least.
    const MIN: Self;
    /// The greatest.
    const MAX: Self;

    /// The same bits, read as an unsigned number.
    fn bits(self) -> Self::Bits;
    /// The sum if it fits.
    fn checked_add(self, other: Self) -> Option<Self>;
    /// The difference if it fits.
    fn checked_sub(self, other: Self) -> Option<Self>;
    /// The product if it fits.
    fn checked_mul(self, other: Self) -> Option<Self>;
    /// Arithmetic shift to the right, by less than the width.
    fn shift_right(self, amount: u32) -> Self;
}

/// A register's value: two halves, the low one of which is a number of its own.
pub trait Word: Int {
    /// The integer of half the width.
    type Half: Int;

    /// The low half.
    fn low(self) -> Self::Half;
    /// The high half.
    fn high(self) -> Self::Half;
    /// The word of two halves.
    fn join(high: Self::Half, low: Self::Half) -> Self;
    /// The word with a low half alone.
    fn extend(low: Self::Half) -> Self;
    /// The low half, sign-extended.
    fn extend_signed(low: <Self::Half as Int>::Signed) -> Self::Signed;
    /// The word with its eight bytes (eighths) in reverse order.
    fn swap_bytes(self) -> Self;
}

macro_rules! native {
    ($unsigned:ty, $signed:ty) => {
        impl Int for $unsigned {
            type Signed = $signed;

            const BITS: u32 = <$unsigned>::BITS;
            const ZERO: Self = 0;
            const ONE: Self = 1;
            const MAX: Self = <$unsigned>::MAX;

            #[inline]
            fn signed(self) -> $signed {
                self as $signed
            }
            #[inline]
            fn below(self, limit: u32) -> Option<u32> {
                (u64::from(self) < u64::from(limit)).then_some(self as u32)
            }
            #[inline]
            fn wrapping_add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline]
            fn wrapping_sub(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            #[inline]
            fn wrapping_mul(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            #[inline]
            fn overflowing_add(self, other: Self) -> (Self, bool) {
                self.overflowing_add(other)
            }
            #[inline]
            fn overflowing_sub(self, other: Self) -> (Self, bool) {
                self.overflowing_sub(other)
            }
            #[inline]
            fn checked_mul(self, other: Self) -> Option<Self> {
                self.checked_mul(other)
            }
            #[inline]
            fn leading_zeros(self) -> u32 {
                self.leading_zeros()
            }
            #[inline]
            fn trailing_zeros(self) -> u32 {
                self.trailing_zeros()
            }
        }

        impl Signed for $signed {
            type Bits = $unsigned;

            const ZERO: Self = 0;
            const MIN: Self = <$signed>::MIN;
            const MAX: Self = <$signed>::MAX;

            #[inline]
            fn bits(self) -> $unsigned {
                self as $unsigned
            }
            #[inline]
            fn checked_add(self, other: Self) -> Option<Self> {
                self.checked_add(other)
            }
            #[inline]
            fn checked_sub(self, other: Self) -> Option<Self> {
                self.checked_sub(other)
            }
            #[inline]
            fn checked_mul(self, other: Self) -> Option<Self> {
                self.checked_mul(other)
            }
            #[inline]
            fn shift_right(self, amount: u32) -> Self {
                self >> amount
            }
        }
    };
}

native!(u64, i64);
native!(u32, i32);

impl Word for u64 {
    type Half = u32;

    #[inline]
    fn low(self) -> u32 {
        self as u32
    }
    #[inline]
    fn high(self) -> u32 {
        (self >> 32) as u32
    }
    #[inline]
    fn join(high: u32, low: u32) -> u64 {
        u64::from(high) << 32 | u64::from(low)
    }
    #[inline]
    fn extend(low: u32) -> u64 {
        u64::from(low)
    }
    #[inline]
    fn extend_signed(low: i32) -> i64 {
        i64::from(low)
    }
    #[inline]
    fn swap_bytes(self) -> u64 {
        self.swap_bytes()
    }
}
