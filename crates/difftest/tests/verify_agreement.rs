//! Our verifier against what Linux said of samples, of random programs and of the
//! corpus' objects; and those measurements against the running kernel.
//!
//! What differs is listed in `corpus/known-differences.toml`, or the test fails.
//! Programs of which we give no verdict are counted apart.
#![cfg(target_os = "linux")]

#[path = "support/sources.rs"]
mod sources;

use std::collections::BTreeMap;

use difftest::KnownDifferences;
use difftest::verify::{Aspect, Compared, Judge, LinuxJudge, Opinion, OurJudge, Said, Table};
use kernel::Kernel;
use kernel::testing::{kernel_or_skip, note};
use sources::Case;

/// Of the random programs, one in so many is put to the running kernel again.
const RANDOM_SAMPLE: usize = 25;

/// Logs of programs that take more instructions are not compared: they are long,
/// and tell the same again and again.
const LONG: u32 = 20_000;

/// Of the random programs, so many in a hundred agree in all that was measured.
const RANDOM_SHARE: f64 = 99.0;

/// Our verifier, told of the running kernel where there is one.
fn ours() -> OurJudge {
    match Kernel::open() {
        Ok(kernel) => OurJudge::of(&kernel),
        Err(_) => OurJudge::default(),
    }
}

/// Programs compared, and where they differ.
struct Agreement {
    family: &'static str,
    ours: OurJudge,
    known: KnownDifferences,
    table: Table,
    asked: usize,
    unsupported: BTreeMap<String, Vec<String>>,
    /// Names of programs that differ anywhere.
    differing: Vec<String>,
    unknown: String,
    /// Accepted by us and refused by Linux, and not listed.
    unsafe_programs: Vec<String>,
}

impl Agreement {
    fn new(family: &'static str) -> Agreement {
        let list = std::fs::read_to_string(sources::corpus().join("known-differences.toml"));
        let list = list.expect("the list of known differences");
        Agreement {
            family,
            ours: ours(),
            known: KnownDifferences::parse(&list, family).expect("the list is well formed"),
            table: Table::default(),
            asked: 0,
            unsupported: BTreeMap::new(),
            differing: Vec::new(),
            unknown: String::new(),
            unsafe_programs: Vec::new(),
        }
    }

    /// Asks our verifier, with its logs where Linux's are to be compared.
    fn ask(&mut self, case: &Case, linux: &Opinion, logs: &BTreeMap<u32, String>) {
        self.asked += 1;
        let mut ours = opinion(&mut self.ours, case, 0);
        if let Said::Unsupported(feature) = &ours.said {
            self.table.add_unsupported(&case.topic);
            let names = self.unsupported.entry(feature.clone()).or_default();
            return names.push(case.name.clone());
        }
        let mut compared = Compared::new(linux, &ours);
        for (level, aspect) in [(1, Aspect::Log1), (2, Aspect::Log2)] {
            if let Some(log) = logs.get(&level) {
                ours = opinion(&mut self.ours, case, level);
                compared.logs(aspect, log, &ours.log);
            }
        }
        self.add(case, linux, &ours, &compared);
    }

    fn add(&mut self, case: &Case, linux: &Opinion, ours: &Opinion, compared: &Compared) {
        self.table.add(&case.topic, compared);
        if !compared.differences.is_empty() {
            self.differing.push(case.name.clone());
        }
        for difference in &compared.differences {
            if self.known.lists(&case.name, difference.aspect.name()) {
                continue;
            }
            self.unknown += &format!("{}: {difference}\n", case.name);
            if difference.aspect == Aspect::Verdict
                && ours.said == Said::Accepted
                && linux.said != Said::Accepted
            {
                self.unsafe_programs.push(case.name.clone());
            }
        }
    }

    /// Tells what was compared; fails where we accept what Linux refuses, and
    /// where a listed difference is gone.
    fn tell(&self) {
        note(&format!("{}:\n{}", self.family, self.table));
        for (feature, names) in &self.unsupported {
            note(&format!("unsupported: {feature}: {}", names.join(" ")));
        }
        let accepted = &self.unsafe_programs;
        assert!(
            accepted.is_empty(),
            "accepted by us, refused by Linux: {accepted:?}"
        );
        let over: Vec<_> = self.known.stale().iter().map(|(_, k)| &k.id).collect();
        assert!(
            over.is_empty(),
            "known-differences.toml lists what is over: {over:?}"
        );
    }

    /// The share of programs that agree in everything, in per cent.
    fn share(&self) -> f64 {
        let unsupported: usize = self.unsupported.values().map(Vec::len).sum();
        let agree = self.asked - unsupported - self.differing.len();
        100.0 * agree as f64 / self.asked as f64
    }
}

