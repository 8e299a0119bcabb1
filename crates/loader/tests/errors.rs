//! Files that are no objects, and objects that are broken in one place: the error
//! says what and where.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{bytes, options};
use loader::{Error, Note, Object, Options};

fn error(bytes: &[u8]) -> Error {
    Object::parse(bytes, &Options::default()).unwrap_err()
}

/// An object with some bytes overwritten.
fn patched(name: &str, patches: &[(usize, &[u8])]) -> Vec<u8> {
    let mut bytes = bytes(name);
    for (at, patch) in patches {
        bytes[*at..*at + patch.len()].copy_from_slice(patch);
    }
    bytes
}

fn word<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    *bytes[at..].first_chunk().unwrap()
}

/// Where the header of the first section of this type stands.
fn section_header(bytes: &[u8], wanted: u32) -> usize {
    let table = u64::from_le_bytes(word(bytes, 40)) as usize;
    let count = u16::from_le_bytes(word(bytes, 60)) as usize;
    let headers = (0..count).map(|i| table + 64 * i);
    let mut found = headers.filter(|h| u32::from_le_bytes(word(bytes, h + 4)) == wanted);
    found.next().unwrap()
}

const SHT_PROGBITS: u32 = 1;
const SHT_SYMTAB: u32 = 2;
const SHT_REL: u32 = 9;

#[test]
fn other_files_are_recognised() {
    for (bytes, hint) in [
        (&b""[..], "not an ELF file: the file is empty"),
        (b"hello", "not an ELF file"),
        (
            b"!<arch>\n0000",
            "not an ELF file: it is an archive; extract the object with `ar x`",
        ),
        (
            b"#include <linux/bpf.h>",
            "not an ELF file: it is C source; compile it with `clang -O2 -g -target bpf -c`",
        ),
    ] {
        assert_eq!(error(bytes).to_string(), hint);
    }
    assert!(error(b"BC\xc0\xde123").to_string().contains("LLVM bitcode"));
    assert!(error(b"\xd4\xc3\xb2\xa1").to_string().contains("capture"));
}

#[test]
fn other_elf_files_are_named() {
    assert_eq!(error(&patched("pass", &[(4, &[1])])), Error::Class32);
    assert_eq!(error(&patched("pass", &[(5, &[2])])), Error::BigEndian);
    assert_eq!(
        error(&patched("pass", &[(18, &[62, 0])])),
        Error::Machine { machine: 62 }
    );
    assert_eq!(
        error(&patched("pass", &[(16, &[2, 0])])),
        Error::NotRelocatable { found: 2 }
    );
}

#[test]
fn old_compilers_left_machine_and_types_of_symbols_empty() {
    let mut bytes = patched("legacy_maps20", &[(18, &[0, 0])]);
    let symtab = section_header(&bytes, SHT_SYMTAB);
    let start = u64::from_le_bytes(word(&bytes, symtab + 24)) as usize;
    let size = u64::from_le_bytes(word(&bytes, symtab + 32)) as usize;
    for symbol in (start..start + size).step_by(24) {
        bytes[symbol + 4] &= 0xf0;
        bytes[symbol + 16..symbol + 24].fill(0);
    }
    let prog_type = Some(abi::ProgType::Xdp);
    let options = Options {
        prog_type,
        ..options("legacy_maps20")
    };
    let object = Object::parse(&bytes, &options).unwrap();
    let whole = Object::parse(&common::bytes("legacy_maps20"), &options).unwrap();
    assert_eq!(object.maps(), whole.maps());
    let code = |object: &Object| object.program("legacy_filter").unwrap().code;
    assert_eq!(code(&object), code(&whole));
    let untyped = Note::Untyped {
        function: "legacy_filter".into(),
        section: "prog".into(),
    };
    assert!(object.notes().contains(&untyped));
}

#[test]
fn code_that_is_no_whole_number_of_instructions() {
    let whole = bytes("pass");
    let table = u64::from_le_bytes(word(&whole, 40)) as usize;
    let code = (0..).map(|i| table + 64 * i).find(|h| {
        u64::from_le_bytes(word(&whole, h + 8)) & 4 != 0
            && u64::from_le_bytes(word(&whole, h + 32)) == 16
    });
    let size = code.unwrap() + 32;
    let error = error(&patched("pass", &[(size, &[15])]));
    assert_eq!(
        error.to_string(),
        "section 'xdp' has 15 bytes, which is not a multiple of 8"
    );
}

#[test]
fn sections_beyond_the_end_of_the_file() {
    let whole = bytes("firewall");
    let size = section_header(&whole, SHT_PROGBITS) + 32;
    let error = error(&patched("firewall", &[(size, &[0xff; 4])]));
    assert!(
        matches!(&error, Error::Elf { place: Some(_), .. }),
        "{error}"
    );
}

