//! Random inputs of the kernel functions of XDP: dynptrs to packets and to memory,
//! iterators, strings.
//!
//! A program calls them on what map `input` holds and leaves what they return in
//! map `results`.

use std::fmt::Write;

use super::Random;
use crate::Subject;
use crate::verify::filetest::FileTest;

/// Words of a question, each 8 bytes.
pub const WORDS: usize = 16;
/// Bytes of a question: the words, and memory to work on.
pub const INPUT: usize = 8 * WORDS + MEMORY;
/// Bytes of memory.
const MEMORY: usize = 512;
/// Bytes of a slice.
const SLICE: usize = 40;

/// A program being written: results are numbered as they come.
struct Writer {
    text: String,
    results: usize,
}

impl Writer {
    /// `r7` is the input, `r9` the results.
    fn new() -> Writer {
        let text = "r6 = r1\nr7 = map[input]+0\nr9 = map[results]+0\n".to_owned();
        Writer { text, results: 0 }
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Calls a function; arguments are assigned in order. Keeps what it returns.
    fn call(&mut self, name: &str, args: &[&str]) {
        for (n, arg) in (1..).zip(args) {
            match arg.strip_prefix('&') {
                Some(offset) => {
                    let _ = writeln!(self.text, "r{n} = r10\nr{n} += {offset}");
                }
                None => {
                    let _ = writeln!(self.text, "r{n} = {arg}");
                }
            }
        }
        let _ = writeln!(self.text, "call {name}");
    }

    fn keep(&mut self, register: &str) {
        let at = 8 * self.results;
        let _ = writeln!(self.text, "*(u64 *)(r9 +{at}) = {register}");
        self.results += 1;
    }

    fn kept(&mut self, name: &str, args: &[&str]) {
        self.call(name, args);
        self.keep("r0");
    }

    fn subject(mut self, name: &str, frags: bool) -> Subject {
        self.line("r0 = 2\nexit");
        let flags = if frags {
            "; flags: xdp_has_frags\n"
        } else {
            ""
        };
        let text = format!(
            "; type: xdp\n{flags}\
             ; map: input array key 4 value {INPUT} entries 1\n\
             ; map: results array key 4 value {} entries 1\n{}",
            8 * self.results,
            self.text,
        );
        subject(name, &text)
    }
}

/// A subject of a file test's text, whose program is `entry`.
pub fn subject(name: &str, text: &str) -> Subject {
    let test = FileTest::parse(text).unwrap_or_else(|error| panic!("{error} in\n{text}"));
    let mut program = test.raw.program;
    "entry".clone_into(&mut program.name);
    "xdp".clone_into(&mut program.section);
    program.attach_type = Some(abi::AttachType::Xdp);
    Subject::new(name, vec![program], "entry")
}

/// The word of a question.
fn word(n: usize) -> String {
    format!("*(u64 *)(r7 +{})", 8 * n)
}

/// Everything that is done with a dynptr; of the packet, or of memory.
pub fn dynptrs(packet: bool) -> Subject {
    let mut w = Writer::new();
    let input: Vec<String> = (0..WORDS).map(word).collect();
    if packet {
        w.kept("bpf_dynptr_from_xdp", &["r6", &input[0], "&-16"]);
    } else {
        w.line(&format!(
            "r2 = {}\nif r2 <= {MEMORY} goto fits\nr2 = 0\nfits:",
            input[15]
        ));
        let at = 8 * WORDS;
        w.line(&format!(
            "r1 = r7\nr1 += {at}\nr3 = {}\nr4 = r10\nr4 += -16",
            input[0]
        ));
        w.line("call bpf_dynptr_from_mem");
        w.keep("r0");
    }
    for (n, (from, to)) in [(1, 2), (3, 4)].into_iter().enumerate() {
        w.kept("bpf_dynptr_size", &["&-16"]);
        // Of a `bool` Linux leaves 8 bits.
        for question in ["bpf_dynptr_is_null", "bpf_dynptr_is_rdonly"] {
            w.call(question, &["&-16"]);
            w.line("r0 &= 255");
            w.keep("r0");
        }
        w.kept("bpf_dynptr_adjust", &["&-16", &input[from], &input[to]]);
        if n == 0 {
            w.kept("bpf_dynptr_clone", &["&-16", "&-32"]);
        }
    }
    for dynptr in ["&-16", "&-32"] {
        w.line("r8 = 0x5555555555555555");
        for at in (0..SLICE).step_by(8) {
            w.line(&format!("*(u64 *)(r10 -{}) = r8", 48 + at));
        }
        let buffer = format!("&-{}", 48 + SLICE - 8);
        let len = SLICE.to_string();
        for (function, offset) in [("bpf_dynptr_slice", 5), ("bpf_dynptr_slice_rdwr", 6)] {
            for (kind, buffer) in [("no", "0"), ("a", buffer.as_str())] {
                let label = format!("none_{function}_{kind}_{}", w.results);
                w.line("r8 = 0x77");
                w.call(function, &[dynptr, &input[offset], buffer, &len]);
                w.line(&format!("if r0 == 0 goto {label}"));
                w.line(&format!(
                    "r8 = *(u64 *)(r0 +0)\nr1 = *(u64 *)(r0 +{})",
                    SLICE - 8
                ));
                w.line("r8 += r1");
                if function.ends_with("rdwr") {
                    w.line("*(u32 *)(r0 +4) = 0x01020304");
                }
                w.line(&format!("{label}:"));
                w.keep("r8");
            }
        }
        for at in (0..SLICE).step_by(8) {
            w.line(&format!("r8 = *(u64 *)(r10 -{})", 48 + at));
            w.keep("r8");
        }
        w.kept(
            "bpf_dynptr_read",
            &[&buffer, "24", dynptr, &input[7], &input[8]],
        );
        w.line(&format!("r8 = *(u64 *)(r10 -{})", 48 + SLICE - 8));
        w.keep("r8");
        w.kept(
            "bpf_dynptr_write",
            &[dynptr, &input[9], &buffer, "24", &input[8]],
        );
        w.kept(
            "bpf_dynptr_memset",
            &[dynptr, &input[10], &input[11], &input[12]],
        );
    }
    let copy = ["&-16", &input[13], "&-32", &input[14], &input[11]];
    w.kept("bpf_dynptr_copy", &copy);
    let name = if packet {
        "dynptrs to packets"
    } else {
        "dynptrs to memory"
    };
    w.subject(name, packet)
}

/// A question for [`dynptrs`], with the bytes that the dynptr is to hold.
pub fn input(random: &mut Random, len: usize) -> Vec<u8> {
    let mut words = [0u64; WORDS];
    let near = |random: &mut Random| match random.below(12) {
        0 => random.edge(),
        1..4 => random.below(64),
        4 => (len as u64 + random.below(5)).wrapping_sub(2),
        _ => random.below(len as u64 + 1),
    };
    for word in &mut words {
        *word = near(random);
    }
    let rarely = |random: &mut Random| if random.percent(4) { random.edge() } else { 0 };
    words[0] = rarely(random);
    // Mostly a part that is there.
    if random.percent(85) {
        words[1] = random.below(20);
        words[2] = len as u64 - random.below(20).min(len as u64 / 2);
        words[3] = random.below(10);
        words[4] = words[2].saturating_sub(words[1]);
    }
    words[8] = rarely(random);
    // What a copy onto itself leaves of a packet in several pieces is Linux's
    // `memcpy`'s to say.
    let low = |word: u64| u64::from(word as u32);
    let apart = low(words[13]).abs_diff(low(words[14]));
    words[11] = low(words[11]).min(apart.saturating_sub(low(words[3])));
    let mut input: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    input.extend(random.bytes(MEMORY));
    input
}

/// Iterators over numbers and bits.
pub fn iterators() -> Subject {
    let mut w = Writer::new();
    let input: Vec<String> = (0..WORDS).map(word).collect();
    for walk in 0..2 {
        w.kept(
            "bpf_iter_num_new",
            &["&-8", &input[2 * walk], &input[2 * walk + 1]],
        );
        for step in 0..4 {
            w.call("bpf_iter_num_next", &["&-8"]);
            w.line(&format!(
                "r8 = 0x77777777777\nif r0 == 0 goto none_{walk}_{step}"
            ));
            w.line(&format!("r8 = *(s32 *)(r0 +0)\nnone_{walk}_{step}:"));
            w.keep("r8");
        }
        w.call("bpf_iter_num_destroy", &["&-8"]);
    }
    for (walk, words) in ["1", "3", input[4].as_str()].into_iter().enumerate() {
        let memory = format!("{}", 8 * WORDS);
        w.line(&format!("r8 = r7\nr8 += {memory}"));
        w.kept("bpf_iter_bits_new", &["&-24", "r8", words]);
        for step in 0..8 {
            w.call("bpf_iter_bits_next", &["&-24"]);
            w.line(&format!(
                "r8 = 0x77777777777\nif r0 == 0 goto end_{walk}_{step}"
            ));
            w.line(&format!("r8 = *(s32 *)(r0 +0)\nend_{walk}_{step}:"));
            w.keep("r8");
        }
        w.call("bpf_iter_bits_destroy", &["&-24"]);
    }
    w.subject("iterators", false)
}

/// A question for [`iterators`].
pub fn walks(random: &mut Random) -> Vec<u8> {
    let mut words = [0u64; WORDS];
    for pair in words.chunks_mut(2) {
        pair[0] = random.edge();
        pair[1] = match random.percent(70) {
            true => pair[0].wrapping_add(random.below(6)),
            false => random.edge(),
        };
    }
    words[4] = random.pick(&[0, 1, 2, 8, 64, 512, 513, 1 << 20, u64::from(u32::MAX)]);
    let mut input: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    // Few bits, so that walks end.
    let sparse = random.percent(50);
    input.extend((0..MEMORY).map(|_| match sparse && random.percent(95) {
        true => 0,
        false => random.number() as u8,
    }));
    input
}

/// Strings.
pub fn strings() -> Subject {
    let mut w = Writer::new();
    let at = 8 * WORDS;
    let (first, second) = ("r8", "r6");
    w.line(&format!(
        "r8 = r7\nr8 += {at}\nr6 = r7\nr6 += {}",
        at + MEMORY / 2
    ));
    let (char, count) = (word(0), word(1));
    for args in [[first, second], [second, first]] {
        let [s, t] = args;
        w.kept("bpf_strcmp", &[s, t]);
        w.kept("bpf_strcasecmp", &[s, t]);
        w.kept("bpf_strchr", &[s, &char]);
        w.kept("bpf_strchrnul", &[s, &char]);
        w.kept("bpf_strnchr", &[s, &count, &char]);
        w.kept("bpf_strrchr", &[s, &char]);
        w.kept("bpf_strlen", &[s]);
        w.kept("bpf_strnlen", &[s, &count]);
        w.kept("bpf_strspn", &[s, t]);
        w.kept("bpf_strcspn", &[s, t]);
        w.kept("bpf_strstr", &[s, t]);
        w.kept("bpf_strnstr", &[s, t, &count]);
    }
    w.subject("strings in kernel functions", false)
}

/// A question for [`strings()`].
pub fn texts(random: &mut Random) -> Vec<u8> {
    let mut words = [0u64; WORDS];
    words[0] = u64::from(random.pick(b"abAB\0\xff\xc0\xe0z"));
    words[1] = random.pick(&[0, 1, 2, 3, 4, 5, 8, 20, 1 << 40, u64::MAX]);
    let mut input: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut text = |most: u64| {
        let len = random.below(most) as usize;
        let mut text: Vec<u8> = (0..len)
            .map(|_| random.pick(b"aaaabbbABz\xc0\xe0"))
            .collect();
        text.resize(MEMORY / 2, 0);
        text
    };
    let first = text(40);
    let mut second = text(5);
    let same = first[1] & 1 == 0;
    if same {
        second.clone_from(&first);
        second[usize::from(first[2] % 8)] ^= 0x20;
    }
    input.extend(first);
    input.extend(second);
    input
}
