//! Calls of helpers: every helper whose arguments are of kinds that can be made
//! up, with arguments made up by the table.

use abi::helpers::{Arg, HELPERS, Helper, Ret};
use abi::{MapType, ProgType};
use isa::{AluOp, Operand, Reg, Width};

use super::{Writer, value_area};
use crate::generate::held::{Held, Range, What};
use crate::generate::pool;

/// Helpers that want more than their arguments' kinds say: to sleep, some attach
/// types and not others.
const APART: [&str; 9] = [
    "bpf_getsockopt",
    "bpf_setsockopt",
    "bpf_get_cgroup_classid",
    "bpf_copy_from_user",
    "bpf_copy_from_user_task",
    "bpf_get_retval",
    "bpf_set_retval",
    "bpf_get_func_ip",
    "bpf_get_socket_cookie",
];

/// Whether the arguments can be made up.
fn callable(helper: &Helper) -> bool {
    let known = |arg: &Arg| {
        matches!(
            arg,
            Arg::Any
                | Arg::Ctx
                | Arg::OptCtx
                | Arg::MapPtr
                | Arg::MapKey
                | Arg::MapValue
                | Arg::OptMapValue
                | Arg::MapValueWrite
                | Arg::Mem
                | Arg::OptMem
                | Arg::MemWrite
                | Arg::OptMemRw
                | Arg::MemRw
                | Arg::Fixed(_)
                | Arg::FixedWrite(_)
                | Arg::FixedRw(_)
                | Arg::Size
                | Arg::SizeOrZero
        )
    };
    helper.args.iter().all(known) && matches!(helper.ret, Ret::Int | Ret::Void | Ret::ValueOrNull)
}

const ARGUMENTS: [Reg; 5] = [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5];

