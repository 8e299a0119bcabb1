//! The loop.
//!
//! # Counting
//!
//! The budget is exact and costs an addition for each taken jump. `fuel` is what
//! would be left of the budget if the program were run from here to its last op
//! in a straight line, so what is left is `fuel` and the number of ops from here
//! to the end. Going straight on changes nothing of that, and a jump adds its
//! distance. As long as `fuel` is not negative, the budget cannot run out before
//! the next jump, and only jumps look at it; once it is negative, the careful
//! form of the loop takes over, which looks at each instruction. A watched run is
//! careful from the start.

use isa::{AluOp, CmpOp, EndianOp, Size, Width, eval};

use super::op::{OpCode, op_families};
use super::run::{Frame, Next, Run, other};
use crate::machine::Machine;
use crate::memory::Access;
use crate::trap::{Trap, TrapKind};

/// Where an activation of functions stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    pub(super) regs: [u64; 11],
    /// Index of the program.
    pub(super) program: usize,
    /// Index of the next op.
    pub(super) at: usize,
    /// Frames that belong to others.
    pub(super) base: usize,
    /// What `may_goto` has left in this frame.
    pub(super) loops: u32,
}

impl Run<'_, '_> {
    /// Runs until the function that `state` began with returns.
    pub(super) fn execute(
        &mut self,
        machine: &mut Machine,
        state: &mut State,
    ) -> Result<u64, Trap> {
        if self.watch.is_none()
            && let Some(r0) = self.run::<false>(machine, state)?
        {
            return Ok(r0);
        }
        let r0 = self.run::<true>(machine, state)?;
        Ok(r0.expect("the careful form runs to the end"))
    }

