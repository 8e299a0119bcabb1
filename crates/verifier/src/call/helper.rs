//! Calls of helper functions, by the table of `abi`.
//!
//! [`Verifier::call_helper`] is the order in which Linux checks a call; a
//! program with several faults is refused for the first of them.
//!
//! * [`accept`]: which kinds of values an argument takes;
//! * [`argument`]: the checks of one argument;
//! * [`string`], [`format`], [`field`]: arguments that point to constant strings,
//!   formats and special fields of map values;
//! * [`map`]: which helper works on which map; constant keys;
//! * [`result`]: what is in `r0` afterwards.

mod accept;
mod argument;
mod field;
mod format;
mod map;
mod result;
mod string;

use abi::helpers::{self, Helper};
use abi::{AttachType, ProgType};
use inject::Bug;
use isa::Reg;

use super::dynptr::Found;
use crate::explore::{Flow, Verifier};
use crate::reason::{self, HelperCall, Result};
use crate::state::{DynptrKind, Kind, MapRef, Reference, ReferenceKind, Value};
use crate::step::memory::StackToFill;

/// What the checks of a call's arguments found out.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) helper: &'static Helper,
    /// The map that it works on.
    pub(super) map: Option<MapRef>,
    /// The key, if it is known and that matters.
    key: Option<u64>,
    /// The function that it will call.
    pub(super) callback: Option<u32>,
    /// The dynptr that it works on.
    dynptr: Option<Found>,
    /// The reference that an argument carries; 0 for none.
    ref_id: u32,
    /// The argument that is given back.
    released: Option<Reg>,
    /// The largest number that its size argument may be.
    max_size: u64,
    /// The size of the memory that it gives.
    given_size: u64,
    /// Stack that it fills.
    fills: Option<StackToFill>,
}

impl Call {
    fn new(helper: &'static Helper) -> Call {
        Call {
            helper,
            map: None,
            key: None,
            callback: None,
            dynptr: None,
            ref_id: 0,
            released: None,
            max_size: 0,
            given_size: 0,
            fills: None,
        }
    }

    fn is(&self, name: &str) -> bool {
        self.helper.name == name
    }
}

/// The registers of arguments.
const ARGUMENTS: [Reg; 5] = [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5];

