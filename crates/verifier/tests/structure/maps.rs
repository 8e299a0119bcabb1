//! References to maps.

use abi::{AttachType, MapType, ProgType, Program};
use btf::TypeId;
use btf::build::{BtfBuilder, Encoding};
use serde_json::Value;

use crate::common::{EXIT, ZERO, corpus, empty, map_of, of, verdict, wide};

const MAP: u8 = 5;
const MAP_VALUE: u8 = 6;

/// Every flavor of program with every type of map.
#[test]
fn programs_may_name_the_maps_that_linux_says() {
    let file: Value = serde_json::from_str(&corpus("facts/linux-6.18/map_use.json")).expect("JSON");
    let mut asked = 0;
    for row in file["flavors"].as_array().expect("a list") {
        let flavor = row["flavor"].as_str().expect("a name");
        for name in file["map_types"].as_array().expect("a list") {
            let name = name.as_str().expect("a name");
            let map_type = MapType::ALL.iter().find(|t| t.name() == name);
            let map_type = *map_type.expect("a map type");
            if map_type == MapType::Arena {
                continue;
            }
            let program = Program {
                maps: [map_of(map_type, [4, 64, 4])].into(),
                ..naming(flavor, MAP, 0)
            };
            let linux = row["refused"][name].as_str();
            let linux = linux.map_or("ok".to_owned(), |refused| format!("EINVAL {refused}"));
            assert_eq!(verdict(&program), linux, "{flavor} {name}");
            asked += 1;
        }
    }
    assert!(asked > 1500, "{asked}");
}

/// A program of a flavor that names its map number 0 and does nothing with it.
fn naming(flavor: &str, kind: u8, offset: i32) -> Program {
    let (flavor, target) = flavor.split_once(':').unwrap_or((flavor, ""));
    let sleepable = flavor.ends_with(".s");
    let flavor = flavor.trim_end_matches(".s").trim_end_matches(".frags");
    let (prog_type, attach_type) = flavor.split_once('/').unwrap_or((flavor, ""));
    let mut program = of(wide(kind, 0, offset).into_iter().chain([ZERO, EXIT]));
    program.prog_type = ProgType::from_name(prog_type).expect("a program type");
    program.attach_type = AttachType::from_name(attach_type);
    program.attach_target = target.to_owned();
    program.flags.sleepable = sleepable;
    program
}

#[test]
fn an_address_in_a_value_must_lie_in_the_one_value_of_an_array() {
    let hash = || map_of(MapType::Hash, [4, 8, 4]);
    let one = || map_of(MapType::Array, [4, 64, 1]);
    let four = || map_of(MapType::Array, [4, 64, 4]);
    let cases = [
        (one(), 63, "ok"),
        (
            one(),
            64,
            "EINVAL invalid access to map value pointer, value_size=64 off=64",
        ),
        (
            one(),
            -1,
            "EINVAL direct value offset of 4294967295 is not allowed",
        ),
        (
            four(),
            0,
            "ENOTSUPP invalid access to map value pointer, value_size=64 off=0",
        ),
        (
            four(),
            64,
            "ENOTSUPP invalid access to map value pointer, value_size=64 off=64",
        ),
        (
            hash(),
            8,
            "EINVAL no direct value access support for this map type",
        ),
        (
            hash(),
            1 << 29,
            "EINVAL direct value offset of 536870912 is not allowed",
        ),
    ];
    for (map, offset, linux) in cases {
        let program = Program {
            maps: [map].into(),
            ..naming("xdp", MAP_VALUE, offset)
        };
        assert_eq!(verdict(&program), linux, "{offset}");
    }
}

#[test]
fn a_program_names_64_maps_at_most() {
    let naming = |numbers: &[i32]| {
        let names = numbers.iter().flat_map(|number| wide(MAP, *number, 0));
        Program {
            maps: vec![map_of(MapType::Array, [4, 8, 1]); 66].into(),
            ..of(names.chain([ZERO, EXIT]))
        }
    };
    let all: Vec<i32> = (0..66).collect();
    let limit = "E2BIG The total number of maps per program has reached the limit of 64";
    assert_eq!(verdict(&naming(&all[..64])), "ok");
    assert_eq!(verdict(&naming(&[&all[..64], &all[..64]].concat())), "ok");
    assert_eq!(verdict(&naming(&all[..65])), limit);
    let beyond = [&all[..64], &[99]].concat();
    assert_eq!(
        verdict(&naming(&beyond)),
        "EBADF fd 99 is not pointing to valid bpf_map"
    );
}

#[test]
fn locks_and_timers_are_not_for_every_program() {
    let mut builder = BtfBuilder::new();
    let int = builder.int("int", 4, Encoding::Signed);
    let mut holding = |name: &str| {
        let inner = builder.struct_(name, 4, &[("a", int, 0).into()]);
        let nested = builder.struct_("nested", 4, &[("b", inner, 0).into()]);
        builder.struct_("value", 4, &[("c", nested, 0).into()])
    };
    let (lock, timer, other) = (holding("bpf_spin_lock"), holding("bpf_timer"), holding("x"));
    let btf = std::sync::Arc::new(builder.finish().expect("BTF"));
    let check = |flavor: &str, value_type: TypeId, linux: &str| {
        let mut map = map_of(MapType::Array, [4, 4, 1]);
        map.value_type = value_type;
        let program = Program {
            maps: [map].into(),
            btf: Some(btf.clone()),
            ..naming(flavor, MAP, 0)
        };
        assert_eq!(verdict(&program), linux, "{flavor}");
    };
    let filter = "EINVAL socket filter progs cannot use bpf_spin_lock yet";
    let tracing_lock = "EINVAL tracing progs cannot use bpf_spin_lock yet";
    let tracing_timer = "EINVAL tracing progs cannot use bpf_timer yet";
    check("xdp", lock, "ok");
    check("xdp", timer, "ok");
    check("socket_filter", lock, filter);
    check("socket_filter", timer, "ok");
    for flavor in ["kprobe", "tracepoint", "perf_event", "raw_tracepoint"] {
        check(flavor, lock, tracing_lock);
        check(flavor, timer, tracing_timer);
        check(flavor, other, "ok");
    }
}

#[test]
fn a_program_without_maps_has_no_numbers_of_maps() {
    let program = of(wide(MAP, 0, 0).into_iter().chain([ZERO, EXIT]));
    assert_eq!(
        verdict(&program),
        "EPROTO fd_idx without fd_array is invalid"
    );
    assert_eq!(empty().maps.len(), 0);
}
