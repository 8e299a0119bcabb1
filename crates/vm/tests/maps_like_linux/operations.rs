//! Operations, replayed against Linux's answers.

use abi::{Errno, MapFlags};

use crate::support::{Maps, def, map_type};

#[test]
fn linux_answers() {
    let mut maps = Maps::new();
    let mut definition = "";
    let lines = include_str!("../data/map_operations.txt").lines();
    for (number, line) in (1..).zip(lines) {
        if line.starts_with('#') {
            continue;
        }
        let (question, expected) = line.split_once(" | ").unwrap();
        let words: Vec<&str> = question.split(' ').collect();
        if words[0] == "create" {
            definition = question;
            maps = create(&words);
        } else {
            let answer = answer(&mut maps, &words);
            assert_eq!(
                answer, expected,
                "line {number}: {question} of {definition}"
            );
        }
    }
}

fn create(words: &[&str]) -> Maps {
    let number = |i: usize| words[i].parse().unwrap();
    let mut map = def(map_type(words[1]), number(2), number(3), number(4));
    map.flags = MapFlags(number(5));
    map.extra = words[6].parse().unwrap();
    Maps::with(&map)
}

fn answer(maps: &mut Maps, words: &[&str]) -> String {
    let key = bytes(words[1]);
    match words[0] {
        "update" => {
            let flags = words[3].parse().unwrap();
            done(maps.sys_update(&key, &bytes(words[2]), flags))
        }
        "lookup" => shown(maps.sys_lookup(&key)),
        "take" => {
            let map = maps.maps.last_mut().unwrap();
            shown(map.sys_take(&mut maps.space, &key))
        }
        "delete" => done(maps.delete(&key)),
        "next" => shown(maps.next_key(Some(&key).filter(|k| !k.is_empty()).map(|k| &**k))),
        "use" => u8::from(maps.lookup(0, &key).is_some()).to_string(),
        "keys" => keys(maps, words[1] == "sort"),
        other => panic!("{other}"),
    }
}

fn keys(maps: &mut Maps, sort: bool) -> String {
    let entries = maps.entries();
    let mut entries: Vec<String> = entries
        .iter()
        .map(|(key, value)| format!("{}:{}", hex(key), hex(value)))
        .collect();
    if sort {
        entries.sort();
    }
    match entries.is_empty() {
        true => "-".into(),
        false => entries.join(","),
    }
}

fn done(result: Result<(), Errno>) -> String {
    result.map_or_else(|errno| errno.to_string(), |()| "ok".into())
}

fn shown(result: Result<Vec<u8>, Errno>) -> String {
    result.map_or_else(|errno| errno.to_string(), |bytes| hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Hex, or what else a word is; then it is not used.
fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .filter_map(|d| u8::from_str_radix(std::str::from_utf8(d).ok()?, 16).ok())
        .collect()
}
