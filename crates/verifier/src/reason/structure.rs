//! Refusals of the passes that look at the whole program: before it is
//! followed, and the sum of its stack frames afterwards.

use std::fmt;

use abi::{Errno, MapType};
use isa::{Invalid, Pc};

/// The program as a whole cannot be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Structure {
    /// No instructions, or more than there may be. Linux says nothing to it.
    #[error("")]
    Length,

    /// The first function in `func_info` is not the main one.
    #[error("nonzero insn_off {} for the first func info record", .0.0)]
    FuncInfoFirst(Pc),
    /// `func_info` is not in ascending order.
    #[error("same or smaller insn offset ({}) than previous func info record ({})", .pc.0, .previous.0)]
    FuncInfoOrder {
        /// Start of the function.
        pc: Pc,
        /// Start of the one before it in the list.
        previous: Pc,
    },
    /// A type in `func_info` is no function.
    #[error("invalid type id {0} in func info")]
    FuncInfoType(u32),
    /// `func_info` does not name every function.
    #[error("number of funcs in func_info doesn't match number of subprogs")]
    FuncInfoCount,
    /// `func_info` has other starts than the functions.
    #[error("func_info BTF section doesn't match subprog layout in BPF program")]
    FuncInfoLayout,
    /// A function that may end early has no prototype.
    #[error("{0} is not allowed in subprogs without BTF")]
    EarlyEndWithoutBtf(EarlyEnd),
    /// A function that may end early does not return a number.
    #[error("{0} is only allowed in functions that return 'int'.")]
    EarlyEndWithoutInt(EarlyEnd),
    /// `line_info` is not in ascending order, or leaves the program.
    #[error("Invalid line_info[{index}].insn_off:{pc} (prev_offset:{previous} prog->len:{len})")]
    LineInfoOffset {
        /// Number of the record.
        index: usize,
        /// Its instruction.
        pc: u32,
        /// The instruction of the record before it.
        previous: u32,
        /// Slots of the program.
        len: usize,
    },
    /// A record of `line_info` points into a wide instruction.
    #[error("Invalid insn code at line_info[{0}].insn_off")]
    LineInfoCode(usize),
    /// A record of `line_info` has a string that there is not.
    #[error("Invalid line_info[{0}].line_off or .file_name_off")]
    LineInfoString(usize),
    /// A function begins without a record in `line_info`.
    #[error("missing bpf_line_info for func#{0}")]
    LineInfoMissing(usize),
    /// `line_info` ends before the last functions.
    #[error("missing bpf_line_info for {count} funcs starting from func#{first}")]
    LineInfoEnds {
        /// How many functions have no record.
        count: usize,
        /// The first of them.
        first: usize,
    },

    /// A call, or a callback, outside the program.
    #[error("call to invalid destination")]
    CallDestination,
    /// More functions than there may be.
    #[error("too many subprograms")]
    TooManySubprograms,
    /// Kernel functions are for programs under a GPL-compatible licence.
    #[error("cannot call kernel function from non-GPL compatible program")]
    KfuncLicense,
    /// A kernel function that only programs for one device may call.
    #[error("metadata kfuncs require device-bound program")]
    KfuncDevice,
    /// More different kernel functions than there may be.
    #[error("too many different kernel function calls")]
    TooManyKfuncs,
    /// A kernel function of a module that was not handed over.
    #[error("failed to find BTF for kernel function")]
    KfuncModule {
        /// The module's descriptor.
        module: i16,
    },
    /// What is called as a kernel function is none.
    #[error("kernel btf_id {0} is not a function")]
    NoKfunc(i32),

    /// A jump leaves its function.
    #[error("jump out of range from insn {} to {to}", .from.0)]
    JumpOutOfRange {
        /// The jump.
        from: Pc,
        /// Where it leads.
        to: i64,
    },
    /// Control runs past the end of a function.
    #[error("last insn is not an exit or jmp")]
    RunsOn,

    /// An instruction without meaning, found before anything is followed.
    #[error("{0}")]
    Encoding(Invalid),
    /// A reference to a map that there is not.
    #[error("fd {0} is not pointing to valid bpf_map")]
    NoMap(i32),
    /// A reference to a map by number in a program that comes without maps.
    #[error("fd_idx without fd_array is invalid")]
    NoMaps,
    /// More different maps than there may be.
    #[error("The total number of maps per program has reached the limit of 64")]
    TooManyMaps,
    /// The map is not for programs like this.
    #[error(transparent)]
    MapUse(#[from] MapUse),
    /// A reference to a kernel variable that there is not.
    #[error("ldimm64 insn specifies invalid btf_id {0}.")]
    NoVariable(i32),
    /// The address of a value of a map that has no fixed address.
    #[error("no direct value access support for this map type")]
    NoDirectValue,
    /// An address in a map's value that is further than any value is long.
    #[error("direct value offset of {0} is not allowed")]
    DirectValueOffset(u32),
    /// An address outside the map's value, or in a map of several values.
    #[error("invalid access to map value pointer, value_size={value_size} off={offset}")]
    DirectValue {
        /// Bytes of the value.
        value_size: u32,
        /// Offset of the address.
        offset: u32,
        /// The map has more than one value.
        several: bool,
    },

    /// Nothing leads to this instruction.
    #[error("unreachable insn {}", .0.0)]
    Unreachable(Pc),
    /// Something leads into the second slot of this instruction.
    #[error("jump into the middle of ldimm64 insn {}", .0.0)]
    IntoWide(Pc),

    /// The program type asks for a GPL-compatible licence.
    #[error("struct ops programs must have a GPL compatible license")]
    StructOpsLicense,
    /// The program type asks for something of the kernel to attach to.
    #[error("Tracing programs must provide btf_id")]
    NoAttachTarget,
    /// Programs of this type may not sleep.
    #[error(
        "Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable"
    )]
    MayNotSleep,
    /// Programs of this type must be sleepable.
    #[error("Syscall programs can only be sleepable")]
    MustSleep,

    /// The frames of a chain of calls take too much together.
    #[error("combined stack size of {calls} calls is {bytes}. Too large")]
    CombinedStack {
        /// Functions in the chain.
        calls: usize,
        /// What their frames take.
        bytes: u32,
    },
    /// A frame alone takes too much.
    #[error("stack size of subprog {subprogram} is {bytes}. Too large")]
    FrameStack {
        /// Number of the function.
        subprogram: u32,
        /// What its frame takes.
        bytes: u32,
    },
    /// The callers of a function with a tail call take too much.
    #[error(
        "tail_calls are not allowed when call stack of previous frames is {0} bytes. Too large"
    )]
    TailCallStack(u32),
    /// A chain of calls is too long.
    #[error("the call stack of {0} frames is too deep !")]
    CallDepth(usize),
    /// An exception is thrown in a function that a helper calls.
    #[error("bpf_throw kfunc (insn {}) cannot be called from callback subprog {subprogram}", .pc.0)]
    ThrowInCallback {
        /// The call.
        pc: Pc,
        /// Number of the function.
        subprogram: u32,
    },
}

