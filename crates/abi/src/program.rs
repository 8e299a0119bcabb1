//! Programs as data: all that BPF_PROG_LOAD would be given.

use std::sync::Arc;

use btf::{Btf, TypeId};
use isa::{Pc, Slot};

use crate::{AttachType, MapDef, ProgType};

/// A linked, relocated program.
///
/// References that a kernel would want as descriptors are indices here:
///
/// * a map is `ldimm64` with `src = 5` (index) or `src = 6` (index, value
///   offset) into [`Program::maps`];
/// * a kfunc call is `call` with `src = 2`, `off = 0` and, as `imm`, the index
///   into [`Program::externs`];
/// * a kernel variable is `ldimm64` with `src = 3` and, as `imm`, the index into
///   [`Program::externs`].
#[derive(Clone, Debug)]
pub struct Program {
    /// Name of the entry function.
    pub name: String,
    /// ELF section that it came from.
    pub section: String,
    /// Type that decides context, helpers and return values.
    pub prog_type: ProgType,
    /// Expected attach type, where the program type has several.
    pub attach_type: Option<AttachType>,
    /// Load flags.
    pub flags: ProgFlags,
    /// Licence of the object; empty when it has none.
    pub license: String,
    /// Kernel version that the object asks for; 0 when it has none.
    pub kern_version: u32,
    /// The instructions: the entry function first, then every function that is
    /// reachable by calls.
    pub code: Vec<Slot>,
    /// Where each function came from, ascending by start.
    pub functions: Vec<SymbolRange>,
    /// The maps of the object.
    pub maps: Arc<[MapDef]>,
    /// The kernel functions and variables that the program names.
    pub externs: Arc<[Extern]>,
    /// The object's BTF.
    pub btf: Option<Arc<Btf>>,
    /// BTF type of each function, ascending by `pc`.
    pub func_info: Vec<FuncInfo>,
    /// Source position of instructions, ascending by `pc`.
    pub line_info: Vec<LineInfo>,
    /// Function or program that it attaches to, from the section name
    /// (`kprobe/NAME`, `fentry/NAME`); empty when there is none.
    pub attach_target: String,
    /// Whether a loader opens the object without loading this program by
    /// default (section name begins with `?`).
    pub optional: bool,
}

/// The licences that Linux takes for compatible with the GPL
/// (`include/linux/license.h`).
const GPL_COMPATIBLE: [&str; 6] = [
    "GPL",
    "GPL v2",
    "GPL and additional rights",
    "Dual BSD/GPL",
    "Dual MIT/GPL",
    "Dual MPL/GPL",
];

impl Program {
    /// A program called `main` that consists of nothing but code, under the GPL.
    pub fn bare(prog_type: ProgType, code: Vec<Slot>) -> Program {
        Program {
            name: "main".to_owned(),
            section: String::new(),
            prog_type,
            attach_type: None,
            flags: ProgFlags::default(),
            license: "GPL".to_owned(),
            kern_version: 0,
            code,
            functions: Vec::new(),
            maps: Arc::new([]),
            externs: Arc::new([]),
            btf: None,
            func_info: Vec::new(),
            line_info: Vec::new(),
            attach_target: String::new(),
            optional: false,
        }
    }

    /// Whether the licence is one that Linux takes for compatible with the GPL.
    pub fn is_gpl_compatible(&self) -> bool {
        GPL_COMPATIBLE.contains(&self.license.as_str())
    }

    /// The source position of the instruction at `pc`, where the compiler told one.
    pub fn line_at(&self, pc: Pc) -> Option<&LineInfo> {
        let after = self.line_info.partition_point(|line| line.pc <= pc);
        self.line_info.get(after.checked_sub(1)?)
    }
}

/// `BPF_F_*` flags of program load that an object can ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ProgFlags {
    /// May sleep (`.s` sections).
    pub sleepable: bool,
    /// Understands multi-buffer packets (`xdp.frags`).
    pub xdp_frags: bool,
    /// Loaded for one device (`BPF_F_XDP_DEV_BOUND_ONLY`): may call the kernel
    /// functions that ask it about a packet.
    pub device_bound: bool,
}

/// A function in linked code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolRange {
    /// Name of the function.
    pub name: String,
    /// First slot.
    pub start: Pc,
    /// Number of slots.
    pub len: u32,
}

/// The BTF type of the function that starts at `pc` (`struct bpf_func_info`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FuncInfo {
    /// First slot of the function.
    pub pc: Pc,
    /// A `func` type in the object's BTF.
    pub type_id: TypeId,
}

/// The source position of an instruction (`struct bpf_line_info`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LineInfo {
    /// The first slot that the line made.
    pub pc: Pc,
    /// Offset of the file name in the BTF strings.
    pub file_name_off: u32,
    /// Offset of the text of the line in the BTF strings.
    pub line_off: u32,
    /// Line number, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// Something of the kernel that a program names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extern {
    /// Symbol name.
    pub name: String,
    /// What it is.
    pub kind: ExternKind,
    /// Whether the program works without it.
    pub weak: bool,
    /// Its type in the object's BTF; void where it has none.
    pub type_id: TypeId,
}

/// What an [`Extern`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExternKind {
    /// A kernel function.
    Kfunc,
    /// A kernel variable with a BTF type.
    Variable,
    /// A kernel symbol of which only the address is wanted.
    Address,
}
