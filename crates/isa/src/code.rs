//! A program's slots together with their meaning.

use crate::{CallTarget, Imm64, Insn, Pc, Slot, codec, table};

/// Decoded code: one [`Insn`] for each [`Slot`], at the same index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    slots: Vec<Slot>,
    insns: Vec<Insn>,
}

impl Code {
    /// Decodes `slots`. Slots without meaning become [`Insn::Invalid`].
    ///
    /// After a valid 64-bit immediate load stands [`Insn::WideTail`]. After an
    /// invalid one the next slot is taken for an instruction.
    pub fn new(slots: Vec<Slot>) -> Code {
        let mut insns = Vec::with_capacity(slots.len());
        for (i, slot) in slots.iter().enumerate() {
            let insn = match insns.last() {
                Some(Insn::LoadImm { .. }) => Insn::WideTail,
                _ => codec::decode(*slot, slots.get(i + 1).copied()),
            };
            insns.push(insn);
        }
        Code { slots, insns }
    }

    /// The wire form.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The decoded form, as long as [`Code::slots`].
    pub fn insns(&self) -> &[Insn] {
        &self.insns
    }

    /// The number of slots.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no instruction at all.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The instruction at `pc`, if that is inside the program.
    pub fn get(&self, pc: Pc) -> Option<Insn> {
        self.insns.get(pc.index()).copied()
    }

    /// The instructions with their places, wide tails left out.
    pub fn iter(&self) -> impl Iterator<Item = (Pc, Insn)> {
        (0..)
            .map(Pc)
            .zip(self.insns.iter().copied())
            .filter(|(_, insn)| *insn != Insn::WideTail)
    }

    /// The first slots of the functions of the program, ascending: slot 0 and
    /// every target of a local call or callback reference. Targets outside the
    /// program or inside a wide instruction are an error.
    pub fn functions(&self) -> Result<Vec<Pc>, CodeError> {
        let mut starts = vec![Pc(0)];
        for (pc, insn) in self.iter() {
            if let Some(offset) = insn.function_offset() {
                starts.push(self.target(pc, offset)?);
            }
        }
        starts.sort_unstable();
        starts.dedup();
        Ok(starts)
    }

    /// Checks that control cannot leave the program or a function of it
    /// otherwise than by calls and exits: jumps stay in their function and land
    /// on instructions, and no function runs on past its end.
    ///
    /// Slots without meaning are no fault here. They have no targets; at the
    /// end of a function the opcode of an exit or jump will do, as it does for
    /// Linux.
    pub fn check(&self) -> Result<(), CodeError> {
        if self.is_empty() {
            return Err(CodeError::Empty);
        }
        let mut starts = self.functions()?;
        starts.push(Pc(self.len() as u32));
        for bounds in starts.windows(2) {
            if let &[start, end] = bounds {
                self.check_function(start, end)?;
            }
        }
        Ok(())
    }

    fn check_function(&self, start: Pc, end: Pc) -> Result<(), CodeError> {
        let mut last = start;
        for pc in (start.0..end.0).map(Pc) {
            let Some(insn) = self.get(pc).filter(|insn| *insn != Insn::WideTail) else {
                continue;
            };
            if let Some(offset) = insn.jump_offset() {
                let to = self.target(pc, offset)?;
                if to < start || to >= end {
                    return Err(CodeError::LeavesFunction { from: pc, to });
                }
            }
            last = pc;
        }
        match self.slots.get(last.index()) {
            Some(slot) if table::rows(slot.opcode).iter().any(|row| ends(row.insn)) => Ok(()),
            _ => Err(CodeError::RunsOn { at: last }),
        }
    }

    /// Where `offset`, counted from the slot after `from`, leads.
    fn target(&self, from: Pc, offset: i32) -> Result<Pc, CodeError> {
        let to = i64::from(from.0) + 1 + i64::from(offset);
        u32::try_from(to)
            .ok()
            .map(Pc)
            .filter(|to| self.get(*to).is_some_and(|insn| insn != Insn::WideTail))
            .ok_or(CodeError::Target { from, to })
    }
}

