//! What Linux says of a map or program (`bpf_map_info`, `bpf_prog_info`).

use std::ffi::CStr;

use isa::Slot;

use crate::sys;

/// A map, as Linux describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapInfo {
    /// Number in `enum bpf_map_type`.
    pub map_type: u32,
    /// Id, unique on the machine.
    pub id: u32,
    /// Bytes in a key.
    pub key_size: u32,
    /// Bytes in a value, of one CPU.
    pub value_size: u32,
    /// Largest number of entries.
    pub max_entries: u32,
    /// Flags, with those that Linux adds.
    pub flags: u32,
    /// Name, cut at 15 bytes.
    pub name: String,
    /// Id of the BTF of its key and value, 0 for none.
    pub btf_id: u32,
    /// Type of a key.
    pub btf_key_type_id: u32,
    /// Type of a value.
    pub btf_value_type_id: u32,
    /// The type-specific extra word.
    pub extra: u64,
}

impl From<sys::MapInfo> for MapInfo {
    fn from(info: sys::MapInfo) -> MapInfo {
        MapInfo {
            map_type: info.map_type,
            id: info.id,
            key_size: info.key_size,
            value_size: info.value_size,
            max_entries: info.max_entries,
            flags: info.map_flags,
            name: text(&info.name),
            btf_id: info.btf_id,
            btf_key_type_id: info.btf_key_type_id,
            btf_value_type_id: info.btf_value_type_id,
            extra: info.map_extra,
        }
    }
}

/// A program, as Linux describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgInfo {
    /// Number in `enum bpf_prog_type`.
    pub prog_type: u32,
    /// Id, unique on the machine.
    pub id: u32,
    /// Hash over the instructions.
    pub tag: [u8; 8],
    /// Name, cut at 15 bytes.
    pub name: String,
    /// The instructions as the verifier left them.
    pub xlated: Vec<Slot>,
    /// The machine code of all functions; empty without JIT.
    pub jited: Vec<u8>,
    /// Where in the kernel the code of each function stands, and its length; in
    /// `jited` they follow on one another. Empty where addresses are hidden.
    pub jited_functions: Vec<(u64, u32)>,
    /// Ids of the maps that it uses.
    pub map_ids: Vec<u32>,
    /// Whether its licence is compatible with the GPL.
    pub gpl_compatible: bool,
    /// Id of its BTF, 0 for none.
    pub btf_id: u32,
    /// Instructions that the verifier processed.
    pub verified_insns: u32,
    /// Functions.
    pub functions: u32,
    /// Records of `bpf_line_info`.
    pub line_infos: u32,
    /// BTF id of what it attaches to, 0 for nothing.
    pub attach_btf_id: u32,
}

impl ProgInfo {
    pub(crate) fn new(info: &sys::ProgInfo, filled: sys::ProgInfoRoom) -> ProgInfo {
        let addresses = filled.jited_addresses.into_iter();
        let functions = addresses.zip(filled.jited_lens);
        ProgInfo {
            prog_type: info.prog_type,
            id: info.id,
            tag: info.tag,
            name: text(&info.name),
            xlated: Slot::read_all(&filled.xlated).unwrap_or_default(),
            jited: filled.jited,
            jited_functions: functions.filter(|(address, _)| *address != 0).collect(),
            map_ids: filled.map_ids,
            gpl_compatible: info.gpl_compatible & 1 != 0,
            btf_id: info.btf_id,
            verified_insns: info.verified_insns,
            functions: info.nr_func_info.max(info.nr_jited_func_lens).max(1),
            line_infos: info.nr_line_info,
            attach_btf_id: info.attach_btf_id,
        }
    }
}

fn text(name: &[u8; 16]) -> String {
    CStr::from_bytes_until_nul(name)
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
