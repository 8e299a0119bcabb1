//! Memory: loads, stores, atomics, and the checks of a stretch of memory that
//! a helper will read or write.
//!
//! Every access goes through [`Verifier::access`], whatever the instruction; it
//! asks the file of the kind of pointer: [`stack`], [`packet`], [`map`],
//! [`context`], [`plain`] memory, [`socket`]s, kernel structures ([`kernel`]).
//! [`region`] and [`alignment`] are rules that several of them share,
//! [`argument`] is what helpers ask.

mod alignment;
mod argument;
mod atomic;
mod context;
mod kernel;
mod map;
mod packet;
mod plain;
mod pointer_class;
mod region;
mod socket;
mod stack;

use abi::proven;
use isa::{Operand, Reg, Size, Width};

use crate::explore::Verifier;
use crate::reason::{Access, Result};
use crate::state::{Flags, Kind, Value};

pub(crate) use argument::{HelperMemory, StackToFill};
pub(crate) use pointer_class::PointerClasses;

/// What is done to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

/// What an access moves.
#[derive(Clone, Copy, Debug)]
enum Moves<'v> {
    /// Memory to a register; `signed`: sign-extended.
    Load { signed: bool },
    /// A register or an immediate to memory.
    Store(Source<'v>),
    /// Something unknown, in this direction: half of an atomic operation, or a
    /// helper's doing.
    Unknown(Direction),
}

/// What a store writes.
#[derive(Clone, Copy, Debug)]
struct Source<'v> {
    value: &'v Value,
    /// The register that it comes from; none for an immediate.
    reg: Option<Reg>,
}

/// One access to memory.
#[derive(Clone, Copy, Debug)]
struct Request<'v> {
    /// The register that holds the pointer.
    reg: Reg,
    /// What that register holds.
    base: &'v Value,
    /// The instruction's offset.
    offset: i32,
    /// Bytes.
    size: u32,
    moves: Moves<'v>,
    /// Whether the address has to be aligned whatever the configuration.
    aligned: bool,
}

impl Request<'_> {
    fn direction(&self) -> Direction {
        match self.moves {
            Moves::Load { .. } | Moves::Unknown(Direction::Read) => Direction::Read,
            Moves::Store(_) | Moves::Unknown(Direction::Write) => Direction::Write,
        }
    }

    fn is_write(&self) -> bool {
        self.direction() == Direction::Write
    }

    /// The fixed part of the offset: the pointer's and the instruction's.
    fn fixed(&self) -> i64 {
        i64::from(self.base.off) + i64::from(self.offset)
    }

    /// The bytes that are touched.
    fn span(&self) -> region::Span {
        region::Span {
            reg: self.reg,
            off: self.fixed(),
            size: self.size,
            zero_allowed: false,
        }
    }

    /// What it tells of the instruction.
    fn proven(&self) -> proven::Access {
        use proven::Memory;
        let num = &self.base.num;
        proven::Access {
            memory: match self.base.kind {
                Kind::Stack { .. } => Memory::Stack,
                Kind::Ctx => Memory::Context,
                Kind::Packet { .. } | Kind::PacketMeta { .. } => Memory::Packet,
                Kind::MapValue(_) => Memory::MapValue,
                _ => Memory::Other,
            },
            low: num.smin().saturating_add(self.fixed()),
            high: num.smax().saturating_add(self.fixed()),
        }
    }

    /// What a store writes.
    fn source(&self) -> Option<&Source<'_>> {
        match &self.moves {
            Moves::Store(source) => Some(source),
            _ => None,
        }
    }
}

