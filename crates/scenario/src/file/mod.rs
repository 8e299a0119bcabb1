//! Scenarios as files: TOML, every error with line and column.
//!
//! `docs/scenarios.md` has the whole format. A file is read in two passes: here
//! for its form, without a look at objects; and when it is run, names of maps and
//! programs and values by type, which only a loaded object can tell. Both give
//! errors that name the place in the file.

mod error;
mod expectations;
mod fields;
mod hints;
mod network;
mod node;
mod objects;
mod read;
mod steps;

pub use error::{Error, Place, Problem, Source};
pub use fields::{Seg, Spot};
pub use node::{Data, Key, Node};

pub(crate) use expectations::action_name;
pub(crate) use network::blank;
pub(crate) use node::int_to_json;
pub(crate) use read::read;
