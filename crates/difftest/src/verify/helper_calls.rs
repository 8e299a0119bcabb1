//! Calls of every helper with every kind of value in every argument.
//!
//! One complete call of each helper is made up from the kinds of its arguments
//! ([`abi::helpers::Arg`]); then one argument at a time is replaced by each of
//! the [`KINDS`]. What becomes of such a program tells which values an argument
//! takes, and what the verifier says of the others.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::sync::Arc;

use abi::helpers::{Arg, HELPERS, Helper};
use abi::{Flavor, Initial, MapDef, MapFlags, MapKind, MapType, ProgFlags, Program};
use btf::build::{BtfBuilder, Encoding, MemberDef};
use btf::{Btf, TypeId};
use loader::raw::{Caps, RawProgram};

/// A program that calls a helper once.
#[derive(Clone, Debug)]
pub struct Case {
    /// The helper.
    pub helper: &'static Helper,
    /// In which programs.
    pub flavor: &'static Flavor,
    /// The argument that is replaced, from 1; 0 for the complete call.
    pub argument: usize,
    /// What is in it.
    pub kind: String,
    /// The program.
    pub raw: RawProgram,
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.helper.name;
        match self.argument {
            0 => write!(f, "{name} in {}", self.flavor),
            n => write!(f, "{name} in {}, r{n} = {}", self.flavor, self.kind),
        }
    }
}

