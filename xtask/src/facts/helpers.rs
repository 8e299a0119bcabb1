//! Helpers: who may call them, under which licence, with which maps.

use std::collections::{BTreeMap, BTreeSet};

use abi::helpers::Arg;
use abi::{MapType, ProgType};
use btf::Kind;
use kernel::Map;
use serde_json::json;

use super::calls::{self, Call};
use super::flavor::Flavor;
use super::maps::one_of_each;
use super::probe::{Answer, Extras, Probe, assemble};
use super::ranges;
use super::table::{Table, row};

/// What Linux says to a flavor that calls a helper.
#[derive(Default)]
struct Allowed {
    helpers: BTreeSet<i64>,
    gpl: BTreeSet<i64>,
    might_sleep: BTreeSet<i64>,
}

/// Numbers and names of `enum bpf_func_id`.
fn names(probe: &Probe) -> BTreeMap<u32, String> {
    let ids = probe.kernel.btf().and_then(|btf| {
        let id = btf.find("bpf_func_id", Kind::Enum)?;
        btf.ty(id)?.as_enum()
    });
    let values = ids.into_iter().flat_map(|ids| ids.values());
    let named = values.filter_map(|value| {
        let name = value.name.strip_prefix("BPF_FUNC_")?;
        let number = u32::try_from(value.value).ok().filter(|n| *n > 0)?;
        Some((number, format!("bpf_{name}")))
    });
    named.collect()
}

fn allowed(probe: &Probe, flavor: &Flavor, id: u32, allowed: &mut Allowed) {
    let code = assemble(&format!("call {id}\nr0 = 1\nexit"));
    let ask = |proprietary| {
        let extras = Extras {
            proprietary,
            ..Extras::default()
        };
        probe.load(flavor, &code, &[], &extras)
    };
    let free = ask(false);
    let said = free.sentence();
    let unknown = ["unknown func", "cannot use helper", "invalid func"];
    if unknown.iter().any(|text| said.contains(text)) {
        return;
    }
    let id = i64::from(id);
    allowed.helpers.insert(id);
    if said.contains("might sleep") {
        allowed.might_sleep.insert(id);
    }
    if ask(true).sentence().contains("GPL-restricted function") {
        allowed.gpl.insert(id);
    }
}

fn all_allowed(probe: &Probe) -> Vec<(&Flavor, Allowed)> {
    let names = names(probe);
    let flavors = probe.flavors.iter();
    let asked = flavors.map(|flavor| {
        let mut found = Allowed::default();
        for id in names.keys() {
            allowed(probe, flavor, *id, &mut found);
        }
        (flavor, found)
    });
    asked.collect()
}

pub(crate) fn by_flavor(probe: &Probe) -> Table {
    let mut table = Table::new(
        "flavors",
        "per flavor and helper a program that calls the helper at once: in `helpers` unless \
         Linux says that programs of this type cannot use it, in `gpl` when it says so under a \
         licence that is not compatible with the GPL (null: programs of this flavor must have \
         one anyway), in `might_sleep` when the flavor is refused since it must not sleep",
    );
    for (flavor, found) in all_allowed(probe) {
        let gpl = (!flavor.is_struct_ops()).then(|| ranges::write(&found.gpl));
        table.rows.push(row! {
            "flavor": flavor.name,
            "helpers": ranges::write(&found.helpers),
            "gpl": gpl,
            "might_sleep": ranges::write(&found.might_sleep),
        });
    }
    table
}

