//! Live maps.
//!
//! Every map keeps the values that programs can point at in the machine's
//! [`Space`]; what only the host needs (hash tables, free lists) is beside it.
//! There are two sides, as in Linux: the program's (helpers; per-CPU maps show
//! the running CPU's value) and the system call's (user space; per-CPU maps show
//! all values, each rounded up to 8 bytes).
//!
//! Which definitions are maps at all, error numbers, flag rules, behaviour when
//! full and what stale pointers show are those of Linux 6.18, asked of the running
//! kernel with random operations beside these maps (`tests/maps_like_linux` keeps
//! some of its answers). Two things are not Linux's, since they are chance there:
//! the order of hash maps, here a stable one, and the false answers of bloom
//! filters.
//!
//! Spin locks in values are not known here: `BPF_F_LOCK` is `EINVAL`, Linux's
//! answer where a value has no lock. Whether a user-space program may write a map
//! (`BPF_F_RDONLY`, frozen maps) is the machine's to ask.
//!
//! # References
//!
//! Where Linux wants a descriptor and shows an id, the values of these maps hold
//! the machine's own number: [`MapId`] in maps of maps, [`ProgId`] in program
//! arrays, `ProgId + 1` (0 for none) in the program field of devmap and cpumap.

mod array;
mod bloom;
mod hash;
mod lpm;
mod lru;
mod queue;
mod redirect;
mod reference;
mod ringbuf;
mod rules;
mod slab;
mod stack_trace;
mod table;
mod user_ringbuf;

use std::fmt;

use abi::{Errno, MapDef, MapFlags, MapType};

use self::array::Array;
use self::bloom::Bloom;
use self::hash::Hash;
use self::lpm::Lpm;
use self::queue::Queue;
use self::redirect::Redirects;
use self::reference::References;
pub use self::ringbuf::RingBuffer;
use self::stack_trace::StackTrace;
pub use self::user_ringbuf::UserRingBuffer;
use crate::machine::ProgId;
use crate::memory::{Addr, GRANULE, OutOfSpace, Rights, Space};

/// Index of a map in its machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MapId(pub u32);

impl MapId {
    /// Where the addresses that stand for maps begin: the first region of a
    /// machine.
    pub const HANDLES: Addr = Addr(GRANULE);
    /// Bytes of that region.
    pub const HANDLES_LEN: u32 = 16 * GRANULE;
    const STRIDE: u32 = 16;

    /// The address that stands for the map in programs: what `ldimm64` of a map
    /// loads, and what a look-up in a map of maps gives.
    pub fn handle(self) -> Addr {
        MapId::HANDLES.offset(self.0.wrapping_mul(MapId::STRIDE))
    }

    /// The map that a program's value stands for, if it is such an address. The
    /// machine may not have that map.
    pub fn from_handle(value: u64) -> Option<MapId> {
        let offset = value.checked_sub(MapId::HANDLES.to_reg())?;
        let inside =
            offset < u64::from(MapId::HANDLES_LEN) && offset % u64::from(MapId::STRIDE) == 0;
        inside.then_some(MapId(offset as u32 / MapId::STRIDE))
    }
}

/// `flags` of an update (`include/uapi/linux/bpf.h`).
pub mod update {
    /// Create or replace.
    pub const ANY: u64 = 0;
    /// Create only.
    pub const NOEXIST: u64 = 1;
    /// Replace only.
    pub const EXIST: u64 = 2;
    /// Under the value's spin lock.
    pub const LOCK: u64 = 4;
}

/// Why a map could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MapError {
    /// Linux refuses this definition.
    #[error("map {map}: Linux refuses this definition with {errno}: {why}")]
    Refused {
        /// Name of the map.
        map: String,
        /// Linux's answer.
        errno: Errno,
        /// What is wrong with it.
        why: &'static str,
    },
    /// This kind of map is not simulated.
    #[error("map {map}: maps of type {kind} are not simulated")]
    Unsupported {
        /// Name of the map.
        map: String,
        /// `MapType::name`.
        kind: &'static str,
    },
    /// The machine's address space is too small for it.
    #[error("map {map}: {source}")]
    Space {
        /// Name of the map.
        map: String,
        /// What ran out.
        source: OutOfSpace,
    },
}

