//! A finding as a C program that asks the running kernel, by bpf(2) alone.

use std::fmt::Write;

use abi::{ExternKind, Initial, MapDef};
use isa::Slot;
use isa::disasm::named;

use crate::fuzz::Found;
use crate::generate;

/// What every such program begins with, after its head.
const RUNTIME: &str = include_str!("runtime.c");
/// What it does at last.
const MAIN: &str = include_str!("main.c");

/// The text of the program.
pub(super) fn program(found: &Found) -> String {
    let mut raw = found.case.raw.clone();
    generate::trim(&mut raw.program);
    let mut text = String::new();
    head(&mut text, found);
    text += RUNTIME;
    instructions(&mut text, &raw.program.code);
    types(&mut text, &raw.program);
    maps(&mut text, &raw.program.maps);
    externs(&mut text, &raw.program);
    let name = raw.program.prog_type;
    let attach = raw.program.attach_type.map_or(0, |attach| attach as u32);
    let flags = raw.flags;
    let license = quoted(&raw.program.license);
    // Writing to a string does not fail.
    let _ = write!(
        text,
        "\n#define PROG_TYPE {} /* {name} */\n#define ATTACH_TYPE {attach}\n\
         #define ATTACH_BTF_ID {}\n#define PROG_FLAGS {flags:#x}\n#define LICENSE {license}\n",
        name as u32,
        raw.attach_btf_id.unwrap_or(0)
    );
    inputs(&mut text, found);
    expected(&mut text, found);
    text + "\n" + MAIN
}

fn head(text: &mut String, found: &Found) {
    let what = found.finding.what.replace("*/", "* /");
    let _ = writeln!(text, "/*\n * {}\n *", found.class().replace("*/", "* /"));
    for line in what.lines() {
        let _ = writeln!(text, " * {line}");
    }
    let _ = writeln!(
        text,
        " *\n * cc -o reproduce THIS.c && sudo ./reproduce\n *\n * Prints what the running \
         kernel says. Exit code: 0 when that is what is wrong, 1 when\n * not, 2 when it cannot \
         be asked.\n */"
    );
}

fn instructions(text: &mut String, code: &[Slot]) {
    *text += "\nstatic struct bpf_insn insns[] = {\n";
    let shown = isa::Code::new(code.to_vec());
    let mut lines: Vec<String> = vec![String::new(); code.len()];
    for (pc, insn) in shown.iter() {
        if let Some(place) = lines.get_mut(pc.index()) {
            *place = named(pc, insn, &|_| None)
                .to_string()
                .replace("*/", "* /")
                .replace("/*", "/ *");
        }
    }
    for (slot, said) in code.iter().zip(lines) {
        let Slot {
            opcode,
            dst,
            src,
            offset,
            imm,
        } = slot;
        let _ = write!(
            text,
            "\t{{ 0x{opcode:02x}, {dst}, {src}, {offset}, {imm} }},"
        );
        let _ = match said.is_empty() {
            true => writeln!(text),
            false => writeln!(text, " // {said}"),
        };
    }
    *text += "};\n";
}

fn types(text: &mut String, program: &abi::Program) {
    let typed = |def: &MapDef| def.value_type.0 != 0;
    let wanted = !program.func_info.is_empty() || program.maps.iter().any(typed);
    let bytes = program.btf.as_ref().filter(|_| wanted);
    bytes_of(text, "btf", bytes.map_or(&[], |btf| btf.bytes()));
    *text += "static unsigned int func_info[][2] = {";
    for info in &program.func_info {
        let _ = write!(text, " {{ {}, {} }},", info.pc.0, info.type_id.0);
    }
    let _ = writeln!(text, " }};\n#define FUNCTIONS {}", program.func_info.len());
}

fn maps(text: &mut String, maps: &[MapDef]) {
    for (index, def) in maps.iter().enumerate() {
        if let Initial::Bytes(bytes) = &def.initial {
            bytes_of(text, &format!("contents_{index}"), bytes);
        }
    }
    *text += "\nstatic struct map maps[] = {\n";
    for (index, def) in maps.iter().enumerate() {
        let _ = write!(text, "\t{{ {}", numbers(def));
        if let Some(inner) = &def.inner {
            let _ = write!(text, ", .inner = &(struct map){{ {} }}", numbers(inner));
        }
        if matches!(def.initial, Initial::Bytes(_)) {
            let _ = write!(text, ", .contents = contents_{index}");
        }
        if def.kind.is_constant() {
            *text += ", .frozen = 1";
        }
        let _ = writeln!(text, " }}, // {}: {}", def.name, def.map_type.name());
    }
    let _ = writeln!(text, "}};\n#define MAPS {}", maps.len());
}

fn numbers(def: &MapDef) -> String {
    format!(
        "{}, {}, {}, {}, {:#x}, {}, {}, {}",
        def.map_type as u32,
        def.key_size,
        def.value_size,
        def.max_entries,
        def.flags.0,
        def.extra,
        def.key_type.0,
        def.value_type.0
    )
}

/// Names of kernel functions, whose ids the program looks up.
fn externs(text: &mut String, program: &abi::Program) {
    *text += "static const char *externs[] = {";
    for known in program.externs.iter() {
        if known.kind == ExternKind::Kfunc {
            let _ = write!(text, " {},", quoted(&known.name));
        }
    }
    *text += " 0 };\n";
}

fn inputs(text: &mut String, found: &Found) {
    let inputs = match found.finding.input {
        Some(_) => found.case.inputs.as_slice(),
        None => &[],
    };
    for (index, input) in inputs.iter().enumerate() {
        bytes_of(text, &format!("packet_{index}"), &input.packet);
    }
    *text += "static struct packet { unsigned char *bytes; unsigned int len; } packets[] = {\n";
    for index in 0..inputs.len() {
        let _ = writeln!(text, "\t{{ packet_{index}, sizeof(packet_{index}) }},");
    }
    let _ = writeln!(text, "}};\n#define PACKETS {}", inputs.len());
}

/// What the kernel said when it was found, where it was asked.
fn expected(text: &mut String, found: &Found) {
    match &found.finding.linux {
        Some(linux) => {
            let errno = linux.errno.map_or(0, |errno| errno.0);
            let message = quoted(&linux.message);
            let _ = writeln!(
                text,
                "#define ASKED 1\n#define LINUX_ERRNO {errno}\n#define LINUX_MESSAGE {message}"
            );
        }
        None => *text += "#define ASKED 0\n#define LINUX_ERRNO 0\n#define LINUX_MESSAGE \"\"\n",
    }
    let ours = quoted(&found.finding.what);
    let _ = writeln!(text, "#define FOUND {ours}");
}

fn bytes_of(text: &mut String, name: &str, bytes: &[u8]) {
    let _ = write!(text, "static unsigned char {name}[] = {{");
    for (at, byte) in bytes.iter().enumerate() {
        *text += if at % 20 == 0 { "\n\t" } else { " " };
        let _ = write!(text, "{byte},");
    }
    *text += "\n};\n";
}

/// A text as a C string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', byte as char]),
            b'\n' => quoted += "\\n",
            // A question mark may begin a trigraph.
            b' '..=b'~' if byte != b'?' => quoted.push(byte as char),
            _ => {
                let _ = write!(quoted, "\\{byte:03o}");
            }
        }
    }
    quoted + "\""
}
