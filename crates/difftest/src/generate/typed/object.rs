//! Things of Linux's that a program borrows: sockets, maps in maps, dynptrs,
//! timers.

use abi::ProgType;
use isa::{AluOp, CmpOp, Operand, Reg, Size, Width};

use super::{DEEPEST, Writer, value_area};
use crate::generate::held::{Held, Range, What};
use crate::generate::pool;

const LOOKUP: i32 = 1;
const SK_LOOKUP_TCP: i32 = 84;
const SK_LOOKUP_UDP: i32 = 85;
const SK_RELEASE: i32 = 86;
const SKC_LOOKUP_TCP: i32 = 99;
const TIMER_INIT: i32 = 169;
const TIMER_SET_CALLBACK: i32 = 170;
const TIMER_START: i32 = 171;
const FROM_MEM: i32 = 197;
const RESERVE_DYNPTR: i32 = 198;
const SUBMIT_DYNPTR: i32 = 199;
const DISCARD_DYNPTR: i32 = 200;
const DYNPTR_READ: i32 = 201;
const DYNPTR_WRITE: i32 = 202;
const DYNPTR_DATA: i32 = 203;
/// Bytes of the addresses and ports of an IPv4 connection.
const TUPLE: i32 = 12;
/// Bytes of a dynptr.
const DYNPTR: i32 = 16;

