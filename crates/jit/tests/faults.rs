//! Faults of the processor: those of compiled code are traps, all others go where
//! they went before.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]
#![expect(unsafe_code, reason = "installs signal handlers and provokes signals")]

#[path = "../../vm/tests/support/mod.rs"]
mod support;

mod every;

use std::ffi::{c_int, c_void};
use std::mem;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::thread;

use every::child::in_child;
use jit::{Compiled, Error, Mode, Options, fault};
use libc::{SIGBUS, SIGSEGV, SIGUSR1};
use support::{load, machine};
use vm::{Addr, Machine, ProgId, TrapKind};

const SANDBOXED: Options = Options {
    mode: Mode::Sandboxed,
    meter: true,
    blind: false,
    gs: None,
};

/// A machine with a program that reads where nothing is.
fn wrong() -> (Machine, ProgId) {
    let mut machine = machine();
    let id = load(
        &mut machine,
        "r2 = 4096\nr0 = *(u32 *)(r2 + 8)\nr0 = 1\nexit",
    );
    (machine, id)
}

/// Compiles a wrong program and sees its trap.
fn trap() {
    let (mut machine, id) = wrong();
    let compiled = Compiled::new(&mut machine, &SANDBOXED).expect("compiled");
    trap_again(&compiled, &mut machine, id);
}

fn trap_again(compiled: &Compiled, machine: &mut Machine, id: ProgId) {
    let wanted = machine.interpret(id, [0; 5]);
    let executed = machine.executed();
    let got = compiled.run(machine, id, Addr::NULL);
    assert_eq!(got, wanted);
    assert_eq!(machine.executed(), executed);
    let kind = got.expect_err("nothing is there").kind;
    assert!(matches!(kind, TrapKind::Memory(_)), "{kind}");
}

/// Touches an address that nobody has.
fn touch() {
    // SAFETY: none, which is what is tested.
    unsafe { ptr::read_volatile(ADDRESS as *const u8) };
}

const ADDRESS: usize = 0x18;

/// Installs a handler.
fn install(signal: c_int, handler: usize, flags: c_int, also_blocked: Option<c_int>) {
    // SAFETY: all zeroes are no flags and an empty set.
    let mut action = unsafe { mem::zeroed::<libc::sigaction>() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    if let Some(signal) = also_blocked {
        // SAFETY: a set.
        unsafe { libc::sigaddset(&mut action.sa_mask, signal) };
    }
    // SAFETY: the handlers below do only what handlers may do.
    let done = unsafe { libc::sigaction(signal, &action, ptr::null_mut()) };
    assert_eq!(done, 0);
}

/// What is installed.
fn installed(signal: c_int) -> libc::sigaction {
    // SAFETY: all zeroes are no flags and an empty set.
    let mut action = unsafe { mem::zeroed() };
    // SAFETY: asks.
    unsafe { libc::sigaction(signal, ptr::null(), &mut action) };
    action
}

fn exit(code: c_int) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(code) }
}

fn succeeded(status: ExitStatus) -> bool {
    status.code() == Some(0)
}

#[test]
fn a_fault_is_a_trap_again_and_again() {
    let (mut machine, id) = wrong();
    for mode in [Mode::Sandboxed, Mode::Trusted] {
        for gs in [Some(false), Some(true), None] {
            let options = Options {
                mode,
                gs,
                ..SANDBOXED
            };
            // SAFETY: the program's only access is to an address that nobody has.
            let compiled = unsafe { Compiled::trusted(&mut machine, &options, &[]) };
            let compiled = compiled.expect("compiled");
            for _ in 0..100 {
                trap_again(&compiled, &mut machine, id);
            }
        }
    }
}