impl Writer<'_> {
    pub(super) fn helper(&mut self) {
        let prog_type = self.flavor.prog_type;
        let context = self.frame.context.is_some();
        let strict = !self.slips();
        let fits = |helper: &&Helper| {
            let wants = |arg: Arg| helper.args.contains(&arg);
            callable(helper)
                && helper.may_be_called_by(prog_type)
                && !(strict && APART.contains(&helper.name))
                && (context || !wants(Arg::Ctx) && !wants(Arg::OptCtx))
                && (!helper.changes_packet || self.frame.moves_packet)
        };
        let fitting: Vec<&Helper> = HELPERS.iter().filter(fits).collect();
        if fitting.is_empty() {
            return;
        }
        let helper = self.random.pick(&fitting);
        let Some(map) = self.map_for(helper) else {
            return;
        };
        let mut size = 0;
        let locked = self.frame.locked;
        for (at, (arg, reg)) in helper.args.iter().zip(ARGUMENTS).enumerate() {
            let next = helper.args.get(at + 1);
            self.argument(*arg, next, reg, map, &mut size);
            self.frame.locked |= 1 << reg.index();
        }
        self.frame.locked = locked;
        self.helper_call(helper.id as i32);
        if helper.changes_packet {
            self.state.drop_packets();
        }
        let held = match helper.ret {
            Ret::Int => Held::Number(Range::ANY),
            Ret::ValueOrNull if plain(self.pool.maps[map].map_type) => {
                let area = self.value(map);
                Held::MaybeNull(area)
            }
            _ => Held::Nothing,
        };
        self.state.set(Reg::R0, held);
        if let Held::MaybeNull(area) = held {
            self.tested(Reg::R0, area, |writer| writer.statements(1));
        }
    }

    /// A map that the helper takes, 0 when it takes none.
    fn map_for(&mut self, helper: &Helper) -> Option<usize> {
        if !helper.args.contains(&Arg::MapPtr) {
            return Some(0);
        }
        let special = self.allows_locks();
        let writes = helper
            .args
            .iter()
            .any(|arg| matches!(arg, Arg::MapValue | Arg::MapValueWrite | Arg::OptMapValue))
            || helper.name.contains("delete");
        let prog_type = self.flavor.prog_type;
        let maps = self.pool.maps.iter().enumerate();
        let maps = maps.filter(|(index, def)| {
            let fits = match *index {
                pool::LOCKED | pool::TIMED => special,
                pool::CONSTANTS => !writes,
                _ => true,
            };
            let taken = helper.maps.contains(def.map_type);
            let large = writes && def.value_size > 64;
            // Their values hold what a program cannot make up, or they belong to
            // programs of one type.
            let strange = match def.map_type {
                MapType::ProgArray => true,
                MapType::ArrayOfMaps | MapType::HashOfMaps | MapType::Sockmap => true,
                MapType::Devmap | MapType::Cpumap | MapType::Xskmap => {
                    writes || prog_type != ProgType::Xdp
                }
                _ => false,
            };
            fits && taken && !strange && !large
        });
        let maps: Vec<usize> = maps.map(|(index, _)| index).collect();
        match maps.is_empty() {
            true => None,
            false => Some(self.random.pick(&maps)),
        }
    }

    fn argument(&mut self, arg: Arg, next: Option<&Arg>, reg: Reg, map: usize, size: &mut i32) {
        let def = &self.pool.maps[map];
        let value = def.value_size as i32;
        match arg {
            Arg::Ctx | Arg::OptCtx => {
                if let Some(context) = self.frame.context {
                    self.copy(reg, context);
                }
            }
            Arg::MapPtr => self.map_in(reg, map),
            Arg::MapKey => self.key_in(reg, map),
            Arg::MapValue | Arg::OptMapValue => self.bytes_in(reg, value),
            Arg::MapValueWrite => self.bytes_in(reg, value),
            Arg::Mem | Arg::OptMem | Arg::MemWrite | Arg::OptMemRw | Arg::MemRw => {
                let zero = matches!(next, Some(Arg::SizeOrZero));
                *size = self.random.pick(&[4, 8, 8, 16, 20]);
                let optional = matches!(arg, Arg::OptMem | Arg::OptMemRw) && zero;
                if optional && self.random.percent(20) {
                    *size = 0;
                    self.number_in(reg, 0);
                } else {
                    *size = (*size).min(self.frame.stack);
                    self.bytes_in(reg, *size);
                }
            }
            Arg::Fixed(bytes) | Arg::FixedWrite(bytes) | Arg::FixedRw(bytes) => {
                self.bytes_in(reg, bytes as i32);
            }
            Arg::Size | Arg::SizeOrZero => self.size_in(reg, *size, arg == Arg::SizeOrZero),
            _ => match self.random.percent(60) {
                true => {
                    let flags = self.random.pick(&[0, 0, 0, 1, 2, 8]);
                    self.number_in(reg, flags);
                }
                false => self.argument_number(reg),
            },
        }
    }

    /// Any number, not from one of the arguments that are there already.
    fn argument_number(&mut self, reg: Reg) {
        let found = self.state.find(|held| matches!(held, Held::Number(_)));
        match found.is_empty() {
            true => self.number_in(reg, 1),
            false => {
                let from = self.random.pick(&found);
                self.copy(reg, from);
            }
        }
    }

    /// The address of as many bytes, on the stack or in what a register points to.
    fn bytes_in(&mut self, reg: Reg, bytes: i32) {
        let found = self.state.find(|held| match held {
            Held::Memory(area) => {
                area.low <= 0
                    && area.low % 8 == 0
                    && !area.vague
                    && area.high >= bytes
                    && matches!(area.what, What::Value(0) | What::Value(1) | What::Other)
            }
            _ => false,
        });
        if !found.is_empty() && self.random.percent(60) {
            let from = self.random.pick(&found);
            return self.copy(reg, from);
        }
        if bytes > self.frame.stack {
            // No stack is as large as that.
            let imm = isa::Imm64::MapIndexValue {
                index: 0,
                offset: 0,
            };
            self.load_imm(reg, imm);
            let area = value_area(What::Value(0), self.id(), 64);
            return self.state.set(reg, Held::Memory(area));
        }
        let slots = ((self.frame.stack - bytes) / 8) as u64;
        let at = -self.frame.stack + 8 * self.random.below(slots + 1) as i32;
        self.stack_in(reg, at);
        // It may be written.
        self.state.doubt(at, bytes);
    }

    /// The size of the memory before it.
    fn size_in(&mut self, reg: Reg, size: i32, zero: bool) {
        let size = match self.slips() {
            true => size + self.random.pick(&[-size, 1, 64]),
            false => size,
        };
        let others = self.state.find(|held| matches!(held, Held::Number(_)));
        let vary = size >= 2 && zero && !others.is_empty() && self.random.percent(40);
        match vary {
            true => {
                let from = self.random.pick(&others);
                self.copy(reg, from);
                let bits = (size as u32 + 1).ilog2();
                self.and(reg, (1 << bits) - 1);
            }
            false if size > 1 && !others.is_empty() && self.random.percent(15) => {
                // Between 1 and as many bytes.
                let from = self.random.pick(&others);
                self.copy(reg, from);
                let bits = (size as u32).ilog2();
                self.and(reg, (1 << bits) - 1);
                self.alu(AluOp::Add, Width::W64, reg, Operand::Imm(1));
                self.put(
                    reg,
                    Range {
                        min: 1,
                        max: 1 << bits,
                    },
                );
            }
            false => self.number_in(reg, size),
        }
    }
}

/// Whether what is looked up is a value.
fn plain(map_type: MapType) -> bool {
    !map_type.is_map_in_map()
        && !matches!(
            map_type,
            MapType::Sockmap | MapType::Sockhash | MapType::Xskmap | MapType::Devmap
        )
}