    /// The loop. `None` when the budget could run out and `CAREFUL` is needed.
    fn run<const CAREFUL: bool>(
        &mut self,
        machine: &mut Machine,
        state: &mut State,
    ) -> Result<Option<u64>, Trap> {
        let programs = self.programs;
        let mut regs = state.regs;
        'program: loop {
            let program = &programs[state.program];
            let ops = program.ops.as_slice();
            let mut next = ops.get(state.at..).unwrap_or_default().iter();
            let mut fuel = self.left as i64 - next.len() as i64;

            macro_rules! reg {
                ($reg:expr) => {
                    regs[$reg as usize]
                };
            }
            // The index of the op after the one that is being run.
            macro_rules! at {
                () => {
                    ops.len() - next.len()
                };
            }
            macro_rules! sync {
                () => {
                    self.left = (fuel + next.len() as i64) as u64
                };
            }
            macro_rules! trap {
                ($kind:expr) => {{
                    sync!();
                    return Err(self.trap(state.program, at!() - 1, $kind));
                }};
            }
            macro_rules! fault {
                ($addr:expr, $size:expr, $access:expr) => {{
                    sync!();
                    let at = at!() - 1;
                    return self.fault(machine, state.program, at, $addr, $size as u32, $access);
                }};
            }
            // Goes on in the careful form when it could be needed.
            macro_rules! check_fuel {
                () => {
                    if !CAREFUL && fuel < 0 {
                        sync!();
                        state.at = at!();
                        state.regs = regs;
                        return Ok(None);
                    }
                };
            }
            macro_rules! jump {
                ($op:expr) => {{
                    fuel += i64::from($op.offset);
                    next = ops.get($op.index as usize..).unwrap_or_default().iter();
                    check_fuel!();
                }};
            }
            macro_rules! call_helper {
                ($op:expr) => {{
                    sync!();
                    let helper = program.helpers[$op.index as usize];
                    self.call_helper(machine, state, at!() - 1, &mut regs, helper)?;
                    fuel = self.left as i64 - next.len() as i64;
                    check_fuel!();
                }};
            }
            macro_rules! leave {
                () => {{
                    if self.frames.len() == state.base {
                        sync!();
                        return Ok(Some(regs[0]));
                    }
                    let frame = self.frames.pop().expect("frames stand above the base");
                    regs[6..10].copy_from_slice(&frame.saved);
                    regs[10] = frame.fp;
                    state.loops = frame.loops;
                    if frame.program != state.program {
                        sync!();
                        state.program = frame.program;
                        state.at = frame.at;
                        continue 'program;
                    }
                    fuel += next.len() as i64;
                    next = ops.get(frame.at..).unwrap_or_default().iter();
                    fuel -= next.len() as i64;
                    check_fuel!();
                }};
            }
            macro_rules! address {
                ($op:ident, $base:ident) => {
                    reg!($op.$base).wrapping_add($op.offset as i64 as u64)
                };
            }

            check_fuel!();
            loop {
                if CAREFUL && fuel + next.len() as i64 == 0 {
                    self.left = 0;
                    let limit = self.limit;
                    return Err(self.trap(state.program, at!(), TrapKind::Budget { limit }));
                }
                if CAREFUL && self.watch.is_some() {
                    self.tell(machine, state, at!(), &regs);
                }
                macro_rules! fetch {
                    () => {
                        match next.next() {
                            Some(op) => op,
                            None => {
                                sync!();
                                return Err(self.trap(
                                    state.program,
                                    ops.len(),
                                    TrapKind::OffTheEnd,
                                ));
                            }
                        }
                    };
                }
                let mut op = fetch!();

                macro_rules! dispatch {
                    (
                        alu { $($alu:ident: $a64:ident $a64k:ident $a32:ident $a32k:ident;)* }
                        branch { $($cmp:ident: $j64:ident $j64k:ident $j32:ident $j32k:ident;)* }
                        memory { $($size:ident $t:ident: $load:ident $loads:ident $store:ident $storek:ident;)* }
                        moves { $($op:ident: $m64:ident $m64k:ident $m32:ident $m32k:ident;)* }
                        pairs { $($pair:ident: $first:ident $second:ident;)* }
                    ) => {
                        // What the plain op in `op` does.
                        macro_rules! run {
                            $(
                                ($a64) => { reg!(op.dst) = eval::alu(AluOp::$alu, Width::W64, reg!(op.dst), reg!(op.src)) };
                                ($a64k) => { reg!(op.dst) = eval::alu(AluOp::$alu, Width::W64, reg!(op.dst), op.immediate()) };
                                ($a32) => { reg!(op.dst) = eval::alu(AluOp::$alu, Width::W32, reg!(op.dst), reg!(op.src)) };
                                ($a32k) => { reg!(op.dst) = eval::alu(AluOp::$alu, Width::W32, reg!(op.dst), op.immediate()) };
                            )*
                            $(
                                ($j64) => { branch!(eval::compare(CmpOp::$cmp, Width::W64, reg!(op.dst), reg!(op.src))) };
                                ($j64k) => { branch!(eval::compare(CmpOp::$cmp, Width::W64, reg!(op.dst), op.immediate())) };
                                ($j32) => { branch!(eval::compare(CmpOp::$cmp, Width::W32, reg!(op.dst), reg!(op.src))) };
                                ($j32k) => { branch!(eval::compare(CmpOp::$cmp, Width::W32, reg!(op.dst), op.immediate())) };
                            )*
                            $(
                                ($load) => {{
                                    let addr = address!(op, src);
                                    match machine.space.try_load(addr) {
                                        Some(bytes) => {
                                            let raw = $t::from_le_bytes(bytes);
                                            reg!(op.dst) = eval::load(Size::$size, false, raw.into());
                                        }
                                        None => fault!(addr, size_of::<$t>(), Access::Read),
                                    }
                                }};
                                ($loads) => {{
                                    let addr = address!(op, src);
                                    match machine.space.try_load(addr) {
                                        Some(bytes) => {
                                            let raw = $t::from_le_bytes(bytes);
                                            reg!(op.dst) = eval::load(Size::$size, true, raw.into());
                                        }
                                        None => fault!(addr, size_of::<$t>(), Access::Read),
                                    }
                                }};
                                ($store) => { store!((reg!(op.src) as $t).to_le_bytes()) };
                                ($storek) => { store!((op.immediate() as $t).to_le_bytes()) };
                            )*
                            (Be16) => { reg!(op.dst) = eval::endian(EndianOp::Be, 16, reg!(op.dst)) };
                            (Be32) => { reg!(op.dst) = eval::endian(EndianOp::Be, 32, reg!(op.dst)) };
                            (Be64) => { reg!(op.dst) = eval::endian(EndianOp::Be, 64, reg!(op.dst)) };
                            (Jump) => { jump!(op) };
                        }
                        macro_rules! branch {
                            ($taken:expr) => {
                                if $taken {
                                    jump!(op);
                                }
                            };
                        }
                        macro_rules! store {
                            ($bytes:expr) => {{
                                let (addr, bytes) = (address!(op, dst), $bytes);
                                if machine.space.try_store(addr, bytes).is_none() {
                                    fault!(addr, bytes.len(), Access::Write);
                                }
                            }};
                        }
                        match if CAREFUL { op.plain } else { op.code } {
                            $(
                                OpCode::$a64 => run!($a64),
                                OpCode::$a64k => run!($a64k),
                                OpCode::$a32 => run!($a32),
                                OpCode::$a32k => run!($a32k),
                            )*
                            $(
                                OpCode::$j64 => run!($j64),
                                OpCode::$j64k => run!($j64k),
                                OpCode::$j32 => run!($j32),
                                OpCode::$j32k => run!($j32k),
                            )*
                            $(
                                OpCode::$load => run!($load),
                                OpCode::$loads => run!($loads),
                                OpCode::$store => run!($store),
                                OpCode::$storek => run!($storek),
                            )*
                            $(
                                OpCode::$m64 => {
                                    let left = reg!(op.src);
                                    op = fetch!();
                                    reg!(op.dst) = eval::alu(AluOp::$op, Width::W64, left, reg!(op.src));
                                }
                                OpCode::$m64k => {
                                    let left = reg!(op.src);
                                    op = fetch!();
                                    reg!(op.dst) = eval::alu(AluOp::$op, Width::W64, left, op.immediate());
                                }
                                OpCode::$m32 => {
                                    let left = reg!(op.src);
                                    op = fetch!();
                                    reg!(op.dst) = eval::alu(AluOp::$op, Width::W32, left, reg!(op.src));
                                }
                                OpCode::$m32k => {
                                    let left = reg!(op.src);
                                    op = fetch!();
                                    reg!(op.dst) = eval::alu(AluOp::$op, Width::W32, left, op.immediate());
                                }
                            )*
                            $(
                                OpCode::$pair => {
                                    run!($first);
                                    op = fetch!();
                                    run!($second);
                                }
                            )*
                            OpCode::Bound => {
                                let left = reg!(op.src);
                                op = fetch!();
                                reg!(op.dst) = left.wrapping_add(op.immediate());
                                op = fetch!();
                                run!(Jgt64);
                            }
                            OpCode::Be16 => run!(Be16),
                            OpCode::Be32 => run!(Be32),
                            OpCode::Be64 => run!(Be64),
                            OpCode::LoadImm => reg!(op.dst) = op.wide(),
                            OpCode::Jump => run!(Jump),
                            OpCode::MayGoto => {
                                if state.loops == 0 {
                                    jump!(op);
                                } else {
                                    state.loops -= 1;
                                }
                            }
                            OpCode::CallHelper => call_helper!(op),
                            OpCode::Lookup => match machine.lookup_elem(regs[1], regs[2]) {
                                Some(value) => regs[0] = value,
                                None => call_helper!(op),
                            },
                            OpCode::CallLocal => {
                                let frame = Frame::new(state, at!(), &regs);
                                if self.push(frame).is_none() {
                                    trap!(self.too_deep());
                                }
                                let function = program.functions[op.imm as usize];
                                regs[10] = self.enter(machine, function);
                                state.loops = abi::limits::MAY_GOTO_ITERATIONS;
                                jump!(op);
                            }
                            OpCode::TailCall => {
                                sync!();
                                if let Some(target) = self.tail_call(machine, state, at!() - 1, &regs)? {
                                    let ctx = regs[1];
                                    regs = [0; 11];
                                    regs[1] = ctx;
                                    let function = programs[target].functions[0];
                                    regs[10] = self.enter(machine, function);
                                    state.program = target;
                                    state.loops = abi::limits::MAY_GOTO_ITERATIONS;
                                    state.at = function.entry;
                                    continue 'program;
                                }
                            }
                            OpCode::Exit => leave!(),
                            OpCode::Other => {
                                let insn = program.others[op.index as usize];
                                match other(machine, insn, &mut regs) {
                                    Ok(Next::Insn) => {}
                                    Ok(Next::Exit) => leave!(),
                                    Err(kind) => trap!(kind),
                                }
                            }
                            OpCode::Trap => {
                                let kind = program.traps[op.index as usize];
                                trap!(kind);
                            }
                        }
                    };
                }
                op_families!(dispatch);
            }
        }
    }
}
