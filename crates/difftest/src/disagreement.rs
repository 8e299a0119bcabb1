//! What there is to say when two parties answer differently.

use crate::{Answer, Difference, Question};

/// Two answers to one question that differ, with all that is needed to ask again:
/// the subject by its name, the question's place in the stream, the question.
#[derive(Clone, Debug, PartialEq)]
pub struct Disagreement {
    /// [`crate::Subject::name`].
    pub subject: String,
    /// Questions put to the subject before. Answers may depend on them.
    pub index: u64,
    /// The question.
    pub question: Question<'static>,
    /// The party under test and what it answered.
    pub ours: (&'static str, Answer),
    /// The reference and what it answered.
    pub theirs: (&'static str, Answer),
    /// Where the answers differ.
    pub differences: Vec<Difference>,
}
