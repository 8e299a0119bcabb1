//! Unit tests of XDP programs, as files and as Rust: packets in words, steps,
//! expectations, reports.
#![forbid(unsafe_code)]

pub mod packet;
mod suggest;
