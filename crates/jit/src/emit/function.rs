//! Functions: how they begin, how they end, what is counted.

use dynasmrt::{DynasmApi, DynasmLabelApi, dynasm};
use isa::{Insn, Reg};
use vm::Link;

use super::alu::Group;
use super::asm::{Form, Operand, host};
use super::{Emitter, Rarely};
use crate::Mode;
use crate::analysis::RegSet;
use crate::context::offset;
use crate::runtime::Routine;
use crate::site::What;

/// What a function keeps on the host's stack, from the bottom up: a count for
/// `may_goto`, the top of its own stack and r10 where the program moves that, what
/// fills up to 16 bytes, the registers that it keeps, the return address.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Frame {
    /// Registers that it keeps.
    pub(super) kept: RegSet,
    /// Bytes below those.
    pub(super) locals: i32,
    pub(super) counts_loops: bool,
}

/// Where in the frame the count of `may_goto` lies.
pub(super) const LOOPS: i32 = 0;
/// Where the top of the function's own stack lies.
pub(super) const TOP: i32 = 8;
/// Where r10 lies during a call.
pub(super) const FP: i32 = 16;

/// Instructions that store so many bytes.
const CLEARING: [(i32, Form); 5] = {
    const fn form(opcode: &'static [u8], wide: bool, short: bool) -> Form {
        Form {
            opcode,
            wide,
            short,
            byte: false,
            lock: false,
        }
    }
    [
        (16, form(&[0x0f, 0x11], false, false)),
        (8, form(&[0x89], true, false)),
        (4, form(&[0x89], false, false)),
        (2, form(&[0x89], false, true)),
        (1, form(&[0x88], false, false)),
    ]
};

