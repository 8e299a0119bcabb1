//! Turns a compiled ELF object into linked, relocated BPF programs, as libbpf
//! would.
//!
//! [`Object::parse`] reads a file that `clang -target bpf` made;
//! [`Object::programs`] gives its programs as [`abi::Program`]s, from where on
//! nobody knows of ELF. In between, maps and global variables may be looked at
//! and changed.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bytes = std::fs::read("firewall.bpf.o")?;
//! let options = loader::Options { name: "firewall.bpf.o".into(), ..Default::default() };
//! let mut object = loader::Object::parse(&bytes, &options)?;
//! object.set_max_entries("sessions", 1024)?;
//! let program = object.program("firewall")?;
//! # Ok(())
//! # }
//! ```
//!
//! The way of a file through the modules: `elf` (sections, symbols) → `code`
//! (functions) → `types` (BTF) → `declared` (what code refers to: `legacy_maps`,
//! `btf_maps`, `globals`, `externs`, `kconfig`, `struct_ops`) → `reference`
//! (relocations, understood) and `core_relo` → `entries` (which functions are
//! programs, by [`sections`]) → `link`. `extension` links programs of two objects
//! ([`replace_function`]).
//!
//! # Invariants
//!
//! * The same bytes and options give the same programs on every machine. What
//!   the running kernel has is handed in ([`Options::target_btf`],
//!   [`Options::present`]) or left to whoever runs the program
//!   ([`abi::Program::externs`]).
//! * Whether a program is safe to run is not asked here. Recursion is refused
//!   all the same, since it is a mistake of linking rather than of a path.
//! * No input leads to a panic, or to memory beyond a small multiple of its
//!   size.
//! * What concerns one program only is an error of that program.
//!
//! # Deliberately absent
//!
//! Nothing is pinned, loaded or attached. Values of `.data` that are addresses
//! stay 0, as in Linux. Big-endian objects are refused.
#![forbid(unsafe_code)]

mod btf_maps;
mod code;
mod core_relo;
mod declared;
mod elf;
mod entries;
mod error;
mod extension;
mod externs;
mod globals;
mod kconfig;
mod legacy_maps;
mod link;
mod maps;
mod note;
mod object_file;
mod options;
pub mod raw;
mod reference;
mod relocations;
pub mod sections;
mod struct_ops;
mod target;
mod types;
mod wire;

pub use core_relo::CoreRelocation;
pub use entries::Entry;
pub use error::{CoreError, Error, KconfigError, MapError, Place, RelocationError};
pub use extension::{ExtensionError, fits_dispatcher, replace_function};
pub use externs::{ExternInfo, ExternSource};
pub use globals::Global;
pub use note::Note;
pub use object_file::Object;
pub use options::{Kconfig, Options};
pub use target::{TargetError, read_btf};
