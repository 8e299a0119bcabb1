//! From a program as data to one that runs: every decision that does not depend
//! on the packet is made here.

use abi::{ExternKind, ProgType, Program};
use isa::{CallTarget, Code, EndianOp, Imm64, Insn, Invalid, Operand, Pc, Reg, Size, eval};

use super::fuse::fuse;
use super::op::{Op, OpCode};
use crate::helper::{self, HelperFn};
use crate::instance::LoadError;
use crate::linked::Link;
use crate::memory::Addr;
use crate::trap::TrapKind;

/// A program that can run.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) name: String,
    pub(crate) prog_type: abi::ProgType,
    /// As it was given.
    pub(crate) code: Code,
    /// One for each instruction.
    pub(super) ops: Vec<Op>,
    /// The slot of each op.
    pub(crate) pcs: Vec<u32>,
    /// The functions of the program, the entry first.
    pub(crate) functions: Vec<Function>,
    /// The helpers that are called, with their numbers.
    pub(super) helpers: Vec<(u32, HelperFn)>,
    /// Instructions that have no code of their own.
    pub(super) others: Vec<Insn>,
    pub(super) traps: Vec<TrapKind>,
}

/// A function of a program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Function {
    /// Its first op.
    pub(crate) entry: usize,
    /// Bytes below the frame pointer that it can reach, to be cleared on entry.
    pub(crate) stack: u32,
}

/// What a program can refer to, as addresses.
pub(crate) trait Resolve {
    /// The address that stands for a map of the program.
    fn map(&mut self, index: i32) -> Option<Addr>;
    /// The value of a map of the program that has a single one.
    fn map_value(&mut self, index: i32) -> Option<Addr>;
    /// The address that stands for the function with this number in the
    /// program.
    fn function(&mut self, number: usize) -> Option<Addr>;
}

/// Prepares a program.
pub(crate) fn load(program: &Program, resolve: &mut dyn Resolve) -> Result<Loaded, LoadError> {
    let code = Code::new(program.code.clone());
    let structure = |source| LoadError::Structure {
        program: program.name.clone(),
        source,
    };
    code.check().map_err(structure)?;
    let starts = code.functions().map_err(structure)?;
    let mut numbers = Vec::with_capacity(code.len());
    let mut next = 0;
    for insn in code.insns() {
        numbers.push(next);
        next += usize::from(*insn != Insn::WideTail);
    }
    let mut loading = Loading {
        program,
        starts: &starts,
        numbers: &numbers,
        resolve,
        loaded: Loaded {
            name: program.name.clone(),
            prog_type: program.prog_type,
            code: Code::default(),
            ops: Vec::with_capacity(next),
            pcs: Vec::with_capacity(next),
            functions: functions(&code, &starts, &numbers),
            helpers: Vec::new(),
            others: Vec::new(),
            traps: Vec::new(),
        },
    };
    for (pc, insn) in (0..).map(Pc).zip(code.insns()) {
        if *insn != Insn::WideTail {
            let op = loading.op(pc, *insn)?;
            loading.loaded.ops.push(op);
            loading.loaded.pcs.push(pc.0);
        }
    }
    let mut loaded = loading.loaded;
    fuse(&mut loaded.ops);
    loaded.code = code;
    Ok(loaded)
}

impl Loaded {
    /// What was resolved in the instruction of an op.
    pub(crate) fn link(&self, at: usize) -> Link {
        let op = self.ops[at];
        match op.plain {
            OpCode::LoadImm => Link::Constant(op.wide()),
            OpCode::CallLocal => Link::Function(op.imm as usize),
            OpCode::CallHelper | OpCode::Lookup => {
                let (id, function) = self.helpers[op.index as usize];
                Link::Helper { id, function }
            }
            OpCode::TailCall => Link::TailCall,
            OpCode::Trap => Link::Trap(self.traps[op.index as usize]),
            _ => Link::None,
        }
    }

    /// Whether programs may run in place of its functions, with what called these
    /// still waiting.
    pub(crate) fn nests_programs(&self) -> bool {
        let tail_call = |op: &Op| op.code == OpCode::TailCall;
        self.functions.len() > 1 && self.ops.iter().any(tail_call)
    }

    /// The op of a slot.
    pub(crate) fn op_at(&self, pc: Pc) -> Option<usize> {
        self.pcs.binary_search(&pc.0).ok()
    }
}

