//! Broken bytes: whatever is cut off or flipped, there is an answer or an error.

use std::time::{Duration, Instant};

use btf::{Btf, TypeId, core::Resolver, ext::Ext, value};

const PROGRAM: &[u8] = include_bytes!("data/program.btf");
const EXT: &[u8] = include_bytes!("data/program.btf.ext");
const TARGET: &[u8] = include_bytes!("data/target.btf");

/// Asks everything of a graph that could be asked.
fn ask(btf: &Btf) {
    for (id, ty) in btf.types() {
        assert!(ty.name().is_empty() || ty.name() == btf.name(id));
        let _ = (
            btf.size_of(id),
            btf.align_of(id),
            btf.resolve(id),
            btf.find(ty.name(), ty.kind()),
        );
        let _ = (
            btf.type_name(id).to_string(),
            btf.declaration(id, "x").to_string(),
        );
        if let Some(size) = btf.size_of(id).filter(|&size| size < 1 << 12) {
            let decoded = value::decode(btf, id, &vec![0x41; size as usize]);
            if let Ok(decoded) = decoded {
                let _ = value::encode(btf, id, &decoded);
            }
        }
    }
}

/// Parses the three files as far as possible and relocates the one by the other.
fn relocate(program: &[u8], ext: &[u8], target: &[u8]) {
    let (Ok(program), Ok(target)) = (Btf::parse(program), Btf::parse(target)) else {
        return;
    };
    let Ok(ext) = Ext::parse(ext, &program) else {
        return;
    };
    let mut resolver = Resolver::new(&program, &target);
    for relo in ext.core_relo.iter().flat_map(|section| &section.records) {
        let _ = resolver.resolve(relo);
    }
}

/// Numbers that look random and are the same in every run (xorshift).
struct Noise(u64);

impl Noise {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    /// `bytes` with one to four of them changed: a bit flipped, or all set to a
    /// number that is likely to be a limit.
    fn damage(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            bytes[at] = match self.below(4) {
                0 => 0,
                1 => 0xff,
                2 => bytes[at].wrapping_add(1),
                _ => bytes[at] ^ 1 << self.below(8),
            };
        }
        bytes
    }
}

#[test]
fn cut_off_anywhere() {
    for len in 0..PROGRAM.len() {
        assert!(Btf::parse(&PROGRAM[..len]).is_err(), "{len}");
    }
    let program = Btf::parse(PROGRAM).unwrap();
    for len in 0..EXT.len() {
        assert!(Ext::parse(&EXT[..len], &program).is_err(), "{len}");
    }
}

#[test]
fn flipped_anywhere() {
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let mut parsed = 0;
    let mut slowest = Duration::ZERO;
    for round in 0..4000 {
        let start = Instant::now();
        match round % 3 {
            0 => {
                let bytes = noise.damage(PROGRAM);
                if let Ok(btf) = Btf::parse(&bytes) {
                    parsed += 1;
                    ask(&btf);
                }
                relocate(&bytes, EXT, TARGET);
            }
            1 => relocate(PROGRAM, &noise.damage(EXT), TARGET),
            _ => relocate(PROGRAM, EXT, &noise.damage(TARGET)),
        }
        slowest = slowest.max(start.elapsed());
    }
    assert!(parsed > 300, "only {parsed} survived: nothing was tested");
    assert!(slowest < Duration::from_secs(5), "one took {slowest:?}");
}

/// Every word of the types in turn set to values around limits.
#[test]
fn words_at_their_limits() {
    let types = 24..24 + u32::from_le_bytes(TARGET[12..16].try_into().unwrap()) as usize;
    for at in types.step_by(4) {
        for word in [
            0,
            1,
            0x7fff_ffff,
            0x8000_0000,
            0xffff_ffff,
            0x8400_ffff,
            0x0d00_ffff,
        ] {
            let mut bytes = TARGET.to_vec();
            bytes[at..at + 4].copy_from_slice(&u32::to_le_bytes(word));
            if let Ok(btf) = Btf::parse(&bytes) {
                assert!(btf.ty(TypeId(btf.len())).is_none());
                relocate(PROGRAM, EXT, &bytes);
            }
        }
    }
}
