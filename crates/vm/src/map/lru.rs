//! Which elements of an LRU hash map are in use, and which have to go.
//!
//! Linux approximates "least recently used" so that CPUs rarely meet
//! (`Documentation/bpf/map_hash.rst`): a CPU takes free elements from the common
//! stock in batches and keeps those that it uses in a list of its own, which
//! joins the common lists when the batch is used up. There, elements are
//! *inactive* at first; those that were referenced meanwhile become *active*, and
//! when the stock is empty a batch of inactive ones goes, the oldest first.
//!
//! With `BPF_F_NO_COMMON_LRU` every CPU has lists for its share of the elements.
//!
//! How large batches are decides how many entries a full map holds (measured on
//! Linux 6.18: a map of 8 entries on 2 CPUs falls back to 7 entries whenever it is
//! full, one of 512 to 385). Random look-ups, updates and deletions from two CPUs
//! left the same entries in Linux's maps as in these.

/// Largest batch of a CPU from the common stock.
const COMMON_BATCH: u32 = 128;
/// Batch where every CPU has a stock of its own.
const OWN_BATCH: u32 = 4;
/// No element.
const NIL: u32 = u32::MAX;

/// Where an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the hands of the map, about to be used or freed.
    Nowhere,
    /// In the stock of its lists.
    Stock,
    Inactive,
    Active,
    /// In the batch of a CPU, not in use.
    Batch,
    /// In the batch of a CPU, in use.
    Pending,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    newer: u32,
    older: u32,
    place: Place,
    referenced: bool,
    /// Number of the shared lists, or of the CPU's batch.
    owner: u32,
}

/// Elements in order, newest first.
#[derive(Clone, Copy, Debug)]
struct List {
    newest: u32,
    oldest: u32,
    len: u32,
}

impl Default for List {
    fn default() -> List {
        List {
            newest: NIL,
            oldest: NIL,
            len: 0,
        }
    }
}

/// Lists that share a stock: those of all CPUs, or of one.
#[derive(Clone, Debug, Default)]
struct Shared {
    stock: List,
    inactive: List,
    active: List,
    /// Elements of the stock that were never used: the next, and the end.
    fresh: u32,
    end: u32,
    /// The inactive element that aging looks at next, towards newer ones; the
    /// oldest when there is none.
    next_aged: Option<u32>,
}

/// What a CPU took from the common stock.
#[derive(Clone, Debug, Default)]
struct Batch {
    free: List,
    pending: List,
}

/// The elements of an LRU map.
#[derive(Debug)]
pub(super) struct Lru {
    nodes: Vec<Node>,
    /// One, or one for each CPU.
    shared: Vec<Shared>,
    /// One for each CPU; none where each has lists of its own.
    batches: Vec<Batch>,
    batch: u32,
    /// Elements that are looked at when a list ages.
    scan: u32,
}

impl Lru {
    /// `entries` free elements, common to all CPUs or shared out among them. In
    /// the latter case `entries` is a multiple of `cpus`.
    pub(super) fn new(entries: u32, cpus: u32, common: bool) -> Lru {
        let cpus = cpus.max(1);
        let shares = if common { 1 } else { cpus };
        let share = entries / shares;
        let stock = |i| Shared {
            fresh: i * share,
            end: (i + 1) * share,
            ..Shared::default()
        };
        Lru {
            nodes: Vec::new(),
            shared: (0..shares).map(stock).collect(),
            batches: vec![Batch::default(); if common { cpus as usize } else { 0 }],
            batch: if common {
                (entries / cpus / 2).clamp(1, COMMON_BATCH)
            } else {
                OWN_BATCH
            },
            scan: if common { COMMON_BATCH } else { OWN_BATCH },
        }
    }

    /// Marks an element as used.
    #[inline]
    pub(super) fn touch(&mut self, node: u32) {
        self.nodes[node as usize].referenced = true;
    }

