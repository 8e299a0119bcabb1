//! The conformance vectors of the instruction set, in the kernel: the result that
//! they say, or refused with the sentence that their note says.
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::path::Path;

use abi::{MapType, ProgType};
use difftest::{Subject, map};
use isa::vectors::{self, Outcome, Vector};
use kernel::testing::note;
use kernel::{Kernel, LoadError, TestRun};

/// How a note begins that says why Linux refuses the program.
const REFUSES: &str = "Linux refuses: ";

#[test]
fn every_vector_gives_what_it_says() {
    let Some(kernel) = kernel::testing::kernel_or_skip() else {
        return;
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/insn");
    let (mut results, mut refusals, mut unasked) = (0, 0, 0);
    let mut wrong = Vec::new();
    for entry in fs::read_dir(&folder).expect("the corpus") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "data") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a text");
        for vector in vectors::parse(&text).expect("vectors") {
            let answer = ask(&kernel, &vector);
            match &answer {
                Answer::Refused(_) => refusals += 1,
                Answer::CannotAsk => unasked += 1,
                _ => results += 1,
            }
            if let Some(why) = fault(&vector, &answer) {
                let file = path.file_name().unwrap_or_default().display();
                wrong.push(format!("{file}:{}: {}: {why}", vector.line, vector.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(results > 300, "only {results} results");
    note(&format!(
        "vectors: {results} results, {refusals} refusals compared, {unasked} cannot be asked"
    ));
}

/// What Linux says.
enum Answer {
    /// All of `r0`.
    Result(u64),
    /// The low half of `r0`.
    Low(u32),
    /// The last sentences of the logs, one for each way in which it was put.
    Refused(Vec<String>),
    /// It names a platform function by a number, which is not put to Linux.
    CannotAsk,
}

/// What is wrong with a vector.
fn fault(vector: &Vector, answer: &Answer) -> Option<String> {
    let note = vector.note.as_deref().unwrap_or_default();
    let noted = note.lines().find_map(|line| line.strip_prefix(REFUSES));
    match (answer, vector.outcome, noted) {
        (Answer::CannotAsk, ..) => None,
        (Answer::Refused(sentences), _, Some(noted)) => {
            let known = sentences.iter().any(|sentence| sentence == noted);
            (!known).then(|| format!("the note says {noted:?}, Linux {sentences:?}"))
        }
        (Answer::Refused(sentences), ..) => {
            Some(format!("Linux refuses, and no note says so: {sentences:?}"))
        }
        (_, _, Some(noted)) => Some(format!("Linux takes it, the note says {noted:?}")),
        (Answer::Result(r0), Outcome::Result(wanted), _) if *r0 == wanted => None,
        (Answer::Low(r0), Outcome::Result(wanted), _) if *r0 == wanted as u32 => None,
        (Answer::Result(r0), wanted, _) => Some(format!("{wanted:x?}, Linux {r0:#x}")),
        (Answer::Low(r0), wanted, _) => Some(format!("{wanted:x?}, Linux {r0:#x} (low half)")),
    }
}

fn ask(kernel: &Kernel, vector: &Vector) -> Answer {
    let code = isa::asm::assemble(&vector.asm).expect("the text of a program");
    let code = code.slots();
    let direct = || alone(kernel, vector, code);
    if vector.packet.is_some() {
        return direct().unwrap_or_else(|why| Answer::Refused(vec![why]));
    }
    let first = match wrapped(kernel, vector, code) {
        Ok(answer) => return answer,
        Err(why) => why,
    };
    match direct() {
        // One frame less, and nothing of its environment matters.
        Ok(answer) if first.contains("frames") => answer,
        Ok(Answer::CannotAsk) => Answer::CannotAsk,
        Ok(_) => Answer::Refused(vec![first]),
        // Here the instructions have the numbers that they have in the vector.
        Err(second) => Answer::Refused(vec![first, second]),
    }
}

/// The vector as a function that a program calls with its memory, and that leaves
/// the result in a map.
fn wrapped(kernel: &Kernel, vector: &Vector, code: &[isa::Slot]) -> Result<Answer, String> {
    let len = vector.memory.len();
    let memory = if len == 0 {
        "r1 = 0"
    } else {
        "r1 = map[idx:0]+0"
    };
    let text = format!(
        "{memory}\n\
         r2 = {len}\n\
         call pc+5\n\
         r1 = map[idx:1]+0\n\
         *(u64 *)(r1 +0) = r0\n\
         r0 = 2\n\
         exit\n"
    );
    let wrapper = isa::asm::assemble(&text).expect("the text of the wrapper");
    let slots = [wrapper.slots(), code].concat();
    let maps = vec![
        map("memory", MapType::Array, 4, len.max(1) as u32, 1),
        map("result", MapType::Array, 4, 8, 1),
    ];
    let subject = Subject::xdp("vector", slots, maps);
    let instance = kernel.instantiate(subject.maps(), &subject.programs);
    let instance = instance.map_err(|error| error.to_string())?;
    let program = instance.programs[0].as_ref().map_err(sentence)?;
    let key = 0u32.to_le_bytes();
    if len > 0 {
        let filled = instance.maps[0].update(&key, &vector.memory, 0);
        filled.expect("an element of an array");
    }
    let run = TestRun {
        data: &[0; 14],
        ..TestRun::default()
    };
    program.test_run(&run).expect("a run");
    let result = instance.maps[1]
        .lookup(&key)
        .expect("an element of an array");
    let (words, _) = result.as_chunks::<8>();
    Ok(Answer::Result(u64::from_le_bytes(words[0])))
}

/// The vector as it is, a classifier with its packet.
fn alone(kernel: &Kernel, vector: &Vector, code: &[isa::Slot]) -> Result<Answer, String> {
    let mut subject = Subject::xdp("vector", code.to_vec(), Vec::new());
    let mut program = subject.programs.remove(0);
    program.prog_type = ProgType::SchedCls;
    program.attach_type = None;
    let loaded = kernel.load(&program, &[], &Default::default());
    let loaded = match loaded {
        Err(LoadError::Extern { .. }) => return Ok(Answer::CannotAsk),
        loaded => loaded.map_err(|error| sentence(&error))?,
    };
    let run = TestRun {
        data: vector.packet.as_deref().unwrap_or(&[0; 14]),
        ..TestRun::default()
    };
    let ran = loaded.test_run(&run).map_err(|error| error.to_string())?;
    Ok(Answer::Low(ran.retval))
}

/// The last sentence of a log, or what else there is to say.
fn sentence(error: &LoadError) -> String {
    match error {
        LoadError::Refused(refusal) => {
            let log = kernel::log::Log::parse(&refusal.log);
            log.sentence()
                .map_or_else(|| refusal.to_string(), str::to_owned)
        }
        other => other.to_string(),
    }
}
