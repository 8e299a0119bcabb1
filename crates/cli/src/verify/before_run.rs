//! What `run` asks before the first packet: whether Linux would load the programs.

use abi::Proven;
use verifier::{Config, Verdict};

use super::explain;
use crate::args::RunArgs;
use crate::choose::Choice;
use crate::error::{self, Failure};
use crate::input;

/// Verifies the program on the interface, and those that it may lead to. Gives the
/// names of those that are accepted, and what holds of them.
///
/// A refusal of the first is an error; of the others, and where no verdict can be
/// given, a warning.
pub(crate) fn check(args: &RunArgs, choice: &Choice) -> Result<Vec<(String, Proven)>, Failure> {
    let mut accepted = Vec::new();
    let mut config = Config {
        cpus: args.cpus,
        ..Config::default()
    };
    for program in &choice.programs {
        let is_entry = program.name == choice.entry;
        if !is_entry && program.optional {
            continue;
        }
        if config.kernel_btf.is_none() && !program.externs.is_empty() {
            config.kernel_btf = input::kernel_btf();
        }
        let name = &program.name;
        match verifier::verify(program, &config, None) {
            Verdict::Accepted(acceptance) => {
                accepted.push((name.clone(), acceptance.into_proven()));
            }
            Verdict::Refused(rejection) if is_entry => {
                let why = verifier::explain::explain(program, &config, &rejection);
                let text = explain::text(&why, false);
                return Err(Failure::Refused {
                    place: args.object.object.display().to_string(),
                    why: format!(
                        "Linux would refuse program {name}: {}\n{text}  \
                         --unverified runs it all the same, with every access checked",
                        why.sentence
                    ),
                });
            }
            Verdict::Refused(rejection) => {
                let message = rejection.reason.to_string();
                let sentence = message.lines().next_back().unwrap_or_default();
                error::warn(format_args!(
                    "Linux would refuse program {name}: {sentence}"
                ));
            }
            Verdict::Unsupported(undecided) if is_entry => {
                let what = &undecided.unsupported.feature;
                error::warn(format_args!(
                    "program {name} is not verified: it uses {what}"
                ));
            }
            Verdict::Unsupported(_) => {}
        }
    }
    Ok(accepted)
}
