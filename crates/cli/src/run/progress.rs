//! A progress bar for long captures, when a person is watching.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows how far a capture has been read. Invisible when standard error is no
/// terminal, and for the first half second.
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(super) fn new(path: &Path) -> Progress {
        if !io::stderr().is_terminal() {
            return Progress {
                bar: ProgressBar::hidden(),
            };
        }
        let size = std::fs::metadata(path).map(|m| m.len()).unwrap_or(0);
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
        Progress { bar }
    }

    /// Bytes and packets read so far.
    pub(super) fn at(&mut self, bytes: u64, packets: u64) {
        if self.bar.is_hidden() || self.bar.elapsed() < Duration::from_millis(500) {
            return;
        }
        self.bar.set_position(bytes);
        self.bar.set_message(packets.to_string());
    }

    pub(super) fn finish(&mut self) {
        self.bar.finish_and_clear();
    }
}
