//! The ways into compiled code and out of it, in assembly.
//!
//! Into it leads [`enter`], or [`enter_gs`] for programs with loops, which reach
//! their memory through `gs` as well. It keeps the place of its return address in the context, so the
//! ways out from anywhere (`exit`, `exit_budget`, `exit_trap`) return from the
//! innermost entry as if the program had ended there. A callback of a helper is an
//! entry of its own. (On a processor that keeps a second stack of return addresses,
//! which no Linux distribution turns on for programs that did not ask, this way
//! out would not do.)
//!
//! What compiled code calls in the middle of an instruction (`slow_load`,
//! `slow_store`, `rare`) keeps all registers but the scratch ones, so that the
//! code around need not know about it.
#![expect(unsafe_code, reason = "assembly")]

use core::arch::{asm, naked_asm};

use crate::context::{Context, Status, offset};
use crate::runtime::{self, Routine};

/// Runs compiled code at `entry` with these values in r1 to r5 and r10; the value
/// of r0. Unless the context's status is [`Status::RUNNING`] afterwards, the run
/// ended early and the value means nothing. Overwrites the context's `host_rsp`.
///
/// # Safety
///
/// `entry` must be the entry of a function of the code whose tables are
/// `context.shared`, all pointers of the context must be valid, and the machine
/// the one that the code was made for.
#[inline(always)]
pub(crate) unsafe fn enter(
    entry: usize,
    context: *mut Context,
    [r1, r2, r3, r4, r5]: [u64; 5],
    fp: u64,
) -> u64 {
    let r0;
    // SAFETY: the caller vouches for the code. It keeps r12 and the stack; what
    // else it may change stands below, or is put back here, since the compiler
    // has rbx and rbp for itself. Two words keep the stack aligned.
    unsafe {
        asm!(
            "push rbx",
            "push rbp",
            "mov rbp, rcx",
            "lea rax, [rsp - 8]",
            "mov [r12 + {host_rsp}], rax",
            "call rdx",
            "pop rbp",
            "pop rbx",
            host_rsp = const offset::HOST_RSP,
            in("rdi") r1,
            in("rsi") r2,
            in("r8") r3,
            in("r9") r4,
            in("r10") r5,
            in("rcx") fp,
            in("rdx") entry,
            in("r12") Context::base(context),
            lateout("rax") r0,
            out("r13") _,
            out("r14") _,
            out("r15") _,
            clobber_abi("sysv64"),
        );
    }
    r0
}

/// As [`enter`], with the context's base in gs meanwhile.
///
/// Setting gs costs more than a short program. So when nobody had put anything
/// there, ours stays, and the next run finds it; what somebody had put there comes
/// back.
///
/// # Safety
///
/// As for [`enter`], and [`has_gs`] must be true.
#[inline(always)]
pub(crate) unsafe fn enter_gs(entry: usize, context: *mut Context, args: [u64; 5], fp: u64) -> u64 {
    let base = Context::base(context) as u64;
    let old: u64;
    // SAFETY: reads a register.
    unsafe { asm!("rdgsbase {}", out(reg) old, options(nomem, nostack, preserves_flags)) };
    if old != base {
        // SAFETY: only compiled code, and what put `old` there, uses gs.
        unsafe { set_gs(base) };
    }
    // SAFETY: the caller vouches for it.
    let r0 = unsafe { enter(entry, context, args, fp) };
    if old != base && old != 0 {
        // SAFETY: what was there before.
        unsafe { set_gs(old) };
    }
    r0
}

/// # Safety
///
/// Nobody may rely on gs, and [`has_gs`] must be true.
#[cold]
unsafe fn set_gs(base: u64) {
    // SAFETY: the caller vouches for it.
    unsafe { asm!("wrgsbase {}", in(reg) base, options(nostack, preserves_flags)) };
}

/// Returns from the innermost entry.
#[unsafe(naked)]
unsafe extern "sysv64" fn exit() {
    naked_asm!(
        "mov rsp, [r12 + {host_rsp}]",
        "ret",
        host_rsp = const offset::HOST_RSP,
    )
}

/// See [`Routine::ExitTrap`].
#[unsafe(naked)]
unsafe extern "sysv64" fn exit_trap() {
    naked_asm!(
        "mov dword ptr [r12 + {status}], {trap_site}",
        "jmp {exit}",
        status = const offset::STATUS,
        trap_site = const Status::TRAP_SITE,
        exit = sym exit,
    )
}

/// See [`Routine::ExitBudget`].
#[unsafe(naked)]
unsafe extern "sysv64" fn exit_budget() {
    naked_asm!(
        "mov dword ptr [r12 + {status}], {budget}",
        "call {keep}",
        "jmp {exit}",
        status = const offset::STATUS,
        budget = const Status::BUDGET,
        keep = sym keep_registers,
        exit = sym exit,
    )
}

/// Puts the BPF registers into the context.
#[unsafe(naked)]
unsafe extern "sysv64" fn keep_registers() {
    naked_asm!(
        "mov [r12 + {regs} + 0 * 8], rax",
        "mov [r12 + {regs} + 3 * 8], rbx",
        "mov [r12 + {regs} + 5 * 8], rbp",
        "mov [r12 + {regs} + 6 * 8], rsi",
        "mov [r12 + {regs} + 7 * 8], rdi",
        "mov [r12 + {regs} + 8 * 8], r8",
        "mov [r12 + {regs} + 9 * 8], r9",
        "mov [r12 + {regs} + 10 * 8], r10",
        "mov [r12 + {regs} + 13 * 8], r13",
        "mov [r12 + {regs} + 14 * 8], r14",
        "mov [r12 + {regs} + 15 * 8], r15",
        "ret",
        regs = const offset::REGS,
    )
}

