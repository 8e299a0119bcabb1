//! The text of a log under way: appended to, taken back to an earlier place,
//! and cut at the front when it is too long.

use std::fmt;

/// A place in a log, which stays valid when the front is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(u64);

/// The text of a log under way.
#[derive(Debug)]
pub(super) struct Text {
    kept: String,
    /// Bytes that were cut from the front.
    cut: u64,
    limit: usize,
    /// Where the last instruction's line began and where it ended, its newline
    /// included.
    insn: Option<(Mark, Mark)>,
}

impl Text {
    pub(super) fn new(limit: usize) -> Text {
        Text {
            kept: String::new(),
            cut: 0,
            limit,
            insn: None,
        }
    }

    pub(super) fn as_str(&self) -> &str {
        let over = self.kept.len().saturating_sub(self.limit);
        let from = (over..=self.kept.len()).find(|at| self.kept.is_char_boundary(*at));
        &self.kept[from.unwrap_or(0)..]
    }

    pub(super) fn into_string(self) -> String {
        if self.kept.len() <= self.limit {
            self.kept
        } else {
            self.as_str().to_owned()
        }
    }

    /// The end.
    pub(super) fn mark(&self) -> Mark {
        Mark(self.cut + self.kept.len() as u64)
    }

    /// The line that ends here is an instruction's and began at `begin`.
    pub(super) fn end_of_insn(&mut self, begin: Mark) {
        self.insn = Some((begin, self.mark()));
    }

    /// If nothing came after an instruction's line: how many blanks it takes to
    /// the column of the comment.
    pub(super) fn after_insn(&self) -> Option<usize> {
        let (begin, end) = self.insn?;
        if end != self.mark() {
            return None;
        }
        let len = (end.0 - begin.0 - 1) as usize;
        Some((len + 5).max(40).next_multiple_of(8) - 2 - len)
    }

    /// Takes back the newline, or the blank in its place.
    pub(super) fn reopen_line(&mut self) {
        if self.kept.ends_with(['\n', ' ']) {
            self.kept.pop();
        }
    }

    /// Drops what came after `mark`. Where a state was told behind the branch, a
    /// blank stands for its newline by now, and Linux goes on in its line.
    pub(super) fn rewind(&mut self, mark: Mark) {
        let at = mark.0.saturating_sub(self.cut) as usize;
        if self.kept.is_char_boundary(at) {
            self.kept.truncate(at);
        }
        // The last instruction told may be the branch itself: its end is here.
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
        self.cut = 0;
        self.insn = None;
    }

    /// Cuts the front when twice the limit is kept, so that it costs little.
    fn cut_front(&mut self) {
        if self.kept.len() / 2 > self.limit {
            let over = self.kept.len() - self.limit;
            let at = (over..=self.kept.len()).find(|at| self.kept.is_char_boundary(*at));
            let at = at.unwrap_or(over);
            self.kept.drain(..at);
            self.cut += at as u64;
        }
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.kept.push_str(text);
        self.cut_front();
        Ok(())
    }
}
