//! The signal handler.
#![expect(unsafe_code, reason = "handles signals")]

use std::ffi::{c_int, c_void};
use std::io;
use std::mem::{self, MaybeUninit};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use libc::{sigaction, siginfo_t, ucontext_t};
use vm::memory::ENGINE_BELOW;

use super::registry;
use crate::Error;
use crate::context::{Context, Status};
use crate::entry;

/// The signals of accesses that the processor refuses.
const SIGNALS: [c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// What was there before, for each of [`SIGNALS`].
static PREVIOUS: [Previous; 2] = [const { Previous::new() }; 2];

/// Who sees to it that faults reach us.
static WHO: Mutex<Who> = Mutex::new(Who::Nobody);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Nobody,
    /// Our handler, as long as it is in place.
    We,
    /// The embedding program has said so.
    Embedder,
}

/// How a signal was handled before.
struct Previous {
    /// Set before our handler is installed.
    action: OnceLock<sigaction>,
    /// Whether a handler that wanted to be called once was.
    spent: AtomicBool,
}

impl Previous {
    const fn new() -> Previous {
        Previous {
            action: OnceLock::new(),
            spent: AtomicBool::new(false),
        }
    }
}

type Handler = extern "C" fn(c_int);
type HandlerWithInfo = unsafe extern "C" fn(c_int, *mut siginfo_t, *mut c_void);

/// Makes sure that faults in compiled code become traps: installs the handler, or
/// finds it in place. Happens by itself where it is needed; for programs that
/// want to say when.
///
/// Fails when the kernel refuses, and when somebody has replaced the handler
/// since, see [the module](self).
pub fn install() -> Result<(), Error> {
    let mut who = WHO.lock().unwrap_or_else(PoisonError::into_inner);
    match *who {
        Who::Embedder => Ok(()),
        Who::We => still_installed(),
        Who::Nobody => {
            for (signal, previous) in SIGNALS.into_iter().zip(&PREVIOUS) {
                install_for(signal, previous).map_err(|source| Error::Handler { source })?;
            }
            *who = Who::We;
            Ok(())
        }
    }
}

/// Promises that faults reach [`handle`] although our handler is not the one that
/// is installed: somebody else's passes on to ours, or calls [`handle`]. Without
/// that, a wrong program ends the process. Holds from now on.
pub fn assume_passed_on() {
    *WHO.lock().unwrap_or_else(PoisonError::into_inner) = Who::Embedder;
}

fn still_installed() -> Result<(), Error> {
    for signal in SIGNALS {
        let now = current(signal).map_err(|source| Error::Handler { source })?;
        if now.sa_sigaction != on_signal as *const () as usize {
            return Err(Error::HandlerReplaced { signal });
        }
    }
    Ok(())
}

/// How a signal is handled now.
fn current(signal: c_int) -> io::Result<sigaction> {
    let mut action = MaybeUninit::<sigaction>::uninit();
    // SAFETY: asks only, and `action` is writable.
    let done = unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) };
    if done != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call filled it in.
    Ok(unsafe { action.assume_init() })
}

fn install_for(signal: c_int, previous: &Previous) -> io::Result<()> {
    let now = current(signal)?;
    let known = previous.action.get_or_init(|| now);
    // Whoever comes after us finds the signals blocked that he asked for.
    let kept = known.sa_flags & (libc::SA_NODEFER | libc::SA_RESTART);
    let ours = sigaction {
        sa_sigaction: on_signal as *const () as usize,
        sa_mask: known.sa_mask,
        sa_flags: libc::SA_SIGINFO | libc::SA_ONSTACK | kept,
        sa_restorer: None,
    };
    let mut old = MaybeUninit::<sigaction>::uninit();
    // SAFETY: both point to a `sigaction`, and `on_signal` is a handler with
    // information that does only what handlers may do.
    let done = unsafe { libc::sigaction(signal, &ours, old.as_mut_ptr()) };
    if done != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call filled it in.
    let old = unsafe { old.assume_init() };
    let ours_already = old.sa_sigaction == ours.sa_sigaction;
    if old.sa_sigaction != known.sa_sigaction && !ours_already {
        // Somebody else was here in between. His stays.
        // SAFETY: what the kernel has just given us.
        unsafe { libc::sigaction(signal, &old, ptr::null_mut()) };
        return Err(io::ErrorKind::ResourceBusy.into());
    }
    Ok(())
}

