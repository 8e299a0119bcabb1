//! `bpf_strtol`, `bpf_strtoul`, `bpf_strncmp`, `bpf_csum_diff`.

use crate::bench::{Bench, hex, latin1, rows};

const FILL: u64 = 0xaaaa_aaaa_aaaa_aaaa;

#[test]
fn strtol_answers_as_linux() {
    let mut bench = Bench::new();
    for row in rows(include_str!("../data/strtol.jsonl")) {
        bench.clear();
        let text = latin1(&row["text"]);
        let at = bench.put(&text);
        let result = bench.put(&FILL.to_le_bytes());
        let helper = row["helper"].as_str().expect("a name");
        let flags = row["flags"].as_u64().expect("flags");
        let ret = bench.call(helper, &[at, text.len() as u64, flags, result]);
        assert_eq!(
            ret.map(|r| r as i64),
            Ok(row["ret"].as_i64().expect("ret")),
            "{row}"
        );
        let value = bench.get(result, 8);
        assert_eq!(
            value,
            row["value"].as_u64().unwrap_or(FILL).to_le_bytes(),
            "{row}"
        );
    }
}

#[test]
fn strncmp_answers_as_linux() {
    let mut bench = Bench::new();
    for row in rows(include_str!("../data/strncmp.jsonl")) {
        bench.clear();
        let mut first = latin1(&row["s1"]);
        first.resize(16, 0);
        let mut second = latin1(&row["s2"]);
        second.push(0);
        let (first, second) = (bench.put(&first), bench.put(&second));
        let size = row["size"].as_u64().expect("size");
        let ret = bench.call("bpf_strncmp", &[first, size, second]);
        assert_eq!(
            ret.map(|r| r as i64),
            Ok(row["ret"].as_i64().expect("ret")),
            "{row}"
        );
    }
}

#[test]
fn csum_diff_answers_as_linux() {
    let mut bench = Bench::new();
    for row in rows(include_str!("../data/csum_diff.jsonl")) {
        bench.clear();
        let from = bench.put(&hex(&row["from"]));
        let to = bench.put(&hex(&row["to"]));
        let number = |name: &str| row[name].as_u64().expect("a number");
        let args = [
            from,
            number("from_size"),
            to,
            number("to_size"),
            number("seed"),
        ];
        let ret = bench.call("bpf_csum_diff", &args);
        assert_eq!(ret, Ok(number("ret")), "{row}");
    }
}
