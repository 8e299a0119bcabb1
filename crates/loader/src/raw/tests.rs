use abi::{ExternKind, MapKind, MapType, ProgType};
use isa::Slot;

use super::{Caps, RawProgram};

const EXIT: &str = "9500000000000000";

fn parse(line: &str) -> RawProgram {
    RawProgram::parse(line, None).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn error(line: &str) -> String {
    RawProgram::parse(line, None).expect_err(line).to_string()
}

#[test]
fn all_that_a_line_can_have() {
    let raw = parse(
        r#"{"name": "all", "type": "cgroup_skb", "attach_type": "cgroup_inet_egress",
            "flags": ["BPF_F_TEST_STATE_FREQ", "strict_alignment"], "license": "MIT",
            "caps": ["CAP_BPF", "NET_ADMIN"], "attach_btf_id": 7,
            "insns": ["18110000:b", "0000000000000000", "1821000009000000", "0000000000000000",
                      "8520000039300000", "9500000000000000"],
            "externs": {"12345": "bpf_iter_num_new"},
            "maps": {"b": {"type": 2, "key": 4, "val": 2, "ents": 1, "contents": "AQI=",
                           "flags": 128, "frozen": true},
                     "a": {"type": "array_of_maps", "key_size": 4, "value_size": 4,
                           "max_entries": 3, "name": "kernel",
                           "inner": {"type": "hash", "key": 8, "val": 8, "ents": 2}}},
            "func_info": [[0, 3]], "line_info": "AAAAAAEAAAACAAAAAwwAAA==",
            "last_message": "of no interest"}"#,
    );
    let program = &raw.program;
    assert_eq!(program.prog_type, ProgType::CgroupSkb);
    assert_eq!(program.attach_type.map(|a| a as u32), Some(1));
    assert_eq!((raw.flags, raw.attach_btf_id), (9, Some(7)));
    let caps = Caps {
        perfmon: false,
        ..Caps::ROOT
    };
    assert_eq!(raw.caps, caps);
    let imms: Vec<_> = program.code.iter().map(|s| (s.src, s.imm)).collect();
    // The descriptor 9 is the first that is distinct, so it is the first map.
    assert_eq!(imms[0], (5, 0));
    assert_eq!(imms[2], (6, 0));
    assert_eq!(imms[4], (2, 0));
    assert_eq!(program.externs[0].name, "bpf_iter_num_new");
    assert_eq!(program.externs[0].kind, ExternKind::Kfunc);
    assert_eq!(program.maps[0].kind, MapKind::Rodata);
    assert_eq!(program.maps[0].name, "");
    assert_eq!(program.maps[1].name, "kernel");
    let inner = program.maps[1].inner.as_ref().expect("a template");
    assert_eq!(inner.map_type, MapType::Hash);
    assert_eq!(program.func_info[0].type_id.0, 3);
    let line = program.line_info[0];
    assert_eq!((line.line, line.column, line.line_off), (3, 3, 2));
}

#[test]
fn the_least_that_a_line_has() {
    let raw = parse(&format!(r#"{{"insns": "{EXIT}{EXIT}"}}"#));
    assert_eq!(
        raw.program.code,
        [Slot::from_bytes([0x95, 0, 0, 0, 0, 0, 0, 0]); 2]
    );
    assert_eq!(raw.program.license, "GPL");
    assert_eq!(raw.caps, Caps::ROOT);
    assert_eq!(raw.program.prog_type, ProgType::SocketFilter);
}

#[test]
fn what_names_nothing_stays() {
    let raw = parse(r#"{"insns": ["1811000092100000", "0000000000000000"]}"#);
    assert_eq!(
        (raw.program.code[0].src, raw.program.code[0].imm),
        (1, 4242)
    );
}

#[test]
fn errors_name_the_field() {
    let cases = [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("{", "EOF while parsing an object at line 1 column 1"),
        (
            r#"{"insns": 3}"#,
            "insns: expected a text or a list of texts",
        ),
        (
            r#"{"insns": "95"}"#,
            "insns: 1 bytes are no whole number of 8-byte slots",
        ),
        (
            r#"{"insns": ["95000000000000000"]}"#,
            "insns[0]: `95000000000000000` is not an even number of hexadecimal digits",
        ),
        (
            r#"{"insns": ["18110000:x"]}"#,
            "insns[0]: there is no map x",
        ),
        (
            r#"{"insns": [], "type": "xpd"}"#,
            "type: `xpd` is not a name that bpftool has there",
        ),
        (
            r#"{"insns": [], "maps": {"m": {"type": "hsah"}}}"#,
            "maps.m.type: `hsah` is not a name that bpftool has there",
        ),
        (
            r#"{"insns": [], "maps": {"m": {"type": "hash", "key": "4"}}}"#,
            "maps.m: invalid type: string \"4\", expected u32",
        ),
        (r#"{"insns": [], "btf": "AAAA"}"#, "btf: "),
        (
            r#"{"insns": ["8520000039300000"]}"#,
            "insns: kernel BTF id 12345 has no name: list it in `externs`",
        ),
        (
            r#"{"insns": []} 5"#,
            "trailing characters at line 1 column 15",
        ),
        (
            r#"{"insns": [], "line_info": "AAAA"}"#,
            "line_info: 3 bytes are no whole number of records of 16 bytes",
        ),
    ];
    for (line, expected) in cases {
        let found = error(line);
        assert!(found.starts_with(expected), "{line}\n{found}");
    }
}

/// Every single change of a line gives a program or an error.
#[test]
fn damaged_lines() {
    let line = r#"{"type":"xdp","flags":8,"insns":["18110000:m","0000000000000000","8520000001000000"],"externs":{"1":"f"},"maps":{"m":{"type":"hash","key":4,"val":8,"ents":1}},"btf_hex":"9feb01001800000000000000","func_info":[[0,1]]}"#;
    let replacements = [
        "",
        "0",
        "9999999999999999999",
        "-1",
        "\"",
        "{",
        "]",
        "é",
        "\\u0000",
    ];
    for at in 0..line.len() {
        for text in replacements {
            let damaged = format!("{}{text}{}", &line[..at], &line[at + 1..]);
            let _ = RawProgram::parse(&damaged, None);
        }
        let _ = RawProgram::parse(&line[..at], None);
    }
}

/// What is written is read as the same.
#[test]
fn written_and_read() {
    let lines = [
        r#"{"insns": ["b700000002000000", "9500000000000000"]}"#,
        r#"{"name":"n","type":"tracing","attach_type":"trace_fentry","attach_target":"f","flags":24,"license":"MIT","kern_version":7,"caps":["BPF"],"insns":["18510000000000000000000000000000","8520000000000000","9500000000000000"],"externs":["bpf_f"],"maps":[{"name":"m","type":"array_of_maps","key":4,"val":4,"ents":2,"flags":1024,"extra":3,"inner":{"type":"array","key":4,"val":8,"ents":1}},{"type":"array","key":4,"val":2,"ents":1,"flags":128,"contents_hex":"0102","frozen":true}],"func_info":[[0,1]],"line_info":[[0,1,2,3075]]}"#,
    ];
    for line in lines {
        let first = RawProgram::parse(line, None).expect(line);
        let text = first.to_json().to_string();
        let again = RawProgram::parse(&text, None).expect(&text);
        assert_eq!(format!("{first:?}"), format!("{again:?}"));
        assert_eq!(again.to_json().to_string(), text);
    }
}
