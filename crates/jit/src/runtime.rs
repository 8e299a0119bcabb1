//! What compiled code calls.
//!
//! Host addresses of these stand in the code's pool of constants, so the code
//! itself does not depend on where it lies.

/// Host addresses of what compiled code calls or jumps to.
///
/// All expect `r12` to point to the [`Context`](crate::context::Context) and
/// `rsp` to be a multiple of 16 before the `call`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Runtime {
    /// `(r1: rdi, r2: rsi, site: edx, context: rcx, r3: r8, r4: r9) -> r0: rax`,
    /// with `r5` in the context: the helper at `Shared::calls[site]`. Keeps what
    /// the SysV ABI keeps. When the context's status is not 0 after it, the code
    /// must jump to `exit`.
    pub(crate) call_helper: u64,
    /// `(_: rdi, r2: rsi, site: edx, context: rcx, r3: r8) -> entry: rax`:
    /// where the tail call at `Shared::calls[site]` leads, 0 for nowhere. Keeps
    /// and reports as `call_helper`. The code gives up its frame, puts the
    /// caller's `r1` back, and jumps there with `rbp` at the top of the stack of
    /// the present depth.
    pub(crate) tail_call: u64,
    /// A load that is not plainly allowed: address in `rcx`, site in `edx`; the
    /// value, zero-extended, in `rcx`. Keeps every register but `rcx`, `rdx`,
    /// `r11`; comes back only if the access is allowed.
    pub(crate) slow_load: u64,
    /// A store: address in `rcx`, site in `edx`, value in `r11`; as `slow_load`.
    pub(crate) slow_store: u64,
    /// The instruction of site `edx` as the interpreter runs it, on all BPF
    /// registers where they are: atomics, loads from the packet. 1 in `rcx` when
    /// the function is to return (`r0` is 0 then), otherwise 0. Keeps every
    /// register that the instruction does not write, but `rcx`, `rdx`, `r11`.
    pub(crate) rare: u64,
    /// Jump: leaves the run; `status` has been set.
    pub(crate) exit: u64,
    /// Jump: the block at `site`, already subtracted, is more than what is left.
    /// All BPF registers where they belong.
    pub(crate) exit_budget: u64,
    /// Jump: the instruction at `site` ends the run.
    pub(crate) exit_trap: u64,
}
