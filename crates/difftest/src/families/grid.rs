//! Every operation on boundary operands.
//!
//! A program holds one block for each row of [`isa::table::TABLE`] and choice of
//! immediate and offset; a block loads both operands into the two registers that
//! the program is for, does the operation, and stores what came of it. The
//! operands come with the packet, so that Linux's verifier does not know them and
//! its compiler cannot leave anything out; the results are the value of a map.
//! What they must be is said by [`isa::eval`].

use abi::MapType;
use isa::table::TABLE;
use isa::{AluOp, AtomicOp, Code, Imm64, Insn, Operand, Reg, Size, Slot, Width, eval};

use crate::{Subject, map};

/// Numbers around which something changes.
pub const OPERANDS: [u64; 32] = [
    0,
    1,
    2,
    3,
    7,
    8,
    31,
    32,
    33,
    63,
    64,
    65,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fffe,
    0xffff_ffff,
    0x1_0000_0000,
    0x1_8000_0001,
    0x0123_4567_89ab_cdef,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0xffff_ffff_7fff_ffff,
    0xffff_ffff_8000_0000,
    0xffff_ffff_ffff_fffe,
    0xffff_ffff_ffff_ffff,
];

/// Immediates of the same kind.
const IMMEDIATES: [i32; 21] = [
    0,
    1,
    2,
    3,
    7,
    8,
    31,
    32,
    63,
    127,
    128,
    255,
    0x7fff,
    0xffff,
    1 << 26,
    i32::MAX,
    i32::MIN,
    -128,
    -3,
    -2,
    -1,
];

/// Immediates that are stored.
const STORED: [i32; 4] = [0x1234_5678, -1, i32::MIN, 0x80];

/// What a block leaves, as a function of the two operands.
type Expected = Box<dyn Fn(u64, u64) -> u64>;

/// A program with all operations in a pair of registers.
pub struct Grid {
    dst: Reg,
    src: Reg,
    code: Vec<Insn>,
    results: Vec<(usize, Expected)>,
    blocks: Vec<std::ops::Range<usize>>,
}

impl std::fmt::Debug for Grid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "grid of {} and {}", self.dst.index(), self.src.index())
    }
}

/// Bytes of the two operands, in the packet and in front of the results.
const HEAD: usize = 16;
/// Where blocks keep something in the stack.
const SLOT: i16 = -16;
/// Bytes of the packet: more than Linux's least.
const PACKET: usize = 32;

impl Grid {
    /// The program in which operations have these registers as destination and
    /// source; either may be any but the frame pointer.
    pub fn new(dst: Reg, src: Reg) -> Grid {
        let mut grid = Grid {
            dst,
            src,
            code: Vec::new(),
            results: Vec::new(),
            blocks: Vec::new(),
        };
        grid.prologue();
        for row in TABLE {
            grid.row(row.insn);
        }
        grid.code.extend([mov(Reg::R0, 2), Insn::Exit]);
        grid
    }

    /// The number of results that one run gives.
    pub fn results(&self) -> usize {
        self.results.len()
    }

    /// What is asked about: the program, and as map 0 the results.
    pub fn subject(&self) -> Subject {
        let size = HEAD + 8 * self.results.len();
        let results = map("results", MapType::Array, 4, size as u32, 1);
        let name = format!("grid r{} r{}", self.dst.index(), self.src.index());
        Subject::xdp(name, slots(&self.code), vec![results])
    }

    /// The packet that carries two operands.
    pub fn packet(dst: u64, src: u64) -> [u8; PACKET] {
        let mut packet = [0; PACKET];
        packet[..8].copy_from_slice(&dst.to_le_bytes());
        packet[8..HEAD].copy_from_slice(&src.to_le_bytes());
        packet
    }

    /// The first result in the value of the map that is not what it must be: as a
    /// text with the instructions and numbers.
    pub fn wrong(&self, dst: u64, src: u64, value: &[u8]) -> Option<String> {
        let src = if self.dst == self.src { dst } else { src };
        let results = value.get(HEAD..).unwrap_or_default();
        if results.len() != 8 * self.results.len() {
            return Some(format!("{} bytes of results", results.len()));
        }
        let (words, _) = results.as_chunks::<8>();
        let both = self.results.iter().zip(words);
        for ((block, expected), found) in both {
            let (expected, found) = (expected(dst, src), u64::from_le_bytes(*found));
            if expected != found {
                return Some(format!(
                    "r{} = {dst:#x}, r{} = {src:#x}: {found:#x} instead of {expected:#x} after\n{}",
                    self.dst.index(),
                    self.src.index(),
                    self.text(*block),
                ));
            }
        }
        None
    }