impl Verifier<'_> {
    /// `dst = *(size *)(base + offset)`, zero- or sign-extended.
    pub(crate) fn load(
        &mut self,
        size: Size,
        signed: bool,
        dst: Reg,
        base: Reg,
        offset: i16,
    ) -> Result {
        self.load_from(Moves::Load { signed }, size, dst, base, offset, false)
    }

    fn load_from(
        &mut self,
        moves: Moves<'_>,
        size: Size,
        dst: Reg,
        reg: Reg,
        offset: i16,
        aligned: bool,
    ) -> Result {
        let base = self.read_reg(reg)?;
        self.check_writable(dst)?;
        let loaded = self.access(&Request {
            reg,
            base: &base,
            offset: offset.into(),
            size: size.bytes(),
            moves,
            aligned,
        })?;
        *self.state.reg_mut(dst) = loaded;
        self.check_pointer_class(&base, !aligned)
    }

    /// `*(size *)(base + offset) = src`.
    pub(crate) fn store(&mut self, size: Size, base: Reg, offset: i16, src: Operand) -> Result {
        self.store_to(size, base, offset, src, false)
    }

    fn store_to(
        &mut self,
        size: Size,
        reg: Reg,
        offset: i16,
        src: Operand,
        aligned: bool,
    ) -> Result {
        let (value, src) = match src {
            Operand::Reg(src) => (self.read_reg(src)?, Some(src)),
            Operand::Imm(imm) => (Value::constant(i64::from(imm) as u64), None),
        };
        let source = Source {
            value: &value,
            reg: src,
        };
        let base = self.read_reg(reg)?;
        self.access(&Request {
            reg,
            base: &base,
            offset: offset.into(),
            size: size.bytes(),
            moves: Moves::Store(source),
            aligned,
        })?;
        self.check_pointer_class(&base, false)
    }

    /// Checks one access, does what it does to memory, and gives what a load
    /// leaves in the register.
    fn access(&mut self, request: &Request<'_>) -> Result<Value> {
        self.check_alignment(request)?;
        let loaded = self.access_by_kind(request)?;
        if matches!(request.moves, Moves::Load { .. } | Moves::Store(_)) || request.aligned {
            self.proven.note_access(self.pc, request.proven());
        }
        Ok(match request.moves {
            Moves::Load { signed } if loaded.is_scalar() && request.size < 8 => {
                extended(loaded, request.size, signed)
            }
            _ => loaded,
        })
    }

    fn access_by_kind(&mut self, request: &Request<'_>) -> Result<Value> {
        let base = request.base;
        match base.kind {
            Kind::Mem { size, .. } => self.access_mem(request, size),
            Kind::Stack { frame } => self.access_stack(request, frame),
            _ if base.may_be_null() => Err(self.not_memory(request)),
            Kind::MapKey(map) => self.access_map_key(request, map),
            Kind::MapValue(map) => self.access_map_value(request, map),
            Kind::MapPtr(map) => self.access_map_object(request, map),
            Kind::Ctx => self.access_context(request),
            Kind::Packet { range } | Kind::PacketMeta { range } => {
                self.access_packet(request, range)
            }
            Kind::FlowKeys => self.access_flow_keys(request),
            Kind::Socket | Kind::SockCommon | Kind::TcpSock | Kind::XdpSock => {
                self.access_socket(request)
            }
            Kind::TpBuffer => self.access_tracepoint_buffer(request),
            Kind::Btf { type_id } => self.access_kernel(request, type_id),
            Kind::Buf => self.access_buffer(request),
            Kind::Arena => Err(self.unsupported("arenas")),
            Kind::NotInit
            | Kind::Scalar
            | Kind::PacketEnd
            | Kind::Func { .. }
            | Kind::DynptrPtr(_) => Err(self.not_memory(request)),
        }
    }

    fn not_memory(&self, request: &Request<'_>) -> Box<crate::Fault> {
        Access::NotMemory {
            reg: request.reg,
            found: request.base.type_name(),
        }
        .into()
    }

    /// Whether the loader may not learn what the value tells.
    fn is_secret(&self, value: &Value) -> bool {
        !self.may_leak() && value.is_pointer()
    }

    /// Refuses a store of a pointer where whoever loads the program could see it.
    fn check_leak(&self, request: &Request<'_>, into: &'static str) -> Result {
        match request.source() {
            Some(Source {
                value,
                reg: Some(reg),
            }) if self.is_secret(value) => Err(Access::Leak { reg: *reg, into }.into()),
            _ => Ok(()),
        }
    }

    /// Refuses a pointer that was moved.
    pub(crate) fn check_unmoved(&self, reg: Reg, base: &Value) -> Result {
        let found = base.type_name();
        if base.off < 0 {
            let off = base.off;
            return Err(Access::NegativeOffset { reg, found, off }.into());
        }
        if base.off != 0 {
            let off = base.off;
            return Err(Access::ModifiedPointer { reg, found, off }.into());
        }
        if base.num.as_const() != Some(0) {
            let var = base.num.tnum();
            return Err(Access::VariableOffset { found, var }.into());
        }
        Ok(())
    }

    /// Makes all packet pointers of all frames unknown numbers.
    pub(crate) fn forget_packet_pointers(&mut self) {
        self.state.for_each_value(
            |v| v.kind.is_packet() || v.flags.contains(Flags::DYNPTR_PACKET),
            |v| *v = Value::UNKNOWN,
        );
    }
}

/// What a register holds after a load of less than its width.
fn extended(loaded: Value, size: u32, signed: bool) -> Value {
    Value {
        num: if signed {
            loaded.num.movsx(Width::W64, size * 8)
        } else {
            loaded.num.truncate(size)
        },
        ..loaded
    }
}
