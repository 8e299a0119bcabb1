//! Tables of `abi` and `isa` against the files, and the files against Linux.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::OnceLock;

use abi::{AttachType, Errno, MapFlags, MapType, ProgType};
use isa::{Insn, Slot};
use kernel::testing::{kernel_or_skip, skip};

use super::calls;
use super::encodings::{Asker, expand, without_values};
use super::probe::Probe;
use super::table::{self, Row, Table};
use super::{TABLES, ranges};
use crate::files::root;

/// The release that the tables of `abi` and `isa` are true of.
const RELEASE: &str = "6.18";

fn rows(name: &str, of: &str) -> Vec<Row> {
    let path = root().join(format!("corpus/facts/linux-{RELEASE}/{name}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Table::rows_of(&text, of).unwrap_or_else(|| panic!("{name} has no {of}"))
}

fn text<'a>(row: &'a Row, field: &str) -> &'a str {
    row[field]
        .as_str()
        .unwrap_or_else(|| panic!("{field} of {row:?}"))
}

fn number(row: &Row, field: &str) -> i64 {
    row[field]
        .as_i64()
        .unwrap_or_else(|| panic!("{field} of {row:?}"))
}

/// Names and numbers of an enumeration.
fn enumerators(name: &str) -> BTreeMap<String, i64> {
    let rows = rows("enums", "enumerators");
    let rows = rows.iter().filter(|row| row["enum"] == name);
    rows.map(|row| (text(row, "name").to_owned(), number(row, "number")))
        .collect()
}

// ---- table = file ----

/// Every value of ours is Linux's, and none of Linux's is missing.
fn same_numbers(name: &str, prefix: &str, ours: &[(u32, &str)], not_ours: &[&str]) {
    let linux = enumerators(name);
    let mut known = BTreeSet::new();
    for (number, name) in ours {
        let upper = format!("{prefix}{}", name.to_uppercase());
        // Two map types have the word in the header that they are deprecated.
        let found = [upper.clone(), format!("{upper}_DEPRECATED")];
        let found = found.into_iter().find(|name| linux.contains_key(name));
        let found = found.unwrap_or(upper);
        assert_eq!(linux.get(&found), Some(&i64::from(*number)), "{found}");
        known.insert(i64::from(*number));
    }
    for (name, number) in linux {
        let ours = known.contains(&number) || not_ours.contains(&name.as_str());
        assert!(ours, "{name} = {number} is not in our table");
    }
}

#[test]
fn program_types() {
    let ours: Vec<_> = ProgType::ALL
        .iter()
        .map(|t| (*t as u32, t.name()))
        .collect();
    let not_ours = ["BPF_PROG_TYPE_UNSPEC", "__MAX_BPF_PROG_TYPE"];
    same_numbers("bpf_prog_type", "BPF_PROG_TYPE_", &ours, &not_ours);
}

#[test]
fn map_types() {
    let ours: Vec<_> = MapType::ALL.iter().map(|t| (*t as u32, t.name())).collect();
    let not_ours = ["BPF_MAP_TYPE_UNSPEC", "__MAX_BPF_MAP_TYPE"];
    same_numbers("bpf_map_type", "BPF_MAP_TYPE_", &ours, &not_ours);
}

#[test]
fn attach_types() {
    let ours: Vec<_> = AttachType::ALL
        .iter()
        .map(|t| (*t as u32, t.name()))
        .collect();
    same_numbers("bpf_attach_type", "BPF_", &ours, &["__MAX_BPF_ATTACH_TYPE"]);
}

#[test]
fn helper_names() {
    let mut linux = enumerators("bpf_func_id");
    for helper in abi::helpers::HELPERS {
        let name = helper.name.replacen("bpf_", "BPF_FUNC_", 1);
        assert_eq!(linux.remove(&name), Some(i64::from(helper.id)), "{name}");
    }
    let left: Vec<&String> = linux.keys().collect();
    assert_eq!(left, ["BPF_FUNC_unspec", "__BPF_FUNC_MAX_ID"]);
}

#[test]
fn xdp() {
    let ours = abi::xdp::XdpAction::ALL;
    let ours: BTreeMap<_, _> = ours
        .iter()
        .map(|a| (a.name().to_owned(), *a as i64))
        .collect();
    assert_eq!(enumerators("xdp_action"), ours);

    use abi::xdp::md;
    let members = rows("structs", "members");
    let members = members.iter().filter(|row| row["struct"] == "xdp_md");
    let members: Vec<_> = members
        .map(|row| (text(row, "name"), number(row, "offset") / 8))
        .collect();
    let ours = [
        ("data", md::DATA),
        ("data_end", md::DATA_END),
        ("data_meta", md::DATA_META),
        ("ingress_ifindex", md::INGRESS_IFINDEX),
        ("rx_queue_index", md::RX_QUEUE_INDEX),
        ("egress_ifindex", md::EGRESS_IFINDEX),
    ];
    assert_eq!(
        members,
        ours.map(|(name, offset)| (name, i64::from(offset)))
    );
}

