//! Hiding the numbers of a program in its code (constant blinding).
//!
//! A program that nobody vouches for chooses its immediates, so without this it
//! chooses bytes of executable memory. With it, a number of more than eight bits
//! stands there only as the sum, without carry, of itself and a random one, which
//! the next instruction takes away. Offsets of 16 bits stay, as in Linux; larger
//! ones, which come from additions that were put together, do not.

use dynasmrt::{DynasmApi, dynasm};
use isa::Width;

use super::Emitter;
use super::alu::{Group, by_reg};
use super::asm::{Operand, host as fixed};
use super::memory::store_immediate;

impl Emitter<'_> {
    /// Whether a number may stand in the code as it is.
    pub(super) fn may_show(&self, number: i64) -> bool {
        self.keys.is_none() || i8::try_from(number).is_ok()
    }

    /// Whether the number of a sum may.
    pub(super) fn may_show_offset(&self, disp: i64) -> bool {
        self.keys.is_none() || i16::try_from(disp).is_ok()
    }

    /// Puts a number into a register without showing it. `false` where there is
    /// nothing to hide. Changes the flags.
    pub(super) fn hidden_constant(&mut self, dst: u8, value: u64) -> bool {
        if self.may_show(value as i64) {
            return false;
        }
        let Some(keys) = &mut self.keys else {
            return false;
        };
        let (low, high) = (keys.next_u32() as i32, keys.next_u32() as i32);
        let ops = &mut self.tables.asm.ops;
        if let Ok(value) = u32::try_from(value) {
            let shown = value as i32 ^ low;
            dynasm!(ops
                ; .arch x64
                ; mov Rd(dst), DWORD shown
                ; xor Rd(dst), DWORD low
            );
        } else {
            let wide = |key: i32| key as i64 as u64;
            let shown = (value ^ wide(low)).rotate_left(32) ^ wide(high);
            dynasm!(ops
                ; .arch x64
                ; mov Rq(dst), QWORD shown as i64
                ; xor Rq(dst), DWORD high
                ; rol Rq(dst), 32
                ; xor Rq(dst), DWORD low
            );
        }
        true
    }

    /// Arithmetic or a comparison with an immediate. May use rdx.
    pub(super) fn immediate(&mut self, group: Group, width: Width, dst: u8, imm: i32) {
        if self.may_show(imm.into()) {
            return self.tables.asm.immediate(group as u8, width, dst, imm);
        }
        self.constant(fixed::RDX, i64::from(imm) as u64);
        let ops = &mut self.tables.asm.ops;
        match group {
            Group::Add => by_reg!(ops, add, width, dst, fixed::RDX),
            Group::Or => by_reg!(ops, or, width, dst, fixed::RDX),
            Group::And => by_reg!(ops, and, width, dst, fixed::RDX),
            Group::Sub => by_reg!(ops, sub, width, dst, fixed::RDX),
            Group::Xor => by_reg!(ops, xor, width, dst, fixed::RDX),
            Group::Cmp => by_reg!(ops, cmp, width, dst, fixed::RDX),
        }
    }

    /// Stores a number without showing it: something else first, then what makes
    /// it right. Nobody else looks at the memory in between.
    pub(super) fn hidden_store(&mut self, size: isa::Size, imm: i32, at: Operand) -> bool {
        if self.may_show(imm.into()) {
            return false;
        }
        let Some(keys) = &mut self.keys else {
            return false;
        };
        let key = keys.next_u32() as i32;
        store_immediate(
            &mut self.tables.asm,
            size,
            &[0xc6],
            &[0xc7],
            0,
            imm ^ key,
            at,
        );
        let xor = Group::Xor as u8;
        store_immediate(&mut self.tables.asm, size, &[0x80], &[0x81], xor, key, at);
        true
    }
}
