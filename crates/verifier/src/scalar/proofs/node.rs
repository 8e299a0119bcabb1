//! Formulas: nodes that are made once each, and numbers of them.
//!
//! A node is a bit vector of up to 64 bits or a truth value. Equal nodes are one
//! node, and what is made of constants alone is a constant, so that an operator
//! run on constants computes, by the same definitions that are printed for the
//! solvers ([`super::smt`]).

use std::cell::RefCell;
use std::collections::HashMap;

/// A bit vector or truth value: a constant, or the number of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Ref {
    Constant(u64),
    Node(u32),
}

/// What a node is of its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Op {
    /// The input of this number.
    Input(u32),
    And,
    Or,
    Xor,
    Add,
    Sub,
    Mul,
    /// By the constant.
    ShiftLeft(u32),
    ShiftRight(u32),
    ShiftRightSigned(u32),
    /// The bits from this one on, as many as the width.
    Extract(u32),
    /// High and low.
    Concat,
    ExtendSigned,
    /// Condition, then, else: of vectors or truth values.
    Choose,
    // Truth values from here.
    Equal,
    Less,
    LessSigned,
    /// Whether the result does not fit.
    AddOverflowsSigned,
    SubOverflowsSigned,
    MulOverflows,
    MulOverflowsSigned,
    Not,
    Both,
}

/// An operation, its arguments, and the width of the result (0: a truth value).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Node {
    pub(super) op: Op,
    pub(super) width: u32,
    /// The width of the arguments, where the result's does not tell it.
    pub(super) of: u32,
    pub(super) args: [Ref; 3],
}

#[derive(Default)]
struct Arena {
    nodes: Vec<Node>,
    numbers: HashMap<Node, u32>,
}

thread_local! {
    static ARENA: RefCell<Arena> = RefCell::default();
}

const NONE: Ref = Ref::Constant(0);
const FALSE: Ref = Ref::Constant(0);
const TRUE: Ref = Ref::Constant(1);

/// Forgets all nodes.
pub(super) fn clear() {
    ARENA.take();
}

/// The node of this number.
pub(super) fn node(number: u32) -> Node {
    ARENA.with_borrow(|arena| arena.nodes[number as usize])
}

/// The low `width` bits set.
pub(super) fn ones(width: u32) -> u64 {
    if width == 0 {
        1
    } else {
        u64::MAX >> (64 - width)
    }
}

pub(super) fn input(number: u32, width: u32) -> Ref {
    intern(Op::Input(number), width, width, [NONE; 3])
}

fn intern(op: Op, width: u32, of: u32, args: [Ref; 3]) -> Ref {
    let node = Node {
        op,
        width,
        of,
        args,
    };
    ARENA.with_borrow_mut(|arena| {
        let next = arena.nodes.len() as u32;
        let number = *arena.numbers.entry(node).or_insert(next);
        if number == next {
            arena.nodes.push(node);
        }
        Ref::Node(number)
    })
}

/// A node of two arguments that are `of` bits wide.
pub(super) fn binary(op: Op, width: u32, of: u32, a: Ref, b: Ref) -> Ref {
    make(op, width, of, [a, b, NONE])
}

/// A node of one argument that is `of` bits wide.
pub(super) fn unary(op: Op, width: u32, of: u32, a: Ref) -> Ref {
    make(op, width, of, [a, NONE, NONE])
}

pub(super) fn choose(width: u32, condition: Ref, yes: Ref, no: Ref) -> Ref {
    make(Op::Choose, width, 0, [condition, yes, no])
}

pub(super) fn not(truth: Ref) -> Ref {
    unary(Op::Not, 0, 0, truth)
}

pub(super) fn both(a: Ref, b: Ref) -> Ref {
    binary(Op::Both, 0, 0, a, b)
}

