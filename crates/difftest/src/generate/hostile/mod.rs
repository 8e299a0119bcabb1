//! Programs that no verifier would let through, made for being run: addresses
//! that are mostly good and sometimes just not, all operations on all registers,
//! recursion, loops that do not end, `r10` written to.
//!
//! What a register points to is tracked along the text, not along the paths: it
//! need not hold, only often enough that programs get far.
//!
//! On entry `r1` is the context, `r2` the address of [`MEMORY`] bytes, `r3` to
//! `r5` are numbers; packets have [`PACKET`] bytes.

mod helper;
mod memory;
mod number;

use std::sync::{Arc, OnceLock};

use abi::{AttachType, MapDef, MapType, ProgType, Program};
use isa::{AluOp, CmpOp, Imm64, Insn, Operand, PacketMode, Reg, Size, Width};

use super::emit::{Emit, Label};
use super::legal;
use crate::families::Random;

/// Bytes at `r2`.
pub const MEMORY: u32 = 64;
/// Bytes of a packet.
pub const PACKET: usize = 64;
/// Bytes of the context.
const CONTEXT: i32 = 24;
/// Bytes of a stack.
const STACK: i32 = 512;

/// Index of the map with one value, which programs name directly.
const ONE: i32 = 0;
const ARRAY: i32 = 1;
const HASH: i32 = 2;
const PROGRAMS: i32 = 3;
/// Bytes of a value of each.
const VALUES: [i32; 4] = [64, 48, 16, 4];

/// What a register seems to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Number,
    /// At most this.
    Small(i32),
    /// An address.
    Pointer(Pointer),
    /// A map.
    Map(i32),
}

/// An address somewhere between two distances from where something begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pointer {
    /// The first byte that is good, and the first that no longer is.
    room: (i32, i32),
    low: i32,
    high: i32,
}

impl Pointer {
    fn new(from: i32, to: i32) -> Pointer {
        Pointer {
            room: (from, to),
            low: 0,
            high: 0,
        }
    }
}

/// The maps that all these programs have.
fn maps() -> Arc<[MapDef]> {
    static MAPS: OnceLock<Arc<[MapDef]>> = OnceLock::new();
    let make = || {
        let map = |name: &str, kind, key, value, entries| MapDef {
            name: name.to_owned(),
            ..MapDef::bare(kind, key, value, entries)
        };
        Arc::new([
            map("one", MapType::Array, 4, 64, 1),
            map("array", MapType::Array, 4, 48, 4),
            map("hash", MapType::Hash, 4, 16, 4),
            map("programs", MapType::ProgArray, 4, 4, 4),
        ])
    };
    MAPS.get_or_init(|| make()).clone()
}

/// Writes a program.
pub(super) fn program(random: &mut Random) -> Program {
    let functions = random.pick(&[0, 0, 0, 1, 1, 2, 3]);
    let mut emit = Emit::default();
    let functions: Vec<Label> = (0..functions).map(|_| emit.label()).collect();
    let mut writer = Writer {
        // Some programs never write to the frame pointer, so that it can be
        // relied on; others do so often.
        frame: random.percent(6),
        wild: random.pick(&[0, 0, 2, 10]),
        random,
        emit,
        functions,
        open: Vec::new(),
        passed: Vec::new(),
        holds: [Holds::Number; 11],
    };
    writer.write();
    Program {
        name: "entry".to_owned(),
        section: "xdp".to_owned(),
        attach_type: Some(AttachType::Xdp),
        maps: maps(),
        ..Program::bare(ProgType::Xdp, writer.emit.finish())
    }
}

struct Writer<'r> {
    random: &'r mut Random,
    emit: Emit,
    /// All functions but the first.
    functions: Vec<Label>,
    /// Places ahead that jumps lead to, and after how many statements they come.
    open: Vec<(Label, u64)>,
    /// Places behind.
    passed: Vec<Label>,
    holds: [Holds; 11],
    /// Whether `r10` is written to.
    frame: bool,
    /// How many in a hundred accesses are anywhere.
    wild: u64,
}

