//! Who answers.

use abi::Errno;
use rustix::time::{ClockId, clock_gettime};

use crate::{Answer, Question, Subject};

/// Somebody who can run programs.
pub trait Party {
    /// Its name in reports.
    fn name(&self) -> &'static str;

    /// Whether two sessions about the same subject always answer the same. If not,
    /// a comparison opens two of them to see what is not determined.
    fn is_deterministic(&self) -> bool;

    /// Makes a subject live, with its maps filled.
    fn open(&mut self, subject: &Subject) -> Result<Box<dyn Session>, CannotAsk>;
}

/// A live subject: its programs loaded, its maps keeping their contents from
/// question to question.
pub trait Session {
    /// Whether printk lines are among the events.
    fn hears_printk(&self) -> bool;

    /// Answers a question.
    fn ask(&mut self, question: &Question<'_>) -> Result<Answer, CannotAsk>;

    /// Runs the program on a packet so many times in a row, each time on what the
    /// time before left of it: nanoseconds of one run, in which this thread had a
    /// processor. Events go nowhere.
    fn time(&mut self, _packet: &[u8], _runs: u32) -> Result<f64, CannotAsk> {
        Err(CannotAsk::Impossible {
            what: "it cannot be timed".to_owned(),
        })
    }
}

/// Nanoseconds for which this thread has had a processor.
pub(crate) fn thread_ns() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Why a question has no answer. Never counted as agreement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CannotAsk {
    /// A privilege or a part of the system is missing.
    #[error("{missing}")]
    Missing {
        /// What is missing, and for what.
        missing: String,
    },
    /// The party does not take this program.
    #[error("program {program}: {why}")]
    Program {
        /// Its name.
        program: String,
        /// Why, as the party says it.
        why: String,
        /// Linux's error number, where it is Linux that refused it.
        errno: Option<Errno>,
        /// The verifier's log.
        log: String,
    },
    /// The party does not take this map or what should be in it.
    #[error("map {map}: {why}")]
    Map {
        /// Its name.
        map: String,
        /// Why.
        why: String,
    },
    /// There is no such question to this kind of map or program.
    #[error("{what}")]
    Impossible {
        /// What is not possible.
        what: String,
    },
    /// The party broke.
    #[error("{what}: {why}")]
    Broken {
        /// What it was doing.
        what: String,
        /// What went wrong.
        why: String,
    },
}
