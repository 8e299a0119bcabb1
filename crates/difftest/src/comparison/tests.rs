//! Comparisons with a reference that answers from a script.

use super::*;
use crate::{Answer, Content, Derived, Event, MapOp, Output, Place, Ran, Where, map};
use abi::{Errno, MapType};

/// Answers from lists: one for each session that is opened.
struct Scripted {
    sessions: Vec<Vec<Answer>>,
    deterministic: bool,
}

struct Script(std::vec::IntoIter<Answer>);

impl Party for Scripted {
    fn name(&self) -> &'static str {
        "script"
    }

    fn is_deterministic(&self) -> bool {
        self.deterministic
    }

    fn open(&mut self, _: &Subject) -> Result<Box<dyn Session>, CannotAsk> {
        Ok(Box::new(Script(self.sessions.remove(0).into_iter())))
    }
}

impl Session for Script {
    fn hears_printk(&self) -> bool {
        true
    }

    fn ask(&mut self, _: &Question<'_>) -> Result<Answer, CannotAsk> {
        self.0.next().ok_or_else(|| CannotAsk::Impossible {
            what: "the script is at its end".to_owned(),
        })
    }
}

fn one(answer: &Answer) -> Scripted {
    Scripted {
        sessions: vec![vec![answer.clone()]],
        deterministic: true,
    }
}

fn two(first: &Answer, second: &Answer) -> Scripted {
    Scripted {
        sessions: vec![vec![first.clone()], vec![second.clone()]],
        deterministic: false,
    }
}

fn subject() -> Subject {
    let maps = vec![
        map("table", MapType::Hash, 4, 8, 4),
        map("events", MapType::PerfEventArray, 4, 4, 0),
        map("ring", MapType::Ringbuf, 0, 0, 4096),
    ];
    Subject::maps_only("test", maps)
}

fn ran(packet: &[u8]) -> Answer {
    Answer::Ran(Ran {
        end: Ok(Output {
            ret: 2,
            metadata: Vec::new(),
            packet: packet.to_vec(),
        }),
        executed: None,
        events: Vec::new(),
    })
}

fn sent(map: usize, data: &[u8]) -> Answer {
    let mut answer = ran(&[]);
    if let Answer::Ran(ran) = &mut answer {
        let data = data.to_vec();
        ran.events.push(Event::Record { map, data });
    }
    answer
}

fn entries(all: &[(&[u8], &[u8])]) -> Answer {
    let entries = all.iter().map(|(k, v)| (k.to_vec(), v.to_vec()));
    Answer::Contents(entries.collect())
}

fn ask(ours: &Answer, theirs: &mut Scripted) -> Verdict {
    ask_about(subject(), ours, theirs)
}

fn ask_about(subject: Subject, ours: &Answer, theirs: &mut Scripted) -> Verdict {
    let question = match ours {
        Answer::Contents(_) => Question::Contents { map: 0 },
        _ => Question::packet(&[]),
    };
    Comparison::open(subject, &mut one(ours), theirs)
        .expect("opens")
        .ask(question)
        .expect("answers")
}

