//! Every operator against the numbers it stands for.
//!
//! At a width of 4 bits with halves of 2 a scalar is a set of at most 16 numbers,
//! kept here as a mask, and every pair of numbers of every pair of scalars is tried.
//! Known bits alone are tried in all pairs at 5 and 6 bits too, whole scalars of 6
//! bits in a sample. At 64 bits the same is asked of random numbers, so that nothing
//! depends on the narrow words.

use isa::{AluOp, CmpOp, EndianOp, Width};

use super::range::Range;
use super::small::{Bits, SignedBits};
use super::tnum::TnumOf;
use super::word::{Int, Signed, Word};
use super::{Branches, Scalar, ScalarOf};

/// Scalars over narrow words.
type Narrow<const N: u32> = ScalarOf<Bits<N>>;
type Small = Narrow<4>;

const WIDTHS: [Width; 2] = [Width::W32, Width::W64];
/// Of scalars of 6 bits, each so many are tried with one another.
const WIDE_SAMPLE: usize = 29;

mod concrete {
    //! The operations on numbers, with nothing of the domain's code.

    use super::*;

    pub(super) fn sign_extend(number: u64, bits: u32) -> i64 {
        (number << (64 - bits)) as i64 >> (64 - bits)
    }

    pub(super) fn truncate(number: u64, bits: u32) -> u64 {
        number << (64 - bits) >> (64 - bits)
    }

    /// `bits` is the width of a whole register.
    pub(super) fn width_bits(width: Width, bits: u32) -> u32 {
        match width {
            Width::W64 => bits,
            Width::W32 => bits / 2,
        }
    }

    /// Nothing where the amount of a shift or the divisor is one that Linux
    /// refuses; a register may hold it, and then the result is any number.
    pub(super) fn alu(op: AluOp, width: Width, bits: u32, a: u64, b: u64) -> Option<u64> {
        let bits = width_bits(width, bits);
        let (a, b) = (truncate(a, bits), truncate(b, bits));
        let is_shift = matches!(op, AluOp::Lsh | AluOp::Rsh | AluOp::Arsh);
        if is_shift && b >= u64::from(bits) {
            return None;
        }
        let (sa, sb) = (sign_extend(a, bits), sign_extend(b, bits));
        let result = match op {
            AluOp::Add => a.wrapping_add(b),
            AluOp::Sub => a.wrapping_sub(b),
            AluOp::Mul => a.wrapping_mul(b),
            AluOp::Div => a.checked_div(b)?,
            AluOp::Sdiv => sa.checked_div(sb)? as u64,
            AluOp::Mod => a.checked_rem(b)?,
            AluOp::Smod => sa.checked_rem(sb)? as u64,
            AluOp::Or => a | b,
            AluOp::And => a & b,
            AluOp::Xor => a ^ b,
            AluOp::Lsh => a << b,
            AluOp::Rsh => a >> b,
            AluOp::Arsh => (sa >> b) as u64,
            AluOp::Mov => b,
        };
        Some(truncate(result, bits))
    }

    pub(super) fn holds(op: CmpOp, width: Width, bits: u32, a: u64, b: u64) -> bool {
        let bits = width_bits(width, bits);
        let (a, b) = (truncate(a, bits), truncate(b, bits));
        let (sa, sb) = (sign_extend(a, bits), sign_extend(b, bits));
        match op {
            CmpOp::Eq => a == b,
            CmpOp::Ne => a != b,
            CmpOp::Gt => a > b,
            CmpOp::Ge => a >= b,
            CmpOp::Lt => a < b,
            CmpOp::Le => a <= b,
            CmpOp::Sgt => sa > sb,
            CmpOp::Sge => sa >= sb,
            CmpOp::Slt => sa < sb,
            CmpOp::Sle => sa <= sb,
            CmpOp::Set => a & b != 0,
        }
    }
}

/// All tristate numbers.
fn tnums<const N: u32>() -> Vec<TnumOf<Bits<N>>> {
    let pairs = Bits::all().flat_map(|value| Bits::all().map(move |mask| TnumOf { value, mask }));
    pairs
        .filter(|tnum| tnum.value & tnum.mask == Bits::ZERO)
        .collect()
}

/// The members, as a mask.
fn members<const N: u32>(tnum: TnumOf<Bits<N>>) -> u64 {
    mask(|number| tnum.contains(number))
}