impl Verifier<'_> {
    /// `call id`.
    pub(crate) fn call_helper(&mut self, id: i32) -> Result<Flow> {
        let helper = self.permitted_helper(id)?;
        let mut call = Call::new(helper);
        let args = helper.args_in(self.program.prog_type);
        for (reg, arg) in ARGUMENTS.into_iter().zip(args) {
            self.check_argument(&mut call, reg, *arg)?;
        }
        self.check_map_written(&call)?;
        self.check_tail_call(&call)?;
        self.note_proven(&call);
        if let (Some(stretch), false) = (call.fills, inject::on(Bug::Cve2026_45903)) {
            self.fill_stack(stretch)?;
        }
        self.release_argument(&call)?;
        self.check_special(&call)?;
        if self.calls_back(&call) {
            return self.call_with_callback(&call);
        }
        self.finish_helper(&call)?;
        if call.is("bpf_tail_call") && self.state.current() > 0 {
            return self.return_by_tail_call();
        }
        Ok(Flow::Next)
    }

    /// What a call leaves behind.
    pub(super) fn finish_helper(&mut self, call: &Call) -> Result {
        self.clobber_arguments();
        self.set_result(call)?;
        self.check_map_type(call)?;
        let into_packet = call
            .dynptr
            .is_some_and(|dynptr| matches!(dynptr.kind, DynptrKind::Skb | DynptrKind::SkbMeta));
        if call.helper.changes_packet || (into_packet && call.is("bpf_dynptr_write")) {
            self.forget_packet_pointers();
        }
        Ok(())
    }

    /// The helper with this number, if the program may call it here.
    fn permitted_helper(&self, id: i32) -> Result<&'static Helper> {
        let known = u32::try_from(id)
            .ok()
            .filter(|id| *id <= helpers::HELPERS.len() as u32);
        let Some(number) = known else {
            return Err(HelperCall::Unknown(id).into());
        };
        let flavor = self.flavor()?;
        let helper = match helpers::by_id(number) {
            Some(helper) if flavor.may_call(helper) => helper,
            Some(helper) => return Err(HelperCall::NotForType(helper.into()).into()),
            None => return Err(HelperCall::NotForType(UNSPECIFIED).into()),
        };
        if flavor.needs_gpl(helper) && !self.program.is_gpl_compatible() {
            return Err(HelperCall::Gpl.into());
        }
        if helper.is_barred_in(flavor) {
            return Err(HelperCall::Barred.into());
        }
        self.check_may_sleep(helper)?;
        Ok(helper)
    }

    fn check_may_sleep(&self, helper: &'static Helper) -> Result {
        if !helper.might_sleep() {
            return Ok(());
        }
        if !self.state.in_sleepable && !self.program.flags.sleepable {
            return Err(HelperCall::MightSleep.into());
        }
        let refs = &self.state.refs;
        let region = if refs.rcu_locks > 0 {
            "rcu_read_lock region"
        } else if refs.preempt_locks > 0 {
            "non-preemptible region"
        } else if refs.irq_id != 0 {
            "IRQ-disabled region"
        } else {
            return Ok(());
        };
        let helper = helper.into();
        Err(HelperCall::SleepsIn { helper, region }.into())
    }

    /// Gives back what the call releases.
    fn release_argument(&mut self, call: &Call) -> Result {
        let Some(reg) = call.released else {
            return Ok(());
        };
        if call.dynptr.is_some() {
            return self.release_dynptr(reg);
        }
        // NULL is given back without effect.
        if call.ref_id != 0 {
            if !self.release_reference(call.ref_id) {
                let (name, id) = (call.helper.name, call.helper.id);
                return Err(reason::Reference::NotAcquired { name, id }.into());
            }
        } else if self.state.reg(reg).as_const() != Some(0) {
            return Err(self.unsupported(call.helper.name));
        }
        Ok(())
    }

    /// Notes that the current instruction acquires an object; gives its id.
    pub(crate) fn acquire_reference(&mut self) -> u32 {
        let id = self.new_id();
        self.state.refs.list.push(Reference {
            kind: ReferenceKind::Pointer,
            id,
            pc: self.pc,
        });
        id
    }

    /// Gives an acquired object back and makes pointers to it numbers; false if
    /// it is not held.
    pub(crate) fn release_reference(&mut self, id: u32) -> bool {
        let held = &mut self.state.refs.list;
        let is_it = |r: &Reference| r.kind == ReferenceKind::Pointer && r.id == id;
        let Some(index) = held.iter().position(is_it) else {
            return false;
        };
        held.remove(index);
        let gone = self.invalid_value();
        let points_to_it = |value: &Value| value.ref_id == id;
        self.state
            .for_each_value(points_to_it, |value| *value = gone);
        true
    }

    /// What rules single helpers have besides.
    fn check_special(&mut self, call: &Call) -> Result {
        match call.helper.name {
            "bpf_get_local_storage" if self.state.reg(Reg::R2).as_const() != Some(0) => {
                Err(HelperCall::StorageFlags.into())
            }
            "bpf_get_func_ip" => self.check_func_ip(call),
            "bpf_snprintf" => self.check_format(call),
            "bpf_dynptr_from_mem" => self.check_dynptr_memory(),
            "bpf_tail_call" => self.check_nothing_held("tail_call", true),
            _ => Ok(()),
        }
    }

    /// Only values of maps live as long as any dynptr to them.
    fn check_dynptr_memory(&self) -> Result {
        let memory = self.state.reg(Reg::R1);
        match memory.kind {
            Kind::MapValue(_) => Ok(()),
            _ => Err(reason::Dynptr::FromMemory(memory.type_name()).into()),
        }
    }

    fn check_func_ip(&self, call: &Call) -> Result {
        let helper = call.helper.into();
        let prog_type = self.program.prog_type;
        match (prog_type, self.program.attach_type) {
            (ProgType::Kprobe, _) => Ok(()),
            (
                ProgType::Tracing,
                Some(AttachType::TraceFentry | AttachType::TraceFexit | AttachType::ModifyReturn),
            ) => Ok(()),
            (ProgType::Tracing, _) => Err(HelperCall::FuncIpAttach(helper).into()),
            _ => Err(HelperCall::FuncIpType { helper, prog_type }.into()),
        }
    }

    /// Whether the helper calls a function of the program.
    fn calls_back(&self, call: &Call) -> bool {
        call.callback.is_some()
    }
}

/// What stands at number 0.
const UNSPECIFIED: crate::reason::HelperName = crate::reason::HelperName("bpf_unspec", 0);
