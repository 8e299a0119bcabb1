//! The rows: one for each flavor whose context, helpers or return values differ
//! from others of its program type.

use super::{Flavor, ReturnRange};
use crate::AttachType;
// Both lists have these names.
use crate::AttachType as Attach;
use crate::ProgType::{self, *};
use crate::context::Context;
use crate::context::table as context;

/// A flavor that any value may be returned from.
const fn any(prog_type: ProgType, context: &'static Context) -> Flavor {
    Flavor {
        prog_type,
        attach_type: None,
        sleepable: false,
        target: "",
        context,
        returns: None,
        without: &[],
        free: &[],
    }
}

impl Flavor {
    const fn at(mut self, attach_type: AttachType) -> Flavor {
        self.attach_type = Some(attach_type);
        self
    }

    const fn sleepable(mut self) -> Flavor {
        self.sleepable = true;
        self
    }

    const fn to(mut self, target: &'static str) -> Flavor {
        self.target = target;
        self
    }

    const fn returns(mut self, min: i32, max: i32) -> Flavor {
        self.returns = Some(ReturnRange { min, max });
        self
    }

    const fn without(mut self, helpers: &'static [u32]) -> Flavor {
        self.without = helpers;
        self
    }

    const fn free(mut self, helpers: &'static [u32]) -> Flavor {
        self.free = helpers;
        self
    }
}

/// The return value of the system call.
const RETVAL: &[u32] = &[186, 187];
/// Socket options, and output of iterators.
const NOT_IN_TP_BTF: &[u32] = &[49, 57, 126, 127, 150];

/// The numbers of all helpers.
const EVERY_HELPER: &[u32] = &{
    let mut ids = [0; crate::helpers::HELPERS.len()];
    let mut i = 0;
    while i < ids.len() {
        ids[i] = i as u32 + 1;
        i += 1;
    }
    ids
};