/// Kinds of values that are no maps: what puts one into `rN`, and before it what
/// makes it, into `r9`.
pub const KINDS: &[(&str, &str, &str)] = &[
    ("nothing", "", ""),
    ("0", "", "rN = 0"),
    ("1", "", "rN = 1"),
    ("8", "", "rN = 8"),
    ("64", "", "rN = 64"),
    ("-1", "", "rN = -1"),
    ("1 << 30", "", "rN = 1073741824"),
    ("unknown", "", "rN = r7"),
    ("0 to 7", "", "rN = r7\nrN &= 7"),
    ("1 to 8", "", "rN = r7\nrN &= 7\nrN += 1"),
    ("0 to 63", "", "rN = r7\nrN &= 63"),
    ("ctx", "", "rN = r6"),
    ("ctx+4", "", "rN = r6\nrN += 4"),
    ("ctx-4", "", "rN = r6\nrN += -4"),
    ("fp", "", "rN = r10"),
    ("fp-4", "", "rN = r10\nrN += -4"),
    ("fp-64", "", "rN = r10\nrN += -64"),
    ("fp-128, not written", "", "rN = r10\nrN += -128"),
    ("fp-520", "", "rN = r10\nrN += -520"),
    (
        "fp-64 + 0 to 7",
        "",
        "r9 = r7\nr9 &= 7\nrN = r10\nrN += -64\nrN += r9",
    ),
    ("map value", "", "rN = map[value]+0"),
    ("map value + 60", "", "rN = map[value]+60"),
    (
        "map value + 0 to 7",
        "",
        "r9 = r7\nr9 &= 7\nrN = map[value]+0\nrN += r9",
    ),
    (
        "map value + unknown",
        "",
        "rN = map[value]+0\nr9 = r7\nr9 &= 65535\nrN += r9",
    ),
    ("read-only map value", "", "rN = map[read_only]+0"),
    ("write-only map value", "", "rN = map[write_only]+0"),
    ("string", "", "rN = map[string]+0"),
    (
        "string + 0 to 7",
        "",
        "r9 = r7\nr9 &= 7\nrN = map[string]+0\nrN += r9",
    ),
    ("no string", "", "rN = map[no_string]+0"),
    ("lock", "", "rN = map[locked]+0"),
    ("lock + 4", "", "rN = map[locked]+4"),
    ("timer", "", "rN = map[timed]+0"),
    ("timer + 8", "", "rN = map[timed]+8"),
    (
        "looked-up lock",
        "r1 = map[locked_hash]\nr2 = r10\nr2 += -64\ncall 1\nif r0 == 0 goto out\nr9 = r0",
        "rN = r9",
    ),
    (
        "map value or null",
        "r1 = map[hash]\nr2 = r10\nr2 += -64\ncall 1\nr9 = r0",
        "rN = r9",
    ),
    (
        "map of maps' value",
        "r1 = map[array_of_maps]\nr2 = r10\nr2 += -64\ncall 1\nif r0 == 0 goto out\nr9 = r0",
        "rN = r9",
    ),
    (
        "socket of a map",
        "r1 = map[sockmap]\nr2 = r10\nr2 += -64\ncall 1\nif r0 == 0 goto out\nr9 = r0",
        "rN = r9",
    ),
    (
        "socket of AF_XDP",
        "r1 = map[xskmap]\nr2 = r10\nr2 += -64\ncall 1\nif r0 == 0 goto out\nr9 = r0",
        "rN = r9",
    ),
    (
        "record",
        "r1 = map[ringbuf]\nr2 = 8\nr3 = 0\ncall 131\nif r0 == 0 goto out\nr9 = r0",
        "rN = r9",
    ),
    (
        "record + 4",
        "r1 = map[ringbuf]\nr2 = 8\nr3 = 0\ncall 131\nif r0 == 0 goto out\nr9 = r0\nr9 += 4",
        "rN = r9",
    ),
    (
        "record or null",
        "r1 = map[ringbuf]\nr2 = 8\nr3 = 0\ncall 131\nr9 = r0",
        "rN = r9",
    ),
    ("task", "call 158\nr9 = r0", "rN = r9"),
    (
        "socket",
        "r1 = r6\nr2 = r10\nr2 += -64\nr3 = 12\nr4 = 0\nr5 = 0\ncall 84\nif r0 == 0 goto out\nr9 = r0",
        "rN = r9",
    ),
    (
        "socket or null",
        "r1 = r6\nr2 = r10\nr2 += -64\nr3 = 12\nr4 = 0\nr5 = 0\ncall 84\nr9 = r0",
        "rN = r9",
    ),
    (
        "socket of any kind",
        "r1 = r6\nr2 = r10\nr2 += -64\nr3 = 12\nr4 = 0\nr5 = 0\ncall 99\nif r0 == 0 goto out\nr9 = r0",
        "rN = r9",
    ),
    (
        "TCP socket",
        "r1 = r6\nr2 = r10\nr2 += -64\nr3 = 12\nr4 = 0\nr5 = 0\ncall 84\nif r0 == 0 goto out\nr1 = r0\ncall 137\nif r0 == 0 goto out\nr9 = r0",
        "rN = r9",
    ),
    (
        "skb's socket",
        "r9 = *(u64 *)(r6 +168)\nif r9 == 0 goto out",
        "rN = r9",
    ),
    (
        "packet",
        "PACKET\nr9 = r8\nr9 += 64\nif r9 > r0 goto out\nr9 = r8",
        "rN = r9",
    ),
    ("packet, not compared", "PACKET\nr9 = r8", "rN = r9"),
    (
        "packet + 0 to 7",
        "PACKET\nr9 = r7\nr9 &= 7\nr8 += r9\nr9 = r8\nr9 += 64\nif r9 > r0 goto out\nr9 = r8",
        "rN = r9",
    ),
    ("end of packet", "PACKET\nr9 = r0", "rN = r9"),
    (
        "metadata",
        "META\nr9 = r8\nr9 += 8\nif r9 > r0 goto out\nr9 = r8",
        "rN = r9",
    ),
];

/// Which flavors calls are made in: of those that may call a helper the first
/// few.
const FLAVORS: &[&str] = &[
    "xdp",
    "sched_cls",
    "cgroup_skb/cgroup_inet_egress",
    "sock_ops",
    "cgroup_sock_addr/cgroup_inet4_connect",
    "cgroup_sockopt/cgroup_setsockopt",
    "sk_msg",
    "sk_skb",
    "sk_reuseport/sk_reuseport_select",
    "sk_lookup/sk_lookup",
    "cgroup_sysctl",
    "cgroup_sock/cgroup_inet_sock_create",
    "lwt_xmit",
    "lwt_in",
    "lwt_seg6local",
    "flow_dissector",
    "socket_filter",
    "perf_event",
    "kprobe",
    "tracepoint",
    "raw_tracepoint",
    "cgroup_device",
    "netfilter/netfilter",
    "syscall.s",
];

