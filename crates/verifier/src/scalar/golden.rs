//! What Linux 6.18 says of numbers, record by record: `corpus/verify/scalar`.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use isa::{AluOp, CmpOp, EndianOp, Width};

use super::{Branches, Scalar, Tnum};

/// The records of the file, and how many it must hold.
const FILE: &str = "linux-6.18.tsv.gz";
const RECORDS: usize = 48_112;

#[test]
fn every_record_of_linux_is_reproduced() {
    let text = records();
    let mut wrong = String::new();
    let mut failed = 0;
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        if let Err(got) = check(&fields) {
            failed += 1;
            if failed <= 20 {
                writeln!(wrong, "{line}\n{got}\n").expect("a string takes all");
            }
        }
    }
    assert_eq!(failed, 0, "of {}:\n{wrong}", text.lines().count());
    assert_eq!(text.lines().count(), RECORDS);
}

fn records() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../corpus/verify/scalar")
        .join(FILE);
    let file = std::fs::File::open(path).expect("the corpus is there");
    let mut text = String::new();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .expect("the file is text in gzip");
    text
}

/// What Linux would print of ours, where it is not what it printed.
fn check(fields: &[&str]) -> Result<(), String> {
    let (name, fields) = fields.split_first().expect("a line names its operation");
    match *fields {
        [operand, result] => {
            let before = parse(operand);
            same(result, &[before], unary(name, before))
        }
        [dst, src, result] => {
            let (dst, src) = operands(dst, src);
            let (op, width) = alu_op(name);
            same(result, &[dst, src], dst.alu(op, width, src).settled())
        }
        [dst, src, ref ways @ ..] => {
            let (dst, src) = operands(dst, src);
            branch(name, dst, src, ways)
        }
        _ => panic!("{name}: {} fields", fields.len()),
    }
}

fn operands(dst: &str, src: &str) -> (Scalar, Scalar) {
    let dst = parse(dst);
    (dst, if src == "=" { dst } else { parse(src) })
}

fn branch(name: &str, dst: Scalar, src: Scalar, ways: &[&str]) -> Result<(), String> {
    let (op, width) = cmp_op(name);
    let (decided, ways) = match *ways {
        ["!", a, b] => (Some(true), [None, Some((a, b))]),
        [a, b, "!"] => (Some(false), [Some((a, b)), None]),
        [a, b, c, d] => (None, [Some((a, b)), Some((c, d))]),
        _ => panic!("{name}: {} fields of ways", ways.len()),
    };
    let ours = Scalar::decide(op, width, &dst, &src);
    if ours != decided {
        return Err(format!("decides {ours:?}"));
    }
    let Branches { fall, taken } = if decided.is_some() {
        Branches {
            fall: (dst, src),
            taken: (dst, src),
        }
    } else {
        Scalar::refine(op, width, dst, src)
    };
    for (way, (a, b)) in ways.into_iter().zip([fall, taken]) {
        if let Some((expected_a, expected_b)) = way {
            same(expected_a, &[dst, src], a.settled())?;
            same(expected_b, &[dst, src], b.settled())?;
        }
    }
    Ok(())
}

fn same(expected: &str, operands: &[Scalar], ours: Scalar) -> Result<(), String> {
    let expected = match expected {
        "=" => operands[0],
        "~" => operands[1],
        text => parse(text),
    };
    // Linux prints no ranges of a number whose bits are known.
    if ours.to_string() == expected.to_string() {
        Ok(())
    } else {
        Err(format!("Linux {expected}\nours  {ours}"))
    }
}

