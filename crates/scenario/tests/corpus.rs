//! The scenarios of the corpus, which double as documentation, are green.

#![allow(clippy::unwrap_used, reason = "a test says so and ends")]

use std::path::Path;

use scenario::Scenario;

#[test]
fn all_are_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/scenarios");
    let mut run = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let scenario = Scenario::load(&path).unwrap_or_else(|error| panic!("{error}"));
        let report = scenario.run().unwrap_or_else(|error| panic!("{error}"));
        report.assert();
        // A step that expects nothing shows nothing.
        for check in &report.checks {
            assert!(check.expectations > 0, "{}: {}", path.display(), check.name);
        }
        assert_eq!(report.notes, [""; 0]);
        run += 1;
    }
    assert!(run >= 10, "{run}");
}

/// Compiled code comes to the same, to the number of instructions.
#[test]
fn engines_agree() {
    use scenario::run::{Engine, run_with};
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/scenarios");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let scenario = Scenario::load(&path).unwrap();
        let fates = |engine| {
            let mut fates = Vec::new();
            let report = run_with(&scenario, engine, &mut |_, fate| {
                fates.push(fate.clone());
                Ok(())
            });
            report.unwrap().assert();
            fates
        };
        let interpreted = fates(Engine::Interpreter);
        assert!(interpreted == fates(Engine::Auto), "{}", path.display());
    }
}
