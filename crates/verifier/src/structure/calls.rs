//! The functions that a program names, and what the passes need to know of
//! those that are not its own.

use std::collections::BTreeMap;

use abi::helpers::{self, Arg, Helper};
use abi::kfuncs::{self, KfuncFlags, Only};
use abi::{Extern, Flavor, Program};
use btf::{Kind, Type};
use isa::{CallTarget, Pc};

use crate::Config;

/// An instruction that names a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    pub(crate) pc: Pc,
    pub(crate) what: Mentioned,
}

/// A function that an instruction names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mentioned {
    /// The function of the program that begins there is called.
    Called(Pc),
    /// Its address is taken.
    Address(Pc),
    /// A helper or kernel function is called.
    Outside(CallTarget),
}

/// What calling it means for control flow and registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Callee {
    /// How many of `r1` to `r5` it takes; `None` where that is not known.
    pub(super) params: Option<u32>,
    pub(super) callback: CallsBack,
    /// It gives the next element of an open-coded iterator.
    pub(super) iter_next: bool,
    pub(super) changes_packet: bool,
    pub(super) might_sleep: bool,
}

/// When a function calls one of the program's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum CallsBack {
    #[default]
    Never,
    /// Before it returns.
    Sync,
    /// Later.
    Async,
}

/// What is known of each of `mentions`; nothing of functions of the program.
pub(super) fn callees(
    program: &Program,
    config: &Config,
    mentions: &[Mention],
) -> Vec<Option<Callee>> {
    if mentions.is_empty() {
        return Vec::new();
    }
    let mut callees = Callees {
        program,
        config,
        flavor: Flavor::of(
            program.prog_type,
            program.attach_type,
            program.flags.sleepable,
            &program.attach_target,
        ),
        kfuncs: BTreeMap::new(),
    };
    let known = |mention: &Mention| match mention.what {
        Mentioned::Outside(target) => callees.get(target),
        Mentioned::Called(_) | Mentioned::Address(_) => None,
    };
    mentions.iter().map(known).collect()
}

/// Knows the functions that one program calls.
struct Callees<'a> {
    program: &'a Program,
    config: &'a Config,
    flavor: Option<&'static Flavor>,
    /// Kernel functions that were asked for.
    kfuncs: BTreeMap<i32, Option<Callee>>,
}

impl Callees<'_> {
    /// The helper or kernel function; nothing for functions of the program.
    fn get(&mut self, target: CallTarget) -> Option<Callee> {
        match target {
            CallTarget::Helper(id) => self.helper(id),
            CallTarget::Kfunc { btf_id, .. } => {
                if let Some(known) = self.kfuncs.get(&btf_id) {
                    return *known;
                }
                let found = self.kfunc(btf_id);
                self.kfuncs.insert(btf_id, found);
                found
            }
            CallTarget::Local(_) => None,
        }
    }

    fn helper(&self, id: i32) -> Option<Callee> {
        let helper = helpers::by_id(u32::try_from(id).ok()?)?;
        // The packet is taken to move even where the helper may not be called.
        let known = self.flavor.is_none_or(|flavor| flavor.may_call(helper));
        Some(Callee {
            params: known.then_some(helper.args_in(self.program.prog_type).len() as u32),
            callback: callback(helper),
            iter_next: false,
            // A program that is gone on in may move the packet.
            changes_packet: helper.changes_packet || helper.name == "bpf_tail_call",
            might_sleep: known && helper.might_sleep(),
        })
    }

    /// Nothing is known of a kernel function that the program may not call.
    fn kfunc(&self, index: i32) -> Option<Callee> {
        let index = usize::try_from(index).ok()?;
        let called = self.program.externs.get(index)?;
        let name = called.name.as_str();
        let known = kfuncs::by_name(name);
        let barred = |flavor: &Flavor| known.is_some_and(|kfunc| !kfunc.may_be_called_by(flavor));
        if self.flavor.is_some_and(barred) {
            return None;
        }
        let flags = known.and_then(|kfunc| kfunc.signature).map(|s| s.flags);
        let has = |flag| flags.is_some_and(|flags| flags.contains(flag));
        Some(Callee {
            params: self.params(called),
            callback: match name {
                "bpf_rbtree_add_impl" => CallsBack::Sync,
                "bpf_wq_set_callback_impl"
                | "bpf_task_work_schedule_signal_impl"
                | "bpf_task_work_schedule_resume_impl" => CallsBack::Async,
                _ => CallsBack::Never,
            },
            iter_next: name.starts_with("bpf_iter_") && name.ends_with("_next"),
            changes_packet: has(KfuncFlags::CHANGES_PACKET),
            might_sleep: known.is_some_and(|kfunc| kfunc.only == Only::Sleepable),
        })
    }

    /// Number of parameters: by the kernel's BTF where there is one, else by the
    /// program's.
    fn params(&self, called: &Extern) -> Option<u32> {
        let kernel = self.config.kernel_btf.as_deref();
        let kernel = kernel.and_then(|btf| Some((btf, btf.find(&called.name, Kind::Func)?)));
        let own = self.program.btf.as_deref();
        let (btf, id) = kernel.or(own.map(|btf| (btf, called.type_id)))?;
        let proto = match btf.resolved(id)? {
            (_, Type::Func(func)) => btf.ty(func.proto)?,
            (_, ty) => ty,
        };
        match proto {
            Type::FuncProto(proto) => Some(proto.len() as u32),
            _ => None,
        }
    }
}

fn callback(helper: &Helper) -> CallsBack {
    if !helper.args.contains(&Arg::Func) {
        CallsBack::Never
    } else if helper.name == "bpf_timer_set_callback" {
        CallsBack::Async
    } else {
        CallsBack::Sync
    }
}