    /// The instructions of a block.
    fn text(&self, block: usize) -> String {
        let insns = self
            .blocks
            .get(block)
            .and_then(|b| self.code.get(b.clone()));
        let code = Code::new(slots(insns.unwrap_or_default()));
        isa::disasm::listing(&code, &|_| None).to_string()
    }

    /// The register that holds the address of the results.
    fn base(&self) -> Reg {
        self.free(0)
    }

    /// A register for anything.
    fn spare(&self) -> Reg {
        self.free(1)
    }

    fn free(&self, number: usize) -> Reg {
        let high = Reg::ALL[6..10].iter().rev();
        let mut free = high.filter(|r| **r != self.dst && **r != self.src);
        *free.nth(number).expect("of four registers two are free")
    }

    /// Puts the operands from the packet in front of the results.
    fn prologue(&mut self) {
        use Reg::*;
        let results = Imm64::MapIndexValue {
            index: 0,
            offset: 0,
        };
        self.code.extend([
            load(Size::B4, R2, R1, 0),
            load(Size::B4, R3, R1, 4),
            alu(AluOp::Mov, R4, Operand::Reg(R2)),
            alu(AluOp::Add, R4, Operand::Imm(HEAD as i32)),
            Insn::Branch {
                op: isa::CmpOp::Le,
                width: Width::W64,
                dst: R4,
                src: Operand::Reg(R3),
                offset: 2,
            },
            mov(R0, 0),
            Insn::Exit,
            load(Size::B8, R4, R2, 0),
            load(Size::B8, R5, R2, 8),
            Insn::LoadImm {
                dst: self.base(),
                imm: results,
            },
            store(self.base(), 0, R4),
            store(self.base(), 8, R5),
        ]);
    }

    /// The blocks of one row.
    fn row(&mut self, insn: Insn) {
        let (dst, src) = (self.dst, self.src);
        match insn {
            Insn::Alu {
                op,
                width,
                src: Operand::Reg(_),
                ..
            } => self.simple(
                Insn::Alu {
                    op,
                    width,
                    dst,
                    src: Operand::Reg(src),
                },
                move |d, s| eval::alu(op, width, d, s),
            ),
            Insn::Alu { op, width, .. } => {
                for imm in IMMEDIATES {
                    if !refused(op, width, imm) {
                        let src = Operand::Imm(imm);
                        self.simple(
                            Insn::Alu {
                                op,
                                width,
                                dst,
                                src,
                            },
                            move |d, _| eval::alu(op, width, d, eval::immediate(imm)),
                        );
                    }
                }
            }
            Insn::Neg { width, .. } => {
                self.simple(Insn::Neg { width, dst }, move |d, _| eval::neg(width, d));
            }
            Insn::Movsx { width, bits, .. } => self.simple(
                Insn::Movsx {
                    width,
                    bits,
                    dst,
                    src,
                },
                move |_, s| eval::movsx(width, bits, s),
            ),
            Insn::Endian { op, bits, .. } => {
                self.simple(Insn::Endian { op, bits, dst }, move |d, _| {
                    eval::endian(op, bits, d)
                });
            }
            Insn::LoadImm {
                imm: Imm64::Value { .. },
                ..
            } => self.wide_immediates(),
            Insn::Branch { .. } => self.branches(insn),
            Insn::Jump { long, .. } => {
                self.simple(Insn::Jump { offset: 0, long }, |d, _| d);
            }
            Insn::Load { .. } | Insn::LoadAcquire { .. } => self.loads(insn),
            Insn::Store { .. } | Insn::StoreRelease { .. } => self.stores(insn),
            Insn::Atomic { op, width, .. } => self.atomics(op, width),
            // What they do is not a matter of operands.
            Insn::AddrSpaceCast { .. }
            | Insn::LoadImm { .. }
            | Insn::WideTail
            | Insn::LoadPacket { .. }
            | Insn::MayGoto { .. }
            | Insn::Call { .. }
            | Insn::CallReg { .. }
            | Insn::Exit
            | Insn::Invalid(_) => {}
        }
    }

