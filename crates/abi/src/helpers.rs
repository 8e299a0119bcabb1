//! The helper functions that Linux 6.18 offers, one row each.

mod table;
mod variant;

use crate::{MapType, ProgType};

/// A helper function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Helper {
    /// Number in `call`.
    pub id: u32,
    /// Name, with the `bpf_` prefix.
    pub name: &'static str,
    /// Whether only programs under a GPL-compatible licence may call it. (Two
    /// exceptions: `bpf_get_stackid` is free to `perf_event` programs, and
    /// `bpf_get_func_ip` to `kprobe.multi` and `uprobe.multi` ones.)
    pub gpl_only: bool,
    /// Whether a call makes packet pointers invalid.
    pub changes_packet: bool,
    /// Program types of which at least one attach type may call it. Types that
    /// the measured kernel cannot load are in none (`lirc_mode2`, `lsm`, `ext`).
    pub prog_types: TypeSet,
    /// What it takes, in `r1` to `r5`, from programs of most types;
    /// [`Helper::args_in`] knows the others.
    pub args: &'static [Arg],
    /// What it leaves in `r0`.
    pub ret: Ret,
    /// Map types that it may have, where it takes a map. Of maps that only some
    /// values may go into (`sockmap`) only what holds for all is here.
    pub maps: MapSet,
    /// What it does, in a sentence.
    pub summary: &'static str,
}

/// All helpers; the row of helper `id` is at `id - 1`.
pub static HELPERS: &[Helper] = table::HELPERS;

/// The helper with this number.
pub fn by_id(id: u32) -> Option<&'static Helper> {
    HELPERS.get((id as usize).wrapping_sub(1))
}

/// The helper with this name.
pub fn by_name(name: &str) -> Option<&'static Helper> {
    HELPERS.iter().find(|h| h.name == name)
}

impl Helper {
    /// Whether programs of this type may call it, as far as is known: those of
    /// types that the measured kernel cannot load may call everything.
    pub fn may_be_called_by(&self, prog_type: ProgType) -> bool {
        let unknown = matches!(
            prog_type,
            ProgType::LircMode2 | ProgType::Ext | ProgType::Lsm
        );
        unknown || self.prog_types.contains(prog_type)
    }
}

/// What a helper takes. `Opt…` may be NULL. A memory argument without a size of
/// its own is followed by one of the size kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arg {
    /// Any initialised value; pointers too, unless the program may not leak.
    Any,
    /// The context.
    Ctx,
    /// The context or NULL.
    OptCtx,
    /// A map.
    MapPtr,
    /// Memory of `key_size` bytes of the map, read.
    MapKey,
    /// Memory of `value_size` bytes of the map, read.
    MapValue,
    /// The same or NULL.
    OptMapValue,
    /// Memory of `value_size` bytes of the map, written.
    MapValueWrite,
    /// Memory that is read.
    Mem,
    /// Memory that is read, or NULL with size 0.
    OptMem,
    /// Memory that is written and need not be initialised.
    MemWrite,
    /// Memory that is written and, for Linux's verifier, read before.
    MemRw,
    /// The same, or NULL with size 0.
    OptMemRw,
    /// Memory of this many bytes, read.
    Fixed(u32),
    /// Memory of this many bytes, written.
    FixedWrite(u32),
    /// Memory of this many bytes, read and written.
    FixedRw(u32),
    /// Bytes of the memory argument before it, not 0.
    Size,
    /// Bytes of the memory argument before it.
    SizeOrZero,
    /// A size that is known when the program is loaded.
    ConstSize,
    /// A string in a frozen read-only map.
    ConstStr,
    /// A function of the program.
    Func,
    /// Stack memory handed through to a callback, or NULL.
    StackOrNull,
    /// A `bpf_spin_lock` in a map value.
    SpinLock,
    /// A `bpf_timer` in a map value.
    Timer,
    /// A kernel pointer field in a map value.
    Kptr,
    /// A record of `bpf_ringbuf_reserve`.
    RingbufMem,
    /// An initialised dynptr.
    Dynptr,
    /// A dynptr of a reserved ring buffer record.
    DynptrOwned,
    /// Room for a dynptr.
    DynptrUninit,
    /// A socket of any kind.
    SockCommon,
    /// The same, or a typed kernel pointer to one.
    SockCommonBtf,
    /// The same or NULL.
    SockCommonBtfOrNull,
    /// A full socket or NULL.
    SockOrNull,
    /// A socket that the program holds a reference to.
    OwnedSock,
    /// A typed kernel pointer.
    Btf,
    /// A typed kernel pointer or NULL.
    BtfOrNull,
    /// A per-CPU kernel variable.
    PercpuBtf,
}

