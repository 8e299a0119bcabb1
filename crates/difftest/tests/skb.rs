//! Helpers of socket buffers on random packets: the machine, interpreting and
//! compiling, and the kernel return the same, and leave the same packet and
//! context.
#![cfg(target_os = "linux")]

mod support;

use std::fmt::Write;

use abi::ProgType;
use abi::skb::field;
use difftest::Subject;
use difftest::families::{Random, Seed, seeds};
use difftest::verify::filetest::FileTest;
use kernel::{Kernel, TestRun};
use vm::skb::{Fields, Input};
use vm::{Machine, MapId, ProgId, World};

/// Calls in one run.
const CALLS: usize = 4;
/// Words of a call: which, and `r2` to `r5`.
const WORDS: usize = 5;
/// Words that are kept of a call: `r0`, and what the context shows.
const KEPT: usize = 12;
/// Where bytes are copied to, behind the words.
const BYTES: usize = 8 * CALLS * KEPT;
/// Bytes of what is kept.
const RESULTS: usize = BYTES + 64;
const RUNS: u64 = 1500;

/// How an argument is made.
#[derive(Clone, Copy)]
enum Arg {
    /// Of the input.
    Given,
    /// Memory to read or write, of the length that the next argument is.
    Memory,
    /// 1 to 32.
    Length,
}
use Arg::{Given, Length, Memory};

struct Helper {
    name: &'static str,
    args: &'static [Arg],
}

const fn helper(name: &'static str, args: &'static [Arg]) -> Helper {
    Helper { name, args }
}

static ANY: &[Helper] = &[
    helper("bpf_skb_load_bytes", &[Given, Memory, Length]),
    helper(
        "bpf_skb_load_bytes_relative",
        &[Given, Memory, Length, Given],
    ),
];

static TC: &[Helper] = &[
    helper("bpf_skb_load_bytes", &[Given, Memory, Length]),
    helper(
        "bpf_skb_load_bytes_relative",
        &[Given, Memory, Length, Given],
    ),
    helper("bpf_skb_store_bytes", &[Given, Memory, Length, Given]),
    helper("bpf_l3_csum_replace", &[Given, Given, Given, Given]),
    helper("bpf_l4_csum_replace", &[Given, Given, Given, Given]),
    helper("bpf_csum_update", &[Given]),
    helper("bpf_csum_level", &[Given]),
    helper("bpf_skb_change_type", &[Given]),
    helper("bpf_skb_pull_data", &[Given]),
    helper("bpf_skb_change_tail", &[Given, Given]),
    helper("bpf_skb_change_head", &[Given, Given]),
    helper("bpf_set_hash", &[Given]),
    helper("bpf_set_hash_invalid", &[]),
    helper("bpf_skb_vlan_push", &[Given, Given]),
    helper("bpf_skb_vlan_pop", &[]),
];

fn subject(name: &str, text: &str) -> Subject {
    let test = FileTest::parse(text).unwrap_or_else(|error| panic!("{error} in\n{text}"));
    let mut program = test.raw.program;
    "entry".clone_into(&mut program.name);
    Subject::new(name, vec![program], "entry")
}

