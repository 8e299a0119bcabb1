//! Programs that mean something: each statement is written for what the registers
//! and the stack hold at its place ([`State`]).
//!
//! Where two paths meet, [`State::join`] keeps what both have; the body of a loop
//! begins with nothing but what it cannot change. So everything that is written
//! is true on every path, unless the dial says otherwise: then a check is left out
//! here and there, or something random put in.

mod access;
mod arithmetic;
mod call;
mod control;
mod helper;
mod map;
mod object;
mod packet;

use abi::{Extern, ExternKind, FuncInfo, Program, SymbolRange};
use btf::TypeId;
use isa::{AluOp, Imm64, Insn, Operand, Pc, Reg, Size, Width};

use super::emit::Emit;
use super::flavor::Flavor;
use super::held::{Area, Held, Range, State, What};
use super::pool::Pool;
use super::{Dial, legal};
use crate::families::Random;
use call::Function;

pub(super) use arithmetic::OPERATIONS;

/// Stops the growth of a program.
const LARGEST: usize = 600;
/// How deep blocks, loops and calls may nest.
const DEEPEST: u32 = 4;

/// Writes a program.
pub(super) fn program(dial: Dial, random: &mut Random) -> Program {
    let flavors = Flavor::all();
    let at = match random.percent(50) {
        true => random.below(3),
        false => random.below(flavors.len() as u64),
    } as usize;
    of_flavor(at, dial, random)
}

/// Writes a program of XDP that a machine without kernel functions runs.
pub(super) fn xdp(dial: Dial, random: &mut Random) -> Program {
    of_flavor(Flavor::XDP, dial, random)
}

fn of_flavor(at: usize, dial: Dial, random: &mut Random) -> Program {
    let flavors = Flavor::all();
    let mut writer = Writer {
        emit: Emit::default(),
        state: State::entry(0),
        frame: Frame::new(random, 0),
        functions: Vec::new(),
        ids: 0,
        externs: Vec::new(),
        typed: random.percent(40),
        flavor_index: at,
        flavor: &flavors[at],
        pool: Pool::get(),
        dial,
        random,
        calls: 0,
    };
    writer.write();
    writer.finish()
}

/// The writer of one program.
struct Writer<'r> {
    random: &'r mut Random,
    dial: Dial,
    pool: &'static Pool,
    flavor: &'static Flavor,
    flavor_index: usize,
    emit: Emit,
    /// What is held here.
    state: State,
    /// Of the function that is being written.
    frame: Frame,
    functions: Vec<Function>,
    externs: Vec<Extern>,
    /// Whether functions have types.
    typed: bool,
    ids: u32,
    /// Calls of functions that were written.
    calls: u32,
}

/// What concerns one function.
#[derive(Clone, Debug)]
struct Frame {
    /// Bytes of stack.
    stack: i32,
    /// Frames of callers.
    depth: u32,
    /// Registers that may not be written.
    locked: u16,
    /// Where the context is kept, if it is.
    context: Option<Reg>,
    /// Blocks and loops around.
    nested: u32,
    /// Loops around, in this function and its callers.
    loops: u32,
    /// Things that are owed back: no way out meanwhile.
    owed: u32,
    /// Whether packet pointers may become invalid.
    moves_packet: bool,
    /// Whether this is a callback, or called by one.
    callback: bool,
    /// What may be returned.
    returns: Option<u64>,
}

impl Frame {
    fn new(random: &mut Random, depth: u32) -> Frame {
        let deepest: &[i32] = match depth {
            0 => &[32, 64, 64, 96, 128],
            _ => &[16, 32, 64],
        };
        Frame {
            stack: random.pick(deepest),
            depth,
            locked: 0,
            context: None,
            nested: 0,
            loops: 0,
            owed: 0,
            moves_packet: random.percent(50),
            callback: false,
            returns: None,
        }
    }
}

