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
use super::alu::Group;
use super::asm::{Operand, host as fixed};
use super::memory::store_immediate;

/// Where random numbers come from: splitmix64.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys(u64);

impl Keys {
    pub(super) fn new(seed: u64) -> Keys {
        Keys(seed)
    }

    fn next(&mut self) -> i32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as i32
    }
}

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
        let (low, high) = (keys.next(), keys.next());
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
        match (group, width) {
            (Group::Add, Width::W64) => dynasm!(ops ; .arch x64 ; add Rq(dst), rdx),
            (Group::Add, Width::W32) => dynasm!(ops ; .arch x64 ; add Rd(dst), edx),
            (Group::Or, Width::W64) => dynasm!(ops ; .arch x64 ; or Rq(dst), rdx),
            (Group::Or, Width::W32) => dynasm!(ops ; .arch x64 ; or Rd(dst), edx),
            (Group::And, Width::W64) => dynasm!(ops ; .arch x64 ; and Rq(dst), rdx),
            (Group::And, Width::W32) => dynasm!(ops ; .arch x64 ; and Rd(dst), edx),
            (Group::Sub, Width::W64) => dynasm!(ops ; .arch x64 ; sub Rq(dst), rdx),
            (Group::Sub, Width::W32) => dynasm!(ops ; .arch x64 ; sub Rd(dst), edx),
            (Group::Xor, Width::W64) => dynasm!(ops ; .arch x64 ; xor Rq(dst), rdx),
            (Group::Xor, Width::W32) => dynasm!(ops ; .arch x64 ; xor Rd(dst), edx),
            (Group::Cmp, Width::W64) => dynasm!(ops ; .arch x64 ; cmp Rq(dst), rdx),
            (Group::Cmp, Width::W32) => dynasm!(ops ; .arch x64 ; cmp Rd(dst), edx),
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
        let key = keys.next();
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
