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

mod config;
pub mod reason;
pub mod scalar;
pub mod structure;

pub use config::{Config, Privileges, Release};
pub use reason::{Fault, Reason, Result, Unsupported};