/// What ends a function before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EarlyEnd {
    /// A packet load of classic BPF.
    LdAbs,
    /// A tail call.
    TailCall,
}

impl fmt::Display for EarlyEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EarlyEnd::LdAbs => "LD_ABS",
            EarlyEnd::TailCall => "tail_call",
        })
    }
}

/// Why a program may not name a map.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MapUse {
    /// Its values hold something (`bpf_spin_lock`) that tracing programs may not
    /// have.
    #[error("tracing progs cannot use {0} yet")]
    Tracing(&'static str),
    /// Its values hold a lock, which socket filters may not have.
    #[error("socket filter progs cannot use bpf_spin_lock yet")]
    SocketFilterLock,
    /// It is the kernel's side of a `struct_ops`.
    #[error("bpf_struct_ops map cannot be used in prog")]
    StructOps,
    /// Sleepable programs may not use its type.
    #[error("Sleepable programs can only use array, hash, ringbuf and local storage maps")]
    Sleepable,
    /// There is a second map of this type.
    #[error("only one cgroup storage of each type is allowed")]
    SecondCgroupStorage(MapType),
}

impl Structure {
    /// See [`super::Reason::errno`].
    pub fn errno(&self) -> Errno {
        match self {
            Structure::Length
            | Structure::TooManySubprograms
            | Structure::TooManyKfuncs
            | Structure::TooManyMaps
            | Structure::CallDepth(_) => Errno::E2BIG,
            Structure::KfuncModule { module } if *module > 0 => Errno::EPROTO,
            Structure::NoMaps => Errno::EPROTO,
            Structure::NoMap(_) => Errno::EBADF,
            Structure::NoVariable(_) => Errno::ENOENT,
            Structure::DirectValue { several: true, .. } => Errno::ENOTSUPP,
            Structure::MapUse(MapUse::SecondCgroupStorage(_)) => Errno::EBUSY,
            Structure::CombinedStack { .. }
            | Structure::FrameStack { .. }
            | Structure::TailCallStack(_) => Errno::EACCES,
            _ => Errno::EINVAL,
        }
    }

