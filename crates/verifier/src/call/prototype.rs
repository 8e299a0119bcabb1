//! What BTF says that a function of the program takes.
//!
//! A global function is followed on its own, with arguments as its prototype
//! says, and each call is checked against the prototype. Of other functions the
//! prototype does not matter, though Linux looks at it and says in its log what
//! it does not like; as long as that goes on it is looked at again at each call.

use std::rc::Rc;

use abi::{AttachType, Errno, ProgType, Program};
use btf::{Btf, FuncProto, Kind as BtfKind, Linkage, Type, TypeId};
use isa::{Pc, Reg};

use crate::explore::Verifier;
use crate::reason::{Fault, Lines, Unsupported};
use crate::state::{DynptrKind, Flags, Kind, Value};
use crate::step::memory::{Direction, HelperMemory};

/// What one function takes in `r1` to `r5`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Prototype {
    pub(super) params: Vec<Parameter>,
}

/// What an argument must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameter {
    /// A number.
    Number,
    /// The context.
    Ctx,
    /// Memory of `size` bytes.
    Memory { size: u32, nullable: bool },
    /// A dynptr that is only read.
    Dynptr,
}

/// Why a prototype, or an argument, will not do.
#[derive(Clone, Debug)]
pub(super) struct Mismatch {
    pub(super) errno: Errno,
    pub(super) details: Lines,
}

impl Mismatch {
    /// One that nothing is said of.
    pub(super) fn silent() -> Mismatch {
        Mismatch {
            errno: Errno::EINVAL,
            details: Lines::default(),
        }
    }

    fn new(errno: Errno, line: impl Into<String>) -> Mismatch {
        Mismatch {
            errno,
            details: Lines(vec![line.into()]),
        }
    }

    fn invalid(line: impl Into<String>) -> Mismatch {
        Mismatch::new(Errno::EINVAL, line)
    }
}

/// A mismatch, or what is not supported.
#[derive(Debug)]
pub(super) enum Trouble {
    Mismatch(Mismatch),
    Fault(Box<Fault>),
}

impl From<Mismatch> for Trouble {
    fn from(mismatch: Mismatch) -> Trouble {
        Trouble::Mismatch(mismatch)
    }
}

/// `arg:…` tags of a parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tags {
    ctx: bool,
    nonnull: bool,
    nullable: bool,
    /// Tags for what is not supported.
    other: Option<&'static str>,
}

impl Tags {
    fn any(self) -> bool {
        self != Tags::default()
    }
}

/// Registers that arguments come in.
pub(super) const ARGUMENTS: [Reg; 5] = [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5];

