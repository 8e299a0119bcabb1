//! Two opinions held against each other, and many of them added up.

use std::collections::BTreeMap;
use std::fmt;

use kernel::log::Counts;

use super::{Opinion, Said};

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aspect {
    /// Accepted or refused.
    Verdict,
    /// The error number.
    Errno,
    /// The last line of a refusal.
    Message,
    /// Instructions processed.
    Processed,
    /// Checkpoints in all, at once, looked through at one instruction.
    States,
    /// Stack bytes of each function.
    Depth,
    /// The log at level 1.
    Log1,
    /// The log at level 2.
    Log2,
}

impl Aspect {
    /// All of them.
    pub const ALL: [Aspect; 8] = [
        Aspect::Verdict,
        Aspect::Errno,
        Aspect::Message,
        Aspect::Processed,
        Aspect::States,
        Aspect::Depth,
        Aspect::Log1,
        Aspect::Log2,
    ];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Aspect::Verdict => "verdict",
            Aspect::Errno => "errno",
            Aspect::Message => "message",
            Aspect::Processed => "processed",
            Aspect::States => "states",
            Aspect::Depth => "depth",
            Aspect::Log1 => "log 1",
            Aspect::Log2 => "log 2",
        }
    }
}

/// Where two opinions differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// In what.
    pub aspect: Aspect,
    /// What Linux says.
    pub linux: String,
    /// What we say.
    pub ours: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.aspect.name();
        write!(f, "{name}: linux `{}`, ours `{}`", self.linux, self.ours)
    }
}

/// What was compared of two opinions, and where they differ. Counts of which one
/// side knows nothing are not compared; neither is anything where the verdicts
/// differ already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// What was compared.
    pub aspects: Vec<Aspect>,
    /// Where they differ.
    pub differences: Vec<Difference>,
}

impl Compared {
    /// Holds two opinions against each other, but for their logs.
    pub fn new(linux: &Opinion, ours: &Opinion) -> Compared {
        let mut compared = Compared::default();
        let verdict = |said: &Said| match said {
            Said::Refused(_) => "refused".to_owned(),
            other => other.to_string(),
        };
        let full = |opinion: &Opinion| match opinion.message.as_str() {
            "" => verdict(&opinion.said),
            message => format!("{}: {message}", opinion.said),
        };
        compared.aspects.push(Aspect::Verdict);
        if verdict(&linux.said) != verdict(&ours.said) {
            compared.differences.push(Difference {
                aspect: Aspect::Verdict,
                linux: full(linux),
                ours: full(ours),
            });
            return compared;
        }
        if let (Said::Refused(linux_errno), Said::Refused(our_errno)) = (&linux.said, &ours.said) {
            compared.hold(Aspect::Errno, linux_errno, our_errno);
            compared.hold(Aspect::Message, &linux.message, &ours.message);
        }
        compared.counts(&linux.counts, &ours.counts);
        compared
    }

    fn counts(&mut self, linux: &Counts, ours: &Counts) {
        if let (Some(linux), Some(ours)) = (linux.processed, ours.processed) {
            self.hold(Aspect::Processed, linux, ours);
        }
        if let (Some(linux), Some(ours)) = (states(linux), states(ours)) {
            self.hold(Aspect::States, linux, ours);
        }
        if let (Some(linux), Some(ours)) = (depths(linux), depths(ours)) {
            self.hold(Aspect::Depth, linux, ours);
        }
    }

    /// Holds two logs against each other, of level 1 or 2.
    pub fn logs(&mut self, aspect: Aspect, linux: &str, ours: &str) {
        self.aspects.push(aspect);
        let (linux, ours) = (normal(linux), normal(ours));
        let mut pairs = (linux.lines(), ours.lines());
        let mut number = 0;
        loop {
            number += 1;
            match (pairs.0.next(), pairs.1.next()) {
                (None, None) => return,
                (one, other) if one == other => {}
                (one, other) => {
                    let text =
                        |line: Option<&str>| format!("{number}: {}", line.unwrap_or("(end)"));
                    self.differences.push(Difference {
                        aspect,
                        linux: text(one),
                        ours: text(other),
                    });
                    return;
                }
            }
        }
    }

    fn hold<T: fmt::Display>(&mut self, aspect: Aspect, linux: T, ours: T) {
        self.aspects.push(aspect);
        let (linux, ours) = (linux.to_string(), ours.to_string());
        if linux != ours {
            self.differences.push(Difference {
                aspect,
                linux,
                ours,
            });
        }
    }

    /// Whether an aspect was compared and is the same.
    pub fn agrees(&self, aspect: Aspect) -> bool {
        self.aspects.contains(&aspect) && !self.differs(aspect)
    }

    /// Whether an aspect was compared and is not the same.
    pub fn differs(&self, aspect: Aspect) -> bool {
        self.differences.iter().any(|d| d.aspect == aspect)
    }
}

fn states(counts: &Counts) -> Option<String> {
    Some(format!(
        "total {} peak {} max {}",
        counts.total_states?, counts.peak_states?, counts.max_states_per_insn?
    ))
}

fn depths(counts: &Counts) -> Option<String> {
    let depths = counts.stack_depth.as_ref()?.iter().map(u32::to_string);
    Some(depths.collect::<Vec<_>>().join("+"))
}