fn unary(name: &str, operand: Scalar) -> Scalar {
    let number = |text: &str| -> u32 { text.parse().expect("bits are a number") };
    if let Some(bits) = name.strip_prefix("neg") {
        operand.neg(width(bits))
    } else if name == "mov32" {
        operand.alu(AluOp::Mov, Width::W32, operand)
    } else if let Some(bits) = name.strip_prefix("movsx") {
        let (from, to) = bits.split_once('.').expect("two numbers of bits");
        operand.movsx(width(to), number(from))
    } else if let Some(bits) = name.strip_prefix("bswap") {
        operand.endian(EndianOp::Bswap, number(bits))
    } else if let Some(bits) = name.strip_prefix("be") {
        operand.endian(EndianOp::Be, number(bits))
    } else if let Some(bits) = name.strip_prefix("le") {
        operand.endian(EndianOp::Le, number(bits))
    } else {
        panic!("{name} is not known")
    }
    .settled()
}

fn width(bits: &str) -> Width {
    match bits {
        "32" => Width::W32,
        "64" => Width::W64,
        _ => panic!("{bits} is no width"),
    }
}

fn split_width(name: &str) -> (&str, Width) {
    let (op, bits) = name.split_at(name.len() - 2);
    (op, width(bits))
}

fn alu_op(name: &str) -> (AluOp, Width) {
    let (op, width) = split_width(name);
    let op = match op {
        "add" => AluOp::Add,
        "sub" => AluOp::Sub,
        "mul" => AluOp::Mul,
        "div" => AluOp::Div,
        "sdiv" => AluOp::Sdiv,
        "mod" => AluOp::Mod,
        "smod" => AluOp::Smod,
        "or" => AluOp::Or,
        "and" => AluOp::And,
        "xor" => AluOp::Xor,
        "lsh" => AluOp::Lsh,
        "rsh" => AluOp::Rsh,
        "arsh" => AluOp::Arsh,
        _ => panic!("{op} is not known"),
    };
    (op, width)
}

fn cmp_op(name: &str) -> (CmpOp, Width) {
    let (op, width) = split_width(name);
    let op = match op {
        "==" => CmpOp::Eq,
        "!=" => CmpOp::Ne,
        ">" => CmpOp::Gt,
        ">=" => CmpOp::Ge,
        "<" => CmpOp::Lt,
        "<=" => CmpOp::Le,
        "s>" => CmpOp::Sgt,
        "s>=" => CmpOp::Sge,
        "s<" => CmpOp::Slt,
        "s<=" => CmpOp::Sle,
        "&" => CmpOp::Set,
        _ => panic!("{op} is not known"),
    };
    (op, width)
}

/// A number in the file's short text.
fn parse(text: &str) -> Scalar {
    let Some(attributes) = text.strip_prefix('(') else {
        return Scalar::constant(bits(text));
    };
    let mut scalar = Scalar::unknown();
    for attribute in attributes.split(',').filter(|text| !text.is_empty()) {
        if let Some(tnum) = attribute.strip_prefix('t') {
            let (value, mask) = tnum.split_once('/').expect("value and mask");
            let hexadecimal = |text| u64::from_str_radix(text, 16).expect("hexadecimal");
            scalar.tnum = Tnum {
                value: hexadecimal(value),
                mask: hexadecimal(mask),
            };
            continue;
        }
        let letters = attribute
            .find(|c: char| !"abcdABCD".contains(c))
            .expect("a bound has a value");
        let (names, value) = attribute.split_at(letters);
        for name in names.chars() {
            set(&mut scalar, name, bits(value));
        }
    }
    scalar
}

fn set(scalar: &mut Scalar, name: char, value: u64) {
    match name {
        'a' => scalar.wide.smin = value as i64,
        'A' => scalar.wide.smax = value as i64,
        'b' => scalar.wide.umin = value,
        'B' => scalar.wide.umax = value,
        'c' => scalar.low.smin = value as i32,
        'C' => scalar.low.smax = value as i32,
        'd' => scalar.low.umin = value as u32,
        'D' => scalar.low.umax = value as u32,
        _ => panic!("{name} is no bound"),
    }
}

fn bits(text: &str) -> u64 {
    match text.strip_prefix('x') {
        Some(digits) => u64::from_str_radix(digits, 16).expect("hexadecimal"),
        None => text.parse::<i64>().expect("decimal") as u64,
    }
}
