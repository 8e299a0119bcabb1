//! What the passes need to know of the functions that a program calls.

use abi::helpers::{self, Arg, Helper};
use abi::kfuncs::{self, KfuncFlags, Only};
use abi::{Extern, Flavor, Program};
use btf::{Kind, Type};
use isa::CallTarget;

use crate::Config;

/// What calling it means for control flow and registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Callee {
    /// How many of `r1` to `r5` it takes; `None` where that is not known.
    pub(super) params: Option<u32>,
    /// It leaves nothing in `r0`.
    pub(super) void: bool,
    /// It keeps all registers that carry no argument and no result.
    pub(super) fastcall: bool,
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

/// Knows the functions that one program calls.
pub(super) struct Callees<'a> {
    program: &'a Program,
    config: &'a Config,
    flavor: Option<&'static Flavor>,
}

impl<'a> Callees<'a> {
    pub(super) fn of(program: &'a Program, config: &'a Config) -> Callees<'a> {
        let flavor = Flavor::of(
            program.prog_type,
            program.attach_type,
            program.flags.sleepable,
            &program.attach_target,
        );
        Callees {
            program,
            config,
            flavor,
        }
    }

    /// The helper or kernel function; nothing for functions of the program.
    pub(super) fn get(&self, target: CallTarget) -> Option<Callee> {
        match target {
            CallTarget::Helper(id) => self.helper(id),
            CallTarget::Kfunc { btf_id, .. } => self.kfunc(btf_id),
            CallTarget::Local(_) => None,
        }
    }

    fn helper(&self, id: i32) -> Option<Callee> {
        let helper = helpers::by_id(u32::try_from(id).ok()?)?;
        // The packet is taken to move even where the helper may not be called.
        let known = self.flavor.is_none_or(|flavor| flavor.may_call(helper));
        Some(Callee {
            params: known.then_some(helper.args_in(self.program.prog_type).len() as u32),
            void: helper.ret == helpers::Ret::Void,
            fastcall: known && helper.name == "bpf_get_smp_processor_id",
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
        let proto = self.prototype(called);
        Some(Callee {
            params: proto.map(|(params, _)| params),
            void: proto.is_some_and(|(_, void)| void),
            fastcall: has(KfuncFlags::FASTCALL) || name == "bpf_rdonly_cast",
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

    /// Number of parameters, and whether nothing is returned: by the kernel's
    /// BTF where there is one, else by the program's.
    fn prototype(&self, called: &Extern) -> Option<(u32, bool)> {
        let kernel = self.config.kernel_btf.as_deref();
        let kernel = kernel.and_then(|btf| Some((btf, btf.find(&called.name, Kind::Func)?)));
        let own = self.program.btf.as_deref();
        let (btf, id) = kernel.or(own.map(|btf| (btf, called.type_id)))?;
        let proto = match btf.resolved(id)? {
            (_, Type::Func(func)) => btf.ty(func.proto)?,
            (_, ty) => ty,
        };
        match proto {
            Type::FuncProto(proto) => {
                let void = proto.ret == btf::TypeId::VOID;
                Some((proto.len() as u32, void))
            }
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
