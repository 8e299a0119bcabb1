//! Linking: an entry function and all that it reaches, as one program.
//!
//! Functions are appended in libbpf's order: at the first call of one, it goes
//! to the end of the program and its own calls are followed before the next
//! instruction of the caller. References to data and to the kernel are put into
//! a function as it is appended, those to functions as its calls are followed.

use std::collections::{HashMap, HashSet};

use abi::limits::MAX_INSNS;
use abi::poison;
use abi::{Extern, FuncInfo, LineInfo, SymbolRange};
use isa::{CallTarget, Imm64, Pc, Slot};

use crate::code::{Code, CodeSection, Function};
use crate::core_relo::{self, CoreRelocation};
use crate::error::{Error, RelocationError};
use crate::externs::ExternInfo;
use crate::reference::{Reference, Target};
use crate::wire::{self, Referrer};

/// What a program is linked from.
pub(crate) struct Linker<'a> {
    pub(crate) code: &'a Code,
    pub(crate) externs: &'a [ExternInfo],
}

/// A linked program.
#[derive(Debug, Default)]
pub(crate) struct Linked {
    pub(crate) code: Vec<Slot>,
    pub(crate) functions: Vec<SymbolRange>,
    pub(crate) func_info: Vec<FuncInfo>,
    pub(crate) line_info: Vec<LineInfo>,
    pub(crate) externs: Vec<Extern>,
    /// Offsets of the `.kconfig` variables that it refers to.
    pub(crate) kconfig: HashSet<u32>,
    /// Index in `externs` by index in the object's list.
    extern_numbers: HashMap<usize, i32>,
    /// First slot of each function that is in.
    bases: HashMap<usize, u32>,
    /// Direct calls, for finding circles.
    calls: Vec<Call>,
}

/// A direct call.
#[derive(Clone, Copy, Debug)]
struct Call {
    caller: usize,
    callee: usize,
    /// In the caller's section.
    pc: u32,
}

/// A function whose instructions are being gone through.
struct Frame {
    function: usize,
    base: u32,
    /// Next slot, from the start of the function.
    next: u32,
}

