//! The `ebpf-sim` command.
//!
//! Reads arguments and files, asks the libraries, renders what they answer. It
//! decides nothing itself, and it is the only crate that prints and exits.
//!
//! Exit codes: 0 as expected, 1 a program trapped or Linux answers otherwise,
//! 2 usage or unreadable input, 3 not simulated or not to be asked.
#![forbid(unsafe_code)]

mod args;
mod bench;
mod choose;
mod compare;
mod disasm;
mod error;
mod explain;
mod features;
mod fuzz;
mod input;
mod inspect;
mod layout;
mod output;
mod progress;
mod run;
mod test;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Args, Command};
use error::Failure;
use output::Output;

/// The libraries take whatever allocator the process has; this is the process
/// where a verdict's time counts.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    let mut out = Output::stdout();
    match dispatch(&args.command, &mut out).and_then(|code| out.flush().map(|()| code)) {
        Ok(code) => code,
        Err(failure) => {
            // What was printed so far stays printed.
            let _ = out.flush();
            failed(&failure)
        }
    }
}

fn dispatch(command: &Command, out: &mut Output) -> Result<ExitCode, Failure> {
    match command {
        Command::Run(args) => run::run(args, out),
        Command::Test(args) => test::test(args, out),
        Command::Compare(args) => compare::compare(args, out),
        Command::Bench(args) => bench::bench(args, out),
        Command::Verify(args) => verify::verify(args, out),
        Command::Fuzz(args) => fuzz::fuzz(args, out),
        Command::Explain(args) => explain::explain(args, out),
        Command::Features(args) => features::features(args, out),
        Command::Inspect(args) => inspect::inspect(args, out),
        Command::Disasm(args) => disasm::disasm(args, out),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Args::command(), "ebpf-sim", out);
            Ok(ExitCode::SUCCESS)
        }
        Command::Man { directory } => {
            match directory {
                Some(directory) => std::fs::create_dir_all(directory)
                    .and_then(|()| clap_mangen::generate_to(Args::command(), directory))
                    .map_err(|e| Failure::write(directory, e))?,
                None => clap_mangen::Man::new(Args::command())
                    .render(out)
                    .map_err(Failure::output)?,
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Says why the command ends early, if there is anything to say.
fn failed(failure: &Failure) -> ExitCode {
    if !matches!(failure, Failure::ClosedPipe) {
        error::say(failure);
    }
    failure.exit_code()
}

/// Prints help or a usage error the way clap wants it, with our exit codes.
fn usage(error: &clap::Error) -> ExitCode {
    if let Err(failure) = error.print().map_err(Failure::output) {
        return failed(&failure);
    }
    if error.use_stderr() {
        ExitCode::from(2)
    } else {
        ExitCode::SUCCESS
    }
}
