//! Where there is no compiler: the same types, and an error.
#![expect(
    unsafe_code,
    reason = "the same functions as where there is a compiler"
)]

use std::convert::Infallible;
use std::iter;

use isa::Pc;
use vm::{Addr, Engine, Machine, ProgId, Trap};

use crate::{Error, Line, Options, PerfNames, Proof};

/// All programs of one machine as machine code, which there is not on this target.
#[derive(Debug)]
pub struct Compiled {
    never: Infallible,
}

impl Compiled {
    /// [`Error::Target`].
    pub fn new(_machine: &mut Machine, _options: &Options) -> Result<Compiled, Error> {
        Err(Error::Target)
    }

    /// [`Error::Target`].
    pub fn with_proofs(
        _machine: &mut Machine,
        _options: &Options,
        _proofs: &[Proof<'_>],
    ) -> Result<Compiled, Error> {
        Err(Error::Target)
    }

    /// [`Error::Target`].
    ///
    /// # Safety
    ///
    /// Where there is a compiler, see there.
    pub unsafe fn trusted(
        _machine: &mut Machine,
        _options: &Options,
        _proofs: &[Proof<'_>],
    ) -> Result<Compiled, Error> {
        Err(Error::Target)
    }

    /// Runs a program to its end.
    pub fn run(&self, _machine: &mut Machine, _program: ProgId, _ctx: Addr) -> Result<u64, Trap> {
        match self.never {}
    }

    /// Writes the names of all functions to where `perf` looks for them.
    pub fn tell_perf(&self, _names: PerfNames) -> std::io::Result<std::path::PathBuf> {
        match self.never {}
    }

    /// Host memory of the code.
    pub fn code(&self) -> &[u8] {
        match self.never {}
    }

    /// Where the code of each instruction begins.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = (usize, ProgId, Pc)> {
        iter::empty()
    }
}

/// [`Error::Target`].
pub fn listing(
    _machine: &mut Machine,
    _options: &Options,
    _proofs: &[Proof<'_>],
) -> Result<Vec<Line>, Error> {
    Err(Error::Target)
}

impl Engine for Compiled {
    fn programs(&self) -> usize {
        match self.never {}
    }

    fn call(&self, _machine: &mut Machine, _program: ProgId, _args: [u64; 5]) -> Result<u64, Trap> {
        match self.never {}
    }
}
