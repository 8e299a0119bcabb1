//! Which programs may name which maps (measured on Linux 6.18,
//! `corpus/facts/linux-6.18/map_use.json`; a test compares).
//!
//! Which helper takes which map is in [`crate::helpers`].

use crate::{MapDef, MapFlags, MapType, ProgType};

impl MapType {
    /// Whether sleepable programs may use it. For others Linux says "Sleepable
    /// programs can only use array, hash, ringbuf and local storage maps"
    /// (`EINVAL`).
    pub fn works_in_sleepable(self) -> bool {
        use MapType::*;
        !matches!(
            self,
            ProgArray
                | PerfEventArray
                | StackTrace
                | CgroupArray
                | LpmTrie
                | Devmap
                | Sockmap
                | Cpumap
                | Xskmap
                | Sockhash
                | CgroupStorage
                | ReuseportSockarray
                | PercpuCgroupStorage
                | DevmapHash
                | StructOps
                | BloomFilter
        )
    }

    /// Whether a program may load the address of a value: of an array with one
    /// entry (others: `ENOTSUPP`) and of an arena. For others Linux says "no
    /// direct value access support for this map type" (`EINVAL`).
    pub fn has_direct_value(self) -> bool {
        matches!(self, MapType::Array | MapType::Arena)
    }
}

impl MapDef {
    /// Whether programs may not write into its values: as its flags say, and in
    /// maps of devices, whose values are the kernel's.
    pub fn is_read_only_to_programs(&self) -> bool {
        let devices = matches!(self.map_type, MapType::Devmap | MapType::DevmapHash);
        devices || self.flags.contains(MapFlags::RDONLY_PROG)
    }
}

impl ProgType {
    /// Whether Linux counts it among "tracing progs", which cannot use maps with
    /// `bpf_spin_lock`, `bpf_timer` or `bpf_wq` in their values.
    pub fn is_tracing(self) -> bool {
        use ProgType::*;
        matches!(
            self,
            Kprobe | Tracepoint | PerfEvent | RawTracepoint | RawTracepointWritable
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::MapType;
    use crate::flavor::tests::{facts, measured, text};

    const NOT_SLEEPABLE: &str =
        "Sleepable programs can only use array, hash, ringbuf and local storage maps";
    /// Arenas were asked without an address.
    const ARENA: &str = "arena's user address must be set via map_extra or mmap()";
    const NO_VALUE: &str = "no direct value access support for this map type";

    #[test]
    fn maps_are_refused_as_measured() {
        let facts = facts("map_use");
        let flavors = measured();
        for row in facts["flavors"].as_array().expect("rows") {
            let name = text(row, "flavor");
            let (_, flavor) = flavors.iter().find(|(n, _)| n == name).expect(name);
            let mut ours = BTreeMap::new();
            for map in facts["map_types"].as_array().expect("types") {
                let map = map.as_str().expect("a name");
                let map_type = MapType::ALL.iter().find(|t| t.name() == map).expect(map);
                if flavor.sleepable && !map_type.works_in_sleepable() {
                    ours.insert(map, NOT_SLEEPABLE);
                } else if *map_type == MapType::Arena {
                    ours.insert(map, ARENA);
                }
            }
            let refused = row["refused"].as_object().expect("sentences").iter();
            let refused = refused.map(|(map, said)| (map.as_str(), said.as_str().expect("a text")));
            assert_eq!(ours, refused.collect(), "{name}");
        }
    }

    #[test]
    fn values_are_had_as_measured() {
        for (map, said) in facts("map_use")["value"].as_object().expect("sentences") {
            let map_type = MapType::ALL.iter().find(|t| t.name() == map).expect(map);
            assert_eq!(map_type.has_direct_value(), said != NO_VALUE, "{map}");
        }
    }
}
