//! Scenarios of the corpus that come to the same on the running kernel.

use std::path::Path;

use scenario::Scenario;

/// Those that need neither redirects that are followed nor routes.
const GREEN: [&str; 5] = [
    "filter",
    "nat",
    "port-knocking",
    "syn-flood",
    "rate-limiter",
];

#[test]
fn five_scenarios_are_green_on_the_kernel() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/scenarios");
    for name in GREEN {
        let scenario = Scenario::load(folder.join(format!("{name}.toml")));
        let scenario = scenario.expect("the corpus is there");
        match difftest::run_on_kernel(&scenario) {
            Ok(report) => report.assert(),
            Err(error) if error.is_unsupported() => {
                println!("{name}: {error}");
            }
            Err(error) => panic!("{name}: {error}"),
        }
    }
}
