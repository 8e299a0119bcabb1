//! `expect`: what should come of it.

use abi::xdp::XdpAction;

use super::error::Error;
use super::fields::{Fields, Given};
use super::network::{self, text};
use super::node::Data;
use super::read::name;
use crate::model::{Expect, FateExpect, HopExpect, MapExpect, OutputExpect, Scenario, StateExpect};
use crate::packet::{self, Pattern};

const ACTIONS: &str = "aborted, drop, pass, tx or redirect";

/// What is expected of a step: an action, a list of one for each packet, or a
/// table.
pub(super) fn step(given: Given<'_>, scenario: &Scenario) -> Result<Expect, Error> {
    let spot = Some(given.spot.clone());
    Ok(match &given.node.data {
        Data::Text(_) => Expect {
            spot,
            packets: vec![fate_of(given, scenario)?],
            ..Expect::default()
        },
        Data::List(_) => {
            let all = given.list()?.into_iter();
            Expect {
                spot,
                packets: all
                    .map(|one| fate_of(one, scenario))
                    .collect::<Result<_, _>>()?,
                ..Expect::default()
            }
        }
        Data::Table(_) => {
            let mut fields = Fields::of(given)?;
            let fate = fate(&mut fields, scenario)?;
            let state = state(&mut fields, scenario)?;
            fields.finish()?;
            Expect {
                spot,
                packets: Some(fate)
                    .filter(|fate| !fate.is_empty())
                    .into_iter()
                    .collect(),
                state,
            }
        }
        _ => {
            let expected = format!("an action ({ACTIONS}), a list of them, or a table");
            return Err(given.expected(expected));
        }
    })
}

/// What is expected of one packet: an action, or a table.
fn fate_of(given: Given<'_>, scenario: &Scenario) -> Result<FateExpect, Error> {
    if given.node.text().is_some() {
        return Ok(FateExpect {
            spot: given.spot.clone(),
            action: Some((action(&given)?, given.spot.clone())),
            ..FateExpect::default()
        });
    }
    let mut fields = Fields::of(given)?;
    let fate = fate(&mut fields, scenario)?;
    fields.finish()?;
    Ok(fate)
}

pub(super) fn action(given: &Given<'_>) -> Result<XdpAction, Error> {
    let read = |text: &str| {
        let name = text.to_ascii_lowercase();
        let name = name.strip_prefix("xdp_").unwrap_or(&name);
        let mut all = XdpAction::ALL.iter().copied();
        all.find(|action| action_name(*action) == name)
    };
    given.parsed(read, &format!("an action: {ACTIONS}"))
}

/// What an action is called in scenarios.
pub(crate) fn action_name(action: XdpAction) -> &'static str {
    match action {
        XdpAction::Aborted => "aborted",
        XdpAction::Drop => "drop",
        XdpAction::Pass => "pass",
        XdpAction::Tx => "tx",
        XdpAction::Redirect => "redirect",
    }
}

fn fate(fields: &mut Fields<'_>, scenario: &Scenario) -> Result<FateExpect, Error> {
    let mut fate = FateExpect {
        spot: fields.spot.clone(),
        ..FateExpect::default()
    };
    if let Some(given) = fields.take("action") {
        fate.action = Some((action(&given)?, given.spot));
    }
    if let Some(given) = fields.take("return") {
        fate.ret = Some((given.number()?, given.spot));
    }
    fate.output = output(fields, scenario)?;
    if let Some(given) = fields.take("to") {
        let spot = given.spot.clone();
        let places = match given.node.data {
            Data::Text(ref text) => vec![text.clone()],
            _ => {
                let mut places = Vec::new();
                for place in given.list()? {
                    places.push(place.text()?.to_owned());
                }
                places
            }
        };
        fate.to = Some((places, spot));
    }
    if let Some(given) = fields.take("programs") {
        let spot = given.spot.clone();
        let mut programs = Vec::new();
        for given in given.list()? {
            programs.push(given.text()?.to_owned());
        }
        fate.programs = Some((programs, spot));
    }
    if let Some(given) = fields.take("hops") {
        let spot = given.spot.clone();
        let mut hops = Vec::new();
        for given in given.list()? {
            hops.push(hop(given, scenario)?);
        }
        fate.hops = Some((hops, spot));
    }
    if let Some(given) = fields.take("metadata") {
        let hex = text(&given)?;
        Pattern::new(&hex.text).map_err(|_| given.expected("bytes such as 0x01020304"))?;
        fate.metadata = Some(hex);
    }
    if let Some(given) = fields.take("max-instructions") {
        fate.max_instructions = Some((given.number()?, given.spot));
    }
    if let Some(given) = fields.take("trap") {
        fate.trap = Some(text(&given)?);
    }
    Ok(fate)
}

