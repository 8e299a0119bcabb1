//! The head of a log at level 2: functions, and which registers are live where.

use std::fmt::Write;

use isa::Pc;

use super::insn::insn;
use super::text::Text;
use crate::observe::Context;

pub(super) fn write(text: &mut Text, context: &Context<'_>) {
    let structure = context.structure;
    for (index, function) in structure.subprograms.iter().enumerate() {
        let _ = writeln!(text, "func#{index} @{}", function.start.0);
    }
    if structure.insns.is_empty() {
        return;
    }
    let _ = writeln!(text, "Live regs before insn:");
    for (pc, _) in structure.code.iter() {
        write_live(text, context, pc);
    }
}

/// `  1   5: 0.2....... (0f) r0 += r2`: loop, instruction, live registers.
fn write_live(text: &mut Text, context: &Context<'_>, pc: Pc) {
    let Some(facts) = context.structure.insns.get(pc.index()) else {
        return;
    };
    let _ = match facts.scc {
        0 => write!(text, "    "),
        scc => write!(text, "{scc:3} "),
    };
    let _ = write!(text, "{:3}: ", pc.0);
    for reg in 0..10u8 {
        let live = facts.live_before >> reg & 1 != 0;
        let _ = text.write_char(if live { char::from(b'0' + reg) } else { '.' });
    }
    let _ = writeln!(text, " {}", insn(context, pc));
}
