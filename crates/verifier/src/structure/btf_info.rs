//! `func_info` and `line_info`: what BTF says of functions and instructions.

use abi::{FuncInfo, Program};
use btf::{Btf, Func, Linkage, Type};
use isa::Pc;

use super::Subprogram;
use crate::Result;
use crate::reason::{EarlyEnd, Structure as Refusal};

/// Checks `func_info` for itself: ascending, each record a function.
pub(super) fn check_shape(program: &Program) -> Result {
    let Some(btf) = program.btf.as_deref() else {
        return Ok(());
    };
    let mut previous: Option<Pc> = None;
    for info in &program.func_info {
        match previous {
            None if info.pc != Pc(0) => return Err(Refusal::FuncInfoFirst(info.pc).into()),
            Some(previous) if info.pc <= previous => {
                let pc = info.pc;
                return Err(Refusal::FuncInfoOrder { pc, previous }.into());
            }
            _ => {}
        }
        if func(btf, info).is_none() {
            return Err(Refusal::FuncInfoType(info.type_id.0).into());
        }
        previous = Some(info.pc);
    }
    Ok(())
}

/// Checks both tables against the functions, which learn name, type and linkage.
pub(super) fn check(program: &Program, subprograms: &mut [Subprogram]) -> Result {
    match program.btf.as_deref() {
        Some(btf) if !program.func_info.is_empty() => check_funcs(btf, program, subprograms)?,
        _ => check_without_prototypes(subprograms)?,
    }
    match program.btf.as_deref() {
        Some(btf) => check_lines(btf, program, subprograms),
        None => Ok(()),
    }
}

fn check_funcs(btf: &Btf, program: &Program, subprograms: &mut [Subprogram]) -> Result {
    if program.func_info.len() != subprograms.len() {
        return Err(Refusal::FuncInfoCount.into());
    }
    let records = program.func_info.iter().zip(subprograms).enumerate();
    for (number, (info, subprogram)) in records {
        if info.pc != subprogram.start {
            return Err(Refusal::FuncInfoLayout.into());
        }
        let Some(func) = func(btf, info) else {
            continue;
        };
        if number > 0 && !returns_int(btf, func) {
            check_early_ends(subprogram, Refusal::EarlyEndWithoutInt)?;
        }
        subprogram.name = Some(func.name.to_owned());
        subprogram.func = Some(info.type_id);
        subprogram.global = func.linkage == Linkage::Global;
    }
    Ok(())
}

fn check_without_prototypes(subprograms: &[Subprogram]) -> Result {
    let mut called = subprograms.iter().skip(1);
    called.try_for_each(|s| check_early_ends(s, Refusal::EarlyEndWithoutBtf))
}

fn check_early_ends(subprogram: &Subprogram, refusal: fn(EarlyEnd) -> Refusal) -> Result {
    if subprogram.has_ld_abs {
        return Err(refusal(EarlyEnd::LdAbs).into());
    }
    if subprogram.has_tail_call {
        return Err(refusal(EarlyEnd::TailCall).into());
    }
    Ok(())
}

fn func<'b>(btf: &'b Btf, info: &FuncInfo) -> Option<Func<'b>> {
    match btf.ty(info.type_id)? {
        Type::Func(func) => Some(func),
        _ => None,
    }
}

/// Whether it returns a number of at most eight bytes.
fn returns_int(btf: &Btf, func: Func<'_>) -> bool {
    let Some(Type::FuncProto(proto)) = btf.ty(func.proto) else {
        return false;
    };
    match btf.resolved(proto.ret) {
        Some((_, Type::Int(int))) => int.size <= 8,
        Some((_, Type::Enum(_) | Type::Enum64(_))) => true,
        _ => false,
    }
}

fn check_lines(btf: &Btf, program: &Program, subprograms: &[Subprogram]) -> Result {
    if program.line_info.is_empty() {
        return Ok(());
    }
    let len = program.code.len();
    let mut previous = 0;
    let mut waiting = subprograms.iter().enumerate().peekable();
    for (index, line) in program.line_info.iter().enumerate() {
        let pc = line.pc.0;
        let Some(slot) = program.code.get(line.pc.index()) else {
            return Err(out_of_order(index, pc, previous, len));
        };
        if index > 0 && pc <= previous {
            return Err(out_of_order(index, pc, previous, len));
        }
        if slot.opcode == 0 {
            return Err(Refusal::LineInfoCode(index).into());
        }
        if !btf.has_str(line.line_off) || !btf.has_str(line.file_name_off) {
            return Err(Refusal::LineInfoString(index).into());
        }
        if let Some((_, subprogram)) = waiting.peek() {
            if subprogram.start == line.pc {
                waiting.next();
            } else if subprogram.start < line.pc {
                let missing = subprograms.len() - waiting.len();
                return Err(Refusal::LineInfoMissing(missing).into());
            }
        }
        previous = pc;
    }
    match waiting.next() {
        Some((first, _)) => {
            let count = subprograms.len() - first;
            Err(Refusal::LineInfoEnds { count, first }.into())
        }
        None => Ok(()),
    }
}

fn out_of_order(index: usize, pc: u32, previous: u32, len: usize) -> Box<crate::Fault> {
    Refusal::LineInfoOffset {
        index,
        pc,
        previous,
        len,
    }
    .into()
}