#[test]
fn map_flags() {
    let rows = rows("enums", "enumerators");
    let ours = [
        ("NO_PREALLOC", MapFlags::NO_PREALLOC),
        ("NO_COMMON_LRU", MapFlags::NO_COMMON_LRU),
        ("NUMA_NODE", MapFlags::NUMA_NODE),
        ("RDONLY", MapFlags::RDONLY),
        ("WRONLY", MapFlags::WRONLY),
        ("STACK_BUILD_ID", MapFlags::STACK_BUILD_ID),
        ("ZERO_SEED", MapFlags::ZERO_SEED),
        ("RDONLY_PROG", MapFlags::RDONLY_PROG),
        ("WRONLY_PROG", MapFlags::WRONLY_PROG),
        ("CLONE", MapFlags::CLONE),
        ("MMAPABLE", MapFlags::MMAPABLE),
        ("PRESERVE_ELEMS", MapFlags::PRESERVE_ELEMS),
        ("INNER_MAP", MapFlags::INNER_MAP),
    ];
    for (name, flag) in ours {
        let name = format!("BPF_F_{name}");
        let found = rows.iter().find(|row| row["name"] == name.as_str());
        let found = found.unwrap_or_else(|| panic!("Linux has no {name}"));
        assert_eq!(number(found, "number"), i64::from(flag.0), "{name}");
    }
}

#[test]
fn error_numbers() {
    let rows = rows("errno", "errors");
    let linux: BTreeMap<i64, &str> = rows
        .iter()
        .map(|row| (number(row, "number"), text(row, "name")))
        .collect();
    let ours = (0..=u16::MAX).filter_map(|n| Some((i64::from(n), Errno(n).name()?)));
    let mut compared = 0;
    for (number, name) in ours {
        assert_eq!(linux.get(&number), Some(&name));
        compared += 1;
    }
    assert!(compared > 20);
}

/// What a type may call is what some flavor of it may call. (That the table of
/// helpers is its file is tested in `abi`.)
#[test]
fn helpers_of_types_are_those_of_their_flavors() {
    let types = rows("flavors", "flavors");
    let type_of: BTreeMap<&str, &str> = types
        .iter()
        .map(|row| (text(row, "flavor"), text(row, "prog_type")))
        .collect();
    let mut by_type: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    let mut gpl = BTreeSet::new();
    let flavors = rows("helpers_by_flavor", "flavors");
    for row in &flavors {
        let helpers = ranges::read(text(row, "helpers")).expect("a set");
        by_type
            .entry(type_of[text(row, "flavor")])
            .or_default()
            .extend(helpers);
        gpl.extend(ranges::read(row["gpl"].as_str().unwrap_or_default()).expect("a set"));
    }
    for helper in abi::helpers::HELPERS {
        let id = i64::from(helper.id);
        assert_eq!(helper.gpl_only, gpl.contains(&id), "{}", helper.name);
        let with = by_type.iter().filter(|(_, helpers)| helpers.contains(&id));
        let mut with: Vec<&str> = with.map(|(name, _)| *name).collect();
        let mut ours: Vec<&str> = helper.prog_types.iter().map(ProgType::name).collect();
        with.sort_unstable();
        ours.sort_unstable();
        assert_eq!(with, ours, "{}", helper.name);
    }
}

/// What `isa` calls invalid Linux refuses in the same words, and what Linux
/// refuses for its encoding `isa` calls invalid, `callx` apart.
#[test]
fn instructions() {
    let answers = expand(&rows("encodings", "encodings")).expect("a table of encodings");
    let mut wrong = Vec::new();
    let mut invalid = 0;
    for (sample, linux) in &answers {
        let next = Some(Slot::default());
        let agrees = match isa::decode(sample.slot(), next) {
            Insn::Invalid(reason) => {
                invalid += 1;
                *linux == without_values(&reason.to_string()) || is_said_earlier(linux)
            }
            _ => !is_of_encoding(linux),
        };
        let callx = is_callx(sample.opcode) && linux.starts_with("unknown opcode");
        if !agrees && !callx {
            let ours = isa::decode(sample.slot(), next);
            wrong.push(format!("{sample:?}: {ours:?}, Linux says {linux:?}"));
        }
    }
    assert!(answers.len() > 500_000 && invalid > 300_000);
    let some = wrong.iter().step_by(wrong.len() / 20 + 1);
    let some: Vec<&str> = some.map(String::as_str).collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        answers.len(),
        some.join("\n")
    );
}

/// Whether it is the one instruction of RFC 9669 that Linux does not have.
fn is_callx(opcode: u8) -> bool {
    let mut rows = isa::table::rows(opcode).iter();
    rows.any(|row| matches!(row.insn, Insn::CallReg { .. }))
}

/// Whether a sentence is about something that Linux looks at before it looks at
/// fields: where jumps and calls go ([`isa::Code::check`] for us), and the
/// address spaces of a cast.
fn is_said_earlier(sentence: &str) -> bool {
    let about = [
        "jump out of range",
        "call to invalid destination",
        "last insn is not an exit or jmp",
        "addr_space_cast insn",
    ];
    about.iter().any(|text| sentence.starts_with(text))
}

