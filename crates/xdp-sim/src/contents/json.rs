//! Trees of typed values as JSON, and back.

use btf::value::Value;
use serde_json::{Map as Object, Number, Value as Json};

use super::bytes;

/// A decoded value.
pub(super) fn from_value(value: Value) -> Json {
    match value {
        Value::Int(number) => integer(number),
        Value::Bool(truth) => Json::Bool(truth),
        Value::Char(c) => Json::String(c.to_string()),
        Value::Float(number) => Number::from_f64(number).map_or(Json::Null, Json::Number),
        Value::Enum { name, .. } => Json::String(name),
        Value::Ptr(address) => Json::from(address),
        Value::String(text) => Json::String(text),
        Value::Array(items) => Json::Array(items.into_iter().map(from_value).collect()),
        Value::Struct(fields) => {
            let fields = fields
                .into_iter()
                .map(|(name, value)| (name, from_value(value)));
            Json::Object(fields.collect::<Object<_, _>>())
        }
        Value::Bytes(raw) => Json::String(bytes::to_hex(&raw)),
    }
}

/// Integers beyond 64 bits are text, as JSON readers would lose digits.
fn integer(number: i128) -> Json {
    match (u64::try_from(number), i64::try_from(number)) {
        (Ok(number), _) => Json::from(number),
        (_, Ok(number)) => Json::from(number),
        _ => Json::String(number.to_string()),
    }
}

/// What a value is to be made of. `None` for `null`, which means nothing.
pub(super) fn to_value(json: &Json) -> Option<Value> {
    Some(match json {
        Json::Null => return None,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => Value::Int(number.into()),
            (_, Some(number)) => Value::Int(number.into()),
            _ => Value::Float(number.as_f64()?),
        },
        Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => Value::Array(items.iter().map(to_value).collect::<Option<_>>()?),
        Json::Object(fields) => Value::Struct(
            fields
                .iter()
                .map(|(name, value)| Some((name.clone(), to_value(value)?)))
                .collect::<Option<_>>()?,
        ),
    })
}
