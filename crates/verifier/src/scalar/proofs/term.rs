//! Words that are formulas.
//!
//! The domain's operators, run on these instead of `u64`, leave behind the formula
//! of what they compute. A comparison asks [`decide`]; the lesser and greater of
//! two numbers need no decision and are formulas themselves.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::ops::{BitAnd, BitOr, BitXor, Not, Shl, Shr};

use super::super::word::{Int, Signed, Word};
use super::node::{self, Op, Ref, binary, choose, ones, unary};
use super::path::decide;

/// An unsigned number of `N` bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term<const N: u32>(pub(super) Ref);

/// A signed number of `N` bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct SignedTerm<const N: u32>(pub(super) Ref);

/// A truth value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Truth(pub(super) Ref);

impl Truth {
    pub(super) const TRUE: Truth = Truth(Ref::Constant(1));
    pub(super) const FALSE: Truth = Truth(Ref::Constant(0));

    pub(super) fn and(self, other: Truth) -> Truth {
        Truth(node::both(self.0, other.0))
    }
    pub(super) fn or(self, other: Truth) -> Truth {
        !(!self).and(!other)
    }
    pub(super) fn implies(self, other: Truth) -> Truth {
        (!self).or(other)
    }
    pub(super) fn all(truths: impl IntoIterator<Item = Truth>) -> Truth {
        truths.into_iter().fold(Truth::TRUE, Truth::and)
    }
    pub(super) fn of(truth: bool) -> Truth {
        Truth(Ref::Constant(u64::from(truth)))
    }
    /// This run of the operator goes the way that it takes.
    pub(super) fn decide(self) -> bool {
        decide(self.0)
    }
}

impl Not for Truth {
    type Output = Truth;
    fn not(self) -> Truth {
        Truth(node::not(self.0))
    }
}

impl<const N: u32> Term<N> {
    pub(super) const fn constant(number: u64) -> Self {
        Term(Ref::Constant(number))
    }
    fn apply(self, op: Op, other: Self) -> Self {
        Term(binary(op, N, N, self.0, other.0))
    }
    fn shift(self, op: Op, amount: u32) -> Self {
        assert!(amount < N, "a shift by the width or more");
        Term(unary(op, N, N, self.0))
    }
    fn relation(self, op: Op, other: Self) -> Truth {
        Truth(binary(op, 0, N, self.0, other.0))
    }
    pub(super) fn same(self, other: Self) -> Truth {
        self.relation(Op::Equal, other)
    }
    pub(super) fn less(self, other: Self) -> Truth {
        self.relation(Op::Less, other)
    }
    pub(super) fn at_most(self, other: Self) -> Truth {
        !other.less(self)
    }
    pub(super) fn within(self, min: Self, max: Self) -> Truth {
        min.at_most(self).and(self.at_most(max))
    }
    pub(super) fn choose(condition: Truth, yes: Self, no: Self) -> Self {
        Term(choose(N, condition.0, yes.0, no.0))
    }
    /// The bits from one on, of another width.
    pub(super) fn extract<const M: u32>(self, from: u32) -> Term<M> {
        Term(unary(Op::Extract(from), M, N, self.0))
    }
    pub(super) fn concat<const H: u32, const L: u32>(high: Term<H>, low: Term<L>) -> Self {
        assert_eq!(H + L, N);
        Term(binary(Op::Concat, N, H, high.0, low.0))
    }
    pub(super) fn bit(self, number: u32) -> Truth {
        self.extract::<1>(number).same(Term::constant(1))
    }
}

impl<const N: u32> SignedTerm<N> {
    pub(super) fn less(self, other: Self) -> Truth {
        self.relation(Op::LessSigned, other)
    }
    pub(super) fn at_most(self, other: Self) -> Truth {
        !other.less(self)
    }
    pub(super) fn within(self, min: Self, max: Self) -> Truth {
        min.at_most(self).and(self.at_most(max))
    }
    fn relation(self, op: Op, other: Self) -> Truth {
        Truth(binary(op, 0, N, self.0, other.0))
    }

    /// The low bits of a number, sign-extended.
    pub(super) fn extended<const M: u32>(low: SignedTerm<M>) -> Self {
        SignedTerm(unary(Op::ExtendSigned, N, M, low.0))
    }
}

macro_rules! ordered {
    ($term:ident) => {
        impl<const N: u32> PartialEq for $term<N> {
            fn eq(&self, other: &Self) -> bool {
                Term::<N>(self.0).same(Term(other.0)).decide()
            }
        }
        impl<const N: u32> Eq for $term<N> {}
        impl<const N: u32> PartialOrd for $term<N> {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
            fn lt(&self, other: &Self) -> bool {
                self.less(*other).decide()
            }
            fn gt(&self, other: &Self) -> bool {
                other.less(*self).decide()
            }
            fn le(&self, other: &Self) -> bool {
                !other.less(*self).decide()
            }
            fn ge(&self, other: &Self) -> bool {
                !self.less(*other).decide()
            }
        }
        impl<const N: u32> Ord for $term<N> {
            fn cmp(&self, other: &Self) -> Ordering {
                if self < other {
                    Ordering::Less
                } else if other < self {
                    Ordering::Greater
                } else {
                    Ordering::Equal
                }
            }
            fn min(self, other: Self) -> Self {
                $term(choose(N, self.less(other).0, self.0, other.0))
            }
            fn max(self, other: Self) -> Self {
                $term(choose(N, self.less(other).0, other.0, self.0))
            }
        }
        impl<const N: u32> Hash for $term<N> {
            /// Equality is a decision, so nothing can be told apart before it.
            fn hash<H: Hasher>(&self, _: &mut H) {}
        }
    };
}

