//! Holding what happened against what was expected.

mod packets;
mod state;

pub(crate) use packets::PacketJudge;
pub(crate) use state::{entry_json, event_type, record_bytes, state};

use std::collections::BTreeMap;

use crate::file::Spot;
use crate::model::Scenario;
use crate::report::{Check, Fix, Miss};
use crate::run::{Fate, MapRef, Records};

/// What was seen, in a step or since the start.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Packets that came.
    pub(crate) packets: u64,
    /// Packets by action, and by place that they went to.
    pub(crate) counts: BTreeMap<String, u64>,
    /// The most instructions on one packet.
    pub(crate) most_instructions: Option<u64>,
    pub(crate) records: Records,
    /// Packets by the socket that received them: map and slot.
    pub(crate) received: BTreeMap<(MapRef, u32), Vec<Vec<u8>>>,
    pub(crate) printk: Vec<String>,
}

impl Seen {
    pub(crate) fn count(&mut self, fate: &Fate) {
        self.packets += 1;
        let action = crate::file::action_name(fate.action).to_owned();
        for name in fate.to.iter().cloned().chain([action]) {
            *self.counts.entry(name).or_default() += 1;
        }
        if fate.lost.is_some() {
            *self.counts.entry("lost".to_owned()).or_default() += 1;
        }
        self.most_instructions = self.most_instructions.max(fate.instructions);
    }

    /// Adds what was seen in a step.
    pub(crate) fn add(&mut self, step: Seen) {
        self.packets += step.packets;
        for (name, count) in step.counts {
            *self.counts.entry(name).or_default() += count;
        }
        self.most_instructions = self.most_instructions.max(step.most_instructions);
        for (map, records) in step.records {
            self.records.entry(map).or_default().extend(records);
        }
        for (socket, packets) in step.received {
            self.received.entry(socket).or_default().extend(packets);
        }
        self.printk.extend(step.printk);
    }
}

/// Notes that a timer's callback stopped without an end.
pub(crate) fn trapped_timer(scenario: &Scenario, spot: &Spot, trap: String, check: &mut Check) {
    let mut judge = Judge { scenario, check };
    judge.miss(spot, "timers", "no trap", trap);
}

/// Where misses of a scenario are noted.
pub(crate) struct Judge<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) check: &'a mut Check,
}

impl Judge<'_> {
    /// An expectation that was met.
    pub(crate) fn met(&mut self) {
        self.check.expectations += 1;
    }

    /// An expectation that was missed.
    pub(crate) fn miss(
        &mut self,
        spot: &Spot,
        what: impl Into<String>,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) {
        self.check.expectations += 1;
        let source = self.scenario.source.as_ref();
        self.check.misses.push(Miss {
            place: source.map(|source| source.place(spot.span.start)),
            what: what.into(),
            expected: expected.into(),
            got: got.into(),
            detail: String::new(),
        });
    }

    /// Two numbers that should be the same; whether they are.
    pub(crate) fn equal(
        &mut self,
        spot: &Spot,
        what: impl Into<String>,
        expected: u64,
        got: u64,
    ) -> bool {
        if expected == got {
            self.met();
        } else {
            self.miss(spot, what, expected.to_string(), got.to_string());
            self.fix(spot, got.to_string());
        }
        expected == got
    }

    /// More about the last miss.
    pub(crate) fn detail(&mut self, detail: String) {
        if let Some(miss) = self.check.misses.last_mut() {
            miss.detail = detail;
        }
    }

    /// What the file would say if it expected what happened.
    pub(crate) fn fix(&mut self, spot: &Spot, value: impl Into<String>) {
        if !spot.path.is_empty() {
            self.check.fixes.push(Fix {
                path: spot.path.clone(),
                value: value.into(),
            });
        }
    }
}

/// Text as TOML has it.
pub(crate) fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string().trim().to_owned()
}