fn mask<const N: u32>(contains: impl Fn(Bits<N>) -> bool) -> u64 {
    Bits::all().fold(0, |mask, number| {
        mask | u64::from(contains(number)) << number.0
    })
}

/// The numbers of a mask.
fn numbers(mut mask: u64) -> impl Iterator<Item = u64> + Clone {
    std::iter::from_fn(move || {
        let least = mask.trailing_zeros();
        mask &= mask.checked_sub(1)?;
        Some(least.into())
    })
}

/// The least tnum with these members.
fn least<const N: u32>(members: u64) -> TnumOf<Bits<N>> {
    let all = numbers(members).fold(!0, |bits, number| bits & number);
    let any = numbers(members).fold(0, |bits, number| bits | number);
    TnumOf {
        value: Bits(all as u8),
        mask: Bits((any & !all) as u8),
    }
}

#[test]
fn tnum_operations_hold_every_result() {
    tnum_operations_hold::<4>();
    tnum_operations_hold::<5>();
    tnum_operations_hold::<6>();
}

fn tnum_operations_hold<const N: u32>() {
    type Op<T> = (&'static str, AluOp, fn(T, T) -> T);
    let ops: [Op<TnumOf<Bits<N>>>; 6] = [
        ("add", AluOp::Add, TnumOf::add),
        ("sub", AluOp::Sub, TnumOf::sub),
        ("mul", AluOp::Mul, TnumOf::mul),
        ("and", AluOp::And, TnumOf::and),
        ("or", AluOp::Or, TnumOf::or),
        ("xor", AluOp::Xor, TnumOf::xor),
    ];
    let all: Vec<_> = tnums::<N>()
        .into_iter()
        .map(|tnum| (tnum, members(tnum)))
        .collect();
    for (name, op, apply) in ops {
        for (a, a_set) in &all {
            for (b, b_set) in &all {
                let result = apply(*a, *b);
                let mut exact = 0;
                for x in numbers(*a_set) {
                    for y in numbers(*b_set) {
                        let z = concrete::alu(op, Width::W64, N, x, y).expect("defined");
                        exact |= 1 << z;
                    }
                }
                assert_eq!(exact & !members(result), 0, "{name} {a:?} {b:?} {result:?}");
                if op != AluOp::Mul {
                    assert_eq!(result, least(exact), "{name} {a:?} {b:?}");
                }
            }
        }
    }
}

#[test]
fn tnums_are_sets() {
    tnums_are::<4>();
    tnums_are::<5>();
    tnums_are::<6>();
}

fn tnums_are<const N: u32>() {
    for a in tnums::<N>() {
        for b in tnums::<N>() {
            let (x, y) = (members(a), members(b));
            assert_eq!(a.includes(b), y & !x == 0, "{a:?} {b:?}");
            assert_eq!(a.overlaps(b), x & y != 0, "{a:?} {b:?}");
            assert_eq!(a.union(b), least(x | y), "{a:?} {b:?}");
            if x & y != 0 {
                assert_eq!(members(a.intersect(b)), x & y, "{a:?} {b:?}");
            }
        }
    }
}

#[test]
fn tnum_steps_to_the_next_member() {
    for tnum in tnums::<6>() {
        for number in Bits::<6>::all() {
            let next = numbers(members(tnum)).find(|member| *member > u64::from(number.0));
            let expected = next.unwrap_or(u64::from(tnum.max().0));
            assert_eq!(
                u64::from(tnum.step(number).0),
                expected,
                "{tnum:?} {number:?}"
            );
        }
    }
}

#[test]
fn tnum_of_a_range_holds_the_range() {
    for min in 0..64 {
        for max in min..64 {
            let tnum = TnumOf::<Bits<6>>::range(Bits(min), Bits(max));
            let range = numbers(!0)
                .filter(|n| (u64::from(min)..=u64::from(max)).contains(n))
                .fold(0, |mask, number| mask | 1 << number);
            assert_eq!(range & !members(tnum), 0, "{min}..={max}: {tnum:?}");
            // No bit above the highest that differs is unknown.
            assert!(tnum.mask.0 <= 2 * (min ^ max), "{min}..={max}: {tnum:?}");
        }
    }
}

fn set<const N: u32>(scalar: &Narrow<N>) -> u64
where
    Bits<N>: Word,
{
    mask(|number| scalar.contains(number))
}

/// All scalars that one part alone tells of, and what two parts tell together
/// where the intervals are of the same kind of number.
fn scalars<const N: u32, const HALF: u32>() -> Vec<Narrow<N>>
where
    Bits<N>: Word<Half = Bits<HALF>>,
{
    let mut all = vec![];
    let wide = ranges::<N>();
    let low = ranges::<HALF>();
    all.extend(wide.iter().map(|wide| Narrow {
        wide: *wide,
        ..Narrow::UNKNOWN
    }));
    all.extend(low.iter().map(|low| Narrow {
        low: *low,
        ..Narrow::UNKNOWN
    }));
    all.extend(tnums::<N>().into_iter().map(|tnum| Narrow {
        tnum,
        ..Narrow::UNKNOWN
    }));
    let mut synced: Vec<Narrow<N>> = all.into_iter().map(Narrow::sync).collect();
    let mut random = Random(1);
    for _ in 0..600 {
        synced.push(random.narrow().sync());
    }
    synced.retain(|scalar| set(scalar) != 0);
    synced.sort_by_key(|scalar| (set(scalar), scalar.tnum.mask, scalar.wide.umin));
    synced.dedup();
    synced
}

/// All intervals in one reading, with the other unbounded.
fn ranges<const N: u32>() -> Vec<Range<Bits<N>>> {
    let mut ranges = vec![];
    for a in Bits::<N>::all() {
        for b in Bits::<N>::all() {
            if a <= b {
                ranges.push(Range {
                    umin: a,
                    umax: b,
                    ..Range::UNBOUNDED
                });
            }
            if a.signed() <= b.signed() {
                ranges.push(Range {
                    smin: a.signed(),
                    smax: b.signed(),
                    ..Range::UNBOUNDED
                });
            }
        }
    }
    ranges
}

/// Each pair of every so many scalars, with their numbers.
fn for_each_pair<const N: u32, const HALF: u32>(
    every: usize,
    mut check: impl FnMut((&Narrow<N>, u64), (&Narrow<N>, u64)),
) where
    Bits<N>: Word<Half = Bits<HALF>>,
{
    let all: Vec<(Narrow<N>, u64)> = scalars().into_iter().map(|s| (s, set(&s))).collect();
    assert!(all.len() > 300, "{}", all.len());
    for (a, a_set) in all.iter().step_by(every) {
        for (b, b_set) in all.iter().step_by(every) {
            check((a, *a_set), (b, *b_set));
        }
    }
}

#[test]
fn alu_holds_every_result() {
    alu_holds::<4, 2>(1);
    alu_holds::<6, 3>(WIDE_SAMPLE);
}

fn alu_holds<const N: u32, const HALF: u32>(every: usize)
where
    Bits<N>: Word<Half = Bits<HALF>>,
{
    for_each_pair::<N, HALF>(every, |(a, a_set), (b, b_set)| {
        for op in AluOp::ALL {
            for width in WIDTHS {
                let result = set(&a.alu(op, width, *b));
                for x in numbers(a_set) {
                    for y in numbers(b_set) {
                        let z = concrete::alu(op, width, N, x, y);
                        let held = z.is_none_or(|z| result >> z & 1 != 0);
                        assert!(held, "{op:?} {width:?} {a:?} {b:?}: {x} {y} {z:?}");
                    }
                }
            }
        }
    });
}

#[test]
fn pointer_arithmetic_holds_every_result() {
    for_each_pair::<4, 2>(1, |(a, a_set), (b, b_set)| {
        let (sum, difference) = (set(&a.pointer_add(b)), set(&a.pointer_sub(b)));
        for x in numbers(a_set) {
            for y in numbers(b_set) {
                assert!(sum >> ((x + y) % 16) & 1 != 0, "{a:?} {b:?}: {x} + {y}");
                let z = (x + 16 - y) % 16;
                assert!(difference >> z & 1 != 0, "{a:?} {b:?}: {x} - {y}");
            }
        }
    });
}

#[test]
fn branches_lose_no_pair_and_decisions_hold_for_each() {
    branches_lose_no_pair::<4, 2>(1);
    branches_lose_no_pair::<6, 3>(WIDE_SAMPLE);
}

fn branches_lose_no_pair<const N: u32, const HALF: u32>(every: usize)
where
    Bits<N>: Word<Half = Bits<HALF>>,
{
    for_each_pair::<N, HALF>(every, |(a, a_set), (b, b_set)| {
        for op in CmpOp::ALL {
            for width in WIDTHS {
                let Branches { fall, taken } = Narrow::refine(op, width, *a, *b);
                let sets = [fall, taken].map(|(a, b)| (set(&a), set(&b)));
                let decided = Narrow::decide(op, width, a, b);
                for x in numbers(a_set) {
                    for y in numbers(b_set) {
                        let holds = concrete::holds(op, width, N, x, y);
                        let (a_left, b_left) = sets[usize::from(holds)];
                        assert!(
                            a_left >> x & b_left >> y & 1 != 0,
                            "{op:?} {width:?} {a:?} {b:?}: {x} {y} is lost"
                        );
                        assert!(
                            decided.is_none_or(|decided| decided == holds),
                            "{op:?} {width:?} {a:?} {b:?}: {x} {y} is decided wrongly"
                        );
                    }
                }
            }
        }
    });
}

#[test]
fn a_register_beside_itself_loses_no_number() {
    for scalar in scalars::<4, 2>() {
        for op in CmpOp::ALL {
            for width in WIDTHS {
                let Branches { fall, taken } = Small::refine_same(op, width, scalar);
                for x in numbers(set(&scalar)) {
                    let holds = concrete::holds(op, width, 4, x, x);
                    let (a, b) = if holds { taken } else { fall };
                    assert!(set(&a) >> x & 1 != 0, "{op:?} {width:?} {scalar:?}: {x}");
                    assert_eq!(a, b);
                }
            }
        }
    }
}

#[test]
fn within_is_inclusion() {
    for_each_pair::<4, 2>(1, |(a, a_set), (b, b_set)| {
        if a.within(b) {
            assert_eq!(a_set & !b_set, 0, "{a:?} {b:?}");
        }
    });
}

#[test]
fn sync_keeps_every_number() {
    let mut random = Random(2);
    let mut filled = 0;
    for _ in 0..200_000 {
        let before: Small = random.narrow();
        let after = before.sync();
        if set(&before) != 0 {
            filled += 1;
            assert_eq!(set(&before) & !set(&after), 0, "{before:?} {after:?}");
            assert!(!after.violates_invariants(), "{before:?} {after:?}");
            assert_eq!(after, after.settled());
        }
    }
    assert!(filled > 50_000, "{filled}");
}

#[test]
fn unary_operations_hold_every_result() {
    for scalar in scalars::<4, 2>() {
        let numbers = numbers(set(&scalar));
        let check = |result: Small, name: &str, of: &dyn Fn(u64) -> u64| {
            for x in numbers.clone() {
                let z = of(x);
                assert!(
                    result.contains(Bits(z as u8)),
                    "{name} {scalar:?} {result:?}: {x} {z}"
                );
            }
        };
        for width in WIDTHS {
            let bits = concrete::width_bits(width, 4);
            check(scalar.neg(width), "neg", &|x| {
                concrete::truncate(x.wrapping_neg(), bits)
            });
            // As much as the low half at most: 32 bits of 64.
            for from in 1..=2.min(bits - 1) {
                check(scalar.movsx(width, from), "movsx", &|x| {
                    concrete::truncate(concrete::sign_extend(x, from) as u64, bits)
                });
            }
        }
        check(scalar.zero_extend32(), "mov32", &|x| x % 4);
        for bits in [1, 2, 4] {
            let reverse = |x: u64| x.reverse_bits() >> 60;
            check(scalar.endian(EndianOp::Le, bits), "le", &|x| {
                concrete::truncate(x, bits)
            });
            for op in [EndianOp::Be, EndianOp::Bswap] {
                check(scalar.endian(op, bits), "swap", &|x| {
                    reverse(x) >> (4 - bits)
                });
            }
        }
    }
}

/// xorshift64.
#[derive(Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 8) % limit
    }

    fn bits<const N: u32>(&mut self) -> Bits<N> {
        Bits((self.next() >> 40) as u8 & Bits::<N>::MAX.0)
    }

    fn range<const N: u32>(&mut self) -> Range<Bits<N>> {
        let mut range = Range::<Bits<N>>::UNBOUNDED;
        if self.below(2) == 0 {
            let (a, b) = (self.bits::<N>(), self.bits::<N>());
            (range.umin, range.umax) = (a.min(b), a.max(b));
        }
        if self.below(2) == 0 {
            let (a, b) = (self.bits::<N>().signed(), self.bits::<N>().signed());
            (range.smin, range.smax) = (a.min(b), a.max(b));
        }
        range
    }

    /// Any parts, in order in themselves, that may contradict one another.
    fn narrow<const N: u32, const HALF: u32>(&mut self) -> Narrow<N>
    where
        Bits<N>: Word<Half = Bits<HALF>>,
    {
        let mask = self.bits::<N>() & self.bits::<N>();
        let value = self.bits::<N>() & !mask;
        let tnum = match self.below(2) {
            0 => TnumOf { value, mask },
            _ => TnumOf::UNKNOWN,
        };
        Narrow {
            wide: self.range::<N>(),
            low: self.range::<HALF>(),
            tnum,
        }
    }

    /// A number as programs have them: near a power of two, or anything.
    pub(super) fn number(&mut self) -> u64 {
        let near = self.below(9).wrapping_sub(4);
        match self.below(4) {
            0 => self.next(),
            1 => near,
            _ => (1u64 << self.below(64)).wrapping_add(near),
        }
    }

    /// A scalar, and a number that it holds.
    pub(super) fn scalar(&mut self) -> (Scalar, u64) {
        let number = self.number();
        let mut scalar = Scalar::constant(number);
        for _ in 0..self.below(5) {
            let other = Scalar::constant(self.number());
            scalar.wide = hull(&scalar.wide, &other.wide);
            scalar.low = hull(&scalar.low, &other.low);
            scalar.tnum = scalar.tnum.union(other.tnum);
        }
        if self.below(3) == 0 {
            scalar.tnum = TnumOf::UNKNOWN;
        }
        if self.below(3) == 0 {
            scalar.low = Range::UNBOUNDED;
        }
        if self.below(3) == 0 {
            scalar.wide = Range::UNBOUNDED;
        }
        (scalar.sync(), number)
    }
}

