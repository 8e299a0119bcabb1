//! Results of the interpreter against those of the running kernel.
//!
//! The program, with maps of its own that are filled the same way, is made live with
//! both; before each run entries are put into maps, and after it `r0`, the packet,
//! the records of ring and perf buffers and what all maps hold are compared. The
//! kernel is asked twice, in other memory each time.
//!
//! # What cannot be equal
//!
//! The rules are those of the [crate]: what is not the same in two answers of the
//! kernel it does not determine; and a program that calls a helper of [`sources`],
//! which reads time, chance or who is asking, is put to the engines alone. On top of
//! these:
//!
//! * What an address leaked into is not compared: the interpreter is asked in a
//!   second machine too, in which everything lies elsewhere, and where it answers
//!   something else there, the rest of the case is left out.
//! * So are the bytes of locks and timers in values, which Linux shows to nobody.
//! * Both run on CPU 0, in a network of nothing but a loopback that is down.
//! * A program whose run does not end by itself within the budget of the engines is
//!   not put to the kernel: of `may_goto` it is the clock that ends its loops.
//! * Packets come without metadata.
//! * Printed lines are not compared: whoever reads the kernel's pipe first has them.
//! * What Linux refuses is for the verdict's oracle.

use btf::Type;
use vm::world::Network;

use super::super::{Finding, OracleKind, Tally};
use crate::{
    Answer, CannotAsk, Comparison, Content, Derived, Difference, Disagreement, Interpreter, Linux,
    MapOp, Party, Place, Question, Session, Simulated, Subject, Verdict, Where, engines, show,
    sources,
};

#[derive(Debug)]
pub(super) struct AgainstLinux {
    linux: Linux,
    network: Network,
}

impl AgainstLinux {
    pub(super) fn new() -> Result<AgainstLinux, CannotAsk> {
        let linux = Linux::apart()?.zeroed();
        Ok(AgainstLinux {
            network: linux.network().unwrap_or_else(Network::loopback),
            linux,
        })
    }

    /// The first difference.
    pub(super) fn check(&mut self, case: &engines::Case, tally: &mut Tally) -> Option<Finding> {
        let subject = self.subject(case)?;
        // Either does not take it.
        let elsewhere = Simulated {
            elsewhere: true,
            ..Simulated::default()
        };
        let elsewhere = { elsewhere }.open(&subject).ok()?;
        let comparison = Comparison::open(subject, &mut Interpreter, &mut self.linux).ok()?;
        let mut asked = Asked {
            comparison,
            elsewhere,
        };
        tally.asked += 1;
        tally.accepted_there += 1;
        for (number, input) in case.inputs.iter().enumerate() {
            match asked.run(input) {
                Ok(None) => tally.runs_there += 1,
                Ok(Some(found)) => return Some(finding(&asked.comparison, &found, number)),
                // It depends on addresses, or Linux takes no such packet or entry.
                Err(_) => return None,
            }
        }
        None
    }

    /// What is put to both; nothing where there is nothing to be equal.
    fn subject(&self, case: &engines::Case) -> Option<Subject> {
        let program = case.raw.program.clone();
        if !sources::of([&program]).is_empty() {
            return None;
        }
        let name = program.name.clone();
        let mut subject = Subject::new("fuzzed", vec![program], name);
        subject.network = self.network.clone();
        subject.cpus = self.linux.cpus();
        let arrays = subject.maps().iter().enumerate();
        let arrays = arrays.filter(|(_, def)| def.map_type == abi::MapType::ProgArray);
        // Some of the places lead back to the program.
        let back = |map| {
            [0u32, 2].map(|key| Content {
                map,
                key: key.to_le_bytes().to_vec(),
                value: vec![0; 4],
            })
        };
        subject.contents = arrays.flat_map(|(map, _)| back(map)).collect();
        subject.derived = hidden(&subject);
        Some(subject)
    }
}