fn opinion(ours: &mut OurJudge, case: &Case, level: u32) -> Opinion {
    match ours.judge(&case.raw, level) {
        Ok(opinion) => opinion,
        Err(error) => panic!("{}: {error}", case.name),
    }
}

#[test]
fn we_agree_on_the_samples() {
    let mut agreement = Agreement::new("verifier samples");
    let nothing = BTreeMap::new();
    for case in sources::samples() {
        let linux = case.stored.clone().expect("a sample was measured");
        // Line for line the logs are those that were made for it.
        let logs = if case.topic == "log" {
            &case.logs
        } else {
            &nothing
        };
        agreement.ask(&case, &linux, logs);
    }
    agreement.tell();
    assert!(agreement.unknown.is_empty(), "{}", agreement.unknown);
}

#[test]
fn we_agree_on_random_programs() {
    let mut agreement = Agreement::new("verifier random");
    for case in sources::random() {
        let linux = case.stored.clone().expect("a random program was measured");
        agreement.ask(&case, &linux, &BTreeMap::new());
    }
    agreement.tell();
    let share = agreement.share();
    note(&format!(
        "random programs: {share:.2} % agree in everything"
    ));
    assert!(
        share >= RANDOM_SHARE,
        "{share:.2} %:\n{}",
        agreement.unknown
    );
}

#[test]
fn we_agree_on_the_objects_of_the_corpus() {
    let Some(kernel) = kernel_or_skip() else {
        return;
    };
    let mut linux = LinuxJudge::new(kernel);
    let mut agreement = Agreement::new("verifier objects");
    let others = sources::mistakes().into_iter().chain(sources::benches());
    for case in sources::objects().into_iter().chain(others) {
        let answer = linux.judge(&case.raw, 1 | 4);
        let answer = answer.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        agreement.ask(&case, &answer, &BTreeMap::new());
    }
    agreement.tell();
    assert!(agreement.unknown.is_empty(), "{}", agreement.unknown);
}

#[test]
fn we_write_the_logs_that_linux_writes() {
    let Some(kernel) = kernel_or_skip() else {
        return;
    };
    let mut linux = LinuxJudge::new(kernel);
    let mut agreement = Agreement::new("verifier logs");
    let random = sources::random().into_iter().step_by(RANDOM_SAMPLE);
    let written = sources::objects().into_iter().chain(sources::file_cases());
    for case in written.chain(random) {
        let mut answer = |level| match linux.judge(&case.raw, level) {
            Ok(answer) => answer,
            Err(error) => panic!("{}: {error}", case.name),
        };
        let opinion = answer(1 | 4);
        if opinion.counts.processed.is_some_and(|count| count > LONG) {
            continue;
        }
        let logs = BTreeMap::from([(1, answer(1).log), (2, answer(2).log)]);
        agreement.ask(&case, &opinion, &logs);
    }
    agreement.tell();
    assert!(agreement.unknown.is_empty(), "{}", agreement.unknown);
}

#[test]
fn what_is_wrong_is_refused_and_what_is_right_is_not() {
    let mut ours = ours();
    for case in sources::mistakes() {
        let wrong = case.name.ends_with("/wrong");
        let said = opinion(&mut ours, &case, 0).said;
        assert_eq!(said == Said::Accepted, !wrong, "{}: {said}", case.name);
    }
}

#[test]
fn linux_still_says_what_was_measured() {
    let Some(kernel) = kernel_or_skip() else {
        return;
    };
    let mut linux = LinuxJudge::new(kernel);
    let mut wrong = String::new();
    let mut table = Table::default();
    let random = sources::random().into_iter().step_by(RANDOM_SAMPLE);
    for case in sources::samples().into_iter().chain(random) {
        let measured = case.stored.as_ref().expect("a sample was measured");
        let answer = linux.judge(&case.raw, 1 | 4);
        let answer = answer.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let mut compared = Compared::new(measured, &answer);
        compare_logs(&mut compared, &case, &mut linux);
        table.add(&case.topic, &compared);
        for difference in &compared.differences {
            wrong += &format!("{}: {difference}\n", case.name);
        }
    }
    note(&format!("{table}"));
    assert!(wrong.is_empty(), "{wrong}");
}

/// Holds the logs that were kept against those that a judge writes now.
fn compare_logs(compared: &mut Compared, case: &Case, judge: &mut dyn Judge) {
    for (level, aspect) in [(1, Aspect::Log1), (2, Aspect::Log2)] {
        let Some(log) = case.logs.get(&level) else {
            continue;
        };
        let answer: Opinion = match judge.judge(&case.raw, level) {
            Ok(answer) => answer,
            Err(error) => panic!("{}: {error}", case.name),
        };
        compared.logs(aspect, log, &answer.log);
    }
}
