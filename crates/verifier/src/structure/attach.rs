//! What the program type asks of what the program attaches to.
//!
//! Whether the kernel has that function, tracepoint or operation is not asked
//! here: it depends on the kernel that the program meets.

use abi::{AttachType, ProgType, Program};

use crate::Result;
use crate::reason::Structure as Refusal;

pub(super) fn check(program: &Program) -> Result {
    let sleepable = program.flags.sleepable;
    match program.prog_type {
        ProgType::Syscall if !sleepable => return Err(Refusal::MustSleep.into()),
        ProgType::Syscall => return Ok(()),
        _ => {}
    }
    if sleepable && !may_sleep(program) {
        return Err(Refusal::MayNotSleep.into());
    }
    match program.prog_type {
        ProgType::StructOps if !program.is_gpl_compatible() => {
            Err(Refusal::StructOpsLicense.into())
        }
        ProgType::Tracing | ProgType::Lsm | ProgType::Ext if program.attach_target.is_empty() => {
            Err(Refusal::NoAttachTarget.into())
        }
        _ => Ok(()),
    }
}

fn may_sleep(program: &Program) -> bool {
    match program.prog_type {
        ProgType::Tracing => matches!(
            program.attach_type,
            Some(
                AttachType::TraceFentry
                    | AttachType::TraceFexit
                    | AttachType::ModifyReturn
                    | AttachType::TraceIter
            )
        ),
        ProgType::Lsm | ProgType::Kprobe | ProgType::StructOps => true,
        _ => false,
    }
}
