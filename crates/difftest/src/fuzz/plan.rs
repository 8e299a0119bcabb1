//! What a campaign is to do.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use super::{Mix, OracleKind};
use crate::families::Seed;

/// What a campaign is to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where its programs come from.
    pub seed: Seed,
    /// Which kinds of them.
    pub mix: Mix,
    /// Who looks at them; [`OracleKind::Crash`] always does.
    pub oracles: Vec<OracleKind>,
    /// Whom ours are held against.
    pub against: Against,
    /// Which part of the campaign's programs.
    pub shard: Shard,
    /// When it ends.
    pub limit: Limit,
    /// Threads.
    pub jobs: NonZeroUsize,
    /// How long one program may take.
    pub patience: Duration,
}

/// Whom our verdicts and results are held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Against {
    /// Nobody.
    Nobody,
    /// The running kernel.
    Kernel,
    /// A command that gives verdicts ([`peer`](super::peer)), as a shell takes it.
    Command(String),
}

impl fmt::Display for Against {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Against::Nobody => f.write_str("none"),
            Against::Kernel => f.write_str("kernel"),
            Against::Command(command) => f.write_str(command),
        }
    }
}

/// When a campaign ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// When all programs with an index below this were looked at, by this shard or
    /// another.
    Programs(u64),
    /// After so long.
    Time(Duration),
    /// When the program with this index was looked at, of whichever shard it is.
    Only(u64),
}

impl Plan {
    /// Index of the n-th program to look at, if there is one.
    pub(super) fn nth(&self, n: u64) -> Option<u64> {
        match self.limit {
            Limit::Only(index) => (n == 0).then_some(index),
            Limit::Programs(programs) => self.shard.nth(n).filter(|index| *index < programs),
            Limit::Time(_) => self.shard.nth(n),
        }
    }
}

/// The programs of a campaign whose index leaves `index` when divided by `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    of: u64,
}

impl Default for Shard {
    /// All programs.
    fn default() -> Shard {
        Shard { index: 0, of: 1 }
    }
}

impl Shard {
    /// Which one, from 0.
    pub fn index(self) -> u64 {
        self.index
    }

    /// Of how many.
    pub fn of(self) -> u64 {
        self.of
    }

    /// Index of the shard's own n-th program.
    fn nth(self, n: u64) -> Option<u64> {
        n.checked_mul(self.of)?.checked_add(self.index)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Shard, ShardError> {
        let numbers = text.split_once('/');
        let numbers = numbers.and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match numbers {
            Some((index, of)) if index < of => Ok(Shard { index, of }),
            Some((index, of)) => Err(ShardError::Outside { index, of }),
            None => Err(ShardError::Form),
        }
    }
}

/// Why something is no shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// Not of the form.
    #[error("expected i/n, such as 0/8")]
    Form,
    /// There is no such shard.
    #[error("shards are counted from 0: of {of} there is no shard {index}")]
    Outside {
        /// Which.
        index: u64,
        /// Of how many.
        of: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_share_all_programs_and_repeat_none() {
        let mut seen: Vec<u64> = Vec::new();
        for index in 0..3 {
            let shard: Shard = format!("{index}/3").parse().expect("a shard");
            seen.extend((0..4).filter_map(|n| shard.nth(n)));
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..12).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_no_shard() {
        let parse = |text: &str| text.parse::<Shard>();
        assert_eq!(parse("8/8"), Err(ShardError::Outside { index: 8, of: 8 }));
        assert_eq!(parse("0/0"), Err(ShardError::Outside { index: 0, of: 0 }));
        for text in ["", "1", "a/b", "-1/2", "1/2/3"] {
            assert_eq!(parse(text), Err(ShardError::Form), "{text}");
        }
    }
}
