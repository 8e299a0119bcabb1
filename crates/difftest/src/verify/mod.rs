//! One program put to several verifiers: ours and Linux's.
//!
//! A [`Judge`] says of a [`RawProgram`] what becomes of it, an [`Opinion`]:
//! verdict, sentence, log, counts. [`filetest`] reads and runs programs that
//! people write with the expectation beside the instruction.
//!
//! # Invariants
//!
//! * Expectations are what Linux says; nothing here writes down what we say.
//! * A judge that gives no verdict ([`Said::Unsupported`], [`CannotAsk`]) neither
//!   agrees nor disagrees: it is counted apart.

mod agreement;
mod cdecl;
pub mod filetest;
pub mod helper_calls;
mod linux;
mod opinion;
mod ours;
mod pooled;
pub mod samples;

pub use agreement::{Aspect, Compared, Difference, Table, normal};
pub use cdecl::{Declarations, Declared, DeclaredError};
pub use linux::LinuxJudge;
pub use opinion::{Opinion, Said};
pub use ours::OurJudge;
pub use pooled::PooledJudge;

use loader::raw::RawProgram;

use crate::CannotAsk;

/// Somebody who decides whether a program is safe to run.
pub trait Judge {
    /// Its name in reports.
    fn name(&self) -> &'static str;

    /// What becomes of a program. `level` is that of the log: bits 1 (failing
    /// path), 2 (every state), 4 (statistics).
    ///
    /// # Errors
    ///
    /// When it cannot be asked: a missing privilege, a map that it does not take.
    fn judge(&mut self, raw: &RawProgram, level: u32) -> Result<Opinion, CannotAsk>;
}
