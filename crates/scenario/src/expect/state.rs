//! Maps, variables, events, lines and counts.

use serde_json::{Map as Object, Value as Json, json};

use super::{Judge, Seen, quoted};
use crate::file::{Data, Error, Node, Problem, Seg, Spot};
use crate::model::{MapExpect, Name, Scenario, StateExpect};
use crate::packet::Pattern;
use crate::report::Check;
use crate::run::{MapRef, Prepared, Stage, at, wrong};
use crate::typed::{Difference, Typed};

/// Holds the state of things against what is expected of it.
pub(crate) fn state(
    scenario: &Scenario,
    prepared: &Prepared,
    stage: &mut dyn Stage,
    expect: &StateExpect,
    seen: &Seen,
    check: &mut Check,
) -> Result<(), Error> {
    let mut judge = Judge { scenario, check };
    for map in &expect.maps {
        let mut comparison = Comparison {
            prepared,
            judge: &mut judge,
        };
        comparison.map(map, stage)?;
    }
    for (name, value) in &expect.globals {
        global(&mut judge, prepared, stage, name, value)?;
    }
    for (name, records) in &expect.events {
        events(&mut judge, prepared, name, records, seen)?;
    }
    for (name, packets) in &expect.sockets {
        sockets(&mut judge, prepared, name, packets, seen)?;
    }
    if let Some((lines, spot)) = &expect.printk {
        printk(&mut judge, lines, spot, &seen.printk);
    }
    for (name, count) in &expect.counts {
        let got = seen.counts.get(&name.text).copied().unwrap_or(0);
        let known = [
            "aborted",
            "drop",
            "pass",
            "tx",
            "redirect",
            "stack",
            "back",
            "lost",
            "too-short",
        ];
        let interfaces = scenario.interfaces.iter().map(|i| i.device.name.as_str());
        let all: Vec<&str> = known.into_iter().chain(interfaces).collect();
        let other = |prefix| name.text.starts_with(prefix);
        if !all.contains(&name.text.as_str()) && !["cpu ", "socket ", "device "].iter().any(other) {
            let problem = Problem::unknown("action or interface", &name.text, all);
            return Err(at(scenario, &name.spot, problem));
        }
        let what = format!("packets counted as {}", name.text);
        judge.equal(&name.spot, what, *count, got);
    }
    if let (Some((most, spot)), Some(took)) = (&expect.max_instructions, seen.most_instructions) {
        if took <= *most {
            judge.met();
        } else {
            let got = format!("{took} on one packet");
            judge.miss(spot, "instructions", format!("at most {most}"), got);
            judge.fix(spot, took.to_string());
        }
    }
    Ok(())
}

fn global(
    judge: &mut Judge<'_>,
    prepared: &Prepared,
    stage: &mut dyn Stage,
    name: &Name,
    value: &Node,
) -> Result<(), Error> {
    let scenario = judge.scenario;
    let found = prepared.global(&name.text);
    let (map, global) = found.map_err(|problem| at(scenario, &name.spot, problem))?;
    let typed = prepared.typed(map.object, global.type_id, global.size);
    let section = stage.lookup(map, &[0; 4]).unwrap_or_default();
    let start = global.offset as usize;
    let bytes = section.get(start..start + global.size as usize);
    let got = typed.decode(bytes.unwrap_or_default());
    let differences = typed.compare(value, &got).map_err(|e| wrong(scenario, e))?;
    compared(judge, &name.spot, &name.text, &differences);
    if !differences.is_empty() {
        judge.fix(&name.spot, to_toml(&got));
    }
    Ok(())
}

/// Notes how a comparison ended.
fn compared(judge: &mut Judge<'_>, spot: &Spot, what: &str, differences: &[Difference]) {
    if differences.is_empty() {
        judge.met();
    }
    for difference in differences {
        let dot = if difference.path.is_empty() { "" } else { "." };
        let what = format!("{what}{dot}{}", difference.path);
        let (expected, got) = (difference.expected.to_string(), difference.got.to_string());
        judge.miss(spot, what, expected, got);
    }
}

