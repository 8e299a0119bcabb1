//! Puts one question to several parties and reports where they disagree.
//!
//! A [`Subject`] is what is asked about: programs, maps, their first contents. A
//! [`Party`] makes it live ([`Party::open`]) and then answers [`Question`]s about
//! it one after another: run a packet, update a map, list its contents. A
//! [`Comparison`] puts each question to the party under test and to the reference
//! and says where their [`Answer`]s differ. Every family of tests is a generator
//! of subjects and a stream of questions; nothing is kept from one question to the
//! next, so memory does not grow with their number.
//!
//! ```
//! use difftest::{Comparison, Interpreter, Question, Subject, Verdict};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/objects/pass.bpf.o");
//! let object = loader::Object::parse(&std::fs::read(path)?, &Default::default())?;
//! let subject = Subject::new("pass", object.programs()?, "pass");
//! // Here the simulator is its own reference; `Linux` is the one that counts.
//! let mut comparison = Comparison::open(subject, &mut Interpreter, &mut Interpreter)?;
//! let verdict = comparison.ask(Question::packet(&[0; 60]))?;
//! assert!(matches!(verdict, Verdict::Agreed));
//! # Ok(())
//! # }
//! ```
//!
//! # What cannot be asked
//!
//! No privilege, a program that the kernel refuses, a kind of map that cannot be
//! listed: [`CannotAsk`] is a value with the reason, and never counts as
//! agreement.
//!
//! # What cannot be equal
//!
//! Time, random numbers, memory that nobody wrote. Three rules, in this order:
//!
//! 1. **Controlled.** All parties run on CPU 0 of as many CPUs as the reference
//!    has; redirects are not performed; where a program reads a clock, the
//!    interpreter is given the host's.
//! 2. **Asked twice.** A reference that is not deterministic is opened twice and
//!    asked twice, with stacks that were filled with different bytes before (but for
//!    programs that make tail calls). What differs between its own answers it does not determine, and it is not
//!    compared: [`Verdict::Unsettled`]. Of bytes, those within seven of a byte that
//!    differs are left out, since a value of up to eight bytes of which one is not
//!    determined is not determined as a whole. A case may name further bytes itself
//!    ([`Subject::derived`]).
//! 3. **Excused.** Two readings of a coarse clock may be equal and still not ours.
//!    What differs after rules 1 and 2 in a program that calls a helper of
//!    [`sources`] is [`Verdict::Excused`], with the helpers' names: reported,
//!    counted apart, no agreement.
//!
//! What remains is a disagreement, unless `corpus/known-differences.toml` lists it
//! ([`KnownDifferences`]).
#![deny(unsafe_code)]

mod answer;
mod comparison;
mod differ;
mod disagreement;
pub mod engines;
pub mod families;
pub mod fuzz;
pub mod generate;
mod interpreter;
mod known;
#[cfg_attr(not(target_os = "linux"), path = "linux_absent.rs")]
mod linux;
#[cfg_attr(not(target_os = "linux"), path = "on_kernel_absent.rs")]
mod on_kernel;
mod party;
mod question;
mod references;
pub mod show;
pub mod sources;
pub mod speed;
mod subject;
#[cfg(target_os = "linux")]
pub mod verify;

pub use answer::{Answer, Event, Output, Ran, Stop};
pub use comparison::{Comparison, Tally, Verdict};
pub use differ::{Difference, Place};
pub use disagreement::Disagreement;
pub use interpreter::{By, FillError, Interpreter, Simulated, contents_from_json};
pub use known::{Known, KnownDifferences, KnownError};
pub use linux::Linux;
pub use on_kernel::OnKernel;
pub use party::{CannotAsk, Party, Session};
pub use question::{MapOp, Question};
pub use subject::{Content, Derived, Subject, Where, map};
