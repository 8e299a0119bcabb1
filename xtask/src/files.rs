//! Generated files: written, or compared with what is committed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// What a task makes of the files that it generates.
pub(crate) struct Generated {
    check: bool,
    task: &'static str,
    stale: Vec<PathBuf>,
}

impl Generated {
    /// `task` is the command that writes the files, for the message.
    pub(crate) fn new(task: &'static str, check: bool) -> Generated {
        Generated {
            check,
            task,
            stale: Vec::new(),
        }
    }

    /// Puts `bytes` at `path` (relative to the root), or checks that they stand there.
    pub(crate) fn put(&mut self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let full = root().join(path);
        if fs::read(&full).is_ok_and(|committed| committed == bytes) {
            return Ok(());
        }
        if self.check {
            self.stale.push(path.to_path_buf());
            return Ok(());
        }
        if let Some(folder) = full.parent() {
            fs::create_dir_all(folder).map_err(Error::file(folder))?;
        }
        fs::write(&full, bytes).map_err(Error::file(&full))?;
        println!("wrote {}", path.display());
        Ok(())
    }

    /// Removes `path`, which nothing generates any more, or reports it.
    pub(crate) fn remove(&mut self, path: &Path) -> Result<(), Error> {
        if self.check {
            self.stale.push(path.to_path_buf());
            return Ok(());
        }
        let full = root().join(path);
        fs::remove_file(&full).map_err(Error::file(&full))?;
        println!("removed {}", path.display());
        Ok(())
    }

    /// The end of the task: an error if anything was out of date.
    pub(crate) fn finish(self) -> Result<(), Error> {
        if self.stale.is_empty() {
            return Ok(());
        }
        Err(Error::OutOfDate {
            task: self.task,
            files: self.stale,
        })
    }
}

/// The files in `folder` (relative to the root) whose name ends in `suffix`, sorted.
pub(crate) fn with_suffix(folder: &Path, suffix: &str) -> Result<Vec<PathBuf>, Error> {
    let full = root().join(folder);
    let mut found = Vec::new();
    for entry in fs::read_dir(&full).map_err(Error::file(&full))? {
        let name = entry.map_err(Error::file(&full))?.file_name();
        if name.to_str().is_some_and(|name| name.ends_with(suffix)) {
            found.push(folder.join(name));
        }
    }
    found.sort();
    Ok(found)
}
