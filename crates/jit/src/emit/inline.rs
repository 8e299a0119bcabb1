//! Helpers in line.
//!
//! Those that only read a word of the machine, and look-ups in arrays that are
//! known when the code is made. What they read and write is as the helper would.

use dynasmrt::{DynasmApi, DynasmLabelApi, dynasm};
use isa::{Reg, Size, Width};
use vm::{Access, Direct, Machine, MapId, helper};

use super::Emitter;
use super::asm::{Form, host as fixed};
use crate::context::offset;

const KTIME_GET_NS: u32 = 5;
const GET_SMP_PROCESSOR_ID: u32 = 8;

impl Emitter<'_> {
    /// A helper in line. False when it has to be called.
    pub(super) fn inline(&mut self, number: u32, id: u32) -> bool {
        match id {
            KTIME_GET_NS => {
                self.overwrite(Reg::R0, u64::MAX);
                let ops = &mut self.tables.asm.ops;
                let (now, step) = (Machine::CLOCK_NOW as i32, Machine::CLOCK_STEP as i32);
                dynasm!(ops
                    ; .arch x64
                    ; mov rcx, [r12 + offset::MACHINE]
                    ; mov rax, [rcx + now]
                    ; mov rdx, [rcx + step]
                    ; add rdx, rax
                    ; mov [rcx + now], rdx
                );
                true
            }
            GET_SMP_PROCESSOR_ID => {
                self.overwrite(Reg::R0, u32::MAX.into());
                self.values.wrote_by(Reg::R0, Width::W32);
                let ops = &mut self.tables.asm.ops;
                let id = Machine::CPU_ID as i32;
                dynasm!(ops
                    ; .arch x64
                    ; mov rcx, [r12 + offset::MACHINE]
                    ; mov eax, [rcx + id]
                );
                true
            }
            helper::MAP_LOOKUP if !self.is_checked() => {
                let array = self.map_of_call(number).and_then(|map| self.array(map));
                array.is_some_and(|array| self.look_up(number, array))
            }
            _ => false,
        }
    }

    /// The map that a helper works on, where it is known.
    fn map_of_call(&self, number: u32) -> Option<MapId> {
        let here = self.values.constant(Reg::R1).and_then(MapId::from_handle);
        here.or_else(|| {
            let pc = self.listing.items[number as usize].pc;
            self.proof.and_then(|proof| proof.map(pc))
        })
    }

    /// Where its values are, if it is an array.
    fn array(&self, map: MapId) -> Option<Direct> {
        let map = self.machine.map(map)?;
        map.direct().filter(|_| map.def().key_size == 4)
    }

    /// A look-up in an array. False when it is too large for 32-bit arithmetic.
    fn look_up(&mut self, number: u32, array: Direct) -> bool {
        let sizes = [array.entries, array.stride, array.cpu_stride];
        let [Ok(entries), Ok(stride), Ok(cpu_stride)] = sizes.map(i32::try_from) else {
            return false;
        };
        self.make_loads();
        self.clobber(Reg::R0);
        let key = self.sum_of(Reg::R2);
        self.values.overwritten(Reg::R0, u32::MAX.into());
        self.values.wrote_by(Reg::R0, Width::W32);
        let at = self.operand(key);
        let what = self.what(Size::B4, Access::Read, key);
        self.site(number, what);
        let load = Form {
            opcode: &[0x8b],
            ..Form::default()
        };
        self.tables.asm.memory(load, fixed::RCX, at);
        let none = self.tables.asm.label();
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops
            ; .arch x64
            ; xor eax, eax
            ; cmp ecx, entries
            ; jae =>none
        );
        match array.stride {
            1 => {}
            stride if stride.is_power_of_two() => {
                dynasm!(ops ; .arch x64 ; shl ecx, stride.trailing_zeros() as i8);
            }
            _ => dynasm!(ops ; .arch x64 ; imul ecx, ecx, stride),
        }
        if cpu_stride != 0 {
            let id = Machine::CPU_ID as i32;
            dynasm!(ops
                ; .arch x64
                ; mov rdx, [r12 + offset::MACHINE]
                ; imul edx, [rdx + id], cpu_stride
                ; add ecx, edx
            );
        }
        // Sums of 32 bits, as in [`Direct::value`].
        let base = array.base.0 as i32;
        dynasm!(ops ; .arch x64 ; lea eax, [rcx + base] ; =>none);
        true
    }
}
