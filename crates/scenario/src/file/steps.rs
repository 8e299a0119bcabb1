//! `[[step]]`: what happens.

use super::error::{Error, Problem};
use super::fields::{Fields, Given};
use super::node::Data;
use super::read::{fillings, name};
use super::{expectations, hints, network};
use crate::model::{Change, Filling, Name, Packets, Scenario, Step};

/// One step.
pub(super) fn read(given: Given<'_>, scenario: &Scenario) -> Result<Step, Error> {
    let spot = given.spot.clone();
    let mut fields = Fields::of(given)?;
    let mut step = Step {
        spot,
        repeat: 1,
        ..Step::default()
    };
    if let Some(given) = fields.take("name") {
        step.name = Some(given.text()?.to_owned());
    }
    if let Some(given) = fields.take("at") {
        step.at_ns = Some(given.time()?);
    }
    if let Some(given) = fields.take("advance") {
        step.advance_ns = given.time()?;
    }
    changes(&mut fields, scenario, &mut step.changes)?;
    packets(&mut fields, scenario, &mut step)?;
    if let Some(given) = fields.take("expect") {
        step.expect = expectations::step(given, scenario)?;
    }
    let none = matches!(step.packets, Packets::None);
    let error = |problem| Error::at(Some(fields.source), &step.spot.span, problem);
    if none && !step.expect.packets.is_empty() {
        return Err(error(Problem::MissingKey {
            key: "packet",
            what: "something is expected of one",
        }));
    }
    fields.finish()?;
    Ok(step)
}

fn packets(fields: &mut Fields<'_>, scenario: &Scenario, step: &mut Step) -> Result<(), Error> {
    let described = fields.take("packet");
    let capture = fields.take("capture");
    step.packets = match (described, capture) {
        (Some(_), Some(capture)) => {
            return Err(capture.error(Problem::Both {
                one: "packet",
                other: "capture",
            }));
        }
        (Some(given), None) => {
            let text = network::text(&given)?;
            // The packet that comes is made when it does; whether it can be, now.
            crate::packet::bytes_with(&text.text, &scenario.definitions).map_err(|error| {
                let span = &text.spot.span;
                Error::in_packet(Some(given.source), span, &text.text, error)
            })?;
            Packets::Described(text)
        }
        (None, Some(given)) => {
            let mut number = |key, default| {
                let given = fields.take(key);
                given.map_or(Ok(default), |given| given.number())
            };
            Packets::Capture {
                path: given.path()?,
                skip: number("skip", 0)?,
                count: number("packets", u64::MAX)?,
                spot: given.spot.clone(),
            }
        }
        (None, None) => Packets::None,
    };
    if let Some(given) = fields.take("repeat") {
        step.repeat = given.number()?;
    }
    if let Some(given) = fields.take("interface") {
        let name = network::text(&given)?;
        if scenario.interface(&name.text).is_none() {
            let known = scenario.interfaces.iter().map(|i| i.name.as_str());
            return Err(given.error(Problem::unknown("interface", &name.text, known)));
        }
        step.interface = Some(name);
    }
    if let Some(given) = fields.take("queue") {
        step.queue = given.number()?;
        let queues = scenario.arrival(step).map_or(1, |i| i.queues);
        if step.queue >= queues {
            return Err(given.expected(format!("a queue below {queues}")));
        }
    }
    if let Some(given) = fields.take("hints") {
        step.hints = hints::read(given, step)?;
    }
    if let Some(given) = fields.take("cpu") {
        step.cpu = given.number()?;
        let cpus = scenario.world.cpus;
        if step.cpu >= cpus {
            return Err(given.expected(format!("a CPU below {cpus} (`cpus` gives more)")));
        }
    }
    Ok(())
}

fn changes(
    fields: &mut Fields<'_>,
    scenario: &Scenario,
    changes: &mut Vec<Change>,
) -> Result<(), Error> {
    if let Some(given) = fields.take("set") {
        changes.extend(fillings(given)?.into_iter().map(Change::Set));
    }
    if let Some(given) = fields.take("delete") {
        changes.extend(fillings(given)?.into_iter().map(Change::Delete));
    }
    if let Some(given) = fields.take("push") {
        for (key, value) in Fields::of(given)?.rest() {
            let map = name(&key.name, &value, &key.span);
            if !matches!(value.node.data, Data::List(_)) {
                return Err(value.expected("a list of records: tables of fields, or bytes"));
            }
            let entries = value.node;
            changes.push(Change::Push(Filling { map, entries }));
        }
    }
    if let Some(given) = fields.take("globals") {
        for (key, value) in Fields::of(given)?.rest() {
            let name = name(&key.name, &value, &key.span);
            changes.push(Change::Global(name, value.node));
        }
    }
    if let Some(given) = fields.take("add") {
        let mut add = Fields::of(given)?;
        if let Some(given) = add.take("routes") {
            for route in given.list()? {
                let (host, route) = network::route(route, &scenario.interfaces)?;
                changes.push(Change::AddRoute(host, route));
            }
        }
        if let Some(given) = add.take("neighbours") {
            for neighbour in given.list()? {
                let (host, new) = network::neighbour(neighbour, &scenario.interfaces)?;
                changes.push(Change::AddNeighbour(host, new));
            }
        }
        if let Some(given) = add.take("sockets") {
            for socket in given.list()? {
                let fields = Fields::of(socket)?;
                let (host, new) = network::socket(fields, scenario)?;
                changes.push(Change::AddSocket(host, new));
            }
        }
        add.finish()?;
    }
    if let Some(given) = fields.take("remove") {
        let mut remove = Fields::of(given)?;
        if let Some(given) = remove.take("routes") {
            for destination in given.list()? {
                changes.push(Change::RemoveRoute(network::prefix(&destination)?));
            }
        }
        if let Some(given) = remove.take("neighbours") {
            for address in given.list()? {
                changes.push(Change::RemoveNeighbour(network::address(&address)?));
            }
        }
        if let Some(given) = remove.take("sockets") {
            for local in given.list()? {
                changes.push(Change::RemoveSocket(network::end(&local)?));
            }
        }
        remove.finish()?;
    }
    if let Some(given) = fields.take("link") {
        for (key, value) in Fields::of(given)?.rest() {
            let up = |text: &str| match text {
                "up" => Some(true),
                "down" => Some(false),
                _ => None,
            };
            let link: Name = name(&key.name, &value, &key.span);
            if scenario.interface(&link.text).is_none() {
                let known = scenario.interfaces.iter().map(|i| i.name.as_str());
                let problem = Problem::unknown("interface", &link.text, known);
                return Err(Error::at(Some(value.source), &key.span, problem));
            }
            changes.push(Change::Link(link, value.parsed(up, "\"up\" or \"down\"")?));
        }
    }
    Ok(())
}