/// What a map entry leads to, for maps whose values are not plain bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// A map (array_of_maps, hash_of_maps).
    Map(MapId),
    /// A program (prog_array).
    Program(ProgId),
    /// A perf event, whose buffer is open (perf_event_array).
    PerfEvent,
    /// A network device (devmap, devmap_hash).
    Device {
        /// Index of the device.
        ifindex: u32,
        /// Program to run there before the packet leaves.
        program: Option<ProgId>,
    },
    /// A CPU (cpumap).
    Cpu {
        /// Its number.
        cpu: u32,
        /// Packets that its queue holds.
        qsize: u32,
        /// Program to run there.
        program: Option<ProgId>,
    },
    /// An AF_XDP socket (xskmap).
    Socket,
}

/// Where the values of an array lie: value `i` of CPU `c` is at
/// `base + i * stride + c * cpu_stride`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direct {
    /// The first value.
    pub base: Addr,
    /// Bytes from one value to the next.
    pub stride: u32,
    /// Values.
    pub entries: u32,
    /// Bytes from the value of one CPU to that of the next; 0 where all CPUs have
    /// the same values.
    pub cpu_stride: u32,
}

impl Direct {
    /// Where the value is that a CPU has at an index; `None` past the end.
    #[inline(always)]
    pub fn value(&self, index: u32, cpu: u32) -> Option<Addr> {
        let at = |n: u32, stride: u32| n.wrapping_mul(stride);
        (index < self.entries).then(|| {
            let offset = at(index, self.stride).wrapping_add(at(cpu, self.cpu_stride));
            self.base.offset(offset)
        })
    }
}

/// A key of at most 16 bytes as a number, its first byte the lowest.
pub type ShortKey = u128;

/// A key of at most 32 bytes as two numbers, its first byte the lowest of the first
/// one.
pub type WideKey = [ShortKey; 2];

/// A key as a number, if it is short enough.
pub(crate) fn short_key(key: &[u8]) -> Option<ShortKey> {
    let mut bytes = [0; size_of::<ShortKey>()];
    bytes.get_mut(..key.len())?.copy_from_slice(key);
    Some(ShortKey::from_le_bytes(bytes))
}

/// A key as two numbers, if it is short enough.
pub(crate) fn wide_key(key: &[u8]) -> Option<WideKey> {
    let (low, high) = key.split_at_checked(size_of::<ShortKey>())?;
    Some([short_key(low)?, short_key(high)?])
}

/// The fast ways to look something up in a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// By number.
    Array(Direct),
    /// By a key of 4 bytes.
    Key4,
    /// By a key of 8 bytes.
    Key8,
    /// By a key of 16 bytes.
    Key16,
    /// By a key of so many bytes.
    Bytes(u32),
    /// None: ask the helper.
    Helper,
}

impl Lookup {
    pub(crate) fn of(map: &dyn Map) -> Lookup {
        if let Some(array) = map.direct() {
            return Lookup::Array(array);
        }
        let def = map.def();
        let row = abi::helpers::by_id(crate::helper::MAP_LOOKUP);
        if !row.is_some_and(|row| row.maps.contains(def.map_type)) {
            return Lookup::Helper;
        }
        match def.key_size {
            4 => Lookup::Key4,
            8 => Lookup::Key8,
            16 => Lookup::Key16,
            len => Lookup::Bytes(len),
        }
    }
}

/// Where a walk over a map stands; see [`Map::walk`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    position: u32,
}

/// A live map.
///
/// Keys and values are slices of exactly `key_size` and `value_size` bytes; the
/// caller has checked that. `cpu` is the running CPU. What a kind of map does not
/// offer answers as Linux does, which is what the default methods are.
pub trait Map: fmt::Debug + Send {
    /// The definition, with sizes as they are (rounded, filled in).
    fn def(&self) -> &MapDef;

    /// The program's look-up: the address of the value; for maps of maps, the
    /// address that stands for the inner map ([`MapId::handle`]).
    fn lookup(&mut self, space: &Space, cpu: u32, key: &[u8]) -> Option<Addr> {
        let _ = (space, cpu, key);
        None
    }

    /// The same by a key that is short, where `key_size` is.
    fn lookup_short(&mut self, space: &Space, cpu: u32, key: ShortKey) -> Option<Addr> {
        let key = key.to_le_bytes();
        let len = self.def().key_size as usize;
        self.lookup(space, cpu, key.get(..len)?)
    }

    /// The same by a key that is longer, up to 32 bytes, where `key_size` is.
    fn lookup_wide(&mut self, space: &Space, cpu: u32, key: WideKey) -> Option<Addr> {
        let [low, high] = key;
        let mut key = [0; size_of::<WideKey>()];
        key[..size_of_val(&low)].copy_from_slice(&low.to_le_bytes());
        key[size_of_val(&low)..].copy_from_slice(&high.to_le_bytes());
        let len = self.def().key_size as usize;
        self.lookup(space, cpu, key.get(..len)?)
    }