/// A log without what differs from machine to machine and run to run: addresses
/// of maps, BTF ids of kernel functions, time.
pub fn normal(log: &str) -> String {
    let mut out = String::with_capacity(log.len());
    for line in log.lines() {
        if line.starts_with("verification time ") {
            continue;
        }
        out.push_str(&normal_line(line));
        out.push('\n');
    }
    out
}

fn normal_line(line: &str) -> std::borrow::Cow<'_, str> {
    if let Some((before, after)) = line.split_once(") r")
        && let Some(at) = after.find(" = 0xffff")
        && after.get(at + 9..at + 21).is_some_and(is_hex)
        && before.ends_with("(18")
    {
        let (register, rest) = (&after[..at], &after[at + 21..]);
        return format!("{before}) r{register} = MAP{rest}").into();
    }
    // Ids of helpers have three digits.
    if let Some((before, after)) = line.split_once(") call ")
        && let Some((name, number)) = after.split_once('#')
    {
        let end = number.find(|c: char| !c.is_ascii_digit());
        let (id, rest) = number.split_at(end.unwrap_or(number.len()));
        if id.len() > 3 {
            let rest = rest.trim_start();
            return format!("{before}) call {name}#ID {rest}").into();
        }
    }
    line.into()
}

fn is_hex(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_hexdigit())
}

/// How many of each aspect agree, by topic.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: BTreeMap<String, Row>,
}

#[derive(Clone, Debug, Default)]
struct Row {
    asked: u64,
    unsupported: u64,
    /// Compared and equal.
    aspects: BTreeMap<Aspect, (u64, u64)>,
}

impl Table {
    /// Adds what was compared.
    pub fn add(&mut self, topic: &str, compared: &Compared) {
        let row = self.rows.entry(topic.to_owned()).or_default();
        row.asked += 1;
        for aspect in &compared.aspects {
            let (all, equal) = row.aspects.entry(*aspect).or_default();
            *all += 1;
            *equal += u64::from(!compared.differs(*aspect));
        }
    }

    /// Adds what another table has.
    pub fn join(&mut self, other: &Table) {
        for (topic, theirs) in &other.rows {
            let row = self.rows.entry(topic.clone()).or_default();
            row.asked += theirs.asked;
            row.unsupported += theirs.unsupported;
            for (aspect, (all, equal)) in &theirs.aspects {
                let sum = row.aspects.entry(*aspect).or_default();
                *sum = (sum.0 + all, sum.1 + equal);
            }
        }
    }

    /// Adds a program of which we give no verdict.
    pub fn add_unsupported(&mut self, topic: &str) {
        let row = self.rows.entry(topic.to_owned()).or_default();
        row.asked += 1;
        row.unsupported += 1;
    }

    /// Of an aspect over all topics: how many were compared, how many are equal.
    pub fn total(&self, aspect: Aspect) -> (u64, u64) {
        let rows = self
            .rows
            .values()
            .filter_map(|row| row.aspects.get(&aspect));
        rows.fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<22} {:>6} {:>6}", "topic", "asked", "unsup.")?;
        for aspect in Aspect::ALL {
            write!(f, " {:>11}", aspect.name())?;
        }
        writeln!(f)?;
        for (topic, row) in &self.rows {
            write!(f, "{topic:<22} {:>6} {:>6}", row.asked, row.unsupported)?;
            for aspect in Aspect::ALL {
                let cell = match row.aspects.get(&aspect) {
                    Some((all, equal)) => format!("{equal}/{all}"),
                    None => "-".to_owned(),
                };
                write!(f, " {cell:>11}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use abi::Errno;

    use super::*;

    #[test]
    fn what_differs_between_machines_is_left_out() {
        let log = "3: (18) r1 = 0xffff8881a47e3c00       ; R1=map_ptr(ks=4,vs=64)\n\
                   5: (85) call bpf_iter_num_new#64242   ; R0=scalar()\n\
                   6: (85) call bpf_ktime_get_ns#5\n\
                   7: (18) r1 = 0xffff                   ; R1=0xffff\n\
                   verification time 12 usec\n";
        let expected = "3: (18) r1 = MAP       ; R1=map_ptr(ks=4,vs=64)\n\
                        5: (85) call bpf_iter_num_new#ID ; R0=scalar()\n\
                        6: (85) call bpf_ktime_get_ns#5\n\
                        7: (18) r1 = 0xffff                   ; R1=0xffff\n";
        assert_eq!(normal(log), expected);
    }

    #[test]
    fn differences_are_found() {
        let refused = |message: &str| {
            let log = format!("{message}\nprocessed 2 insns (limit 1000000)\n");
            Opinion::new(Said::Refused(Errno::EACCES), log)
        };
        let same = Compared::new(&refused("a"), &refused("a"));
        assert_eq!(same.differences, []);
        assert!(same.agrees(Aspect::Message) && same.agrees(Aspect::Processed));
        assert!(!same.agrees(Aspect::Depth), "not compared");
        let other = Compared::new(&refused("a"), &refused("b"));
        assert!(other.differs(Aspect::Message) && other.agrees(Aspect::Errno));
        let accepted = Opinion::new(Said::Accepted, String::new());
        let verdict = Compared::new(&accepted, &refused("b"));
        assert_eq!(verdict.differences[0].ours, "refused EACCES: b");
        let mut logs = same;
        logs.logs(Aspect::Log1, "a\nb\n", "a\nc\n");
        assert_eq!(
            logs.differences[0].to_string(),
            "log 1: linux `2: b`, ours `2: c`"
        );
    }
}
