//! Packets in words.
//!
//! ```
//! # fn main() -> Result<(), scenario::packet::Error> {
//! let syn = scenario::packet::bytes("eth / ip dst=192.0.2.20 / tcp dport=80 flags=S")?;
//! assert_eq!(syn.len(), 14 + 20 + 20);
//!
//! let pattern = scenario::packet::Pattern::new("ip dst=192.0.2.20 csum=ok / ..")?;
//! assert!(pattern.compare(&syn).is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! A description is layers with slashes between them, each a name and fields as
//! `name=value`; then text in quotes, bytes as `0x…`, `hex 00 11`, or
//! `payload len=100 fill=0x20`. Lengths, types, protocols and checksums that are
//! not given follow from the rest; given ones stay, right or wrong. `pad to=60`
//! and `cut to=30` change the length of the frame afterwards. `$name` stands for
//! what [`Definitions`] say. `docs/scenarios.md` lists layers and fields.
//!
//! The same language with gaps is a [`Pattern`] that packets are held against.
//!
//! Layers and fields are rows of one table, which building, decoding, matching
//! and comparing read. A library of packet types would describe the fields to
//! only one of them, and refuse the packets that tests want most, those that are
//! wrong; `etherparse` is the second opinion in the tests.
//!
//! # Invariants
//!
//! * Decoding takes any bytes.
//! * No description makes more than [`MAX_LEN`] bytes.

mod build;
mod checksum;
mod decode;
mod describe;
mod diff;
mod error;
mod layer;
mod layers;
mod lexer;
mod names;
mod parse;
mod pattern;
mod tcp_options;
#[cfg(test)]
mod tests;
mod value;

pub use decode::{Decoded, Found, decode};
pub use describe::describe;
pub use diff::{listing, side_by_side};
pub use error::{Error, Problem};
pub use layer::{Default, Field, Id, Kind, Layer};
pub use layers::LAYERS;
pub use parse::Definitions;
pub use pattern::{Mismatch, Pattern};

/// The longest packet: an IP packet of 65,535 bytes in a frame, and room for tags
/// and tunnels.
pub const MAX_LEN: usize = 66_000;

/// The bytes of a description.
///
/// # Errors
///
/// What is wrong with it, and where.
pub fn bytes(description: &str) -> Result<Vec<u8>, Error> {
    bytes_with(description, &Definitions::default())
}

/// The bytes of a description that uses definitions.
///
/// # Errors
///
/// What is wrong with it, and where.
pub fn bytes_with(description: &str, definitions: &Definitions) -> Result<Vec<u8>, Error> {
    let parts = parse::parse(description, definitions)?;
    build::build(&parts).map_err(|problem| Error::new(description, 0..description.len(), problem))
}

/// The bytes of a hardware address.
pub(crate) fn mac(text: &str) -> Option<[u8; 6]> {
    let [_, _, _, _, _, _, _, _, _, _, address @ ..] = value::mac(text)?.to_be_bytes();
    Some(address)
}

/// The bytes of a description that is known to be right: for tests.
///
/// # Panics
///
/// When it is not.
#[track_caller]
pub fn must(description: &str) -> Vec<u8> {
    bytes(description).unwrap_or_else(|error| panic!("{description}\n{error}"))
}
