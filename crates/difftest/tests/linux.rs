//! What the running kernel is asked, and how: the rules for what it does not
//! determine, refusals, references between maps.

use abi::{Errno, MapType};
use difftest::{
    Answer, CannotAsk, Comparison, Content, Interpreter, Linux, MapOp, Party, Place, Question,
    Subject, Verdict, map,
};

macro_rules! linux_or_return {
    () => {{
        let Some(_) = kernel::testing::kernel_or_skip() else {
            return;
        };
        Linux::open().expect("CPU 0 to run on")
    }};
}

fn subject(text: &str, maps: Vec<abi::MapDef>, linux: &Linux) -> Subject {
    let code = isa::asm::assemble(text).expect("a program");
    let mut subject = Subject::xdp("test", code.slots().to_vec(), maps);
    subject.cpus = linux.cpus();
    subject
}

fn comparison(subject: Subject, linux: &mut Linux) -> Comparison {
    Comparison::open(subject, &mut Interpreter, linux).expect("both take it")
}

fn packet() -> Question<'static> {
    Question::packet(&[0; 64])
}

/// Stores 24 bytes of stack, the middle third of which was written.
const SHOWS_STACK: &str = "
    r1 = 7
    *(u64 *)(r10 -16) = r1
    r1 = 0
    *(u32 *)(r10 -32) = r1
    r1 = map[idx:0]
    r2 = r10
    r2 += -32
    r3 = r10
    r3 += -24
    r4 = 0
    call 2
    r0 = 2
    exit";

#[test]
fn memory_that_nobody_wrote_is_not_determined() {
    let mut linux = linux_or_return!();
    let maps = vec![map("seen", MapType::Array, 4, 24, 1)];
    let mut asked = comparison(subject(SHOWS_STACK, maps, &linux), &mut linux);
    for _ in 0..100 {
        assert!(matches!(asked.ask(packet()), Ok(Verdict::Agreed)));
        let contents = asked.ask(Question::Contents { map: 0 });
        assert!(matches!(contents, Ok(Verdict::Unsettled)), "{contents:?}");
    }
}

#[test]
fn chance_is_not_compared() {
    let mut linux = linux_or_return!();
    let text = "call 7\nexit";
    let mut asked = comparison(subject(text, Vec::new(), &linux), &mut linux);
    for _ in 0..10 {
        let verdict = asked.ask(packet()).expect("an answer");
        assert!(matches!(verdict, Verdict::Unsettled), "{verdict:?}");
    }
}

/// The clock is the host's on both sides, so what follows from its coarse part is
/// equal; its fine part is not determined.
#[test]
fn time_is_the_same_for_both() {
    let mut linux = linux_or_return!();
    let text = "
        call 5
        r0 >>= 40
        exit";
    let mut asked = comparison(subject(text, Vec::new(), &linux), &mut linux);
    let agreed = (0..10)
        .filter(|_| matches!(asked.ask(packet()), Ok(Verdict::Agreed)))
        .count();
    assert!(agreed >= 9, "2^40 ns are 18 minutes: {agreed} of 10");
}

#[test]
fn refusals_have_number_and_log() {
    let mut linux = linux_or_return!();
    let text = "
        r1 = *(u32 *)(r1 +0)
        r0 = *(u8 *)(r1 +0)
        exit";
    let refused = linux.open(&subject(text, Vec::new(), &linux));
    let Err(CannotAsk::Program { errno, log, .. }) = refused.map(|_| ()) else {
        panic!("Linux takes it");
    };
    assert_eq!(errno, Some(Errno::EACCES));
    assert!(log.contains("invalid access to packet"), "{log}");
}

