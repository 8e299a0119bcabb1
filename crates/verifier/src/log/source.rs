//! Source lines in the log: `; int x = 1; @ a.c:4`.

use std::fmt::Write;

use abi::LineInfo;
use isa::Pc;

use super::text::Text;
use crate::observe::Context;

/// Which line was told last.
#[derive(Debug, Default)]
pub(super) struct Lines {
    last: Option<usize>,
}

impl Lines {
    /// Tells the source line of `pc`, unless it was the last one told.
    pub(super) fn tell(&mut self, context: &Context<'_>, pc: Pc, text: &mut Text) {
        let lines = &context.program.line_info;
        let after = lines.partition_point(|line| line.pc <= pc);
        let Some(index) = after.checked_sub(1) else {
            return;
        };
        if self.last == Some(index) {
            return;
        }
        self.last = Some(index);
        write_line(context, &lines[index], text);
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