impl Writer<'_> {
    fn write(&mut self) {
        self.state = State::entry(self.frame.stack);
        self.state.set(Reg::R1, Held::Context);
        self.frame.returns = self.flavor.returns;
        if self.random.percent(90) {
            let home = self.random.pick(&[Reg::R6, Reg::R7, Reg::R8, Reg::R9]);
            self.copy(home, Reg::R1);
            self.keep_context(home);
        }
        let statements = self.random.pick(&[2, 4, 6, 10, 10, 20, 40]);
        self.statements(statements);
        self.leave();
        let mut next = 0;
        while next < self.functions.len() {
            self.function(next);
            next += 1;
        }
    }

    fn keep_context(&mut self, home: Reg) {
        self.frame.context = Some(home);
        self.frame.locked |= 1 << home.index();
    }

    /// Returns.
    fn leave(&mut self) {
        self.result();
        self.emit.insn(Insn::Exit);
    }

    /// Puts something into `r0` that may be returned.
    fn result(&mut self) {
        let unlimited = self.frame.returns.is_none();
        match self.state.get(Reg::R0) {
            Held::Number(_) if unlimited && self.random.percent(60) => {}
            Held::Number(_) if self.random.percent(60) => {
                let mask = self.frame.returns.unwrap_or(1);
                self.and(Reg::R0, mask as i32);
            }
            _ => {
                let most = self.frame.returns.unwrap_or(4);
                let value = match self.slips() {
                    true => self.random.edge() as i32,
                    false => self.random.below(most + 1) as i32,
                };
                self.number_in(Reg::R0, value);
            }
        }
    }

    fn statements(&mut self, count: u32) {
        for _ in 0..count {
            if self.emit.len() > LARGEST {
                return;
            }
            if self.random.below(1000) < self.dial.random {
                self.random_insn();
            }
            self.statement();
        }
    }

    fn statement(&mut self) {
        match self.random.below(100) {
            0..=19 => self.arithmetic(),
            20..=27 => self.load(),
            28..=34 => self.store(),
            35..=40 => self.spill(),
            41..=43 => self.vague_stack(),
            44..=46 => self.atomic(),
            47..=55 => self.block(),
            56..=62 => self.lookup(),
            63 => self.object(),
            64..=65 => self.indexed(),
            66..=71 => self.packet(),
            72..=80 => self.helper(),
            81..=83 => self.repeat(),
            84..=87 => self.call(),
            88 => self.callback(),
            89 => self.tail_call(),
            90..=91 => self.linked(),
            92 => self.go_out(),
            93 => self.record(),
            94 => self.locked(),
            95 => self.iterator(),
            96 => self.pointers(),
            97 => self.global_data(),
            98 => self.context_word(),
            _ => self.legacy_load(),
        }
    }

    /// Something that nobody would write.
    fn random_insn(&mut self) {
        let readable = self.state.find(|held| held != Held::Nothing);
        let slots = legal::insn(&readable, self.random);
        for slot in &slots {
            self.emit.slot(*slot);
        }
        // As if it had been meant.
        let insn = slots
            .first()
            .map(|slot| isa::decode(*slot, slots.get(1).copied()));
        match insn {
            Some(Insn::Call { .. }) => {
                self.state.clobber();
                self.put(Reg::R0, Range::ANY);
            }
            Some(
                Insn::Alu { dst, .. }
                | Insn::Load { dst, .. }
                | Insn::LoadImm { dst, .. }
                | Insn::Movsx { dst, .. },
            ) if self.frame.locked & 1 << dst.index() == 0 => self.put(dst, Range::ANY),
            _ => {}
        }
    }

    fn slips(&mut self) -> bool {
        self.random.below(1000) < self.dial.slips
    }

    fn id(&mut self) -> u32 {
        self.ids += 1;
        self.ids
    }

    // Registers.

    /// A register to write to that is not one of `keep`, a set of bits.
    fn target(&mut self, keep: u16) -> Reg {
        let taken = keep | self.frame.locked | 1 << 10;
        let free = |reg: &Reg| taken & 1 << reg.index() == 0;
        let mut regs: Vec<Reg> = Reg::ALL.into_iter().filter(free).collect();
        if self.random.percent(50) {
            let idle: Vec<_> = regs
                .iter()
                .copied()
                .filter(|reg| self.state.get(*reg) == Held::Nothing)
                .collect();
            if !idle.is_empty() {
                regs = idle;
            }
        }
        match regs.is_empty() {
            true => Reg::R0,
            false => self.random.pick(&regs),
        }
    }

    /// A register with a number that may be changed.
    fn number(&mut self, keep: u16) -> Reg {
        let locked = keep | self.frame.locked;
        let mut found = self.state.find(|held| matches!(held, Held::Number(_)));
        found.retain(|reg| locked & 1 << reg.index() == 0);
        if found.is_empty() || self.random.percent(10) {
            let reg = self.target(keep);
            self.fresh_number(reg);
            return reg;
        }
        self.random.pick(&found)
    }

    /// A register with a number that is only read.
    fn operand(&mut self, keep: u16) -> Reg {
        let mut found = self.state.find(|held| matches!(held, Held::Number(_)));
        found.retain(|reg| keep & 1 << reg.index() == 0);
        match found.is_empty() {
            true => self.number(keep),
            false => self.random.pick(&found),
        }
    }

    /// A number from somewhere.
    fn fresh_number(&mut self, reg: Reg) {
        match (self.random.below(4), self.frame.context) {
            (0, Some(context)) if !self.flavor.words.is_empty() => {
                let offset = self.random.pick(self.flavor.words);
                self.load_insn(Size::B4, false, reg, context, offset);
                self.put(reg, Range::up_to(u32::MAX.into()));
            }
            (1, Some(context)) if !self.flavor.longs.is_empty() => {
                let offset = self.random.pick(self.flavor.longs);
                self.load_insn(Size::B8, false, reg, context, offset);
                self.put(reg, Range::ANY);
            }
            (2, _) => {
                // Whatever the stack has there.
                let slot = self.random.below(self.frame.stack as u64 / 8) as usize;
                let size = self.random.pick(&[Size::B1, Size::B2, Size::B4]);
                match self.state.slots.get(slot) {
                    Some(Held::Number(_)) => {
                        let at = -8 * (1 + slot as i16);
                        self.load_insn(size, false, reg, Reg::FP, at);
                        self.put(reg, Range::up_to((1 << size.bits()) - 1));
                    }
                    _ => self.number_in(reg, 5),
                }
            }
            _ => {
                let value = self.random.edge();
                match self.random.percent(80) {
                    true => self.number_in(reg, value as i32),
                    false => {
                        self.load_imm(
                            reg,
                            Imm64::Value {
                                lo: value as u32,
                                hi: (value >> 32) as u32,
                            },
                        );
                        self.put(reg, Range::one(value));
                    }
                }
            }
        }
    }

    fn put(&mut self, reg: Reg, range: Range) {
        self.state.set(reg, Held::Number(range));
    }

    // Instructions that say what they do to the state.

    fn copy(&mut self, dst: Reg, src: Reg) {
        self.alu(AluOp::Mov, Width::W64, dst, Operand::Reg(src));
        let held = self.state.get(src);
        self.state.set(dst, held);
    }

    fn number_in(&mut self, reg: Reg, value: i32) {
        self.alu(AluOp::Mov, Width::W64, reg, Operand::Imm(value));
        self.put(reg, Range::one(value as i64 as u64));
    }

    /// Keeps only some low bits of a number.
    fn and(&mut self, reg: Reg, mask: i32) {
        self.alu(AluOp::And, Width::W64, reg, Operand::Imm(mask));
        let max = match self.state.get(reg) {
            Held::Number(range) => range.max,
            _ => u64::MAX,
        };
        self.put(reg, Range::up_to(max.min(mask as i64 as u64)));
    }

    // Instructions that leave the state to the caller.

    fn alu(&mut self, op: AluOp, width: Width, dst: Reg, src: Operand) {
        self.emit.alu(op, width, dst, src);
    }

    fn add(&mut self, dst: Reg, value: i32) {
        self.alu(AluOp::Add, Width::W64, dst, Operand::Imm(value));
    }

    fn load_imm(&mut self, dst: Reg, imm: Imm64) {
        self.emit.insn(Insn::LoadImm { dst, imm });
    }

    fn load_insn(&mut self, size: Size, signed: bool, dst: Reg, base: Reg, offset: i16) {
        self.emit.load(size, signed, dst, base, offset);
    }

    fn store_insn(&mut self, size: Size, base: Reg, offset: i16, src: Operand) {
        self.emit.insn(Insn::Store {
            size,
            base,
            offset,
            src,
        });
    }

    /// The address of a map.
    fn map_in(&mut self, reg: Reg, map: usize) {
        self.load_imm(reg, Imm64::MapIndex { index: map as i32 });
        self.state.set(reg, Held::Map(map));
    }

    /// The address of the stack `at` bytes from the frame pointer.
    fn stack_in(&mut self, reg: Reg, at: i32) {
        self.copy(reg, Reg::FP);
        self.add(reg, at);
        if let Held::Memory(area) = self.state.get(reg) {
            self.state.set(reg, Held::Memory(area.moved(at)));
        }
    }

    // The end.

    fn finish(self) -> Program {
        let mut functions = vec![(0, "entry".to_owned(), self.pool.entry)];
        functions.extend(
            self.functions
                .iter()
                .map(|f| (f.start.0, f.name.clone(), f.type_id)),
        );
        let end = self.emit.len() as u32;
        let ends: Vec<u32> = functions.iter().skip(1).map(|f| f.0).chain([end]).collect();
        let ranges = functions.iter().zip(&ends);
        let ranges = ranges.map(|((start, name, _), end)| SymbolRange {
            name: name.clone(),
            start: Pc(*start),
            len: end - start,
        });
        let ranges = ranges.collect();
        let func_info = functions.iter().map(|(start, _, type_id)| FuncInfo {
            pc: Pc(*start),
            type_id: *type_id,
        });
        Program {
            name: "entry".to_owned(),
            section: self.flavor.prog_type.name().to_owned(),
            attach_type: self.flavor.attach_type,
            functions: ranges,
            maps: self.pool.maps.clone(),
            externs: self.externs.into(),
            btf: Some(self.pool.btf.clone()),
            func_info: match self.typed {
                true => func_info.collect(),
                false => Vec::new(),
            },
            ..Program::bare(self.flavor.prog_type, self.emit.finish())
        }
    }

    /// The number of a kernel function in the program's list.
    fn kfunc(&mut self, name: &str) -> i32 {
        let known = self.externs.iter().position(|e| e.name == name);
        known.unwrap_or_else(|| {
            self.externs.push(Extern {
                name: name.to_owned(),
                kind: ExternKind::Kfunc,
                weak: false,
                type_id: TypeId::VOID,
            });
            self.externs.len() - 1
        }) as i32
    }
}

/// Some bytes of a map's value.
fn value_area(what: What, id: u32, size: i32) -> Area {
    Area {
        what,
        id,
        low: 0,
        high: size,
        vague: false,
    }
}

/// As many bytes in whole slots of the stack.
fn slots_of(bytes: i32) -> i32 {
    (bytes + 7) & -8
}
