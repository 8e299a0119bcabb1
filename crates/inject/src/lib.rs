//! Known bugs that can be brought back, to show that fuzzing finds them.
//!
//! Each [`Bug`] is one that a verifier, loader, interpreter or compiler had, in
//! Linux or elsewhere. Where our code does right what was done wrong there, one
//! line asks [`on`] and does it wrong again.
//!
//! # Invariants
//!
//! * Without the feature `armed` there is no way to switch a bug on: [`on`] is a
//!   constant `false` and the lines that ask it are not compiled to anything. Only
//!   features named `inject`, of `difftest` and the command, turn it on; both are
//!   off unless asked for.
//! * Bugs are switched on for one thread, and only for as long as the
//!   [`Injected`] lives that [`inject`] gave. Tests and jobs beside it see nothing.
//! * A bug that newer checks hide brings the lack of these checks with it, and
//!   its description says so.
//!
//! Bugs of features that do not exist here are in [`ABSENT`], with the reason.

#![forbid(unsafe_code)]

mod table;

pub use table::{ABSENT, Absent, Bug, Class};

#[cfg(feature = "armed")]
mod armed;

#[cfg(feature = "armed")]
pub use armed::{Injected, inject, on};

/// Whether a bug is to be made here: never.
#[cfg(not(feature = "armed"))]
#[inline(always)]
pub const fn on(_: Bug) -> bool {
    false
}

#[cfg(test)]
mod tests {
    #[cfg(not(feature = "armed"))]
    #[test]
    fn nothing_can_be_switched_on() {
        // In a constant: the compiler knows, not only the test.
        const ON: bool = super::on(super::Bug::Cve2021_3490);
        const { assert!(!ON) };
    }
}
