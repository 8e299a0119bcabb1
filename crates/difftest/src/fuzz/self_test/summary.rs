//! What all searches come to.

use std::collections::BTreeMap;

use inject::Bug;

use super::Sought;

/// What all searches came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// One for each bug and oracle that looked for it, in order of the bugs.
    pub rows: Vec<Row>,
    /// Bugs that no oracle found with some seed: id and how many seeds.
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
    /// Programs that it took where it was found, the median.
    pub programs: u64,
    /// Seconds of the processor's time that it took where it was found: the median
    /// and the most.
    pub cpu_seconds: (f64, f64),
}

impl Summary {
    pub(super) fn of(all: Vec<Sought>) -> Summary {
        let place = |id: &str| Bug::ALL.iter().position(|bug| bug.id() == id);
        let mut searches: BTreeMap<_, Vec<&Sought>> = BTreeMap::new();
        let mut seeds: BTreeMap<_, bool> = BTreeMap::new();
        for sought in &all {
            let key = (place(sought.bug), sought.bug, sought.oracle);
            searches.entry(key).or_default().push(sought);
            let found = seeds
                .entry((place(sought.bug), sought.bug, sought.seed))
                .or_default();
            *found |= sought.found;
        }
        let mut missed: Vec<(&'static str, usize)> = Vec::new();
        for ((_, bug, _), found) in seeds {
            match missed.last_mut() {
                _ if found => {}
                Some((last, count)) if *last == bug => *count += 1,
                _ => missed.push((bug, 1)),
            }
        }
        Summary {
            rows: searches.into_values().map(|of| Row::of(&of)).collect(),
            missed,
        }
    }
}

impl Row {
    fn of(searches: &[&Sought]) -> Row {
        let found = || searches.iter().filter(|sought| sought.found);
        let mut programs: Vec<u64> = found().map(|sought| sought.programs).collect();
        let mut seconds: Vec<f64> = found().map(|sought| sought.cpu_seconds).collect();
        programs.sort_unstable();
        seconds.sort_by(f64::total_cmp);
        let median = seconds.get(seconds.len() / 2).copied();
        Row {
            bug: searches[0].bug,
            class: searches[0].class,
            oracle: searches[0].oracle,
            seeds: searches.len(),
            found: programs.len(),
            programs: programs.get(programs.len() / 2).copied().unwrap_or(0),
            cpu_seconds: (
                median.unwrap_or(0.0),
                seconds.last().copied().unwrap_or(0.0),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let summary = Summary::of(vec![
            sought("state", 1, true, 5),
            sought("state", 2, false, 9),
            sought("state", 3, false, 9),
            sought("verdict", 2, true, 7),
            sought("verdict", 3, false, 7),
        ]);
        assert_eq!(summary.missed, [(Bug::Cve2021_3490.id(), 1)]);
        let row = &summary.rows[0];
        assert_eq!((row.oracle, row.found, row.seeds), ("state", 1, 3));
        assert_eq!((row.programs, row.cpu_seconds), (5, (5.0, 5.0)));
    }
}
