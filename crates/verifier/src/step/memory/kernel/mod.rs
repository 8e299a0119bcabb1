//! Structures of the kernel, by its BTF: pointers to them and maps themselves.
//!
//! [`walk`] finds the member; here stands who may look, and how far the pointer
//! that was found can be trusted.

mod trust;
mod walk;

use btf::{Btf, TypeId};
use isa::Reg;

use super::Request;
use crate::explore::Verifier;
use crate::reason::{Kernel, Result};
use crate::state::{Flags, Kind, MapRef, Value};
use walk::{Found, Wanted};

impl Verifier<'_> {
    /// Through a pointer to a structure of the kernel.
    pub(super) fn access_kernel(
        &mut self,
        request: &Request<'_>,
        type_id: TypeId,
    ) -> Result<Value> {
        let base = request.base;
        if base.flags.contains(Flags::ALLOC) {
            return Err(self.unsupported("memory of bpf_obj_new"));
        }
        let btf = self.kernel_btf()?;
        let (reg, off, size) = (request.reg, request.fixed(), request.size);
        let name = || btf.name(type_id).to_owned();
        if !self.may_leak() {
            return Err(Kernel::NeedsPerfmon(name()).into());
        }
        if !self.program.is_gpl_compatible() {
            return Err(Kernel::NeedsGpl(name()).into());
        }
        if off < 0 {
            let pointer = format!("ptr_{}", name());
            return Err(Kernel::Negative { reg, pointer, off }.into());
        }
        if base.num.as_const() != Some(0) {
            return Err(Kernel::Variable {
                reg,
                name: name(),
                off,
                var: base.num.tnum(),
            }
            .into());
        }
        check_address_space(reg, &name, base.flags, off)?;
        if request.is_write() {
            return Err(match self.writes_to_kernel_are_special() {
                true => self.unsupported(format!("writes to struct {}", name())),
                false => Kernel::ReadOnly.into(),
            });
        }
        let untrusted = base.flags.contains(Flags::UNTRUSTED);
        let wanted = Wanted { off, size };
        match walk::find(btf, type_id, wanted)? {
            Found::Number => Ok(Value::UNKNOWN),
            Found::Memory => Ok(untrusted_memory()),
            Found::Pointer(found) => {
                let flags = match untrusted {
                    true => Flags::UNTRUSTED,
                    false => {
                        trust::of_member(base, btf.name(type_id), &found, self.in_rcu_region())
                    }
                };
                Ok(self.pointer_to(found.target, flags))
            }
        }
    }

    /// Reads of the map object itself, through a map pointer.
    pub(super) fn access_map_object(
        &mut self,
        request: &Request<'_>,
        map: MapRef,
    ) -> Result<Value> {
        let Some(def) = map.def(self.program) else {
            return Err(self.unsupported("unknown map"));
        };
        let name = def.map_type.kernel_struct();
        let (reg, off, size) = (request.reg, request.fixed(), request.size);
        if !self.may_leak() {
            return Err(Kernel::NeedsPerfmon(name.to_owned()).into());
        }
        if off < 0 {
            let pointer = name.to_owned();
            return Err(Kernel::Negative { reg, pointer, off }.into());
        }
        if request.is_write() {
            return Err(Kernel::MapReadOnly(name.to_owned()).into());
        }
        let btf = self.kernel_btf()?;
        let Some(type_id) = btf.find(name, btf::Kind::Struct) else {
            return Err(self.unsupported(format!("struct {name}")));
        };
        Ok(match walk::find(btf, type_id, Wanted { off, size })? {
            Found::Number => Value::UNKNOWN,
            Found::Memory => untrusted_memory(),
            Found::Pointer(found) => self.pointer_to(found.target, found.flags),
        })
    }

    /// A pointer to a structure of the kernel.
    fn pointer_to(&mut self, type_id: TypeId, flags: Flags) -> Value {
        let mut value = Value::pointer(Kind::Btf { type_id }).with(flags);
        if value.may_be_null() {
            value.id = self.new_id();
        }
        value
    }

    pub(super) fn kernel_btf(&self) -> Result<&'_ Btf> {
        match &self.config.kernel_btf {
            Some(btf) => Ok(btf),
            None => Err(self.unsupported("kernel structures without the kernel's types")),
        }
    }

    /// Whether an operation of the program type decides about writes.
    fn writes_to_kernel_are_special(&self) -> bool {
        use abi::ProgType::*;
        matches!(
            self.program.prog_type,
            StructOps | SchedCls | SchedAct | Xdp
        )
    }

    /// Whether the program is in a region in which RCU frees nothing.
    fn in_rcu_region(&self) -> bool {
        self.state.refs.rcu_locks > 0 || !self.state.in_sleepable
    }
}

/// Memory that is read with a fault handler.
fn untrusted_memory() -> Value {
    Value::pointer(Kind::Mem { size: 0, dynptr: 0 }).with(Flags::RDONLY | Flags::UNTRUSTED)
}

fn check_address_space(reg: Reg, name: &dyn Fn() -> String, flags: Flags, off: i64) -> Result {
    if flags.contains(Flags::USER) {
        let name = name();
        return Err(Kernel::User { reg, name, off }.into());
    }
    if flags.contains(Flags::PERCPU) {
        let name = name();
        return Err(Kernel::PerCpu { reg, name, off }.into());
    }
    Ok(())
}
