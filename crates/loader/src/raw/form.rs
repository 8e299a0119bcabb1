//! The fields of a line, as they are written.

use serde::Deserialize;

use super::{Caps, RawError};

/// A line. Where a field has two names, the second is that of the samples.
#[derive(Deserialize)]
pub(super) struct Form {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default, rename = "type", alias = "prog_type")]
    pub(super) prog_type: Option<Named>,
    #[serde(default, alias = "expected_attach_type")]
    pub(super) attach_type: Option<Named>,
    #[serde(default)]
    pub(super) attach_btf_id: Option<u32>,
    #[serde(default)]
    pub(super) attach_target: String,
    #[serde(default, alias = "prog_flags")]
    pub(super) flags: Flags,
    #[serde(default = "gpl")]
    pub(super) license: String,
    #[serde(default)]
    pub(super) kern_version: u32,
    #[serde(default)]
    pub(super) caps: CapsForm,
    #[serde(alias = "insns_hex")]
    pub(super) insns: OneOrMany,
    #[serde(default)]
    pub(super) maps: Maps,
    #[serde(default)]
    pub(super) btf: Option<BtfForm>,
    #[serde(default)]
    pub(super) btf_hex: Option<String>,
    #[serde(default)]
    pub(super) func_info: Option<Records<2>>,
    #[serde(default)]
    pub(super) line_info: Option<Records<4>>,
    #[serde(default)]
    pub(super) externs: Externs,
}

fn gpl() -> String {
    "GPL".to_owned()
}

/// A value of an enumeration.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a number or a name")]
pub(super) enum Named {
    Number(u32),
    Name(String),
}

impl Named {
    pub(super) fn read<T>(
        &self,
        field: &str,
        by_number: impl Fn(u32) -> Option<T>,
        by_name: impl Fn(&str) -> Option<T>,
    ) -> Result<T, RawError> {
        match self {
            Named::Number(number) => by_number(*number)
                .ok_or_else(|| RawError::value(field, number, "a number that Linux has there")),
            Named::Name(name) => by_name(name)
                .ok_or_else(|| RawError::value(field, name, "a name that bpftool has there")),
        }
    }
}

/// `BPF_F_*` flags: the number of all, or their names.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a number or a list of names")]
pub(super) enum Flags {
    Number(u32),
    Names(Vec<String>),
}

impl Default for Flags {
    fn default() -> Flags {
        Flags::Number(0)
    }
}

impl Flags {
    /// Program load's, by bit.
    const NAMES: [&str; 8] = [
        "STRICT_ALIGNMENT",
        "ANY_ALIGNMENT",
        "TEST_RND_HI32",
        "TEST_STATE_FREQ",
        "SLEEPABLE",
        "XDP_HAS_FRAGS",
        "XDP_DEV_BOUND_ONLY",
        "TEST_REG_INVARIANTS",
    ];

    pub(super) fn bits(&self) -> Result<u32, RawError> {
        let names = match self {
            Flags::Number(bits) => return Ok(*bits),
            Flags::Names(names) => names,
        };
        names.iter().try_fold(0, |bits, name| {
            let plain = name.to_ascii_uppercase();
            let plain = plain.strip_prefix("BPF_F_").unwrap_or(&plain);
            let bit = Flags::NAMES.iter().position(|known| *known == plain);
            let bit = bit.ok_or_else(|| RawError::value("flags", name, "a flag of program load"));
            bit.map(|bit| bits | 1 << bit)
        })
    }
}

/// `"root"`, `"none"`, or a list such as `["BPF", "NET_ADMIN"]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected \"root\" or a list of capabilities")]
pub(super) enum CapsForm {
    All(String),
    List(Vec<String>),
}

impl Default for CapsForm {
    fn default() -> CapsForm {
        CapsForm::All("root".to_owned())
    }
}

impl CapsForm {
    pub(super) fn read(&self) -> Result<Caps, RawError> {
        let names = match self {
            CapsForm::All(all) => match all.as_str() {
                "root" => return Ok(Caps::ROOT),
                "none" => return Ok(Caps::NONE),
                other => {
                    let expected = "`root`, `none` or a list of capabilities";
                    return Err(RawError::value("caps", other, expected));
                }
            },
            CapsForm::List(names) => names,
        };
        let mut caps = Caps::NONE;
        for name in names {
            let plain = name.to_ascii_uppercase();
            match plain.strip_prefix("CAP_").unwrap_or(&plain) {
                "BPF" => caps.bpf = true,
                "PERFMON" => caps.perfmon = true,
                "NET_ADMIN" => caps.net_admin = true,
                "SYS_ADMIN" => caps = Caps::ROOT,
                _ => {
                    let expected = "a capability that the verifier asks for";
                    return Err(RawError::value("caps", name, expected));
                }
            }
        }
        Ok(caps)
    }
}

/// One text, or a list of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Maps, by a name of the line's own or in a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected an object or a list of maps, each with type, \
                               key_size, value_size, max_entries"
)]
pub(super) enum Maps {
    List(Vec<MapForm>),
    Named(serde_json::Map<String, serde_json::Value>),
}

impl Default for Maps {
    fn default() -> Maps {
        Maps::List(Vec::new())
    }
}

/// A map.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct MapForm {
    #[serde(default)]
    pub(super) name: String,
    #[serde(rename = "type", alias = "map_type")]
    pub(super) map_type: Named,
    #[serde(default, rename = "key_size", alias = "key")]
    pub(super) key_size: u32,
    #[serde(default, rename = "value_size", alias = "val", alias = "value")]
    pub(super) value_size: u32,
    #[serde(default, rename = "max_entries", alias = "ents", alias = "entries")]
    pub(super) max_entries: u32,
    #[serde(default)]
    pub(super) flags: u32,
    #[serde(default, rename = "map_extra", alias = "extra")]
    pub(super) extra: u64,
    #[serde(default)]
    pub(super) key_type_id: u32,
    #[serde(default)]
    pub(super) value_type_id: u32,
    /// The first value, base64.
    #[serde(default)]
    pub(super) contents: Option<String>,
    #[serde(default)]
    pub(super) contents_hex: Option<String>,
    #[serde(default)]
    pub(super) frozen: bool,
    #[serde(default)]
    pub(super) inner: Option<Box<MapForm>>,
}

/// BTF as base64, or with what belongs to it.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected base64, or an object with btf or btf_hex, \
                               func_info, line_info"
)]
pub(super) enum BtfForm {
    Base64(String),
    Object {
        #[serde(default)]
        btf: Option<String>,
        #[serde(default)]
        btf_hex: Option<String>,
        #[serde(default)]
        func_info: Option<Records<2>>,
        #[serde(default)]
        line_info: Option<Records<4>>,
    },
}

/// Records of `N` words: a list of lists, or their bytes in base64.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected base64 or a list of records")]
pub(super) enum Records<const N: usize> {
    Base64(String),
    List(Vec<Vec<u32>>),
}

/// Names of kernel functions and variables: by BTF id, or by index.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected names by BTF id, or a list of names")]
pub(super) enum Externs {
    List(Vec<String>),
    ById(std::collections::BTreeMap<String, String>),
}

impl Default for Externs {
    fn default() -> Externs {
        Externs::List(Vec::new())
    }
}
