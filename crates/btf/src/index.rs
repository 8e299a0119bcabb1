//! Types by name, for lookups and for CO-RE candidates.
//!
//! Built on the first lookup: a kernel's 126,000 types take a few milliseconds,
//! which a program that looks nothing up does not pay. The key is the name
//! without flavor, since CO-RE asks by that and an exact lookup can filter.
//!
//! The table holds no names, only ids grouped by bucket; it is hashed with
//! `RandomState`, so that no file can choose its collisions, and within a bucket
//! the ids ascend, so that answers do not depend on the hash.

use std::hash::{BuildHasher, RandomState};

use crate::{Btf, TypeId};

#[derive(Debug)]
pub(crate) struct Index {
    hasher: RandomState,
    /// Where each bucket starts in `ids`, and one more for the end.
    starts: Vec<u32>,
    ids: Vec<TypeId>,
}

impl Index {
    pub(crate) fn new(btf: &Btf) -> Index {
        let hasher = RandomState::new();
        let named: Vec<(TypeId, u32)> = btf
            .own_ids()
            .filter_map(|id| match essential_name(btf.name(id)) {
                "" => None,
                name => Some((id, hasher.hash_one(name) as u32)),
            })
            .collect();
        let buckets = named.len().next_power_of_two();
        let bucket = |hash: u32| hash as usize & (buckets - 1);

        // Counting sort by bucket: count, sum up, place.
        let mut starts = vec![0u32; buckets + 1];
        for &(_, hash) in &named {
            starts[bucket(hash) + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut next = starts.clone();
        let mut ids = vec![TypeId::VOID; named.len()];
        for &(id, hash) in &named {
            let place = &mut next[bucket(hash)];
            ids[*place as usize] = id;
            *place += 1;
        }
        Index {
            hasher,
            starts,
            ids,
        }
    }

    /// Ids of the types of `btf` (which this is the index of) whose name without
    /// flavor is `essential`, ascending.
    pub(crate) fn find<'a>(
        &'a self,
        btf: &'a Btf,
        essential: &'a str,
    ) -> impl Iterator<Item = TypeId> + 'a {
        let bucket = self.hasher.hash_one(essential) as u32 as usize & (self.starts.len() - 2);
        let ids = match self.starts.get(bucket..bucket + 2) {
            Some(&[start, end]) => self.ids.get(start as usize..end as usize).unwrap_or(&[]),
            _ => &[],
        };
        ids.iter()
            .copied()
            .filter(move |&id| essential_name(btf.name(id)) == essential)
    }
}

/// A name without its `___flavor` suffix, split at the last place where exactly
/// three underscores stand between other characters: `task_struct___old` is
/// `task_struct`. Types, enumerators and kernel symbols may have flavors.
pub fn essential_name(name: &str) -> &str {
    let separator = name.as_bytes().windows(5).rposition(|window| {
        matches!(window, [before, b'_', b'_', b'_', after] if *before != b'_' && *after != b'_')
    });
    // The byte before the separator may end a longer character; the separator
    // itself is ASCII, so its start is a boundary.
    separator.map_or(name, |at| &name[..=at])
}

#[cfg(test)]
mod tests {
    use super::essential_name;

    #[test]
    fn flavors_split_at_the_last_separator() {
        for (name, essential) in [
            ("task_struct", "task_struct"),
            ("task_struct___old", "task_struct"),
            ("a___b___c", "a___b"),
            ("a____b", "a____b"),
            ("___x", "___x"),
            ("x___", "x___"),
            ("", ""),
            ("é___x", "é"),
        ] {
            assert_eq!(essential_name(name), essential, "{name}");
        }
    }
}
