//! Live maps.
//!
//! Every map keeps the values that programs can point at in the machine's
//! [`Space`]; what only the host needs (hash tables, free lists) is beside it.
//! There are two sides, as in Linux: the program's (helpers; per-CPU maps show
//! the running CPU's value) and the system call's (user space; per-CPU maps show
//! all values, each rounded up to 8 bytes).
//!
//! Error numbers, flag rules, behaviour when full and the order of iteration are
//! those of Linux 6.18.

use std::fmt;

use abi::{Errno, MapDef};

use crate::machine::ProgId;
use crate::memory::{Addr, GRANULE, OutOfSpace, Space};

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

/// A live map.
///
/// Keys and values are slices of exactly `key_size` and `value_size` bytes; the
/// caller has checked that. `cpu` is the running CPU.
pub trait Map: fmt::Debug + Send {
    /// The definition, with sizes as they are (rounded, filled in).
    fn def(&self) -> &MapDef;

    /// The program that a tail call through this map goes to; `None` for an
    /// empty entry and for maps that are not program arrays.
    fn program(&self, index: u32) -> Option<ProgId> {
        let _ = index;
        None
    }

    /// The program's look-up: the address of the value; in a map of maps, the
    /// [handle](MapId::handle) of the map.
    fn lookup(&mut self, space: &mut Space, cpu: u32, key: &[u8]) -> Option<Addr>;

    /// The program's update.
    fn update(
        &mut self,
        space: &mut Space,
        cpu: u32,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), Errno>;

    /// Deletes an entry; from either side.
    fn delete(&mut self, space: &mut Space, cpu: u32, key: &[u8]) -> Result<(), Errno>;

    /// The key after `key` in the map's order, or the first for `None` and for a
    /// key that is not there. Writes to `next`, `key_size` bytes.
    fn next_key(&self, space: &Space, key: Option<&[u8]>, next: &mut [u8]) -> Result<(), Errno>;

    /// The system call's look-up. Per-CPU values one after the other; a map or
    /// program is its [`MapId`] or [`ProgId`] as a `u32`.
    fn sys_lookup(&mut self, space: &mut Space, key: &[u8]) -> Result<Vec<u8>, Errno>;

    /// The system call's update, with values as [`Map::sys_lookup`] gives them.
    fn sys_update(
        &mut self,
        space: &mut Space,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), Errno>;
}