fn make(op: Op, width: u32, of: u32, mut args: [Ref; 3]) -> Ref {
    if let [Ref::Constant(a), Ref::Constant(b), Ref::Constant(c)] = args {
        return Ref::Constant(value(op, width, of, [a, b, c]));
    }
    if matches!(
        op,
        Op::And | Op::Or | Op::Xor | Op::Add | Op::Mul | Op::Equal | Op::Both
    ) && args[1] < args[0]
    {
        args.swap(0, 1);
    }
    simplified(op, width, args).unwrap_or_else(|| intern(op, width, of, args))
}

/// What follows from the shape alone. Constants of commutative operators come
/// first.
fn simplified(op: Op, width: u32, [a, b, c]: [Ref; 3]) -> Option<Ref> {
    let all = Ref::Constant(ones(width));
    match op {
        Op::And if a == NONE || a == b => Some(a),
        Op::And if a == all => Some(b),
        Op::Or if a == NONE || a == b => Some(b),
        Op::Or if a == all => Some(a),
        Op::Xor | Op::Add if a == NONE => Some(b),
        Op::Xor | Op::Sub if a == b => Some(NONE),
        Op::Sub if b == NONE => Some(a),
        Op::ShiftLeft(0) | Op::ShiftRight(0) | Op::ShiftRightSigned(0) => Some(a),
        Op::Extract(0) => match a {
            Ref::Node(number) => {
                let inner = node(number);
                (inner.op == Op::Concat && inner.width - inner.of == width).then_some(inner.args[1])
            }
            Ref::Constant(_) => None,
        },
        Op::Choose if a == TRUE || b == c => Some(b),
        Op::Choose if a == FALSE => Some(c),
        Op::Choose if width == 0 && b == TRUE && c == FALSE => Some(a),
        Op::Choose if width == 0 && b == FALSE && c == TRUE => Some(not(a)),
        Op::Equal if a == b => Some(TRUE),
        Op::Less if a == b || b == NONE => Some(FALSE),
        Op::LessSigned if a == b => Some(FALSE),
        Op::Both if a == FALSE || a == b => Some(a),
        Op::Both if a == TRUE => Some(b),
        Op::Not => match a {
            Ref::Node(number) => {
                let inner = node(number);
                (inner.op == Op::Not).then_some(inner.args[0])
            }
            Ref::Constant(_) => None,
        },
        _ => None,
    }
}

/// The meaning of each operation.
fn value(op: Op, width: u32, of: u32, [a, b, c]: [u64; 3]) -> u64 {
    let signed = |number: u64, width: u32| (number << (64 - width)) as i64 >> (64 - width);
    let truth = u64::from;
    let result = match op {
        Op::Input(_) => unreachable!("an input is not a constant"),
        Op::And => a & b,
        Op::Or => a | b,
        Op::Xor => a ^ b,
        Op::Add => a.wrapping_add(b),
        Op::Sub => a.wrapping_sub(b),
        Op::Mul => a.wrapping_mul(b),
        Op::ShiftLeft(by) => a << by,
        Op::ShiftRight(by) => a >> by,
        Op::ShiftRightSigned(by) => (signed(a, width) >> by) as u64,
        Op::Extract(from) => a >> from,
        Op::Concat => a << (width - of) | b,
        Op::ExtendSigned => signed(a, of) as u64,
        Op::Choose => {
            if a == 1 {
                b
            } else {
                c
            }
        }
        Op::Equal => truth(a == b),
        Op::Less => truth(a < b),
        Op::LessSigned => truth(signed(a, of) < signed(b, of)),
        Op::AddOverflowsSigned | Op::SubOverflowsSigned => {
            let (a, b) = (i128::from(signed(a, of)), i128::from(signed(b, of)));
            let result = match op {
                Op::AddOverflowsSigned => a + b,
                _ => a - b,
            };
            truth(result != i128::from(signed(result as u64, of)))
        }
        Op::MulOverflows => truth(u128::from(a) * u128::from(b) > u128::from(ones(of))),
        Op::MulOverflowsSigned => {
            let product = i128::from(signed(a, of)) * i128::from(signed(b, of));
            truth(product != i128::from(signed(product as u64, of)))
        }
        Op::Not => 1 - a,
        Op::Both => a & b,
    };
    result & ones(width)
}