/// Several loads that are made by one instruction, of which only some may be made.
#[test]
fn a_fault_of_joined_loads_is_that_of_the_first_that_may_not_be_made() {
    let order = |offsets: &[u8]| {
        let mut text = String::new();
        for (place, offset) in offsets.iter().enumerate() {
            let reg = 3 + place;
            text += &format!("r{reg} = *(u8 *)(r2 + {offset})\n");
        }
        for (place, offset) in offsets
            .iter()
            .enumerate()
            .filter(|(_, offset)| **offset != 0)
        {
            text += &format!("r{} <<= {}\n", 3 + place, offset * 8);
        }
        let last = offsets
            .iter()
            .position(|offset| *offset == 0)
            .expect("there is a first byte");
        for pair in [[0, 1], [2, 3], [0, 2]] {
            let at = |offset: u8| offsets.iter().position(|known| *known == offset);
            if let [Some(low), Some(high)] = pair.map(at) {
                text += &format!("r{} |= r{}\n", 3 + low, 3 + high);
            }
        }
        text + &format!("r0 = r{}\nexit", 3 + last)
    };
    let orders: [&[u8]; 6] = [
        &[0, 1],
        &[1, 0],
        &[0, 1, 2, 3],
        &[3, 2, 1, 0],
        &[2, 0, 3, 1],
        &[1, 3, 0, 2],
    ];
    for order in orders.map(order) {
        // Bytes before the end of the region that may be read.
        for inside in 0..4 {
            let mut machine = machine();
            let rights = vm::memory::Rights::ReadWrite;
            let kind = vm::memory::RegionKind::Platform;
            let region = machine.space.add(vm::memory::GRANULE, rights, kind);
            let region = *machine.space.region(region.expect("memory"));
            let at = region.start.0 + region.len - inside;
            let text =
                format!("r2 = {at} ll\n*(u64 *)(r10 - 8) = r2\nr2 = *(u64 *)(r10 - 8)\n{order}");
            let id = load(&mut machine, &text);
            let compiled = Compiled::new(&mut machine, &SANDBOXED).expect("compiled");
            if machine.interpret(id, [0; 5]).is_err() {
                trap_again(&compiled, &mut machine, id);
            }
        }
    }
}

/// Addresses that x86 does not have at all: the processor then says nothing of the
/// address, and where the stack pointer is involved sends another signal.
#[test]
fn an_address_that_cannot_be_is_a_trap() {
    let texts = [
        "r2 = 0x8000000000000000 ll\nr0 = *(u32 *)(r2 + 8)\nexit",
        "r10 = 0x8000000000000000 ll\nr0 = *(u32 *)(r10 - 8)\nexit",
        "r2 = 0x7fffffffffffffff ll\n*(u8 *)(r2 + 8) = 1\nexit",
        "r2 = 0x7fffffffffffffff ll\nlock *(u64 *)(r2 + 8) += r1\nexit",
        "r2 = -1\nr0 = atomic_fetch_or((u32 *)(r2 - 4), r0)\nexit",
    ];
    for text in texts {
        let mut machine = machine();
        let id = load(&mut machine, text);
        for mode in [Mode::Sandboxed, Mode::Trusted] {
            for gs in [false, true] {
                let options = Options {
                    mode,
                    gs: Some(gs),
                    ..SANDBOXED
                };
                // SAFETY: the program's only access is to an address that nobody
                // can have.
                let compiled = unsafe { Compiled::trusted(&mut machine, &options, &[]) };
                let compiled = compiled.expect("compiled");
                trap_again(&compiled, &mut machine, id);
            }
        }
    }
}

#[test]
fn threads_fault_while_code_comes_and_goes() {
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..200).for_each(|_| trap()));
        }
        let (mut machine, id) = wrong();
        let compiled = Compiled::new(&mut machine, &SANDBOXED).expect("compiled");
        for _ in 0..2000 {
            trap_again(&compiled, &mut machine, id);
        }
    });
}

#[test]
fn a_foreign_fault_ends_the_process_as_ever() {
    let status = in_child("a_foreign_fault_ends_the_process_as_ever", || {
        trap();
        touch();
    });
    assert_eq!(status.signal(), Some(SIGSEGV));
}

