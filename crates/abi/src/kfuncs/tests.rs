//! The rows say what was measured, and the signatures fit the prototypes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{KFUNCS, Kfunc, Param, Ret, by_name};
use crate::flavor::tests::{facts, measured, text};

/// The flavors of a named set.
fn set(facts: &Value, name: &str, all: &BTreeSet<String>) -> BTreeSet<String> {
    let names = |value: &Value| -> BTreeSet<String> {
        let names = value.as_array().expect("names").iter();
        names
            .map(|n| n.as_str().expect("a name").to_owned())
            .collect()
    };
    match name {
        "all" => all.clone(),
        "none" => BTreeSet::new(),
        _ => match &facts["sets"][name] {
            Value::Object(without) => all - &names(&without["not"]),
            set => names(set),
        },
    }
}

#[test]
fn callers_are_the_measured_ones() {
    let facts = facts("kfuncs");
    let flavors = measured();
    let all: BTreeSet<String> = flavors.iter().map(|(name, _)| name.clone()).collect();
    let rows = facts["kfuncs"].as_array().expect("rows");
    assert_eq!(rows.len(), KFUNCS.len());
    for row in rows {
        let name = text(row, "name");
        let kfunc = by_name(name).expect(name);
        let ours = |sleeps: bool| -> BTreeSet<String> {
            let callers = flavors
                .iter()
                .filter(|(_, f)| kfunc.may_be_called_by(f) && kfunc.needs_sleepable(f) == sleeps);
            callers.map(|(name, _)| name.clone()).collect()
        };
        let allowed = set(&facts, text(row, "allowed"), &all);
        let only_sleepable = set(&facts, text(row, "only_sleepable"), &all);
        assert_eq!(ours(false), allowed, "{}", kfunc.name);
        assert_eq!(ours(true), only_sleepable, "{}", kfunc.name);
    }
}

/// Names of parameters, and what their C types tell.
#[test]
fn signatures_fit_the_prototypes() {
    let facts = facts("kfuncs");
    for row in facts["kfuncs"].as_array().expect("rows") {
        let kfunc = by_name(text(row, "name")).expect("a row");
        let Some(signature) = kfunc.signature else {
            continue;
        };
        let (ret, params) = text(row, "prototype").split_once(" (").expect("a list");
        let params = params
            .trim_end_matches(')')
            .split(", ")
            .filter(|p| !p.is_empty());
        let params: Vec<&str> = params.collect();
        assert_eq!(params.len(), signature.params.len(), "{}", kfunc.name);
        for (prototype, (name, param)) in params.iter().zip(signature.params) {
            assert!(fits(prototype, name, *param), "{}: {prototype}", kfunc.name);
        }
        let void = ret == "void";
        assert_eq!(signature.ret == Ret::Void, void, "{}", kfunc.name);
        let int = matches!(signature.ret, Ret::Int | Ret::Void);
        assert_eq!(int, !ret.ends_with('*'), "{}", kfunc.name);
    }
}

fn fits(prototype: &str, name: &str, param: Param) -> bool {
    let Some(rest) = prototype.strip_suffix(name) else {
        return false;
    };
    let pointer = rest.ends_with('*');
    match param {
        Param::Int | Param::ConstMemSize => !pointer,
        Param::Ignored => name.ends_with("__ign"),
        Param::Ctx | Param::OptMem | Param::FixedMem(_) | Param::IrqFlags => pointer,
        Param::Dynptr | Param::DynptrMut => rest.ends_with("struct bpf_dynptr *"),
        Param::DynptrUninit => name.ends_with("__uninit"),
        Param::Iter { name, .. } => rest == format!("struct bpf_iter_{name} *"),
        Param::Kernel(name) => rest == format!("struct {name} *"),
    }
}

#[test]
fn rows_are_in_order() {
    assert!(KFUNCS.is_sorted_by(|a: &Kfunc, b: &Kfunc| a.name < b.name));
    assert_eq!(by_name("bpf_nothing"), None);
}