/// A program that makes the calls that map `input` says and keeps what they give
/// in map `results`.
fn program(name: &str, prog_type: &str, helpers: &[Helper], end: &str) -> Subject {
    let mut text = format!(
        "; type: {prog_type}\n\
         ; map: input array key 4 value {} entries 1\n\
         ; map: results array key 4 value {RESULTS} entries 1\n\
         r6 = r1\nr7 = map[input]+0\nr9 = map[results]+0\n",
        8 * CALLS * WORDS
    );
    for call in 0..CALLS {
        let _ = writeln!(text, "r8 = *(u64 *)(r7 +{})", 8 * WORDS * call);
        for (number, helper) in helpers.iter().enumerate() {
            let _ = writeln!(text, "if r8 != {number} goto not_{call}_{number}");
            for (n, arg) in helper.args.iter().enumerate() {
                let r = n + 2;
                let _ = match arg {
                    Memory => writeln!(text, "r{r} = r9\nr{r} += {BYTES}"),
                    _ => writeln!(text, "r{r} = *(u64 *)(r7 +{})", 8 * (WORDS * call + n + 1)),
                };
                if matches!(arg, Length) {
                    let _ = writeln!(text, "r{r} &= 31\nr{r} += 1");
                }
            }
            let _ = writeln!(text, "r1 = r6\ncall {}", helper.name);
            if helper.name == "bpf_set_hash_invalid" {
                text += "r0 = 0\n";
            }
            let _ = writeln!(text, "goto done_{call}\nnot_{call}_{number}: r0 = -1000");
        }
        let _ = writeln!(text, "done_{call}: *(u64 *)(r9 +{}) = r0", 8 * KEPT * call);
        let shown = [
            field::LEN,
            field::PKT_TYPE,
            field::MARK,
            field::QUEUE_MAPPING,
            field::PROTOCOL,
            field::VLAN_PRESENT,
            field::VLAN_TCI,
            field::VLAN_PROTO,
            field::IFINDEX,
            field::HASH,
            field::CB + 4,
        ];
        for (n, at) in (1..).zip(shown) {
            let _ = writeln!(
                text,
                "r1 = *(u32 *)(r6 +{at})\n*(u64 *)(r9 +{}) = r1",
                8 * (KEPT * call + n)
            );
        }
    }
    text += end;
    subject(name, &text)
}

/// Everything that can be seen of a run.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    ret: u32,
    kept: Vec<i64>,
    copied: Vec<u8>,
    frame: Vec<u8>,
}

struct Asked {
    frame: Vec<u8>,
    ctx: [u8; field::SIZE as usize],
    input: Vec<u8>,
}

/// The maps and the program in a machine.
struct Ours {
    machine: Machine,
    maps: Vec<MapId>,
    program: ProgId,
    prog_type: ProgType,
}

impl Ours {
    fn new(subject: &Subject, compile: bool) -> Ours {
        let mut machine = Machine::new(World::default()).expect("a machine");
        let instance = machine.instantiate(subject.maps(), &subject.programs);
        let instance = instance.expect("an instance");
        if compile {
            let compiled = jit::Compiled::new(&mut machine, &jit::Options::default());
            machine.set_engine(Some(Box::new(compiled.expect("code"))));
        }
        Ours {
            machine,
            maps: instance.maps,
            program: instance.programs[0],
            prog_type: subject.programs[0].prog_type,
        }
    }

    fn run(&mut self, asked: &Asked) -> Seen {
        let key = [0; 4];
        for (map, value) in self.maps.iter().zip([&asked.input[..], &[0; RESULTS]]) {
            let put = self.machine.map_update(*map, &key, value, 0);
            put.expect("a value");
        }
        let word = |at: u32| {
            let bytes = asked.ctx[at as usize..].first_chunk().expect("a word");
            u32::from_le_bytes(*bytes)
        };
        let input = Input {
            frame: &asked.frame,
            network: 14,
            prog_type: self.prog_type,
            fields: Fields {
                pkt_type: pkt_type(&asked.frame),
                protocol: [asked.frame[12], asked.frame[13]],
                mark: word(field::MARK),
                ifindex: 1,
                cb: [0, 1, 2, 3, 4].map(|n| word(field::CB + 4 * n)),
                ..Fields::default()
            },
        };
        let ctx = self.machine.receive_skb(&input).expect("a packet");
        let ret = self.machine.run(self.program, ctx).expect("no trap");
        let results = self
            .machine
            .map_lookup(self.maps[1], &key)
            .expect("results");
        let skb = self.machine.skb.as_ref().expect("a packet");
        seen(ret as u32, &results, skb.frame(&self.machine.space))
    }
}

