//! Maps, held to what Linux answered and to simple models of what they are.
#![expect(clippy::unwrap_used, reason = "tests")]

mod definitions;
mod models;
mod operations;
mod pointers;
mod references;
mod ringbuf;
mod support;
mod walks;
