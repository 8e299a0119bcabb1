//! Where two answers differ.
//!
//! The rules for what is not determined are those of the crate's documentation:
//! `again` is the reference's second answer to the same question, if it was asked
//! twice.

use std::collections::BTreeMap;

use abi::MapType;

use crate::{Answer, Derived, Event, Output, Ran, Subject, Where};

/// One difference between two answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub place: Place,
    /// The first byte that differs, where two byte strings were compared.
    pub byte: Option<usize>,
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Whether and why there is an answer at all: a trap, a refused packet, the
    /// error number of a system call.
    Result,
    /// The return value.
    Return,
    /// Instructions taken, where both parties count them.
    Executed,
    /// The packet after the program.
    Packet,
    /// Its metadata.
    Metadata,
    /// How many records a map sent.
    RecordCount {
        /// The map.
        map: usize,
    },
    /// A record.
    Record {
        /// The map.
        map: usize,
        /// Which, among those of this question.
        index: usize,
    },
    /// The printk lines.
    Printk,
    /// The bytes that a system call gave.
    Bytes,
    /// Whether there is an entry with this key.
    Key {
        /// The map.
        map: usize,
        /// The key.
        key: Vec<u8>,
    },
    /// The value of an entry.
    Value {
        /// The map.
        map: usize,
        /// The key; of queues and stacks the position, 4 bytes.
        key: Vec<u8>,
    },
    /// How many entries there are.
    Count {
        /// The map.
        map: usize,
    },
}

impl Place {
    /// The map that it is about.
    pub fn map(&self) -> Option<usize> {
        match self {
            Place::RecordCount { map }
            | Place::Record { map, .. }
            | Place::Key { map, .. }
            | Place::Value { map, .. }
            | Place::Count { map } => Some(*map),
            _ => None,
        }
    }

    /// Its name in the list of known differences: `result`, `return`, `executed`,
    /// `packet`, `metadata`, `printk`, `bytes`, `records MAP`, `map MAP`.
    pub fn name(&self, subject: &Subject) -> String {
        match self {
            Place::Result => "result".to_owned(),
            Place::Return => "return".to_owned(),
            Place::Executed => "executed".to_owned(),
            Place::Packet => "packet".to_owned(),
            Place::Metadata => "metadata".to_owned(),
            Place::Printk => "printk".to_owned(),
            Place::Bytes => "bytes".to_owned(),
            Place::RecordCount { map } | Place::Record { map, .. } => {
                format!("records {}", subject.map_name(*map))
            }
            Place::Key { map, .. } | Place::Value { map, .. } | Place::Count { map } => {
                format!("map {}", subject.map_name(*map))
            }
        }
    }
}

/// How far a byte that is not determined reaches.
const REACH: usize = 7;

/// The outcome of comparing two answers.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    pub(crate) found: Vec<Difference>,
    /// Whether something was left out because it is not determined.
    pub(crate) unsettled: bool,
}

/// Compares an answer with that of the reference.
pub(crate) fn compare(
    subject: &Subject,
    map: Option<usize>,
    printk: bool,
    ours: &Answer,
    theirs: &Answer,
    again: Option<&Answer>,
) -> Differences {
    let mut judge = Judge {
        subject,
        out: Differences::default(),
    };
    match (ours, theirs) {
        (Answer::Ran(ours), Answer::Ran(theirs)) => {
            let again = again.and_then(as_ran);
            judge.ran(ours, theirs, again, printk);
        }
        (Answer::Bytes(Ok(ours)), Answer::Bytes(Ok(theirs))) => {
            let determined = again.is_none_or(|a| matches!(a, Answer::Bytes(Ok(_))));
            let again = again.and_then(as_bytes);
            let of = map.map(Where::Values);
            match determined {
                true => judge.bytes(Place::Bytes, of, ours, theirs, again),
                false => judge.out.unsettled = true,
            }
        }
        (Answer::Contents(ours), Answer::Contents(theirs)) => {
            let again = again.and_then(as_contents);
            judge.contents(map.unwrap_or_default(), ours, theirs, again);
        }
        _ => judge.whole(Place::Result, ours, theirs, again),
    }
    judge.out
}

