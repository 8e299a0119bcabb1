//! `lpm_trie`: values by prefix, the longest that matches is found.
//!
//! A key is a prefix length (`u32`) and data, most significant bit first. The trie
//! has a node for each prefix and one for each place where two prefixes part.
//!
//! Facts (measured on Linux 6.18): a length of more bits than the data has is
//! `EINVAL` (and finds nothing); a full map is `ENOSPC`; bits behind the prefix are
//! kept as they were given. `next_key` goes through the trie in post-order, so the
//! more specific prefix comes first: what continues with 0, what continues with 1,
//! the prefix itself. Replacing a value moves it: a pointer that a program holds
//! keeps showing the old one.
//!
//! A map that is asked more often than it is changed has a table over the first bits
//! of the data, [`Starts`], and searches begin below the nodes that it skips.

mod starts;

use std::collections::VecDeque;
use std::hint::select_unpredictable;

use abi::{Errno, MapDef};

use self::starts::Starts;
use super::slab::{Layout, Slab};
use super::{Map, MapId, ShortKey, update};
use crate::memory::{Addr, OutOfSpace, RegionKind, Rights, Space};

/// No node.
const NIL: u32 = u32::MAX;
/// So many values that were replaced or deleted last keep their place.
const LINGER: u32 = 64;

/// A prefix trie.
#[derive(Debug)]
pub(super) struct Lpm {
    def: MapDef,
    nodes: Vec<Node>,
    /// Numbers of nodes that are free again.
    vacant: Vec<u32>,
    /// The data of each node, one after the other.
    data: Vec<u8>,
    root: u32,
    starts: Starts,
    entries: u32,
    values: Slab,
    /// Elements of `values` that are free again, the longest first.
    free: VecDeque<u32>,
    fresh: u32,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    /// The first bytes of the data; see [`head`].
    head: u64,
    /// Bits of the prefix.
    bits: u32,
    parent: u32,
    child: [u32; 2],
    /// Element of the value; `None` where prefixes only part.
    value: Option<u32>,
}

/// A key taken apart.
#[derive(Clone, Copy, Debug)]
struct Prefix<'a> {
    bits: u32,
    data: &'a [u8],
}

/// Where a search ends.
enum Place {
    /// At the node of that very prefix.
    At(u32),
    /// Below `parent` (`NIL` for the root), in place of `below`, which shares
    /// `common` bits with the prefix, if it is a node.
    Above {
        parent: u32,
        below: u32,
        common: u32,
    },
}

impl Lpm {
    pub(super) fn new(id: MapId, def: MapDef, rights: Rights) -> Result<Lpm, OutOfSpace> {
        let layout = Layout {
            kind: RegionKind::MapValues(id),
            rights,
            len: def.value_size,
            parts: 1,
            capacity: def.max_entries.saturating_add(LINGER + 1),
        };
        Ok(Lpm {
            values: Slab::new(layout)?,
            def,
            nodes: Vec::new(),
            vacant: Vec::new(),
            data: Vec::new(),
            root: NIL,
            starts: Starts::default(),
            entries: 0,
            free: VecDeque::new(),
            fresh: 0,
        })
    }

    fn width(&self) -> usize {
        self.def.key_size as usize - 4
    }

