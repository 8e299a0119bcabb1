//! Raw bytes in JSON.

use serde_json::Value as Json;

/// `0x` and two digits a byte, in the order of memory.
pub fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(2 + 2 * bytes.len());
    text.push_str("0x");
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// `size` bytes from a `"0x…"` string, an array of them, or a number of 1, 2, 4
/// or 8 bytes.
pub(super) fn from_json(value: &Json, size: u32) -> Option<Vec<u8>> {
    match value {
        Json::String(text) => {
            let bytes = from_hex(text)?;
            (bytes.len() == size as usize).then_some(bytes)
        }
        Json::Array(_) => from_array(value, size),
        Json::Number(number) => {
            let word = match number.as_u64() {
                Some(word) => word,
                None => number.as_i64()? as u64,
            };
            let keep = size as usize;
            let (low, high) = word
                .to_le_bytes()
                .split_at_checked(keep)
                .map(|(l, h)| (l.to_vec(), h.to_vec()))?;
            let sign = if number.is_i64() && word >> 63 == 1 {
                0xff
            } else {
                0
            };
            high.iter().all(|b| *b == sign).then_some(low)
        }
        _ => None,
    }
}

/// `size` bytes from an array of exactly as many `"0x.."` strings of a byte each.
pub(super) fn from_array(value: &Json, size: u32) -> Option<Vec<u8>> {
    let list = value.as_array().filter(|l| l.len() == size as usize)?;
    list.iter()
        .map(|item| {
            let digits = item.as_str()?.strip_prefix("0x").filter(|d| d.len() <= 2)?;
            u8::from_str_radix(digits, 16).ok()
        })
        .collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?.as_bytes();
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let digit = |d: u8| char::from(d).to_digit(16).map(|d| d as u8);
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn forms_of_raw_bytes() {
        assert_eq!(to_hex(&[0, 0xab]), "0x00ab");
        assert_eq!(from_json(&json!("0x00ab"), 2), Some(vec![0, 0xab]));
        assert_eq!(from_json(&json!(["0x00", "0xab"]), 2), Some(vec![0, 0xab]));
        assert_eq!(from_json(&json!(258), 2), Some(vec![2, 1]));
        assert_eq!(from_json(&json!(-2), 4), Some(vec![0xfe, 0xff, 0xff, 0xff]));
    }

    #[test]
    fn faulty_raw_bytes() {
        for value in [
            json!("0x0"),
            json!("00"),
            json!("0xzz00"),
            json!(["0x00"]),
            json!(65536),
            json!(null),
        ] {
            assert_eq!(from_json(&value, 2), None, "{value}");
        }
        assert_eq!(from_json(&json!(1), 16), None);
    }
}
