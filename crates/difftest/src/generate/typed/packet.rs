//! Packets: checked ranges, variable offsets, metadata, the legacy loads, and the
//! words of the context.

use isa::{AluOp, CmpOp, Insn, Operand, PacketMode, Reg, Size, Width};

use super::{DEEPEST, Writer};
use crate::generate::flavor::Packet;
use crate::generate::held::{Area, Held, Range, What};

impl Writer<'_> {
    /// Pointers into the packet, a check, and something that needs it.
    pub(super) fn packet(&mut self) {
        let reach = self.flavor.packet.filter(|packet| packet.data >= 0);
        let (Some(packet), Some(context)) = (reach, self.frame.context) else {
            return self.load();
        };
        if self.frame.nested >= DEEPEST {
            return self.arithmetic();
        }
        let keep = 1 << context.index();
        let data = self.target(keep);
        let end = self.target(keep | 1 << data.index());
        let probe = self.target(keep | 1 << data.index() | 1 << end.index());
        if data == end || probe == end || probe == data {
            return self.arithmetic();
        }
        let what = self.bounds(packet, context, data, end);
        let area = Area {
            what,
            id: self.id(),
            low: 0,
            high: 0,
            vague: false,
        };
        self.state.set(data, Held::Memory(area));
        self.checked(data, end, probe, area);
    }

    /// Loads the start and end of the packet, or of the metadata before it.
    fn bounds(&mut self, packet: Packet, context: Reg, data: Reg, end: Reg) -> What {
        match packet.meta {
            Some(meta) if self.random.percent(20) => {
                self.load_insn(packet.size, false, data, context, meta);
                self.load_insn(packet.size, false, end, context, packet.data);
                let at_start = Area {
                    what: What::Packet,
                    id: self.id(),
                    low: 0,
                    high: 0,
                    vague: false,
                };
                self.state.set(end, Held::Memory(at_start));
                What::Meta
            }
            _ => {
                self.load_insn(packet.size, false, data, context, packet.data);
                self.load_insn(packet.size, false, end, context, packet.end);
                self.state.set(end, Held::PacketEnd);
                What::Packet
            }
        }
    }

    /// Checks that some bytes are there and uses them.
    fn checked(&mut self, data: Reg, end: Reg, probe: Reg, area: Area) {
        let bytes = self.random.pick(&[1, 2, 4, 8, 14, 20, 34, 64, 100]);
        self.copy(probe, data);
        self.add(probe, bytes);
        // What is known on the side that goes on.
        let (op, left, right, sure, stays) = match self.random.below(8) {
            0..=2 => (CmpOp::Gt, probe, end, bytes, false),
            3 => (CmpOp::Ge, probe, end, bytes, false),
            4 => (CmpOp::Lt, end, probe, bytes, false),
            5 => (CmpOp::Le, end, probe, bytes, false),
            6 => (CmpOp::Le, probe, end, bytes, true),
            _ => (CmpOp::Ge, end, probe, bytes, true),
        };
        let sure = match self.slips() {
            true => sure + self.random.pick(&[1, 2, 8]),
            false => sure,
        };
        let on = self.emit.label();
        self.emit
            .branch(op, Width::W64, left, Operand::Reg(right), on);
        let unknown = self.state.clone();
        let known = Area { high: sure, ..area };
        let learn = move |held: &mut Held| match held {
            Held::Memory(a) if a.id == area.id && a.what == area.what => {
                a.high = sure + a.low;
            }
            _ => {}
        };
        self.state.set(probe, Held::Memory(known.moved(bytes)));
        if stays {
            // The jump leads to where the bytes are there.
            let over = self.emit.label();
            let learned = {
                let mut state = self.state.clone();
                state.each(learn);
                state
            };
            self.state = unknown.clone();
            match self.frame.owed == 0 {
                true => self.leave(),
                false => self.emit.jump(over),
            }
            self.emit.place(on);
            self.state = learned;
            self.use_packet(data, known);
            if self.frame.owed > 0 {
                self.state.join(&unknown);
                self.emit.place(over);
            } else {
                self.emit.place(over);
            }
            return;
        }
        self.state.each(learn);
        self.frame.nested += 1;
        self.use_packet(data, known);
        self.frame.nested -= 1;
        self.state.join(&unknown);
        self.emit.place(on);
    }

    fn use_packet(&mut self, data: Reg, area: Area) {
        for _ in 0..1 + self.random.below(3) {
            match self.state.get(data) {
                Held::Memory(a) if a.id == area.id => {}
                _ => break,
            }
            if self.frame.locked & 1 << data.index() != 0 {
                break;
            }
            match self.random.below(4) {
                0 => self.further(data, area),
                1 => self.statement(),
                _ => self.packet_bytes(data, area),
            }
        }
    }

    fn packet_bytes(&mut self, data: Reg, area: Area) {
        let size = self.random.pick(&[Size::B1, Size::B2, Size::B4, Size::B8]);
        if area.high < size.bytes() as i32 {
            return;
        }
        let offset = self.offset(area, size.bytes() as i32);
        let writable = self.flavor.packet.is_some_and(|packet| packet.writable);
        match self.random.percent(30) && (writable || area.what == What::Meta) {
            true => {
                let src = self.operand(1 << data.index());
                self.store_insn(size, data, offset, Operand::Reg(src));
            }
            false => {
                let dst = self.target(1 << data.index());
                if dst == data {
                    return;
                }
                self.load_insn(size, false, dst, data, offset);
                let max = match size {
                    Size::B8 => u64::MAX,
                    _ => (1 << size.bits()) - 1,
                };
                self.put(dst, Range::up_to(max));
            }
        }
    }

    /// A header whose place is in the packet: a variable offset and a new check.
    fn further(&mut self, data: Reg, area: Area) {
        let (packet, Some(context)) = (self.flavor.packet, self.frame.context) else {
            return;
        };
        let Some(packet) = packet.filter(|_| area.what == What::Packet && area.high > 0) else {
            return;
        };
        let mut keep = 1 << data.index() | 1 << context.index();
        let mut another = || {
            let reg = self.target(keep);
            let new = keep & 1 << reg.index() == 0;
            keep |= 1 << reg.index();
            new.then_some(reg)
        };
        let (Some(index), Some(pointer), Some(probe), Some(end)) =
            (another(), another(), another(), another())
        else {
            return;
        };
        let offset = self.random.below(area.high as u64) as i16;
        self.load_insn(Size::B1, false, index, data, offset);
        self.put(index, Range::up_to(255));
        if self.random.percent(70) {
            let mask = self.random.pick(&[0xf, 0x3c, 0xff]);
            self.and(index, mask);
        }
        if self.random.percent(30) {
            self.alu(AluOp::Lsh, Width::W64, index, Operand::Imm(2));
            let max = self.range(index).max << 2;
            self.put(index, Range::up_to(max));
        }
        self.copy(pointer, data);
        self.alu(AluOp::Add, Width::W64, pointer, Operand::Reg(index));
        let area = Area {
            what: What::Packet,
            id: self.id(),
            low: 0,
            high: 0,
            vague: true,
        };
        self.state.set(pointer, Held::Memory(area));
        self.load_insn(packet.size, false, end, context, packet.end);
        self.state.set(end, Held::PacketEnd);
        let bytes = self.random.pick(&[1, 4, 8, 20]);
        self.copy(probe, pointer);
        self.add(probe, bytes);
        let on = self.emit.label();
        self.emit
            .branch(CmpOp::Gt, Width::W64, probe, Operand::Reg(end), on);
        let before = self.state.clone();
        let known = Area {
            high: bytes,
            ..area
        };
        self.state.set(pointer, Held::Memory(known));
        self.state.set(probe, Held::Nothing);
        self.packet_bytes(pointer, known);
        self.state.join(&before);
        self.emit.place(on);
    }

    /// `r0 = *(size *)skb[…]`: ends the program where the packet is too short.
    pub(super) fn legacy_load(&mut self) {
        let legacy = self.flavor.packet.is_some_and(|packet| packet.legacy);
        let fit = legacy && self.frame.context == Some(Reg::R6) && self.frame.owed == 0;
        if !fit || self.frame.callback || self.frame.depth > 0 {
            return self.packet();
        }
        let size = self.random.pick(&[Size::B1, Size::B2, Size::B4]);
        let mode = match self.random.percent(50) {
            true => PacketMode::Absolute,
            false => PacketMode::Indirect(self.operand(0)),
        };
        let imm = self.random.pick(&[0, 12, 14, 23, 40, -4096, -0x10_0000]);
        self.emit.insn(Insn::LoadPacket { mode, size, imm });
        self.state.clobber();
        let max = (1 << size.bits()) - 1;
        self.put(Reg::R0, Range::up_to(max));
    }

    /// Writes a word of the context.
    pub(super) fn context_word(&mut self) {
        let Some(context) = self.frame.context else {
            return self.store();
        };
        if self.flavor.writable.is_empty() {
            return self.load();
        }
        let offset = self.random.pick(self.flavor.writable);
        let src = match self.random.percent(30) {
            true => Operand::Imm(self.random.below(100) as i32),
            false => Operand::Reg(self.operand(0)),
        };
        self.store_insn(Size::B4, context, offset, src);
    }
}
