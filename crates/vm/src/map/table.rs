//! Keys in machine memory, and the index that finds them.
//!
//! An entry keeps its number while its key is there, so walking the entries by
//! number meets each of them once whatever is inserted, replaced or deleted
//! meanwhile. That number is the order of `next_key`: Linux promises no order for
//! hash maps, only that the walk ends and misses nothing that stays.
//!
//! The hash has a fixed seed: the same run gives the same tables.
//!
//! Short keys are kept as numbers as well, beside the index, so that finding one is
//! a comparison of numbers and asks nobody where the entry's key lies.

use std::hash::{BuildHasher, Hasher};

use abi::Errno;
use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::slab::{Layout, Slab};
use super::{ShortKey, WideKey, short_key, wide_key};
use crate::memory::{Addr, OutOfSpace, Space};

/// Tables are made with room for at most this many entries.
const ROOM_AT_FIRST: u32 = 1 << 12;
const HASH: FixedState = FixedState::with_seed(0);

/// The key of each entry as a number.
#[derive(Debug)]
enum Numbers {
    Short(Vec<ShortKey>),
    Wide(Vec<WideKey>),
    /// They are too long for that.
    None,
}

impl Numbers {
    fn of(len: u32) -> Numbers {
        match len as usize {
            len if len <= size_of::<ShortKey>() => Numbers::Short(Vec::new()),
            len if len <= size_of::<WideKey>() => Numbers::Wide(Vec::new()),
            _ => Numbers::None,
        }
    }

    fn set(&mut self, entry: u32, key: &[u8]) {
        match self {
            Numbers::Short(keys) => place(keys, entry, short_key(key)),
            Numbers::Wide(keys) => place(keys, entry, wide_key(key)),
            Numbers::None => {}
        }
    }
}

/// Puts what there is at an entry's place.
fn place<T: Copy + Default>(keys: &mut Vec<T>, entry: u32, key: Option<T>) {
    let (at, Some(key)) = (entry as usize, key) else {
        return;
    };
    if at >= keys.len() {
        keys.resize(at + 1, T::default());
    }
    keys[at] = key;
}

/// Entries of distinct keys, numbered from 0.
#[derive(Debug)]
pub(super) struct Table {
    index: HashTable<u32>,
    keys: Slab,
    numbers: Numbers,
    /// One bit for each number that was ever given: whether it is in use.
    live: Vec<u64>,
    /// Numbers that were given and are free again.
    free: Vec<u32>,
    /// Numbers from here on were never given.
    fresh: u32,
}

impl Table {
    /// An empty table; `keys` says where the keys go.
    pub(super) fn new(keys: Layout) -> Result<Table, OutOfSpace> {
        let room = keys.capacity.min(ROOM_AT_FIRST) as usize;
        Ok(Table {
            index: HashTable::with_capacity(room),
            numbers: Numbers::of(keys.len),
            keys: Slab::new(keys)?,
            live: Vec::new(),
            free: Vec::new(),
            fresh: 0,
        })
    }

    /// Entries.
    pub(super) fn len(&self) -> u32 {
        self.index.len() as u32
    }

    /// The hash of a key, for the other methods.
    #[inline]
    pub(super) fn hash(key: &[u8]) -> u64 {
        if let Some(key) = short_key(key) {
            return Table::hash_short(key);
        }
        if let Some(key) = wide_key(key) {
            return Table::hash_wide(key);
        }
        let mut hasher = HASH.build_hasher();
        hasher.write(key);
        hasher.finish()
    }

    #[inline]
    fn hash_short(key: ShortKey) -> u64 {
        let mut hasher = HASH.build_hasher();
        hasher.write_u128(key);
        hasher.finish()
    }

    #[inline]
    fn hash_wide([low, high]: WideKey) -> u64 {
        let mut hasher = HASH.build_hasher();
        hasher.write_u128(low);
        hasher.write_u128(high);
        hasher.finish()
    }

