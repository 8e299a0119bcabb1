//! What one instruction does to the state.
//!
//! * [`regs`]: reading and writing registers;
//! * [`alu`], [`pointer`]: arithmetic on numbers and on pointers;
//! * [`linked`]: numbers that are equal or a constant apart;
//! * [`branch`]: decisions and what a branch tells, of pointers that may be NULL
//!   ([`nullness`]) and of the end of the packet ([`packet`]);
//! * [`memory`]: loads, stores, atomics and all checks of memory, those that
//!   helpers ask for as well;
//! * [`legacy`]: packet loads of classic BPF.

mod alu;
mod branch;
mod legacy;
mod linked;
pub(crate) mod memory;
pub(crate) mod nullness;
mod packet;
mod pointer;
mod regs;

use isa::{Imm64, Insn, Pc, Reg};

use crate::explore::{Flow, Verifier};
use crate::reason::{Function, Reason, Result, Unsupported};
use crate::state::{Kind, MapRef, Value};

impl Verifier<'_> {
    /// Follows the current instruction.
    pub(crate) fn step(&mut self, insn: Insn) -> Result<Flow> {
        match insn {
            Insn::Alu {
                op,
                width,
                dst,
                src,
            } => self.alu(op, width, dst, src)?,
            Insn::Neg { width, dst } => self.neg(width, dst)?,
            Insn::Movsx {
                width,
                bits,
                dst,
                src,
            } => self.movsx(width, bits, dst, src)?,
            Insn::Endian { op, bits, dst } => self.endian(op, bits, dst)?,
            Insn::LoadImm { dst, imm } => self.load_imm(dst, imm)?,
            Insn::Load {
                size,
                signed,
                dst,
                base,
                offset,
            } => self.load(size, signed, dst, base, offset)?,
            Insn::Store {
                size,
                base,
                offset,
                src,
            } => self.store(size, base, offset, src)?,
            Insn::LoadAcquire {
                size,
                dst,
                base,
                offset,
            } => self.load_acquire(size, dst, base, offset)?,
            Insn::StoreRelease {
                size,
                base,
                offset,
                src,
            } => self.store_release(size, base, offset, src)?,
            Insn::Atomic {
                op,
                width,
                base,
                offset,
                src,
            } => self.atomic(op, width, base, offset, src)?,
            Insn::LoadPacket { mode, size, imm } => self.load_packet(mode, size, imm)?,
            Insn::Jump { offset, .. } => return Ok(Flow::To(self.target(offset))),
            Insn::Branch {
                op,
                width,
                dst,
                src,
                offset,
            } => return self.branch(op, width, dst, src, self.target(offset.into())),
            Insn::MayGoto { offset } => return self.may_goto(self.target(offset.into())),
            Insn::Call { target } => return self.call(target),
            Insn::Exit => return self.exit(),
            Insn::AddrSpaceCast { .. } => return Err(self.unsupported("addr_space_cast")),
            Insn::Invalid(invalid) => return self.without_meaning(invalid),
            Insn::CallReg { .. } => {
                return Err(Reason::Encoding(isa::Invalid::Opcode(0x8d)).into());
            }
            Insn::WideTail => return Err(self.unsupported("second slot of a wide instruction")),
        }
        Ok(Flow::Next)
    }

    /// The refusal of an instruction without meaning. Of a comparison Linux reads
    /// the first register before it looks at anything else.
    fn without_meaning(&mut self, invalid: isa::Invalid) -> Result<Flow> {
        let slot = self.program.code.get(self.pc.index());
        let compared = slot.filter(|slot| {
            let row = isa::table::rows(slot.opcode).first();
            row.is_some_and(|row| matches!(row.insn, Insn::Branch { .. }))
        });
        if let Some(first) = compared.and_then(|slot| Reg::new(slot.dst)) {
            self.read_reg(first)?;
        }
        Err(Reason::Encoding(invalid).into())
    }

    /// Where a jump of the current instruction leads; the structure was checked.
    pub(crate) fn target(&self, offset: i32) -> Pc {
        Pc((i64::from(self.pc.0) + 1 + i64::from(offset)) as u32)
    }

    /// The answer for something that Linux knows and this verifier does not.
    pub(crate) fn unsupported(&self, feature: impl Into<String>) -> Box<crate::Fault> {
        Unsupported {
            pc: self.pc,
            feature: feature.into(),
        }
        .into()
    }

    fn load_imm(&mut self, dst: Reg, imm: Imm64) -> Result {
        let value = match imm {
            Imm64::Value { .. } => Value::constant(imm.value().unwrap_or(0)),
            Imm64::MapIndex { index } => Value::pointer(Kind::MapPtr(MapRef::new(index as u32))),
            Imm64::MapIndexValue { index, offset } => Value {
                off: offset,
                ..Value::pointer(Kind::MapValue(MapRef::new(index as u32)))
            },
            Imm64::Function { offset } => self.function_pointer(offset)?,
            Imm64::Variable { .. } => return Err(self.unsupported("kernel variables")),
            Imm64::MapFd { .. } | Imm64::MapValue { .. } => {
                return Err(self.unsupported("maps by descriptor"));
            }
        };
        self.write_reg(dst, value)
    }

    /// The address of a function: one that BTF knows and that only this program
    /// can call.
    fn function_pointer(&mut self, offset: i32) -> Result<Value> {
        let start = self.target(offset);
        let Some(subprogram) = self.structure.subprogram_starting_at(start) else {
            return Err(self.unsupported("function pointer to no function"));
        };
        let function = self.structure.subprograms.get(subprogram as usize);
        match function.filter(|function| function.func.is_some()) {
            None => Err(Function::NoFuncInfo.into()),
            Some(function) if function.global => Err(Function::CallbackNotStatic.into()),
            Some(_) => Ok(Value::pointer(Kind::Func { subprogram })),
        }
    }
}
