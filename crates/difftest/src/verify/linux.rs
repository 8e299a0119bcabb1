//! The running kernel, as a judge.

use kernel::{Kernel, LoadError, LoadFlags, LoadOptions, LogWanted, Map, Refusal};
use loader::raw::{Caps, RawProgram};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};

use super::{Judge, Opinion, Said};
use crate::CannotAsk;

/// The running kernel's verifier.
#[derive(Debug)]
pub struct LinuxJudge {
    kernel: Kernel,
}

impl LinuxJudge {
    /// Asks a kernel that may be asked.
    pub fn new(kernel: Kernel) -> LinuxJudge {
        LinuxJudge { kernel }
    }

    /// The kernel.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }
}

impl Judge for LinuxJudge {
    fn name(&self) -> &'static str {
        "linux"
    }

    fn judge(&mut self, raw: &RawProgram, level: u32) -> Result<Opinion, CannotAsk> {
        let kernel = &self.kernel;
        let program = &raw.program;
        let btf = match &program.btf {
            Some(btf) => Some(kernel.load_btf(btf).map_err(|refusal| no_btf(&refusal))?),
            None => None,
        };
        let options = LoadOptions {
            log: LogWanted::Level(level),
            flags: LoadFlags(raw.flags),
            btf: btf.as_ref(),
            attach_btf_id: raw.attach_btf_id,
            ..LoadOptions::default()
        };
        let instance = kernel.instantiate_with(&program.maps, &[], &options);
        let maps = instance.map_err(|error| broken("maps", &error))?.maps;
        match raw.caps {
            Caps::ROOT => load(kernel, raw, &maps, &options),
            caps => std::thread::scope(|scope| {
                let thread = scope.spawn(|| {
                    give_up(caps).map_err(|error| broken("capabilities", &error))?;
                    load(kernel, raw, &maps, &options)
                });
                let died = || Err(broken("a thread", &"it panicked"));
                thread.join().unwrap_or_else(|_| died())
            }),
        }
    }
}

pub(super) fn load(
    kernel: &Kernel,
    raw: &RawProgram,
    maps: &[Map],
    options: &LoadOptions<'_>,
) -> Result<Opinion, CannotAsk> {
    match kernel.load(&raw.program, maps, options) {
        Ok(loaded) => Ok(Opinion::new(Said::Accepted, loaded.log().to_owned())),
        Err(LoadError::Refused(Refusal { errno, log })) => {
            Ok(Opinion::new(Said::Refused(errno), log))
        }
        Err(error) => Err(broken("the program", &error)),
    }
}

/// Leaves this thread no more than these capabilities.
fn give_up(caps: Caps) -> rustix::io::Result<()> {
    let mut kept = CapabilitySet::empty();
    kept.set(CapabilitySet::BPF, caps.bpf);
    kept.set(CapabilitySet::PERFMON, caps.perfmon);
    kept.set(CapabilitySet::NET_ADMIN, caps.net_admin);
    let sets = CapabilitySets {
        effective: kept,
        permitted: kept,
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, sets)
}

fn no_btf(refusal: &Refusal) -> CannotAsk {
    broken("BTF", refusal)
}

pub(super) fn broken(what: &str, why: &dyn std::fmt::Display) -> CannotAsk {
    CannotAsk::Broken {
        what: what.to_owned(),
        why: why.to_string(),
    }
}
