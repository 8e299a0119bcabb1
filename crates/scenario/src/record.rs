//! What a run looks like on the wire: captures of its packets.

use std::path::Path;

use xdp_sim::capture::{Comment, RecordError, Recording, Traced};

use crate::file::{Problem, action_name};
use crate::run::{Fate, Hop};

/// Writes captures of what an observer of [`run_with`](crate::run::run_with) sees.
#[derive(Debug, Default)]
pub struct Recorder {
    recording: Recording,
}

impl Recorder {
    /// Begins captures: one file of packets before and after, a folder with a file
    /// for what leaves each interface, or both.
    ///
    /// # Errors
    ///
    /// A file or folder that cannot be made.
    pub fn new(trace: Option<&Path>, folder: Option<&Path>) -> Result<Recorder, Problem> {
        let mut recording = Recording::default();
        if let Some(path) = trace {
            recording.trace_file(path).map_err(failed)?;
        }
        if let Some(folder) = folder {
            recording.folder(folder).map_err(failed)?;
        }
        Ok(Recorder { recording })
    }

    /// Writes a packet that came at this time.
    ///
    /// # Errors
    ///
    /// A file that cannot be written. What was written before stays a capture.
    pub fn packet(&mut self, now_ns: u64, fate: &Fate) -> Result<(), Problem> {
        for hop in &fate.hops {
            self.trace(now_ns, hop)?;
            for (to, data) in hop.fate.to.iter().zip(&hop.fate.left) {
                if let Some(interface) = leaves(hop, to) {
                    let left = self.recording.leaves(now_ns, &interface, data);
                    left.map_err(failed)?;
                }
            }
        }
        Ok(())
    }

    fn trace(&mut self, now_ns: u64, hop: &Hop) -> Result<(), Problem> {
        let fate = &hop.fate;
        let Some(program) = fate.programs.first() else {
            return Ok(());
        };
        let comment = Comment {
            action: action_name(fate.action),
            instructions: fate.instructions,
            programs: &fate.programs,
            to: &fate.to,
            why: fate.trap.as_deref().or(fate.lost.as_deref()),
        };
        let written = self.recording.packet(&Traced {
            interface: &hop.at,
            program,
            timestamp_ns: now_ns,
            queue: hop.queue,
            before: &hop.before,
            after: &fate.output,
            ret: fate.ret,
            comment: &comment.to_string(),
        });
        written.map_err(failed)
    }

    /// Writes the rest.
    ///
    /// # Errors
    ///
    /// A file that cannot be written.
    pub fn finish(self) -> Result<(), Problem> {
        self.recording.finish().map_err(failed)
    }
}

/// The interface that a copy of a packet leaves by.
fn leaves(hop: &Hop, to: &str) -> Option<String> {
    let words = ["stack", "cpu ", "socket "];
    if words.iter().any(|word| to.starts_with(word)) {
        return None;
    }
    if to == "back" {
        return Some(hop.at.clone());
    }
    Some(match hop.at.split_once(':') {
        Some((host, _)) => format!("{host}:{to}"),
        None => to.to_owned(),
    })
}

fn failed(RecordError { path, error }: RecordError) -> Problem {
    Problem::Write {
        path,
        error: Box::new(error),
    }
}
