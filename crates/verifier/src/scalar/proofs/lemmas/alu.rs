//! Arithmetic: for each number of the operands, the result's scalar has the result.
//!
//! What a `sync` at the end does is proved of `sync`.

use isa::{AluOp, EndianOp, Width};

use super::super::super::word::{Int, Signed, Word};
use super::super::lemma::{H, Prover, S, W, in_scalar};
use super::super::term::{SignedTerm, Term};
use super::sync::knows_itself;

const WIDTHS: [Width; 2] = [Width::W64, Width::W32];

pub(super) fn lemmas(prover: &mut Prover) {
    let bitwise = [
        (AluOp::Add, "x.wrapping_add(y)"),
        (AluOp::Sub, "x.wrapping_sub(y)"),
        (AluOp::And, "x & y"),
        (AluOp::Or, "x | y"),
        (AluOp::Xor, "x ^ y"),
        (AluOp::Mov, "y"),
    ];
    let shifts = [
        (AluOp::Lsh, "x.wrapping_shl(y as u32)"),
        (AluOp::Rsh, "x.wrapping_shr(y as u32)"),
        (AluOp::Arsh, "x.signed().wrapping_shr(y as u32).bits()"),
    ];
    for width in WIDTHS {
        for (op, text) in bitwise {
            operation(prover, op, width, text);
        }
        for (op, text) in shifts {
            operation(prover, op, width, text);
        }
        for op in [AluOp::Div, AluOp::Sdiv, AluOp::Mod, AluOp::Smod] {
            anything(prover, op, width);
        }
        negation(prover, width);
        product_of_constants(prover, width);
        for bits in [8, 16, 32] {
            if width == Width::W64 || bits < 32 {
                sign_extension(prover, width, bits);
            }
        }
    }
    pointers(prover);
    loads(prover);
    byte_orders(prover);
}

pub(super) fn digits(width: Width) -> &'static str {
    match width {
        Width::W64 => "64",
        Width::W32 => "32",
    }
}

fn word_name(width: Width) -> &'static str {
    match width {
        Width::W64 => "u64",
        Width::W32 => "u32",
    }
}

/// What the operation gives, at the width; a shift by less than it.
fn at_width<const N: u32>(op: AluOp, x: Term<N>, y: Term<N>) -> Term<N> {
    let shifted = |by: fn(Term<N>, u32) -> Term<N>| {
        (0..N.trailing_zeros()).fold(x, |number, place| {
            Term::choose(y.bit(place), by(number, 1 << place), number)
        })
    };
    match op {
        AluOp::Add => x.wrapping_add(y),
        AluOp::Sub => x.wrapping_sub(y),
        AluOp::Mul => x.wrapping_mul(y),
        AluOp::And => x & y,
        AluOp::Or => x | y,
        AluOp::Xor => x ^ y,
        AluOp::Mov => y,
        AluOp::Lsh => shifted(|number, by| number << by),
        AluOp::Rsh => shifted(|number, by| number >> by),
        AluOp::Arsh => shifted(|number, by| number.signed().shift_right(by).bits()),
        AluOp::Div | AluOp::Sdiv | AluOp::Mod | AluOp::Smod => unreachable!("see `anything`"),
    }
}

fn result(op: AluOp, width: Width, x: W, y: W) -> W {
    match width {
        Width::W64 => at_width(op, x, y),
        Width::W32 => W::extend(at_width::<32>(op, x.low(), y.low())),
    }
}

fn operation(prover: &mut Prover, op: AluOp, width: Width, text: &str) {
    let is_shift = matches!(op, AluOp::Lsh | AluOp::Rsh | AluOp::Arsh);
    prover.lemma(
        &format!("alu {op:?}").to_lowercase(),
        digits(width),
        |lemma| {
            let (a, x) = lemma.scalar("a", "x");
            let (b, y) = lemma.scalar("b", "y");
            if is_shift {
                lemma.given(match width {
                    Width::W64 => y.less(Term::constant(64)),
                    Width::W32 => y.low().less(Term::constant(32)),
                });
                lemma.given(knows_itself(&b));
            }
            let word = word_name(width);
            lemma.test(format!(
                "let result = a.alu(AluOp::{op:?}, Width::{width:?}, b);"
            ));
            lemma.test(format!("let (x, y) = (x as {word}, y as {word});"));
            lemma.test(format!("assert!(result.contains(u64::from({text})));"));
            match op {
                AluOp::Add | AluOp::Sub => lemma.integers(),
                _ => lemma.each(),
            }
            lemma.claim(|| in_scalar(&a.alu(op, width, b), result(op, width, x, y)));
        },
    );
}