ordered!(Term);
ordered!(SignedTerm);

impl<const N: u32> BitAnd for Term<N> {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        self.apply(Op::And, other)
    }
}
impl<const N: u32> BitOr for Term<N> {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        self.apply(Op::Or, other)
    }
}
impl<const N: u32> BitXor for Term<N> {
    type Output = Self;
    fn bitxor(self, other: Self) -> Self {
        self.apply(Op::Xor, other)
    }
}
impl<const N: u32> Not for Term<N> {
    type Output = Self;
    fn not(self) -> Self {
        self ^ Self::MAX
    }
}
impl<const N: u32> Shl<u32> for Term<N> {
    type Output = Self;
    fn shl(self, amount: u32) -> Self {
        self.shift(Op::ShiftLeft(amount), amount)
    }
}
impl<const N: u32> Shr<u32> for Term<N> {
    type Output = Self;
    fn shr(self, amount: u32) -> Self {
        self.shift(Op::ShiftRight(amount), amount)
    }
}

impl<const N: u32> Int for Term<N> {
    type Signed = SignedTerm<N>;

    const BITS: u32 = N;
    const ZERO: Self = Term::constant(0);
    const ONE: Self = Term::constant(1);
    const MAX: Self = Term::constant(u64::MAX >> (64 - N));

    fn signed(self) -> SignedTerm<N> {
        SignedTerm(self.0)
    }
    fn below(self, limit: u32) -> Option<u32> {
        if self >= Term::constant(u64::from(limit)) {
            return None;
        }
        let is = |number: u32| self == Term::constant(u64::from(number));
        (0..limit - 1)
            .find(|number| is(*number))
            .or(Some(limit - 1))
    }
    fn wrapping_add(self, other: Self) -> Self {
        self.apply(Op::Add, other)
    }
    fn wrapping_sub(self, other: Self) -> Self {
        self.apply(Op::Sub, other)
    }
    fn wrapping_mul(self, other: Self) -> Self {
        self.apply(Op::Mul, other)
    }
    fn overflowing_add(self, other: Self) -> (Self, bool) {
        let sum = self.wrapping_add(other);
        (sum, sum < self)
    }
    fn overflowing_sub(self, other: Self) -> (Self, bool) {
        (self.wrapping_sub(other), self < other)
    }
    fn checked_mul(self, other: Self) -> Option<Self> {
        let overflows = self.relation(Op::MulOverflows, other).decide();
        (!overflows).then(|| self.wrapping_mul(other))
    }
    fn leading_zeros(self) -> u32 {
        let is_clear = |number: &u32| !self.bit(N - 1 - number).decide();
        (0..N).take_while(is_clear).count() as u32
    }
    fn trailing_zeros(self) -> u32 {
        let is_clear = |number: &u32| !self.bit(*number).decide();
        (0..N).take_while(is_clear).count() as u32
    }
    fn filled(self) -> Self {
        let mut filled = self;
        let mut by = 1;
        while by < N {
            filled = filled | filled >> by;
            by *= 2;
        }
        filled
    }
}

impl<const N: u32> Signed for SignedTerm<N> {
    type Bits = Term<N>;

    const ZERO: Self = SignedTerm(Ref::Constant(0));
    const MIN: Self = SignedTerm(Ref::Constant(1 << (N - 1)));
    const MAX: Self = SignedTerm(Ref::Constant((1 << (N - 1)) - 1));

    fn bits(self) -> Term<N> {
        Term(self.0)
    }
    fn checked_add(self, other: Self) -> Option<Self> {
        let (a, b) = (self.bits(), other.bits());
        let overflows = self.relation(Op::AddOverflowsSigned, other).decide();
        (!overflows).then(|| a.wrapping_add(b).signed())
    }
    fn checked_sub(self, other: Self) -> Option<Self> {
        let (a, b) = (self.bits(), other.bits());
        let overflows = self.relation(Op::SubOverflowsSigned, other).decide();
        (!overflows).then(|| a.wrapping_sub(b).signed())
    }
    fn checked_mul(self, other: Self) -> Option<Self> {
        let overflows = self.relation(Op::MulOverflowsSigned, other).decide();
        (!overflows).then(|| self.bits().wrapping_mul(other.bits()).signed())
    }
    fn shift_right(self, amount: u32) -> Self {
        self.bits()
            .shift(Op::ShiftRightSigned(amount), amount)
            .signed()
    }
}

macro_rules! word {
    ($bits:literal, $half:literal) => {
        impl Word for Term<$bits> {
            type Half = Term<$half>;

            fn low(self) -> Term<$half> {
                self.extract(0)
            }
            fn high(self) -> Term<$half> {
                self.extract($half)
            }
            fn join(high: Term<$half>, low: Term<$half>) -> Self {
                Term::concat(high, low)
            }
            fn extend(low: Term<$half>) -> Self {
                Term::concat(Term::<$half>::ZERO, low)
            }
            fn extend_signed(low: SignedTerm<$half>) -> SignedTerm<$bits> {
                SignedTerm::extended(low)
            }
            fn swap_bytes(self) -> Self {
                const BYTE: u32 = $bits / 8;
                let mut swapped = Self::ZERO;
                for number in 0..8 {
                    let byte = self >> (number * BYTE) & Term::constant(ones(BYTE));
                    swapped = swapped | byte << ((7 - number) * BYTE);
                }
                swapped
            }
        }
    };
}

word!(64, 32);
word!(32, 16);
