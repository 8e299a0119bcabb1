//! The corpus objects, opened: what each of them holds.

mod common;

use abi::{Initial, InitialEntry, MapFlags, MapKind, MapType, Pinning, ProgType};
use common::{insns, open, options};
use isa::{CallTarget, Imm64, Insn};
use loader::{ExternSource, Note, Object, Options};

/// Objects of the loader's tests that are broken on purpose.
const BROKEN: [&str; 2] = ["linking.bpf.o", "surroundings.bpf.o"];

#[test]
fn every_object_gives_programs_that_are_well_formed() {
    for (name, bytes) in common::objects() {
        // For the objects that do not say it.
        let prog_type = Some(ProgType::Xdp);
        let options = Options {
            name: name.clone(),
            prog_type,
            ..Options::default()
        };
        let object = Object::parse(&bytes, &options).unwrap_or_else(|e| panic!("{name}: {e}"));
        if BROKEN.contains(&name.as_str()) {
            continue;
        }
        for program in object.programs().unwrap_or_else(|e| panic!("{name}: {e}")) {
            let mut next = 0;
            for function in &program.functions {
                assert_eq!(
                    function.start.0, next,
                    "{name}: functions follow one another"
                );
                next += function.len;
            }
            assert_eq!(next as usize, program.code.len(), "{name}");
            let info = program.func_info.iter().map(|i| i.pc);
            let starts = program.functions.iter().map(|f| f.start);
            assert!(
                program.func_info.is_empty() || info.eq(starts),
                "{name}: one type a function"
            );
            assert!(program.line_info.is_sorted_by_key(|l| l.pc), "{name}");
            assert!(
                program
                    .line_info
                    .iter()
                    .all(|l| l.pc.index() < program.code.len()),
                "{name}"
            );
            for insn in insns(&program) {
                check_reference(&name, &program, insn);
            }
        }
    }
}

/// References are in range, and none is left as the compiler wrote it.
fn check_reference(name: &str, program: &abi::Program, insn: Insn) {
    match insn {
        Insn::LoadImm {
            imm: Imm64::MapIndex { index },
            ..
        } => {
            assert!((index as usize) < program.maps.len(), "{name}");
        }
        Insn::LoadImm {
            imm: Imm64::MapIndexValue { index, offset },
            ..
        } => {
            let map = &program.maps[index as usize];
            assert_ne!(map.kind, MapKind::User, "{name}");
            assert!((offset as u32) < map.value_size, "{name}");
        }
        Insn::LoadImm {
            imm: Imm64::MapFd { .. } | Imm64::MapValue { .. },
            ..
        } => {
            panic!("{name}: a descriptor")
        }
        Insn::Call {
            target: CallTarget::Kfunc { btf_id, .. },
        } => {
            assert!((btf_id as usize) < program.externs.len(), "{name}");
        }
        _ => {}
    }
}

#[test]
fn global_data() {
    let mut object = open("globals");
    let described: Vec<_> = object
        .maps()
        .iter()
        .map(|map| (map.name.as_str(), map.kind, map.value_size, map.flags))
        .collect();
    let mmapable = MapFlags::MMAPABLE;
    let constant = MapFlags(MapFlags::RDONLY_PROG.0 | mmapable.0);
    assert_eq!(
        described,
        [
            ("globals.rodata", MapKind::Rodata, 24, constant),
            (".rodata.names", MapKind::Rodata, 16, constant),
            ("globals.data", MapKind::Data, 16, mmapable),
            (".data.hot", MapKind::Data, 16, mmapable),
            ("globals.bss", MapKind::Bss, 48, mmapable),
        ]
    );
    for map in object.maps() {
        assert_eq!(
            (map.map_type, map.key_size, map.max_entries),
            (MapType::Array, 4, 1)
        );
    }
    let btf = object.btf().unwrap();
    for map in object.maps() {
        assert_eq!(btf.size_of(map.value_type), Some(map.value_size));
    }
    assert_eq!(
        object.map_index(".rodata"),
        object.map_index("globals.rodata")
    );
    assert_eq!(object.map_index(".rodata.names"), Some(1));

    let names: Vec<_> = object
        .globals()
        .iter()
        .map(|g| (g.name.as_str(), g.section.as_str(), g.size))
        .collect();
    for expected in [
        ("budget", ".data", 8),
        ("generation", ".data", 4),
        ("balance", ".data", 2),
        ("limits", ".rodata", 12),
        ("verdict_names", ".rodata.names", 16),
        ("hot", ".data.hot", 16),
        ("hidden_total", ".bss", 8),
    ] {
        assert!(
            names.contains(&expected),
            "{expected:?} is not in {names:?}"
        );
    }

    let value = |object: &Object, name: &str| {
        let global = object.globals().iter().find(|g| g.name == name).unwrap();
        object.global_value(global).unwrap()
    };
    assert_eq!(value(&object, "budget"), 1000u64.to_le_bytes());
    assert_eq!(value(&object, "generation"), 41u32.to_le_bytes());
    assert_eq!(value(&object, "balance"), (-5i16).to_le_bytes());
    assert_eq!(value(&object, "packets"), [0; 8]);

    object
        .set_global("sample_mask", &7u64.to_le_bytes())
        .unwrap();
    object.set_global("packets", &9u64.to_le_bytes()).unwrap();
    assert_eq!(value(&object, "sample_mask"), 7u64.to_le_bytes());
    assert_eq!(value(&object, "packets"), 9u64.to_le_bytes());
    let program = object.program("globals").unwrap();
    let rodata = &program.maps[object.map_index(".rodata").unwrap()];
    assert!(
        matches!(&rodata.initial, Initial::Bytes(b) if b.windows(8).any(|w| w == 7u64.to_le_bytes()))
    );

    let error = object.set_global("budget", &[1]).unwrap_err();
    assert_eq!(error.to_string(), "variable 'budget' has 8 bytes, not 1");
    let error = object.set_global("bugdet", &[1]).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("no global variable is called 'bugdet'; the object has '")
    );
}

