//! Which section name means which type of program.
//!
//! The one table of the names that libbpf knows (`SEC("…")`), with what each
//! means to BPF_PROG_LOAD. A name is looked up exactly first; objects in the
//! wild also have names that merely begin with one of these (`xdp_prog0`,
//! `socket1`), which old loaders took and [`find`] takes too, saying so.

use abi::{AttachType, ProgFlags, ProgType};

/// What a section name says of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionDef {
    /// The name, without the extra part.
    pub name: &'static str,
    /// Whether `name/EXTRA` is allowed besides `name`; EXTRA is then what the
    /// program attaches to.
    pub extra: bool,
    /// Type of the program.
    pub prog_type: ProgType,
    /// Expected attach type.
    pub attach_type: Option<AttachType>,
    /// Load flags.
    pub flags: ProgFlags,
}

/// How a section name was found in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match<'a> {
    /// The row.
    pub def: &'static SectionDef,
    /// What the program attaches to; empty when the name does not say.
    pub target: &'a str,
    /// Whether libbpf takes the name too; otherwise it only begins alike.
    pub exact: bool,
    /// Whether the name begins with `?`: not loaded by default.
    pub optional: bool,
}

/// Looks up a section name.
///
/// ```
/// let found = loader::sections::find("kprobe/do_unlinkat").unwrap();
/// assert_eq!(found.def.prog_type, abi::ProgType::Kprobe);
/// assert_eq!(found.target, "do_unlinkat");
/// assert!(!loader::sections::find("xdp_prog0").unwrap().exact);
/// ```
pub fn find(section: &str) -> Option<Match<'_>> {
    let (optional, name) = match section.strip_prefix('?') {
        Some(name) => (true, name),
        None => (false, section),
    };
    let exact = SECTIONS.iter().find(|def| def.is_exactly(name));
    let def = exact.or_else(|| longest_prefix(name))?;
    let target = match (def.extra, name.split_once('/')) {
        (true, Some((_, target))) => target,
        _ => "",
    };
    Some(Match {
        def,
        target,
        exact: exact.is_some(),
        optional,
    })
}

/// The attach type that a program of this type has when only the type is known.
pub fn default_attach_type(prog_type: ProgType) -> Option<AttachType> {
    match prog_type {
        ProgType::Xdp => Some(AttachType::Xdp),
        ProgType::SkLookup => Some(AttachType::SkLookup),
        ProgType::SockOps => Some(AttachType::CgroupSockOps),
        ProgType::SkMsg => Some(AttachType::SkMsgVerdict),
        ProgType::Netfilter => Some(AttachType::Netfilter),
        _ => None,
    }
}

/// The row with the longest name that `section` begins with, where a word ends
/// there: `tc_ingress` is a `tc` program, `tcp_stats` is not. Nothing but XDP
/// begins with `xdp`.
fn longest_prefix(section: &str) -> Option<&'static SectionDef> {
    SECTIONS
        .iter()
        .chain(OLD_NAMES)
        .filter(|def| {
            section.strip_prefix(def.name).is_some_and(|rest| {
                def.name == "xdp" || !rest.starts_with(|c: char| c.is_ascii_alphabetic())
            })
        })
        .max_by_key(|def| def.name.len())
}

impl SectionDef {
    fn is_exactly(&self, section: &str) -> bool {
        match section.strip_prefix(self.name) {
            Some("") => true,
            Some(rest) => self.extra && rest.starts_with('/'),
            None => false,
        }
    }
}

/// An exact name.
const fn named(name: &'static str, prog_type: ProgType) -> SectionDef {
    SectionDef {
        name,
        extra: false,
        prog_type,
        attach_type: None,
        flags: ProgFlags {
            sleepable: false,
            xdp_frags: false,
            device_bound: false,
        },
    }
}

/// A name that may be followed by `/EXTRA`.
const fn with_extra(name: &'static str, prog_type: ProgType) -> SectionDef {
    SectionDef {
        extra: true,
        ..named(name, prog_type)
    }
}

impl SectionDef {
    const fn at(self, attach_type: AttachType) -> SectionDef {
        SectionDef {
            attach_type: Some(attach_type),
            ..self
        }
    }

