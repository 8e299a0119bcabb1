//! What compiled code and the runtime share while a program runs.
//!
//! The [`Context`] lies in the machine's address space, in the granule for engines
//! in front of program address 0. `r12` is the host address of program address 0
//! from entry to exit, so one register leads to both: compiled code reads and writes
//! the context's fields at their [`offset`]s, which are negative, and no program
//! address leads there (see [`vm::memory::ENGINE_BELOW`]).

use core::any::Any;
use core::mem::{MaybeUninit, offset_of};

use vm::memory::{ENGINE_BELOW, GRANULE};
use vm::{Machine, Trap};

use crate::site::Shared;

/// Number, in x86's order, of the host register of each BPF register.
pub(crate) const HOST_REGISTER: [u8; 11] = [
    0,  // r0: rax
    7,  // r1: rdi
    6,  // r2: rsi
    8,  // r3: r8
    9,  // r4: r9
    10, // r5: r10
    3,  // r6: rbx
    13, // r7
    14, // r8
    15, // r9
    5,  // r10: rbp
];

/// The state of a run.
///
/// | field | written by | when |
/// |---|---|---|
/// | `left` | entry; compiled code with a meter; the runtime | start of a block; refunds |
/// | `cpu` | entry | |
/// | `status` | the runtime, the exits, the fault handler | when the run ends early |
/// | `site` | compiled code | before a jump to `exit_budget` or `exit_trap` |
/// | `r5`, `fp` | compiled code | before a helper that takes them |
/// | `regs` | `exit_budget`, `rare`, the fault handler | |
/// | `trap` | the runtime | with `status` [`Status::TRAPPED`] |
///
/// Zeroes are one.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Context {
    /// Instructions that may still run.
    pub(crate) left: i64,
    /// How the run ended, a [`Status`].
    pub(crate) status: u32,
    /// Index in [`Shared::sites`].
    pub(crate) site: u32,
    /// Table of windows, see [`vm::memory::WINDOW_BYTES`].
    pub(crate) windows: *const u8,
    /// `r5` of a helper call.
    pub(crate) r5: u64,
    /// Top of the stack of the function that calls a helper which may call back:
    /// what `r10` was when the function began.
    pub(crate) fp: u64,
    /// Tail calls taken.
    pub(crate) tail_calls: u32,
    /// The CPU that the program runs on.
    pub(crate) cpu: u32,
    /// `rsp` to go back to by an exit; of the innermost entry.
    pub(crate) host_rsp: u64,
    /// The machine. Valid while compiled code or the runtime it called runs.
    pub(crate) machine: *mut Machine,
    /// Tables of the code.
    pub(crate) shared: *const Shared,
    /// Host registers in x86's order: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8
    /// to r15.
    pub(crate) regs: [MaybeUninit<u64>; 16],
    /// Why the run ended.
    pub(crate) trap: MaybeUninit<Trap>,
    /// What a helper panicked with.
    pub(crate) panic: MaybeUninit<Box<dyn Any + Send>>,
}

impl Context {
    /// That of a machine whose space is one reservation. Whoever has the machine to
    /// himself may use it; nobody else does.
    #[inline]
    pub(crate) fn of(machine: &mut Machine) -> *mut Context {
        const {
            assert!(size_of::<Context>() <= GRANULE as usize);
            assert!(align_of::<Context>() <= GRANULE as usize);
        }
        let base = machine.space.host().base.as_ptr();
        base.wrapping_sub(ENGINE_BELOW).cast()
    }

    /// Host address of program address 0.
    #[inline]
    pub(crate) fn base(context: *mut Context) -> *mut u8 {
        context.cast::<u8>().wrapping_add(ENGINE_BELOW)
    }
}

/// Values of [`Context::status`].
#[derive(Debug)]
pub(crate) struct Status;

impl Status {
    /// Runs, or has returned.
    pub(crate) const RUNNING: u32 = 0;
    /// `trap` says why.
    pub(crate) const TRAPPED: u32 = 1;
    /// The processor refused an access; `site` and `regs` say which.
    pub(crate) const FAULT: u32 = 2;
    /// The budget does not suffice for the block at `site`; `regs` holds all
    /// registers, and the block has been subtracted from `left`.
    pub(crate) const BUDGET: u32 = 3;
    /// The instruction at `site` is a trap.
    pub(crate) const TRAP_SITE: u32 = 4;
    /// A helper panicked; `panic` says with what.
    pub(crate) const PANICKED: u32 = 5;
}

/// Offsets of a [`Context`] and its fields from program address 0.
pub(crate) mod offset {
    use super::{Context, ENGINE_BELOW, offset_of};

    pub(crate) const CONTEXT: i32 = -(ENGINE_BELOW as i32);
    pub(crate) const LEFT: i32 = CONTEXT + offset_of!(Context, left) as i32;
    pub(crate) const STATUS: i32 = CONTEXT + offset_of!(Context, status) as i32;
    pub(crate) const SITE: i32 = CONTEXT + offset_of!(Context, site) as i32;
    pub(crate) const WINDOWS: i32 = CONTEXT + offset_of!(Context, windows) as i32;
    pub(crate) const MACHINE: i32 = CONTEXT + offset_of!(Context, machine) as i32;
    pub(crate) const R5: i32 = CONTEXT + offset_of!(Context, r5) as i32;
    pub(crate) const FP: i32 = CONTEXT + offset_of!(Context, fp) as i32;
    pub(crate) const CPU: i32 = CONTEXT + offset_of!(Context, cpu) as i32;
    pub(crate) const HOST_RSP: i32 = CONTEXT + offset_of!(Context, host_rsp) as i32;
    pub(crate) const REGS: i32 = CONTEXT + offset_of!(Context, regs) as i32;
}
