//! Maps whose values stand for maps or programs.

use abi::{AttachType, MapDef, MapFlags, MapType};

use super::program::{LEAVE, copy, enter};
use super::{Case, definition, describe};
use crate::families::Random;
use crate::families::text::assemble;
use crate::{MapOp, Question, Subject};

/// Maps that may be put into a map of maps; the last is of another shape.
const INNER: usize = 4;

/// A map of maps. The packet is `op: u32, key of the inner map: u32, flags: u64,
/// key of the outer map: u64, value: u64`.
pub(super) fn maps_of_maps(
    map_type: MapType,
    cpus: u32,
    count: usize,
    random: &mut Random,
) -> Case {
    let (inner_type, flags) = random.pick(&[
        (MapType::Array, MapFlags::default()),
        (MapType::Array, MapFlags::INNER_MAP),
        (MapType::Hash, MapFlags::default()),
        (MapType::Hash, MapFlags::NO_PREALLOC),
        (MapType::LruHash, MapFlags::default()),
    ]);
    let inner = |entries| definition(inner_type, 4, 8, entries, flags);
    let entries = random.pick(&[1, 2, 3, 8]);
    let outer = MapDef {
        inner: Some(Box::new(inner(3))),
        ..definition(map_type, 4, 4, entries, MapFlags::default())
    };
    let mut other = inner(3);
    other.value_size = 16;
    let maps = vec![outer.clone(), inner(3), inner(3), inner(5), other];
    let code = assemble(&inner_program());
    let name = format!("{} of {}", describe(&outer), inner_type.name());
    let steps = (0..count).map(|_| step(u64::from(entries), random));
    Case {
        steps: steps.collect(),
        operations: count as u64,
        make: subject(name.clone(), cpus, move |name| {
            Subject::xdp(name, code.clone(), maps.clone())
        }),
        name,
    }
}

fn subject(
    name: String,
    cpus: u32,
    make: impl Fn(String) -> Subject + 'static,
) -> Box<dyn Fn() -> Subject> {
    Box::new(move || {
        let mut subject = make(name.clone());
        subject.cpus = cpus;
        subject
    })
}

fn inner_program() -> String {
    let mut text = enter(40);
    text += "r2 = *(u64 *)(r6 +16)\n\
        *(u64 *)(r10 -8) = r2\n\
        r2 = *(u32 *)(r6 +4)\n\
        *(u64 *)(r10 -16) = r2\n\
        r2 = *(u64 *)(r6 +24)\n\
        *(u64 *)(r10 -24) = r2\n\
        r1 = map[idx:0]\n\
        r2 = r10\n\
        r2 += -8\n\
        call 1\n\
        if r0 != 0 goto inner\n\
        r0 = 1\n\
        goto done\n\
        inner:\n\
        r1 = r0\n\
        r2 = r10\n\
        r2 += -16\n\
        if r9 == 1 goto update\n\
        if r9 == 2 goto delete\n\
        call 1\n\
        if r0 != 0 goto found\n\
        r0 = 2\n\
        goto done\n\
        found:\n";
    text += &copy("r0", 0, 8, "r6", 24);
    text += "r0 = 0\n\
        goto done\n\
        update:\n\
        r3 = r10\n\
        r3 += -24\n\
        r4 = r8\n\
        call 2\n\
        goto done\n\
        delete:\n\
        call 3\n\
        goto done\n";
    text + LEAVE
}

fn step(entries: u64, random: &mut Random) -> Question<'static> {
    let outer_key = (random.below(entries + 2) as u32).to_le_bytes();
    let inner_key = (random.below(7) as u32).to_le_bytes();
    let flags = random.pick(&[0, 0, 0, 1, 2, 3]);
    if random.percent(45) {
        let op = random.below(3) as u32;
        let mut packet = [op.to_le_bytes(), inner_key].concat();
        packet.extend(u64::to_le_bytes(flags));
        packet.extend(outer_key);
        packet.extend([0; 4]);
        packet.extend(random.bytes(8));
        packet.extend([0; 8]);
        return Question::Packet(packet.into());
    }
    let key = outer_key.to_vec().into();
    let map = random.below(INNER as u64) as usize + 1;
    let inner = |op| Question::Map { map, op };
    let outer = |op| Question::Map { map: 0, op };
    // A change of the outer map waits until no program can see the old entry.
    if random.percent(3) {
        return match random.percent(75) {
            true => outer(MapOp::Update {
                key,
                value: (map as u32).to_le_bytes().to_vec().into(),
                flags,
            }),
            false => outer(MapOp::Delete { key }),
        };
    }
    match random.below(10) {
        0..=3 => outer(MapOp::Lookup { key }),
        4 => outer(MapOp::Take { key }),
        5 => Question::Contents { map: 0 },
        6 => Question::Contents { map },
        7 => inner(MapOp::Delete {
            key: inner_key.to_vec().into(),
        }),
        8 => inner(MapOp::Lookup {
            key: inner_key.to_vec().into(),
        }),
        _ => {
            let len = if map == INNER { 16 } else { 8 };
            inner(MapOp::Update {
                key: inner_key.to_vec().into(),
                value: random.bytes(len).into(),
                flags,
            })
        }
    }
}

/// Programs that may be put into a program array, beside the one that calls.
const TARGETS: usize = 3;

/// An array of programs; the packet is `index: u32` and padding.
pub(super) fn programs(cpus: u32, count: usize, random: &mut Random) -> Case {
    let entries = random.pick(&[1, 2, 3, 8]);
    let def = definition(MapType::ProgArray, 4, 4, entries, MapFlags::default());
    let name = describe(&def);
    let code = format!(
        "{}r2 = map[idx:0]\nr3 = r9\ncall 12\nr0 = -1\n{LEAVE}",
        enter(16)
            .replacen("r6 =", "r9 = r1\nr6 =", 1)
            .replace("r9 = *(u32 *)(r6 +0)\n", "r1 = r9\nr9 = *(u32 *)(r6 +0)\n")
    );
    let code = assemble(&code);
    let steps = (0..count).map(|_| {
        let key = (random.below(u64::from(entries) + 2) as u32).to_le_bytes();
        if random.percent(45) {
            return Question::Packet([&key[..], &[0; 28]].concat().into());
        }
        let key = key.to_vec().into();
        let op = match random.below(10) {
            0..=3 => MapOp::Update {
                key,
                value: (random.below(TARGETS as u64 + 1) as u32)
                    .to_le_bytes()
                    .to_vec()
                    .into(),
                flags: random.pick(&[0, 0, 0, 1, 2, 3]),
            },
            4..=5 => MapOp::Delete { key },
            6..=7 => MapOp::Lookup { key },
            8 => MapOp::NextKey { key: Some(key) },
            _ => return Question::Contents { map: 0 },
        };
        Question::Map { map: 0, op }
    });
    Case {
        steps: steps.collect(),
        operations: count as u64,
        make: subject(name.clone(), cpus, move |name| {
            let mut subject = Subject::xdp(name, code.clone(), vec![def.clone()]);
            for target in 0..TARGETS {
                let ret = target + 10;
                let mut program = subject.programs[0].clone();
                program.name = format!("target{target}");
                program.attach_type = Some(AttachType::Xdp);
                program.code = assemble(&format!("r0 = {ret}\nexit\n"));
                subject.programs.push(program);
            }
            subject
        }),
        name,
    }
}