    const fn sleepable(self) -> SectionDef {
        SectionDef {
            flags: ProgFlags {
                sleepable: true,
                ..self.flags
            },
            ..self
        }
    }

    const fn frags(self) -> SectionDef {
        SectionDef {
            flags: ProgFlags {
                xdp_frags: true,
                ..self.flags
            },
            ..self
        }
    }
}

use AttachType as A;
use ProgType as P;

/// The names that libbpf 1.5 knows, in its order.
#[rustfmt::skip]
pub static SECTIONS: &[SectionDef] = &[
    named("socket", P::SocketFilter),
    named("sk_reuseport/migrate", P::SkReuseport).at(A::SkReuseportSelectOrMigrate),
    named("sk_reuseport", P::SkReuseport).at(A::SkReuseportSelect),
    with_extra("kprobe", P::Kprobe),
    with_extra("uprobe", P::Kprobe),
    with_extra("uprobe.s", P::Kprobe).sleepable(),
    with_extra("kretprobe", P::Kprobe),
    with_extra("uretprobe", P::Kprobe),
    with_extra("uretprobe.s", P::Kprobe).sleepable(),
    with_extra("kprobe.multi", P::Kprobe).at(A::TraceKprobeMulti),
    with_extra("kretprobe.multi", P::Kprobe).at(A::TraceKprobeMulti),
    with_extra("kprobe.session", P::Kprobe).at(A::TraceKprobeSession),
    with_extra("uprobe.multi", P::Kprobe).at(A::TraceUprobeMulti),
    with_extra("uretprobe.multi", P::Kprobe).at(A::TraceUprobeMulti),
    with_extra("uprobe.session", P::Kprobe).at(A::TraceUprobeSession),
    with_extra("uprobe.multi.s", P::Kprobe).at(A::TraceUprobeMulti).sleepable(),
    with_extra("uretprobe.multi.s", P::Kprobe).at(A::TraceUprobeMulti).sleepable(),
    with_extra("uprobe.session.s", P::Kprobe).at(A::TraceUprobeSession).sleepable(),
    with_extra("ksyscall", P::Kprobe),
    with_extra("kretsyscall", P::Kprobe),
    with_extra("usdt", P::Kprobe),
    with_extra("usdt.s", P::Kprobe).sleepable(),
    named("tc/ingress", P::SchedCls).at(A::TcxIngress),
    named("tc/egress", P::SchedCls).at(A::TcxEgress),
    named("tcx/ingress", P::SchedCls).at(A::TcxIngress),
    named("tcx/egress", P::SchedCls).at(A::TcxEgress),
    named("tc", P::SchedCls),
    named("classifier", P::SchedCls),
    named("action", P::SchedAct),
    named("netkit/primary", P::SchedCls).at(A::NetkitPrimary),
    named("netkit/peer", P::SchedCls).at(A::NetkitPeer),
    with_extra("tracepoint", P::Tracepoint),
    with_extra("tp", P::Tracepoint),
    with_extra("raw_tracepoint", P::RawTracepoint),
    with_extra("raw_tp", P::RawTracepoint),
    with_extra("raw_tracepoint.w", P::RawTracepointWritable),
    with_extra("raw_tp.w", P::RawTracepointWritable),
    with_extra("tp_btf", P::Tracing).at(A::TraceRawTp),
    with_extra("fentry", P::Tracing).at(A::TraceFentry),
    with_extra("fmod_ret", P::Tracing).at(A::ModifyReturn),
    with_extra("fexit", P::Tracing).at(A::TraceFexit),
    with_extra("fentry.s", P::Tracing).at(A::TraceFentry).sleepable(),
    with_extra("fmod_ret.s", P::Tracing).at(A::ModifyReturn).sleepable(),
    with_extra("fexit.s", P::Tracing).at(A::TraceFexit).sleepable(),
    with_extra("freplace", P::Ext),
    with_extra("lsm", P::Lsm).at(A::LsmMac),
    with_extra("lsm.s", P::Lsm).at(A::LsmMac).sleepable(),
    with_extra("lsm_cgroup", P::Lsm).at(A::LsmCgroup),
    with_extra("iter", P::Tracing).at(A::TraceIter),
    with_extra("iter.s", P::Tracing).at(A::TraceIter).sleepable(),
    named("syscall", P::Syscall).sleepable(),
    named("xdp.frags/devmap", P::Xdp).at(A::XdpDevmap).frags(),
    named("xdp/devmap", P::Xdp).at(A::XdpDevmap),
    named("xdp.frags/cpumap", P::Xdp).at(A::XdpCpumap).frags(),
    named("xdp/cpumap", P::Xdp).at(A::XdpCpumap),
    named("xdp.frags", P::Xdp).at(A::Xdp).frags(),
    named("xdp", P::Xdp).at(A::Xdp),
    named("perf_event", P::PerfEvent),
    named("lwt_in", P::LwtIn),
    named("lwt_out", P::LwtOut),
    named("lwt_xmit", P::LwtXmit),
    named("lwt_seg6local", P::LwtSeg6local),
    named("sockops", P::SockOps).at(A::CgroupSockOps),
    named("sk_skb/stream_parser", P::SkSkb).at(A::SkSkbStreamParser),
    named("sk_skb/stream_verdict", P::SkSkb).at(A::SkSkbStreamVerdict),
    named("sk_skb/verdict", P::SkSkb).at(A::SkSkbVerdict),
    named("sk_skb", P::SkSkb),
    named("sk_msg", P::SkMsg).at(A::SkMsgVerdict),
    named("lirc_mode2", P::LircMode2).at(A::LircMode2),
    named("flow_dissector", P::FlowDissector).at(A::FlowDissector),
    named("cgroup_skb/ingress", P::CgroupSkb).at(A::CgroupInetIngress),
    named("cgroup_skb/egress", P::CgroupSkb).at(A::CgroupInetEgress),
    named("cgroup/skb", P::CgroupSkb),
    named("cgroup/sock_create", P::CgroupSock).at(A::CgroupInetSockCreate),
    named("cgroup/sock_release", P::CgroupSock).at(A::CgroupInetSockRelease),
    named("cgroup/sock", P::CgroupSock).at(A::CgroupInetSockCreate),
    named("cgroup/post_bind4", P::CgroupSock).at(A::CgroupInet4PostBind),
    named("cgroup/post_bind6", P::CgroupSock).at(A::CgroupInet6PostBind),
    named("cgroup/bind4", P::CgroupSockAddr).at(A::CgroupInet4Bind),
    named("cgroup/bind6", P::CgroupSockAddr).at(A::CgroupInet6Bind),
    named("cgroup/connect4", P::CgroupSockAddr).at(A::CgroupInet4Connect),
    named("cgroup/connect6", P::CgroupSockAddr).at(A::CgroupInet6Connect),
    named("cgroup/connect_unix", P::CgroupSockAddr).at(A::CgroupUnixConnect),
    named("cgroup/sendmsg4", P::CgroupSockAddr).at(A::CgroupUdp4Sendmsg),
    named("cgroup/sendmsg6", P::CgroupSockAddr).at(A::CgroupUdp6Sendmsg),
    named("cgroup/sendmsg_unix", P::CgroupSockAddr).at(A::CgroupUnixSendmsg),
    named("cgroup/recvmsg4", P::CgroupSockAddr).at(A::CgroupUdp4Recvmsg),
    named("cgroup/recvmsg6", P::CgroupSockAddr).at(A::CgroupUdp6Recvmsg),
    named("cgroup/recvmsg_unix", P::CgroupSockAddr).at(A::CgroupUnixRecvmsg),
    named("cgroup/getpeername4", P::CgroupSockAddr).at(A::CgroupInet4Getpeername),
    named("cgroup/getpeername6", P::CgroupSockAddr).at(A::CgroupInet6Getpeername),
    named("cgroup/getpeername_unix", P::CgroupSockAddr).at(A::CgroupUnixGetpeername),
    named("cgroup/getsockname4", P::CgroupSockAddr).at(A::CgroupInet4Getsockname),
    named("cgroup/getsockname6", P::CgroupSockAddr).at(A::CgroupInet6Getsockname),
    named("cgroup/getsockname_unix", P::CgroupSockAddr).at(A::CgroupUnixGetsockname),
    named("cgroup/sysctl", P::CgroupSysctl).at(A::CgroupSysctl),
    named("cgroup/getsockopt", P::CgroupSockopt).at(A::CgroupGetsockopt),
    named("cgroup/setsockopt", P::CgroupSockopt).at(A::CgroupSetsockopt),
    named("cgroup/dev", P::CgroupDevice).at(A::CgroupDevice),
    with_extra("struct_ops", P::StructOps),
    with_extra("struct_ops.s", P::StructOps).sleepable(),
    named("sk_lookup", P::SkLookup).at(A::SkLookup),
    named("netfilter", P::Netfilter).at(A::Netfilter),
];

