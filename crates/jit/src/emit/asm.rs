//! The assembler: bytes, labels, and operands in memory.
//!
//! Instructions are written with `dynasm`. Operands in the program's memory are
//! encoded here, since dynasm neither takes a scale that is known only at run time
//! nor chooses the length of a displacement that is.

use isa::Width;

use dynasmrt::relocations::{Relocation, RelocationKind, RelocationSize};
use dynasmrt::x64::X64Relocation;
use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, VecAssembler};

/// Host registers by their numbers in x86's instructions.
pub(crate) mod host {
    pub(crate) const RAX: u8 = 0;
    pub(crate) const RCX: u8 = 1;
    pub(crate) const RDX: u8 = 2;
    pub(crate) const RBP: u8 = 5;
    pub(crate) const RSI: u8 = 6;
    pub(crate) const RDI: u8 = 7;
    pub(crate) const R8: u8 = 8;
    pub(crate) const R9: u8 = 9;
    pub(crate) const R11: u8 = 11;
    pub(crate) const R12: u8 = 12;
}

/// Through which segment an operand is reached, and how long its address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// None: a host address.
    Host,
    /// gs, and all 64 bits of the sum.
    Gs,
    /// gs, and the lower 32 bits of the sum.
    Gs32,
}

/// An operand in memory: `segment:[base + index << shift + disp]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operand {
    pub(crate) segment: Segment,
    pub(crate) base: Option<u8>,
    /// Register and shift, 0 to 3. Never `rsp`.
    pub(crate) index: Option<(u8, u8)>,
    pub(crate) disp: i32,
}

impl Operand {
    /// `[base + disp]` in host memory.
    pub(crate) fn host(base: u8, disp: i32) -> Operand {
        Operand {
            segment: Segment::Host,
            base: Some(base),
            index: None,
            disp,
        }
    }

    /// A program address in the host's memory: that which a register holds, whose
    /// upper half is zero, and a distance that the guards around the machine's
    /// memory cover.
    pub(crate) fn fenced(reg: u8, disp: i32) -> Operand {
        debug_assert!(i16::try_from(disp).is_ok());
        Operand {
            index: Some((reg, 0)),
            ..Operand::host(host::R12, disp)
        }
    }
}

/// An instruction with an operand in memory and one register.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Form {
    /// The bytes of the opcode.
    pub(crate) opcode: &'static [u8],
    /// 64-bit operands.
    pub(crate) wide: bool,
    /// 16-bit operands.
    pub(crate) short: bool,
    /// The register operand is a byte register.
    pub(crate) byte: bool,
    /// Locked.
    pub(crate) lock: bool,
}

/// Bytes under construction.
pub(crate) struct Asm {
    pub(crate) ops: VecAssembler<X64Relocation>,
}

impl Asm {
    pub(crate) fn new(bytes: usize, labels: usize) -> Asm {
        Asm {
            ops: VecAssembler::new_with_capacity(0, bytes, 0, 0, labels, 0, labels),
        }
    }

    /// Where the next instruction goes.
    pub(crate) fn offset(&self) -> u32 {
        self.ops.offset().0 as u32
    }

    pub(crate) fn label(&mut self) -> DynamicLabel {
        self.ops.new_dynamic_label()
    }

    pub(crate) fn bind(&mut self, label: DynamicLabel) {
        self.ops.dynamic_label(label);
    }

    /// An instruction with a register, or the extension of its opcode, and an
    /// operand in memory. An immediate may follow.
    pub(crate) fn memory(&mut self, form: Form, reg: u8, at: Operand) {
        if at.segment != Segment::Host {
            self.ops.push(0x65);
        }
        if at.segment == Segment::Gs32 {
            self.ops.push(0x67);
        }
        if form.short {
            self.ops.push(0x66);
        }
        if form.lock {
            self.ops.push(0xf0);
        }
        let index = at.index.map_or(0, |(index, _)| index);
        let rex =
            u8::from(form.wide) << 3 | reg >> 3 << 2 | index >> 3 << 1 | at.base.unwrap_or(0) >> 3;
        if rex != 0 || (form.byte && reg >= 4) {
            self.ops.push(0x40 | rex);
        }
        self.ops.extend(form.opcode);
        self.address(reg, at);
    }

