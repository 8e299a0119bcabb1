//! All ways to compile, the one included that takes a promise.

use difftest::engines::{self, Way};

/// All ways to compile.
pub(crate) fn ways() -> Vec<Way> {
    engines::ways(Some(trusted))
}

#[allow(unsafe_code, reason = "the tests keep the promise")]
fn trusted(
    machine: &mut vm::Machine,
    options: &jit::Options,
    proofs: &[jit::Proof<'_>],
) -> Result<jit::Compiled, jit::Error> {
    // SAFETY: the programs that tests compile so were accepted by a verifier, or
    // are run only where the interpreter has seen that they stay in bounds.
    unsafe { jit::Compiled::trusted(machine, options, proofs) }
}