#[test]
fn the_default_action_stays() {
    let status = in_child("the_default_action_stays", || {
        install(SIGSEGV, libc::SIG_DFL, 0, None);
        trap();
        touch();
    });
    assert_eq!(status.signal(), Some(SIGSEGV));
}

#[test]
fn a_sent_sigsegv_ends_the_process() {
    let status = in_child("a_sent_sigsegv_ends_the_process", || {
        install(SIGSEGV, libc::SIG_DFL, 0, None);
        trap();
        // SAFETY: sends a signal.
        unsafe { libc::raise(SIGSEGV) };
    });
    assert_eq!(status.signal(), Some(SIGSEGV));
}

#[test]
fn a_sent_sigbus_ends_the_process() {
    let status = in_child("a_sent_sigbus_ends_the_process", || {
        install(SIGBUS, libc::SIG_DFL, 0, None);
        trap();
        // SAFETY: sends a signal.
        unsafe { libc::raise(SIGBUS) };
    });
    assert_eq!(status.signal(), Some(SIGBUS));
}

#[test]
fn what_was_ignored_is_ignored() {
    let status = in_child("what_was_ignored_is_ignored", || {
        install(SIGSEGV, libc::SIG_IGN, 0, None);
        trap();
        // SAFETY: sends a signal.
        unsafe { libc::raise(SIGSEGV) };
    });
    assert!(succeeded(status), "{status}");
}

#[test]
fn a_fault_cannot_be_ignored() {
    let status = in_child("a_fault_cannot_be_ignored", || {
        install(SIGSEGV, libc::SIG_IGN, 0, None);
        trap();
        touch();
    });
    assert_eq!(status.signal(), Some(SIGSEGV));
}

extern "C" fn plain(signal: c_int) {
    exit(if signal == SIGSEGV { 40 } else { 1 });
}

#[test]
fn a_handler_without_information_is_called() {
    let status = in_child("a_handler_without_information_is_called", || {
        install(SIGSEGV, plain as *const () as usize, 0, None);
        trap();
        touch();
    });
    assert_eq!(status.code(), Some(40));
}

extern "C" fn informed(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: what the kernel gives to handlers.
    let info = unsafe { &*info };
    // SAFETY: as above.
    let context = unsafe { &*context.cast::<libc::ucontext_t>() };
    // SAFETY: a fault has an address.
    let address = unsafe { info.si_addr() } as usize;
    let rip = context.uc_mcontext.gregs[libc::REG_RIP as usize] as usize;
    // SAFETY: all zeroes are an empty set.
    let mut set = unsafe { mem::zeroed() };
    // SAFETY: fills in the set.
    unsafe { libc::sigprocmask(libc::SIG_BLOCK, ptr::null(), &mut set) };
    // SAFETY: asks a set.
    let is_blocked = |signal| unsafe { libc::sigismember(&set, signal) };
    let blocked = (is_blocked(SIGSEGV), is_blocked(SIGUSR1));
    let near = rip.abs_diff(touch as *const () as usize) < 1 << 20;
    let right = signal == SIGSEGV && address == ADDRESS && near && blocked == (1, 1);
    exit(if right { 41 } else { 1 });
}

#[test]
fn a_handler_gets_what_the_kernel_gave() {
    let status = in_child("a_handler_gets_what_the_kernel_gave", || {
        let handler = informed as *const () as usize;
        install(SIGSEGV, handler, libc::SA_SIGINFO, Some(SIGUSR1));
        trap();
        touch();
    });
    assert_eq!(status.code(), Some(41));
}

static TIMES: AtomicI32 = AtomicI32::new(0);

