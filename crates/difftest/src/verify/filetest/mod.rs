//! Programs that people write, with the expectation beside the instruction.
//!
//! `corpus/verify/README.md` describes the form. [`FileTest::parse`] reads one,
//! [`FileTest::mismatches`] holds an [`Opinion`] against what it expects, and
//! [`FileTest::rewritten`] writes what Linux said into its text.

mod error;
mod header;
mod states;

use abi::helpers;
use isa::disasm::Symbol;
use isa::{Insn, Pc};
use loader::raw::RawProgram;

use super::{Opinion, Said};
pub use error::{FileTestError, FileTestFault};
use header::Header;
pub use states::state_after;

/// A program with its expectation.
#[derive(Clone, Debug)]
pub struct FileTest {
    /// The program.
    pub raw: RawProgram,
    lines: Vec<TextLine>,
}

/// A line of the text.
#[derive(Clone, Debug)]
struct TextLine {
    text: String,
    kind: LineKind,
}

#[derive(Clone, Debug)]
enum LineKind {
    /// Part of the program, or nobody's business.
    Other,
    /// `; expect: …`
    Expect,
    /// `; message: …`
    Message,
    /// `; stats: …`
    Stats,
    /// An instruction with `; R1=…` behind it.
    State(Pc),
}

/// Something that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Line in the file, from 1; 0 for what the file should say and does not.
    pub line: usize,
    /// What the file says.
    pub expected: String,
    /// What the judge says.
    pub found: String,
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Mismatch {
            line,
            expected,
            found,
        } = self;
        write!(f, "line {line}: expected `{expected}`, found `{found}`")
    }
}

impl FileTest {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and in which line.
    pub fn parse(text: &str) -> Result<FileTest, FileTestError> {
        let mut header = Header::default();
        let mut lines = Vec::new();
        let mut body = String::new();
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            let kind = match header_field(line) {
                Some((key, value)) => {
                    body.push('\n');
                    header.read(number, key, value)?
                }
                None => {
                    body.push_str(line);
                    body.push('\n');
                    LineKind::Other
                }
            };
            let text = line.to_owned();
            lines.push(TextLine { text, kind });
        }
        let code = {
            let externs = &header.externs;
            let maps = &header.maps;
            let resolve = |name: &str| resolve(name, maps, externs);
            isa::asm::assemble_with(&body, &resolve)
        };
        let code = code.map_err(FileTestError::from)?;
        mark_states(&mut lines, &code);
        let raw = header.finish(&code)?;
        Ok(FileTest { raw, lines })
    }

    /// Whether states beside instructions are expected, so that a log at level 2
    /// is wanted.
    pub fn wants_states(&self) -> bool {
        let state = |line: &TextLine| matches!(line.kind, LineKind::State(_));
        self.lines.iter().any(state)
    }

    /// The level of log that is needed to compare all.
    pub fn level(&self) -> u32 {
        if self.wants_states() { 2 | 4 } else { 1 | 4 }
    }

    /// Where an opinion is not what the file expects.
    pub fn mismatches(&self, opinion: &Opinion) -> Vec<Mismatch> {
        let mut found = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            let Some(wanted) = line.rewritten(opinion) else {
                continue;
            };
            let (expected, said) = (line.expectation(), line.value(&wanted));
            if expected != said {
                found.push(Mismatch {
                    line: index + 1,
                    expected: expected.to_owned(),
                    found: said.to_owned(),
                });
            }
        }
        found.extend(self.missing(opinion).into_iter().map(|line| Mismatch {
            line: 0,
            expected: String::new(),
            found: line,
        }));
        found
    }

    /// The text with what an opinion says in place of what is expected.
    pub fn rewritten(&self, opinion: &Opinion) -> String {
        let mut lines: Vec<String> = self
            .lines
            .iter()
            .filter_map(|line| match (&line.kind, &opinion.said) {
                (LineKind::Message, Said::Accepted) => None,
                _ => Some(line.rewritten(opinion).unwrap_or_else(|| line.text.clone())),
            })
            .collect();
        let at = lines.iter().rposition(|line| header_field(line).is_some());
        let at = at.map_or_else(|| first_code(&lines), |last| last + 1);
        let missing = self.missing(opinion);
        lines.splice(at..at, missing);
        lines.join("\n") + "\n"
    }

    /// The lines that a file about this program has to have, and this one has not.
    fn missing(&self, opinion: &Opinion) -> Vec<String> {
        let has = |wanted: fn(&LineKind) -> bool| self.lines.iter().any(|l| wanted(&l.kind));
        let mut missing = Vec::new();
        if !has(|kind| matches!(kind, LineKind::Expect)) {
            missing.push(format!("; expect: {}", opinion.said));
        }
        let refused = matches!(opinion.said, Said::Refused(_));
        if refused && !has(|kind| matches!(kind, LineKind::Message)) {
            missing.push(message_line(opinion));
        }
        missing
    }
}