/// The flavors that calls are made in.
pub fn flavors() -> impl Iterator<Item = &'static Flavor> {
    let named = |name: &&&'static str| {
        let mut all = abi::flavor::FLAVORS.iter();
        all.find(|flavor| flavor.to_string() == **name)
    };
    FLAVORS.iter().filter_map(move |name| named(&name))
}

/// All calls of a helper, in at most `flavors` flavors.
pub fn cases(helper: &'static Helper, flavors_each: usize) -> Vec<Case> {
    let mut cases = Vec::new();
    let may_call = flavors().filter(|flavor| flavor.may_call(helper));
    for flavor in may_call.take(flavors_each) {
        let args = helper.args_in(flavor.prog_type);
        let whole: Vec<String> = args.iter().map(|arg| usual(helper, *arg)).collect();
        cases.extend(case(helper, flavor, &whole, 0, String::new()));
        for argument in 1..=args.len() {
            for kind in kinds() {
                let mut placed = whole.clone();
                placed[argument - 1].clone_from(&kind);
                cases.extend(case(helper, flavor, &placed, argument, kind));
            }
        }
    }
    cases
}

/// All helpers that some flavor may call.
pub fn helpers() -> impl Iterator<Item = &'static Helper> {
    HELPERS.iter()
}

/// All kinds, maps of every type among them.
pub fn kinds() -> impl Iterator<Item = String> {
    let maps = MapType::ALL
        .iter()
        .map(|map_type| format!("map {}", map_type.name()));
    let special = ["map locked", "map timed", "map read_only"].map(str::to_owned);
    let plain = KINDS.iter().map(|(name, ..)| (*name).to_owned());
    plain.chain(maps).chain(special)
}

/// The kind that does in a complete call.
fn usual(helper: &Helper, arg: Arg) -> String {
    let kind = match arg {
        Arg::Any
        | Arg::StackOrNull
        | Arg::BtfOrNull
        | Arg::SockCommonBtfOrNull
        | Arg::SockOrNull => "0",
        Arg::Ctx | Arg::OptCtx => "ctx",
        Arg::MapPtr => {
            let first = helper.maps.iter().next();
            return format!("map {}", first.map_or("hash", MapType::name));
        }
        Arg::Size | Arg::SizeOrZero | Arg::ConstSize => "8",
        Arg::ConstStr => "string",
        Arg::SpinLock => "lock",
        Arg::Timer => "timer",
        Arg::RingbufMem => "record",
        Arg::SockCommon | Arg::SockCommonBtf | Arg::OwnedSock => "socket",
        Arg::Btf => "task",
        _ => "fp-64",
    };
    kind.to_owned()
}

/// A bare call of number `id` with the context in `r1` and nothing in the other
/// registers, by a program under `license`.
pub fn bare(id: u32, flavor: &'static Flavor, license: &str) -> RawProgram {
    let text = format!("call {id}\nr0 = 1\nexit\n");
    let code = isa::asm::assemble(&text).expect("the text is well formed");
    let mut raw = raw(program(flavor, code.slots().to_vec(), Vec::new()));
    license.clone_into(&mut raw.program.license);
    raw
}

fn raw(program: Program) -> RawProgram {
    RawProgram {
        flags: if program.flags.sleepable { 1 << 4 } else { 0 },
        program,
        caps: Caps::ROOT,
        attach_btf_id: None,
    }
}

fn case(
    helper: &'static Helper,
    flavor: &'static Flavor,
    placed: &[String],
    argument: usize,
    kind: String,
) -> Option<Case> {
    let maps = RefCell::new(Maps::default());
    let mut text = "r6 = r1\ncall 7\nr7 = r0\n".to_owned();
    for slot in 1..=8 {
        let _ = writeln!(text, "*(u64 *)(r10 -{}) = 0", slot * 8);
    }
    let (mut setups, mut places) = (Vec::new(), String::new());
    for (number, kind) in placed.iter().enumerate() {
        let (setup, place) = parts(kind, flavor)?;
        if !setup.is_empty() && !setups.contains(&setup) {
            setups.push(setup);
        }
        places += &place.replace("rN", &format!("r{}", number + 1));
        places.push('\n');
    }
    // There is one register for what must be made.
    if setups.len() > 1 {
        return None;
    }
    if setups.is_empty() {
        // `r1` to `r5` as a call leaves them.
        places.insert_str(0, "call 7\n");
    } else {
        text += &setups.concat();
        text.push('\n');
    }
    let _ = write!(text, "{places}call {}\nout:\nr0 = 1\nexit\n", helper.id);
    let code = isa::asm::assemble_with(&text, &|name| maps.borrow_mut().symbol(name));
    let code = code.unwrap_or_else(|error| panic!("{error} in\n{text}"));
    let raw = raw(program(
        flavor,
        code.slots().to_vec(),
        maps.into_inner().list,
    ));
    Some(Case {
        helper,
        flavor,
        argument,
        kind,
        raw,
    })
}