/// A case that is live with all who are asked.
struct Asked {
    comparison: Comparison,
    /// The interpreter, with everything at other addresses.
    elsewhere: Box<dyn Session>,
}

/// Why there is nothing more to compare.
struct Over;

impl From<CannotAsk> for Over {
    fn from(_: CannotAsk) -> Over {
        Over
    }
}

impl Asked {
    /// One run, with what is put into maps before and what they hold then.
    fn run(&mut self, input: &engines::Input) -> Result<Option<Box<Disagreement>>, Over> {
        let mut questions = Vec::new();
        let subject = self.comparison.subject();
        for content in &input.entries {
            let op = MapOp::Update {
                key: keyed(subject, content).to_vec().into(),
                value: on_all_cpus(subject, content).into(),
                flags: 0,
            };
            questions.push(Question::Map {
                map: content.map,
                op,
            });
        }
        questions.push(Question::packet(&input.packet));
        let contents = subject.listable().into_iter();
        questions.extend(contents.map(|map| Question::Contents { map }));
        for question in questions {
            let elsewhere = self.elsewhere.ask(&question)?;
            let Some(found) = differs(self.comparison.ask(question)?) else {
                continue;
            };
            return match without_count(elsewhere) == without_count(found.ours.1.clone()) {
                true => Ok(Some(found)),
                false => Err(Over),
            };
        }
        Ok(None)
    }
}

/// An answer without the number of instructions, which not all parties tell.
fn without_count(mut answer: Answer) -> Answer {
    if let Answer::Ran(ran) = &mut answer {
        ran.executed = None;
    }
    answer
}

/// The key; queues and stacks have none.
fn keyed<'c>(subject: &Subject, content: &'c Content) -> &'c [u8] {
    let size = subject
        .maps()
        .get(content.map)
        .map_or(0, |def| def.key_size);
    content.key.get(..size as usize).unwrap_or(&content.key)
}

/// A value of one CPU for all of them, where each has its own.
fn on_all_cpus(subject: &Subject, content: &Content) -> Vec<u8> {
    let def = subject.maps().get(content.map);
    match def.is_some_and(|def| def.map_type.is_percpu()) {
        true => content.value.repeat(subject.cpus as usize),
        false => content.value.clone(),
    }
}

/// The bytes of values that Linux shows to nobody.
fn hidden(subject: &Subject) -> Vec<Derived> {
    let mut hidden = Vec::new();
    let Some(btf) = subject.program().and_then(|p| p.btf.as_deref()) else {
        return hidden;
    };
    for (map, def) in subject.maps().iter().enumerate() {
        let Some((_, Type::Struct(value))) = btf.resolved(def.value_type) else {
            continue;
        };
        for member in value.members() {
            if let Some((_, Type::Struct(field))) = btf.resolved(member.ty)
                && matches!(field.name, "bpf_spin_lock" | "bpf_timer")
            {
                let start = (member.bit_offset / 8) as usize;
                let size = btf.size_of(member.ty).unwrap_or(0) as usize;
                hidden.push(Derived {
                    of: Where::Values(map),
                    bytes: start..start + size,
                });
            }
        }
    }
    hidden
}

/// What is wrong about answers.
fn differs(verdict: Verdict) -> Option<Box<Disagreement>> {
    match verdict {
        Verdict::Differs(found) => {
            let printed = |d: &Difference| d.place == Place::Printk;
            (!found.differences.iter().all(printed)).then_some(found)
        }
        _ => None,
    }
}

fn finding(comparison: &Comparison, found: &Disagreement, number: usize) -> Finding {
    let subject = comparison.subject();
    let place = found.differences.iter().find(|d| d.place != Place::Printk);
    let place = place.map_or_else(String::new, |d| d.place.name(subject));
    let what = show::disagreement(subject, found);
    Finding {
        input: Some(number),
        ..Finding::new(
            OracleKind::Result,
            format!("Linux comes to another {place}"),
            format!("run {number}: {what}"),
        )
    }
}
