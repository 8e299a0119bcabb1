//! The checked interpreter.
//!
//! A program is turned once, when it is loaded, into a list of ready operations
//! ([`op`], [`load`], [`fuse`]); a run is a loop over those ([`exec`]) and what belongs to
//! calls ([`run`]). Each memory access is checked against regions and rights, so
//! no trust in the program is needed.
//!
//! # What a program finds at first
//!
//! * `r1` is the context, `r10` the end of the stack, every other register 0,
//!   where Linux leaves what the caller had there.
//! * The part of the stack that a function can reach is zero, where Linux leaves
//!   what was there before. A function that only uses `r10` as the base of
//!   accesses reaches down to the lowest of them, any other one all 512 bytes.
//! * After a call, `r1` to `r5` hold what they held before it.
//!
//! So a run is a function of what the machine holds and nothing else.

mod exec;
mod fuse;
mod load;
mod op;
mod run;
mod watch;

pub(crate) use load::{Loaded, Resolve, load};
pub use run::Next;
pub(crate) use run::{Frame, Run, other};
pub use watch::{Moment, Watch};
