//! Helpers in line, and those that are called without more ado.
//!
//! Those that only read a word of the machine, and look-ups in arrays that are
//! known when the code is made. What they read and write is as the helper would.

use abi::MapType;
use abi::limits::STACK_BYTES;
use dynasmrt::{DynasmApi, DynasmLabelApi, dynasm};
use isa::{Reg, Size, Width};
use vm::{Access, Direct, Machine, MapId, helper};

use super::Emitter;
use super::asm::{Form, host as fixed};
use super::memory::load_form;
use crate::analysis::RegSet;
use crate::context::offset;
use crate::lower::Sum;
use crate::runtime::Routine;
use crate::site::What;

const KTIME_GET_NS: u32 = 5;
const GET_SMP_PROCESSOR_ID: u32 = 8;

/// For each byte of a stack, the least that a store to it writes at once; 0 for
/// none.
pub(super) type StackWrites = [u8; STACK_BYTES as usize];

/// Where in [`StackWrites`] the byte at a distance from the frame pointer is.
fn stack_byte(disp: i32) -> Option<usize> {
    let byte = usize::try_from(disp + STACK_BYTES as i32).ok()?;
    (byte < STACK_BYTES as usize).then_some(byte)
}

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
                dynasm!(ops ; .arch x64 ; mov eax, [r12 + offset::CPU]);
                true
            }
            helper::RINGBUF_RESERVE if !self.is_checked() => {
                let map = self.map_of_call(number);
                let map = map.filter(|map| {
                    let map = self.machine.map(*map);
                    map.is_some_and(|map| map.def().map_type == MapType::Ringbuf)
                });
                map.is_some_and(|map| self.reserve(number, map))
            }
            helper::MAP_LOOKUP if !self.is_checked() => {
                let Some(map) = self.map_of_call(number) else {
                    return false;
                };
                if let Some(array) = self.array(map) {
                    return self.look_up(number, array);
                }
                let size = self.machine.short_key(map);
                size.is_some_and(|size| self.look_up_short(number, map, size))
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

    /// A look-up by a key that is read here and handed over in registers.
    fn look_up_short(&mut self, number: u32, map: MapId, size: u32) -> bool {
        let mut key = self.sum_of(Reg::R2);
        if key.base == Some(Reg::FP) && key.index.is_none() && !self.moves_fp {
            self.settle_needed(self.after);
        } else {
            self.settle_needed(self.after.with(RegSet::of(Reg::R2)));
            key = self.sum_of(Reg::R2);
        }
        let saved = self.live.after(number).and(RegSet::ARGUMENTS);
        self.save(saved);
        // One access, for whoever asks where the run has ended.
        let what = self.what_of(size as u8, Access::Read, key);
        // The second word takes the place of the key's address.
        const WORDS: [(i64, u8); 4] = [
            (24, fixed::R9),
            (16, fixed::R8),
            (0, fixed::RDI),
            (8, fixed::RSI),
        ];
        let (words, routine) = match size {
            0..=16 => (&WORDS[2..], Routine::LookupShort),
            _ => (&WORDS[..], Routine::LookupWide),
        };
        for (at, to) in words {
            match (i64::from(size) - at).clamp(0, 8) {
                0 => {
                    let ops = &mut self.tables.asm.ops;
                    dynasm!(ops ; .arch x64 ; xor Rd(*to), Rd(*to));
                }
                len => self.key_word(number, what, *to, key.plus(*at), len as u8),
            }
        }
        self.call_with_map(routine, map, saved);
        true
    }

    /// A reservation in a ring buffer: arguments are where they belong.
    fn reserve(&mut self, number: u32, map: MapId) -> bool {
        self.settle_needed(self.after.with(RegSet(1 << 2 | 1 << 3)));
        let saved = self.live.after(number).and(RegSet::ARGUMENTS);
        self.save(saved);
        self.call_with_map(Routine::Reserve, map, saved);
        true
    }

    /// Calls a routine that answers an address; `saved` was saved before.
    fn call_with_map(&mut self, routine: Routine, map: MapId, saved: RegSet) {
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops
            ; .arch x64
            ; mov edx, map.0 as i32
            ; lea rcx, [r12 + offset::CONTEXT]
        );
        self.call_to(routine);
        // Cut here once, and not at each access.
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; mov eax, eax);
        self.restore(saved);
        self.values.keeps(RegSet::KEPT);
        self.values.overwritten(Reg::R0, u32::MAX.into());
        self.values.wrote_by(Reg::R0, Width::W32);
    }

    /// Puts up to eight bytes of a key into a register. Uses rcx, rdx and r11.
    fn key_word(&mut self, number: u32, what: What, to: u8, at: Sum, len: u8) {
        const PIECES: [Size; 4] = [Size::B1, Size::B2, Size::B4, Size::B8];
        let pieces = PIECES
            .into_iter()
            .filter(|size| len & size.bytes() as u8 != 0);
        if len.is_power_of_two() {
            for size in pieces {
                self.key_part(number, what, to, at, size);
            }
            return;
        }
        // From the end on, since the upper part is shifted.
        let mut from = len;
        for size in pieces {
            let first = from == len;
            from -= size.bytes() as u8;
            let at = at.plus(from.into());
            if first {
                self.key_part(number, what, fixed::R11, at, size);
                continue;
            }
            self.key_part(number, what, fixed::RDX, at, size);
            let bits = size.bits() as i8;
            let ops = &mut self.tables.asm.ops;
            dynasm!(ops ; .arch x64 ; shl r11, bits ; or r11, rdx);
        }
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; mov Rq(to), r11);
    }

    /// Puts a part of a key into a register. Where the function writes it in
    /// pieces, it is read in pieces as well: the processor hands on what a store
    /// wrote only to loads that ask for no more. Uses rcx and rdx.
    fn key_part(&mut self, number: u32, what: What, to: u8, at: Sum, size: Size) {
        let half = match size {
            Size::B8 => Size::B4,
            Size::B4 => Size::B2,
            Size::B2 | Size::B1 => Size::B1,
        };
        if half == size || !self.in_pieces(at, size) {
            let at = self.operand(at);
            self.site(number, what);
            self.tables.asm.memory(load_form(size, false), to, at);
            return;
        }
        let upper = at.plus(half.bytes().into());
        self.key_part(number, what, to, upper, half);
        let bits = half.bits() as i8;
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; shl Rq(to), bits);
        let piece = match size {
            Size::B8 => fixed::RDX,
            Size::B4 => fixed::RCX,
            Size::B2 | Size::B1 => {
                let form = Form {
                    opcode: &[0x0a],
                    byte: true,
                    ..Form::default()
                };
                let at = self.operand(at);
                self.site(number, what);
                return self.tables.asm.memory(form, to, at);
            }
        };
        self.key_part(number, what, piece, at, half);
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; or Rq(to), Rq(piece));
    }

    /// Whether the function writes some of these bytes of its stack with stores of
    /// fewer bytes.
    fn in_pieces(&self, at: Sum, size: Size) -> bool {
        let Some(disp) = self.on_stack(at) else {
            return false;
        };
        let bytes = disp..disp + size.bytes() as i32;
        bytes.into_iter().any(|disp| {
            let written = stack_byte(disp).map_or(0, |byte| self.stack_writes[byte]);
            written != 0 && u32::from(written) < size.bytes()
        })
    }

    /// Notes that the function writes so many bytes of its stack at once.
    pub(super) fn writes_stack(&mut self, disp: i32, size: Size) {
        let bytes = size.bytes() as u8;
        for disp in disp..disp + i32::from(bytes) {
            if let Some(byte) = stack_byte(disp) {
                let written = &mut self.stack_writes[byte];
                *written = match *written {
                    0 => bytes,
                    before => before.min(bytes),
                };
            }
        }
    }

    /// A look-up in an array with a key that is known to be there.
    fn look_up_known(&mut self, array: Direct, key: u32) -> bool {
        let Some(first) = array.value(key, 0) else {
            return false;
        };
        self.make_loads();
        self.overwrite(Reg::R0, u32::MAX.into());
        self.values.wrote_by(Reg::R0, Width::W32);
        let (first, cpu_stride) = (first.0 as i32, array.cpu_stride as i32);
        let ops = &mut self.tables.asm.ops;
        if cpu_stride == 0 {
            dynasm!(ops ; .arch x64 ; mov eax, DWORD first);
        } else {
            dynasm!(ops
                ; .arch x64
                ; imul eax, [r12 + offset::CPU], cpu_stride
                ; add eax, DWORD first
            );
        }
        true
    }

    /// A look-up in an array. False when it is too large for 32-bit arithmetic.
    fn look_up(&mut self, number: u32, array: Direct) -> bool {
        let sizes = [array.entries, array.stride, array.cpu_stride];
        let [Ok(entries), Ok(stride), Ok(cpu_stride)] = sizes.map(i32::try_from) else {
            return false;
        };
        let pc = self.listing.items[number as usize].pc;
        let known = self.proof.and_then(|proof| proof.proven.call(pc).key);
        if let Some(key) = known
            && self.may_show(array.base.0.into())
            && self.look_up_known(array, key)
        {
            return true;
        }
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
            dynasm!(ops
                ; .arch x64
                ; imul edx, [r12 + offset::CPU], cpu_stride
                ; add ecx, edx
            );
        }
        // Sums of 32 bits, as in [`Direct::value`].
        let base = array.base.0 as i32;
        dynasm!(ops ; .arch x64 ; lea eax, [rcx + base] ; =>none);
        true
    }
}
