//! Memory for code, as three types of which no two exist at once.
//!
//! * `Writable`: bytes may be changed, and not be run;
//! * `Sealed`: neither;
//! * `Executable`: bytes may be run, and not be changed.
//!
//! In front of the code and behind it lies a page without access, and what is
//! left of the last page is `int3`. When the `Executable` is dropped, its memory can
//! be written and no longer run, and is kept for the next code of that size, or given
//! back.
//!
//! There is never a page that is writable and executable, nor a second mapping of
//! the same page.
//!
//! # Who shares pages
//!
//! All programs of a machine, which are compiled together, one behind the other:
//! an object with its functions, what it tail calls, what is attached beside it.
//! Machines do not share pages with one another, on purpose. Code of one machine runs
//! while that of the next is written, so a page of both would have to be writable and
//! executable at once, or be mapped a second time where it can be written, or be
//! written behind the back of its protection (`/proc/self/mem`); each of them hands
//! whoever can write into this process a way to code, which is what the three types
//! are there to deny. The price is two calls of mprotect for each machine, 2.6 us,
//! and a page; mapping the page is saved by keeping those of machines that are gone.
//! A region of 2 MiB for all machines, whose second mapping was open for no longer
//! than it was written, was made and measured: a machine took 64 bytes in place of
//! 4 KiB, and compiling and dropping an empty program 8.7 us in place of 6.4, since
//! opening pages amid others splits the mapping, and clearing them opens it once more.

mod pages;

pub(crate) use pages::{Executable, Writable};
