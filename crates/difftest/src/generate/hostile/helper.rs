//! Calls of helpers: some as they are meant, some with anything.

use std::sync::OnceLock;

use abi::ProgType;
use isa::{CallTarget, Insn, Operand, Reg, Size};

use super::{ARRAY, HASH, Holds, ONE, Pointer, VALUES, Writer};

const LOOKUP: i32 = 1;
const UPDATE: i32 = 2;
const DELETE: i32 = 3;
const ADJUST_HEAD: i32 = 44;
const FOR_EACH: i32 = 164;
const LOOP: i32 = 181;

/// All that XDP programs may call and that is simulated.
fn all() -> &'static [i32] {
    static ALL: OnceLock<Vec<i32>> = OnceLock::new();
    ALL.get_or_init(|| {
        let ids = 1..300u32;
        ids.filter(|id| vm::helper::implementation(*id, ProgType::Xdp).is_some())
            .map(|id| id as i32)
            .collect()
    })
}

impl Writer<'_> {
    pub(super) fn helper(&mut self) {
        match self.random.below(20) {
            0..=7 => self.lookup(),
            8..=10 => self.update(),
            11 | 12 => self.repeat(),
            13 => {
                // Numbers alone: time, chance, the CPU.
                let id = self.random.pick(&[5, 7, 8, 42, 118, 125]);
                self.call_helper(id);
            }
            14 => self.adjust(),
            15..=17 => self.with_memory(),
            _ => {
                let id = self.random.pick(all());
                self.call_helper(id);
            }
        }
    }

    fn call_helper(&mut self, id: i32) {
        self.emit.insn(Insn::Call {
            target: CallTarget::Helper(id),
        });
        self.set(Reg::R0, Holds::Number);
    }

    /// A key in the stack, its address in `r2`, and the map in `r1`.
    fn key(&mut self, map: i32) {
        let key = self.random.below(5) as i32;
        let at = -4 * self.random.below(8) as i16 - 4;
        self.emit.insn(Insn::Store {
            size: Size::B4,
            base: Reg::R10,
            offset: at,
            src: Operand::Imm(key),
        });
        self.mov(Reg::R2, Reg::R10);
        self.add(Reg::R2, at.into());
        self.map_in(Reg::R1, map);
    }

    fn lookup(&mut self) {
        let map = self.random.pick(&[ONE, ARRAY, ARRAY, HASH]);
        self.key(map);
        self.call_helper(LOOKUP);
        let value = VALUES[map as usize];
        self.set(Reg::R0, Holds::Pointer(Pointer::new(0, value)));
        if self.random.percent(70) {
            // With a check, as it should be.
            let to = self.emit.label();
            self.emit.branch(
                isa::CmpOp::Ne,
                isa::Width::W64,
                Reg::R0,
                Operand::Imm(0),
                to,
            );
            self.emit.insn(Insn::Exit);
            self.emit.place(to);
        }
        if self.random.percent(50) {
            let home = self.random.pick(&[Reg::R7, Reg::R8, Reg::R9]);
            self.mov(home, Reg::R0);
        }
    }

    fn update(&mut self) {
        let map = self.random.pick(&[ARRAY, HASH, HASH]);
        self.key(map);
        if self.random.percent(20) {
            return self.call_helper(DELETE);
        }
        self.memory_in(Reg::R3);
        let flags = self.random.below(4) as i32;
        self.number_in(Reg::R4, flags);
        self.call_helper(UPDATE);
    }

    /// A helper that calls a function of the program.
    fn repeat(&mut self) {
        if self.functions.is_empty() {
            return self.lookup();
        }
        let function = self.random.pick(&self.functions);
        let each = self.random.percent(40);
        match each {
            true => {
                let map = self.random.pick(&[ARRAY, HASH]);
                self.map_in(Reg::R1, map);
            }
            false => {
                let times = self.random.below(6) as i32;
                self.number_in(Reg::R1, times);
            }
        }
        self.memory_in(Reg::R3);
        self.emit.function(Reg::R2, function);
        self.number_in(Reg::R4, 0);
        self.call_helper(if each { FOR_EACH } else { LOOP });
    }

    /// Moves the bounds of the packet: addresses change.
    fn adjust(&mut self) {
        let id = self.random.pick(&[ADJUST_HEAD, ADJUST_HEAD, 54, 65]);
        self.mov(Reg::R1, Reg::R6);
        let by = self.random.pick(&[-32, -8, -4, 4, 8, 14]);
        self.number_in(Reg::R2, by);
        self.call_helper(id);
    }

    /// One that reads and writes memory.
    fn with_memory(&mut self) {
        let id = self
            .random
            .pick(&[16, 28, 105, 106, 113, 115, 182, 189, 190]);
        for reg in [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5] {
            match self.random.percent(50) {
                true => self.memory_in(reg),
                false => {
                    let number = self.random.pick(&[0, 4, 8, 16, 64]);
                    self.number_in(reg, number);
                }
            }
        }
        if matches!(id, 189 | 190) {
            self.mov(Reg::R1, Reg::R6);
        }
        self.call_helper(id);
    }
}
