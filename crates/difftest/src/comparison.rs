//! Questions to two parties, answer against answer.

use crate::{CannotAsk, Disagreement, Party, Question, Session, Subject, differ, sources};

/// A subject before two parties.
pub struct Comparison {
    subject: Subject,
    sources: Vec<&'static str>,
    ours: Seat,
    theirs: Seat,
    /// The reference once more, where two of its answers may differ.
    again: Option<Seat>,
    tally: Tally,
}

struct Seat {
    name: &'static str,
    session: Box<dyn Session>,
}

/// What came of one question.
#[derive(Debug)]
pub enum Verdict {
    /// The answers are equal.
    Agreed,
    /// They differ only in what the reference does not determine.
    Unsettled,
    /// They differ, and the programs call helpers whose answers nobody controls.
    Excused {
        /// The helpers.
        sources: Vec<&'static str>,
        /// The difference.
        disagreement: Box<Disagreement>,
    },
    /// They differ.
    Differs(Box<Disagreement>),
}

/// Questions by what came of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Equal answers.
    pub agreed: u64,
    /// [`Verdict::Unsettled`].
    pub unsettled: u64,
    /// [`Verdict::Excused`].
    pub excused: u64,
    /// [`Verdict::Differs`].
    pub differing: u64,
}

impl Comparison {
    /// Makes the subject live with the party under test and with the reference.
    pub fn open(
        subject: Subject,
        ours: &mut dyn Party,
        theirs: &mut dyn Party,
    ) -> Result<Comparison, CannotAsk> {
        Ok(Comparison {
            sources: sources::of(&subject.programs),
            theirs: Seat::new(theirs, &subject)?,
            again: match theirs.is_deterministic() {
                true => None,
                false => Some(Seat::new(theirs, &subject)?),
            },
            ours: Seat::new(ours, &subject)?,
            subject,
            tally: Tally::default(),
        })
    }

    /// The subject.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Helpers that the programs call and whose answers nobody controls.
    pub fn sources(&self) -> &[&'static str] {
        &self.sources
    }

    /// Whether printk lines are compared: both parties hear them.
    pub fn hears_printk(&self) -> bool {
        self.ours.session.hears_printk() && self.theirs.session.hears_printk()
    }

    /// Puts the next question to both.
    pub fn ask(&mut self, question: Question<'_>) -> Result<Verdict, CannotAsk> {
        let theirs = self.theirs.session.ask(&question)?;
        let again = match &mut self.again {
            Some(seat) => Some(seat.session.ask(&question)?),
            None => None,
        };
        let ours = self.ours.session.ask(&question)?;
        let map = match &question {
            Question::Packet(_) => None,
            Question::Map { map, .. } | Question::Contents { map } => Some(*map),
        };
        let printk = self.hears_printk();
        let found = differ::compare(&self.subject, map, printk, &ours, &theirs, again.as_ref());
        let index = self.tally.questions();
        if found.found.is_empty() {
            return Ok(self.no_difference(found.unsettled));
        }
        Ok(self.difference(Disagreement {
            subject: self.subject.name.clone(),
            index,
            question: question.into_owned(),
            ours: (self.ours.name, ours),
            theirs: (self.theirs.name, theirs),
            differences: found.found,
        }))
    }

    fn no_difference(&mut self, unsettled: bool) -> Verdict {
        match unsettled {
            false => {
                self.tally.agreed += 1;
                Verdict::Agreed
            }
            true => {
                self.tally.unsettled += 1;
                Verdict::Unsettled
            }
        }
    }

    fn difference(&mut self, disagreement: Disagreement) -> Verdict {
        let disagreement = Box::new(disagreement);
        match self.sources.is_empty() {
            true => {
                self.tally.differing += 1;
                Verdict::Differs(disagreement)
            }
            false => {
                self.tally.excused += 1;
                Verdict::Excused {
                    sources: self.sources.clone(),
                    disagreement,
                }
            }
        }
    }

    /// What came of the questions so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }
}

impl std::fmt::Debug for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Comparison")
            .field("subject", &self.subject.name)
            .field("ours", &self.ours.name)
            .field("theirs", &self.theirs.name)
            .field("tally", &self.tally)
            .finish_non_exhaustive()
    }
}

impl Seat {
    fn new(party: &mut dyn Party, subject: &Subject) -> Result<Seat, CannotAsk> {
        Ok(Seat {
            name: party.name(),
            session: party.open(subject)?,
        })
    }
}

impl Tally {
    /// All questions that were answered.
    pub fn questions(&self) -> u64 {
        self.agreed + self.unsettled + self.excused + self.differing
    }

    /// Adds another tally.
    pub fn add(&mut self, other: Tally) {
        self.agreed += other.agreed;
        self.unsettled += other.unsettled;
        self.excused += other.excused;
        self.differing += other.differing;
    }
}

#[cfg(test)]
mod tests;
