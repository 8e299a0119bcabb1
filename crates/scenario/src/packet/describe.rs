//! Bytes as the description that they are made from: what `--bless` writes.
//!
//! Only what is not the default is said. What comes out is built again and
//! compared; bytes that no description makes are written in hex.

use super::decode::{Decoded, Found, decode};
use super::layer::{Default, Id, Kind};
use super::parse::{Definitions, parse};
use super::value::{self, show_bytes};
use super::{build, layers};

/// A description of these bytes.
pub fn describe(bytes: &[u8]) -> String {
    let description = in_layers(&decode(bytes));
    let parts = parse(&description, &Definitions::default());
    let built = parts.map(|parts| build::build(&parts));
    match built {
        Ok(Ok(built)) if built == bytes => description,
        _ => show_bytes(bytes),
    }
}

fn in_layers(decoded: &Decoded<'_>) -> String {
    let bytes = decoded.bytes;
    let mut parts: Vec<String> = Vec::new();
    for (place, found) in decoded.layers.iter().enumerate() {
        let next = decoded.layers.get(place + 1);
        let mut words = vec![found.layer.name.to_owned()];
        for field in found.layer.fields {
            let Some(number) = found.value(bytes, field) else {
                continue;
            };
            let default = match field.default {
                Default::Value(default) => number == default,
                Default::Follows => follows(found, field.name, number, next, decoded),
            };
            match field.kind {
                _ if default => {}
                Kind::Bit if number == 1 => words.push(field.name.to_owned()),
                kind => words.push(format!("{}={}", field.name, value::show(kind, number))),
            }
        }
        if let (Some(name), [_, ..]) = (found.layer.options, found.options(bytes)) {
            let options = found.shown_options(bytes);
            // Texts have no place in a value.
            let options = match options.starts_with('"') {
                true => hex(found.options(bytes)),
                false => options,
            };
            words.push(format!("{name}={options}"));
        }
        parts.push(words.join(" "));
    }
    if !decoded.payload.is_empty() {
        parts.push(show_bytes(decoded.payload()));
    }
    if !decoded.trailer.is_empty() {
        parts.push(format!("pad to={}", bytes.len()));
    }
    parts.join(" / ")
}

/// Whether a value is what the builder fills in. Lengths are taken to be: where
/// they are not, building shows it.
fn follows(
    found: &Found,
    name: &str,
    number: u128,
    next: Option<&Found>,
    decoded: &Decoded<'_>,
) -> bool {
    match name {
        "type" | "proto" | "next" => {
            let said = layers::next_field(found.layer.id);
            let said = said.and_then(|(_, of)| of(next?.layer.id));
            said.map(u128::from) == Some(number)
        }
        "csum" => found.checksum.map(u128::from) == Some(number),
        "dport" => {
            let port = match next.map(|next| next.layer.id) {
                Some(Id::Vxlan) => layers::VXLAN_PORT,
                Some(Id::Geneve) => layers::GENEVE_PORT,
                _ => 9,
            };
            number == port
        }
        "len" if matches!(found.layer.id, Id::Ip | Id::Udp) => {
            number == (decoded.payload.end - found.range.start) as u128
        }
        "len" if found.layer.id == Id::Ip6 => {
            number == (decoded.payload.end - found.range.end) as u128
        }
        _ => true,
    }
}

fn hex(bytes: &[u8]) -> String {
    xdp_sim::contents::to_hex(bytes)
}
