//! Bugs in the readers of files: bytes of objects that are changed until one
//! falls over.

use std::path::Path;

use inject::Bug;

use super::Search;
use crate::CannotAsk;
use crate::families::{Random, Seed};
use crate::fuzz::bytes::Target;
use crate::fuzz::panics::caught;

/// Builds that bring bugs back are made where the corpus is.
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus");
/// The most bytes of a file.
const MOST: usize = 64 << 10;
/// How often a file is changed.
const CHANGES: u64 = 4;

pub(super) fn seek(search: &mut Search<'_>) -> Result<(), CannotAsk> {
    let missing = |what: String| CannotAsk::Missing { missing: what };
    let bug = search.task.bug;
    let name = match bug {
        Bug::Cve2026_45839 => "core",
        _ => "elf",
    };
    let target = Target::named(name).ok_or_else(|| missing(format!("no target {name}")))?;
    let seeds = (target.seeds)(Path::new(CORPUS)).map_err(|error| missing(error.to_string()))?;
    let words = (target.words)();
    search.start = super::cpu_time();
    let mut index = 0;
    while search.goes_on() {
        let mut random = Random::new(search.task.seed, index);
        let mut bytes = random.pick(&seeds);
        for _ in 0..1 + random.below(CHANGES) {
            change(target, &mut bytes, &mut random, &words);
        }
        let run = || caught(|| (target.run)(&bytes));
        let with = {
            let _injected = inject::inject(bug);
            run()
        };
        if let Err(panic) = with
            && run().is_ok()
        {
            search.found(index, &panic.finding());
        }
        index += 1;
    }
    Ok(())
}

/// One change, with regard to what the bytes mean or without.
fn change(target: &Target, bytes: &mut Vec<u8>, random: &mut Random, words: &[Vec<u8>]) {
    let (bits, mut inner) = (random.number(), Random::new(Seed(random.number()), 0));
    let mut plain = |bytes: &mut Vec<u8>, _: usize| overwrite(bytes, &mut inner, words);
    match target.mutate {
        Some(mutate) if bits & 7 != 0 => mutate(bytes, MOST, bits >> 3, &mut plain),
        _ => plain(bytes, MOST),
    }
}

/// Puts a number that is often of interest, or a word of the format, anywhere.
fn overwrite(bytes: &mut [u8], random: &mut Random, words: &[Vec<u8>]) {
    let any = random.number();
    let number = random.pick(&[0, 1, 0x7f, 0xff, 0x7fff_ffff, u64::MAX, any]);
    let number = number.to_le_bytes();
    let size = random.pick(&[1_usize, 2, 4, 8]);
    let patch = match words.is_empty() || random.percent(60) {
        true => &number[..size],
        false => &words[random.below(words.len() as u64) as usize][..],
    };
    let Some(room) = bytes.len().checked_sub(patch.len()) else {
        return;
    };
    let at = random.below(room as u64 + 1) as usize;
    bytes[at..at + patch.len()].copy_from_slice(patch);
}
