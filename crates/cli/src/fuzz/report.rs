//! What came of campaigns, as text.

use difftest::fuzz::{Plan, Report};

use crate::layout::grouped;

/// What a campaign was.
pub(super) fn head(plan: &Plan) -> String {
    format!("seed {:#x}, shard {}", plan.seed.0, plan.shard)
}

/// Shares and speeds.
pub(super) struct Rates {
    pub(super) per_second: f64,
    pub(super) accepted: String,
}

impl Rates {
    pub(super) fn of(report: &Report) -> Rates {
        let tally = &report.tally;
        Rates {
            per_second: tally.programs as f64 / report.time.as_secs_f64().max(0.001),
            accepted: percent(tally.accepted, tally.programs),
        }
    }
}

fn percent(part: u64, of: u64) -> String {
    match of {
        0 => "- %".to_owned(),
        _ => format!("{:.1} %", 100.0 * part as f64 / of as f64),
    }
}

/// What of the verifier was exercised, in short.
pub(super) fn coverage(report: &Report) -> String {
    let coverage = &report.coverage;
    format!(
        "refusals {}, operators {}, branches {}, events {}",
        coverage.refusals(),
        coverage.operators(),
        coverage.branches(),
        coverage.events()
    )
}

/// The report at the end, without a newline at its own.
pub(super) fn text(report: &Report, head: &str) -> String {
    let (tally, rates) = (&report.tally, Rates::of(report));
    let mut text = format!(
        "{} programs in {:.1} s ({}/s), {head}\n",
        grouped(tally.programs),
        report.time.as_secs_f64(),
        grouped(rates.per_second as u64),
    );
    text += &format!("  accepted    {}", rates.accepted);
    if tally.unsupported > 0 {
        let unsupported = percent(tally.unsupported, tally.programs);
        text += &format!(", not supported {unsupported}");
    }
    if tally.asked > 0 {
        let (there, asked) = (tally.accepted_there, grouped(tally.asked));
        text += &format!("; there {} of {asked}", percent(there, tally.asked));
    }
    if tally.runs > 0 {
        let (runs, instructions) = (grouped(tally.runs), grouped(tally.instructions));
        text += &format!("\n  runs        {runs}, of {instructions} instructions");
    }
    if tally.runs_there > 0 {
        text += &format!("\n  runs there  {}", grouped(tally.runs_there));
    }
    if tally.states > 0 {
        text += &format!("\n  states      {}", grouped(tally.states));
    }
    text += &format!("\n  exercised   {}", coverage(report));
    text += &format!("\n  findings    {}", report.found);
    for (class, count) in &report.classes {
        text += &format!("\n    {} × {class}", grouped(*count));
    }
    text
}