fn hull<I: Int>(a: &Range<I>, b: &Range<I>) -> Range<I> {
    Range {
        umin: a.umin.min(b.umin),
        umax: a.umax.max(b.umax),
        smin: a.smin.min(b.smin),
        smax: a.smax.max(b.smax),
    }
}

#[test]
fn words_of_64_bits_hold_random_results() {
    let mut random = Random(3);
    for _ in 0..100_000 {
        let ((a, x), (b, y)) = (random.scalar(), random.scalar());
        assert!(a.contains(x) && b.contains(y));
        for op in AluOp::ALL {
            for width in WIDTHS {
                let result = a.alu(op, width, b);
                if let Some(z) = concrete::alu(op, width, 64, x, y) {
                    assert!(
                        result.contains(z),
                        "{op:?} {width:?} {a} {b}: {x:#x} {y:#x} {z:#x}"
                    );
                }
                assert!(!result.violates_invariants());
            }
        }
        let op = CmpOp::ALL[random.below(11) as usize];
        for width in WIDTHS {
            let holds = concrete::holds(op, width, 64, x, y);
            let Branches { fall, taken } = Scalar::refine(op, width, a, b);
            let way = if holds { taken } else { fall };
            assert!(
                way.0.contains(x) && way.1.contains(y),
                "{op:?} {width:?} {a} {b}: {x:#x} {y:#x}"
            );
            assert_ne!(Scalar::decide(op, width, &a, &b), Some(!holds));
        }
        assert!(a.pointer_add(&b).contains(x.wrapping_add(y)));
        assert!(a.pointer_sub(&b).contains(x.wrapping_sub(y)));
        for bits in [8, 16, 32] {
            let extended = concrete::sign_extend(x, bits) as u64;
            assert!(a.movsx(Width::W64, bits).contains(extended));
            assert!(a.truncate(bits / 8).contains(concrete::truncate(x, bits)));
        }
        for bits in [16, 32, 64] {
            let swapped = a.endian(EndianOp::Bswap, bits);
            assert!(swapped.contains(x.swap_bytes() >> (64 - bits)));
        }
    }
}

#[test]
fn narrow_words_wrap_at_their_width() {
    assert_eq!(Bits::<4>(15).wrapping_add(Bits(1)), Bits(0));
    assert_eq!(Bits::<4>(9).signed(), SignedBits(-7));
    assert_eq!(SignedBits::<4>(7).checked_add(SignedBits(1)), None);
    assert_eq!(SignedBits::<4>(-8).bits(), Bits(8));
    assert_eq!(Bits::<4>(1).leading_zeros(), 3);
}
