//! What can be wrong with a program: a topic for each code of a refusal.
//!
//! Each has a smallest program that fails of it and one that does not. They are
//! file tests in the corpus (`corpus/verify/explain`), put to Linux as well.

mod calls;
mod functions;
mod limits;
mod maps;
mod memory;
mod packet;
mod pointers;
mod privileges;
mod references;
mod stack;
mod structure;

/// A kind of mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic {
    /// What `ebpf-sim explain` takes; [`crate::Reason::code`] gives it.
    pub code: &'static str,
    /// What is wrong, in a line.
    pub title: &'static str,
    /// The check or step that is missing, in a sentence.
    pub missing: &'static str,
    /// What to do about it.
    pub advice: &'static str,
    /// Why Linux wants it so, and how the mistake usually comes about.
    pub long: &'static str,
    /// Programs that show it.
    pub example: Option<Example>,
}

/// A smallest program that is refused and one that is not: the text of file
/// tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    /// Linux refuses it.
    pub refused: &'static str,
    /// Linux accepts it.
    pub accepted: &'static str,
}

/// The two programs of a topic.
macro_rules! example {
    ($code:literal) => {
        Some(Example {
            refused: include_str!(concat!(
                "../../../../../corpus/verify/explain/",
                $code,
                ".refused.bpf"
            )),
            accepted: include_str!(concat!(
                "../../../../../corpus/verify/explain/",
                $code,
                ".accepted.bpf"
            )),
        })
    };
}
use example;

/// For codes that have no topic of their own.
const OTHER: Topic = Topic {
    code: "other",
    title: "the verifier refuses this",
    missing: "",
    advice: "Read Linux's sentence and the history of the register that it names.",
    long: "",
    example: None,
};

/// All topics, by subject.
pub fn topics() -> impl Iterator<Item = &'static Topic> {
    let subjects = [
        calls::TOPICS,
        functions::TOPICS,
        limits::TOPICS,
        maps::TOPICS,
        memory::TOPICS,
        packet::TOPICS,
        pointers::TOPICS,
        privileges::TOPICS,
        references::TOPICS,
        stack::TOPICS,
        structure::TOPICS,
    ];
    subjects.into_iter().flatten()
}

/// The topic of a code.
pub fn topic(code: &str) -> &'static Topic {
    topics().find(|topic| topic.code == code).unwrap_or(&OTHER)
}