extern "C" fn once(_: c_int) {
    TIMES.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn a_handler_for_once_is_called_once() {
    let status = in_child("a_handler_for_once_is_called_once", || {
        install(
            SIGSEGV,
            once as *const () as usize,
            libc::SA_RESETHAND,
            None,
        );
        trap();
        // The second fault, of the same instruction, ends the process.
        touch();
        exit(1);
    });
    assert_eq!(status.signal(), Some(SIGSEGV));
}

extern "C" fn other(_: c_int) {
    exit(2);
}

#[test]
fn a_replaced_handler_is_noticed() {
    let status = in_child("a_replaced_handler_is_noticed", || {
        trap();
        let (mut machine, id) = wrong();
        let before = Compiled::new(&mut machine, &SANDBOXED).expect("compiled");
        for signal in [SIGSEGV, SIGBUS] {
            let ours = installed(signal);
            install(signal, other as *const () as usize, 0, None);
            let refused = Compiled::new(&mut machine, &SANDBOXED);
            assert!(
                matches!(refused, Err(Error::HandlerReplaced { signal: s }) if s == signal),
                "{refused:?}"
            );
            let checked = Options::default();
            Compiled::new(&mut machine, &checked).expect("needs no handler");
            // SAFETY: puts it back.
            unsafe { libc::sigaction(signal, &ours, ptr::null_mut()) };
            Compiled::new(&mut machine, &SANDBOXED).expect("it is back");
        }
        trap_again(&before, &mut machine, id);
    });
    assert!(succeeded(status), "{status}");
}

static OURS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn embedder(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: called by the kernel.
    if !unsafe { fault::handle(signal, info, context) } {
        exit(43);
    }
    OURS.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn an_embedder_may_have_the_handler() {
    let status = in_child("an_embedder_may_have_the_handler", || {
        let handler = embedder as *const () as usize;
        for signal in [SIGSEGV, SIGBUS] {
            install(signal, handler, libc::SA_SIGINFO, None);
        }
        fault::assume_passed_on();
        trap();
        assert_eq!(OURS.load(Ordering::Relaxed), 1);
        assert_eq!(installed(SIGSEGV).sa_sigaction, handler);
        touch();
    });
    assert_eq!(status.code(), Some(43));
}

#[test]
fn checked_code_installs_nothing() {
    let status = in_child("checked_code_installs_nothing", || {
        let handler = other as *const () as usize;
        install(SIGSEGV, handler, 0, None);
        let (mut machine, id) = wrong();
        let compiled = Compiled::new(&mut machine, &Options::default()).expect("compiled");
        trap_again(&compiled, &mut machine, id);
        assert_eq!(installed(SIGSEGV).sa_sigaction, handler);
    });
    assert!(succeeded(status), "{status}");
}

#[test]
fn a_signal_in_compiled_code_is_not_a_fault() {
    let status = in_child("a_signal_in_compiled_code_is_not_a_fault", || {
        let handler = once as *const () as usize;
        install(SIGSEGV, handler, 0, None);
        let mut machine = machine();
        let text = "r2 = 20000000
            r0 = 0
        again:
            r3 = *(u64 *)(r1 + 0)
            r0 += 1
            if r0 != r2 goto again
            exit";
        let id = load(&mut machine, text);
        let ctx = machine.stack_top(0).offset(8u32.wrapping_neg());
        let compiled = Compiled::new(&mut machine, &SANDBOXED).expect("compiled");
        // SAFETY: names this thread.
        let thread = unsafe { libc::pthread_self() };
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    // SAFETY: the thread waits for this one to end.
                    unsafe { libc::pthread_kill(thread, SIGSEGV) };
                    thread::sleep(std::time::Duration::from_micros(50));
                }
            });
            let result = compiled.run(&mut machine, id, ctx);
            done.store(true, Ordering::Relaxed);
            assert_eq!(result, Ok(20_000_000));
        });
        assert!(TIMES.load(Ordering::Relaxed) > 0);
    });
    assert!(succeeded(status), "{status}");
}
