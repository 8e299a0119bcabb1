//! Which operand of each kind of instruction lies in which field of the slot.
//!
//! [`fill`] and [`operands`] are each other's inverse, one arm for each kind.
//! What tells the kinds apart is in [`crate::table`].

use crate::{CallTarget, Imm64, Insn, Operand, PacketMode, Reg};

/// The operand fields of a slot, and the immediate of the slot after it, which
/// only 64-bit immediate loads use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) dst: u8,
    pub(crate) src: u8,
    pub(crate) offset: i16,
    pub(crate) imm: i32,
    pub(crate) tail: i32,
}

/// `insn` without its operands: as it stands in the table.
pub(crate) fn blank(insn: Insn) -> Insn {
    fill(insn, Fields::default())
}

/// `insn` with its operands taken from the fields. Register numbers above 10
/// are read as 10.
pub(crate) fn fill(insn: Insn, fields: Fields) -> Insn {
    let Fields {
        offset, imm, tail, ..
    } = fields;
    let (dst, src) = (reg(fields.dst), reg(fields.src));
    let second = |operand| match operand {
        Operand::Reg(_) => Operand::Reg(src),
        Operand::Imm(_) => Operand::Imm(imm),
    };
    match insn {
        Insn::Alu {
            op, width, src: s, ..
        } => Insn::Alu {
            op,
            width,
            dst,
            src: second(s),
        },
        Insn::Neg { width, .. } => Insn::Neg { width, dst },
        Insn::Movsx { width, bits, .. } => Insn::Movsx {
            width,
            bits,
            dst,
            src,
        },
        Insn::Endian { op, bits, .. } => Insn::Endian { op, bits, dst },
        Insn::AddrSpaceCast { .. } => Insn::AddrSpaceCast {
            dst,
            src,
            dst_space: (imm as u32 >> 16) as u16,
            src_space: imm as u16,
        },
        Insn::LoadImm { imm: kind, .. } => Insn::LoadImm {
            dst,
            imm: fill_imm64(kind, imm, tail),
        },
        Insn::Load { size, signed, .. } => Insn::Load {
            size,
            signed,
            dst,
            base: src,
            offset,
        },
        Insn::Store { size, src: s, .. } => Insn::Store {
            size,
            base: dst,
            offset,
            src: second(s),
        },
        Insn::LoadAcquire { size, .. } => Insn::LoadAcquire {
            size,
            dst,
            base: src,
            offset,
        },
        Insn::StoreRelease { size, .. } => Insn::StoreRelease {
            size,
            base: dst,
            offset,
            src,
        },
        Insn::Atomic { op, width, .. } => Insn::Atomic {
            op,
            width,
            base: dst,
            offset,
            src,
        },
        Insn::LoadPacket { mode, size, .. } => Insn::LoadPacket {
            mode: match mode {
                PacketMode::Absolute => PacketMode::Absolute,
                PacketMode::Indirect(_) => PacketMode::Indirect(src),
            },
            size,
            imm,
        },
        Insn::Jump { long, .. } => Insn::Jump {
            offset: if long { imm } else { i32::from(offset) },
            long,
        },
        Insn::Branch {
            op, width, src: s, ..
        } => Insn::Branch {
            op,
            width,
            dst,
            src: second(s),
            offset,
        },
        Insn::MayGoto { .. } => Insn::MayGoto { offset },
        Insn::Call { target } => Insn::Call {
            target: match target {
                CallTarget::Helper(_) => CallTarget::Helper(imm),
                CallTarget::Local(_) => CallTarget::Local(imm),
                CallTarget::Kfunc { .. } => CallTarget::Kfunc {
                    btf_id: imm,
                    module: offset,
                },
            },
        },
        Insn::CallReg { .. } => Insn::CallReg { target: dst },
        Insn::Exit | Insn::WideTail | Insn::Invalid(_) => insn,
    }
}

fn fill_imm64(kind: Imm64, imm: i32, tail: i32) -> Imm64 {
    match kind {
        Imm64::Value { .. } => Imm64::Value {
            lo: imm as u32,
            hi: tail as u32,
        },
        Imm64::MapFd { .. } => Imm64::MapFd { fd: imm },
        Imm64::MapValue { .. } => Imm64::MapValue {
            fd: imm,
            offset: tail,
        },
        Imm64::Variable { .. } => Imm64::Variable {
            btf_id: imm,
            module_fd: tail,
        },
        Imm64::Function { .. } => Imm64::Function { offset: imm },
        Imm64::MapIndex { .. } => Imm64::MapIndex { index: imm },
        Imm64::MapIndexValue { .. } => Imm64::MapIndexValue {
            index: imm,
            offset: tail,
        },
    }
}