/// Nothing is known of the result.
fn anything(prover: &mut Prover, op: AluOp, width: Width) {
    prover.lemma(
        &format!("alu {op:?}").to_lowercase(),
        digits(width),
        |lemma| {
            let (a, _) = lemma.scalar("a", "x");
            let (b, _) = lemma.scalar("b", "y");
            let z = lemma.word("z");
            lemma.test(format!(
                "let result = a.alu(AluOp::{op:?}, Width::{width:?}, b);"
            ));
            lemma.test("assert!(result.contains(z), \"{x} {y}\");");
            lemma.claim(|| in_scalar(&a.alu(op, width, b), z));
        },
    );
}

fn negation(prover: &mut Prover, width: Width) {
    prover.lemma("alu neg", digits(width), |lemma| {
        let (a, x) = lemma.scalar("a", "x");
        let word = word_name(width);
        lemma.test(format!(
            "let result = u64::from((x as {word}).wrapping_neg());"
        ));
        lemma.test(format!(
            "assert!(a.neg(Width::{width:?}).contains(result));"
        ));
        lemma.each();
        lemma.claim(|| in_scalar(&a.neg(width), result(AluOp::Sub, width, W::ZERO, x)));
    });
}

/// Of other products the ranges and the known bits are proved by themselves.
fn product_of_constants(prover: &mut Prover, width: Width) {
    prover.lemma(
        "alu mul",
        &format!("constants {}", digits(width)),
        |lemma| {
            let (x, y) = (lemma.word("x"), lemma.word("y"));
            let word = word_name(width);
            lemma.test("let (a, b) = (Scalar::constant(x), Scalar::constant(y));");
            lemma.test(format!(
                "let result = a.alu(AluOp::Mul, Width::{width:?}, b);"
            ));
            lemma.test(format!("let (x, y) = (x as {word}, y as {word});"));
            lemma.test("assert!(result.contains(u64::from(x.wrapping_mul(y))));");
            lemma.claim(|| {
                let product = S::constant(x).alu(AluOp::Mul, width, S::constant(y));
                in_scalar(&product, result(AluOp::Mul, width, x, y))
            });
        },
    );
}

fn sign_extension(prover: &mut Prover, width: Width, bits: u32) {
    prover.lemma(
        "alu movsx",
        &format!("{bits} to {}", digits(width)),
        |lemma| {
            let (a, x) = lemma.scalar("a", "x");
            let (word, signed) = match width {
                Width::W64 => ("u64", "i64"),
                Width::W32 => ("u32", "i32"),
            };
            lemma.test(format!(
                "let extended = x as i{bits} as {signed} as {word};"
            ));
            lemma.test(format!("let result = a.movsx(Width::{width:?}, {bits});"));
            lemma.test("assert!(result.contains(u64::from(extended)));");
            lemma.each();
            lemma.claim(|| in_scalar(&a.movsx(width, bits), sign_extended(width, bits, x)));
        },
    );
}

fn sign_extended(width: Width, bits: u32, x: W) -> W {
    fn from<const M: u32>(width: Width, x: W) -> W {
        let low = x.extract::<M>(0).signed();
        match width {
            Width::W64 => SignedTerm::<64>::extended(low).bits(),
            Width::W32 => W::extend(SignedTerm::<32>::extended(low).bits()),
        }
    }
    match bits {
        8 => from::<8>(width, x),
        16 => from::<16>(width, x),
        _ => from::<32>(width, x),
    }
}

