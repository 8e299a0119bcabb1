//! The lines at the end of a log.

use super::number;

/// What the verifier counted. `None` where the log does not say: times and stack
/// depths come with level 4 only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Instructions that were processed, every visit counted.
    pub processed: Option<u32>,
    /// How many might have been.
    pub limit: Option<u32>,
    /// The most states kept for one instruction.
    pub max_states_per_insn: Option<u32>,
    /// States made.
    pub total_states: Option<u32>,
    /// States kept at the same time.
    pub peak_states: Option<u32>,
    /// Longest chain of marking registers read; 0 since Linux 6.18.
    pub mark_read: Option<u32>,
    /// Microseconds that it took.
    pub verification_usec: Option<u32>,
    /// Stack bytes of each function.
    pub stack_depth: Option<Vec<u32>>,
}

impl Counts {
    /// Takes a line; `false` when it counts nothing.
    pub(super) fn read(&mut self, line: &str) -> bool {
        if let Some(rest) = line.strip_prefix("processed ") {
            self.read_processed(rest)
        } else if let Some(rest) = line.strip_prefix("verification time ") {
            self.verification_usec = number(rest).map(|(usec, _)| usec);
            self.verification_usec.is_some()
        } else if let Some(rest) = line.strip_prefix("stack depth ") {
            let depths: Result<_, _> = rest.trim().split('+').map(str::parse).collect();
            self.stack_depth = depths.ok();
            self.stack_depth.is_some()
        } else {
            false
        }
    }

    /// `46 insns (limit 1000000) max_states_per_insn 0 total_states 4 …`
    fn read_processed(&mut self, rest: &str) -> bool {
        let Some((processed, rest)) = number(rest) else {
            return false;
        };
        self.processed = Some(processed);
        let mut words = rest.split([' ', '(', ')']).filter(|word| !word.is_empty());
        while let Some(word) = words.next() {
            let place = match word {
                "limit" => &mut self.limit,
                "max_states_per_insn" => &mut self.max_states_per_insn,
                "total_states" => &mut self.total_states,
                "peak_states" => &mut self.peak_states,
                "mark_read" => &mut self.mark_read,
                _ => continue,
            };
            *place = words.next().and_then(|value| value.parse().ok());
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_lines() {
        let mut counts = Counts::default();
        assert!(counts.read("verification time 33 usec"));
        assert!(counts.read("stack depth 8+0+16"));
        assert!(counts.read(
            "processed 46 insns (limit 1000000) max_states_per_insn 1 \
             total_states 4 peak_states 3 mark_read 0"
        ));
        assert!(!counts.read("R0 !read_ok"));
        let expected = Counts {
            processed: Some(46),
            limit: Some(1_000_000),
            max_states_per_insn: Some(1),
            total_states: Some(4),
            peak_states: Some(3),
            mark_read: Some(0),
            verification_usec: Some(33),
            stack_depth: Some(vec![8, 0, 16]),
        };
        assert_eq!(counts, expected);
    }

    #[test]
    fn odd_lines_are_no_counts() {
        let mut counts = Counts::default();
        for line in ["processed", "processed x", "stack depth", "stack depth a"] {
            assert!(!counts.read(line), "{line}");
        }
        assert_eq!(counts, Counts::default());
    }
}
