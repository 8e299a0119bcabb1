//! CO-RE relocations: numbers from [`btf::core`], put into instructions.
//!
//! The rules of which instruction may hold what are libbpf's (`relo_core.c`):
//! the old number is checked before it is replaced, and where the target has no
//! answer the instruction is replaced by a call that no verifier accepts.

use abi::poison;
use btf::core::{Fixup, Relo};
use isa::{Imm64, Insn, Operand, Pc, Size, Slot, Width};

use crate::error::CoreError;
use crate::wire;

/// One CO-RE relocation and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreRelocation {
    /// Code section that it applies to.
    pub section: String,
    /// Number of the relocation in its section, from 0.
    pub index: usize,
    /// The relocated slot, from the start of the section.
    pub pc: Pc,
    /// What is asked.
    pub relo: Relo,
    /// The answer.
    pub fixup: Result<Fixup, CoreError>,
}

/// Puts `fixup` into the instruction at the start of `slots`.
pub(crate) fn patch(slots: &mut [Slot], fixup: &Fixup) -> Result<(), CoreError> {
    let head = *slots.first().ok_or(CoreError::Outside)?;
    if fixup.poison {
        wire::poison(slots, poison::CORE);
        return Ok(());
    }
    let patched = match isa::decode(head, slots.get(1).copied()) {
        Insn::Alu {
            op,
            width,
            dst,
            src: Operand::Imm(imm),
        } => {
            check(fixup, i64::from(imm), i64::from(imm) as u64)?;
            let src = Operand::Imm(fixup.new as i32);
            Insn::Alu {
                op,
                width,
                dst,
                src,
            }
        }
        Insn::Load {
            size,
            signed,
            dst,
            base,
            offset,
        } => {
            let Some((offset, size)) = access(fixup, offset, size)? else {
                wire::poison(slots, poison::CORE);
                return Ok(());
            };
            Insn::Load {
                size,
                signed,
                dst,
                base,
                offset,
            }
        }
        Insn::Store {
            size,
            base,
            offset,
            src,
        } => {
            let Some((offset, size)) = access(fixup, offset, size)? else {
                wire::poison(slots, poison::CORE);
                return Ok(());
            };
            Insn::Store {
                size,
                base,
                offset,
                src,
            }
        }
        Insn::Atomic {
            op,
            width,
            base,
            offset,
            src,
        } => {
            let size = match width {
                Width::W32 => Size::B4,
                Width::W64 => Size::B8,
            };
            match access(fixup, offset, size)? {
                Some((offset, new)) if new == size => Insn::Atomic {
                    op,
                    width,
                    base,
                    offset,
                    src,
                },
                _ => {
                    wire::poison(slots, poison::CORE);
                    return Ok(());
                }
            }
        }
        Insn::LoadImm {
            dst,
            imm: Imm64::Value { lo, hi },
        } => {
            let value = u64::from(hi) << 32 | u64::from(lo);
            check(fixup, value as i64, value)?;
            let imm = Imm64::Value {
                lo: fixup.new as u32,
                hi: (fixup.new >> 32) as u32,
            };
            Insn::LoadImm { dst, imm }
        }
        _ => return Err(CoreError::Opcode(head.opcode)),
    };
    wire::put(slots, patched);
    Ok(())
}

/// Fails if the instruction does not hold what was compiled into it.
fn check(fixup: &Fixup, found: i64, bits: u64) -> Result<(), CoreError> {
    match fixup.validate && bits != fixup.orig {
        true => Err(CoreError::Original {
            found,
            expected: fixup.orig,
        }),
        false => Ok(()),
    }
}

/// New offset and width of a memory access; `None` to poison it, because a field
/// of another width cannot be accessed without changing its value.
fn access(fixup: &Fixup, offset: i16, size: Size) -> Result<Option<(i16, Size)>, CoreError> {
    check(fixup, i64::from(offset), i64::from(offset) as u64)?;
    let new = i16::try_from(fixup.new).map_err(|_| CoreError::Range(fixup.new))?;
    let Some(access) = fixup.access_size else {
        return Ok(Some((new, size)));
    };
    if !access.adjustable {
        return Ok(None);
    }
    if access.new == access.orig {
        return Ok(Some((new, size)));
    }
    if size.bytes() != access.orig {
        let (found, expected) = (size.bytes(), access.orig);
        return Err(CoreError::Width { found, expected });
    }
    match [Size::B1, Size::B2, Size::B4, Size::B8]
        .into_iter()
        .find(|s| s.bytes() == access.new)
    {
        Some(size) => Ok(Some((new, size))),
        None => Err(CoreError::NewWidth(access.new)),
    }
}

