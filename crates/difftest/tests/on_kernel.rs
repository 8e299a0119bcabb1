//! Scenarios of the corpus that come to the same on the running kernel.

use std::path::Path;

use scenario::Scenario;

/// Measured on Linux 6.18. Of the others, two have several objects, and three expect
/// a scripted clock, interfaces of their own or redirects that are followed.
const GREEN: [&str; 5] = [
    "filter",
    "load-balancer",
    "port-knocking",
    "syn-flood",
    "syn-proxy",
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
