//! The checks of one argument of a kernel function.

use abi::kfuncs::{KfuncFlags, Param};
use isa::Reg;

use super::{Call, parameters};
use crate::call::dynptr::Wanted;
use crate::explore::Verifier;
use crate::reason::{self, Argument, Fault, Result};
use crate::state::{DynptrKind, Flags, Kind, Value};
use crate::step::memory::{Direction, HelperMemory};
use crate::step::nullness;

impl Verifier<'_> {
    pub(super) fn check_kfunc_arguments(&mut self, call: &mut Call) -> Result {
        for (reg, param) in parameters(&call.signature) {
            self.touch(reg);
            let value = *self.state.reg(reg);
            match param {
                Param::Ignored | Param::ConstMemSize => {}
                Param::Int if !value.is_scalar() => {
                    return Err(reason::Kfunc::NotNumber(reg).into());
                }
                Param::Int => {}
                _ => self.check_pointer(call, reg, param, &value)?,
            }
        }
        Ok(())
    }

    fn check_pointer(&mut self, call: &mut Call, reg: Reg, param: Param, value: &Value) -> Result {
        let arg = reg.index() - 1;
        // What releases takes only what is certainly there.
        let strict = [
            KfuncFlags::TRUSTED_ARGS,
            KfuncFlags::RELEASE,
            KfuncFlags::RCU,
        ];
        let strict = strict.into_iter().any(|flag| call.has(flag));
        let null = value.as_const() == Some(0) || (value.is_pointer() && value.may_be_null());
        if strict && null {
            return Err(reason::Kfunc::MayBeNull(arg).into());
        }
        if value.ref_id != 0 {
            call.ref_id = value.ref_id;
            if call.has(KfuncFlags::RELEASE) {
                call.released = Some(reg);
            }
        }
        if let Param::Kernel(wanted) = param {
            self.check_kernel_pointer(call, reg, wanted, value)?;
        }
        self.check_kfunc_offset(call, reg, value)?;
        match param {
            Param::Ctx if value.kind != Kind::Ctx || value.may_be_null() => {
                let found = value.type_name();
                Err(reason::Kfunc::NotContext { arg, found }.into())
            }
            Param::Dynptr | Param::DynptrMut | Param::DynptrUninit => {
                self.check_kfunc_dynptr(call, reg, param, value)
            }
            Param::Iter { name, slots } => self.check_iterator(call, reg, name, slots),
            Param::IrqFlags if call.is("bpf_local_irq_save") => self.save_irq(reg),
            Param::IrqFlags => self.restore_irq(reg),
            Param::OptMem => self.check_optional_memory(call, reg),
            Param::FixedMem(size) => self.check_memory_both_ways(reg, size),
            _ => Ok(()),
        }
    }

    /// The iterator argument of a function, in the state that it must be in.
    fn check_iterator(
        &mut self,
        call: &mut Call,
        reg: Reg,
        name: &'static str,
        slots: u32,
    ) -> Result {
        if call.has(KfuncFlags::ITER_NEW) {
            return self.begin_iterator(reg, name, slots);
        }
        let at = self.find_iterator(reg, name, slots)?;
        call.ref_id = at.ref_id;
        call.iterator = Some(at);
        if call.has(KfuncFlags::ITER_DESTROY) {
            self.end_iterator(at)?;
        }
        Ok(())
    }

    /// Checks that a pointer was not moved where that is not allowed.
    fn check_kfunc_offset(&self, call: &Call, reg: Reg, value: &Value) -> Result {
        if call.released == Some(reg) {
            if value.off != 0 {
                return Err(Argument::ReleaseMoved(reg).into());
            }
            return self.check_unmoved(reg, value);
        }
        match value.kind {
            Kind::Scalar
            | Kind::Stack { .. }
            | Kind::Packet { .. }
            | Kind::PacketMeta { .. }
            | Kind::MapKey(_)
            | Kind::MapValue(_)
            | Kind::Mem { .. }
            | Kind::Buf
            | Kind::Arena
            | Kind::Btf { .. } => Ok(()),
            // A register that holds nothing as well.
            _ => self.check_unmoved(reg, value),
        }
    }

    fn check_kernel_pointer(
        &self,
        call: &Call,
        reg: Reg,
        wanted: &'static str,
        value: &Value,
    ) -> Result {
        let arg = reg.index() - 1;
        let Kind::Btf { type_id } = value.kind else {
            return Err(reason::Kfunc::NotMemory {
                arg,
                wanted: format!("STRUCT {wanted}"),
            }
            .into());
        };
        let trusted = value.ref_id != 0 || value.flags == Flags::TRUSTED;
        let by_rcu = call.has(KfuncFlags::RCU);
        if !trusted && !by_rcu {
            return Err(reason::Kfunc::NotTrusted(reg).into());
        }
        if !trusted && !value.flags.contains(Flags::RCU) {
            return Err(reason::Kfunc::NotRcu(reg).into());
        }
        let kernel = self.config.kernel_btf.as_deref();
        let found = kernel.map(|btf| btf.name(type_id).to_owned());
        match found {
            Some(found) if found == wanted => Ok(()),
            Some(found) => Err(reason::Kfunc::KernelType {
                name: call.kfunc.name,
                arg,
                wanted,
                found,
            }
            .into()),
            None => Err(self.unsupported("kernel types")),
        }
    }

    fn check_kfunc_dynptr(
        &mut self,
        call: &mut Call,
        reg: Reg,
        param: Param,
        value: &Value,
    ) -> Result {
        if !matches!(value.kind, Kind::Stack { .. } | Kind::DynptrPtr(_)) {
            return Err(reason::Kfunc::NotDynptr(reg.index() - 1).into());
        }
        if param != Param::DynptrUninit {
            let any = Wanted {
                kind: None,
                changed: false,
            };
            call.dynptr = Some(self.check_dynptr(reg, any)?);
            return Ok(());
        }
        let (kind, shared) = match (call.kfunc.name, call.dynptr) {
            ("bpf_dynptr_from_skb", _) => (DynptrKind::Skb, None),
            ("bpf_dynptr_from_skb_meta", _) => (DynptrKind::SkbMeta, None),
            ("bpf_dynptr_from_xdp", _) => (DynptrKind::Xdp, None),
            (_, Some(parent)) => (parent.kind, Some(parent.ref_id)),
            (name, None) => return Err(self.unsupported(name)),
        };
        self.make_dynptr(reg, kind, shared, false)
    }

    /// Memory that the next argument has the size of, or NULL.
    fn check_optional_memory(&mut self, call: &mut Call, reg: Reg) -> Result {
        let arg = reg.index() - 1;
        let Some(size_reg) = Reg::ALL.get(reg.index() + 1).copied() else {
            return Err(self.unsupported(call.kfunc.name));
        };
        self.touch(size_reg);
        let size = *self.state.reg(size_reg);
        if !size.is_scalar() {
            let wanted = "UNKNOWN ".to_owned();
            return Err(reason::Kfunc::NotMemory { arg, wanted }.into());
        }
        if self.state.reg(reg).as_const() != Some(0) {
            self.check_pair_both_ways(reg, size_reg)
                .map_err(|fault| pair_fault(*fault, arg))?;
        }
        match size.as_const() {
            Some(size) => call.size = size,
            None => return Err(reason::Kfunc::NotConstant(size_reg).into()),
        }
        Ok(())
    }

    fn check_pair_both_ways(&mut self, reg: Reg, size_reg: Reg) -> Result {
        self.as_if_not_null(reg, |verifier| {
            for direction in [Direction::Read, Direction::Write] {
                let memory = memory(reg, 0, direction);
                verifier.check_memory_and_size(&memory, size_reg)?;
            }
            Ok(())
        })
    }

    /// Memory of a known size that is read and written; NULL will do.
    fn check_memory_both_ways(&mut self, reg: Reg, size: u32) -> Result {
        if self.state.reg(reg).as_const() == Some(0) {
            return Ok(());
        }
        self.as_if_not_null(reg, |verifier| {
            for direction in [Direction::Read, Direction::Write] {
                verifier.check_helper_memory(&memory(reg, size, direction))?;
            }
            Ok(())
        })
    }

    /// Checks something as if a pointer that may be NULL were not.
    fn as_if_not_null(&mut self, reg: Reg, check: impl FnOnce(&mut Self) -> Result) -> Result {
        let value = *self.state.reg(reg);
        if !(value.is_pointer() && value.may_be_null()) {
            return check(self);
        }
        let mut assumed = value;
        let maps = nullness::Maps {
            program: self.program,
            fields: &self.map_fields,
        };
        maps.make_not_null(&mut assumed);
        *self.state.reg_mut(reg) = assumed;
        let checked = check(self);
        *self.state.reg_mut(reg) = value;
        checked
    }
}

/// Why memory and its size, arguments `arg` and the one after it, are refused.
fn pair_fault(fault: Fault, arg: usize) -> Box<Fault> {
    match fault {
        Fault::Refused(why) => {
            let why = Box::new(why);
            reason::Kfunc::MemoryPair { why, arg }.into()
        }
        unsupported => Box::new(unsupported),
    }
}

fn memory(reg: Reg, size: u32, direction: Direction) -> HelperMemory {
    HelperMemory {
        reg,
        size,
        direction,
        zero_allowed: true,
        fill: false,
    }
}
