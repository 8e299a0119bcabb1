//! The time that programs see, packet by packet.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use vm::Machine;

use crate::error::Failure;

/// Where time comes from.
pub(super) enum Clock {
    /// The timestamps of the packets. Never goes back, as Linux's clock never
    /// does, even where a capture is out of order.
    Capture,
    /// Stands still.
    Zero,
    /// One number of nanoseconds a line, one line a packet.
    File(Script),
}

/// A file of times. When it ends, time stands still.
pub(super) struct Script {
    path: PathBuf,
    lines: BufReader<File>,
    line: u64,
    text: String,
}

impl Clock {
    /// From the argument of `--clock`.
    pub(super) fn new(argument: &Path) -> Result<Clock, Failure> {
        Ok(match argument.to_str() {
            Some("capture") => Clock::Capture,
            Some("zero") => Clock::Zero,
            _ => {
                let path = argument.to_owned();
                let lines = File::open(&path).map_err(|e| Failure::read(&path, e))?;
                Clock::File(Script {
                    path,
                    lines: BufReader::new(lines),
                    line: 0,
                    text: String::new(),
                })
            }
        })
    }

    /// Sets the machine's clock for a packet.
    pub(super) fn set(&mut self, machine: &mut Machine, timestamp_ns: u64) -> Result<(), Failure> {
        let clock = &mut machine.world.clock;
        match self {
            Clock::Capture => clock.now_ns = clock.now_ns.max(timestamp_ns),
            Clock::Zero => {}
            Clock::File(script) => {
                if let Some(now) = script.next()? {
                    clock.now_ns = now;
                }
            }
        }
        Ok(())
    }
}

impl Script {
    fn next(&mut self) -> Result<Option<u64>, Failure> {
        self.text.clear();
        let read = self
            .lines
            .read_line(&mut self.text)
            .map_err(|e| Failure::read(&self.path, e))?;
        if read == 0 {
            return Ok(None);
        }
        self.line += 1;
        match self.text.trim().parse() {
            Ok(now) => Ok(Some(now)),
            Err(_) => Err(Failure::input(
                format!("{}:{}", self.path.display(), self.line),
                "expected a number of nanoseconds",
            )),
        }
    }
}
