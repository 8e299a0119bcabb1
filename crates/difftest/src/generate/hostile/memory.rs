//! Accesses to memory: mostly in bounds, at the edges more often than elsewhere.

use isa::{AluOp, AtomicOp, Insn, Operand, Reg, Size, Width};

use super::{Holds, Pointer, Writer};

const SIZES: [Size; 4] = [Size::B1, Size::B2, Size::B4, Size::B8];

const ATOMICS: [AtomicOp; 10] = [
    AtomicOp::Add { fetch: false },
    AtomicOp::Add { fetch: true },
    AtomicOp::Or { fetch: false },
    AtomicOp::Or { fetch: true },
    AtomicOp::And { fetch: false },
    AtomicOp::And { fetch: true },
    AtomicOp::Xor { fetch: false },
    AtomicOp::Xor { fetch: true },
    AtomicOp::Xchg,
    AtomicOp::Cmpxchg,
];

impl Writer<'_> {
    /// A register with an address.
    pub(super) fn pointer_register(&mut self) -> Option<Reg> {
        let found: Vec<Reg> = Reg::ALL
            .into_iter()
            .filter(|reg| matches!(self.get(*reg), Holds::Pointer(_)))
            .collect();
        match found.is_empty() {
            true => None,
            false => Some(self.random.pick(&found)),
        }
    }

    /// A base and an offset for an access.
    fn place(&mut self, size: u32) -> (Reg, i16) {
        let base = self.pointer_register().unwrap_or(Reg::R10);
        if self.random.percent(self.wild) {
            let base = self.random.pick(&Reg::ALL);
            return (base, self.random.edge() as i16);
        }
        let Holds::Pointer(pointer) = self.get(base) else {
            return (base, -8);
        };
        let size = size as i32;
        let first = pointer.room.0 - pointer.low;
        let last = pointer.room.1 - pointer.high - size;
        let offset = match self.random.below(40) {
            0 => first - 1,
            1 => last + 1,
            2..=6 => first,
            7..=11 => last,
            _ if last > first => {
                let span = (last - first + 1) as u64;
                let at = first + self.random.below(span) as i32;
                match self.random.percent(60) {
                    true => at & !(size - 1),
                    false => at,
                }
            }
            _ => first,
        };
        (base, offset as i16)
    }

    pub(super) fn memory(&mut self) {
        let size = self.random.pick(&SIZES);
        let (base, offset) = self.place(size.bytes());
        let insn = match self.random.below(20) {
            0..=8 => {
                let dst = self.target();
                self.set(dst, Holds::Number);
                Insn::Load {
                    size,
                    signed: size != Size::B8 && self.random.percent(30),
                    dst,
                    base,
                    offset,
                }
            }
            9 => {
                let dst = self.target();
                self.set(dst, Holds::Number);
                Insn::LoadAcquire {
                    size,
                    dst,
                    base,
                    offset,
                }
            }
            10 => Insn::StoreRelease {
                size,
                base,
                offset,
                src: self.any(),
            },
            _ => Insn::Store {
                size,
                base,
                offset,
                src: self.operand(),
            },
        };
        self.emit.insn(insn);
        if size == Size::B8 && self.random.percent(10) {
            self.spilled(base, offset);
        }
    }

    /// Loads an address back that was stored a moment before.
    fn spilled(&mut self, base: Reg, offset: i16) {
        let Some(src) = self.pointer_register() else {
            return;
        };
        let size = self.random.pick(&[Size::B4, Size::B8]);
        let holds = self.get(src);
        self.emit.insn(Insn::Store {
            size,
            base,
            offset,
            src: Operand::Reg(src),
        });
        let dst = self.target();
        self.emit.insn(Insn::Load {
            size,
            signed: false,
            dst,
            base,
            offset,
        });
        self.set(dst, holds);
    }

    pub(super) fn atomic(&mut self) {
        let width = self.width();
        let (base, offset) = self.place(width.bytes());
        let op = self.random.pick(&ATOMICS);
        let src = self.target();
        self.emit.insn(Insn::Atomic {
            op,
            width,
            base,
            offset,
            src,
        });
        match op {
            AtomicOp::Cmpxchg => self.set(Reg::R0, Holds::Number),
            op if op.fetches() => self.set(src, Holds::Number),
            _ => {}
        }
    }

    /// An address, changed: by a number, or by a register with a small one.
    pub(super) fn pointer(&mut self) {
        let Some(src) = self.pointer_register() else {
            return self.constant();
        };
        let dst = self.any();
        self.mov(dst, src);
        let Holds::Pointer(Pointer { room, low, high }) = self.get(dst) else {
            return;
        };
        let small = Reg::ALL[..10]
            .iter()
            .find(|reg| matches!(self.get(**reg), Holds::Small(most) if most < room.1 - room.0));
        if let Some(index) = small
            && self.random.percent(60)
        {
            let Holds::Small(most) = self.get(*index) else {
                return;
            };
            self.emit.insn(Insn::Alu {
                op: AluOp::Add,
                width: Width::W64,
                dst,
                src: Operand::Reg(*index),
            });
            let high = high + most;
            return self.set(dst, Holds::Pointer(Pointer { room, low, high }));
        }
        let span = (room.1 - room.0).max(1) as u64;
        let to = room.0 + self.random.below(span) as i32;
        self.add(dst, to - low);
    }
}
