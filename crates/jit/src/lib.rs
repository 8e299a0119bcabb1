//! Compiles programs to x86-64.
//!
//! [`Compiled`] is an [`vm::Engine`]: handed to a machine, it runs the machine's
//! programs in the interpreter's place, with the same answers. It never knows
//! verdicts: how much a program is trusted is an [`Options`] of whoever compiles.
//!
//! # How far a program is trusted
//!
//! | [`Mode`] | an access | for |
//! |---|---|---|
//! | `Checked` | is held against the regions, as in the interpreter: same traps, to the byte | programs that nobody vouches for; hosts where no signal handler may be installed |
//! | `Sandboxed` | is cut to 32 bits, so that it cannot leave the machine's address space; where nothing is mapped the processor faults and a handler makes a trap of it | verified programs: the second wall behind the verifier |
//! | `Trusted` | goes where it goes | verified programs, for measuring what the wall costs |
//!
//! # Registers
//!
//! | BPF | x86-64 | |
//! |---|---|---|
//! | r0 | rax | |
//! | r1 | rdi | |
//! | r2 | rsi | |
//! | r3 | r8 | |
//! | r4 | r9 | |
//! | r5 | r10 | |
//! | r6 | rbx | kept by the called function |
//! | r7 | r13 | kept by the called function |
//! | r8 | r14 | kept by the called function |
//! | r9 | r15 | kept by the called function |
//! | r10 | rbp | kept by the called function |
//! | – | rcx, rdx, r11 | free within an instruction; shifts and divisions need the first two |
//! | – | r12 | host address of program address 0; the `context::Context` of the run lies in front of it |
//! | – | gs | the same, in programs with loops |
//!
//! # How an address is cut
//!
//! By the processor, never by what an analysis says of a number. Where the register
//! of an address was written last by an instruction of 32 bits, on all ways to the
//! access, its upper half is zero, and `[r12 + register + distance]` reaches the
//! machine's 4 GiB and the guards around them. The same holds of a register that a
//! comparison has just found not to be above such a one: that is how programs check
//! packet pointers. Every other address is put into rcx by an instruction of 32 bits
//! first; in programs with loops, `gs:` and the address-size prefix do that in the
//! access itself, at the cost of asking for gs at the start.
//!
//! The compiler notes while it writes which registers are cut, and forgets by
//! default; `tests/support/fence.rs` finds it out once more from the bytes, by an
//! independent decoder, for all code that the tests make.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod error;
mod listing;
mod options;
#[cfg_attr(
    not(all(target_arch = "x86_64", target_os = "linux")),
    expect(dead_code, reason = "only a compiler reads it")
)]
mod proof;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod analysis;
#[cfg(all(test, target_arch = "x86_64", target_os = "linux"))]
mod by_hand;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod code;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod compiled;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod context;
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
mod elsewhere;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod emit;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod entry;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub mod fault;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod lower;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub mod perf;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod runtime;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod site;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub use compiled::Compiled;
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
pub use elsewhere::{Compiled, listing};
pub use error::Error;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub use listing::listing;
pub use listing::{Host, Line};
pub use options::{Mode, Options, PerfNames};
pub use proof::Proof;
