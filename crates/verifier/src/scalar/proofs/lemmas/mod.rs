//! The lemmas, by subject.

mod alu;
mod branch;
mod range;
mod scalar;
mod sync;
mod tnum;
mod wrong;

use super::lemma::Prover;

/// States all lemmas.
pub(super) fn all(prover: &mut Prover) {
    tnum::lemmas(prover);
    range::lemmas(prover);
    scalar::lemmas(prover);
    sync::lemmas(prover);
    alu::lemmas(prover);
    branch::lemmas(prover);
    wrong::lemmas(prover);
}