/// What a helper leaves in `r0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ret {
    /// A number.
    Int,
    /// Nothing that may be read.
    Void,
    /// A map value.
    Value,
    /// A map value or NULL; a map for maps of maps, a socket for maps of sockets.
    ValueOrNull,
    /// A full socket, or NULL.
    SocketOrNull,
    /// A socket of any kind, or NULL.
    AnySocketOrNull,
    /// The TCP view of a socket, or NULL.
    TcpSockOrNull,
    /// A ring buffer record, or NULL.
    RingbufMemOrNull,
    /// Memory of a dynptr, or NULL.
    DynptrMemOrNull,
    /// A per-CPU kernel variable's memory.
    PercpuMem,
    /// The same, or NULL.
    PercpuMemOrNull,
    /// A typed kernel pointer, or NULL.
    KernelOrNull,
    /// A trusted typed kernel pointer.
    Kernel,
}

/// A set of program types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TypeSet(u64);

impl TypeSet {
    /// No type.
    pub const EMPTY: TypeSet = TypeSet(0);

    /// With these types too.
    #[must_use]
    pub const fn with(self, types: &[ProgType]) -> TypeSet {
        TypeSet(self.0 | bits(types))
    }

    /// Without these types.
    #[must_use]
    pub const fn without(self, types: &[ProgType]) -> TypeSet {
        TypeSet(self.0 & !bits(types))
    }

    /// Whether the type is in it.
    pub const fn contains(self, prog_type: ProgType) -> bool {
        self.0 & bits(&[prog_type]) != 0
    }

    /// The types, by number.
    pub fn iter(self) -> impl Iterator<Item = ProgType> {
        let all = ProgType::ALL.iter().copied();
        all.filter(move |t| self.contains(*t))
    }
}

/// Bit `n` for the type with number `n`.
const fn bits(types: &[ProgType]) -> u64 {
    let mut bits = 0;
    let mut i = 0;
    while i < types.len() {
        bits |= 1 << types[i] as u32;
        i += 1;
    }
    bits
}

/// A set of map types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MapSet(u64);

impl MapSet {
    /// No type.
    pub const EMPTY: MapSet = MapSet(0);

    /// With these types too.
    #[must_use]
    pub const fn with(self, types: &[MapType]) -> MapSet {
        let mut bits = self.0;
        let mut i = 0;
        while i < types.len() {
            bits |= 1 << types[i] as u32;
            i += 1;
        }
        MapSet(bits)
    }

    /// Whether the type is in it.
    pub const fn contains(self, map_type: MapType) -> bool {
        self.0 & 1 << map_type as u32 != 0
    }

    /// The types, by number.
    pub fn iter(self) -> impl Iterator<Item = MapType> {
        let all = MapType::ALL.iter().copied();
        all.filter(move |t| self.contains(*t))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_at_their_number() {
        for (index, helper) in HELPERS.iter().enumerate() {
            assert_eq!(helper.id as usize, index + 1, "{}", helper.name);
        }
        assert_eq!(by_id(0), None);
        assert_eq!(by_id(212), None);
    }

    #[test]
    fn a_size_follows_memory() {
        for helper in HELPERS {
            for pair in helper.args.windows(2) {
                let memory = matches!(
                    pair[0],
                    Arg::Mem | Arg::OptMem | Arg::MemWrite | Arg::OptMemRw | Arg::MemRw
                );
                let size = matches!(pair[1], Arg::Size | Arg::SizeOrZero);
                assert_eq!(memory, size, "{}: {pair:?}", helper.name);
            }
        }
    }

    /// The table says what was measured.
    #[test]
    fn table_is_the_measured_file() {
        let file = include_str!("../../../corpus/facts/linux-6.18/helpers.json");
        let file: serde_json::Value = serde_json::from_str(file).expect("JSON");
        let rows = file["helpers"].as_array().expect("an array");
        assert_eq!(rows.len(), HELPERS.len());
        for (row, helper) in rows.iter().zip(HELPERS) {
            let types: Vec<&str> = helper.prog_types.iter().map(ProgType::name).collect();
            if let Some(maps) = row.get("maps") {
                let ours: Vec<&str> = helper.maps.iter().map(MapType::name).collect();
                assert_eq!(maps, &serde_json::json!(ours), "{}", helper.name);
            }
            let mut row = row.clone();
            if let Some(row) = row.as_object_mut() {
                row.remove("maps");
            }
            let ours = serde_json::json!({
                "id": helper.id,
                "name": helper.name,
                "prog_types": types,
                "gpl_only": helper.gpl_only,
                "changes_packet": helper.changes_packet,
            });
            assert_eq!(row, ours);
        }
    }
}
