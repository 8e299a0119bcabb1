//! The helper functions that Linux offers, one row each.

use crate::ProgType;

/// A helper function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Helper {
    /// Number in `call`.
    pub id: u32,
    /// Name, with the `bpf_` prefix.
    pub name: &'static str,
    /// Whether only programs under a GPL-compatible licence may call it.
    pub gpl_only: bool,
    /// Whether a call makes packet pointers invalid.
    pub changes_packet: bool,
    /// Program types that may call it.
    pub prog_types: &'static [ProgType],
}

/// All helpers, ascending by id.
pub static HELPERS: &[Helper] = &[];

/// The helper with this number.
pub fn by_id(id: u32) -> Option<&'static Helper> {
    let index = HELPERS.binary_search_by_key(&id, |h| h.id).ok()?;
    HELPERS.get(index)
}

/// The helper with this name.
pub fn by_name(name: &str) -> Option<&'static Helper> {
    HELPERS.iter().find(|h| h.name == name)
}
