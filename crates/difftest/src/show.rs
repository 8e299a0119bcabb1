//! Differences as people read them: typed values where the object has types.

use abi::MapType;
use btf::TypeId;
use serde_json::{Map as Object, Value as Json, json};
use xdp_sim::contents::{decode, to_hex};

use crate::{Answer, Difference, Disagreement, Event, Output, Place, Subject};

/// Bytes shown on either side of the first difference.
const SHOWN: usize = 16;

/// A key of a map, by its type.
pub fn key(subject: &Subject, map: usize, bytes: &[u8]) -> Json {
    match subject.maps().get(map) {
        Some(def) if def.key_size > 0 => typed(subject, def.key_type, bytes),
        // The position in a queue or stack.
        _ => match bytes.first_chunk() {
            Some(position) => u32::from_be_bytes(*position).into(),
            None => Json::Null,
        },
    }
}

/// A value of a map, by its type; of per-CPU maps one value for each CPU; names
/// for maps and programs.
pub fn value(subject: &Subject, map: usize, bytes: &[u8]) -> Json {
    let Some(def) = subject.maps().get(map) else {
        return to_hex(bytes).into();
    };
    if def.map_type.is_percpu() {
        let size = def.value_size as usize;
        let values = bytes.chunks(size.next_multiple_of(8).max(8));
        let values = values.map(|v| typed(subject, def.value_type, v.get(..size).unwrap_or(v)));
        return values.collect();
    }
    reference(subject, def.map_type, bytes).unwrap_or_else(|| typed(subject, def.value_type, bytes))
}

fn reference(subject: &Subject, map_type: MapType, bytes: &[u8]) -> Option<Json> {
    let word = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let program = |index: u32| {
        subject
            .programs
            .get(index as usize)
            .map(|p| p.name.as_str())
    };
    let named = |field: &str| {
        let mut object = Object::new();
        object.insert(field.to_owned(), word(0)?.into());
        if let Some(number @ 1..) = word(4) {
            object.insert("prog".to_owned(), program(number - 1).unwrap_or("?").into());
        }
        Some(Json::Object(object))
    };
    match map_type {
        MapType::ProgArray => Some(program(word(0)?)?.into()),
        MapType::ArrayOfMaps | MapType::HashOfMaps => {
            Some(subject.map_name(word(0)? as usize).into())
        }
        MapType::Devmap | MapType::DevmapHash => named("ifindex"),
        MapType::Cpumap => named("qsize"),
        _ => None,
    }
}

fn typed(subject: &Subject, ty: TypeId, bytes: &[u8]) -> Json {
    let btf = subject.program().and_then(|p| p.btf.as_deref());
    decode(btf, ty, bytes)
}

/// What a difference is about: `action`, `packet byte 12`, `map flows[…]`.
pub fn place(subject: &Subject, difference: &Difference) -> String {
    let mut text = match &difference.place {
        Place::Key { map, key: bytes } | Place::Value { map, key: bytes } => {
            let key = key(subject, *map, bytes);
            format!("{}[{key}]", difference.place.name(subject))
        }
        Place::Count { .. } | Place::RecordCount { .. } => {
            format!("number of {}", difference.place.name(subject))
        }
        Place::Record { index, .. } => format!("{}[{index}]", difference.place.name(subject)),
        other => other.name(subject),
    };
    if let Some(byte) = difference.byte {
        text += &format!(" byte {byte}");
    }
    text
}

/// What the two parties said at the place of a difference: ours, theirs.
pub fn sides(subject: &Subject, disagreement: &Disagreement, at: &Difference) -> (Json, Json) {
    let side = |answer| side(subject, answer, at);
    (side(&disagreement.ours.1), side(&disagreement.theirs.1))
}

