//! Which bytes of its context a program may read and write, and what it gets.

use std::collections::{BTreeMap, BTreeSet};

use btf::Kind;
use isa::{Insn, Operand, Pc, Reg, Size};
use kernel::log::Log;

use super::flavor::Flavor;
use super::probe::{Answer, Extras, Probe};
use super::ranges;
use super::table::{Row, Table, row};

/// Context bytes that are tried where no UAPI struct describes them.
const NO_STRUCT: i64 = 96;
/// How far beyond both ends of the context is tried.
const BEYOND: i64 = 8;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Access {
    Load,
    Store,
    StoreImm,
}

impl Access {
    fn name(self) -> &'static str {
        match self {
            Access::Load => "load",
            Access::Store => "store",
            Access::StoreImm => "store_imm",
        }
    }
}

/// Access, size and what comes of it → where.
type Found = BTreeMap<(Access, u32, String), BTreeSet<i64>>;

pub(crate) fn measure(probe: &Probe) -> Table {
    let mut table = Table::new(
        "accesses",
        "per flavor every byte offset from 8 before the context to 8 after its struct (96 bytes \
         where none describes it), each size, one load, store of 0 from a register or store of \
         the immediate 0 a program; listed is what is accepted, and what is refused with \
         another error than EACCES; `gives` is the register after a load as the verifier's log \
         has it, `scalar` for any number of that size",
    );
    for flavor in &probe.flavors {
        table.rows.extend(accesses(probe, flavor));
    }
    table
}

fn accesses(probe: &Probe, flavor: &Flavor) -> Vec<Row> {
    let end = struct_size(probe, flavor).unwrap_or(NO_STRUCT) + BEYOND;
    let mut found = Found::new();
    for offset in -BEYOND..end {
        for size in [Size::B1, Size::B2, Size::B4, Size::B8] {
            for access in [Access::Load, Access::Store, Access::StoreImm] {
                if let Some(gives) = ask(probe, flavor, access, size, offset) {
                    let key = (access, size.bytes(), gives);
                    found.entry(key).or_default().insert(offset);
                }
            }
        }
    }
    let rows = found.into_iter();
    rows.map(|((access, size, gives), offsets)| {
        row! {
            "flavor": flavor.name,
            "access": access.name(),
            "size": size,
            "gives": gives,
            "offsets": ranges::write(&offsets),
        }
    })
    .collect()
}

/// What an access gives; `None` when it is refused in the usual way.
fn ask(probe: &Probe, flavor: &Flavor, access: Access, size: Size, offset: i64) -> Option<String> {
    let offset = i16::try_from(offset).ok()?;
    let insn = match access {
        Access::Load => Insn::Load {
            size,
            signed: false,
            dst: Reg::R0,
            base: Reg::R1,
            offset,
        },
        Access::Store | Access::StoreImm => Insn::Store {
            size,
            base: Reg::R1,
            src: match access {
                Access::Store => Operand::Reg(Reg::R2),
                _ => Operand::Imm(0),
            },
            offset,
        },
    };
    let mut code = probe.access.clone();
    *code.get_mut(1)? = isa::encode(insn)?.0;
    let silent = Extras {
        silent: true,
        ..Extras::default()
    };
    match probe.load(flavor, &code, &[], &silent) {
        Answer::Yes(_) if access == Access::Load => {
            let all_states = Extras {
                level: 2,
                ..Extras::default()
            };
            match probe.load(flavor, &code, &[], &all_states) {
                Answer::Yes(log) => Some(given(&log, size)),
                other => Some(other.text()),
            }
        }
        Answer::Yes(_) => Some("ok".to_owned()),
        Answer::No(abi::Errno::EACCES, _) => None,
        other => Some(other.text()),
    }
}

/// Register 0 after instruction 1, from a log of all states.
fn given(log: &str, size: Size) -> String {
    let log = Log::parse(log);
    // Where something is said of the access, the state stands behind that, as
    // the one before the next instruction.
    let mut states = log.states_after(Pc(1)).chain(log.states_before(Pc(2)));
    let state = states.find_map(|state| state.register(0)).unwrap_or("?");
    let any = match size {
        Size::B1 => "scalar(smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff))",
        Size::B2 => "scalar(smin=smin32=0,smax=umax=smax32=umax32=0xffff,var_off=(0x0; 0xffff))",
        Size::B4 => "scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff))",
        Size::B8 => "scalar()",
    };
    if state == any { "scalar" } else { state }.to_owned()
}

/// The UAPI struct that describes a flavor's context.
pub(crate) fn struct_of(flavor: &Flavor) -> Option<&'static str> {
    use abi::ProgType as P;
    Some(match flavor.prog_type {
        P::SocketFilter
        | P::SchedCls
        | P::SchedAct
        | P::CgroupSkb
        | P::LwtIn
        | P::LwtOut
        | P::LwtXmit
        | P::LwtSeg6local
        | P::SkSkb
        | P::FlowDissector => "__sk_buff",
        P::Xdp => "xdp_md",
        P::Kprobe => "pt_regs",
        P::PerfEvent => "bpf_perf_event_data",
        P::SockOps => "bpf_sock_ops",
        P::CgroupSock => "bpf_sock",
        P::CgroupSockAddr => "bpf_sock_addr",
        P::CgroupDevice => "bpf_cgroup_dev_ctx",
        P::SkMsg => "sk_msg_md",
        P::CgroupSysctl => "bpf_sysctl",
        P::CgroupSockopt => "bpf_sockopt",
        P::SkLookup => "bpf_sk_lookup",
        P::SkReuseport => "sk_reuseport_md",
        _ => return None,
    })
}

/// Bytes of the struct that describes a flavor's context.
fn struct_size(probe: &Probe, flavor: &Flavor) -> Option<i64> {
    let btf = probe.kernel.btf()?;
    let id = btf.find(struct_of(flavor)?, Kind::Struct)?;
    btf.size_of(id).map(i64::from)
}

/// The structs that describe contexts.
pub(crate) const STRUCTS: &[&str] = &[
    "__sk_buff",
    "bpf_cgroup_dev_ctx",
    "bpf_perf_event_data",
    "bpf_sk_lookup",
    "bpf_sock",
    "bpf_sock_addr",
    "bpf_sock_ops",
    "bpf_sockopt",
    "bpf_sysctl",
    "pt_regs",
    "sk_msg_md",
    "sk_reuseport_md",
    "xdp_md",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_read_from_the_log() {
        let log = "func#0 @0\n0: R1=ctx() R10=fp0\n0: (b7) r2 = 0 ; R2=0\n\
                   1: (61) r0 = *(u32 *)(r1 +4)          ; R0=pkt_end() R1=ctx()\n";
        assert_eq!(given(log, Size::B4), "pkt_end()");
        let log = "1: (79) r0 = *(u64 *)(r1 +0) ; R0=scalar() R1=ctx()\n";
        assert_eq!(given(log, Size::B8), "scalar");
        assert_eq!(given(log, Size::B4), "scalar()");
    }
}
