//! Accesses to memory.

use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, dynasm};
use isa::{AtomicOp, Operand as Src, Reg, Size, Width};
use vm::Access;

use super::alu::by_reg;
use super::asm::{Form, Operand, Segment, host as fixed};
use super::{Address as Runtime, Emitter, Rarely, host};
use crate::Mode;
use crate::context::offset;
use crate::site::{Address, What};

/// What a store writes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    Reg(u8),
    Imm(i32),
}

impl From<Src> for Source {
    fn from(src: Src) -> Source {
        match src {
            Src::Reg(reg) => Source::Reg(host(reg)),
            Src::Imm(imm) => Source::Imm(imm),
        }
    }
}

const PLAIN: Form = Form {
    opcode: &[],
    wide: false,
    short: false,
    byte: false,
    lock: false,
};
const LEA: Form = Form {
    opcode: &[0x8d],
    wide: true,
    ..PLAIN
};

/// A load to a 64-bit register, extended.
fn load_form(size: Size, signed: bool) -> Form {
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

impl Emitter<'_> {
    pub(super) fn load(
        &mut self,
        number: u32,
        size: Size,
        signed: bool,
        dst: Reg,
        base: Reg,
        offset: i16,
    ) {
        let form = load_form(size, signed);
        let dst = host(dst);
        let what = what(size, Access::Read, base, offset);
        if !self.needs_check(size, base, offset) {
            let at = self.operand(base, offset);
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
        let at = self.checked(size, Access::Read, base, offset, slow);
        self.tables.asm.memory(form, dst, at);
        self.tables.asm.bind(back);
    }

    pub(super) fn store(&mut self, number: u32, size: Size, base: Reg, offset: i16, src: Src) {
        let src = Source::from(src);
        let what = what(size, Access::Write, base, offset);
        if !self.needs_check(size, base, offset) {
            let at = self.operand(base, offset);
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
        let at = self.checked(size, Access::Write, base, offset, slow);
        self.write(size, src, at);
        self.tables.asm.bind(back);
    }

    fn write(&mut self, size: Size, src: Source, at: Operand) {
        match src {
            Source::Reg(src) => {
                let form = sized(size, &[0x88], &[0x89]);
                self.tables.asm.memory(form, src, at);
            }
            Source::Imm(imm) => {
                let form = Form {
                    byte: false,
                    ..sized(size, &[0xc6], &[0xc7])
                };
                self.tables.asm.memory(form, 0, at);
                let bytes = imm.to_le_bytes();
                let len = (size.bytes() as usize).min(4);
                self.tables.asm.ops.extend(&bytes[..len]);
            }
        }
    }

    /// Whether an access has to be looked at when it is made: all but those of the
    /// function's own stack.
    pub(super) fn needs_check(&self, size: Size, base: Reg, offset: i16) -> bool {
        let low = -(abi::limits::STACK_BYTES as i32);
        let offset = i32::from(offset);
        let own =
            base == Reg::FP && !self.moves_fp && offset >= low && offset + size.bytes() as i32 <= 0;
        self.is_checked() && !own
    }

    /// An operand whose address needs no check. Uses rcx and r11.
    pub(super) fn operand(&mut self, base: Reg, offset: i16) -> Operand {
        let disp = i32::from(offset);
        let is_stack = base == Reg::FP && !self.moves_fp;
        let cuts = self.settings.options.mode != Mode::Trusted && !is_stack;
        let base = host(base);
        if self.settings.gs && !self.is_checked() {
            return Operand {
                segment: if cuts { Segment::Gs32 } else { Segment::Gs },
                base,
                index: None,
                disp,
            };
        }
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; mov r11, [r12 + offset::BASE]);
        let (index, disp) = if cuts {
            let lea = Form { wide: false, ..LEA };
            let sum = Operand::host(base, disp);
            self.tables.asm.memory(lea, fixed::RCX, sum);
            (fixed::RCX, 0)
        } else {
            (base, disp)
        };
        Operand {
            segment: Segment::Host,
            base: fixed::R11,
            index: Some((index, 0)),
            disp,
        }
    }

    /// Holds an access against the window of its granule; the operand if it is
    /// inside. Otherwise control goes to `slow`, with the address in rcx.
    fn checked(
        &mut self,
        size: Size,
        access: Access,
        base: Reg,
        offset: i16,
        slow: DynamicLabel,
    ) -> Operand {
        const {
            assert!(vm::memory::WINDOW_BYTES == 32 && vm::memory::GRANULE == 1 << 16);
        }
        let sum = Operand::host(host(base), offset.into());
        self.tables.asm.memory(LEA, fixed::RCX, sum);
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
            ; mov r11, [r12 + offset::BASE]
        );
        Operand {
            segment: Segment::Host,
            base: fixed::R11,
            index: Some((fixed::RCX, 0)),
            disp: 0,
        }
    }

    pub(super) fn slow_load(&mut self, site: u32, dst: u8, sign: Option<Size>, back: DynamicLabel) {
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; mov edx, site as i32);
        self.call_to(Runtime::SlowLoad);
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
        let ops = &mut self.tables.asm.ops;
        match src {
            Source::Reg(src) => dynasm!(ops ; .arch x64 ; mov r11, Rq(src)),
            Source::Imm(imm) => dynasm!(ops ; .arch x64 ; mov r11, DWORD imm),
        }
        dynasm!(ops ; .arch x64 ; mov edx, site as i32);
        self.call_to(Runtime::SlowStore);
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
        let size = match width {
            Width::W32 => Size::B4,
            Width::W64 => Size::B8,
        };
        let what = what(size, Access::Read, base, offset);
        let opcode: &'static [u8] = match op {
            AtomicOp::Add { fetch: false } => &[0x01],
            AtomicOp::Or { fetch: false } => &[0x09],
            AtomicOp::And { fetch: false } => &[0x21],
            AtomicOp::Xor { fetch: false } => &[0x31],
            AtomicOp::Add { fetch: true } => &[0x0f, 0xc1],
            AtomicOp::Xchg => &[0x87],
            AtomicOp::Cmpxchg => &[0x0f, 0xb1],
            AtomicOp::Or { .. } | AtomicOp::And { .. } | AtomicOp::Xor { .. } => {
                return self.fetch_by_loop(number, op, width, base, offset, src);
            }
        };
        let at = self.operand(base, offset);
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
    fn fetch_by_loop(
        &mut self,
        number: u32,
        op: AtomicOp,
        width: Width,
        base: Reg,
        offset: i16,
        src: Reg,
    ) {
        let size = match width {
            Width::W32 => Size::B4,
            Width::W64 => Size::B8,
        };
        // The host's address, since it takes all scratch registers to keep the
        // parts of it apart from rax.
        let wide = self.settings.options.mode == Mode::Trusted;
        let sum = Operand::host(host(base), offset.into());
        self.tables
            .asm
            .memory(Form { wide, ..LEA }, fixed::RCX, sum);
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops
            ; .arch x64
            ; add rcx, [r12 + offset::BASE]
            ; mov r11, rax
        );
        let at = Operand::host(fixed::RCX, 0);
        self.site(number, what(size, Access::Read, base, offset));
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
        let site = self.site(number, What::Rare);
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; mov edx, site as i32);
        self.call_to(Runtime::Rare);
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

/// What an access is, for the table of sites.
fn what(size: Size, access: Access, base: Reg, offset: i16) -> What {
    What::Access {
        size: size.bytes() as u8,
        access,
        address: Address {
            base: Some(host(base)),
            index: None,
            disp: offset.into(),
        },
    }
}
