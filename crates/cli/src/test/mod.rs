//! `ebpf-sim test`: scenarios, run and checked.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use difftest::OnKernel;
use scenario::run::run_with;
use scenario::{Recorder, Report, Scenario, report};

use crate::args::{Engine, Ground, TestArgs};
use crate::error::{Failure, say, warn};
use crate::output::Output;

pub(crate) fn test(args: &TestArgs, out: &mut Output) -> Result<ExitCode, Failure> {
    for_the_kernel(args)?;
    let mut worst = 0;
    let recorder = Recorder::new(args.write.as_deref(), args.write_per_interface.as_deref());
    let mut recorder = recorder.map_err(|e| Failure::input("captures", e))?;
    let kernel = kernel(args)?;
    let mut reports = Vec::new();
    for path in &args.scenarios {
        match one(path, args, kernel.as_ref(), &mut recorder, out) {
            Ok(Some(report)) => {
                worst = worst.max(u8::from(!report.is_ok()));
                reports.push(report);
            }
            Ok(None) => {}
            // The other files are run all the same.
            Err(Stop::Scenario(error)) => {
                say(&error);
                worst = worst.max(code(&error));
            }
            Err(Stop::Other(failure)) => return Err(failure),
        }
    }
    let written = recorder.finish();
    written.map_err(|e| Failure::input("captures", e))?;
    if let Some(path) = &args.junit {
        let xml = report::junit(&reports);
        fs::write(path, xml).map_err(|e| Failure::write(path, e))?;
    }
    match args.tap {
        true => out.line(report::tap(&reports).trim_end())?,
        false => summary(&reports, out)?,
    }
    Ok(ExitCode::from(worst))
}

/// Why a file gave no report.
enum Stop {
    Scenario(scenario::Error),
    Other(Failure),
}

impl From<scenario::Error> for Stop {
    fn from(error: scenario::Error) -> Stop {
        Stop::Scenario(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Other(failure)
    }
}

/// One file; nothing where it is filtered out.
fn one(
    path: &Path,
    args: &TestArgs,
    kernel: Option<&OnKernel>,
    recorder: &mut Recorder,
    out: &mut Output,
) -> Result<Option<Report>, Stop> {
    let scenario = Scenario::load(path)?;
    let wanted =
        |filter: &String| scenario.name.contains(filter) || path.to_string_lossy().contains(filter);
    if !args.filter.is_empty() && !args.filter.iter().any(wanted) {
        return Ok(None);
    }
    let mut report = match kernel {
        None => {
            let mut record = |now, fate: &_| recorder.packet(now, fate);
            let engine = args.engine.unwrap_or(Engine::Auto);
            run_with(&scenario, engine.into(), &mut record)?
        }
        Some(kernel) => on_kernel(kernel, &scenario)?,
    };
    for note in &report.notes {
        warn(format_args!("{}: {note}", path.display()));
    }
    if !args.tap {
        out.line(report::text(&report).trim_end())?;
    }
    if args.bless {
        report = bless(path, args, report, out)?;
    }
    Ok(Some(report))
}

/// Refuses options that mean nothing where the kernel runs the programs.
fn for_the_kernel(args: &TestArgs) -> Result<(), Failure> {
    let given = [
        (args.engine.is_some(), "--engine"),
        (args.bless, "--bless"),
        (args.write.is_some(), "--write"),
        (args.write_per_interface.is_some(), "--write-per-interface"),
    ];
    match given.into_iter().find(|(given, _)| *given) {
        Some((_, option)) if args.on == Ground::Kernel => {
            Err(Failure::input(option, "not with --on kernel"))
        }
        _ => Ok(()),
    }
}

/// The kernel, where it is to run the programs. That it cannot is an error, so that
/// nobody takes a row of skipped scenarios for a green one.
fn kernel(args: &TestArgs) -> Result<Option<OnKernel>, Failure> {
    match args.on {
        Ground::Simulator => Ok(None),
        Ground::Kernel => {
            let kernel = OnKernel::open();
            let kernel = kernel.map_err(|why| Failure::unsupported("--on kernel", why))?;
            Ok(Some(kernel))
        }
    }
}

/// What the running kernel cannot be asked is no failure of the scenario.
fn on_kernel(kernel: &OnKernel, scenario: &Scenario) -> Result<Report, scenario::Error> {
    match kernel.run(scenario) {
        Err(error) if error.is_unsupported() => Ok(Report::skipped(scenario, error)),
        other => other,
    }
}

/// Writes into the file what happened, and runs it again.
fn bless(path: &Path, args: &TestArgs, report: Report, out: &mut Output) -> Result<Report, Stop> {
    let fixes: Vec<_> = report.checks.iter().flat_map(|c| c.fixes.clone()).collect();
    if fixes.is_empty() {
        return Ok(report);
    }
    let text = fs::read_to_string(path).map_err(|e| Failure::read(path, e))?;
    let blessed = scenario::bless(&text, &fixes);
    let blessed = blessed.map_err(|e| Failure::input(path.display(), e))?;
    fs::write(path, blessed).map_err(|e| Failure::write(path, e))?;
    let again = Scenario::load(path)?.run()?;
    let count = fixes.len();
    let left = again.misses().count();
    // TAP is alone on standard output.
    let line = match left {
        0 => format!("{count} expectations written"),
        _ => format!("{count} expectations written, {left} cannot be"),
    };
    match args.tap {
        true => say(format_args!("{}: {line}", path.display())),
        false => out.line(format_args!("  blessed: {line}"))?,
    }
    Ok(again)
}

/// One line about all files.
fn summary(reports: &[Report], out: &mut Output) -> Result<(), Failure> {
    let checks: usize = reports.iter().map(|r| r.checks.len()).sum();
    let expectations: u64 = reports
        .iter()
        .flat_map(|r| &r.checks)
        .map(|c| c.expectations)
        .sum();
    let missed: usize = reports.iter().map(|r| r.misses().count()).sum();
    let failed = reports.iter().filter(|r| !r.is_ok()).count();
    let skipped = reports.iter().filter(|r| r.skipped.is_some()).count();
    out.line(format_args!(
        "\n{} scenarios, {checks} steps, {expectations} expectations: {}{}",
        reports.len(),
        match missed {
            0 => "all met".to_owned(),
            _ => format!("{missed} missed in {failed}"),
        },
        match skipped {
            0 => String::new(),
            _ => format!("; {skipped} skipped"),
        }
    ))
}

/// The exit code that an error calls for.
fn code(error: &scenario::Error) -> u8 {
    match () {
        () if error.is_unsupported() => 3,
        () if error.is_refusal() => 1,
        () => 2,
    }
}
