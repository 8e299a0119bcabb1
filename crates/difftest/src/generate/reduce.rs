//! Making a program smaller that shows something: instructions go as long as it
//! still shows, then what is left is made simple.

use abi::Program;
use isa::{AluOp, CallTarget, Code, Imm64, Insn, Operand, Reg, Width};
use loader::raw::RawProgram;

use super::{STATE_FREQ, edit};

/// The most questions that are asked: a program is reduced for a reader, not to a
/// minimum.
const QUESTIONS: u32 = 6000;

/// The smallest program found for which `shows` still holds. `raw` is one.
pub fn reduced(raw: &RawProgram, shows: &mut dyn FnMut(&RawProgram) -> bool) -> RawProgram {
    let mut reducer = Reducer {
        best: raw.clone(),
        shows,
        left: QUESTIONS,
    };
    loop {
        let before = (reducer.best.program.code.clone(), reducer.best.flags);
        reducer.plain();
        reducer.functions();
        reducer.shorter();
        reducer.simpler();
        let after = (reducer.best.program.code.clone(), reducer.best.flags);
        if before == after || reducer.left == 0 {
            return reducer.best;
        }
    }
}

struct Reducer<'s> {
    best: RawProgram,
    shows: &'s mut dyn FnMut(&RawProgram) -> bool,
    left: u32,
}

impl Reducer<'_> {
    /// Takes a program if it still shows.
    fn take(&mut self, raw: RawProgram) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        let shows = (self.shows)(&raw);
        if shows {
            self.best = raw;
        }
        shows
    }

    fn take_program(&mut self, program: Option<Program>) -> bool {
        let Some(program) = program else {
            return false;
        };
        self.take(RawProgram {
            program,
            ..self.best.clone()
        })
    }

    /// Without flags, without types of functions.
    fn plain(&mut self) {
        if self.best.flags & STATE_FREQ != 0 {
            let raw = self.best.clone();
            self.take(RawProgram {
                flags: raw.flags & !STATE_FREQ,
                ..raw
            });
        }
        if !self.best.program.func_info.is_empty() {
            let program = Program {
                func_info: Vec::new(),
                line_info: Vec::new(),
                ..self.best.program.clone()
            };
            self.take_program(Some(program));
        }
    }

    /// Without whole functions, and the calls of them.
    fn functions(&mut self) {
        let mut index = 1;
        while let Ok(starts) = Code::new(self.best.program.code.clone()).functions() {
            let Some(start) = starts.get(index) else {
                return;
            };
            let end = starts.get(index + 1).map(|pc| pc.index());
            let end = end.unwrap_or(self.best.program.code.len());
            let program = without_function(&self.best.program, start.index(), end);
            if !self.take_program(program) {
                index += 1;
            }
        }
    }

    /// Without instructions, many at a time at first.
    fn shorter(&mut self) {
        let mut piece = edit::instructions(&self.best.program).len().div_ceil(2);
        while piece > 0 {
            let mut at = 0;
            loop {
                let places = edit::instructions(&self.best.program);
                let Some((start, _)) = places.get(at) else {
                    break;
                };
                let last = places.get((at + piece).min(places.len()) - 1);
                let end = last.map_or(*start, |(at, len)| at + len);
                let program = edit::remove(&self.best.program, *start, end);
                if self.left == 0 {
                    return;
                }
                if !self.take_program(program) {
                    at += piece;
                }
            }
            piece = if piece == 1 { 0 } else { piece.div_ceil(2) };
        }
    }

    /// With simpler instructions in place of others.
    fn simpler(&mut self) {
        let mut at = 0;
        while at < self.best.program.code.len() {
            let code = &self.best.program.code;
            let insn = isa::decode(code[at], code.get(at + 1).copied());
            for simple in alternatives(insn) {
                let program = replaced(&self.best.program, at, insn, simple);
                if self.take_program(program) {
                    break;
                }
            }
            at += 1;
        }
    }
}

fn without_function(program: &Program, start: usize, end: usize) -> Option<Program> {
    let code = Code::new(program.code.clone());
    let calls = |insn: Insn, pc: isa::Pc| {
        let to = insn.function_offset().map(i64::from)? + i64::from(pc.0) + 1;
        (to == start as i64).then_some(())
    };
    let callers = code.iter().filter(|(pc, insn)| calls(*insn, *pc).is_some());
    let mut gone: Vec<(usize, usize)> = callers
        .map(|(pc, insn)| {
            let len = match insn {
                Insn::LoadImm { .. } => 2,
                _ => 1,
            };
            (pc.index(), pc.index() + len)
        })
        .filter(|(at, _)| *at < start || *at >= end)
        .collect();
    gone.push((start, end));
    gone.sort_unstable();
    let mut program = program.clone();
    for (start, end) in gone.into_iter().rev() {
        program = edit::remove(&program, start, end)?;
    }
    Some(program)
}

