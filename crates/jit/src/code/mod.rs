//! Memory for code, as three types of which no two exist at once.
//!
//! * `Writable`: bytes may be changed, and not be run;
//! * `Sealed`: neither;
//! * `Executable`: bytes may be run, and not be changed.
//!
//! In front of the code and behind it lies a page without access, and what is
//! left of the last page is `int3`. All programs of a machine share one such
//! extent, which is given back when the `Executable` is dropped.
//!
//! There is never a page that is writable and executable, nor a second mapping of
//! the same page. The kernel's part in all this costs about as much as compiling a
//! hundred instructions does.

mod pages;

pub(crate) use pages::{Executable, Writable};
