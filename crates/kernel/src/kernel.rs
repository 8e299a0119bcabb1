//! Permission to ask, and what is known of the kernel that answers.

use std::fs;
use std::sync::{Arc, OnceLock};

use abi::{Errno, MapType};
use btf::Btf;

use crate::sys::{self, MapFd, MapSpec};

/// The running kernel, which may be asked.
#[derive(Debug)]
pub struct Kernel {
    release: String,
    cpus: u32,
    btf: OnceLock<Option<Arc<Btf>>>,
}

/// Why the running kernel cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// There is no bpf(2).
    #[error("Linux {release} has no bpf(2): it was built without CONFIG_BPF_SYSCALL")]
    NoSyscall {
        /// The kernel's release.
        release: String,
    },
    /// bpf(2) is not permitted.
    #[error("bpf(2) is not permitted on Linux {release}: {}", reason(missing, *unprivileged_disabled))]
    NotPermitted {
        /// The kernel's release.
        release: String,
        /// Capabilities that the process would need. Empty when it has all of
        /// them, so that something above refuses: a container's seccomp filter,
        /// lockdown.
        missing: Vec<Capability>,
        /// `kernel.unprivileged_bpf_disabled`, where it can be read.
        unprivileged_disabled: Option<u8>,
    },
    /// bpf(2) answers otherwise than expected.
    #[error("bpf(2) on Linux {release} answers {errno} to the simplest map")]
    Odd {
        /// The kernel's release.
        release: String,
        /// The answer.
        errno: Errno,
    },
    /// The number of possible CPUs, by which Linux writes per-CPU values, cannot
    /// be read.
    #[error("{path} cannot be read: {source_text}")]
    Cpus {
        /// The file.
        path: &'static str,
        /// What went wrong.
        source_text: String,
    },
}

fn reason(missing: &[Capability], unprivileged_disabled: Option<u8>) -> String {
    if missing.is_empty() {
        return "the process has the capabilities, something above refuses \
                (seccomp, lockdown)"
            .to_owned();
    }
    let names: Vec<_> = missing.iter().map(|c| c.name()).collect();
    let knob = match unprivileged_disabled {
        Some(value) => format!(" (kernel.unprivileged_bpf_disabled is {value})"),
        None => String::new(),
    };
    format!("missing {}{knob}", names.join(", "))
}

/// A capability that asking takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Capability {
    /// `CAP_NET_ADMIN`: programs of networking types.
    NetAdmin = 12,
    /// `CAP_SYS_ADMIN`: stands for all the others.
    SysAdmin = 21,
    /// `CAP_PERFMON`: tracing, pointers as numbers.
    Perfmon = 38,
    /// `CAP_BPF`: maps and programs.
    Bpf = 39,
}

impl Capability {
    /// The name, such as `CAP_BPF`.
    pub fn name(self) -> &'static str {
        match self {
            Capability::NetAdmin => "CAP_NET_ADMIN",
            Capability::SysAdmin => "CAP_SYS_ADMIN",
            Capability::Perfmon => "CAP_PERFMON",
            Capability::Bpf => "CAP_BPF",
        }
    }
}

const POSSIBLE: &str = "/sys/devices/system/cpu/possible";
const ONLINE: &str = "/sys/devices/system/cpu/online";

impl Kernel {
    /// Asks whether the kernel can be asked.
    ///
    /// # Errors
    ///
    /// What is missing.
    pub fn open() -> Result<Kernel, Unavailable> {
        let release = sys::release().unwrap_or_default();
        let missing = missing_capabilities(capabilities());
        let cannot = |missing| Unavailable::NotPermitted {
            release: release.clone(),
            missing,
            unprivileged_disabled: number_in("/proc/sys/kernel/unprivileged_bpf_disabled"),
        };
        let probe = MapFd::create(&simplest_map(), 1);
        match probe {
            Ok(_) if missing.is_empty() => {}
            Err(errno) if i32::from(errno.0) == libc::ENOSYS => {
                return Err(Unavailable::NoSyscall { release });
            }
            Ok(_) | Err(Errno::EPERM) => return Err(cannot(missing)),
            Err(errno) => return Err(Unavailable::Odd { release, errno }),
        }
        let possible = cpu_list(POSSIBLE).map_err(|source_text| Unavailable::Cpus {
            path: POSSIBLE,
            source_text,
        })?;
        // Linux numbers them from 0 and writes a value for each up to the last.
        let cpus = possible.last().map_or(1, |last| last + 1);
        Ok(Kernel {
            release,
            cpus,
            btf: OnceLock::new(),
        })
    }

