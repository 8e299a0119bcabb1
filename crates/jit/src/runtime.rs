//! What compiled code calls.
//!
//! Host addresses of these stand in the code's pool of constants, so the code
//! itself does not depend on where it lies.
//!
//! The functions behind are the interpreter's own: helpers, the checks of
//! [`vm::Space`], [`Machine::step`]. Here is only how compiled code reaches them,
//! and what becomes of their traps. None allocates or locks.
#![expect(unsafe_code, reason = "called from compiled code")]

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};

use inject::Bug;
use isa::Pc;
use vm::helper::{Call, Stop};
use vm::memory::{Fault, GRANULE};
use vm::{Machine, MapId, Next, ProgId, ShortKey, Trap, TrapKind};

use crate::context::{Context, HOST_REGISTER, Status};
use crate::entry;
use crate::site::{Address, CallSite, Shared, Site, What};

/// What compiled code calls or jumps to.
///
/// All expect `r12` to be the host address of program address 0, and `rsp` to be a
/// multiple of 16 before the `call`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Routine {
    /// `(r1: rdi, r2: rsi, site: edx, context: rcx, r3: r8, r4: r9) -> r0: rax`,
    /// with `r5` in the context: the helper at `Shared::calls[site]`. Keeps what
    /// the SysV ABI keeps. When the context's status is not 0 after it, the code
    /// must jump to [`Routine::Exit`].
    CallHelper,
    /// As [`Routine::CallHelper`], for `bpf_map_lookup_elem`.
    Lookup,
    /// `(key: rdi and rsi, map: edx, context: rcx) -> r0: rax`: a look-up in a map
    /// of which [`Machine::short_key`] says how long its keys are, at most 16 bytes.
    /// Keeps what the SysV ABI keeps, and never ends the run.
    LookupShort,
    /// `(key: rdi, rsi, r8 and r9, map: edx, context: rcx) -> r0: rax`: as
    /// [`Routine::LookupShort`], for keys of 17 to 32 bytes.
    LookupWide,
    /// `(_: rdi, size: rsi, map: edx, context: rcx, flags: r8) -> r0: rax`:
    /// `bpf_ringbuf_reserve` of a map that is known; as [`Routine::LookupShort`].
    Reserve,
    /// `(_: rdi, r2: rsi, site: edx, context: rcx, r3: r8) -> entry: rax`:
    /// where the tail call at `Shared::calls[site]` leads, 0 for nowhere. Keeps
    /// and reports as [`Routine::CallHelper`]. The code gives up its frame, puts the
    /// caller's `r1` back, and jumps there with `rbp` at the top of the stack of
    /// the present depth.
    TailCall,
    /// A load that is not plainly allowed: address in `rcx`, site in `edx`; the
    /// value, zero-extended, in `rcx`. Keeps every register but `rcx`, `rdx`,
    /// `r11`; comes back only if the access is allowed.
    SlowLoad,
    /// A store: address in `rcx`, site in `edx`, value in `r11`; as
    /// [`Routine::SlowLoad`].
    SlowStore,
    /// The instruction of site `edx` as the interpreter runs it, on all BPF
    /// registers where they are: atomics, loads from the packet. 1 in `rcx` when
    /// the function is to return (`r0` is 0 then), otherwise 0. Keeps every
    /// register that the instruction does not write, but `rcx`, `rdx`, `r11`.
    Rare,
    /// Jump: leaves the run; `status` has been set.
    Exit,
    /// Jump: the block at `site`, already subtracted, is more than what is left.
    /// All BPF registers where they belong.
    ExitBudget,
    /// Jump: the instruction at `site` ends the run.
    ExitTrap,
}

impl Routine {
    /// All, in their order.
    pub(crate) const ALL: [Routine; 12] = [
        Routine::CallHelper,
        Routine::Lookup,
        Routine::LookupShort,
        Routine::LookupWide,
        Routine::Reserve,
        Routine::TailCall,
        Routine::SlowLoad,
        Routine::SlowStore,
        Routine::Rare,
        Routine::Exit,
        Routine::ExitBudget,
        Routine::ExitTrap,
    ];

