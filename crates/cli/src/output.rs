//! Standard output, buffered, with errors instead of panics.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::error::Failure;

/// Where the command prints.
pub(crate) struct Output {
    inner: BufWriter<Box<dyn Write>>,
}

impl Output {
    pub(crate) fn stdout() -> Output {
        Output::over(Box::new(io::stdout().lock()))
    }

    /// Standard error, for what stands beside other output.
    pub(crate) fn stderr() -> Output {
        Output::over(Box::new(io::stderr().lock()))
    }

    fn over(sink: Box<dyn Write>) -> Output {
        Output {
            inner: BufWriter::with_capacity(1 << 16, sink),
        }
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, text: impl fmt::Display) -> Result<(), Failure> {
        writeln!(self.inner, "{text}").map_err(Failure::output)
    }

    /// Writes a value as one line of JSON.
    pub(crate) fn json(&mut self, value: &impl serde::Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.inner, value).map_err(|e| Failure::output(e.into()))?;
        self.inner.write_all(b"\n").map_err(Failure::output)
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.inner.flush().map_err(Failure::output)
    }
}

/// Writes a file from its beginning to its end.
pub(crate) fn file(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let written = File::create(path).and_then(|file| {
        let mut file = BufWriter::new(file);
        content(&mut file)?;
        file.flush()
    });
    written.map_err(|error| Failure::write(path, error))
}

/// Whether whoever read standard output has stopped, as far as can be told without
/// writing to it: pipes and sockets tell.
pub(crate) fn reader_left() -> bool {
    #[cfg(unix)]
    {
        use rustix::event::{PollFd, PollFlags, poll};

        let stdout = rustix::stdio::stdout();
        let mut asked = [PollFd::new(&stdout, PollFlags::empty())];
        let at_once = rustix::event::Timespec::default();
        let told = poll(&mut asked, Some(&at_once));
        told.is_ok() && asked[0].revents().contains(PollFlags::ERR)
    }
    #[cfg(not(unix))]
    false
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
