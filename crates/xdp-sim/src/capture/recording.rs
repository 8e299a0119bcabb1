//! What a run looks like on the wire, in files: each packet before and after its
//! program, and what leaves each interface.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::trace::{Trace, Traced};
use super::writer::{InterfaceId, PacketOut, WriteError, Writer};

/// Captures that are being written. None at first.
#[derive(Default)]
pub struct Recording {
    trace: Option<(PathBuf, Trace<Box<dyn Write>>)>,
    folder: Option<PathBuf>,
    leaving: BTreeMap<String, (PathBuf, Writer<WholeWrites>, InterfaceId)>,
}

/// A capture that cannot be made or written. What was written before stays a
/// capture.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", path.display())]
pub struct RecordError {
    /// The file or folder.
    pub path: PathBuf,
    /// Why.
    pub error: WriteError,
}

fn failed(path: &Path) -> impl FnOnce(WriteError) -> RecordError {
    let path = path.to_owned();
    move |error| RecordError { path, error }
}

impl Recording {
    /// Writes each packet before and after into a sink; `path` is for messages.
    pub fn trace(&mut self, path: &Path, sink: Box<dyn Write>) {
        self.trace = Some((path.to_owned(), Trace::new(sink)));
    }

    /// As [`Recording::trace`], into a file.
    ///
    /// # Errors
    ///
    /// A file that cannot be made.
    pub fn trace_file(&mut self, path: &Path) -> Result<(), RecordError> {
        let file = WholeWrites::create(path).map_err(failed(path));
        self.trace(path, Box::new(file?));
        Ok(())
    }

    /// Writes what leaves each interface into a file of its own, in this folder.
    ///
    /// # Errors
    ///
    /// A folder that cannot be made.
    pub fn folder(&mut self, folder: &Path) -> Result<(), RecordError> {
        let made = fs::create_dir_all(folder).map_err(WriteError::Io);
        made.map_err(failed(folder))?;
        self.folder = Some(folder.to_owned());
        Ok(())
    }

    /// A packet, before and after.
    ///
    /// # Errors
    ///
    /// A file that cannot be written.
    pub fn packet(&mut self, packet: &Traced<'_>) -> Result<(), RecordError> {
        match &mut self.trace {
            Some((path, trace)) => trace.write(packet).map_err(failed(path)),
            None => Ok(()),
        }
    }

    /// A frame that leaves by an interface.
    ///
    /// # Errors
    ///
    /// A file that cannot be made or written.
    pub fn leaves(&mut self, now_ns: u64, by: &str, data: &[u8]) -> Result<(), RecordError> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        if !self.leaving.contains_key(by) {
            // No separator of a name leads out of the folder.
            let name = by.replace([':', '/', '\\'], "-");
            let path = folder.join(format!("{name}.pcapng"));
            let file = WholeWrites::create(&path).map_err(failed(&path));
            let mut writer = Writer::new(file?);
            let id = writer.add_interface(by, None).map_err(failed(&path))?;
            self.leaving.insert(by.to_owned(), (path, writer, id));
        }
        let Some((path, writer, id)) = self.leaving.get_mut(by) else {
            return Ok(());
        };
        let packet = PacketOut {
            flags: Some(PacketOut::OUTBOUND),
            ..PacketOut::new(*id, now_ns, data)
        };
        writer.write(&packet).map_err(failed(path))
    }

    /// Writes the rest.
    ///
    /// # Errors
    ///
    /// A file that cannot be written.
    pub fn finish(self) -> Result<(), RecordError> {
        if let Some((path, trace)) = self.trace {
            trace.finish().map_err(failed(&path))?;
        }
        for (path, writer, _) in self.leaving.into_values() {
            writer.finish().map_err(failed(&path))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trace = self.trace.as_ref().map(|(path, _)| path);
        let mut shown = f.debug_struct("Recording");
        shown.field("trace", &trace);
        shown.field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// A file that has all of a write or nothing: where the disk is full, what a write
/// left is cut off again, so that a capture does not end within a block.
#[derive(Debug)]
struct WholeWrites {
    file: File,
    /// Bytes that whole writes have left.
    len: u64,
}

impl WholeWrites {
    fn create(path: &Path) -> Result<WholeWrites, WriteError> {
        let file = File::create(path).map_err(WriteError::Io)?;
        Ok(WholeWrites { file, len: 0 })
    }
}

impl Write for WholeWrites {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.file.write_all(bytes) {
            // A pipe or a device cannot be cut; its reader has seen what came.
            let cut = self.file.set_len(self.len);
            let _ = cut.and_then(|()| self.file.seek(SeekFrom::Start(self.len)));
            return Err(error);
        }
        self.len += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// What is told of a packet in the comment of its second frame.
#[derive(Clone, Copy, Debug)]
pub struct Comment<'a> {
    /// The action, by name.
    pub action: &'a str,
    /// Instructions, where they are counted.
    pub instructions: Option<u64>,
    /// The programs that ran.
    pub programs: &'a [String],
    /// Where it went.
    pub to: &'a [String],
    /// Why it went no further.
    pub why: Option<&'a str>,
}

impl fmt::Display for Comment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ", self.action)?;
        if let Some(instructions) = self.instructions {
            write!(f, "{instructions} instructions, ")?;
        }
        if self.programs.len() > 1 {
            write!(f, "programs {}, ", self.programs.join(" "))?;
        }
        match self.to {
            [] => write!(f, "to nowhere")?,
            places => write!(f, "to {}", places.join(", "))?,
        }
        match self.why {
            Some(why) => write!(f, ": {why}"),
            None => Ok(()),
        }
    }
}
