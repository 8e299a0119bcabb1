//! The lines of `bpf_trace_printk`, from a trace instance of our own.
//!
//! The machine's one `trace_pipe` gives each line to one reader only, and nothing
//! while tracing is switched off. So a tracing instance is made (a folder under
//! `instances`, with buffers of its own), into which the lines of all programs on
//! the machine go too, and which is removed on drop. One that a killed process
//! left behind is removed by the next that opens.
//!
//! tracefs is not mounted anywhere: where nobody has, a mount is used that only
//! this process sees.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::sys;

/// Why there is no trace pipe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TraceUnavailable {
    /// tracefs is not mounted and cannot be opened without.
    #[error("tracefs is not mounted and cannot be opened: {errno}")]
    NotMounted {
        /// Linux's answer.
        errno: abi::Errno,
    },
    /// Something in it cannot be made, read or written.
    #[error("{}: {message}", path.display())]
    File {
        /// The file, below tracefs.
        path: PathBuf,
        /// What went wrong.
        message: String,
    },
}

/// The lines that programs print, from the moment of opening, of all programs on
/// the machine.
#[derive(Debug)]
pub struct TracePipe {
    file: Option<File>,
    /// The start of a line whose end has not come yet.
    rest: Vec<u8>,
    instance: PathBuf,
    _tracefs: Option<OwnedFd>,
}

/// How the folders of instances are named, before the process id.
const PREFIX: &str = "ebpf-sim-";
/// Tells the instances of one process apart.
static NEXT: AtomicU32 = AtomicU32::new(0);

impl TracePipe {
    /// Makes an instance and opens its pipe.
    ///
    /// # Errors
    ///
    /// Why it cannot be.
    pub fn open() -> Result<TracePipe, TraceUnavailable> {
        let (root, tracefs) = root()?;
        let instances = root.join("instances");
        remove_stale(&instances);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let instance = instances.join(format!("{PREFIX}{}-{number}", process::id()));
        let failed = |path: PathBuf| {
            let below = path.strip_prefix(&root).unwrap_or(&path).to_owned();
            move |error: io::Error| TraceUnavailable::File {
                path: below,
                message: error.to_string(),
            }
        };
        fs::create_dir(&instance).map_err(failed(instance.clone()))?;
        let mut pipe = TracePipe {
            file: None,
            rest: Vec::new(),
            instance: instance.clone(),
            _tracefs: tracefs,
        };
        let event = instance.join("events/bpf_trace/bpf_trace_printk/enable");
        fs::write(&event, "1").map_err(failed(event))?;
        let path = instance.join("trace_pipe");
        let mut options = File::options();
        let opened = options
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(&path);
        pipe.file = Some(opened.map_err(failed(path))?);
        Ok(pipe)
    }

    /// The lines that have come since, whole: task, CPU, time, text.
    pub fn lines(&mut self) -> Vec<String> {
        let mut chunk = [0; 4096];
        // What ends the loop is "nothing now" (EAGAIN), since the pipe does not
        // block.
        while let Some(Ok(count @ 1..)) = self.file.as_mut().map(|file| file.read(&mut chunk)) {
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

impl Drop for TracePipe {
    fn drop(&mut self) {
        // An instance whose pipe is open cannot be removed.
        self.file = None;
        // If it cannot be removed now, the next that opens one does it.
        let _ = fs::remove_dir(&self.instance);
    }
}

/// Removes the instances of processes that are no more.
fn remove_stale(instances: &Path) {
    for entry in fs::read_dir(instances).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let owner = owner.and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

/// What follows the name of the helper in a line.
fn message(line: &str) -> Option<String> {
    const MARK: &str = ": bpf_trace_printk: ";
    let (_, text) = line.split_once(MARK)?;
    Some(text.to_owned())
}

/// Where tracefs is, and what keeps it there.
fn root() -> Result<(PathBuf, Option<OwnedFd>), TraceUnavailable> {
    if let Some(folder) = mounted() {
        return Ok((folder, None));
    }
    match sys::open_tracefs() {
        Ok(fd) => {
            let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
            Ok((path.into(), Some(fd)))
        }
        Err(errno) => Err(TraceUnavailable::NotMounted { errno }),
    }
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
        .filter(|folder| folder.join("instances").is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_are_removed() {
        let Some(_kernel) = crate::testing::kernel_or_skip() else {
            return;
        };
        let Ok((root, _tracefs)) = root() else {
            return;
        };
        let instances = root.join("instances");
        let dead = instances.join(format!("{PREFIX}{}-0", u32::MAX));
        fs::create_dir(&dead).expect("an instance");
        let pipe = TracePipe::open().expect("a pipe");
        assert!(pipe.instance.exists());
        assert!(!dead.exists(), "its process is no more");
        let name = pipe.instance.file_name().expect("a name").to_owned();
        drop(pipe);
        assert!(!instances.join(name).exists());
    }

    #[test]
    fn messages_without_what_stands_before_them() {
        let line = "  prog-17  [001] d..1.  12.5: bpf_trace_printk: one: two";
        assert_eq!(message(line).as_deref(), Some("one: two"));
        assert_eq!(message("CPU:0 [LOST 3 EVENTS]"), None);
    }
}