impl Writer<'_> {
    pub(super) fn object(&mut self) {
        match self.random.below(4) {
            0 => self.socket(),
            1 => self.inner_map(),
            2 => self.dynptr(),
            _ => self.timer(),
        }
    }

    /// A socket: looked up, read, released.
    fn socket(&mut self) {
        let offers = matches!(
            self.flavor.prog_type,
            ProgType::Xdp | ProgType::SchedCls | ProgType::CgroupSkb | ProgType::SkSkb
        );
        let (Some(context), Some(home)) = (self.frame.context, self.home()) else {
            return self.lookup();
        };
        if !offers || self.frame.owed > 0 || self.frame.nested >= DEEPEST {
            return self.lookup();
        }
        self.copy(Reg::R1, context);
        let at = -(TUPLE + 4);
        self.stack_in(Reg::R2, at);
        self.state.doubt(at, TUPLE);
        self.number_in(Reg::R3, TUPLE);
        self.number_in(Reg::R4, -1);
        self.number_in(Reg::R5, 0);
        let id = self
            .random
            .pick(&[SK_LOOKUP_TCP, SK_LOOKUP_UDP, SKC_LOOKUP_TCP]);
        self.helper_call(id);
        self.copy(home, Reg::R0);
        let on = self.emit.label();
        self.emit
            .branch(CmpOp::Eq, Width::W64, home, Operand::Imm(0), on);
        let before = self.state.clone();
        let locked = self.frame.locked;
        self.frame.locked |= 1 << home.index();
        self.frame.owed += 1;
        self.frame.nested += 1;
        let field = match id {
            SKC_LOOKUP_TCP => 4,
            _ => self.random.pick(&[4, 8, 24, 28, 44, 48]),
        };
        let dst = self.target(0);
        self.load_insn(Size::B4, false, dst, home, field);
        self.put(dst, Range::up_to(u32::MAX.into()));
        let count = self.random.below(3) as u32;
        self.statements(count);
        self.frame.nested -= 1;
        self.frame.owed -= 1;
        self.frame.locked = locked;
        self.copy(Reg::R1, home);
        self.helper_call(SK_RELEASE);
        self.state.join(&before);
        self.state.clobber();
        self.emit.place(on);
        self.state.set(home, Held::Nothing);
    }

    /// A value in a map that was found in a map.
    fn inner_map(&mut self) {
        let maps = self
            .pool
            .of(&[abi::MapType::ArrayOfMaps, abi::MapType::HashOfMaps]);
        let map = self.random.pick(&maps);
        if self.frame.nested + 1 >= DEEPEST {
            return self.lookup();
        }
        self.key_in(Reg::R2, map);
        self.map_in(Reg::R1, map);
        self.helper_call(LOOKUP);
        let on = self.emit.label();
        self.emit
            .branch(CmpOp::Eq, Width::W64, Reg::R0, Operand::Imm(0), on);
        let before = self.state.clone();
        self.alu(AluOp::Mov, Width::W64, Reg::R1, Operand::Reg(Reg::R0));
        self.store_insn(Size::B4, Reg::FP, -4, Operand::Imm(0));
        self.state.smudge(-4, 4);
        self.stack_in(Reg::R2, -4);
        self.helper_call(LOOKUP);
        let size = self.pool.maps[map]
            .inner
            .as_ref()
            .map_or(0, |inner| inner.value_size);
        let area = value_area(What::Other, self.id(), size as i32);
        self.state.set(Reg::R0, Held::MaybeNull(area));
        self.frame.nested += 1;
        self.tested(Reg::R0, area, |writer| writer.statements(1));
        self.frame.nested -= 1;
        self.state.join(&before);
        self.state.clobber();
        self.emit.place(on);
    }

    /// Memory behind a dynptr, of a ring buffer's record or of a map's value.
    fn dynptr(&mut self) {
        let room = self.frame.stack >= DYNPTR + 32;
        if !room || self.frame.owed > 0 || self.frame.loops > 0 || self.frame.nested >= DEEPEST {
            return self.store();
        }
        let at = -self.frame.stack;
        let record = self.random.percent(60);
        if record {
            self.map_in(Reg::R1, pool::RING);
            self.number_in(Reg::R2, 16);
            self.number_in(Reg::R3, 0);
            self.stack_in(Reg::R4, at);
            self.helper_call(RESERVE_DYNPTR);
        } else {
            let imm = isa::Imm64::MapIndexValue {
                index: 0,
                offset: 0,
            };
            self.load_imm(Reg::R1, imm);
            self.number_in(Reg::R2, 32);
            self.number_in(Reg::R3, 0);
            self.stack_in(Reg::R4, at);
            self.helper_call(FROM_MEM);
        }
        // Its slots are not the stack's any more.
        self.resize(-DYNPTR);
        for _ in 0..1 + self.random.below(3) {
            self.use_dynptr(at);
        }
        if record {
            self.stack_in(Reg::R1, at);
            self.number_in(Reg::R2, 0);
            let id = self.random.pick(&[SUBMIT_DYNPTR, DISCARD_DYNPTR]);
            self.helper_call(id);
        } else {
            // Written over, it is no dynptr any more.
            for slot in [0, 8] {
                self.store_insn(Size::B8, Reg::FP, (at + slot) as i16, Operand::Imm(0));
            }
        }
        self.resize(DYNPTR);
        self.state.smudge(at, DYNPTR);
    }

    /// Makes the stack larger or smaller.
    pub(super) fn resize(&mut self, by: i32) {
        self.frame.stack += by;
        let area = self.frame_area();
        self.state.set(Reg::FP, Held::Memory(area));
        // Pointers to it know nothing of that.
        for held in self
            .state
            .regs
            .iter_mut()
            .take(10)
            .chain(&mut self.state.slots)
        {
            match held {
                Held::Memory(area) if area.what == What::Stack => *held = Held::Nothing,
                _ => {}
            }
        }
    }

    fn use_dynptr(&mut self, at: i32) {
        match self.random.below(3) {
            0 => {
                self.stack_in(Reg::R1, at);
                self.number_in(Reg::R2, 0);
                self.number_in(Reg::R3, 8);
                self.helper_call(DYNPTR_DATA);
                let area = value_area(What::Other, self.id(), 8);
                self.state.set(Reg::R0, Held::MaybeNull(area));
                self.frame.owed += 1;
                self.tested(Reg::R0, area, |writer| {
                    let dst = writer.target(1);
                    writer.load_insn(Size::B4, false, dst, Reg::R0, 4);
                    writer.put(dst, Range::up_to(u32::MAX.into()));
                    writer.store_insn(Size::B1, Reg::R0, 7, Operand::Imm(1));
                });
                self.frame.owed -= 1;
                self.state.set(Reg::R0, Held::Nothing);
            }
            1 => {
                self.stack_in(Reg::R1, -8);
                self.number_in(Reg::R2, 8);
                self.stack_in(Reg::R3, at);
                self.number_in(Reg::R4, 0);
                self.number_in(Reg::R5, 0);
                self.helper_call(DYNPTR_READ);
                self.state.doubt(-8, 8);
                self.put(Reg::R0, Range::ANY);
            }
            _ => {
                self.stack_in(Reg::R1, at);
                self.number_in(Reg::R2, 4);
                self.stack_in(Reg::R3, -8);
                self.number_in(Reg::R4, 8);
                self.number_in(Reg::R5, 0);
                self.helper_call(DYNPTR_WRITE);
                self.put(Reg::R0, Range::ANY);
            }
        }
    }

    /// A timer in a map's value, with a callback.
    fn timer(&mut self) {
        let fit = self.typed && self.allows_locks() && self.frame.owed == 0;
        let Some(home) = self.home().filter(|_| fit && self.frame.loops == 0) else {
            return self.lookup();
        };
        let Some(callback) = self.timer_callback() else {
            return self.lookup();
        };
        let map = pool::TIMED;
        self.key_in(Reg::R2, map);
        self.map_in(Reg::R1, map);
        self.helper_call(LOOKUP);
        self.copy(home, Reg::R0);
        let on = self.emit.label();
        self.emit
            .branch(CmpOp::Eq, Width::W64, home, Operand::Imm(0), on);
        let before = self.state.clone();
        self.copy(Reg::R1, home);
        self.map_in(Reg::R2, map);
        self.number_in(Reg::R3, 1);
        self.helper_call(TIMER_INIT);
        self.copy(Reg::R1, home);
        self.emit.function(Reg::R2, callback);
        self.helper_call(TIMER_SET_CALLBACK);
        if self.random.percent(50) {
            self.copy(Reg::R1, home);
            self.number_in(Reg::R2, 1000);
            self.number_in(Reg::R3, 0);
            self.helper_call(TIMER_START);
        }
        self.state.join(&before);
        self.state.clobber();
        self.emit.place(on);
        self.state.set(home, Held::Nothing);
    }
}
