//! `run --json`, as `docs/json.md` has it.

use expect_test::expect;
use serde_json::{Value as Json, json};

use crate::support::{Ran, corpus, sim};

fn untimed(ran: &Ran) -> Vec<Json> {
    let mut lines = ran.json();
    for line in &mut lines {
        line.as_object_mut().unwrap().remove("timing");
    }
    lines
}

#[test]
fn summary() {
    let ran = sim(
        "run objects/devmap.bpf.o --program to_port --pcap pcaps/mixed.pcap --json
                   --map ports=maps/devmap/ports.json",
    );
    ran.ok();
    let lines = untimed(&ran);
    assert_eq!(lines.len(), 1);
    expect![[r#"
        {
          "type": "summary",
          "version": 1,
          "object": "objects/devmap.bpf.o",
          "program": "to_port",
          "capture": "pcaps/mixed.pcap",
          "packets": {
            "packets": 366,
            "bytes": 58145
          },
          "too_short": 0,
          "cut": 0,
          "multi_buffer": 0,
          "actions": {
            "XDP_ABORTED": {
              "packets": 0,
              "bytes": 0
            },
            "XDP_DROP": {
              "packets": 0,
              "bytes": 0
            },
            "XDP_PASS": {
              "packets": 172,
              "bytes": 28783
            },
            "XDP_TX": {
              "packets": 30,
              "bytes": 4590
            },
            "XDP_REDIRECT": {
              "packets": 164,
              "bytes": 24772
            }
          },
          "invalid_returns": {},
          "destinations": {
            "stack": {
              "packets": 172,
              "bytes": 28783
            },
            "back": {
              "packets": 30,
              "bytes": 4590
            },
            "device 1": {
              "packets": 164,
              "bytes": 24772
            }
          },
          "lost": 0,
          "traps": 0,
          "instructions": {
            "total": 10267,
            "worst": 58,
            "worst_packet": 8
          },
          "events": 0,
          "printk": 0,
          "maps": {
            "devmap.bss": [
              {
                "key": "0x00000000",
                "value": {
                  "redirected": 164,
                  "egress_seen": [
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0
                  ]
                }
              }
            ]
          }
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&lines[0]).unwrap());
    assert!(ran.summary()["timing"]["seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn packets() {
    let ran = sim(
        "run objects/vlan.bpf.o --program vlan_push --pcap pcaps/arp.pcap
                   --packets 2 --json --per-packet",
    );
    let lines = ran.ok().lines().take(2);
    let lines: String = lines.flat_map(|line| [line, "\n"]).collect();
    expect![[r#"
        {"type":"packet","index":0,"timestamp":1700000000123456000,"action":"XDP_TX","return":3,"length_in":60,"length_out":64,"metadata":0,"hash":"3fa26aa0d15d6625","instructions":98,"destinations":[{"to":"back","length":64}]}
        {"type":"packet","index":1,"timestamp":1700000000124706000,"action":"XDP_TX","return":3,"length_in":60,"length_out":64,"metadata":0,"hash":"a0dca5940e9b1952","instructions":98,"destinations":[{"to":"back","length":64}]}
    "#]].assert_eq(&lines);
}

#[test]
fn packets_of_every_kind() {
    let ran = sim(
        "run objects/devmap.bpf.o --program to_port --pcap pcaps/mixed.pcap
                   --json --per-packet --map ports=maps/devmap/ports.json",
    );
    let (lines, summary) = (ran.json(), ran.summary());
    let sum = |action: &str| {
        let of = |l: &&Json| l["type"] == "packet" && l["action"] == action;
        lines.iter().filter(of).count()
    };
    for (action, count) in summary["actions"].as_object().unwrap() {
        assert_eq!(count["packets"], json!(sum(action)), "{action}");
    }
    let to_device = |l: &&Json| l["destinations"][0]["to"] == "device 1";
    let redirected = lines.iter().find(to_device).unwrap();
    assert_eq!(redirected["action"], "XDP_REDIRECT");
}

#[test]
fn events_stand_before_the_next_packet() {
    let ran = sim("run objects/portknock.bpf.o --pcap pcaps/portknock.pcap --json --per-packet");
    let lines = ran.json();
    assert_eq!(lines[0]["type"], "packet");
    assert_eq!(
        lines[1],
        json!({"type": "event", "packet": 0, "map": "events",
               "data": "0x0300000000000000c000021f16000000"})
    );
    assert_eq!(
        (&lines[2]["type"], &lines[2]["index"]),
        (&json!("packet"), &json!(1))
    );
    let events = lines.iter().filter(|l| l["type"] == "event").count();
    assert_eq!(ran.summary()["events"], json!(events));
}

#[test]
fn perf_events_and_printk() {
    let ran = sim("run objects/sampler.bpf.o --pcap pcaps/arp.pcap --packets 1 --json");
    let event = &ran.json()[0];
    assert_eq!(
        (&event["map"], &event["cpu"]),
        (&json!("samples"), &json!(0))
    );
    let ran = sim("run objects/printk.bpf.o --pcap pcaps/arp.pcap --packets 1 --json");
    let text = "packet of 60 bytes, type 0x806";
    assert_eq!(
        ran.json()[0],
        json!({"type": "printk", "packet": 0, "text": text})
    );
}

#[test]
fn traps_are_named() {
    let ran = sim(
        "run objects/pass.bpf.o --pcap pcaps/arp.pcap --packets 1 --budget 1
                   --json --per-packet",
    );
    let packet = &ran.json()[0];
    assert_eq!(ran.code, 1);
    assert_eq!(
        (&packet["action"], &packet["return"]),
        (&json!("XDP_ABORTED"), &json!(0))
    );
    expect!["program pass, insn 1: more than 1 instructions"]
        .assert_eq(packet["trap"].as_str().unwrap());
    assert_eq!(ran.summary()["traps"], 1);
}

/// Every program that can be on an interface, twice.
#[test]
fn two_runs_are_equal() {
    let mut objects: Vec<_> = std::fs::read_dir(corpus().join("objects"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".o"))
        .collect();
    objects.sort();
    let mut equal = 0;
    for object in objects {
        let line = format!("run objects/{object} --pcap pcaps/mixed.pcap --json --per-packet");
        let first = sim(&line);
        if first.code != 0 {
            continue;
        }
        let second = sim(&line);
        let (last, lines) = first
            .stdout
            .lines()
            .collect::<Vec<_>>()
            .split_last()
            .map(|(last, lines)| (last.to_string(), lines.join("\n")))
            .unwrap();
        assert!(second.stdout.starts_with(&lines), "{object}");
        let (before, _) = last.split_once("\"timing\"").unwrap();
        assert!(second.stdout.contains(before), "{object}");
        equal += 1;
    }
    assert!(equal > 25, "{equal}");
}