    fn parse<'a>(&self, key: &'a [u8]) -> Option<Prefix<'a>> {
        let (bits, data) = key.split_first_chunk()?;
        let bits = u32::from_le_bytes(*bits);
        (bits as usize <= self.width() * 8).then_some(Prefix { bits, data })
    }

    fn data(&self, node: u32) -> &[u8] {
        let at = node as usize * self.width();
        &self.data[at..at + self.width()]
    }

    fn node(&self, node: u32) -> Node {
        self.nodes[node as usize]
    }

    /// Bits that a node and a prefix have in common.
    fn common(&self, node: u32, prefix: Prefix<'_>) -> u32 {
        let limit = prefix.bits.min(self.node(node).bits);
        equal_bits(self.data(node), prefix.data).min(limit)
    }

    /// The node where a search for these bits begins, and the element of the longest
    /// prefix above it.
    #[inline]
    fn begin(&self, bits: u32, wanted: u64) -> (u32, Option<u32>) {
        match self.starts.of(bits, wanted) {
            Some(start) => {
                let best = self.nodes.get(start.best as usize);
                (start.node, best.and_then(|node| node.value))
            }
            None => (self.root, None),
        }
    }

    /// Notes that the map is asked, for a table if that is often.
    #[inline]
    fn asked(&mut self) {
        if self.starts.are_worth_it() {
            self.starts = Starts::new(&self.nodes, self.root);
        }
    }

    /// The element of the longest prefix of `prefix` that has a value.
    fn longest(&self, prefix: Prefix<'_>) -> Option<u32> {
        let wanted = head(prefix.data);
        if self.width() <= size_of_val(&wanted) {
            return self.longest_short(prefix.bits, wanted);
        }
        let (mut at, mut best) = self.begin(prefix.bits, wanted);
        while let Some(node) = self.nodes.get(at as usize) {
            let equal = (node.head ^ wanted).leading_zeros();
            let is_prefix = if node.bits <= u64::BITS {
                equal >= node.bits
            } else {
                equal == u64::BITS && self.common(at, prefix) >= node.bits
            };
            if node.bits > prefix.bits || !is_prefix {
                break;
            }
            best = node.value.or(best);
            let side = match (u64::BITS - 1).checked_sub(node.bits) {
                Some(shift) => (wanted >> shift) as usize & 1,
                None => bit(prefix.data, node.bits),
            };
            at = node.child[side];
        }
        best
    }

    /// The same where all of the data is in the head.
    #[inline]
    fn longest_short(&self, bits: u32, wanted: u64) -> Option<u32> {
        let (mut at, mut best) = self.begin(bits, wanted);
        while let Some(node) = self.nodes.get(at as usize) {
            // What hangs at a node is longer, so it need not be asked whether this
            // one is as long as what is wanted.
            if node.bits > bits || (node.head ^ wanted).leading_zeros() < node.bits {
                break;
            }
            best = node.value.or(best);
            // Both are read before it is known which: that halves the time between
            // two nodes. Behind the last bit there is none.
            let [zero, one] = node.child;
            let next = wanted >> (!node.bits & 63) & 1 != 0;
            at = select_unpredictable(next, one, zero);
        }
        best
    }

    /// Where the node of `prefix` is or would be.
    fn locate(&self, prefix: Prefix<'_>) -> Place {
        let mut parent = NIL;
        let mut at = self.root;
        while at != NIL {
            let node = self.node(at);
            let common = self.common(at, prefix);
            if common < node.bits {
                return Place::Above {
                    parent,
                    below: at,
                    common,
                };
            }
            if node.bits == prefix.bits {
                return Place::At(at);
            }
            parent = at;
            at = node.child[bit(prefix.data, node.bits)];
        }
        Place::Above {
            parent,
            below: NIL,
            common: 0,
        }
    }

    /// The node of `prefix` if it has a value.
    fn exact(&self, prefix: Prefix<'_>) -> Option<u32> {
        match self.locate(prefix) {
            Place::At(node) if self.node(node).value.is_some() => Some(node),
            _ => None,
        }
    }

    fn set(
        &mut self,
        space: &mut Space,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), Errno> {
        if flags > update::EXIST {
            return Err(Errno::EINVAL);
        }
        let prefix = self.parse(key).ok_or(Errno::EINVAL)?;
        let old = self.exact(prefix).and_then(|node| self.node(node).value);
        match old {
            Some(_) if flags == update::NOEXIST => return Err(Errno::EEXIST),
            None if flags == update::EXIST => return Err(Errno::ENOENT),
            None if self.entries >= self.def.max_entries => return Err(Errno::ENOSPC),
            _ => {}
        }
        let element = self.take_element(space)?;
        self.values.set(space, element, value);
        let node = match self.locate(prefix) {
            Place::At(node) => node,
            Place::Above {
                parent,
                below,
                common,
            } => self.grow(prefix, parent, below, common),
        };
        // The new key replaces the old one, bits behind the prefix included.
        self.set_data(node, prefix.data);
        self.nodes[node as usize].value = Some(element);
        match old {
            Some(old) => self.free.push_back(old),
            None => {
                self.entries += 1;
                self.starts = Starts::default();
            }
        }
        Ok(())
    }

    fn take_element(&mut self, space: &mut Space) -> Result<u32, Errno> {
        if self.free.len() > LINGER as usize
            && let Some(element) = self.free.pop_front()
        {
            return Ok(element);
        }
        self.values.reserve(space, self.fresh)?;
        self.fresh += 1;
        Ok(self.fresh - 1)
    }

    /// Makes the node of a prefix, and the one where it parts from `below`.
    fn grow(&mut self, prefix: Prefix<'_>, parent: u32, below: u32, common: u32) -> u32 {
        let node = self.make(prefix.bits, prefix.data);
        if below == NIL {
            self.hang(parent, node);
        } else if common == prefix.bits {
            self.hang(parent, node);
            self.hang(node, below);
        } else {
            let fork = self.make(common, prefix.data);
            self.hang(parent, fork);
            self.hang(fork, below);
            self.hang(fork, node);
        }
        node
    }

    fn make(&mut self, bits: u32, data: &[u8]) -> u32 {
        let node = Node {
            head: head(data),
            bits,
            parent: NIL,
            child: [NIL; 2],
            value: None,
        };
        let number = match self.vacant.pop() {
            Some(number) => {
                self.nodes[number as usize] = node;
                number
            }
            None => {
                self.nodes.push(node);
                self.data.resize(self.nodes.len() * self.width(), 0);
                self.nodes.len() as u32 - 1
            }
        };
        self.set_data(number, data);
        number
    }

    fn set_data(&mut self, node: u32, data: &[u8]) {
        let width = self.width();
        self.data[node as usize * width..][..width].copy_from_slice(data);
        self.nodes[node as usize].head = head(data);
    }

    /// Makes `node` the child of `parent` on its side, or the root.
    fn hang(&mut self, parent: u32, node: u32) {
        self.nodes[node as usize].parent = parent;
        if parent == NIL {
            self.root = node;
        } else {
            let side = bit(self.data(node), self.node(parent).bits);
            self.nodes[parent as usize].child[side] = node;
        }
    }

    /// Removes nodes without value that no longer part anything, from `node` up.
    fn prune(&mut self, mut node: u32) {
        while node != NIL {
            let Node {
                parent,
                child,
                value,
                ..
            } = self.node(node);
            if value.is_some() || !child.contains(&NIL) {
                return;
            }
            let only = child[0].min(child[1]);
            if only != NIL {
                self.hang(parent, only);
            } else if parent == NIL {
                self.root = NIL;
            } else {
                let side = usize::from(self.node(parent).child[1] == node);
                self.nodes[parent as usize].child[side] = NIL;
            }
            self.vacant.push(node);
            node = parent;
        }
    }

    /// The first node in post-order of what hangs at `node`.
    fn first_below(&self, mut node: u32) -> u32 {
        while node != NIL {
            let [zero, one] = self.node(node).child;
            match (zero, one) {
                (NIL, NIL) => break,
                (NIL, one) => node = one,
                (zero, _) => node = zero,
            }
        }
        node
    }

    /// The node after `node` in post-order.
    fn after(&self, node: u32) -> u32 {
        let parent = self.node(node).parent;
        if parent == NIL {
            return NIL;
        }
        let [zero, one] = self.node(parent).child;
        if zero == node && one != NIL {
            self.first_below(one)
        } else {
            parent
        }
    }
}