impl Emitter<'_> {
    /// Begins a function. Gives the offset of its entry for those who are not the
    /// program itself.
    pub(super) fn begin_function(&mut self, number: usize) -> u32 {
        let range = self.listing.range(number);
        let items = &self.listing.items[range.start as usize..range.end as usize];
        let mut written = RegSet::NONE;
        let mut counts_loops = false;
        for item in items {
            written = written.with(item.effect.1);
            counts_loops |= matches!(item.insn, Insn::MayGoto { .. });
        }
        // The thunk has set r1 to r5 and r10; all else is zero.
        let at_entry = self.live.at_entry[number];
        let unset = at_entry.and(RegSet(RegSet::KEPT.0 | 1));
        let kept = written.with(unset).and(RegSet::KEPT);
        let mut locals = if self.moves_fp {
            24
        } else if counts_loops {
            8
        } else {
            0
        };
        let pushed = kept.len() as i32 * 8 + 8;
        let calls = self.is_checked()
            || items.iter().any(|item| {
                let is_call = matches!(item.insn, Insn::Call { .. } | Insn::LoadPacket { .. });
                is_call && !matches!(item.link, Link::Trap(_))
            });
        if calls && (pushed + locals) % 16 != 0 {
            locals += 8;
        }
        self.function = Frame {
            kept,
            locals,
            counts_loops,
        };
        self.values.keeps(RegSet::NONE);
        self.stack_writes.fill(0);
        if !self.moves_fp {
            for item in items {
                if let Insn::Store {
                    size,
                    base: Reg::FP,
                    offset,
                    ..
                } = item.insn
                {
                    self.writes_stack(offset.into(), size);
                }
            }
        }
        self.tables.asm.align(32);
        let entry = self.tables.asm.offset();
        let inner = self.inner[number];
        if unset.is_empty() {
            self.tables.asm.bind(inner);
            self.tables.asm.endbr();
            self.prologue(number);
        } else {
            let body = self.tables.asm.label();
            self.tables.asm.endbr();
            self.prologue(number);
            for reg in unset.iter() {
                self.constant(super::host(reg), 0);
            }
            let ops = &mut self.tables.asm.ops;
            dynasm!(ops ; .arch x64 ; jmp =>body);
            self.tables.asm.bind(inner);
            self.prologue(number);
            self.tables.asm.bind(body);
        }
        entry
    }

    fn prologue(&mut self, number: usize) {
        let Frame {
            kept,
            locals,
            counts_loops,
        } = self.function;
        let ops = &mut self.tables.asm.ops;
        for reg in kept.iter() {
            dynasm!(ops ; .arch x64 ; push Rq(super::host(reg)));
        }
        if locals != 0 {
            dynasm!(ops ; .arch x64 ; sub rsp, BYTE locals as i8);
        }
        if counts_loops {
            let count = abi::limits::MAY_GOTO_ITERATIONS as i32;
            dynasm!(ops ; .arch x64 ; mov QWORD [rsp + LOOPS], count);
        }
        if self.moves_fp {
            dynasm!(ops ; .arch x64 ; mov [rsp + TOP], rbp);
        }
        self.clear_stack(self.listing.stacks[number]);
    }

    /// Zeroes the stack that the function can reach.
    fn clear_stack(&mut self, bytes: u32) {
        if bytes == 0 {
            return;
        }
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; pxor xmm0, xmm0 ; xor ecx, ecx);
        let mut left = bytes as i32;
        for (size, form) in CLEARING {
            while left >= size {
                let at = Operand::fenced(host::RBP, -left);
                // xmm0 or rcx.
                let reg = if size == 16 { 0 } else { host::RCX };
                self.tables.asm.memory(form, reg, at);
                left -= size;
            }
        }
    }

    /// Leaves the function.
    pub(super) fn epilogue(&mut self) {
        let Frame { kept, locals, .. } = self.function;
        let ops = &mut self.tables.asm.ops;
        if locals != 0 {
            dynasm!(ops ; .arch x64 ; add rsp, BYTE locals as i8);
        }
        for reg in kept.iter().rev() {
            dynasm!(ops ; .arch x64 ; pop Rq(super::host(reg)));
        }
    }

    pub(super) fn exit(&mut self) {
        self.epilogue();
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; ret);
    }

    /// Counts the block.
    pub(super) fn meter(&mut self) {
        if !self.settings.options.meter {
            return;
        }
        let count = (self.block.end - self.block.start) as i32;
        let start = self.block.start;
        let site = self.site(start, What::Budget);
        let out = self.rarely(Rarely::Budget { site });
        let (opcode, len): (&'static [u8], usize) = match i8::try_from(count) {
            Ok(_) => (&[0x83], 1),
            Err(_) => (&[0x81], 4),
        };
        let form = Form {
            opcode,
            wide: true,
            ..Form::default()
        };
        let left = Operand::host(host::R12, offset::LEFT);
        self.tables.asm.memory(form, Group::Sub as u8, left);
        let ops = &mut self.tables.asm.ops;
        ops.extend(&count.to_le_bytes()[..len]);
        dynasm!(ops ; .arch x64 ; js =>out);
    }

    /// What happens when control runs past the last instruction of a function.
    pub(super) fn off_the_end(&mut self, end: u32) {
        let last = self.listing.items[end as usize - 1];
        if crate::analysis::ends(&last) {
            return;
        }
        if (end as usize) < self.listing.items.len() {
            // Into the next function, as the interpreter does.
            self.epilogue();
            let next = self.listing.function_of(end);
            let label = self.inner[next];
            let ops = &mut self.tables.asm.ops;
            dynasm!(ops ; .arch x64 ; jmp =>label);
            return;
        }
        let number = end - 1;
        let site = self.site(number, What::OffTheEnd);
        self.trap_here(site);
    }

    /// Ends the run.
    pub(super) fn trap_here(&mut self, site: u32) {
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; mov DWORD [r12 + offset::SITE], site as i32);
        self.jump_to(Routine::ExitTrap);
    }

    pub(super) fn jump_to(&mut self, routine: Routine) {
        let to = self.pool[routine as usize];
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; jmp QWORD [=>to]);
    }

    pub(super) fn call_to(&mut self, routine: Routine) {
        let to = self.pool[routine as usize];
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; call QWORD [=>to]);
    }

    /// Writes what is rarely run.
    pub(super) fn cold(&mut self) {
        for cold in std::mem::take(&mut self.cold) {
            self.tables.asm.bind(cold.label);
            match cold.what {
                Rarely::Trap { site } => self.trap_here(site),
                Rarely::Budget { site } => {
                    let ops = &mut self.tables.asm.ops;
                    dynasm!(ops ; .arch x64 ; mov DWORD [r12 + offset::SITE], site as i32);
                    self.jump_to(Routine::ExitBudget);
                }
                Rarely::Exit => self.jump_to(Routine::Exit),
                Rarely::SlowLoad {
                    site,
                    dst,
                    sign,
                    back,
                } => self.slow_load(site, dst, sign, back),
                Rarely::SlowStore {
                    site,
                    src,
                    size,
                    back,
                } => self.slow_store(site, src, size, back),
            }
        }
    }

    /// Whether accesses are held against the regions.
    pub(super) fn is_checked(&self) -> bool {
        self.settings.options.mode == Mode::Checked
    }
}
