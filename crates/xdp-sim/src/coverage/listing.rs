//! The source lines with their counts beside them.

use std::io::{self, Write};

use super::{BySource, Line, Source};

impl BySource {
    /// Writes each file's lines that have code: how often each was run (`-----` for
    /// never), how many instructions that took, its number and text; below a line
    /// the branches that went one way only.
    pub fn write_listing(&self, out: &mut dyn Write) -> io::Result<()> {
        for (place, (name, source)) in self.0.iter().enumerate() {
            if place > 0 {
                writeln!(out)?;
            }
            writeln!(out, "{name}")?;
            writeln!(out, "{:>12} {:>14} {:>6}", "runs", "instructions", "line")?;
            source.list(out)?;
        }
        Ok(())
    }
}

impl Source {
    fn list(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut last = None;
        for (number, line) in &self.lines {
            if last.is_some_and(|last| last + 1 != *number) {
                writeln!(out, "{:>12} {:>14} {:>6}", "", "", "…")?;
            }
            last = Some(*number);
            let (runs, instructions) = match line.runs {
                0 => ("-----".to_owned(), String::new()),
                runs => (runs.to_string(), line.instructions.to_string()),
            };
            writeln!(
                out,
                "{runs:>12} {instructions:>14} {number:>6}  {}",
                line.text
            )?;
            line.one_sided(out)?;
        }
        Ok(())
    }
}

impl Line {
    fn one_sided(&self, out: &mut dyn Write) -> io::Result<()> {
        let many = self.branches.len() > 1;
        for (place, branch) in self.branches.iter().enumerate() {
            let said = match branch.ways() {
                [0, 0] => continue,
                [0, _] => "never jumped",
                [_, 0] => "always jumped",
                _ => continue,
            };
            let which = match many {
                true => format!("branch {} of {}", place + 1, self.branches.len()),
                false => "branch".to_owned(),
            };
            writeln!(out, "{:>12} {:>14} {:>6}  ^ {which} {said}", "", "", "")?;
        }
        Ok(())
    }
}
