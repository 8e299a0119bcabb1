//! Reads of sockets: of every size at every offset, what our verifier says is what
//! the running kernel says.
#![cfg(target_os = "linux")]

use difftest::verify::filetest::FileTest;
use difftest::verify::{Compared, Judge, LinuxJudge, OurJudge, Said};
use kernel::testing::note;

/// How a program comes by each kind of socket, in `r0`, and how many bytes of it
/// to ask for.
const KINDS: [(&str, &str, i32); 4] = [
    ("sched_cls", "r0 = *(u64 *)(r1 +168)", 80),
    (
        "sched_cls",
        "r1 = *(u64 *)(r1 +168)
  if r1 == 0 goto out
  call bpf_sk_fullsock",
        80,
    ),
    (
        "sched_cls",
        "r1 = *(u64 *)(r1 +168)
  if r1 == 0 goto out
  call bpf_tcp_sock",
        112,
    ),
    (
        "xdp",
        "*(u32 *)(r10 -4) = 0
  r1 = map[sockets]
  r2 = r10
  r2 += -4
  call bpf_map_lookup_elem",
        4,
    ),
];

fn program(prog_type: &str, socket: &str, bits: u32, offset: i32) -> FileTest {
    let map = match prog_type {
        "xdp" => "; map: sockets xskmap key 4 value 4 entries 4\n",
        _ => "",
    };
    let text = format!(
        "; type: {prog_type}
{map}; expect: accepted
  {socket}
  if r0 == 0 goto out
  r0 = *(u{bits} *)(r0 {offset:+})
out:
  r0 = 0
  exit
"
    );
    FileTest::parse(&text).expect("a program")
}

#[test]
fn reads_of_sockets() {
    let Some(kernel) = kernel::testing::kernel_or_skip() else {
        return;
    };
    let mut ours = OurJudge::of(&kernel);
    let mut linux = LinuxJudge::new(kernel);
    let (mut asked, mut accepted, mut unsupported) = (0, 0, 0);
    let mut wrong = String::new();
    for (prog_type, socket, size) in KINDS {
        for bits in [8, 16, 32, 64] {
            for offset in -8..size + 8 {
                let test = program(prog_type, socket, bits, offset);
                let linux = linux.judge(&test.raw, 1).expect("an answer");
                let ours = ours.judge(&test.raw, 1).expect("an answer");
                asked += 1;
                accepted += u32::from(linux.said == Said::Accepted);
                if matches!(ours.said, Said::Unsupported(_)) {
                    unsupported += 1;
                    continue;
                }
                for difference in Compared::new(&linux, &ours).differences {
                    wrong += &format!("{socket}: u{bits} at {offset}: {difference}\n");
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(unsupported <= 2, "{unsupported} unsupported");
    note(&format!(
        "reads of sockets: {asked} asked, {accepted} accepted by Linux, {unsupported} unsupported"
    ));
}
