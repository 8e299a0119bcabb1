//! `ebpf-sim disasm`: the instructions of an object's programs, in the form of
//! `bpftool prog dump xlated`.

mod jit;

use std::process::ExitCode;

use abi::{LineInfo, Program};
use isa::disasm::{Symbol, named};
use isa::{Block, Code, Insn, Pc};

use crate::args::DisasmArgs;
use crate::error::Failure;
use crate::input;
use crate::output::Output;

pub(crate) fn disasm(args: &DisasmArgs, out: &mut Output) -> Result<ExitCode, Failure> {
    let object = input::object(&args.object)?;
    let programs = input::programs(&object, &args.object, args.program.as_deref())?;
    if args.dot {
        graph(&programs, out)?;
    } else {
        for (place, program) in programs.iter().enumerate() {
            if place > 0 {
                out.line("")?;
            }
            match args.jit {
                Some(mode) => jit::listing(program, args, mode.into(), out)?,
                None => listing(program, args, out)?,
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn listing(program: &Program, args: &DisasmArgs, out: &mut Output) -> Result<(), Failure> {
    let code = Code::new(program.code.clone());
    out.line(format_args!(
        "{}: {} program, section {}, {} instructions",
        program.name,
        program.prog_type,
        program.section,
        code.len()
    ))?;
    for (pc, insn) in code.iter() {
        if let Some(function) = program.functions.iter().find(|f| f.start == pc) {
            out.line(format_args!("{}:", function.name))?;
        }
        if args.source || args.linum {
            source(program, pc, args.linum, out)?;
        }
        out.line(line(program, &code, pc, insn))?;
        if args.opcodes {
            opcodes(&code, pc, insn, out)?;
        }
    }
    Ok(())
}

/// One instruction as bpftool prints it.
fn line(program: &Program, code: &Code, pc: Pc, insn: Insn) -> String {
    let opcode = code.slots().get(pc.index()).map_or(0, |s| s.opcode);
    format!("{:4}: ({opcode:02x}) {}", pc.0, text(program, pc, insn))
}

/// The text of an instruction, with the names that the program has for things.
pub(crate) fn text(program: &Program, pc: Pc, insn: Insn) -> String {
    named(pc, insn, &|symbol| name(program, symbol)).to_string()
}

/// What a program calls the things that its instructions refer to by number.
fn name(program: &Program, symbol: Symbol) -> Option<String> {
    match symbol {
        Symbol::Helper(id) => {
            let helper = abi::helpers::by_id(u32::try_from(id).ok()?)?;
            Some(helper.name.to_owned())
        }
        Symbol::Kfunc { btf_id, .. } => {
            let found = program.externs.get(usize::try_from(btf_id).ok()?)?;
            Some(found.name.clone())
        }
        Symbol::MapIndex { index } => {
            let map = program.maps.get(usize::try_from(index).ok()?)?;
            Some(map.name.clone())
        }
        Symbol::Function(pc) => {
            let function = program.functions.iter().find(|f| f.start == pc)?;
            Some(function.name.clone())
        }
        _ => None,
    }
}

/// The source line, before the first instruction that it made.
fn source(program: &Program, pc: Pc, linum: bool, out: &mut Output) -> Result<(), Failure> {
    let Some(btf) = &program.btf else {
        return Ok(());
    };
    let Ok(found) = program.line_info.binary_search_by_key(&pc, |l| l.pc) else {
        return Ok(());
    };
    let LineInfo {
        file_name_off,
        line_off,
        line,
        column,
        ..
    } = program.line_info[found];
    let text = btf.str(line_off).unwrap_or_default().trim();
    match linum {
        true => {
            let file = btf.str(file_name_off).unwrap_or_default();
            out.line(format_args!(
                "; {text} [file:{file} line_num:{line} line_col:{column}]"
            ))
        }
        false => out.line(format_args!("; {text}")),
    }
}

/// The bytes of an instruction, both slots of a wide one.
fn opcodes(code: &Code, pc: Pc, insn: Insn, out: &mut Output) -> Result<(), Failure> {
    let slots = match insn {
        Insn::LoadImm { .. } => 2,
        _ => 1,
    };
    let bytes: Vec<_> = code.slots()[pc.index()..]
        .iter()
        .take(slots)
        .flat_map(|slot| slot.to_bytes())
        .map(|byte| format!("{byte:02x}"))
        .collect();
    out.line(format_args!("       {}", bytes.join(" ")))
}

/// The control flow of all programs for Graphviz: a cluster for each function, a
/// record for each basic block.
fn graph(programs: &[Program], out: &mut Output) -> Result<(), Failure> {
    out.line("digraph \"DOT graph for eBPF program\" {")?;
    for (number, program) in programs.iter().enumerate() {
        let code = Code::new(program.code.clone());
        let starts: Vec<_> = program.functions.iter().map(|f| f.start).collect();
        let blocks = code.blocks(&starts);
        for (place, function) in program.functions.iter().enumerate() {
            let end = Pc(function.start.0 + function.len);
            out.line(format_args!("  subgraph \"cluster_{number}_{place}\" {{"))?;
            out.line(format_args!(
                "    label=\"{}\"; style=dashed; color=gray;",
                escaped(&format!("{}/{}", program.name, function.name))
            ))?;
            for block in blocks
                .iter()
                .filter(|b| b.start >= function.start && b.start < end)
            {
                node(program, &code, number, block, out)?;
            }
            out.line("  }")?;
        }
        for block in &blocks {
            edges(number, block, out)?;
        }
    }
    out.line("}")
}

fn node(
    program: &Program,
    code: &Code,
    number: usize,
    block: &Block,
    out: &mut Output,
) -> Result<(), Failure> {
    let mut label = String::new();
    for (pc, insn) in code
        .iter()
        .filter(|(pc, _)| (block.start..block.end).contains(pc))
    {
        label += &escaped(&line(program, code, pc, insn));
        label += "\\l";
    }
    out.line(format_args!(
        "    \"p{number}_{}\" [shape=record, fontname=monospace, label=\"{{{label}}}\"];",
        block.start.0
    ))
}

fn edges(number: usize, block: &Block, out: &mut Output) -> Result<(), Failure> {
    let mut edge = |to: Option<Pc>, style: &str| match to {
        Some(to) => out.line(format_args!(
            "  \"p{number}_{}\" -> \"p{number}_{}\" [style={style}];",
            block.start.0, to.0
        )),
        None => Ok(()),
    };
    edge(block.next, "solid")?;
    edge(block.jump, "dashed")
}

/// Text inside a Graphviz record label.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if "\\\"{}<>|".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