    /// A block of one instruction, whose result is in the destination.
    fn simple(&mut self, insn: Insn, expected: impl Fn(u64, u64) -> u64 + 'static) {
        self.block(|grid| {
            grid.code.push(insn);
            grid.result(grid.dst, expected);
        });
    }

    /// A block; the operands are in their registers when it begins.
    fn block(&mut self, body: impl FnOnce(&mut Grid)) {
        let start = self.code.len();
        let base = self.base();
        self.code.push(load(Size::B8, self.dst, base, 0));
        if self.src != self.dst {
            self.code.push(load(Size::B8, self.src, base, 8));
        }
        body(self);
        self.blocks.push(start..self.code.len());
    }

    /// Where the next result goes.
    fn place(&self) -> i16 {
        (HEAD + 8 * self.results.len()) as i16
    }

    /// Stores a result.
    fn result(&mut self, reg: Reg, expected: impl Fn(u64, u64) -> u64 + 'static) {
        let place = self.place();
        self.code.push(store(self.base(), place, reg));
        self.results.push((self.blocks.len(), Box::new(expected)));
    }

    fn wide_immediates(&mut self) {
        for value in OPERANDS {
            let (lo, hi) = (value as u32, (value >> 32) as u32);
            let imm = Imm64::Value { lo, hi };
            self.simple(Insn::LoadImm { dst: self.dst, imm }, move |_, _| value);
        }
    }

    /// Whether a jump is taken.
    fn branches(&mut self, insn: Insn) {
        let Insn::Branch { op, width, src, .. } = insn else {
            return;
        };
        let sources: Vec<Operand> = match src {
            Operand::Reg(_) => vec![Operand::Reg(self.src)],
            Operand::Imm(_) => IMMEDIATES.map(Operand::Imm).to_vec(),
        };
        for src in sources {
            self.block(|grid| {
                let spare = grid.spare();
                grid.code.extend([
                    mov(spare, 1),
                    Insn::Branch {
                        op,
                        width,
                        dst: grid.dst,
                        src,
                        offset: 1,
                    },
                    mov(spare, 0),
                ]);
                grid.result(spare, move |d, s| {
                    let s = match src {
                        Operand::Reg(_) => s,
                        Operand::Imm(imm) => eval::immediate(imm),
                    };
                    eval::compare(op, width, d, s).into()
                });
            });
        }
    }

    /// Loads out of the first operand, in the map and in the stack.
    fn loads(&mut self, insn: Insn) {
        let (Insn::Load { size, .. } | Insn::LoadAcquire { size, .. }) = insn else {
            return;
        };
        for (base, at) in [(self.base(), 0), (Reg::FP, SLOT)] {
            for offset in (0..8).step_by(size.bytes() as usize) {
                let (dst, at) = (self.dst, at + offset as i16);
                let (insn, signed) = match insn {
                    Insn::Load { signed, .. } => {
                        let insn = Insn::Load {
                            size,
                            signed,
                            dst,
                            base,
                            offset: at,
                        };
                        (insn, signed)
                    }
                    _ => {
                        let insn = Insn::LoadAcquire {
                            size,
                            dst,
                            base,
                            offset: at,
                        };
                        (insn, false)
                    }
                };
                self.block(|grid| {
                    if base == Reg::FP {
                        grid.code.push(store(Reg::FP, SLOT, dst));
                    }
                    grid.code.push(insn);
                    grid.result(dst, move |d, _| eval::load(size, signed, d >> (8 * offset)));
                });
            }
        }
    }

    /// Stores over the first operand, in the map and in the stack.
    fn stores(&mut self, insn: Insn) {
        let (size, sources, release) = match insn {
            Insn::Store {
                size,
                src: Operand::Imm(_),
                ..
            } => (size, STORED.map(Operand::Imm).to_vec(), false),
            Insn::Store { size, .. } => (size, vec![Operand::Reg(self.src)], false),
            Insn::StoreRelease { size, .. } => (size, vec![Operand::Reg(self.src)], true),
            _ => return,
        };
        for src in sources {
            for stack in [false, true] {
                for offset in (0..8).step_by(size.bytes() as usize) {
                    self.store(size, src, release, stack, offset);
                }
            }
        }
    }

