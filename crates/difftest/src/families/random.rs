//! Seeds, and what comes of them.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;

/// The environment variable that gives a seed to try instead of the usual ones.
const VARIABLE: &str = "EBPF_SIM_SEED";

/// Where the random numbers of a test come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{VARIABLE}={:#x}", self.0)
    }
}

/// The seeds to try: one that is always the same, and a fresh one; or the one in
/// the environment variable `EBPF_SIM_SEED`.
pub fn seeds() -> Vec<Seed> {
    let given = std::env::var(VARIABLE).ok().and_then(|text| {
        let hexadecimal = text.strip_prefix("0x");
        match hexadecimal {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        }
    });
    match given {
        Some(seed) => vec![Seed(seed)],
        None => vec![Seed(1), Seed(RandomState::new().hash_one(0u8))],
    }
}

/// Random numbers that are a function of their seed (SplitMix64), or of bytes as
/// long as those last.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
    /// What the first numbers are made of.
    given: Option<Box<Given>>,
}

/// Bytes that numbers are made of.
#[derive(Clone, Debug)]
struct Given {
    bytes: Vec<u8>,
    at: usize,
}

impl Given {
    /// A number of this many bytes; `None` at the end.
    fn take(&mut self, len: usize) -> Option<u64> {
        let bytes = self.bytes.get(self.at..)?;
        let bytes = bytes.get(..len.min(bytes.len()))?;
        self.at += bytes.len();
        let number = bytes
            .iter()
            .rev()
            .fold(0, |n, byte| n << 8 | u64::from(*byte));
        (!bytes.is_empty()).then_some(number)
    }
}

impl Random {
    /// Numbers of a seed; `stream` tells apart those who use the same one.
    pub fn new(seed: Seed, stream: u64) -> Random {
        let mut random = Random {
            state: seed.0 ^ stream.wrapping_mul(0xd134_2543_de82_ef95),
            given: None,
        };
        random.number();
        random
    }

    /// Numbers that these bytes choose: each choice is a byte, or as many as its
    /// bound has. Where they end, the numbers are those of a seed that is always
    /// the same.
    pub fn of_bytes(bytes: &[u8]) -> Random {
        Random {
            given: Some(Box::new(Given {
                bytes: bytes.to_vec(),
                at: 0,
            })),
            ..Random::new(Seed(0), 0)
        }
    }

    #[inline]
    fn given(&mut self, len: usize) -> Option<u64> {
        self.given.as_mut()?.take(len)
    }

    /// 64 bits.
    #[inline]
    pub fn number(&mut self) -> u64 {
        if let Some(number) = self.given(8) {
            return number;
        }
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        if self.given.is_some() {
            let bytes = (bound - 1).checked_ilog2().unwrap_or(0) / 8 + 1;
            if let Some(number) = self.given(bytes as usize) {
                return number % bound;
            }
        }
        self.number() % bound
    }

    /// Whether something of this likelihood in a hundred happens.
    #[inline]
    pub fn percent(&mut self, likelihood: u64) -> bool {
        self.below(100) < likelihood
    }

    /// One of several.
    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }

    /// This many bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.number() as u8).collect()
    }

    /// A number of any magnitude: near a power of two, or anything.
    pub fn edge(&mut self) -> u64 {
        let power = 1u64.checked_shl(self.below(65) as u32).unwrap_or(0);
        match self.below(6) {
            0 => power,
            1 => power.wrapping_sub(1),
            2 => power.wrapping_neg(),
            3 => self.below(17),
            4 => self.number() & power.wrapping_sub(1),
            _ => self.number(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_and_repeat() {
        let numbers = |stream| {
            let mut random = Random::new(Seed(7), stream);
            [random.number(), random.number()]
        };
        assert_eq!(numbers(1), numbers(1));
        assert_ne!(numbers(1), numbers(2));
    }

    #[test]
    fn bytes_choose_and_then_a_seed_does() {
        let mut random = Random::of_bytes(&[7, 1, 2, 9]);
        assert_eq!(random.below(5), 2);
        assert_eq!(random.below(1000), 0x201);
        assert_eq!(random.number(), 9);
        assert_eq!(random.number(), Random::new(Seed(0), 0).number());
        assert_eq!(Random::of_bytes(&[]).below(1), 0);
    }
}
