//! What a run looks like on the wire: captures of its packets.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use xdp_sim::capture::{InterfaceId, PacketOut, Trace, Traced, WriteError, Writer};

use crate::file::{Problem, action_name};
use crate::run::{Fate, Hop};

/// Writes captures of what an observer of [`run_with`](crate::run::run_with) sees.
#[derive(Debug, Default)]
pub struct Recorder {
    /// Each packet before and after the programs of each interface.
    trace: Option<(PathBuf, Trace<File>)>,
    /// What leaves each interface: a folder, and a capture for each.
    folder: Option<PathBuf>,
    leaving: BTreeMap<String, (PathBuf, Writer<File>, InterfaceId)>,
}

impl Recorder {
    /// Begins captures: one file of packets before and after, a folder with a file
    /// for what leaves each interface, or both.
    ///
    /// # Errors
    ///
    /// A file or folder that cannot be made.
    pub fn new(trace: Option<&Path>, folder: Option<&Path>) -> Result<Recorder, Problem> {
        let trace = trace.map(|path| -> Result<_, Problem> {
            let file = File::create(path).map_err(|error| failed(path, WriteError::Io(error)))?;
            Ok((path.to_owned(), Trace::new(file)))
        });
        if let Some(folder) = folder {
            let made = fs::create_dir_all(folder);
            made.map_err(|error| failed(folder, WriteError::Io(error)))?;
        }
        Ok(Recorder {
            trace: trace.transpose()?,
            folder: folder.map(Path::to_owned),
            leaving: BTreeMap::new(),
        })
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
                    self.leave(now_ns, interface, data)?;
                }
            }
        }
        Ok(())
    }

    fn trace(&mut self, now_ns: u64, hop: &Hop) -> Result<(), Problem> {
        let (Some((path, trace)), Some(program)) = (&mut self.trace, hop.fate.programs.first())
        else {
            return Ok(());
        };
        let written = trace.write(&Traced {
            interface: &hop.at,
            program,
            timestamp_ns: now_ns,
            queue: hop.queue,
            before: &hop.before,
            after: &hop.fate.output,
            ret: hop.fate.ret,
            comment: &comment(&hop.fate),
        });
        written.map_err(|error| failed(path, error))
    }

    fn leave(&mut self, now_ns: u64, interface: String, data: &[u8]) -> Result<(), Problem> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        if !self.leaving.contains_key(&interface) {
            // No separator of a name leads out of the folder.
            let name = interface.replace([':', '/', '\\'], "-");
            let path = folder.join(format!("{name}.pcapng"));
            let file = File::create(&path).map_err(|e| failed(&path, WriteError::Io(e)))?;
            let mut writer = Writer::new(file);
            let added = writer.add_interface(&interface, None);
            let id = added.map_err(|error| failed(&path, error))?;
            self.leaving.insert(interface.clone(), (path, writer, id));
        }
        let Some((path, writer, id)) = self.leaving.get_mut(&interface) else {
            return Ok(());
        };
        let packet = PacketOut {
            flags: Some(PacketOut::OUTBOUND),
            ..PacketOut::new(*id, now_ns, data)
        };
        writer.write(&packet).map_err(|error| failed(path, error))
    }

    /// Writes the rest.
    ///
    /// # Errors
    ///
    /// A file that cannot be written.
    pub fn finish(self) -> Result<(), Problem> {
        if let Some((path, trace)) = self.trace {
            let done = trace.finish();
            done.map_err(|error| failed(&path, error))?;
        }
        for (path, writer, _) in self.leaving.into_values() {
            let done = writer.finish();
            done.map_err(|error| failed(&path, error))?;
        }
        Ok(())
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

/// Action, instructions, and where it went.
fn comment(fate: &Fate) -> String {
    let mut text = format!("{}, ", action_name(fate.action));
    if let Some(instructions) = fate.instructions {
        text += &format!("{instructions} instructions, ");
    }
    if fate.programs.len() > 1 {
        text += &format!("programs {}, ", fate.programs.join(" "));
    }
    text += &match &fate.to[..] {
        [] => "to nowhere".to_owned(),
        places => format!("to {}", places.join(", ")),
    };
    if let Some(why) = fate.trap.as_ref().or(fate.lost.as_ref()) {
        text += &format!(": {why}");
    }
    text
}

fn failed(path: &Path, error: WriteError) -> Problem {
    Problem::Write {
        path: path.to_owned(),
        error: Box::new(error),
    }
}
