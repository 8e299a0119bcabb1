//! Putting small programs and maps to the running kernel.

use std::collections::BTreeMap;
use std::sync::Arc;

use abi::{Errno, Initial, MapDef, MapFlags, MapKind, MapType, Pinning, ProgFlags, Program};
use btf::build::{BtfBuilder, Encoding, MemberDef};
use btf::{Btf, TypeId};
use isa::Slot;
use kernel::{Kernel, LoadError, LoadOptions, LoadedBtf, LogWanted, Map};

use super::flavor::{self, Flavor};

/// What Linux says to a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Accepted, with the log when one was wanted.
    Yes(String),
    /// Refused: error number, and the verifier's last sentence where a log was
    /// wanted and written.
    No(Errno, String),
    /// It cannot be put to Linux.
    Cannot(String),
}

impl Answer {
    /// Whether Linux accepted it.
    pub(crate) fn is_yes(&self) -> bool {
        matches!(self, Answer::Yes(_))
    }

    /// The sentence, empty when accepted.
    pub(crate) fn sentence(&self) -> &str {
        match self {
            Answer::Yes(_) => "",
            Answer::No(_, text) | Answer::Cannot(text) => text,
        }
    }

    /// `ok`, the sentence, or the error's name where nothing was said.
    pub(crate) fn text(&self) -> String {
        match self {
            Answer::Yes(_) => "ok".to_owned(),
            Answer::No(errno, text) if text.is_empty() => errno.to_string(),
            Answer::No(_, text) | Answer::Cannot(text) => text.clone(),
        }
    }
}

/// What a program has besides its instructions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extras {
    /// Kernel functions, by the index that calls have.
    pub(crate) kfuncs: Vec<String>,
    /// BTF, and the type of each function.
    pub(crate) types: Option<(Arc<Btf>, Vec<abi::FuncInfo>)>,
    /// Level of the log, when one is wanted of an accepted program too.
    pub(crate) level: u32,
    /// No log at all: only the error number.
    pub(crate) silent: bool,
    /// Under a licence that is not compatible with the GPL.
    pub(crate) proprietary: bool,
}

/// The running kernel with the flavors that it loads.
pub(crate) struct Probe {
    pub(crate) kernel: Kernel,
    /// Those that an empty program loads as.
    pub(crate) flavors: Vec<Flavor>,
    /// The others, and why.
    pub(crate) not_loadable: BTreeMap<String, String>,
    /// Types of keys and values, for maps that must have some.
    types: Option<LoadedBtf>,
    /// A program whose instruction 1 is to be replaced, with 0 in register 2.
    pub(crate) access: Vec<Slot>,
}

impl Probe {
    pub(crate) fn new(kernel: Kernel) -> Probe {
        let types = kernel.load_btf(&key_and_value()).ok();
        let mut probe = Probe {
            kernel,
            types,
            access: assemble("r2 = 0\nr0 = 0\nr0 = 1\nexit"),
            flavors: Vec::new(),
            not_loadable: BTreeMap::new(),
        };
        let empty = assemble("r0 = 1\nexit");
        for flavor in flavor::all() {
            match probe.load(&flavor, &empty, &[], &Extras::default()) {
                Answer::Yes(_) => probe.flavors.push(flavor),
                refused => {
                    probe.not_loadable.insert(flavor.name, refused.text());
                }
            }
        }
        probe
    }

    /// The release by which files are sorted: `6.18`.
    pub(crate) fn release(&self) -> String {
        let mut numbers = self.kernel.release().split('.');
        let mut next = || numbers.next().unwrap_or_default();
        format!("{}.{}", next(), next())
    }

    /// The release and machine, without what a distribution adds.
    pub(crate) fn kernel_name(&self) -> String {
        let release = self.kernel.release();
        let number = release.split('-').next().unwrap_or(release);
        format!("{number} {}", std::env::consts::ARCH.replace('_', "-"))
    }

    /// The flavor with this name, if it is loadable.
    pub(crate) fn flavor(&self, name: &str) -> Option<&Flavor> {
        self.flavors.iter().find(|flavor| flavor.name == name)
    }

