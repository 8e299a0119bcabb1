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
pub(crate) const fn fill(insn: Insn, fields: Fields) -> Insn {
    let Fields {
        offset, imm, tail, ..
    } = fields;
    let (dst, src) = (reg(fields.dst), reg(fields.src));
    match insn {
        Insn::Alu {
            op, width, src: s, ..
        } => Insn::Alu {
            op,
            width,
            dst,
            src: second(s, src, imm),
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
            src: second(s, src, imm),
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
            offset: if long { imm } else { offset as i32 },
            long,
        },
        Insn::Branch {
            op, width, src: s, ..
        } => Insn::Branch {
            op,
            width,
            dst,
            src: second(s, src, imm),
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

const fn second(operand: Operand, src: Reg, imm: i32) -> Operand {
    match operand {
        Operand::Reg(_) => Operand::Reg(src),
        Operand::Imm(_) => Operand::Imm(imm),
    }
}

const fn fill_imm64(kind: Imm64, imm: i32, tail: i32) -> Imm64 {
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
pub(crate) const fn operands(insn: Insn) -> Option<Fields> {
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
            let imm = (dst_space as u32) << 16 | src_space as u32;
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
        } => {
            if offset as i16 as i32 != offset {
                return None;
            }
            NONE.with_offset(offset as i16)
        }
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

const fn imm64_operands(imm: Imm64) -> Fields {
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

const fn with_src(operand: Operand) -> Fields {
    match operand {
        Operand::Reg(src) => NONE.src(src),
        Operand::Imm(imm) => NONE.with_imm(imm),
    }
}

const fn reg(number: u8) -> Reg {
    match number {
        0..=10 => Reg::ALL[number as usize],
        _ => Reg::R10,
    }
}

/// Which fields hold operands of `insn`: not 0 in those that do.
pub(crate) const fn used(insn: Insn) -> Fields {
    const ONES: Fields = Fields {
        dst: 1,
        src: 1,
        offset: 1,
        imm: 1,
        tail: 1,
    };
    match operands(fill(insn, ONES)) {
        Some(used) => used,
        None => NONE,
    }
}

impl Fields {
    const fn dst(self, reg: Reg) -> Fields {
        let dst = reg as u8;
        Fields { dst, ..self }
    }

    const fn src(self, reg: Reg) -> Fields {
        let src = reg as u8;
        Fields { src, ..self }
    }

    pub(crate) const fn with_offset(self, offset: i16) -> Fields {
        Fields { offset, ..self }
    }

    pub(crate) const fn with_imm(self, imm: i32) -> Fields {
        Fields { imm, ..self }
    }

    const fn tail(self, tail: i32) -> Fields {
        Fields { tail, ..self }
    }
}
