//! A run and what it keeps beside registers: frames, budget, tail calls; and
//! the operations that are too rare or too large for the loop.

use isa::{AtomicOp, Insn, PacketMode, Reg, Size, Width, eval};
use std::sync::atomic::Ordering;

use super::exec::State;
use super::load::{Function, Loaded};
use super::watch::{Moment, Watch};
use crate::helper::{Call, HelperFn, Stop};
use crate::machine::{Machine, ProgId};
use crate::memory::Access;
use crate::trap::{Trap, TrapKind};

/// One run of a program with everything that it calls.
#[derive(Debug)]
pub(crate) struct Run<'p, 'w> {
    pub(super) programs: &'p [Loaded],
    /// The functions that wait for a call to return, outermost first.
    pub(super) frames: Vec<Frame>,
    /// How many of them there may be.
    pub(super) most: usize,
    /// Instructions that may be run at all.
    pub(super) limit: u64,
    /// Instructions that may still be run.
    pub(super) left: u64,
    /// Tail calls taken.
    tail_calls: u32,
    /// Who sees each instruction before it is run.
    pub(crate) watch: Option<&'w mut dyn Watch>,
}

/// A function that waits for a call to return.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(super) program: usize,
    /// The op after the call.
    pub(super) at: usize,
    /// `r6` to `r9`.
    pub(super) saved: [u64; 4],
    pub(super) fp: u64,
    /// What `may_goto` has left.
    pub(super) loops: u32,
}

/// Where an operation leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// To the next instruction.
    Insn,
    /// Out of the function.
    Exit,
}

impl Frame {
    #[inline(always)]
    pub(super) fn new(state: &State, at: usize, regs: &[u64; 11]) -> Frame {
        Frame {
            program: state.program,
            at,
            saved: [regs[6], regs[7], regs[8], regs[9]],
            fp: regs[10],
            loops: state.loops,
        }
    }
}

impl<'p, 'w> Run<'p, 'w> {
    /// A run within the limits of a machine. `frames` is only for its capacity.
    pub(crate) fn new(
        programs: &'p [Loaded],
        mut frames: Vec<Frame>,
        machine: &Machine,
    ) -> Run<'p, 'w> {
        // The loop counts in signed numbers.
        let limit = machine.budget.min(1 << 62);
        let most = machine.last_frame();
        frames.clear();
        frames.reserve(most);
        Run {
            programs,
            frames,
            most,
            limit,
            left: limit,
            tail_calls: 0,
            watch: None,
        }
    }

    /// Tells the watcher of the op `at`, which comes next.
    pub(super) fn tell(&mut self, machine: &Machine, state: &State, at: usize, regs: &[u64; 11]) {
        let Some(watch) = &mut self.watch else {
            return;
        };
        let Some(pc) = self.programs[state.program].pcs.get(at) else {
            return;
        };
        watch.before(&Moment {
            machine,
            program: ProgId(state.program as u32),
            pc: isa::Pc(*pc),
            depth: self.frames.len(),
            regs,
        });
    }

    /// Runs a function of a program; 0 is the program itself.
    pub(crate) fn start(
        &mut self,
        machine: &mut Machine,
        program: ProgId,
        function: usize,
        args: [u64; 5],
    ) -> Result<u64, Trap> {
        self.call(machine, program.0 as usize, function, args)
    }

    /// Runs on from an instruction, in a function without callers, when all but
    /// `left` of the budget is used.
    pub(crate) fn resume(
        &mut self,
        machine: &mut Machine,
        program: ProgId,
        pc: isa::Pc,
        regs: [u64; 11],
        left: u64,
    ) -> Result<u64, Trap> {
        self.left = left.min(self.limit);
        let program = program.0 as usize;
        let at = self.programs[program].op_at(pc);
        let mut state = State {
            regs,
            program,
            at: at.expect("engines resume where an instruction is"),
            base: self.frames.len(),
            loops: abi::limits::MAY_GOTO_ITERATIONS,
        };
        self.execute(machine, &mut state)
    }

    /// Gives back the frames' memory and the instructions that were run.
    pub(crate) fn finish(self) -> (Vec<Frame>, u64) {
        (self.frames, self.limit - self.left)
    }

