//! Programs that do to a map what their packet says.
//!
//! The packet is `op: u32, cpu: u32, flags: u64`, the key and the value, each
//! rounded up to 8 bytes. Over the first eight bytes the program writes what the
//! helper returned, over the value what it found.

use std::fmt::Write;

use abi::MapType;
use isa::Slot;

use super::choose::Shape;
use crate::families::text::assemble;

/// What a program does to a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Op {
    Lookup,
    Update,
    Delete,
    /// Looks up and changes the first byte in place.
    Poke,
    Push,
    Pop,
    Peek,
    LookupPercpu,
    Redirect,
}

impl Op {
    /// The operations that a program may do on a type.
    pub(super) fn of(map_type: MapType) -> &'static [Op] {
        use MapType::*;
        match map_type {
            Array | Hash | LruHash | LpmTrie => &[Op::Lookup, Op::Update, Op::Delete, Op::Poke],
            PercpuArray | PercpuHash | LruPercpuHash => &[
                Op::Lookup,
                Op::Update,
                Op::Delete,
                Op::Poke,
                Op::LookupPercpu,
            ],
            Queue | Stack => &[Op::Push, Op::Pop, Op::Peek],
            BloomFilter => &[Op::Push, Op::Peek],
            Devmap | DevmapHash => &[Op::Lookup, Op::Redirect],
            Cpumap | Xskmap => &[Op::Redirect],
            _ => &[],
        }
    }
}

/// Bytes in front of the key.
const HEAD: usize = 16;

/// Bytes of something that is copied in words.
pub(super) fn words(len: u32) -> usize {
    (len as usize).next_multiple_of(8)
}

/// A packet for [`elements`].
pub(super) fn packet(
    shape: &Shape,
    op: Op,
    cpu: u32,
    flags: u64,
    key: &[u8],
    value: &[u8],
) -> Vec<u8> {
    let mut packet = [(op as u32).to_le_bytes(), cpu.to_le_bytes()].concat();
    packet.extend(flags.to_le_bytes());
    packet.extend(key);
    packet.resize(HEAD + words(shape.key), 0);
    packet.extend(value);
    packet.resize(HEAD + words(shape.key) + words(shape.value), 0);
    packet
}

/// The program for a map of elements.
pub(super) fn elements(shape: &Shape) -> Vec<Slot> {
    let (key, value) = (words(shape.key), words(shape.value));
    let at = Places {
        key: -(key as i32),
        value: -((key + value) as i32),
        found: HEAD + key,
    };
    let mut text = enter(HEAD + key + value);
    for word in (0..key + value).step_by(8) {
        let (from, to) = (HEAD + word, at.of_word(word, key));
        let _ = writeln!(text, "r2 = *(u64 *)(r6 +{from})\n*(u64 *)(r10 {to}) = r2");
    }
    for op in Op::of(shape.map_type) {
        let _ = writeln!(text, "if r9 == {} goto op{}", *op as u32, *op as u32);
    }
    text += "r0 = 99\ngoto done\n";
    for op in Op::of(shape.map_type) {
        let _ = writeln!(text, "op{}:", *op as u32);
        text += &operation(*op, shape, &at);
        text += "goto done\n";
    }
    text += LEAVE;
    assemble(&text)
}

/// Where things are: in the stack, and in the packet what was found.
struct Places {
    key: i32,
    value: i32,
    found: usize,
}

impl Places {
    /// Where a word of the packet goes.
    fn of_word(&self, word: usize, key: usize) -> i32 {
        match word < key {
            true => self.key + word as i32,
            false => self.value + (word - key) as i32,
        }
    }
}

/// Has the packet in `r6`, the flags in `r8`, the operation in `r9`; a packet of
/// fewer bytes is not looked at.
pub(super) fn enter(bytes: usize) -> String {
    format!(
        "r6 = *(u32 *)(r1 +0)\n\
         r7 = *(u32 *)(r1 +4)\n\
         r2 = r6\n\
         r2 += {bytes}\n\
         if r2 > r7 goto out\n\
         r8 = *(u64 *)(r6 +8)\n\
         r9 = *(u32 *)(r6 +0)\n"
    )
}

/// Writes what the helper returned, and passes the packet on.
pub(super) const LEAVE: &str = "done:\n\
    *(u64 *)(r6 +0) = r0\n\
    r0 = 2\n\
    exit\n\
    out:\n\
    r0 = 0\n\
    exit\n";

fn operation(op: Op, shape: &Shape, at: &Places) -> String {
    let map = "r1 = map[idx:0]\n";
    let key = format!("r2 = r10\nr2 += {}\n", at.key);
    let n = op as u32;
    let (found, value) = (at.found, at.value);
    match op {
        Op::Lookup | Op::Poke => {
            let lookup = format!("{map}{key}call 1\nif r0 != 0 goto found{n}\nr0 = 1\ngoto done\n");
            let then = match op {
                Op::Poke => "r1 = *(u8 *)(r0 +0)\nr1 += 1\n*(u8 *)(r0 +0) = r1\n",
                _ => "",
            };
            let copy = copy("r0", 0, shape.value, "r6", found as i32);
            format!("{lookup}found{n}:\n{then}{copy}r0 = 0\n")
        }
        Op::LookupPercpu => {
            let copy = copy("r0", 0, shape.value, "r6", found as i32);
            format!(
                "{map}{key}r3 = *(u32 *)(r6 +4)\ncall 195\nif r0 != 0 goto found{n}\n\
                 r0 = 1\ngoto done\nfound{n}:\n{copy}r0 = 0\n"
            )
        }
        Op::Update => format!("{map}{key}r3 = r10\nr3 += {value}\nr4 = r8\ncall 2\n"),
        Op::Delete => format!("{map}{key}call 3\n"),
        Op::Push => format!("{map}r2 = r10\nr2 += {value}\nr3 = r8\ncall 87\n"),
        Op::Pop | Op::Peek => {
            let call = if op == Op::Pop { 88 } else { 89 };
            let copy = copy("r10", value, shape.value, "r6", found as i32);
            format!("{map}r2 = r10\nr2 += {value}\ncall {call}\n{copy}")
        }
        Op::Redirect => format!("{map}r2 = *(u32 *)(r10 {})\nr3 = r8\ncall 51\n", at.key),
    }
}

/// Copies bytes with `r1`, in the largest pieces.
pub(super) fn copy(from: &str, from_at: i32, len: u32, to: &str, to_at: i32) -> String {
    let mut text = String::new();
    let mut done = 0;
    while done < len as i32 {
        let (size, bytes) = match len as i32 - done {
            8.. => ("u64", 8),
            _ => ("u8", 1),
        };
        let (from_at, to_at) = (from_at + done, to_at + done);
        let _ = writeln!(
            text,
            "r1 = *({size} *)({from} {from_at:+})\n*({size} *)({to} {to_at:+}) = r1"
        );
        done += bytes;
    }
    text
}
