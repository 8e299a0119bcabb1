//! What `difftest::speed` measures, on programs whose cost is known.

use difftest::speed::{Spread, Untimed, race};
use difftest::{CannotAsk, Interpreter, Party, Session, Subject};

const PACKET: [u8; 60] = [0; 60];

fn subject(text: &str) -> Subject {
    let code = isa::asm::assemble(text).expect("a program");
    Subject::xdp("speed", code.slots().to_vec(), Vec::new())
}

#[test]
fn a_loop_takes_longer_than_nothing() {
    let text = "r1 = 10000\nagain: r1 += -1\nif r1 != 0 goto again\nr0 = 2\nexit";
    let packets = [PACKET.to_vec(), vec![0; 100]];
    let times = race(&subject(text), &packets, &mut [Box::new(Interpreter)]);
    let [Ok(time)] = times[..] else {
        panic!("{times:?}");
    };
    // 20,000 instructions, of which no interpreter runs ten in a nanosecond.
    assert!(time.program_ns() > 2_000.0, "{time:?}");
    assert!(time.empty_ns < time.packet_ns, "{time:?}");
}

/// Somebody who gets everything wrong, and fast.
struct Liar;

impl Party for Liar {
    fn name(&self) -> &'static str {
        "liar"
    }

    fn is_deterministic(&self) -> bool {
        true
    }

    fn open(&mut self, _: &Subject) -> Result<Box<dyn Session>, CannotAsk> {
        Interpreter.open(&subject("r0 = 1\nexit"))
    }
}

#[test]
fn a_wrong_answer_is_not_timed() {
    let times = race(
        &subject("r0 = 2\nexit"),
        &[PACKET.to_vec()],
        &mut [Box::new(Interpreter), Box::new(Liar)],
    );
    assert!(times[0].is_ok());
    assert!(matches!(times[1], Err(Untimed::Differs { packet: 0 })));
}

#[test]
fn packets_are_taken_from_everywhere() {
    let mut spread = Spread::new(8);
    for number in 0..1000u32 {
        let mut packet = PACKET.to_vec();
        packet[..4].copy_from_slice(&number.to_le_bytes());
        spread.offer(&packet);
    }
    spread.offer(&[0; 13]);
    assert_eq!(spread.seen(), 1000);
    let kept = spread.packets().iter();
    let kept: Vec<_> = kept
        .map(|p| u32::from_le_bytes([p[0], p[1], p[2], p[3]]))
        .collect();
    assert_eq!(kept, [0, 128, 256, 384, 512, 640, 768, 896]);
}
