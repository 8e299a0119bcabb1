//! Instructions of any bits: decoder and disassembler, the verifier, the engines.
//!
//! For the verifier and the engines, eight bytes come first: how the program is
//! verified or compiled, and what it is given.

use std::sync::OnceLock;

use abi::{ProgType, Program};
use isa::{Code, Slot};
use loader::raw::{Caps, RawProgram};
use verifier::log::Log;
use verifier::{Config, Context, Event, Observer, Privileges, Verdict};

use super::Plain;
use crate::engines::{self, Case, Input, Way};
use crate::families::{Random, Seed};
use crate::generate::{self, Mode, Pool, hostile};

/// Bytes before the program.
pub(super) const HEAD: usize = 8;
/// Longer programs are cut.
const MOST_SLOTS: usize = 512;
/// Of those that are printed and assembled again, which takes longer.
pub(super) const MOST_PRINTED: usize = 48;
/// Steps of a verification that are logged. There may be millions, each the same
/// code.
const MOST_EVENTS: u32 = 20_000;

/// Whole slots; what is left at the end is dropped.
pub(super) fn slots(bytes: &[u8]) -> Vec<Slot> {
    let chunks = bytes.as_chunks::<8>().0.iter().take(MOST_SLOTS);
    chunks.map(|chunk| Slot::from_bytes(*chunk)).collect()
}

/// The other way round.
pub(super) fn bytes_of(slots: &[Slot]) -> Vec<u8> {
    slots.iter().flat_map(|slot| slot.to_bytes()).collect()
}

/// Decodes, disassembles, and looks for functions and blocks.
pub(super) fn disassembler(bytes: &[u8]) {
    let mut slots = slots(bytes);
    slots.truncate(MOST_PRINTED);
    look(&Code::new(slots));
}

/// What is printed of a program is the program.
pub(super) fn look(code: &Code) {
    for (pc, insn) in code.iter() {
        if let Some((slot, tail)) = isa::encode(insn) {
            let again = isa::decode(slot, tail);
            assert_eq!(again, insn, "{pc:?} is encoded as {slot:?}, {tail:?}");
        }
    }
    if let Ok(starts) = code.functions() {
        let _ = code.blocks(&starts);
    }
    let _ = code.check();
    let text = isa::disasm::listing(code, &|_| None).to_string();
    match isa::asm::assemble(&text) {
        Ok(again) => assert_eq!(again.slots(), code.slots(), "{text}"),
        Err(error) => panic!("{error}\n{text}"),
    }
}

/// How a program is verified or compiled, and what it is given.
pub(super) struct Head {
    choice: [u8; HEAD],
    random: Random,
}

impl Head {
    pub(super) fn new(choice: [u8; HEAD]) -> Head {
        Head {
            choice,
            random: Random::new(Seed(u64::from_le_bytes(choice)), 0),
        }
    }

    fn input(&mut self) -> Input {
        let random = &mut self.random;
        let len = random.pick(&[14, 34, 54, 64, 64, 64]);
        Input {
            packet: random.bytes(len),
            memory: random.bytes(hostile::MEMORY as usize),
            numbers: [random.edge(), random.edge(), random.below(65)],
            ..Input::default()
        }
    }

    /// A way to compile, one that needs no promise.
    fn way(&self) -> &'static Way {
        static WAYS: OnceLock<Vec<Way>> = OnceLock::new();
        let ways = WAYS.get_or_init(|| engines::ways(None));
        &ways[usize::from(self.choice[1]) % ways.len()]
    }

    fn config(&self) -> Config {
        let bit = |n: u32| self.choice[2] >> n & 1 != 0;
        Config {
            privileges: match bit(0) {
                true => Privileges::BpfOnly,
                false => Privileges::Full,
            },
            strict_alignment: bit(1),
            test_state_freq: bit(2),
            test_reg_invariants: bit(3),
            ..Config::default()
        }
    }
}

