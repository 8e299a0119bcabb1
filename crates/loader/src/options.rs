//! What the user decides about opening an object.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use abi::ProgType;
use btf::Btf;

/// How to open an object. The default opens it as libbpf would, for a machine
/// that offers nothing beyond what the object brings along.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Name of the object, for the names of its global data maps: the file
    /// name. What follows the first `.` is cut off, as libbpf does.
    pub name: String,
    /// The types that CO-RE relocations are resolved against. Without it, the
    /// object's own types are taken.
    pub target_btf: Option<Arc<Btf>>,
    /// The type of programs whose section name is not one that libbpf knows.
    pub prog_type: Option<ProgType>,
    /// The configuration of the kernel that `.kconfig` variables ask for.
    pub kconfig: Kconfig,
    /// Names of weak kernel functions and variables that count as present.
    /// Every other weak one is absent: its address is 0, and a call to it is
    /// poisoned.
    pub present: BTreeSet<String>,
}

/// What `.kconfig` variables are set from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kconfig {
    /// `LINUX_KERNEL_VERSION`: `major << 16 | minor << 8 | patch`.
    pub kernel_version: u32,
    /// `CONFIG_` names and their values as `.config` files write them: `y`,
    /// `m`, `n`, a number, or a string in double quotes.
    pub values: BTreeMap<String, String>,
}

impl Default for Kconfig {
    /// Linux 6.18 with nothing configured.
    fn default() -> Kconfig {
        Kconfig {
            kernel_version: 6 << 16 | 18 << 8,
            values: BTreeMap::new(),
        }
    }
}

impl Kconfig {
    /// Reads a `.config` file into [`Kconfig::values`]. Lines that are not
    /// `CONFIG_NAME=VALUE` are passed over, as libbpf does.
    pub fn read_config(&mut self, text: &str) {
        let lines = text.lines().filter(|line| line.starts_with("CONFIG_"));
        self.values.extend(
            lines
                .filter_map(|line| line.split_once('='))
                .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())),
        );
    }
}
