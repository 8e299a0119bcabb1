//! Programs, and the two machines that run them.
//!
//! Every program gets a context of two 64-bit pointers, to the beginning and the
//! end of a buffer.

use abi::{ProgType, Program};
use vm::{Addr, Machine, ProgId, RegionKind, Rights, World};

/// A program and what it works on.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    text: &'static str,
    pub(crate) buffer: Vec<u8>,
}

/// All of them.
pub(crate) fn cases() -> Vec<Case> {
    macro_rules! case {
        ($name:literal, $buffer:expr) => {
            Case {
                name: $name,
                text: include_str!(concat!("../programs/", $name, ".bpf")),
                buffer: $buffer,
            }
        };
    }
    vec![
        case!("sieve", noise(4096)),
        case!("crc32", noise(1500)),
        case!("mix64", noise(8)),
        case!("checksum", noise(1500)),
        case!("reverse", noise(1500)),
        case!("matmul", noise(3072)),
        case!("calls", noise(8)),
        case!("parse", packet()),
    ]
}

/// Bytes that have no pattern but are always the same.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    let next = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    next.take(len).collect()
}

/// 64 bytes of TCP over IPv4 from port 50000 to port 443.
fn packet() -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[12..14].copy_from_slice(&[0x08, 0x00]);
    bytes[14] = 0x45;
    bytes[23] = 6;
    bytes[26..34].copy_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
    bytes[34..38].copy_from_slice(&[0xc3, 0x50, 0x01, 0xbb]);
    bytes[47] = 0x10;
    bytes
}

/// The program in a machine of ours.
pub(crate) struct Ours {
    pub(crate) machine: Machine,
    program: ProgId,
    ctx: Addr,
    buffer: Addr,
}

impl Ours {
    fn new(code: &isa::Code, buffer: &[u8]) -> Ours {
        let mut machine = Machine::new(World::default()).expect("a machine");
        let program = machine.load_program(&program(code), &[]).expect("loads");
        let mut region = |len: usize| {
            let space = &mut machine.space;
            let id = space.add(len as u32, Rights::ReadWrite, RegionKind::Platform);
            space.region(id.expect("room")).start
        };
        let (ctx, data) = (region(16), region(buffer.len()));
        let end = data.offset(buffer.len() as u32);
        let pointers = machine.space.bytes_mut(ctx, 16);
        pointers[..8].copy_from_slice(&data.to_reg().to_le_bytes());
        pointers[8..].copy_from_slice(&end.to_reg().to_le_bytes());
        let bytes = machine.space.bytes_mut(data, buffer.len() as u32);
        bytes.copy_from_slice(buffer);
        Ours {
            machine,
            program,
            ctx,
            buffer: data,
        }
    }

    pub(crate) fn run(&mut self) -> u64 {
        let answer = self.machine.run(self.program, self.ctx);
        answer.unwrap_or_else(|trap| panic!("{}", self.machine.explain(&trap)))
    }
}

/// The program in a machine of `rbpf`.
pub(crate) struct Theirs {
    wire: Vec<u8>,
    buffer: Vec<u8>,
    ctx: Vec<u8>,
}

impl Theirs {
    fn new(code: &isa::Code, buffer: &[u8]) -> Theirs {
        let mut buffer = buffer.to_vec();
        let bounds = buffer.as_mut_ptr_range();
        let pointers = [bounds.start as u64, bounds.end as u64];
        Theirs {
            wire: code.slots().iter().flat_map(|s| s.to_bytes()).collect(),
            ctx: pointers.iter().flat_map(|p| p.to_le_bytes()).collect(),
            buffer,
        }
    }

    pub(crate) fn machine(&self) -> rbpf::EbpfVmMbuff<'_> {
        let mut machine = rbpf::EbpfVmMbuff::new(Some(&self.wire)).expect("rbpf loads it");
        // All functions of a program share 512 bytes there.
        let shared = machine.set_stack_usage_calculator(|_, _, _| 64, Box::new(()));
        shared.expect("rbpf loads it");
        machine
    }

    pub(crate) fn run(&self, machine: &rbpf::EbpfVmMbuff<'_>) -> u64 {
        let answer = machine.execute_program(&self.buffer, &self.ctx);
        answer.expect("rbpf runs it")
    }
}

/// The program in both machines; they have agreed once on answer and buffer.
pub(crate) fn both(case: &Case) -> (Ours, Theirs) {
    let code = isa::asm::assemble(case.text).expect("a program");
    let mut ours = Ours::new(&code, &case.buffer);
    let theirs = Theirs::new(&code, &case.buffer);
    let answer = theirs.run(&theirs.machine());
    assert_eq!(ours.run(), answer, "{}: answers differ", case.name);
    let bytes = ours
        .machine
        .space
        .bytes(ours.buffer, case.buffer.len() as u32);
    assert_eq!(bytes, theirs.buffer, "{}: buffers differ", case.name);
    (ours, theirs)
}

fn program(code: &isa::Code) -> Program {
    Program {
        name: "bench".to_owned(),
        section: "xdp".to_owned(),
        license: String::new(),
        ..Program::bare(ProgType::Xdp, code.slots().to_vec())
    }
}
