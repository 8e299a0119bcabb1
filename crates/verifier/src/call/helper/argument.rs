//! The checks of one argument of a helper.

use abi::MapType;
use abi::helpers::Arg;
use inject::Bug;
use isa::Reg;

use super::super::dynptr::Wanted;
use super::Call;
use super::accept::{Accepted, Accepts};
use crate::explore::Verifier;
use crate::reason::{Access, Argument, Result};
use crate::state::{DynptrKind, Flags, Kind, Value};
use crate::step::memory::{Direction, HelperMemory};

impl Verifier<'_> {
    /// Checks the argument in `reg`.
    pub(super) fn check_argument(&mut self, call: &mut Call, reg: Reg, arg: Arg) -> Result {
        let value = self.read_reg(reg)?;
        let arg = self.argument_by_map(call, arg)?;
        let Some(accepts) = Accepts::of(arg) else {
            return self.check_no_leak(reg, &value);
        };
        if value.kind.range().is_some() && !self.may_pass_packet(call.helper.takes_packet()) {
            return Err(Access::PacketToHelper.into());
        }
        let is_null = value.as_const() == Some(0);
        if !(is_null && accepts.null) {
            self.check_argument_type(call, reg, &value, &accepts)?;
            self.check_argument_offset(reg, &value, &accepts)?;
        }
        self.note_reference(call, reg, arg, &value, &accepts)?;
        self.check_argument_use(call, reg, arg, &value)
    }

    /// What an argument is when the map before it is of some types.
    fn argument_by_map(&self, call: &Call, arg: Arg) -> Result<Arg> {
        let map = call.map.and_then(|map| map.def(self.program));
        Ok(match (map.map(|def| def.map_type), arg) {
            (Some(MapType::Sockmap | MapType::Sockhash), Arg::MapValue) => Arg::SockCommonBtf,
            (Some(MapType::Sockmap | MapType::Sockhash), Arg::OptMapValue | Arg::MapValueWrite) => {
                return Err(Argument::SockmapValue.into());
            }
            (Some(MapType::BloomFilter), Arg::MapValueWrite) => Arg::MapValue,
            _ => arg,
        })
    }

    fn check_no_leak(&self, reg: Reg, value: &Value) -> Result {
        if value.is_pointer() && !self.may_leak() {
            let into = "helper function";
            return Err(Access::Leak { reg, into }.into());
        }
        Ok(())
    }

    fn check_argument_type(
        &self,
        call: &Call,
        reg: Reg,
        value: &Value,
        accepts: &Accepts,
    ) -> Result {
        let found = value.type_name();
        let Some(accepted) = accepts.find(value) else {
            let expected = accepts.to_string();
            return Err(Argument::Type {
                reg,
                found,
                expected,
            }
            .into());
        };
        let Kind::Btf { type_id } = value.kind else {
            return Ok(());
        };
        if accepts.kinds.contains(&Accepted::Stack) {
            if accepts.read_only {
                return Ok(());
            }
            return Err(Argument::kernel_written(call.helper.into(), reg, found).into());
        }
        if accepted == Accepted::Kernel(Flags::ALLOC) {
            return Err(self.unsupported("objects that the program allocates"));
        }
        self.check_kernel_type(call, reg, type_id, accepts)
    }

    /// Checks that a pointer to a kernel structure is one to the right structure.
    fn check_kernel_type(
        &self,
        call: &Call,
        reg: Reg,
        type_id: btf::TypeId,
        accepts: &Accepts,
    ) -> Result {
        let sockets = accepts.kinds.contains(&Accepted::SockCommon);
        let wanted = match call.helper.kernel_type() {
            _ if sockets => "sock_common",
            Some(name) => name,
            None => return Err(self.unsupported(call.helper.name)),
        };
        let Some(kernel) = self.config.kernel_btf.as_deref() else {
            return Err(self.unsupported("kernel types"));
        };
        let found = kernel.name(type_id).to_owned();
        if found == wanted || self.begins_with(kernel, type_id, wanted) {
            return Ok(());
        }
        Err(Argument::KernelType {
            reg,
            found,
            expected: wanted,
        }
        .into())
    }

    /// Whether the structure's first member, at any depth, is the wanted one.
    fn begins_with(&self, kernel: &btf::Btf, outer: btf::TypeId, wanted: &str) -> bool {
        let mut outer = outer;
        for _ in 0..8 {
            let Some((_, btf::Type::Struct(structure))) = kernel.resolved(outer) else {
                return false;
            };
            let Some(first) = structure.members().next() else {
                return false;
            };
            if kernel.name(first.ty) == wanted {
                return true;
            }
            outer = first.ty;
        }
        false
    }

    /// Checks that a pointer was not moved where that is not allowed.
    fn check_argument_offset(&self, reg: Reg, value: &Value, accepts: &Accepts) -> Result {
        if accepts.releases {
            let dynptr = accepts.kinds.contains(&Accepted::DynptrPtr);
            if dynptr && matches!(value.kind, Kind::Stack { .. }) {
                return Ok(());
            }
            if inject::on(Bug::Cve2021_4204) {
                return Ok(());
            }
            if value.off != 0 {
                return Err(Argument::ReleaseMoved(reg).into());
            }
            return self.check_unmoved(reg, value);
        }
        match value.kind {
            Kind::Stack { .. }
            | Kind::Packet { .. }
            | Kind::PacketMeta { .. }
            | Kind::MapKey(_)
            | Kind::MapValue(_)
            | Kind::Mem { .. }
            | Kind::Buf
            | Kind::Arena
            | Kind::Scalar => Ok(()),
            Kind::Btf { .. } => self.check_offset_is_fixed(reg, value),
            _ => self.check_unmoved(reg, value),
        }
    }

    /// As [`Self::check_unmoved`], but a known offset upwards will do.
    fn check_offset_is_fixed(&self, reg: Reg, value: &Value) -> Result {
        let forwards = Value {
            off: value.off.min(0),
            ..*value
        };
        self.check_unmoved(reg, &forwards)
    }

    /// Notes what the argument holds and what the call gives back.
    fn note_reference(
        &self,
        call: &mut Call,
        reg: Reg,
        arg: Arg,
        value: &Value,
        accepts: &Accepts,
    ) -> Result {
        if accepts.releases {
            if accepts.kinds.contains(&Accepted::DynptrPtr) {
                self.check_dynptr_held(reg)?;
            } else if value.ref_id == 0 && value.as_const() != Some(0) {
                return Err(Argument::NotReferenced(reg).into());
            }
            call.released = Some(reg);
        }
        if value.ref_id != 0 && arg != Arg::Kptr {
            if call.ref_id != 0 {
                let (first, second) = (call.ref_id, value.ref_id);
                return Err(Argument::TwoReferences { reg, first, second }.into());
            }
            call.ref_id = value.ref_id;
        }
        Ok(())
    }

    /// What else is asked of an argument by what it is for.
    fn check_argument_use(&mut self, call: &mut Call, reg: Reg, arg: Arg, value: &Value) -> Result {
        match arg {
            Arg::MapPtr => self.note_map(call, value),
            Arg::MapKey => self.check_map_key(call, reg),
            Arg::MapValue | Arg::OptMapValue | Arg::MapValueWrite => {
                if arg == Arg::OptMapValue && value.as_const() == Some(0) {
                    return Ok(());
                }
                let size = self.map_def(call)?.value_size;
                self.check_fixed(call, reg, size, use_of(arg))
            }
            Arg::Fixed(size) => self.check_fixed(call, reg, size, use_of(arg)),
            Arg::FixedWrite(size) | Arg::FixedRw(size) => {
                self.check_fixed(call, reg, size, use_of(arg))?;
                // The helper stores it as one number.
                self.check_argument_alignment(reg, size)
            }
            Arg::Size | Arg::SizeOrZero => self.check_pair(call, reg, arg),
            Arg::ConstSize => self.note_constant_size(call, reg, value),
            Arg::ConstStr => self.check_constant_string(reg, value),
            Arg::Func => {
                if let Kind::Func { subprogram } = value.kind {
                    call.callback = Some(subprogram);
                }
                Ok(())
            }
            Arg::SpinLock => self.check_spin_lock(call, reg, value),
            Arg::Timer => self.check_timer(call, reg, value),
            Arg::Kptr => self.check_kptr(reg, value),
            Arg::DynptrUninit => self.make_dynptr(reg, made_by(call), None, false),
            Arg::Dynptr | Arg::DynptrOwned => {
                let owned = arg == Arg::DynptrOwned;
                call.dynptr = Some(self.check_dynptr(
                    reg,
                    Wanted {
                        kind: owned.then_some(DynptrKind::Ringbuf),
                        changed: owned,
                    },
                )?);
                Ok(())
            }
            Arg::PercpuBtf => Err(self.unsupported(call.helper.name)),
            _ => Ok(()),
        }
    }

    /// Memory of a size that the helper itself, or the map, tells.
    pub(super) fn check_fixed(
        &mut self,
        call: &mut Call,
        reg: Reg,
        size: u32,
        usage: Usage,
    ) -> Result {
        let fills = self.check_helper_memory(&HelperMemory {
            reg,
            size,
            direction: usage.direction(),
            zero_allowed: false,
            fill: usage == Usage::Fill,
        })?;
        call.fills = call.fills.or(fills);
        Ok(())
    }

    /// The size in `reg` and the memory in the register before it.
    fn check_pair(&mut self, call: &mut Call, reg: Reg, arg: Arg) -> Result {
        call.max_size = self.state.reg(reg).num.umax();
        let args = call.helper.args_in(self.program.prog_type);
        let index = reg.index() - 1;
        let before = index.checked_sub(1).and_then(|index| args.get(index));
        let (Some(before), Some(memory)) = (before, super::ARGUMENTS.get(index - 1)) else {
            return Err(self.unsupported(call.helper.name));
        };
        let usage = use_of(*before);
        let argument = HelperMemory {
            reg: *memory,
            size: 0,
            direction: usage.direction(),
            zero_allowed: arg == Arg::SizeOrZero,
            fill: usage == Usage::Fill,
        };
        let fills = self.check_memory_and_size(&argument, reg)?;
        call.fills = call.fills.or(fills);
        Ok(())
    }

    fn note_constant_size(&mut self, call: &mut Call, reg: Reg, value: &Value) -> Result {
        match value.as_const() {
            Some(size) => call.given_size = size,
            None => return Err(Argument::NotConstant(reg).into()),
        }
        self.mark_precise(reg)
    }
}

/// What a helper does to the memory of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    Read,
    /// It writes, and perhaps reads first.
    Write,
    /// It writes all of it before it reads any.
    Fill,
}

impl Usage {
    fn direction(self) -> Direction {
        match self {
            Usage::Read => Direction::Read,
            Usage::Write | Usage::Fill => Direction::Write,
        }
    }
}

/// What a dynptr that the helper makes is over.
fn made_by(call: &Call) -> DynptrKind {
    match call.is("bpf_ringbuf_reserve_dynptr") {
        true => DynptrKind::Ringbuf,
        false => DynptrKind::Local,
    }
}

fn use_of(arg: Arg) -> Usage {
    match arg {
        Arg::MemWrite | Arg::MapValueWrite | Arg::FixedWrite(_) => Usage::Fill,
        Arg::MemRw | Arg::OptMemRw | Arg::FixedRw(_) => Usage::Write,
        _ => Usage::Read,
    }
}
