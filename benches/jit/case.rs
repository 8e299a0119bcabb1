//! The programs, each with the packet and the entries that it is run on.

use std::path::{Path, PathBuf};

use abi::Program;

/// What a program mostly does; means are taken over each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// The empty program: nothing, whose cost is that of a call.
    Call,
    Compute,
    Packets,
    Maps,
}

/// A program and what it works on.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) group: Group,
    pub(crate) program: Program,
    pub(crate) packet: Vec<u8>,
    /// Entries of its one map, of which the first is the one that is counted in.
    pub(crate) entries: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Case {
    /// The index of its map that is not of variables.
    pub(crate) fn map(&self) -> Option<usize> {
        let maps = &self.program.maps;
        maps.iter().position(|map| map.kind == abi::MapKind::User)
    }
}

/// Bytes of a counter's value.
pub(crate) const COUNTER: usize = 16;

/// All of them, the empty one first.
pub(crate) fn cases() -> Vec<Case> {
    use Group::{Call, Compute, Maps, Packets};
    let tcp = || tcp4(64);
    let mut cases = vec![
        case("empty", "empty", Call, tcp()),
        case("parse_tcp4_64", "parse_tcp4", Packets, tcp()),
        case(
            "parse_v6vlan_1500",
            "parse_v6vlan",
            Packets,
            udp6_vlan(1500),
        ),
        case("nat_64", "nat", Packets, tcp()),
        case("fw100_64", "fw100", Packets, tcp()),
        case("csum_64", "csum", Packets, tcp()),
        case("csum_1500", "csum", Packets, tcp4(1500)),
        with(case("hash_count", "hash_count", Maps, tcp()), flows()),
        with(
            case("array_count", "array_count", Maps, tcp()),
            protocols(1),
        ),
        with(
            case("percpu_count", "percpu_count", Maps, tcp()),
            protocols(cpus()),
        ),
        with(
            case("array_bytes", "array_bytes", Maps, tcp()),
            protocols(1),
        ),
        with(
            case("percpu_bytes", "percpu_bytes", Maps, tcp()),
            protocols(cpus()),
        ),
        with(case("lpm_count", "lpm_count", Maps, tcp()), networks()),
    ];
    let computations = [
        "sieve", "mix64", "crc32", "matmul", "memrev", "fsm", "divmod", "siphash", "calls",
    ];
    let computations = computations.map(|name| case(name, name, Compute, job()));
    cases.splice(1..1, computations);
    cases
}

fn case(name: &'static str, object: &str, group: Group, packet: Vec<u8>) -> Case {
    let bytes = std::fs::read(sources().join(format!("{object}.bpf.o")));
    let object_file = loader::Object::parse(&bytes.expect("the corpus"), &Default::default());
    let program = object_file.expect("an object").program(object);
    Case {
        name,
        group,
        program: program.expect("a program"),
        packet,
        entries: Vec::new(),
    }
}

/// A program of some thousand instructions, to be compiled: what a compiler takes
/// for each of them when nothing else counts.
pub(crate) fn long() -> Case {
    let round = "
        r3 = r2
        r3 <<= 7
        r3 ^= r2
        *(u64 *)(r10 -8) = r3
        r4 = *(u64 *)(r10 -8)
        r4 *= 31
        r2 += r4
        if r2 != 5 goto pc+1
        r2 += 1
        r5 = r2
        r5 >>= 9
        r5 &= 255
        r2 += r5
        r2 += 17
        r6 = r5
        r2 ^= r6
    ";
    let text = format!("r2 = 1\n{}r0 = 2\nexit\n", round.repeat(256));
    let code = isa::asm::assemble(&text).expect("a program");
    let mut case = case("long", "empty", Group::Call, job());
    case.program.name = "long".to_owned();
    case.program.code = code.slots().to_vec();
    case
}

fn with(case: Case, entries: Vec<(Vec<u8>, Vec<u8>)>) -> Case {
    Case { entries, ..case }
}

/// Where the sources and objects are.
pub(crate) fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/bench")
}

/// CPUs that a per-CPU value has room for, on both sides.
pub(crate) fn cpus() -> u32 {
    kernel::Kernel::open().map_or(1, |kernel| kernel.cpus())
}

/// A seed, room for the result, and what makes it a packet.
fn job() -> Vec<u8> {
    let mut packet = vec![0; 64];
    packet[..8].copy_from_slice(&0x0123_4567_89ab_cdefu64.to_le_bytes());
    packet
}

/// TCP over IPv4 from 10.0.0.1, port 50000, to 10.0.0.2, port 443.
fn tcp4(len: usize) -> Vec<u8> {
    let mut packet = noise(len);
    packet[12..14].copy_from_slice(&[0x08, 0x00]);
    packet[14] = 0x45;
    packet[20..22].copy_from_slice(&[0x40, 0x00]);
    packet[23] = 6;
    packet[26..34].copy_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
    packet[34..38].copy_from_slice(&[0xc3, 0x50, 0x01, 0xbb]);
    packet[46..48].copy_from_slice(&[0x50, 0x10]);
    packet
}

/// UDP over IPv6 behind a VLAN tag and an empty header of hop-by-hop options.
fn udp6_vlan(len: usize) -> Vec<u8> {
    let mut packet = noise(len);
    packet[12..18].copy_from_slice(&[0x81, 0x00, 0x00, 0x07, 0x86, 0xdd]);
    packet[18] = 0x60;
    packet[24] = 0;
    packet[58..60].copy_from_slice(&[17, 0]);
    packet
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

/// The flow of the packet among a thousand others.
fn flows() -> Vec<(Vec<u8>, Vec<u8>)> {
    let flow = |host: u16| {
        let [high, low] = host.to_be_bytes();
        let mut key = vec![10, 0, high, low, 10, 0, 0, 2, 0xc3, 0x50, 0x01, 0xbb];
        key.extend_from_slice(&6u32.to_le_bytes());
        (key, vec![0; COUNTER])
    };
    (1..=1000).map(flow).collect()
}

/// TCP's counter, on each CPU.
fn protocols(cpus: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
    vec![(vec![6, 0, 0, 0], vec![0; COUNTER * cpus as usize])]
}

/// 10.0.0.0/24, which the packet comes from, within larger networks and among a
/// thousand others.
fn networks() -> Vec<(Vec<u8>, Vec<u8>)> {
    let network = |len: u32, address: [u8; 4]| {
        let mut key = len.to_le_bytes().to_vec();
        key.extend_from_slice(&address);
        (key, vec![0; COUNTER])
    };
    let mut networks = vec![
        network(24, [10, 0, 0, 0]),
        network(16, [10, 0, 0, 0]),
        network(8, [10, 0, 0, 0]),
    ];
    let others = (1..=1000u16).map(u16::to_be_bytes);
    networks.extend(others.map(|[high, low]| network(24, [10, 1 + high, low, 0])));
    networks
}
