//! Words of a few bits, for tests that try all numbers.

use std::ops::{BitAnd, BitOr, BitXor, Not, Shl, Shr};

use super::word::{Int, Signed, Word};

/// An unsigned number of `N` bits, 1 to 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Bits<const N: u32>(pub(super) u8);

/// A signed number of `N` bits, 1 to 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SignedBits<const N: u32>(pub(super) i8);

impl<const N: u32> Bits<N> {
    /// All numbers of `N` bits.
    pub(super) fn all() -> impl Iterator<Item = Bits<N>> {
        (0..=Bits::<N>::MAX.0).map(Bits)
    }

    fn cut(bits: i32) -> Self {
        Bits((bits & ((1 << N) - 1)) as u8)
    }

    fn fits(number: i32) -> bool {
        Self::cut(number).0 as i32 == number
    }

    fn wide(self) -> i32 {
        i32::from(self.0)
    }
}

impl<const N: u32> SignedBits<N> {
    fn checked(number: i32) -> Option<Self> {
        (number >= -(1 << (N - 1)) && number < 1 << (N - 1)).then_some(SignedBits(number as i8))
    }

    fn wide(self) -> i32 {
        i32::from(self.0)
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident, $other:ty, |$a:ident, $b:ident| $result:expr) => {
        impl<const N: u32> $trait<$other> for Bits<N> {
            type Output = Bits<N>;
            fn $method(self, other: $other) -> Bits<N> {
                let ($a, $b) = (self, other);
                $result
            }
        }
    };
}

operator!(BitAnd, bitand, Bits<N>, |a, b| Bits(a.0 & b.0));
operator!(BitOr, bitor, Bits<N>, |a, b| Bits(a.0 | b.0));
operator!(BitXor, bitxor, Bits<N>, |a, b| Bits(a.0 ^ b.0));
operator!(Shl, shl, u32, |a, amount| {
    assert!(amount < N, "a shift by the width or more");
    Bits::cut(a.wide() << amount)
});
operator!(Shr, shr, u32, |a, amount| {
    assert!(amount < N, "a shift by the width or more");
    Bits::cut(a.wide() >> amount)
});

impl<const N: u32> Not for Bits<N> {
    type Output = Bits<N>;
    fn not(self) -> Bits<N> {
        Bits::cut(!self.wide())
    }
}

impl<const N: u32> Int for Bits<N> {
    type Signed = SignedBits<N>;

    const BITS: u32 = N;
    const ZERO: Self = Bits(0);
    const ONE: Self = Bits(1);
    const MAX: Self = Bits(u8::MAX >> (8 - N));

    fn signed(self) -> SignedBits<N> {
        let sign = 1 << (N - 1);
        SignedBits(((self.wide() ^ sign) - sign) as i8)
    }
    fn below(self, limit: u32) -> Option<u32> {
        let number = u32::from(self.0);
        (number < limit).then_some(number)
    }
    fn wrapping_add(self, other: Self) -> Self {
        Bits::cut(self.wide() + other.wide())
    }
    fn wrapping_sub(self, other: Self) -> Self {
        Bits::cut(self.wide() - other.wide())
    }
    fn wrapping_mul(self, other: Self) -> Self {
        Bits::cut(self.wide() * other.wide())
    }
    fn overflowing_add(self, other: Self) -> (Self, bool) {
        let sum = self.wide() + other.wide();
        (Bits::cut(sum), !Self::fits(sum))
    }
    fn overflowing_sub(self, other: Self) -> (Self, bool) {
        let difference = self.wide() - other.wide();
        (Bits::cut(difference), !Self::fits(difference))
    }
    fn checked_mul(self, other: Self) -> Option<Self> {
        let product = self.wide() * other.wide();
        Self::fits(product).then(|| Bits::cut(product))
    }
    fn leading_zeros(self) -> u32 {
        self.0.leading_zeros() - (8 - N)
    }
    fn trailing_zeros(self) -> u32 {
        self.0.trailing_zeros().min(N)
    }
}

impl<const N: u32> Signed for SignedBits<N> {
    type Bits = Bits<N>;

    const ZERO: Self = SignedBits(0);
    const MIN: Self = SignedBits(i8::MIN >> (8 - N));
    const MAX: Self = SignedBits(i8::MAX >> (8 - N));

    fn bits(self) -> Bits<N> {
        Bits::cut(self.wide())
    }
    fn checked_add(self, other: Self) -> Option<Self> {
        Self::checked(self.wide() + other.wide())
    }
    fn checked_sub(self, other: Self) -> Option<Self> {
        Self::checked(self.wide() - other.wide())
    }
    fn checked_mul(self, other: Self) -> Option<Self> {
        Self::checked(self.wide() * other.wide())
    }
    fn shift_right(self, amount: u32) -> Self {
        assert!(amount < N, "a shift by the width or more");
        SignedBits(self.0 >> amount)
    }
}

macro_rules! word {
    ($bits:literal, $half:literal) => {
        impl Word for Bits<$bits> {
            type Half = Bits<$half>;

            fn low(self) -> Bits<$half> {
                Bits::cut(self.wide())
            }
            fn high(self) -> Bits<$half> {
                Bits::cut(self.wide() >> $half)
            }
            fn join(high: Bits<$half>, low: Bits<$half>) -> Self {
                Bits::cut(high.wide() << $half | low.wide())
            }
            fn extend(low: Bits<$half>) -> Self {
                Bits(low.0)
            }
            fn extend_signed(low: SignedBits<$half>) -> SignedBits<$bits> {
                SignedBits(low.0)
            }
            /// Bits take the place of bytes.
            fn swap_bytes(self) -> Self {
                Bits(self.0.reverse_bits() >> (8 - $bits))
            }
        }
    };
}

word!(8, 4);
word!(6, 3);
word!(4, 2);
