//! Where our verifier and Linux's agree, and where they do not.
//!
//! ```text
//! cargo run -q -p ebpf-sim-difftest --example agreement -- [FILTER] [OPTIONS]
//! ```
//!
//! Without a filter: everything, as a table by topic and lists of disagreements
//! grouped by what is said. A filter takes what has the text in its name:
//! `err_`, `log_`, `exp_`, `random_`, `files/maps`, `objects/balancer`. If one is
//! left, it is shown whole: Linux's log of level 2 beside ours.
//!
//! Options: `--level N` of the log shown; `--all` for the names of all in a group;
//! `--quick` leaves most random programs out; `--stored` asks no kernel; `--logs`
//! compares the logs of all programs, not of the samples alone; `--objects FOLDER`
//! takes the programs of the objects (`*.o`) there instead.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what an example is for"
)]

#[cfg(target_os = "linux")]
#[path = "../../tests/support/sources.rs"]
mod sources;

#[cfg(target_os = "linux")]
mod diff;

#[cfg(target_os = "linux")]
fn main() {
    asking::main();
}

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
mod asking {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use difftest::verify::{
        Aspect, Compared, Judge, LinuxJudge, Opinion, OurJudge, Said, Table, normal,
    };

    use super::diff;
    use super::sources::{self, Case};

    /// Logs of programs with more instructions processed are not compared.
    const LONG: u32 = 20_000;

    pub(super) struct Options {
        filter: String,
        level: u32,
        all: bool,
        quick: bool,
        stored: bool,
        logs: bool,
        objects: Option<PathBuf>,
    }

    impl Options {
        fn read() -> Options {
            let mut options = Options {
                filter: String::new(),
                level: 2,
                all: false,
                quick: false,
                stored: false,
                logs: false,
                objects: None,
            };
            let mut words = std::env::args().skip(1);
            while let Some(word) = words.next() {
                match word.as_str() {
                    "--all" => options.all = true,
                    "--quick" => options.quick = true,
                    "--stored" => options.stored = true,
                    "--logs" => options.logs = true,
                    "--objects" => options.objects = words.next().map(PathBuf::from),
                    "--level" => {
                        let level = words.next().and_then(|level| level.parse().ok());
                        options.level = level.unwrap_or(2);
                    }
                    filter => options.filter = filter.to_owned(),
                }
            }
            options
        }
    }

    pub(super) fn main() {
        let options = Options::read();
        let mut linux = match options.stored {
            true => None,
            false => kernel::Kernel::open().ok().map(LinuxJudge::new),
        };
        let mut ours = match &linux {
            Some(linux) => OurJudge::of(linux.kernel()),
            None => OurJudge::default(),
        };
        let mut cases = match &options.objects {
            Some(folder) => sources::objects_of(folder, "objects"),
            None => sources::cases(),
        };
        let exact: Vec<usize> = (0..cases.len())
            .filter(|&i| cases[i].name == options.filter)
            .collect();
        match exact.as_slice() {
            [one] => cases = vec![cases.swap_remove(*one)],
            _ => cases.retain(|case| case.name.contains(&options.filter)),
        }
        if options.quick {
            let mut kept = 0;
            cases.retain(|case| {
                kept += u32::from(case.topic == "random");
                case.topic != "random" || kept % 20 == 0
            });
        }
        match cases.as_slice() {
            [] => eprintln!("nothing has `{}` in its name", options.filter),
            [one] => show(one, linux.as_mut(), &mut ours, &options),
            _ => report(&cases, linux.as_mut(), &mut ours, &options),
        }
    }

    /// What Linux says: what was stored, or the running kernel.
    fn linux_says(case: &Case, linux: Option<&mut LinuxJudge>) -> Option<Opinion> {
        match (&case.stored, linux) {
            (Some(stored), _) => Some(stored.clone()),
            (None, Some(linux)) => linux.judge(&case.raw, 1 | 4).ok(),
            (None, None) => None,
        }
    }

