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
pub mod explain;
mod explore;
pub mod features;
mod fields;
pub mod log;
mod observe;
pub mod reason;
pub mod scalar;
pub mod state;
mod step;
pub mod structure;
mod verdict;

pub use config::{Config, Privileges, Release};
pub use explore::{CheckpointId, FrameMarks, History, Liveness, LivenessStep, PrecisionStep};
pub use observe::{Context, Event, Observer, Touched};
pub use reason::{Fault, Reason, Result, Unsupported};
pub use verdict::{Acceptance, Rejection, Stats, Undecided, Verdict};

use abi::Program;
use structure::Structure;

/// Decides whether Linux would load `program`.
///
/// `observer` sees every step; without one nothing is formatted.
pub fn verify<'p>(
    program: &'p Program,
    config: &Config,
    observer: Option<&mut dyn Observer>,
) -> Verdict<'p> {
    match structure::analyze(program, config) {
        Ok(structure) => follow(program, config, &structure, observer),
        Err(fault) => {
            let stats = Stats {
                stack_depths: vec![0; Structure::functions_before_refusal(program)],
                ..Stats::default()
            };
            let verdict = verdict::failed(*fault, None, stats);
            if let Some(observer) = observer {
                let structure = Structure::outline(program);
                let context = Context {
                    program,
                    config,
                    structure: &structure,
                };
                observer.observe(&context, Event::Structure);
                observer.observe(&context, verdict.event());
            }
            verdict
        }
    }
}

/// Follows a program whose structure is in order.
fn follow<'p>(
    program: &'p Program,
    config: &Config,
    structure: &Structure,
    mut observer: Option<&mut dyn Observer>,
) -> Verdict<'p> {
    let context = Context {
        program,
        config,
        structure,
    };
    if let Some(observer) = observer.as_deref_mut() {
        observer.observe(&context, Event::Structure);
    }
    let watcher = observer.as_deref_mut().map(|o| o as &mut dyn Observer);
    let mut verifier = explore::Verifier::new(program, config, structure, watcher);
    let outcome = verifier.run();
    let pc = verifier.pc;
    let stats = std::mem::take(&mut verifier.stats);
    let verdict = match outcome {
        Ok(()) => Verdict::Accepted(Acceptance {
            program,
            stats,
            proven: std::mem::take(&mut verifier.proven),
        }),
        Err(fault) => verdict::failed(*fault, Some(pc), stats),
    };
    if let Some(observer) = observer {
        observer.observe(&context, verdict.event());
    }
    verdict
}