#[test]
fn several_programs_of_several_sections() {
    let object = open("several");
    let programs = object.programs().unwrap();
    let described: Vec<_> = programs
        .iter()
        .map(|p| (p.name.as_str(), p.section.as_str(), p.prog_type, p.optional))
        .collect();
    assert_eq!(
        described,
        [
            ("first", "xdp", ProgType::Xdp, false),
            ("second", "xdp", ProgType::Xdp, false),
            ("optional", "xdp", ProgType::Xdp, true),
            ("shaper", "tc", ProgType::SchedCls, false),
        ]
    );
    assert_eq!(object.license(), "Dual MIT/GPL");
    assert_eq!(object.maps()[0].pinning, Pinning::ByName);
    let pinned = Note::PinningIgnored { map: "runs".into() };
    assert!(object.notes().contains(&pinned));
    let error = object.program("third").unwrap_err();
    assert_eq!(
        error.to_string(),
        "no program is called 'third'; the object has 'first', 'second', 'optional' and 'shaper'"
    );
}

#[test]
fn legacy_definitions_of_20_bytes_and_a_section_that_says_nothing() {
    let object = open("legacy_maps20");
    let [protocols, blocked] = object.maps() else {
        panic!("two maps");
    };
    assert_eq!(protocols.map_type, MapType::PercpuArray);
    assert_eq!(
        (
            protocols.key_size,
            protocols.value_size,
            protocols.max_entries
        ),
        (4, 8, 256)
    );
    assert_eq!(
        (blocked.name.as_str(), blocked.flags),
        ("blocked", MapFlags::NO_PREALLOC)
    );

    let error = object.program("legacy_filter").unwrap_err().to_string();
    assert!(
        error.starts_with("program 'legacy_filter': section 'prog' does not say"),
        "{error}"
    );
    let prog_type = Some(ProgType::Xdp);
    let options = Options {
        prog_type,
        ..options("legacy_maps20")
    };
    let object = Object::parse(&common::bytes("legacy_maps20"), &options).unwrap();
    let program = object.program("legacy_filter").unwrap();
    assert_eq!(program.prog_type, ProgType::Xdp);
    assert_eq!(program.attach_type, Some(abi::AttachType::Xdp));
    let maps: Vec<_> = insns(&program)
        .into_iter()
        .filter_map(|insn| match insn {
            Insn::LoadImm {
                imm: Imm64::MapIndex { index },
                ..
            } => Some(index),
            _ => None,
        })
        .collect();
    assert_eq!(maps, [0, 1]);
}

#[test]
fn legacy_definitions_of_28_bytes_and_sizes_set_by_the_user() {
    let mut object = open("legacy_maps28");
    assert_eq!(object.kern_version(), 0x060c00);
    let unset = Note::NoMaxEntries {
        map: "tx_port".into(),
    };
    assert!(object.notes().contains(&unset));
    object.set_max_entries("tx_port", 64).unwrap();
    assert!(!object.notes().contains(&unset));
    assert_eq!(object.maps()[0].max_entries, 64);
    assert_eq!(object.program("dummy").unwrap().maps[0].max_entries, 64);
    let error = object.set_max_entries("rx_port", 64).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no map is called 'rx_port'; the object has 'tx_port' and 'counters'"
    );
    let guessed = Note::SectionPrefix {
        section: "xdp_prog0".into(),
        taken_for: "xdp",
    };
    assert!(object.notes().contains(&guessed));
}

