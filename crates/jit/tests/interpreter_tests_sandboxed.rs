//! The interpreter's tests, on sandboxed code, but for those of accesses out of
//! bounds, which it need not find.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]
#![allow(
    clippy::duplicate_mod,
    reason = "each file brings the same support, as it is a test of its own at home"
)]

#[path = "../../vm/tests/hostile.rs"]
mod hostile;
#[path = "../../vm/tests/maps.rs"]
mod maps;
#[path = "../../vm/tests/run.rs"]
mod run;
