//! What is written, read back by an independent decoder.

use abi::{MapDef, MapType, ProgType, Program};
use iced_x86::OpKind;
use iced_x86::{Code as X86, Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter};
use isa::{Code, Slot};
use vm::{Machine, World};

use super::{Assembled, Settings, assemble};
use crate::runtime::Runtime;
use crate::{Mode, Options};

#[path = "../../tests/support/fence.rs"]
mod fence;

fn settings(mode: Mode, meter: bool, gs: bool, bmi2: bool) -> Settings {
    Settings {
        options: Options {
            mode,
            meter,
            ..Options::default()
        },
        gs,
        bmi2,
        runtime: Runtime::here(),
        last_stack: 0x7_0000,
        blind: None,
    }
}

/// All there are.
fn every_setting() -> impl Iterator<Item = Settings> {
    let modes = [Mode::Checked, Mode::Sandboxed, Mode::Trusted];
    (0..24).map(move |n| settings(modes[n / 8], n & 1 != 0, n & 2 != 0, n & 4 != 0))
}

/// The code of a program; `None` when it cannot be loaded.
fn compiled(slots: &[Slot], settings: &Settings) -> Option<Assembled> {
    let mut machine = Machine::new(World::default()).expect("a machine");
    let mut program = Program::bare(ProgType::Xdp, slots.to_vec());
    let array = [MapDef::bare(MapType::Array, 4, 8, 16)];
    program.maps = array.clone().into();
    let instance = machine.instantiate(&array, &[program]).ok()?;
    drop(instance);
    Some(assemble(&machine, settings, &[]).expect("code"))
}

/// The instructions from the first function on.
fn decode(assembled: &Assembled) -> Vec<Instruction> {
    let start = assembled.shared.functions[0][0] as usize;
    let code = &assembled.bytes[start..];
    let decoder = Decoder::with_ip(64, code, start as u64, DecoderOptions::NONE);
    decoder.into_iter().collect()
}

/// What must hold of any code.
fn check(assembled: &Assembled, settings: &Settings, what: &str) {
    let insns = decode(assembled);
    let starts: Vec<u64> = insns.iter().map(Instruction::ip).collect();
    let is_start = |offset: u64| starts.binary_search(&offset).is_ok();
    let end = assembled.bytes.len() as u64;
    for insn in &insns {
        assert_ne!(insn.code(), X86::INVALID, "{what}: {:#x}", insn.ip());
        if insn.op0_kind() == OpKind::NearBranch64 {
            assert!(is_start(insn.near_branch_target()), "{what}: {insn:?}");
        }
    }
    if settings.options.mode == Mode::Sandboxed {
        let start = assembled.shared.functions[0][0] as usize;
        let breach = fence::breach(&assembled.bytes, start);
        assert!(
            breach.is_none(),
            "{what}: {}",
            breach.map(|insn| text(&insn)).unwrap_or_default()
        );
    }
    for line in &assembled.lines {
        let offset = u64::from(line.offset);
        assert!(
            is_start(offset) || offset == end,
            "{what}: line {offset:#x}"
        );
    }
    let sites = &assembled.shared.sites;
    assert!(sites.is_sorted_by_key(|site| site.offset), "{what}");
    for site in sites {
        let offset = site.offset.into();
        assert!(is_start(offset), "{what}: {site:?}");
    }
}

fn text(insn: &Instruction) -> String {
    let mut formatter = IntelFormatter::new();
    formatter
        .options_mut()
        .set_space_after_operand_separator(true);
    let mut text = String::new();
    formatter.format(insn, &mut text);
    text
}

/// The instructions of the lines of `corpus/insn/text.tsv`.
fn every_instruction() -> impl Iterator<Item = (Vec<u8>, &'static str)> {
    let file = include_str!("../../../../corpus/insn/text.tsv");
    file.lines().map(|line| {
        let (hex, text) = line.split_once('\t').expect("two columns");
        let digits: Vec<char> = hex.chars().collect();
        let byte = |digits: &[char]| {
            let digits: String = digits.iter().collect();
            u8::from_str_radix(&digits, 16).expect("hexadecimal")
        };
        (digits.chunks(2).map(byte).collect(), text)
    })
}

