//! Where the functions of the program begin and end.

use std::collections::{BTreeSet, HashSet};

use abi::kfuncs::{self, KfuncFlags};
use abi::{ExternKind, Program};
use isa::{CallTarget, Insn, Pc, table};

use super::Subprogram;
use super::flow::{self, Flow};
use crate::Result;
use crate::reason::Structure as Refusal;

/// Functions in a program, the main one counted.
const MAX_SUBPROGRAMS: usize = 256;
/// Different kernel functions that a program may call.
const MAX_KFUNCS: usize = 256;

/// Finds the first slots of all functions, and checks that what is called as a
/// kernel function is one.
pub(super) fn discover(program: &Program) -> Result<Vec<Pc>> {
    let mut starts = BTreeSet::new();
    discover_into(program, &mut starts)?;
    Ok(starts.into_iter().collect())
}

/// The number of functions that are known when the first fault is found.
pub(super) fn count(program: &Program) -> usize {
    let mut starts = BTreeSet::new();
    match discover_into(program, &mut starts) {
        Ok(()) => starts.len(),
        Err(_) => starts.len().min(MAX_SUBPROGRAMS),
    }
}

fn discover_into(program: &Program, starts: &mut BTreeSet<Pc>) -> Result {
    starts.insert(Pc(0));
    let mut kfuncs = HashSet::new();
    for (at, slot) in program.code.iter().enumerate() {
        if let Some(named) = flow::function_named(*slot) {
            let to = u32::try_from(flow::target(at, named.offset()))
                .ok()
                .filter(|to| (*to as usize) < program.code.len())
                .ok_or(Refusal::CallDestination)?;
            if starts.insert(Pc(to)) && starts.len() > MAX_SUBPROGRAMS {
                return Err(Refusal::TooManySubprograms.into());
            }
        } else if let Some(CallTarget::Kfunc { btf_id, module }) = flow::call_target(*slot) {
            check_kfunc(program, btf_id, module, &mut kfuncs)?;
        }
    }
    Ok(())
}

fn check_kfunc(
    program: &Program,
    index: i32,
    module: i16,
    known: &mut HashSet<(i32, i16)>,
) -> Result {
    if !program.is_gpl_compatible() {
        return Err(Refusal::KfuncLicense.into());
    }
    if known.contains(&(index, module)) {
        return Ok(());
    }
    if known.len() >= MAX_KFUNCS {
        return Err(Refusal::TooManyKfuncs.into());
    }
    if module != 0 {
        return Err(Refusal::KfuncModule { module }.into());
    }
    let named = usize::try_from(index)
        .ok()
        .and_then(|index| program.externs.get(index));
    if named.is_none_or(|named| named.kind != ExternKind::Kfunc) {
        return Err(Refusal::NoKfunc(index).into());
    }
    let bound = named
        .and_then(|named| kfuncs::by_name(&named.name))
        .and_then(|kfunc| kfunc.signature)
        .is_some_and(|known| known.flags.contains(KfuncFlags::DEVICE_BOUND));
    if bound {
        return Err(Refusal::KfuncDevice.into());
    }
    known.insert((index, module));
    Ok(())
}

/// Cuts the program at `starts` and checks that control does not leave a
/// function other than by calls and exits.
pub(super) fn divide(program: &Program, starts: &[Pc]) -> Result<Vec<Subprogram>> {
    let end = Pc(program.code.len() as u32);
    let ends = starts.iter().skip(1).copied().chain([end]);
    let bounds = starts.iter().copied().zip(ends);
    bounds
        .map(|(start, end)| subprogram(program, start, end))
        .collect()
}

fn subprogram(program: &Program, start: Pc, end: Pc) -> Result<Subprogram> {
    let mut subprogram = Subprogram {
        start,
        end,
        name: symbol(program, start),
        func: None,
        global: false,
        has_tail_call: false,
        has_ld_abs: false,
        changes_packet: false,
        might_sleep: false,
        postorder: 0..0,
        fastcall_stack_offset: 0,
    };
    let slots = program.code.get(start.index()..end.index()).unwrap_or(&[]);
    for (at, slot) in (start.index()..).zip(slots) {
        match flow::flow(*slot) {
            Flow::Jump(offset) | Flow::Branch(offset) => {
                let to = flow::target(at, offset);
                if to < i64::from(start.0) || to >= i64::from(end.0) {
                    let from = Pc(at as u32);
                    return Err(Refusal::JumpOutOfRange { from, to }.into());
                }
            }
            Flow::Call => {
                const TAIL_CALL: i32 = 12;
                let target = flow::call_target(*slot);
                subprogram.has_tail_call |= target == Some(CallTarget::Helper(TAIL_CALL));
            }
            Flow::Next => subprogram.has_ld_abs |= loads_packet(slot.opcode),
            Flow::Wide | Flow::Exit => {}
        }
    }
    let last = slots.last().and_then(|last| flow::shape(last.opcode));
    match last {
        Some(Insn::Exit | Insn::Jump { .. }) => Ok(subprogram),
        _ => Err(Refusal::RunsOn.into()),
    }
}

/// Whether it is a packet load of classic BPF, also of a size that they do not
/// come in.
fn loads_packet(opcode: u8) -> bool {
    const SIZE: u8 = 0b0001_1000;
    if let Some(insn) = flow::shape(opcode) {
        return matches!(insn, Insn::LoadPacket { .. });
    }
    let mut known = table::TABLE
        .iter()
        .filter(|row| matches!(row.insn, Insn::LoadPacket { .. }));
    known.any(|row| row.opcode & !SIZE == opcode & !SIZE)
}

fn symbol(program: &Program, start: Pc) -> Option<String> {
    let at = program.functions.binary_search_by_key(&start, |f| f.start);
    let function = program.functions.get(at.ok()?)?;
    Some(function.name.clone())
}
