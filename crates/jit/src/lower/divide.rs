//! Division by a known number as multiplication by its reciprocal.
//!
//! Granlund and Montgomery, "Division by invariant integers using multiplication"
//! (PLDI 1994), for numbers of 64 bits: `x / d` is the upper half of
//! `x * multiplier`, shifted, where the multiplier is `2^(64 + shift) / d` rounded
//! up. That has 65 bits for some divisors; those are even, or need an addition.

/// How to divide by a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reciprocal {
    /// By how much the dividend is shifted first.
    pub(crate) before: u8,
    pub(crate) multiplier: u64,
    /// Whether the multiplier has a further bit, above its 64.
    pub(crate) carries: bool,
    /// By how much the upper half of the product is shifted to the right.
    pub(crate) after: u8,
}

impl Reciprocal {
    /// For dividends of at most `bits`; `None` for 0 and powers of two.
    pub(crate) fn of(divisor: u64, bits: u32) -> Option<Reciprocal> {
        if divisor.is_power_of_two() || divisor == 0 {
            return None;
        }
        if let Some(reciprocal) = Reciprocal::plain(divisor, bits) {
            return Some(reciprocal);
        }
        let zeros = divisor.trailing_zeros();
        if zeros > 0
            && let Some(reciprocal) = Reciprocal::plain(divisor >> zeros, bits - zeros)
        {
            return Some(Reciprocal {
                before: zeros as u8,
                ..reciprocal
            });
        }
        // With one bit more than fits, any dividend will do.
        let shift = 64 - (divisor - 1).leading_zeros();
        let power = 1u128.checked_shl(64 + shift);
        let multiplier = match power {
            Some(power) => power.div_ceil(divisor.into()),
            // 2^128 / d, rounded up; d is not a power of two.
            None => u128::MAX / u128::from(divisor) + 1,
        };
        Some(Reciprocal {
            before: 0,
            multiplier: multiplier as u64,
            carries: true,
            after: shift as u8,
        })
    }

    /// With a multiplier of 64 bits.
    fn plain(divisor: u64, bits: u32) -> Option<Reciprocal> {
        let divisor = u128::from(divisor);
        for after in 0..64 {
            let power = 1u128.checked_shl(64 + after)?;
            let multiplier = power.div_ceil(divisor);
            let Ok(fits) = u64::try_from(multiplier) else {
                return None;
            };
            // Too large by this for each divisor in the dividend.
            let excess = multiplier * divisor - power;
            if excess <= 1u128 << (64 + after - bits) {
                return Some(Reciprocal {
                    before: 0,
                    multiplier: fits,
                    carries: false,
                    after: after as u8,
                });
            }
        }
        None
    }

    /// What the code computes.
    #[cfg(test)]
    fn divide(self, dividend: u64) -> u64 {
        let shifted = dividend >> self.before;
        let high = ((u128::from(shifted) * u128::from(self.multiplier)) >> 64) as u64;
        match self.carries {
            false => high >> self.after,
            true => (((dividend - high) >> 1) + high) >> (self.after - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_are_exact() {
        let mut divisors: Vec<u64> = (3..300).collect();
        for shift in 1..64 {
            divisors.extend([(1 << shift) + 1, (1u64 << shift).wrapping_sub(1)]);
            divisors.push(3u64.wrapping_shl(shift) | 1 << 63);
        }
        divisors.extend([1_000_003, 86_400, 641, 274_177, 6_700_417, u64::MAX - 1]);
        for divisor in divisors {
            for bits in [32, 64] {
                let most = u64::MAX >> (64 - bits);
                if divisor > most {
                    continue;
                }
                let Some(reciprocal) = Reciprocal::of(divisor, bits) else {
                    assert!(divisor.is_power_of_two());
                    continue;
                };
                let last = most / divisor * divisor;
                let near = [0, 1, divisor, last, most / 2 / divisor * divisor, most];
                for dividend in near {
                    for offset in -2i64..=2 {
                        let Some(dividend) = dividend.checked_add_signed(offset) else {
                            continue;
                        };
                        if dividend <= most {
                            assert_eq!(
                                reciprocal.divide(dividend),
                                dividend / divisor,
                                "{dividend} / {divisor} in {bits} bits: {reciprocal:?}"
                            );
                        }
                    }
                }
            }
        }
    }
}