    /// The entry of a key of which the hash is known.
    #[inline]
    pub(super) fn find(&self, space: &Space, hash: u64, key: &[u8]) -> Option<u32> {
        self.index
            .find(hash, |entry| self.key(space, *entry) == key)
            .copied()
    }

    /// The entry of a key.
    #[inline]
    pub(super) fn entry(&self, space: &Space, key: &[u8]) -> Option<u32> {
        if let Some(key) = short_key(key) {
            return self.entry_short(key);
        }
        if let Some(key) = wide_key(key) {
            return self.entry_wide(key);
        }
        self.find(space, Table::hash(key), key)
    }

    /// The entry of a short key.
    #[inline]
    pub(super) fn entry_short(&self, key: ShortKey) -> Option<u32> {
        let Numbers::Short(keys) = &self.numbers else {
            return None;
        };
        if self.index.is_empty() {
            return None;
        }
        let same = |entry: &u32| keys.get(*entry as usize) == Some(&key);
        self.index.find(Table::hash_short(key), same).copied()
    }

    /// The entry of a key of more than 16 bytes and at most 32.
    #[inline]
    pub(super) fn entry_wide(&self, key: WideKey) -> Option<u32> {
        let Numbers::Wide(keys) = &self.numbers else {
            return None;
        };
        if self.index.is_empty() {
            return None;
        }
        let same = |entry: &u32| keys.get(*entry as usize) == Some(&key);
        self.index.find(Table::hash_wide(key), same).copied()
    }

    /// Makes an entry for a key that has none.
    pub(super) fn insert(
        &mut self,
        space: &mut Space,
        hash: u64,
        key: &[u8],
    ) -> Result<u32, Errno> {
        let entry = match self.free.pop() {
            Some(entry) => entry,
            None => {
                self.keys.reserve(space, self.fresh)?;
                self.fresh += 1;
                self.fresh - 1
            }
        };
        self.keys.set(space, entry, key);
        self.numbers.set(entry, key);
        let (word, bit) = position(entry);
        if word >= self.live.len() {
            self.live.resize(word + 1, 0);
        }
        self.live[word] |= bit;
        let keys = &self.keys;
        self.index
            .insert_unique(hash, entry, |e| Table::hash(keys.get(space, *e)));
        Ok(entry)
    }

    /// Removes an entry that is there. Its key stays readable until the number is
    /// given again.
    pub(super) fn remove(&mut self, space: &Space, entry: u32) {
        let hash = Table::hash(self.key(space, entry));
        if let Ok(found) = self.index.find_entry(hash, |e| *e == entry) {
            found.remove();
            let (word, bit) = position(entry);
            self.live[word] &= !bit;
            self.free.push(entry);
        }
    }

    /// The first entry with at least this number.
    pub(super) fn next(&self, from: u32) -> Option<u32> {
        let (mut word, bit) = position(from);
        let mut bits = self.live.get(word)? & !(bit - 1);
        while bits == 0 {
            word += 1;
            bits = *self.live.get(word)?;
        }
        Some(word as u32 * 64 + bits.trailing_zeros())
    }

    /// The key of an entry.
    #[inline]
    pub(super) fn key<'s>(&self, space: &'s Space, entry: u32) -> &'s [u8] {
        self.keys.get(space, entry)
    }

    /// Where the key of an entry is.
    pub(super) fn key_addr(&self, entry: u32) -> Addr {
        self.keys.addr(entry)
    }

    /// `next_key` of a map with these keys.
    pub(super) fn next_key(
        &self,
        space: &Space,
        key: Option<&[u8]>,
        next: &mut [u8],
    ) -> Result<(), Errno> {
        let at = key.and_then(|key| self.entry(space, key));
        let entry = self.next(at.map_or(0, |e| e + 1)).ok_or(Errno::ENOENT)?;
        next.copy_from_slice(self.key(space, entry));
        Ok(())
    }
}

fn position(entry: u32) -> (usize, u64) {
    ((entry / 64) as usize, 1 << (entry % 64))
}