/// What makes a value of the kind, and what puts it into `rN`; none where the
/// flavor has none.
fn parts(kind: &str, flavor: &Flavor) -> Option<(String, String)> {
    if let Some(map) = kind
        .strip_prefix("map ")
        .filter(|name| map_def(name).is_some())
    {
        return Some((String::new(), format!("rN = map[{map}]")));
    }
    let (_, setup, place) = KINDS.iter().find(|(name, ..)| *name == kind)?;
    let mut setup = (*setup).to_owned();
    for (word, start, end) in [
        ("PACKET", "data", "data_end"),
        ("PACKET", "skb_data", "skb_data_end"),
        ("PACKET", "optval", "optval_end"),
        ("META", "data_meta", "data"),
    ] {
        if let Some(loads) = loads(flavor, start, end) {
            setup = setup.replace(word, &loads);
        }
    }
    if setup.contains("PACKET") || setup.contains("META") {
        return None;
    }
    Some((setup, (*place).to_owned()))
}

/// Loads of two members of the context, into `r8` and `r0`.
fn loads(flavor: &Flavor, start: &str, end: &str) -> Option<String> {
    let structure = flavor.context.structure?;
    let offset = |name| structure.fields.iter().find(|f| f.1 == name).map(|f| f.0);
    let (start, end) = (offset(start)?, offset(end)?);
    let wide = flavor.context.load(start as i32, 8).is_some();
    let size = if wide { "u64" } else { "u32" };
    Some(format!(
        "r8 = *({size} *)(r6 +{start})\nr0 = *({size} *)(r6 +{end})"
    ))
}

fn program(flavor: &'static Flavor, code: Vec<isa::Slot>, maps: Vec<MapDef>) -> Program {
    let typed = maps.iter().any(|map| map.value_type != TypeId::VOID);
    Program {
        name: "call".to_owned(),
        section: String::new(),
        prog_type: flavor.prog_type,
        attach_type: flavor.attach_type,
        flags: ProgFlags {
            sleepable: flavor.sleepable,
            xdp_frags: false,
            device_bound: false,
        },
        license: "GPL".to_owned(),
        kern_version: 0,
        code,
        functions: Vec::new(),
        maps: maps.into(),
        externs: Arc::new([]),
        btf: typed.then(|| Arc::new(types())),
        func_info: Vec::new(),
        line_info: Vec::new(),
        attach_target: flavor.target.to_owned(),
        optional: false,
    }
}

/// The maps that a program names, in the order in which it does.
#[derive(Default)]
struct Maps {
    list: Vec<MapDef>,
}

impl Maps {
    fn symbol(&mut self, name: &str) -> Option<isa::disasm::Symbol> {
        let def = map_def(name)?;
        let index = self.list.iter().position(|map| map.name == def.name);
        let index = index.unwrap_or_else(|| {
            self.list.push(def);
            self.list.len() - 1
        });
        Some(isa::disasm::Symbol::MapIndex {
            index: index as i32,
        })
    }
}

/// Types in [`types`].
const KEY: TypeId = TypeId(1);
const VALUE: TypeId = TypeId(3);
const LOCKED: TypeId = TypeId(5);
const TIMED: TypeId = TypeId(8);
const VALUE_SIZE: u32 = 64;

