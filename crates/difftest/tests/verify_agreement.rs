//! Our verifier against what Linux said of samples, of random programs and of the
//! corpus' objects; and those measurements against the running kernel.
#![cfg(target_os = "linux")]

#[path = "support/sources.rs"]
mod sources;

use difftest::verify::{Aspect, Compared, Judge, LinuxJudge, Opinion, Table};
use kernel::testing::{kernel_or_skip, note};
use sources::Case;

/// Of the random programs, one in so many is put to the running kernel again.
const RANDOM_SAMPLE: usize = 25;

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
