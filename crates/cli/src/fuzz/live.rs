//! How a campaign goes, while a person is watching.

use std::io::{self, IsTerminal};
use std::time::Duration;

use difftest::fuzz::{Limit, Plan, Report};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::report::{Rates, coverage};
use crate::layout::grouped;

/// A line on the terminal that changes. Invisible when standard error is none.
pub(super) struct Live {
    bar: ProgressBar,
    limit: Limit,
}

impl Live {
    pub(super) fn new(plan: &Plan) -> Live {
        let bar = match io::stderr().is_terminal() {
            true => {
                let bar = ProgressBar::new_spinner();
                bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
                bar.enable_steady_tick(Duration::from_millis(200));
                bar
            }
            false => ProgressBar::hidden(),
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        Live {
            bar,
            limit: plan.limit,
        }
    }

    pub(super) fn show(&self, report: &Report) {
        if self.bar.is_hidden() {
            return;
        }
        let rates = Rates::of(report);
        let mut text = format!(
            "{} programs, {}/s, {} accepted",
            grouped(report.tally.programs),
            grouped(rates.per_second as u64),
            rates.accepted
        );
        if let Limit::Programs(programs) = self.limit {
            text += &format!(" of {}", grouped(programs));
        }
        text += &format!("; {}; {} found", coverage(report), report.found);
        self.bar.set_message(text);
    }

    /// Prints something else meanwhile.
    pub(super) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
