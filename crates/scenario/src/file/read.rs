//! The top of a file.

use std::path::Path;
use std::sync::Arc;

use super::error::{Error, Problem, Source};
use super::fields::{Fields, Given, Spot};
use super::node::Node;
use super::{expectations, network, objects, steps};
use crate::model::{Clock, Filling, Interface, Name, Scenario};
use crate::packet::Definitions;

/// Reads a scenario.
pub(crate) fn read(path: &Path, text: String) -> Result<Scenario, Error> {
    let source = Arc::new(Source {
        path: path.to_owned(),
        text,
    });
    let node = Node::parse(&source.text)
        .map_err(|(span, problem)| Error::at(Some(&source), &span, problem))?;
    let whole = Given {
        source: &source,
        spot: Spot::default(),
        node,
    };
    let mut scenario = scenario(Fields::of(whole)?, path)?;
    scenario.source = Some(source);
    Ok(scenario)
}

fn scenario(mut fields: Fields<'_>, path: &Path) -> Result<Scenario, Error> {
    let mut scenario = Scenario {
        name: match fields.take("name") {
            Some(name) => name.text()?.to_owned(),
            None => stem(path),
        },
        ..Scenario::default()
    };
    if let Some(definitions) = fields.take("define") {
        scenario.definitions = define(definitions)?;
    }
    scenario.objects = objects::read(&mut fields)?;
    if let Some(replace) = fields.take("replace") {
        scenario.replacements = objects::replacements(replace)?;
    }
    let program = fields.take("program");
    let interfaces = fields.take("interfaces");
    match (fields.take("hosts"), &interfaces, &program) {
        (Some(hosts), None, None) => network::hosts(hosts, &mut scenario)?,
        (Some(hosts), one, _) => {
            let one = match one {
                Some(_) => "interfaces",
                None => "program",
            };
            let other = "hosts";
            return Err(hosts.error(Problem::Both { one, other }));
        }
        (None, ..) => scenario.interfaces = network::interfaces(interfaces, program)?,
    }
    if let Some(links) = fields.take("links") {
        network::links(links, &mut scenario)?;
    }
    if let Some(sockets) = fields.take("sockets") {
        network::sockets(sockets, &mut scenario)?;
    }
    world(&mut fields, &mut scenario)?;
    if let Some(truth) = fields.take("unverified") {
        scenario.unverified = truth.truth()?;
    }
    if let Some(types) = fields.take("event-types") {
        for (key, value) in Fields::of(types)?.rest() {
            let ty = value.text()?.to_owned();
            scenario.event_types.push((
                name(&key.name, &value, &key.span),
                Name {
                    text: ty,
                    spot: value.spot,
                },
            ));
        }
    }
    if let Some(maps) = fields.take("maps") {
        scenario.maps = fillings(maps)?;
    }
    if let Some(list) = fields.take("step") {
        for step in list.list()? {
            scenario.steps.push(steps::read(step, &scenario)?);
        }
    }
    if let Some(expect) = fields.take("expect") {
        let mut inner = Fields::of(expect)?;
        scenario.expect = expectations::state(&mut inner, &scenario)?;
        inner.finish()?;
    }
    fields.finish()?;
    Ok(scenario)
}

/// A name with the place of its key.
pub(super) fn name(text: &str, given: &Given<'_>, span: &std::ops::Range<usize>) -> Name {
    Name {
        text: text.to_owned(),
        spot: Spot {
            span: span.clone(),
            path: given.spot.path.clone(),
        },
    }
}

/// Maps by name, and what they hold.
pub(super) fn fillings(given: Given<'_>) -> Result<Vec<Filling>, Error> {
    let mut all = Vec::new();
    for (key, value) in Fields::of(given)?.rest() {
        let map = name(&key.name, &value, &key.span);
        let entries = entries(value)?;
        all.push(Filling { map, entries });
    }
    Ok(all)
}

/// A list of entries, or the JSON file that has it.
fn entries(given: Given<'_>) -> Result<Node, Error> {
    let Some(file) = given.node.get("file").and_then(Node::text) else {
        return match given.node.data {
            super::Data::List(_) => Ok(given.node),
            _ => Err(given.expected(
                "a list of entries such as [{key = 1, value = 2}], or {file = \"entries.json\"}",
            )),
        };
    };
    let path = given.source.resolve(file);
    let bytes = std::fs::read(&path);
    let bytes = bytes.map_err(|error| {
        let path = path.clone();
        given.error(Problem::Read { path, error })
    })?;
    let json: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| {
        let error = std::io::Error::new(std::io::ErrorKind::InvalidData, error);
        let path = path.clone();
        given.error(Problem::Read { path, error })
    })?;
    let mut node = Node::from(json);
    // What is wrong inside is told at the place that names the file.
    node.move_to(&given.spot.span);
    Ok(node)
}

fn define(given: Given<'_>) -> Result<Definitions, Error> {
    let mut definitions = Definitions::default();
    for (key, value) in Fields::of(given)?.rest() {
        let text = match &value.node.data {
            super::Data::Int(number) => number.to_string(),
            _ => value.text()?.to_owned(),
        };
        if key.name == "n" {
            return Err(Error::at(
                Some(value.source),
                &key.span,
                Problem::Expected {
                    expected: "another name: `$n` is the number of the packet".to_owned(),
                    found: "`n`".to_owned(),
                },
            ));
        }
        definitions.define(key.name, text);
    }
    Ok(definitions)
}

fn world(fields: &mut Fields<'_>, scenario: &mut Scenario) -> Result<(), Error> {
    let world = &mut scenario.world;
    if let Some(clock) = fields.take("clock") {
        world.clock = read_clock(clock)?;
    }
    if let Some(seed) = fields.take("seed") {
        world.seed = seed.number()?;
    }
    if let Some(cpus) = fields.take("cpus") {
        world.cpus = cpus.number()?;
        if !(1..=1024).contains(&world.cpus) {
            return Err(cpus.expected("1 to 1024"));
        }
    }
    if let Some(budget) = fields.take("budget") {
        world.budget = Some(budget.number()?);
    }
    let interfaces: &[Interface] = &scenario.interfaces;
    if let Some(routes) = fields.take("routes") {
        for route in routes.list()? {
            world.routes.push(network::route(route, interfaces)?);
        }
    }
    if let Some(neighbours) = fields.take("neighbours") {
        for neighbour in neighbours.list()? {
            let neighbour = network::neighbour(neighbour, interfaces)?;
            world.neighbours.push(neighbour);
        }
    }
    Ok(())
}

fn read_clock(given: Given<'_>) -> Result<Clock, Error> {
    if given.node.text() == Some("capture") {
        return Ok(Clock {
            capture: true,
            ..Clock::default()
        });
    }
    if given.node.get("start").is_none() && given.node.text().is_some() {
        return Err(given.expected("\"capture\", or a table with start, step, tick, capture"));
    }
    let mut fields = Fields::of(given)?;
    let mut time = |key| fields.take(key).map_or(Ok(0), |given| given.time());
    let mut clock = Clock {
        start_ns: time("start")?,
        step_ns: time("step")?,
        tick_ns: time("tick")?,
        capture: false,
    };
    if let Some(capture) = fields.take("capture") {
        clock.capture = capture.truth()?;
    }
    fields.finish()?;
    Ok(clock)
}

/// The name of a file without what follows the first dot.
pub(super) fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split('.').next().unwrap_or_default();
    stem.to_owned()
}
