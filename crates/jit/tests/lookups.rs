//! Look-ups by keys of every length, written to the stack in every way, compiled in
//! every mode and held to the interpreter.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

#[path = "../../vm/tests/support/mod.rs"]
mod support;

mod every;

use std::fmt::Write;

use abi::{MapDef, MapType};
use every::{Form, forms};
use support::{machine, map, with_maps};
use vm::Trap;

/// Where on the stack the key is.
const KEY: i32 = -64;

/// How the program finds its key.
#[derive(Clone, Copy, Debug)]
enum By {
    /// By its place on the stack.
    Place,
    /// By a pointer from memory.
    Pointer,
}

/// Stores a key in pieces of so many bytes, and in single ones what is left.
fn write_key(text: &mut String, key: &[u8], piece: usize) {
    let mut at = 0;
    while at < key.len() {
        let size = if at + piece <= key.len() { piece } else { 1 };
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(&key[at..at + size]);
        let (value, bits) = (u64::from_le_bytes(bytes), size * 8);
        let to = KEY + at as i32;
        let _ = write!(
            text,
            "r1 = {value} ll
            *(u{bits} *)(r10 {to}) = r1\n"
        );
        at += size;
    }
}

/// Looks the key up; r7 gets a bit more: whether it was there. What the call does
/// not write stays.
fn look_up(text: &mut String, by: By) {
    let through = match by {
        By::Place => "",
        By::Pointer => "*(u64 *)(r10 -16) = r2\nr2 = *(u64 *)(r10 -16)\n",
    };
    let _ = write!(
        text,
        "r2 = r10
        r2 += {KEY}
        {through}r3 = 3
        r4 = 4
        r5 = 5
        r1 = map[fd:0]
        call bpf_map_lookup_elem#1
        r7 <<= 1
        if r0 == 0 goto pc+1
        r7 |= 1
        r7 += r3
        r7 ^= r4
        r7 += r5\n"
    );
}

/// A program that makes an entry and looks for it, and for keys that differ in one
/// byte.
fn program(key: &[u8], piece: usize, by: By) -> String {
    let mut text = "r7 = 0\n".to_owned();
    write_key(&mut text, key, piece);
    look_up(&mut text, by);
    let _ = write!(
        text,
        "*(u64 *)(r10 -8) = 9
        r1 = map[fd:0]
        r2 = r10
        r2 += {KEY}
        r3 = r10
        r3 += -8
        r4 = 0
        call bpf_map_update_elem#2\n"
    );
    look_up(&mut text, by);
    for other in [0, key.len() / 2, key.len() - 1] {
        let at = KEY + other as i32;
        let byte = key[other];
        let _ = writeln!(text, "*(u8 *)(r10 {at}) = {}", byte ^ 1);
        look_up(&mut text, by);
        let _ = writeln!(text, "*(u8 *)(r10 {at}) = {byte}");
    }
    look_up(&mut text, by);
    text.push_str("r0 = r7\nexit");
    text
}

fn run(def: &MapDef, text: &str, form: Option<Form>) -> Result<u64, Trap> {
    let mut machine = machine();
    let instance = machine.instantiate(std::slice::from_ref(def), &[with_maps("p", text)]);
    let id = instance.expect("loads").programs[0];
    if let Some(form) = form {
        let compiled = form.compile(&mut machine).expect("compiled");
        machine.set_engine(Some(Box::new(compiled)));
    }
    let ctx = machine.stack_top(7).offset(8u32.wrapping_neg());
    machine.run(id, ctx)
}

/// Whether all engines answer alike; what the interpreter answers.
#[track_caller]
fn same(def: &MapDef, text: &str) -> Result<u64, Trap> {
    let wanted = run(def, text, None);
    for form in forms().filter(|form| form.may_run(&wanted)) {
        assert_eq!(run(def, text, Some(form)), wanted, "{form}:\n{text}");
    }
    wanted
}

/// What [`look_up`] leaves in r7 when these answers come, in order.
fn found(answers: [bool; 6]) -> u64 {
    let round = |r7: u64, answer| (((r7 << 1 | u64::from(answer)) + 3) ^ 4) + 5;
    answers.into_iter().fold(0, round)
}

/// A byte of a key.
fn noise(at: u8) -> u8 {
    at.wrapping_mul(37).wrapping_add(11)
}

#[test]
fn keys_of_every_length() {
    for len in [
        1, 2, 3, 4, 5, 6, 7, 8, 11, 13, 16, 17, 20, 23, 24, 29, 31, 32, 33,
    ] {
        let key: Vec<u8> = (0..len).map(noise).collect();
        let def = map("m", MapType::Hash, len.into(), 8, 4);
        for piece in [1, 2, 8] {
            for by in [By::Place, By::Pointer] {
                let answer = same(&def, &program(&key, piece, by));
                let wanted = found([false, true, false, false, false, true]);
                assert_eq!(
                    answer,
                    Ok(wanted),
                    "{len} bytes in pieces of {piece}, {by:?}"
                );
            }
        }
    }
}

#[test]
fn prefixes_of_every_length() {
    for len in [5u8, 6, 8, 12, 13, 20, 31, 36] {
        let mut key: Vec<u8> = (0..len).map(noise).collect();
        let bits = u32::from(len - 4) * 8;
        key[..4].copy_from_slice(&bits.to_le_bytes());
        let mut def = map("m", MapType::LpmTrie, len.into(), 8, 4);
        def.flags = abi::MapFlags::NO_PREALLOC;
        for piece in [1, 4] {
            for by in [By::Place, By::Pointer] {
                same(&def, &program(&key, piece, by)).expect("no trap");
            }
        }
    }
}

#[test]
fn a_key_that_is_not_there_to_be_read_is_a_trap() {
    for len in [3, 13, 16, 20, 32] {
        let def = map("m", MapType::Hash, len, 8, 4);
        let text = "r2 = 16 ll
            r1 = map[fd:0]
            call bpf_map_lookup_elem#1
            r0 = 0
            exit";
        let trap = same(&def, text).expect_err("nothing is there");
        assert_eq!(trap.pc.0, 4);
    }
}