fn printk(judge: &mut Judge<'_>, expected: &[String], spot: &Spot, got: &[String]) {
    if expected == got {
        judge.met();
        return;
    }
    let say = |lines: &[String]| match lines {
        [] => "none".to_owned(),
        lines => lines
            .iter()
            .map(|l| quoted(l))
            .collect::<Vec<_>>()
            .join(", "),
    };
    judge.miss(spot, "printk lines", say(expected), say(got));
    let lines: Vec<_> = got.iter().map(|line| quoted(line)).collect();
    judge.fix(spot, format!("[{}]", lines.join(", ")));
}

/// What a socket received, packet by packet.
fn sockets(
    judge: &mut Judge<'_>,
    prepared: &Prepared,
    name: &Name,
    expected: &[Name],
    seen: &Seen,
) -> Result<(), Error> {
    let scenario = judge.scenario;
    let shape = || Problem::Expected {
        expected: "a map and its slot, such as \"sockets[0]\"".to_owned(),
        found: format!("`{}`", name.text),
    };
    let fail = |problem| at(scenario, &name.spot, problem);
    let split = name.text.strip_suffix(']').and_then(|t| t.split_once('['));
    let (map, slot) = split.ok_or_else(|| fail(shape()))?;
    let slot: u32 = slot.parse().map_err(|_| fail(shape()))?;
    let (map, _) = prepared.map(map).map_err(fail)?;
    let known = scenario.sockets.iter().any(|socket| {
        let known = prepared.map(&socket.map.text);
        socket.slot == slot && known.is_ok_and(|(known, _)| known == map)
    });
    if !known {
        let sockets = scenario.sockets.iter();
        let names = sockets.map(|socket| format!("{}[{}]", socket.map.text, socket.slot));
        let names: Vec<String> = names.collect();
        let names = names.iter().map(String::as_str);
        return Err(fail(Problem::unknown("socket", &name.text, names)));
    }
    let none = Vec::new();
    let got = seen.received.get(&(map, slot)).unwrap_or(&none);
    let what = format!("packets of {}", name.text);
    if expected.len() == got.len() {
        judge.met();
    } else {
        let (expected, count) = (expected.len().to_string(), got.len().to_string());
        judge.miss(&name.spot, what, expected, count);
        let lines = got
            .iter()
            .map(|packet| format!("  {}\n", crate::packet::describe(packet)));
        judge.detail(lines.collect());
    }
    for (place, (wanted, packet)) in expected.iter().zip(got).enumerate() {
        let pattern = Pattern::with(&wanted.text, &scenario.definitions).map_err(|e| {
            let source = scenario.source.as_ref();
            Error::in_packet(source, &wanted.spot.span, &wanted.text, e)
        })?;
        let mismatches = pattern.compare(packet);
        if mismatches.is_empty() {
            judge.met();
            continue;
        }
        let described = crate::packet::describe(packet);
        let what = format!("{}, packet {place}", name.text);
        judge.miss(&wanted.spot, what, wanted.text.clone(), described.clone());
        judge.fix(&wanted.spot, quoted(&described));
        let lines = mismatches.iter().map(|m| format!("  {m}\n"));
        judge.detail(lines.collect::<String>() + &crate::packet::listing(packet));
    }
    Ok(())
}