    /// What it does, for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Routine::CallHelper => "a helper",
            Routine::Lookup | Routine::LookupShort | Routine::LookupWide => "bpf_map_lookup_elem",
            Routine::Reserve => "bpf_ringbuf_reserve",
            Routine::TailCall => "bpf_tail_call",
            Routine::SlowLoad => "checked load",
            Routine::SlowStore => "checked store",
            Routine::Rare => "the interpreter",
            Routine::Exit => "out",
            Routine::ExitBudget => "out: the budget",
            Routine::ExitTrap => "out: a trap",
        }
    }
}

/// Host addresses of the routines, in the order of [`Routine::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Runtime(pub(crate) [u64; Routine::ALL.len()]);

impl Runtime {
    /// The address of one.
    #[cfg(test)]
    pub(crate) fn of(&self, routine: Routine) -> u64 {
        self.0[routine as usize]
    }
}

/// What a run works on, from its context.
///
/// # Safety
///
/// `context` must be that of a run, and the caller have been called by its code:
/// then nobody else uses the machine before the caller returns.
unsafe fn parts<'r>(context: *mut Context) -> (&'r mut Context, &'r mut Machine, &'r Shared) {
    // SAFETY: the code waits for the caller, and who entered it waits for the code.
    let context = unsafe { &mut *context };
    // SAFETY: as above.
    let machine = unsafe { &mut *context.machine };
    // SAFETY: the tables live as long as the code.
    let shared = unsafe { &*context.shared };
    (context, machine, shared)
}

impl Context {
    /// Ends the run, once the code looks at the status.
    #[cold]
    fn stop(&mut self, program: ProgId, pc: Pc, kind: TrapKind) {
        self.stop_at(Trap { program, pc, kind });
    }

    #[cold]
    fn stop_at(&mut self, trap: Trap) {
        self.trap.write(trap);
        self.status = Status::TRAPPED;
    }

    /// Ends the run at a call of a helper.
    #[cold]
    #[inline(never)]
    fn stop_call(&mut self, at: &CallSite, stop: &Stop) {
        match *stop {
            Stop::Trap(kind) => self.stop(at.program, at.pc, kind),
            Stop::Nested(trap) => self.stop_at(trap),
        }
    }

    /// Ends the run by a panic, which cannot unwind through compiled code and goes
    /// on behind it.
    #[cold]
    fn stop_panic(&mut self, payload: Box<dyn Any + Send>) {
        self.panic.write(payload);
        self.status = Status::PANICKED;
    }

    /// Ends the run at a site.
    #[cold]
    fn stop_site(&mut self, site: &Site, kind: TrapKind) {
        self.left += i64::from(site.refund);
        self.stop(site.program, site.pc, kind);
    }

    #[cold]
    fn stop_fault(&mut self, site: &Site, fault: Fault) {
        self.stop_site(site, TrapKind::Memory(fault));
    }

    /// A register that was kept.
    ///
    /// # Safety
    ///
    /// The registers must have been kept.
    unsafe fn register(&self, host: u8) -> u64 {
        // SAFETY: the caller vouches for it.
        unsafe { self.regs[usize::from(host & 15)].assume_init() }
    }

    /// `r0` to `r10`.
    ///
    /// # Safety
    ///
    /// As for [`Context::register`].
    unsafe fn bpf_registers(&self) -> [u64; 11] {
        // SAFETY: the caller vouches for it.
        HOST_REGISTER.map(|host| unsafe { self.register(host) })
    }

    /// # Safety
    ///
    /// As for [`Context::register`].
    unsafe fn address(&self, address: &Address) -> u64 {
        // SAFETY: the caller vouches for it.
        let register = |host| unsafe { self.register(host) };
        let base = address.base.map_or(0, register);
        let index = address
            .index
            .map_or(0, |(host, scale)| register(host).wrapping_mul(scale.into()));
        base.wrapping_add(index).wrapping_add(address.disp as u64)
    }
}

/// What code at a place that its tables do not know would mean.
const UNKNOWN: TrapKind = TrapKind::Unsupported {
    what: "this instruction",
};

