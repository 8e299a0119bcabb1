//! The checked interpreter beside the one of the `rbpf` crate: the same
//! programs, the same bytes, the same answers.
//!
//! Every program gets a context of two 64-bit pointers, to the beginning and the
//! end of a buffer. Throughput is in instructions, as the machine counts them.

use std::time::Instant;

use abi::{ProgFlags, ProgType, Program};

use vm::{Addr, Machine, ProgId, RegionKind, Rights, World};

struct Case {
    name: &'static str,
    text: &'static str,
    buffer: Vec<u8>,
}

fn cases() -> Vec<Case> {
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
struct Ours {
    machine: Machine,
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

    fn run(&mut self) -> u64 {
        let answer = self.machine.run(self.program, self.ctx);
        answer.unwrap_or_else(|trap| panic!("{}", self.machine.explain(&trap)))
    }
}

fn program(code: &isa::Code) -> Program {
    Program {
        name: "bench".to_owned(),
        section: "xdp".to_owned(),
        prog_type: ProgType::Xdp,
        attach_type: None,
        flags: ProgFlags::default(),
        license: String::new(),
        kern_version: 0,
        code: code.slots().to_vec(),
        functions: Vec::new(),
        maps: [].into(),
        externs: [].into(),
        btf: None,
        func_info: Vec::new(),
        line_info: Vec::new(),
        attach_target: String::new(),
        optional: false,
    }
}

fn best(mut f: impl FnMut() -> u64) -> f64 {
    let start = Instant::now();
    let mut n = 0;
    while start.elapsed().as_millis() < 20 { std::hint::black_box(f()); n += 1; }
    let per = (n / 40).max(1);
    let mut best = f64::MAX;
    for _ in 0..200 {
        let t = Instant::now();
        for _ in 0..per { std::hint::black_box(f()); }
        best = best.min(t.elapsed().as_nanos() as f64 / per as f64);
    }
    best
}
fn main() {
    let only: Vec<String> = std::env::args().skip(1).collect();
    for case in cases() {
        if !only.is_empty() && !only.iter().any(|o| o == case.name || o == "-norbpf") { continue; }
        let code = isa::asm::assemble(case.text).expect("a program");
        let wire: Vec<u8> = code.slots().iter().flat_map(|s| s.to_bytes()).collect();
        let mut ours = Ours::new(&code, &case.buffer);
        let mut peer = rbpf::EbpfVmMbuff::new(Some(&wire)).expect("rbpf takes the program");
        peer.set_stack_usage_calculator(|_, _, _| 64, Box::new(())).unwrap();
        let mut theirs = case.buffer.clone();
        let bounds = theirs.as_mut_ptr_range();
        let pointers = [bounds.start as u64, bounds.end as u64];
        let ctx: Vec<u8> = pointers.iter().flat_map(|p| p.to_le_bytes()).collect();
        let a = best(|| ours.run());
        let n = ours.machine.executed() as f64;
        let b = if std::env::args().any(|a| a == "-norbpf") { 0.0 } else { best(|| peer.execute_program(&theirs, &ctx).unwrap()) };
        println!("{:10} {:8} insns {:10.1} ns  {:6.3} ns/insn   rbpf {:6.3} ns/insn  ratio {:.2}", case.name, n, a, a / n, b / n, b / a);
    }
}