fn events(
    judge: &mut Judge<'_>,
    prepared: &Prepared,
    name: &Name,
    expected: &Node,
    seen: &Seen,
) -> Result<(), Error> {
    let scenario = judge.scenario;
    let found = prepared.map(&name.text);
    let (map, _) = found.map_err(|problem| at(scenario, &name.spot, problem))?;
    let typed = event_type(scenario, prepared, map)?;
    let none = Vec::new();
    let got = seen.records.get(&map).unwrap_or(&none);
    let shown: Vec<Json> = got.iter().map(|record| decoded(typed, record)).collect();
    let Data::List(wanted) = &expected.data else {
        return Ok(());
    };
    let before = judge.check.misses.len();
    if wanted.len() != got.len() {
        let what = format!("records of {}", name.text);
        judge.miss(
            &name.spot,
            what,
            wanted.len().to_string(),
            got.len().to_string(),
        );
        let lines = shown.iter().map(|record| format!("  {record}\n"));
        judge.detail(lines.collect());
    }
    for (place, ((wanted, record), shown)) in wanted.iter().zip(got).zip(&shown).enumerate() {
        let what = format!("{}[{place}]", name.text);
        let spot = name.spot.inside(Seg::Index(place), wanted.span.clone());
        match (typed, &wanted.data) {
            (Some(typed), Data::Table(_)) => {
                let differences = typed.compare(wanted, shown);
                let differences = differences.map_err(|e| wrong(scenario, e))?;
                compared(judge, &spot, &what, &differences);
            }
            (_, Data::Text(text)) => {
                let pattern = Pattern::new(text).map_err(|e| {
                    Error::in_packet(scenario.source.as_ref(), &wanted.span, text, e)
                })?;
                match pattern.compare_bytes(record) {
                    true => judge.met(),
                    false => {
                        let got = xdp_sim::contents::to_hex(record);
                        judge.miss(&spot, what, text.clone(), got);
                    }
                }
            }
            _ => {
                let problem = Problem::Expected {
                    expected: match typed {
                        Some(_) => "a table of fields, or bytes such as \"0x01??\"".to_owned(),
                        None => format!(
                            "bytes such as \"0x01??\" (`event-types.{}` names a type)",
                            name.text
                        ),
                    },
                    found: wanted.data.kind().to_owned(),
                };
                return Err(Error::at(scenario.source.as_ref(), &wanted.span, problem));
            }
        }
    }
    if judge.check.misses.len() > before {
        judge.fix(&name.spot, to_toml(&Json::Array(shown)));
    }
    Ok(())
}

/// What the scenario says that records of a map are.
pub(crate) fn event_type<'a>(
    scenario: &Scenario,
    prepared: &'a Prepared,
    map: MapRef,
) -> Result<Option<Typed<'a>>, Error> {
    for (name, ty) in &scenario.event_types {
        let known = prepared.map(&name.text);
        let (known, _) = known.map_err(|problem| at(scenario, &name.spot, problem))?;
        if known == map {
            let typed = prepared.type_named(map.object, &ty.text);
            let problem = || Problem::unknown("type of the object", &ty.text, []);
            return typed
                .map(Some)
                .ok_or_else(|| at(scenario, &ty.spot, problem()));
        }
    }
    Ok(None)
}

/// The bytes of a record: a value of its type, or a description of bytes.
pub(crate) fn record_bytes(
    scenario: &Scenario,
    map: &str,
    typed: Option<Typed<'_>>,
    record: &Node,
) -> Result<Vec<u8>, Error> {
    match (typed, &record.data) {
        (_, Data::Text(text)) => {
            let bytes = crate::packet::bytes_with(text, &scenario.definitions);
            bytes.map_err(|error| {
                Error::in_packet(scenario.source.as_ref(), &record.span, text, error)
            })
        }
        (Some(typed), _) => typed.encode(record).map_err(|e| wrong(scenario, e)),
        (None, data) => {
            let problem = Problem::Expected {
                expected: format!(
                    "bytes such as \"0x0102\" (`event-types.{map}` names a type for tables)"
                ),
                found: data.kind().to_owned(),
            };
            Err(Error::at(scenario.source.as_ref(), &record.span, problem))
        }
    }
}

/// A record by its type, without what follows that; in hex where it has none.
fn decoded(typed: Option<Typed<'_>>, record: &[u8]) -> Json {
    match typed {
        Some(typed) => typed.decode(record.get(..typed.size as usize).unwrap_or(record)),
        None => Json::String(xdp_sim::contents::to_hex(record)),
    }
}

/// A comparison of maps.
struct Comparison<'a, 'b> {
    prepared: &'a Prepared,
    judge: &'a mut Judge<'b>,
}