#[test]
fn every_instruction_decodes() {
    // What keeps all registers alive, and room for jumps on both sides.
    let around = "r0 ^= r1\nr0 ^= r2\nr0 ^= r3\nr0 ^= r4\nr0 ^= r5\nr0 ^= r6\nr0 ^= r7\n
        r0 ^= r8\nr0 ^= r9\nr0 ^= r10\nexit";
    let around = isa::asm::assemble(around).expect("a text");
    let mut forms = 0;
    let mut last = Vec::new();
    for (bytes, name) in every_instruction() {
        // Those of one form differ in numbers alone.
        let form = vec![bytes[0], bytes[1] >> 4];
        if last == form {
            continue;
        }
        last = form;
        let mut loaded = false;
        for regs in [0x10u8, 0x21, 0x33, 0x70, 0xa6] {
            let mut bytes = bytes.clone();
            bytes[1] = match bytes[1] >> 4 {
                0 => regs & 0xf,
                _ => regs,
            };
            let mut slots = Slot::read_all(&bytes).expect("whole slots");
            slots.extend_from_slice(around.slots());
            for settings in every_setting() {
                let Some(assembled) = compiled(&slots, &settings) else {
                    break;
                };
                loaded = true;
                let what = format!("{name} of {regs:x}, {settings:?}");
                check(&assembled, &settings, &what);
            }
        }
        forms += u32::from(loaded);
    }
    assert!(forms > 80, "only {forms} forms");
}

/// The code of a text, without what stands around it.
fn body(source: &str) -> Vec<String> {
    let settings = settings(Mode::Sandboxed, false, true, true);
    let code: Code = isa::asm::assemble(source).unwrap_or_else(|error| panic!("{error}"));
    let assembled = compiled(code.slots(), &settings).expect("a program");
    check(&assembled, &settings, source);
    let insns = decode(&assembled);
    let text = insns.iter().skip(1).map(text);
    text.take_while(|text| !text.starts_with("ret")).collect()
}

