//! The wire form: eight bytes per slot.

use std::fmt;

/// The index of a slot in a program: Linux's "insn N".
///
/// Jump offsets count slots, so a wide instruction (`ldimm64`) takes two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pc(pub u32);

impl Pc {
    /// The position as an index into a slice of slots or instructions.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for Pc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "insn {}", self.0)
    }
}

/// One 64-bit instruction slot, its fields as RFC 9669 section 3 names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The operation: class in the low three bits.
    pub opcode: u8,
    /// Destination register number, 0 to 15 (valid programs use 0 to 10).
    pub dst: u8,
    /// Source register number or the kind of an immediate, 0 to 15.
    pub src: u8,
    /// Signed offset: of a jump in slots, of a memory access in bytes.
    pub offset: i16,
    /// Signed immediate.
    pub imm: i32,
}

impl Slot {
    /// Bytes in a slot.
    pub const BYTES: usize = 8;

    /// Reads a slot from its little-endian wire form.
    pub fn from_bytes(bytes: [u8; 8]) -> Slot {
        let [opcode, regs, o0, o1, i0, i1, i2, i3] = bytes;
        Slot {
            opcode,
            dst: regs & 0xf,
            src: regs >> 4,
            offset: i16::from_le_bytes([o0, o1]),
            imm: i32::from_le_bytes([i0, i1, i2, i3]),
        }
    }

    /// The little-endian wire form.
    pub fn to_bytes(self) -> [u8; 8] {
        let [o0, o1] = self.offset.to_le_bytes();
        let [i0, i1, i2, i3] = self.imm.to_le_bytes();
        let regs = (self.dst & 0xf) | (self.src << 4);
        [self.opcode, regs, o0, o1, i0, i1, i2, i3]
    }

    /// All fields but the opcode, side by side.
    pub(crate) const fn operand_bits(self) -> u64 {
        (self.imm as u32 as u64) << 32
            | (self.offset as u16 as u64) << 16
            | (self.dst as u64) << 8
            | self.src as u64
    }

    /// Reads a whole program. `None` when the length is not a multiple of 8.
    pub fn read_all(bytes: &[u8]) -> Option<Vec<Slot>> {
        let (slots, rest) = bytes.as_chunks::<8>();
        rest.is_empty()
            .then(|| slots.iter().map(|b| Slot::from_bytes(*b)).collect())
    }
}