    fn report(
        cases: &[Case],
        mut linux: Option<&mut LinuxJudge>,
        ours: &mut OurJudge,
        options: &Options,
    ) {
        // What a panic says would drown the report; it is counted.
        std::panic::set_hook(Box::new(|_| {}));
        let mut table = Table::default();
        let mut groups: BTreeMap<(Aspect, String), Vec<String>> = BTreeMap::new();
        let mut unsupported: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut broken: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for case in cases {
            let Some(theirs) = linux_says(case, linux.as_deref_mut()) else {
                let reason = "Linux cannot be asked".to_owned();
                broken.entry(reason).or_default().push(case.name.clone());
                continue;
            };
            let opinion = match ours.judge(&case.raw, 0) {
                Ok(opinion) => opinion,
                Err(why) => {
                    let why = why.to_string();
                    broken.entry(why).or_default().push(case.name.clone());
                    continue;
                }
            };
            if let Said::Unsupported(feature) = &opinion.said {
                table.add_unsupported(&case.topic);
                let names = unsupported.entry(feature.clone()).or_default();
                names.push(case.name.clone());
                continue;
            }
            let mut compared = Compared::new(&theirs, &opinion);
            for (level, aspect) in [(1, Aspect::Log1), (2, Aspect::Log2)] {
                let mut log = case.logs.get(&level).cloned();
                let short = opinion.counts.processed.is_some_and(|n| n < LONG);
                if options.logs
                    && short
                    && let Some(linux) = linux.as_deref_mut()
                {
                    log = linux.judge(&case.raw, level).ok().map(|answer| answer.log);
                }
                if let Some(log) = log
                    && let Ok(ours) = ours.judge(&case.raw, level)
                {
                    compared.logs(aspect, &log, &ours.log);
                }
            }
            table.add(&case.topic, &compared);
            for difference in &compared.differences {
                let key = (difference.aspect, shape(&difference.to_string()));
                groups.entry(key).or_default().push(case.name.clone());
            }
        }
        print_groups(&groups, options);
        print_named("unsupported", &unsupported, options);
        print_named("not asked", &broken, options);
        println!("{table}");
        for aspect in Aspect::ALL {
            let (all, equal) = table.total(aspect);
            if all > 0 {
                let share = 100.0 * equal as f64 / all as f64;
                println!("{:<10} {equal:>6} of {all:>6}  {share:.2} %", aspect.name());
            }
        }
    }

    fn print_groups(groups: &BTreeMap<(Aspect, String), Vec<String>>, options: &Options) {
        let mut sorted: Vec<_> = groups.iter().collect();
        sorted.sort_by_key(|((aspect, _), names)| (*aspect, std::cmp::Reverse(names.len())));
        for ((_, what), names) in sorted {
            println!(
                "{:>5}  {what}\n       {}",
                names.len(),
                some(names, options)
            );
        }
        println!();
    }

    fn print_named(title: &str, groups: &BTreeMap<String, Vec<String>>, options: &Options) {
        let mut sorted: Vec<_> = groups.iter().collect();
        sorted.sort_by_key(|(_, names)| std::cmp::Reverse(names.len()));
        for (what, names) in sorted {
            println!(
                "{:>5}  {title}: {what}\n       {}",
                names.len(),
                some(names, options)
            );
        }
        println!();
    }

    fn some(names: &[String], options: &Options) -> String {
        const SHOWN: usize = 5;
        let shown = if options.all { names.len() } else { SHOWN };
        let more = names.len().saturating_sub(shown);
        let mut text: Vec<_> = names.iter().take(shown).cloned().collect();
        if more > 0 {
            text.push(format!("… and {more} more"));
        }
        text.join(" ")
    }

    /// A text with its numbers left out, so that what is alike falls together.
    fn shape(text: &str) -> String {
        let mut out = String::new();
        let mut digits = false;
        for c in text.chars() {
            if c.is_ascii_digit() {
                if !digits {
                    out.push('N');
                }
                digits = true;
            } else {
                digits = false;
                out.push(c);
            }
        }
        out
    }

    fn show(case: &Case, linux: Option<&mut LinuxJudge>, ours: &mut OurJudge, options: &Options) {
        println!("{} ({})", case.name, case.raw.program.prog_type);
        for line in &case.text {
            println!("    {line}");
        }
        for (pc, insn) in isa::Code::new(case.raw.program.code.clone()).iter() {
            println!("{:>4}: {insn}", pc.0);
        }
        let theirs = linux
            .and_then(|linux| linux.judge(&case.raw, options.level | 4).ok())
            .or_else(|| case.stored.clone());
        let Some(mut theirs) = theirs else {
            println!("Linux cannot be asked");
            return;
        };
        if theirs.log.is_empty() {
            theirs.log = case.logs.get(&options.level).cloned().unwrap_or_default();
        }
        match ours.judge(&case.raw, options.level | 4) {
            Err(error) => println!("{}\nours: {error}", theirs.log),
            Ok(opinion) => {
                println!("linux: {} {}", theirs.said, theirs.message);
                println!("ours:  {} {}", opinion.said, opinion.message);
                for difference in Compared::new(&theirs, &opinion).differences {
                    println!("{difference}");
                }
                println!("\n(- linux, + ours)");
                diff::print(&normal(&theirs.log), &normal(&opinion.log));
            }
        }
    }
}
