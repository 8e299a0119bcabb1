//! The packet buffer between runs.

use abi::xdp::md;
use vm::packet::{Input, InputError, MAX_METADATA};
use vm::{Addr, Error};

use crate::bench::Bench;

fn receive(bench: &mut Bench, data: &[u8], meta: &[u8]) -> Result<u64, Error> {
    let input = Input {
        data,
        meta,
        ingress_ifindex: 3,
        rx_queue_index: 5,
        egress_ifindex: 7,
        ..Input::default()
    };
    Ok(bench.machine.receive(&input)?.to_reg())
}

/// The whole page of the packet.
fn page(bench: &Bench) -> Vec<u8> {
    let packet = bench.machine.packet.as_ref().expect("a packet");
    let start = packet.data().0 & !0xfff;
    bench.machine.space.bytes(Addr(start), 4096).to_vec()
}

#[test]
fn nothing_of_the_packet_before_is_visible() {
    let mut bench = Bench::new();
    let ctx = receive(&mut bench, &[0xee; 3520], &[0xdd; 32]).expect("a packet");
    for (helper, delta) in [("bpf_xdp_adjust_head", -100), ("bpf_xdp_adjust_head", 300)] {
        assert_eq!(bench.call(helper, &[ctx, delta as u64]), Ok(0));
    }
    // The program writes wherever it may.
    let packet = bench.machine.packet.as_ref().expect("a packet");
    let (start, len) = (packet.data(), packet.linear_len());
    bench.machine.space.bytes_mut(start, len).fill(0xcc);

    receive(&mut bench, &[0x11; 14], &[]).expect("a packet");
    let page = page(&bench);
    assert_eq!(page.iter().filter(|b| **b != 0).count(), 14);
    assert_eq!(page[256..270], [0x11; 14]);
}

#[test]
fn the_context_follows_the_packet() {
    let mut bench = Bench::new();
    let ctx = receive(&mut bench, &[1; 64], &[2; 8]).expect("a packet");
    let field = |bench: &Bench, at: u32| {
        u32::from_le_bytes(
            bench
                .machine
                .space
                .load(ctx + u64::from(at))
                .expect("the context"),
        )
    };
    let data = field(&bench, md::DATA);
    assert_eq!(field(&bench, md::DATA_META), data - 8);
    assert_eq!(field(&bench, md::DATA_END), data + 64);
    assert_eq!(field(&bench, md::INGRESS_IFINDEX), 3);
    assert_eq!(field(&bench, md::RX_QUEUE_INDEX), 5);
    assert_eq!(field(&bench, md::EGRESS_IFINDEX), 7);
    assert_eq!(
        bench.call("bpf_xdp_adjust_head", &[ctx, -4i64 as u64]),
        Ok(0)
    );
    assert_eq!(bench.call("bpf_xdp_adjust_tail", &[ctx, 6]), Ok(0));
    assert_eq!(bench.call("bpf_xdp_adjust_meta", &[ctx, 4]), Ok(0));
    assert_eq!(field(&bench, md::DATA), data - 4);
    assert_eq!(field(&bench, md::DATA_META), data - 8);
    assert_eq!(field(&bench, md::DATA_END), data + 70);
    // In bounds: from the metadata to the end.
    let space = &bench.machine.space;
    assert!(space.load::<1>(u64::from(data - 8)).is_ok());
    assert!(space.load::<1>(u64::from(data - 9)).is_err());
    assert!(space.load::<1>(u64::from(data + 69)).is_ok());
    assert!(space.load::<1>(u64::from(data + 70)).is_err());
}

#[test]
fn a_packet_that_linux_would_not_hand_over_is_refused() {
    let mut bench = Bench::new();
    let longest = 3520 + 17 * 4096;
    assert!(receive(&mut bench, &vec![0; longest], &[]).is_ok());
    let refused = |bench: &mut Bench, len, meta| match receive(bench, &vec![0; len], meta) {
        Err(Error::Packet(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(
        refused(&mut bench, longest + 1, &[]),
        InputError::TooLong { .. }
    ));
    assert!(matches!(
        refused(&mut bench, 13, &[]),
        InputError::TooShort { bytes: 13 }
    ));
    assert!(matches!(
        refused(&mut bench, 14, &[0; 6]),
        InputError::Metadata { bytes: 6 }
    ));
    let most = [0; MAX_METADATA as usize + 4];
    assert!(matches!(
        refused(&mut bench, 14, &most),
        InputError::Metadata { .. }
    ));
    assert!(receive(&mut bench, &[0; 14], &most[4..]).is_ok());
}