/// Verifies a program, with a log or without; if it is accepted, all engines come
/// to the same.
pub(super) fn bytecode(bytes: &[u8]) {
    let Some((choice, code)) = bytes.split_first_chunk::<HEAD>() else {
        return;
    };
    // Half of the numbers are XDP, which is what can be run.
    let prog_type = ProgType::new(u32::from(choice[0])).unwrap_or(ProgType::Xdp);
    let program = Program {
        name: "entry".to_owned(),
        maps: Pool::get().maps.clone(),
        ..Program::bare(prog_type, slots(code))
    };
    verify(program, Head::new(*choice));
}

/// What the verifier and the engines make of a program.
pub(super) fn verify(program: Program, mut head: Head) {
    let mut log = Beginning {
        log: Log::with_limit(2 | 4, 1 << 20),
        left: MOST_EVENTS,
    };
    let observer = (head.choice[3] & 1 != 0).then_some(&mut log as &mut dyn Observer);
    let verdict = verifier::verify(&program, &head.config(), observer);
    match verdict {
        Verdict::Accepted(_) if program.prog_type == ProgType::Xdp => {}
        _ => return,
    }
    let mut case = Case {
        name: "fuzzed".to_owned(),
        raw: raw(program),
        budget: 10_000,
        inputs: (0..2).map(|_| head.input()).collect(),
    };
    generate::trim(&mut case.raw.program);
    compare(&case, head.way());
}

/// The log of so many steps.
struct Beginning {
    log: Log,
    left: u32,
}

impl Observer for Beginning {
    fn observe(&mut self, context: &Context<'_>, event: Event<'_>) {
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            self.log.observe(context, event);
        }
    }

    fn wants_details(&self) -> bool {
        self.left != 0
    }
}

/// Runs a program that nobody has verified, interpreted and compiled.
pub(super) fn jit(bytes: &[u8]) {
    static LIKE: OnceLock<Program> = OnceLock::new();
    let Some((choice, code)) = bytes.split_first_chunk::<HEAD>() else {
        return;
    };
    let mut head = Head::new(*choice);
    let like = LIKE.get_or_init(|| generate::program(Mode::Hostile, Seed(0), 0).program);
    let case = Case {
        name: "fuzzed".to_owned(),
        raw: raw(Program {
            code: slots(code),
            ..like.clone()
        }),
        budget: match head.choice[2] {
            small @ 0..64 => u64::from(small),
            _ => 500,
        },
        inputs: (0..=head.choice[3] % 4).map(|_| head.input()).collect(),
    };
    compare(&case, head.way());
}

fn compare(case: &Case, way: &Way) {
    if let Err(found) = engines::compare(case, way) {
        panic!("{found}");
    }
}

fn raw(program: Program) -> RawProgram {
    RawProgram {
        program,
        flags: 0,
        caps: Caps::ROOT,
        attach_btf_id: None,
    }
}

/// Changes instructions after the head.
pub(super) fn mutate_headed(bytes: &mut Vec<u8>, max: usize, bits: u64, plain: Plain<'_>) {
    let mut random = Random::new(Seed(bits), 5);
    let mut code = bytes.split_off(HEAD.min(bytes.len()));
    if bytes.len() < HEAD || random.percent(5) {
        bytes.resize(HEAD, 0);
        bytes[random.below(HEAD as u64) as usize] = random.number() as u8;
    } else {
        mutate(&mut code, max.saturating_sub(HEAD), random.number(), plain);
    }
    bytes.append(&mut code);
    bytes.truncate(max);
}