#[test]
fn iproute2s_definitions_and_tail_calls_by_section() {
    let object = open("legacy_iproute2");
    let [jump_table, totals] = object.maps() else {
        panic!("two maps");
    };
    let tail = InitialEntry::Program {
        slot: 0,
        program: "tail".into(),
    };
    assert_eq!(jump_table.initial, Initial::Entries(vec![tail]));
    assert_eq!(
        (totals.map_type, totals.pinning),
        (MapType::Array, Pinning::ByName)
    );
    assert_eq!(object.program("tail").unwrap().prog_type, ProgType::Xdp);
}

#[test]
fn a_lone_program_in_text_without_licence() {
    let prog_type = Some(ProgType::Xdp);
    let options = Options {
        prog_type,
        ..options("legacy_text")
    };
    let object = Object::parse(&common::bytes("legacy_text"), &options).unwrap();
    assert_eq!(object.program("drop_udp").unwrap().code.len(), 16);
    assert_eq!(object.license(), "");
    assert!(object.notes().contains(&Note::NoLicense));
}

#[test]
fn configuration_of_the_kernel() {
    let name = "kconfig";
    let mut options = options(name);
    options.kconfig.read_config(
        "# CONFIG_OTHER is not set\nCONFIG_BPF=y\nCONFIG_HZ=250\nCONFIG_DEFAULT_HOSTNAME=\"(none)\"\n",
    );
    let object = Object::parse(&common::bytes(name), &options).unwrap();
    let value = |name: &str| {
        let global = object.globals().iter().find(|g| g.name == name).unwrap();
        assert_eq!(global.section, ".kconfig");
        object.global_value(global).unwrap()
    };
    assert_eq!(value("LINUX_KERNEL_VERSION"), 0x06_12_00_u32.to_le_bytes());
    assert_eq!(value("CONFIG_BPF"), 1u32.to_le_bytes());
    assert_eq!(value("CONFIG_HZ"), 250u32.to_le_bytes());
    assert_eq!(value("CONFIG_OF_NO_KERNEL_EVER"), [0; 4]);
    let map = &object.maps()[object.map_index(".kconfig").unwrap()];
    assert_eq!(
        (map.kind, map.name.as_str()),
        (MapKind::Kconfig, "kconfig.kconfig")
    );
    assert_eq!(
        map.flags,
        MapFlags(MapFlags::RDONLY_PROG.0 | MapFlags::MMAPABLE.0)
    );
}

#[test]
fn weak_kernel_symbols_are_absent_unless_said_otherwise() {
    let object = open("ksyms");
    let program = object.program("weak_ksyms").unwrap();
    assert!(program.externs.is_empty());
    let poisoned = Insn::Call {
        target: CallTarget::Helper(2_002_000_000),
    };
    assert!(insns(&program).contains(&poisoned));

    let mut options = options("ksyms");
    options.present.insert("bpf_of_no_kernel_ever".into());
    let object = Object::parse(&common::bytes("ksyms"), &options).unwrap();
    let program = object.program("weak_ksyms").unwrap();
    assert_eq!(program.externs.len(), 1);
    let called = Insn::Call {
        target: CallTarget::Kfunc {
            btf_id: 0,
            module: 0,
        },
    };
    assert!(insns(&program).contains(&called));
    assert!(!insns(&program).contains(&poisoned));

    let strong = object.program("strong_kfunc").unwrap();
    let [kfunc] = &*strong.externs else {
        panic!("one extern");
    };
    assert_eq!(
        (kfunc.name.as_str(), kfunc.weak),
        ("bpf_xdp_metadata_rx_hash", false)
    );
    let names: Vec<_> = object.externs().iter().map(|e| e.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "bpf_of_no_kernel_ever",
            "bpf_xdp_metadata_rx_hash",
            "variable_of_no_kernel_ever"
        ]
    );
    assert!(
        object
            .externs()
            .iter()
            .all(|e| matches!(e.source, ExternSource::Ksym { .. }))
    );
}

#[test]
fn relocations_of_every_kind_against_the_objects_own_types() {
    let object = open("core");
    let relocations: Vec<_> = object.core_relocations().collect();
    let kinds: std::collections::BTreeSet<_> =
        relocations.iter().map(|r| r.relo.kind as u32).collect();
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        (0..=12).collect::<Vec<_>>()
    );
    assert!(relocations.iter().all(|r| r.fixup.is_ok()));
    let poisoned = relocations
        .iter()
        .filter(|r| r.fixup.as_ref().unwrap().poison)
        .count();
    let program = object.program("core").unwrap();
    let calls = insns(&program)
        .into_iter()
        .filter(|insn| {
            *insn
                == Insn::Call {
                    target: CallTarget::Helper(195_896_080),
                }
        })
        .count();
    assert!(poisoned > 0 && calls >= poisoned);
}
