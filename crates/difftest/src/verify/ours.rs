//! The verifier of this workspace, as a judge.

use loader::raw::RawProgram;

use super::{Judge, Opinion};
use crate::CannotAsk;

/// Our verifier.
#[derive(Debug, Default)]
pub struct OurJudge {}

impl Judge for OurJudge {
    fn name(&self) -> &'static str {
        "ebpf-sim"
    }

    fn judge(&mut self, _raw: &RawProgram, _level: u32) -> Result<Opinion, CannotAsk> {
        Err(CannotAsk::Missing {
            missing: "the verifier has no entry point yet".to_owned(),
        })
    }
}
