//! Calls of kernel functions, those whose signature is known.

use abi::kfuncs::{self, KfuncFlags, Param, Ret, Signature};
use isa::Reg;

use super::dynptr::{Found, Wanted};
use super::iterator::At;
use crate::explore::{Flow, Verifier};
use crate::reason::{Kfunc, Result};
use crate::state::{DynptrKind, Flags, Kind, Value};
use crate::step::memory::Direction;

/// A call under way.
struct Call {
    name: &'static str,
    signature: Signature,
    iterator: Option<At>,
    dynptr: Option<Found>,
    /// The size in the last constant argument.
    size: u32,
}

impl Verifier<'_> {
    /// A call of extern number `index` of the program.
    pub(crate) fn call_kfunc(&mut self, index: i32) -> Result<Flow> {
        let known = usize::try_from(index).ok();
        let named = known.and_then(|index| self.program.externs.get(index));
        let Some(named) = named else {
            return Err(self.unsupported(format!("kernel function number {index}")));
        };
        let Some(row) = kfuncs::by_name(&named.name) else {
            return Err(self.unsupported(format!("kernel function {}", named.name)));
        };
        let flavor = self.flavor()?;
        let may_sleep = row.needs_sleepable(flavor);
        if !row.may_be_called_by(flavor) {
            return Err(Kfunc::NotAllowed(row.name).into());
        }
        let Some(signature) = row.signature else {
            return Err(self.unsupported(row.name));
        };
        if signature.flags.contains(KfuncFlags::DEVICE_BOUND) {
            return Err(self.unsupported(row.name));
        }
        if may_sleep {
            return Err(Kfunc::Sleeps(row.name).into());
        }
        self.check_locked(signature)?;
        let mut call = Call {
            name: row.name,
            signature,
            iterator: None,
            dynptr: None,
            size: 0,
        };
        for (at, (_, param)) in signature.params.iter().enumerate() {
            self.check_param(&mut call, Reg::ALL[at + 1], *param)?;
        }
        self.change_regions(&call)?;
        self.clobber_arguments();
        self.give(&call)?;
        Ok(Flow::Next)
    }

    /// Numeric iterators may be used while a lock is held, nothing else here.
    fn check_locked(&self, signature: Signature) -> Result {
        let iterates = |(_, param): &(&str, Param)| matches!(param, Param::Iter { .. });
        if self.state.refs.active_locks > 0 && !signature.params.iter().any(iterates) {
            return Err(crate::reason::Reference::CallWhileLocked.into());
        }
        Ok(())
    }

    fn check_param(&mut self, call: &mut Call, reg: Reg, param: Param) -> Result {
        if param == Param::Ignored {
            return Ok(());
        }
        let value = self.read_reg(reg)?;
        let arg = reg.index() - 1;
        let found = value.type_name();
        match param {
            Param::Ignored => Ok(()),
            Param::Int if value.is_scalar() => Ok(()),
            Param::Int => Err(Kfunc::NotNumber(reg).into()),
            Param::Ctx if value.kind == Kind::Ctx => self.check_unmoved(reg, &value),
            Param::Ctx => Err(Kfunc::NotContext { arg, found }.into()),
            Param::Dynptr | Param::DynptrMut => {
                self.check_dynptr_param(call, reg, param == Param::DynptrMut)
            }
            Param::DynptrUninit => self.make_dynptr_of(call, reg),
            Param::OptMem => Ok(()),
            Param::ConstMemSize => self.check_slice_memory(call, reg, &value),
            Param::Iter { name, slots } => self.check_iterator(call, reg, name, slots),
            Param::IrqFlags => match call.name {
                "bpf_local_irq_save" => self.save_irq(reg),
                "bpf_local_irq_restore" => self.restore_irq(reg),
                name => Err(self.unsupported(name)),
            },
            Param::FixedMem(_) | Param::Kernel(_) => Err(self.unsupported(call.name)),
        }
    }

    fn check_dynptr_param(&mut self, call: &mut Call, reg: Reg, changed: bool) -> Result {
        let value = *self.state.reg(reg);
        if !matches!(value.kind, Kind::Stack { .. } | Kind::DynptrPtr(_)) {
            return Err(Kfunc::NotDynptr(reg.index() - 1).into());
        }
        let found = self.check_dynptr(
            reg,
            Wanted {
                kind: None,
                changed,
            },
        )?;
        call.dynptr = Some(found);
        Ok(())
    }

    fn make_dynptr_of(&mut self, call: &Call, reg: Reg) -> Result {
        let value = *self.state.reg(reg);
        if !matches!(value.kind, Kind::Stack { .. }) {
            return Err(Kfunc::NotDynptr(reg.index() - 1).into());
        }
        match call.name {
            "bpf_dynptr_from_skb" => {
                let writable = self.may_access_packet(Direction::Write);
                self.make_dynptr(reg, DynptrKind::Skb, None, !writable)
            }
            "bpf_dynptr_from_xdp" => self.make_dynptr(reg, DynptrKind::Xdp, None, false),
            name => Err(self.unsupported(name)),
        }
    }

    /// The buffer of a slice, or NULL, and its constant size.
    fn check_slice_memory(&mut self, call: &mut Call, reg: Reg, size: &Value) -> Result {
        if !size.is_scalar() {
            return Err(Kfunc::NotNumber(reg).into());
        }
        let Some(known) = size.as_const() else {
            return Err(Kfunc::NotConstant(reg).into());
        };
        self.mark_precise(reg)?;
        call.size = u32::try_from(known).map_err(|_| self.unsupported("slices of 4 GiB"))?;
        let memory = Reg::ALL[reg.index() - 1];
        if self.state.reg(memory).as_const() == Some(0) {
            return Ok(());
        }
        self.check_slice_buffer(memory, call.size)
    }

    fn check_slice_buffer(&mut self, memory: Reg, size: u32) -> Result {
        for offset in (0..size).step_by(8) {
            let bytes = (size - offset).min(8);
            let direction = Direction::Write;
            self.access_argument(memory, offset, bytes, direction)?;
        }
        Ok(())
    }

    fn check_iterator(
        &mut self,
        call: &mut Call,
        reg: Reg,
        name: &'static str,
        slots: u32,
    ) -> Result {
        if call.signature.flags.contains(KfuncFlags::ITER_NEW) {
            return self.begin_iterator(reg, name, slots);
        }
        let at = self.find_iterator(reg, name, slots)?;
        if call.signature.flags.contains(KfuncFlags::ITER_DESTROY) {
            return self.end_iterator(at);
        }
        call.iterator = Some(at);
        Ok(())
    }

    /// Enters and leaves regions.
    fn change_regions(&mut self, call: &Call) -> Result {
        let refs = &mut self.state.refs;
        match call.name {
            "bpf_rcu_read_lock" => refs.rcu_locks += 1,
            "bpf_rcu_read_unlock" => {
                refs.rcu_locks = left(refs.rcu_locks).ok_or(Kfunc::RcuUnlock(call.name))?;
                if refs.rcu_locks == 0 {
                    self.distrust_rcu_pointers();
                }
            }
            "bpf_preempt_disable" => refs.preempt_locks += 1,
            "bpf_preempt_enable" => {
                let locks = left(refs.preempt_locks);
                refs.preempt_locks = locks.ok_or(Kfunc::PreemptEnable(call.name))?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Outside of an RCU region what it protected may be gone.
    fn distrust_rcu_pointers(&mut self) {
        self.state.for_each_value(
            |value| value.flags.contains(Flags::RCU),
            |value| {
                let gone = Flags::RCU | Flags::OR_NULL;
                value.flags = value.flags.without(gone) | Flags::UNTRUSTED;
            },
        );
    }

    /// Sets `r0`.
    fn give(&mut self, call: &Call) -> Result {
        let value = match call.signature.ret {
            Ret::Void => return Ok(()),
            Ret::Int => Value::UNKNOWN,
            Ret::Mem { size, rdonly } => self.memory(call, size, rdonly, 0),
            Ret::SliceOf { rdonly } => {
                let Some(dynptr) = call.dynptr else {
                    return Err(self.unsupported(call.name));
                };
                if !rdonly && dynptr.rdonly {
                    return Err(Kfunc::PacketReadOnly.into());
                }
                self.memory(call, call.size, rdonly, dynptr.id)
            }
            Ret::Kernel(_) | Ret::KernelContext => return Err(self.unsupported(call.name)),
        };
        self.touch(Reg::R0);
        match call.iterator {
            Some(at) if call.signature.flags.contains(KfuncFlags::ITER_NEXT) => {
                let element = Value {
                    ref_id: at.ref_id,
                    ..value
                };
                self.fork_iterator(at, element)
            }
            _ => {
                *self.state.reg_mut(Reg::R0) = value;
                Ok(())
            }
        }
    }

    fn memory(&mut self, call: &Call, size: u32, rdonly: bool, dynptr: u32) -> Value {
        let mut value = Value::pointer(Kind::Mem { size, dynptr });
        if rdonly {
            value.flags |= Flags::RDONLY;
        }
        let packet = call.dynptr.map(|dynptr| dynptr.kind);
        if matches!(packet, Some(DynptrKind::Skb | DynptrKind::Xdp)) {
            value.flags |= Flags::DYNPTR_PACKET;
        }
        if call.signature.flags.contains(KfuncFlags::RET_NULL) {
            value.flags |= Flags::OR_NULL;
            value.id = self.new_id();
        }
        value
    }
}

/// One region less, if there is one.
fn left(regions: u32) -> Option<u32> {
    regions.checked_sub(1)
}