impl Linker<'_> {
    /// Links the program that starts with function `entry`; `also` is a function
    /// that belongs to it although nothing refers to it.
    pub(crate) fn link(&self, entry: usize, also: Option<usize>) -> Result<Linked, Error> {
        let mut out = Linked::default();
        for root in std::iter::once(entry).chain(also) {
            if !out.bases.contains_key(&root) {
                self.follow(&mut out, root, entry)?;
            }
        }
        self.check_recursion(&out.calls)?;
        Ok(out)
    }

    /// Appends function `root` and all that it reaches.
    fn follow(&self, out: &mut Linked, root: usize, entry: usize) -> Result<(), Error> {
        let base = self.append(out, root, entry)?;
        let mut stack = vec![Frame {
            function: root,
            base,
            next: 0,
        }];
        while let Some(frame) = stack.last_mut() {
            let Some((_, function)) = self.code.function(frame.function) else {
                break;
            };
            if frame.next >= function.len {
                stack.pop();
                continue;
            }
            let caller = frame.function;
            let pc = function.start + frame.next;
            let at = frame.base + frame.next;
            frame.next += 1;
            let Some(callee) = self.callee(caller, pc)? else {
                continue;
            };
            let base = match out.bases.get(&callee) {
                Some(base) => *base,
                None => {
                    let base = self.append(out, callee, entry)?;
                    stack.push(Frame {
                        function: callee,
                        base,
                        next: 0,
                    });
                    base
                }
            };
            self.set_function(out, caller, callee, pc, at, base);
        }
        Ok(())
    }

    /// Appends a function with all that is said about it, and puts in what does
    /// not depend on where other functions are.
    fn append(&self, out: &mut Linked, index: usize, entry: usize) -> Result<u32, Error> {
        let Some((section, function)) = self.code.function(index) else {
            return Ok(0);
        };
        let base = out.code.len() as u32;
        if out.code.len() + function.len as usize > MAX_INSNS {
            let program = self
                .code
                .function(entry)
                .map_or("", |(_, f)| &f.name)
                .to_owned();
            return Err(Error::TooLong {
                program,
                limit: MAX_INSNS,
            });
        }
        let range = function.start as usize..function.end() as usize;
        let mut code = section.code.get(range).unwrap_or_default().to_vec();
        for relo in function.part(&section.core, |r| r.pc) {
            apply_core(&mut code, section, function, relo)?;
        }
        for reference in function.part(&section.references, |r| Pc(r.pc)) {
            self.apply(&mut code, out, section, function, reference)?;
        }
        out.code.append(&mut code);
        out.bases.insert(index, base);
        let moved = |pc: Pc| Pc(pc.0 - function.start + base);
        out.functions.push(SymbolRange {
            name: function.name.clone(),
            start: Pc(base),
            len: function.len,
        });
        let info = function.part(&section.func_info, |i| i.pc);
        out.func_info.extend(info.iter().map(|i| FuncInfo {
            pc: moved(i.pc),
            ..*i
        }));
        let lines = function.part(&section.line_info, |i| i.pc);
        out.line_info.extend(lines.iter().map(|i| LineInfo {
            pc: moved(i.pc),
            ..*i
        }));
        Ok(base)
    }

    /// Puts a reference to data or to the kernel into its instruction; `code` is
    /// that of the function.
    fn apply(
        &self,
        code: &mut [Slot],
        out: &mut Linked,
        section: &CodeSection,
        function: &Function,
        reference: &Reference,
    ) -> Result<(), Error> {
        let at = (reference.pc - function.start) as usize;
        let slots = code.get_mut(at..).unwrap_or_default();
        match &reference.target {
            Target::Map(map) => {
                wire::set_wide(slots, Imm64::MapIndex { index: *map as i32 });
            }
            Target::Data { map, offset } => {
                let addend = slots.first().map_or(0, |s| i64::from(s.imm));
                let offset = (*offset as i64).wrapping_add(addend);
                let outside = || Error::Relocation {
                    place: section.place(reference.pc).of(&function.name),
                    symbol: format!("map #{map}"),
                    what: RelocationError::Outside(offset),
                };
                // Linux takes the offset as an unsigned number.
                let offset = u32::try_from(offset).map_err(|_| outside())? as i32;
                wire::set_wide(
                    slots,
                    Imm64::MapIndexValue {
                        index: *map as i32,
                        offset,
                    },
                );
            }
            Target::Kconfig { map, offset } => {
                out.kconfig.insert(*offset);
                let (index, offset) = (*map as i32, *offset as i32);
                wire::set_wide(slots, Imm64::MapIndexValue { index, offset });
            }
            Target::Ksym(index) => self.apply_ksym(slots, out, *index),
            Target::Code { .. } => {}
            Target::Broken(error) => return Err((**error).clone().in_function(&function.name)),
        }
        Ok(())
    }

    fn apply_ksym(&self, slots: &mut [Slot], out: &mut Linked, index: usize) {
        let Some(info) = self.externs.get(index) else {
            return;
        };
        let tail = slots.get(1).copied();
        let referrer = slots.first().and_then(|s| Referrer::of(*s, tail));
        let number = info.to_extern().map(|found| {
            *out.extern_numbers.entry(index).or_insert_with(|| {
                out.externs.push(found);
                out.externs.len() as i32 - 1
            })
        });
        match (referrer, number) {
            (Some(Referrer::Call(_)), Some(btf_id)) => {
                let target = CallTarget::Kfunc { btf_id, module: 0 };
                if let Some(slot) = slots.first_mut() {
                    wire::set_call(slot, target);
                }
            }
            (Some(Referrer::Call(_)), None) => {
                wire::poison(slots, poison::KFUNCS.start.wrapping_add(index as i32));
            }
            (Some(Referrer::Wide(_)), Some(btf_id)) => {
                wire::set_wide(
                    slots,
                    Imm64::Variable {
                        btf_id,
                        module_fd: 0,
                    },
                );
            }
            (Some(Referrer::Wide(_)), None) => {
                wire::set_wide(slots, Imm64::Value { lo: 0, hi: 0 });
            }
            (None, _) => {}
        }
    }

    /// The function that the instruction at `pc` of the caller's section calls
    /// or takes the address of.
    fn callee(&self, caller: usize, pc: u32) -> Result<Option<usize>, Error> {
        let Some((section, function)) = self.code.function(caller) else {
            return Ok(None);
        };
        let Some((index, slot)) = target_slot(function.section, section, pc) else {
            return Ok(None);
        };
        let start = u32::try_from(slot).ok();
        let callee = start.and_then(|start| self.code.function_at(index, start));
        match callee {
            Some(callee) => Ok(Some(callee)),
            None => Err(Error::CallTarget {
                place: section.place(pc).of(&function.name),
                section: self
                    .code
                    .sections
                    .get(index)
                    .map_or("", |s| &s.name)
                    .to_owned(),
                target: slot.saturating_mul(8),
            }),
        }
    }

    /// Makes the instruction at slot `at` of the program lead to slot `base`.
    fn set_function(
        &self,
        out: &mut Linked,
        caller: usize,
        callee: usize,
        pc: u32,
        at: u32,
        base: u32,
    ) {
        let offset = base as i32 - at as i32 - 1;
        let slots = out.code.get_mut(at as usize..).unwrap_or_default();
        let tail = slots.get(1).copied();
        match slots.first().and_then(|s| Referrer::of(*s, tail)) {
            Some(Referrer::Call(_)) => {
                if let Some(slot) = slots.first_mut() {
                    wire::set_call(slot, CallTarget::Local(offset));
                }
                out.calls.push(Call { caller, callee, pc });
            }
            Some(Referrer::Wide(_)) => wire::set_wide(slots, Imm64::Function { offset }),
            None => {}
        }
    }

    /// Fails if direct calls form a circle. A function may hand out its own
    /// address: a timer's callback may start the timer again.
    fn check_recursion(&self, calls: &[Call]) -> Result<(), Error> {
        let Some(circle) = find_circle(calls) else {
            return Ok(());
        };
        let name = |f: usize| {
            self.code
                .function(f)
                .map_or("", |(_, f)| &f.name)
                .to_owned()
        };
        let mut cycle: Vec<_> = circle.iter().map(|call| name(call.caller)).collect();
        cycle.extend(circle.first().map(|call| name(call.caller)));
        let closing = circle.last().and_then(|call| {
            let (section, function) = self.code.function(call.caller)?;
            Some(section.place(call.pc).of(&function.name))
        });
        Err(Error::Recursion {
            place: closing.unwrap_or_default(),
            cycle,
        })
    }
}

