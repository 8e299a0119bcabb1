//! What stands in code where a relocation could not be satisfied.
//!
//! libbpf replaces such an instruction by a call of a helper that does not
//! exist, so that a program may hold it where it is never reached; the number
//! says what was wanted. It is no fault unless it is reached.

use std::ops::Range;

/// A CO-RE relocation.
pub const CORE: i32 = 0x0bad_2310;
/// A map that was not made: its index is added to the start.
pub const MAPS: Range<i32> = 2_001_000_000..2_002_000_000;
/// A weak kernel function that is absent: its index in the object's list of
/// externs is added to the start.
pub const KFUNCS: Range<i32> = 2_002_000_000..2_003_000_000;
