//! Scenarios of the corpus that come to the same on the running kernel.

use std::path::Path;

use difftest::OnKernel;
use scenario::Scenario;

/// Measured on Linux 6.18. The others are skipped by rule: several objects or
/// interfaces, a scripted clock, sockets.
const GREEN: [&str; 5] = [
    "filter",
    "load-balancer",
    "port-knocking",
    "syn-flood",
    "syn-proxy",
];

/// Nothing where there is none, unless the kernel is required.
fn kernel() -> Option<OnKernel> {
    kernel::testing::kernel_or_skip()?;
    Some(OnKernel::open().expect("there is a kernel"))
}

#[test]
fn five_scenarios_are_green_on_the_kernel() {
    let Some(kernel) = kernel() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/scenarios");
    for name in GREEN {
        let scenario = Scenario::load(folder.join(format!("{name}.toml")));
        let scenario = scenario.expect("the corpus is there");
        match kernel.run(&scenario) {
            Ok(report) => report.assert(),
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

#[test]
fn no_scenario_of_the_corpus_fails_on_the_kernel() {
    let Some(kernel) = kernel() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/scenarios");
    for entry in folder.read_dir().expect("the corpus is there") {
        let path = entry.expect("the corpus can be read").path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let scenario = Scenario::load(&path).expect("a scenario");
        match kernel.run(&scenario) {
            Ok(report) => report.assert(),
            Err(error) if error.is_unsupported() => println!("{}: {error}", scenario.name),
            Err(error) => panic!("{}: {error}", scenario.name),
        }
    }
}