impl Verifier<'_> {
    /// The prototype of a function, as far as Linux understands it.
    pub(super) fn prototype(&mut self, subprogram: u32) -> Result<Rc<Prototype>, Trouble> {
        if let Some(known) = self.functions.prototype(subprogram) {
            return Ok(known);
        }
        let prototype = Rc::new(self.read_prototype(subprogram)?);
        self.functions.keep_prototype(subprogram, &prototype);
        Ok(prototype)
    }

    fn read_prototype(&self, subprogram: u32) -> Result<Prototype, Trouble> {
        let function = self.structure.subprograms.get(subprogram as usize);
        let (Some(function), Some(btf)) = (function, self.program.btf.as_deref()) else {
            return Err(Mismatch::silent().into());
        };
        let Some(id) = function.func else {
            return Err(Mismatch::silent().into());
        };
        let Some(Type::Func(func)) = btf.ty(id) else {
            return Err(Mismatch::silent().into());
        };
        let Some(Type::FuncProto(proto)) = btf.ty(func.proto) else {
            return Err(Mismatch::silent().into());
        };
        let reader = Reader {
            program: self.program,
            context: self
                .flavor()
                .ok()
                .and_then(|flavor| flavor.context.structure),
            pc: self.pc,
            btf,
            tags: tags_of(btf, id),
            name: func.name,
            global: func.linkage == Linkage::Global,
        };
        reader.read(proto)
    }

    /// Checks the registers against a prototype.
    pub(super) fn check_arguments(&mut self, prototype: &Prototype) -> Result<(), Trouble> {
        for (number, (reg, parameter)) in ARGUMENTS.into_iter().zip(&prototype.params).enumerate() {
            let value = *self.state.reg(reg);
            match *parameter {
                Parameter::Number if value.is_scalar() => {}
                Parameter::Number => {
                    let line = format!("R{} is not a scalar", reg.index());
                    return Err(Mismatch::invalid(line).into());
                }
                Parameter::Ctx => {
                    self.check_moved(reg, &value)?;
                    if value.kind != Kind::Ctx || value.flags != Flags::NONE {
                        let line = format!("arg#{number} expects pointer to ctx");
                        return Err(Mismatch::invalid(line).into());
                    }
                }
                Parameter::Memory { size, nullable } => {
                    self.check_moved(reg, &value)?;
                    self.check_memory_argument(reg, value, size)?;
                    if !nullable && value.may_be_null() {
                        let line = format!("arg#{number} is expected to be non-NULL");
                        return Err(Mismatch::invalid(line).into());
                    }
                }
                Parameter::Dynptr => {
                    let feature = "dynptrs as arguments of global functions";
                    return Err(Trouble::Fault(self.unsupported(feature)));
                }
            }
        }
        Ok(())
    }

    /// Pointers of most kinds must not be moved.
    fn check_moved(&self, reg: Reg, value: &Value) -> Result<(), Trouble> {
        let plain = !value
            .flags
            .intersects(Flags::OR_NULL | Flags::USER | Flags::PERCPU);
        let may_be_moved = plain
            && matches!(
                value.kind,
                Kind::Stack { .. }
                    | Kind::Packet { .. }
                    | Kind::PacketMeta { .. }
                    | Kind::MapKey(_)
                    | Kind::MapValue(_)
                    | Kind::Mem { .. }
                    | Kind::Buf
                    | Kind::Arena
                    | Kind::Scalar
            );
        if may_be_moved {
            return Ok(());
        }
        self.check_unmoved(reg, value)
            .map_err(|fault| told(fault, None))
    }

    /// A stretch of memory that the function may read and write. NULL will do.
    fn check_memory_argument(&mut self, reg: Reg, value: Value, size: u32) -> Result<(), Trouble> {
        if value.as_const() == Some(0) {
            return Ok(());
        }
        let alive = Value {
            flags: value.flags.without(Flags::OR_NULL),
            ..value
        };
        *self.state.reg_mut(reg) = alive;
        let memory = |direction| HelperMemory {
            reg,
            size,
            direction,
            zero_allowed: true,
            fill: false,
        };
        let read = self.check_helper_memory(&memory(Direction::Read));
        let both = read.and_then(|_| self.check_helper_memory(&memory(Direction::Write)));
        *self.state.reg_mut(reg) = value;
        match both {
            Ok(_) => Ok(()),
            // Whatever is wrong, Linux goes on with EINVAL.
            Err(fault) => Err(told(fault, Some(Errno::EINVAL))),
        }
    }

    /// What a function that is followed on its own finds in its registers.
    pub(super) fn value_of(&mut self, parameter: Parameter) -> Value {
        match parameter {
            Parameter::Number => Value::UNKNOWN,
            Parameter::Ctx => Value::pointer(Kind::Ctx),
            Parameter::Memory { size, nullable } => {
                let memory = Value::pointer(Kind::Mem { size, dynptr: 0 });
                if !nullable {
                    return memory;
                }
                Value {
                    id: self.new_id(),
                    ..memory.with(Flags::OR_NULL)
                }
            }
            Parameter::Dynptr => Value {
                id: self.new_id(),
                ..Value::pointer(Kind::DynptrPtr(DynptrKind::Local))
            },
        }
    }
}

/// A refusal as what it says, with its own error number or another.
fn told(fault: Box<Fault>, errno: Option<Errno>) -> Trouble {
    match *fault {
        Fault::Refused(reason) => {
            let lines = reason.to_string();
            Trouble::Mismatch(Mismatch {
                errno: errno.unwrap_or(reason.errno()),
                details: Lines(lines.lines().map(str::to_owned).collect()),
            })
        }
        Fault::Unsupported(_) => Trouble::Fault(fault),
    }
}

/// Reads the prototype of one function.
struct Reader<'a> {
    program: &'a Program,
    /// The structure that the program is handed.
    context: Option<&'static abi::context::Structure>,
    pc: Pc,
    btf: &'a Btf,
    /// Number and text of the tags of its parameters.
    tags: Vec<(u32, &'a str)>,
    name: &'a str,
    global: bool,
}

