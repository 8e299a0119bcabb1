//! Accesses to memory.

use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, dynasm};
use isa::{AtomicOp, Operand as Src, Reg, Size, Width};
use vm::Access;

use super::alu::by_reg;
use super::asm::{Asm, Form, Operand, Segment, host as fixed};
use super::{Emitter, Rarely, host};
use crate::Mode;
use crate::analysis::RegSet;
use crate::context::offset;
use crate::lower::{Bits, Loaded, Sum, Value};
use crate::runtime::Routine;
use crate::site::What;

/// What a store writes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    Reg(u8),
    Imm(i32),
}

const PLAIN: Form = Form {
    opcode: &[],
    wide: false,
    short: false,
    byte: false,
    lock: false,
};
pub(super) const LEA: Form = Form {
    opcode: &[0x8d],
    wide: true,
    ..PLAIN
};

/// A load to a 64-bit register, extended.
pub(super) fn load_form(size: Size, signed: bool) -> Form {
    let (opcode, wide): (&'static [u8], bool) = match (size, signed) {
        (Size::B1, false) => (&[0x0f, 0xb6], false),
        (Size::B1, true) => (&[0x0f, 0xbe], true),
        (Size::B2, false) => (&[0x0f, 0xb7], false),
        (Size::B2, true) => (&[0x0f, 0xbf], true),
        (Size::B4, false) => (&[0x8b], false),
        (Size::B4, true) => (&[0x63], true),
        (Size::B8, _) => (&[0x8b], true),
    };
    Form {
        opcode,
        wide,
        ..PLAIN
    }
}

/// An instruction that writes memory, by the opcode for bytes and that for all
/// other sizes.
fn sized(size: Size, byte: &'static [u8], other: &'static [u8]) -> Form {
    Form {
        opcode: if size == Size::B1 { byte } else { other },
        wide: size == Size::B8,
        short: size == Size::B2,
        byte: size == Size::B1,
        lock: false,
    }
}

/// An instruction with an operand in memory and an immediate, by its opcodes for
/// bytes and for other sizes, and their extension.
pub(super) fn store_immediate(
    asm: &mut Asm,
    size: Size,
    byte: &'static [u8],
    other: &'static [u8],
    extension: u8,
    imm: i32,
    at: Operand,
) {
    let form = Form {
        byte: false,
        ..sized(size, byte, other)
    };
    asm.memory(form, extension, at);
    let bytes = imm.to_le_bytes();
    let len = (size.bytes() as usize).min(4);
    asm.ops.extend(&bytes[..len]);
}