impl Comparison<'_, '_> {
    fn map(&mut self, expect: &MapExpect, stage: &mut dyn Stage) -> Result<(), Error> {
        let scenario = self.judge.scenario;
        let found = self.prepared.map(&expect.map.text);
        let (map, def) = found.map_err(|problem| at(scenario, &expect.map.spot, problem))?;
        let found = stage.entries(map);
        let keyed = def.key_size > 0;
        let mut left: Vec<&Json> = found.iter().collect();
        let mut listed_anew = false;
        for (place, entry) in expect.entries.iter().enumerate() {
            let spot = expect
                .entries_spot
                .inside(Seg::Index(place), entry.span.clone());
            let key = entry.get("key");
            let at = match (key, keyed) {
                (Some(key), true) => {
                    let key = self.key(map, key)?;
                    left.iter().position(|found| found.get("key") == Some(&key))
                }
                // Queues and stacks have an order instead.
                (None, false) => (!left.is_empty()).then_some(0),
                _ => return Err(self.shape(entry, keyed)),
            };
            let shown = key.map_or(place.to_string(), |key| key.to_json().to_string());
            let what = format!("{}[{shown}]", expect.map.text);
            match at {
                Some(at) => {
                    let found = left.remove(at);
                    self.entry(map, entry, found, &what, &spot)?;
                }
                None => {
                    let got = self.others(&left);
                    self.judge.miss(&spot, what, "an entry", "none");
                    self.judge.detail(got);
                    listed_anew = true;
                }
            }
        }
        for key in &expect.absent {
            let wanted = self.key(map, key)?;
            let there = found.iter().find(|found| found.get("key") == Some(&wanted));
            let spot = Spot {
                span: key.span.clone(),
                ..Spot::default()
            };
            let what = format!("{}[{wanted}]", expect.map.text);
            match there {
                None => self.judge.met(),
                Some(entry) => self.judge.miss(&spot, what, "no entry", entry.to_string()),
            }
        }
        if let Some((count, spot)) = &expect.count {
            let got = found.len() as u64;
            let what = format!("entries of {}", expect.map.text);
            if !self.judge.equal(spot, what, *count, got) {
                let all: Vec<&Json> = found.iter().collect();
                let others = self.others(&all);
                self.judge.detail(others);
            }
        }
        if expect.only && !left.is_empty() {
            let what = format!("other entries of {}", expect.map.text);
            let spot = expect.entries_spot.clone();
            self.judge.miss(&spot, what, "none", left.len().to_string());
            let others = self.others(&left);
            self.judge.detail(others);
            listed_anew = true;
        }
        if listed_anew {
            let listed = found.iter().filter(|entry| !is_zero(entry)).cloned();
            let spot = expect.entries_spot.clone();
            self.judge
                .fix(&spot, to_toml(&Json::Array(listed.collect())));
        }
        Ok(())
    }

    fn entry(
        &mut self,
        map: MapRef,
        expected: &Node,
        found: &Json,
        what: &str,
        spot: &Spot,
    ) -> Result<(), Error> {
        let scenario = self.judge.scenario;
        let Some(typed) = self.prepared.value_type(map) else {
            return Ok(());
        };
        let values: Vec<&Json> = match found.get("values").and_then(Json::as_array) {
            Some(values) => values.iter().filter_map(|v| v.get("value")).collect(),
            None => found.get("value").into_iter().collect(),
        };
        let (name, part, got) = match (expected.get("value"), expected.get("sum"), &values[..]) {
            (Some(value), None, [only]) => ("value", value, (*only).clone()),
            (None, Some(sum), _) => ("sum", sum, added(&values)),
            (None, None, _) if expected.get("values").is_some() => {
                return self.per_cpu(typed, expected, &values, what, spot);
            }
            _ => return Err(self.shape(expected, expected.get("key").is_some())),
        };
        let def = self.prepared.def(map);
        let reference = def.is_some_and(|def| is_reference(def.map_type));
        let part = match reference {
            true => reference_value(scenario, part),
            false => part.clone(),
        };
        let differences = match reference {
            true => plain(&part.to_json(), &got),
            false => typed.compare(&part, &got).map_err(|e| wrong(scenario, e))?,
        };
        compared(self.judge, spot, what, &differences);
        // Only what differs is written anew, so that the rest stays as it is.
        for difference in differences {
            let inside = spot.inside(Seg::Key(name.to_owned()), part.span.clone());
            let fields = difference.path.split('.').filter(|field| !field.is_empty());
            let place = fields.fold(inside, |spot, field| {
                spot.inside(Seg::Key(field.to_owned()), part.span.clone())
            });
            self.judge.fix(&place, to_toml(&difference.got));
        }
        Ok(())
    }

