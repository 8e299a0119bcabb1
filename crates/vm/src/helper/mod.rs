//! Helper functions: one module a subject, one table of what is there.
//!
//! A helper is a plain function over a [`Call`]. What it does with bad values is
//! Linux's error number in `r0`; what Linux's verifier would have refused (memory
//! out of bounds, a map of the wrong kind) is a [`Trap`](crate::Trap).

use abi::ProgType;

use crate::machine::Machine;
use crate::trap::TrapKind;

/// A helper call in progress.
pub struct Call<'a> {
    /// Where everything is.
    pub machine: &'a mut Machine,
    /// `r1` to `r5`.
    pub args: [u64; 5],
    /// Runs a function of the calling program, for helpers that take callbacks:
    /// address of the function, then its `r1` to `r5`; gives its `r0`.
    pub callback: &'a mut dyn FnMut(&mut Machine, u64, [u64; 5]) -> Result<u64, crate::Trap>,
}

impl std::fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("args", &self.args)
            .finish_non_exhaustive()
    }
}

/// How a helper call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The program did what it must not; the engine adds where.
    Trap(TrapKind),
    /// A trap inside a callback, already complete.
    Nested(crate::Trap),
}

/// A helper: the new `r0`, or why the run ends.
pub type HelperFn = fn(&mut Call<'_>) -> Result<u64, Stop>;

/// The implementation of the helper with this number for programs of this type,
/// if there is one. The same helper may do different things in different types.
pub fn implementation(id: u32, prog_type: ProgType) -> Option<HelperFn> {
    let _ = (id, prog_type);
    None
}