/// Where the instruction at `pc` leads, if it is a call of a function of the
/// object or takes its address: code section and slot.
pub(crate) fn target_slot(
    section_index: usize,
    section: &CodeSection,
    pc: u32,
) -> Option<(usize, i64)> {
    let slot = |pc: u32| section.code.get(pc as usize).copied();
    let head = slot(pc)?;
    let referrer = Referrer::of(head, slot(pc + 1))?;
    let reference = section
        .references
        .binary_search_by_key(&pc, |r| r.pc)
        .ok()
        .and_then(|i| section.references.get(i));
    match (reference.map(|r| &r.target), referrer) {
        (Some(Target::Code { section, offset }), Referrer::Call(_)) => {
            let slot = (*offset / 8) as i64 + i64::from(head.imm) + 1;
            Some((*section, slot))
        }
        (Some(Target::Code { section, offset }), Referrer::Wide(_)) => {
            let byte = (*offset as i64).wrapping_add(i64::from(head.imm));
            // A byte offset inside of an instruction leads to no function.
            let slot = if byte % 8 == 0 { byte / 8 } else { -1 };
            Some((*section, slot))
        }
        (Some(_), _) => None,
        (None, referrer) => {
            let offset = referrer.local()?;
            Some((section_index, i64::from(pc) + i64::from(offset) + 1))
        }
    }
}

fn apply_core(
    code: &mut [Slot],
    section: &CodeSection,
    function: &Function,
    relo: &CoreRelocation,
) -> Result<(), Error> {
    let failed = |what| Error::Core {
        place: section.place(relo.pc.0).of(&function.name),
        index: relo.index,
        what: Box::new(what),
    };
    let fixup = relo.fixup.as_ref().map_err(|e| failed(e.clone()))?;
    let at = (relo.pc.0 - function.start) as usize;
    let slots = code.get_mut(at..).unwrap_or_default();
    core_relo::patch(slots, fixup).map_err(failed)
}

/// The calls of a circle, if there is one, in order. The depth of the search is
/// bounded by memory of its own, not by the stack.
fn find_circle(calls: &[Call]) -> Option<Vec<Call>> {
    let mut calls_of: HashMap<usize, Vec<Call>> = HashMap::new();
    for call in calls {
        calls_of.entry(call.caller).or_default().push(*call);
    }
    let mut done: HashMap<usize, bool> = HashMap::new();
    for start in calls.iter().map(|c| c.caller) {
        if done.contains_key(&start) {
            continue;
        }
        // Each entry: the function, and how many of its calls were followed.
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        done.insert(start, false);
        while let Some((function, followed)) = path.last_mut() {
            let call = calls_of
                .get(function)
                .and_then(|c| c.get(*followed))
                .copied();
            *followed += 1;
            let Some(call) = call else {
                done.insert(*function, true);
                path.pop();
                continue;
            };
            match done.get(&call.callee) {
                Some(true) => {}
                Some(false) => return Some(circle(&path, &calls_of, call)),
                None => {
                    done.insert(call.callee, false);
                    path.push((call.callee, 0));
                }
            }
        }
    }
    None
}

/// The calls on the path from `closing.callee` on, and the closing one.
fn circle(
    path: &[(usize, usize)],
    calls_of: &HashMap<usize, Vec<Call>>,
    closing: Call,
) -> Vec<Call> {
    let from = path
        .iter()
        .position(|(f, _)| *f == closing.callee)
        .unwrap_or(0);
    let steps = path.get(from..).unwrap_or_default();
    steps
        .iter()
        .filter_map(|(f, followed)| calls_of.get(f)?.get(followed.checked_sub(1)?).copied())
        .collect()
}