    fn store(&mut self, size: Size, src: Operand, release: bool, stack: bool, offset: u32) {
        self.block(|grid| {
            let (base, at) = grid.memory(stack);
            let offset_there = at + offset as i16;
            grid.code.push(store(base, at, grid.dst));
            grid.code.push(match src {
                Operand::Reg(src) if release => Insn::StoreRelease {
                    size,
                    base,
                    offset: offset_there,
                    src,
                },
                _ => Insn::Store {
                    size,
                    base,
                    offset: offset_there,
                    src,
                },
            });
            grid.stored(stack, move |d, s| {
                let s = match src {
                    Operand::Reg(_) => s,
                    Operand::Imm(imm) => eval::immediate(imm),
                };
                let mask = (u64::MAX >> (64 - size.bits())) << (8 * offset);
                d & !mask | (s << (8 * offset)) & mask
            });
        });
    }

    /// Memory to work on: in the stack, or where the next result will be.
    fn memory(&self, stack: bool) -> (Reg, i16) {
        match stack {
            true => (Reg::FP, SLOT),
            false => (self.base(), self.place()),
        }
    }

    /// The result is in that memory.
    fn stored(&mut self, stack: bool, expected: impl Fn(u64, u64) -> u64 + 'static) {
        let spare = self.spare();
        let (base, at) = self.memory(stack);
        self.code.push(load(Size::B8, spare, base, at));
        self.result(spare, expected);
    }

    /// Atomics on the first operand in memory, with the second in the register.
    fn atomics(&mut self, op: AtomicOp, width: Width) {
        // What a compare-and-exchange compares with: equal, and not.
        let with_first: &[bool] = match op {
            AtomicOp::Cmpxchg if self.src != Reg::R0 => &[true, false],
            _ => &[false],
        };
        for with_first in with_first {
            for stack in [false, true] {
                self.atomic(op, width, *with_first, stack);
            }
        }
    }

    fn atomic(&mut self, op: AtomicOp, width: Width, with_first: bool, stack: bool) {
        self.block(|grid| {
            let (base, offset) = grid.memory(stack);
            let src = grid.src;
            grid.code.push(store(base, offset, grid.dst));
            if op == AtomicOp::Cmpxchg && src != Reg::R0 {
                let operand = if with_first || grid.dst == src { 0 } else { 8 };
                grid.code
                    .push(load(Size::B8, Reg::R0, grid.base(), operand));
            }
            grid.code.push(Insn::Atomic {
                op,
                width,
                base,
                offset,
                src,
            });
            grid.stored(stack, move |d, s| {
                let r0 = if with_first { d } else { s };
                let new = eval::atomic(op, width, d, s, r0);
                match width {
                    Width::W32 => d & !u64::from(u32::MAX) | new,
                    Width::W64 => new,
                }
            });
            if op.fetches() {
                let old = if op == AtomicOp::Cmpxchg {
                    Reg::R0
                } else {
                    src
                };
                grid.result(old, move |d, _| match width {
                    Width::W32 => u64::from(d as u32),
                    Width::W64 => d,
                });
            }
        });
    }
}

/// Whether Linux refuses the immediate.
fn refused(op: AluOp, width: Width, imm: i32) -> bool {
    let bits = if width == Width::W32 { 32 } else { 64 };
    match op {
        AluOp::Div | AluOp::Sdiv | AluOp::Mod | AluOp::Smod => imm == 0,
        AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => !(0..bits).contains(&imm),
        _ => false,
    }
}

fn alu(op: AluOp, dst: Reg, src: Operand) -> Insn {
    Insn::Alu {
        op,
        width: Width::W64,
        dst,
        src,
    }
}

fn mov(dst: Reg, imm: i32) -> Insn {
    alu(AluOp::Mov, dst, Operand::Imm(imm))
}

fn load(size: Size, dst: Reg, base: Reg, offset: i16) -> Insn {
    Insn::Load {
        size,
        signed: false,
        dst,
        base,
        offset,
    }
}

fn store(base: Reg, offset: i16, src: Reg) -> Insn {
    Insn::Store {
        size: Size::B8,
        base,
        offset,
        src: Operand::Reg(src),
    }
}

fn slots(code: &[Insn]) -> Vec<Slot> {
    let encoded = code.iter().map(|insn| {
        let (head, tail) = isa::encode(*insn).expect("rows of the table are encodable");
        [Some(head), tail].into_iter().flatten()
    });
    encoded.flatten().collect()
}
