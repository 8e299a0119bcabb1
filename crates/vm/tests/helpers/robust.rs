//! No helper panics, whatever it is given.

use abi::{MapDef, MapType, ProgType};
use proptest::prelude::*;
use vm::helper::{Call, implementation};
use vm::packet::Input;

use crate::bench::Bench;
use crate::maps::def;

/// Maps that the arguments may name.
fn maps() -> Vec<MapDef> {
    use MapType::*;
    vec![
        def(Array, 4, 8, 3),
        def(Hash, 4, 8, 3),
        def(PercpuArray, 4, 12, 3),
        def(LruHash, 8, 100, 3),
        def(Queue, 0, 4, 2),
        def(Ringbuf, 0, 0, 4096),
        def(PerfEventArray, 4, 4, 2),
        def(Devmap, 4, 4, 2),
        def(Cpumap, 4, 4, 2),
        def(Xskmap, 4, 4, 2),
        def(BloomFilter, 0, 4, 8),
    ]
}

/// What an argument is, made into a value when the machine is there.
#[derive(Clone, Debug)]
enum Arg {
    Map(usize),
    Context,
    Packet(u32),
    Memory(u32),
    Value,
    Number(u64),
}

fn arg() -> impl Strategy<Value = Arg> {
    prop_oneof![
        (0..11usize).prop_map(Arg::Map),
        Just(Arg::Context),
        (0..80u32).prop_map(Arg::Packet),
        (0..600u32).prop_map(Arg::Memory),
        Just(Arg::Value),
        (0..70u64).prop_map(Arg::Number),
        prop::sample::select(vec![
            u64::MAX,
            1 << 31,
            1 << 32,
            (1 << 29) - 1,
            1 << 20,
            -20i64 as u64
        ])
        .prop_map(Arg::Number),
        any::<u64>().prop_map(Arg::Number),
    ]
}

/// A call: helper, arguments.
fn call() -> impl Strategy<Value = (u32, [Arg; 5])> {
    let helper = prop_oneof![4 => 0..212u32, 1 => any::<u32>()];
    (helper, [arg(), arg(), arg(), arg(), arg()])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_helper_panics(
        calls in prop::collection::vec(call(), 1..60),
        text in "[%a-z0-9 +.-]{0,40}",
        packet in 14..6000usize,
    ) {
        let mut bench = Bench::new();
        let instance = bench.machine.instantiate(&maps(), &[]).expect("maps");
        let mut memory = text.into_bytes();
        memory.resize(512, 0);
        let memory = bench.put(&memory);
        let value = instance.maps[0].handle().to_reg();
        let key = bench.put(&0u32.to_le_bytes());
        let value = bench.call("bpf_map_lookup_elem", &[value, key]).expect("no trap");
        let data = vec![0x45; packet];
        let input = Input { data: &data, ..Input::default() };
        let ctx = bench.machine.receive(&input).expect("a packet").to_reg();
        for (helper, args) in calls {
            let Some(run) = implementation(helper, ProgType::Xdp)
                .or_else(|| implementation(helper, ProgType::Kprobe)) else { continue };
            let data = bench.machine.packet.as_ref().map_or(0, |p| p.data().0);
            let args = args.map(|arg| match arg {
                Arg::Map(i) => instance.maps[i].handle().to_reg(),
                Arg::Context => ctx,
                Arg::Packet(at) => u64::from(data + at),
                Arg::Memory(at) => memory + u64::from(at),
                Arg::Value => value,
                Arg::Number(n) => n,
            });
            let _ = run(&mut Call {
                machine: &mut bench.machine,
                id: helper,
                args,
                callback: &mut |_, _, _| Ok(1),
            });
        }
    }
}
