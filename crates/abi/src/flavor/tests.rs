//! The rows say what was measured.

use serde_json::Value;

use super::{FLAVORS, Flavor, ReturnRange};
use crate::helpers::HELPERS;
use crate::{AttachType, ProgType};

pub(crate) fn facts(name: &str) -> Value {
    let path = format!(
        "{}/../../corpus/facts/linux-6.18/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).expect("the measured file");
    serde_json::from_str(&text).expect("JSON")
}

pub(crate) fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().expect("a text")
}

/// `0-3,8-40/4,-8--1` as numbers.
pub(crate) fn numbers(set: &str) -> Vec<i32> {
    let number = |text: &str| text.parse::<i32>().expect("a number");
    let mut all = Vec::new();
    for part in set.split(',').filter(|part| !part.is_empty()) {
        let (span, step) = part.split_once('/').unwrap_or((part, "1"));
        let dash = span[1..].find('-').map(|dash| dash + 1);
        let (first, last) = dash.map_or((span, span), |dash| (&span[..dash], &span[dash + 1..]));
        all.extend((number(first)..=number(last)).step_by(number(step) as usize));
    }
    all
}

/// The flavors that were asked, by the name in the files.
pub(crate) fn measured() -> Vec<(String, &'static Flavor)> {
    let facts = facts("flavors");
    let rows = facts["flavors"].as_array().expect("rows").iter();
    let loaded = rows.filter(|row| row.get("load").is_none());
    loaded
        .map(|row| {
            let name = text(row, "flavor");
            let prog_type = ProgType::from_name(text(row, "prog_type")).expect("a type");
            let attach = row["attach_type"].as_str();
            let attach = attach.map(|name| AttachType::from_name(name).expect("a type"));
            let sleepable = row["sleepable"] == true;
            let target = name.split_once(':').map_or("", |(_, target)| target);
            let flavor = Flavor::of(prog_type, attach, sleepable, target);
            (name.to_owned(), flavor.expect(name))
        })
        .collect()
}

#[test]
fn rows_stand_by_program_type() {
    assert!(FLAVORS.is_sorted_by_key(|f| f.prog_type));
}

#[test]
fn return_values_are_the_measured_ones() {
    let facts = facts("flavors");
    for (name, flavor) in measured() {
        let mut rows = facts["flavors"].as_array().expect("rows").iter();
        let row = rows.find(|row| row["flavor"] == name).expect("a row");
        let range = row["range"].as_array().map(|ends| {
            let end = |i: usize| ends[i].as_i64().expect("a number") as i32;
            ReturnRange {
                min: end(0),
                max: end(1),
            }
        });
        assert_eq!(flavor.returns, range, "{name}");
    }
}

#[test]
fn helpers_are_the_measured_ones() {
    let facts = facts("helpers_by_flavor");
    let flavors = measured();
    for row in facts["flavors"].as_array().expect("rows") {
        let name = text(row, "flavor");
        let (_, flavor) = flavors.iter().find(|(n, _)| n == name).expect(name);
        let ids = |may: &dyn Fn(&crate::helpers::Helper) -> bool| -> Vec<i32> {
            let rows = HELPERS.iter().filter(|h| flavor.may_call(h) && may(h));
            rows.map(|h| h.id as i32).collect()
        };
        assert_eq!(ids(&|_| true), numbers(text(row, "helpers")), "{name}");
        if let Some(gpl) = row["gpl"].as_str() {
            assert_eq!(ids(&|h| flavor.needs_gpl(h)), numbers(gpl), "{name}");
        }
        let might_sleep = ids(&|h| h.might_sleep() && !flavor.sleepable);
        assert_eq!(might_sleep, numbers(text(row, "might_sleep")), "{name}");
    }
}

/// Every attach type that Linux loads an empty program with has a flavor, no
/// other has. (`tracing`, `struct_ops` were not asked so.)
#[test]
fn attach_types_are_the_measured_ones() {
    for row in facts("attach")["prog_types"].as_array().expect("rows") {
        let prog_type = ProgType::from_name(text(row, "prog_type")).expect("a type");
        if matches!(prog_type, ProgType::Tracing | ProgType::StructOps) {
            continue;
        }
        let accepted = numbers(text(row, "accepted"));
        for attach in AttachType::ALL {
            let flavor = Flavor::of(prog_type, Some(*attach), false, "");
            let loads = accepted.contains(&(*attach as i32));
            assert_eq!(flavor.is_some(), loads, "{prog_type} {attach}");
        }
        let flavor = Flavor::of(prog_type, None, false, "");
        assert_eq!(flavor.is_some(), accepted.contains(&0), "{prog_type}");
    }
}

#[test]
fn rows_are_found() {
    for flavor in FLAVORS {
        let found = Flavor::of(
            flavor.prog_type,
            flavor.attach_type,
            flavor.sleepable,
            flavor.target,
        );
        assert!(found.is_some_and(|f| std::ptr::eq(f, flavor)), "{flavor}");
    }
    let flavor = Flavor::of(ProgType::Tracing, Some(AttachType::TraceFentry), false, "f");
    assert_eq!(flavor, None);
}
