//! What a scenario says that the running kernel cannot be asked.
//!
//! Said before anything is loaded, by rules and not by trying: an expectation that
//! nobody can look at would otherwise be met by silence, and one that depends on
//! where packets arrive would be missed for no fault of the program.

use std::time::Duration;

use scenario::Scenario;
use scenario::model::{Change, FateExpect, StateExpect, Step};

/// The longest pause of a scenario that is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Counts that can be had without following packets.
const COUNTED: [&str; 7] = ["aborted", "drop", "pass", "tx", "redirect", "stack", "back"];

/// The first of what cannot be asked.
pub(super) fn unanswerable(scenario: &Scenario) -> Option<String> {
    world(scenario).or_else(|| {
        let mut steps = scenario.steps.iter();
        steps
            .find_map(step)
            .or_else(|| long_pause(scenario))
            .or_else(|| state(&scenario.expect))
    })
}

fn world(scenario: &Scenario) -> Option<String> {
    let world = &scenario.world;
    let clock = &world.clock;
    let rules = [
        (scenario.objects.len() > 1, "more than one object"),
        (
            scenario.interfaces.len() > 1,
            "more than one interface, since test runs arrive on the loopback,",
        ),
        (
            !scenario.replacements.is_empty(),
            "a program in place of a function",
        ),
        (!scenario.sockets.is_empty(), "an AF_XDP socket"),
        (!world.sockets.is_empty(), "a table of sockets"),
        (
            !world.routes.is_empty() || !world.neighbours.is_empty(),
            "a table of routes and neighbours",
        ),
        (
            clock.start_ns != 0 || clock.step_ns != 0 || clock.tick_ns != 0 || clock.capture,
            "a scripted clock",
        ),
        (world.seed != 0, "a seed of random numbers"),
    ];
    let rule = rules.into_iter().find(|(applies, _)| *applies);
    rule.map(|(_, what)| what.to_owned())
}

fn step(step: &Step) -> Option<String> {
    let network = |change: &Change| match change {
        Change::Push(_) => Some("writing records as user space"),
        Change::AddRoute(..)
        | Change::RemoveRoute(_)
        | Change::AddNeighbour(..)
        | Change::RemoveNeighbour(_)
        | Change::AddSocket(..)
        | Change::RemoveSocket(_)
        | Change::Link(..) => Some("changing routes, sockets and links"),
        Change::Set(_) | Change::Delete(_) | Change::Global(..) => None,
    };
    if let Some(what) = step.changes.iter().find_map(network) {
        return Some(what.to_owned());
    }
    if !step.hints.is_empty() {
        return Some("what a device says of a packet".to_owned());
    }
    if step.queue != 0 || step.cpu != 0 {
        return Some("another receive queue or CPU than the first".to_owned());
    }
    let mut packets = step.expect.packets.iter();
    packets.find_map(fate).or_else(|| state(&step.expect.state))
}

fn fate(expect: &FateExpect) -> Option<String> {
    let near = ["stack", "back", "nowhere"];
    let far = |place: &&String| !near.contains(&place.as_str());
    let places = expect.to.iter().flat_map(|(places, _)| places);
    if let Some(place) = places.clone().find(far) {
        return Some(format!("following a packet to {place}"));
    }
    let rules = [
        (expect.hops.is_some(), "following a packet"),
        (expect.metadata.is_some(), "the metadata of a packet"),
        (expect.trap.is_some(), "a trap"),
    ];
    let rule = rules.into_iter().find(|(applies, _)| *applies);
    rule.map(|(_, what)| what.to_owned())
}

fn state(expect: &StateExpect) -> Option<String> {
    let unknown = |name: &&str| !COUNTED.contains(name);
    let mut names = expect.counts.iter().map(|(name, _)| name.text.as_str());
    if let Some(place) = names.find(unknown) {
        return Some(format!("counting packets by where they go ({place})"));
    }
    let lines = "reading printk lines, which all programs of the host share,";
    expect.printk.as_ref().map(|_| lines.to_owned())
}

/// A pause that nobody would wait for; the clock is not scripted otherwise.
fn long_pause(scenario: &Scenario) -> Option<String> {
    let mut now = 0u64;
    for step in &scenario.steps {
        let then = step.at_ns.unwrap_or(now).saturating_add(step.advance_ns);
        let pause = Duration::from_nanos(then.saturating_sub(now));
        if pause > PATIENCE {
            return Some(format!("a pause of {pause:?}, more than {PATIENCE:?},"));
        }
        now = then.max(now);
    }
    None
}