fn seen(ret: u32, results: &[u8], frame: &[u8]) -> Seen {
    let (words, copied) = results.split_at(BYTES);
    let (words, _) = words.as_chunks::<8>();
    Seen {
        ret,
        kept: words.iter().map(|w| i64::from_le_bytes(*w)).collect(),
        copied: copied.to_vec(),
        frame: frame.to_vec(),
    }
}

/// As the loopback has it, whose address is all zeroes.
fn pkt_type(frame: &[u8]) -> u32 {
    match frame[..6] {
        [0, 0, 0, 0, 0, 0] => 0,
        [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] => 1,
        [first, ..] if first & 1 != 0 => 2,
        _ => 3,
    }
}

fn random(random: &mut Random, helpers: usize) -> Asked {
    let len = random.pick(&[54, 60, 61, 100, 300, 1500]);
    let mut frame: Vec<u8> = (0..len).map(|_| random.below(256) as u8).collect();
    frame[0] &= random.pick(&[0xff, 0xfe, 0]);
    if frame[0] == 0 {
        frame[..6].fill(0);
    }
    let protocol = random.pick(&[[8, 0], [0x86, 0xdd], [8, 6], [0x88, 0xcc]]);
    frame[12..14].copy_from_slice(&protocol);
    frame[14] = 0x45;
    // A checksum that is zero is a case of its own.
    if random.percent(30) {
        frame[24..26].fill(0);
    }
    let mut ctx = [0; field::SIZE as usize];
    for at in [field::MARK, field::CB, field::CB + 4, field::CB + 16] {
        ctx[at as usize] = random.below(256) as u8;
    }
    let mut input = Vec::new();
    let word = |random: &mut Random| -> u64 {
        match random.below(8) {
            0 | 1 => random.pick(&[0, 1, 2, 3, 4]),
            2 | 3 => random.below(64),
            4 => random.below(1600),
            5 => random.pick(&[24, 24, 0x10, 0x20, 0x32, 0x52, 0x14, 0x60, 0x84]),
            // About the longest that one grows to.
            6 if random.percent(50) => {
                random.pick(&[16_064, 16_064 - 54, 16_064 - 60]) + random.below(2)
            }
            6 => random.below(1 << 32),
            _ => random.pick(&[
                0x0081,
                0xa888,
                0xffff,
                0x1_0000,
                0x7fff_ffff,
                0x8000_0000,
                0xffff_ffff,
                u64::MAX,
            ]),
        }
    };
    for _ in 0..CALLS {
        input.extend(random.below(helpers as u64).to_le_bytes());
        for _ in 1..WORDS {
            input.extend(word(random).to_le_bytes());
        }
    }
    Asked { frame, ctx, input }
}

fn compare(subject: &Subject, helpers: &[Helper]) {
    let Some(kernel) = kernel::testing::kernel_or_skip() else {
        return;
    };
    let theirs = Theirs::new(&kernel, subject);
    for seed in seeds() {
        let mut source = Random::new(seed, 0);
        let mut ours = Ours::new(subject, false);
        let mut compiled = cfg!(target_arch = "x86_64").then(|| Ours::new(subject, true));
        for _ in 0..RUNS {
            let asked = random(&mut source, helpers.len());
            let (words, _) = asked.input.as_chunks::<8>();
            let words: Vec<i64> = words.iter().map(|w| i64::from_le_bytes(*w)).collect();
            let calls = words.chunks(WORDS).map(|call| {
                let name = helpers[call[0] as usize].name;
                format!("{name} {:?}", &call[1..])
            });
            let calls: Vec<String> = calls.collect();
            let what = format!("{seed}: {} bytes, {calls:#?}", asked.frame.len());
            let expected = theirs.run(&asked);
            let mut answer = ours.run(&asked);
            same(&mut answer, &expected, &what);
            if let Some(compiled) = &mut compiled {
                let mut answer = compiled.run(&asked);
                same(&mut answer, &expected, &format!("{what}, compiled"));
            }
        }
        support::agreed(&subject.name, seed, &[(RUNS, "runs")]);
    }
}