impl Writer<'_> {
    fn write(&mut self) {
        self.enter(true);
        if self.random.percent(80) {
            self.mov(Reg::R6, Reg::R1);
            self.mov(Reg::R7, Reg::R2);
            self.emit.insn(Insn::Load {
                size: Size::B4,
                signed: false,
                dst: Reg::R8,
                base: Reg::R6,
                offset: 0,
            });
            self.set(Reg::R8, Holds::Pointer(Pointer::new(0, PACKET as i32)));
        }
        let statements = self.random.pick(&[2, 4, 8, 16, 24, 40]);
        self.body(statements);
        for number in 0..self.functions.len() {
            self.emit.place(self.functions[number]);
            self.enter(false);
            let statements = self.random.pick(&[1, 3, 6, 12]);
            self.body(statements);
        }
    }

    /// What a function finds when it begins.
    fn enter(&mut self, first: bool) {
        self.holds = [Holds::Number; 11];
        self.passed.clear();
        self.set(Reg::R10, Holds::Pointer(Pointer::new(-STACK, 0)));
        self.set(Reg::R2, Holds::Pointer(Pointer::new(0, MEMORY as i32)));
        if first {
            self.set(Reg::R1, Holds::Pointer(Pointer::new(0, CONTEXT)));
        }
    }

    fn body(&mut self, statements: u64) {
        for _ in 0..statements {
            self.places(false);
            self.statement();
        }
        self.places(true);
        if self.random.percent(50) {
            let from = self.any();
            self.mov(Reg::R0, from);
        }
        self.emit.insn(Insn::Exit);
    }

    /// Puts the labels whose time has come.
    fn places(&mut self, all: bool) {
        let mut at = 0;
        while let Some((label, left)) = self.open.get_mut(at) {
            match all || *left == 0 {
                true => {
                    let label = *label;
                    self.open.remove(at);
                    self.emit.place(label);
                }
                false => {
                    *left -= 1;
                    at += 1;
                }
            }
        }
        if self.random.percent(15) {
            let label = self.emit.label();
            self.emit.place(label);
            self.passed.push(label);
        }
    }

    /// Where a jump leads: mostly ahead.
    fn somewhere(&mut self) -> Label {
        if !self.passed.is_empty() && self.random.percent(15) {
            return self.random.pick(&self.passed);
        }
        let label = self.emit.label();
        let after = self.random.below(4);
        self.open.push((label, after));
        label
    }

    fn statement(&mut self) {
        match self.random.below(100) {
            0..=27 => self.arithmetic(),
            28..=33 => self.conversion(),
            34..=39 => self.constant(),
            40..=63 => self.memory(),
            64..=69 => self.atomic(),
            70..=79 => self.branch(),
            80..=82 => self.pointer(),
            83..=88 => self.helper(),
            89..=92 => self.call(),
            93 => self.tail_call(),
            94..=95 => {
                let to = self.somewhere();
                self.emit.may_goto(to);
            }
            96 => self.packet(),
            97 if self.frame => self.write_frame(),
            98 => self.early_exit(),
            _ => self.anything(),
        }
    }

    fn branch(&mut self) {
        if self.random.percent(10) {
            let to = self.somewhere();
            return self.emit.jump(to);
        }
        let op = self.random.pick(&CmpOp::ALL);
        let (width, dst) = (self.width(), self.any());
        let src = self.operand();
        let to = self.somewhere();
        self.emit.branch(op, width, dst, src, to);
    }

    fn early_exit(&mut self) {
        let to = self.emit.label();
        let (dst, imm) = (self.any(), self.random.edge() as i32);
        let op = self.random.pick(&CmpOp::ALL);
        self.emit.branch(op, Width::W64, dst, Operand::Imm(imm), to);
        self.emit.insn(Insn::Exit);
        self.emit.place(to);
    }

    /// A call of one of the functions, or of the one that is running.
    fn call(&mut self) {
        if self.functions.is_empty() {
            return self.arithmetic();
        }
        self.memory_in(Reg::R2);
        let to = self.random.pick(&self.functions);
        self.emit.call(to);
        for reg in &Reg::ALL[..6] {
            self.set(*reg, Holds::Number);
        }
    }

    fn tail_call(&mut self) {
        self.mov(Reg::R1, Reg::R6);
        self.map_in(Reg::R2, PROGRAMS);
        let index = self.random.below(6) as i32;
        self.number_in(Reg::R3, index);
        self.emit.insn(Insn::Call {
            target: isa::CallTarget::Helper(12),
        });
        self.set(Reg::R0, Holds::Number);
    }

    fn packet(&mut self) {
        let size = self.random.pick(&[Size::B1, Size::B2, Size::B4]);
        let imm = self.random.below(72) as i32 - 4;
        let mode = match self.random.percent(50) {
            true => PacketMode::Absolute,
            false => PacketMode::Indirect(self.any()),
        };
        self.emit.insn(Insn::LoadPacket { mode, size, imm });
        self.set(Reg::R0, Holds::Number);
    }

    /// Moves the frame pointer, mostly within the stack.
    fn write_frame(&mut self) {
        let by = self.random.pick(&[-64, -8, -1, 8, 64, 0x10000, -0x10000]);
        let width = self.width();
        self.emit.insn(Insn::Alu {
            op: AluOp::Add,
            width,
            dst: Reg::R10,
            src: Operand::Imm(by),
        });
    }

    /// An instruction of any row of the table, or a slot of any bits.
    fn anything(&mut self) {
        if self.random.percent(3) {
            let slot = isa::Slot {
                opcode: self.random.number() as u8,
                dst: self.random.below(12) as u8,
                src: self.random.below(12) as u8,
                offset: self.random.below(3) as i16,
                imm: self.random.below(3) as i32,
            };
            return self.emit.slot(slot);
        }
        for slot in legal::insn(&Reg::ALL[..10], self.random) {
            self.emit.slot(slot);
        }
    }

    // Registers.

    fn get(&self, reg: Reg) -> Holds {
        self.holds[reg.index()]
    }

    fn set(&mut self, reg: Reg, holds: Holds) {
        self.holds[reg.index()] = holds;
    }

    fn any(&mut self) -> Reg {
        self.random.pick(&Reg::ALL[..10])
    }

    /// A register to write to, mostly one without an address.
    fn target(&mut self) -> Reg {
        let reg = self.any();
        match self.get(reg) {
            Holds::Pointer(_) | Holds::Map(_) if self.random.percent(75) => self.any(),
            _ => reg,
        }
    }

    fn width(&mut self) -> Width {
        self.random.pick(&[Width::W32, Width::W64])
    }

    fn operand(&mut self) -> Operand {
        match self.random.percent(55) {
            true => Operand::Reg(self.any()),
            false => Operand::Imm(self.random.edge() as i32),
        }
    }

    fn mov(&mut self, dst: Reg, src: Reg) {
        let width = match self.random.percent(80) {
            true => Width::W64,
            false => Width::W32,
        };
        self.emit.insn(Insn::Alu {
            op: AluOp::Mov,
            width,
            dst,
            src: Operand::Reg(src),
        });
        let holds = self.get(src);
        self.set(dst, holds);
    }

    fn number_in(&mut self, dst: Reg, imm: i32) {
        self.emit.insn(Insn::Alu {
            op: AluOp::Mov,
            width: Width::W64,
            dst,
            src: Operand::Imm(imm),
        });
        self.set(dst, Holds::Small(imm.max(0)));
    }

    fn map_in(&mut self, dst: Reg, index: i32) {
        self.emit.insn(Insn::LoadImm {
            dst,
            imm: Imm64::MapIndex { index },
        });
        self.set(dst, Holds::Map(index));
    }

    /// The address of some memory that can be read and written.
    fn memory_in(&mut self, dst: Reg) {
        let pointer = match self.random.percent(50) {
            true => self.pointer_register(),
            false => Some(Reg::R10),
        };
        let src = pointer.unwrap_or(Reg::R10);
        if src != dst {
            self.mov(dst, src);
        }
        if let Holds::Pointer(pointer) = self.get(dst) {
            let (low, high) = pointer.room;
            let at = low - pointer.low + 8 * self.random.below(((high - low) / 8) as u64) as i32;
            self.add(dst, at);
        }
    }
}
