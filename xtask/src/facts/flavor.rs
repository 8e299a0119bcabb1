//! Program flavors: a program type with whatever else decides, at load, what a
//! program of it may do.

use abi::{AttachType, ProgType};
use btf::{Kind, Type};
use kernel::Kernel;

/// A way to load a program.
#[derive(Clone, Debug)]
pub(crate) struct Flavor {
    /// `TYPE[/ATTACH][.s][.frags][:TARGET]`, in bpftool's names.
    pub(crate) name: String,
    pub(crate) prog_type: ProgType,
    pub(crate) attach: Option<AttachType>,
    pub(crate) sleepable: bool,
    pub(crate) frags: bool,
    /// What it attaches to: a raw tracepoint, iterator, function, hook.
    pub(crate) target: &'static str,
}

impl Flavor {
    fn new(prog_type: ProgType, attach: Option<AttachType>) -> Flavor {
        let mut flavor = Flavor {
            name: String::new(),
            prog_type,
            attach,
            sleepable: false,
            frags: false,
            target: "",
        };
        flavor.rename();
        flavor
    }

    fn sleepable(mut self) -> Flavor {
        self.sleepable = true;
        self.rename();
        self
    }

    fn frags(mut self) -> Flavor {
        self.frags = true;
        self.rename();
        self
    }

    fn to(mut self, target: &'static str) -> Flavor {
        self.target = target;
        self.rename();
        self
    }

    fn rename(&mut self) {
        let attach = self.attach.filter(|_| !self.is_struct_ops());
        let attach = attach.map(|attach| format!("/{attach}"));
        let colon = if self.target.is_empty() { "" } else { ":" };
        self.name = format!(
            "{}{}{}{}{colon}{}",
            self.prog_type,
            attach.unwrap_or_default(),
            if self.sleepable { ".s" } else { "" },
            if self.frags { ".frags" } else { "" },
            self.target
        );
    }

    /// Whether it implements a function of a kernel struct.
    pub(crate) fn is_struct_ops(&self) -> bool {
        self.prog_type == ProgType::StructOps
    }

    /// For a `struct_ops` program, `STRUCT.MEMBER`: the id of the struct, and the
    /// member's index as the attach type that Linux takes it for.
    pub(crate) fn member(&self, kernel: &Kernel) -> Option<(u32, AttachType)> {
        let (name, member) = self.target.split_once('.')?;
        let btf = kernel.btf()?;
        let id = btf.find(name, Kind::Struct)?;
        let Type::Struct(composite) = btf.ty(id)? else {
            return None;
        };
        let index = composite.members().position(|m| m.name == member)?;
        Some((id.0, AttachType::new(u32::try_from(index).ok()?)?))
    }
}