fn side(subject: &Subject, answer: &Answer, at: &Difference) -> Json {
    match (answer, &at.place) {
        (Answer::Ran(ran), Place::Result) => match &ran.end {
            Ok(output) => json!(format!("returned {}", output.ret)),
            Err(stop) => json!(stop.to_string()),
        },
        (Answer::Ran(ran), Place::Return | Place::Packet | Place::Metadata) => match &ran.end {
            Ok(output) => part(output, at),
            Err(stop) => json!(stop.to_string()),
        },
        (Answer::Ran(ran), Place::Executed) => ran.executed.into(),
        (Answer::Ran(ran), Place::Printk) => lines(&ran.events).into(),
        (Answer::Ran(ran), Place::RecordCount { map }) => records(&ran.events, *map).len().into(),
        (Answer::Ran(ran), Place::Record { map, index }) => {
            match records(&ran.events, *map).get(*index) {
                Some(data) => excerpt(data, at.byte),
                None => Json::Null,
            }
        }
        (Answer::Contents(entries), Place::Count { .. }) => entries.len().into(),
        (Answer::Contents(entries), Place::Key { map, key } | Place::Value { map, key }) => {
            let keyed = subject.maps().get(*map).is_some_and(|d| d.key_size > 0);
            let mut entries = entries.iter().enumerate();
            let found = entries.find(|(position, (known, _))| match keyed {
                true => known == key,
                false => (*position as u32).to_be_bytes()[..] == key[..],
            });
            match found {
                Some((_, (_, bytes))) => value(subject, *map, bytes),
                None => Json::Null,
            }
        }
        (Answer::Bytes(Ok(bytes)), Place::Bytes) => excerpt(bytes, at.byte),
        (Answer::Bytes(Err(errno)), _) | (Answer::Done(Err(errno)), _) => errno.to_string().into(),
        (Answer::Bytes(Ok(_)) | Answer::Done(Ok(())), _) => "done".into(),
        _ => Json::Null,
    }
}

fn part(output: &Output, at: &Difference) -> Json {
    match at.place {
        Place::Return => match abi::xdp::XdpAction::from_ret(output.ret) {
            Some(action) => action.name().into(),
            None => output.ret.into(),
        },
        Place::Metadata => excerpt(&output.metadata, at.byte),
        _ => excerpt(&output.packet, at.byte),
    }
}

/// The bytes from a little before the first that differs, and how many there are.
fn excerpt(bytes: &[u8], first: Option<usize>) -> Json {
    let first = first.unwrap_or(0).min(bytes.len());
    let start = first.saturating_sub(SHOWN / 2);
    let end = (first + SHOWN).min(bytes.len());
    let shown = to_hex(bytes.get(start..end).unwrap_or_default());
    match start == 0 && end == bytes.len() {
        true => shown.into(),
        false => format!("{} bytes, from {start}: {shown}", bytes.len()).into(),
    }
}

fn records(events: &[Event], of: usize) -> Vec<&[u8]> {
    let records = events.iter().filter_map(|event| match event {
        Event::Record { map, data } if *map == of => Some(&data[..]),
        _ => None,
    });
    records.collect()
}

fn lines(events: &[Event]) -> Vec<&str> {
    let lines = events.iter().filter_map(|event| match event {
        Event::Printk(line) => Some(&line[..]),
        Event::Record { .. } => None,
    });
    lines.collect()
}

/// A disagreement as text: a line that says who and what, then one a difference.
pub fn disagreement(subject: &Subject, disagreement: &Disagreement) -> String {
    let mut text = format!(
        "{} question {} ({}):",
        disagreement.subject,
        disagreement.index,
        question(subject, disagreement)
    );
    for difference in &disagreement.differences {
        let (ours, theirs) = sides(subject, disagreement, difference);
        text += &format!(
            "\n  {}: {} {ours}, {} {theirs}",
            place(subject, difference),
            disagreement.ours.0,
            disagreement.theirs.0,
        );
    }
    text
}

/// The question in a few words.
fn question(subject: &Subject, disagreement: &Disagreement) -> String {
    use crate::{MapOp, Question};
    let key = |map: usize, bytes: &[u8]| match bytes.is_empty() {
        true => String::new(),
        false => key(subject, map, bytes).to_string(),
    };
    match &disagreement.question {
        Question::Packet(data) => format!("packet of {} bytes", data.len()),
        Question::Contents { map } => format!("contents of {}", subject.map_name(*map)),
        Question::Map { map, op } => {
            let name = subject.map_name(*map);
            match op {
                MapOp::Lookup { key: k } => format!("look up {name}[{}]", key(*map, k)),
                MapOp::Delete { key: k } => format!("delete {name}[{}]", key(*map, k)),
                MapOp::Take { key: k } => format!("take {name}[{}]", key(*map, k)),
                MapOp::NextKey { key: None } => format!("first key of {name}"),
                MapOp::NextKey { key: Some(k) } => format!("key of {name} after {}", key(*map, k)),
                MapOp::Update {
                    key: k,
                    value: v,
                    flags,
                } => {
                    let value = value(subject, *map, v);
                    format!(
                        "update {name}[{}] = {value}, flags {flags:#x}",
                        key(*map, k)
                    )
                }
            }
        }
    }
}