/// The first eight bytes of `data` as a number whose most significant bit is the
/// first bit; zeroes behind the end.
fn head(data: &[u8]) -> u64 {
    let mut head = [0; 8];
    let len = data.len().min(head.len());
    head[..len].copy_from_slice(&data[..len]);
    u64::from_be_bytes(head)
}

/// Bit `number` of `data`, most significant first; 0 behind the end.
fn bit(data: &[u8], number: u32) -> usize {
    let byte = data.get(number as usize / 8).copied().unwrap_or(0);
    usize::from(byte >> (7 - number % 8) & 1)
}

/// How many bits are equal from the start on.
fn equal_bits(a: &[u8], b: &[u8]) -> u32 {
    let mut equal = 0;
    for (a, b) in a.iter().zip(b) {
        let differ = (a ^ b).leading_zeros();
        equal += differ;
        if differ < 8 {
            break;
        }
    }
    equal
}

impl Map for Lpm {
    fn def(&self) -> &MapDef {
        &self.def
    }

    fn lookup(&mut self, _: &Space, _: u32, key: &[u8]) -> Option<Addr> {
        self.asked();
        let element = self.longest(self.parse(key)?)?;
        Some(self.values.addr(element))
    }

    fn lookup_short(&mut self, space: &Space, cpu: u32, key: ShortKey) -> Option<Addr> {
        if self.width() > size_of::<u64>() {
            let key = key.to_le_bytes();
            return self.lookup(space, cpu, key.get(..self.def.key_size as usize)?);
        }
        self.asked();
        let (bits, wanted) = (key as u32, ((key >> 32) as u64).swap_bytes());
        let element = match bits as usize <= self.width() * 8 {
            true => self.longest_short(bits, wanted)?,
            false => return None,
        };
        Some(self.values.addr(element))
    }

    fn update(
        &mut self,
        space: &mut Space,
        _: u32,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), Errno> {
        self.set(space, key, value, flags)
    }

    fn delete(&mut self, _: &Space, key: &[u8]) -> Result<(), Errno> {
        let prefix = self.parse(key).ok_or(Errno::EINVAL)?;
        let node = self.exact(prefix).ok_or(Errno::ENOENT)?;
        let element = self.nodes[node as usize].value.take();
        self.free.extend(element);
        self.entries -= 1;
        self.starts = Starts::default();
        self.prune(node);
        Ok(())
    }

    fn next_key(&self, _: &Space, key: Option<&[u8]>, next: &mut [u8]) -> Result<(), Errno> {
        let known = key.and_then(|key| self.exact(self.parse(key)?));
        let mut node = match known {
            Some(node) => self.after(node),
            None => self.first_below(self.root),
        };
        while node != NIL && self.node(node).value.is_none() {
            node = self.after(node);
        }
        if node == NIL {
            return Err(Errno::ENOENT);
        }
        let (bits, data) = next.split_at_mut(4);
        bits.copy_from_slice(&self.node(node).bits.to_le_bytes());
        data.copy_from_slice(self.data(node));
        Ok(())
    }

    fn sys_lookup(&mut self, space: &mut Space, key: &[u8]) -> Result<Vec<u8>, Errno> {
        let prefix = self.parse(key).ok_or(Errno::ENOENT)?;
        let element = self.longest(prefix).ok_or(Errno::ENOENT)?;
        Ok(self.values.get(space, element).to_vec())
    }

    fn sys_update(
        &mut self,
        space: &mut Space,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), Errno> {
        self.set(space, key, value, flags)
    }
}