/// Whether a sentence is about the fields of an instruction alone.
fn is_of_encoding(sentence: &str) -> bool {
    let about = [
        "uses reserved fields",
        "unknown opcode",
        "R11 is invalid",
        "invalid atomic",
        "invalid may_goto",
        "bpf_ld_imm64 insn",
    ];
    about.iter().any(|text| sentence.contains(text))
}

// ---- file = running kernel ----

/// The running kernel, when it is of the release that the files are of.
fn probe() -> Option<&'static Probe> {
    static PROBE: OnceLock<Option<Probe>> = OnceLock::new();
    let probe = PROBE.get_or_init(|| {
        let probe = Probe::new(kernel_or_skip()?);
        if probe.release() != RELEASE {
            let running = probe.kernel.release();
            return skip(&format!("Linux {running} runs, the files are of {RELEASE}"));
        }
        Some(probe)
    });
    if probe.is_none() {
        println!("skipped: the kernel cannot be asked");
    }
    probe.as_ref()
}

/// Measures a table and compares it with its file.
fn file_is_kernel(name: &str) {
    let Some(probe) = probe() else { return };
    let (_, measure) = TABLES.iter().find(|(n, _)| *n == name).expect("a table");
    let measured = measure(probe);
    if measured.rows.is_empty() {
        skip::<()>(&format!("this machine says nothing of {name}"));
        return;
    }
    let differences = table::differences(&rows(name, measured.of), &measured.rows);
    assert!(
        differences.is_empty(),
        "{name}.json (-) and Linux {} (+) differ; `cargo xtask facts --only {name}` writes it:\n{}",
        probe.kernel.release(),
        differences.join("\n")
    );
    println!("{name}: {} rows are what Linux says", measured.rows.len());
}

macro_rules! file_is_kernel {
    ($($name:ident)*) => {
        mod file_is_kernel {
            $(#[test]
            fn $name() {
                super::file_is_kernel(stringify!($name));
            })*

            /// No table is left out.
            #[test]
            fn every_table() {
                let mut tested = vec!["encodings", $(stringify!($name)),*];
                tested.sort_unstable();
                let all: Vec<&str> = super::TABLES.iter().map(|(name, _)| *name).collect();
                assert_eq!(tested, all);
            }
        }
    };
}

file_is_kernel! {
    attach context enums errno flavors helpers helpers_by_flavor kfuncs map_create map_use structs
}

/// A sample of each row, and every 41st of all (which is no multiple of the
/// number of values of a field).
#[test]
fn encodings_are_what_the_kernel_says() {
    const STRIDE: usize = 41;
    let Some(probe) = probe() else { return };
    let Some(asker) = Asker::new(probe) else {
        skip::<()>("there are no socket filters");
        return;
    };
    let rows = rows("encodings", "encodings");
    let samples = |rows: &[Row]| expand(rows).expect("a table of encodings");
    let some = samples(&rows).into_iter().step_by(STRIDE);
    let of_rows = rows
        .iter()
        .filter_map(|row| samples(std::slice::from_ref(row)).pop_first());
    let asked: BTreeMap<_, _> = some.chain(of_rows).collect();
    let wrong = asked.iter().filter_map(|(sample, answer)| {
        let linux = asker.ask(*sample);
        (linux.as_ref() != Some(answer)).then(|| format!("{sample:?}: {answer:?}, {linux:?}"))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("encodings: {} samples are what Linux says", asked.len());
}

/// Arguments of the kinds that a helper's row in `abi` says are enough for Linux,
/// where they can be come by.
#[test]
fn the_kernel_takes_the_arguments_of_helpers() {
    /// Takes memory of maps and packets, not of the stack.
    const NOT_STACK: &str = "bpf_dynptr_from_mem";
    /// The typed pointer at hand is one to a task; others are not tried.
    const OTHER_TYPE: &str = "R1 is of type task_struct but ";
    let Some(probe) = probe() else { return };
    let maps = super::maps::one_of_each(probe);
    let (mut taken, mut wrong) = (0, Vec::new());
    for helper in abi::helpers::HELPERS.iter().filter(|h| h.name != NOT_STACK) {
        let flavors = probe.flavors.iter();
        let calls = flavors
            .filter(|flavor| helper.may_be_called_by(flavor.prog_type))
            .filter_map(|flavor| Some((flavor, calls::complete(probe, flavor, helper, false)?)));
        let mut refusals = BTreeSet::new();
        let accepted = calls.into_iter().any(|(flavor, call)| {
            maps.iter().any(|map| {
                let map = std::slice::from_ref(map);
                let answer = probe.load(flavor, &call.code, map, &call.extras);
                refusals.insert(answer.text());
                answer.is_yes() || answer.sentence().contains("reference leak")
            })
        });
        let other = refusals.iter().any(|text| text.starts_with(OTHER_TYPE));
        match accepted {
            true => taken += 1,
            false if refusals.is_empty() || other => {}
            false => wrong.push(format!("{}: {refusals:?}", helper.name)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(taken > 150, "{taken}");
    println!("helpers: the arguments of {taken} are taken");
}
