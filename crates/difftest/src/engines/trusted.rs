//! The promise that trusted code is compiled with.
//!
//! It is kept by [`compare`](super::compare): a run of trusted code is one that the
//! interpreter has made before, of the same program on the same input, in a machine
//! that was made the same way and has had the same runs; and where that left its
//! bounds the trusted one is not made. What is left is that the compiler itself is
//! wrong, which the same campaign looks for with code that is fenced in, and first.
#![allow(unsafe_code, reason = "the promise is kept by the one who calls")]

use jit::{Compiled, Error, Options, Proof};
use vm::Machine;

/// Compiles for [`compare`](super::compare) alone.
pub(crate) fn trusted(
    machine: &mut Machine,
    options: &Options,
    proofs: &[Proof<'_>],
) -> Result<Compiled, Error> {
    // SAFETY: `compare` runs a program only after the interpreter did, and only
    // where no access was out of bounds.
    unsafe { Compiled::trusted(machine, options, proofs) }
}