unsafe extern "C" fn on_signal(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel calls handlers with what it interrupted.
    let ours = unsafe { handle(signal, info, context) };
    if !ours {
        // SAFETY: as above.
        unsafe { pass_on(signal, info, context) };
    }
}

/// Turns a fault in compiled code into a trap, which happens when the handler
/// returns; `false` when the signal is not about compiled code, and nothing has
/// changed.
///
/// Does only what signal handlers may do.
///
/// # Safety
///
/// The arguments must be those of a signal handler that was installed with
/// `SA_SIGINFO`, on the thread that was interrupted.
pub unsafe fn handle(signal: c_int, info: *mut siginfo_t, context: *mut c_void) -> bool {
    if !SIGNALS.contains(&signal) {
        return false;
    }
    // SAFETY: the caller vouches for it.
    let code = unsafe { (*info).si_code };
    // SAFETY: as above.
    let registers = unsafe { &mut (*context.cast::<ucontext_t>()).uc_mcontext.gregs };
    let at = registers[libc::REG_RIP as usize] as usize;
    // Signals of processes have codes that are not positive.
    if code <= 0 || !registry::contains(at) {
        return false;
    }
    let base = registers[libc::REG_R12 as usize] as *mut u8;
    let run = base.wrapping_sub(ENGINE_BELOW).cast::<Context>();
    // SAFETY: the interrupted instruction is compiled code, where r12 leads to
    // the context of the run, which waits for the code to come back.
    let run = unsafe { &mut *run };
    // SAFETY: the tables live as long as the code that runs.
    let shared = unsafe { &*run.shared };
    let Some(site) = shared.site_at(at) else {
        return false;
    };
    for (slot, register) in run.regs.iter_mut().zip(ORDER) {
        slot.write(registers[register as usize] as u64);
    }
    run.site = site;
    run.status = Status::FAULT;
    registers[libc::REG_RIP as usize] = entry::exit_address() as i64;
    true
}

/// Where the kernel keeps the registers, in x86's order.
const ORDER: [c_int; 16] = [
    libc::REG_RAX,
    libc::REG_RCX,
    libc::REG_RDX,
    libc::REG_RBX,
    libc::REG_RSP,
    libc::REG_RBP,
    libc::REG_RSI,
    libc::REG_RDI,
    libc::REG_R8,
    libc::REG_R9,
    libc::REG_R10,
    libc::REG_R11,
    libc::REG_R12,
    libc::REG_R13,
    libc::REG_R14,
    libc::REG_R15,
];

/// Does with a signal what would have been done without us.
///
/// # Safety
///
/// As for [`handle`].
unsafe fn pass_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the caller vouches for it.
    let code = unsafe { (*info).si_code };
    let known = SIGNALS.iter().position(|known| *known == signal);
    let previous = known.and_then(|at| PREVIOUS.get(at));
    let Some((previous, action)) = previous.and_then(|p| Some((p, p.action.get()?))) else {
        return default(signal, code);
    };
    let once = action.sa_flags & libc::SA_RESETHAND != 0;
    match action.sa_sigaction {
        libc::SIG_DFL => default(signal, code),
        // The kernel does not let a thread go on that cannot.
        libc::SIG_IGN if code > 0 => default(signal, code),
        libc::SIG_IGN => {}
        _ if once && previous.spent.swap(true, Ordering::Relaxed) => default(signal, code),
        handler if action.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: neither of the two special values, so it is a function, and
            // the flag says of which type.
            let handler = unsafe { mem::transmute::<usize, HandlerWithInfo>(handler) };
            // SAFETY: it is called as the kernel would call it.
            unsafe { handler(signal, info, context) };
        }
        handler => {
            // SAFETY: as above, without the flag.
            let handler = unsafe { mem::transmute::<usize, Handler>(handler) };
            handler(signal);
        }
    }
}

/// Ends the process by the signal.
fn default(signal: c_int, code: c_int) {
    // SAFETY: all zeroes are the default action with no flags.
    let action = unsafe { mem::zeroed::<sigaction>() };
    // SAFETY: `action` is one, and the old one is not wanted.
    unsafe { libc::sigaction(signal, &action, ptr::null_mut()) };
    // A fault happens again on return. What somebody sent, and news of broken
    // memory that nobody has touched, does not.
    if code <= 0 || (signal == libc::SIGBUS && code == libc::BUS_MCEERR_AO) {
        // SAFETY: raises a signal. It is blocked until we return, or ends us now.
        unsafe { libc::raise(signal) };
    }
}
