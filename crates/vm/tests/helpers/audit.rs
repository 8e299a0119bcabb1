//! Every helper that Linux offers to XDP programs works here or is refused with
//! the reason, and so is every kernel function.

use abi::ProgType;
use abi::helpers::{HELPERS, Helper};
use abi::kfuncs::{KFUNCS, Kfunc};
use vm::helper::{TAIL_CALL, absent, implementation, kfunc};

/// Numbers of the helpers that the measured kernel offers to a flavor.
fn offered(flavor: &str) -> Vec<u32> {
    let file = include_str!("../../../../corpus/facts/linux-6.18/helpers_by_flavor.json");
    let file: serde_json::Value = serde_json::from_str(file).expect("JSON");
    let flavors = file["flavors"].as_array().expect("an array");
    let row = flavors.iter().find(|row| row["flavor"] == flavor);
    let ranges = row.and_then(|row| row["helpers"].as_str()).expect("ranges");
    let range = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let number = |text: &str| text.parse::<u32>().expect("a number");
        number(first)..=number(last)
    };
    ranges.split(',').flat_map(range).collect()
}

fn works(helper: &Helper) -> bool {
    helper.id == TAIL_CALL || implementation(helper.id, ProgType::Xdp).is_some()
}

#[test]
fn each_helper_works_or_says_why_not() {
    for flavor in ["xdp", "xdp.frags", "xdp/xdp_devmap", "xdp/xdp_cpumap"] {
        let offered = offered(flavor);
        assert_eq!(offered.len(), 104, "{flavor}");
        for helper in offered {
            let helper = abi::helpers::by_id(helper).expect("a row");
            let why = absent::helper(helper.id);
            assert!(
                works(helper) != why.is_some(),
                "{}: works {}, refused {why:?}",
                helper.name,
                works(helper)
            );
        }
    }
    let ids = offered("xdp");
    for helper in HELPERS {
        assert!(
            ids.contains(&helper.id) || !works(helper),
            "{}",
            helper.name
        );
    }
}

#[test]
fn each_kernel_function_works_or_says_why_not() {
    let of_xdp = |row: &&Kfunc| row.prog_types.contains(ProgType::Xdp);
    for row in KFUNCS.iter().filter(of_xdp) {
        let works = kfunc::implementation(row.name).is_some();
        let why = absent::kfunc(row.name);
        assert!(
            works != why.is_some(),
            "{}: works {works}, refused {why:?}",
            row.name
        );
    }
}