    /// An instruction of the first group, by its extension, with an immediate.
    pub(crate) fn immediate(&mut self, extension: u8, width: Width, dst: u8, imm: i32) {
        let rex = u8::from(width == Width::W64) << 3 | dst >> 3;
        if rex != 0 {
            self.ops.push(0x40 | rex);
        }
        let operand = 0xc0 | extension << 3 | (dst & 7);
        match i8::try_from(imm) {
            Ok(imm) => self.ops.extend(&[0x83, operand, imm as u8]),
            Err(_) => {
                self.ops.extend(&[0x81, operand]);
                self.ops.extend(&imm.to_le_bytes());
            }
        }
    }

    /// ModRM, SIB and displacement.
    fn address(&mut self, reg: u8, at: Operand) {
        const SIB: u8 = 4;
        const NO_INDEX: u8 = 4;
        const DISP: u8 = 5;
        let reg = (reg & 7) << 3;
        let Some(base) = at.base.map(|base| base & 7) else {
            let (index, shift) = at.index.unwrap_or((NO_INDEX, 0));
            self.ops.push(reg | SIB);
            self.ops.push(shift << 6 | (index & 7) << 3 | DISP);
            self.ops.extend(&at.disp.to_le_bytes());
            return;
        };
        let (mode, size) = match at.disp {
            0 if base != DISP => (0, 0),
            -128..=127 => (1 << 6, 1),
            _ => (2 << 6, 4),
        };
        match at.index {
            Some((index, shift)) => {
                self.ops.push(mode | reg | SIB);
                self.ops.push(shift << 6 | (index & 7) << 3 | base);
            }
            None if base == SIB => {
                self.ops.push(mode | reg | SIB);
                self.ops.push(NO_INDEX << 3 | base);
            }
            None => self.ops.push(mode | reg | base),
        }
        let disp = at.disp.to_le_bytes();
        self.ops.extend(&disp[..size]);
    }

    /// A jump: always, or on a condition by its number in x86's opcodes. `short`: its
    /// target is near.
    pub(crate) fn jump(&mut self, condition: Option<u8>, target: DynamicLabel, short: bool) {
        let (relocation, bytes) = match short {
            true => (RelocationSize::Byte, 1),
            false => (RelocationSize::DWord, 4),
        };
        match (condition, short) {
            (Some(condition), true) => self.ops.push(0x70 | condition),
            (Some(condition), false) => self.ops.extend(&[0x0f, 0x80 | condition]),
            (None, true) => self.ops.push(0xeb),
            (None, false) => self.ops.push(0xe9),
        }
        self.ops.extend(&[0; 4][..bytes]);
        let kind = X64Relocation::from_size(RelocationKind::Relative, relocation);
        self.ops.dynamic_relocation(target, 0, bytes as u8, 0, kind);
    }

    /// Fills up to a multiple of `to`, which is a power of two, with instructions
    /// that do nothing.
    pub(crate) fn align(&mut self, to: usize) {
        const NOPS: [&[u8]; 9] = [
            &[0x90],
            &[0x66, 0x90],
            &[0x0f, 0x1f, 0x00],
            &[0x0f, 0x1f, 0x40, 0x00],
            &[0x0f, 0x1f, 0x44, 0x00, 0x00],
            &[0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
            &[0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
            &[0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
            &[0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
        ];
        let mut left = self.ops.offset().0.wrapping_neg() & (to - 1);
        while left > 0 {
            let nop = NOPS[left.min(NOPS.len()) - 1];
            self.ops.extend(nop);
            left -= nop.len();
        }
    }

    /// `endbr64`, which dynasm does not know.
    pub(crate) fn endbr(&mut self) {
        self.ops.extend(&[0xf3, 0x0f, 0x1e, 0xfa]);
    }
}
