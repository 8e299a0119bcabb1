//! Calls of every helper with every kind of value in every argument: our verifier
//! and the running kernel must say the same.
//!
//! `VERIFY_HELPERS=text` takes only helpers whose name contains the text.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;

use difftest::verify::helper_calls::{Case, cases, helpers};
use difftest::verify::{Judge, LinuxJudge, Opinion, OurJudge, Said};
use kernel::testing::{kernel_or_skip, note};

/// In how many flavors a helper is called.
const FLAVORS: usize = 2;

#[derive(Default)]
struct Table {
    agreed: usize,
    unsupported: BTreeMap<String, usize>,
    /// By what the two say, the calls.
    disagreed: BTreeMap<(String, String), Vec<String>>,
    /// Accepted by us, refused by Linux.
    unsafe_: Vec<String>,
}

impl Table {
    fn add(&mut self, case: &Case, ours: &Opinion, linux: &Opinion) {
        if let Said::Unsupported(feature) = &ours.said {
            *self.unsupported.entry(feature.clone()).or_default() += 1;
            return;
        }
        if (&ours.said, &ours.message) == (&linux.said, &linux.message) {
            self.agreed += 1;
            return;
        }
        if ours.said == Said::Accepted {
            self.unsafe_.push(format!("{case}: {}", linux.message));
        }
        let said = |opinion: &Opinion| format!("{}: {}", opinion.said, opinion.message);
        let calls = self.disagreed.entry((said(ours), said(linux))).or_default();
        calls.push(case.to_string());
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let disagreed: usize = self.disagreed.values().map(Vec::len).sum();
        let unsupported: usize = self.unsupported.values().sum();
        writeln!(
            f,
            "helper calls: {} agreed, {disagreed} disagreed ({} accepted by us alone), {unsupported} unsupported",
            self.agreed,
            self.unsafe_.len(),
        )?;
        for (feature, count) in &self.unsupported {
            writeln!(f, "  {count:6} unsupported: {feature}")?;
        }
        for ((ours, linux), calls) in &self.disagreed {
            writeln!(f, "  {:6} ours: {ours}", calls.len())?;
            writeln!(f, "        linux: {linux}")?;
            writeln!(f, "            {}", calls[0])?;
        }
        Ok(())
    }
}

#[test]
fn arguments_of_helpers() {
    let Some(kernel) = kernel_or_skip() else {
        return;
    };
    let mut ours = OurJudge::of(&kernel);
    let mut linux = LinuxJudge::new(kernel);
    let wanted = std::env::var("VERIFY_HELPERS").unwrap_or_default();
    let mut table = Table::default();
    for helper in helpers().filter(|helper| helper.name.contains(&wanted)) {
        for case in cases(helper, FLAVORS) {
            let ask = |judge: &mut dyn Judge| {
                let opinion = judge.judge(&case.raw, 1);
                opinion.unwrap_or_else(|error| panic!("{case}: {error}"))
            };
            table.add(&case, &ask(&mut ours), &ask(&mut linux));
        }
    }
    note(&table.to_string());
    assert!(table.unsafe_.is_empty(), "{}", table.unsafe_.join("\n"));
}
