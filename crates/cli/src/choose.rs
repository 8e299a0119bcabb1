//! Which programs of an object are run: the one on the interface, and beside it
//! those that maps may lead to.

use std::path::Path;

use abi::Program;
use loader::Object;

use crate::args::{FeedArgs, ObjectArgs};
use crate::error::Failure;
use crate::input;

/// The programs of an object that can be made, and the one on the interface.
pub(crate) struct Choice {
    pub(crate) entry: String,
    pub(crate) programs: Vec<Program>,
    /// Programs that nobody asked for and that cannot be made: they must not keep
    /// the others from running.
    pub(crate) faults: Vec<loader::Error>,
}

/// Opens the object and chooses the program that the capture is fed to.
pub(crate) fn open(args: &ObjectArgs, feed: &FeedArgs) -> Result<(Object, Choice), Failure> {
    if feed.pcap == Path::new("-") && args.object == feed.pcap {
        return Err(Failure::input(
            "--pcap -",
            "standard input is the object already",
        ));
    }
    let object = input::object(args)?;
    let choice = Choice::new(&object, args, feed.program.as_deref())?;
    Ok((object, choice))
}

impl Choice {
    /// The program that was named, or the only one that can sit on an interface,
    /// and all others.
    pub(crate) fn new(
        object: &Object,
        args: &ObjectArgs,
        program: Option<&str>,
    ) -> Result<Choice, Failure> {
        let place = args.object.display();
        let mut choice = Choice {
            entry: program.unwrap_or_default().to_owned(),
            programs: Vec::new(),
            faults: Vec::new(),
        };
        for entry in object.entries() {
            match object.program(&entry.name) {
                Ok(program) => choice.programs.push(program),
                Err(error) if program == Some(&entry.name) => {
                    return Err(Failure::input(place, error));
                }
                Err(error) => choice.faults.push(error),
            }
        }
        if program.is_none() {
            choice.entry = choice.only().map_err(|why| Failure::input(place, why))?;
        }
        Ok(choice)
    }

    /// The only program that can sit on an interface, or why there is none.
    fn only(&self) -> Result<String, String> {
        let programs = self.programs.iter();
        let fit: Vec<_> = programs
            .filter(|p| xdp_sim::attachable(p).is_ok())
            .collect();
        // Optional ones are not loaded by default, unless there is nothing else.
        let default = fit.iter().any(|p| !p.optional);
        let candidates: Vec<_> = fit
            .iter()
            .filter(|p| !(default && p.optional))
            .map(|p| p.name.as_str())
            .collect();
        match candidates[..] {
            [only] => Ok(only.to_owned()),
            [] => Err(self.nothing_to_run()),
            _ => Err(format!(
                "several XDP programs: choose one with --program: {}",
                candidates.join(", ")
            )),
        }
    }

    fn nothing_to_run(&self) -> String {
        if let Some(fault) = self.faults.first() {
            return match fault {
                loader::Error::ProgramType { .. } => format!("{fault} with --type"),
                _ => fault.to_string(),
            };
        }
        let known = self
            .programs
            .iter()
            .map(|p| format!("{} ({})", p.name, p.prog_type));
        let known: Vec<_> = known.collect();
        match known.is_empty() {
            true => "there is no program in this object".to_owned(),
            false => format!("no XDP program; there are: {}", known.join(", ")),
        }
    }
}
