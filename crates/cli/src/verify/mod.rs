//! `ebpf-sim verify`: whether Linux would load programs, in its words.

pub(crate) mod before_run;
mod columns;
mod compare;
mod explain;
mod filter;
mod raw;
mod row;
mod table;
mod text;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use abi::Program;
use loader::Object;
use verifier::log::Log;
use verifier::{Config, Observer, Privileges, Verdict};

use crate::args::{Caps, Format, VerifyArgs};
use crate::error::{self, Failure};
use crate::input;
use crate::output::Output;
use row::{Outcome, Row};

pub(crate) fn verify(args: &VerifyArgs, out: &mut Output) -> Result<ExitCode, Failure> {
    let mut session = Session::new(args)?;
    if let Some(path) = &args.programs {
        session.raw(path, out)?;
        return Ok(session.exit_code());
    }
    for path in &args.objects {
        session.object(path, out)?;
    }
    session.finish(out)
}

/// Objects gone through so far.
struct Session<'a> {
    args: &'a VerifyArgs,
    format: Format,
    config: Config,
    filters: filter::Filters,
    rows: Vec<Row>,
    refused: bool,
    unsupported: bool,
    /// Programs or objects that could not be read, which was said.
    unreadable: bool,
    /// A verdict changed against the base.
    changed: bool,
}

impl<'a> Session<'a> {
    fn new(args: &'a VerifyArgs) -> Result<Session<'a>, Failure> {
        let format = match args.json {
            true => Format::Json,
            false => args.output.unwrap_or(Format::Text),
        };
        let kernel_btf = match &args.load.btf {
            Some(path) => Some(input::read_btf(path)?),
            None => None,
        };
        Ok(Session {
            args,
            format,
            config: Config {
                privileges: match args.caps {
                    Caps::Root => Privileges::Full,
                    Caps::Bpf => Privileges::BpfOnly,
                },
                strict_alignment: args.strict_alignment,
                test_state_freq: args.test_state_freq,
                cpus: args.cpus,
                kernel_btf,
                ..Config::default()
            },
            filters: filter::Filters::new(&args.filter)?,
            rows: Vec::new(),
            refused: false,
            unsupported: false,
            unreadable: false,
            changed: false,
        })
    }

    /// Verifies the programs of one object. One that cannot be read is reported,
    /// and the next goes on.
    fn object(&mut self, path: &Path, out: &mut Output) -> Result<(), Failure> {
        let file = file_name(path);
        let object = match input::object_at(path, &self.args.load) {
            Ok(object) => object,
            Err(failure) => return self.unreadable(failure),
        };
        self.check_names(path, &object)?;
        for entry in object.entries() {
            let wanted = &self.args.program;
            if !wanted.is_empty() && !wanted.contains(&entry.name) {
                continue;
            }
            if !self.filters.may_match(&format!("{file}/{}", entry.name)) {
                continue;
            }
            match object.program(&entry.name) {
                Ok(program) => self.program(&file, &program, out)?,
                Err(error) => self.unreadable(Failure::input(path.display(), error))?,
            }
        }
        Ok(())
    }

    /// Programs that were named must be there.
    fn check_names(&self, path: &Path, object: &Object) -> Result<(), Failure> {
        let known = || object.entries().iter().map(|entry| entry.name.as_str());
        for name in &self.args.program {
            if self.args.objects.len() == 1 && !known().any(|known| known == name) {
                let known: Vec<_> = known().collect();
                let why = format!("no program {name}; there are: {}", known.join(", "));
                return Err(Failure::input(path.display(), why));
            }
        }
        Ok(())
    }

    fn unreadable(&mut self, failure: Failure) -> Result<(), Failure> {
        self.unreadable = true;
        error::say(failure);
        Ok(())
    }

    fn program(&mut self, file: &str, program: &Program, out: &mut Output) -> Result<(), Failure> {
        if self.config.kernel_btf.is_none() && !program.externs.is_empty() {
            self.config.kernel_btf = input::kernel_btf();
        }
        let (row, verdict) = self.judge(file, program, &self.config);
        if self.filters.keeps(&row) {
            self.keep(row, program, &verdict, out)?;
        }
        Ok(())
    }

    fn judge<'p>(&self, file: &str, program: &'p Program, config: &Config) -> (Row, Verdict<'p>) {
        let mut log = self.args.log_level.map(Log::new);
        let observer = log.as_mut().map(|log| log as &mut dyn Observer);
        let begin = Instant::now();
        let verdict = verifier::verify(program, config, observer);
        let took = begin.elapsed();
        let log = log.map(Log::into_text);
        (Row::new(file, program, &verdict, took, log), verdict)
    }

    fn count(&mut self, outcome: Outcome) {
        self.refused |= outcome == Outcome::Failure;
        self.unsupported |= outcome == Outcome::Unsupported;
    }

    fn keep(
        &mut self,
        mut row: Row,
        program: &Program,
        verdict: &Verdict<'_>,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let why = match verdict {
            Verdict::Refused(rejection) if self.explains() => {
                Some(verifier::explain::explain(program, &self.config, rejection))
            }
            _ => None,
        };
        match self.format {
            Format::Json => {
                row.explanation = why.as_ref().map(explain::Json::new);
                out.json(&row)?;
            }
            Format::Text => text::print(&row, why.as_ref(), self.args.explain, out)?,
            // As veristat does, before the table.
            Format::Table | Format::Csv => text::print_log(&row, out)?,
        }
        self.count(row.verdict);
        row.log = None;
        self.rows.push(row);
        Ok(())
    }

    /// Whether the report has room for an explanation.
    fn explains(&self) -> bool {
        match self.format {
            Format::Text => true,
            Format::Json => self.args.explain,
            Format::Table | Format::Csv => false,
        }
    }

    fn finish(mut self, out: &mut Output) -> Result<ExitCode, Failure> {
        let columns = columns::parse(&self.args.emit)?;
        columns::sort(&mut self.rows, &self.args.sort)?;
        if let Some(base) = &self.args.compare {
            self.changed = compare::print(base, &self.rows, self.format, out)?;
        } else {
            match self.format {
                Format::Table => table::print(&self.rows, columns.as_deref(), out)?,
                Format::Csv => table::print_csv(&self.rows, columns.as_deref(), out)?,
                Format::Text if self.rows.len() > 1 => text::print_sum(&self.rows, out)?,
                Format::Text | Format::Json => {}
            }
        }
        Ok(self.exit_code())
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::from(match () {
            () if self.unreadable => 2,
            () if self.refused || self.changed => 1,
            () if self.unsupported => 3,
            () => 0,
        })
    }
}

/// What a file is called in reports: its last component, as veristat has it.
fn file_name(path: &Path) -> String {
    match path.file_name() {
        Some(name) => name.to_string_lossy().into_owned(),
        None => input::name(path),
    }
}
