//! Short programs about numbers: what exercises the scalar domain, links between
//! registers, precision and pruning most densely.
//!
//! The program reads numbers of all sizes from the packet, forgets the pointers
//! and computes: arithmetic in both widths, branches, copies a constant apart,
//! spills whole and narrow, loops, calls. Now and then a number that is bounded by
//! a mask or a branch becomes an offset into the stack, so that something depends
//! on it. Every register holds a number or nothing, so nearly every program is
//! accepted.

use abi::{AttachType, ProgType, Program};
use isa::{AluOp, AtomicOp, CmpOp, EndianOp, Insn, Operand, Reg, Size, Width};

use super::emit::{Emit, Label};
use super::typed::OPERATIONS;
use crate::families::Random;

/// Numbers of eight bytes that the program reads from the packet.
pub(crate) const NUMBERS: usize = 8;
/// Bytes of stack that are used.
const STACK: i32 = 64;
/// How deep branches and loops may nest.
const DEEPEST: u32 = 3;
/// Stops the growth of a program.
const LARGEST: usize = 120;
/// Sizes of what is spilled and filled.
const SPILLED: [Size; 7] = [
    Size::B8,
    Size::B8,
    Size::B8,
    Size::B4,
    Size::B4,
    Size::B2,
    Size::B1,
];
const SIZES: [Size; 4] = [Size::B1, Size::B2, Size::B4, Size::B8];

/// Writes a program.
pub(super) fn program(random: &mut Random) -> Program {
    let mut writer = Writer {
        emit: Emit::default(),
        live: 0,
        locked: 0,
        nested: 0,
        in_loop: false,
        branches: 0,
        depth: 0,
        functions: Vec::new(),
        random,
    };
    writer.write();
    let code = writer.emit.finish();
    Program {
        name: "numbers".to_owned(),
        attach_type: Some(AttachType::Xdp),
        ..Program::bare(ProgType::Xdp, code)
    }
}

struct Writer<'r> {
    random: &'r mut Random,
    emit: Emit,
    /// Registers with numbers.
    live: u16,
    /// Registers that may not be written: counters of loops.
    locked: u16,
    nested: u32,
    in_loop: bool,
    /// Branches that the loop may still have.
    branches: u32,
    /// Calls around.
    depth: u32,
    /// Functions that are still to be written, with the calls around them.
    functions: Vec<(Label, u32)>,
}