/// See [`Routine::CallHelper`].
pub(crate) unsafe extern "sysv64" fn call_helper(
    r1: u64,
    r2: u64,
    site: u32,
    context: *mut Context,
    r3: u64,
    r4: u64,
) -> u64 {
    // SAFETY: compiled code calls with its context.
    let (run, machine, shared) = unsafe { parts(context) };
    let Some((at, function)) = call_site(shared, site) else {
        run.stop(ProgId(0), Pc(0), UNKNOWN);
        return 0;
    };
    let args = [r1, r2, r3, r4, run.r5];
    let mut callback = |machine: &mut Machine, function: u64, args: [u64; 5]| {
        // SAFETY: the code that called the helper waits with its context.
        unsafe { call_back(context, at, machine, function, args) }
    };
    let mut call = Call {
        machine,
        id: at.id,
        args,
        callback: &mut callback,
    };
    let answer = || match function(&mut call) {
        Ok(r0) => r0,
        Err(stop) => {
            // SAFETY: the callback, the only other user, has returned.
            unsafe { &mut *context }.stop_call(at, &stop);
            0
        }
    };
    match panic::catch_unwind(AssertUnwindSafe(answer)) {
        Ok(r0) => r0,
        Err(payload) => {
            // SAFETY: as above.
            unsafe { &mut *context }.stop_panic(payload);
            0
        }
    }
}

/// See [`Routine::Lookup`].
pub(crate) unsafe extern "sysv64" fn lookup(
    r1: u64,
    r2: u64,
    site: u32,
    context: *mut Context,
) -> u64 {
    // SAFETY: compiled code calls with its context.
    let (_, machine, _) = unsafe { parts(context) };
    match machine.lookup_elem(r1, r2) {
        Some(value) => value,
        // SAFETY: as this function was called.
        None => unsafe { call_helper(r1, r2, site, context, 0, 0) },
    }
}

/// See [`Routine::LookupShort`].
pub(crate) unsafe extern "sysv64" fn lookup_short(
    low: u64,
    high: u64,
    map: u32,
    context: *mut Context,
) -> u64 {
    // SAFETY: compiled code calls with its context.
    let (_, machine, _) = unsafe { parts(context) };
    let key = ShortKey::from(high) << 64 | ShortKey::from(low);
    machine.lookup_short(MapId(map), key)
}

/// See [`Routine::LookupWide`].
pub(crate) unsafe extern "sysv64" fn lookup_wide(
    first: u64,
    second: u64,
    map: u32,
    context: *mut Context,
    third: u64,
    fourth: u64,
) -> u64 {
    // SAFETY: compiled code calls with its context.
    let (_, machine, _) = unsafe { parts(context) };
    let low = ShortKey::from(second) << 64 | ShortKey::from(first);
    let high = ShortKey::from(fourth) << 64 | ShortKey::from(third);
    machine.lookup_wide(MapId(map), [low, high])
}

/// See [`Routine::Reserve`].
pub(crate) unsafe extern "sysv64" fn reserve(
    _: u64,
    size: u64,
    map: u32,
    context: *mut Context,
    flags: u64,
) -> u64 {
    // SAFETY: compiled code calls with its context.
    let (_, machine, _) = unsafe { parts(context) };
    machine.ringbuf_reserve(MapId(map), size, flags)
}

#[inline(always)]
fn call_site(shared: &Shared, site: u32) -> Option<(&CallSite, vm::helper::HelperFn)> {
    let at = shared.calls.get(site as usize)?;
    Some((at, at.function?))
}

/// Runs a function of the program on behalf of a helper that was called at `at`.
///
/// # Safety
///
/// `context` must be that of the run that called the helper.
unsafe fn call_back(
    context: *mut Context,
    at: &CallSite,
    machine: &mut Machine,
    function: u64,
    args: [u64; 5],
) -> Result<u64, Trap> {
    let trap = |kind| Trap {
        program: at.program,
        pc: at.pc,
        kind,
    };
    // SAFETY: whoever called us waits.
    let run = unsafe { &mut *context };
    // SAFETY: as in `parts`.
    let shared = unsafe { &*run.shared };
    let number = machine.function_at(at.program, function);
    let entry = number.and_then(|number| shared.entry(at.program, number));
    let Some(entry) = entry else {
        return Err(trap(TrapKind::NotAFunction { value: function }));
    };
    let caller = run.fp;
    let fp = caller.wrapping_add(GRANULE.into());
    if fp > shared.stacks[1] {
        return Err(trap(shared.too_deep()));
    }
    let (outer, host_rsp) = (run.machine, run.host_rsp);
    // The helper has lent us its machine, so the code must use that.
    run.machine = machine;
    // SAFETY: `entry` is one of this code, whose run this is; gs has been set if
    // any function of the program needs it.
    let r0 = unsafe { entry::enter(entry, context, args, fp) };
    // SAFETY: the code has come back.
    let run = unsafe { &mut *context };
    let result = match run.status {
        Status::RUNNING => Ok(r0),
        // SAFETY: the run has ended early, just now.
        _ => Err(unsafe { run.end(machine) }),
    };
    run.status = Status::RUNNING;
    run.machine = outer;
    run.host_rsp = host_rsp;
    run.fp = caller;
    result
}