pub(crate) fn by_type(probe: &Probe) -> Table {
    let mut table = Table::new(
        "helpers",
        "for each loadable program type, a program of that type that calls the helper; listed \
         where the verifier does not say that programs of this type cannot use it; gpl_only \
         where the licence decides in any flavor (helpers_by_flavor.json tells which)",
    );
    table.note(
        "maps",
        "map types that the verifier lets the helper have, with other arguments of the kinds \
         that it takes, in the first flavor of every type that may call the helper and name such \
         a map; absent where no complete call was found",
    );
    table.note(
        "changes_packet",
        "a byte of the packet that was proven to be there before a complete call can not be \
         read after it; false where no complete call was found",
    );
    let loadable: BTreeSet<ProgType> = probe.flavors.iter().map(|f| f.prog_type).collect();
    let missing = ProgType::ALL.iter().filter(|t| !loadable.contains(t));
    table.note(
        "types_not_loadable",
        missing.map(|t| t.name()).collect::<Vec<_>>(),
    );
    let allowed = all_allowed(probe);
    let maps_of = maps_of_all(probe, &allowed);
    let maps = one_of_each(probe);
    for (id, name) in names(probe) {
        let number = i64::from(id);
        let with = allowed
            .iter()
            .filter(|(_, found)| found.helpers.contains(&number));
        let flavors: Vec<&Flavor> = with.map(|(flavor, _)| *flavor).collect();
        let types: BTreeSet<ProgType> = flavors.iter().map(|flavor| flavor.prog_type).collect();
        let gpl = allowed
            .iter()
            .any(|(flavor, found)| !flavor.is_struct_ops() && found.gpl.contains(&number));
        let mut row = row! {
            "id": id,
            "name": name,
            "prog_types": types.iter().map(|t| t.name()).collect::<Vec<_>>(),
            "gpl_only": gpl,
            "changes_packet": changes_packet(probe, &flavors, id, &maps),
        };
        if let Some(types) = maps_of.get(&id) {
            let names: Vec<_> = types.iter().map(|map_type| map_type.name()).collect();
            row.insert("maps".to_owned(), json!(names));
        }
        table.rows.push(row);
    }
    table
}

/// Whether packet pointers are gone after a call.
fn changes_packet(probe: &Probe, flavors: &[&Flavor], id: u32, maps: &[Map]) -> bool {
    let Some(helper) = abi::helpers::by_id(id) else {
        return false;
    };
    flavors.iter().any(|flavor| {
        let ask = |packet| {
            let call = calls::complete(probe, flavor, helper, packet)?;
            // Whatever map there is will do: no helper that takes one moves
            // packets, and the others do not look.
            Some(probe.load(flavor, &call.code, maps, &call.extras))
        };
        let after = ask(true);
        let gone = after.is_some_and(|answer| answer.sentence().contains("mem access 'scalar'"));
        gone && ask(false).is_some_and(|answer| answer.is_yes())
    })
}

/// Per helper the map types that are taken by the first flavor of every program
/// type that may call it and name the map.
fn maps_of_all(probe: &Probe, allowed: &[(&Flavor, Allowed)]) -> BTreeMap<u32, BTreeSet<MapType>> {
    let mut all = BTreeMap::new();
    let with_maps = abi::helpers::HELPERS.iter();
    let with_maps: Vec<_> = with_maps
        .filter(|h| h.args.contains(&Arg::MapPtr))
        .collect();
    let mut types = BTreeSet::new();
    for (flavor, found) in allowed {
        if !types.insert(flavor.prog_type) {
            continue;
        }
        // Made for each flavor, since some belong to the first that names them.
        let maps = one_of_each(probe);
        let nameable: Vec<&Map> = maps
            .iter()
            .filter(|map| names_map(probe, flavor, map))
            .collect();
        for helper in &with_maps {
            if !found.helpers.contains(&i64::from(helper.id)) {
                continue;
            }
            let Some(call) = calls::complete(probe, flavor, helper, false) else {
                continue;
            };
            let type_of = |map: &&&Map| map.def().map_type;
            let takes = |map: &&&Map| takes(probe, flavor, &call, map);
            let accepted: BTreeSet<MapType> = nameable
                .iter()
                .filter(takes)
                .map(|map| type_of(&map))
                .collect();
            if accepted.is_empty() {
                continue;
            }
            let in_all = all.entry(helper.id).or_insert_with(|| accepted.clone());
            in_all.retain(|map_type| {
                let nameable = nameable.iter().any(|map| type_of(&map) == *map_type);
                accepted.contains(map_type) || !nameable
            });
        }
    }
    all
}

fn names_map(probe: &Probe, flavor: &Flavor, map: &Map) -> bool {
    let code = assemble("r1 = map[idx:0]\nr0 = 1\nexit");
    let silent = Extras {
        silent: true,
        ..Extras::default()
    };
    let answer = probe.load(flavor, &code, std::slice::from_ref(map), &silent);
    answer.is_yes()
}

fn takes(probe: &Probe, flavor: &Flavor, call: &Call, map: &Map) -> bool {
    match probe.load(flavor, &call.code, std::slice::from_ref(map), &call.extras) {
        Answer::Yes(_) => true,
        // The call itself is fine, what it hands out is not given back.
        answer => answer.sentence().contains("reference leak"),
    }
}