/// What is seen of them is the same; but where the link layer is not the program's,
/// Linux gives zeroes in its place.
fn same(ours: &mut Seen, theirs: &Seen, what: &str) {
    assert_eq!(ours.kept, theirs.kept, "{what}");
    if theirs.frame.starts_with(&[0; 14]) {
        ours.frame[..14].fill(0);
    }
    assert!(*ours == *theirs, "{what}\n{ours:?}\n{theirs:?}");
}

/// The maps and the program in the kernel.
struct Theirs {
    instance: kernel::Instance,
}

impl Theirs {
    fn new(kernel: &Kernel, subject: &Subject) -> Theirs {
        let instance = kernel.instantiate(subject.maps(), &subject.programs);
        let instance = instance.expect("maps");
        if let Err(error) = &instance.programs[0] {
            panic!("{}: {error:?}", subject.name);
        }
        Theirs { instance }
    }

    fn run(&self, asked: &Asked) -> Seen {
        let key = [0; 4];
        let maps = &self.instance.maps;
        for (map, value) in maps.iter().zip([&asked.input[..], &[0; RESULTS]]) {
            map.update(&key, value, 0).expect("a value");
        }
        let program = self.instance.programs[0].as_ref().expect("a program");
        let run = program.test_run(&TestRun {
            data: &asked.frame,
            ctx: &asked.ctx,
            // A frame may grow far beyond what it was.
            data_size_out: Some(1 << 17),
            ..TestRun::default()
        });
        let run = run.expect("a run");
        let results = maps[1].lookup(&key).expect("results");
        seen(run.retval, &results, &run.data)
    }
}

#[test]
fn traffic_control() {
    let end = "r2 = *(u32 *)(r6 +76)\nr3 = *(u32 *)(r6 +80)\nr3 -= r2\nr0 = 0\nexit\n";
    compare(&program("tc", "sched_cls", TC, end), TC);
}

#[test]
fn socket_filters_and_control_groups() {
    let end = "r0 = *(u32 *)(r6 +0)\nr0 &= 1\nexit\n";
    compare(&program("socket", "socket_filter", ANY, end), ANY);
    compare(&program("cgroup", "cgroup_skb", ANY, end), ANY);
}

/// Loads of old from every place, and what becomes of the program where there is
/// nothing.
#[test]
fn legacy_loads() {
    let Some(kernel) = kernel::testing::kernel_or_skip() else {
        return;
    };
    let mut source = Random::new(Seed(0x5eed), 0);
    let frame = random(&mut source, 1).frame;
    for prog_type in ["sched_cls", "socket_filter"] {
        for base in [0, -0x10_0000, -0x20_0000, -0x1000, -0x30_0000] {
            for offset in [0, 1, 13, 14, 20, 33, 1484, 1499, 1500, 3000] {
                let at = base + offset;
                for size in ["u8", "u16", "u32"] {
                    let text = format!(
                        "; type: {prog_type}\n\
                         ; map: input array key 4 value 160 entries 1\n\
                         ; map: results array key 4 value {RESULTS} entries 1\n\
                         r6 = r1\nr0 = *({size} *)skb[{at}]\nr0 &= 1\nexit\n"
                    );
                    let subject = subject("legacy", &text);
                    let asked = Asked {
                        frame: frame.clone(),
                        ctx: [0; field::SIZE as usize],
                        input: vec![0; 160],
                    };
                    let theirs = Theirs::new(&kernel, &subject).run(&asked);
                    let ours = Ours::new(&subject, false).run(&asked);
                    let what = format!("{prog_type} {size} at {at}");
                    assert_eq!(ours.ret, theirs.ret, "{what}");
                }
            }
        }
    }
}
