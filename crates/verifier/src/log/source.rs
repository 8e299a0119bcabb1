//! Source lines in the log: `; int x = 1; @ a.c:4`.

use std::fmt::Write;

use abi::LineInfo;
use isa::Pc;

use super::text::Text;
use crate::observe::Context;

/// Which line was told last: its file's name in the BTF strings, and its number.
#[derive(Debug, Default)]
pub(super) struct Lines {
    last: Option<(u32, u32)>,
}

impl Lines {
    /// Tells the source line of `pc`, unless it was the last one told: a line has
    /// a record for each of its columns.
    pub(super) fn tell(&mut self, context: &Context<'_>, pc: Pc, text: &mut Text) {
        let Some(line) = context.program.line_at(pc) else {
            return;
        };
        let place = Some((line.file_name_off, line.line));
        if self.last == place {
            return;
        }
        self.last = place;
        write_line(context, line, text);
    }
}

fn write_line(context: &Context<'_>, line: &LineInfo, text: &mut Text) {
    let Some(btf) = context.program.btf.as_ref() else {
        return;
    };
    let source = btf.str(line.line_off).unwrap_or("").trim_start();
    let file = btf.str(line.file_name_off).unwrap_or("");
    let file = file.rsplit('/').next().unwrap_or(file);
    let _ = writeln!(text, "; {source} @ {file}:{}", line.line);
}
