//! The list of differences that are known and accepted.
//!
//! `corpus/known-differences.toml` holds them. A difference that is not listed
//! fails a test, and so does a listed one that no longer occurs, so that the list
//! neither hides news nor keeps what is over.

use std::cell::Cell;

use serde::Deserialize;
use toml::Spanned;

use crate::{Difference, Disagreement, Subject};

/// The most entries that the list may have: it is for what cannot be mended.
pub(crate) const MAX_ENTRIES: usize = 10;

/// The list, or that part of it that concerns one family of questions.
#[derive(Debug)]
pub struct KnownDifferences {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    known: Known,
    line: usize,
    seen: Cell<u64>,
}

/// A known difference.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Its name.
    pub id: String,
    /// The family of questions in which it occurs; the test of that family says
    /// when it no longer does.
    pub family: String,
    /// Names of subjects, one or a list; `*` stands for any text.
    #[serde(deserialize_with = "one_or_many")]
    pub subject: Vec<String>,
    /// Where answers differ ([`crate::Place::name`], or
    /// [`crate::verify::Aspect::name`]); `*` stands for any text.
    pub place: String,
    /// Why it cannot be helped.
    pub reason: String,
    /// The kernel release on which it was seen.
    pub release: String,
}

/// What is wrong with the list.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnownError {
    /// It is no TOML, or not of this form.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// It is too long.
    #[error("{count} known differences; {MAX_ENTRIES} are the most")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// Two entries have one name, or an entry gives no reason.
    #[error("line {line}: {id}: {why}")]
    Entry {
        /// Where, from 1.
        line: usize,
        /// Its name.
        id: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// A text, or a list of them.
fn one_or_many<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a text or a list of texts")]
    enum Form {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Form::deserialize(from)? {
        Form::One(one) => vec![one],
        Form::Many(many) => many,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    difference: Vec<Spanned<Known>>,
}

impl KnownDifferences {
    /// Reads the list and keeps what concerns a family.
    pub fn parse(text: &str, family: &str) -> Result<KnownDifferences, KnownError> {
        let all = toml::from_str::<File>(text)?.difference;
        if all.len() > MAX_ENTRIES {
            return Err(KnownError::TooMany { count: all.len() });
        }
        let mut entries: Vec<Entry> = Vec::new();
        for spanned in all {
            let before = text.get(..spanned.span().start).unwrap_or_default();
            let line = before.lines().count() + usize::from(before.ends_with('\n'));
            let known = spanned.into_inner();
            let fault = if entries.iter().any(|e| e.known.id == known.id) {
                Some("is there twice")
            } else if known.reason.trim().is_empty() || known.release.trim().is_empty() {
                Some("has no reason or release")
            } else {
                None
            };
            if let Some(why) = fault {
                let id = known.id;
                return Err(KnownError::Entry { line, id, why });
            }
            let seen = Cell::new(0);
            entries.push(Entry { known, line, seen });
        }
        entries.retain(|entry| entry.known.family == family);
        Ok(KnownDifferences { entries })
    }

    /// Whether every difference of a disagreement is listed; each entry that
    /// applies is marked as seen.
    pub fn covers(&self, subject: &Subject, disagreement: &Disagreement) -> bool {
        let mut all = true;
        for difference in &disagreement.differences {
            all &= self.covers_one(subject, difference);
        }
        all
    }

    fn covers_one(&self, subject: &Subject, difference: &Difference) -> bool {
        self.lists(&subject.name, &difference.place.name(subject))
    }

    /// Whether a difference is listed, by the name of its subject and of its place;
    /// the entry is marked as seen.
    pub fn lists(&self, subject: &str, place: &str) -> bool {
        let found = self.entries.iter().find(|entry| {
            let known = &entry.known;
            let named = known.subject.iter().any(|form| matches(form, subject));
            named && matches(&known.place, place)
        });
        if let Some(entry) = found {
            entry.seen.set(entry.seen.get() + 1);
        }
        found.is_some()
    }

    /// The entries that never applied, with the line where they stand.
    pub fn stale(&self) -> Vec<(usize, &Known)> {
        let unseen = self.entries.iter().filter(|e| e.seen.get() == 0);
        unseen.map(|entry| (entry.line, &entry.known)).collect()
    }

    /// How often each entry applied.
    pub fn seen(&self) -> impl Iterator<Item = (&Known, u64)> {
        self.entries.iter().map(|e| (&e.known, e.seen.get()))
    }
}

/// Whether a text is of a form in which `*` stands for any text.
fn matches(form: &str, text: &str) -> bool {
    let mut parts = form.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Answer, Place, Question};

    const LIST: &str = r#"
[[difference]]
id = "victims"
family = "packets"
subject = "flowtable*"
place = "map flows"
reason = "Linux chooses among several"
release = "6.18"
"#;

    fn disagreement(place: Place) -> Disagreement {
        let answer = Answer::Done(Ok(()));
        Disagreement {
            subject: String::new(),
            index: 0,
            question: Question::Contents { map: 0 },
            ours: ("a", answer.clone()),
            theirs: ("b", answer),
            differences: vec![Difference { place, byte: None }],
        }
    }

    #[test]
    fn listed_and_unlisted() {
        let list = KnownDifferences::parse(LIST, "packets").unwrap();
        let mut subject = Subject::maps_only("flowtable on a.pcap", Vec::new());
        assert!(!list.covers(&subject, &disagreement(Place::Return)));
        assert_eq!(list.stale()[0].0, 2, "the line of the entry");
        subject.programs[0].maps = vec![map("flows")].into();
        assert!(list.covers(&subject, &disagreement(Place::Count { map: 0 })));
        assert!(list.stale().is_empty());
        subject.name = "another".to_owned();
        assert!(!list.covers(&subject, &disagreement(Place::Count { map: 0 })));
    }

    #[test]
    fn several_subjects() {
        let text = LIST.replace(r#""flowtable*""#, r#"["random_17", "random_2*"]"#);
        let list = KnownDifferences::parse(&text, "packets").unwrap();
        assert!(list.lists("random_17", "map flows") && list.lists("random_23", "map flows"));
        assert!(!list.lists("random_18", "map flows"));
    }

    #[test]
    fn other_families_are_not_stale_here() {
        let list = KnownDifferences::parse(LIST, "formats").unwrap();
        assert!(list.stale().is_empty());
    }

    #[test]
    fn faulty_lists() {
        let twice = format!("{LIST}{LIST}");
        let refused = KnownDifferences::parse(&twice, "packets").unwrap_err();
        assert!(
            refused.to_string().starts_with("line 10: victims"),
            "{refused}"
        );
        let silent = LIST.replace("Linux chooses among several", " ");
        assert!(KnownDifferences::parse(&silent, "packets").is_err());
        assert!(KnownDifferences::parse(&LIST.replace("place", "palce"), "packets").is_err());
    }

    #[test]
    fn forms() {
        for (form, text, want) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abcd", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(form, text), want, "{form} {text}");
        }
    }

    fn map(name: &str) -> abi::MapDef {
        crate::subject::map(name, abi::MapType::LruHash, 4, 8, 4)
    }
}