    /// The release, such as `6.18.44`.
    pub fn release(&self) -> &str {
        &self.release
    }

    /// The release as `LINUX_VERSION_CODE`: `major << 16 | minor << 8 | patch`,
    /// where `patch` is at most 255.
    pub fn version_code(&self) -> u32 {
        let mut numbers = self
            .release
            .split(|c: char| !c.is_ascii_digit())
            .map(|digits| digits.parse::<u32>().unwrap_or(0));
        let mut next = || numbers.next().unwrap_or(0).min(255);
        (next() << 16) | (next() << 8) | next()
    }

    /// Possible CPUs: the number of values in a per-CPU map.
    pub fn cpus(&self) -> u32 {
        self.cpus
    }

    /// CPUs that run at present; none where sysfs does not say.
    pub fn online_cpus(&self) -> Vec<u32> {
        cpu_list(ONLINE).unwrap_or_default()
    }

    /// Whether programs are compiled (`net.core.bpf_jit_enable`); `None` where it
    /// cannot be read.
    pub fn jit_enabled(&self) -> Option<bool> {
        number_in("/proc/sys/net/core/bpf_jit_enable").map(|value| value != 0)
    }

    /// The kernel's own types, read when first asked for; `None` where it has
    /// none or they cannot be read.
    pub fn btf(&self) -> Option<&Arc<Btf>> {
        self.btf
            .get_or_init(|| {
                let bytes = fs::read("/sys/kernel/btf/vmlinux").ok()?;
                Some(Arc::new(Btf::parse(&bytes).ok()?))
            })
            .as_ref()
    }
}

fn simplest_map() -> MapSpec<'static> {
    MapSpec {
        map_type: MapType::Array,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        flags: 0,
        extra: 0,
        numa_node: 0,
        name: [0; 16],
        inner: None,
        types: None,
    }
}

/// The effective capabilities of this thread, as a bit set; all where procfs
/// does not say, so that bpf(2) itself is left to answer.
fn capabilities() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .unwrap_or(u64::MAX)
}

fn missing_capabilities(effective: u64) -> Vec<Capability> {
    let has = |capability: Capability| effective & 1 << capability as u8 != 0;
    if has(Capability::SysAdmin) {
        return Vec::new();
    }
    let mut needed = vec![Capability::Bpf, Capability::Perfmon, Capability::NetAdmin];
    needed.retain(|capability| !has(*capability));
    needed
}

fn number_in(path: &str) -> Option<u8> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn cpu_list(path: &str) -> Result<Vec<u32>, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    parse_cpu_list(&text).ok_or_else(|| format!("unexpected text {text:?}"))
}

/// `0-3,8` as numbers, ascending.
fn parse_cpu_list(text: &str) -> Option<Vec<u32>> {
    /// More than any build of Linux supports.
    const LIMIT: u32 = 1 << 16;
    let mut cpus = Vec::new();
    for part in text.trim().split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        if last >= LIMIT {
            return None;
        }
        cpus.extend(first..=last);
    }
    (!cpus.is_empty()).then_some(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_lists() {
        assert_eq!(parse_cpu_list("0\n"), Some(vec![0]));
        assert_eq!(parse_cpu_list("0-2,5\n"), Some(vec![0, 1, 2, 5]));
        assert_eq!(parse_cpu_list(""), None);
        assert_eq!(parse_cpu_list("0-4294967295"), None);
        assert_eq!(parse_cpu_list("a"), None);
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(missing_capabilities(u64::MAX), []);
        assert_eq!(missing_capabilities(1 << 21), []);
        assert_eq!(
            missing_capabilities(1 << 39),
            [Capability::Perfmon, Capability::NetAdmin]
        );
        let error = Unavailable::NotPermitted {
            release: "6.18.0".into(),
            missing: missing_capabilities(1 << 12),
            unprivileged_disabled: Some(2),
        };
        assert_eq!(
            error.to_string(),
            "bpf(2) is not permitted on Linux 6.18.0: missing CAP_BPF, CAP_PERFMON \
             (kernel.unprivileged_bpf_disabled is 2)"
        );
    }
}