#[test]
fn maps_from_the_side_of_the_system_call() {
    let mut linux = linux_or_return!();
    let mut outer = map("outer", MapType::ArrayOfMaps, 4, 4, 2);
    let inner = map("inner", MapType::Array, 4, 8, 1);
    outer.inner = Some(Box::new(inner.clone()));
    let maps = vec![
        map("table", MapType::Hash, 4, 8, 2),
        map("counts", MapType::PercpuArray, 4, 4, 1),
        map("stack", MapType::Stack, 0, 4, 3),
        inner,
        outer,
    ];
    let mut about = Subject::maps_only("maps", maps);
    about.cpus = linux.cpus();
    let put = |map, key: &[u8], value: &[u8]| Content {
        map,
        key: key.to_vec(),
        value: value.to_vec(),
    };
    about.contents = vec![
        put(0, &[1; 4], &[2; 8]),
        put(1, &[0; 4], &[3; 8].repeat(linux.cpus() as usize)),
        put(2, &[], &[1; 4]),
        put(2, &[], &[2; 4]),
        put(4, &[1, 0, 0, 0], &[3, 0, 0, 0]),
    ];
    let mut session = linux.open(&about).expect("Linux takes it");
    let outer = session.ask(&Question::Contents { map: 4 });
    let held = (vec![1, 0, 0, 0], vec![3, 0, 0, 0]);
    assert_eq!(outer, Ok(Answer::Contents(vec![held])), "index of the map");
    drop(session);

    let mut asked = comparison(about, &mut linux);
    let mut agree = |question: Question<'static>| {
        let verdict = asked.ask(question).expect("an answer");
        assert!(matches!(verdict, Verdict::Agreed), "{verdict:?}");
    };
    let on = |map, op| Question::Map { map, op };
    let key = |key: u8| vec![key; 4].into();
    agree(on(0, MapOp::Lookup { key: key(1) }));
    agree(on(0, MapOp::Lookup { key: key(9) }));
    for (k, flags) in [(2, 1), (2, 1), (3, 0), (4, 2), (2, 7)] {
        let value = vec![k; 8].into();
        let key = key(k);
        agree(on(0, MapOp::Update { key, value, flags }));
    }
    agree(on(0, MapOp::Delete { key: key(1) }));
    agree(on(0, MapOp::NextKey { key: None }));
    agree(on(2, MapOp::Take { key: vec![].into() }));
    for map in 0..5 {
        agree(Question::Contents { map });
        agree(Question::Contents { map });
    }
}

/// A party that answers wrongly is found out: here one whose map was filled
/// otherwise.
#[test]
fn a_difference_is_found() {
    let mut linux = linux_or_return!();
    struct Other;
    impl Party for Other {
        fn name(&self) -> &'static str {
            "other"
        }
        fn is_deterministic(&self) -> bool {
            true
        }
        fn open(&mut self, about: &Subject) -> Result<Box<dyn difftest::Session>, CannotAsk> {
            let mut session = Interpreter.open(about)?;
            let op = MapOp::Update {
                key: vec![0; 4].into(),
                value: vec![0, 0, 0, 1, 0, 0, 0, 0].into(),
                flags: 0,
            };
            session.ask(&Question::Map { map: 0, op })?;
            Ok(session)
        }
    }
    let maps = vec![map("table", MapType::Array, 4, 8, 1)];
    let mut about = Subject::maps_only("maps", maps);
    about.cpus = linux.cpus();
    let mut asked = Comparison::open(about, &mut Other, &mut linux).expect("both take it");
    let verdict = asked.ask(Question::Contents { map: 0 });
    let Ok(Verdict::Differs(disagreement)) = verdict else {
        panic!("{verdict:?}");
    };
    let found = &disagreement.differences[0];
    let key = vec![0; 4];
    assert_eq!(
        (&found.place, found.byte),
        (&Place::Value { map: 0, key }, Some(3))
    );
    let text = difftest::show::disagreement(asked.subject(), &disagreement);
    assert_eq!(
        text,
        "maps question 0 (contents of table):\n  \
         map table[\"0x00000000\"] byte 3: other \"0x0000000100000000\", \
         Linux \"0x0000000000000000\""
    );
}
