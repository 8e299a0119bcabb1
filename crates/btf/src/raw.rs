//! Little-endian words out of bytes.

/// The 32-bit word that starts `at` bytes into `bytes`.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(word.try_into().ok()?))
}

/// The 16-bit word that starts `at` bytes into `bytes`.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let word = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(word.try_into().ok()?))
}

/// A run of records of `N` 32-bit words each.
///
/// The length has been checked by whoever makes one, so that reading never
/// comes up short; a record beyond the end would read as zeros.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Records<'a, const N: usize>(pub(crate) &'a [u8]);

impl<'a, const N: usize> Records<'a, N> {
    pub(crate) fn len(self) -> usize {
        self.0.len() / (4 * N)
    }

    pub(crate) fn get(self, index: usize) -> Option<[u32; N]> {
        let start = index.checked_mul(4 * N)?;
        let record = self.0.get(start..start.checked_add(4 * N)?)?;
        Some(words(record))
    }

    pub(crate) fn iter(self) -> impl ExactSizeIterator<Item = [u32; N]> + DoubleEndedIterator + 'a {
        self.0.chunks_exact(4 * N).map(words)
    }
}

fn words<const N: usize>(record: &[u8]) -> [u32; N] {
    std::array::from_fn(|i| u32_at(record, 4 * i).unwrap_or(0))
}
