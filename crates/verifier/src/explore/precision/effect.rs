//! What going back over an instruction does to what is wanted.

use inject::Bug;
use isa::{AluOp, AtomicOp, CallTarget, Insn, Operand, Pc, Reg};

use super::wanted::Wanted;
use crate::explore::history::Details;
use crate::structure::{Marks, Structure};

const R0: u8 = 0;
/// `bpf_tail_call`.
const TAIL_CALL: i32 = 12;
/// `r1` to `r5`.
const ARGUMENTS: u16 = 0b11_1110;

/// What an instruction computes from what, as far as numbers go. Registers by
/// number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::explore) enum Effect {
    /// Second slot of a wide instruction: no instruction at all.
    Tail,
    /// What was wanted stays wanted.
    Keep,
    /// The register comes from nowhere.
    Fresh(u8),
    /// The first register comes from the second.
    Copy(u8, u8),
    /// The first register comes from both.
    Combine(u8, u8),
    /// The register comes from memory: a slot of the stack or elsewhere.
    Load(u8),
    /// A slot of the stack comes from the second register; the first is the
    /// address.
    Store(u8, u8),
    /// A slot of the stack comes from nowhere; the register is the address.
    StoreImm(u8),
    /// An atomic operation: the first register is the address, the second is
    /// stored, the third gets what memory held.
    Fetch(u8, u8, u8),
    /// A comparison of two registers: both matter alike.
    Compare(u8, u8),
    CallStatic,
    CallGlobal,
    /// A call of what calls back before it returns.
    CallBack,
    /// A tail call, after which the path may go on where the function was
    /// called.
    TailCall,
    /// Any other call.
    Call,
    Exit,
    /// `r0` comes from the packet.
    Packet,
}

/// Why going back cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stuck {
    /// It is not followed through this: everything may matter.
    Unknown,
    /// These argument registers are wanted before a call, which leaves none of
    /// them: Linux reports a fault of its own.
    Arguments(u16),
    /// Linux would report another fault of its own here.
    Impossible,
}

/// What going back needs to know of an instruction.
#[derive(Clone, Copy, Debug)]
pub(in crate::explore) struct Traits {
    pub(super) effect: Effect,
    /// Registers of the current frame of which one must be wanted for the
    /// instruction to do anything, or [`SLOTS`]; [`ALWAYS`] if it always may.
    concerns: u16,
}

/// Beside registers: slots of the stack.
pub(super) const SLOTS: u16 = 1 << 13;

/// In [`Traits::concerns`]: the instruction may do something whatever is wanted.
const ALWAYS: u16 = 1 << 15;
/// In [`Traits::concerns`]: going back has begun here.
const BEGUN: u16 = 1 << 14;

impl Traits {
    fn of(effect: Effect) -> Traits {
        let concerns = match effect {
            Effect::Tail | Effect::Keep => 0,
            Effect::Fresh(dst)
            | Effect::Copy(dst, _)
            | Effect::Combine(dst, _)
            | Effect::Load(dst) => 1 << dst,
            Effect::Compare(dst, src) => 1 << dst | 1 << src,
            Effect::Store(base, _) | Effect::StoreImm(base) => 1 << base | SLOTS,
            Effect::Fetch(base, _, dst) => 1 << base | 1 << dst | SLOTS,
            Effect::Packet => 1 << R0,
            Effect::CallGlobal | Effect::Call => 1 << R0 | ARGUMENTS,
            Effect::CallStatic | Effect::CallBack | Effect::TailCall | Effect::Exit => ALWAYS,
        };
        Traits { effect, concerns }
    }

    /// Going back begins here.
    pub(super) fn begin(&mut self) {
        self.concerns |= BEGUN;
    }

    /// Whether going back has begun here.
    pub(super) fn begun(self) -> bool {
        self.concerns & BEGUN != 0
    }

    /// Whether the instruction may do anything when these registers of its frame,
    /// or [`SLOTS`], are wanted.
    pub(super) fn concerns(self, wanted: u16) -> bool {
        self.concerns & (wanted | ALWAYS) != 0
    }
}

/// What going back needs to know of all instructions.
pub(in crate::explore) fn effects(structure: &Structure) -> Vec<Traits> {
    let insns = structure.code.insns().iter().zip((0..).map(Pc));
    insns
        .map(|(insn, pc)| Traits::of(effect(structure, pc, *insn)))
        .collect()
}