    /// See [`super::Reason::code`].
    pub fn code(&self) -> &'static str {
        match self {
            Structure::Length => "program-length",
            Structure::FuncInfoFirst(_)
            | Structure::FuncInfoOrder { .. }
            | Structure::FuncInfoType(_)
            | Structure::FuncInfoCount
            | Structure::FuncInfoLayout => "func-info",
            Structure::EarlyEndWithoutBtf(_) => "early-end-without-btf",
            Structure::EarlyEndWithoutInt(_) => "early-end-without-int",
            Structure::LineInfoOffset { .. }
            | Structure::LineInfoCode(_)
            | Structure::LineInfoString(_)
            | Structure::LineInfoMissing(_)
            | Structure::LineInfoEnds { .. } => "line-info",
            Structure::CallDestination => "call-destination",
            Structure::TooManySubprograms => "too-many-functions",
            Structure::KfuncLicense => "kfunc-license",
            Structure::KfuncDevice => "kfunc-device",
            Structure::TooManyKfuncs => "too-many-kfuncs",
            Structure::KfuncModule { .. } | Structure::NoKfunc(_) => "no-kfunc",
            Structure::JumpOutOfRange { .. } => "jump-range",
            Structure::RunsOn => "runs-on",
            Structure::Encoding(Invalid::Opcode(_)) => "unknown-opcode",
            Structure::Encoding(_) => "encoding",
            Structure::NoMap(_) | Structure::NoMaps => "no-map",
            Structure::TooManyMaps => "too-many-maps",
            Structure::MapUse(MapUse::Sleepable) => "sleepable-map",
            Structure::MapUse(_) => "map-use",
            Structure::NoVariable(_) => "no-kernel-variable",
            Structure::NoDirectValue => "no-direct-value",
            Structure::DirectValueOffset(_) | Structure::DirectValue { .. } => "direct-value",
            Structure::Unreachable(_) => "unreachable",
            Structure::IntoWide(_) => "jump-into-wide",
            Structure::StructOpsLicense => "struct-ops-license",
            Structure::NoAttachTarget => "no-attach-target",
            Structure::MayNotSleep | Structure::MustSleep => "sleepable",
            Structure::CombinedStack { .. } | Structure::FrameStack { .. } => "combined-stack",
            Structure::TailCallStack(_) => "tail-call-stack",
            Structure::CallDepth(_) => "call-depth",
            Structure::ThrowInCallback { .. } => "throw-in-callback",
        }
    }

    /// Whether Linux forgets the newline after the sentence, so that the next
    /// line of its log follows on the same one.
    pub fn lacks_newline(&self) -> bool {
        matches!(
            self,
            Structure::FuncInfoFirst(_)
                | Structure::FuncInfoOrder { .. }
                | Structure::FuncInfoType(_)
        )
    }
}
