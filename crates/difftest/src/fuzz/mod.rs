//! Random programs and oracles that say whether something is wrong about them.
//!
//! A [`Case`] is a program with what it is run on, a function of ([`Mix`], seed,
//! index). An [`Oracle`] looks at one and says what is wrong, a [`Finding`], or
//! nothing.
//!
//! [`run`] puts the programs of a [`Plan`] to its oracles in several threads, makes
//! what is found smaller, and tells it to a [`Watch`]; [`ledger`] and [`reproduce`]
//! write down what came of it. `ebpf-sim fuzz` is a reader of this (docs/fuzzing.md).
//!
//! # Invariants
//!
//! * The same mix, seed and index give the same case, byte for byte, on every
//!   machine.
//! * What a campaign finds does not depend on how many threads it has.
//! * A panic or hang of what is tested is a finding and not the end.
//! * An oracle keeps nothing of one case that the next could see; only memory and
//!   handles are kept, for speed.
//! * Who cannot be asked is [`CannotAsk`](crate::CannotAsk), never agreement.
//!
//! # Deliberately absent
//!
//! What ends the process (an abort, a stack that overflows) ends the campaign: its
//! ledger says how far it came. A hang is not made smaller.

pub mod bytes;
mod campaign;
mod case;
pub mod coverage;
mod found;
mod inputs;
pub mod ledger;
mod minimise;
mod oracle;
mod panel;
mod panics;
pub mod peer;
mod plan;
#[cfg(target_os = "linux")]
mod registers;
pub mod reproduce;
mod result;
#[cfg(feature = "inject")]
mod self_test;
mod stage;
mod state;
#[cfg(target_os = "linux")]
mod verdict;
mod worker;

pub use campaign::{Report, Watch, replay, run};
pub use case::{Case, Kind, Mix, MixError};
pub use found::{Found, Record};
pub use inputs::{Entry, Input};
pub use oracle::{Finding, LinuxSaid, Oracle, OracleKind, Tally, config};
pub use plan::{Against, Limit, Plan, Shard, ShardError};
#[cfg(target_os = "linux")]
pub use registers::RegistersAgainstLinux;
pub use result::SameResults;
#[cfg(feature = "inject")]
pub use self_test::{Row, SelfTest, Sought, Summary, self_test};
pub use state::{Known, WithinStates};
#[cfg(target_os = "linux")]
pub use verdict::AgainstLinux;