/// Changes instructions: fields of one, one for another, one more, one less, with
/// the jumps across it mended.
pub(super) fn mutate(bytes: &mut Vec<u8>, max: usize, bits: u64, plain: Plain<'_>) {
    let mut random = Random::new(Seed(bits), 4);
    let random = &mut random;
    let mut code = slots(bytes);
    if code.is_empty() || random.percent(25) {
        return plain(bytes, max);
    }
    for _ in 0..=random.below(4) {
        let at = random.below(code.len() as u64) as usize;
        match random.below(10) {
            0 | 1 => {
                for slot in generate::legal_insn(random).into_iter().rev() {
                    insert(&mut code, at, slot);
                }
            }
            2 => {
                let to = random.below(code.len() as u64 + 1) as usize;
                let slot = code[at];
                insert(&mut code, to, slot);
            }
            3 if code.len() > 1 => remove(&mut code, at),
            _ => change(&mut code[at], random),
        }
    }
    code.truncate(max / 8);
    *bytes = bytes_of(&code);
}

/// Changes a field.
fn change(slot: &mut Slot, random: &mut Random) {
    match random.below(8) {
        0 => slot.opcode = random.number() as u8,
        1 => slot.opcode ^= random.pick(&[0x08, 0x01, 0x04, 0x05, 0x10, 0x40]),
        2 => slot.dst = random.below(11) as u8,
        3 => slot.src = random.below(11) as u8,
        4 => slot.offset = random.below(32) as i16 - 16,
        5 => slot.offset = random.edge() as i16,
        6 => slot.imm = random.below(256) as i32 - 64,
        _ => slot.imm = random.edge() as i32,
    }
}

fn insert(code: &mut Vec<Slot>, at: usize, slot: Slot) {
    shift(code, at, 1);
    code.insert(at, slot);
}

fn remove(code: &mut Vec<Slot>, at: usize) {
    code.remove(at);
    shift(code, at, -1);
}

/// Mends jumps across `at`, where `by` slots come or went.
fn shift(code: &mut [Slot], at: usize, by: i16) {
    let at = at as i64;
    for (pc, slot) in code.iter_mut().enumerate() {
        let class = slot.opcode & 7;
        let is_jump = matches!(class, 5 | 6) && !matches!(slot.opcode & 0xf0, 0x80 | 0x90);
        if !is_jump {
            continue;
        }
        let pc = pc as i64;
        let to = pc + 1 + i64::from(slot.offset);
        if pc < at && to > at {
            slot.offset = slot.offset.saturating_add(by);
        } else if pc >= at && to <= at {
            slot.offset = slot.offset.saturating_sub(by);
        }
    }
}

/// Instructions that mean something.
pub(super) fn words() -> Vec<Vec<u8>> {
    let lines = [
        "r0 = 0\nexit",
        "exit",
        "r2 = *(u32 *)(r1 +0)",
        "r3 = *(u32 *)(r1 +4)",
        "r4 = r2\nr4 += 14\nif r4 > r3 goto pc+1",
        "call 1",
        "r1 = map[idx:1]",
        "r2 = r10\nr2 += -8",
        "*(u64 *)(r10 -8) = r1",
        "*(u64 *)(r10 -8) = 0",
        "r1 = *(u64 *)(r10 -8)",
        "if r0 == 0 goto pc+1",
        "lock *(u64 *)(r10 -8) += r1",
        "may_goto pc+1",
        "call pc+1",
        "call 12",
        "call 181",
        "r0 = be16 r0",
        "r6 = r1",
    ];
    let words = lines
        .iter()
        .filter_map(|line| isa::asm::assemble(line).ok());
    words.map(|code| bytes_of(code.slots())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(text: &str) -> Vec<Slot> {
        let code = isa::asm::assemble(text).expect("a program");
        code.slots().to_vec()
    }

    #[test]
    fn jumps_across_a_change_still_go_to_the_same_place() {
        let text = |more| {
            format!("again:\nr0 = 0\nif r1 == 0 goto out\n{more}r1 += 1\ngoto again\nout:\nexit\n")
        };
        let mut code = program(&text(""));
        let more = program(&text("r2 = 7\n"));
        insert(&mut code, 2, more[2]);
        assert_eq!(code, more);
        remove(&mut code, 2);
        assert_eq!(code, program(&text("")));
    }

    #[test]
    fn all_words_are_instructions() {
        assert_eq!(words().len(), 19);
    }
}