/// What is expected at one interface of a packet's way: its name, or a table.
fn hop(given: Given<'_>, scenario: &Scenario) -> Result<HopExpect, Error> {
    if given.node.text().is_some() {
        network::place(&given, &scenario.interfaces)?;
        return Ok(HopExpect {
            at: text(&given)?,
            ..HopExpect::default()
        });
    }
    let mut fields = Fields::of(given)?;
    let at = fields.need("at", "the interface")?;
    network::place(&at, &scenario.interfaces)?;
    let at = text(&at)?;
    let fate = fate(&mut fields, scenario)?;
    if let Some((_, spot)) = &fate.hops {
        let problem = super::Problem::Expected {
            expected: "what happens at one interface".to_owned(),
            found: "hops".to_owned(),
        };
        return Err(Error::at(Some(fields.source), &spot.span, problem));
    }
    fields.finish()?;
    Ok(HopExpect { at, fate })
}

fn output(fields: &mut Fields<'_>, scenario: &Scenario) -> Result<Option<OutputExpect>, Error> {
    let mut found: Option<(&'static str, OutputExpect)> = None;
    for key in ["output", "like", "unchanged"] {
        let Some(given) = fields.take(key) else {
            continue;
        };
        if let Some((one, _)) = found {
            return Err(given.error(super::Problem::Both { one, other: key }));
        }
        let expect = match key {
            "unchanged" => OutputExpect::Unchanged(given.truth()?, given.spot.clone()),
            _ => {
                let name = text(&given)?;
                let checked = match key {
                    "output" => packet::bytes_with(&name.text, &scenario.definitions).map(drop),
                    _ => Pattern::with(&name.text, &scenario.definitions).map(drop),
                };
                checked.map_err(|error| {
                    let span = &name.spot.span;
                    Error::in_packet(Some(given.source), span, &name.text, error)
                })?;
                match key {
                    "output" => OutputExpect::Equal(name),
                    _ => OutputExpect::Like(name),
                }
            }
        };
        found = Some((key, expect));
    }
    Ok(found.map(|(_, expect)| expect))
}

/// What is expected of maps, events and counts.
pub(super) fn state(fields: &mut Fields<'_>, scenario: &Scenario) -> Result<StateExpect, Error> {
    let mut state = StateExpect::default();
    if let Some(given) = fields.take("maps") {
        for (key, value) in Fields::of(given)?.rest() {
            let map = name(&key.name, &value, &key.span);
            state.maps.push(MapExpect {
                map,
                ..self::map(value)?
            });
        }
    }
    if let Some(given) = fields.take("globals") {
        for (key, value) in Fields::of(given)?.rest() {
            let name = name(&key.name, &value, &key.span);
            state.globals.push((name, value.node));
        }
    }
    if let Some(given) = fields.take("events") {
        for (key, value) in Fields::of(given)?.rest() {
            if !matches!(value.node.data, Data::List(_)) {
                return Err(value.expected("a list of all records, in order"));
            }
            let name = name(&key.name, &value, &key.span);
            state.events.push((name, value.node));
        }
    }
    if let Some(given) = fields.take("sockets") {
        for (key, value) in Fields::of(given)?.rest() {
            let name = name(&key.name, &value, &key.span);
            let mut packets = Vec::new();
            for given in value.list()? {
                let pattern = text(&given)?;
                let read = Pattern::with(&pattern.text, &scenario.definitions);
                read.map_err(|error| {
                    let span = &pattern.spot.span;
                    Error::in_packet(Some(given.source), span, &pattern.text, error)
                })?;
                packets.push(pattern);
            }
            state.sockets.push((name, packets));
        }
    }
    if let Some(given) = fields.take("printk") {
        let spot = given.spot.clone();
        let mut lines = Vec::new();
        for line in given.list()? {
            lines.push(line.text()?.to_owned());
        }
        state.printk = Some((lines, spot));
    }
    if let Some(given) = fields.take("counts") {
        for (key, value) in Fields::of(given)?.rest() {
            let count = value.number()?;
            state
                .counts
                .push((name(&key.name, &value, &key.span), count));
        }
    }
    if let Some(given) = fields.take("max-instructions") {
        state.max_instructions = Some((given.number()?, given.spot));
    }
    Ok(state)
}

/// A list of entries, or a table that says more.
fn map(given: Given<'_>) -> Result<MapExpect, Error> {
    let mut expect = MapExpect {
        entries_spot: given.spot.clone(),
        ..MapExpect::default()
    };
    if let Data::List(entries) = given.node.data {
        expect.entries = entries;
        return Ok(expect);
    }
    let mut fields = Fields::of(given)?;
    let mut list = |key| -> Result<_, Error> {
        let Some(given) = fields.take(key) else {
            return Ok(None);
        };
        let spot = given.spot.clone();
        let items = given.list()?.into_iter().map(|item| item.node).collect();
        Ok(Some((items, spot)))
    };
    if let Some((entries, spot)) = list("entries")? {
        expect.entries = entries;
        expect.entries_spot = spot;
    }
    if let Some((absent, _)) = list("absent")? {
        expect.absent = absent;
    }
    if let Some(given) = fields.take("count") {
        expect.count = Some((given.number()?, given.spot));
    }
    if let Some(given) = fields.take("only") {
        expect.only = given.truth()?;
    }
    fields.finish()?;
    Ok(expect)
}