fn places(verdict: Verdict) -> Vec<(Place, Option<usize>)> {
    match verdict {
        Verdict::Differs(d) => d
            .differences
            .into_iter()
            .map(|d| (d.place, d.byte))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_differing_byte() {
    let verdict = ask(&ran(&[1, 2, 3]), &mut one(&ran(&[1, 9, 9])));
    assert_eq!(places(verdict), [(Place::Packet, Some(1))]);
    let verdict = ask(&ran(&[1, 2]), &mut one(&ran(&[1, 2, 3])));
    assert_eq!(places(verdict), [(Place::Packet, Some(2))]);
}

#[test]
fn what_the_reference_does_not_determine() {
    let theirs = &mut two(&ran(&[5; 32]), &ran(&[[5; 10], [5; 10]].concat()));
    assert!(matches!(ask(&ran(&[6; 32]), theirs), Verdict::Unsettled));

    let mut first = [0; 32];
    first[16] = 1;
    let mut ours = [0; 32];
    ours[9] = 7;
    let theirs = &mut two(&ran(&first), &ran(&[0; 32]));
    assert!(matches!(ask(&ran(&ours), theirs), Verdict::Unsettled));
    ours[8] = 7;
    let theirs = &mut two(&ran(&first), &ran(&[0; 32]));
    assert_eq!(places(ask(&ran(&ours), theirs)), [(Place::Packet, Some(8))]);
}

#[test]
fn equal_to_one_of_two_answers_is_agreement() {
    let theirs = &mut two(&ran(&[1]), &ran(&[2]));
    assert!(matches!(ask(&ran(&[1]), theirs), Verdict::Agreed));
}

#[test]
fn bytes_that_the_case_names() {
    let with = |bytes| {
        let mut subject = subject();
        let of = Where::Packet;
        subject.derived.push(Derived { of, bytes });
        ask_about(subject, &ran(&[1, 2, 3]), &mut one(&ran(&[1, 9, 3])))
    };
    assert!(matches!(with(1..2), Verdict::Unsettled));
    assert_eq!(places(with(2..3)), [(Place::Packet, Some(1))]);
}

#[test]
fn perf_records_carry_padding() {
    let verdict = ask(&sent(1, &[1, 2]), &mut one(&sent(1, &[1, 2, 0, 0])));
    assert!(matches!(verdict, Verdict::Agreed));
    let verdict = ask(&sent(1, &[1, 2]), &mut one(&sent(1, &[1, 3, 0, 0])));
    let place = Place::Record { map: 1, index: 0 };
    assert_eq!(places(verdict), [(place, Some(1))]);
    let verdict = ask(&sent(1, &[0; 5]), &mut one(&sent(1, &[0; 4])));
    assert_eq!(places(verdict).len(), 1);
    let verdict = ask(&sent(2, &[1, 2]), &mut one(&sent(2, &[1, 2, 0, 0])));
    assert_eq!(places(verdict).len(), 1, "ring buffers have none");
}

#[test]
fn entries_by_key() {
    let ours = entries(&[(b"aaaa", b"1"), (b"bbbb", b"2"), (b"dddd", b"4")]);
    let theirs = entries(&[(b"aaaa", b"1"), (b"bbbb", b"3"), (b"cccc", b"4")]);
    let key = |key: &[u8]| key.to_vec();
    assert_eq!(
        places(ask(&ours, &mut one(&theirs))),
        [
            (
                Place::Value {
                    map: 0,
                    key: key(b"bbbb")
                },
                Some(0)
            ),
            (
                Place::Key {
                    map: 0,
                    key: key(b"cccc")
                },
                None
            ),
            (
                Place::Key {
                    map: 0,
                    key: key(b"dddd")
                },
                None
            ),
        ]
    );
}

#[test]
fn keys_that_the_reference_does_not_determine_are_counted() {
    let first = entries(&[(b"aaaa", b"1"), (b"bbbb", b"2")]);
    let second = entries(&[(b"aaaa", b"1"), (b"cccc", b"2")]);
    let ours = entries(&[(b"aaaa", b"1"), (b"dddd", b"2")]);
    let verdict = ask(&ours, &mut two(&first, &second));
    assert!(matches!(verdict, Verdict::Unsettled));
    let ours = entries(&[(b"aaaa", b"1")]);
    let verdict = ask(&ours, &mut two(&first, &second));
    assert_eq!(places(verdict), [(Place::Count { map: 0 }, None)]);
}

#[test]
fn programs_that_read_a_clock_are_excused() {
    let mut subject = subject();
    subject.programs[0].code = isa::asm::assemble("call 5\nexit").unwrap().slots().to_vec();
    let verdict = ask_about(subject, &ran(&[1]), &mut one(&ran(&[2])));
    let Verdict::Excused { sources, .. } = verdict else {
        panic!("{verdict:?}");
    };
    assert_eq!(sources, ["bpf_ktime_get_ns"]);
}

#[test]
fn what_cannot_be_asked_is_not_counted() {
    let subject = subject();
    let mut comparison =
        Comparison::open(subject, &mut crate::Interpreter, &mut crate::Interpreter).unwrap();
    let asked = comparison.ask(Question::Contents { map: 2 });
    assert!(matches!(asked, Err(CannotAsk::Impossible { .. })));
    assert_eq!(comparison.tally(), Tally::default());
}

#[test]
fn the_interpreter_answers_about_maps() {
    let mut subject = subject();
    subject.contents.push(Content {
        map: 0,
        key: vec![1; 4],
        value: vec![2; 8],
    });
    let mut session = crate::Interpreter.open(&subject).unwrap();
    let mut ask = |op| session.ask(&Question::Map { map: 0, op }).unwrap();
    let lookup = |key: u8| MapOp::Lookup {
        key: vec![key; 4].into(),
    };
    assert_eq!(ask(lookup(1)), Answer::Bytes(Ok(vec![2; 8])));
    assert_eq!(ask(lookup(2)), Answer::Bytes(Err(Errno::ENOENT)));
    let again = MapOp::Update {
        key: vec![1; 4].into(),
        value: vec![3; 8].into(),
        flags: 1,
    };
    assert_eq!(ask(again), Answer::Done(Err(Errno::EEXIST)));
}
