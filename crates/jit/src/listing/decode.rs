//! Decoding the code, and what stands beside it.
use std::iter::Peekable;
use std::vec;

use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, Mnemonic};
use iced_x86::{IntelFormatter, OpKind, Register};
use isa::Pc;
use vm::{Machine, ProgId};

use super::{Host, Line};
use crate::compiled::settings;
use crate::context::offset;
use crate::emit::{self, Assembled};
use crate::runtime::{Routine, Runtime};
use crate::site::What;
use crate::{Error, Options, Proof};

/// The code of all programs of a machine.
///
/// # Errors
///
/// As [`Compiled::new`](crate::Compiled::new), but that it lists trusted code too.
pub fn listing(
    machine: &mut Machine,
    options: &Options,
    proofs: &[Proof<'_>],
) -> Result<Vec<Line>, Error> {
    let settings = settings(machine, options)?;
    let assembled = emit::assemble(machine, &settings, proofs)?;
    let marks = marks(machine, &assembled).into_iter().peekable();
    let mut writer = Writer {
        assembled: &assembled,
        runtime: settings.runtime,
        formatter: formatter(),
        marks,
        lines: Vec::new(),
        edx: 0,
    };
    writer.write();
    Ok(writer.lines)
}

/// What stands at an offset, in order: functions before their instructions.
fn marks(machine: &Machine, assembled: &Assembled) -> Vec<(usize, Line)> {
    let mut marks = Vec::new();
    for (program, offsets) in machine.program_ids().zip(&assembled.shared.functions) {
        let functions = machine.linked(program).into_iter();
        let functions = functions.flat_map(|linked| linked.functions());
        for (function, offset) in functions.zip(offsets) {
            let first = function.entry;
            marks.push((*offset as usize, Line::Function { program, first }));
        }
    }
    let lines = assembled.lines.iter();
    marks.extend(lines.map(|line| {
        let (program, pc) = (line.program, line.pc);
        (line.offset as usize, Line::Insn { program, pc })
    }));
    // Stable: functions come first.
    marks.sort_by_key(|(offset, _)| *offset);
    marks
}

fn formatter() -> IntelFormatter {
    let mut formatter = IntelFormatter::new();
    let options = formatter.options_mut();
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_uppercase_hex(false);
    options.set_branch_leading_zeros(false);
    options.set_show_branch_size(false);
    options.set_space_after_operand_separator(true);
    options.set_rip_relative_addresses(false);
    options.set_small_hex_numbers_in_decimal(true);
    formatter
}

struct Writer<'a> {
    assembled: &'a Assembled,
    runtime: Runtime,
    formatter: IntelFormatter,
    marks: Peekable<vec::IntoIter<(usize, Line)>>,
    lines: Vec<Line>,
    /// What was put into `edx` last: the number of a site or call.
    edx: u32,
}

impl Writer<'_> {
    fn write(&mut self) {
        // In front of the first function are addresses.
        let start = self.marks.peek().map_or(0, |(offset, _)| *offset);
        let bytes = &self.assembled.bytes;
        let code = bytes.get(start..).unwrap_or_default();
        let mut decoder = Decoder::with_ip(64, code, start as u64, DecoderOptions::NONE);
        // The program whose last instruction is being listed, if it is.
        let mut last: Option<ProgId> = None;
        let mut insn = Instruction::default();
        while decoder.can_decode() {
            let offset = decoder.ip() as usize;
            while let Some((_, mark)) = self.marks.next_if(|(at, _)| *at <= offset) {
                last = self.last(&mark);
                self.lines.push(mark);
            }
            decoder.decode_out(&mut insn);
            self.host(&insn);
            let leaves = matches!(insn.mnemonic(), Mnemonic::Ret | Mnemonic::Jmp);
            if leaves && let Some(program) = last.take() {
                self.lines.push(Line::Rare { program });
            }
        }
        if matches!(self.lines.last(), Some(Line::Rare { .. })) {
            self.lines.pop();
        }
    }

    /// The program of which this is the last instruction.
    fn last(&mut self, mark: &Line) -> Option<ProgId> {
        let Line::Insn { program, .. } = mark else {
            return None;
        };
        match self.marks.peek() {
            Some((_, Line::Insn { program: next, .. } | Line::Function { program: next, .. }))
                if next == program =>
            {
                None
            }
            _ => Some(*program),
        }
    }

    fn host(&mut self, insn: &Instruction) {
        let mut text = String::new();
        self.formatter.format(insn, &mut text);
        let offset = insn.ip() as usize;
        let bytes = self.assembled.bytes.get(offset..offset + insn.len());
        let note = self.note(insn);
        self.lines.push(Line::Host(Host {
            offset,
            bytes: bytes.unwrap_or_default().to_vec(),
            text,
            note,
        }));
        if insn.op0_kind() == OpKind::Register
            && insn.op0_register() == Register::EDX
            && insn.op1_kind() == OpKind::Immediate32
        {
            self.edx = insn.immediate32();
        }
    }

    fn note(&self, insn: &Instruction) -> Option<String> {
        let memory = insn.op0_kind() == OpKind::Memory;
        if memory && insn.is_ip_rel_memory_operand() {
            return self.called(insn.ip_rel_memory_address() as usize);
        }
        let site = memory
            && insn.memory_base() == Register::R12
            && insn.memory_displacement64() == offset::SITE as u64
            && insn.op1_kind() == OpKind::Immediate32;
        site.then(|| self.site(insn.immediate32())).flatten()
    }

    /// What the address stands for that lies at this offset.
    fn called(&self, at: usize) -> Option<String> {
        let address = self.assembled.bytes.get(at..)?.first_chunk()?;
        let address = u64::from_le_bytes(*address);
        let at = self.runtime.0.iter().position(|known| *known == address)?;
        let routine = Routine::ALL[at];
        let helper = || {
            let call = self.assembled.shared.calls.get(self.edx as usize)?;
            abi::helpers::by_id(call.id)
        };
        let name = match routine {
            Routine::CallHelper => helper().map(|helper| helper.name),
            _ => None,
        };
        Some(name.unwrap_or(routine.name()).to_owned())
    }

    /// Why the run ends at a site.
    fn site(&self, number: u32) -> Option<String> {
        let site = self.assembled.shared.sites.get(number as usize)?;
        let Pc(pc) = site.pc;
        Some(match site.what {
            What::Budget => format!("insn {pc}: the budget"),
            What::CallDepth => format!("insn {pc}: too many calls"),
            What::OffTheEnd => format!("after insn {pc}: the end"),
            _ => format!("insn {pc}"),
        })
    }
}