/// A small file could have many times its size read into memory.
#[test]
fn sections_that_overlap() {
    let whole = bytes("firewall");
    let table = u64::from_le_bytes(word(&whole, 40)) as usize;
    let count = u16::from_le_bytes(word(&whole, 60)) as usize;
    let len = (whole.len() as u64).to_le_bytes();
    let patches: Vec<(usize, &[u8])> = (1..count)
        .flat_map(|i| {
            [
                (table + 64 * i + 24, &[0; 8][..]),
                (table + 64 * i + 32, &len[..]),
            ]
        })
        .filter(|(at, _)| {
            // The names stay where they are.
            let kind = (at - table) / 64 * 64 + table + 4;
            u32::from_le_bytes(word(&whole, kind)) == SHT_PROGBITS
        })
        .collect();
    let error = error(&patched("firewall", &patches)).to_string();
    assert_eq!(
        error,
        "broken ELF file: the sections overlap: together they are larger than the file"
    );
}

#[test]
fn functions_that_overlap() {
    let whole = bytes("several");
    let symtab = section_header(&whole, SHT_SYMTAB);
    let start = u64::from_le_bytes(word(&whole, symtab + 24)) as usize;
    let first = (0..).map(|i| start + 24 * i).find(|symbol| {
        let is_function = whole[symbol + 4] & 0xf == 2;
        is_function && u64::from_le_bytes(word(&whole, symbol + 8)) == 0
    });
    let size = first.unwrap() + 16;
    let error = error(&patched("several", &[(size, &[104])])).to_string();
    assert_eq!(
        error,
        "broken ELF file: functions overlap (section 'xdp', offset 0x60 (in 'second'))"
    );
}

#[test]
fn relocations_of_what_does_not_exist() {
    let whole = bytes("firewall");
    let rel = section_header(&whole, SHT_REL);
    let first = u64::from_le_bytes(word(&whole, rel + 24)) as usize;
    let outside = error(&patched("firewall", &[(first, &[0xf8, 0xff])]));
    assert_eq!(
        outside.to_string(),
        "broken ELF file: a relocation lies outside of its section or inside of an instruction \
         (section 'xdp', offset 0xfff8)"
    );
    let symbol = error(&patched("firewall", &[(first + 12, &[0xff, 0xff])]));
    assert!(
        symbol.to_string().contains("a symbol that does not exist"),
        "{symbol}"
    );
}

#[test]
fn maps_need_types() {
    let mut bytes = bytes("firewall");
    let at = bytes.windows(2).position(|w| w == b"\x9f\xeb").unwrap();
    bytes[at] = 0;
    let error = error(&bytes);
    assert!(matches!(&error, Error::Btf { .. }), "{error}");
    assert!(error.to_string().contains("the maps in section '.maps'"));
}

#[test]
fn errors_are_small() {
    assert!(size_of::<Error>() <= 128);
}

/// The first error that opening an object of `corpus/refused` or making its
/// programs gives.
fn refusal(name: &str) -> String {
    let path = format!(
        "{}/../../corpus/refused/{name}.bpf.o",
        env!("CARGO_MANIFEST_DIR")
    );
    let bytes = std::fs::read(path).unwrap();
    let opened = Object::parse(&bytes, &options(name));
    opened
        .and_then(|object| object.programs())
        .unwrap_err()
        .to_string()
}

#[test]
fn refused_objects() {
    for (name, message) in [
        ("big_endian", "a big-endian BPF object"),
        (
            "wrong_machine",
            "an ELF file for machine 62, not for BPF (247)",
        ),
        (
            "map_key_conflict",
            "map 'torn': member 'key_size' says 8 bytes where 4 were said before",
        ),
        (
            "map_unknown_field",
            "map 'painted': unknown member 'colour'",
        ),
        (
            "map_without_type",
            "map 'untyped': the map type is not given",
        ),
        (
            "map_values_wrong",
            "map 'steps': the initial value at offset 0x18 names 'not_a_program', which is not a program",
        ),
        ("recursion", "section '.text', offset "),
        ("undefined_function", "section 'xdp', offset "),
        (
            "unknown_kconfig",
            "extern 'CONFIG_NO_SUCH_OPTION': no value is known",
        ),
    ] {
        let refusal = refusal(name);
        assert!(refusal.starts_with(message), "{name}: {refusal}");
    }
}

/// A kernel may have them: whoever runs the program knows.
#[test]
fn unknown_kernel_symbols_are_left_to_the_machine() {
    for (name, symbol) in [
        ("unknown_kfunc", "bpf_no_such_kfunc"),
        ("unknown_ksym", "no_such_kernel_variable"),
    ] {
        let path = format!(
            "{}/../../corpus/refused/{name}.bpf.o",
            env!("CARGO_MANIFEST_DIR")
        );
        let object = Object::parse(&std::fs::read(path).unwrap(), &options(name)).unwrap();
        let program = object.program(name).unwrap();
        assert_eq!(program.externs[0].name, symbol);
    }
}
