//! All code that the programs of the corpus become, through an independent decoder:
//! every byte belongs to an instruction, of a kind that is expected, jumps lead to
//! instructions, and no access of sandboxed code leads out of the machine.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};
use jit::{Compiled, Mode, Options};
use vm::{Machine, World};

#[path = "support/fence.rs"]
mod fence;

/// What code is made of. Anything else would be a surprise: above all what enters
/// the kernel, reaches devices, or changes segments.
#[rustfmt::skip]
const EXPECTED: &[Mnemonic] = {
    use Mnemonic::*;
    &[
        // Moves.
        Mov, Movzx, Movsx, Movsxd, Lea, Push, Pop, Xchg, Pxor, Movups,
        Cmova, Cmovae, Cmovb, Cmovbe, Cmove, Cmovne, Movaps, Movbe,
        // Arithmetic.
        Add, Sub, Neg, Imul, Mul, Mulx, Div, Idiv, Cdq, Cqo, And, Or, Xor, Not, Inc, Dec,
        Shl, Shr, Sar, Shlx, Shrx, Sarx, Rol, Ror, Rorx, Bswap, Sbb, Adc,
        // Atomics.
        Xadd, Cmpxchg,
        // Control.
        Cmp, Test, Bt, Jmp, Call, Ret, Nop, Endbr64,
        Ja, Jae, Jb, Jbe, Je, Jne, Jg, Jge, Jl, Jle, Js, Jns, Jo, Jno,
        Seta, Setae, Setb, Setbe, Sete, Setne,
    ]
};

#[test]
fn all_code_of_the_corpus_decodes() {
    let mut kinds = BTreeMap::new();
    let mut programs = 0;
    for path in objects() {
        let name = path.display().to_string();
        let Some(programs_here) = programs_of(&path) else {
            continue;
        };
        for program in programs_here {
            let mut machine = Machine::new(World::default()).expect("a machine");
            let loaded = machine.instantiate(&program.maps, std::slice::from_ref(&program));
            if loaded.is_err() {
                continue;
            }
            programs += 1;
            for options in ways() {
                let compiled = Compiled::new(&mut machine, &options).expect("it compiles");
                let place = format!("{name}: {}: {options:?}", program.name);
                let start = decode(&compiled, &place, &mut kinds);
                if options.mode == Mode::Sandboxed {
                    let breach = fence::breach(compiled.code(), start);
                    assert!(breach.is_none(), "{place}: {breach:?}");
                }
            }
        }
    }
    assert!(programs > 80, "only {programs} programs");
    let unexpected: Vec<_> = kinds
        .iter()
        .filter(|(kind, _)| !EXPECTED.contains(kind))
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
}

fn ways() -> Vec<Options> {
    let mut ways = Vec::new();
    for (mode, meter) in [
        (Mode::Checked, true),
        (Mode::Sandboxed, true),
        (Mode::Sandboxed, false),
    ] {
        for gs in [true, false] {
            ways.push(Options {
                mode,
                meter,
                blind: meter,
                gs: Some(gs),
            });
        }
    }
    ways
}

fn objects() -> Vec<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus");
    let folders = ["objects", "bench"].map(|folder| corpus.join(folder));
    let files = folders.iter().flat_map(|folder| {
        let entries = std::fs::read_dir(folder).expect("the corpus");
        entries.map(|entry| entry.expect("an entry").path())
    });
    let mut files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "o"))
        .collect();
    files.sort();
    files
}

fn programs_of(path: &Path) -> Option<Vec<abi::Program>> {
    let options = loader::Options {
        prog_type: Some(abi::ProgType::Xdp),
        ..loader::Options::default()
    };
    let bytes = std::fs::read(path).expect("an object");
    let object = loader::Object::parse(&bytes, &options).expect("an object");
    object.programs().ok()
}

/// Where the code begins.
fn decode(compiled: &Compiled, place: &str, kinds: &mut BTreeMap<Mnemonic, String>) -> usize {
    let code = compiled.code();
    // In front of the first function are addresses, which are no instructions.
    let symbols = compiled.symbols();
    let first = symbols.iter().map(|symbol| symbol.address).min();
    let start = first.expect("a function") - code.as_ptr() as usize;
    let end = code.iter().rposition(|byte| *byte != 0xcc);
    let end = end.expect("code") + 1;
    let mut decoder = Decoder::with_ip(64, &code[start..end], start as u64, DecoderOptions::NONE);
    let mut begins = BTreeSet::new();
    let mut targets = Vec::new();
    let mut insn = Instruction::default();
    while decoder.can_decode() {
        decoder.decode_out(&mut insn);
        let at = insn.ip();
        assert!(!insn.is_invalid(), "{place}: {at:#x}");
        begins.insert(at);
        kinds
            .entry(insn.mnemonic())
            .or_insert_with(|| format!("{place}: {at:#x}"));
        if insn.op0_kind() == OpKind::NearBranch64 {
            targets.push((at, insn.near_branch64()));
        }
        let segment = insn.segment_prefix();
        let known = matches!(segment, Register::None | Register::GS);
        // In front of a jump it would be a hint.
        assert!(known, "{place}: {at:#x}: {segment:?}");
        if insn.is_ip_rel_memory_operand() {
            let address = insn.ip_rel_memory_address();
            assert!(address < start as u64, "{place}: {at:#x}: reads code");
        }
    }
    for (from, to) in targets {
        assert!(begins.contains(&to), "{place}: {from:#x} jumps to {to:#x}");
    }
    let lines = compiled.lines();
    for (offset, _, pc) in lines {
        let inside = begins.contains(&(offset as u64)) || offset == end;
        assert!(inside, "{place}: {pc} begins at {offset:#x}");
    }
    start
}
