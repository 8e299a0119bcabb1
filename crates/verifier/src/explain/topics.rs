//! What can be wrong with a program: a topic for each code of a refusal.

/// A kind of mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic {
    /// What `ebpf-sim explain` takes; [`crate::Reason::code`] gives it.
    pub code: &'static str,
    /// What is wrong, in a line.
    pub title: &'static str,
    /// The check or step that is missing, in a sentence.
    pub missing: &'static str,
    /// What to do about it, in a sentence or two.
    pub advice: &'static str,
    /// Why Linux wants it so, and how the mistake usually comes about.
    pub long: &'static str,
}

/// All topics, by code.
pub const TOPICS: &[Topic] = &[OTHER];

/// For codes that have no topic of their own.
const OTHER: Topic = Topic {
    code: "other",
    title: "the verifier refuses this",
    missing: "",
    advice: "Read Linux's sentence and the register's history above.",
    long: "",
};

/// The topic of a code.
pub fn topic(code: &str) -> &'static Topic {
    let found = TOPICS.iter().find(|topic| topic.code == code);
    found.unwrap_or(&OTHER)
}
