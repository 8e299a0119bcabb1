//! Decides, as Linux does and in its words, whether a BPF program is safe to run.
//!
//! [`Config`] names the kernel whose rules are wanted and who loads the program.
//! A refusal is a [`Reason`]: its `Display` is Linux's sentence.
//!
//! # Invariants
//!
//! * A run is a pure function of program and configuration: no `unsafe`, no I/O,
//!   no clock, no threads, no global state.
//! * Any bytecode whatever gives a verdict or a refusal within the limits; there
//!   is no recursion in proportion to the program.
//! * What is not known is answered [`Unsupported`] with the name of the feature,
//!   never with a guess.
#![forbid(unsafe_code)]

mod call;
mod config;
mod explore;
pub mod log;
mod observe;
pub mod reason;
pub mod scalar;
pub mod state;
mod step;
pub mod structure;
mod verdict;

pub use config::{Config, Privileges, Release};
pub use explore::{CheckpointId, FrameMarks, HistoryEntry};
pub use observe::{Context, Event, Observer, Touched};
pub use reason::{Fault, Reason, Result, Unsupported};
pub use verdict::{Acceptance, Rejection, Stats, Undecided, Verdict};

use abi::Program;

/// Decides whether Linux would load `program`.
///
/// `observer` sees every step; without one nothing is formatted.
pub fn verify<'p>(
    program: &'p Program,
    config: &Config,
    mut observer: Option<&mut dyn Observer>,
) -> Verdict<'p> {
    let structure = match structure::analyze(program, config) {
        Ok(structure) => structure,
        Err(fault) => return verdict::failed(*fault, None, Stats::default()),
    };
    let observer = observer.as_deref_mut().map(|o| o as &mut dyn Observer);
    let mut verifier = explore::Verifier::new(program, config, &structure, observer);
    let outcome = verifier.run();
    let pc = verifier.pc;
    let stats = std::mem::take(&mut verifier.stats);
    match outcome {
        Ok(()) => Verdict::Accepted(Acceptance { program, stats }),
        Err(fault) => verdict::failed(*fault, Some(pc), stats),
    }
}
