//! The conformance vectors assemble, their programs come back from text, and
//! [`isa::eval`] computes what Linux computed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use isa::vectors::{self, ErrorKind, Outcome, Vector};
use isa::{AtomicOp, Code, Insn, Operand, Pc, Size, Width, asm, disasm, eval, table};

/// All vectors with their files, in order.
fn corpus() -> Vec<(PathBuf, Vector)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/insn");
    let entries = std::fs::read_dir(folder).expect("the corpus is there");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "data")
        })
        .collect();
    files.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let vectors =
            vectors::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        vectors
            .into_iter()
            .map(move |vector| (path.clone(), vector))
    };
    files.into_iter().flat_map(read).collect()
}

#[test]
fn vectors_assemble_and_come_back() {
    for (path, vector) in corpus() {
        let place = format!("{}:{}: {}", path.display(), vector.line, vector.name);
        let code = asm::assemble(&vector.asm).unwrap_or_else(|error| panic!("{place}: {error}"));
        let listing = disasm::listing(&code, &|_| None).to_string();
        assert_eq!(asm::assemble(&listing).as_ref(), Ok(&code), "{place}");
        let structure = vector.outcome == Outcome::Error(ErrorKind::Structure);
        assert_eq!(
            code.check().is_err(),
            structure,
            "{place}: {:?}",
            code.check()
        );
    }
}

/// Needs more than a program can be given here: a map, a variable, an arena.
fn needs_an_environment(insn: Insn) -> bool {
    match insn {
        Insn::LoadImm { imm, .. } => imm.value().is_none(),
        Insn::AddrSpaceCast { .. } => true,
        _ => false,
    }
}

#[test]
fn every_operation_has_a_vector() {
    let texts: BTreeSet<&str> = corpus()
        .iter()
        .flat_map(|(_, vector)| {
            asm::assemble(&vector.asm)
                .expect("checked above")
                .insns()
                .to_vec()
        })
        .filter_map(|insn| Some(table::row_of(insn)?.text))
        .collect();
    for row in table::TABLE {
        assert!(
            texts.contains(row.text) || needs_an_environment(row.insn),
            "no vector has {}",
            row.text
        );
    }
}

/// Where a small evaluator puts the memory of a vector.
const MEMORY: u64 = 0x1000;

/// Runs straight code, branches and memory accesses by [`isa::eval`]. `None`
/// when the program does anything else, or accesses anything but its memory.
fn evaluate(code: &Code, mut memory: Vec<u8>) -> Option<u64> {
    let mut regs = [0u64; 11];
    (regs[1], regs[2]) = (MEMORY, memory.len() as u64);
    let mut pc = 0u32;
    for _ in 0..10_000 {
        let insn = code.get(Pc(pc))?;
        pc += 1;
        match insn {
            Insn::Alu {
                op,
                width,
                dst,
                src,
            } => {
                regs[dst.index()] = eval::alu(op, width, regs[dst.index()], value(src, &regs));
            }
            Insn::Neg { width, dst } => regs[dst.index()] = eval::neg(width, regs[dst.index()]),
            Insn::Movsx {
                width,
                bits,
                dst,
                src,
            } => {
                regs[dst.index()] = eval::movsx(width, bits, regs[src.index()]);
            }
            Insn::Endian { op, bits, dst } => {
                regs[dst.index()] = eval::endian(op, bits, regs[dst.index()]);
            }
            Insn::LoadImm { dst, imm } => {
                regs[dst.index()] = imm.value()?;
                pc += 1;
            }
            Insn::Load {
                size,
                signed,
                dst,
                base,
                offset,
            } => {
                let at = index(regs[base.index()], offset)?;
                regs[dst.index()] = eval::load(size, signed, read(&memory, at, size)?);
            }
            Insn::LoadAcquire {
                size,
                dst,
                base,
                offset,
            } => {
                let at = index(regs[base.index()], offset)?;
                regs[dst.index()] = eval::load(size, false, read(&memory, at, size)?);
            }
            Insn::Store {
                size,
                base,
                offset,
                src,
            } => {
                let at = index(regs[base.index()], offset)?;
                write(&mut memory, at, size, value(src, &regs))?;
            }
            Insn::StoreRelease {
                size,
                base,
                offset,
                src,
            } => {
                let at = index(regs[base.index()], offset)?;
                write(&mut memory, at, size, regs[src.index()])?;
            }
            Insn::Atomic {
                op,
                width,
                base,
                offset,
                src,
            } => {
                let size = match width {
                    Width::W32 => Size::B4,
                    Width::W64 => Size::B8,
                };
                let at = index(regs[base.index()], offset)?;
                let old = read(&memory, at, size)?;
                let new = eval::atomic(op, width, old, regs[src.index()], regs[0]);
                write(&mut memory, at, size, new)?;
                match op {
                    AtomicOp::Cmpxchg => regs[0] = old,
                    _ if op.fetches() => regs[src.index()] = old,
                    _ => {}
                }
            }
            Insn::Jump { offset, .. } => pc = pc.wrapping_add_signed(offset),
            Insn::Branch {
                op,
                width,
                dst,
                src,
                offset,
            } => {
                if eval::compare(op, width, regs[dst.index()], value(src, &regs)) {
                    pc = pc.wrapping_add_signed(offset.into());
                }
            }
            Insn::Exit => return Some(regs[0]),
            _ => return None,
        }
    }
    None
}

fn value(operand: Operand, regs: &[u64; 11]) -> u64 {
    match operand {
        Operand::Reg(reg) => regs[reg.index()],
        Operand::Imm(imm) => eval::immediate(imm),
    }
}

fn index(base: u64, offset: i16) -> Option<usize> {
    let address = base.wrapping_add_signed(offset.into());
    usize::try_from(address.checked_sub(MEMORY)?).ok()
}

fn read(memory: &[u8], at: usize, size: Size) -> Option<u64> {
    let bytes = memory.get(at..)?.get(..size.bytes() as usize)?;
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    Some(u64::from_le_bytes(wide))
}

fn write(memory: &mut [u8], at: usize, size: Size, value: u64) -> Option<()> {
    let bytes = memory.get_mut(at..)?.get_mut(..size.bytes() as usize)?;
    bytes.copy_from_slice(&value.to_le_bytes()[..bytes.len()]);
    Some(())
}

#[test]
fn eval_computes_what_linux_computed() {
    let mut evaluated = 0;
    for (path, vector) in corpus() {
        let Outcome::Result(expected) = vector.outcome else {
            continue;
        };
        let code = asm::assemble(&vector.asm).expect("checked above");
        if let Some(result) = evaluate(&code, vector.memory) {
            let place = format!("{}:{}: {}", path.display(), vector.line, vector.name);
            assert_eq!(result, expected, "{place}");
            evaluated += 1;
        }
    }
    assert!(evaluated > 1000, "only {evaluated} vectors evaluated");
}
