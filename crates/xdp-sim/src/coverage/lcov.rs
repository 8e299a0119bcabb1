//! lcov's trace file (`man geninfo`, "FILES"), which genhtml and the services for
//! coverage read.

use std::io::{self, Write};

use super::{BySource, Source};

impl BySource {
    /// Writes the trace file, with this name of the test (letters, digits and `_`).
    pub fn write_lcov(&self, test: &str, out: &mut dyn Write) -> io::Result<()> {
        for (name, source) in &self.0 {
            writeln!(out, "TN:{test}\nSF:{name}")?;
            source.write(out)?;
            writeln!(out, "end_of_record")?;
        }
        Ok(())
    }
}

impl Source {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        for (name, function) in &self.functions {
            writeln!(out, "FN:{},{name}", function.line)?;
        }
        for (name, function) in &self.functions {
            writeln!(out, "FNDA:{},{name}", function.calls)?;
        }
        let (called, functions) = self.functions();
        writeln!(out, "FNF:{functions}\nFNH:{called}")?;
        for (number, line) in &self.lines {
            for (block, branch) in line.branches.iter().enumerate() {
                for (way, times) in branch.ways().into_iter().enumerate() {
                    // A dash where the branch was never come to.
                    match branch.runs {
                        0 => writeln!(out, "BRDA:{number},{block},{way},-")?,
                        _ => writeln!(out, "BRDA:{number},{block},{way},{times}")?,
                    }
                }
            }
        }
        let (taken, ways) = self.branches();
        writeln!(out, "BRF:{ways}\nBRH:{taken}")?;
        for (number, line) in &self.lines {
            writeln!(out, "DA:{number},{}", line.runs)?;
        }
        let (run, lines) = self.lines();
        writeln!(out, "LF:{lines}\nLH:{run}")
    }
}
