//! Program flavors: a program type with whatever else decides, at load, what a
//! program may do.
//!
//! Most program types are one flavor. Of others the attach type decides the
//! context, helpers or return values; a sleepable program may call more helpers
//! and use fewer maps; for some the kernel type that they attach to decides the
//! context. Measured on Linux 6.18 (`corpus/facts/linux-6.18/flavors.json`,
//! `helpers_by_flavor.json`; tests compare).
//!
//! Flavors that the measured kernel cannot load (`lirc_mode2`, `ext`, `lsm`,
//! `tracing` that attaches to functions, iterators and `struct_ops` other than
//! those asked) are not here: nothing is known of them.

mod table;

use std::fmt;

use crate::context::Context;
use crate::helpers::Helper;
use crate::{AttachType, ProgType};

/// What decides what a program may do.
#[derive(Debug, PartialEq, Eq)]
pub struct Flavor {
    /// Program type.
    pub prog_type: ProgType,
    /// Attach type, where it decides something.
    pub attach_type: Option<AttachType>,
    /// Whether it may sleep.
    pub sleepable: bool,
    /// The iterator, tracepoint or operation it attaches to, where that decides
    /// something.
    pub target: &'static str,
    /// What it is handed in `r1`.
    pub context: &'static Context,
    /// The values that it may return; all, and pointers too, where there is none.
    pub returns: Option<ReturnRange>,
    /// Helpers that other flavors of the program type may call and this may not.
    without: &'static [u32],
    /// Helpers that need no GPL-compatible licence here though elsewhere they do.
    free: &'static [u32],
}

/// Values that a program may return, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the ends of a range")]
pub struct ReturnRange {
    pub min: i32,
    pub max: i32,
}

/// All flavors that something is known of.
pub static FLAVORS: &[Flavor] = table::FLAVORS;

/// Helpers that may sleep: for sleepable programs only.
const MIGHT_SLEEP: &[u32] = &[148, 191];

impl Flavor {
    /// The flavor of a program; nothing where none is known.
    ///
    /// No attach type stands for Linux's number 0, which most program types do
    /// not look at. `target` is what a `tracing` or `struct_ops` program attaches
    /// to (`sched_switch`, `tcp_congestion_ops.ssthresh`), else it is ignored.
    pub fn of(
        prog_type: ProgType,
        attach_type: Option<AttachType>,
        sleepable: bool,
        target: &str,
    ) -> Option<&'static Flavor> {
        let target = match prog_type {
            ProgType::Tracing | ProgType::StructOps => target,
            _ => "",
        };
        let attach_type = decisive(prog_type, attach_type);
        let like = |target: &str| {
            of_type(prog_type).iter().find(|f| {
                f.attach_type == attach_type && f.sleepable == sleepable && same(f.target, target)
            })
        };
        // For raw tracepoints the target decides only what the context holds.
        let any_target = attach_type == Some(AttachType::TraceRawTp);
        like(target).or_else(|| any_target.then(|| like("")).flatten())
    }

    /// Whether programs of this flavor may call the helper at all.
    pub fn may_call(&self, helper: &Helper) -> bool {
        helper.prog_types.contains(self.prog_type) && !self.without.contains(&helper.id)
    }

    /// Whether only programs under a GPL-compatible licence may call it.
    pub fn needs_gpl(&self, helper: &Helper) -> bool {
        helper.gpl_only && !self.free.contains(&helper.id)
    }
}

impl Helper {
    /// Whether a call may sleep, which only sleepable programs may.
    pub fn might_sleep(&self) -> bool {
        MIGHT_SLEEP.contains(&self.id)
    }
}

/// Whether the texts are the same. Empty ones are not compared: their addresses
/// stand for nothing, and a `memcmp` that loads under a mask, as glibc's does with
/// AVX-512, takes hundreds of cycles to find out that it need not read there.
fn same(left: &str, right: &str) -> bool {
    left.len() == right.len() && (left.is_empty() || left == right)
}

/// The attach type as far as it decides anything for this program type.
fn decisive(prog_type: ProgType, attach_type: Option<AttachType>) -> Option<AttachType> {
    // What Linux takes the number 0 for.
    let default = match prog_type {
        ProgType::CgroupSkb => AttachType::CgroupInetIngress,
        ProgType::CgroupSock => AttachType::CgroupInetSockCreate,
        ProgType::SkReuseport => AttachType::SkReuseportSelect,
        ProgType::CgroupDevice | ProgType::CgroupSysctl => {
            // The return value of the system call is for all but some.
            return match (attach_type, prog_type) {
                (None, _) => None,
                (Some(attach), _) if has_no_retval(attach) => None,
                (_, ProgType::CgroupDevice) => Some(AttachType::CgroupDevice),
                _ => Some(AttachType::CgroupSysctl),
            };
        }
        _ => return attach_type.filter(|attach| has_row(prog_type, *attach)),
    };
    let zero = AttachType::CgroupInetIngress;
    match attach_type {
        None => Some(default),
        Some(attach) if attach == zero => Some(default),
        some => some,
    }
}

/// Whether there is no system call whose return value a program could see.
fn has_no_retval(attach_type: AttachType) -> bool {
    use AttachType::*;
    matches!(
        attach_type,
        CgroupInetIngress
            | CgroupInetEgress
            | CgroupSockOps
            | CgroupUdp4Recvmsg
            | CgroupUdp6Recvmsg
            | CgroupUnixRecvmsg
            | CgroupInet4Getpeername
            | CgroupInet6Getpeername
            | CgroupUnixGetpeername
            | CgroupInet4Getsockname
            | CgroupInet6Getsockname
            | CgroupUnixGetsockname
    )
}

/// Whether the attach type decides something, or must be right.
fn has_row(prog_type: ProgType, attach_type: AttachType) -> bool {
    use ProgType::*;
    let checked = matches!(
        prog_type,
        CgroupSockAddr | CgroupSockopt | SkLookup | Netfilter | Tracing
    );
    let mut rows = of_type(prog_type).iter();
    checked || rows.any(|f| f.attach_type == Some(attach_type))
}

/// The rows of a program type, which stand together: the table is ascending.
fn of_type(prog_type: ProgType) -> &'static [Flavor] {
    let first = FLAVORS.partition_point(|f| f.prog_type < prog_type);
    let end = FLAVORS.partition_point(|f| f.prog_type <= prog_type);
    FLAVORS.get(first..end).unwrap_or_default()
}

/// `TYPE[/ATTACH][.s][:TARGET]`, in bpftool's names.
impl fmt::Display for Flavor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.prog_type.name())?;
        if let Some(attach) = self.attach_type {
            write!(f, "/{attach}")?;
        }
        if self.sleepable {
            f.write_str(".s")?;
        }
        if !self.target.is_empty() {
            write!(f, ":{}", self.target)?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests;
