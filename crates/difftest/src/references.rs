//! Map values that stand for maps and programs, from one party's numbers to
//! another's.

use abi::MapType;

/// Rewrites the numbers in a value: `map` and `program` turn one of the old
/// numbering into one of the new.
///
/// In devmap and cpumap a program is optional; `optional` is asked for its number
/// there, 0 for none.
pub(crate) fn translate(
    map_type: MapType,
    value: &mut [u8],
    map: &dyn Fn(u32) -> u32,
    program: &dyn Fn(u32) -> u32,
    optional: &dyn Fn(u32) -> u32,
) {
    let (at, number): (usize, &dyn Fn(u32) -> u32) = match map_type {
        MapType::ArrayOfMaps | MapType::HashOfMaps => (0, map),
        MapType::ProgArray => (0, program),
        MapType::Devmap | MapType::DevmapHash | MapType::Cpumap => (4, optional),
        _ => return,
    };
    if let Some(word) = value.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *word = number(u32::from_le_bytes(*word)).to_le_bytes();
    }
}

/// The number of what is not there.
pub(crate) const NOTHING: u32 = u32::MAX;
