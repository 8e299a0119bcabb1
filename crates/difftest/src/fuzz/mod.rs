//! Random programs and oracles that say whether something is wrong about them.
//!
//! A [`Case`] is a program with what it is run on, a function of ([`Mix`], seed,
//! index). An [`Oracle`] looks at one and says what is wrong, a [`Finding`], or
//! nothing.
//!
//! # Invariants
//!
//! * The same mix, seed and index give the same case, byte for byte, on every
//!   machine.
//! * An oracle keeps nothing of one case that the next could see; only memory and
//!   handles are kept, for speed.
//! * Who cannot be asked is [`CannotAsk`](crate::CannotAsk), never agreement.

mod case;
mod oracle;
#[cfg(target_os = "linux")]
mod verdict;

pub use case::{Case, Input, Kind, Mix};
pub use oracle::{Finding, Oracle, OracleKind, Tally};
#[cfg(target_os = "linux")]
pub use verdict::AgainstLinux;