    /// Puts a program to Linux.
    pub(crate) fn load(
        &self,
        flavor: &Flavor,
        code: &[Slot],
        maps: &[Map],
        extras: &Extras,
    ) -> Answer {
        let (mut attach, mut attach_btf_id) = (flavor.attach, None);
        let mut target = flavor.target;
        if flavor.is_struct_ops() {
            let Some((id, member)) = flavor.member(&self.kernel) else {
                return Answer::Cannot(format!("the kernel has no {target}"));
            };
            (attach, attach_btf_id, target) = (Some(member), Some(id), "");
        }
        let program = Program {
            name: "fact".to_owned(),
            section: String::new(),
            prog_type: flavor.prog_type,
            attach_type: attach,
            flags: ProgFlags {
                sleepable: flavor.sleepable,
                xdp_frags: flavor.frags,
                device_bound: false,
            },
            license: if extras.proprietary {
                "Proprietary"
            } else {
                "GPL"
            }
            .to_owned(),
            kern_version: 0,
            code: code.to_vec(),
            functions: Vec::new(),
            maps: Arc::new([]),
            externs: extras.kfuncs.iter().map(|name| kfunc(name)).collect(),
            btf: extras.types.as_ref().map(|(btf, _)| btf.clone()),
            func_info: extras
                .types
                .as_ref()
                .map_or(Vec::new(), |(_, info)| info.clone()),
            line_info: Vec::new(),
            attach_target: target.to_owned(),
            optional: false,
        };
        let options = LoadOptions {
            log: match (extras.silent, extras.level) {
                (true, _) => LogWanted::Never,
                (false, 0) => LogWanted::Level(1),
                (false, level) => LogWanted::Level(level),
            },
            attach_btf_id,
            ..LoadOptions::default()
        };
        match self.kernel.load(&program, maps, &options) {
            Ok(loaded) => Answer::Yes(loaded.log().to_owned()),
            Err(LoadError::Refused(refusal)) => {
                Answer::No(refusal.errno, sentence(&refusal.log).to_owned())
            }
            Err(other) => Answer::Cannot(other.to_string()),
        }
    }

    /// Makes a map.
    pub(crate) fn map(&self, def: &MapDef) -> Result<Map, Errno> {
        let made = self.kernel.create_map(def, self.types.as_ref());
        made.map_err(|refusal| refusal.errno)
    }
}

fn kfunc(name: &str) -> abi::Extern {
    abi::Extern {
        name: name.to_owned(),
        kind: abi::ExternKind::Kfunc,
        weak: false,
        type_id: TypeId::VOID,
    }
}

/// The verifier's last sentence: the last line before the counts, and before the
/// two states that it shows of an endless loop.
fn sentence(log: &str) -> &str {
    let other = [
        "processed ",
        "verification time ",
        "stack depth ",
        "cur state:",
        "old state:",
    ];
    let mut lines = log.lines().rev();
    let said = lines.find(|line| !other.iter().any(|start| line.starts_with(start)));
    let said = said.unwrap_or_default();
    // This one is written behind the instruction, on the same line.
    let at = said.find("infinite loop detected").unwrap_or(0);
    said.get(at..).unwrap_or(said)
}

/// A program text of this task as slots.
pub(crate) fn assemble(text: &str) -> Vec<Slot> {
    let code = isa::asm::assemble(text);
    let code = code.unwrap_or_else(|error| panic!("{error} in\n{text}"));
    code.slots().to_vec()
}

/// Type of keys in [`key_and_value`].
const KEY: TypeId = TypeId(1);
/// Type of values, of [`VALUE_SIZE`] bytes.
const VALUE: TypeId = TypeId(3);
const VALUE_SIZE: u32 = 64;

/// A number and a struct.
fn key_and_value() -> Btf {
    let mut builder = BtfBuilder::new();
    let number = builder.int("int", 4, Encoding::Signed);
    let numbers = builder.array(number, VALUE_SIZE / 4);
    let member = MemberDef::from(("numbers", numbers, 0));
    builder.struct_("value", VALUE_SIZE, &[member]);
    builder.finish().expect("the types are well formed")
}

/// A map of each type that a program can name, as small as it may be.
pub(crate) fn smallest(map_type: MapType) -> MapDef {
    use MapType as M;
    let (key_size, value_size, max_entries, flags) = match map_type {
        M::StackTrace => (4, 8, 4, 0),
        M::LpmTrie => (8, 64, 4, MapFlags::NO_PREALLOC.0),
        M::Queue | M::Stack | M::BloomFilter => (0, 64, 4, 0),
        M::SkStorage | M::InodeStorage | M::TaskStorage | M::CgrpStorage => {
            (4, 64, 0, MapFlags::NO_PREALLOC.0)
        }
        M::CgroupStorage | M::PercpuCgroupStorage => (8, 64, 0, 0),
        M::Ringbuf | M::UserRingbuf => (0, 0, 4096, 0),
        M::Arena => (0, 0, 1, MapFlags::MMAPABLE.0),
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
        | M::ReuseportSockarray => (4, 4, 4, 0),
        _ => (4, 64, 4, 0),
    };
    let inner = map_type.is_map_in_map();
    let storage = matches!(
        map_type,
        M::SkStorage | M::InodeStorage | M::TaskStorage | M::CgrpStorage
    );
    let typed = |ty| if storage { ty } else { TypeId::VOID };
    MapDef {
        name: "fact".to_owned(),
        map_type,
        key_size,
        value_size,
        max_entries,
        flags: MapFlags(flags),
        extra: 0,
        numa_node: 0,
        key_type: typed(KEY),
        value_type: typed(VALUE),
        inner: inner.then(|| Box::new(smallest(M::Array))),
        kind: MapKind::User,
        initial: Initial::Empty,
        pinning: Pinning::None,
    }
}