    /// The program's look-up of another CPU's value.
    fn lookup_percpu(&mut self, space: &Space, cpu: u32, key: &[u8]) -> Option<Addr> {
        let _ = (space, cpu, key);
        None
    }

    /// What the entry leads to (tail calls, redirects, maps in maps, events).
    fn target(&self, space: &Space, key: &[u8]) -> Option<Target> {
        let _ = (space, key);
        None
    }

    /// Where the values are, for arrays: for `ldimm64` with a value offset, and for
    /// engines that look up inline.
    fn direct(&self) -> Option<Direct> {
        None
    }

    /// The program's update.
    fn update(
        &mut self,
        space: &mut Space,
        cpu: u32,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), Errno> {
        let _ = (space, cpu, key, value, flags);
        Err(Errno::EOPNOTSUPP)
    }

    /// Deletes an entry; from either side.
    fn delete(&mut self, space: &Space, key: &[u8]) -> Result<(), Errno> {
        let _ = (space, key);
        Err(Errno::EOPNOTSUPP)
    }

    /// Adds a value (queue, stack, bloom filter).
    fn push(&mut self, space: &mut Space, value: &[u8], flags: u64) -> Result<(), Errno> {
        let _ = (space, value, flags);
        Err(Errno::EOPNOTSUPP)
    }

    /// Takes a value (queue, stack). Zeroes `value` on failure.
    fn pop(&mut self, space: &Space, value: &mut [u8]) -> Result<(), Errno> {
        let _ = (space, value);
        Err(Errno::EOPNOTSUPP)
    }

    /// Reads the value that would be taken (queue, stack), or asks whether
    /// `value` may be there (bloom filter).
    fn peek(&self, space: &Space, value: &mut [u8]) -> Result<(), Errno> {
        let _ = (space, value);
        Err(Errno::EOPNOTSUPP)
    }

    /// The next entry of a program's walk (`bpf_for_each_map_elem`): addresses of
    /// key and value, the running CPU's for per-CPU maps. Entries may come and go
    /// in between.
    fn walk(
        &mut self,
        space: &mut Space,
        cpu: u32,
        walk: &mut Walk,
    ) -> Result<Option<(Addr, Addr)>, Errno> {
        let _ = (space, cpu, walk);
        Err(Errno::ENOTSUPP)
    }

    /// The ring buffer, if it is one.
    fn ringbuf(&mut self) -> Option<&mut RingBuffer> {
        None
    }

    /// The ring buffer that user space writes, if it is one.
    fn user_ringbuf(&mut self) -> Option<&mut UserRingBuffer> {
        None
    }

    /// The key after `key` in the map's order, or the first for `None` and for a
    /// key that is not there. Writes to `next`, `key_size` bytes.
    fn next_key(&self, space: &Space, key: Option<&[u8]>, next: &mut [u8]) -> Result<(), Errno> {
        let _ = (space, key, next);
        Err(Errno::EOPNOTSUPP)
    }

    /// Bytes in a value as the system call has it: for per-CPU maps the values of
    /// all CPUs, each rounded up to 8 bytes.
    fn sys_value_size(&self) -> usize {
        self.def().value_size as usize
    }

    /// The system call's look-up. Per-CPU values one after the other.
    fn sys_lookup(&mut self, space: &mut Space, key: &[u8]) -> Result<Vec<u8>, Errno> {
        let _ = (space, key);
        Err(Errno::EOPNOTSUPP)
    }

    /// The system call's look-up that also deletes (hash maps, queue, stack).
    fn sys_take(&mut self, space: &mut Space, key: &[u8]) -> Result<Vec<u8>, Errno> {
        let _ = (space, key);
        Err(Errno::ENOTSUPP)
    }

    /// The system call's update. Per-CPU values one after the other. References
    /// to maps are taken as they are; [`sys_update`] checks them.
    fn sys_update(
        &mut self,
        space: &mut Space,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), Errno> {
        let _ = (space, key, value, flags);
        Err(Errno::EOPNOTSUPP)
    }
}