/// A number; structs of as many bytes as values have: plain, with a lock at its
/// start, with a timer.
fn types() -> Btf {
    let mut builder = BtfBuilder::new();
    let number = builder.int("int", 4, Encoding::Signed);
    let numbers = builder.array(number, VALUE_SIZE / 4);
    builder.struct_("value", VALUE_SIZE, &[("numbers", numbers, 0).into()]);
    let lock = builder.struct_("bpf_spin_lock", 4, &[("val", number, 0).into()]);
    let locked: [MemberDef<'_>; 1] = [("lock", lock, 0).into()];
    builder.struct_("locked", VALUE_SIZE, &locked);
    let wide = builder.int("long", 8, Encoding::Signed);
    let timer = builder.struct_("bpf_timer", 16, &[("opaque", wide, 0).into()]);
    builder.struct_("timed", VALUE_SIZE, &[("timer", timer, 0).into()]);
    builder.finish().expect("the types are well formed")
}

fn map_def(name: &str) -> Option<MapDef> {
    let array = |value_type, flags: MapFlags| MapDef {
        max_entries: 1,
        value_type,
        key_type: if value_type == TypeId::VOID {
            TypeId::VOID
        } else {
            KEY
        },
        flags,
        ..smallest(name, MapType::Array)
    };
    let constant = |bytes: &[u8]| {
        let mut value = bytes.to_vec();
        value.resize(VALUE_SIZE as usize, bytes.last().copied().unwrap_or(0));
        MapDef {
            kind: MapKind::Rodata,
            initial: Initial::Bytes(value),
            ..array(TypeId::VOID, MapFlags::RDONLY_PROG)
        }
    };
    Some(match name {
        "value" => array(TypeId::VOID, MapFlags(0)),
        "read_only" => array(TypeId::VOID, MapFlags::RDONLY_PROG),
        "write_only" => array(TypeId::VOID, MapFlags::WRONLY_PROG),
        "string" => constant(b"text\0"),
        "no_string" => constant(b"text"),
        "locked" => array(LOCKED, MapFlags(0)),
        "timed" => array(TIMED, MapFlags(0)),
        "locked_hash" => MapDef {
            key_type: KEY,
            value_type: LOCKED,
            ..smallest(name, MapType::Hash)
        },
        _ => {
            let map_type = MapType::ALL.iter().find(|t| t.name() == name)?;
            let unnamed = matches!(map_type, MapType::Arena | MapType::StructOps);
            if unnamed {
                return None;
            }
            smallest(name, *map_type)
        }
    })
}

/// A map of the type, as small as it may be.
fn smallest(name: &str, map_type: MapType) -> MapDef {
    use MapType as M;
    let (key_size, value_size, max_entries, flags) = match map_type {
        M::StackTrace => (4, 8, 4, MapFlags(0)),
        M::LpmTrie => (8, VALUE_SIZE, 4, MapFlags::NO_PREALLOC),
        M::Queue | M::Stack | M::BloomFilter => (0, VALUE_SIZE, 4, MapFlags(0)),
        M::SkStorage | M::InodeStorage | M::TaskStorage | M::CgrpStorage => {
            (4, VALUE_SIZE, 0, MapFlags::NO_PREALLOC)
        }
        M::CgroupStorage | M::PercpuCgroupStorage => (8, VALUE_SIZE, 0, MapFlags(0)),
        M::Ringbuf | M::UserRingbuf => (0, 0, 4096, MapFlags(0)),
        M::ProgArray
        | M::PerfEventArray
        | M::CgroupArray
        | M::ArrayOfMaps
        | M::HashOfMaps
        | M::Devmap
        | M::DevmapHash
        | M::Sockmap
        | M::Sockhash
        | M::Cpumap
        | M::Xskmap
        | M::ReuseportSockarray => (4, 4, 4, MapFlags(0)),
        _ => (4, VALUE_SIZE, 4, MapFlags(0)),
    };
    let typed = matches!(
        map_type,
        M::SkStorage | M::InodeStorage | M::TaskStorage | M::CgrpStorage
    );
    let inner = map_type.is_map_in_map();
    MapDef {
        name: name.to_owned(),
        flags,
        key_type: if typed { KEY } else { TypeId::VOID },
        value_type: if typed { VALUE } else { TypeId::VOID },
        inner: inner.then(|| Box::new(smallest("inner", M::Array))),
        ..MapDef::bare(map_type, key_size, value_size, max_entries)
    }
}