fn functions(code: &Code, starts: &[Pc], numbers: &[usize]) -> Vec<Function> {
    let ends = starts.iter().skip(1).map(|pc| pc.index());
    let bounds = starts.iter().zip(ends.chain([code.len()]));
    bounds
        .map(|(start, end)| Function {
            entry: numbers[start.index()],
            stack: stack(&code.insns()[start.index()..end]),
        })
        .collect()
}

/// Bytes below the frame pointer that a function can reach: down to its lowest
/// access as long as the frame pointer is only a base of accesses, all of the
/// stack when it goes anywhere else.
fn stack(insns: &[Insn]) -> u32 {
    let reach = |offset: i16| u32::from(offset.min(0).unsigned_abs());
    let used = insns.iter().map(|insn| match *insn {
        Insn::Load {
            base: Reg::FP,
            offset,
            ..
        }
        | Insn::LoadAcquire {
            base: Reg::FP,
            offset,
            ..
        } => reach(offset),
        Insn::Store {
            base: Reg::FP,
            offset,
            src: Operand::Imm(_),
            ..
        } => reach(offset),
        Insn::Store {
            base: Reg::FP,
            offset,
            src: Operand::Reg(src),
            ..
        }
        | Insn::StoreRelease {
            base: Reg::FP,
            offset,
            src,
            ..
        }
        | Insn::Atomic {
            base: Reg::FP,
            offset,
            src,
            ..
        } if src != Reg::FP => reach(offset),
        insn if mentions_fp(insn) => abi::limits::STACK_BYTES,
        _ => 0,
    });
    used.max().unwrap_or(0).min(abi::limits::STACK_BYTES)
}

/// Whether the frame pointer is an operand.
fn mentions_fp(insn: Insn) -> bool {
    const FP: Reg = Reg::FP;
    let source = |src| src == Operand::Reg(FP);
    match insn {
        Insn::Alu { dst, src, .. } | Insn::Branch { dst, src, .. } => dst == FP || source(src),
        Insn::Store { base, src, .. } => base == FP || source(src),
        Insn::Neg { dst, .. } | Insn::Endian { dst, .. } | Insn::LoadImm { dst, .. } => dst == FP,
        Insn::Movsx { dst, src, .. } | Insn::AddrSpaceCast { dst, src, .. } => {
            dst == FP || src == FP
        }
        Insn::Load { dst, base, .. } | Insn::LoadAcquire { dst, base, .. } => {
            dst == FP || base == FP
        }
        Insn::StoreRelease { base, src, .. } | Insn::Atomic { base, src, .. } => {
            base == FP || src == FP
        }
        Insn::LoadPacket { mode, .. } => mode == isa::PacketMode::Indirect(FP),
        Insn::CallReg { target } => target == FP,
        Insn::WideTail
        | Insn::Jump { .. }
        | Insn::MayGoto { .. }
        | Insn::Call { .. }
        | Insn::Exit
        | Insn::Invalid(_) => false,
    }
}

struct Loading<'a> {
    program: &'a Program,
    starts: &'a [Pc],
    /// The op of each slot.
    numbers: &'a [usize],
    resolve: &'a mut dyn Resolve,
    loaded: Loaded,
}

