//! What all searches come to.

use std::collections::BTreeMap;

use super::{SelfTest, Sought};

/// What all searches came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// One for each bug and oracle that looked for it, in order of the bugs.
    pub rows: Vec<Row>,
    /// Bugs that no oracle found with some seeds: id and how many seeds.
    pub missed: Vec<(&'static str, usize)>,
}

/// What one oracle's searches for one bug came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The bug's id.
    pub bug: &'static str,
    /// What it is a bug of.
    pub class: &'static str,
    /// The oracle.
    pub oracle: &'static str,
    /// Searches, one a seed.
    pub seeds: usize,
    /// Of them, those that found it.
    pub found: usize,
    /// Programs that it took where it was found: the median and the most.
    pub programs: (u64, u64),
    /// Seconds of the processor's time that it took where it was found: the median
    /// and the most.
    pub cpu_seconds: (f64, f64),
}

impl Summary {
    pub(super) fn of(all: &[Sought], plan: &SelfTest) -> Summary {
        let mut summary = Summary::default();
        for bug in plan.bugs.iter().map(|bug| bug.id()) {
            let of_bug = || all.iter().filter(move |sought| sought.bug == bug);
            let mut searches: BTreeMap<_, Vec<&Sought>> = BTreeMap::new();
            for sought in of_bug() {
                searches.entry(sought.oracle).or_default().push(sought);
            }
            summary
                .rows
                .extend(searches.into_values().map(|of| Row::of(&of)));
            let found = |seed: u64| of_bug().any(|sought| sought.found && sought.seed == seed);
            let missed = plan.seeds.iter().filter(|seed| !found(seed.0)).count();
            if missed > 0 {
                summary.missed.push((bug, missed));
            }
        }
        summary
    }
}

impl Row {
    fn of(searches: &[&Sought]) -> Row {
        let found = || searches.iter().filter(|sought| sought.found);
        let mut programs: Vec<u64> = found().map(|sought| sought.programs).collect();
        let mut seconds: Vec<f64> = found().map(|sought| sought.cpu_seconds).collect();
        programs.sort_unstable();
        seconds.sort_by(f64::total_cmp);
        Row {
            bug: searches[0].bug,
            class: searches[0].class,
            oracle: searches[0].oracle,
            seeds: searches.len(),
            found: programs.len(),
            programs: median_and_most(&programs),
            cpu_seconds: median_and_most(&seconds),
        }
    }
}

/// Of what is in order; nothing where there is nothing.
fn median_and_most<T: Copy + Default>(sorted: &[T]) -> (T, T) {
    let median = sorted.get(sorted.len() / 2).copied();
    let most = sorted.last().copied();
    (median.unwrap_or_default(), most.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::time::Duration;

    use inject::Bug;

    use super::*;
    use crate::families::Seed;
    use crate::fuzz::Against;

    #[test]
    fn a_bug_is_missed_with_each_seed_that_no_oracle_finds_it_with() {
        let sought = |oracle, seed, found, programs| Sought {
            bug: Bug::Cve2021_3490.id(),
            class: "scalar",
            oracle,
            seed,
            found,
            programs,
            cpu_seconds: programs as f64,
            what: None,
        };
        let plan = SelfTest {
            bugs: vec![Bug::Cve2021_3490, Bug::Cve2020_8835],
            oracles: Vec::new(),
            against: Against::Nobody,
            seeds: (1..4).map(Seed).collect(),
            mix: None,
            budget: Duration::ZERO,
            jobs: NonZeroUsize::MIN,
        };
        let all = [
            sought("state", 1, true, 5),
            sought("state", 2, false, 9),
            sought("state", 3, false, 9),
            sought("verdict", 2, true, 7),
            sought("verdict", 3, false, 7),
        ];
        let summary = Summary::of(&all, &plan);
        let missed = [("cve-2021-3490", 1), ("cve-2020-8835", 3)];
        assert_eq!(summary.missed, missed);
        let row = &summary.rows[0];
        assert_eq!((row.oracle, row.found, row.seeds), ("state", 1, 3));
        assert_eq!((row.programs, row.cpu_seconds), ((5, 5), (5.0, 5.0)));
        let row = &summary.rows[1];
        assert_eq!((row.oracle, row.found, row.seeds), ("verdict", 1, 2));
    }
}
