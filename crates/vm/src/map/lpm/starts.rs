//! Where searches begin, by the first bits of the data.
//!
//! What a search meets before its first node of more than [`BITS`] bits is decided by
//! those bits alone, so it can be looked up. The table holds numbers of nodes, not
//! values: it is thrown away when a prefix comes or goes, not when a value is replaced.
//! Making it takes a short step for each row, so it is made when the map has been asked
//! an eighth as often since it changed last.

use super::{NIL, Node};

/// Bits that are looked up: a table of 512 KiB, of which the rows that are used stay
/// in caches. Routes part behind them as a rule.
const BITS: u32 = 16;
/// Maps of fewer nodes are searched from the root.
const FEWEST_NODES: usize = 32;
/// Searches without a change before there is a table.
const WORTH_IT: u32 = 1 << BITS >> 3;

/// The table, empty while there is none.
#[derive(Debug, Default)]
pub(super) struct Starts {
    /// By the first bits of the data.
    rows: Vec<Start>,
    /// Searches since the map changed, while there is no table.
    asked: u32,
}

/// Where a search begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// The first node that has to be compared.
    pub(super) node: u32,
    /// The node above it that has a value, and `NIL` where there is none.
    pub(super) best: u32,
}

impl Starts {
    /// The table of a trie; an empty one where it is small or memory is short.
    pub(super) fn new(nodes: &[Node], root: u32) -> Starts {
        let mut rows = Vec::new();
        if nodes.len() < FEWEST_NODES || rows.try_reserve_exact(1 << BITS).is_err() {
            return Starts {
                asked: u32::MAX,
                ..Starts::default()
            };
        }
        let start = Start {
            node: root,
            best: NIL,
        };
        rows.resize(1 << BITS, start);
        let mut starts = Starts { rows, asked: 0 };
        starts.fill(nodes, start);
        starts
    }

    /// Has searches begin below all nodes of fewer than [`BITS`] bits.
    fn fill(&mut self, nodes: &[Node], root: Start) {
        let mut open = vec![root];
        while let Some(Start { node: at, best }) = open.pop() {
            let Some(node) = nodes.get(at as usize) else {
                continue;
            };
            if node.bits >= BITS {
                continue;
            }
            let best = if node.value.is_some() { at } else { best };
            let first = (node.head >> (u64::BITS - BITS)) as usize;
            let half = 1usize << (BITS - node.bits - 1);
            let first = first & !(2 * half - 1);
            for (side, child) in node.child.into_iter().enumerate() {
                let start = Start { node: child, best };
                let from = first + side * half;
                self.rows[from..from + half].fill(start);
                open.push(start);
            }
        }
    }

    /// Where the search for `bits` bits begins, the first of which are `head`'s.
    #[inline]
    pub(super) fn of(&self, bits: u32, head: u64) -> Option<Start> {
        if bits < BITS {
            return None;
        }
        self.rows
            .get((head >> (u64::BITS - BITS)) as usize)
            .copied()
    }

    /// Counts a search; whether the table should be made now.
    #[inline]
    pub(super) fn are_worth_it(&mut self) -> bool {
        if !self.rows.is_empty() {
            return false;
        }
        self.asked = self.asked.saturating_add(1);
        self.asked == WORTH_IT
    }
}

#[cfg(test)]
mod tests {
    use abi::{MapDef, MapType};
    use proptest::prelude::*;

    use super::*;
    use crate::map::lpm::{Lpm, Prefix};
    use crate::map::{Map, MapId};
    use crate::memory::{Rights, Space};

    /// A map with these prefixes of two bytes.
    fn trie(prefixes: &[(u32, u16)]) -> (Lpm, Space) {
        let mut space = Space::buffered();
        let def = MapDef::bare(MapType::LpmTrie, 6, 4, 1000);
        let lpm = Lpm::new(MapId(0), def, Rights::ReadWrite);
        let mut lpm = lpm.expect("a map");
        for (value, (bits, data)) in (0u32..).zip(prefixes) {
            let key = [&bits.to_le_bytes()[..], &data.to_be_bytes()].concat();
            let updated = lpm.update(&mut space, 0, &key, &value.to_le_bytes(), 0);
            updated.expect("there is room");
        }
        (lpm, space)
    }

    fn longest(lpm: &Lpm, bits: u32, data: u16) -> Option<u32> {
        lpm.longest(Prefix {
            bits,
            data: &data.to_be_bytes(),
        })
    }

    proptest! {
        #[test]
        fn a_search_finds_the_same_from_the_root(
            prefixes in prop::collection::vec((0u32..=16, any::<u16>()), 1..100),
            wanted in prop::collection::vec((0u32..=16, any::<u16>()), 1..200),
        ) {
            let (mut lpm, _) = trie(&prefixes);
            let known = prefixes.iter().map(|(_, data)| (16, *data));
            let wanted: Vec<(u32, u16)> = wanted.into_iter().chain(known).collect();
            let before: Vec<_> = wanted.iter().map(|(n, data)| longest(&lpm, *n, *data)).collect();
            lpm.starts = Starts::new(&lpm.nodes, lpm.root);
            prop_assert_eq!(lpm.starts.rows.is_empty(), lpm.nodes.len() < FEWEST_NODES);
            for ((bits, data), before) in wanted.into_iter().zip(before) {
                prop_assert_eq!(longest(&lpm, bits, data), before, "{:x}/{}", data, bits);
            }
        }
    }

    /// What is asked through the map, of which nobody sees whether it has a table.
    #[test]
    fn a_table_comes_with_searches_and_goes_with_changes() {
        let prefixes: Vec<(u32, u16)> = (0..64).map(|n| (6, n << 10)).collect();
        let (mut lpm, mut space) = trie(&prefixes);
        let key = [16, 0, 0, 0, 0x12, 0x34];
        let ask = |lpm: &mut Lpm, space: &Space, times: u32| {
            let mut answers = (0..times).map(|_| lpm.lookup(space, 0, &key));
            let first = answers.next().expect("asked at least once");
            assert!(answers.all(|answer| answer == first));
            first
        };
        let before = ask(&mut lpm, &space, WORTH_IT - 1);
        assert!(lpm.starts.rows.is_empty());
        assert_eq!(ask(&mut lpm, &space, 1), before);
        assert!(!lpm.starts.rows.is_empty());
        let longer = [8, 0, 0, 0, 0x12, 0];
        let updated = lpm.update(&mut space, 0, &longer, &[7; 4], 0);
        updated.expect("there is room");
        assert!(lpm.starts.rows.is_empty());
        assert_ne!(lpm.lookup(&space, 0, &key), before);
        lpm.delete(&space, &longer).expect("it is there");
        assert_eq!(lpm.lookup(&space, 0, &key), before);
    }
}
