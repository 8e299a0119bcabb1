//! Values by type: what a file gives for map keys, values and variables, as bytes,
//! and what was found, held against what is expected.
//!
//! Beyond what [`xdp_sim::contents`] takes, text may be an address wherever the
//! type has its size: `"192.0.2.1"` for a number of 4 bytes or an array of 4,
//! `"2001:db8::1"` for 16 bytes, `"02:00:00:00:00:01"` for 6; and `"htons(80)"`,
//! `"htonl(1)"` for numbers in network order.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use btf::{Btf, Type, TypeId};
use serde_json::Value as Json;
use xdp_sim::contents::{self, FillProblem, to_hex};

use crate::file::{Data, Node};

/// Structs within structs that are followed.
const MAX_NESTING: u32 = 64;

/// A type and its size; without BTF, or with type 0, raw bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Typed<'a> {
    pub(crate) btf: Option<&'a Btf>,
    pub(crate) ty: TypeId,
    pub(crate) size: u32,
}

/// A value that is not as expected.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// The way to it as C writes it; empty for the whole.
    pub(crate) path: String,
    pub(crate) expected: Json,
    pub(crate) got: Json,
}

/// What cannot be made of a value, and where it stands.
pub(crate) type Wrong = (Range<usize>, FillProblem);

impl Typed<'_> {
    /// The bytes of a value.
    pub(crate) fn encode(&self, node: &Node) -> Result<Vec<u8>, Wrong> {
        contents::encode(self.btf, self.ty, self.size, &self.json(node))
            .map_err(|problem| self.wrong(node, problem))
    }

    /// A value as [`contents`] takes it.
    pub(crate) fn json(&self, node: &Node) -> Json {
        match self.btf.filter(|_| self.ty != TypeId(0)) {
            Some(btf) => convert(btf, self.ty, node, 0),
            None => match node.text().and_then(|text| address(text, self.size)) {
                Some(bytes) => Json::String(to_hex(&bytes)),
                None => node.to_json(),
            },
        }
    }

    /// What bytes mean.
    pub(crate) fn decode(&self, bytes: &[u8]) -> Json {
        contents::decode(self.btf, self.ty, bytes)
    }

    /// What of a found value is not as expected. Of structs only the fields that
    /// are given are compared.
    pub(crate) fn compare(&self, expected: &Node, got: &Json) -> Result<Vec<Difference>, Wrong> {
        let mut differences = Vec::new();
        self.walk(expected, got, String::new(), &mut differences, 0)?;
        Ok(differences)
    }

    fn walk(
        &self,
        expected: &Node,
        got: &Json,
        path: String,
        differences: &mut Vec<Difference>,
        depth: u32,
    ) -> Result<(), Wrong> {
        let composite = self.btf.and_then(|btf| Some((btf, btf.resolved(self.ty)?)));
        let composite = composite.and_then(|(btf, (_, ty))| Some((btf, ty.as_composite()?)));
        if let (Data::Table(fields), Some((btf, _)), Json::Object(object)) =
            (&expected.data, composite, got)
            && depth < MAX_NESTING
        {
            for (key, value) in fields {
                let member = member(btf, self.ty, &key.name, 0);
                let (Some(ty), Some(got)) = (member, object.get(&key.name)) else {
                    // The encoder knows what to say.
                    let shape = FillProblem::Shape {
                        expected: "a field of the struct",
                    };
                    let said = self.encode(expected).err();
                    let problem = said.map_or(shape, |(_, problem)| problem);
                    return Err((key.span.clone(), problem));
                };
                let inner = Typed {
                    ty,
                    size: btf.size_of(ty).unwrap_or(0),
                    ..*self
                };
                let dot = if path.is_empty() { "" } else { "." };
                let path = format!("{path}{dot}{}", key.name);
                inner.walk(value, got, path, differences, depth + 1)?;
            }
            return Ok(());
        }
        let expected = match self.json_leaf(expected)? {
            Some(json) => json,
            None => expected.to_json(),
        };
        if expected != *got {
            differences.push(Difference {
                path,
                expected,
                got: got.clone(),
            });
        }
        Ok(())
    }

    /// A value as it would be found; `None` where its type cannot be encoded, as
    /// that of a bitfield.
    fn json_leaf(&self, expected: &Node) -> Result<Option<Json>, Wrong> {
        if self.size == 0 {
            return Ok(None);
        }
        let bytes = self.encode(expected)?;
        Ok(Some(self.decode(&bytes)))
    }

    /// Where inside of a value a problem is.
    fn wrong(&self, node: &Node, problem: FillProblem) -> Wrong {
        let path = match &problem {
            FillProblem::Typed { source, .. } => source.path.clone(),
            _ => String::new(),
        };
        let mut place = node;
        for name in path.split(['.', '[', ']']).filter(|name| !name.is_empty()) {
            let inner = match (&place.data, name.parse::<usize>()) {
                (Data::List(items), Ok(index)) => items.get(index),
                _ => place.get(name),
            };
            let Some(inner) = inner else { break };
            place = inner;
        }
        (place.span.clone(), problem)
    }
}