impl Writer<'_> {
    fn write(&mut self) {
        let out = self.emit.label();
        self.read_numbers(out);
        let statements = self.random.pick(&[4, 8, 8, 12, 16, 24]);
        self.statements(statements);
        self.leave();
        self.emit.place(out);
        self.number_in(Reg::R0, 1);
        self.emit.insn(Insn::Exit);
        let mut next = 0;
        while next < self.functions.len() {
            let (label, depth) = self.functions[next];
            self.function(label, depth);
            next += 1;
        }
    }

    /// Numbers from the packet into some registers.
    fn read_numbers(&mut self, out: Label) {
        let data = self.random.pick(&[Reg::R2, Reg::R6, Reg::R0]);
        let (end, limit) = (Reg::R3, Reg::R4);
        self.emit.load(Size::B4, false, end, Reg::R1, 4);
        self.emit.load(Size::B4, false, data, Reg::R1, 0);
        self.emit
            .alu(AluOp::Mov, Width::W64, limit, Operand::Reg(data));
        self.emit.alu(
            AluOp::Add,
            Width::W64,
            limit,
            Operand::Imm(8 * NUMBERS as i32),
        );
        self.emit
            .branch(CmpOp::Gt, Width::W64, limit, Operand::Reg(end), out);
        let count = 2 + self.random.below(4);
        for _ in 0..count {
            let reg = self.random.pick(&Reg::ALL[..10]);
            if reg == data {
                continue;
            }
            let size = self.random.pick(&[Size::B1, Size::B4, Size::B8, Size::B8]);
            let signed = size != Size::B8 && self.random.percent(20);
            let offset = 8 * self.random.below(NUMBERS as u64) as i16;
            self.emit.load(size, signed, reg, data, offset);
            self.live |= bit(reg);
        }
        self.emit.load(Size::B8, false, data, data, 0);
        self.live |= bit(data);
        for pointer in [Reg::R1, end, limit] {
            if self.live & bit(pointer) == 0 && self.random.percent(50) {
                self.fresh(pointer);
            }
        }
    }

    fn statements(&mut self, count: u32) {
        for _ in 0..count {
            if self.emit.len() > LARGEST {
                return;
            }
            self.statement();
        }
    }

    fn statement(&mut self) {
        // Each branch in a loop may double the paths of each round.
        let kind = match self.in_loop && self.branches == 0 {
            true => self.random.below(45),
            false => self.random.below(100),
        };
        match kind {
            0..=34 => self.arithmetic(),
            35..=44 => self.copy(),
            45..=62 => self.block(),
            63 => self.choice(),
            64 => self.compared_index(),
            65..=71 => self.spill(),
            72..=78 => self.fill(),
            79..=86 => self.index(),
            87..=90 => self.counted(),
            91 => self.may_goto(),
            92..=93 => self.call(),
            94 => self.known_bits(),
            95 => self.atomic(),
            96 => self.fetched_index(),
            97..=98 => self.out(),
            _ => {
                let reg = self.target();
                self.fresh(reg);
            }
        }
    }

    // Numbers.

    fn arithmetic(&mut self) {
        for _ in 0..1 + self.random.below(2) {
            let dst = self.changed();
            let width = self.width();
            match self.random.below(16) {
                0 => self.emit.insn(Insn::Neg { width, dst }),
                1 => {
                    let src = self.operand();
                    let bits = match width {
                        Width::W32 => self.random.pick(&[8, 16]),
                        Width::W64 => self.random.pick(&[8, 16, 32]),
                    };
                    self.emit.insn(Insn::Movsx {
                        width,
                        bits,
                        dst,
                        src,
                    });
                }
                2 => {
                    let op = self
                        .random
                        .pick(&[EndianOp::Le, EndianOp::Be, EndianOp::Bswap]);
                    let bits = self.random.pick(&[16, 32, 64]);
                    self.emit.insn(Insn::Endian { op, bits, dst });
                }
                _ => self.binary(dst, width),
            }
        }
    }

    fn binary(&mut self, dst: Reg, width: Width) {
        let op = self.random.pick(&OPERATIONS);
        let src = match self.random.percent(45) {
            true => Operand::Reg(self.operand()),
            false => Operand::Imm(self.immediate(op, width)),
        };
        self.emit.alu(op, width, dst, src);
    }

    fn immediate(&mut self, op: AluOp, width: Width) -> i32 {
        let bits = width.bits().into();
        match op {
            AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => self.random.below(bits) as i32,
            AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod => match self.constant() {
                0 => 3,
                other => other,
            },
            AluOp::And if self.random.percent(60) => {
                self.random.pick(&[1, 3, 7, 15, 31, 0x7f, 255, -8, -256])
            }
            AluOp::Add | AluOp::Sub if self.random.percent(60) => self.random.below(20) as i32 - 8,
            _ => self.constant(),
        }
    }

    fn constant(&mut self) -> i32 {
        self.random.edge() as i32
    }

    /// A copy, perhaps a constant apart.
    fn copy(&mut self) {
        let src = self.operand();
        let dst = self.target();
        let width = match self.random.percent(20) {
            true => Width::W32,
            false => Width::W64,
        };
        self.emit.alu(AluOp::Mov, width, dst, Operand::Reg(src));
        self.live |= bit(dst);
        if self.random.percent(40) {
            let by = self.random.below(16) as i32 - 4;
            let width = self.width();
            self.emit.alu(AluOp::Add, width, dst, Operand::Imm(by));
        }
    }

    /// A number from nowhere.
    fn fresh(&mut self, reg: Reg) {
        let value = match self.random.percent(50) {
            true => self.random.below(16) as i32,
            false => self.constant(),
        };
        self.number_in(reg, value);
    }

    /// A number that is 0 or -1, and a constant: how compilers write a choice.
    fn choice(&mut self) {
        self.branches = self.branches.saturating_sub(1);
        let (dst, width) = (self.changed(), self.width());
        let sign = width.bits() as i32 - 1;
        self.emit.alu(AluOp::Arsh, width, dst, Operand::Imm(sign));
        let op = self.random.pick(&[AluOp::Or, AluOp::And]);
        let (width, constant) = (self.width(), self.constant());
        self.emit.alu(op, width, dst, Operand::Imm(constant));
    }

    /// A number with some bits known, compared with one that lies between its ends
    /// and differs in a known bit.
    fn known_bits(&mut self) {
        let dst = self.changed();
        let most = self.random.pick(&[7, 15, 255]);
        let bit = self.random.pick(&[1, 2, 4]);
        self.emit.alu(AluOp::Or, Width::W64, dst, Operand::Imm(bit));
        self.emit
            .alu(AluOp::And, Width::W64, dst, Operand::Imm(most));
        let other = match self.random.percent(50) {
            true => most - bit,
            false => self.random.below(most as u64) as i32 & !bit,
        };
        let (op, width) = (self.random.pick(&[CmpOp::Ne, CmpOp::Eq]), self.width());
        self.branches = self.branches.saturating_sub(1);
        let skip = self.emit.label();
        self.emit.branch(op, width, dst, Operand::Imm(other), skip);
        let live = self.live;
        self.arithmetic();
        self.live &= live;
        self.emit.place(skip);
    }

    // Branches and loops.

    fn branch(&mut self, to: Label) {
        self.branches = self.branches.saturating_sub(1);
        let op = self.random.pick(&CmpOp::ALL);
        let width = self.width();
        let dst = self.operand();
        let src = match self.random.percent(30) {
            true => Operand::Reg(self.operand()),
            false => Operand::Imm(match self.random.percent(50) {
                true => self.random.below(20) as i32 - 2,
                false => self.constant(),
            }),
        };
        self.emit.branch(op, width, dst, src, to);
    }

    fn block(&mut self) {
        if self.nested >= DEEPEST {
            return self.arithmetic();
        }
        self.nested += 1;
        let other = self.emit.label();
        self.branch(other);
        let before = self.live;
        let count = 1 + self.random.below(3) as u32;
        self.statements(count);
        if self.random.percent(40) {
            let end = self.emit.label();
            self.emit.jump(end);
            self.emit.place(other);
            let fallen = std::mem::replace(&mut self.live, before);
            let count = 1 + self.random.below(3) as u32;
            self.statements(count);
            self.live &= fallen;
            self.emit.place(end);
        } else {
            self.live &= before;
            self.emit.place(other);
        }
        self.nested -= 1;
    }

    /// A loop with a counter.
    fn counted(&mut self) {
        if self.in_loop || self.nested >= DEEPEST {
            return self.block();
        }
        let counter = self.target();
        let times = 1 + self.random.below(4) as i32;
        self.number_in(counter, 0);
        let again = self.emit.label();
        self.emit.place(again);
        let locked = self.locked;
        self.locked |= bit(counter);
        let branches = self.random.below(2) as u32;
        self.inside(branches);
        self.emit
            .alu(AluOp::Add, Width::W64, counter, Operand::Imm(1));
        let op = self.random.pick(&[CmpOp::Lt, CmpOp::Ne, CmpOp::Slt]);
        let width = self.width();
        self.emit
            .branch(op, width, counter, Operand::Imm(times), again);
        self.locked = locked;
    }

    fn may_goto(&mut self) {
        if self.in_loop || self.nested >= DEEPEST {
            return self.arithmetic();
        }
        let (again, out) = (self.emit.label(), self.emit.label());
        self.emit.place(again);
        self.emit.may_goto(out);
        // What is live before must be after each round.
        let live = self.live;
        let branches = u32::from(self.random.percent(5));
        self.inside(branches);
        if self.random.percent(70) {
            self.branch(out);
        }
        self.emit.jump(again);
        self.live = live;
        self.emit.place(out);
    }

    /// The body of a loop: what holds a number before it, does after it.
    fn inside(&mut self, branches: u32) {
        self.nested += 1;
        self.in_loop = true;
        self.branches = branches;
        let live = self.live;
        let count = 1 + self.random.below(4) as u32;
        self.statements(count);
        self.in_loop = false;
        for reg in Reg::ALL {
            if (live & !self.live) & bit(reg) != 0 {
                self.fresh(reg);
            }
        }
        self.live = live;
        self.nested -= 1;
    }

    /// Ends the function early.
    fn out(&mut self) {
        let on = self.emit.label();
        self.branch(on);
        let live = self.live;
        self.leave();
        self.live = live;
        self.emit.place(on);
    }

    fn leave(&mut self) {
        if self.live & 1 == 0 {
            let src = self.operand();
            self.emit
                .alu(AluOp::Mov, Width::W64, Reg::R0, Operand::Reg(src));
        }
        self.emit.insn(Insn::Exit);
    }

    // The stack.

    fn slot(&mut self) -> i16 {
        -8 * (1 + self.random.below(4) as i16)
    }

    /// Where in a slot something of this size is: at its start in so many of a
    /// hundred.
    fn within(&mut self, size: Size, at_start: u64) -> i16 {
        let place = self.random.below(8 / u64::from(size.bytes())) as i16;
        match self.random.percent(at_start) {
            true => 0,
            false => place * size.bytes() as i16,
        }
    }

    fn spill(&mut self) {
        let at = self.slot();
        let size = self.random.pick(&SPILLED);
        let src = match self.random.percent(85) {
            true => Operand::Reg(self.operand()),
            false => Operand::Imm(self.random.pick(&[0, 0, 1, -1, 7])),
        };
        let within = self.within(size, 75);
        self.emit.insn(Insn::Store {
            size,
            base: Reg::FP,
            offset: at + within,
            src,
        });
    }

    fn fill(&mut self) {
        let at = self.slot();
        let size = self.random.pick(&SPILLED);
        let signed = size != Size::B8 && self.random.percent(20);
        let within = self.within(size, 80);
        let dst = self.target();
        self.emit.load(size, signed, dst, Reg::FP, at + within);
        self.live |= bit(dst);
    }

    fn atomic(&mut self) {
        let offset = self.slot();
        let src = self.changed();
        let op = self.random.pick(&[
            AtomicOp::Add { fetch: false },
            AtomicOp::Add { fetch: true },
            AtomicOp::Or { fetch: true },
            AtomicOp::And { fetch: true },
            AtomicOp::Xor { fetch: true },
            AtomicOp::Xchg,
            AtomicOp::Cmpxchg,
        ]);
        if op == AtomicOp::Cmpxchg && (self.live & 1 == 0 || self.locked & 1 != 0) {
            return self.arithmetic();
        }
        let width = self.width();
        self.emit.insn(Insn::Atomic {
            op,
            width,
            base: Reg::FP,
            offset,
            src,
        });
    }

    /// An atomic operation fetches a small number, which differs by path, for an
    /// offset into the stack.
    fn fetched_index(&mut self) {
        let (offset, pointer, fetched) = (self.slot(), self.target(), self.target());
        if pointer == fetched {
            return self.atomic();
        }
        let join = self.emit.label();
        let numbers = [0, 1, 2, 3, 5, 7];
        let first = self.random.pick(&numbers);
        self.store_number(offset, first);
        self.branch(join);
        let second = self.random.pick(&numbers);
        self.store_number(offset, second);
        self.emit.place(join);
        let operand = self.random.pick(&[0, 1, 3]);
        self.number_in(fetched, operand);
        let op = self
            .random
            .pick(&[AtomicOp::Add { fetch: true }, AtomicOp::Xchg]);
        let (width, base, src) = (Width::W64, Reg::FP, fetched);
        self.emit.insn(Insn::Atomic {
            op,
            width,
            base,
            offset,
            src,
        });
        self.emit
            .alu(AluOp::Mov, Width::W64, pointer, Operand::Reg(Reg::FP));
        self.emit
            .alu(AluOp::Add, Width::W64, pointer, Operand::Reg(fetched));
        self.emit
            .load(Size::B1, false, pointer, pointer, -(STACK as i16));
        self.live |= bit(pointer);
    }

    /// A number that differs by path bounds another one, for an offset into the
    /// stack.
    fn compared_index(&mut self) {
        let (index, bound, pointer) = (self.changed(), self.target(), self.target());
        if index == bound || index == pointer || bound == pointer {
            return self.index();
        }
        let (join, skip) = (self.emit.label(), self.emit.label());
        let numbers = [0, 1, 2, 5, 9, 14];
        let first = self.random.pick(&numbers);
        self.number_in(bound, first);
        self.branch(join);
        let second = self.random.pick(&numbers);
        self.number_in(bound, second);
        self.emit.place(join);
        let bound = Operand::Reg(bound);
        if self.random.percent(50) {
            self.emit
                .alu(AluOp::And, Width::W64, index, Operand::Imm(15));
        }
        let (op, width) = (self.random.pick(&[CmpOp::Gt, CmpOp::Ge]), self.width());
        self.branches = self.branches.saturating_sub(1);
        self.emit.branch(op, width, index, bound, skip);
        self.emit
            .alu(AluOp::Mov, Width::W64, pointer, Operand::Reg(Reg::FP));
        self.emit
            .alu(AluOp::Add, Width::W64, pointer, Operand::Reg(index));
        self.emit
            .load(Size::B1, false, pointer, pointer, -(STACK as i16));
        // On the way around it the register may hold nothing.
        self.live &= !bit(pointer);
        self.emit.place(skip);
    }

    fn store_number(&mut self, offset: i16, number: i32) {
        self.emit.insn(Insn::Store {
            size: Size::B8,
            base: Reg::FP,
            offset,
            src: Operand::Imm(number),
        });
    }

    /// A number as an offset into the stack, bounded in some way.
    fn index(&mut self) {
        let number = self.operand();
        let pointer = self.target();
        if pointer == number || self.locked & bit(pointer) != 0 {
            return self.arithmetic();
        }
        let skip = self.emit.label();
        let most = self.random.pick(&[7, 15, 31]);
        let way = self.random.below(4);
        let bounded = match way {
            0 if self.locked & bit(number) == 0 => {
                self.emit
                    .alu(AluOp::And, Width::W64, number, Operand::Imm(most));
                number
            }
            // The number itself, or one that it is linked with, is compared.
            1 | 2 => {
                let same: Vec<Reg> = Reg::ALL[..10]
                    .iter()
                    .copied()
                    .filter(|reg| {
                        (self.live & !self.locked) & bit(*reg) != 0
                            && *reg != number
                            && *reg != pointer
                    })
                    .collect();
                let compared = match same.is_empty() || way == 1 {
                    true => number,
                    false => {
                        let twin = self.random.pick(&same);
                        self.emit
                            .alu(AluOp::Mov, Width::W64, twin, Operand::Reg(number));
                        twin
                    }
                };
                let by = self.random.below(8) as i32;
                if compared != number && self.random.percent(40) {
                    self.emit
                        .alu(AluOp::Add, Width::W64, compared, Operand::Imm(by));
                }
                let width = match self.random.percent(25) {
                    true => Width::W32,
                    false => Width::W64,
                };
                let most = self.random.pick(&[3, 7, 16, 31]);
                self.emit
                    .branch(CmpOp::Gt, width, compared, Operand::Imm(most), skip);
                number
            }
            _ => number,
        };
        self.emit
            .alu(AluOp::Mov, Width::W64, pointer, Operand::Reg(Reg::FP));
        // What is not bounded is refused: seldom on purpose.
        let unbounded = way == 3 && !self.random.percent(10);
        if unbounded {
            self.emit
                .alu(AluOp::Add, Width::W64, pointer, Operand::Imm(-8));
        } else {
            self.emit
                .alu(AluOp::Add, Width::W64, pointer, Operand::Reg(bounded));
        }
        let size = self.random.pick(&SIZES);
        let offset = match unbounded {
            true => 0,
            false => -(STACK as i16),
        };
        if self.random.percent(50) {
            let src = Operand::Imm(self.random.below(3) as i32);
            self.emit.insn(Insn::Store {
                size: Size::B1,
                base: pointer,
                offset,
                src,
            });
            self.number_in(pointer, 3);
        } else {
            let size = if unbounded { size } else { Size::B1 };
            self.emit.load(size, false, pointer, pointer, offset);
        }
        // On the way around it the register may hold nothing.
        self.live &= !bit(pointer);
        self.emit.place(skip);
    }

    // Calls.

    fn call(&mut self) {
        if self.in_loop
            || self.functions.len() >= 2
            || self.depth >= 2
            || self.emit.len() > LARGEST / 2
        {
            return self.arithmetic();
        }
        const CALLED: u16 = 0x3f;
        if self.locked & CALLED != 0 {
            return self.arithmetic();
        }
        for reg in [Reg::R1, Reg::R2, Reg::R3] {
            if self.live & bit(reg) == 0 {
                let src = self.operand();
                self.emit
                    .alu(AluOp::Mov, Width::W64, reg, Operand::Reg(src));
            }
        }
        let label = match self.functions.last() {
            Some((label, depth)) if *depth > self.depth && self.random.percent(30) => *label,
            _ => {
                let label = self.emit.label();
                self.functions.push((label, self.depth + 1));
                label
            }
        };
        self.emit.call(label);
        self.live = self.live & !CALLED | 1;
    }

    fn function(&mut self, label: Label, depth: u32) {
        self.emit.place(label);
        self.live = 0b1110;
        self.depth = depth;
        self.nested = 1;
        let statements = self.random.pick(&[2, 4, 6]);
        self.statements(statements);
        self.nested = 0;
        self.leave();
    }

    // Registers.

    /// A register with a number.
    fn operand(&mut self) -> Reg {
        match self.one_of(self.live) {
            Some(reg) => reg,
            None => self.target_with_number(),
        }
    }

    /// A register with a number that may be changed.
    fn changed(&mut self) -> Reg {
        match self.one_of(self.live & !self.locked) {
            Some(reg) => reg,
            None => self.target_with_number(),
        }
    }

    fn target_with_number(&mut self) -> Reg {
        let reg = self.target();
        self.fresh(reg);
        reg
    }

    /// A register to write to.
    fn target(&mut self) -> Reg {
        self.one_of(0x3ff & !self.locked).unwrap_or(Reg::R0)
    }

    fn one_of(&mut self, regs: u16) -> Option<Reg> {
        let count = regs.count_ones();
        if count == 0 {
            return None;
        }
        let mut left = regs;
        for _ in 0..self.random.below(count.into()) {
            left &= left - 1;
        }
        Reg::new(left.trailing_zeros() as u8)
    }

    fn width(&mut self) -> Width {
        match self.random.percent(40) {
            true => Width::W32,
            false => Width::W64,
        }
    }

    fn number_in(&mut self, reg: Reg, value: i32) {
        self.emit
            .alu(AluOp::Mov, Width::W64, reg, Operand::Imm(value));
        self.live |= bit(reg);
    }
}

fn bit(reg: Reg) -> u16 {
    1 << reg.index()
}
