//! The running kernel, as a judge of many programs that share maps and types.

use abi::MapDef;
use btf::Btf;
use kernel::{Kernel, LoadFlags, LoadOptions, LoadedBtf, LogWanted, Map};
use loader::raw::RawProgram;

use super::linux::{broken, load};
use super::{Judge, Opinion};
use crate::CannotAsk;

/// The running kernel's verifier, with maps and types that are made once. Programs
/// are those of root.
#[derive(Debug)]
pub struct PooledJudge {
    kernel: Kernel,
    maps: Vec<Map>,
    btf: Option<LoadedBtf>,
}

impl PooledJudge {
    /// Makes the maps and types.
    ///
    /// # Errors
    ///
    /// What Linux does not take.
    pub fn new(kernel: Kernel, maps: &[MapDef], btf: Option<&Btf>) -> Result<Self, CannotAsk> {
        let btf = btf.map(|btf| kernel.load_btf(btf)).transpose();
        let btf = btf.map_err(|refusal| broken("BTF", &refusal))?;
        let options = LoadOptions {
            btf: btf.as_ref(),
            ..LoadOptions::default()
        };
        let instance = kernel.instantiate_with(maps, &[], &options);
        let maps = instance.map_err(|error| broken("maps", &error))?.maps;
        Ok(PooledJudge { kernel, maps, btf })
    }

    /// The kernel.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }
}

impl Judge for PooledJudge {
    fn name(&self) -> &'static str {
        "linux"
    }

    fn judge(&mut self, raw: &RawProgram, level: u32) -> Result<Opinion, CannotAsk> {
        let typed = raw.program.btf.is_some();
        let options = LoadOptions {
            log: match level {
                0 => LogWanted::Never,
                level => LogWanted::Level(level),
            },
            flags: LoadFlags(raw.flags),
            btf: self.btf.as_ref().filter(|_| typed),
            without_btf: !typed,
            attach_btf_id: raw.attach_btf_id,
        };
        load(&self.kernel, raw, &self.maps, &options)
    }
}
