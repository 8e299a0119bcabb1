//! Another system than Linux: there is nobody to ask.

use std::convert::Infallible;

use vm::world::Network;

use crate::{CannotAsk, Party, Session, Subject};

/// The running kernel, which is not Linux.
#[derive(Debug)]
pub struct Linux(Infallible);

impl Linux {
    /// There is no Linux.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn open() -> Result<Linux, CannotAsk> {
        Err(CannotAsk::Missing {
            missing: "this system is not Linux".to_owned(),
        })
    }

    /// There is no Linux.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn apart() -> Result<Linux, CannotAsk> {
        Linux::open()
    }

    /// Its release.
    pub fn release(&self) -> &str {
        match self.0 {}
    }

    /// CPUs that are possible.
    pub fn cpus(&self) -> u32 {
        match self.0 {}
    }

    /// The network around its programs, if that is known.
    pub fn network(&self) -> Option<Network> {
        match self.0 {}
    }
}

impl Party for Linux {
    fn name(&self) -> &'static str {
        match self.0 {}
    }

    fn is_deterministic(&self) -> bool {
        match self.0 {}
    }

    fn open(&mut self, _: &Subject) -> Result<Box<dyn Session>, CannotAsk> {
        match self.0 {}
    }
}
