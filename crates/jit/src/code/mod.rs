//! Memory for code, as three types of which no two exist at once.
//!
//! * `Writable`: bytes may be changed, and not be run;
//! * `Sealed`: neither;
//! * `Executable`: bytes may be run, and not be changed.
//!
//! In front of the code and behind it lies a page without access, and what is
//! left of the last page is `int3`. All programs of a machine share one such
//! extent. When the `Executable` is dropped, its memory can be written and no longer
//! run, and is kept for the next code of that size, or given back.
//!
//! There is never a page that is writable and executable, nor a second mapping of
//! the same page.

mod pages;

pub(crate) use pages::{Executable, Writable};
