//! Calls of kernel functions, by the table of `abi`.
//!
//! * [`argument`]: the checks of one argument;
//! * [`region`]: RCU regions and regions without preemption.
//!
//! Functions of which the table has no signature are recognised by name.

mod argument;
mod region;

use abi::kfuncs::{self, Kfunc, KfuncFlags, Only, Param, Ret, Signature};
use isa::Reg;

use super::dynptr::Found;
use super::iterator::At;
use crate::explore::{Flow, Verifier};
use crate::reason::{self, Reference, Result};
use crate::state::{DynptrKind, Flags, Kind, Value};
use crate::step::memory::Direction;

/// What the checks of a call's arguments found out.
#[derive(Debug)]
struct Call {
    kfunc: &'static Kfunc,
    signature: Signature,
    /// The dynptr that it works on.
    dynptr: Option<Found>,
    /// The iterator that it works on.
    iterator: Option<At>,
    /// The reference that an argument carries; 0 for none.
    ref_id: u32,
    /// The argument that is given back.
    released: Option<Reg>,
    /// The size that had to be known.
    size: u64,
}

impl Call {
    fn is(&self, name: &str) -> bool {
        self.kfunc.name == name
    }

    fn has(&self, flag: KfuncFlags) -> bool {
        self.signature.flags.contains(flag)
    }
}

impl Verifier<'_> {
    /// A call of extern number `index` of the program.
    pub(crate) fn call_kfunc(&mut self, index: i32) -> Result<Flow> {
        let (kfunc, signature) = self.permitted_kfunc(index)?;
        let mut call = Call {
            kfunc,
            signature,
            dynptr: None,
            iterator: None,
            ref_id: 0,
            released: None,
            size: 0,
        };
        self.check_kfunc_arguments(&mut call)?;
        self.change_region(&call)?;
        self.release_kfunc_argument(&call)?;
        self.clobber_arguments();
        self.set_kfunc_result(&call)?;
        if call.has(KfuncFlags::CHANGES_PACKET) {
            self.forget_packet_pointers();
        }
        Ok(Flow::Next)
    }

    /// The function, if the program may call it and it is supported.
    fn permitted_kfunc(&self, index: i32) -> Result<(&'static Kfunc, Signature)> {
        let named = usize::try_from(index)
            .ok()
            .and_then(|index| self.program.externs.get(index));
        let Some(named) = named else {
            return Err(self.unsupported("unknown kernel functions"));
        };
        let Some(kfunc) = kfuncs::by_name(&named.name) else {
            return Err(self.unsupported(named.name.as_str()));
        };
        let flavor = self.flavor()?;
        if !kfunc.may_be_called_by(flavor) {
            return Err(reason::Kfunc::NotAllowed(kfunc.name).into());
        }
        if !self.state.in_sleepable && kfunc.needs_sleepable(flavor) {
            return Err(match kfunc.only {
                Only::SleepableOrIterator => reason::Kfunc::CssTaskIter.into(),
                _ => reason::Kfunc::Sleeps(kfunc.name).into(),
            });
        }
        match kfunc.signature {
            Some(signature) => Ok((kfunc, signature)),
            None => Err(self.unsupported(kfunc.name)),
        }
    }

    fn release_kfunc_argument(&mut self, call: &Call) -> Result {
        if !call.has(KfuncFlags::RELEASE) {
            return Ok(());
        }
        let Some(reg) = call.released else {
            return Err(reason::Kfunc::NotHeld(call.kfunc.name).into());
        };
        let id = self.state.reg(reg).ref_id;
        if !self.release_reference(id) {
            return Err(Reference::NotAcquiredByKfunc(call.kfunc.name).into());
        }
        Ok(())
    }

    /// Sets `r0`.
    fn set_kfunc_result(&mut self, call: &Call) -> Result {
        let mut value = match call.signature.ret {
            Ret::Void => return Ok(()),
            Ret::Int => Value::UNKNOWN,
            Ret::Mem { size, rdonly } => Value {
                ref_id: call.ref_id,
                ..Value::pointer(Kind::Mem { size, dynptr: 0 }).with(read_only(rdonly))
            },
            Ret::SliceOf { rdonly } => self.slice_of(call, rdonly)?,
            Ret::Kernel(name) => Value::pointer(self.kernel_struct(name)?),
            Ret::KernelContext => {
                let name = self.kernel_context()?;
                Value::pointer(self.kernel_struct(name)?).with(Flags::TRUSTED)
            }
        };
        if call.has(KfuncFlags::RET_NULL) {
            value = value.with(Flags::OR_NULL);
            value.id = self.new_id();
        }
        if call.has(KfuncFlags::ACQUIRE) {
            let id = self.acquire_reference();
            if value.may_be_null() {
                value.id = id;
            }
            value.ref_id = id;
        }
        self.touch(Reg::R0);
        if let (Some(at), true) = (call.iterator, call.has(KfuncFlags::ITER_NEXT)) {
            return self.fork_iterator(at, value);
        }
        *self.state.reg_mut(Reg::R0) = value;
        Ok(())
    }

    /// A stretch of a dynptr's memory.
    fn slice_of(&self, call: &Call, rdonly: bool) -> Result<Value> {
        let Some(dynptr) = call.dynptr else {
            return Err(self.unsupported(call.kfunc.name));
        };
        if !rdonly && !self.may_access_packet(Direction::Write) {
            return Err(reason::Kfunc::PacketReadOnly.into());
        }
        let of = match dynptr.kind {
            DynptrKind::Skb | DynptrKind::Xdp | DynptrKind::SkbMeta => Flags::DYNPTR_PACKET,
            DynptrKind::Local | DynptrKind::Ringbuf | DynptrKind::File => Flags::DYNPTR_OTHER,
        };
        let memory = Kind::Mem {
            size: call.size as u32,
            dynptr: dynptr.id,
        };
        Ok(Value::pointer(memory).with(of | read_only(rdonly)))
    }

    /// The kernel's own structure behind the context.
    fn kernel_context(&self) -> Result<&'static str> {
        use abi::ProgType::*;
        Ok(match self.program.prog_type {
            Xdp => "xdp_buff",
            SocketFilter | SchedCls | SchedAct | CgroupSkb | LwtIn | LwtOut | LwtXmit
            | LwtSeg6local | SkSkb => "sk_buff",
            other => return Err(self.unsupported(format!("bpf_cast_to_kern_ctx in {other}"))),
        })
    }
}

fn read_only(rdonly: bool) -> Flags {
    if rdonly { Flags::RDONLY } else { Flags::NONE }
}

/// Whether a kernel function may be called between lock and unlock.
pub(super) fn may_be_called_locked(name: &str) -> bool {
    name.starts_with("bpf_iter_num_")
        || name.starts_with("bpf_list_")
        || name.starts_with("bpf_rbtree_")
        || name.starts_with("bpf_res_spin_")
        || name == "bpf_refcount_acquire_impl"
}

/// The parameters of a call with the registers that carry them.
fn parameters(signature: &Signature) -> impl Iterator<Item = (Reg, Param)> + use<> {
    const ARGUMENTS: [Reg; 5] = [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5];
    let params = signature.params.iter().map(|(_, param)| *param);
    ARGUMENTS.into_iter().zip(params)
}