    /// Takes a free element for `cpu`. Elements in use that had to go are given
    /// to `evict`, which removes their entries. `None` only when the map has no
    /// elements for this CPU.
    pub(super) fn take(&mut self, cpu: u32, evict: &mut dyn FnMut(u32)) -> Option<u32> {
        if self.batches.is_empty() {
            return self.take_own(cpu, evict);
        }
        let cpu = cpu as usize % self.batches.len();
        if self.batches[cpu].free.len == 0 {
            self.settle(cpu);
            self.refill(cpu, evict);
        }
        let node = match self.batches[cpu].free.newest {
            NIL => self.steal(cpu, evict)?,
            node => node,
        };
        self.put(node, Place::Pending, cpu);
        Some(node)
    }

    fn take_own(&mut self, cpu: u32, evict: &mut dyn FnMut(u32)) -> Option<u32> {
        let cpu = cpu as usize % self.shared.len();
        self.age(cpu);
        let node = match self.next_in_stock(cpu) {
            Some(node) => node,
            None => {
                self.reclaim(cpu, self.batch, &mut |lru, node| {
                    evict(node);
                    lru.put(node, Place::Stock, cpu);
                });
                self.next_in_stock(cpu)?
            }
        };
        self.put(node, Place::Inactive, cpu);
        Some(node)
    }

    /// Gives back an element that is no longer used.
    pub(super) fn give_back(&mut self, node: u32) {
        let Node { place, owner, .. } = self.nodes[node as usize];
        let to = match place {
            Place::Pending | Place::Batch => Place::Batch,
            _ => Place::Stock,
        };
        self.put(node, to, owner as usize);
    }

    /// The elements that a CPU used join the common lists.
    fn settle(&mut self, cpu: usize) {
        loop {
            let node = self.batches[cpu].pending.oldest;
            if node == NIL {
                break;
            }
            self.put_by_use(node, 0);
        }
    }

    /// Gets a batch for a CPU out of the common stock, or by evicting.
    fn refill(&mut self, cpu: usize, evict: &mut dyn FnMut(u32)) {
        self.age(0);
        let mut missing = self.batch;
        while missing > 0
            && let Some(node) = self.next_in_stock(0)
        {
            self.put(node, Place::Batch, cpu);
            missing -= 1;
        }
        if missing > 0 {
            self.reclaim(0, missing, &mut |lru, node| {
                evict(node);
                lru.put(node, Place::Batch, cpu);
            });
        }
    }

    /// Takes an element from another CPU's batch: a free one, or the oldest in
    /// use.
    fn steal(&mut self, cpu: usize, evict: &mut dyn FnMut(u32)) -> Option<u32> {
        let count = self.batches.len();
        let others = (1..count).map(|i| (cpu + i) % count);
        for batch in others.map(|i| &self.batches[i]) {
            if batch.free.newest != NIL {
                return Some(batch.free.newest);
            }
            if batch.pending.oldest != NIL {
                evict(batch.pending.oldest);
                return Some(batch.pending.oldest);
            }
        }
        None
    }

    /// Sorts a batch of each list by use.
    fn age(&mut self, lists: usize) {
        let Shared {
            active, inactive, ..
        } = &self.shared[lists];
        if inactive.len < active.len {
            self.age_active(lists);
        }
        self.age_inactive(lists);
    }

    /// The oldest active elements become inactive, or lose their reference.
    fn age_active(&mut self, lists: usize) {
        for _ in 0..self.scan.min(self.shared[lists].active.len) {
            let node = self.shared[lists].active.oldest;
            self.put_by_use(node, lists);
        }
    }

    /// Referenced inactive elements become active. Goes on where it stopped last,
    /// and at most once around.
    fn age_inactive(&mut self, lists: usize) {
        for _ in 0..self.scan.min(self.shared[lists].inactive.len) {
            let Shared {
                inactive,
                next_aged,
                ..
            } = &mut self.shared[lists];
            let node = next_aged.unwrap_or(inactive.oldest);
            if node == NIL {
                return;
            }
            let Node {
                newer, referenced, ..
            } = self.nodes[node as usize];
            *next_aged = (newer != NIL).then_some(newer);
            if referenced {
                self.put(node, Place::Active, lists);
            }
        }
    }