/// Makes a map, with the bytes that it holds at first. `cpus` is the number of
/// possible CPUs.
pub fn create(
    space: &mut Space,
    id: MapId,
    def: &MapDef,
    cpus: u32,
) -> Result<Box<dyn Map>, MapError> {
    let refused = |(errno, why)| MapError::Refused {
        map: def.name.clone(),
        errno,
        why,
    };
    let full = |source| MapError::Space {
        map: def.name.clone(),
        source,
    };
    let def = rules::check(def, cpus).map_err(refused)?;
    let rights = program_rights(&def);
    let map: Result<Box<dyn Map>, OutOfSpace> = match def.map_type {
        MapType::Array | MapType::PercpuArray => boxed(Array::new(space, id, def, rights, cpus)),
        MapType::Hash
        | MapType::PercpuHash
        | MapType::LruHash
        | MapType::LruPercpuHash
        | MapType::HashOfMaps => boxed(Hash::new(id, def, rights, cpus)),
        MapType::LpmTrie => boxed(Lpm::new(id, def, rights)),
        MapType::ProgArray
        | MapType::PerfEventArray
        | MapType::CgroupArray
        | MapType::ArrayOfMaps
        | MapType::Xskmap => boxed(References::new(id, def, cpus)),
        MapType::Devmap | MapType::DevmapHash | MapType::Cpumap => {
            boxed(Redirects::new(id, def, cpus))
        }
        MapType::Queue | MapType::Stack => boxed(Ok(Queue::new(def))),
        MapType::BloomFilter => boxed(Ok(Bloom::new(def))),
        MapType::Ringbuf => boxed(RingBuffer::new(space, id, def)),
        MapType::UserRingbuf => boxed(UserRingBuffer::new(space, id, def)),
        MapType::StackTrace => boxed(Ok(StackTrace { def })),
        kind => {
            return Err(MapError::Unsupported {
                map: def.name,
                kind: kind.name(),
            });
        }
    };
    map.map_err(full)
}

fn boxed<M: Map + 'static>(map: Result<M, OutOfSpace>) -> Result<Box<dyn Map>, OutOfSpace> {
    Ok(Box::new(map?))
}

/// What programs may do with the values of a map.
fn program_rights(def: &MapDef) -> Rights {
    if def.flags.contains(MapFlags::RDONLY_PROG) {
        Rights::Read
    } else if def.flags.contains(MapFlags::WRONLY_PROG) {
        Rights::Write
    } else {
        Rights::ReadWrite
    }
}

/// The system call's update, with what only the other maps can tell: sizes of
/// key and value, and whether a map fits into a map of maps.
pub fn sys_update(
    maps: &mut [Box<dyn Map>],
    space: &mut Space,
    id: MapId,
    key: &[u8],
    value: &[u8],
    flags: u64,
) -> Result<(), Errno> {
    let def = maps.get(id.0 as usize).ok_or(Errno::EBADF)?.def();
    if flags & update::LOCK != 0 {
        // There is no lock in the value.
        return Err(Errno::EINVAL);
    }
    if def.map_type.is_map_in_map() {
        check_inner(maps, def, key, value, flags)?;
    }
    let map = maps.get_mut(id.0 as usize).ok_or(Errno::EBADF)?;
    if key.len() != map.def().key_size as usize || value.len() != map.sys_value_size() {
        return Err(Errno::EINVAL);
    }
    map.sys_update(space, key, value, flags)
}

/// Whether `value` names a map that may be put into the map of maps `outer`.
fn check_inner(
    maps: &[Box<dyn Map>],
    outer: &MapDef,
    key: &[u8],
    value: &[u8],
    flags: u64,
) -> Result<(), Errno> {
    if outer.map_type == MapType::ArrayOfMaps {
        // An array looks at flags and index before it looks at the map.
        if flags != update::ANY {
            return Err(Errno::EINVAL);
        }
        if array::index(key).is_none_or(|index| index >= outer.max_entries) {
            return Err(Errno::E2BIG);
        }
    }
    let inner = value.try_into().map_err(|_| Errno::EINVAL)?;
    let inner = maps.get(u32::from_le_bytes(inner) as usize);
    let inner = inner.ok_or(Errno::EBADF)?.def();
    let template = outer.inner.as_deref().ok_or(Errno::EINVAL)?;
    if rules::fits(template, inner) {
        Ok(())
    } else {
        Err(Errno::EINVAL)
    }
}

/// All entries as the system call sees them, in the map's order: keys and values.
pub fn entries(map: &mut dyn Map, space: &mut Space) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut all = Vec::new();
    let mut key = vec![0; map.def().key_size as usize];
    let mut more = map.next_key(space, None, &mut key);
    while more.is_ok() {
        if let Ok(value) = map.sys_lookup(space, &key) {
            all.push((key.clone(), value));
        }
        let last = key.clone();
        more = map.next_key(space, Some(&last), &mut key);
    }
    all
}