fn pointers(prover: &mut Prover) {
    type Operator = fn(&S, &S) -> S;
    let operators: [(&str, Operator, AluOp); 2] = [
        ("pointer_add", S::pointer_add, AluOp::Add),
        ("pointer_sub", S::pointer_sub, AluOp::Sub),
    ];
    for (name, operator, op) in operators {
        prover.lemma(&format!("alu {name}"), "64", |lemma| {
            let (a, x) = lemma.scalar("a", "x");
            let (b, y) = lemma.scalar("b", "y");
            let number = format!("{op:?}").to_lowercase();
            lemma.test(format!(
                "assert!(a.{name}(&b).contains(x.wrapping_{number}(y)));"
            ));
            lemma.integers();
            lemma.claim(|| in_scalar(&operator(&a, &b), result(op, Width::W64, x, y)));
        });
    }
    prover.lemma("alu add_unsynced", "64", |lemma| {
        let (a, x) = lemma.scalar("a", "x");
        let (b, y) = lemma.scalar("b", "y");
        lemma.test("assert!(a.add_unsynced(&b).contains(x.wrapping_add(y)));");
        lemma.integers();
        lemma.claim(|| in_scalar(&a.add_unsynced(&b), x.wrapping_add(y)));
    });
}

fn loads(prover: &mut Prover) {
    for bytes in 1..=8 {
        let bits = 8 * bytes;
        let cut = |number: W| number & W::ones(bits);
        prover.lemma("alu truncate", &format!("{bytes} bytes"), |lemma| {
            let (a, x) = lemma.scalar("a", "x");
            lemma.test(format!(
                "assert!(a.truncate({bytes}).contains(x & u64::ones({bits})));"
            ));
            lemma.claim(|| in_scalar(&a.truncate(bytes), cut(x)));
        });
        prover.lemma("alu load", &format!("{bytes} bytes"), |lemma| {
            let x = lemma.word("x");
            lemma.test(format!("let number = x & u64::ones({bits});"));
            lemma.test(format!(
                "assert!(Scalar::from_load({bytes}, false).contains(number));"
            ));
            lemma.claim(|| in_scalar(&S::from_load(bytes, false), cut(x)));
        });
        if bytes.is_power_of_two() && bytes < 8 {
            prover.lemma("alu load", &format!("{bytes} bytes signed"), |lemma| {
                let x = lemma.word("x");
                lemma.test(format!("let number = x as i{bits} as u64;"));
                lemma.test(format!(
                    "assert!(Scalar::from_load({bytes}, true).contains(number));"
                ));
                lemma.claim(|| {
                    let number = sign_extended(Width::W64, bits, x);
                    in_scalar(&S::from_load(bytes, true), number)
                });
            });
        }
    }
    prover.lemma("alu zero_extend32", "64", |lemma| {
        let (a, x) = lemma.scalar("a", "x");
        lemma.test("assert!(a.zero_extend32().contains(u64::from(x as u32)));");
        lemma.each();
        lemma.claim(|| {
            let low: H = x.low();
            in_scalar(&a.zero_extend32(), W::extend(low))
        });
    });
}

fn byte_orders(prover: &mut Prover) {
    for op in [EndianOp::Le, EndianOp::Be, EndianOp::Bswap] {
        for bits in [16, 32, 64] {
            prover.lemma(
                &format!("alu {op:?}").to_lowercase(),
                &bits.to_string(),
                |lemma| {
                    let (a, x) = lemma.scalar("a", "x");
                    lemma.test(match op {
                        EndianOp::Le => format!("let number = x & u64::ones({bits});"),
                        _ => format!("let number = u64::from((x as u{bits}).swap_bytes());"),
                    });
                    lemma.test(format!(
                        "assert!(a.endian(EndianOp::{op:?}, {bits}).contains(number));"
                    ));
                    lemma.claim(|| {
                        let number = match op {
                            EndianOp::Le => x & W::ones(bits),
                            _ => reversed(x, bits),
                        };
                        in_scalar(&a.endian(op, bits), number)
                    });
                },
            );
        }
    }
}

/// The low bytes, each where its counterpart was.
fn reversed(x: W, bits: u32) -> W {
    (0..bits / 8).fold(W::ZERO, |number, place| {
        let byte = x >> (place * 8) & W::ones(8);
        number | byte << (bits - 8 - place * 8)
    })
}