fn effect(structure: &Structure, pc: Pc, insn: Insn) -> Effect {
    let number = |reg: Reg| reg.index() as u8;
    match insn {
        Insn::WideTail => Effect::Tail,
        Insn::Alu { op, dst, src, .. } => match (op, src) {
            (AluOp::Mov, Operand::Imm(_) | Operand::Reg(Reg::R10)) => Effect::Fresh(number(dst)),
            (AluOp::Mov, Operand::Reg(src)) => Effect::Copy(number(dst), number(src)),
            (_, Operand::Imm(_) | Operand::Reg(Reg::R10)) => Effect::Keep,
            (_, Operand::Reg(src)) => Effect::Combine(number(dst), number(src)),
        },
        Insn::Movsx { dst, src, .. } | Insn::AddrSpaceCast { dst, src, .. } => {
            if src == Reg::R10 {
                Effect::Fresh(number(dst))
            } else {
                Effect::Copy(number(dst), number(src))
            }
        }
        Insn::LoadImm { dst, .. } => Effect::Fresh(number(dst)),
        Insn::Load { dst, .. } | Insn::LoadAcquire { dst, .. } => Effect::Load(number(dst)),
        Insn::Store { base, src, .. } => match src {
            Operand::Imm(_) => Effect::StoreImm(number(base)),
            Operand::Reg(src) => Effect::Store(number(base), number(src)),
        },
        Insn::StoreRelease { base, src, .. } => Effect::Store(number(base), number(src)),
        Insn::Atomic { op, base, src, .. } => match op {
            AtomicOp::Cmpxchg => Effect::Fetch(number(base), number(src), R0),
            _ if op.fetches() => Effect::Fetch(number(base), number(src), number(src)),
            _ => Effect::Store(number(base), number(src)),
        },
        Insn::Branch {
            dst,
            src: Operand::Reg(src),
            ..
        } => Effect::Compare(number(dst), number(src)),
        Insn::Call { target } => call(structure, pc, target),
        Insn::Exit => Effect::Exit,
        Insn::LoadPacket { .. } => Effect::Packet,
        Insn::Branch { .. }
        | Insn::Jump { .. }
        | Insn::MayGoto { .. }
        | Insn::Neg { .. }
        | Insn::Endian { .. }
        | Insn::CallReg { .. }
        | Insn::Invalid(_) => Effect::Keep,
    }
}

fn call(structure: &Structure, pc: Pc, target: CallTarget) -> Effect {
    if let CallTarget::Local(offset) = target {
        let start = Pc((i64::from(pc.0) + 1 + i64::from(offset)) as u32);
        let callee = structure.subprogram_starting_at(start);
        let global = callee
            .and_then(|number| structure.subprograms.get(number as usize))
            .is_some_and(|subprogram| subprogram.global);
        return if global {
            Effect::CallGlobal
        } else {
            Effect::CallStatic
        };
    }
    if structure.insn(pc).marks.contains(Marks::CALLS_CALLBACK) {
        Effect::CallBack
    } else if target == CallTarget::Helper(TAIL_CALL) {
        Effect::TailCall
    } else {
        Effect::Call
    }
}

impl Effect {
    /// Takes `wanted` from after this instruction to before it.
    pub(super) fn undo(
        self,
        wanted: &mut Wanted,
        details: Details,
        step: Step<'_>,
    ) -> Result<(), Stuck> {
        match self {
            Effect::Tail | Effect::Keep => {}
            Effect::Fresh(dst) => wanted.remove(dst),
            Effect::Copy(dst, src) => {
                if wanted.take(dst) {
                    wanted.add(src);
                }
            }
            Effect::Combine(dst, src) => {
                if wanted.has(dst) {
                    wanted.add(src);
                }
            }
            Effect::Load(dst) => {
                if wanted.take(dst)
                    && let Some((frame, slot)) = details.slot()
                {
                    wanted.add_slot(frame, slot);
                }
            }
            Effect::Store(base, src) => {
                if stored(wanted, base, details)? {
                    wanted.add(src);
                }
            }
            Effect::StoreImm(base) => {
                stored(wanted, base, details)?;
            }
            Effect::Fetch(base, src, dst) => {
                let fetched = wanted.has(dst);
                if stored(wanted, base, details)? {
                    wanted.add(src);
                }
                // Linux 6.18 takes the register for what it was before and
                // misses that its value comes from the slot (CVE-2026-43009).
                if fetched
                    && !inject::on(Bug::Cve2026_43009)
                    && let Some((frame, slot)) = details.slot()
                {
                    wanted.add_slot(frame, slot);
                }
            }
            Effect::Compare(..) if inject::on(Bug::Cve2023_2163) => {}
            Effect::Compare(dst, src) => {
                if wanted.has(dst) || wanted.has(src) {
                    if !details.src_is_stack() {
                        wanted.add(src);
                    }
                    if !details.dst_is_stack() {
                        wanted.add(dst);
                    }
                }
            }
            Effect::Packet => {
                if wanted.take(R0) {
                    return Err(Stuck::Unknown);
                }
            }
            Effect::CallStatic => return into_caller(wanted),
            Effect::TailCall => {
                wanted.remove(R0);
                no_arguments(wanted)?;
                if step.left_line() && !wanted.enter() {
                    return Err(Stuck::Impossible);
                }
            }
            Effect::CallBack if step.left_line() => return into_calling_back(wanted),
            Effect::CallGlobal | Effect::CallBack | Effect::Call => {
                wanted.remove(R0);
                no_arguments(wanted)?;
            }
            Effect::Exit => return into_callee(wanted, step),
        }
        Ok(())
    }
}