    fn per_cpu(
        &mut self,
        typed: Typed<'_>,
        expected: &Node,
        found: &[&Json],
        what: &str,
        spot: &Spot,
    ) -> Result<(), Error> {
        let scenario = self.judge.scenario;
        let Some(Data::List(values)) = expected.get("values").map(|node| &node.data) else {
            return Err(self.shape(expected, true));
        };
        for one in values {
            let cpu = one.get("cpu").and_then(|cpu| cpu.to_json().as_u64());
            let got = cpu.and_then(|cpu| found.get(usize::try_from(cpu).ok()?));
            let (Some(cpu), Some(got), Some(value)) = (cpu, got, one.get("value")) else {
                return Err(self.shape(one, true));
            };
            let differences = typed.compare(value, got).map_err(|e| wrong(scenario, e))?;
            compared(
                self.judge,
                spot,
                &format!("{what} on cpu {cpu}"),
                &differences,
            );
        }
        Ok(())
    }

    /// A key as it would be found.
    fn key(&self, map: MapRef, key: &Node) -> Result<Json, Error> {
        let Some(typed) = self.prepared.key_type(map) else {
            return Ok(key.to_json());
        };
        let bytes = typed.encode(key);
        let bytes = bytes.map_err(|e| wrong(self.judge.scenario, e))?;
        Ok(typed.decode(&bytes))
    }

    fn shape(&self, entry: &Node, keyed: bool) -> Error {
        let expected = match keyed {
            true => {
                "an entry such as {key = 1, value = 2}; of per-CPU maps `sum = …` or \
                     `values = [{cpu = 0, value = …}]`"
            }
            false => "an entry such as {value = 2}",
        };
        let problem = Problem::Expected {
            expected: expected.to_owned(),
            found: entry.to_json().to_string(),
        };
        Error::at(self.judge.scenario.source.as_ref(), &entry.span, problem)
    }

    /// Entries that are there instead.
    fn others(&self, entries: &[&Json]) -> String {
        const SHOWN: usize = 8;
        let mut text = String::new();
        for entry in entries.iter().take(SHOWN) {
            text.push_str(&format!("  there is {entry}\n"));
        }
        if let more @ 1.. = entries.len().saturating_sub(SHOWN) {
            text.push_str(&format!("  … and {more} more\n"));
        }
        text
    }
}

/// Whether values of a map stand for something else.
fn is_reference(map_type: abi::MapType) -> bool {
    use abi::MapType::{ArrayOfMaps, Cpumap, Devmap, DevmapHash, HashOfMaps, ProgArray};
    matches!(
        map_type,
        ArrayOfMaps | Cpumap | Devmap | DevmapHash | HashOfMaps | ProgArray
    )
}

/// A value that names something, with names of interfaces made into indices.
fn reference_value(scenario: &Scenario, value: &Node) -> Node {
    let index = |name: &str| Some(scenario.interface(name)?.device.ifindex);
    let device = |index: u32| Node {
        data: Data::Int(index.into()),
        span: value.span.clone(),
    };
    let Data::Table(fields) = &value.data else {
        return match value.text().and_then(index) {
            Some(found) => Node::from(json!({"ifindex": found})),
            None => value.clone(),
        };
    };
    let mut fields = fields.clone();
    for (key, inner) in &mut fields {
        if key.name == "interface"
            && let Some(found) = inner.text().and_then(index)
        {
            key.name = "ifindex".to_owned();
            *inner = device(found);
        }
    }
    Node {
        data: Data::Table(fields),
        span: value.span.clone(),
    }
}