/// A structural fault: one that makes a program meaningless before it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// There is no instruction at all.
    #[error("the program is empty")]
    Empty,
    /// A jump or call leaves the program or lands inside a wide instruction.
    #[error("{from}: jump to {to} is outside the program or inside a wide instruction")]
    Target {
        /// The jumping instruction.
        from: Pc,
        /// Where it would land.
        to: i64,
    },
    /// A jump leads into another function.
    #[error("{from}: jump to {to} leaves the function")]
    LeavesFunction {
        /// The jumping instruction.
        from: Pc,
        /// Where it would land.
        to: Pc,
    },
    /// The last instruction of a function is neither exit nor jump.
    #[error("{at}: the last instruction of a function is not an exit or jump")]
    RunsOn {
        /// The last instruction.
        at: Pc,
    },
}

/// Whether control never goes on to the instruction after this one.
fn ends(insn: Insn) -> bool {
    matches!(insn, Insn::Exit | Insn::Jump { .. })
}

impl Insn {
    /// The offset of a jump, relative to the slot after it.
    pub fn jump_offset(self) -> Option<i32> {
        match self {
            Insn::Jump { offset, .. } => Some(offset),
            Insn::Branch { offset, .. } | Insn::MayGoto { offset } => Some(offset.into()),
            _ => None,
        }
    }

    /// The offset of a function of the program that this instruction calls or
    /// refers to, relative to the slot after its first.
    pub fn function_offset(self) -> Option<i32> {
        match self {
            Insn::Call {
                target: CallTarget::Local(offset),
            }
            | Insn::LoadImm {
                imm: Imm64::Function { offset },
                ..
            } => Some(offset),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Slots of `opcode`, source field and offset; the immediate is the offset
    /// too for calls and callback references.
    fn code(slots: &[(u8, u8, i16)]) -> Code {
        let slot = |&(opcode, src, offset): &(u8, u8, i16)| match opcode {
            0x18 | 0x85 => Slot {
                opcode,
                src,
                imm: offset.into(),
                ..Slot::default()
            },
            _ => Slot {
                opcode,
                src,
                offset,
                ..Slot::default()
            },
        };
        Code::new(slots.iter().map(slot).collect())
    }

    const EXIT: (u8, u8, i16) = (0x95, 0, 0);
    const TAIL: (u8, u8, i16) = (0, 0, 0);

    #[test]
    fn functions_are_called_or_referred_to() {
        let code = code(&[(0x18, 4, 3), TAIL, (0x85, 1, 2), EXIT, EXIT, EXIT]);
        assert_eq!(code.functions(), Ok(vec![Pc(0), Pc(4), Pc(5)]));
        assert_eq!(code.check(), Ok(()));
        assert_eq!(code.get(Pc(1)), Some(Insn::WideTail));
        assert_eq!(code.get(Pc(6)), None);
    }

    #[test]
    fn structural_faults() {
        let target = |from, to| Err(CodeError::Target { from: Pc(from), to });
        assert_eq!(code(&[]).check(), Err(CodeError::Empty));
        assert_eq!(code(&[(0x05, 0, 0)]).check(), target(0, 1));
        assert_eq!(code(&[(0x05, 0, -2), EXIT]).check(), target(0, -1));
        assert_eq!(
            code(&[(0x05, 0, 1), (0x18, 0, 0), TAIL, EXIT]).check(),
            target(0, 2)
        );
        assert_eq!(code(&[(0x85, 1, 9), EXIT]).check(), target(0, 10));
        assert_eq!(
            code(&[(0x85, 1, 1), (0x05, 0, 0), EXIT]).check(),
            Err(CodeError::LeavesFunction {
                from: Pc(1),
                to: Pc(2)
            })
        );
        let runs_on = Err(CodeError::RunsOn { at: Pc(0) });
        assert_eq!(code(&[(0xb7, 0, 0)]).check(), runs_on);
        assert_eq!(code(&[(0xff, 0, 0)]).check(), runs_on);
        // An exit with a reserved field.
        assert_eq!(code(&[(0x95, 1, 0)]).check(), Ok(()));
    }
}