/// See [`Routine::TailCall`].
pub(crate) unsafe extern "sysv64" fn tail_call(
    _r1: u64,
    r2: u64,
    site: u32,
    context: *mut Context,
    r3: u64,
) -> usize {
    // SAFETY: compiled code calls with its context.
    let (run, machine, shared) = unsafe { parts(context) };
    let Some(at) = shared.calls.get(site as usize) else {
        run.stop(ProgId(0), Pc(0), UNKNOWN);
        return 0;
    };
    let r3 = match inject::on(Bug::Cve2022_2905) {
        true => in_bounds(machine, r2, r3),
        false => r3,
    };
    let target = match machine.tail_call(r2, r3, run.tail_calls) {
        Ok(Some(target)) if machine.linked(target).is_some() => target,
        Ok(_) => return 0,
        Err(kind) => {
            run.stop(at.program, at.pc, kind);
            return 0;
        }
    };
    let Some(entry) = shared.entry(target, 0) else {
        let what = "a tail call to a program that was loaded after compilation";
        run.stop(at.program, at.pc, TrapKind::Unsupported { what });
        return 0;
    };
    run.tail_calls += 1;
    entry
}

/// The index of the last entry of a program array for those beyond it; for a bug
/// that is brought back.
fn in_bounds(machine: &Machine, map: u64, index: u64) -> u64 {
    let map = vm::MapId::from_handle(map).and_then(|id| machine.map(id));
    map.map_or(index, |map| {
        let last = map.def().max_entries.saturating_sub(1);
        index.min(last.into())
    })
}

/// The load behind [`Routine::SlowLoad`].
pub(crate) unsafe extern "sysv64" fn load(context: *mut Context, site: u32, addr: u64) -> u64 {
    // SAFETY: compiled code calls with its context.
    let (run, machine, shared) = unsafe { parts(context) };
    let Some((site, size)) = access(shared, site) else {
        run.stop(ProgId(0), Pc(0), UNKNOWN);
        return 0;
    };
    let space = &machine.space;
    let value = match size {
        1 => space
            .load(addr)
            .map(|bytes| u8::from_le_bytes(bytes).into()),
        2 => space
            .load(addr)
            .map(|bytes| u16::from_le_bytes(bytes).into()),
        4 => space
            .load(addr)
            .map(|bytes| u32::from_le_bytes(bytes).into()),
        _ => space.load(addr).map(u64::from_le_bytes),
    };
    value.unwrap_or_else(|fault| {
        run.stop_fault(site, fault);
        0
    })
}

/// The store behind [`Routine::SlowStore`].
pub(crate) unsafe extern "sysv64" fn store(
    context: *mut Context,
    site: u32,
    addr: u64,
    value: u64,
) {
    // SAFETY: compiled code calls with its context.
    let (run, machine, shared) = unsafe { parts(context) };
    let Some((site, size)) = access(shared, site) else {
        run.stop(ProgId(0), Pc(0), UNKNOWN);
        return;
    };
    let space = &mut machine.space;
    let done = match size {
        1 => space.store(addr, (value as u8).to_le_bytes()),
        2 => space.store(addr, (value as u16).to_le_bytes()),
        4 => space.store(addr, (value as u32).to_le_bytes()),
        _ => space.store(addr, value.to_le_bytes()),
    };
    if let Err(fault) = done {
        run.stop_fault(site, fault);
    }
}

fn access(shared: &Shared, site: u32) -> Option<(&Site, u8)> {
    let site = shared.sites.get(site as usize)?;
    match site.what {
        What::Access { size, .. } => Some((site, size)),
        _ => None,
    }
}

