//! A smaller program and smaller inputs that show the same.

use std::sync::atomic::{AtomicBool, Ordering};

use super::panel::Panel;
use super::{Case, Finding, Input, Tally};
use crate::generate;

/// The most that is tried of inputs.
const ATTEMPTS: u32 = 400;

/// The smallest case found that shows a finding of the same class, and what is
/// found there. Ends soon after `stop` is set.
pub(super) fn minimised(
    case: &Case,
    finding: Finding,
    panel: &mut Panel,
    stop: &AtomicBool,
) -> (Case, Finding) {
    let mut search = Search {
        case: case.clone(),
        finding,
        panel,
        stop,
    };
    search.fewer_inputs();
    search.program();
    search.inputs();
    (search.case, search.finding)
}

struct Search<'s> {
    /// The smallest so far.
    case: Case,
    finding: Finding,
    panel: &'s mut Panel,
    stop: &'s AtomicBool,
}

impl Search<'_> {
    /// Takes a case if it still shows.
    fn take(&mut self, case: Case) -> bool {
        let Some(finding) = shows(self.panel, self.stop, &self.finding, &case) else {
            return false;
        };
        (self.case, self.finding) = (case, finding);
        true
    }

    /// Without inputs, or with none but that which showed it, or none after it.
    fn fewer_inputs(&mut self) {
        let with = |inputs: &[Input], case: &Case| Case {
            inputs: inputs.to_vec(),
            ..case.clone()
        };
        let all = self.case.inputs.clone();
        let Some(last) = self.finding.input.filter(|last| *last < all.len()) else {
            self.take(with(&[], &self.case));
            return;
        };
        if !self.take(with(&all[last..=last], &self.case)) {
            self.take(with(&all[..=last], &self.case));
        }
    }

    fn program(&mut self) {
        let (panel, stop, finding) = (&mut *self.panel, self.stop, &self.finding);
        let case = &self.case;
        let raw = generate::reduced(&case.raw, &mut |raw| {
            let case = Case {
                raw: raw.clone(),
                ..case.clone()
            };
            shows(panel, stop, finding, &case).is_some()
        });
        let case = Case {
            raw,
            ..self.case.clone()
        };
        self.take(case);
    }

    /// Each input smaller, as long as it shows.
    fn inputs(&mut self) {
        let mut left = ATTEMPTS;
        for at in 0..self.case.inputs.len() {
            let mut found = true;
            while std::mem::take(&mut found) {
                let smaller = self.case.inputs.get(at).map(smaller).unwrap_or_default();
                for input in smaller {
                    if left == 0 {
                        return;
                    }
                    left -= 1;
                    let mut case = self.case.clone();
                    case.inputs[at] = input;
                    if self.take(case) {
                        found = true;
                        break;
                    }
                }
            }
        }
    }
}

/// What is found of a case, if it is of the same class.
fn shows(panel: &mut Panel, stop: &AtomicBool, known: &Finding, case: &Case) -> Option<Finding> {
    if stop.load(Ordering::Relaxed) {
        return None;
    }
    let found = panel.check_by(known.oracle, case, &mut Tally::default());
    let found = found.ok().flatten()?;
    (found.oracle == known.oracle && found.class == known.class).then_some(found)
}

/// Inputs that are simpler than one, the simplest first.
fn smaller(input: &Input) -> Vec<Input> {
    let packet = &input.packet;
    let with = |packet: Vec<u8>| Input {
        packet,
        ..input.clone()
    };
    let mut found = Vec::new();
    if packet.iter().any(|byte| *byte != 0) {
        found.push(with(vec![0; packet.len()]));
    }
    // What Linux takes for a frame has a header of 14 bytes.
    for len in [14, packet.len() / 2, packet.len().saturating_sub(1)] {
        if (14..packet.len()).contains(&len) {
            found.push(with(packet[..len].to_vec()));
        }
    }
    for at in 0..packet.len() {
        if packet[at] != 0 {
            let mut packet = packet.clone();
            packet[at] = 0;
            found.push(with(packet));
        }
    }
    found
}