/// Names that old loaders had for what is now called otherwise.
#[rustfmt::skip]
static OLD_NAMES: &[SectionDef] = &[
    named("xdp_devmap", P::Xdp).at(A::XdpDevmap),
    named("xdp_cpumap", P::Xdp).at(A::XdpCpumap),
    named("socket_filter", P::SocketFilter),
    named("cgroup/sockops", P::SockOps).at(A::CgroupSockOps),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn what(section: &str) -> (ProgType, Option<AttachType>, bool) {
        let found = find(section).unwrap();
        (found.def.prog_type, found.def.attach_type, found.exact)
    }

    #[test]
    fn libbpf_names_are_exact() {
        assert_eq!(what("xdp"), (P::Xdp, Some(A::Xdp), true));
        assert_eq!(what("xdp/devmap"), (P::Xdp, Some(A::XdpDevmap), true));
        assert_eq!(what("tc"), (P::SchedCls, None, true));
        assert_eq!(what("tc/egress"), (P::SchedCls, Some(A::TcxEgress), true));
        assert_eq!(what("kprobe"), (P::Kprobe, None, true));
        assert_eq!(
            what("cgroup_skb/ingress"),
            (P::CgroupSkb, Some(A::CgroupInetIngress), true)
        );
        assert!(find("xdp.frags/cpumap").unwrap().def.flags.xdp_frags);
        assert!(find("lsm.s/file_open").unwrap().def.flags.sleepable);
    }

    #[test]
    fn extra_part_is_the_target() {
        assert_eq!(
            find("tp/syscalls/sys_enter_open").unwrap().target,
            "syscalls/sys_enter_open"
        );
        assert_eq!(find("uprobe//bin/sh:main").unwrap().target, "/bin/sh:main");
        assert_eq!(find("xdp/devmap").unwrap().target, "");
    }

    #[test]
    fn question_mark_is_optional() {
        let found = find("?xdp").unwrap();
        assert!(found.optional && found.exact);
    }

    #[test]
    fn wild_names_match_by_prefix() {
        assert_eq!(what("xdp_prog0"), (P::Xdp, Some(A::Xdp), false));
        assert_eq!(what("xdp/pass"), (P::Xdp, Some(A::Xdp), false));
        assert_eq!(what("xdpfilter"), (P::Xdp, Some(A::Xdp), false));
        assert_eq!(
            what("xdp_devmap/egress"),
            (P::Xdp, Some(A::XdpDevmap), false)
        );
        assert_eq!(what("socket1"), (P::SocketFilter, None, false));
        assert_eq!(what("tc_ingress"), (P::SchedCls, None, false));
        assert_eq!(what("raw_tracepoint_foo"), (P::RawTracepoint, None, false));
    }

    #[test]
    fn unrelated_names_do_not_match() {
        for name in [
            "prog",
            "tcp_stats",
            "ingress",
            "",
            "?",
            ".text",
            "maps",
            "actions",
        ] {
            assert!(find(name).is_none(), "{name}");
        }
    }

    #[test]
    fn no_name_stands_twice() {
        for (i, def) in SECTIONS.iter().enumerate() {
            assert!(
                SECTIONS[..i].iter().all(|d| d.name != def.name),
                "{}",
                def.name
            );
        }
    }
}