impl TextLine {
    /// The line as an opinion would have it; `None` when it expects nothing.
    fn rewritten(&self, opinion: &Opinion) -> Option<String> {
        match &self.kind {
            LineKind::Other => None,
            LineKind::Expect => Some(format!("; expect: {}", opinion.said)),
            LineKind::Message => Some(message_line(opinion)),
            LineKind::Stats => Some(format!("; stats: {}", stats(opinion))),
            LineKind::State(pc) => {
                let state = state_after(&opinion.log, *pc).unwrap_or_default();
                let (code, _) = self.text.split_once(';')?;
                let line = format!("{:<39} ; {state}", code.trim_end());
                Some(line.trim_end().to_owned())
            }
        }
    }

    /// What the line expects.
    fn expectation(&self) -> &str {
        self.value(&self.text)
    }

    fn value<'a>(&self, text: &'a str) -> &'a str {
        let value = match self.kind {
            LineKind::State(_) => text.split_once(';'),
            _ => text.split_once(':'),
        };
        value.map_or("", |(_, value)| value.trim())
    }
}

fn message_line(opinion: &Opinion) -> String {
    format!("; message: {}", opinion.message)
        .trim_end()
        .to_owned()
}

/// `processed 12 states 1 peak 1 max 0 depth 8+0`
fn stats(opinion: &Opinion) -> String {
    let counts = &opinion.counts;
    let number = |count: Option<u32>| count.map_or("?".to_owned(), |n| n.to_string());
    let depths = counts.stack_depth.as_ref().map(|depths| {
        let depths: Vec<_> = depths.iter().map(u32::to_string).collect();
        depths.join("+")
    });
    format!(
        "processed {} states {} peak {} max {} depth {}",
        number(counts.processed),
        number(counts.total_states),
        number(counts.peak_states),
        number(counts.max_states_per_insn),
        depths.as_deref().unwrap_or("?"),
    )
}

/// `; key: value` on a line of its own.
fn header_field(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.strip_prefix(';')?.split_once(':')?;
    Some((key.trim(), value.trim()))
}

fn first_code(lines: &[String]) -> usize {
    let is_text = |line: &String| line.trim().is_empty() || line.trim().starts_with("//");
    lines
        .iter()
        .position(|l| !is_text(l))
        .unwrap_or(lines.len())
}

/// Gives each line that has a state its instruction: lines of code and
/// instructions are in the same order.
fn mark_states(lines: &mut [TextLine], code: &isa::Code) {
    let mut pc = Pc(0);
    for line in lines {
        if !matches!(line.kind, LineKind::Other) {
            continue;
        }
        let text = line.text.split("//").next().unwrap_or_default();
        let (statement, state) = match text.split_once(';') {
            Some((statement, _)) => (statement, true),
            None => (text, false),
        };
        if !has_statement(statement) {
            continue;
        }
        if state {
            line.kind = LineKind::State(pc);
        }
        let wide = !statement.contains(".slot") && code.get(pc).is_some_and(is_wide);
        pc.0 += if wide { 2 } else { 1 };
    }
}

fn is_wide(insn: Insn) -> bool {
    matches!(insn, Insn::LoadImm { .. })
}

/// Whether something other than a label stands in a line.
fn has_statement(text: &str) -> bool {
    let text = text.trim();
    let is_name = |name: &str| {
        name.chars()
            .all(|c| c.is_alphanumeric() || "_.$".contains(c))
    };
    match text.split_once(':') {
        Some((name, rest)) if is_name(name) => !rest.trim().is_empty(),
        _ => !text.is_empty(),
    }
}

/// Maps of the header, helpers of the table, and every other `bpf_…` as a kernel
/// function.
fn resolve(
    name: &str,
    maps: &[abi::MapDef],
    externs: &std::cell::RefCell<Vec<String>>,
) -> Option<Symbol> {
    if let Some(index) = maps.iter().position(|map| map.name == name) {
        let index = index as i32;
        return Some(Symbol::MapIndex { index });
    }
    if let Some(helper) = helpers::by_name(name) {
        return Some(Symbol::Helper(helper.id as i32));
    }
    if !name.starts_with("bpf_") {
        return None;
    }
    let mut externs = externs.borrow_mut();
    let known = externs.iter().position(|known| known == name);
    let btf_id = known.unwrap_or_else(|| {
        externs.push(name.to_owned());
        externs.len() - 1
    }) as i32;
    Some(Symbol::Kfunc { btf_id, module: 0 })
}

#[cfg(test)]
mod tests;