    /// Runs a function above the frames that there are.
    fn call(
        &mut self,
        machine: &mut Machine,
        program: usize,
        function: usize,
        args: [u64; 5],
    ) -> Result<u64, Trap> {
        let function = self.programs[program].functions[function];
        let [r1, r2, r3, r4, r5] = args;
        let r10 = self.enter(machine, function);
        let mut state = State {
            regs: [0, r1, r2, r3, r4, r5, 0, 0, 0, 0, r10],
            program,
            at: function.entry,
            base: self.frames.len(),
            loops: abi::limits::MAY_GOTO_ITERATIONS,
        };
        self.execute(machine, &mut state)
    }

    /// Makes room for another function. `None` when there are too many.
    #[inline(always)]
    pub(super) fn push(&mut self, frame: Frame) -> Option<()> {
        if self.frames.len() >= self.most {
            return None;
        }
        self.frames.push(frame);
        Some(())
    }

    /// Prepares the stack of a function above the frames that there are: what
    /// it can reach is zero. Gives the frame pointer.
    #[inline(always)]
    pub(super) fn enter(&self, machine: &mut Machine, function: Function) -> u64 {
        let top = machine.stack_top(self.frames.len());
        let bottom = top.offset(function.stack.wrapping_neg());
        if function.stack != 0 {
            machine.space.bytes_mut(bottom, function.stack).fill(0);
        }
        top.to_reg()
    }

    pub(super) fn too_deep(&self) -> TrapKind {
        TrapKind::CallDepth {
            most: self.most + 1,
        }
    }

    #[cold]
    pub(super) fn trap(&self, program: usize, at: usize, kind: TrapKind) -> Trap {
        let pcs = &self.programs[program].pcs;
        // Past the end stands the slot after the last.
        let end = pcs.last().map_or(0, |last| last + 1);
        Trap {
            program: ProgId(program as u32),
            pc: isa::Pc(pcs.get(at).copied().unwrap_or(end)),
            kind,
        }
    }

    /// The end of a run at an access that is not allowed.
    #[cold]
    #[inline(never)]
    pub(super) fn fault(
        &self,
        machine: &Machine,
        program: usize,
        at: usize,
        addr: u64,
        size: u32,
        access: Access,
    ) -> Result<Option<u64>, Trap> {
        let fault = machine.space.fault(addr, size, access);
        Err(self.trap(program, at, TrapKind::Memory(fault)))
    }

    /// Calls a helper for the op `at`.
    #[inline(never)]
    pub(super) fn call_helper(
        &mut self,
        machine: &mut Machine,
        state: &State,
        at: usize,
        regs: &mut [u64; 11],
        (id, helper): (u32, HelperFn),
    ) -> Result<(), Trap> {
        let args = [regs[1], regs[2], regs[3], regs[4], regs[5]];
        let frame = Frame::new(state, at, regs);
        let mut callback = |machine: &mut Machine, function: u64, args: [u64; 5]| {
            self.callback(machine, frame, function, args)
        };
        let mut call = Call {
            machine,
            id,
            args,
            callback: &mut callback,
        };
        match helper(&mut call) {
            Ok(r0) => {
                regs[0] = r0;
                Ok(())
            }
            Err(Stop::Trap(kind)) => Err(self.trap(state.program, at, kind)),
            Err(Stop::Nested(trap)) => Err(trap),
        }
    }

    /// Runs a function of the program on behalf of a helper that it called from
    /// `frame`.
    fn callback(
        &mut self,
        machine: &mut Machine,
        frame: Frame,
        function: u64,
        args: [u64; 5],
    ) -> Result<u64, Trap> {
        let program = ProgId(frame.program as u32);
        let Some(function) = machine.function_at(program, function) else {
            let kind = TrapKind::NotAFunction { value: function };
            return Err(self.trap(frame.program, frame.at, kind));
        };
        if self.push(frame).is_none() {
            return Err(self.trap(frame.program, frame.at, self.too_deep()));
        }
        let result = self.call(machine, frame.program, function, args);
        self.frames.pop();
        result
    }

    /// The index of the program that a tail call goes to, or `None` when it
    /// goes nowhere and execution falls through.
    pub(super) fn tail_call(
        &mut self,
        machine: &Machine,
        state: &State,
        at: usize,
        regs: &[u64; 11],
    ) -> Result<Option<usize>, Trap> {
        let target = machine
            .tail_call(regs[2], regs[3], self.tail_calls)
            .map_err(|kind| self.trap(state.program, at, kind))?;
        let target = target.filter(|id| (id.0 as usize) < self.programs.len());
        self.tail_calls += u32::from(target.is_some());
        Ok(target.map(|id| id.0 as usize))
    }
}