    /// Frees up to `wanted` elements that were not referenced of a batch of the
    /// oldest inactive ones; failing that, the oldest whatever.
    fn reclaim(&mut self, lists: usize, wanted: u32, free: &mut dyn FnMut(&mut Lru, u32)) {
        let mut freed = 0;
        for _ in 0..self.scan.min(self.shared[lists].inactive.len) {
            let node = self.shared[lists].inactive.oldest;
            if self.nodes[node as usize].referenced {
                self.put_by_use(node, lists);
                continue;
            }
            free(self, node);
            freed += 1;
            if freed == wanted {
                return;
            }
        }
        let Shared {
            active, inactive, ..
        } = &self.shared[lists];
        let oldest = match inactive.oldest {
            NIL => active.oldest,
            node => node,
        };
        if freed == 0 && oldest != NIL {
            free(self, oldest);
        }
    }

    /// Moves an element to the active list if it was referenced since it was last
    /// looked at, else to the inactive one.
    fn put_by_use(&mut self, node: u32, lists: usize) {
        let place = if self.nodes[node as usize].referenced {
            Place::Active
        } else {
            Place::Inactive
        };
        self.put(node, place, lists);
    }

    /// A free element of the stock.
    fn next_in_stock(&mut self, lists: usize) -> Option<u32> {
        let shared = &mut self.shared[lists];
        if shared.stock.newest != NIL {
            return Some(shared.stock.newest);
        }
        if shared.fresh == shared.end {
            return None;
        }
        let node = shared.fresh;
        shared.fresh += 1;
        let unused = Node {
            newer: NIL,
            older: NIL,
            place: Place::Nowhere,
            referenced: false,
            owner: lists as u32,
        };
        if node as usize >= self.nodes.len() {
            self.nodes.resize(node as usize + 1, unused);
        }
        self.nodes[node as usize] = unused;
        Some(node)
    }

    /// Moves an element to the newest end of a list; forgets references.
    fn put(&mut self, node: u32, place: Place, owner: usize) {
        self.unlink(node);
        let newest = self.list(place, owner).map_or(NIL, |list| list.newest);
        self.nodes[node as usize] = Node {
            newer: NIL,
            older: newest,
            place,
            referenced: false,
            owner: owner as u32,
        };
        if newest != NIL {
            self.nodes[newest as usize].newer = node;
        }
        if let Some(list) = self.list(place, owner) {
            list.newest = node;
            list.len += 1;
            if newest == NIL {
                list.oldest = node;
            }
        }
    }

    fn unlink(&mut self, node: u32) {
        let Node {
            newer,
            older,
            place,
            owner,
            ..
        } = self.nodes[node as usize];
        if newer != NIL {
            self.nodes[newer as usize].older = older;
        }
        if older != NIL {
            self.nodes[older as usize].newer = newer;
        }
        if place == Place::Inactive {
            let next_aged = &mut self.shared[owner as usize].next_aged;
            if *next_aged == Some(node) {
                *next_aged = (newer != NIL).then_some(newer);
            }
        }
        if let Some(list) = self.list(place, owner as usize) {
            list.len -= 1;
            if list.newest == node {
                list.newest = older;
            }
            if list.oldest == node {
                list.oldest = newer;
            }
        }
    }

    fn list(&mut self, place: Place, owner: usize) -> Option<&mut List> {
        Some(match place {
            Place::Nowhere => return None,
            Place::Stock => &mut self.shared[owner].stock,
            Place::Inactive => &mut self.shared[owner].inactive,
            Place::Active => &mut self.shared[owner].active,
            Place::Batch => &mut self.batches[owner].free,
            Place::Pending => &mut self.batches[owner].pending,
        })
    }
}
