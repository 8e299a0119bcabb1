//! Memory for code, as three types of which no two exist at once.
//!
//! * [`Writable`]: bytes may be changed, and not be run;
//! * [`Sealed`]: neither;
//! * [`Executable`]: bytes may be run, and not be changed.
//!
//! In front of the code and behind it lies a page without access, and what is
//! left of the last page is `int3`. All programs of a machine share one such
//! extent, which is given back when the [`Executable`] is dropped.
//!
//! There is never a page that is writable and executable, nor a second mapping of
//! the same page. What that costs, two changes of protection per compilation, is
//! about the price of compiling a hundred instructions.

mod pages;

pub(crate) use pages::{Executable, Sealed, Writable};