/// An access that the runtime makes in the middle of compiled code: context, site,
/// address and, for stores, value go to `$access`, what it gives to rcx.
macro_rules! slow_access {
    ($(#[$doc:meta])* $name:ident, $access:path) => {
        $(#[$doc])*
        #[unsafe(naked)]
        unsafe extern "sysv64" fn $name() {
            naked_asm!(
                "push rax",
                "push rdi",
                "push rsi",
                "push r8",
                "push r9",
                "push r10",
                "sub rsp, 8",
                "lea rdi, [r12 + {context}]",
                "mov esi, edx",
                "mov rdx, rcx",
                "mov rcx, r11",
                "call {access}",
                "cmp dword ptr [r12 + {status}], 0",
                "jne {exit}",
                "mov rcx, rax",
                "add rsp, 8",
                "pop r10",
                "pop r9",
                "pop r8",
                "pop rsi",
                "pop rdi",
                "pop rax",
                "ret",
                access = sym $access,
                exit = sym exit,
                context = const offset::CONTEXT,
                status = const offset::STATUS,
            )
        }
    };
}

slow_access!(
    /// See [`Routine::SlowLoad`].
    slow_load,
    runtime::load
);
slow_access!(
    /// See [`Routine::SlowStore`]. What it leaves in
    /// rcx, which is free, means nothing.
    slow_store,
    runtime::store
);

/// See [`Routine::Rare`].
#[unsafe(naked)]
unsafe extern "sysv64" fn rare() {
    naked_asm!(
        "sub rsp, 8",
        "call {keep}",
        "lea rdi, [r12 + {context}]",
        "mov esi, edx",
        "call {rare}",
        "cmp dword ptr [r12 + {status}], 0",
        "jne {exit}",
        "mov rcx, rax",
        "mov rax, [r12 + {regs} + 0 * 8]",
        "mov rbx, [r12 + {regs} + 3 * 8]",
        "mov rbp, [r12 + {regs} + 5 * 8]",
        "mov rsi, [r12 + {regs} + 6 * 8]",
        "mov rdi, [r12 + {regs} + 7 * 8]",
        "mov r8, [r12 + {regs} + 8 * 8]",
        "mov r9, [r12 + {regs} + 9 * 8]",
        "mov r10, [r12 + {regs} + 10 * 8]",
        "mov r13, [r12 + {regs} + 13 * 8]",
        "mov r14, [r12 + {regs} + 14 * 8]",
        "mov r15, [r12 + {regs} + 15 * 8]",
        "add rsp, 8",
        "ret",
        keep = sym keep_registers,
        rare = sym runtime::rare,
        exit = sym exit,
        context = const offset::CONTEXT,
        status = const offset::STATUS,
        regs = const offset::REGS,
    )
}

/// Where a run is left from any place in it; for the fault handler.
pub(crate) fn exit_address() -> usize {
    exit as *const () as usize
}

impl runtime::Runtime {
    /// The addresses in this process.
    pub(crate) fn here() -> runtime::Runtime {
        runtime::Runtime(Routine::ALL.map(|routine| {
            let address = match routine {
                Routine::CallHelper => runtime::call_helper as *const (),
                Routine::Lookup => runtime::lookup as *const (),
                Routine::LookupShort => runtime::lookup_short as *const (),
                Routine::LookupWide => runtime::lookup_wide as *const (),
                Routine::Reserve => runtime::reserve as *const (),
                Routine::TailCall => runtime::tail_call as *const (),
                Routine::SlowLoad => slow_load as *const (),
                Routine::SlowStore => slow_store as *const (),
                Routine::Rare => rare as *const (),
                Routine::Exit => exit as *const (),
                Routine::ExitBudget => exit_budget as *const (),
                Routine::ExitTrap => exit_trap as *const (),
            };
            address as u64
        }))
    }
}

/// Whether programs may set gs: the processor has the instructions, and the kernel
/// allows them.
pub(crate) fn has_gs() -> bool {
    // In `AT_HWCAP2`, see Documentation/arch/x86/x86_64/fsgs.rst of Linux.
    const FSGSBASE: u64 = 1 << 1;
    // SAFETY: asks for a number.
    unsafe { libc::getauxval(libc::AT_HWCAP2) & FSGSBASE != 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Writable;

    /// What `enter_gs` leaves in gs where it found `old`, which is counted from its
    /// own if that is wanted.
    fn left(old: u64, from_ours: bool) -> u64 {
        let mut machine = vm::Machine::new(vm::World::default()).expect("a machine");
        let context = Context::of(&mut machine);
        let ours = Context::base(context) as u64;
        let old = if from_ours { ours + old } else { old };
        let code = [0x31, 0xc0, 0xc3]; // xor eax, eax; ret
        let code = Writable::new(&code).expect("memory");
        let code = code
            .seal()
            .and_then(|sealed| sealed.execute())
            .expect("protection");
        let gs;
        // SAFETY: this thread has no use for gs.
        unsafe { set_gs(old) };
        // SAFETY: the code touches nothing.
        unsafe { enter_gs(code.start(), context, [0; 5], 0) };
        // SAFETY: reads a register.
        unsafe { asm!("rdgsbase {}", out(reg) gs) };
        // SAFETY: as above.
        unsafe { set_gs(0) };
        match gs == ours {
            true => 0,
            false => gs,
        }
    }

    #[test]
    fn what_others_have_in_gs_stays() {
        if has_gs() {
            assert_eq!(left(0x5000, false), 0x5000);
            assert_eq!(left(0, true), 0);
            assert_eq!(left(0, false), 0);
        }
    }
}
