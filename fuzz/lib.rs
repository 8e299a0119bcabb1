//! The way from libFuzzer to [`difftest::fuzz::bytes`], where all the rest is.
#![allow(missing_docs, reason = "read by the targets beside it alone")]

pub use difftest::fuzz::bytes::Target;
pub use libfuzzer_sys;

use libfuzzer_sys::fuzzer_mutate;

/// The target of this name, which there is.
pub fn named(name: &str) -> &'static Target {
    Target::named(name).expect("a target for each binary")
}

/// Changes the first `size` of these bytes as the target does, or as libFuzzer does;
/// how many there are then.
pub fn mutate(target: &Target, data: &mut [u8], size: usize, max: usize, seed: u32) -> usize {
    let Some(mutate) = target.mutate else {
        return fuzzer_mutate(data, size, max);
    };
    let mut bytes = data[..size].to_vec();
    mutate(&mut bytes, max, seed.into(), &mut |bytes, max| {
        // libFuzzer makes nothing of nothing.
        if max == 0 {
            return;
        }
        let size = bytes.len().min(max);
        bytes.resize(max, 0);
        let size = fuzzer_mutate(bytes, size, max);
        bytes.truncate(size);
    });
    let size = bytes.len().min(max);
    data[..size].copy_from_slice(&bytes[..size]);
    size
}

/// What libFuzzer calls for this target.
#[macro_export]
macro_rules! target {
    ($name:literal) => {
        use std::sync::LazyLock;
        use $crate::libfuzzer_sys;

        static TARGET: LazyLock<&$crate::Target> = LazyLock::new(|| $crate::named($name));

        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (TARGET.run)(bytes));
        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max: usize, seed: u32| {
            $crate::mutate(&TARGET, data, size, max, seed)
        });
    };
}
