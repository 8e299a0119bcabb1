//! `bloom_filter`: a set that may say "perhaps".
//!
//! Facts (measured on Linux 6.18): values are pushed with flags 0 only (`EINVAL`),
//! never refused because of their number, never deleted. Asking for a value that
//! was pushed always succeeds; for another it is `ENOENT`, but now and then
//! succeeds too. Which others is chance in Linux (its hashes are seeded), and is
//! not the same here.

use std::hash::{BuildHasher, Hasher};

use abi::{Errno, MapDef};
use foldhash::fast::FixedState;

use super::{Map, update};
use crate::memory::Space;

/// Hash functions where the definition asks for none in particular.
const HASHES: u64 = 5;

/// A bloom filter.
#[derive(Debug)]
pub(super) struct Bloom {
    def: MapDef,
    /// A power of two of bits.
    words: Vec<u64>,
    hashes: u64,
}

impl Bloom {
    pub(super) fn new(def: MapDef) -> Bloom {
        let hashes = match def.extra {
            0 => HASHES,
            n => n,
        };
        // entries * hashes / ln 2 bits give the best rate of false answers.
        let bits = u64::from(def.max_entries) * hashes * 7 / 5;
        let bits = bits.clamp(64, 1 << 32).next_power_of_two();
        Bloom {
            def,
            words: vec![0; (bits / 64) as usize],
            hashes,
        }
    }

    /// Word and bit for each hash function.
    fn bits(&self, value: &[u8]) -> impl Iterator<Item = (usize, u64)> + use<> {
        let mask = self.words.len() as u64 * 64 - 1;
        let mut hasher = FixedState::with_seed(0).build_hasher();
        hasher.write(value);
        let hash = hasher.finish();
        // Two halves of one hash are as good as many functions (Kirsch and
        // Mitzenmacher).
        let (first, step) = (hash, hash.rotate_left(32) | 1);
        (0..self.hashes).map(move |i| {
            let bit = first.wrapping_add(step.wrapping_mul(i)) & mask;
            ((bit / 64) as usize, 1 << (bit % 64))
        })
    }

    fn add(&mut self, value: &[u8], flags: u64) -> Result<(), Errno> {
        if flags != update::ANY {
            return Err(Errno::EINVAL);
        }
        for (word, bit) in self.bits(value) {
            self.words[word] |= bit;
        }
        Ok(())
    }
}

impl Map for Bloom {
    fn def(&self) -> &MapDef {
        &self.def
    }

    fn push(&mut self, _: &mut Space, value: &[u8], flags: u64) -> Result<(), Errno> {
        self.add(value, flags)
    }

    fn peek(&self, _: &Space, value: &mut [u8]) -> Result<(), Errno> {
        let there = self
            .bits(value)
            .all(|(word, bit)| self.words[word] & bit != 0);
        if there { Ok(()) } else { Err(Errno::ENOENT) }
    }

    fn sys_update(
        &mut self,
        _: &mut Space,
        _: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), Errno> {
        self.add(value, flags)
    }
}
