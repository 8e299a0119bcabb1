//! Faults of the processor in compiled code.
//!
//! Code in the modes [`Sandboxed`](crate::Mode::Sandboxed) and
//! [`Trusted`](crate::Mode::Trusted) does not ask whether there is memory at an
//! address: where there is none, the processor faults, the kernel sends SIGSEGV
//! or SIGBUS, and a handler makes a trap of it. Code in the mode
//! [`Checked`](crate::Mode::Checked) needs none of this.
//!
//! # What an embedding program must know
//!
//! * The handler is installed once in a process: by [`install`], or when the first
//!   such code is made. It stays for good.
//! * It acts only on faults at instructions of compiled code that access the
//!   program's memory. Every other signal goes to the handler that was there
//!   before, with the same arguments, the same blocked signals, and on the
//!   alternate stack if the thread has one; where there was none, or signals were
//!   ignored, happens what the kernel does.
//! * A handler that is installed later must pass on what is not its own. Whether
//!   it does cannot be seen, so making such code fails from then on, with
//!   [`Error::HandlerReplaced`](crate::Error::HandlerReplaced), until the handler
//!   is back or [`assume_passed_on`] was called. Code that was made before goes on
//!   running.
//! * A program that wants no second handler calls [`handle`] in its own, and says
//!   so by [`assume_passed_on`].
//! * Threads that run compiled code must not block SIGSEGV and SIGBUS: the kernel
//!   ends a process whose fault is blocked.
//!
//! A fault costs some microseconds. It is how a wrong program ends, not how a
//! right one runs.

mod handler;
mod registry;

pub use handler::{assume_passed_on, handle, install};
pub(crate) use registry::Registration;
