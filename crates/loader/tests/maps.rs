//! Map definitions.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use abi::{Initial, InitialEntry, MapDef, MapFlags, MapType, Pinning};
use btf::TypeId;
use common::open;
use isa::{Imm64, Insn};
use loader::{Note, Object};

fn map<'a>(object: &'a Object, name: &str) -> &'a MapDef {
    &object.maps()[object.map_index(name).unwrap()]
}

#[test]
fn attributes() {
    let object = open("maps");
    let btf = object.btf().unwrap();
    let typed = map(&object, "typed");
    assert_eq!(
        (typed.map_type, typed.key_size, typed.value_size),
        (MapType::Hash, 4, 16)
    );
    assert_eq!((typed.max_entries, typed.numa_node), (100, 1));
    assert_eq!(typed.flags, MapFlags::NO_PREALLOC);
    assert_eq!(typed.pinning, Pinning::ByName);
    assert_eq!(btf.name(typed.value_type), "value");

    let sized = map(&object, "sized");
    assert_eq!(
        (sized.key_size, sized.value_size, sized.max_entries),
        (12, 20, 0)
    );
    assert_eq!(
        (sized.key_type, sized.value_type),
        (TypeId::VOID, TypeId::VOID)
    );
    let twice = map(&object, "twice");
    assert_eq!((twice.key_size, twice.value_size), (4, 16));
    assert_eq!(map(&object, "bloom").extra, 3);
    assert_eq!(map(&object, "ring").max_entries, 8192);
    let events = map(&object, "events");
    assert_eq!(
        (events.key_size, events.value_size, events.max_entries),
        (4, 4, 0)
    );
}

#[test]
fn notes_say_what_was_decided() {
    let object = open("maps");
    for note in [
        Note::PinningIgnored {
            map: "typed".into(),
        },
        Note::NoMaxEntries {
            map: "sized".into(),
        },
        Note::RingbufRounded {
            map: "ring".into(),
            from: 5000,
            to: 8192,
        },
        Note::PerfEventSizes {
            map: "events".into(),
        },
    ] {
        assert!(object.notes().contains(&note), "{note}");
    }
}

#[test]
fn a_size_set_for_a_ring_buffer_is_rounded() {
    let mut object = open("maps");
    object.set_max_entries("ring", 4097).unwrap();
    assert_eq!(map(&object, "ring").max_entries, 8192);
    object.set_max_entries("ring", 1).unwrap();
    assert_eq!(map(&object, "ring").max_entries, 4096);
}

#[test]
fn maps_in_maps() {
    let object = open("maps");
    let outer = map(&object, "outer");
    let inner = outer.inner.as_deref().unwrap();
    assert_eq!(inner.name, "outer.inner");
    assert_eq!(
        (inner.map_type, inner.key_size, inner.value_size),
        (MapType::Array, 4, 8)
    );
    assert_eq!((outer.value_size, inner.max_entries), (4, 2));
    let entry = |slot, name| InitialEntry::Map {
        slot,
        map: object.map_index(name).unwrap(),
    };
    let entries = vec![
        entry(1, "inner_one"),
        entry(5, "inner_two"),
        entry(7, "inner_hidden"),
    ];
    assert_eq!(outer.initial, Initial::Entries(entries));
}

#[test]
fn a_static_map_is_found_by_its_offset() {
    let object = open("maps");
    let program = object.program("second").unwrap();
    let maps: Vec<_> = common::insns(&program)
        .into_iter()
        .filter_map(|insn| match insn {
            Insn::LoadImm {
                imm: Imm64::MapIndex { index },
                ..
            } => Some(index as usize),
            _ => None,
        })
        .collect();
    let index = object.map_index("hidden").unwrap();
    assert!(index > 0);
    assert_eq!(maps, [index]);
}

#[test]
fn program_arrays() {
    let object = open("maps");
    let entry = InitialEntry::Program {
        slot: 3,
        program: "second".into(),
    };
    let jumps = map(&object, "jumps");
    assert_eq!((jumps.map_type, jumps.value_size), (MapType::ProgArray, 4));
    assert_eq!(jumps.initial, Initial::Entries(vec![entry]));
}

#[test]
fn maps_in_maps_of_iproute2() {
    let object = open("legacy_inner");
    let outer = map(&object, "outer");
    assert_eq!(outer.inner.as_deref(), Some(map(&object, "inner")));
    assert_eq!(
        outer.initial,
        Initial::Entries(vec![InitialEntry::Map { slot: 2, map: 0 }])
    );
}

#[test]
fn layouts_of_old_loaders() {
    let object = open("legacy_layouts");
    let oldest = map(&object, "oldest");
    assert_eq!(
        (oldest.key_size, oldest.value_size, oldest.max_entries),
        (4, 16, 8)
    );
    let btf = object.btf().unwrap();
    assert_eq!(btf.name(oldest.value_type), "counter");
    let outer = map(&object, "outer");
    let at = |index: usize| object.maps()[index].name.as_str();
    assert_eq!((at(1), at(3)), ("outer", "on_node"));
    assert_eq!(outer.inner.as_deref(), Some(map(&object, "on_node")));
    assert_eq!(map(&object, "nested").inner, None);
    assert_eq!(outer.initial, Initial::Empty);
    let on_node = map(&object, "on_node");
    assert_eq!((on_node.numa_node, on_node.pinning), (2, Pinning::None));
    let pinned = map(&object, "pinned");
    assert_eq!((pinned.numa_node, pinned.pinning), (0, Pinning::ByName));
    let longest = map(&object, "longest");
    assert_eq!((longest.map_type, longest.value_size), (MapType::Array, 8));
    let rest = Note::LegacyMapRest {
        map: "longest".into(),
        bytes: 68,
    };
    assert!(object.notes().contains(&rest));
}
