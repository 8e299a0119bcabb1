//! The XDP packet buffer: sequences of calls on one packet.
//!
//! Byte `i` of the packet is `i % 251`, of the metadata `0xf0 + i % 16`, of what
//! is stored `7 * i + 3`. Contents are compared by 64-bit FNV-1a hashes.

use serde_json::Value;
use vm::packet::Input;

use crate::bench::{Bench, rows};

#[test]
fn buffer_helpers_answer_as_linux() {
    let mut bench = Bench::new();
    let pattern: Vec<u8> = (0..1u32 << 16).map(|i| (i * 7 + 3) as u8).collect();
    let pattern = bench.put(&pattern);
    let loaded = bench.put(&[0; 65_536]);
    for row in rows(include_str!("../data/xdp_buffer.jsonl")) {
        check(&mut bench, &row, pattern, loaded);
    }
}

fn check(bench: &mut Bench, row: &Value, pattern: u64, loaded: u64) {
    let number = |name: &str| row[name].as_u64().expect("a number");
    let data: Vec<u8> = (0..number("len")).map(|i| (i % 251) as u8).collect();
    let meta: Vec<u8> = (0..number("meta")).map(|i| 0xf0 + (i % 16) as u8).collect();
    let input = Input {
        data: &data,
        meta: &meta,
        ..Input::default()
    };
    let ctx = bench.machine.receive(&input).expect("a packet").to_reg();
    let filler = vec![0xcc; 65_536];
    let memory = vm::Addr(loaded as u32);
    bench
        .machine
        .space
        .bytes_mut(memory, 65_536)
        .copy_from_slice(&filler);

    let mut at = loaded;
    for (op, ret) in list(&row["ops"]).iter().zip(list(&row["rets"])) {
        let arg = |i: usize| {
            op[i]
                .as_u64()
                .unwrap_or_else(|| op[i].as_i64().expect("an argument") as u64)
        };
        let ours = match op[0].as_str().expect("a name") {
            "head" => bench.call("bpf_xdp_adjust_head", &[ctx, arg(1)]),
            "meta" => bench.call("bpf_xdp_adjust_meta", &[ctx, arg(1)]),
            "tail" => bench.call("bpf_xdp_adjust_tail", &[ctx, arg(1)]),
            "len" => bench.call("bpf_xdp_get_buff_len", &[ctx]),
            "load" => {
                let to = at;
                at += arg(2);
                bench.call("bpf_xdp_load_bytes", &[ctx, arg(1), to, arg(2)])
            }
            "store" => bench.call("bpf_xdp_store_bytes", &[ctx, arg(1), pattern, arg(2)]),
            other => panic!("{other}"),
        };
        assert_eq!(
            ours.map(|r| r as i64),
            Ok(ret.as_i64().expect("ret")),
            "{op} in {row}"
        );
    }

    let packet = bench.machine.packet.as_ref().expect("a packet");
    let mut out = Vec::new();
    packet.copy_out(&bench.machine.space, &mut out);
    assert_eq!(out.len() as u64, number("out_len"), "{row}");
    assert_eq!(u64::from(packet.meta_len()), number("meta_out"), "{row}");
    let linear = packet.meta_len() + packet.linear_len();
    assert_eq!(u64::from(linear), number("linear_out"), "{row}");
    assert_eq!(fnv(&out), row["out"], "{row}");
    if at > loaded {
        assert_eq!(
            fnv(&bench.get(loaded, (at - loaded) as usize)),
            row["loaded"],
            "{row}"
        );
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("an array")
}

fn fnv(bytes: &[u8]) -> String {
    let start = 0xcbf2_9ce4_8422_2325u64;
    let step = |h: u64, b: &u8| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3);
    format!("{:016x}", bytes.iter().fold(start, step))
}