/// Runs an instruction that has no code of its own.
#[inline(never)]
pub(crate) fn other(
    machine: &mut Machine,
    insn: Insn,
    regs: &mut [u64; 11],
) -> Result<Next, TrapKind> {
    match insn {
        Insn::Neg { width, dst } => {
            regs[dst.index()] = eval::neg(width, regs[dst.index()]);
        }
        Insn::Movsx {
            width,
            bits,
            dst,
            src,
        } => regs[dst.index()] = eval::movsx(width, bits, regs[src.index()]),
        Insn::Endian { op, bits, dst } => {
            regs[dst.index()] = eval::endian(op, bits, regs[dst.index()]);
        }
        Insn::Atomic {
            op,
            width,
            base,
            offset,
            src,
        } => {
            let addr = regs[base.index()].wrapping_add(offset as i64 as u64);
            atomic(machine, op, width, addr, src, regs).map_err(TrapKind::Memory)?;
        }
        Insn::LoadPacket { mode, size, imm } => {
            let offset = match mode {
                PacketMode::Absolute => imm,
                PacketMode::Indirect(src) => (regs[src.index()] as i32).wrapping_add(imm),
            };
            match load_packet(machine, regs[6], offset, size) {
                Some(value) => regs[0] = value,
                None => {
                    regs[0] = 0;
                    return Ok(Next::Exit);
                }
            }
        }
        _ => {
            return Err(TrapKind::Unsupported {
                what: "this instruction",
            });
        }
    }
    Ok(Next::Insn)
}

/// An atomic operation. Words that the host cannot address atomically, since
/// they are not aligned, are read and then written, as no other thread sees the
/// machine's memory.
fn atomic(
    machine: &mut Machine,
    op: AtomicOp,
    width: Width,
    addr: u64,
    src: Reg,
    regs: &mut [u64; 11],
) -> Result<(), crate::memory::Fault> {
    let (value, r0) = (regs[src.index()], regs[0]);
    let new = |old: u64| eval::atomic(op, width, old, value, r0);
    let space = &mut machine.space;
    let old = match width {
        Width::W32 => match space.atomic32(addr)? {
            Some(word) => {
                let new = |old: u32| Some((new(u32::from_le(old).into()) as u32).to_le());
                let old = word.fetch_update(Ordering::SeqCst, Ordering::SeqCst, new);
                u32::from_le(old.unwrap_or_else(|old| old)).into()
            }
            None => {
                let old = u32::from_le_bytes(space.load(addr)?).into();
                space.store(addr, (new(old) as u32).to_le_bytes())?;
                old
            }
        },
        Width::W64 => match space.atomic64(addr)? {
            Some(word) => {
                let new = |old: u64| Some(new(u64::from_le(old)).to_le());
                let old = word.fetch_update(Ordering::SeqCst, Ordering::SeqCst, new);
                u64::from_le(old.unwrap_or_else(|old| old))
            }
            None => {
                let old = u64::from_le_bytes(space.load(addr)?);
                space.store(addr, new(old).to_le_bytes())?;
                old
            }
        },
    };
    match op {
        AtomicOp::Cmpxchg => regs[0] = old,
        AtomicOp::Xchg
        | AtomicOp::Add { fetch: true }
        | AtomicOp::Or { fetch: true }
        | AtomicOp::And { fetch: true }
        | AtomicOp::Xor { fetch: true } => regs[src.index()] = old,
        _ => {}
    }
    Ok(())
}

/// A legacy load from the packet whose context is in `r6`, in network byte order.
/// `None` when it is not all inside.
fn load_packet(machine: &Machine, ctx: u64, offset: i32, size: Size) -> Option<u64> {
    let of_ctx = |skb: &&crate::skb::SkBuff| skb.ctx().to_reg() == ctx;
    let at = match machine.skb.as_ref().filter(of_ctx) {
        // The link layer is read too where it is not in bounds.
        Some(skb) => skb.legacy(offset, size.bytes())?,
        None => {
            let packet = machine.packet.as_ref()?;
            let at = packet.data().to_reg() + u64::try_from(offset).ok()?;
            if at + u64::from(size.bytes()) > packet.data_end().to_reg() {
                return None;
            }
            machine.space.check(at, size.bytes(), Access::Read).ok()?
        }
    };
    let bytes = machine.space.bytes(at, size.bytes());
    Some(
        bytes
            .iter()
            .fold(0, |value, byte| value << 8 | u64::from(*byte)),
    )
}
