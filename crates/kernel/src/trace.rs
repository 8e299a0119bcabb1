//! `trace_pipe`: the lines of `bpf_trace_printk`.
//!
//! The pipe is the machine's: lines of programs that others run come out of it
//! too, and what is read here nobody else reads. tracefs is not mounted
//! anywhere; where nobody has, it is opened for this process alone.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use crate::sys;

/// Why there is no trace pipe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TraceUnavailable {
    /// tracefs is not mounted and cannot be opened without.
    #[error("tracefs is not mounted")]
    NotMounted,
    /// It is there but cannot be opened.
    #[error("{path}: {message}")]
    NotReadable {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        message: String,
    },
}

/// The lines that programs print, from the moment of opening.
#[derive(Debug)]
pub struct TracePipe {
    file: File,
    /// The start of a line whose end has not come yet.
    rest: Vec<u8>,
}

impl TracePipe {
    /// Opens the pipe and drops what is in it.
    ///
    /// # Errors
    ///
    /// Why it cannot be read.
    pub fn open() -> Result<TracePipe, TraceUnavailable> {
        let mut pipe = TracePipe {
            file: open()?,
            rest: Vec::new(),
        };
        pipe.lines();
        pipe.rest.clear();
        Ok(pipe)
    }

    /// The lines that have come since, whole: task, CPU, time, text.
    pub fn lines(&mut self) -> Vec<String> {
        let mut chunk = [0; 4096];
        // What ends the loop is "nothing now" (EAGAIN), since the pipe does not
        // block.
        while let Ok(count @ 1..) = self.file.read(&mut chunk) {
            self.rest.extend_from_slice(&chunk[..count]);
        }
        let whole = match self.rest.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => self.rest.drain(..=end).collect(),
            None => Vec::new(),
        };
        let text = String::from_utf8_lossy(&whole);
        text.lines().map(str::to_owned).collect()
    }

    /// As [`TracePipe::lines`], only what `bpf_trace_printk` was given to print.
    pub fn messages(&mut self) -> Vec<String> {
        let lines = self.lines();
        lines.iter().filter_map(|line| message(line)).collect()
    }
}

/// What follows the name of the helper in a line.
fn message(line: &str) -> Option<String> {
    const MARK: &str = ": bpf_trace_printk: ";
    let (_, text) = line.split_once(MARK)?;
    Some(text.to_owned())
}

fn open() -> Result<File, TraceUnavailable> {
    let Some(folder) = mounted() else {
        return sys::open_trace_pipe().map_err(|_| TraceUnavailable::NotMounted);
    };
    let path = folder.join("trace_pipe");
    let mut options = File::options();
    let opened = options
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(&path);
    opened.map_err(|error| TraceUnavailable::NotReadable {
        path,
        message: error.to_string(),
    })
}

/// Where tracefs is mounted, by itself or under debugfs.
fn mounted() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let of = |wanted: &str| {
        mounts.lines().find_map(|line| {
            let mut words = line.split(' ');
            let (place, kind) = (words.nth(1)?, words.next()?);
            (kind == wanted).then(|| PathBuf::from(place))
        })
    };
    let below = || of("debugfs").map(|folder| folder.join("tracing"));
    of("tracefs")
        .or_else(below)
        .filter(|folder| folder.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_without_what_stands_before_them() {
        let line = "  prog-17  [001] d..1.  12.5: bpf_trace_printk: one: two";
        assert_eq!(message(line).as_deref(), Some("one: two"));
        assert_eq!(message("CPU:0 [LOST 3 EVENTS]"), None);
    }
}
