//! Instructions in a row, with labels for where jumps and calls lead.

use isa::{AluOp, CallTarget, CmpOp, Imm64, Insn, Operand, Pc, Reg, Size, Slot, Width};

/// A place in the code that may be used before it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(usize);

/// Code that grows at its end.
#[derive(Debug, Default)]
pub(super) struct Emit {
    slots: Vec<Slot>,
    labels: Vec<Option<usize>>,
    /// Slots whose distance is still to be put in: in the immediate of a call or
    /// address of a function, in the offset of everything else.
    open: Vec<(usize, Label)>,
}

impl Emit {
    /// The number of slots so far.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The next slot.
    pub(super) fn here(&self) -> Pc {
        Pc(self.slots.len() as u32)
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// Says that the label is here.
    pub(super) fn place(&mut self, label: Label) {
        self.labels[label.0] = Some(self.slots.len());
    }

    pub(super) fn insn(&mut self, insn: Insn) {
        if let Some((head, tail)) = isa::encode(insn) {
            self.slots.push(head);
            self.slots.extend(tail);
        }
    }

    pub(super) fn slot(&mut self, slot: Slot) {
        self.slots.push(slot);
    }

    pub(super) fn alu(&mut self, op: AluOp, width: Width, dst: Reg, src: Operand) {
        self.insn(Insn::Alu {
            op,
            width,
            dst,
            src,
        });
    }

    pub(super) fn load(&mut self, size: Size, signed: bool, dst: Reg, base: Reg, offset: i16) {
        self.insn(Insn::Load {
            size,
            signed,
            dst,
            base,
            offset,
        });
    }

    pub(super) fn branch(&mut self, op: CmpOp, width: Width, dst: Reg, src: Operand, to: Label) {
        self.open.push((self.slots.len(), to));
        self.insn(Insn::Branch {
            op,
            width,
            dst,
            src,
            offset: 0,
        });
    }

    pub(super) fn jump(&mut self, to: Label) {
        self.open.push((self.slots.len(), to));
        self.insn(Insn::Jump {
            offset: 0,
            long: false,
        });
    }

    pub(super) fn may_goto(&mut self, to: Label) {
        self.open.push((self.slots.len(), to));
        self.insn(Insn::MayGoto { offset: 0 });
    }

    pub(super) fn call(&mut self, to: Label) {
        self.open.push((self.slots.len(), to));
        self.insn(Insn::Call {
            target: CallTarget::Local(0),
        });
    }

    pub(super) fn function(&mut self, dst: Reg, to: Label) {
        self.open.push((self.slots.len(), to));
        self.insn(Insn::LoadImm {
            dst,
            imm: Imm64::Function { offset: 0 },
        });
    }

    /// The code, with all distances put in.
    pub(super) fn finish(mut self) -> Vec<Slot> {
        for (at, label) in self.open {
            let to = self.labels[label.0].unwrap_or(at + 1);
            let distance = to as i64 - at as i64 - 1;
            let slot = &mut self.slots[at];
            match isa::decode(*slot, Some(Slot::default())) {
                Insn::Call { .. } | Insn::LoadImm { .. } => slot.imm = distance as i32,
                _ => slot.offset = distance as i16,
            }
        }
        self.slots
    }
}