/// An entry of a scenario in the form of [`xdp_sim::contents`].
pub(crate) fn entry_json(
    scenario: &Scenario,
    prepared: &Prepared,
    map: MapRef,
    entry: &Node,
) -> Result<Json, Error> {
    let Data::Table(parts) = &entry.data else {
        let problem = Problem::Expected {
            expected: "an entry such as {key = 1, value = 2}".to_owned(),
            found: entry.data.kind().to_owned(),
        };
        return Err(Error::at(scenario.source.as_ref(), &entry.span, problem));
    };
    let reference = prepared
        .def(map)
        .is_some_and(|def| is_reference(def.map_type));
    let (Some(key_type), Some(value_type)) = (prepared.key_type(map), prepared.value_type(map))
    else {
        return Ok(entry.to_json());
    };
    let mut object = Object::new();
    for (key, node) in parts {
        let (typed, json) = match key.name.as_str() {
            "key" => (Some(key_type), key_type.json(node)),
            "value" if reference => (None, reference_value(scenario, node).to_json()),
            "value" => (Some(value_type), value_type.json(node)),
            "values" => (None, values_json(value_type, node)),
            _ => {
                let problem = Problem::UnknownKey {
                    key: key.name.clone(),
                    nearest: None,
                    known: "key, value, values".to_owned(),
                };
                return Err(Error::at(scenario.source.as_ref(), &key.span, problem));
            }
        };
        // Tried here too, since here the place inside of the entry is known.
        if let Some(typed) = typed.filter(|typed| typed.size > 0) {
            typed.encode(node).map_err(|e| wrong(scenario, e))?;
        }
        object.insert(key.name.clone(), json);
    }
    Ok(Json::Object(object))
}

/// Values of CPUs in the form of [`xdp_sim::contents`].
fn values_json(typed: Typed<'_>, values: &Node) -> Json {
    let Data::List(values) = &values.data else {
        return values.to_json();
    };
    let one = |one: &Node| match (one.get("cpu"), one.get("value")) {
        (Some(cpu), Some(value)) => json!({"cpu": cpu.to_json(), "value": typed.json(value)}),
        _ => one.to_json(),
    };
    values.iter().map(one).collect()
}

/// What of a plain value is not as expected.
fn plain(expected: &Json, got: &Json) -> Vec<Difference> {
    let same = match (expected, got) {
        (Json::Object(wanted), Json::Object(found)) => wanted
            .iter()
            .all(|(name, value)| found.get(name) == Some(value)),
        _ => expected == got,
    };
    let difference = Difference {
        path: String::new(),
        expected: expected.clone(),
        got: got.clone(),
    };
    if same { Vec::new() } else { vec![difference] }
}

/// The sum of values, number by number.
fn added(values: &[&Json]) -> Json {
    let mut values = values.iter();
    let Some(first) = values.next() else {
        return Json::Null;
    };
    values.fold((*first).clone(), |sum, value| add(&sum, value))
}

fn add(a: &Json, b: &Json) -> Json {
    match (a, b) {
        (Json::Number(x), Json::Number(y)) => {
            let sum = |x: &serde_json::Number, y: &serde_json::Number| {
                x.as_i128()?.checked_add(y.as_i128()?)
            };
            sum(x, y).map_or(a.clone(), crate::file::int_to_json)
        }
        (Json::Array(x), Json::Array(y)) => x.iter().zip(y).map(|(x, y)| add(x, y)).collect(),
        (Json::Object(x), Json::Object(y)) => {
            let field = |(name, x): (&String, &Json)| {
                let sum = y.get(name).map_or(x.clone(), |y| add(x, y));
                (name.clone(), sum)
            };
            x.iter().map(field).collect()
        }
        _ => a.clone(),
    }
}

/// Whether an entry is as an array has it before anyone wrote.
fn is_zero(entry: &Json) -> bool {
    fn zero(value: &Json) -> bool {
        match value {
            Json::Number(number) => number.as_f64() == Some(0.0),
            Json::String(text) => text.chars().all(|c| matches!(c, '0' | 'x')),
            Json::Bool(truth) => !truth,
            Json::Array(items) => items.iter().all(zero),
            Json::Object(fields) => fields.values().all(zero),
            Json::Null => true,
        }
    }
    match (
        entry.get("value"),
        entry.get("values").and_then(Json::as_array),
    ) {
        (Some(value), _) => zero(value),
        (None, Some(values)) => values.iter().filter_map(|v| v.get("value")).all(zero),
        _ => false,
    }
}

/// A value as TOML in one line.
fn to_toml(json: &Json) -> String {
    match json {
        Json::String(text) => quoted(text),
        Json::Array(items) => {
            let items: Vec<_> = items.iter().map(to_toml).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(fields) => {
            let key = |name: &str| toml_edit::Key::new(name).display_repr().into_owned();
            let fields = fields.iter();
            let fields: Vec<_> = fields
                .map(|(name, value)| format!("{} = {}", key(name), to_toml(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        Json::Null => "0".to_owned(),
        plain => plain.to_string(),
    }
}