/// The fields that the operands of `insn` make up. `None` for an offset of a
/// short jump that does not fit its field.
pub(crate) fn operands(insn: Insn) -> Option<Fields> {
    let fields = match insn {
        Insn::Alu { dst, src, .. } => with_src(src).dst(dst),
        Insn::Neg { dst, .. } | Insn::Endian { dst, .. } => NONE.dst(dst),
        Insn::Movsx { dst, src, .. } => NONE.dst(dst).src(src),
        Insn::AddrSpaceCast {
            dst,
            src,
            dst_space,
            src_space,
        } => {
            let imm = u32::from(dst_space) << 16 | u32::from(src_space);
            NONE.dst(dst).src(src).with_imm(imm as i32)
        }
        Insn::LoadImm { dst, imm } => imm64_operands(imm).dst(dst),
        Insn::Load {
            dst, base, offset, ..
        }
        | Insn::LoadAcquire {
            dst, base, offset, ..
        } => NONE.dst(dst).src(base).with_offset(offset),
        Insn::Store {
            base, offset, src, ..
        } => with_src(src).dst(base).with_offset(offset),
        Insn::StoreRelease {
            base, offset, src, ..
        }
        | Insn::Atomic {
            base, offset, src, ..
        } => NONE.dst(base).src(src).with_offset(offset),
        Insn::LoadPacket { mode, imm, .. } => match mode {
            PacketMode::Absolute => NONE.with_imm(imm),
            PacketMode::Indirect(src) => NONE.src(src).with_imm(imm),
        },
        Insn::Jump { offset, long: true } => NONE.with_imm(offset),
        Insn::Jump {
            offset,
            long: false,
        } => NONE.with_offset(i16::try_from(offset).ok()?),
        Insn::Branch {
            dst, src, offset, ..
        } => with_src(src).dst(dst).with_offset(offset),
        Insn::MayGoto { offset } => NONE.with_offset(offset),
        Insn::Call { target } => match target {
            CallTarget::Helper(imm) | CallTarget::Local(imm) => NONE.with_imm(imm),
            CallTarget::Kfunc { btf_id, module } => NONE.with_imm(btf_id).with_offset(module),
        },
        Insn::CallReg { target } => NONE.dst(target),
        Insn::Exit | Insn::WideTail | Insn::Invalid(_) => NONE,
    };
    Some(fields)
}

fn imm64_operands(imm: Imm64) -> Fields {
    match imm {
        Imm64::Value { lo, hi } => NONE.with_imm(lo as i32).tail(hi as i32),
        Imm64::MapFd { fd: imm }
        | Imm64::Function { offset: imm }
        | Imm64::MapIndex { index: imm } => NONE.with_imm(imm),
        Imm64::MapValue { fd, offset } => NONE.with_imm(fd).tail(offset),
        Imm64::Variable { btf_id, module_fd } => NONE.with_imm(btf_id).tail(module_fd),
        Imm64::MapIndexValue { index, offset } => NONE.with_imm(index).tail(offset),
    }
}

const NONE: Fields = Fields {
    dst: 0,
    src: 0,
    offset: 0,
    imm: 0,
    tail: 0,
};

fn with_src(operand: Operand) -> Fields {
    match operand {
        Operand::Reg(src) => NONE.src(src),
        Operand::Imm(imm) => NONE.with_imm(imm),
    }
}

fn reg(number: u8) -> Reg {
    Reg::new(number).unwrap_or(Reg::R10)
}

impl Fields {
    fn dst(self, reg: Reg) -> Fields {
        let dst = reg as u8;
        Fields { dst, ..self }
    }

    fn src(self, reg: Reg) -> Fields {
        let src = reg as u8;
        Fields { src, ..self }
    }

    pub(crate) fn with_offset(self, offset: i16) -> Fields {
        Fields { offset, ..self }
    }

    pub(crate) fn with_imm(self, imm: i32) -> Fields {
        Fields { imm, ..self }
    }

    fn tail(self, tail: i32) -> Fields {
        Fields { tail, ..self }
    }
}