impl Emitter<'_> {
    /// The address of an access as a sum of host registers.
    fn address(&mut self, base: Reg, offset: i16) -> Sum {
        loop {
            let sum = self.sum_of(base);
            match self.waits_for_memory(sum.reads()) {
                Some(reg) => self.settle(reg),
                None => return sum.plus(offset.into()),
            }
        }
    }

    pub(super) fn load(
        &mut self,
        number: u32,
        size: Size,
        signed: bool,
        dst: Reg,
        base: Reg,
        offset: i16,
    ) {
        let loaded = |at| Loaded {
            at,
            size,
            signed,
            swapped: false,
            shift: 0,
            number,
            parts: 0,
        };
        if !self.is_checked() {
            let at = self.address(base, offset);
            return self.define(dst, Value::Loaded(loaded(at)));
        }
        self.clobber(dst);
        let sum = self.address(base, offset);
        self.values.overwritten(dst, Bits::loaded(loaded(sum)));
        let form = load_form(size, signed);
        let dst = host(dst);
        let what = self.what(size, Access::Read, sum);
        if !self.needs_check(size, sum) {
            let at = self.operand(sum);
            self.site(number, what);
            self.tables.asm.memory(form, dst, at);
            return;
        }
        let site = self.site(number, what);
        let back = self.tables.asm.label();
        let slow = self.rarely(Rarely::SlowLoad {
            site,
            dst,
            sign: signed.then_some(size),
            back,
        });
        let at = self.checked(size, Access::Read, sum, slow);
        self.tables.asm.memory(form, dst, at);
        self.tables.asm.bind(back);
    }

    /// What a store writes, with the address settled before.
    fn stored(&mut self, size: Size, src: Src) -> Source {
        let number = match src {
            Src::Imm(imm) => return Source::Imm(imm),
            Src::Reg(reg) => self.values.constant(reg),
        };
        let width = match size {
            Size::B8 => Width::W64,
            _ => Width::W32,
        };
        match (
            number.and_then(|number| self.as_immediate(width, number)),
            src,
        ) {
            (Some(imm), _) | (None, Src::Imm(imm)) => Source::Imm(imm),
            (None, Src::Reg(src)) if size == Size::B8 => Source::Reg(self.operand_of(src)),
            (None, Src::Reg(src)) => Source::Reg(host(self.low_source(src))),
        }
    }

    pub(super) fn store(&mut self, number: u32, size: Size, base: Reg, offset: i16, src: Src) {
        self.make_loads();
        self.address(base, offset);
        let src = self.stored(size, src);
        // Settling the value may have settled the base.
        let sum = self.address(base, offset);
        let what = self.what(size, Access::Write, sum);
        if let Some(disp) = self.on_stack(sum) {
            self.writes_stack(disp, size);
        }
        if !self.needs_check(size, sum) {
            let at = self.operand(sum);
            self.site(number, what);
            self.write(size, src, at);
            return;
        }
        let site = self.site(number, what);
        let back = self.tables.asm.label();
        let slow = self.rarely(Rarely::SlowStore {
            site,
            src,
            size,
            back,
        });
        let at = self.checked(size, Access::Write, sum, slow);
        self.write(size, src, at);
        self.tables.asm.bind(back);
    }

    fn write(&mut self, size: Size, src: Source, at: Operand) {
        match src {
            Source::Reg(src) => {
                let form = sized(size, &[0x88], &[0x89]);
                self.tables.asm.memory(form, src, at);
            }
            Source::Imm(imm) if self.hidden_store(size, imm, at) => {}
            Source::Imm(imm) => {
                store_immediate(&mut self.tables.asm, size, &[0xc6], &[0xc7], 0, imm, at);
            }
        }
    }

    /// The distance from the frame pointer, if that is all there is to an address.
    pub(super) fn on_stack(&self, sum: Sum) -> Option<i32> {
        let alone = sum.base == Some(Reg::FP) && sum.index.is_none() && !self.moves_fp;
        i16::try_from(sum.disp)
            .ok()
            .filter(|_| alone)
            .map(i32::from)
    }

    /// Whether an access has to be looked at when it is made: all but those of the
    /// function's own stack.
    fn needs_check(&self, size: Size, sum: Sum) -> bool {
        let low = -(abi::limits::STACK_BYTES as i32);
        let last = -(size.bytes() as i32);
        let own = self
            .on_stack(sum)
            .is_some_and(|disp| (low..=last).contains(&disp));
        self.is_checked() && !own
    }

    /// An operand whose address needs no check. May use rcx.
    ///
    /// Of these the first that there is:
    ///
    /// * `[r12 + register + distance]`, where the register's upper half is zero for
    ///   sure and the distance has 16 bits, or the register is r10;
    /// * `[r12 + number]`;
    /// * `gs:[sum]`, cut by the instruction, in programs that use gs;
    /// * `[r12 + rcx + distance]`, with the sum in rcx, cut by being put there.
    ///
    /// Trusted code cuts nothing.
    pub(super) fn operand(&mut self, sum: Sum) -> Operand {
        if let Some(disp) = self.on_stack(sum) {
            return Operand::fenced(fixed::RBP, disp);
        }
        let cuts = self.settings.options.mode != Mode::Trusted;
        let near = i16::try_from(sum.disp).ok().map(i32::from);
        if let (Some(reg), None, Some(disp)) = (sum.base, sum.index, near)
            && (!cuts || self.values.cut().contains(reg))
        {
            return Operand::fenced(host(reg), disp);
        }
        let shown = self.may_show_offset(sum.disp);
        if let Some(Ok(number)) = sum.as_constant().map(i32::try_from)
            && shown
        {
            return Operand::host(fixed::R12, number);
        }
        if self.gs && shown {
            // A number that takes 32 bits without a sign would get one.
            let (segment, disp) = match i32::try_from(sum.disp) {
                Ok(disp) if !cuts => (Segment::Gs, disp),
                _ => (Segment::Gs32, sum.disp as i32),
            };
            let place = Emitter::place(sum, disp);
            return Operand { segment, ..place };
        }
        // What is far away even for trusted code has to come round.
        let cut = cuts || i32::try_from(sum.disp).is_err();
        let width = if cut { Width::W32 } else { Width::W64 };
        match (sum.base, sum.index, near) {
            (Some(base), None, Some(disp)) => {
                self.compute_sum(width, fixed::RCX, Sum::of(base));
                Operand::fenced(fixed::RCX, disp)
            }
            _ => {
                self.compute_sum(width, fixed::RCX, sum);
                Operand::fenced(fixed::RCX, 0)
            }
        }
    }

    /// Holds an access against the window of its granule; the operand if it is
    /// inside. Otherwise control goes to `slow`, with the address in rcx.
    fn checked(&mut self, size: Size, access: Access, sum: Sum, slow: DynamicLabel) -> Operand {
        const {
            assert!(vm::memory::WINDOW_BYTES == 32 && vm::memory::GRANULE == 1 << 16);
        }
        self.compute_sum(Width::W64, fixed::RCX, sum);
        let limit = match access {
            Access::Read => 4,
            Access::Write => 8,
        };
        let bytes = size.bytes() as i8;
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops
            ; .arch x64
            ; mov rdx, rcx
            ; shr rdx, 16
            ; cmp rdx, DWORD 0xffff
            ; ja =>slow
            ; shl edx, 5
            ; add rdx, [r12 + offset::WINDOWS]
            ; mov r11d, ecx
            ; sub r11d, [rdx]
            ; add r11, BYTE bytes
            ; mov edx, [rdx + limit]
            ; cmp rdx, r11
            ; jb =>slow
        );
        Operand {
            index: Some((fixed::RCX, 0)),
            ..Operand::host(fixed::R12, 0)
        }
    }

    pub(super) fn slow_load(&mut self, site: u32, dst: u8, sign: Option<Size>, back: DynamicLabel) {
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; mov edx, site as i32);
        self.call_to(Routine::SlowLoad);
        let ops = &mut self.tables.asm.ops;
        match sign {
            Some(Size::B1) => dynasm!(ops ; .arch x64 ; movsx Rq(dst), cl),
            Some(Size::B2) => dynasm!(ops ; .arch x64 ; movsx Rq(dst), cx),
            Some(Size::B4) => dynasm!(ops ; .arch x64 ; movsxd Rq(dst), ecx),
            _ => dynasm!(ops ; .arch x64 ; mov Rq(dst), rcx),
        }
        dynasm!(ops ; .arch x64 ; jmp =>back);
    }

    pub(super) fn slow_store(&mut self, site: u32, src: Source, _: Size, back: DynamicLabel) {
        match src {
            Source::Reg(src) => self.copy(Width::W64, fixed::R11, src),
            Source::Imm(imm) => self.constant(fixed::R11, i64::from(imm) as u64),
        }
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; mov edx, site as i32);
        self.call_to(Routine::SlowStore);
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; jmp =>back);
    }

    pub(super) fn atomic(
        &mut self,
        number: u32,
        op: AtomicOp,
        width: Width,
        base: Reg,
        offset: i16,
        src: Reg,
    ) {
        if self.is_checked() {
            return self.rare(number);
        }
        let sum = Sum::of(base).plus(offset.into());
        let size = match width {
            Width::W32 => Size::B4,
            Width::W64 => Size::B8,
        };
        let what = self.what(size, Access::Read, sum);
        let opcode: &'static [u8] = match op {
            AtomicOp::Add { fetch: false } => &[0x01],
            AtomicOp::Or { fetch: false } => &[0x09],
            AtomicOp::And { fetch: false } => &[0x21],
            AtomicOp::Xor { fetch: false } => &[0x31],
            AtomicOp::Add { fetch: true } => &[0x0f, 0xc1],
            AtomicOp::Xchg => &[0x87],
            AtomicOp::Cmpxchg => &[0x0f, 0xb1],
            AtomicOp::Or { .. } | AtomicOp::And { .. } | AtomicOp::Xor { .. } => {
                return self.fetch_by_loop(number, op, width, sum, src);
            }
        };
        let at = self.operand(sum);
        self.site(number, what);
        let form = Form {
            opcode,
            wide: width == Width::W64,
            lock: true,
            ..PLAIN
        };
        self.tables.asm.memory(form, host(src), at);
        if op == AtomicOp::Cmpxchg && width == Width::W32 {
            // When they were equal, eax was not written.
            let ops = &mut self.tables.asm.ops;
            dynasm!(ops ; .arch x64 ; mov eax, eax);
        }
    }

    /// Operations that x86 cannot do together with a fetch.
    fn fetch_by_loop(&mut self, number: u32, op: AtomicOp, width: Width, sum: Sum, src: Reg) {
        let size = match width {
            Width::W32 => Size::B4,
            Width::W64 => Size::B8,
        };
        // The host's address, since it takes all scratch registers to keep the
        // parts of it apart from rax.
        let wide = self.settings.options.mode == Mode::Trusted;
        let place = Emitter::place(sum, sum.disp as i32);
        self.tables
            .asm
            .memory(Form { wide, ..LEA }, fixed::RCX, place);
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops
            ; .arch x64
            ; add rcx, r12
            ; mov r11, rax
        );
        let at = Operand::host(fixed::RCX, 0);
        let what = self.what(size, Access::Read, sum);
        self.site(number, what);
        self.tables
            .asm
            .memory(load_form(size, false), fixed::RAX, at);
        let again = self.tables.asm.label();
        self.tables.asm.bind(again);
        let value = match host(src) {
            fixed::RAX => fixed::R11,
            src => src,
        };
        let ops = &mut self.tables.asm.ops;
        by_reg!(ops, mov, width, fixed::RDX, fixed::RAX);
        match op {
            AtomicOp::Or { .. } => by_reg!(ops, or, width, fixed::RDX, value),
            AtomicOp::And { .. } => by_reg!(ops, and, width, fixed::RDX, value),
            _ => by_reg!(ops, xor, width, fixed::RDX, value),
        }
        let form = Form {
            opcode: &[0x0f, 0xb1],
            wide: width == Width::W64,
            lock: true,
            ..PLAIN
        };
        self.tables.asm.memory(form, fixed::RDX, at);
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; jne =>again);
        if host(src) == fixed::RAX {
            if width == Width::W32 {
                dynasm!(ops ; .arch x64 ; mov eax, eax);
            }
        } else {
            by_reg!(ops, mov, width, host(src), fixed::RAX);
            dynasm!(ops ; .arch x64 ; mov rax, r11);
        }
    }

    /// An instruction that the runtime runs.
    pub(super) fn rare(&mut self, number: u32) {
        self.values.keeps(RegSet::NONE);
        let site = self.site(number, What::Rare);
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; mov edx, site as i32);
        self.call_to(Routine::Rare);
    }

    pub(super) fn load_packet(&mut self, number: u32) {
        self.rare(number);
        let on = self.tables.asm.label();
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; test ecx, ecx ; jz =>on);
        self.exit();
        self.tables.asm.bind(on);
    }
}
