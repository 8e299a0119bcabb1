//! Another system than Linux: scenarios run on the simulator alone.

use scenario::{Error, Report, Scenario};

use crate::CannotAsk;

/// There is none.
#[derive(Debug)]
pub enum OnKernel {}

impl OnKernel {
    /// There is no Linux.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn open() -> Result<OnKernel, CannotAsk> {
        Err(CannotAsk::Missing {
            missing: "this system is not Linux".to_owned(),
        })
    }

    /// Never called.
    ///
    /// # Errors
    ///
    /// None.
    pub fn run(&self, _: &Scenario) -> Result<Report, Error> {
        match *self {}
    }
}
