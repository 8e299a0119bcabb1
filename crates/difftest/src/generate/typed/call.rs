//! Calls: static and global functions, callbacks, tail calls, iterators.

use btf::TypeId;
use isa::{AluOp, CallTarget, CmpOp, Insn, Operand, Pc, Reg, Size, Width};

use super::{DEEPEST, Frame, Writer, slots_of, value_area};
use crate::generate::emit::Label;
use crate::generate::held::{Area, Held, Range, State, What};
use crate::generate::pool::{self, MEMORY, Param, SIGNATURES};

const TAIL_CALL: i32 = 12;
const FOR_EACH: i32 = 164;
const LOOP: i32 = 181;
/// Functions of one program.
const MOST: usize = 6;
const ARGUMENTS: [Reg; 5] = [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5];

/// A function besides the entry function.
#[derive(Clone, Debug)]
pub(super) struct Function {
    label: Label,
    pub(super) start: Pc,
    pub(super) name: String,
    pub(super) type_id: TypeId,
    /// What it has in `r1` to `r5` at its start.
    arguments: Vec<Held>,
    frame: Frame,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Static,
    Global,
    Callback,
    Timer,
}

impl Writer<'_> {
    /// A call of a function of the program.
    pub(super) fn call(&mut self) {
        if self.frame.depth >= 3 || self.frame.owed > 0 && self.random.percent(70) {
            return self.arithmetic();
        }
        let known: Vec<usize> = (0..self.functions.len())
            .filter(|n| {
                let function = &self.functions[*n];
                !matches!(function.kind, Kind::Callback | Kind::Timer)
                    && function.frame.depth > self.frame.depth
                    && function.frame.callback == self.frame.callback
                    && function.frame.loops >= self.frame.loops
                    && (self.frame.moves_packet || !function.frame.moves_packet)
                    && self.can_pass(&function.arguments)
            })
            .collect();
        let reuse = !known.is_empty() && self.random.percent(40);
        let index = match reuse {
            true => self.random.pick(&known),
            false if self.functions.len() < MOST && self.calls < 12 => self.new_function(),
            false => return self.arithmetic(),
        };
        let function = self.functions[index].clone();
        self.pass(&function.arguments);
        self.calls += 1;
        self.emit.call(function.label);
        self.state.clobber();
        if function.frame.moves_packet {
            self.state.drop_packets();
        }
        // What callees had a pointer to may have changed.
        self.state.doubt(-512, 512);
        self.put(Reg::R0, Range::ANY);
    }

    fn new_function(&mut self) -> usize {
        let global = self.typed && self.random.percent(40);
        let (arguments, type_id, name, kind) = match global {
            true => self.global(),
            false => {
                let count = self.random.below(4);
                let arguments = (0..count).map(|_| self.parameter()).collect();
                let (type_id, name) = self.internal();
                (arguments, type_id, name, Kind::Static)
            }
        };
        let mut frame = Frame::new(self.random, self.frame.depth + 1);
        frame.loops = self.frame.loops;
        frame.callback = self.frame.callback;
        frame.moves_packet &= self.frame.moves_packet;
        if kind == Kind::Static {
            frame.owed = 0;
        }
        let label = self.emit.label();
        self.declare(Function {
            label,
            start: Pc(0),
            name,
            type_id,
            arguments,
            frame,
            kind,
        })
    }

    fn declare(&mut self, function: Function) -> usize {
        self.functions.push(function);
        self.functions.len() - 1
    }

    /// The type and name of another static function.
    fn internal(&mut self) -> (TypeId, String) {
        let n = self.functions.len();
        let types = &self.pool.statics;
        (types[n % types.len()], format!("internal_{n}"))
    }

    fn global(&mut self) -> (Vec<Held>, TypeId, String, Kind) {
        let n = self.functions.len();
        let which = self.random.below(SIGNATURES.len() as u64) as usize;
        let types = &self.pool.globals[which];
        // Functions of one program differ in name, or Linux would have two alike.
        let used = |id: &TypeId| self.functions.iter().any(|f| f.type_id == *id);
        let type_id = types.iter().copied().find(|id| !used(id));
        let fits = |param: &Param| match param {
            Param::Number => true,
            Param::Memory(size) => MEMORY[*size] as i32 <= self.frame.stack,
        };
        let fits = SIGNATURES[which].iter().all(fits);
        let Some(type_id) = type_id.filter(|_| fits) else {
            let (type_id, name) = self.internal();
            return (Vec::new(), type_id, name, Kind::Static);
        };
        let arguments = SIGNATURES[which].iter().map(|param| match param {
            Param::Number => Held::Number(Range::ANY),
            Param::Memory(size) => Held::MaybeNull(self.shared(MEMORY[*size] as i32)),
        });
        let arguments = arguments.collect();
        (arguments, type_id, format!("global_{n}"), Kind::Global)
    }

    fn shared(&self, size: i32) -> Area {
        // Each argument is told apart by its size; two of one size are alike.
        value_area(What::Other, 1 << 20 | size as u32, size)
    }

    /// Something to pass to a static function.
    fn parameter(&mut self) -> Held {
        match self.random.below(5) {
            0 | 1 => Held::Number(Range::ANY),
            2 => Held::Memory(self.shared(16)),
            3 if self.frame.context.is_some() => Held::Context,
            _ => Held::Memory(value_area(What::Value(0), 1 << 21, 64)),
        }
    }

    fn can_pass(&self, arguments: &[Held]) -> bool {
        arguments.iter().all(|held| match held {
            Held::Context => self.frame.context.is_some(),
            Held::Memory(area) | Held::MaybeNull(area) if area.what == What::Other => {
                area.high <= self.frame.stack
            }
            _ => true,
        })
    }

    /// Puts arguments into `r1` to `r5`.
    fn pass(&mut self, arguments: &[Held]) {
        for (held, reg) in arguments.iter().zip(ARGUMENTS) {
            match *held {
                Held::Context => {
                    if let Some(context) = self.frame.context {
                        self.copy(reg, context);
                    }
                }
                Held::Memory(area) if area.what == What::Value(0) => {
                    let imm = isa::Imm64::MapIndexValue {
                        index: 0,
                        offset: 0,
                    };
                    self.load_imm(reg, imm);
                    self.state.set(reg, Held::Memory(area));
                }
                Held::Memory(area) | Held::MaybeNull(area) => {
                    let size = slots_of(area.high - area.low);
                    let slots = ((self.frame.stack - size).max(0) / 8) as u64;
                    let at = -self.frame.stack + 8 * self.random.below(slots + 1) as i32;
                    self.share(at, size);
                    self.stack_in(reg, at);
                }
                _ => {
                    let found = self.state.find(|held| matches!(held, Held::Number(_)));
                    match found.is_empty() {
                        true => self.number_in(reg, 3),
                        false => {
                            let from = self.random.pick(&found);
                            self.copy(reg, from);
                        }
                    }
                }
            }
        }
    }

    /// Sees to it that there are numbers in a part of the stack that others will have.
    fn share(&mut self, at: i32, size: i32) {
        for slot in (at..at + size).step_by(8) {
            let index = (-slot / 8 - 1).max(0) as usize;
            if !matches!(self.state.slots.get(index), Some(Held::Number(_))) {
                self.store_insn(Size::B8, Reg::FP, slot as i16, Operand::Imm(0));
                self.stored(
                    self.frame_area(),
                    slot as i16,
                    8,
                    Held::Number(Range::one(0)),
                );
            }
        }
    }

    /// A function for a timer to call.
    pub(super) fn timer_callback(&mut self) -> Option<Label> {
        if self.functions.len() >= MOST || self.frame.depth >= 2 || self.frame.callback {
            return None;
        }
        let key = value_area(What::Inner, 1 << 22, 4);
        let value = Area {
            low: 16,
            ..value_area(What::Value(pool::TIMED), 1 << 23, 32)
        };
        let arguments = vec![
            Held::Map(pool::TIMED),
            Held::Memory(key),
            Held::Memory(value),
        ];
        let (type_id, name) = self.internal();
        let mut frame = Frame::new(self.random, 0);
        frame.callback = true;
        frame.loops = 1;
        frame.moves_packet = false;
        let label = self.emit.label();
        self.declare(Function {
            label,
            start: Pc(0),
            name,
            type_id,
            arguments,
            frame,
            kind: Kind::Timer,
        });
        Some(label)
    }

    /// Writes a function's body.
    pub(super) fn function(&mut self, index: usize) {
        let function = self.functions[index].clone();
        self.functions[index].start = self.emit.here();
        self.emit.place(function.label);
        self.frame = function.frame;
        self.state = State::entry(self.frame.stack);
        self.frame.returns = match function.kind {
            Kind::Callback => Some(1),
            Kind::Timer => Some(0),
            _ => None,
        };
        for (held, reg) in function.arguments.iter().zip(ARGUMENTS) {
            self.state.set(reg, *held);
        }
        for (held, reg) in function.arguments.iter().zip(ARGUMENTS) {
            let home = self.home();
            let (Some(home), true) = (home, self.random.percent(70)) else {
                continue;
            };
            match *held {
                Held::Context => {
                    self.copy(home, reg);
                    self.keep_context(home);
                }
                Held::MaybeNull(area) => {
                    self.copy(home, reg);
                    let on = self.emit.label();
                    self.emit
                        .branch(CmpOp::Ne, Width::W64, home, Operand::Imm(0), on);
                    let before = self.state.clone();
                    self.number_in(Reg::R0, 0);
                    self.emit.insn(Insn::Exit);
                    self.state = before;
                    self.emit.place(on);
                    self.state.set(home, Held::Memory(area));
                    self.state.set(reg, Held::Nothing);
                }
                _ => self.copy(home, reg),
            }
        }
        let count = match function.kind {
            Kind::Callback | Kind::Timer => 1 + self.random.below(4),
            _ => 1 + self.random.below(8),
        };
        self.statements(count as u32);
        self.leave();
    }

    /// `bpf_loop` or `bpf_for_each_map_elem` with a function of the program.
    pub(super) fn callback(&mut self) {
        let deep = self.frame.depth >= 2 || self.frame.loops >= 1 || self.frame.callback;
        if !self.typed || deep || self.functions.len() >= MOST || self.frame.owed > 0 {
            return self.repeat();
        }
        let each = self.random.percent(40);
        let shared = self.shared(16);
        let given = Held::Memory(shared);
        let (arguments, map) = match each {
            true => {
                let map = self.random.pick(&[1, 2, 3, 5]);
                let def = &self.pool.maps[map];
                let key = value_area(What::Inner, 1 << 22, def.key_size as i32);
                let value = value_area(What::Value(map), 1 << 23, def.value_size as i32);
                let arguments = vec![
                    Held::Map(map),
                    Held::Memory(key),
                    Held::Memory(value),
                    given,
                ];
                (arguments, map)
            }
            false => (vec![Held::Number(Range::ANY), given], 0),
        };
        let (type_id, name) = self.internal();
        let mut frame = Frame::new(self.random, self.frame.depth + 1);
        frame.loops = self.frame.loops + 1;
        frame.callback = true;
        frame.moves_packet = false;
        let label = self.emit.label();
        self.declare(Function {
            label,
            start: Pc(0),
            name,
            type_id,
            arguments,
            frame,
            kind: Kind::Callback,
        });
        let room = ((self.frame.stack - 16) / 8) as u64;
        let at = -self.frame.stack + 8 * self.random.below(room + 1) as i32;
        self.share(at, 16);
        match each {
            true => self.map_in(Reg::R1, map),
            false => {
                let times = self.random.pick(&[1, 2, 3, 100, 1 << 20]);
                self.number_in(Reg::R1, times);
            }
        }
        self.emit.function(Reg::R2, label);
        self.stack_in(Reg::R3, at);
        self.number_in(Reg::R4, 0);
        self.helper_call(if each { FOR_EACH } else { LOOP });
        // What callees had a pointer to may have changed.
        self.state.doubt(-512, 512);
        self.put(Reg::R0, Range::ANY);
    }

    pub(super) fn tail_call(&mut self) {
        let allowed = match self.frame.depth {
            0 => true,
            _ => self.typed && self.frame.moves_packet,
        };
        let (true, Some(context)) = (allowed, self.frame.context) else {
            return self.load();
        };
        if self.frame.owed > 0 || self.frame.callback {
            return self.load();
        }
        self.copy(Reg::R1, context);
        let map = pool::PROGRAMS + self.flavor_index;
        self.map_in(Reg::R2, map);
        match self.random.percent(70) {
            true => {
                let index = self.random.below(5) as i32;
                self.number_in(Reg::R3, index);
            }
            false => {
                let found = self.state.find(|held| matches!(held, Held::Number(_)));
                match found.is_empty() {
                    true => self.number_in(Reg::R3, 0),
                    false => {
                        let from = self.random.pick(&found);
                        self.copy(Reg::R3, from);
                    }
                }
            }
        }
        self.helper_call(TAIL_CALL);
        self.state.drop_packets();
    }

    /// A loop over an open-coded iterator.
    pub(super) fn iterator(&mut self) {
        let fits = self.typed && self.frame.depth == 0 && self.frame.loops == 0;
        let Some(home) = self.home().filter(|_| fits && self.frame.owed == 0) else {
            return self.repeat();
        };
        let at = -self.frame.stack;
        let (new, next, destroy) = (
            self.kfunc("bpf_iter_num_new"),
            self.kfunc("bpf_iter_num_next"),
            self.kfunc("bpf_iter_num_destroy"),
        );
        // The iterator's slot is not the stack's any more.
        self.resize(-8);
        let locked = self.frame.locked;
        self.frame.locked |= 1 << home.index();
        self.stack_in(Reg::R1, at);
        self.number_in(Reg::R2, 0);
        let most = self.random.pick(&[1, 5, 100]);
        self.number_in(Reg::R3, most);
        self.kfunc_call(new);
        let (again, out) = (self.emit.label(), self.emit.label());
        self.iterated();
        self.emit.place(again);
        self.stack_in(Reg::R1, at);
        self.kfunc_call(next);
        self.emit
            .branch(CmpOp::Eq, Width::W64, Reg::R0, Operand::Imm(0), out);
        self.load_insn(Size::B4, false, home, Reg::R0, 0);
        self.put(home, Range::up_to(u32::MAX.into()));
        self.put(Reg::R0, Range::ANY);
        self.alu(AluOp::Mov, Width::W64, Reg::R0, Operand::Imm(0));
        self.frame.nested += 1;
        self.frame.owed += 1;
        self.frame.loops += 1;
        let count = self.random.below(4) as u32;
        if self.frame.nested < DEEPEST {
            self.statements(count);
        }
        self.frame.loops -= 1;
        self.frame.owed -= 1;
        self.frame.nested -= 1;
        self.emit.jump(again);
        self.emit.place(out);
        self.iterated();
        self.stack_in(Reg::R1, at);
        self.kfunc_call(destroy);
        self.frame.locked = locked;
        self.resize(8);
        self.iterated();
    }

    /// What is sure at each turn.
    fn iterated(&mut self) {
        let locked = self.frame.locked | 1 << 10;
        for (n, held) in self.state.regs.iter_mut().enumerate() {
            let kept = locked & 1 << n != 0 && (*held == Held::Context || n == 10);
            if !kept {
                *held = Held::Nothing;
            }
        }
        self.state.slots.fill(Held::Nothing);
    }

    fn kfunc_call(&mut self, index: i32) {
        self.emit.insn(Insn::Call {
            target: CallTarget::Kfunc {
                btf_id: index,
                module: 0,
            },
        });
        self.state.clobber();
    }
}
