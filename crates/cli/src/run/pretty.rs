//! Map entries as a person wants to read them: JSON with fewer signs, one CPU
//! without its number, and long runs of one element counted.

use std::fmt::Write;

use serde_json::Value as Json;

/// So many equal neighbours in an array are counted instead of repeated.
const RUN: usize = 4;

/// An entry as `key: value`.
pub(super) fn entry(entry: &Json) -> String {
    let mut text = String::new();
    if let Some(key) = entry.get("key") {
        value(&mut text, key);
        text += ": ";
    }
    match (entry.get("value"), entry.get("values")) {
        (Some(one), _) => value(&mut text, one),
        (None, Some(Json::Array(cpus))) => per_cpu(&mut text, cpus),
        _ => {}
    }
    text
}

/// The variables of a global data section, one a line.
pub(super) fn variables(entry: &Json) -> Option<Vec<String>> {
    let variables = entry.get("value")?.as_object()?.iter();
    let line = |(name, json): (&String, &Json)| {
        let mut text = format!("{name} = ");
        value(&mut text, json);
        text
    };
    Some(variables.map(line).collect())
}

/// Neighbours with the same value are shown once.
fn per_cpu(text: &mut String, cpus: &[Json]) {
    if let [only] = cpus {
        return value(text, &only["value"]);
    }
    let runs = cpus.chunk_by(|a, b| a["value"] == b["value"]);
    for (place, run) in runs.enumerate() {
        let between = if place > 0 { ", " } else { "" };
        let (first, last) = (&run[0], &run[run.len() - 1]);
        let _ = match run.len() {
            1 => write!(text, "{between}cpu {}: ", first["cpu"]),
            _ => write!(text, "{between}cpu {}-{}: ", first["cpu"], last["cpu"]),
        };
        value(text, &first["value"]);
    }
}

fn value(text: &mut String, json: &Json) {
    match json {
        Json::Array(elements) => {
            text.push('[');
            array(text, elements);
            text.push(']');
        }
        Json::Object(members) => {
            text.push('{');
            for (place, (name, member)) in members.iter().enumerate() {
                let between = if place > 0 { ", " } else { "" };
                let _ = write!(text, "{between}{name}: ");
                value(text, member);
            }
            text.push('}');
        }
        // Raw bytes and names need no quotes.
        Json::String(string)
            if string
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_') =>
        {
            match string.is_empty() {
                true => *text += "\"\"",
                false => *text += string,
            }
        }
        other => {
            let _ = write!(text, "{other}");
        }
    }
}

fn array(text: &mut String, elements: &[Json]) {
    let runs = elements.chunk_by(|a, b| a == b).enumerate();
    for (place, run) in runs {
        if place > 0 {
            *text += ", ";
        }
        if run.len() >= RUN {
            value(text, &run[0]);
            let _ = write!(text, " × {}", run.len());
            continue;
        }
        for (place, element) in run.iter().enumerate() {
            if place > 0 {
                *text += ", ";
            }
            value(text, element);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn entries() {
        let shown = |json| entry(&json);
        let typed = json!({"key": {"port": 80}, "value": [1, 1, 1, 0, 0, 0, 0]});
        assert_eq!(shown(typed), "{port: 80}: [1, 1, 1, 0 × 4]");
        let raw = json!({"value": "0x0a00"});
        assert_eq!(shown(raw), "0x0a00");
        let text = json!({"key": 1, "value": {"name": "a, b", "empty": ""}});
        assert_eq!(shown(text), "1: {name: \"a, b\", empty: \"\"}");
    }

    #[test]
    fn per_cpu_values() {
        let one = json!({"key": 1, "values": [{"cpu": 0, "value": {"n": 5}}]});
        assert_eq!(entry(&one), "1: {n: 5}");
        let two = json!({"key": 1, "values": [{"cpu": 0, "value": 5}, {"cpu": 1, "value": 6}]});
        assert_eq!(entry(&two), "1: cpu 0: 5, cpu 1: 6");
        let same = json!({"key": 1, "values": [
            {"cpu": 0, "value": 5}, {"cpu": 1, "value": 0}, {"cpu": 2, "value": 0},
        ]});
        assert_eq!(entry(&same), "1: cpu 0: 5, cpu 1-2: 0");
    }

    #[test]
    fn global_data() {
        let data = json!({"key": "0x00000000", "value": {"seen": 3, "last": [1, 2]}});
        assert_eq!(
            variables(&data),
            Some(vec!["seen = 3".into(), "last = [1, 2]".into()])
        );
        assert_eq!(variables(&json!({"value": "0x00"})), None);
    }
}
