//! `ebpf-sim inspect`.

use expect_test::expect;
use serde_json::{Value as Json, json};

use crate::support::{check, corpus, sim};

#[test]
fn programs_maps_globals() {
    check(
        "inspect objects/portknock.bpf.o",
        expect![[r#"
            licence Dual MIT/GPL

            program portknock: xdp, attach type xdp, section xdp
              175 instructions in portknock
              helpers: bpf_map_delete_elem, bpf_map_lookup_elem, bpf_map_update_elem, bpf_ringbuf_reserve, bpf_ringbuf_submit
              maps: events, knockers, portknoc.rodata

            maps
              knockers: hash, key 4, value 4, max entries 256
              events: ringbuf, key 0, value 0, max entries 65536
              portknoc.rodata: array, key 4, value 10, max entries 1, flags rdonly_prog | mmapable

            globals
              const volatile __u16 sequence[4]  (8 bytes at .rodata+0)
              const volatile __u16 guarded  (2 bytes at .rodata+8)
            exit 0
        "#]],
    );
}

#[test]
fn externs_and_notes() {
    check(
        "inspect objects/ksyms.bpf.o",
        expect![[r#"
            licence GPL

            program weak_ksyms: xdp, attach type xdp, section xdp
              13 instructions in weak_ksyms

            program strong_kfunc: xdp, attach type xdp, section xdp
              not loaded by default
              15 instructions in strong_kfunc
              kfuncs: bpf_xdp_metadata_rx_hash
              maps: ksyms.bss

            maps
              ksyms.bss: array, key 4, value 16, max entries 1, flags mmapable

            globals
              __u64 without_hash  (8 bytes at .bss+0)
              __u64 hashes  (8 bytes at .bss+8)

            externs
              bpf_of_no_kernel_ever  (weak kfunc)
              bpf_xdp_metadata_rx_hash  (kfunc)
              variable_of_no_kernel_ever  (weak kernel address)

            notes
              weak extern 'bpf_of_no_kernel_ever' is absent
              weak extern 'variable_of_no_kernel_ever' is absent
            exit 0
        "#]],
    );
    check(
        "inspect objects/legacy_maps28.bpf.o",
        expect![[r#"
        licence GPL
        kernel version 0x60c00

        program redirect_port: xdp, attach type xdp, section xdp_prog0
          65 instructions in redirect_port
          helpers: bpf_map_lookup_elem, bpf_redirect_map
          maps: counters, tx_port

        program dummy: xdp, attach type xdp, section xdp_dummy
          2 instructions in dummy

        maps
          tx_port: devmap, key 4, value 4, max entries 0
          counters: percpu_array, key 4, value 8, max entries 1

        notes
          section 'xdp_prog0' is not a name that libbpf knows; taken for 'xdp'
          section 'xdp_dummy' is not a name that libbpf knows; taken for 'xdp'
          map 'tx_port' has no max_entries: a user-space program is expected to set it before load
        exit 0
    "#]],
    );
}

#[test]
fn maps_of_maps() {
    check(
        "inspect objects/mapinmap.bpf.o",
        expect![[r#"
            licence Dual MIT/GPL

            program mapinmap: xdp, attach type xdp, section xdp
              103 instructions in mapinmap
              helpers: bpf_map_lookup_elem, bpf_map_update_elem
              maps: by_protocol, by_vlan

            maps
              tcp_sources: hash, key 4, value 8, max entries 128
              udp_sources: hash, key 4, value 8, max entries 128
              by_protocol: array_of_maps, key 4, value 4, max entries 256, of hash maps, at first [6] = tcp_sources, [17] = udp_sources
              vlan_first: array, key 4, value 8, max entries 1
              vlan_second: array, key 4, value 8, max entries 1
              by_vlan: hash_of_maps, key 4, value 4, max entries 8, of array maps, at first [0] = vlan_first, [3] = vlan_second
            exit 0
        "#]],
    );
}

#[test]
fn relocations() {
    let ran = sim("inspect objects/core.bpf.o --btf objects/core_target.bpf.o");
    let relocations = ran.ok().split("CO-RE relocations\n").nth(1).unwrap();
    let some = relocations.lines().take(6);
    let some: String = some.flat_map(|line| [line.trim(), "\n"]).collect();
    expect![[r#"
        xdp insn 0: local_type_id of struct sim_target___old [0] = 8
        xdp insn 2: target_type_id of struct sim_target___old [0] = 10
        xdp insn 10: type_exists of struct sim_nowhere___new [0] = 0
        xdp insn 14: type_size of struct sim_target___old [0] = 104
        xdp insn 16: type_size of struct sim_nowhere___new [0] = 0
        xdp insn 18: type_matches of struct sim_target___old [0] = 0
    "#]]
    .assert_eq(&some);
}

#[test]
fn as_json() {
    let ran = sim("inspect objects/several.bpf.o --json");
    let object: Json = serde_json::from_str(ran.ok()).unwrap();
    let programs = object["programs"].as_array().unwrap();
    let brief: Vec<_> = programs
        .iter()
        .map(|p| {
            json!([
                p["name"],
                p["section"],
                p["type"],
                p["optional"],
                p["helpers"]
            ])
        })
        .collect();
    expect![[r#"[["first","xdp","xdp",false,["bpf_map_lookup_elem"]],["second","xdp","xdp",false,["bpf_map_lookup_elem"]],["optional","xdp","xdp",true,["bpf_map_lookup_elem"]],["shaper","tc","sched_cls",false,["bpf_map_lookup_elem"]]]"#]].assert_eq(&json!(brief).to_string());
    assert_eq!(object["maps"][0]["name"], "runs");
}

/// Every object of the corpus, as text and as JSON.
#[test]
fn all() {
    let mut seen = 0;
    for entry in std::fs::read_dir(corpus().join("objects")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.ends_with(".o") {
            continue;
        }
        let text = sim(&format!("inspect objects/{name}"));
        let json = sim(&format!("inspect objects/{name} --json"));
        let json: Json = serde_json::from_str(json.ok()).unwrap();
        for part in ["programs", "maps", "globals", "externs"] {
            for thing in json[part].as_array().unwrap() {
                let called = thing["name"].as_str().unwrap();
                assert!(text.ok().contains(called), "{name}: {called}");
            }
        }
        seen += 1;
    }
    assert!(seen > 40, "{seen}");
}
