//! A progress bar for long captures, when a person is watching.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::layout::grouped;

/// Shows how far a capture has been read, over all rounds. Invisible when standard
/// error is no terminal, and for the first half second.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// Bytes read in earlier rounds.
    before: u64,
}

impl Progress {
    pub(crate) fn new(path: &Path, rounds: u64) -> Progress {
        if !io::stderr().is_terminal() {
            return Progress::hidden();
        }
        let size = std::fs::metadata(path).map_or(0, |m| m.len().saturating_mul(rounds));
        let (bar, template) = match size {
            0 => (
                ProgressBar::new_spinner(),
                "{spinner} {msg} packets, {bytes}",
            ),
            _ => (
                ProgressBar::new(size),
                "{bar:30} {percent}%  {msg} packets  {eta} left",
            ),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
        Progress { bar, before: 0 }
    }

    pub(crate) fn hidden() -> Progress {
        Progress {
            bar: ProgressBar::hidden(),
            before: 0,
        }
    }

    /// Bytes of this round and packets of all that were read so far.
    pub(crate) fn at(&mut self, bytes: u64, packets: u64) {
        if self.bar.is_hidden() || self.bar.elapsed() < Duration::from_millis(500) {
            return;
        }
        self.bar.set_position(self.before.saturating_add(bytes));
        self.bar.set_message(grouped(packets));
    }

    /// A round is over.
    pub(crate) fn round(&mut self, bytes: u64) {
        self.before = self.before.saturating_add(bytes);
    }

    pub(crate) fn finish(&mut self) {
        self.bar.finish_and_clear();
    }
}