impl Reader<'_> {
    fn read(&self, proto: FuncProto<'_>) -> Result<Prototype, Trouble> {
        let name = self.name;
        if proto.len() > ARGUMENTS.len() {
            let count = proto.len();
            return Err(self.only_global(format!(
                "Global function {name}() with {count} > 5 args. Buggy compiler."
            )));
        }
        if !self.is_number(proto.ret) {
            return Err(self.only_global(format!(
                "Global function {name}() doesn't return scalar. Only those are supported."
            )));
        }
        let params = proto.params().enumerate();
        let params = params.map(|(number, param)| self.parameter(number, param.ty));
        Ok(Prototype {
            params: params.collect::<Result<_, _>>()?,
        })
    }

    /// A mismatch that is told of global functions.
    fn only_global(&self, line: String) -> Trouble {
        let mismatch = match self.global {
            true => Mismatch::invalid(line),
            false => Mismatch::silent(),
        };
        mismatch.into()
    }

    fn is_number(&self, ty: TypeId) -> bool {
        matches!(
            self.btf.resolved(ty),
            Some((_, Type::Int(_) | Type::Enum(_) | Type::Enum64(_)))
        )
    }

    fn parameter(&self, number: usize, ty: TypeId) -> Result<Parameter, Trouble> {
        let tags = self.tags(number)?;
        let resolved = self.btf.resolved(ty);
        if let Some((_, Type::Ptr(target))) = resolved
            && let Some(pointer) = self.pointer(number, target, tags)?
        {
            return Ok(pointer);
        }
        if tags.any() {
            let line = format!("arg#{number} has pointer tag, but is not a pointer type");
            return Err(Mismatch::invalid(line).into());
        }
        if self.is_number(ty) {
            return Ok(Parameter::Number);
        }
        let kind = resolved.map_or(BtfKind::Void, |(_, ty)| ty.kind());
        Err(self.only_global(format!(
            "Arg#{number} type {} in {}() is not supported yet.",
            kind_name(kind),
            self.name
        )))
    }

    /// A pointer; nothing for one that Linux does not look at.
    fn pointer(
        &self,
        number: usize,
        target: TypeId,
        tags: Tags,
    ) -> Result<Option<Parameter>, Trouble> {
        let invalid = || {
            let line = format!("arg#{number} has invalid combination of tags");
            Trouble::from(Mismatch::invalid(line))
        };
        if tags.ctx || self.is_context(target) {
            if tags.nonnull || tags.nullable || tags.other.is_some() {
                return Err(invalid());
            }
            if tags.ctx {
                self.check_context(number, target)?;
            }
            return Ok(Some(Parameter::Ctx));
        }
        if self.is_dynptr(target) {
            return match tags.any() {
                true => Err(invalid()),
                false => Ok(Some(Parameter::Dynptr)),
            };
        }
        if let Some(tag) = tags.other {
            let feature = format!("arguments with the tag arg:{tag}");
            let pc = self.pc;
            return Err(Trouble::Fault(Unsupported { pc, feature }.into()));
        }
        if !self.global {
            return Ok(None);
        }
        if tags.nullable {
            return Err(invalid());
        }
        let nullable = !tags.nonnull;
        let resolved = self.btf.resolve(target).unwrap_or(TypeId::VOID);
        match self.btf.size_of(resolved) {
            Some(size) => Ok(Some(Parameter::Memory { size, nullable })),
            None => {
                let kind = self.btf.kind(resolved).unwrap_or(BtfKind::Void);
                let name = self.btf.name(resolved);
                let line = format!(
                    "arg#{number} reference type('{} {name}') size cannot be determined: -22",
                    kind_name(kind)
                );
                Err(Mismatch::invalid(line).into())
            }
        }
    }

    fn tags(&self, number: usize) -> Result<Tags, Trouble> {
        let mut tags = Tags::default();
        for (_, name) in self.tags.iter().filter(|(of, _)| *of as usize == number) {
            if !self.global {
                let line = format!("arg#{number} type tag is not supported in static functions");
                return Err(Mismatch::new(Errno::EOPNOTSUPP, line).into());
            }
            match *name {
                "ctx" => tags.ctx = true,
                "nonnull" => tags.nonnull = true,
                "nullable" => tags.nullable = true,
                "trusted" => tags.other = Some("trusted"),
                "untrusted" => tags.other = Some("untrusted"),
                "arena" => tags.other = Some("arena"),
                _ => {
                    let line = format!("arg#{number} has unsupported set of tags");
                    return Err(Mismatch::new(Errno::EOPNOTSUPP, line).into());
                }
            }
        }
        Ok(tags)
    }

    fn is_dynptr(&self, target: TypeId) -> bool {
        match self.btf.resolved(target) {
            Some((_, Type::Struct(found))) => found.name == "bpf_dynptr",
            _ => false,
        }
    }

    /// Whether it is the structure that the program's context has, by name.
    fn is_context(&self, target: TypeId) -> bool {
        if self.program.prog_type == ProgType::Kprobe && self.is_user_regs(target) {
            return true;
        }
        let Some((_, Type::Struct(found))) = self.btf.resolved(target) else {
            return false;
        };
        let Some(name) = self.context_name() else {
            return false;
        };
        // The kernel's own structures stand for those of the UAPI headers.
        found.name == name
            || (name == "__sk_buff" && found.name == "sk_buff")
            || (name == "xdp_md" && found.name == "xdp_buff")
    }

    fn is_user_regs(&self, target: TypeId) -> bool {
        let id = self.btf.strip_modifiers(target);
        match id.and_then(|id| self.btf.ty(id)) {
            Some(Type::Typedef(alias)) => alias.name == "bpf_user_pt_regs_t",
            _ => false,
        }
    }

    /// The structure that Linux knows the context of programs of this type as.
    fn context_name(&self) -> Option<&'static str> {
        match self.program.prog_type {
            ProgType::RawTracepoint | ProgType::RawTracepointWritable => {
                Some("bpf_raw_tracepoint_args")
            }
            ProgType::Netfilter => Some("bpf_nf_ctx"),
            ProgType::FlowDissector => Some("__sk_buff"),
            ProgType::Tracepoint
            | ProgType::Tracing
            | ProgType::StructOps
            | ProgType::Ext
            | ProgType::Lsm
            | ProgType::Syscall => None,
            _ => Some(self.context?.name),
        }
    }

    /// Checks the type of a parameter that is tagged as the context.
    fn check_context(&self, number: usize, target: TypeId) -> Result<(), Trouble> {
        let prog_type = self.program.prog_type;
        let tracing = matches!(prog_type, ProgType::Kprobe | ProgType::PerfEvent);
        if tracing && self.is_user_regs(target) {
            return Ok(());
        }
        let ty = match self.btf.resolved(target) {
            None | Some((_, Type::Void)) => return Ok(()),
            Some((_, ty)) => ty,
        };
        if ty.name().is_empty() {
            let line = format!("arg#{number} type doesn't have a name");
            return Err(Mismatch::invalid(line).into());
        }
        let structure = match ty {
            Type::Struct(found) => Some(found.name),
            _ => None,
        };
        let word = matches!(ty, Type::Int(int) if int.size == 8);
        let attach = self.program.attach_type;
        let fits = match prog_type {
            ProgType::Kprobe | ProgType::PerfEvent => structure == Some("pt_regs"),
            ProgType::RawTracepoint | ProgType::RawTracepointWritable => word,
            ProgType::Tracing => match attach {
                Some(AttachType::TraceRawTp) => {
                    word || structure == Some("bpf_raw_tracepoint_args")
                }
                Some(AttachType::TraceIter) => {
                    structure.is_some_and(|name| name.starts_with("bpf_iter__"))
                }
                _ => word,
            },
            ProgType::Lsm | ProgType::StructOps => word,
            ProgType::Tracepoint | ProgType::Syscall | ProgType::Ext => true,
            _ => false,
        };
        if fits {
            return Ok(());
        }
        match self.context_name() {
            None => {
                let line = format!("arg#{number} should be void pointer");
                Err(Mismatch::invalid(line).into())
            }
            Some(name) if structure == Some(name) => Ok(()),
            Some(name) => {
                let line = format!("arg#{number} should be `struct {name} *`");
                Err(Mismatch::invalid(line).into())
            }
        }
    }
}

/// The `arg:…` tags of the parameters of a function.
fn tags_of(btf: &Btf, func: TypeId) -> Vec<(u32, &str)> {
    let tags = btf.decl_tags().filter(|tag| tag.ty == func);
    tags.filter_map(|tag| Some((tag.component?, tag.name.strip_prefix("arg:")?)))
        .collect()
}

/// A kind of type as Linux names it in sentences.
fn kind_name(kind: BtfKind) -> String {
    match kind {
        BtfKind::Void => "UNKNOWN".to_owned(),
        kind => kind.name().to_uppercase(),
    }
}
