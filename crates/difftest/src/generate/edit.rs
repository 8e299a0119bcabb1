//! Changing a program's length: what jumps and calls lead to stays what it was.

use abi::Program;
use isa::{Code, Insn, Pc, Slot};

/// The slots of `program` without those from `start` up to `end`. Jumps into the
/// gap lead to what comes after it. `None` when that cannot be, because a distance
/// would not fit.
pub(super) fn remove(program: &Program, start: usize, end: usize) -> Option<Program> {
    splice(program, start, end, &[])
}

/// The slots of `program` with `new` in front of slot `at`; jumps to it lead to
/// what is new.
pub(super) fn insert(program: &Program, at: usize, new: &[Slot]) -> Option<Program> {
    splice(program, at, at, new)
}

fn splice(program: &Program, start: usize, end: usize, new: &[Slot]) -> Option<Program> {
    let len = program.code.len();
    if start > end || end > len {
        return None;
    }
    let cut = end - start;
    // Where a slot is afterwards.
    let moved = |at: i64| -> i64 {
        match at {
            at if at <= start as i64 => at,
            at if at < end as i64 => start as i64,
            at => at - cut as i64 + new.len() as i64,
        }
    };
    // Of a place that is behind something new, the instruction itself moves.
    let place = |at: i64| match at >= start as i64 && cut == 0 {
        true => at + new.len() as i64,
        false => moved(at),
    };
    let code = Code::new(program.code.clone());
    let mut slots = program.code.clone();
    for (pc, insn) in code.iter() {
        let at = i64::from(pc.0);
        let Some(distance) = insn.jump_offset().or(insn.function_offset()) else {
            continue;
        };
        let distance = moved(at + 1 + i64::from(distance)) - place(at) - 1;
        let slot = &mut slots[pc.index()];
        let in_offset = matches!(
            insn,
            Insn::Branch { .. } | Insn::MayGoto { .. } | Insn::Jump { long: false, .. }
        );
        match in_offset {
            true => slot.offset = i16::try_from(distance).ok()?,
            false => slot.imm = i32::try_from(distance).ok()?,
        }
    }
    slots.splice(start..end, new.iter().copied());
    let pc = |pc: Pc| Pc(moved(i64::from(pc.0)).max(0) as u32);
    let mut program = Program {
        code: slots,
        ..program.clone()
    };
    for function in &mut program.functions {
        let end = pc(Pc(function.start.0 + function.len));
        function.start = pc(function.start);
        function.len = end.0.saturating_sub(function.start.0);
    }
    for info in &mut program.func_info {
        info.pc = pc(info.pc);
    }
    for info in &mut program.line_info {
        info.pc = pc(info.pc);
    }
    // Of what has come to be at one place, the last was there before.
    program.func_info.reverse();
    program.func_info.dedup_by_key(|info| info.pc);
    program.func_info.reverse();
    program.line_info.reverse();
    program.line_info.dedup_by_key(|info| info.pc);
    program.line_info.reverse();
    Some(program)
}

/// The first slots of instructions, with how many slots each has.
pub(super) fn instructions(program: &Program) -> Vec<(usize, usize)> {
    let code = Code::new(program.code.clone());
    let starts: Vec<usize> = code.iter().map(|(pc, _)| pc.index()).collect();
    let ends = starts.iter().skip(1).copied().chain([program.code.len()]);
    let pairs = starts.iter().zip(ends);
    pairs.map(|(start, end)| (*start, end - start)).collect()
}
