//! The command as a user has it: the built binary, its output and exit code.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot start what it tests should say so and end"
)]

mod bad_input;
mod bench;
#[cfg(target_os = "linux")]
mod compare;
mod coverage;
mod disasm;
mod engine;
#[cfg(target_os = "linux")]
mod fuzz;
mod inspect;
mod json;
mod maps;
mod options;
mod pages;
mod programs;
mod report;
mod streams;
mod support;
mod test;
mod testing;
mod verify;
mod write;