/// A value as JSON, with addresses made into what the type has.
fn convert(btf: &Btf, ty: TypeId, node: &Node, depth: u32) -> Json {
    let Some((_, resolved)) = btf.resolved(ty).filter(|_| depth < MAX_NESTING) else {
        return node.to_json();
    };
    match (&node.data, resolved) {
        (Data::Table(fields), Type::Struct(_) | Type::Union(_)) => {
            let field = |name: &str, value| match member(btf, ty, name, 0) {
                Some(ty) => convert(btf, ty, value, depth + 1),
                None => value.to_json(),
            };
            let fields = fields.iter();
            fields
                .map(|(key, value)| (key.name.clone(), field(&key.name, value)))
                .collect()
        }
        (Data::List(items), Type::Array(array)) => {
            let items = items.iter();
            Json::Array(
                items
                    .map(|item| convert(btf, array.elem, item, depth + 1))
                    .collect(),
            )
        }
        (Data::Text(text), Type::Array(_) | Type::Struct(_) | Type::Union(_)) => {
            let size = btf.size_of(ty).unwrap_or(0);
            match (address(text, size), resolved) {
                (Some(bytes), Type::Array(array)) if btf.size_of(array.elem) == Some(1) => {
                    bytes.into()
                }
                (Some(bytes), Type::Struct(_) | Type::Union(_)) => Json::String(to_hex(&bytes)),
                _ => node.to_json(),
            }
        }
        (Data::Text(text), Type::Int(_)) => {
            let size = btf.size_of(ty).unwrap_or(0);
            match network_order(text, size) {
                Some(number) => number.into(),
                None => node.to_json(),
            }
        }
        _ => node.to_json(),
    }
}

/// The type of a field, also one of an anonymous struct inside.
fn member(btf: &Btf, ty: TypeId, name: &str, depth: u32) -> Option<TypeId> {
    let (_, ty) = btf.resolved(ty).filter(|_| depth < MAX_NESTING)?;
    let composite = ty.as_composite()?;
    composite.members().find_map(|m| match m.name {
        "" => member(btf, m.ty, name, depth + 1),
        known => (known == name).then_some(m.ty),
    })
}

/// The bytes of an address of this size, as they are in packets.
fn address(text: &str, size: u32) -> Option<Vec<u8>> {
    match size {
        4 => Some(text.parse::<Ipv4Addr>().ok()?.octets().to_vec()),
        6 => Some(crate::packet::mac(text)?.to_vec()),
        16 => Some(text.parse::<Ipv6Addr>().ok()?.octets().to_vec()),
        _ => None,
    }
}

/// A number whose bytes in memory are an address, or a number in network order.
fn network_order(text: &str, size: u32) -> Option<u64> {
    if size == 4
        && let Some(bytes) = address(text, 4)
    {
        return Some(u32::from_le_bytes(*bytes.first_chunk()?).into());
    }
    let (function, argument) = text.strip_suffix(')')?.split_once('(')?;
    let argument = argument.trim();
    match (function, size) {
        ("htons", 2) => Some(argument.parse::<u16>().ok()?.swap_bytes().into()),
        ("htonl", 4) => Some(argument.parse::<u32>().ok()?.swap_bytes().into()),
        _ => None,
    }
}