/// Where on the path going back stands.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    pub(super) pc: Pc,
    /// The instruction that followed on the path; none at its end.
    pub(super) next: Option<Pc>,
    pub(super) effects: &'a [Traits],
    pub(super) structure: &'a Structure,
}

impl Step<'_> {
    /// Whether the path went elsewhere than to the instruction below.
    fn left_line(self) -> bool {
        self.next.is_none_or(|next| next.0 != self.pc.0 + 1)
    }

    /// Whether what followed was the return of a call of a static function.
    fn after_static_call(self) -> bool {
        let call = self.next.and_then(|next| next.index().checked_sub(1));
        let traits = call.and_then(|call| self.effects.get(call));
        matches!(
            traits.map(|traits| traits.effect),
            Some(Effect::CallStatic | Effect::CallGlobal)
        )
    }

    /// Whether what followed was a call that calls back.
    fn before_calling_back(self) -> bool {
        self.next.is_some_and(|next| {
            let marks = self.structure.insn(next).marks;
            marks.contains(Marks::CALLS_CALLBACK)
        })
    }
}

/// A store through `base`: whether the slot that it wrote was wanted.
fn stored(wanted: &mut Wanted, base: u8, details: Details) -> Result<bool, Stuck> {
    if wanted.has(base) {
        // The difference of two pointers is wanted; it is not followed.
        return Err(Stuck::Unknown);
    }
    Ok(details
        .slot()
        .is_some_and(|(frame, slot)| wanted.take_slot(frame, slot)))
}

/// After a call nobody can have read the argument registers.
fn no_arguments(wanted: &Wanted) -> Result<(), Stuck> {
    let wanted = wanted.current().regs;
    if wanted & ARGUMENTS == 0 {
        Ok(())
    } else {
        Err(Stuck::Arguments(wanted))
    }
}

/// From the start of a static function to its call.
fn into_caller(wanted: &mut Wanted) -> Result<(), Stuck> {
    let inside = std::mem::take(wanted.of_mut(wanted.frame()));
    if inside.regs & !ARGUMENTS != 0 || inside.slots != 0 || !wanted.leave() {
        return Err(Stuck::Impossible);
    }
    wanted.of_mut(wanted.frame()).regs |= inside.regs;
    Ok(())
}

/// From the start of a callback to the call that led to it, which chose the
/// arguments.
fn into_calling_back(wanted: &mut Wanted) -> Result<(), Stuck> {
    let inside = std::mem::take(wanted.of_mut(wanted.frame()));
    if inside.regs & !ARGUMENTS != 0 || inside.slots != 0 || !wanted.leave() {
        return Err(Stuck::Impossible);
    }
    Ok(())
}

/// From after a return to the end of the function that returned.
fn into_callee(wanted: &mut Wanted, step: Step<'_>) -> Result<(), Stuck> {
    if step.before_calling_back() {
        wanted.of_mut(wanted.frame()).regs &= !ARGUMENTS;
    }
    no_arguments(wanted).map_err(|_| Stuck::Impossible)?;
    let result = wanted.take(R0) && step.after_static_call();
    if !wanted.enter() {
        return Err(Stuck::Impossible);
    }
    if result {
        wanted.add(R0);
    }
    Ok(())
}
