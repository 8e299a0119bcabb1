//! Unit tests of XDP programs, as files and as Rust: packets in words, steps,
//! expectations, reports.
#![forbid(unsafe_code)]

mod bless;
mod expect;
pub mod file;
pub mod model;
pub mod packet;
pub mod report;
pub mod run;
mod suggest;
mod typed;

pub use bless::bless;
pub use file::Error;
pub use model::Scenario;
pub use report::Report;