#[cfg(test)]
mod tests {
    use isa::{AluOp, Reg};

    use super::*;

    fn fixup(orig: u64, new: u64) -> Fixup {
        Fixup {
            orig,
            new,
            validate: true,
            poison: false,
            access_size: None,
        }
    }

    fn slots(insn: Insn) -> Vec<Slot> {
        let (head, second) = isa::encode(insn).unwrap();
        std::iter::once(head).chain(second).collect()
    }

    fn load(size: Size, offset: i16) -> Insn {
        Insn::Load {
            size,
            signed: false,
            dst: Reg::R1,
            base: Reg::R2,
            offset,
        }
    }

    const MOV: Insn = Insn::Alu {
        op: AluOp::Mov,
        width: Width::W64,
        dst: Reg::R3,
        src: Operand::Imm(8),
    };

    #[test]
    fn immediates_are_replaced() {
        let mut code = slots(MOV);
        patch(&mut code, &fixup(8, 24)).unwrap();
        assert_eq!(code[0].imm, 24);
        let mut code = slots(Insn::LoadImm {
            dst: Reg::R1,
            imm: Imm64::Value { lo: 1, hi: 0 },
        });
        patch(&mut code, &fixup(1, 0x5_0000_0007)).unwrap();
        assert_eq!((code[0].imm, code[1].imm), (7, 5));
    }

    #[test]
    fn the_old_number_must_be_there() {
        let mut code = slots(MOV);
        let error = patch(&mut code, &fixup(9, 24)).unwrap_err();
        assert_eq!(
            error,
            CoreError::Original {
                found: 8,
                expected: 9
            }
        );
        assert_eq!(code, slots(MOV));
        let unsure = Fixup {
            validate: false,
            ..fixup(9, 24)
        };
        patch(&mut code, &unsure).unwrap();
        assert_eq!(code[0].imm, 24);
    }

    #[test]
    fn offsets_and_widths_of_accesses_change() {
        let sizes = |orig, new, adjustable| {
            let access = btf::core::AccessSize {
                orig,
                new,
                adjustable,
            };
            Fixup {
                access_size: Some(access),
                ..fixup(8, 16)
            }
        };
        let mut code = slots(load(Size::B8, 8));
        patch(&mut code, &sizes(8, 4, true)).unwrap();
        assert_eq!(code, slots(load(Size::B4, 16)));

        let mut code = slots(load(Size::B4, 8));
        patch(&mut code, &sizes(8, 8, true)).unwrap();
        assert_eq!(
            code,
            slots(load(Size::B4, 16)),
            "a part of a field of unchanged size"
        );

        let mut code = slots(load(Size::B4, 8));
        let error = patch(&mut code, &sizes(8, 4, true)).unwrap_err();
        assert_eq!(
            error,
            CoreError::Width {
                found: 4,
                expected: 8
            }
        );

        let mut code = slots(load(Size::B8, 8));
        patch(&mut code, &sizes(8, 4, false)).unwrap();
        assert_eq!((code[0].opcode, code[0].imm), (0x85, 195_896_080));
    }

    #[test]
    fn offsets_must_fit() {
        let mut code = slots(load(Size::B8, 8));
        let error = patch(&mut code, &fixup(8, 0x8000)).unwrap_err();
        assert_eq!(error, CoreError::Range(0x8000));
    }

    #[test]
    fn poison_replaces_both_halves() {
        let poison = Fixup {
            poison: true,
            ..fixup(1, 0)
        };
        let mut code = slots(Insn::LoadImm {
            dst: Reg::R1,
            imm: Imm64::Value { lo: 1, hi: 0 },
        });
        patch(&mut code, &poison).unwrap();
        for slot in code {
            assert_eq!((slot.opcode, slot.src, slot.imm), (0x85, 0, 195_896_080));
        }
    }

    #[test]
    fn other_instructions_are_refused() {
        let mut code = slots(Insn::Exit);
        assert_eq!(patch(&mut code, &fixup(0, 1)), Err(CoreError::Opcode(0x95)));
    }
}
