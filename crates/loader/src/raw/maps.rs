//! The maps of a line.

use abi::{Initial, MapDef, MapFlags, MapKind, MapType, Pinning};
use btf::TypeId;
use serde::Deserialize;

use super::form::{MapForm, Maps};
use super::types::{from_base64, from_hex};
use super::{RawError, RawFault};

/// The maps, and the names by which instructions may call them.
pub(super) fn read(maps: Maps) -> Result<(Vec<MapDef>, Vec<String>), RawError> {
    let mut defs = Vec::new();
    let mut names = Vec::new();
    match maps {
        Maps::List(list) => {
            for (index, form) in list.into_iter().enumerate() {
                names.push(form.name.clone());
                defs.push(define(&format!("maps[{index}]"), form)?);
            }
        }
        Maps::Named(named) => {
            for (name, value) in named {
                let field = format!("maps.{name}");
                let form = MapForm::deserialize(value).map_err(|error| {
                    let message = error.to_string();
                    RawError::new(field.clone(), RawFault::Json { message })
                })?;
                defs.push(define(&field, form)?);
                names.push(name);
            }
        }
    }
    Ok((defs, names))
}

fn define(field: &str, form: MapForm) -> Result<MapDef, RawError> {
    let by_name = |name: &str| MapType::ALL.iter().copied().find(|ty| ty.name() == name);
    let map_type = form
        .map_type
        .read(&format!("{field}.type"), MapType::new, by_name)?;
    let contents = match (&form.contents, &form.contents_hex) {
        (Some(text), _) => Some(from_base64(&format!("{field}.contents"), text)?),
        (None, Some(text)) => Some(from_hex(&format!("{field}.contents_hex"), text)?),
        (None, None) => None,
    };
    let inner = form.inner.map(|inner| {
        let inner = define(&format!("{field}.inner"), *inner)?;
        Ok(Box::new(inner))
    });
    Ok(MapDef {
        name: form.name,
        map_type,
        key_size: form.key_size,
        value_size: form.value_size,
        max_entries: form.max_entries,
        flags: MapFlags(form.flags),
        extra: form.extra,
        numa_node: 0,
        key_type: TypeId(form.key_type_id),
        value_type: TypeId(form.value_type_id),
        inner: inner.transpose()?,
        kind: match form.frozen {
            true => MapKind::Rodata,
            false => MapKind::User,
        },
        initial: contents.map_or(Initial::Empty, Initial::Bytes),
        pinning: Pinning::None,
    })
}
