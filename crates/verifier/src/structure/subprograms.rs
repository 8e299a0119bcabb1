//! Where the functions of the program begin and end.

use std::collections::BTreeSet;

use abi::kfuncs::{self, Kfunc};
use abi::{ExternKind, Program};
use isa::{CallTarget, Insn, Pc, Slot, table};

use super::calls::{Mention, Mentioned};
use super::flow::{self, Flow, Named};
use super::graph::Edges;
use super::{Graph, InsnFacts, Subprogram};
use crate::Result;
use crate::reason::Structure as Refusal;

/// Functions in a program, the main one counted.
const MAX_SUBPROGRAMS: usize = 256;
/// Different kernel functions that a program may call.
const MAX_KFUNCS: usize = 256;

/// What one look at all slots finds.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    /// The first slots of all functions, ascending.
    pub(super) starts: Vec<Pc>,
    /// Every function that is named, by instruction.
    pub(super) mentions: Vec<Mention>,
}

/// Finds the first slots of all functions, and checks that what is called as a
/// kernel function is one.
pub(super) fn discover(program: &Program) -> Result<Discovery> {
    let mut found = Discovery::default();
    discover_into(program, &mut found)?;
    Ok(found)
}

/// The first slots of the functions that are known when the first fault is
/// found.
pub(super) fn count(program: &Program) -> usize {
    let mut found = Discovery::default();
    match discover_into(program, &mut found) {
        Ok(()) => found.starts.len(),
        Err(_) => found.starts.len().min(MAX_SUBPROGRAMS),
    }
}

fn discover_into(program: &Program, found: &mut Discovery) -> Result {
    found.starts.push(Pc(0));
    let mut kfuncs = BTreeSet::new();
    for (at, slot) in program.code.iter().enumerate() {
        let Some(named) = flow::named(*slot) else {
            continue;
        };
        let what = match named {
            Named::Called(offset) => Mentioned::Called(found.start(program, at, offset)?),
            Named::Address(offset) => Mentioned::Address(found.start(program, at, offset)?),
            Named::Outside(target) => {
                if let CallTarget::Kfunc { btf_id, module } = target {
                    check_kfunc(program, btf_id, module, &mut kfuncs)?;
                }
                Mentioned::Outside(target)
            }
        };
        let pc = Pc(at as u32);
        found.mentions.push(Mention { pc, what });
    }
    Ok(())
}

impl Discovery {
    /// Notes the function that the slot at `at` names.
    fn start(&mut self, program: &Program, at: usize, offset: i32) -> Result<Pc> {
        let to = u32::try_from(flow::target(at, offset))
            .ok()
            .filter(|to| (*to as usize) < program.code.len())
            .ok_or(Refusal::CallDestination)?;
        if let Err(place) = self.starts.binary_search(&Pc(to)) {
            self.starts.insert(place, Pc(to));
            if self.starts.len() > MAX_SUBPROGRAMS {
                return Err(Refusal::TooManySubprograms.into());
            }
        }
        Ok(Pc(to))
    }
}

fn check_kfunc(
    program: &Program,
    index: i32,
    module: i16,
    known: &mut BTreeSet<(i32, i16)>,
) -> Result {
    if !program.is_gpl_compatible() {
        return Err(Refusal::KfuncLicense.into());
    }
    if known.contains(&(index, module)) {
        return Ok(());
    }
    if known.len() >= MAX_KFUNCS {
        return Err(Refusal::TooManyKfuncs.into());
    }
    if module != 0 {
        return Err(Refusal::KfuncModule { module }.into());
    }
    let named = usize::try_from(index)
        .ok()
        .and_then(|index| program.externs.get(index));
    if named.is_none_or(|named| named.kind != ExternKind::Kfunc) {
        return Err(Refusal::NoKfunc(index).into());
    }
    let asks_device = named
        .and_then(|named| kfuncs::by_name(&named.name))
        .is_some_and(Kfunc::asks_device);
    if asks_device && !program.flags.device_bound {
        return Err(Refusal::KfuncDevice.into());
    }
    known.insert((index, module));
    Ok(())
}

/// The program cut into functions.
pub(super) struct Division {
    pub(super) subprograms: Vec<Subprogram>,
    /// What is known of each instruction so far: its function.
    pub(super) insns: Vec<InsnFacts>,
    pub(super) graph: Graph,
}

