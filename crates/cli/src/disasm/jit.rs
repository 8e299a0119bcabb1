//! `disasm --jit`: below each instruction the host's instructions that it becomes.

use ::jit::{self, Line, Options, Proof};
use abi::Program;
use isa::{Code, Pc};
use verifier::{Config, Verdict};
use vm::{Machine, World};

use super::{line, opcodes, source};
use crate::args::DisasmArgs;
use crate::error::Failure;
use crate::input;
use crate::output::Output;

/// Lists the compiled code of a program, alone in a machine.
pub(super) fn listing(
    program: &Program,
    args: &DisasmArgs,
    mode: jit::Mode,
    out: &mut Output,
) -> Result<(), Failure> {
    let place = format!("{}: program {}", args.object.object.display(), program.name);
    let options = Options {
        mode,
        meter: args.meter,
        ..Options::default()
    };
    let lines = compile(program, &options).map_err(|why| Failure::unsupported(place, why))?;
    let bytes: usize = lines.iter().map(len).sum();
    out.line(format_args!(
        "{}: {} program, section {}, {} instructions, {bytes} bytes of x86-64",
        program.name,
        program.prog_type,
        program.section,
        program.code.len()
    ))?;
    let code = Code::new(program.code.clone());
    for each in &lines {
        print(program, &code, args, each, out)?;
    }
    Ok(())
}

fn len(line: &Line) -> usize {
    match line {
        Line::Host(host) => host.bytes.len(),
        _ => 0,
    }
}

fn print(
    program: &Program,
    code: &Code,
    args: &DisasmArgs,
    each: &Line,
    out: &mut Output,
) -> Result<(), Failure> {
    match each {
        Line::Function { first, .. } => {
            let function = program.functions.iter().find(|f| f.start == *first);
            let name = function.map_or(&program.name, |function| &function.name);
            out.line(format_args!("{name}:"))
        }
        Line::Rare { .. } => out.line("rarely run:"),
        Line::Insn { pc, .. } => guest(program, code, *pc, args, out),
        Line::Host(host) => {
            let mut text = format!("    {:6x}:  ", host.offset);
            if args.opcodes {
                let bytes: String = host.bytes.iter().map(|b| format!("{b:02x} ")).collect();
                text += &format!("{bytes:<37}");
            }
            match &host.note {
                Some(note) => text += &format!("{:<40} ; {note}", host.text),
                None => text += &host.text,
            }
            out.line(text)
        }
    }
}

fn guest(
    program: &Program,
    code: &Code,
    pc: Pc,
    args: &DisasmArgs,
    out: &mut Output,
) -> Result<(), Failure> {
    if args.source || args.linum {
        source(program, pc, args.linum, out)?;
    }
    let Some(insn) = code.get(pc) else {
        return Ok(());
    };
    out.line(line(program, code, pc, insn))?;
    match args.opcodes {
        true => opcodes(code, pc, insn, out),
        false => Ok(()),
    }
}

/// The code of a program; with what holds of it, if it is accepted and the mode is
/// for such programs. Why there is none.
fn compile(program: &Program, options: &Options) -> Result<Vec<Line>, String> {
    let mut machine = Machine::new(World::default()).map_err(|error| error.to_string())?;
    let instance = machine.instantiate(&program.maps, std::slice::from_ref(program));
    let instance = instance.map_err(|error| error.to_string())?;
    let mut config = Config::default();
    if !program.externs.is_empty() {
        config.kernel_btf = input::kernel_btf();
    }
    let verdict = match options.mode {
        jit::Mode::Checked => None,
        _ => Some(verifier::verify(program, &config, None)),
    };
    let proof = match (&verdict, instance.programs.first()) {
        (Some(Verdict::Accepted(acceptance)), Some(id)) => Some(Proof {
            program: *id,
            proven: acceptance.proven(),
            maps: &instance.maps,
        }),
        _ => None,
    };
    jit::listing(&mut machine, options, proof.as_slice()).map_err(|error| error.to_string())
}