fn as_ran(answer: &Answer) -> Option<&Ran> {
    match answer {
        Answer::Ran(ran) => Some(ran),
        _ => None,
    }
}

fn as_bytes(answer: &Answer) -> Option<&[u8]> {
    match answer {
        Answer::Bytes(Ok(bytes)) => Some(bytes),
        _ => None,
    }
}

fn as_contents(answer: &Answer) -> Option<&Entries> {
    match answer {
        Answer::Contents(entries) => Some(entries),
        _ => None,
    }
}

type Entries = [(Vec<u8>, Vec<u8>)];

struct Judge<'a> {
    subject: &'a Subject,
    out: Differences,
}

impl Judge<'_> {
    /// Something that is equal or not.
    fn whole<T: PartialEq + ?Sized>(
        &mut self,
        place: Place,
        ours: &T,
        theirs: &T,
        again: Option<&T>,
    ) {
        if ours == theirs {
            return;
        }
        if again.is_some_and(|again| again != theirs) {
            self.out.unsettled = true;
        } else {
            self.out.found.push(Difference { place, byte: None });
        }
    }

    /// Byte strings.
    fn bytes(
        &mut self,
        place: Place,
        of: Option<Where>,
        ours: &[u8],
        theirs: &[u8],
        again: Option<&[u8]>,
    ) {
        if ours == theirs {
            return;
        }
        if again.is_some_and(|again| again.len() != theirs.len()) {
            self.out.unsettled = true;
            return;
        }
        let settled = |at: usize| {
            let near = at.saturating_sub(REACH)..(at + REACH + 1).min(theirs.len());
            let same = again.is_none_or(|again| again.get(near.clone()) == theirs.get(near));
            same && !self.is_derived(of, at)
        };
        let longest = ours.len().max(theirs.len());
        let first = (0..longest).find(|at| ours.get(*at) != theirs.get(*at) && settled(*at));
        match first {
            Some(at) => self.out.found.push(Difference {
                place,
                byte: Some(at),
            }),
            None => self.out.unsettled = true,
        }
    }

    fn is_derived(&self, of: Option<Where>, at: usize) -> bool {
        let applies = |derived: &&Derived| Some(derived.of) == of;
        let mut derived = self.subject.derived.iter().filter(applies);
        derived.any(|d| d.bytes.contains(&at))
    }

    fn ran(&mut self, ours: &Ran, theirs: &Ran, again: Option<&Ran>, printk: bool) {
        match (&ours.end, &theirs.end) {
            (Ok(mine), Ok(reference)) => match again.map(|again| &again.end) {
                Some(Err(_)) => self.out.unsettled = true,
                Some(Ok(again)) => self.output(mine, reference, Some(again)),
                None => self.output(mine, reference, None),
            },
            (mine, reference) => {
                self.whole(
                    Place::Result,
                    mine,
                    reference,
                    again.map(|again| &again.end),
                );
            }
        }
        if let (Some(ours), Some(theirs)) = (ours.executed, theirs.executed) {
            self.whole(Place::Executed, &ours, &theirs, None);
        }
        for map in 0..self.subject.maps().len() {
            let again = again.map(|again| records(again, map));
            self.records(
                map,
                &records(ours, map),
                &records(theirs, map),
                again.as_deref(),
            );
        }
        if printk {
            let again = again.map(lines);
            self.whole(Place::Printk, &lines(ours), &lines(theirs), again.as_ref());
        }
    }

    fn output(&mut self, ours: &Output, theirs: &Output, again: Option<&Output>) {
        self.whole(
            Place::Return,
            &ours.ret,
            &theirs.ret,
            again.map(|again| &again.ret),
        );
        let packet = again.map(|again| &again.packet[..]);
        let of = Some(Where::Packet);
        self.bytes(Place::Packet, of, &ours.packet, &theirs.packet, packet);
        let metadata = again.map(|again| &again.metadata[..]);
        let of = Some(Where::Metadata);
        self.bytes(
            Place::Metadata,
            of,
            &ours.metadata,
            &theirs.metadata,
            metadata,
        );
    }

    fn records(&mut self, map: usize, ours: &[&[u8]], theirs: &[&[u8]], again: Option<&[&[u8]]>) {
        if again.is_some_and(|again| again.len() != theirs.len()) {
            self.out.unsettled |= ours != theirs;
            return;
        }
        if ours.len() != theirs.len() {
            let place = Place::RecordCount { map };
            self.out.found.push(Difference { place, byte: None });
        }
        let perf = self
            .subject
            .maps()
            .get(map)
            .is_some_and(|def| def.map_type == MapType::PerfEventArray);
        for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
            let again = again.map(|again| again[index]);
            let place = Place::Record { map, index };
            let of = Some(Where::Records(map));
            match perf && padded(ours.len()) == padded(theirs.len()) {
                true => {
                    let len = ours.len().min(theirs.len());
                    let again = again.map(|again| cut(again, len));
                    self.bytes(place, of, cut(ours, len), cut(theirs, len), again);
                }
                false => self.bytes(place, of, ours, theirs, again),
            }
        }
    }

    fn contents(&mut self, map: usize, ours: &Entries, theirs: &Entries, again: Option<&Entries>) {
        if ours == theirs {
            return;
        }
        let keyed = self.subject.maps().get(map).is_some_and(|d| d.key_size > 0);
        let ours = by_key(ours, keyed);
        let theirs = by_key(theirs, keyed);
        let again = again.map(|again| by_key(again, keyed));
        // Where the reference's own keys change, those that do are only counted.
        let moving = again.as_ref().is_some_and(|a| !a.keys().eq(theirs.keys()));
        self.out.unsettled |= moving;
        for (key, value) in &theirs {
            let again = again.as_ref().map(|again| again.get(key).copied());
            match (ours.get(key), again) {
                (_, Some(None)) => {}
                (None, _) => self.key(map, key),
                (Some(ours), again) => {
                    let key = key.clone();
                    let place = Place::Value { map, key };
                    let of = Some(Where::Values(map));
                    self.bytes(place, of, ours, value, again.flatten());
                }
            }
        }
        if !moving {
            let unknown = ours.keys().filter(|key| !theirs.contains_key(*key));
            unknown.for_each(|key| self.key(map, key));
        } else if ours.len() != theirs.len() && again.is_some_and(|a| a.len() == theirs.len()) {
            let place = Place::Count { map };
            self.out.found.push(Difference { place, byte: None });
        }
    }

    fn key(&mut self, map: usize, key: &[u8]) {
        let key = key.to_vec();
        let place = Place::Key { map, key };
        self.out.found.push(Difference { place, byte: None });
    }
}

/// The records of one map.
fn records(ran: &Ran, map: usize) -> Vec<&[u8]> {
    let records = ran.events.iter().filter_map(|event| match event {
        Event::Record { map: from, data } if *from == map => Some(&data[..]),
        _ => None,
    });
    records.collect()
}

fn lines(ran: &Ran) -> Vec<&str> {
    let lines = ran.events.iter().filter_map(|event| match event {
        Event::Printk(line) => Some(&line[..]),
        Event::Record { .. } => None,
    });
    lines.collect()
}

/// The length of a perf record with Linux's padding.
fn padded(len: usize) -> usize {
    (len + 4).next_multiple_of(8) - 4
}

fn cut(bytes: &[u8], len: usize) -> &[u8] {
    bytes.get(..len).unwrap_or(bytes)
}

/// Entries by key; without keys, by position.
fn by_key(entries: &Entries, keyed: bool) -> BTreeMap<Vec<u8>, &[u8]> {
    let named = entries.iter().enumerate().map(|(position, (key, value))| {
        let key = match keyed {
            true => key.clone(),
            false => (position as u32).to_be_bytes().to_vec(),
        };
        (key, &value[..])
    });
    named.collect()
}