fn replaced(program: &Program, at: usize, old: Insn, new: Insn) -> Option<Program> {
    if old == new {
        return None;
    }
    let (head, tail) = isa::encode(new)?;
    let wide = matches!(old, Insn::LoadImm { .. });
    let mut program = program.clone();
    *program.code.get_mut(at)? = head;
    match (wide, tail) {
        (true, Some(tail)) => *program.code.get_mut(at + 1)? = tail,
        (true, None) => program = edit::remove(&program, at + 1, at + 2)?,
        (false, None) => {}
        (false, Some(_)) => return None,
    }
    Some(program)
}

/// What may stand in place of an instruction, simplest first.
fn alternatives(insn: Insn) -> Vec<Insn> {
    let number = |dst, imm| Insn::Alu {
        op: AluOp::Mov,
        width: Width::W64,
        dst,
        src: Operand::Imm(imm),
    };
    match insn {
        Insn::Alu {
            op,
            width,
            dst,
            src,
        } => {
            let with = |width, src| Insn::Alu {
                op,
                width,
                dst,
                src,
            };
            let mut found = vec![];
            if op != AluOp::Mov {
                found.push(number(dst, 0));
            }
            found.extend(smaller(src).map(|src| with(width, src)));
            if width == Width::W32 {
                found.push(with(Width::W64, src));
            }
            found
        }
        Insn::Branch {
            op,
            width,
            dst,
            src,
            offset,
        } => {
            let with = |width, src, offset| Insn::Branch {
                op,
                width,
                dst,
                src,
                offset,
            };
            let mut found: Vec<Insn> = smaller(src).map(|src| with(width, src, offset)).collect();
            if width == Width::W32 {
                found.push(with(Width::W64, src, offset));
            }
            found
        }
        Insn::LoadImm {
            dst,
            imm: Imm64::Value { .. },
        } => vec![number(dst, 0), number(dst, 1)],
        Insn::Store {
            size,
            base,
            offset,
            src: Operand::Reg(_),
        } => vec![Insn::Store {
            size,
            base,
            offset,
            src: Operand::Imm(0),
        }],
        Insn::Store {
            size,
            base,
            offset,
            src,
        } => smaller(src)
            .map(|src| Insn::Store {
                size,
                base,
                offset,
                src,
            })
            .collect(),
        Insn::Call {
            target: CallTarget::Helper(id),
        } if id != 7 => vec![
            number(Reg::R0, 0),
            Insn::Call {
                target: CallTarget::Helper(7),
            },
        ],
        Insn::Call {
            target: CallTarget::Local(_),
        } => vec![number(Reg::R0, 0)],
        Insn::Load { dst, .. } | Insn::Movsx { dst, .. } => vec![number(dst, 0)],
        _ => vec![],
    }
}

/// Smaller operands, down to 0.
fn smaller(src: Operand) -> impl Iterator<Item = Operand> {
    let numbers: Vec<i32> = match src {
        Operand::Reg(_) => vec![0, 1],
        Operand::Imm(0) => vec![],
        Operand::Imm(1) => vec![0],
        Operand::Imm(imm) => vec![0, 1, imm / 2, imm - imm.signum()],
    };
    numbers.into_iter().map(Operand::Imm)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::Seed;
    use crate::generate::{Dial, Mode, program};

    #[test]
    fn what_does_not_matter_goes() {
        let stores = |raw: &RawProgram| {
            let code = Code::new(raw.program.code.clone());
            let stores = |(_, insn): (_, Insn)| matches!(insn, Insn::Store { .. });
            code.check().is_ok() && code.iter().any(stores)
        };
        let raws = (0..50).map(|index| program(Mode::Typed(Dial::SOUND), Seed(3), index));
        let raw = raws.into_iter().find(|raw| stores(raw)).expect("one of 50");
        let small = reduced(&raw, &mut |raw| stores(raw));
        assert_eq!(small.program.code.len(), 2, "a store and an end");
    }
}