/// Sources, and what they come to.
const CASES: &[(&str, &[&str])] = &[
    // Moves go away, sums are addresses.
    (
        "r2 = r1\nr2 += 14\nr0 = *(u8 *)(r2 + 2)\nexit",
        &["mov ecx, edi", "movzx eax, byte ptr [r12+rcx+10h]"],
    ),
    (
        "r3 = *(u32 *)(r1 + 0)\nr2 = 65536\nr3 <<= 3\nr2 += r3\nr0 = *(u64 *)(r2 + 8)\nexit",
        &[
            "mov ecx, edi",
            "mov r8d, [r12+rcx]",
            "lea ecx, [r8*8+10008h]",
            "mov rax, [r12+rcx]",
        ],
    ),
    (
        "r0 = r1\nr0 += r2\nr0 += 5\nexit",
        &["lea rax, [rdi+rsi+5]"],
    ),
    // Who is not above a pointer is one, and in a loop gs cuts.
    (
        "r2 = *(u32 *)(r1 + 4)\nr1 = *(u32 *)(r1 + 0)\nr3 = r1\nr3 += 14\nr0 = 0
        if r3 > r2 goto pc+2\nr0 = *(u8 *)(r3 + 2)\nr0 += r1\nexit",
        &[
            "mov ecx, edi",
            "mov esi, [r12+rcx+4]",
            "mov ecx, edi",
            "mov edi, [r12+rcx]",
            "xor eax, eax",
            "lea r8, [rdi+0Eh]",
            "cmp r8, rsi",
            "ja short 0000000000000088h",
            "movzx eax, byte ptr [r12+r8+2]",
            "add rax, rdi",
        ],
    ),
    (
        "r0 = *(u64 *)(r1 + 8)\nr1 += 8\nif r0 != 0 goto pc-3\nexit",
        &[
            "nop [rax+rax]",
            "nop [rax+rax]",
            "nop [rax+rax]",
            "nop",
            "mov rax, gs:[edi+8]",
            "add rdi, 8",
            "test rax, rax",
            "jne short 0000000000000080h",
        ],
    ),
    // What was cut is no longer after arithmetic in 64 bits.
    (
        "w1 = w1\nr1 *= 7\nr0 = *(u8 *)(r1 + 0)\nexit",
        &[
            "mov edi, edi",
            "imul rdi, 7",
            "mov ecx, edi",
            "movzx eax, byte ptr [r12+rcx]",
        ],
    ),
    // Rotations.
    (
        "r0 = r1\nr0 <<= 13\nr1 >>= 51\nr0 |= r1\nexit",
        &["rorx rax, rdi, 33h"],
    ),
    (
        "r0 = r1\nr1 <<= 13\nr0 >>= 51\nr1 |= r0\nr0 = r1\nexit",
        &["rorx rax, rdi, 33h"],
    ),
    // Neighbours.
    (
        "r2 = *(u8 *)(r1 + 12)\nr0 = *(u8 *)(r1 + 13)\nr0 <<= 8\nr0 |= r2\nexit",
        &["mov ecx, edi", "movzx eax, word ptr [r12+rcx+0Ch]"],
    ),
    (
        "r2 = *(u8 *)(r1 + 13)\nr0 = *(u8 *)(r1 + 12)\nr0 <<= 8\nr0 |= r2\nexit",
        &[
            "mov ecx, edi",
            "movzx eax, word ptr [r12+rcx+0Ch]",
            "rol ax, 8",
        ],
    ),
    // Extensions.
    (
        "r0 = *(u32 *)(r1 + 0)\nw0 = w0\nexit",
        &["mov ecx, edi", "mov eax, [r12+rcx]"],
    ),
    ("r0 = r1\nr0 <<= 32\nr0 >>= 32\nexit", &["mov eax, edi"]),
    ("r0 = r1\nr0 <<= 48\nr0 s>>= 48\nexit", &["movsx rax, di"]),
    ("w0 = w1\nw0 &= 255\nexit", &["movzx eax, dil"]),
    // Operands in memory.
    (
        "r0 = r1\nr2 = *(u64 *)(r1 + 8)\nr0 ^= r2\nexit",
        &["mov rax, rdi", "mov ecx, edi", "xor rax, [r12+rcx+8]"],
    ),
    // Numbers.
    ("r0 = 5\nr0 *= 7\nr0 += -1\nexit", &["mov eax, 22h"]),
    ("r0 = r1\nr0 *= 8\nexit", &["mov rax, rdi", "shl rax, 3"]),
    ("r0 = r1\nr0 *= 100\nexit", &["imul rax, rdi, 64h"]),
    ("w0 = w1\nw0 %= 8\nexit", &["mov eax, edi", "and eax, 7"]),
    (
        "r0 = *(u8 *)(r1 + 0)\nw0 /= 10\nexit",
        &[
            "mov ecx, edi",
            "movzx eax, byte ptr [r12+rcx]",
            "mov rdx, 199999999999999Ah",
            "mulx rcx, r11, rax",
            "mov rax, rcx",
        ],
    ),
    // What nobody needs.
    ("r0 = 1\nr2 = r1\nr2 += 7\nr0 = 2\nexit", &["mov eax, 2"]),
    // A load that nobody needs may still end the run.
    (
        "r2 = *(u16 *)(r1 + 0)\nr0 = 2\nexit",
        &["mov ecx, edi", "cmp word ptr [r12+rcx], 0", "mov eax, 2"],
    ),
    // Values that are exchanged.
    (
        "r3 = r1\nr1 = r2\nr2 = r3\nr0 = r1\nr0 <<= 7\nr0 ^= r2\nexit",
        &[
            "mov r11, rdi",
            "mov r8, rdi",
            "mov rdi, rsi",
            "mov rsi, r11",
            "mov rax, rdi",
            "shl rax, 7",
            "xor rax, rsi",
        ],
    ),
    // A branch over a jump is one branch.
    (
        "r0 = 0\nr0 += 1\nif r0 == 9 goto pc+1\ngoto pc-3\nexit",
        &[
            "xor eax, eax",
            "nop [rax+rax]",
            "nop [rax+rax]",
            "nop [rax]",
            "add rax, 1",
            "cmp rax, 9",
            "jne short 0000000000000080h",
        ],
    ),
    // Stores.
    (
        "*(u64 *)(r10 - 8) = r1\n*(u32 *)(r10 - 16) = 7\nr0 = *(u64 *)(r10 - 8)\nexit",
        &[
            "pxor xmm0, xmm0",
            "xor ecx, ecx",
            "movups [r12+rbp-10h], xmm0",
            "mov [r12+rbp-8], rdi",
            "mov dword ptr [r12+rbp-10h], 7",
            "mov rax, [r12+rbp-8]",
        ],
    ),
];

#[test]
fn cases_come_to_what_they_should() {
    let mut wrong = Vec::new();
    for (source, wanted) in CASES {
        let found = body(source);
        if found != *wanted {
            wrong.push(format!("{source}\nwanted {wanted:#?}\nfound {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
