//! Refusals of reads and writes: of registers and of memory.

use std::fmt;

use abi::Errno;
use isa::Reg;

use crate::scalar::Tnum;
use crate::state::TypeName;

/// A register or memory may not be read or written so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are what the sentence shows of them")]
pub enum Access {
    /// A register that nothing was written to is read.
    #[error("{} !read_ok", R(.0))]
    NotReadable(Reg),
    /// The frame pointer is written.
    #[error("frame pointer is read only")]
    FramePointer,
    /// A number, or a pointer that may be NULL or to nothing that has bytes, is
    /// dereferenced.
    #[error("{} invalid mem access '{found}'", R(.reg))]
    NotMemory { reg: Reg, found: TypeName },
    /// An address that is no multiple of the size, where it has to be one.
    #[error("misaligned {what}access off {parts} size {size}")]
    Misaligned {
        what: &'static str,
        parts: OffsetParts,
        size: u32,
    },
    /// The lower bound of an offset is negative, or so low that it may wrap.
    #[error(
        "{} min value is negative, either use unsigned index or do a if (index >=0) check.",
        R(.0)
    )]
    MinNegative(Reg),
    /// The lowest offset lies outside.
    #[error("{outside}\n{} min value is outside of the allowed memory range", R(.reg))]
    MinOutside { reg: Reg, outside: Outside },
    /// An offset without an upper bound.
    #[error(
        "{} unbounded memory access, make sure to bounds check any such access",
        R(.0)
    )]
    Unbounded(Reg),
    /// The highest offset lies outside.
    #[error("{outside}\n{} max value is outside of the allowed memory range", R(.reg))]
    MaxOutside { reg: Reg, outside: Outside },
    /// Bytes of a packet that no comparison proved to be there.
    #[error("{outside}\n{} offset is outside of the packet", R(.reg))]
    PacketBounds { reg: Reg, outside: Outside },
    /// Bytes at or beyond the end of the packet, as a comparison said.
    #[error("{} offset is outside of the packet", R(.0))]
    PastPacketEnd(Reg),
    /// A program of this type may not write into packets.
    #[error("cannot write into packet")]
    PacketReadOnly,
    /// The helper does not take packets, or may not write into them here.
    #[error("helper access to the packet is not allowed")]
    PacketToHelper,
    /// A map that the program may not write.
    #[error("write into map forbidden, value_size={value_size} off={off} size={size}")]
    MapReadOnly {
        value_size: u32,
        off: i64,
        size: u32,
    },
    /// A map that the program may not read.
    #[error("read from map forbidden, value_size={value_size} off={off} size={size}")]
    MapWriteOnly {
        value_size: u32,
        off: i64,
        size: u32,
    },
    /// A special field of a map value is touched.
    #[error("{0} cannot be accessed directly by load/store")]
    SpecialField(&'static str),
    /// A pointer in a map value is loaded or stored at an offset that is not
    /// known.
    #[error("{0} access cannot have variable offset")]
    SpecialFieldVariable(&'static str),
    /// A pointer in a map value is loaded or stored in part.
    #[error("{name} access misaligned expected={expected} off={off}")]
    SpecialFieldMisaligned {
        name: &'static str,
        expected: u32,
        off: u64,
    },
    /// A pointer in a map value is loaded or stored in part.
    #[error("{0} access size must be BPF_DW")]
    SpecialFieldSize(&'static str),
    /// A pointer in a map value that only helpers may change is stored.
    #[error("store to {0} disallowed")]
    KptrStore(&'static str),
    /// A pointer in a map value is handed to a helper as plain memory.
    #[error("{0} cannot be accessed indirectly by helper")]
    SpecialFieldByHelper(&'static str),
    /// A map key is written.
    #[error("write to change key {} not allowed", R(.0))]
    KeyReadOnly(Reg),
    /// Memory that may not be written.
    #[error("{} cannot write into {found}", R(.reg))]
    ReadOnly { reg: Reg, found: TypeName },
    /// An address would become visible to those who may not see it.
    #[error("{} leaks addr into {into}", R(.reg))]
    Leak { reg: Reg, into: &'static str },
    /// A pointer moved below its start, where that is not allowed.
    #[error("negative offset {found} ptr {} off={off} disallowed", R(.reg))]
    NegativeOffset { reg: Reg, found: TypeName, off: i32 },
    /// A pointer that was moved is dereferenced, where that is not allowed.
    #[error("dereference of modified {found} ptr {} off={off} disallowed", R(.reg))]
    ModifiedPointer { reg: Reg, found: TypeName, off: i32 },
    /// An offset that is not known, where it has to be.
    #[error("variable {found} access var_off={} disallowed", pair(.var))]
    VariableOffset { found: TypeName, var: Tnum },
    /// Nothing in the context that a program of this type may read or write so.
    #[error("invalid bpf_context access off={off} size={size}")]
    Context { off: i64, size: u32 },
    /// Flow keys have no such bytes.
    #[error("invalid access to flow keys off={off} size={size}")]
    FlowKeys { off: i64, size: u32 },
    /// Nothing in a socket that may be read so.
    #[error("{} invalid {found} access off={off} size={size}", R(.reg))]
    Socket {
        reg: Reg,
        found: TypeName,
        off: i64,
        size: u32,
    },
    /// A buffer has no such bytes.
    #[error("{} invalid {what} buffer access: off={off}, size={size}", R(.reg))]
    Buffer {
        reg: Reg,
        what: &'static str,
        off: i64,
        size: u32,
    },
    /// A buffer is indexed with a number that is not known.
    #[error("{} invalid variable buffer offset: off={off}, var_off={}", R(.reg), pair(.var))]
    BufferVariable { reg: Reg, off: i64, var: Tnum },
    /// The same instruction reaches pointers that need different code.
    #[error("same insn cannot be used with different pointers")]
    DifferentPointers,
    /// An atomic operation of a size that there is not.
    #[error("invalid atomic operand size")]
    AtomicSize,
    /// An atomic store or read-modify-write where plain stores only are allowed.
    #[error("BPF_ATOMIC stores into {} {found} is not allowed", R(.reg))]
    AtomicStore { reg: Reg, found: TypeName },
    /// An atomic load where plain loads only are allowed.
    #[error("BPF_ATOMIC loads from {} {found} is not allowed", R(.reg))]
    AtomicLoad { reg: Reg, found: TypeName },
    /// A helper wants memory, and this is none.
    #[error("{} type={found} expected=fp", R(.reg))]
    NotMemoryArgument { reg: Reg, found: TypeName },
    /// A size that may be negative.
    #[error("{} min value is negative, either use unsigned or 'var &= const'", R(.0))]
    SizeNegative(Reg),
    /// A size that may be zero, where it may not.
    #[error("{} invalid zero-sized read: u64=[{},{}]", R(.reg), *.min as i64, *.max as i64)]
    SizeZero { reg: Reg, min: u64, max: u64 },
    /// A size without an upper bound.
    #[error(
        "{} unbounded memory access, use 'var &= const' or 'if (var < const)'",
        R(.0)
    )]
    SizeUnbounded(Reg),
    /// Packet loads of classic BPF in a program that has no packet.
    #[error("BPF_LD_[ABS|IND] instructions not allowed for this program type")]
    ClassicNotAllowed,
    /// Packet loads of classic BPF without the context in `r6`.
    #[error("at the time of BPF_LD_ABS|IND R6 != pointer to skb")]
    ClassicContext,
}

/// The bytes that were asked for, and those that there are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "fields are what the sentence shows of them")]
pub enum Outside {
    /// Of a map key.
    #[error("invalid access to map key, key_size={have} off={off} size={size}")]
    Key { have: u32, off: i64, size: u32 },
    /// Of a map value.
    #[error("invalid access to map value, value_size={have} off={off} size={size}")]
    Value { have: u32, off: i64, size: u32 },
    /// Of the packet or its metadata.
    #[error(
        "invalid access to packet, off={off} size={size}, {}(id={id},off={off},r={have})",
        R(.reg)
    )]
    Packet {
        have: u32,
        off: i64,
        size: u32,
        reg: Reg,
        id: u32,
    },
    /// Of other memory.
    #[error("invalid access to memory, mem_size={have} off={off} size={size}")]
    Memory { have: u32, off: i64, size: u32 },
}

/// The parts of an address that alignment is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetParts {
    /// What the start of a packet counts as; none for other memory.
    pub base: Option<u32>,
    /// The variable part.
    pub var: Tnum,
    /// The fixed part.
    pub fixed: i32,
    /// The instruction's offset.
    pub insn: i32,
}