/// The instruction behind [`Routine::Rare`].
pub(crate) unsafe extern "sysv64" fn rare(context: *mut Context, site: u32) -> u64 {
    // SAFETY: compiled code calls with its context.
    let (run, machine, shared) = unsafe { parts(context) };
    let insn = shared.sites.get(site as usize).and_then(|site| {
        let program = machine.linked(site.program)?;
        Some((site, *program.code().insns().get(site.pc.index())?))
    });
    let Some((site, insn)) = insn else {
        run.stop(ProgId(0), Pc(0), UNKNOWN);
        return 0;
    };
    // SAFETY: the registers have been kept.
    let mut regs = unsafe { run.bpf_registers() };
    let next = match machine.step(insn, &mut regs) {
        Ok(next) => next,
        Err(kind) => {
            run.stop_site(site, kind);
            return 0;
        }
    };
    for (host, value) in HOST_REGISTER.into_iter().zip(regs) {
        run.regs[usize::from(host)].write(value);
    }
    match next {
        Next::Insn => 0,
        Next::Exit => {
            run.left += i64::from(site.refund);
            1
        }
    }
}

impl Context {
    /// Why a run ended early.
    ///
    /// # Safety
    ///
    /// The status must not be [`Status::RUNNING`], `machine` be that of the run,
    /// and nothing have run since the code came back.
    ///
    /// # Panics
    ///
    /// When a helper did.
    #[cold]
    pub(crate) unsafe fn end(&mut self, machine: &mut Machine) -> Trap {
        if self.status == Status::TRAPPED {
            // SAFETY: the status says so.
            return unsafe { self.trap.assume_init() };
        }
        if self.status == Status::PANICKED {
            self.status = Status::RUNNING;
            // SAFETY: the status said so, once.
            let payload = unsafe { self.panic.assume_init_read() };
            panic::resume_unwind(payload);
        }
        // SAFETY: the tables live as long as the code.
        let shared = unsafe { &*self.shared };
        let Some(site) = shared.sites.get(self.site as usize) else {
            return Trap {
                program: ProgId(0),
                pc: Pc(0),
                kind: UNKNOWN,
            };
        };
        self.left += i64::from(site.refund);
        let kind = match site.what {
            What::Budget => {
                // SAFETY: this exit keeps the registers.
                let regs = unsafe { self.bpf_registers() };
                return self.run_out(machine, site, regs);
            }
            What::Access {
                size,
                access,
                address,
            } => {
                // SAFETY: the handler has kept the registers.
                let addr = unsafe { self.address(&address) };
                for load in shared.loads(self.site) {
                    let at = addr.wrapping_add(load.offset.into());
                    let Err(fault) = machine.space.check(at, load.size.into(), access) else {
                        continue;
                    };
                    self.left += i64::from(load.refund) - i64::from(site.refund);
                    return Trap {
                        program: site.program,
                        pc: load.pc,
                        kind: TrapKind::Memory(fault),
                    };
                }
                TrapKind::Memory(machine.space.fault(addr, size.into(), access))
            }
            What::CallDepth => shared.too_deep(),
            What::OffTheEnd => TrapKind::OffTheEnd,
            What::Dead => TrapKind::Unsupported {
                what: "code that was proven to be dead",
            },
            What::Link => match machine.linked(site.program).and_then(|p| p.link(site.pc)) {
                Some(vm::Link::Trap(kind)) => kind,
                _ => UNKNOWN,
            },
            What::Rare => UNKNOWN,
        };
        Trap {
            program: site.program,
            pc: site.pc,
            kind,
        }
    }

    /// Runs the last instructions of a budget in the interpreter, which says where
    /// it ends, or what happens before.
    fn run_out(&mut self, machine: &mut Machine, site: &Site, regs: [u64; 11]) -> Trap {
        let left = u64::try_from(self.left).unwrap_or(0);
        let result = machine.finish(site.program, site.pc, regs, left);
        self.left = budget(machine).wrapping_sub(machine.executed() as i64);
        // A block is longer than what was left, and nothing leaves its function
        // before its end.
        result.err().unwrap_or(Trap {
            program: site.program,
            pc: site.pc,
            kind: UNKNOWN,
        })
    }
}

/// What a run may take. The interpreter's limit, which is out of reach.
#[inline]
pub(crate) fn budget(machine: &Machine) -> i64 {
    machine.budget.min(1 << 62) as i64
}
