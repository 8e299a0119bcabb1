//! Making a failing sequence smaller.

/// The most attempts: a sequence is shrunk for a reader, not to a minimum.
const ATTEMPTS: usize = 400;

/// A subsequence of `items` for which `fails` still holds, from which no single
/// piece could be left out within a number of attempts.
pub fn shrink<T: Clone>(items: &[T], fails: &mut dyn FnMut(&[T]) -> bool) -> Vec<T> {
    let mut left = items.to_vec();
    let mut piece = left.len().div_ceil(2);
    let mut attempts = 0;
    while piece > 0 {
        let mut at = 0;
        while at < left.len() && attempts < ATTEMPTS {
            let end = (at + piece).min(left.len());
            let without = [&left[..at], &left[end..]].concat();
            attempts += 1;
            match fails(&without) {
                true => left = without,
                false => at = end,
            }
        }
        piece = if piece == 1 { 0 } else { piece.div_ceil(2) };
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_matter_goes() {
        let items: Vec<u32> = (0..100).collect();
        let small = shrink(&items, &mut |items| {
            items.contains(&17) && items.contains(&80)
        });
        assert_eq!(small, [17, 80]);
        assert!(shrink(&items, &mut |_| true).is_empty());
    }
}