impl Loading<'_> {
    fn op(&mut self, pc: Pc, insn: Insn) -> Result<Op, LoadError> {
        let op = match insn {
            Insn::Alu {
                op,
                width,
                dst,
                src,
            } => binary(|k| OpCode::alu(op, width, k), dst, src),
            Insn::Branch {
                op,
                width,
                dst,
                src,
                offset,
            } => {
                let branch = binary(|k| OpCode::branch(op, width, k), dst, src);
                self.jump(branch, pc, offset.into())
            }
            Insn::Jump { offset, .. } => self.jump(plain(OpCode::Jump), pc, offset),
            Insn::MayGoto { offset } => self.jump(plain(OpCode::MayGoto), pc, offset.into()),
            Insn::LoadImm { dst, imm } => {
                let value = self.immediate(pc, imm)?;
                Op {
                    dst,
                    imm: value as i32,
                    index: (value >> 32) as u32,
                    ..plain(OpCode::LoadImm)
                }
            }
            Insn::Load {
                size,
                signed,
                dst,
                base,
                offset,
            } => memory(OpCode::load(size, signed), dst, base, offset),
            Insn::LoadAcquire {
                size,
                dst,
                base,
                offset,
            } => memory(OpCode::load(size, false), dst, base, offset),
            Insn::Store {
                size,
                base,
                offset,
                src,
            } => store(size, base, offset, src),
            Insn::StoreRelease {
                size,
                base,
                offset,
                src,
            } => store(size, base, offset, Operand::Reg(src)),
            Insn::Endian {
                op: EndianOp::Be | EndianOp::Bswap,
                bits,
                dst,
            } => Op {
                dst,
                ..plain(match bits {
                    16 => OpCode::Be16,
                    32 => OpCode::Be32,
                    _ => OpCode::Be64,
                })
            },
            Insn::Call { target } => self.call(pc, target)?,
            Insn::Exit => plain(OpCode::Exit),
            Insn::Invalid(invalid) => self.trap(TrapKind::Invalid(invalid)),
            Insn::WideTail => self.trap(TrapKind::Invalid(Invalid::Wide)),
            Insn::CallReg { .. } => self.trap(TrapKind::Unsupported {
                what: "a call through a register",
            }),
            Insn::AddrSpaceCast { .. } => self.trap(TrapKind::Unsupported {
                what: "a conversion between address spaces",
            }),
            Insn::Neg { .. }
            | Insn::Movsx { .. }
            | Insn::Endian { .. }
            | Insn::Atomic { .. }
            | Insn::LoadPacket { .. } => {
                self.loaded.others.push(insn);
                Op {
                    index: self.loaded.others.len() as u32 - 1,
                    ..plain(OpCode::Other)
                }
            }
        };
        Ok(op)
    }

    /// Fills in where a jump goes. `Code::check` has seen that there is an
    /// instruction.
    fn jump(&self, op: Op, pc: Pc, offset: i32) -> Op {
        let to = (i64::from(pc.0) + 1 + i64::from(offset)) as usize;
        let to = self.numbers.get(to).copied().unwrap_or_default();
        let next = self.loaded.ops.len() + 1;
        Op {
            offset: (to as i64 - next as i64) as i32,
            index: to as u32,
            ..op
        }
    }

    fn trap(&mut self, kind: TrapKind) -> Op {
        self.loaded.traps.push(kind);
        Op {
            index: self.loaded.traps.len() as u32 - 1,
            ..plain(OpCode::Trap)
        }
    }

    fn call(&mut self, pc: Pc, target: CallTarget) -> Result<Op, LoadError> {
        match target {
            CallTarget::Local(offset) => {
                let call = Op {
                    imm: self.function(pc, offset) as i32,
                    ..plain(OpCode::CallLocal)
                };
                Ok(self.jump(call, pc, offset))
            }
            CallTarget::Helper(abi::poison::CORE) => Ok(self.trap(TrapKind::Relocation)),
            CallTarget::Helper(id) if abi::poison::MAPS.contains(&id) => {
                Ok(self.trap(TrapKind::Absent { what: "map" }))
            }
            CallTarget::Helper(id) if abi::poison::KFUNCS.contains(&id) => {
                Ok(self.trap(TrapKind::Absent {
                    what: "kernel function",
                }))
            }
            CallTarget::Helper(id) => self.helper(pc, id),
            CallTarget::Kfunc { btf_id, .. } => self.kfunc(pc, btf_id),
        }
    }

    fn kfunc(&mut self, pc: Pc, index: i32) -> Result<Op, LoadError> {
        let known = usize::try_from(index).ok();
        let known = known.and_then(|index| self.program.externs.get(index));
        let Some(row) = known.and_then(|known| abi::kfuncs::by_name(&known.name)) else {
            return Err(self.external(pc, index));
        };
        let prog_type = self.program.prog_type;
        if !row.prog_types.contains(prog_type) && is_measured(prog_type) {
            return Err(LoadError::NotAllowed {
                program: self.program.name.clone(),
                pc,
                helper: format!("kernel function {}", row.name),
                prog_type,
            });
        }
        let Some((id, function)) = helper::kfunc::implementation(row.name) else {
            return Err(self.external(pc, index));
        };
        self.loaded.helpers.push((id, function));
        Ok(Op {
            index: self.loaded.helpers.len() as u32 - 1,
            ..plain(OpCode::CallHelper)
        })
    }

    fn helper(&mut self, pc: Pc, id: i32) -> Result<Op, LoadError> {
        let id = id as u32;
        let prog_type = self.program.prog_type;
        let row = abi::helpers::by_id(id);
        let error = || {
            let name = row.map(|row| format!("helper {}", row.name));
            (
                self.program.name.clone(),
                name.unwrap_or_else(|| format!("helper number {}", id as i32)),
            )
        };
        if row.is_some_and(|row| !row.prog_types.contains(prog_type) && is_measured(prog_type)) {
            let (program, helper) = error();
            return Err(LoadError::NotAllowed {
                program,
                pc,
                helper,
                prog_type,
            });
        }
        if id == helper::TAIL_CALL {
            return Ok(plain(OpCode::TailCall));
        }
        let Some(function) = helper::implementation(id, prog_type) else {
            let (program, name) = error();
            return Err(LoadError::Helper {
                program,
                pc,
                helper: name,
                why: helper::absent::helper(id),
            });
        };
        self.loaded.helpers.push((id, function));
        Ok(Op {
            index: self.loaded.helpers.len() as u32 - 1,
            ..plain(match id {
                helper::MAP_LOOKUP => OpCode::Lookup,
                _ => OpCode::CallHelper,
            })
        })
    }

    /// The number of the function that an instruction refers to. `Code::check`
    /// has seen that there is one.
    fn function(&self, pc: Pc, offset: i32) -> usize {
        let start = Pc((i64::from(pc.0) + 1 + i64::from(offset)) as u32);
        self.starts.binary_search(&start).unwrap_or_default()
    }

    fn immediate(&mut self, pc: Pc, imm: Imm64) -> Result<u64, LoadError> {
        let map = |number: i32| LoadError::Map {
            program: self.program.name.clone(),
            pc,
            number,
        };
        match imm {
            Imm64::Value { .. } => Ok(imm.value().unwrap_or_default()),
            Imm64::MapIndex { index } => {
                let handle = self.resolve.map(index).ok_or_else(|| map(index))?;
                Ok(handle.to_reg())
            }
            Imm64::MapIndexValue { index, offset } => {
                let value = self.resolve.map_value(index).ok_or_else(|| map(index))?;
                Ok(value.to_reg().wrapping_add(eval::immediate(offset)))
            }
            Imm64::MapFd { fd } | Imm64::MapValue { fd, .. } => Err(map(fd)),
            Imm64::Variable { btf_id, .. } => Err(self.external(pc, btf_id)),
            Imm64::Function { offset } => {
                let number = self.function(pc, offset);
                let address = self.resolve.function(number);
                Ok(address.ok_or(LoadError::TooManyFunctions)?.to_reg())
            }
        }
    }

    /// Something of the kernel that the machine does not have.
    fn external(&self, pc: Pc, index: i32) -> LoadError {
        let known = usize::try_from(index).ok();
        let known = known.and_then(|index| self.program.externs.get(index));
        LoadError::Extern {
            program: self.program.name.clone(),
            pc,
            what: match known.map(|known| known.kind) {
                Some(ExternKind::Kfunc) => "kernel function",
                Some(ExternKind::Variable | ExternKind::Address) => "kernel variable",
                None => "kernel symbol",
            },
            why: known.and_then(|known| helper::absent::kfunc(&known.name)),
            name: known.map_or_else(|| format!("number {index}"), |known| known.name.clone()),
        }
    }
}

/// Whether the helper table says anything about programs of this type.
fn is_measured(prog_type: ProgType) -> bool {
    let mut helpers = abi::helpers::HELPERS.iter();
    helpers.any(|row| row.prog_types.contains(prog_type))
}

fn plain(code: OpCode) -> Op {
    Op {
        code,
        plain: code,
        dst: Reg::R0,
        src: Reg::R0,
        offset: 0,
        imm: 0,
        index: 0,
    }
}

fn binary(code: impl Fn(bool) -> OpCode, dst: Reg, src: Operand) -> Op {
    match src {
        Operand::Reg(src) => Op {
            dst,
            src,
            ..plain(code(false))
        },
        Operand::Imm(imm) => Op {
            dst,
            imm,
            ..plain(code(true))
        },
    }
}

fn memory(code: OpCode, dst: Reg, src: Reg, offset: i16) -> Op {
    Op {
        dst,
        src,
        offset: offset.into(),
        ..plain(code)
    }
}

fn store(size: Size, base: Reg, offset: i16, src: Operand) -> Op {
    Op {
        offset: offset.into(),
        ..binary(|k| OpCode::store(size, k), base, src)
    }
}