/// Cuts the program at the starts of its functions and checks that control does
/// not leave a function other than by calls and exits.
pub(super) fn divide(program: &Program, found: &Discovery) -> Result<Division> {
    let slots = program.code.as_slice();
    let mut subprograms = Vec::with_capacity(found.starts.len());
    let mut insns = Vec::with_capacity(slots.len());
    let mut edges = Vec::with_capacity(slots.len());
    let end = Pc(slots.len() as u32);
    let ends = found.starts.iter().skip(1).copied().chain([end]);
    for (number, (start, end)) in found.starts.iter().copied().zip(ends).enumerate() {
        let mut subprogram = Subprogram {
            end,
            ..Subprogram::outline(start)
        };
        let body = slots.get(start.index()..end.index()).unwrap_or(&[]);
        connect(body, &mut subprogram, slots.len(), &mut edges)?;
        let facts = InsnFacts {
            subprogram: number as u16,
            ..InsnFacts::default()
        };
        insns.resize(end.index(), facts);
        subprograms.push(subprogram);
    }
    note_tail_calls(&found.mentions, &insns, &mut subprograms);
    Ok(Division {
        subprograms,
        insns,
        graph: Graph::new(edges),
    })
}

/// Finds where control goes inside a function; the program has `len` slots.
fn connect(
    body: &[Slot],
    subprogram: &mut Subprogram,
    len: usize,
    edges: &mut Vec<Edges>,
) -> Result {
    let (start, end) = (subprogram.start, subprogram.end);
    let inside = |from: usize, offset| {
        let to = flow::target(from, offset);
        if to < i64::from(start.0) || to >= i64::from(end.0) {
            let from = Pc(from as u32);
            return Err(Refusal::JumpOutOfRange { from, to });
        }
        Ok(Pc(to as u32))
    };
    let after = |next: usize| {
        if next < len {
            Edges::to_next(next)
        } else {
            Edges::NONE
        }
    };
    for (at, slot) in (start.index()..).zip(body) {
        edges.push(match flow::flow(*slot) {
            Flow::Next => {
                subprogram.has_ld_abs |= LOADS_PACKET[usize::from(slot.opcode)];
                after(at + 1)
            }
            Flow::Wide => after(at + 2),
            Flow::Call => after(at + 1),
            Flow::Jump(offset) => Edges::NONE.and_jump(inside(at, offset)?),
            Flow::Branch(offset) => after(at + 1).and_jump(inside(at, offset)?),
            Flow::Exit => Edges::NONE,
        });
    }
    let last = body.last().and_then(|last| flow::shape(last.opcode));
    match last {
        Some(Insn::Exit | Insn::Jump { .. }) => Ok(()),
        _ => Err(Refusal::RunsOn.into()),
    }
}

fn note_tail_calls(mentions: &[Mention], insns: &[InsnFacts], subprograms: &mut [Subprogram]) {
    const TAIL_CALL: Mentioned = Mentioned::Outside(CallTarget::Helper(12));
    for mention in mentions.iter().filter(|mention| mention.what == TAIL_CALL) {
        let facts = insns.get(mention.pc.index());
        let caller = facts.and_then(|facts| subprograms.get_mut(usize::from(facts.subprogram)));
        if let Some(caller) = caller {
            caller.has_tail_call = true;
        }
    }
}

/// Whether an opcode is a packet load of classic BPF, also of a size that they
/// do not come in.
static LOADS_PACKET: [bool; 256] = loads_packet();

const fn loads_packet() -> [bool; 256] {
    const SIZE: u8 = 0b0001_1000;
    let mut loads = [false; 256];
    let mut i = 0;
    while i < table::TABLE.len() {
        let row = &table::TABLE[i];
        if matches!(row.insn, Insn::LoadPacket { .. }) {
            let mut opcode = 0;
            while opcode < loads.len() {
                loads[opcode] |= (opcode as u8 ^ row.opcode) & !SIZE == 0;
                opcode += 1;
            }
        }
        i += 1;
    }
    let mut i = 0;
    while i < table::TABLE.len() {
        let row = &table::TABLE[i];
        loads[row.opcode as usize] = matches!(row.insn, Insn::LoadPacket { .. });
        i += 1;
    }
    loads
}

/// Names the functions that BTF does not name by their symbols.
pub(super) fn name_by_symbols(program: &Program, subprograms: &mut [Subprogram]) {
    for subprogram in subprograms.iter_mut().filter(|s| s.name.is_none()) {
        let functions = &program.functions;
        let at = functions.binary_search_by_key(&subprogram.start, |f| f.start);
        let function = at.ok().and_then(|at| functions.get(at));
        subprogram.name = function.map(|function| function.name.clone());
    }
}
