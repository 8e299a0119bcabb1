//! `fuzz --self-test`: whether known bugs would be found.

use std::process::ExitCode;

use difftest::fuzz::Plan;

use crate::args::FuzzArgs;
use crate::error::Failure;
use crate::output::Output;

#[cfg(not(feature = "inject"))]
pub(super) fn self_test(_: &FuzzArgs, _: &Plan, _: &mut Output) -> Result<ExitCode, Failure> {
    let why = "this build has no bugs to bring back, as no build for use should: \
               `cargo build --release -p ebpf-sim --features inject` makes one that has";
    Err(Failure::input("--self-test", why))
}

#[cfg(feature = "inject")]
pub(super) use armed::self_test;

#[cfg(feature = "inject")]
mod armed {
    use std::ops::ControlFlow;

    use comfy_table::CellAlignment;

    use difftest::families::Seed;
    use difftest::fuzz::{self, OracleKind, Row, SelfTest, Sought, Summary};
    use inject::{ABSENT, Bug};

    use super::*;
    use crate::args::SelfTestArgs;
    use crate::error;
    use crate::layout::{grouped, table};

    pub(in super::super) fn self_test(
        args: &FuzzArgs,
        plan: &Plan,
        out: &mut Output,
    ) -> Result<ExitCode, Failure> {
        let mut failure = None;
        let searches = SelfTest {
            bugs: bugs(&args.self_test)?,
            oracles: oracles(plan),
            against: plan.against.clone(),
            seeds: (0..args.self_test.seeds)
                .map(|n| Seed(plan.seed.0.wrapping_add(n)))
                .collect(),
            mix: args.mix,
            budget: args.self_test.budget,
            jobs: plan.jobs,
        };
        let summary = fuzz::self_test(&searches, &mut |sought| match tell(sought, out) {
            Ok(()) => ControlFlow::Continue(()),
            Err(why) => {
                failure = Some(why);
                ControlFlow::Break(())
            }
        })
        .map_err(super::super::cannot)?;
        if let Some(failure) = failure {
            return Err(failure);
        }
        error::say(text(&summary, &args.self_test));
        Ok(match summary.missed.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(1),
        })
    }

    fn bugs(args: &SelfTestArgs) -> Result<Vec<Bug>, Failure> {
        if args.bugs.is_empty() {
            return Ok(Bug::ALL.to_vec());
        }
        let bug = |id: &String| {
            let absent = ABSENT.iter().find(|absent| absent.id == id);
            Bug::by_id(id).ok_or_else(|| {
                let why = absent.map_or("no such bug".to_owned(), |absent| {
                    format!("it cannot be brought back: {}", absent.why)
                });
                Failure::input(format!("--bugs {id}"), why)
            })
        };
        args.bugs.iter().map(bug).collect()
    }

    /// A panic is looked for as well.
    fn oracles(plan: &Plan) -> Vec<OracleKind> {
        let mut oracles = plan.oracles.clone();
        if !oracles.contains(&OracleKind::Crash) {
            oracles.push(OracleKind::Crash);
        }
        oracles
    }

    fn tell(sought: &Sought, out: &mut Output) -> Result<(), Failure> {
        out.json(sought)?;
        out.flush()
    }

    fn text(summary: &Summary, args: &SelfTestArgs) -> String {
        let mut table = table(&[
            "bug", "class", "oracle", "found", "programs", "at most", "seconds", "at most",
        ]);
        for column in table.column_iter_mut().skip(1).take(2) {
            column.set_cell_alignment(CellAlignment::Left);
        }
        for of in &summary.rows {
            table.add_row(row(of));
        }
        let lines: Vec<_> = table
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        let mut text = lines.join("\n");
        for (bug, seeds) in &summary.missed {
            text += &format!("\nnot found: {bug}, with {seeds} of {} seeds", args.seeds);
        }
        text
    }

    fn row(row: &Row) -> Vec<String> {
        let found = format!("{}/{}", row.found, row.seeds);
        let mut cells = vec![
            row.bug.to_owned(),
            row.class.to_owned(),
            row.oracle.to_owned(),
            found,
        ];
        let (programs, seconds) = (row.programs, row.cpu_seconds);
        cells.extend(match row.found {
            0 => ["-"; 4].map(str::to_owned),
            _ => [
                grouped(programs.0),
                grouped(programs.1),
                format!("{:.3}", seconds.0),
                format!("{:.3}", seconds.1),
            ],
        });
        cells
    }
}
