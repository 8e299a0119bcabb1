//! `bpf_snprintf` and the trace pipe.

use serde_json::Value;
use vm::helper::Stop;
use vm::world::Event;

use crate::bench::{Bench, latin1, rows};

const FILL: u8 = 0xaa;

#[test]
fn snprintf_answers_as_linux() {
    let mut bench = Bench::new();
    let mut wrong = Vec::new();
    let rows = rows(include_str!("../data/snprintf.jsonl"));
    for row in &rows {
        let ours = snprintf(&mut bench, row);
        let ret = row["ret"].as_i64();
        let theirs = ret.map(|ret| (ret, latin1(&row["out"])));
        if ours != theirs {
            wrong.push(format!("{row}\n    {ours:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
}

/// Return value and what was written; `None` where the verifier refuses.
fn snprintf(bench: &mut Bench, row: &Value) -> Option<(i64, Vec<u8>)> {
    bench.clear();
    let mut format = latin1(&row["fmt"]);
    format.push(0);
    let format = bench.put(&format);
    let args = arguments(bench, &row["args"]);
    let data = bench.put(&args);
    let data_len = row["data_len"].as_u64().unwrap_or(args.len() as u64);
    let size = row["size"].as_u64().unwrap_or(256);
    let out = bench.put(&[FILL; 2048]);
    match bench.call("bpf_snprintf", &[out, size, format, data, data_len]) {
        Ok(ret) => {
            let mut text = bench.get(out, 2048);
            let end = text.iter().rposition(|b| *b != FILL).map_or(0, |i| i + 1);
            text.truncate(end);
            Some((ret as i64, text))
        }
        Err(Stop::Trap(_)) => None,
        Err(other) => panic!("{other:?}"),
    }
}

/// An array of `u64`; texts become addresses.
fn arguments(bench: &mut Bench, args: &Value) -> Vec<u8> {
    let mut all = Vec::new();
    for arg in args.as_array().expect("an array") {
        let value = match arg {
            Value::String(_) => bench.put(&latin1(arg)),
            _ => arg
                .as_u64()
                .unwrap_or_else(|| arg.as_i64().expect("a number") as u64),
        };
        all.extend_from_slice(&value.to_le_bytes());
    }
    all
}

#[test]
fn printk_goes_to_the_events() {
    let mut bench = Bench::new();
    let format = bench.put(b"x=%d %s %x\0");
    let text = bench.put(b"abc\0");
    let ret = bench.call("bpf_trace_printk", &[format, 11, 5, text, 255]);
    assert_eq!(ret, Ok(10));
    let events = bench.machine.world.take_events();
    assert_eq!(events, [Event::Printk("x=5 abc ff".into())]);
}
