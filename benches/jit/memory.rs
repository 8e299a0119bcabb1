//! Memory for engines that run a program where it is, instead of in a machine:
//! context, packet and variables in the lowest 4 GiB, so that the 32 bits of
//! `xdp_md.data` are pointers.

use abi::{Initial, MapDef, MapKind, Program};
use isa::{Imm64, Insn, Slot};

use crate::foreign::LowMemory;

const SIZE: usize = 1 << 16;
/// `struct xdp_md`.
const CTX: usize = 0;
/// The same with pointers of 64 bits: what native code takes, and the kernel's.
const WIDE_CTX: usize = 64;
/// Where packets begin: behind the headroom in a page.
const PACKET: usize = 0x1000 + 256;
/// Where variables begin, each map of them in pages of its own.
const VARIABLES: usize = 0x2000;
const PAGE: usize = 0x1000;

/// The memory of one program.
#[derive(Debug)]
pub(crate) struct Memory {
    low: LowMemory,
    packet_len: usize,
    /// The offset of each map of variables.
    variables: Vec<Option<usize>>,
}

impl Memory {
    /// Memory with this packet and the program's variables in it.
    pub(crate) fn new(program: &Program, packet: &[u8]) -> Memory {
        let mut low = LowMemory::new(SIZE);
        low.bytes_mut()[PACKET..PACKET + packet.len()].copy_from_slice(packet);
        let mut next = VARIABLES;
        let mut place = |map: &MapDef| {
            let at = next;
            if map.kind == MapKind::User {
                return None;
            }
            next += (map.value_size as usize).next_multiple_of(PAGE);
            if let Initial::Bytes(bytes) = &map.initial {
                low.bytes_mut()[at..at + bytes.len()].copy_from_slice(bytes);
            }
            Some(at)
        };
        let variables = program.maps.iter().map(&mut place).collect();
        let mut memory = Memory {
            low,
            packet_len: packet.len(),
            variables,
        };
        let begin = memory.low.address() + PACKET as u64;
        let end = begin + packet.len() as u64;
        for (at, pointer) in [(0, begin), (4, end)] {
            memory.put(CTX + at, &(pointer as u32).to_le_bytes());
            memory.put(WIDE_CTX + 2 * at, &pointer.to_le_bytes());
        }
        memory
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.low.bytes_mut()[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// The address of `struct xdp_md`.
    pub(crate) fn ctx(&self) -> u64 {
        self.low.address() + CTX as u64
    }

    /// The address of two pointers, to the packet's beginning and end.
    pub(crate) fn wide_ctx(&self) -> u64 {
        self.low.address() + WIDE_CTX as u64
    }

    /// The packet.
    pub(crate) fn packet(&self) -> Vec<u8> {
        self.low.bytes()[PACKET..PACKET + self.packet_len].to_vec()
    }

    /// All of it, from the context on.
    pub(crate) fn all(&self) -> &LowMemory {
        &self.low
    }

    /// The address of a byte of a map of variables.
    pub(crate) fn variable(&self, map: usize, offset: i32) -> Option<u64> {
        let at = (*self.variables.get(map)?)?;
        Some(self.low.address() + at as u64 + offset as u64)
    }

    /// The program's bytes with the addresses of variables in them. None where it
    /// uses a map otherwise.
    pub(crate) fn link(&self, program: &Program) -> Option<Vec<u8>> {
        let code = isa::Code::new(program.code.clone());
        let mut slots = code.slots().to_vec();
        for (pc, insn) in code.iter() {
            let Insn::LoadImm { dst, imm } = insn else {
                continue;
            };
            let value = match imm {
                Imm64::Value { .. } => continue,
                Imm64::MapIndexValue { index, offset } => self.variable(index as usize, offset)?,
                _ => return None,
            };
            let imm = Imm64::Value {
                lo: value as u32,
                hi: (value >> 32) as u32,
            };
            let (head, tail) = isa::encode(Insn::LoadImm { dst, imm })?;
            slots[pc.index()] = head;
            slots[pc.index() + 1] = tail?;
        }
        Some(slots.into_iter().flat_map(Slot::to_bytes).collect())
    }
}