pub(super) const FLAVORS: &[Flavor] = &[
    any(SocketFilter, &context::SOCKET_FILTER),
    any(Kprobe, &context::KPROBE),
    // As with `trace_uprobe_multi`, which was asked.
    any(Kprobe, &context::KPROBE).sleepable(),
    any(Kprobe, &context::KPROBE)
        .at(Attach::TraceKprobeMulti)
        .free(&[173]),
    any(Kprobe, &context::KPROBE)
        .at(Attach::TraceUprobeMulti)
        .free(&[173]),
    any(Kprobe, &context::KPROBE)
        .at(Attach::TraceUprobeMulti)
        .sleepable()
        .free(&[173]),
    any(Kprobe, &context::KPROBE)
        .at(Attach::TraceKprobeSession)
        .returns(0, 1)
        .free(&[173]),
    any(Kprobe, &context::KPROBE)
        .at(Attach::TraceUprobeSession)
        .returns(0, 1)
        .free(&[173]),
    any(SchedCls, &context::TC),
    any(SchedAct, &context::TC),
    any(Tracepoint, &context::TRACEPOINT),
    any(Xdp, &context::XDP),
    any(Xdp, &context::XDP_DEVMAP).at(Attach::XdpDevmap),
    any(PerfEvent, &context::PERF_EVENT).free(&[27]),
    any(CgroupSkb, &context::CGROUP_SKB)
        .at(Attach::CgroupInetIngress)
        .returns(0, 1),
    any(CgroupSkb, &context::CGROUP_SKB)
        .at(Attach::CgroupInetEgress)
        .returns(0, 3),
    any(CgroupSock, &context::CGROUP_SOCK)
        .at(Attach::CgroupInetSockCreate)
        .returns(0, 1),
    any(CgroupSock, &context::CGROUP_POST_BIND4)
        .at(Attach::CgroupInet4PostBind)
        .returns(0, 1),
    any(CgroupSock, &context::CGROUP_POST_BIND6)
        .at(Attach::CgroupInet6PostBind)
        .returns(0, 1),
    any(CgroupSock, &context::CGROUP_SOCK)
        .at(Attach::CgroupInetSockRelease)
        .returns(0, 1),
    any(LwtIn, &context::LWT),
    any(LwtOut, &context::LWT),
    any(LwtXmit, &context::LWT),
    any(SockOps, &context::SOCK_OPS).returns(0, 1),
    any(SkSkb, &context::SK_SKB),
    any(CgroupDevice, &context::CGROUP_DEVICE)
        .returns(0, 1)
        .without(RETVAL),
    any(CgroupDevice, &context::CGROUP_DEVICE)
        .at(Attach::CgroupDevice)
        .returns(0, 1),
    any(SkMsg, &context::SK_MSG),
    any(RawTracepoint, &context::RAW_TRACEPOINT),
    any(CgroupSockAddr, &context::SOCK_ADDR4)
        .at(Attach::CgroupInet4Bind)
        .returns(0, 3)
        .without(&[64]),
    any(CgroupSockAddr, &context::SOCK_ADDR6)
        .at(Attach::CgroupInet6Bind)
        .returns(0, 3)
        .without(&[64]),
    any(CgroupSockAddr, &context::SOCK_ADDR4)
        .at(Attach::CgroupInet4Connect)
        .returns(0, 1),
    any(CgroupSockAddr, &context::SOCK_ADDR6)
        .at(Attach::CgroupInet6Connect)
        .returns(0, 1),
    any(CgroupSockAddr, &context::SOCK_ADDR4_SENDMSG)
        .at(Attach::CgroupUdp4Sendmsg)
        .returns(0, 1)
        .without(&[64]),
    any(CgroupSockAddr, &context::SOCK_ADDR6_SENDMSG)
        .at(Attach::CgroupUdp6Sendmsg)
        .returns(0, 1)
        .without(&[64]),
    any(CgroupSockAddr, &context::SOCK_ADDR4)
        .at(Attach::CgroupUdp4Recvmsg)
        .returns(1, 1)
        .without(&[64, 186, 187]),
    any(CgroupSockAddr, &context::SOCK_ADDR6)
        .at(Attach::CgroupUdp6Recvmsg)
        .returns(1, 1)
        .without(&[64, 186, 187]),
    any(CgroupSockAddr, &context::SOCK_ADDR4)
        .at(Attach::CgroupInet4Getpeername)
        .returns(1, 1)
        .without(&[64, 186, 187]),
    any(CgroupSockAddr, &context::SOCK_ADDR6)
        .at(Attach::CgroupInet6Getpeername)
        .returns(1, 1)
        .without(&[64, 186, 187]),
    any(CgroupSockAddr, &context::SOCK_ADDR4)
        .at(Attach::CgroupInet4Getsockname)
        .returns(1, 1)
        .without(&[64, 186, 187]),
    any(CgroupSockAddr, &context::SOCK_ADDR6)
        .at(Attach::CgroupInet6Getsockname)
        .returns(1, 1)
        .without(&[64, 186, 187]),
    any(CgroupSockAddr, &context::SOCK_ADDR_UNIX)
        .at(Attach::CgroupUnixConnect)
        .returns(0, 1)
        .without(&[64]),
    any(CgroupSockAddr, &context::SOCK_ADDR_UNIX)
        .at(Attach::CgroupUnixSendmsg)
        .returns(0, 1)
        .without(&[64]),
    any(CgroupSockAddr, &context::SOCK_ADDR_UNIX)
        .at(Attach::CgroupUnixRecvmsg)
        .returns(1, 1)
        .without(&[64, 186, 187]),
    any(CgroupSockAddr, &context::SOCK_ADDR_UNIX)
        .at(Attach::CgroupUnixGetpeername)
        .returns(1, 1)
        .without(&[64, 186, 187]),
    any(CgroupSockAddr, &context::SOCK_ADDR_UNIX)
        .at(Attach::CgroupUnixGetsockname)
        .returns(1, 1)
        .without(&[64, 186, 187]),
    any(LwtSeg6local, &context::LWT),
    any(SkReuseport, &context::SK_REUSEPORT).at(Attach::SkReuseportSelect),
    any(SkReuseport, &context::SK_REUSEPORT).at(Attach::SkReuseportSelectOrMigrate),
    any(FlowDissector, &context::FLOW_DISSECTOR),
    any(CgroupSysctl, &context::CGROUP_SYSCTL)
        .returns(0, 1)
        .without(RETVAL),
    any(CgroupSysctl, &context::CGROUP_SYSCTL)
        .at(Attach::CgroupSysctl)
        .returns(0, 1),
    any(RawTracepointWritable, &context::RAW_TRACEPOINT_WRITABLE),
    any(CgroupSockopt, &context::GETSOCKOPT)
        .at(Attach::CgroupGetsockopt)
        .returns(0, 1)
        .without(&[49, 57]),
    any(CgroupSockopt, &context::SETSOCKOPT)
        .at(Attach::CgroupSetsockopt)
        .returns(0, 1),
    any(Tracing, &context::TP_BTF_SCHED_SWITCH)
        .at(Attach::TraceRawTp)
        .to("sched_switch")
        .without(NOT_IN_TP_BTF),
    // Another tracepoint: only what the context holds is another.
    any(Tracing, &context::ARGUMENTS)
        .at(Attach::TraceRawTp)
        .without(NOT_IN_TP_BTF),
    any(Tracing, &context::ITER_TASK)
        .at(Attach::TraceIter)
        .to("task")
        .returns(0, 1)
        .without(&[49, 57, 174]),
    any(Tracing, &context::ITER_TCP)
        .at(Attach::TraceIter)
        .to("tcp")
        .returns(0, 1)
        .without(&[174]),
    any(Tracing, &context::ITER_TASK)
        .at(Attach::TraceIter)
        .sleepable()
        .to("task")
        .returns(0, 1)
        .without(&[49, 57, 174]),
    any(StructOps, &context::TCP_SSTHRESH).to("tcp_congestion_ops.ssthresh"),
    any(StructOps, &context::DUMMY_TEST_1)
        .to("bpf_dummy_ops.test_1")
        .without(EVERY_HELPER),
    any(SkLookup, &context::SK_LOOKUP)
        .at(Attach::SkLookup)
        .returns(0, 1),
    any(Syscall, &context::SYSCALL).sleepable(),
    any(Netfilter, &context::NETFILTER)
        .at(Attach::Netfilter)
        .returns(0, 1),
];
