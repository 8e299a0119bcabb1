//! The running kernel, as a judge of many programs that share maps and types.

use abi::MapDef;
use btf::Btf;
use kernel::{Kernel, LoadFlags, LoadOptions, LoadedBtf, LogWanted, Map};
use loader::raw::RawProgram;

use super::linux::{broken, load};
use super::{Judge, Opinion, Said};
use crate::CannotAsk;

/// The running kernel's verifier, with maps and types that are made once. Programs
/// are those of root.
///
/// What Linux says of a program does not depend on those before it: maps that
/// belong to the type of the first program that was loaded with them are made
/// anew when that refuses another.
#[derive(Debug)]
pub struct PooledJudge {
    kernel: Kernel,
    defs: Vec<MapDef>,
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
        let mut judge = PooledJudge {
            btf: btf.map_err(|refusal| broken("BTF", &refusal))?,
            defs: maps.to_vec(),
            maps: Vec::new(),
            kernel,
        };
        judge.make_maps()?;
        Ok(judge)
    }

    /// The kernel.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    fn make_maps(&mut self) -> Result<(), CannotAsk> {
        let options = LoadOptions {
            btf: self.btf.as_ref(),
            ..LoadOptions::default()
        };
        let instance = self.kernel.instantiate_with(&self.defs, &[], &options);
        self.maps = instance.map_err(|error| broken("maps", &error))?.maps;
        Ok(())
    }

    fn ask(&self, raw: &RawProgram, level: u32) -> Result<Opinion, CannotAsk> {
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

impl Judge for PooledJudge {
    fn name(&self) -> &'static str {
        "linux"
    }

    fn judge(&mut self, raw: &RawProgram, level: u32) -> Result<Opinion, CannotAsk> {
        let opinion = self.ask(raw, level)?;
        let silent = matches!(opinion.said, Said::Refused(_)) && opinion.message.is_empty();
        if !silent || level == 0 {
            return Ok(opinion);
        }
        // Linux says nothing when a map belongs to programs of another type.
        self.make_maps()?;
        self.ask(raw, level)
    }
}
