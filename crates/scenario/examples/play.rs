//! Plays scenario files, as `ebpf-sim test` does, with nothing of the command
//! around it.
#![allow(clippy::print_stdout, reason = "that is what it is for")]

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for path in std::env::args().skip(1) {
        let scenario = scenario::Scenario::load(&path)?;
        let report = scenario.run()?;
        print!("{}", scenario::report::text(&report));
        for check in &report.checks {
            for fix in &check.fixes {
                println!("  bless: {:?} = {}", fix.path, fix.value);
            }
        }
    }
    Ok(())
}
