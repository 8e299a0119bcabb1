//! Damaged corpus objects: whatever is cut off or overwritten, opening one ends
//! in an error or in programs, quickly and in little memory.

mod common;

use abi::ProgType;
use loader::{Object, Options};

/// Deterministic numbers (xorshift64*), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// Everything that a user would do with an object.
fn use_up(bytes: &[u8]) {
    let options = Options {
        name: "damaged.bpf.o".into(),
        prog_type: Some(ProgType::Xdp),
        ..Options::default()
    };
    let mut object = match Object::parse(bytes, &options) {
        Ok(object) => object,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    for note in object.notes() {
        assert!(!note.to_string().is_empty());
    }
    for global in object.globals().to_vec() {
        if let Some(value) = object.global_value(&global) {
            // Another variable of the same name may have another size.
            let _ = object.set_global(&global.name, &value);
        }
    }
    if let Err(error) = object.programs() {
        assert!(!error.to_string().is_empty());
    }
    for entry in object.entries() {
        if let Err(error) = object.program(&entry.name) {
            assert!(!error.to_string().is_empty());
        }
    }
}

#[test]
fn truncated() {
    let mut random = Random(0x5eed);
    for (_, bytes) in common::objects() {
        for _ in 0..200 {
            use_up(&bytes[..random.below(bytes.len())]);
        }
        use_up(&bytes[..bytes.len() - 1]);
    }
}

#[test]
fn flipped() {
    let mut random = Random(0xf11b);
    for (_, bytes) in common::objects() {
        for _ in 0..400 {
            let mut damaged = bytes.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(damaged.len());
                damaged[at] ^= 1 << random.below(8);
            }
            use_up(&damaged);
        }
    }
}

/// Numbers that sizes, counts and offsets go wrong with, in places where such
/// stand: section headers, symbols, relocations, BTF.
#[test]
fn extreme_numbers() {
    const NUMBERS: [u32; 8] = [
        0,
        1,
        7,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff,
        0xffff_fff8,
        0x10000,
    ];
    let mut random = Random(0xbad);
    for (_, bytes) in common::objects() {
        for _ in 0..400 {
            let mut damaged = bytes.clone();
            let at = random.below(damaged.len() / 4) * 4;
            let number = NUMBERS[random.below(NUMBERS.len())];
            damaged[at..at + 4].copy_from_slice(&number.to_le_bytes());
            use_up(&damaged);
        }
    }
    // A section of 256 MiB of zeroes is allowed, and copied once.
    assert!(
        peak_megabytes().is_none_or(|peak| peak < 700),
        "{:?}",
        peak_megabytes()
    );
}

/// Sections that share the bytes of one another, and symbols that share a long
/// name: small files that declare much.
#[test]
fn amplified() {
    for (_, bytes) in common::objects() {
        let table = u64::from_le_bytes(bytes[40..48].try_into().unwrap()) as usize;
        let count = u16::from_le_bytes(bytes[60..62].try_into().unwrap()) as usize;
        let mut damaged = bytes.clone();
        let len = bytes.len() as u64;
        for section in 1..count {
            let header = table + section * 64;
            // sh_offset and sh_size: the whole file.
            damaged[header + 24..header + 32].copy_from_slice(&0u64.to_le_bytes());
            damaged[header + 32..header + 40].copy_from_slice(&len.to_le_bytes());
        }
        use_up(&damaged);
    }
}

/// Most memory that this process has had, where the system tells.
fn peak_megabytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024)
}