/// All flavors that are asked for, those that this kernel cannot load too.
pub(crate) fn all() -> Vec<Flavor> {
    use AttachType as A;
    use ProgType as P;
    let mut flavors = Vec::new();
    let mut add = |prog_type, attaches: &[A]| {
        let attached = attaches.iter().map(|a| Flavor::new(prog_type, Some(*a)));
        flavors.extend(attached);
    };
    add(P::CgroupSkb, &[A::CgroupInetIngress, A::CgroupInetEgress]);
    add(
        P::CgroupSock,
        &[
            A::CgroupInetSockCreate,
            A::CgroupInetSockRelease,
            A::CgroupInet4PostBind,
            A::CgroupInet6PostBind,
        ],
    );
    add(
        P::CgroupSockAddr,
        &[
            A::CgroupInet4Bind,
            A::CgroupInet6Bind,
            A::CgroupInet4Connect,
            A::CgroupInet6Connect,
            A::CgroupUdp4Sendmsg,
            A::CgroupUdp6Sendmsg,
            A::CgroupUdp4Recvmsg,
            A::CgroupUdp6Recvmsg,
            A::CgroupInet4Getpeername,
            A::CgroupInet6Getpeername,
            A::CgroupInet4Getsockname,
            A::CgroupInet6Getsockname,
            A::CgroupUnixConnect,
            A::CgroupUnixSendmsg,
            A::CgroupUnixRecvmsg,
            A::CgroupUnixGetpeername,
            A::CgroupUnixGetsockname,
        ],
    );
    add(
        P::CgroupSockopt,
        &[A::CgroupGetsockopt, A::CgroupSetsockopt],
    );
    add(P::CgroupDevice, &[A::CgroupDevice]);
    add(P::CgroupSysctl, &[A::CgroupSysctl]);
    add(P::SockOps, &[A::CgroupSockOps]);
    add(P::SkLookup, &[A::SkLookup]);
    add(P::Netfilter, &[A::Netfilter]);
    add(P::FlowDissector, &[A::FlowDissector]);
    add(P::SkMsg, &[A::SkMsgVerdict]);
    add(
        P::SkSkb,
        &[A::SkSkbStreamParser, A::SkSkbStreamVerdict, A::SkSkbVerdict],
    );
    add(
        P::SkReuseport,
        &[A::SkReuseportSelect, A::SkReuseportSelectOrMigrate],
    );
    add(
        P::SchedCls,
        &[A::TcxIngress, A::TcxEgress, A::NetkitPrimary, A::NetkitPeer],
    );
    add(P::Xdp, &[A::Xdp, A::XdpDevmap, A::XdpCpumap]);
    add(
        P::Kprobe,
        &[
            A::TraceKprobeMulti,
            A::TraceKprobeSession,
            A::TraceUprobeMulti,
            A::TraceUprobeSession,
        ],
    );
    for plain in [
        P::SocketFilter,
        P::Kprobe,
        P::SchedCls,
        P::SchedAct,
        P::Tracepoint,
        P::Xdp,
        P::PerfEvent,
        P::LwtIn,
        P::LwtOut,
        P::LwtXmit,
        P::LwtSeg6local,
        P::SkSkb,
        P::RawTracepoint,
        P::RawTracepointWritable,
        P::LircMode2,
    ] {
        flavors.push(Flavor::new(plain, None));
    }
    flavors.extend([
        Flavor::new(P::Xdp, None).frags(),
        Flavor::new(P::Kprobe, Some(A::TraceUprobeMulti)).sleepable(),
        Flavor::new(P::Syscall, None).sleepable(),
    ]);
    flavors.extend(with_targets());
    // Those of a type together, in the order of the types' numbers.
    flavors.sort_by_key(|flavor| (flavor.prog_type, flavor.attach, flavor.sleepable));
    flavors
}

/// Flavors that name something of the kernel.
fn with_targets() -> Vec<Flavor> {
    use AttachType as A;
    use ProgType as P;
    let tracing = |attach| Flavor::new(P::Tracing, Some(attach));
    let lsm = |attach| Flavor::new(P::Lsm, Some(attach));
    let struct_ops = Flavor::new(P::StructOps, None);
    vec![
        tracing(A::TraceRawTp).to("sched_switch"),
        tracing(A::TraceFentry).to("eth_type_trans"),
        tracing(A::TraceFexit).to("eth_type_trans"),
        tracing(A::ModifyReturn).to("security_file_open"),
        tracing(A::TraceIter).to("task"),
        tracing(A::TraceIter).to("tcp"),
        tracing(A::TraceIter).sleepable().to("task"),
        lsm(A::LsmMac).to("file_open"),
        lsm(A::LsmMac).sleepable().to("file_open"),
        lsm(A::LsmCgroup).to("socket_bind"),
        struct_ops.clone().to("tcp_congestion_ops.ssthresh"),
        struct_ops.to("bpf_dummy_ops.test_1"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ() {
        let mut names: Vec<String> = all().into_iter().map(|flavor| flavor.name).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(names.contains(&"cgroup_skb/cgroup_inet_egress".to_owned()));
        assert!(names.contains(&"kprobe/trace_uprobe_multi.s".to_owned()));
        assert!(names.contains(&"struct_ops:bpf_dummy_ops.test_1".to_owned()));
    }
}
