//! What a run says on standard error beside its report: what may make it differ
//! from a run on Linux.

use abi::xdp::MAX_LINEAR;
use loader::{Note, Object};
use xdp_sim::Simulator;

use super::Session;
use crate::choose::Choice;
use crate::error::warn;
use crate::layout::{counted, grouped};

/// Before the first packet.
pub(super) fn before(object: &Object, choice: &Choice, simulator: &Simulator) {
    for note in object.notes().iter().filter(|note| matters(note)) {
        warn(note);
    }
    for fault in &choice.faults {
        warn(format_args!("left out: {fault}"));
    }
    for refused in simulator.left_out() {
        let of = |p: &&abi::Program| Some(p.name.as_str()) == refused.program();
        // Optional programs are not loaded by default: nobody misses them.
        let optional = choice.programs.iter().find(of).is_some_and(|p| p.optional);
        if !optional {
            warn(format_args!("left out: {refused}"));
        }
    }
}

/// After the last packet.
pub(super) fn after(session: &Session<'_>) {
    let large = session.report.multi_buffer;
    if large > 0 && !session.simulator.understands_frags() {
        warn(format_args!(
            "{} above {} bytes, and {} is not marked for them (section xdp.frags): \
             a driver would refuse it at such an MTU",
            counted(large, "packet", "packets"),
            grouped(MAX_LINEAR),
            session.program,
        ));
    }
}

/// Whether the program may behave otherwise than its author expects. What was
/// guessed about its definition is for `inspect`.
fn matters(note: &Note) -> bool {
    matches!(
        note,
        Note::PinningIgnored { .. }
            | Note::LegacyMapRest { .. }
            | Note::DataRelocations { .. }
            | Note::BtfIgnored { .. }
            | Note::CoreWithoutTarget { .. }
            | Note::WeakAbsent { .. }
    )
}