impl fmt::Display for OffsetParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(base) = self.base {
            write!(f, "{base}+")?;
        }
        write!(f, "{}+{}+{}", pair(&self.var), self.fixed, self.insn)
    }
}

/// A register as Linux's sentences name it: `R1`.
pub(super) struct R<'a>(pub(super) &'a Reg);

impl fmt::Display for R<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "R{}", self.0.index())
    }
}

/// Known bits as Linux writes them in sentences: `(0x0; 0xff)`, or the number.
pub(super) fn pair(tnum: &Tnum) -> impl fmt::Display {
    let (value, mask) = (tnum.value, tnum.mask);
    fmt::from_fn(move |f| match mask {
        0 if value <= u64::from(u16::MAX) => write!(f, "{value}"),
        0 => write!(f, "{value:#x}"),
        _ => write!(f, "({value:#x}; {mask:#x})"),
    })
}

impl Access {
    /// See [`super::Reason::errno`].
    pub fn errno(&self) -> Errno {
        match self {
            Access::PastPacketEnd(_)
            | Access::DifferentPointers
            | Access::AtomicSize
            | Access::ClassicNotAllowed
            | Access::ClassicContext => Errno::EINVAL,
            _ => Errno::EACCES,
        }
    }

    /// See [`super::Reason::code`].
    pub fn code(&self) -> &'static str {
        match self {
            Access::NotReadable(_) => "uninitialised-register",
            Access::FramePointer => "frame-pointer",
            Access::NotMemory { found, .. } if found.may_be_null() => "null-test-missing",
            Access::NotMemory { .. } => "not-memory",
            Access::Misaligned { .. } => "misaligned",
            Access::MinNegative(_) => "index-negative",
            Access::MinOutside { .. } | Access::MaxOutside { .. } => "index-bounds",
            Access::Unbounded(_) => "index-unbounded",
            Access::PacketBounds { .. } | Access::PastPacketEnd(_) => "packet-bounds",
            Access::PacketReadOnly => "packet-read-only",
            Access::PacketToHelper => "packet-to-helper",
            Access::MapReadOnly { .. } => "map-read-only",
            Access::MapWriteOnly { .. } => "map-write-only",
            Access::SpecialField(_)
            | Access::SpecialFieldVariable(_)
            | Access::SpecialFieldMisaligned { .. }
            | Access::SpecialFieldSize(_)
            | Access::KptrStore(_)
            | Access::SpecialFieldByHelper(_) => "special-field",
            Access::KeyReadOnly(_) => "key-read-only",
            Access::ReadOnly { .. } => "read-only",
            Access::Leak { .. } => "pointer-leak",
            Access::NegativeOffset { .. }
            | Access::ModifiedPointer { .. }
            | Access::VariableOffset { .. } => "modified-pointer",
            Access::Context { .. } => "context-access",
            Access::FlowKeys { .. } => "flow-keys-access",
            Access::Socket { .. } => "socket-access",
            Access::Buffer { .. } | Access::BufferVariable { .. } => "buffer-bounds",
            Access::DifferentPointers => "different-pointers",
            Access::AtomicSize => "atomic-size",
            Access::AtomicStore { .. } | Access::AtomicLoad { .. } => "atomic-not-allowed",
            Access::NotMemoryArgument { .. } => "argument-not-memory",
            Access::SizeNegative(_) => "size-negative",
            Access::SizeZero { .. } => "size-zero",
            Access::SizeUnbounded(_) => "size-unbounded",
            Access::ClassicNotAllowed | Access::ClassicContext => "classic-packet-load",
        }
    }
}
